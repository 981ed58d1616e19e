"""The tail in memory is the journal behind history's last position, by entity, whichever way it is read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from andaman.broker.entity.build import prop
from andaman.broker.ledger.tail import Tail
from andaman.broker.model import Event, OpKind, WriteOp
from andaman.broker.service import Broker
from tests.broker.ledger.world import SPEED, SYSTEM, VEHICLE, put, urn, with_broker


def grouped(events: Sequence[Event], names: Sequence[str] | None) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        if names is None or event.entity_id in names:
            found.setdefault(event.entity_id, []).append(event)
    return found


def test_the_tail_is_the_end_of_the_journal_by_entity(tmp_path: Path) -> None:
    """While the journal grows and history moves on, for all entities and for some, in every tenant."""

    async def work(broker: Broker) -> None:
        rnd, tail, after = random.Random(4), Tail(), 0
        journals = broker._ledger.journals
        for _ in range(60):
            for _ in range(rnd.randrange(4)):
                n, tenant = rnd.randrange(5), rnd.choice(["", "drill"])
                fragment = {"type": [VEHICLE], "attrs": {SPEED: [prop(rnd.random())]}}
                told = WriteOp(OpKind.TEMPORAL_UPSERT, urn(n), fragment)
                await broker.write([rnd.choice([put(n, speed=prop(rnd.random())), told])], SYSTEM, tenant)
            after = rnd.randint(after, broker.seq)
            for tenant in ("", "drill"):
                names = rnd.choice([None, [urn(n) for n in range(3)]])
                with journals.reader() as journal:
                    wanted = grouped(journal.slice(after, 1_000, tenant), names)
                    found = tail.of(journal, after, tenant, names)
                    assert {name: events for name, events in found.items() if events} == wanted
                    if names is not None:
                        assert journal.of_entities(tenant, names, after) == wanted

    with_broker(tmp_path, work, history=False)
