"""A small city for the tests of the command center: a grid of roads, a few units, a clock that is set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from andaman.broker.entity.build import entity, geo, lang, prop, rel, value
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.command.core.reading import BothLanguages, read_form
from andaman.command.core.states import AssignmentStatus
from andaman.command.desk import Desk
from andaman.command.dispatch.commands import AssignUnit, Service, SetUnitStatus, TakeAssignmentStep
from andaman.command.incidents.commands import AddNote, CheckItem, OpenIncident, TakeIncidentStep
from andaman.command.signals.commands import Acknowledge, CloseAlert
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.kernel.time import SECOND, Micros
from andaman.kernel.words import Words
from tests.support import principal

SYSTEM = system_actor("test")
DISPATCHER = Actor(principal("user:nok", "Nok", "dispatcher"))
SECOND_DISPATCHER = Actor(principal("user:lek", "Lek", "dispatcher"))
START: Micros = 1_800_000_000 * SECOND


class HandClock:
    """Time stands until it is moved, except that every look adds ``step`` microseconds."""

    def __init__(self, now: Micros = START, step: int = 1) -> None:
        self.now, self.step = now, step

    def __call__(self) -> Micros:
        self.now += self.step
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [98.30 + x * 0.01, 7.90 + y * 0.01]}


def roads() -> list[Doc]:
    """A 4 × 4 grid, 1.1 km between crossings."""
    out = []
    for x in range(4):
        for y in range(4):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < 4 and y + dy < 4:
                    line = [point(x, y)["coordinates"], point(x + dx, y + dy)["coordinates"]]
                    out.append(
                        entity(
                            f"urn:ngsi-ld:RoadSegment:{x}{y}{dx}{dy}",
                            "RoadSegment",
                            roadClass=prop("secondary"),
                            length=prop(1105),
                            startNode=prop(x * 10 + y),
                            endNode=prop((x + dx) * 10 + y + dy),
                            location=geo({"type": "LineString", "coordinates": line}),
                        )
                    )
    return out


def unit(name: str, kind: str, x: float, y: float) -> Doc:
    return entity(
        f"urn:ngsi-ld:EmergencyUnit:{name}",
        "EmergencyUnit",
        name=lang(th=f"หน่วย {name}", en=f"Unit {name}"),
        unitType=prop(kind),
        unitStatus=prop("available"),
        origin=prop("simulated"),
        homeStation=rel("urn:ngsi-ld:PointOfInterest:station"),
        location=geo(point(x, y)),
    )


UNITS = [
    unit("a1", "ambulance", 0, 0),
    unit("a2", "ambulance", 3, 3),
    unit("p1", "policePatrol", 1, 0),
    unit("f1", "fireEngine", 3, 0),
    unit("b1", "rescueBoat", 0, 3),
]
A1, A2, P1 = (f"urn:ngsi-ld:EmergencyUnit:{n}" for n in ("a1", "a2", "p1"))
STATION = entity("urn:ngsi-ld:PointOfInterest:station", "PointOfInterest", location=geo(point(0, 0)))


async def put(broker: Broker, *docs: Doc, tenant: str = "") -> None:
    ops = [WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc) for doc in docs]
    for result in await broker.write(ops, SYSTEM, tenant):
        if result.error is not None:
            raise result.error


@asynccontextmanager
async def broker_at(directory: Path, clock: HandClock) -> AsyncIterator[Broker]:
    broker = Broker.open(directory, clock=clock, history=False)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.close()


def report(**more: Any) -> dict[str, Any]:
    return {"incidentType": "roadAccident", "severity": "Severe", "location": point(0.6, 0), **more}


async def open_incident(desk: Desk, tenant: str = "", **more: Any) -> str:
    return await desk.handle(read_form(OpenIncident, report(**more)), DISPATCHER, tenant)


async def assign(desk: Desk, incident: str, unit: str, actor: Actor = DISPATCHER) -> str:
    return await desk.handle(AssignUnit(incident=incident, unit=unit), actor, "")


async def take_step(
    desk: Desk, incident: str, step: str, note: str = "", outcome: str = "", **more: str
) -> str:
    body = {"step": step, "note": note, "outcome": outcome, **more}
    command = read_form(TakeIncidentStep, body, incident=incident)
    return await desk.handle(command, DISPATCHER, "")


async def move(desk: Desk, assignment: str, step: str) -> str:
    command = TakeAssignmentStep(assignment=assignment, step=AssignmentStatus(step), far_confirmed=True)
    return await desk.handle(command, DISPATCHER, "")


async def add_note(desk: Desk, incident: str, text: str) -> str:
    return await desk.handle(AddNote(incident=incident, text=text), DISPATCHER, "")


async def check_item(desk: Desk, incident: str, item: Words, *, done: bool = True) -> str:
    command = CheckItem(incident=incident, item=BothLanguages(th=item.th, en=item.en), done=done)
    return await desk.handle(command, DISPATCHER, "")


async def set_status(desk: Desk, unit_id: str, status: str, note: str = "") -> str:
    return await desk.handle(SetUnitStatus(unit=unit_id, status=Service(status), note=note), DISPATCHER, "")


async def acknowledge(desk: Desk, alert: str, note: str = "") -> str:
    return await desk.handle(Acknowledge(alert=alert, note=note), DISPATCHER, "")


async def close_alert(desk: Desk, alert: str, reason: str = "") -> str:
    return await desk.handle(CloseAlert(alert=alert, reason=reason), DISPATCHER, "")


async def opened(broker: Broker, clock: HandClock, **more: Any) -> tuple[Desk, str]:
    await put(broker, STATION, *UNITS, *roads())
    desk = Desk(broker, clock)
    return desk, await open_incident(desk, **more)


def status_of(broker: Broker, entity_id: str, name: str) -> Any:
    doc = broker.find(entity_id, FULL_ACCESS)
    assert doc is not None
    return value(doc, name)
