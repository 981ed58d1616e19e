"""Texts of a request → query trees. Linear time, limited depth and size, errors with position (CIM 009 §4.9–4.19).

``expand`` turns a short name into its IRI by the request's @context.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, cast

import orjson

from andaman.broker.entity.self_intersection import MOST_CROSSINGS, crosses_too_often
from andaman.broker.model import LOCATION
from andaman.broker.query.ast import (
    GeometryKind,
    GeoQuery,
    GeoRel,
    ScopeAnd,
    ScopeExpr,
    ScopeIs,
    ScopeOr,
    TypeAnd,
    TypeExpr,
    TypeIs,
    TypeOr,
)
from andaman.broker.query.geometry import MAX_POSITIONS, is_sound
from andaman.broker.query.parse_q import parse_q
from andaman.broker.query.scan import Cursor, parse_logic
from andaman.kernel.errors import BadRequestData, TooComplexQuery

__all__ = ["parse_geo", "parse_q", "parse_scope", "parse_types"]

Expand = Callable[[str], str]
_SCOPE_LEVEL = re.compile(r"[\w\-.~%:]+")
_DEPTH: Final[dict[str, int]] = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_NEAR = re.compile(r"near(;(?:max|min)Distance==[^;]*)")
_DISTANCE = re.compile(r";(max|min)Distance==(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")


def parse_types(text: str, expand: Expand) -> TypeExpr | None:
    """Type selection (§4.17): ``A``, ``A,B`` or ``A|B`` (either), ``A;B`` (both), parentheses. ``*``: None, any."""
    cursor = Cursor(text, "type")
    if text.strip() == "*":
        return None

    def term(at: Cursor) -> TypeExpr:
        start = at.at
        name = at.run(";,|() \t")
        if not name:
            at.fail("the name of an entity type", start)
        return TypeIs(expand(name))

    return parse_logic(cursor, term, TypeAnd, TypeOr, ",|")


def parse_scope(text: str) -> ScopeExpr:
    """Scope query (§4.19): ``/A/B``, ``/A/+/C`` (one level), ``/A/#`` (A and all below), ``,`` or ``|``, ``;``, ``()``."""
    return parse_logic(Cursor(text, "scopeQ"), _scope, ScopeAnd, ScopeOr, ",|")


def _scope(cursor: Cursor) -> ScopeExpr:
    cursor.take("/")
    levels: list[str] = []
    while True:
        if cursor.take("#"):
            if cursor.char == "/":
                cursor.fail("the end of the scope: '#' must be last")
            return ScopeIs(tuple(levels), below=True)
        if cursor.take("+"):
            levels.append("+")
        else:
            level = _SCOPE_LEVEL.match(cursor.text, cursor.at)
            if level is None:
                cursor.fail("a scope level such as 'Phuket', '+' or '#'")
            levels.append(level.group())
            cursor.at = level.end()
        if not cursor.take("/"):
            return ScopeIs(tuple(levels))


def parse_geo(
    georel: str,
    geometry: str,
    coordinates: str | list[Any],
    geoproperty: str | None = None,
    expand: Expand | None = None,
) -> GeoQuery:
    """Geo query (§4.10). ``georel``: ``near;maxDistance==5000``, ``within`` …; ``coordinates``: GeoJSON, as text or
    already decoded. ``geoproperty`` None: ``location``."""
    relation, longest, shortest = _georel(georel)
    if geometry not in _DEPTH:
        raise BadRequestData(
            f"geometry {geometry!r} is not known; use one of {', '.join(_DEPTH)}", field="geometry"
        )
    kind = cast(GeometryKind, geometry)
    if isinstance(coordinates, str):
        try:
            coordinates = orjson.loads(coordinates)
        except orjson.JSONDecodeError as error:
            raise BadRequestData(
                f"coordinates is not a JSON array: {error}", field="coordinates", position=error.pos
            ) from None
    budget = [MAX_POSITIONS]
    nested = _coordinates(coordinates, _DEPTH[geometry], budget)
    if crosses_too_often(kind, nested):
        raise TooComplexQuery(
            f"The {geometry} crosses itself more than {MOST_CROSSINGS} times", field="coordinates"
        )
    if not is_sound(kind, nested):
        raise BadRequestData(
            f"coordinates do not make a {geometry} (closed rings around some area, two points a line)",
            field="coordinates",
        )
    name = geoproperty or "location"
    iri = LOCATION if name in ("location", LOCATION) or expand is None else expand(name)
    return GeoQuery(relation, kind, nested, iri, longest, shortest)


def _georel(text: str) -> tuple[GeoRel, float | None, float | None]:
    text = text.strip()
    if not text.startswith("near"):
        try:
            return GeoRel(text), None, None
        except ValueError:
            raise BadRequestData(
                f"georel {text[:60]!r} is not known; use near;maxDistance==metres, within, contains, overlaps, "
                "intersects, equals or disjoint",
                field="georel",
            ) from None
    shape = _NEAR.fullmatch(text)
    found = _DISTANCE.findall(shape.group(1)) if shape else []
    limits = {which: float(metres) for which, metres in found}
    complete = shape is not None and len(found) == shape.group(1).count(";") == 1
    if not complete or not all(0 < metres < math.inf for metres in limits.values()):
        raise BadRequestData(
            f"georel {text[:60]!r} does not say how near; write near;maxDistance==2000 or near;minDistance==100 "
            "(metres, more than 0)",
            field="georel",
        )
    return GeoRel.NEAR, limits.get("max"), limits.get("min")


def _coordinates(value: Any, depth: int, budget: list[int]) -> tuple[Any, ...]:
    """Nested lists → nested tuples of floats, ``depth`` levels above a position."""
    if not isinstance(value, list | tuple) or not value:
        raise BadRequestData(
            "coordinates are nested too shallow or empty for this geometry", field="coordinates"
        )
    if depth > 0:
        return tuple(_coordinates(part, depth - 1, budget) for part in value)
    budget[0] -= 1
    if budget[0] < 0:
        raise TooComplexQuery(f"coordinates have more than {MAX_POSITIONS} positions", field="coordinates")
    numbers = [
        float(v) for v in value[:3] if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e9
    ]
    if len(numbers) != len(value) or not 2 <= len(value) <= 3:
        raise BadRequestData(
            f"a position is [longitude, latitude], not {str(value)[:60]}", field="coordinates"
        )
    if abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        swapped = [numbers[1], numbers[0]]
        hint = f"; did you mean {swapped}?" if abs(swapped[0]) <= 180 and abs(swapped[1]) <= 90 else ""
        raise BadRequestData(
            f"position {numbers} is not on Earth: longitude −180…180 comes first, then latitude −90…90 "
            f"(RFC 7946 §3.1.1){hint}",
            field="coordinates",
        )
    return (numbers[0], numbers[1])
