"""Hand-overs: an incident that was handed over waits until somebody who may send units acts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.command.core.reading import read_form
from andaman.command.incidents.commands import AddNote, HandOver, SeeHandover
from andaman.command.problems import NothingHandedOver
from andaman.identity.model import FULL_ACCESS, Actor
from tests.command.city import A1, DISPATCHER, HandClock, assign, broker_at, opened, status_of
from tests.support import principal

OPERATOR = Actor(principal("user:som", "Som", "operator"))


def test_a_handover_waits_until_a_dispatcher_acts(tmp_path: Path) -> None:
    """What the operator writes does not answer it, nor does having seen it. A new one waits again."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            see = SeeHandover(incident=incident)
            with pytest.raises(NothingHandedOver):
                await desk.handle(see, DISPATCHER, "")
            asked = read_form(HandOver, {"text": "ต้องการรถดับเพลิง 2 คัน"}, incident=incident)
            await desk.handle(asked, OPERATOR, "")
            await desk.handle(AddNote(incident=incident, text="ลมแรง"), OPERATOR, "")
            assert status_of(broker, incident, "awaitsDispatch") is True
            await desk.handle(see, DISPATCHER, "")
            assert status_of(broker, incident, "awaitsDispatch") is True
            last = desk.detail(incident, FULL_ACCESS)["timeline"][-1]["a"]
            assert (last["code"], last["author"]) == ("handover-seen", "Nok")

            await assign(desk, incident, A1)
            assert status_of(broker, incident, "awaitsDispatch") is False
            with pytest.raises(NothingHandedOver):
                await desk.handle(see, DISPATCHER, "")
            await desk.handle(asked, OPERATOR, "")
            assert status_of(broker, incident, "awaitsDispatch") is True
            await desk.handle(AddNote(incident=incident, text="รับเรื่องแล้ว"), DISPATCHER, "")
            assert status_of(broker, incident, "awaitsDispatch") is False

    asyncio.run(run())
