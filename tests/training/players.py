"""Players of drills: scripts that do what a person at the screen can do, on a small city and a clock that is set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from andaman.broker.entity.build import entity, prop, value
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.command.core.reading import BothLanguages, read_form
from andaman.command.core.states import AssignmentStatus, IncidentStatus
from andaman.command.desk import Desk
from andaman.command.dispatch.commands import AssignUnit, TakeAssignmentStep
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.command.incidents.commands import (
    AddNote,
    CheckItem,
    HandOver,
    OpenIncident,
    TakeIncidentStep,
)
from andaman.command.signals.commands import Acknowledge
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.training.drills import Drills
from andaman.training.exercise import main_entity
from andaman.training.scenarios import SCENARIOS, scenario_of
from tests.command.city import STATION, UNITS, HandClock, broker_at, put, roads
from tests.support import principal

ROWS = SeedRows(load_pack("phuket"))
PATONG_HILL = scenario_of(ROWS.rows(SCENARIOS)["rain-crash-patong-hill"])
RULES = system_actor("rules")


class Player:
    """One trainee in one drill. Each method is one press of a button; ``wait`` lets time go by."""

    def __init__(self, broker: Broker, clock: HandClock, role: str) -> None:
        self.broker, self.clock = broker, clock
        self.desk = Desk(broker, clock, registers=ROWS)
        self.drills = Drills(broker, clock, ROWS)
        self.actor = Actor(principal(f"user:{role}", role.title(), role))
        self.role = role

    async def begin(self) -> None:
        self.run = await self.drills.begin(PATONG_HILL.id, self.actor)
        self.tenant = str(value(self.run, "exerciseTenant"))
        self.local = self.run["id"].rsplit(":", 1)[1]

    async def report(self) -> str:
        """The script goes on until the main event, and its rule raises the alert."""
        self.clock.advance(PATONG_HILL.injects[-1].after_s)
        await self.drills._due()
        alert = "urn:ngsi-ld:Alert:crash"
        rule = f"urn:ngsi-ld:AlertRule:drill-{self.local}-crash"
        doc = entity(
            alert,
            "Alert",
            alertStatus=prop("open"),
            severity=prop("Severe"),
            rule=prop(rule),
            refEntity=prop(main_entity(PATONG_HILL, self.local)),
        )
        await self.broker.must_write([WriteOp(OpKind.CREATE, alert, doc)], RULES, self.tenant)
        return alert

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def _do(self, command: Any) -> str:
        return await self.desk.handle(command, self.actor, self.tenant)

    async def acknowledge(self, alert: str) -> None:
        await self._do(Acknowledge(alert=alert))

    async def open(self, kind: str = "roadAccident", severity: str = "Severe", **more: Any) -> str:
        place = {"type": "Point", "coordinates": list(PATONG_HILL.place)}
        body = {"incidentType": kind, "severity": severity, "location": place, **more}
        return await self._do(read_form(OpenIncident, body))

    async def check(self, incident: str, item: int = 0, done: bool = True) -> None:
        words = ROWS.rows(INCIDENT_TYPES)["roadAccident"].checklist[item]
        await self._do(CheckItem(incident=incident, item=BothLanguages(th=words.th, en=words.en), done=done))

    async def hand_over(self, incident: str) -> None:
        await self._do(HandOver(incident=incident, text="Two injured, conscious, on the hill road"))

    async def note(
        self, incident: str, text: str = "The caller stays at the place and keeps the line open"
    ) -> None:
        await self._do(AddNote(incident=incident, text=text))

    async def advice(self, incident: str) -> list[Any]:
        found = await self.desk.dispatch.candidates(incident, FULL_ACCESS, self.tenant)
        return found.candidates

    async def send(self, incident: str, unit: str) -> str:
        return await self._do(AssignUnit(incident=incident, unit=unit))

    async def step(self, assignment: str, step: AssignmentStatus) -> None:
        await self._do(TakeAssignmentStep(assignment=assignment, step=step, far_confirmed=True))

    async def close(self, incident: str) -> None:
        for step in (IncidentStatus.CONTROLLED, IncidentStatus.CLOSED):
            await self._do(TakeIncidentStep(incident=incident, step=step, outcome="Two taken to hospital"))

    async def finish(self) -> dict[str, Any]:
        run: Doc = await self.drills.finish(self.local, self.actor)
        score: dict[str, Any] = value(run, "score")
        return score


@asynccontextmanager
async def player(directory: Path, role: str) -> AsyncIterator[Player]:
    clock = HandClock()
    async with broker_at(directory, clock) as broker:
        await put(broker, STATION, *UNITS, *roads())
        made = Player(broker, clock, role)
        await made.begin()
        yield made
