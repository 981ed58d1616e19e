"""Quality of a dataset, computed from its records: completeness, timeliness, age. Pure.

A measure that the data cannot answer is ``insufficientData`` and has no value; it is never a made-up number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.api import Doc, short
from andaman.kernel.time import SECOND, Micros, format_time, parse_time

GRACE: Final = 1.5
"""A record is stale when its last observation is older than this many update intervals."""


@dataclass(slots=True)
class Tally:
    """Counts over records as they stream by. ``required``: attribute IRIs; ``interval``: µs between updates."""

    required: Sequence[str]
    interval: Micros | None
    now: Micros
    records: int = 0
    present: dict[str, int] = field(default_factory=dict)
    observed: int = 0
    fresh: int = 0
    newest: Micros | None = None
    oldest: Micros | None = None
    changed_at: Micros | None = None
    origins: dict[str, int] = field(default_factory=dict)

    def add(self, doc: Doc, origin: str) -> None:
        """Count one record."""
        self.records += 1
        attrs = doc["attrs"]
        for name in self.required:
            if name in attrs:
                self.present[name] = self.present.get(name, 0) + 1
        self.origins[origin] = self.origins.get(origin, 0) + 1
        modified = doc.get("modifiedAt")
        if modified is not None:
            self.changed_at = max(self.changed_at or 0, parse_time(modified))
        at = last_observation(doc)
        if at is None:
            return
        self.observed += 1
        self.newest = at if self.newest is None else max(self.newest, at)
        self.oldest = at if self.oldest is None else min(self.oldest, at)
        if self.interval is not None and self.now - at <= GRACE * self.interval:
            self.fresh += 1

    def report(self, total: int | None = None) -> dict[str, Any]:
        """The measures (docs/rooms/catalogue.md). ``total``: number of all records when only a part was counted."""
        wanted = self.records * len(self.required)
        completeness = _measure(sum(self.present.values()) / wanted) if wanted else dict(_INSUFFICIENT)
        completeness["missing"] = {
            short(name): self.records - self.present.get(name, 0)
            for name in self.required
            if self.present.get(name, 0) < self.records
        }
        if self.observed and self.interval is not None:
            timeliness = _measure(self.fresh / self.observed)
            timeliness["stale"] = self.observed - self.fresh
        else:
            timeliness = dict(_INSUFFICIENT)
        age = dict(_INSUFFICIENT)
        if self.newest is not None and self.oldest is not None:
            age = _measure(max(0.0, (self.now - self.newest) / SECOND))
            age["lastObservation"] = format_time(self.newest)
            age["oldestObservation"] = format_time(self.oldest)
        return {
            "records": self.records if total is None else total,
            "counted": self.records,
            "completeness": completeness,
            "timeliness": timeliness,
            "ageSeconds": age,
            "lastChange": None if self.changed_at is None else format_time(self.changed_at),
            "origins": dict(sorted(self.origins.items())),
            "computedAt": format_time(self.now),
        }


_INSUFFICIENT: Final[dict[str, Any]] = {"status": "insufficientData", "value": None}


def _measure(number: float) -> dict[str, Any]:
    return {"status": "computed", "value": round(number, 4)}


def last_observation(doc: Doc) -> Micros | None:
    """The newest ``observedAt`` on the record; None when nothing on it was observed."""
    newest = ""
    for instances in doc["attrs"].values():
        for instance in instances:
            at = instance.get("observedAt")
            if at is not None and at > newest:
                newest = at
    return parse_time(newest) if newest else None
