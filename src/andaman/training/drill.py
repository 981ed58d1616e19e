"""A drill: scripted injects on an isolated copy, and a score computed from nothing but the record. Pure.

The scorer reads facts drawn from the journal of the exercise's tenant (``Fact``): what happened, when, by whom, at which
journal position. Each criterion names the facts it rests on, so that a trainee can check the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from andaman.kernel.time import SECOND, Micros
from andaman.kernel.words import LanguageMap, Words

PASS_MARK: Final = 70.0
FAILED_AT_MOST: Final = 49.0
PLAUSIBLE: Final = 0.5
"""Share of the driving time after which a unit can be on scene at the earliest."""


@dataclass(frozen=True, slots=True)
class Inject:
    """Something that happens ``after_s`` seconds into the drill: attributes written to an entity of the copy."""

    after_s: float
    kind: str  # observation, report
    entity_type: str
    attrs: Mapping[str, Any]
    title: Words


@dataclass(frozen=True, slots=True)
class ScenarioRule:
    """An alert rule that a scenario brings into its exercise, so that its script raises alerts by itself."""

    id: str
    name: LanguageMap
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``place``: lon, lat of the main event; ``incident_types`` that count as recognised; ``unit_types`` that fit."""

    id: str
    title: Words
    briefing: Words
    place: tuple[float, float]
    incident_types: frozenset[str]
    unit_types: frozenset[str]
    injects: tuple[Inject, ...]
    limit_s: float
    district: str = (
        ""  # English name of the district whose instruments the observations of the script belong to
    )
    rules: tuple[ScenarioRule, ...] = ()

    def matches_place(self, name: Any) -> bool:
        """Is an instrument with this name (languageMap) one of the scenario's district?"""
        return not self.district or (isinstance(name, Mapping) and self.district in str(name.get("en", "")))


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the record shows. ``kind``: alert-raised, alert-acknowledged, incident-opened, unit-assigned,
    unit-enRoute, unit-onScene, unit-clear, incident-closed, inject. ``data`` holds what the criteria need."""

    kind: str
    at: Micros
    seq: int
    actor: str
    entity: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Criterion:
    """``points`` of ``of``; ``measured`` in ``unit`` (None: it never happened); ``times``: of the events it rests on."""

    id: str
    title: Words
    points: float
    of: float
    measured: float | str | None
    unit: str
    target: float | str
    times: tuple[Micros, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A critical failure: the drill is not passed, however many points it has."""

    id: str
    title: Words
    times: tuple[Micros, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """With a critical failure, ``percent`` is at most ``FAILED_AT_MOST``."""

    points: float
    of: float
    percent: float
    passed: bool
    criteria: tuple[Criterion, ...]
    critical: tuple[Failure, ...] = ()


def speed_points(seconds: float | None, full_s: float, none_s: float, of: float) -> float:
    """Full points up to ``full_s``, none from ``none_s`` on, a straight line between; none when it never happened."""
    if seconds is None or seconds < 0:
        return 0.0
    if seconds <= full_s:
        return of
    if seconds >= none_s:
        return 0.0
    return of * (none_s - seconds) / (none_s - full_s)


def score(scenario: Scenario, facts: Sequence[Fact], started: Micros, trainee: str) -> Score:
    """Score a drill from its facts, in journal order. Only what the trainee did earns points: neither the platform's own
    doings nor those of a colleague who looked in. Only alerts of the script count, and an arrival that is too early to be
    true is a critical failure that takes the points of the unit."""
    people = [f for f in facts if f.actor == trainee]
    event = _first(facts, "inject", lambda f: bool(f.data.get("main")))
    alerts = {f.entity: f for f in facts if f.kind == "alert-raised" and _of_script(scenario, f)}
    acknowledged = _first(people, "alert-acknowledged", lambda f: f.entity in alerts)
    alert = alerts.get(acknowledged.entity) if acknowledged else None
    opened = _first(
        people, "incident-opened", lambda f: f.data.get("incidentType") in scenario.incident_types
    )
    assigned = _first(
        people, "unit-assigned", lambda f: opened is not None and f.data.get("incident") == opened.entity
    )
    closed = _first(people, "incident-closed", lambda f: opened is not None and f.entity == opened.entity)
    arrived = _arrived(people, assigned)
    false_arrival = arrived is not None and not _plausible(assigned, arrived)
    origin = event.at if event else started
    criteria = (
        _speed(
            "acknowledge",
            Words("รับทราบการแจ้งเตือนแรก", "First alert acknowledged"),
            alert,
            acknowledged,
            60,
            300,
            20,
        ),
        _speed_from(
            "open",
            Words("เปิดเหตุด้วยชนิดที่ถูกต้อง", "Incident opened with a right type"),
            origin,
            opened,
            120,
            480,
            20,
        ),
        _without(
            false_arrival,
            _speed("assign", Words("สั่งการหน่วยแรก", "First unit assigned"), opened, assigned, 60, 300, 20),
        ),
        _without(false_arrival, _choice(scenario, assigned)),
        _without(false_arrival, _steps(assigned, people)),
        Criterion(
            "close",
            Words("ปิดเหตุพร้อมผลลัพธ์", "Incident closed with an outcome"),
            10.0
            if closed is not None and closed.data.get("outcome") and arrived and not false_arrival
            else 0.0,
            10,
            "closed" if closed else None,
            "",
            "closed",
            (closed.at,) if closed else (),
        ),
    )
    points = sum(c.points for c in criteria)
    of = sum(c.of for c in criteria)
    critical = tuple(_failures(scenario, people, opened, arrived if false_arrival else None))
    percent = round(100 * points / of, 1)
    if critical:
        percent = min(percent, FAILED_AT_MOST)
    return Score(round(points, 1), of, percent, percent >= PASS_MARK and not critical, criteria, critical)


def _of_script(scenario: Scenario, alert: Fact) -> bool:
    """Was the alert raised by a rule of the scenario? A scenario without rules uses those of the city."""
    rule = str(alert.data.get("rule") or "")
    return not scenario.rules or any(rule.endswith(f"-{one.id}") for one in scenario.rules)


def _arrived(people: Sequence[Fact], assigned: Fact | None) -> Fact | None:
    return _first(people, "unit-onScene", lambda f: assigned is not None and f.entity == assigned.entity)


def _plausible(assigned: Fact | None, arrived: Fact) -> bool:
    """Can the unit have driven there in this time? Without a driving time nobody can say, and it is believed."""
    eta = None if assigned is None else assigned.data.get("etaSeconds")
    if assigned is None or not isinstance(eta, int | float):
        return True
    return (arrived.at - assigned.at) / SECOND >= PLAUSIBLE * eta


def _without(void: bool, criterion: Criterion) -> Criterion:
    return replace(criterion, points=0.0) if void else criterion


def _failures(
    scenario: Scenario, people: Sequence[Fact], opened: Fact | None, false_arrival: Fact | None
) -> Iterator[Failure]:
    if opened is None:
        title = Words("ไม่ได้เปิดเหตุด้วยชนิดที่ถูกต้อง", "No incident of a right type was opened")
        yield Failure("never-opened", title, ())
        return
    sent = [f for f in people if f.kind == "unit-assigned" and f.data.get("incident") == opened.entity]
    if sent and not any(f.data.get("unitType") in scenario.unit_types for f in sent):
        title = Words("ไม่ได้ส่งหน่วยที่เหมาะสมกับเหตุ", "No unit that fits the incident was sent")
        yield Failure("wrong-unit", title, tuple(f.at for f in sent))
    if false_arrival is not None:
        title = Words(
            "บันทึกว่าหน่วยถึงที่เกิดเหตุก่อนเวลาที่เดินทางถึงได้จริง",
            "A unit was recorded on scene before it could have arrived",
        )
        yield Failure("false-arrival", title, (false_arrival.at,))


def _choice(scenario: Scenario, assigned: Fact | None) -> Criterion:
    """Right type and among the quickest: 20 points at the best ETA, falling to none at twice the best."""
    title = Words("เลือกหน่วยที่เหมาะสมและถึงเร็ว", "A fitting unit that arrives soon")
    if assigned is None or assigned.data.get("unitType") not in scenario.unit_types:
        wrong = None if assigned is None else str(assigned.data.get("unitType"))
        return Criterion("choice", title, 0.0, 20, wrong, "", "≤ 1.1 ×", (assigned.at,) if assigned else ())
    eta, best = assigned.data.get("etaSeconds"), assigned.data.get("bestEtaSeconds")
    if eta is None or best is None:
        return Criterion("choice", title, 0.0, 20, None, "×", "≤ 1.1 ×", (assigned.at,))
    ratio = max(1.0, float(eta) / max(1.0, float(best)))
    return Criterion(
        "choice",
        title,
        speed_points(ratio, 1.1, 2.0, 20),
        20,
        round(ratio, 2),
        "×",
        "≤ 1.1 ×",
        (assigned.at,),
    )


def _steps(assigned: Fact | None, people: Sequence[Fact]) -> Criterion:
    wanted = ("unit-enRoute", "unit-onScene", "unit-clear")
    done = []
    for kind in wanted:
        fact = _first(people, kind, lambda f: assigned is not None and f.entity == assigned.entity)
        if fact is not None:
            done.append(fact)
    title = Words("ติดตามหน่วยครบขั้นตอน", "The unit followed through its steps")
    return Criterion(
        "steps", title, 10.0 * len(done) / 3, 10, float(len(done)), "/ 3", 3.0, tuple(f.at for f in done)
    )


def _first(facts: Sequence[Fact], kind: str, test: Any = None) -> Fact | None:
    return next((f for f in facts if f.kind == kind and (test is None or test(f))), None)


def _speed(
    cid: str, title: Words, start: Fact | None, end: Fact | None, full_s: float, none_s: float, of: float
) -> Criterion:
    return _speed_from(cid, title, start.at if start else None, end, full_s, none_s, of)


def _speed_from(
    cid: str, title: Words, start: Micros | None, end: Fact | None, full_s: float, none_s: float, of: float
) -> Criterion:
    seconds = None if start is None or end is None else (end.at - start) / SECOND
    measured = None if seconds is None else round(seconds, 1)
    points = round(speed_points(seconds, full_s, none_s, of), 2)
    return Criterion(cid, title, points, of, measured, "s", full_s, (end.at,) if end else ())
