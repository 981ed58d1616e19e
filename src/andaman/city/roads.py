"""A frozen view of a stored RoadSegment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.api import Doc, value

_EXACT: Final = 2**53  # from here on, floats are not exact


@dataclass(frozen=True, slots=True)
class RoadSegment:
    """``line``: at least two positions, longitude first. ``oneway``: 1 along the line, -1 against it, 0 in both directions."""

    id: str
    start: int
    end: int
    length_m: float  # 0.0 where it is not known
    road_class: str
    oneway: int
    line: list[list[float]]
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> RoadSegment | None:
        """None for an entity without both node numbers and a line: it is not a part of a network."""
        start, end, length = value(doc, "startNode"), value(doc, "endNode"), value(doc, "length")
        line, oneway = _line(value(doc, "location")), value(doc, "oneway", 0)
        if not _is_whole(start) or not _is_whole(end) or len(line) < 2:
            return None
        way = int(oneway) if isinstance(oneway, int | bool) and int(oneway) in (-1, 0, 1) else 0
        known = _is_number(length) and length > 0
        return cls(
            doc["id"],
            start,
            end,
            float(length) if known else 0.0,
            str(value(doc, "roadClass", "")),
            way,
            line,
            doc,
        )


def _is_whole(found: Any) -> bool:
    return isinstance(found, int) and _is_number(found)


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < _EXACT


def _line(geometry: Any) -> list[list[float]]:
    """The positions of a LineString; empty for anything else."""
    if not isinstance(geometry, dict) or geometry.get("type") != "LineString":
        return []
    positions = geometry.get("coordinates")
    if not isinstance(positions, list):
        return []
    good = all(isinstance(at, list) and len(at) >= 2 and all(_is_number(v) for v in at) for at in positions)
    return positions if good else []
