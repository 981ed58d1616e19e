"""Candidates for an incident are units that the dispatcher may see."""

from __future__ import annotations

import asyncio
from pathlib import Path

from andaman.broker.entity.build import iri
from andaman.command.desk import Desk
from andaman.identity.model import FULL_ACCESS
from andaman.identity.policy import Rights
from andaman.identity.result_readers import Readership
from tests.command.city import (
    A1,
    A2,
    P1,
    STATION,
    UNITS,
    HandClock,
    assign,
    broker_at,
    open_incident,
    opened,
    point,
    put,
    roads,
    status_of,
)
from tests.command.incidents.test_corrections import correct
from tests.command.signals.test_readers import policy


def test_a_dispatcher_is_offered_what_they_see(tmp_path: Path) -> None:
    async def run() -> None:
        clock, rules = HandClock(), policy()
        async with broker_at(tmp_path, clock) as broker:
            desk = Desk(broker, clock, Readership(rules))
            hidden = {**UNITS[0], "type": [*UNITS[0]["type"], iri("HidX")]}
            await put(broker, STATION, hidden, *UNITS[1:], *roads())
            incident = await open_incident(desk)
            own = rules.access(Rights(frozenset({"dispatcher"}), "pk-navy"))
            other = rules.access(Rights(frozenset({"dispatcher"}), "pk-ddpm"))
            assert hidden["id"] in str(await desk.dispatch.candidates(incident, own, ""))
            assert hidden["id"] not in str(await desk.dispatch.candidates(incident, other, ""))

    asyncio.run(run())


def test_a_unit_is_sent_while_nobody_knows_the_place(tmp_path: Path) -> None:
    """All free units of the needed kinds are offered without a rank. Nothing is promised; the drive is known with the place."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock, location=None, locationUnknown=True)
            found = await desk.dispatch.candidates(incident, FULL_ACCESS, "", limit=1)
            assert found.candidates == []
            assert [unit.id for unit in found.unranked] == [A1, A2, P1]
            assert {one["why"] for one in found.skipped} == {"otherType"}
            patrols = await desk.dispatch.candidates(incident, FULL_ACCESS, "", "policePatrol")
            assert [unit.id for unit in patrols.unranked] == [P1]

            sent = await assign(desk, incident, A1)
            assert status_of(broker, incident, "incidentStatus") == "dispatched"
            assert status_of(broker, sent, "promisedAt") is status_of(broker, sent, "etaSeconds") is None
            left = (await desk.dispatch.candidates(incident, FULL_ACCESS, "")).unranked
            assert [unit.id for unit in left] == [A2, P1]
            await correct(desk, incident, location=point(0.6, 0))
            assert status_of(broker, sent, "etaSeconds") > 0
            assert status_of(broker, sent, "promisedAt") is None

    asyncio.run(run())
