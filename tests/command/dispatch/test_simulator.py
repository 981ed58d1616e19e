"""Simulated units drive at network speed, and only they; people report what happens on scene."""

from __future__ import annotations

import asyncio
from pathlib import Path

from andaman.broker.entity.build import prop, value
from andaman.broker.service import Broker
from andaman.command.core.entities import change_op
from andaman.command.desk import Desk
from andaman.command.dispatch.simulator import TURNOUT_S, UnitSimulator
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.geometry import haversine_m
from tests.command.city import (
    STATION,
    SYSTEM,
    UNITS,
    HandClock,
    assign,
    broker_at,
    move,
    open_incident,
    put,
    report,
    roads,
)

A1 = "urn:ngsi-ld:EmergencyUnit:a1"


def place(broker: Broker, unit: str = A1) -> list[float]:
    found: list[float] = value(broker.get(unit, FULL_ACCESS), "location")["coordinates"]
    return found


def test_a_unit_drives_there_and_home(tmp_path: Path) -> None:
    """It turns out after a minute, never jumps, arrives when the estimate says, waits for people to say that it is on
    scene and clear, and goes home."""

    async def run() -> None:
        clock = HandClock(step=0)
        async with broker_at(tmp_path, clock) as broker:
            await put(broker, STATION, *UNITS, *roads())
            desk = Desk(broker, clock)
            simulator = UnitSimulator(broker, desk.records, desk.dispatch, clock)
            incident = await open_incident(desk)
            assignment = await assign(desk, incident, A1)
            start = place(broker)
            clock.advance(TURNOUT_S - 1)
            await simulator.round("")
            assert place(broker) == start
            clock.advance(2)
            await simulator.round("")
            eta = value(broker.get(assignment, FULL_ACCESS), "etaSeconds")
            before, target = start, report()["location"]["coordinates"]
            for _ in range(int(eta / 2) + 3):
                clock.advance(2)
                await simulator.round("")
                here = place(broker)
                assert haversine_m(*before, *here) < 2 * 60 / 3.6
                before = here
            assert haversine_m(*here, *target) < 5
            assert value(broker.get(assignment, FULL_ACCESS), "assignmentStatus") == "enRoute"
            await move(desk, assignment, "onScene")
            await simulator.round("")
            await move(desk, assignment, "clear")
            for _ in range(int(eta) + 10):
                clock.advance(2)
                await simulator.round("")
            assert haversine_m(*place(broker), *start) < 5
            assert value(broker.get(A1, FULL_ACCESS), "speed") == 0

    asyncio.run(run())


def test_real_units_are_never_moved(tmp_path: Path) -> None:
    """Only what says that it is simulated is simulated; with auto it ends its assignment by itself."""

    async def run() -> None:
        clock = HandClock(step=0)
        async with broker_at(tmp_path, clock) as broker:
            await put(broker, STATION, *UNITS, *roads())
            desk = Desk(broker, clock)
            simulator = UnitSimulator(broker, desk.records, desk.dispatch, clock, auto=True)
            p1 = "urn:ngsi-ld:EmergencyUnit:p1"
            await broker.write([change_op(p1, "EmergencyUnit", origin=prop("measured"))], SYSTEM)
            incident = await open_incident(desk)
            real = await assign(desk, incident, p1)
            played = await assign(desk, incident, A1)
            at = place(broker, p1)
            for _ in range(100):
                clock.advance(10)
                await simulator.round("")
            assert place(broker, p1) == at
            assert value(broker.get(real, FULL_ACCESS), "assignmentStatus") == "assigned"
            assert value(broker.get(played, FULL_ACCESS), "assignmentStatus") == "clear"
            assert value(broker.get(A1, FULL_ACCESS), "unitStatus") == "available"

    asyncio.run(run())
