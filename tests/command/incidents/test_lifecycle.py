"""A state machine over incidents, assignments and units: whatever people try, in whatever order."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from andaman.broker.entity.build import iri, value
from andaman.broker.service import Broker
from andaman.command.core.states import AssignmentStatus, IncidentStatus, UnitStatus
from andaman.command.desk import Desk
from andaman.command.dispatch.steps import ASSIGNMENT_STEPS, UNIT_STATUS
from andaman.command.incidents.steps import INCIDENT_STEPS, incident_steps
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Conflict
from tests.command.city import (
    STATION,
    UNITS,
    HandClock,
    add_note,
    assign,
    move,
    open_incident,
    put,
    set_status,
    take_step,
)

T = TypeVar("T")
UNIT_IDS = [u["id"] for u in UNITS]


class CommandCenter(RuleBasedStateMachine):
    """Laws: a step is taken exactly when the table allows it; every change is one numbered timeline entry; a unit is
    bound to at most one assignment and its status is that assignment's; nothing that ended keeps a unit."""

    incidents = Bundle("incidents")
    assignments = Bundle("assignments")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = HandClock()
        self.changes: dict[str, list[str]] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.broker = Broker.open(Path(self.folder.name), clock=self.clock, history=False)
        self.do(self.broker.start())
        self.do(put(self.broker, STATION, *UNITS))
        self.desk = Desk(self.broker, self.clock)

    def teardown(self) -> None:
        if hasattr(self, "broker"):
            self.do(self.broker.close())
        self.loop.close()
        self.folder.cleanup()

    def field(self, entity_id: str, name: str) -> Any:
        return value(self.broker.get(entity_id, FULL_ACCESS), name)

    def of(self, incident: str) -> list[Any]:
        return self.desk.records.linked_docs("Assignment", "refIncident", incident, FULL_ACCESS, "")

    @rule(target=incidents)
    def report(self) -> str:
        made = self.do(open_incident(self.desk))
        self.changes[made] = ["new"]
        return made

    @rule(incident=incidents, step=st.sampled_from(list(INCIDENT_STEPS)))
    def take_step(self, incident: str, step: str) -> None:
        before = self.field(incident, "incidentStatus")
        bound = [AssignmentStatus(value(a, "assignmentStatus")) for a in self.of(incident)]
        allowed = incident_steps(IncidentStatus(before), bound)
        legal = step in allowed
        work = take_step(self.desk, incident, step)
        if not legal:
            with pytest.raises(Conflict) as refused:
                self.do(work)
            assert refused.value.extra["allowed"] == allowed
            return
        self.do(work)
        self.changes[incident].append(step)
        if step == "cancelled":
            self.changes[incident] += ["cancelled"] * sum(b.active for b in bound)

    @rule(target=assignments, incident=incidents, unit=st.sampled_from(UNIT_IDS))
    def send(self, incident: str, unit: str) -> str:
        status = self.field(incident, "incidentStatus")
        legal = status not in ("closed", "cancelled") and self.field(unit, "unitStatus") == "available"
        try:
            made = self.do(assign(self.desk, incident, unit))
        except Conflict:
            assert not legal
            return ""
        assert legal
        self.changes[incident].append("assigned")
        if status in ("new", "triaged"):
            self.changes[incident].append("dispatched")
        return made

    @rule(assignment=assignments, step=st.sampled_from(list(ASSIGNMENT_STEPS)))
    def move(self, assignment: str, step: str) -> None:
        if not assignment:
            return
        incident = self.field(assignment, "refIncident")
        legal = step in ASSIGNMENT_STEPS[self.field(assignment, "assignmentStatus")]
        before = self.field(incident, "incidentStatus")
        try:
            self.do(move(self.desk, assignment, step))
        except Conflict:
            assert not legal
            return
        assert legal
        self.changes[incident].append(step)
        after = self.field(incident, "incidentStatus")
        if after != before:
            here = {value(a, "assignmentStatus") for a in self.of(incident)}
            assert after == ("onScene" if "onScene" in here else "triaged")
            self.changes[incident].append(after)

    @rule(incident=incidents)
    def write_note(self, incident: str) -> None:
        self.do(add_note(self.desk, incident, "หมายเหตุ"))
        self.changes[incident].append("note")

    @rule(unit=st.sampled_from(UNIT_IDS), status=st.sampled_from(["available", "outOfService"]))
    def service(self, unit: str, status: str) -> None:
        bound = UnitStatus(self.field(unit, "unitStatus")).bound
        try:
            self.do(set_status(self.desk, unit, status))
            assert not bound
        except Conflict:
            assert bound

    @invariant()
    def timeline_is_whole(self) -> None:
        for incident, expected in self.changes.items():
            timeline = self.desk.detail(incident, FULL_ACCESS)["timeline"]
            assert [e["a"]["number"] for e in timeline] == list(range(1, len(timeline) + 1))
            assert [e["a"].get("step", "note") for e in timeline] == expected

    @invariant()
    def no_status_without_its_unit(self) -> None:
        """Dispatched has an active assignment; on scene had a unit that arrived."""
        for incident in self.changes:
            status = self.field(incident, "incidentStatus")
            sent = [AssignmentStatus(value(a, "assignmentStatus")) for a in self.of(incident)]
            if status == "dispatched":
                assert any(one.active for one in sent)
            if status in ("onScene", "controlled"):
                assert {AssignmentStatus.ON_SCENE, AssignmentStatus.CLEAR} & {*sent}

    @invariant()
    def units_are_where_their_assignment_is(self) -> None:
        if not hasattr(self, "broker"):
            return
        bound: dict[str, str] = {}
        for doc in self.broker.iter_entities([iri("Assignment")], FULL_ACCESS):
            status = value(doc, "assignmentStatus")
            if AssignmentStatus(status).active:
                unit = value(doc, "refUnit")
                assert unit not in bound
                bound[unit] = UNIT_STATUS[status]
                assert self.field(value(doc, "refIncident"), "incidentStatus") not in ("closed", "cancelled")
        for unit in UNIT_IDS:
            status = self.field(unit, "unitStatus")
            assert status == bound.get(unit, status)
            assert unit in bound or status in ("available", "outOfService")


CommandCenter.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestCommandCenter = CommandCenter.TestCase
