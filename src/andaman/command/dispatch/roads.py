"""Segments of the road network, read from RoadSegment entities. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

from andaman.broker.entity.build import value
from andaman.broker.model import Doc
from andaman.kernel.network import Segment

_EXACT: Final = 2**53


def iter_segments(docs: Iterable[Doc]) -> Iterator[Segment]:
    """Segments of entities that have both node numbers, a length and a line; others are not part of the graph."""
    for doc in docs:
        start, end, length = value(doc, "startNode"), value(doc, "endNode"), value(doc, "length")
        line = _line(value(doc, "location"))
        if not _is_whole(start) or not _is_whole(end) or not _is_number(length):
            continue
        if not 0 < length < math.inf or len(line) < 2:
            continue
        oneway = value(doc, "oneway", 0)
        way = int(oneway) if isinstance(oneway, int | bool) and int(oneway) in (-1, 0, 1) else 0
        road_class = str(value(doc, "roadClass", ""))
        yield Segment(doc["id"], start, end, float(length), road_class, line, way)


def _is_whole(found: Any) -> bool:
    return isinstance(found, int) and _is_number(found)


def _is_number(found: Any) -> bool:
    """Small enough to be exact as a float."""
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < _EXACT


def _line(geometry: Any) -> list[list[float]]:
    """The positions of a LineString; empty for anything else."""
    if not isinstance(geometry, dict) or geometry.get("type") != "LineString":
        return []
    found = geometry.get("coordinates")
    positions = found if isinstance(found, list) else []
    good = all(isinstance(at, list) and len(at) >= 2 and all(_is_number(v) for v in at) for at in positions)
    return positions if good else []
