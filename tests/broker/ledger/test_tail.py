"""The tail in memory is the journal behind history's last position, by entity, whichever way it is read."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from andaman.broker.entity.build import prop
from andaman.broker.ledger.feeder import Feeder
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


class _Stand:
    """A journal of so many events, and a history that notes when it was told to take them."""

    def __init__(self, end: int, size: int = 0) -> None:
        self.last_seq, self.taken = 0, threading.Event()
        self._end, self._bytes = end, size

    @contextlib.contextmanager
    def reader(self) -> Iterator[_Stand]:
        yield self

    def end(self) -> int:
        return self._end

    def weight(self, after: int, limit: int) -> tuple[int, int]:
        return self._end, self._bytes

    def stream(self, after: int, limit: int) -> Generator[tuple[Event, int], None, None]:
        self.taken.set()
        yield from ()

    def ingest(self, events: Iterable[Event]) -> None:
        assert not list(events)

    def maintain(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("waiting", "size", "asked", "moves"),
    [
        (5_000, 0, True, True),
        (5_000, 0, False, False),
        (25_000, 0, False, True),
        (10, 1_000_000, False, False),
        (10, 10_000_000, False, True),
    ],
)
def test_the_tail_is_kept_short_while_the_whole_city_is_asked_about(
    waiting: int, size: int, asked: bool, moves: bool
) -> None:
    """Such questions walk through all of it; without them it moves in batches that cost least, in rows or bytes."""
    stand = _Stand(waiting, size)
    feeder = Feeder(stand, stand, every_s=600.0)  # type: ignore[arg-type]
    if asked:
        feeder.asked()
    thread = threading.Thread(target=feeder.run)
    thread.start()
    assert stand.taken.wait(5.0 if moves else 1.0) == moves
    feeder.stop()
    thread.join()
