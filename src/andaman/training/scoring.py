"""Scores a drill from facts of its journal. Pure.

Only what the trainee did about the script earns points. Among several incidents of the trainee the best one counts, and
among several units the best, so that a further right step never lowers a score. One rule is for advice and score: a unit
fits if the list of units that can be sent had its kind first (``command/dispatch/ranking.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from andaman.kernel.geometry import haversine_m
from andaman.kernel.time import SECOND, Micros
from andaman.kernel.words import Words
from andaman.training.debrief import Criterion, Failure, Score
from andaman.training.drill import Fact, Scenario
from andaman.training.tasks import LOG_LEAST, RIGHT, TITLES, WHY, Part, Task, TaskKind
from andaman.training.uncounted import (
    BEFORE_OPENING,
    BEFORE_REPORT,
    DONE,
    FALSE_ARRIVAL,
    NO_DRIVING_TIME,
    NOBODY_DID,
    NOT_ADVISED,
    OTHER_ALERT,
    OTHER_INCIDENT,
    OTHER_STEPS,
    TAKEN_BACK,
    TOO_EARLY,
    TOO_SHORT,
    WRONG_KIND,
    Uncounted,
    uncounted,
)

PASS_MARK: Final = 70.0
FAILED_AT_MOST: Final = 49.0
PLAUSIBLE: Final = 0.5
"""Share of the driving time after which a unit can be on scene at the earliest."""
_RATIO_FULL, _RATIO_NONE = 1.1, 2.0
_ANY: Final = Words("ระดับใดก็ได้", "any level")
K = TaskKind


@dataclass(frozen=True, slots=True)
class Names:
    """Words for codes. ``needed``: kinds of unit that the incident needs, the most needed first. ``checklist``: its items."""

    units: Mapping[str, Words]
    severities: Mapping[str, Words]
    needed: tuple[str, ...] = ()
    checklist: tuple[Words, ...] = ()

    def unit(self, code: str) -> Words:
        return self.units.get(code, Words(code, code))


def speed_points(seconds: float | None, full_s: float, none_s: float, of: float) -> float:
    """Full points up to ``full_s``, none from ``none_s`` on, a straight line between; none when it never happened."""
    if seconds is None or seconds < 0:
        return 0.0
    if seconds <= full_s:
        return of
    if seconds >= none_s:
        return 0.0
    return of * (none_s - seconds) / (none_s - full_s)


def score(
    scenario: Scenario, part: Part, names: Names, facts: Sequence[Fact], started: Micros, trainee: str
) -> Score:
    """Score a drill from its facts, in journal order."""
    mine = [f for f in facts if f.actor == trainee]
    event = next((f for f in facts if f.kind == "inject" and f.data.get("main")), None)
    origin = event.at if event else started
    script = {f.entity: f.at for f in reversed(facts) if f.kind == "inject"}
    alerts = {f.entity: f for f in facts if f.kind == "alert-raised" and _of_script(scenario, script, f)}
    drill = _Drill(scenario, names, facts, mine, origin, alerts, trainee)
    tries = [_Try(drill, None), *(_Try(drill, one) for one in drill.opened())]
    false = [fact for one in tries for fact in one.false]
    results = [_result(one, part, false) for one in tries]
    # an incident of the right kind is better than none, whatever else was done about it
    return max(results, key=lambda one: (not _has(one, "never-opened"), one.percent, one.points))


def _has(result: Score, failure: str) -> bool:
    return any(one.id == failure for one in result.critical)


def _result(attempt: _Try, part: Part, false: Sequence[Fact]) -> Score:
    criteria = tuple(attempt.measured(task) for task in part.tasks)
    points, of = sum(c.points for c in criteria), sum(c.of for c in criteria)
    critical = tuple(attempt.failures(part, false))
    percent = round(100 * points / of, 1) if of else 0.0
    if critical:
        percent = min(percent, FAILED_AT_MOST)
    return Score(round(points, 1), of, percent, percent >= PASS_MARK and not critical, criteria, critical)


def _of_script(scenario: Scenario, script: Mapping[str, Micros], alert: Fact) -> bool:
    """Was the alert raised by a rule of the scenario, or by one of the city about an entity, after the script wrote it?"""
    rule = str(alert.data.get("rule") or "")
    written = script.get(str(alert.data.get("source")))
    return (written is not None and alert.at >= written) or any(
        rule.endswith(f"-{one.id}") for one in scenario.rules
    )


@dataclass(frozen=True)
class _Drill:
    scenario: Scenario
    names: Names
    facts: Sequence[Fact]
    mine: Sequence[Fact]
    origin: Micros
    alerts: Mapping[str, Fact]
    trainee: str

    def opened(self) -> Iterator[Fact]:
        """For each incident of the trainee that got a right kind, the fact that gave it."""
        seen = set()
        for fact in self.mine:
            if fact.kind not in _TELLS or fact.entity in seen:
                continue
            if fact.data.get("incidentType") in self.scenario.incident_types:
                seen.add(fact.entity)
                yield fact


class _Try:
    """What the trainee did about one incident, or about none."""

    def __init__(self, drill: _Drill, opened: Fact | None) -> None:
        self._drill, self._opened = drill, opened
        self._about = [
            f
            for f in drill.mine
            if opened is not None and opened.entity in (f.entity, f.data.get("incident"))
        ]
        self._sent = self._of("unit-assigned")
        arrived = {f.entity: f for f in reversed(self._of("unit-onScene"))}
        self.false = [
            arrived[one.entity]
            for one in self._sent
            if one.entity in arrived and not plausible(one, arrived[one.entity])
        ]
        void = {one.entity for one in self.false}
        self._fitting = [one for one in self._sent if one.entity not in void and self._fits(one)]
        self._arrived = [arrived[one.entity] for one in self._fitting if one.entity in arrived]

    def _of(self, *kinds: str) -> list[Fact]:
        return [f for f in self._about if f.kind in kinds]

    def _left_out(
        self, kinds: Sequence[str], reason: Callable[[Fact], Words | None] = lambda _: None, told: str = ""
    ) -> Uncounted | None:
        """Of the record of everybody; ``reason``: of what the trainee did about this incident; ``told``: only facts with it."""

        def why(fact: Fact) -> Words | None:
            if self._opened is None:
                return WRONG_KIND
            if self._opened.entity not in (fact.entity, fact.data.get("incident")):
                return OTHER_INCIDENT
            return reason(fact)

        facts = [f for f in self._drill.facts if f.kind in kinds and (not told or f.data.get(told))]
        return uncounted(facts, self._drill.trainee, why)

    def _fits(self, sent: Fact) -> bool:
        """Was its kind ranked first when it was sent? Older journals do not say; there a needed kind fits."""
        advised = sent.data.get("advised")
        if isinstance(advised, bool):
            return advised
        return sent.data.get("unitType") in self._drill.names.needed

    # -- critical failures ----------------------------------------------------------------------------------
    def failures(self, part: Part, false: Sequence[Fact]) -> Iterator[Failure]:
        """``false``: arrivals of all incidents that cannot be true. Another incident does not make up for one."""
        if self._opened is None:
            title = Words("ผู้ฝึกไม่ได้เปิดเหตุด้วยประเภทที่ถูกต้อง", "The trainee opened no incident of a right kind")
            yield Failure("never-opened", title, ())
            return
        if K.CHOICE in part.kinds:
            yield from self._unit_failures(false)
        task = next((one for one in part.tasks if one.kind is K.HAND_OVER), None)
        if task is not None and not self._counted(task):
            left = self._refused(task)
            if left is None:
                title = Words("ไม่พบการส่งต่อเหตุให้ผู้สั่งการในบันทึก", "The incident was never handed over")
                yield Failure("never-handed-over", title, ())
            else:
                title = Words("การส่งต่อไม่นับ: {why}", "The hand-over does not count: {why}").fill(
                    {"why": left.why}
                )
                yield Failure("hand-over-not-counted", title, (left.fact.at,))

    def _unit_failures(self, false: Sequence[Fact]) -> Iterator[Failure]:
        if false:
            title = Words(
                "บันทึกว่าหน่วยถึงที่เกิดเหตุก่อนเวลาที่เดินทางถึงได้จริง",
                "A unit was recorded on scene before it could have arrived",
            )
            yield Failure("false-arrival", title, tuple(f.at for f in false))
        elif self._sent and not self._fitting:
            title = Words("ผู้ฝึกไม่ได้ส่งหน่วยที่เหมาะสมกับเหตุ", "The trainee sent no unit that fits the incident")
            yield Failure("wrong-unit", title, tuple(f.at for f in self._sent))
        elif not self._arrived:
            title = Words(
                "ผู้ฝึกไม่ได้รายงานว่าหน่วยที่เหมาะสมถึงที่เกิดเหตุ", "The trainee reported no fitting unit on scene"
            )
            yield Failure("never-arrived", title, ())

    # -- tasks ----------------------------------------------------------------------------------------------
    def measured(self, task: Task) -> Criterion:
        match task.kind:
            case K.ACKNOWLEDGE:
                return self._acknowledged(task)
            case K.OPEN:
                since = self._drill.origin
                opened = [] if self._opened is None else [self._opened]
                left = self._left_out(_TELLS)
                line = self._timed(task, opened, lambda _: since, left)
                early = self._opened is not None and self._opened.at < since
                return replace(line, note=BEFORE_REPORT) if early else line
            case K.SEVERITY:
                return self._severity(task)
            case K.PLACE:
                return self._place(task)
            case K.CHOICE:
                return self._choice(task)
            case K.FOLLOW:
                return self._followed(task)
            case K.CLOSE:
                return self._closed(task)
        since = self._opened.at if self._opened else 0
        left = self._refused(task)
        return self._timed(task, self._counted(task), lambda _: since, left)

    def _counted(self, task: Task) -> list[Fact]:
        facts = self._of(*_KINDS[task.kind])
        if any(self._untrue(task, fact) for fact in facts):
            return []  # whoever ticks what nobody did has checked nothing
        return [fact for fact in facts if self._why_not(task, fact) is None]

    def _refused(self, task: Task) -> Uncounted | None:
        """An untrue tick before the others: it is what cost the points."""
        untrue = [fact for fact in self._of(*_KINDS[task.kind]) if self._untrue(task, fact)]

        def why(fact: Fact) -> Words | None:
            return None if untrue and fact not in untrue else self._why_not(task, fact)

        return self._left_out(_KINDS[task.kind], why)

    def _why_not(self, task: Task, fact: Fact) -> Words | None:
        """Why what the trainee did about this incident does not count for the task; None where it does."""
        seconds = (fact.at - self._opened.at) / SECOND if self._opened else 0.0
        length = int(fact.data.get("length") or 0)
        if self._taken_back(fact):
            return TAKEN_BACK
        if self._untrue(task, fact):
            item = fact.data["item"]
            return NOBODY_DID.fill({"item": Words(item["th"], item["en"])})
        if task.kind in (K.ASSIGN, K.CHOICE) and fact not in self._fitting:
            if fact.entity in {one.entity for one in self.false}:
                return FALSE_ARRIVAL
            return NOT_ADVISED.fill({"kind": self._drill.names.unit(str(fact.data.get("unitType")))})
        if seconds < 0:
            return BEFORE_OPENING
        if task.kind is K.LOG and length < LOG_LEAST:
            return TOO_SHORT.fill({"length": length, "least": LOG_LEAST})
        if seconds < task.least_s:
            return TOO_EARLY.fill({"seconds": int(seconds), "least": int(task.least_s)})
        return None

    def _untrue(self, task: Task, fact: Fact) -> bool:
        """Was an item ticked that cannot be true in this script? Where the city's checklist has none of the items that the
        scenario names, nobody can say."""
        true = [one.json() for one in task.items if one in self._drill.names.checklist]
        item = fact.data.get("item")
        told = isinstance(item, dict) and item.keys() >= {"th", "en"}
        return (
            task.kind is K.VERIFY and bool(true) and told and item not in true and not self._taken_back(fact)
        )

    def _taken_back(self, tick: Fact) -> bool:
        later = (f for f in self._of("item-unchecked") if (f.at, f.seq) > (tick.at, tick.seq))
        return tick.kind == "item-checked" and any(f.data.get("item") == tick.data.get("item") for f in later)

    def _acknowledged(self, task: Task) -> Criterion:
        alerts, trainee = self._drill.alerts, self._drill.trainee
        acts = [f for f in self._drill.facts if f.kind == "alert-acknowledged"]
        done = [f for f in acts if f.actor == trainee and f.entity in alerts]
        left = uncounted(acts, trainee, lambda fact: None if fact.entity in alerts else OTHER_ALERT)
        return self._timed(task, done, lambda fact: alerts[fact.entity].at, left)

    def _timed(
        self, task: Task, facts: Sequence[Fact], since: Callable[[Fact], Micros], left: Uncounted | None
    ) -> Criterion:
        """By the quickest of the facts; without any, ``left`` names the act that did not count."""
        limit = int(task.full_s)
        right = RIGHT[task.kind].fill({"seconds": limit, "least": int(task.least_s)})
        if not facts:
            return _left(_line(task, 0.0, None, "s", task.full_s, right), left)
        best = min(facts, key=lambda fact: fact.at - since(fact))
        seconds = (best.at - since(best)) / SECOND
        points = round(speed_points(seconds, task.full_s, task.none_s, task.points), 2)
        return _line(task, points, round(seconds, 1), "s", task.full_s, right, best)

    def _severity(self, task: Task) -> Criterion:
        wanted, names = self._drill.scenario.severities, self._drill.names.severities
        target = _or([names.get(one, Words(one, one)) for one in wanted]) if wanted else _ANY
        right = RIGHT[K.SEVERITY].fill({"target": target})
        fact = self._last_with("severity")
        if fact is None:
            return _left(_line(task, 0.0, None, "", target, right), self._left_out(_TELLS, told="severity"))
        code = str(fact.data["severity"])
        met = code in wanted or not wanted
        return _line(task, task.points * met, names.get(code, Words(code, code)), "", target, right, fact)

    def _place(self, task: Task) -> Criterion:
        scenario = self._drill.scenario
        right = RIGHT[K.PLACE].fill({"metres": int(scenario.place_within_m)})
        fact = self._last_with("location")
        if fact is None:
            line = _line(task, 0.0, None, "m", scenario.place_within_m, right)
            return _left(line, self._left_out(_TELLS, told="location"))
        lon, lat = fact.data["location"]
        away = haversine_m(lon, lat, *scenario.place)
        met = away <= scenario.place_within_m
        return _line(task, task.points * met, round(away), "m", scenario.place_within_m, right, fact)

    def _last_with(self, name: str) -> Fact | None:
        told = [f for f in self._of(*_TELLS) if f.data.get(name)]
        return told[-1] if told else None

    def _choice(self, task: Task) -> Criterion:
        names = self._drill.names
        kinds = _or([names.unit(one) for one in names.needed[:1]])
        right = RIGHT[K.CHOICE].fill({"kinds": kinds})
        rated = [(ratio, f) for f in self._fitting if (ratio := _ratio(f)) is not None]
        if rated:
            ratio, best = min(rated, key=lambda one: one[0])
            points = round(speed_points(ratio, _RATIO_FULL, _RATIO_NONE, task.points), 2)
            return _line(task, points, round(ratio, 2), "ratio", _RATIO_FULL, right, best)
        unrated = (self._fitting or self._sent)[:1]
        for first in unrated:
            kind = names.unit(str(first.data.get("unitType")))
            why = NO_DRIVING_TIME if self._fitting else self._why_not(task, first)
            return replace(_line(task, 0.0, kind, "", kinds, right, first), note=why)
        left = self._left_out(_KINDS[K.ASSIGN])
        return _left(_line(task, 0.0, None, "ratio", _RATIO_FULL, right), left)

    def _followed(self, task: Task) -> Criterion:
        """On scene and clear, reported by the trainee; that it is on its way the unit itself may have said."""
        right = RIGHT[K.FOLLOW]
        best: list[Fact] = []
        for sent in self._fitting:
            steps = [
                next((f for f in facts if f.kind == kind and f.entity == sent.entity), None)
                for kind, facts in zip(
                    _STEPS, (self._drill.facts, self._drill.mine, self._drill.mine), strict=True
                )
            ]
            best = max(best, [f for f in steps if f is not None], key=len)
        line = _line(task, round(task.points * len(best) / 3, 2), len(best), "count", 3, right, *best)
        others = any(f.kind in _STEPS and f not in best for f in self._drill.facts)
        return replace(line, note=OTHER_STEPS) if others and len(best) < 3 else line

    def _closed(self, task: Task) -> Criterion:
        right = RIGHT[K.CLOSE]
        done = self._of("incident-closed")
        told = [f for f in done if f.data.get("outcome")]
        arrived = min((f.at for f in self._arrived), default=None)
        good = [f for f in told if arrived is not None and f.at >= arrived]
        best = (good or told or done)[:1]
        state = Words("ปิดแล้ว", "closed")
        if best and not good:
            state = (
                Words("ปิดโดยไม่มีผลลัพธ์", "closed without an outcome")
                if not told
                else Words("ปิดโดยไม่มีหน่วยไปถึง", "closed before a unit was there")
            )
        target = Words("ปิดพร้อมผลลัพธ์", "closed with an outcome")
        line = _line(task, task.points * bool(good), state if best else None, "", target, right, *best)
        return line if best else _left(line, self._left_out(["incident-closed"]))


_TELLS: Final = ("incident-opened", "incident-corrected")
_STEPS: Final = ("unit-enRoute", "unit-onScene", "unit-clear")
_KINDS: Final[Mapping[TaskKind, tuple[str, ...]]] = {
    K.VERIFY: ("item-checked",),
    K.HAND_OVER: ("handed-over",),
    K.LOG: ("note",),
    K.ASSIGN: ("unit-assigned",),
}
"""Facts about an incident that count from its opening on."""


def plausible(assigned: Fact, arrived: Fact) -> bool:
    """Can the unit have driven there in this time? Without a driving time nobody can say, and it is believed."""
    eta = assigned.data.get("etaSeconds")
    if not isinstance(eta, int | float):
        return True
    return (arrived.at - assigned.at) / SECOND >= PLAUSIBLE * eta


def _ratio(sent: Fact) -> float | None:
    """Its driving time against the best of its kind; at least 1."""
    eta, best = sent.data.get("etaSeconds"), sent.data.get("bestEtaSeconds")
    if not isinstance(eta, int | float) or not isinstance(best, int | float):
        return None
    return max(1.0, float(eta) / max(1.0, float(best)))


def _or(words: Sequence[Words]) -> Words:
    return Words(" หรือ ".join(one.th for one in words) or "–", " or ".join(one.en for one in words) or "–")


def _left(line: Criterion, left: Uncounted | None) -> Criterion:
    """A line without a fact that counts: with the act that did not count, if there is one."""
    if left is None:
        return line
    return replace(line, measured=DONE, note=left.why, times=(left.fact.at,), entities=(left.fact.entity,))


def _line(
    task: Task,
    points: float,
    measured: float | Words | None,
    unit: str,
    target: float | Words,
    right: Words,
    *facts: Fact,
) -> Criterion:
    return Criterion(
        task.kind.value,
        TITLES[task.kind],
        points,
        task.points,
        measured,
        unit,
        target,
        right,
        task.why or WHY[task.kind],
        tuple(f.at for f in facts),
        tuple(dict.fromkeys(f.entity for f in facts)),
    )
