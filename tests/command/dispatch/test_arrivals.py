"""Arrivals: what was promised, what the unit's position says, and who confirmed it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.broker.entity.build import entity, geo
from andaman.broker.service import Broker
from andaman.command.core.states import AssignmentStatus
from andaman.command.dispatch.arrivals import Arrivals
from andaman.command.dispatch.commands import TakeAssignmentStep
from andaman.command.dispatch.ranking import TURNOUT_S
from andaman.command.problems import UnitFarFromScene
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.time import SECOND, parse_time
from tests.command.city import (
    A1,
    DISPATCHER,
    HandClock,
    assign,
    broker_at,
    move,
    opened,
    point,
    put,
    status_of,
)


def test_the_promise_is_the_time_of_sending_with_turning_out_and_the_drive(tmp_path: Path) -> None:
    """It stays whatever happens afterwards, so that a delay is seen."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            sent = await assign(desk, incident, A1)
            assigned = parse_time(status_of(broker, sent, "assignedAt"))
            promised = parse_time(status_of(broker, sent, "promisedAt"))
            drive = status_of(broker, sent, "etaSeconds")
            assert (promised - assigned) / SECOND == pytest.approx(TURNOUT_S + drive, abs=0.1)
            clock.advance(4000)
            await move(desk, sent, "enRoute")
            await move(desk, sent, "onScene")
            assert parse_time(status_of(broker, sent, "promisedAt")) == promised

    asyncio.run(run())


def test_on_scene_from_afar_asks_and_the_record_has_the_distance(tmp_path: Path) -> None:
    """A unit 660 m away is refused until a person confirms; one that is there is not. Both leave the distance."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            sent = await assign(desk, incident, A1)
            step = TakeAssignmentStep(assignment=sent, step=AssignmentStatus.ON_SCENE)
            with pytest.raises(UnitFarFromScene) as refused:
                await desk.handle(step, DISPATCHER, "")
            assert refused.value.params["distance"] == pytest.approx(661, abs=3)
            assert status_of(broker, sent, "assignmentStatus") == "assigned"
            await move(desk, sent, "onScene")
            assert status_of(broker, sent, "onSceneDistanceM") == refused.value.params["distance"]
            (line,) = [
                one["a"]
                for one in desk.detail(incident, FULL_ACCESS)["timeline"]
                if one["a"].get("code") == "unit-arrived-afar"
            ]
            assert line["params"]["distance"] == refused.value.params["distance"]
            assert line["step"] == "onScene"

            await move(desk, sent, "clear")
            again = await assign(desk, incident, A1)
            await put(broker, entity(A1, "EmergencyUnit", location=geo(point(0.59, 0))))
            await desk.handle(
                TakeAssignmentStep(assignment=again, step=AssignmentStatus.ON_SCENE), DISPATCHER, ""
            )
            assert status_of(broker, again, "onSceneDistanceM") < 20
            last = desk.detail(incident, FULL_ACCESS)["timeline"][-1]["a"]
            assert last["code"] == "unit-step"

    asyncio.run(run())


async def stands(broker: Broker, clock: HandClock, x: float) -> int:
    """Unit A1 says now where it is; returns the time."""
    seen = clock.now
    await put(broker, entity(A1, "EmergencyUnit", location=geo(point(x, 0), seen)))
    return seen


def test_a_late_report_is_no_late_arrival(tmp_path: Path) -> None:
    """The position reaches the place before anybody reports it: both times are kept. One that only passed by leaves none."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            arrivals = Arrivals(broker, desk.records, clock)
            sent = await assign(desk, incident, A1)
            await arrivals.round("")
            assert status_of(broker, sent, "positionAtSceneAt") is None
            clock.advance(100)
            await stands(broker, clock, 0.6)
            await arrivals.round("")
            assert status_of(broker, sent, "positionAtSceneAt") is not None
            clock.advance(30)
            await stands(broker, clock, 1.5)
            await arrivals.round("")
            assert status_of(broker, sent, "positionAtSceneAt") is None

            clock.advance(30)
            there = await stands(broker, clock, 0.59)
            for _ in range(3):
                clock.advance(120)
                await arrivals.round("")
            await move(desk, sent, "onScene")
            assert parse_time(status_of(broker, sent, "positionAtSceneAt")) == there
            assert parse_time(status_of(broker, sent, "onSceneAt")) - there > 350 * SECOND

    asyncio.run(run())


def test_a_report_from_afar_has_no_time_of_the_position(tmp_path: Path) -> None:
    """And one at the place has it, without a round in between."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            far = await assign(desk, incident, A1)
            await move(desk, far, "onScene")
            assert status_of(broker, far, "positionAtSceneAt") is None
            await move(desk, far, "clear")
            near = await assign(desk, incident, A1)
            clock.advance(60)
            there = await stands(broker, clock, 0.6)
            clock.advance(60)
            await move(desk, near, "onScene")
            assert parse_time(status_of(broker, near, "positionAtSceneAt")) == there

    asyncio.run(run())
