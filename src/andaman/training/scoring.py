"""Scores a drill from facts of its journal. Pure.

Only what the trainee did about the script earns points. Among several incidents of the trainee the best one counts, and
among several units the best, so that a further right step never lowers a score. One rule is for advice and score: a unit
fits if the list of units that can be sent had its kind first (``command/dispatch/ranking.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from andaman.kernel.geometry import haversine_m
from andaman.kernel.time import SECOND, Micros
from andaman.kernel.words import Words
from andaman.training.drill import Fact, Scenario
from andaman.training.tasks import TITLES, WHY, Part, Task, TaskKind

PASS_MARK: Final = 70.0
FAILED_AT_MOST: Final = 49.0
PLAUSIBLE: Final = 0.5
"""Share of the driving time after which a unit can be on scene at the earliest."""
_RATIO_FULL, _RATIO_NONE = 1.1, 2.0
_ANY: Final = Words("ระดับใดก็ได้", "any level")
LOG_LEAST: Final = 20
"""Characters of a note that says something."""
K = TaskKind


@dataclass(frozen=True, slots=True)
class Names:
    """Words for codes. ``needed``: kinds of unit that the incident needs, the most needed first."""

    units: Mapping[str, Words]
    severities: Mapping[str, Words]
    needed: tuple[str, ...] = ()

    def unit(self, code: str) -> Words:
        return self.units.get(code, Words(code, code))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the debriefing: ``points`` of ``of``; ``measured`` and ``target`` in ``unit`` (s, m, ratio, count; "" for
    words), None where it never happened. ``right``: what would have been right, and ``why``. ``times`` and ``entities``: of
    the facts it rests on."""

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


def score(
    scenario: Scenario, part: Part, names: Names, facts: Sequence[Fact], started: Micros, trainee: str
) -> Score:
    """Score a drill from its facts, in journal order."""
    mine = [f for f in facts if f.actor == trainee]
    event = next((f for f in facts if f.kind == "inject" and f.data.get("main")), None)
    origin = event.at if event else started
    script = {f.entity: f.at for f in reversed(facts) if f.kind == "inject"}
    alerts = {f.entity: f for f in facts if f.kind == "alert-raised" and _of_script(scenario, script, f)}
    drill = _Drill(scenario, names, facts, mine, origin, alerts)
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

    def opened(self) -> Iterator[Fact]:
        """For each incident of the trainee that got a right kind, the fact that gave it."""
        seen = set()
        for fact in self.mine:
            if fact.kind not in ("incident-opened", "incident-corrected") or fact.entity in seen:
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
            title = Words("ไม่ได้เปิดเหตุด้วยประเภทที่ถูกต้อง", "No incident of a right kind was opened")
            yield Failure("never-opened", title, ())
            return
        if K.CHOICE in part.kinds:
            yield from self._unit_failures(false)
        task = next((one for one in part.tasks if one.kind is K.HAND_OVER), None)
        if task is not None and not self._counted(task, self._of("handed-over"), self._opened.at):
            title = Words(
                "ไม่ได้ส่งต่อเหตุให้ผู้สั่งการ จึงไม่มีหน่วยใดถูกส่ง",
                "The incident was never handed over, so nobody was sent",
            )
            yield Failure("never-handed-over", title, ())

    def _unit_failures(self, false: Sequence[Fact]) -> Iterator[Failure]:
        if false:
            title = Words(
                "บันทึกว่าหน่วยถึงที่เกิดเหตุก่อนเวลาที่เดินทางถึงได้จริง",
                "A unit was recorded on scene before it could have arrived",
            )
            yield Failure("false-arrival", title, tuple(f.at for f in false))
        elif self._sent and not self._fitting:
            title = Words("ไม่ได้ส่งหน่วยที่เหมาะสมกับเหตุ", "No unit that fits the incident was sent")
            yield Failure("wrong-unit", title, tuple(f.at for f in self._sent))
        elif not self._arrived:
            title = Words("ไม่มีหน่วยที่เหมาะสมไปถึงที่เกิดเหตุ", "No fitting unit reached the place of the incident")
            yield Failure("never-arrived", title, ())

    # -- tasks ----------------------------------------------------------------------------------------------
    def measured(self, task: Task) -> Criterion:
        match task.kind:
            case K.ACKNOWLEDGE:
                return self._acknowledged(task)
            case K.OPEN:
                since = self._drill.origin
                return self._timed(task, [] if self._opened is None else [self._opened], lambda _: since)
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
        found = {
            K.VERIFY: self._of("item-checked"),
            K.HAND_OVER: self._of("handed-over"),
            K.LOG: [f for f in self._of("note") if int(f.data.get("length") or 0) >= LOG_LEAST],
            K.ASSIGN: self._fitting,
        }[task.kind]
        return self._timed(task, self._counted(task, found, since), lambda _: since)

    @staticmethod
    def _counted(task: Task, facts: Sequence[Fact], since: Micros) -> list[Fact]:
        """Without those that came earlier than anybody can have done it."""
        return [f for f in facts if (f.at - since) / SECOND >= task.least_s]

    def _acknowledged(self, task: Task) -> Criterion:
        alerts = self._drill.alerts
        done = [f for f in self._drill.mine if f.kind == "alert-acknowledged" and f.entity in alerts]
        return self._timed(task, done, lambda fact: alerts[fact.entity].at)

    def _timed(self, task: Task, facts: Sequence[Fact], since: Callable[[Fact], Micros]) -> Criterion:
        """By the quickest of the facts."""
        limit = int(task.full_s)
        right = _RIGHT[task.kind].fill({"seconds": limit, "least": int(task.least_s)})
        if not facts:
            return _line(task, 0.0, None, "s", task.full_s, right)
        best = min(facts, key=lambda fact: fact.at - since(fact))
        seconds = (best.at - since(best)) / SECOND
        points = round(speed_points(seconds, task.full_s, task.none_s, task.points), 2)
        return _line(task, points, round(seconds, 1), "s", task.full_s, right, best)

    def _severity(self, task: Task) -> Criterion:
        wanted, names = self._drill.scenario.severities, self._drill.names.severities
        target = _or([names.get(one, Words(one, one)) for one in wanted]) if wanted else _ANY
        right = _RIGHT[K.SEVERITY].fill({"target": target})
        fact = self._last_with("severity")
        if fact is None:
            return _line(task, 0.0, None, "", target, right)
        code = str(fact.data["severity"])
        met = code in wanted or not wanted
        return _line(task, task.points * met, names.get(code, Words(code, code)), "", target, right, fact)

    def _place(self, task: Task) -> Criterion:
        scenario = self._drill.scenario
        right = _RIGHT[K.PLACE].fill({"metres": int(scenario.place_within_m)})
        fact = self._last_with("location")
        if fact is None:
            return _line(task, 0.0, None, "m", scenario.place_within_m, right)
        lon, lat = fact.data["location"]
        away = haversine_m(lon, lat, *scenario.place)
        met = away <= scenario.place_within_m
        return _line(task, task.points * met, round(away), "m", scenario.place_within_m, right, fact)

    def _last_with(self, name: str) -> Fact | None:
        told = [f for f in self._of("incident-opened", "incident-corrected") if f.data.get(name)]
        return told[-1] if told else None

    def _choice(self, task: Task) -> Criterion:
        names = self._drill.names
        kinds = _or([names.unit(one) for one in names.needed[:1]])
        right = _RIGHT[K.CHOICE].fill({"kinds": kinds})
        rated = [(ratio, f) for f in self._fitting if (ratio := _ratio(f)) is not None]
        if rated:
            ratio, best = min(rated, key=lambda one: one[0])
            points = round(speed_points(ratio, _RATIO_FULL, _RATIO_NONE, task.points), 2)
            return _line(task, points, round(ratio, 2), "ratio", _RATIO_FULL, right, best)
        if self._sent and not self._fitting:
            first = self._sent[0]
            kind = names.unit(str(first.data.get("unitType")))
            return _line(task, 0.0, kind, "", kinds, right, first)
        return _line(task, 0.0, None, "ratio", _RATIO_FULL, right, *self._fitting[:1])

    def _followed(self, task: Task) -> Criterion:
        """On scene and clear, reported by the trainee; that it is on its way the unit itself may have said."""
        right = _RIGHT[K.FOLLOW]
        best: list[Fact] = []
        for sent in self._fitting:
            steps = [
                next((f for f in facts if f.kind == kind and f.entity == sent.entity), None)
                for kind, facts in (
                    ("unit-enRoute", self._drill.facts),
                    ("unit-onScene", self._drill.mine),
                    ("unit-clear", self._drill.mine),
                )
            ]
            best = max(best, [f for f in steps if f is not None], key=len)
        return _line(task, round(task.points * len(best) / 3, 2), len(best), "count", 3, right, *best)

    def _closed(self, task: Task) -> Criterion:
        right = _RIGHT[K.CLOSE]
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
        return _line(task, task.points * bool(good), state if best else None, "", target, right, *best)


_RIGHT: Final[Mapping[TaskKind, Words]] = {
    K.ACKNOWLEDGE: Words(
        "รับทราบการแจ้งเตือนของสถานการณ์ภายใน {seconds} วินาที",
        "Acknowledge an alert of the script within {seconds} s.",
    ),
    K.OPEN: Words(
        "เปิดเหตุจากการแจ้งนั้นภายใน {seconds} วินาที ด้วยประเภทที่ตรงกับเหตุ",
        "Open the incident from the report within {seconds} s, with the kind that it is.",
    ),
    K.SEVERITY: Words("ระบุความรุนแรงเป็น {target}", "Give the severity as {target}."),
    K.PLACE: Words(
        "ระบุจุดเกิดเหตุให้คลาดเคลื่อนไม่เกิน {metres} เมตร",
        "Give the place to within {metres} m.",
    ),
    K.VERIFY: Words(
        "ถามผู้แจ้งตามรายการตรวจสอบ แล้วทำเครื่องหมายภายใน {seconds} วินาทีหลังเปิดเหตุ เร็วกว่า {least} วินาทีถือว่าไม่ได้ถาม",
        "Ask the caller what the checklist says and tick it within {seconds} s. Before {least} s nobody can have asked.",
    ),
    K.HAND_OVER: Words(
        "ส่งต่อให้ผู้สั่งการภายใน {seconds} วินาทีหลังเปิดเหตุ พร้อมข้อมูลที่ตรวจสอบแล้ว เร็วกว่า {least} วินาทีถือว่ายังไม่ได้ตรวจสอบ",
        "Hand over to a dispatcher within {seconds} s, with the checked facts. Before {least} s nothing can have been checked.",
    ),
    K.LOG: Words(
        f"เขียนบันทึกอย่างน้อย {LOG_LEAST} ตัวอักษรภายใน {{seconds}} วินาทีหลังเปิดเหตุ",
        f"Write a note of at least {LOG_LEAST} characters within {{seconds}} s.",
    ),
    K.ASSIGN: Words(
        "ส่งหน่วยที่เหมาะสมภายใน {seconds} วินาทีหลังเปิดเหตุ",
        "Send a fitting unit within {seconds} s of opening the incident.",
    ),
    K.CHOICE: Words(
        "ส่งหน่วยแรกในรายการแนะนำ: {kinds}ที่ถึงเร็วที่สุด",
        "Send the first unit of the advice: the {kinds} that arrives first.",
    ),
    K.FOLLOW: Words(
        "รายงานว่าหน่วยถึงที่เกิดเหตุเมื่อถึงจริง และเสร็จภารกิจเมื่อเสร็จ",
        "Report the unit on scene when it is there, and clear when it is done.",
    ),
    K.CLOSE: Words(
        "ปิดเหตุพร้อมผลลัพธ์ หลังหน่วยไปถึงและเสร็จภารกิจ",
        "Close the incident with its outcome, after a unit was there and is clear.",
    ),
}


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
