"""Answers over HTTP that are typed: the routes build them, and `make generated` writes their types for the screens."""

from __future__ import annotations

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of an answer. Every member is present; what is not known is null, 0 or empty."""
