"""Laws of units that are sent to incidents, on a real broker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.command.desk import Desk
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Conflict
from tests.command.city import (
    A1,
    A2,
    DISPATCHER,
    P1,
    SECOND_DISPATCHER,
    HandClock,
    assign,
    broker_at,
    open_incident,
    opened,
    set_status,
    status_of,
    take_step,
)


def test_two_dispatchers_one_unit(tmp_path: Path) -> None:
    """Of many who send the same unit at once, exactly one does; the others are told that it is not available. Each has
    a desk of its own here, so that no lock within one desk helps."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, first = await opened(broker, clock)
            incidents = [first] + [await open_incident(desk) for _ in range(7)]
            desks = [Desk(broker, clock) for _ in incidents]
            results = await asyncio.gather(
                *(
                    assign(d, incident, A1, DISPATCHER if i % 2 else SECOND_DISPATCHER)
                    for i, (d, incident) in enumerate(zip(desks, incidents, strict=True))
                ),
                return_exceptions=True,
            )
            won = [r for r in results if isinstance(r, str)]
            lost = [r for r in results if isinstance(r, Conflict)]
            assert len(won) == 1
            assert len(lost) == len(incidents) - 1
            assert all("not available" in str(r) for r in lost)
            statuses = [status_of(broker, i, "incidentStatus") for i in incidents]
            assert sorted(statuses) == ["dispatched"] + ["new"] * 7

    asyncio.run(run())


def test_cancelling_calls_the_units_back(tmp_path: Path) -> None:
    """No unit stays bound to an incident that is over; reopening starts at triage."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            await assign(desk, incident, A1)
            await assign(desk, incident, P1)
            await take_step(desk, incident, "cancelled", "false alarm")
            assert status_of(broker, A1, "unitStatus") == status_of(broker, P1, "unitStatus") == "available"
            with pytest.raises(Conflict, match="cancelled"):
                await assign(desk, incident, A2)
            await take_step(desk, incident, "triaged")
            again = await assign(desk, incident, A1)
            assert again.endswith("a1-00002")

    asyncio.run(run())


def test_unit_out_of_service(tmp_path: Path) -> None:
    """It is no candidate and cannot be sent; a bound unit cannot be taken out."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            await set_status(desk, A1, "outOfService", "ล้างรถ")
            ranking = await desk.dispatch.candidates(incident, FULL_ACCESS, "", "ambulance")
            assert [c.unit.id for c in ranking.candidates] == [A2]
            assert {"why": "notFree", "unitStatus": "outOfService"}.items() <= ranking.skipped[0].items()
            with pytest.raises(Conflict, match="outOfService"):
                await assign(desk, incident, A1)
            await assign(desk, incident, A2)
            with pytest.raises(Conflict, match="end its assignment"):
                await set_status(desk, A2, "outOfService")

    asyncio.run(run())
