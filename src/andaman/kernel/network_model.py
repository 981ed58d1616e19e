"""The plain data of the road network engine: what goes in (segments, speeds) and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPEED_KMH: Final[Mapping[str, float]] = {
    "motorway": 90, "motorway_link": 45, "trunk": 85, "trunk_link": 40, "primary": 65, "primary_link": 30,
    "secondary": 55, "secondary_link": 25, "tertiary": 40, "tertiary_link": 20, "unclassified": 25,
    "residential": 25, "living_street": 10, "service": 15,
}  # fmt: skip
"""Free driving speed by OpenStreetMap class, as the car profile of the Open Source Routing Machine has it
(profiles/car.lua, version 5). Classes that are not in the table drive at ``OTHER_KMH``."""
OTHER_KMH: Final = 25.0
ACCESS_KMH: Final = 20.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One directed piece of road between two nodes; ``line`` runs from start to end, [lon, lat]."""

    id: str
    start: int  # any integers; equal numbers meet
    end: int
    length_m: float
    road_class: str
    line: Sequence[Sequence[float]]
    oneway: int = 0  # 0 both ways, 1 start to end only, -1 end to start only


class Snap(NamedTuple):
    """A place on the network: segment index, share of the segment behind it (0 to 1), access length."""

    edge: int
    share: float
    access_m: float
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Trip:
    """Shortest trip to one target, by time. Not reachable: both are infinite."""

    target: int  # index into the targets as given
    time_s: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Route:
    """A trip with its geometry. ``times_s[i]`` is the driving time from the start to ``line[i]``."""

    time_s: float
    distance_m: float
    line: list[tuple[float, float]]
    times_s: list[float]
    edges: list[int]  # segment indices in driving order

    def geojson(self) -> dict[str, Any]:
        return {"type": "LineString", "coordinates": [[round(x, 7), round(y, 7)] for x, y in self.line]}


@dataclass(frozen=True, slots=True)
class Reach:
    """What can be reached within ``limit_s``: nodes, and for each segment the reached share. The share counts from its
    start (``from_start``) and from its end (``from_end``), each 0 to 1. A segment is fully reached when they sum to 1
    or more.
    """

    limit_s: float
    nodes: Ints  # node indices
    node_time_s: Floats  # of every node; infinite where it is beyond the limit
    from_start: Floats  # per segment
    from_end: Floats
