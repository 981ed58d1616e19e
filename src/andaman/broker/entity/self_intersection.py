"""Lines and rings that cross themselves so often that the geometry engine would work on them for minutes.

Mending an area that crosses itself, and relating lines to others, costs about a millisecond for each crossing, and 300
positions at random have 15,000 of them. What people draw and measure crosses itself now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import shape

MOST_CROSSINGS: Final = 100
_FEW: Final = 24  # so few edges cannot cross too often
_TOUCHING: Final = 3  # an edge meets itself, the one before and the one behind
_CANDIDATES: Final = 50_000
_STEP: Final = 4_096


def crosses_too_often(kind: str, coordinates: Any) -> bool:
    """Of a geometry's coordinates: do its lines or rings cross more than MOST_CROSSINGS times?"""
    lines = lines_of(kind, coordinates)
    if sum(map(len, lines)) <= _FEW:
        return False
    if kind in ("Polygon", "MultiPolygon"):
        try:
            if shape({"type": kind, "coordinates": coordinates}).is_valid:  # nearly all; some times faster
                return False
        except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError):
            pass
    return crosses_itself(lines)


def crosses_itself(lines: Sequence[Any]) -> bool:
    """Do these lines and rings (positions as GeoJSON has them) cross themselves or each other more than MOST_CROSSINGS
    times? Edges are looked at in random order, a few first, so that the answer is soon there for the worst."""
    parts = [np.asarray([one[:2] for one in line], dtype=np.float64) for line in lines]
    edges = np.concatenate(
        [np.stack((part[:-1], part[1:]), axis=1) for part in parts if len(part) > 1] or [_NONE]
    )
    number = len(edges)
    if number <= _FEW:
        return False
    edges = edges[np.random.default_rng(number).permutation(number)]
    segments = np.asarray(shapely.linestrings(edges))
    tree = shapely.STRtree(segments)
    excess, start, step = 0, 0, max(1, _CANDIDATES // number)
    while start < number:
        chunk = segments[start : start + step]
        met = tree.query(chunk, predicate="intersects").shape[1]
        excess += max(0, met - _TOUCHING * len(chunk))
        if excess > 2 * MOST_CROSSINGS:  # each crossing is met from both sides
            return True
        start, step = start + step, min(step * 2, _STEP)
    return False


_NONE: Final = np.zeros((0, 2, 2))


def lines_of(kind: str, coordinates: Any) -> Sequence[Any]:
    """The lines or rings of a geometry's coordinates."""
    match kind:
        case "LineString":
            return [coordinates]
        case "MultiLineString" | "Polygon":
            return list(coordinates)
        case "MultiPolygon":
            return [ring for rings in coordinates for ring in rings]
        case _:
            return []
