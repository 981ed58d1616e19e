"""One digest of JSON content."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec


def content_digest(content: Any) -> str:
    """SHA-256 in hexadecimal: equal for equal JSON, in any order of its members."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
