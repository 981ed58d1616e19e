"""Answers over HTTP that are typed: the routes build them, and `make generated` writes their types for the screens."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

LiveEntity = Annotated[dict[str, Any], msgspec.Meta(extra={"screens": "LiveEntity"})]
"""An entity in the live form (docs/api.md); screens have its type in lib/live.ts."""
Geometry = Annotated[dict[str, Any], msgspec.Meta(extra={"screens": "GeoJSON.Geometry"})]


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of an answer. Every member is present; what is not known is null, 0 or empty."""
