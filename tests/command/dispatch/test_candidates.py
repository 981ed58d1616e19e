"""Candidates for an incident are units that the dispatcher may see."""

from __future__ import annotations

import asyncio
from pathlib import Path

from andaman.broker.entity.build import iri
from andaman.command.desk import Desk
from andaman.identity.policy import Rights
from andaman.identity.result_readers import Readership
from tests.command.city import (
    STATION,
    UNITS,
    HandClock,
    broker_at,
    open_incident,
    put,
    roads,
)
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
