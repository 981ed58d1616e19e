"""Segments of the road network, read from RoadSegment entities. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from andaman.broker.api import Doc
from andaman.city.roads import RoadSegment
from andaman.kernel.network import Segment


def iter_segments(docs: Iterable[Doc]) -> Iterator[Segment]:
    """Segments of entities that have both node numbers, a length and a line; others are not part of the graph."""
    for doc in docs:
        one = RoadSegment.of(doc)
        if one is not None and one.length_m > 0:
            yield Segment(one.id, one.start, one.end, one.length_m, one.road_class, one.line, one.oneway)
