"""Geometries of GeoProperties: GeoJSON without GeometryCollection (CIM 009 §4.7; RFC 7946 §3.1)."""

from __future__ import annotations

from typing import Any, Final

import orjson

from andaman.broker.entity.self_intersection import MOST_CROSSINGS, crosses_too_often
from andaman.kernel.errors import BadRequestData

_DEPTH: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
GEOMETRY_TYPES: Final = frozenset(_DEPTH)
_POSITIONS_MAX: Final = 200_000


def looks_like_geometry(value: Any) -> bool:
    """True where concise input means a GeoProperty: an object with a geometry's type and coordinates (§4.5.2.3)."""
    if not isinstance(value, dict) or "coordinates" not in value:
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in GEOMETRY_TYPES


def check_geometry(value: Any, where: str) -> dict[str, Any]:
    """A valid geometry object; a text is read as JSON first (§4.7.2). Raises BadRequestData naming ``where``."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise _bad(where, "the text is not a GeoJSON geometry") from None
    if not isinstance(value, dict):
        raise _bad(where, "it must be a GeoJSON geometry")
    kind = value.get("type")
    coordinates = value.get("coordinates")
    if kind == "Point":  # by far the most frequent
        _position(coordinates, where)
        return value
    if not isinstance(kind, str) or kind not in GEOMETRY_TYPES:
        raise _bad(where, f"its type must be one of {', '.join(sorted(GEOMETRY_TYPES))}")
    budget = [_POSITIONS_MAX]
    _parts(kind, coordinates, _DEPTH[kind], where, budget)
    if kind in ("Polygon", "MultiPolygon") and crosses_too_often(kind, coordinates):
        raise _bad(where, f"its rings cross more than {MOST_CROSSINGS} times")
    return value


def _parts(kind: str, value: Any, depth: int, where: str, budget: list[int]) -> None:
    if not isinstance(value, list) or not value:
        raise _bad(where, f"the coordinates of a {kind} must be nested lists of positions, none empty")
    if depth > 1:
        for part in value:
            _parts(kind, part, depth - 1, where, budget)
        return
    budget[0] -= len(value)
    if budget[0] < 0:
        raise _bad(where, f"it has more than {_POSITIONS_MAX} positions")
    for position in value:
        _position(position, where)
    if kind in ("LineString", "MultiLineString") and len(value) < 2:
        raise _bad(where, "a line needs two positions at least")
    if kind in ("Polygon", "MultiPolygon"):
        if len(value) < 4:
            raise _bad(where, "a ring needs four positions at least")
        if value[0] != value[-1]:
            raise _bad(where, "a ring must end where it begins")


def _position(value: Any, where: str) -> None:
    """Longitude, latitude and perhaps altitude, in degrees and metres, in range."""
    if type(value) is not list or not 2 <= len(value) <= 3:
        raise _bad(where, "a position must be [longitude, latitude] or [longitude, latitude, altitude]")
    for number in value:
        if type(number) is not float and type(number) is not int:
            raise _bad(where, "a position must be made of numbers")
    if not -180 <= value[0] <= 180 or not -90 <= value[1] <= 90:
        raise _bad(where, "longitude must be in -180…180 and latitude in -90…90, in this order")


def _bad(where: str, why: str) -> BadRequestData:
    return BadRequestData(f"The geometry of {where} is not valid: {why}", field=where)
