"""Geometry that every room may need: distances, bearings, lines and areas on WGS 84, ``[lon, lat]`` in degrees.

City distances are small, so lengths use the haversine formula on the mean sphere (error below 0.5 %), and everything
that needs a plane uses an equirectangular one (``Plane``) centred on the city: within 60 km of its centre at Phuket's
latitude lengths differ from the haversine by less than 0.1 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius R1 of the WGS 84 ellipsoid."""

Position = Sequence[float]
"""[lon, lat] in degrees; further members are ignored."""


def haversine_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Great-circle distance in metres."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    h = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def bearing_deg(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Initial bearing from the first point to the second, degrees clockwise from north in [0, 360)."""
    phi1, phi2, d = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    y = math.sin(d) * math.cos(phi2)
    x = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(d)
    return math.degrees(math.atan2(y, x)) % 360.0


def line_length_m(line: Sequence[Position]) -> float:
    """Length of a line string in metres."""
    return sum(haversine_m(a[0], a[1], b[0], b[1]) for a, b in pairwise(line))


@dataclass(frozen=True, slots=True)
class Plane:
    """An equirectangular plane in metres, x east and y north of its centre."""

    lon: float
    lat: float

    @property
    def x_per_deg(self) -> float:
        return math.radians(1) * EARTH_RADIUS_M * math.cos(math.radians(self.lat))

    @property
    def y_per_deg(self) -> float:
        return math.radians(1) * EARTH_RADIUS_M

    def to_xy(self, lon: float, lat: float) -> tuple[float, float]:
        return (lon - self.lon) * self.x_per_deg, (lat - self.lat) * self.y_per_deg

    def to_lonlat(self, x: float, y: float) -> tuple[float, float]:
        return self.lon + x / self.x_per_deg, self.lat + y / self.y_per_deg


def iter_positions(geometry: Mapping[str, Any]) -> Iterator[Position]:
    """Every position of a GeoJSON geometry, rings and members one after the other."""
    if geometry.get("type") == "GeometryCollection":
        for member in geometry["geometries"]:
            yield from iter_positions(member)
        return
    stack = [geometry["coordinates"]]
    while stack:
        item = stack.pop()
        if item and isinstance(item[0], int | float):
            yield item
        else:
            stack.extend(reversed(item))


def bbox_of(geometry: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east, north. Raises ValueError for an empty geometry."""
    positions = list(iter_positions(geometry))
    if not positions:
        raise ValueError("An empty geometry has no bounding box")
    lons, lats = [p[0] for p in positions], [p[1] for p in positions]
    return min(lons), min(lats), max(lons), max(lats)


def centre_of(geometry: Mapping[str, Any]) -> tuple[float, float]:
    """A point that stands for the geometry: itself for a Point, the middle of the bounding box otherwise."""
    if geometry.get("type") == "Point":
        lon, lat = geometry["coordinates"][:2]
        return float(lon), float(lat)
    west, south, east, north = bbox_of(geometry)
    return (west + east) / 2, (south + north) / 2


class Area:
    """A Polygon or MultiPolygon prepared for many "is this point inside" questions.

    Even–odd rule with holes, in degrees as planar coordinates, as OGC Simple Features does. A point exactly on the
    outline may fall on either side.
    """

    def __init__(self, geometry: Mapping[str, Any]) -> None:
        """Raises ValueError for anything but a Polygon or MultiPolygon with closed rings of finite numbers."""
        kind = geometry.get("type")
        coordinates = geometry.get("coordinates")
        if kind not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list) or not coordinates:
            raise ValueError(f"An area is a GeoJSON Polygon or MultiPolygon, not {kind!r}")
        polygons = [coordinates] if kind == "Polygon" else coordinates
        self._rings: list[list[tuple[float, float]]] = []
        try:
            for polygon in polygons:
                for ring in polygon:
                    points = [(float(p[0]), float(p[1])) for p in ring]
                    if len(points) < 4 or points[0] != points[-1]:
                        raise ValueError("A ring has at least four positions and ends where it begins")
                    if not all(math.isfinite(v) for p in points for v in p):
                        raise ValueError("A ring has finite numbers only")
                    self._rings.append(points)
        except (TypeError, IndexError, KeyError):
            raise ValueError("The coordinates of an area are lists of rings of [lon, lat]") from None
        if not self._rings:
            raise ValueError("An area has at least one ring")
        lons = [p[0] for ring in self._rings for p in ring]
        lats = [p[1] for ring in self._rings for p in ring]
        self.bbox: tuple[float, float, float, float] = (min(lons), min(lats), max(lons), max(lats))

    @cached_property
    def _bands(self) -> tuple[list[list[tuple[float, float, float, float]]], float, float]:
        """Edges by latitude band, so that a test looks at a handful of edges of a long coast line."""
        _, south, _, north = self.bbox
        edges = [
            (x1, y1, x2, y2) for ring in self._rings for (x1, y1), (x2, y2) in pairwise(ring) if y1 != y2
        ]
        count = max(1, min(256, len(edges) // 4))
        scale = count / (north - south) if north > south else 0.0
        bands: list[list[tuple[float, float, float, float]]] = [[] for _ in range(count)]
        for edge in edges:
            low, high = sorted((edge[1], edge[3]))
            first, last = int((low - south) * scale), int((high - south) * scale)
            for band in range(max(0, first), min(count - 1, last) + 1):
                bands[band].append(edge)
        return bands, south, scale

    def contains(self, lon: float, lat: float) -> bool:
        """Is the point inside?"""
        west, south, east, north = self.bbox
        if not (west <= lon <= east and south <= lat <= north):
            return False
        bands, base, scale = self._bands
        inside = False
        for x1, y1, x2, y2 in bands[min(len(bands) - 1, int((lat - base) * scale))]:
            if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
                inside = not inside
        return inside
