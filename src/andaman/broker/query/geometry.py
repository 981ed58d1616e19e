"""Geometry of queries: predicates by GEOS on plain longitude/latitude, distances along the WGS 84 ellipsoid.

Distances are geodesics by Vincenty's inverse formula (Survey Review 23, 1975): better than a millimetre, except for
almost antipodal pairs, where the formula does not converge and the great circle stands in (0.5 %). Between shapes
that are not points, the closest pair of positions is found in a plane scaled by the cosine of the latitude, then
measured along the ellipsoid. Edges that cross the antimeridian must be split (RFC 7946 §3.1.9).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import shape

from andaman.broker.entity.self_intersection import crosses_itself
from andaman.broker.query.ast import GeoQuery, GeoRel

Floats = npt.NDArray[np.float64]
Numbers = Floats | float

Predicate = Callable[[Any], Any]

MAX_POSITIONS: Final = 20_000
_LINE: Final = 2  # GEOS type ids: 0 point, 1 line, 2 ring, then areas and collections
_A: Final = 6_378_137.0
_F: Final = 1 / 298.257223563
_B: Final = _A * (1 - _F)
_MEAN_RADIUS: Final = 6_371_008.8


def geodesic_m(lon1: Numbers, lat1: Numbers, lon2: Numbers, lat2: Numbers) -> Floats:
    """Distances in metres between positions in degrees; the four arrays broadcast."""
    lon1, lat1, lon2, lat2 = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    )
    u1 = np.arctan((1 - _F) * np.tan(np.radians(lat1)))
    u2 = np.arctan((1 - _F) * np.tan(np.radians(lat2)))
    su1, cu1, su2, cu2 = np.sin(u1), np.cos(u1), np.sin(u2), np.cos(u2)
    along = np.radians((lon2 - lon1 + 180.0) % 360.0 - 180.0)
    lam = along.copy()
    with np.errstate(all="ignore"):
        for _ in range(40):
            sl, cl = np.sin(lam), np.cos(lam)
            s_sigma = np.hypot(cu2 * sl, cu1 * su2 - su1 * cu2 * cl)
            c_sigma = su1 * su2 + cu1 * cu2 * cl
            sigma = np.arctan2(s_sigma, c_sigma)
            s_alpha = np.where(s_sigma == 0, 0.0, cu1 * cu2 * sl / np.where(s_sigma == 0, 1.0, s_sigma))
            c2_alpha = 1 - s_alpha**2
            c2m = np.where(
                c2_alpha == 0, 0.0, c_sigma - 2 * su1 * su2 / np.where(c2_alpha == 0, 1.0, c2_alpha)
            )
            c = _F / 16 * c2_alpha * (4 + _F * (4 - 3 * c2_alpha))
            turn = sigma + c * s_sigma * (c2m + c * c_sigma * (2 * c2m**2 - 1))
            new = along + (1 - c) * _F * s_alpha * turn
            step = np.abs(new - lam)
            lam = new
            if not np.any(step > 1e-12):
                break
        w2 = c2_alpha * (_A**2 - _B**2) / _B**2
        a = 1 + w2 / 16384 * (4096 + w2 * (-768 + w2 * (320 - 175 * w2)))
        b = w2 / 1024 * (256 + w2 * (-128 + w2 * (74 - 47 * w2)))
        inner = c_sigma * (2 * c2m**2 - 1) - b / 6 * c2m * (4 * s_sigma**2 - 3) * (4 * c2m**2 - 3)
        metres = _B * a * (sigma - b * s_sigma * (c2m + b / 4 * inner))
    astray = (step > 1e-9) | ~np.isfinite(metres)
    if np.any(astray):
        p1, p2 = np.radians(lat1[astray]), np.radians(lat2[astray])
        h = np.sin((p2 - p1) / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin(along[astray] / 2) ** 2
        metres[astray] = 2 * _MEAN_RADIUS * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
    out: Floats = metres
    return out


def distance_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """``geodesic_m`` of one pair of positions: the same formula without arrays, a hundred times faster."""
    u1 = math.atan((1 - _F) * math.tan(math.radians(lat1)))
    u2 = math.atan((1 - _F) * math.tan(math.radians(lat2)))
    su1, cu1, su2, cu2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    along = lam = math.radians((lon2 - lon1 + 180.0) % 360.0 - 180.0)
    for _ in range(40):
        sl, cl = math.sin(lam), math.cos(lam)
        s_sigma = math.hypot(cu2 * sl, cu1 * su2 - su1 * cu2 * cl)
        c_sigma = su1 * su2 + cu1 * cu2 * cl
        sigma = math.atan2(s_sigma, c_sigma)
        s_alpha = cu1 * cu2 * sl / s_sigma if s_sigma else 0.0
        c2_alpha = 1 - s_alpha**2
        c2m = c_sigma - 2 * su1 * su2 / c2_alpha if c2_alpha else 0.0
        c = _F / 16 * c2_alpha * (4 + _F * (4 - 3 * c2_alpha))
        turn = sigma + c * s_sigma * (c2m + c * c_sigma * (2 * c2m**2 - 1))
        before, lam = lam, along + (1 - c) * _F * s_alpha * turn
        if abs(lam - before) <= 1e-12:
            break
    else:
        return float(geodesic_m(lon1, lat1, lon2, lat2)[0])  # almost antipodal
    w2 = c2_alpha * (_A**2 - _B**2) / _B**2
    a = 1 + w2 / 16384 * (4096 + w2 * (-768 + w2 * (320 - 175 * w2)))
    b = w2 / 1024 * (256 + w2 * (-128 + w2 * (74 - 47 * w2)))
    inner = c_sigma * (2 * c2m**2 - 1) - b / 6 * c2m * (4 * s_sigma**2 - 3) * (4 * c2m**2 - 3)
    return _B * a * (sigma - b * s_sigma * (c2m + b / 4 * inner))


def point_stands(query: GeoQuery, value: Any) -> bool | None:
    """Does a point stand in the relation? None where it takes the general way to tell.

    Far from what is asked for, a look at the box tells; near a point, one distance does.
    """
    if not isinstance(value, dict) or value.get("type") != "Point":
        return None
    xy = value.get("coordinates")
    if not isinstance(xy, list) or not 2 <= len(xy) <= 3:
        return None
    x, y = xy[0], xy[1]
    if type(x) not in (int, float) or type(y) not in (int, float) or not abs(x) <= 180 or not abs(y) <= 90:
        return None
    box = search_box(query)
    if box is not None and not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
        return False
    if query.georel is not GeoRel.NEAR or query.geometry != "Point":
        return None
    metres = distance_m(x, y, float(query.coordinates[0]), float(query.coordinates[1]))
    return (query.max_distance_m is None or metres <= query.max_distance_m) and (
        query.min_distance_m is None or metres >= query.min_distance_m
    )


def is_sound(kind: str, coordinates: tuple[Any, ...]) -> bool:
    """GeoJSON coordinates make a geometry of this kind: rings closed, lines and areas not empty.

    Rings that cross themselves pass, for RFC 7946 does not forbid them; ``reference`` mends them.
    """
    try:
        geometry = shape({"type": kind, "coordinates": coordinates})
    except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError):
        return False
    polygons = {"Polygon": (coordinates,), "MultiPolygon": coordinates}.get(kind, ())
    if any(len(ring) < 4 or ring[0] != ring[-1] for rings in polygons for ring in rings):
        return False
    if geometry.is_empty:
        return False
    return bool(geometry.is_valid) or (bool(polygons) and shapely.make_valid(geometry).area > 0)


def read_geometry(value: Any) -> shapely.Geometry | None:
    """A GeoJSON geometry object, or None where it cannot be one."""
    if not isinstance(value, dict) or "type" not in value:
        return None
    try:
        geometry = shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return None
    return None if geometry.is_empty else geometry


def read_geometries(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """``read_geometry`` of each; well-formed points, the most frequent by far, are made in one go."""
    made = np.empty(len(values), dtype=object)
    at: list[int] = []
    positions: list[tuple[float, float]] = []
    for number, value in enumerate(values):
        if isinstance(value, dict) and value.get("type") == "Point":
            xy = value.get("coordinates")
            if isinstance(xy, list) and 2 <= len(xy) <= 3:
                x, y = xy[0], xy[1]
                if type(x) in (int, float) and type(y) in (int, float) and abs(x) < 1e9 and abs(y) < 1e9:
                    at.append(number)
                    positions.append((x, y))
                    continue
        made[number] = read_geometry(value)
    if at:
        made[at] = shapely.points(np.array(positions, dtype=np.float64))
    return made


@lru_cache(maxsize=256)
def reference(query: GeoQuery) -> shapely.Geometry:
    """The query's own geometry, prepared for many tests."""
    geometry = shape({"type": query.geometry, "coordinates": query.coordinates})
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    shapely.prepare(geometry)
    return geometry


def distances_m(geometries: npt.NDArray[np.object_], ref: shapely.Geometry) -> Floats:
    """Metres from each geometry to the reference; 0 where they touch."""
    if shapely.get_type_id(ref) == 0 and bool(np.all(shapely.get_type_id(geometries) == 0)):
        x, y = shapely.get_coordinates(ref)[0].tolist()
        return geodesic_m(shapely.get_x(geometries), shapely.get_y(geometries), x, y)
    _, low, _, high = shapely.bounds(ref).tolist()
    squeeze = max(0.01, float(np.cos(np.radians((low + high) / 2))))

    def flat(xy: Floats) -> Floats:
        return np.asarray(xy * (squeeze, 1.0), dtype=np.float64)

    lines = shapely.shortest_line(shapely.transform(geometries, flat), shapely.transform(ref, flat))
    ends = shapely.get_coordinates(lines).reshape(-1, 4)
    return geodesic_m(ends[:, 0] / squeeze, ends[:, 1], ends[:, 2] / squeeze, ends[:, 3])


def stand_in_relation(geometries: npt.NDArray[np.object_], query: GeoQuery) -> npt.NDArray[np.bool_]:
    """For each (non-empty) geometry: does it stand in ``georel`` to the reference (§4.10)?"""
    ref = reference(query)
    if query.georel is GeoRel.NEAR:
        metres = distances_m(geometries, ref)
        near = np.ones(len(geometries), dtype=bool)
        if query.max_distance_m is not None:
            near &= metres <= query.max_distance_m
        if query.min_distance_m is not None:
            near &= metres >= query.min_distance_m
        return near
    predicate: Predicate = {
        GeoRel.WITHIN: lambda g: shapely.contains(ref, g),
        GeoRel.CONTAINS: lambda g: shapely.within(ref, g),
        GeoRel.OVERLAPS: lambda g: shapely.overlaps(ref, g),
        GeoRel.INTERSECTS: lambda g: shapely.intersects(ref, g),
        GeoRel.EQUALS: lambda g: shapely.equals(ref, g),
        GeoRel.DISJOINT: lambda g: shapely.disjoint(ref, g),
    }[query.georel]
    try:
        return np.asarray(predicate(_mended(geometries)), dtype=np.bool_)
    except shapely.errors.GEOSException:  # an invalid shape in the data: decide one by one
        return np.array([_lone(predicate, g) for g in geometries], dtype=bool)


def _mended(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Areas that cross themselves as areas that do not; everything else as it is."""
    bad = np.flatnonzero((shapely.get_type_id(geometries) > _LINE) & ~shapely.is_valid(geometries))
    if not len(bad):
        return geometries
    mended = geometries.copy()
    mended[bad] = [_untangled(one) for one in geometries[bad]]
    return mended


def _untangled(geometry: shapely.Geometry) -> shapely.Geometry:
    """An area that does not cross itself; nothing at all for what would take minutes (it is refused today, §4.7)."""
    if crosses_itself([shapely.get_coordinates(ring) for ring in shapely.get_rings(geometry)]):
        return shapely.GeometryCollection()
    return shapely.make_valid(geometry)


def _lone(predicate: Predicate, geometry: shapely.Geometry) -> bool:
    try:
        return bool(predicate(_untangled(geometry)))
    except shapely.errors.GEOSException:
        return False


def search_box(query: GeoQuery) -> tuple[float, float, float, float] | None:
    """A box (west, south, east, north) that holds or touches every geometry which can match; None: no bound."""
    try:
        known: tuple[float, float, float, float] | None = query.memo["box"]
    except KeyError:
        known = query.memo["box"] = _search_box(query)
    return known


def _search_box(query: GeoQuery) -> tuple[float, float, float, float] | None:
    if query.georel is GeoRel.DISJOINT:
        return None
    west, south, east, north = shapely.bounds(reference(query)).tolist()
    if query.georel is not GeoRel.NEAR:
        return west, south, east, north
    if query.max_distance_m is None:
        return None
    up = query.max_distance_m / 110_500.0 * 1.01 + 1e-9
    south, north = south - up, north + up
    if south < -89.0 or north > 89.0:
        return None
    across = query.max_distance_m / (111_300.0 * np.cos(np.radians(max(abs(south), abs(north))))) * 1.01
    west, east = west - across - 1e-9, east + across + 1e-9
    return None if west < -180.0 or east > 180.0 else (west, south, east, north)
