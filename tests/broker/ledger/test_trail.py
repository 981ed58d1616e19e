"""Who changed what: the pages of an entity's trail are the journal's own events of it, newest first, as one principal may
know them, back to where the entity began for that principal."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings

from andaman.broker.entity.build import prop
from andaman.broker.ledger import trail as module
from andaman.broker.ledger.rights import see_event
from andaman.broker.model import Event, EventKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import Micros
from tests.broker.ledger.test_laws import SOMEBODY, requests
from tests.broker.ledger.world import SYSTEM, Ticks, create, set_speed, urn, with_broker


def _expected(journal: list[Event], entity_id: str, access: Access, tenant: str, at: Micros) -> list[int]:
    """Positions by the plain reading of the whole journal."""
    found: list[int] = []
    for event in reversed(journal):
        if (event.tenant, event.entity_id) != (tenant, entity_id) or event.at > at or event.told is not None:
            continue
        seen = see_event(event, access)
        if seen is not None:
            found.append(event.seq)
        if (seen or event).kind is EventKind.CREATED:
            break
    return found


@settings(max_examples=30, deadline=None)
@given(requests)
def test_pages_of_a_trail_are_the_journal_read_backwards(
    history: list[tuple[list[WriteOp], bool, str]],
) -> None:
    clock = Ticks()

    async def work(broker: Broker) -> None:
        for ops, atomic, tenant in history:
            clock.now += 1_000_000
            await broker.write(ops, SYSTEM, tenant, atomic=atomic)
        journal = await broker.read_events(0)
        moments = [clock.now - 2_500_000, clock.now]
        for tenant in broker.tenants():
            for entity_id in map(urn, range(4)):
                for access in (FULL_ACCESS, SOMEBODY):
                    if broker.find(entity_id, access, tenant) is None:
                        with pytest.raises(ResourceNotFound):
                            await broker.trail(entity_id, access, tenant)
                        continue
                    for at in moments:
                        told: list[int] = []
                        before: int | None = None
                        while True:
                            page = await broker.trail(
                                entity_id, access, tenant, at=at, before=before, limit=2
                            )
                            assert len(page.events) <= 2
                            assert all(
                                change.attr not in SOMEBODY.hidden
                                for event in page.events
                                if access is SOMEBODY
                                for change in event.changes
                            )
                            told += [event.seq for event in page.events]
                            if page.rest is None:
                                break
                            assert before is None or page.rest < before
                            before = page.rest
                        assert told == _expected(journal, entity_id, access, tenant, at)

    with tempfile.TemporaryDirectory() as name, patch.object(module, "STRETCH", 3):
        with_broker(Path(name), work, clock=clock)


def test_one_question_looks_at_a_bounded_stretch_and_says_where_to_go_on(tmp_path: Path) -> None:
    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(0)), create(2, speed=prop(0))], SYSTEM)
        for step in range(40):
            await broker.write([set_speed(2, step)], SYSTEM)
        await broker.write([set_speed(1, 7)], SYSTEM)
        ask = (broker._ledger.journals, urn(1), FULL_ACCESS, "")
        first = module.trail(*ask, look_max=10)
        assert [event.kind for event in first.events] == [EventKind.UPDATED]
        assert first.rest is not None
        pages, kinds = 1, [event.kind for event in first.events]
        page = first
        while page.rest is not None:
            page = module.trail(*ask, before=page.rest, look_max=10)
            pages += 1
            kinds += [event.kind for event in page.events]
        assert kinds == [EventKind.UPDATED, EventKind.CREATED]
        assert pages == 5

    with_broker(tmp_path, work)
