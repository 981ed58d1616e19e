"""Followers: every event once, in order, without gaps, whatever their speed; nobody is slowed by a slow one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from andaman.broker.entity.build import prop
from andaman.broker.model import Event
from andaman.broker.service import Broker
from tests.broker.ledger.world import SYSTEM, create, put, with_broker


async def _collect(broker: Broker, after: int | None, until: int, pause_s: float, got: list[Event]) -> None:
    async for events in broker.follow(after):
        got += events
        await asyncio.sleep(pause_s)
        if got[-1].seq >= until:
            return


@pytest.mark.parametrize("ring_events", [5, 64, 4096])
def test_fast_and_slow_followers_get_everything(tmp_path: Path, ring_events: int) -> None:
    """A follower at rest, one from the beginning, one in the middle and slow ones: all get the same sequence;
    with a small ring the slow ones are fed from the journal."""
    total = 600

    async def work(broker: Broker) -> None:
        got: list[list[Event]] = [[], [], [], []]
        tasks = [
            asyncio.ensure_future(_collect(broker, after, total, pause, got[n]))
            for n, (after, pause) in enumerate([(None, 0.0), (0, 0.0), (0, 0.01), (250, 0.003)])
        ]
        await asyncio.sleep(0)
        for n in range(total // 10):
            await broker.write([put(n * 10 + k, speed=prop(n)) for k in range(10)], SYSTEM)
            await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
        for start, events in zip([0, 0, 0, 250], got, strict=True):
            assert [event.seq for event in events] == list(range(start + 1, total + 1))
        told = {(e.seq, e.entity_id, e.at, e.kind) for events in got for e in events}
        assert len(told) == total

    with_broker(tmp_path, work, ring_events=ring_events)


def test_following_starts_when_it_is_called(tmp_path: Path) -> None:
    """``follow()`` means "from now on" at the call, not at the first step of the iteration."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1)], SYSTEM)
        events = broker.follow()
        await broker.write([create(2)], SYSTEM)
        assert [e.seq for e in await anext(events)] == [2]

    with_broker(tmp_path, work)


def test_followers_end_with_the_broker(tmp_path: Path) -> None:
    """Closing the broker ends each follower after its last event; one that is cancelled leaves no trace."""

    async def run() -> None:
        broker = Broker.open(tmp_path, history=False)
        await broker.start()
        got: list[Event] = []

        async def follower() -> None:
            async for events in broker.follow(0):
                got.extend(events)

        task = asyncio.ensure_future(follower())
        other = asyncio.ensure_future(follower())
        await asyncio.sleep(0)
        other.cancel()
        await broker.write([create(1), create(2)], SYSTEM)
        await broker.close()
        await asyncio.wait_for(task, 5)
        assert [event.seq for event in got] == [1, 2]
        assert not broker._ledger.ring._waiting

    asyncio.run(run())


def test_events_say_who_where_and_why(tmp_path: Path) -> None:
    """Live and from disk alike, an event tells its actor, origin and reason."""

    async def work(broker: Broker) -> None:
        events = broker.follow()
        await broker.write([create(1)], replace(SYSTEM, origin="10.0.0.7", reason="drill 3"))
        for event in (*await anext(events), *await broker.read_events(0)):
            assert (event.actor, event.origin, event.reason) == ("system:test", "10.0.0.7", "drill 3")

    with_broker(tmp_path, work)


def test_slices_of_the_journal(tmp_path: Path) -> None:
    """``read_events`` pages through everything, of one tenant or of all, and sees what was acknowledged."""

    async def work(broker: Broker) -> None:
        for n in range(30):
            await broker.write([create(n)], SYSTEM, "drill" if n % 3 == 0 else "")
        drill: list[int] = []
        while page := await broker.read_events(drill[-1] if drill else 0, 4, "drill"):
            drill += [event.seq for event in page]
        assert drill == list(range(1, 31, 3))
        assert [e.seq for e in await broker.read_events(25)] == [26, 27, 28, 29, 30]

    with_broker(tmp_path, work)
