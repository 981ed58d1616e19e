"""Queries over one table in three-valued logic: for each row "yes", "no", or "maybe: look at the document".

Every function takes ``rows`` (a slice or ascending row numbers) and gives two masks of that length, yes and maybe,
which exclude each other. ``hidden`` attributes count as absent, as in the reference evaluator.
"""

from __future__ import annotations

from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from andaman.broker.query.ast import (
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    Exists,
    GeoQuery,
    GeoRel,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    QExpr,
    Range,
    Text,
    Uri,
    Value,
)
from andaman.broker.query.columns import AREA, POINT, UNKNOWN, Bools, Column, Rows, Table
from andaman.broker.query.facts import ABSENT, BOOLEAN, NUMBER, OBJECT, OTHER, TEXT, attr_code, text_hash
from andaman.broker.query.geometry import geodesic_m, reference, search_box

_EXACT: Final = 1 << 53
_ORDERS: Final = frozenset({Cmp.GT, Cmp.GE, Cmp.LT, Cmp.LE})
Masks = tuple[Bools, Bools]
_FLAT_LIMIT_M = 100_000.0
_FLAT_ERROR = 0.01
_M_PER_DEG = 111_320.0


def _none(size: int) -> Bools:
    return np.zeros(size, dtype=np.bool_)


def _size(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def holds_q(expr: QExpr, table: Table, rows: Rows, hidden: frozenset[str]) -> Masks:
    """Masks for a ``q``."""
    match expr:
        case And(parts):
            yes, maybe = holds_q(parts[0], table, rows, hidden)
            for part in parts[1:]:
                yes2, maybe2 = holds_q(part, table, rows, hidden)
                maybe = (maybe & (yes2 | maybe2)) | (yes & maybe2)
                yes = yes & yes2
            return yes, maybe
        case Or(parts):
            yes, maybe = holds_q(parts[0], table, rows, hidden)
            for part in parts[1:]:
                yes2, maybe2 = holds_q(part, table, rows, hidden)
                yes = yes | yes2
                maybe = (maybe | maybe2) & ~yes
            return yes, maybe
        case Not(part):
            yes, maybe = holds_q(part, table, rows, hidden)
            return ~(yes | maybe), maybe
        case Exists(path) | Compare(path) | Pattern(path):
            return _holds_term(expr, path, table, rows, hidden)


def _holds_term(
    term: Exists | Compare | Pattern, path: Path, table: Table, rows: Rows, hidden: frozenset[str]
) -> Masks:
    size = _size(rows)
    first = path.links[0].attr if path.links else path.attr
    if not first:  # a member of the entity itself
        return _none(size), ~_none(size)
    column = None if first in hidden else table.columns.get(attr_code(first))
    if column is None:
        return _none(size), _none(size)
    state = column.state[rows]
    present = state != ABSENT
    if path.links or path.subs or path.member or path.keys:
        return _none(size), present
    match term:
        case Exists():
            return present, _none(size)
        case Compare(_, op, values):
            return _compare(column, state, rows, op, values)
        case Pattern():
            return _none(size), (state == TEXT) | (state == OTHER)


def _compare(
    column: Column, state: npt.NDArray[np.uint8], rows: Rows, op: Cmp, values: tuple[Value | Range, ...]
) -> Masks:
    other = state == OTHER
    if not len(column.num):
        return _none(len(state)), other
    num, bits = column.num[rows], column.bits[rows]
    holds, unsure = _none(len(state)), other
    for value in values:
        yes, maybe = _term_value(state, num, bits, op, value)
        holds |= yes
        unsure = unsure | maybe
    if op is Cmp.NE:  # here "holds" means equal to one of the values
        return (state != ABSENT) & ~holds & ~unsure, unsure & ~holds
    return holds, unsure & ~holds


def _term_value(
    state: npt.NDArray[np.uint8],
    num: npt.NDArray[np.float64],
    bits: npt.NDArray[np.int64],
    op: Cmp,
    value: Value | Range,
) -> Masks:
    """(equal or ordered as asked, undecided) for rows whose state has a value."""
    size = len(state)
    equality = op in (Cmp.EQ, Cmp.NE)
    match value:
        case Number(number):
            return (state == NUMBER) & _ordered(op, num, number), _none(size)
        case Range(Number(low), Number(high)):
            inside = _ordered(Cmp.GE, num, low) & _ordered(Cmp.LE, num, high)
            return (state == NUMBER) & inside, _none(size)
        case Range():
            return _none(size), state == TEXT
        case Boolean(truth):
            return (state == BOOLEAN) & (num == float(truth)), _none(size)
        case Text(text) | Uri(text) | Day(text):
            texts = (state == TEXT) | (state == OBJECT)
            if equality:
                return texts & (bits == text_hash(text)), _none(size)
            return _none(size), state == TEXT
        case _:  # instants and times of day: the text must be read
            return _none(size), (state == TEXT) | ((state == OBJECT) if equality else _none(size))


def _ordered(op: Cmp, num: npt.NDArray[np.float64], number: int | float) -> Bools:
    """Columns hold doubles (integers that are none are OTHER, see facts). An integer between two doubles is compared by the
    neighbour that it is rounded to."""
    if isinstance(number, int) and not -_EXACT <= number <= _EXACT:
        try:
            near = float(number)
        except OverflowError:
            near = inf if number > 0 else -inf
        if near != number:
            if op not in _ORDERS:
                return np.zeros(len(num), dtype=np.bool_)
            up = op in (Cmp.GT, Cmp.GE)
            op = (Cmp.GE if near > number else Cmp.GT) if up else (Cmp.LE if near < number else Cmp.LT)
        number = near
    match op:
        case Cmp.GT:
            return num > number
        case Cmp.GE:
            return num >= number
        case Cmp.LT:
            return num < number
        case Cmp.LE:
            return num <= number
        case _:
            return np.asarray(num == number)


def has_any(attrs: tuple[str, ...], table: Table, rows: Rows, hidden: frozenset[str]) -> Bools:
    """Rows with at least one of these attributes (exact)."""
    found = _none(_size(rows))
    for attr in attrs:
        column = None if attr in hidden else table.columns.get(attr_code(attr))
        if column is not None:
            found |= column.state[rows] != ABSENT
    return found


# -- geometry ---------------------------------------------------------------------------------------------------


def rows_for_geo(query: GeoQuery, table: Table, n: int) -> Rows:
    """Rows that can match at all, by the grid."""
    geo = table.geos.get(attr_code(query.geoproperty))
    column = table.columns.get(attr_code(query.geoproperty))
    if geo is None or column is None:
        return slice(0, n if column is not None else 0)
    box = search_box(query)
    return slice(0, n) if box is None else geo.near_rows(box, n)


def holds_geo(query: GeoQuery, table: Table, rows: Rows, hidden: frozenset[str]) -> Masks:
    """Masks for a geo query. The entity's geometry is the left side of the relation (§4.10)."""
    size = _size(rows)
    code = attr_code(query.geoproperty)
    column = None if query.geoproperty in hidden else table.columns.get(code)
    if column is None:
        return _none(size), _none(size)
    present = column.state[rows] != ABSENT
    geo = table.geos.get(code)
    if geo is None:  # nothing readable as geometry was ever stored here; an odd instance may still be one
        return _none(size), present
    state = geo.state[rows]
    x, y = geo.west[rows], geo.south[rows]
    box = search_box(query)
    points = state == POINT
    unsure = present & ((state == UNKNOWN) | (state == ABSENT))
    if box is not None:
        points &= (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
    if len(geo.east):
        east, north = geo.east[rows], geo.north[rows]
        areas = state == AREA
        if box is not None:
            areas &= (x <= box[2]) & (east >= box[0]) & (y <= box[3]) & (north >= box[1])
        unsure |= areas
    yes, maybe = _none(size), unsure
    at = np.flatnonzero(points)
    if len(at):
        sure, open_ = _points(query, x[at], y[at])
        yes[at] = sure
        maybe[at] |= open_
    return yes, maybe


def _points(query: GeoQuery, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Masks:
    """Masks for point targets."""
    ref = reference(query)
    nothing = _none(len(x))
    is_point = shapely.get_type_id(ref) == 0
    match query.georel:
        case GeoRel.NEAR if is_point:
            rx, ry = shapely.get_coordinates(ref)[0].tolist()
            return _near_point(query, x, y, rx, ry), nothing
        case GeoRel.WITHIN:
            return np.asarray(shapely.contains_xy(ref, x, y), dtype=np.bool_), nothing
        case GeoRel.INTERSECTS:
            return np.asarray(shapely.intersects_xy(ref, x, y), dtype=np.bool_), nothing
        case GeoRel.DISJOINT:
            return ~np.asarray(shapely.intersects_xy(ref, x, y), dtype=np.bool_), nothing
        case _:
            return nothing, ~nothing


def _near_point(
    query: GeoQuery, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], rx: float, ry: float
) -> Bools:
    """Within the distances of one position. A flat estimate (good to 1 % here) decides all but the rim."""
    longest = query.max_distance_m
    shortest = query.min_distance_m
    limits = [v for v in (longest, shortest) if v is not None]
    if max(limits) > _FLAT_LIMIT_M or abs(ry) > 70:
        rim = np.arange(len(x))
        near = np.ones(len(x), dtype=np.bool_)
    else:
        across = (x - rx + 180.0) % 360.0 - 180.0
        flat = np.hypot(across * np.cos(np.radians((y + ry) / 2)), y - ry) * _M_PER_DEG
        near = np.ones(len(x), dtype=np.bool_)
        close = _none(len(x))
        for limit in limits:
            close |= np.abs(flat - limit) <= limit * _FLAT_ERROR + 1.0
        if longest is not None:
            near &= flat <= longest
        if shortest is not None:
            near &= flat >= shortest
        rim = np.flatnonzero(close)
    if len(rim):
        metres = geodesic_m(x[rim], y[rim], rx, ry)
        ok = np.ones(len(rim), dtype=np.bool_)
        if longest is not None:
            ok &= metres <= longest
        if shortest is not None:
            ok &= metres >= shortest
        near[rim] = ok
    return near
