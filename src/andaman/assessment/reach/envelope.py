"""The envelope of a reach: the least and greatest count over everything that is varied, and what each variation does.

Three things are not known and are varied together: where residents live (the ways of ``population.py``), how fast cars
drive, and how a place or a home is joined to the main roads. The interval of a figure is the envelope of all
combinations. A contribution is the range that one of the three makes while the others stay at the base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.constants import words_json
from andaman.assessment.network.roads import Floats, RoadGraph, at_speeds, subdivided
from andaman.assessment.reach.population import People, Range
from andaman.kernel.words import Words

DAY_KMH: Final[Mapping[str, float]] = {"primary": 35.0, "secondary": 30.0}
"""Assumed speeds of a busy day, by road class; other classes slow down as primary roads do."""
DETOUR: Final = 1.3
COARSE_M: Final = 150.0
CLOSE_M: Final = 30.0


class Variant(NamedTuple):
    """``speed``: "free" or "day"; ``join``: "node" (points every 150 m), "point" (every 30 m), "detour" (and 1.3 times the way)."""

    speed: str
    join: str


BASE: Final = Variant("free", "node")
SPEED_WORDS: Final = {
    "free": Words("กระแสอิสระ", "free flow"),
    "day": Words("ช่วงกลางวัน (สมมติ)", "daytime (assumed)"),
}
JOIN_WORDS: Final = {
    "node": Words("จุดบนถนนทุก 150 ม.", "road points every 150 m"),
    "point": Words("จุดบนถนนทุก 30 ม.", "road points every 30 m"),
    "detour": Words(
        "จุดทุก 30 ม. และทางเข้ายาว 1.3 เท่าของระยะตรง", "points every 30 m, ways to them 1.3 times as long"
    ),
}
_CONTRIBUTION_WORDS: Final = {
    "spread": Words("ที่อยู่ของประชากร", "where residents live"),
    "speed": Words("ความเร็วรถ", "speed of cars"),
    "join": Words("การเชื่อมกับถนนสายหลัก", "joining to the main roads"),
}


def variants(base: RoadGraph) -> dict[Variant, tuple[RoadGraph, float]]:
    """Every combination of speed and joining: its subdivided graph and the detour to it."""
    found: dict[Variant, tuple[RoadGraph, float]] = {}
    for speed, graph in (("free", base), ("day", at_speeds(base, DAY_KMH))):
        coarse, close = subdivided(graph, COARSE_M), subdivided(graph, CLOSE_M)
        found[Variant(speed, "node")] = (coarse, 1.0)
        found[Variant(speed, "point")] = (close, 1.0)
        found[Variant(speed, "detour")] = (close, DETOUR)
    return found


@dataclass(frozen=True, slots=True)
class Envelope:
    """``sums[variant]`` (ways,): residents by way of spreading."""

    ways: People
    sums: Mapping[Variant, Floats]

    @property
    def people(self) -> Range:
        every = np.concatenate(list(self.sums.values()))
        return Range(self._likely(BASE), float(every.min()), float(every.max()))

    def _likely(self, variant: Variant) -> float:
        return float(self.sums[variant][self.ways.likely].mean())

    def contributions(self, total: float) -> list[dict[str, Any]]:
        """The range in percent of ``total`` that each unknown makes alone, the widest first."""
        spread = self.sums[BASE].tolist()
        speed = [self._likely(v) for v in self.sums if v.join == BASE.join]
        join = [self._likely(v) for v in self.sums if v.speed == BASE.speed]
        ranges = [
            (min(values), max(values), name)
            for name, values in (("spread", spread), ("speed", speed), ("join", join))
        ]
        return [
            {
                "id": name,
                "name": words_json(_CONTRIBUTION_WORDS[name]),
                "low": _percent(low, total),
                "high": _percent(high, total),
            }
            for low, high, name in sorted(ranges, key=lambda one: one[0] - one[1])
        ]

    def rows(self, total: float) -> list[dict[str, Any]]:
        """Every combination with its share in percent of ``total``: what the envelope is the envelope of."""
        return [
            {
                "speed": words_json(SPEED_WORDS[variant.speed]),
                "join": words_json(JOIN_WORDS[variant.join]),
                "spread": words_json(way),
                "sharePercent": _percent(float(count), total),
            }
            for variant, sums in self.sums.items()
            for way, count in zip(self.ways.words(), sums, strict=True)
        ]


def envelope(people: People, inside: Mapping[Variant, NDArray[np.bool_]]) -> Envelope:
    """``inside[variant]`` (n,): the cells that count under each variant; it must have ``BASE``."""
    return Envelope(people, {variant: people.sums(cells) for variant, cells in inside.items()})


def _percent(count: float, total: float) -> float:
    return round(100.0 * count / total, 1) if total > 0 else 0.0
