"""What people send, read and checked: every refusal says which member is wrong and what would be right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.refusals import FieldMissing, FieldTooLong
from andaman.kernel.words import Words

TEXT_MAX = 4000


def members(raw: Any, allowed: Sequence[str], needed: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON object itself, after a look at its members."""
    if not isinstance(raw, dict):
        raise BadRequestData("The body must be a JSON object")
    for key in raw:
        if key not in allowed:
            raise BadRequestData(f"{key} is not known here; allowed are {', '.join(allowed)}", field=key)
    for key in needed:
        if raw.get(key) in (None, ""):
            raise FieldMissing(field=key)
    return raw


def text(raw: dict[str, Any], key: str, limit: int = TEXT_MAX) -> str:
    """A text without control characters, empty where there is none."""
    found = raw.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRequestData(f"{key} must be a text", field=key)
    found = found.strip()
    if len(found) > limit or any(ord(c) < 32 and c not in "\n\t" for c in found):
        raise FieldTooLong(field=key, limit=limit)
    return found


def uri(raw: dict[str, Any], key: str) -> str:
    found = text(raw, key, 2048)
    if found and not is_uri(found):
        raise BadRequestData(f"{key} must be the id of an entity, not {found!r}", field=key)
    return found


def words(raw: dict[str, Any], key: str) -> Words:
    """``{"th": …, "en": …}`` with a text in both."""
    found = members(raw.get(key), ("th", "en"), ("th", "en"))
    return Words(text(found, "th"), text(found, "en"))


def point(raw: Any, key: str) -> dict[str, Any]:
    """A GeoJSON Point on Earth."""
    if isinstance(raw, dict) and raw.get("type") == "Point":
        at = raw.get("coordinates")
        if (
            isinstance(at, list)
            and len(at) in (2, 3)
            and all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in at)
            and abs(at[0]) <= 180
            and abs(at[1]) <= 90
        ):
            return {"type": "Point", "coordinates": at}
    raise BadRequestData(
        f'{key} must be a GeoJSON Point such as {{"type": "Point", "coordinates": [98.39, 7.88]}}', field=key
    )
