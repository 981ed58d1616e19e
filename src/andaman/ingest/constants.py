"""Constants of a mapping file as they are stored: the written value equals the value read back, so they make no event."""

from __future__ import annotations

import math
from datetime import date, time
from typing import Any, Final

import orjson

from andaman.broker.api import Instance, build, check_json

MAX_BYTES: Final = 256 * 1024
"""Of one constant, as of a message."""


def read_constant(name: str, value: Any) -> Instance:
    """A Property; a LanguageProperty of {th, en}; a place of {lon, lat}. Raises ValueError or BadRequestData."""
    if isinstance(value, dict):
        if value and set(value) <= {"th", "en"} and all(isinstance(text, str) for text in value.values()):
            made = build.lang(**value)
        elif set(value) == {"lon", "lat"}:
            made = build.geo({"type": "Point", "coordinates": _point(value["lon"], value["lat"])})
        else:
            raise ValueError(
                'a constant is a value, a name {th = "…", en = "…"}, or a place {lon = 98.39, lat = 7.88}'
            )
    else:
        made = build.prop(_plain(value))
    check_json(made, name)
    if len(orjson.dumps(made)) > MAX_BYTES:
        raise ValueError(
            f"a constant has at most {MAX_BYTES >> 10} KB; the entity it belongs to can be written once by hand"
        )
    return made


def _point(lon: Any, lat: Any) -> list[float]:
    for name, value in (("lon", lon), ("lat", lat)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            shown = f'"{value}"' if isinstance(value, str) else value
            raise ValueError(
                f"{name} is a number of degrees such as {'98.39' if name == 'lon' else '7.88'}, not {shown}"
            )
    if abs(lat) > 90 >= abs(lon) and abs(lat) <= 180:
        raise ValueError(
            f"lat = {lat} is not a latitude (-90 to 90); exchanged? Write {{lon = {lat}, lat = {lon}}}"
        )
    if abs(lon) > 180 or abs(lat) > 90:
        raise ValueError(
            f"lon = {lon}, lat = {lat} is not a place: lon is within -180 to 180, lat within -90 to 90"
        )
    return [float(lon), float(lat)]


def _plain(value: Any) -> Any:
    """As JSON has it: TOML's dates and times become ISO 8601 texts."""
    if isinstance(value, (date, time)):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
