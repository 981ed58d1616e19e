"""The places that a boat can reach: those in water, and those a short way from the shore. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np

from andaman.command.core.attributes import Place
from andaman.kernel.geometry import Area, Plane

SHORE_M: Final = 300.0
"""A crew of a boat works this far up a beach or a pier, on foot."""


class Shore:
    """Coastlines of the city. A closed line is the shore of land, as in OpenStreetMap; what no such line surrounds is
    water. Without any coastline no place is known to be reached by boat."""

    def __init__(self, geometries: Iterable[Mapping[str, Any]] = ()) -> None:
        """``geometries``: GeoJSON LineStrings and MultiLineStrings; others are left out."""
        lines = [line for geometry in geometries for line in _lines(geometry) if len(line) > 1]
        self._segments = np.array(
            [(*a[:2], *b[:2]) for line in lines for a, b in pairwise(line)], dtype=float
        ).reshape(-1, 4)
        rings = [[line] for line in lines if len(line) > 3 and line[0] == line[-1]]
        self._land = Area({"type": "MultiPolygon", "coordinates": rings}) if rings else None

    def reaches(self, place: Place) -> bool:
        """Can a boat come to this place?"""
        if self._land is not None and not self._land.contains(place[0], place[1]):
            return True
        return self.distance_m(place) <= SHORE_M

    def distance_m(self, place: Place) -> float:
        """To the nearest coastline; infinite where none is known."""
        if not len(self._segments):
            return float("inf")
        plane = Plane(place[0], place[1])
        scale = np.array([plane.x_per_deg, plane.y_per_deg])
        start = (self._segments[:, :2] - place[:2]) * scale
        way = (self._segments[:, 2:] - place[:2]) * scale - start
        length = np.maximum((way * way).sum(1), 1e-12)
        along = np.clip(-(start * way).sum(1) / length, 0.0, 1.0)
        nearest = start + along[:, None] * way
        return float(np.hypot(nearest[:, 0], nearest[:, 1]).min())


def _lines(geometry: Mapping[str, Any]) -> list[list[list[float]]]:
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        return []
    match geometry.get("type"):
        case "LineString":
            return [coordinates]
        case "MultiLineString":
            return coordinates
    return []
