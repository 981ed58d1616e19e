"""Who wrote an entity, and by which way: the authors are those of the journal's own events, in any pieces."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings

from andaman.broker.entity.build import iri
from andaman.broker.ledger.journal import Written
from andaman.broker.model import WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Actor, Principal, acting_in, is_in_room
from tests.broker.ledger.test_laws import requests
from tests.broker.ledger.world import Ticks, with_broker


@settings(max_examples=30, deadline=None)
@given(requests)
def test_the_authors_of_entities_are_those_of_the_journal(
    history: list[tuple[list[WriteOp], bool, str]],
) -> None:
    clock = Ticks()

    async def work(broker: Broker) -> None:
        middle = broker.seq
        for number, (ops, atomic, tenant) in enumerate(history):
            clock.now += 1_000_000
            person = Actor(Principal(f"user:{number % 3}", "", frozenset()), FULL_ACCESS, "10.0.0.7")
            await broker.write(
                ops, acting_in("desk", person) if number % 2 else person, tenant, atomic=atomic
            )
            if number == len(history) // 2:
                middle = broker.seq
        journal = await broker.read_events(0)
        types = sorted({name for event in journal for name in event.types})
        for tenant in broker.tenants():
            for wanted in ([], types, types[:1], [iri("Nothing")]):
                expected: dict[tuple[str, str, str], Written] = {}
                for event in journal:
                    if event.tenant == tenant and not set(wanted).isdisjoint(event.types):
                        key = (event.entity_id, event.actor, event.origin)
                        first = expected.setdefault(key, Written(*key, event.seq, event.at, 0, 0))
                        expected[key] = first._replace(last=event.seq, last_at=event.at)
                found, until = await broker.written(wanted, tenant=tenant)
                assert found == list(expected.values())
                assert until == broker.seq
                later, _ = await broker.written(wanted, middle, tenant)
                assert {one[:3] for one in later} == {
                    (e.entity_id, e.actor, e.origin)
                    for e in journal
                    if e.seq > middle and e.tenant == tenant and not set(wanted).isdisjoint(e.types)
                }
        assert all(is_in_room(e.origin) == (e.origin != "10.0.0.7") for e in journal)

    with tempfile.TemporaryDirectory() as directory:
        with_broker(Path(directory), work, clock=clock)
