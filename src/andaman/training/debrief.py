"""The debriefing of a drill: what a score says, line by line. Pure; ``scoring.py`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words, json_of


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line: ``points`` of ``of``; ``measured`` and ``target`` in ``unit`` (s, m, ratio, count; "" for words), None where
    the record has nothing of it. ``note``: why that which was done did not count. ``right``: what would have been right,
    and ``why``. ``times`` and ``entities``: of the facts it rests on."""

    id: str
    title: Words
    points: float
    of: float
    measured: float | Words | None
    unit: str
    target: float | Words
    right: Words
    why: Words
    times: tuple[Micros, ...] = ()
    entities: tuple[str, ...] = ()
    note: Words | None = None

    def json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title.json(),
            "points": self.points,
            "of": self.of,
            "measured": json_of(self.measured),
            "unit": self.unit,
            "target": json_of(self.target),
            "right": self.right.json(),
            "why": self.why.json(),
            "note": None if self.note is None else self.note.json(),
            "times": [format_time(at) for at in self.times],
            "entities": list(self.entities),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """A critical failure: the drill is not passed, however many points it has."""

    id: str
    title: Words
    times: tuple[Micros, ...]

    def json(self) -> dict[str, Any]:
        return {"id": self.id, "title": self.title.json(), "times": [format_time(at) for at in self.times]}


@dataclass(frozen=True, slots=True)
class Score:
    """With a critical failure, ``percent`` is at most ``scoring.FAILED_AT_MOST``."""

    points: float
    of: float
    percent: float
    passed: bool
    criteria: tuple[Criterion, ...]
    critical: tuple[Failure, ...] = ()

    def json(self) -> dict[str, Any]:
        return {
            "points": self.points,
            "of": self.of,
            "percent": self.percent,
            "passed": self.passed,
            "critical": [one.json() for one in self.critical],
            "criteria": [one.json() for one in self.criteria],
        }
