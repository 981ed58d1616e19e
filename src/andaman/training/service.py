"""The training room's service: required and held competences, enrolment in courses, and their records."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from andaman.broker.api import (
    Broker,
    Doc,
    OpKind,
    WriteOp,
    entity,
    js,
    prop,
    rel,
    value,
)
from andaman.city.agencies import AGENCIES
from andaman.command.core import attributes
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.identity.tenants import Tenants
from andaman.kernel.ids import keyed_id, sortable_id, urn
from andaman.kernel.time import DAY, Clock, Micros, format_time
from andaman.kernel.words import Words
from andaman.register import Rows
from andaman.training.certificates import Certificates, Content
from andaman.training.course import Course, Step, courses_of
from andaman.training.drills import Drills
from andaman.training.framework import STAFF_ROLES
from andaman.training.problems import (
    CourseNotCompleted,
    DrillNeeded,
    DrillNotScored,
    DrillOfAnother,
    EarlierStepFirst,
    NoSuchCourse,
    NoSuchDrill,
    NoSuchStaffRole,
    NoSuchStep,
)
from andaman.training.quiz import Sheet, mark, questions_json, review, sheet
from andaman.training.reading import begun, check_read
from andaman.training.staff import Staff
from andaman.training.types import RECORD_SCOPE
from andaman.training.views import DrillRun


class TrainingService:
    """Reads and writes of training; drills are in ``drills``, the gap is in ``staff``."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        registers: Rows,
        tenants: Tenants | None = None,
        keep: Micros = 30 * DAY,
        simulated: Collection[str] = (),
    ) -> None:
        """``tenants`` and ``keep``: see ``Drills``; ``simulated``: see ``Certificates``."""
        self._registers = registers
        self._broker = broker
        self._clock = clock
        self._actor = system_actor("training")
        self._lock = asyncio.Lock()  # one enrolment step at a time: read, decide, write
        self.staff = Staff(broker, registers, clock)
        self.drills = Drills(broker, clock, registers, tenants, keep)
        self.certificates = Certificates(broker, clock, simulated)

    async def start(self) -> None:
        """Resume drills that a stop interrupted."""
        await self.drills.start()

    async def stop(self) -> None:
        await self.drills.stop()

    def overview(self) -> dict[str, Any]:
        """Roles, competencies, the gap and the courses. Counts only: no person is named here."""
        members, framework = self.staff.members(), self.staff.framework()
        return {
            "time": format_time(self._clock()),
            "competencies": [asdict(c) for c in framework.competencies.values()],
            "roles": [
                {**asdict(r), "members": len({m.person for m in members if m.role == r.id})}
                for r in framework.roles
            ],
            "gap": [asdict(row) for row in self.staff.gap()],
            "simulatedMembers": sum(m.simulated for m in members),
            "members": len(members),
            "courses": [course_json(c) for c in courses_of(self._registers).values()],
        }

    async def seed(self, docs: list[Doc]) -> None:
        """Write those of the documents that are not there yet (a demonstration's simulated staff)."""
        await self._write([d for d in docs if self._broker.find(d["id"], FULL_ACCESS) is None], self._actor)

    async def set_role(self, person: str, role: str, actor: Actor) -> None:
        """Give someone a role (staff code or account id). Raises NoSuchStaffRole."""
        if role not in self._registers.rows(STAFF_ROLES):
            raise NoSuchStaffRole(role=role)
        doc = entity(
            self._record_id("StaffMember", person, _local(person)),
            "StaffMember",
            scope=RECORD_SCOPE,
            person=prop(person),
            staffRole=prop(role),
            origin=prop("reported"),
        )
        # The door has asked the permission; nobody writes such an entity by NGSI-LD but administrators.
        write = Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
        await self._write([doc], write)

    # -- courses --------------------------------------------------------------------------------------------
    def progress(self, course_id: str, actor: Actor) -> dict[str, Any]:
        """The course with what the signed-in person has passed."""
        course = self._course(course_id)
        person = actor.principal.id
        certificate = self.certificates.find(course, person)
        passed = self._passed(course, person)
        found = course_json(course)
        for step, shown in zip(course.steps, found["steps"], strict=True):
            shown["questions"] = questions_json(step, self._sheet(course, step, person, passed))
        return {
            **found,
            "progress": passed,
            "tries": {step.id: self._tries(step, person, passed) for step in course.steps},
            "certificate": None if certificate is None else self.certificates.json(certificate),
            "person": actor.principal.name,
        }

    async def certify(self, course_id: str, actor: Actor) -> dict[str, Any]:
        """The certificate of a course, for a person who has passed every step. Its score is the mean of questions and drills.
        Raises NoSuchCourse, CourseNotCompleted."""
        course, person = self._course(course_id), actor.principal.id
        passed = self._passed(course, person)
        if not all(passed.get(step.id, {}).get("passed") for step in course.steps):
            raise CourseNotCompleted
        shown = [step for step in course.steps if step.kind != "read"]
        scores = [float(passed[step.id]["score"]) for step in shown]
        content = Content(
            round(sum(scores) / len(scores), 1) if scores else 100.0,
            self._proven(person, {str(passed[step.id].get("evidence")) for step in shown}),
            {step.title: (step.kind, self._tries(step, person, passed)) for step in shown},
            self._issuer(course),
        )
        return self.certificates.json(await self.certificates.issue(course, actor, content))

    def _proven(self, person: str, evidence: set[str]) -> dict[Words, int]:
        """Name of a competency → level that this evidence of a person proves."""
        known, levels = self.staff.framework().competencies, dict[Words, int]()
        for record in self.staff.records():
            if record.person == person and record.evidence in evidence and record.competency in known:
                name = known[record.competency].name
                levels[name] = max(record.level, levels.get(name, 0))
        return levels

    def _issuer(self, course: Course) -> Words | None:
        rows = self._registers.rows(AGENCIES)
        government = (one for one in rows.values() if one.category == "government")
        found = rows.get(course.issuer) or next(government, None)
        return None if found is None else found.name

    def _tries(self, step: Step, person: str, passed: Mapping[str, Any]) -> int:
        """How often somebody has tried a step: answers, or drills that were begun, also those that were given up."""
        if step.kind != "drill":
            return _answered(step, passed)
        runs = map(DrillRun.of, self.drills.list_runs(FULL_ACCESS))
        mine = (one for one in runs if one.person == person)
        return sum(not step.scenarios or one.scenario in step.scenarios for one in mine)

    def _sheet(self, course: Course, step: Step, person: str, passed: Mapping[str, Any]) -> Sheet:
        return sheet(self._broker.position_key, person, course.id, step, _answered(step, passed))

    async def take_step(
        self, course_id: str, step_id: str, answers: Mapping[str, Any], actor: Actor
    ) -> dict[str, Any]:
        """Do a step. A passed step grants its competencies as records. Steps come in order.

        A reading step is begun with ``{"begin": true}`` and confirmed with ``{}``. A drill step takes ``{"drill": id}`` of a
        scored drill of one's own. Raises Conflict, BadRequestData.
        """
        course = self._course(course_id)
        async with self._lock:
            return await self._take(course, _step(course, step_id), answers, actor)

    async def _take(
        self, course: Course, step: Step, answers: Mapping[str, Any], actor: Actor
    ) -> dict[str, Any]:
        person = actor.principal.id
        passed = self._passed(course, person)
        missing = [
            s for s in course.steps[: course.steps.index(step)] if not passed.get(s.id, {}).get("passed")
        ]
        if missing:
            raise EarlierStepFirst(name=missing[0].title, step=missing[0].id)
        row = passed.get(step.id, {})
        if row.get("passed") and step.kind == "read":
            return {"result": row, "review": None, "progress": passed}
        now = self._clock()
        evidence, role, told = f"course:{course.id}/{step.id}", "", None
        entry: dict[str, Any] = {"passed": True, "score": None, "at": format_time(now)}
        if step.kind == "read":
            if answers.get("begin") is True:
                entry = row if "readyAt" in row else begun(step, now)
            else:
                check_read(step, row, now)
        elif step.kind == "quiz":
            order = self._sheet(course, step, person, passed)
            share, ok = mark(step, order, answers)
            told = review(step, order, answers) if ok else None  # a failed try gives away no answer
            entry |= {"passed": ok, "score": round(100 * share, 1), "tries": _answered(step, passed) + 1}
            if row.get("passed"):  # its answers are known by now: it renews a proof, and improves no score
                entry |= {"score": row.get("score"), "tries": _answered(step, passed)}
        else:
            run = self._drill_of(step, answers, actor)
            evidence, role = str(run["id"]), DrillRun.of(run).role
            entry |= {"passed": bool(value(run, "passed")), "score": attributes.number(run, "percent")}
        entry = {**entry, "evidence": evidence}
        if row.get("passed") and not entry["passed"]:
            return {"result": entry, "review": told, "progress": passed}
        passed[step.id] = entry
        docs = [self._enrolment(course, person, passed)]
        if entry["passed"]:
            docs += self._grants(step.granted(role), person, evidence, now)
        await self._write(docs, self._actor)
        return {"result": entry, "review": told, "progress": passed}

    def _drill_of(self, step: Step, answers: Mapping[str, Any], actor: Actor) -> Doc:
        """Raises DrillNeeded, NoSuchDrill, DrillNotScored, DrillOfAnother."""
        drill_id = answers.get("drill")
        if not isinstance(drill_id, str):
            raise DrillNeeded
        run = self.drills.get_run(drill_id, FULL_ACCESS)
        if value(run, "person") != actor.principal.id:
            raise NoSuchDrill(id=drill_id)
        if value(run, "drillStatus") != "scored":
            raise DrillNotScored
        if step.scenarios and DrillRun.of(run).scenario not in step.scenarios:
            raise DrillOfAnother
        return run

    def _passed(self, course: Course, person: str) -> dict[str, Any]:
        doc = self._broker.find(self._enrolment_id(course, person), FULL_ACCESS)
        kept = value(doc, "steps") if doc else None
        rows = kept if isinstance(kept, dict) else {}
        return {step: row for step, row in rows.items() if isinstance(row, dict)}

    def _enrolment(self, course: Course, person: str, passed: Mapping[str, Any]) -> Doc:
        done = sum(bool(row.get("passed")) for row in passed.values())
        return entity(
            self._enrolment_id(course, person),
            "Enrolment",
            scope=RECORD_SCOPE,
            person=prop(person),
            refCourse=rel(urn("Course", course.id)),
            steps=js(dict(passed)),
            completed=prop(done == len(course.steps)),
        )

    def _enrolment_id(self, course: Course, person: str) -> str:
        return self._record_id("Enrolment", f"{course.id}:{person}", f"{course.id}:{_local(person)}")

    def _record_id(self, kind: str, subject: str, older: str) -> str:
        """The id of the one record of a subject: that somebody learns here is personal, so that it cannot be guessed. A record
        that an older version kept under a speaking name (``older``) keeps it."""
        kept = urn(kind, older)
        if self._broker.find(kept, FULL_ACCESS) is not None:
            return kept
        return urn(kind, keyed_id(self._broker.position_key, kind, subject))

    def _grants(self, levels: Mapping[str, int], person: str, evidence: str, now: int) -> list[Doc]:
        return [
            entity(
                urn("LearningRecord", f"{sortable_id(now)}-{competency}"),
                "LearningRecord",
                scope=RECORD_SCOPE,
                person=prop(person),
                competency=prop(competency),
                level=prop(level, now),
                evidence=prop(evidence),
                origin=prop("simulated" if person in self.certificates.simulated else "measured"),
            )
            for competency, level in levels.items()
        ]

    def _course(self, course_id: str) -> Course:
        """Raises NoSuchCourse."""
        found = courses_of(self._registers).get(course_id)
        if found is None:
            raise NoSuchCourse(id=course_id)
        return found

    # -- writing --------------------------------------------------------------------------------------------
    async def _write(self, docs: list[Doc], actor: Actor) -> None:
        if not docs:
            return
        ops = [WriteOp(OpKind.UPSERT_UPDATE, d["id"], d) for d in docs]
        await self._broker.must_write(ops, actor, atomic=True)


def course_json(course: Course) -> dict[str, Any]:
    """A course for a screen, without its questions: their order differs between people and tries."""
    return {
        "id": course.id,
        "title": course.title.json(),
        "summary": course.summary.json(),
        "roles": list(course.roles),
        "validDays": course.valid_days,
        "steps": [
            {
                "id": s.id,
                "kind": s.kind,
                "title": s.title.json(),
                "minutes": s.minutes,
                "body": [one.json() for one in s.body],
                "passShare": s.pass_share,
                "grants": [asdict(one) for one in s.grants],
            }
            for s in course.steps
        ],
    }


def _step(course: Course, step_id: str) -> Step:
    for step in course.steps:
        if step.id == step_id:
            return step
    raise NoSuchStep(course=course.id, step=step_id)


def _answered(step: Step, passed: Mapping[str, Any]) -> int:
    """How often somebody has answered the questions of a step; one that an earlier release kept was once."""
    tries = passed[step.id].get("tries", 1) if step.id in passed else 0
    return tries if isinstance(tries, int) else 1


def _local(person: str) -> str:
    return person.replace(":", "-")
