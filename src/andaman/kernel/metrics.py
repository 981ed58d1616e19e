"""Figures that a room offers about itself: families of samples, and a histogram cheap enough for the hot path.

A room counts in plain attributes and offers them by ``metrics()``; only ``observe`` knows how they are written out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal, Protocol

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of buckets for durations in seconds."""


class Histogram:
    """Counts per bucket (not cumulated), and the sum of all values. One thread observes; any may read."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound as text, values up to it), ending with "+Inf"."""
        names = [*(str(bound) for bound in self.bounds), "+Inf"]
        return list(zip(names, accumulate(self.counts), strict=True))


@dataclass(frozen=True, slots=True)
class Family:
    """One figure with its values by labels. ``name`` says the unit (``_seconds``, ``_bytes``); a counter's has no
    ``_total``, which is added in writing."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    values: Sequence[tuple[Mapping[str, str], float | Histogram]] = field(default=())


REQUEST_ID: Final = "andaman.request-id"
STATUS: Final = "andaman.status"
"""Members of an ASGI scope, for doors that the outermost layer does not look into. Such a door returns the id (bytes)
in the header X-Request-Id and notes the status of its answer; without a status, nobody was answered.
"""
ROUTE: Final = "andaman.route"
"""The template of the request's path, where a door noted it."""


def gauge(name: str, help: str, value: float, **labels: str) -> Family:
    return Family(name, help, "gauge", [(labels, value)])


def counter(name: str, help: str, value: float, **labels: str) -> Family:
    return Family(name, help, "counter", [(labels, value)])


class Measured(Protocol):
    """A room that offers figures."""

    def metrics(self) -> Iterable[Family]:
        """Cheap, on the loop's thread."""
