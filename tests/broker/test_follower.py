"""A room's follower: every event in order, again after a failure, and from where it was kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from andaman.broker.entity.build import entity, prop
from andaman.broker.follower import Follower
from andaman.broker.model import Event, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.kernel.errors import Unavailable
from tests.broker.ledger.world import SYSTEM, Ticks, urn


async def _put(broker: Broker, *numbers: int) -> None:
    ops = [WriteOp(OpKind.CREATE, urn(n), entity(urn(n), "Vehicle", speed=prop(n))) for n in numbers]
    await broker.write(ops, SYSTEM)


async def _until(done) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_batch_that_failed_is_taken_again_and_none_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Broker.open(tmp_path, clock=Ticks(), history=False)
        await broker.start()
        taken: list[str] = []
        refusals = 2
        failures: list[str] = []

        async def take(events: Sequence[Event]) -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise Unavailable("not now")
            taken.extend(event.entity_id for event in events)

        follower = Follower(
            "test", broker, take, retry_s=0.01, on_failure=lambda: failures.append(follower.last_error)
        )
        await follower.start()
        for n in range(5):
            await _put(broker, 2 * n, 2 * n + 1)
        await _until(lambda: len(taken) >= 10)
        assert taken == [urn(n) for n in range(10)]
        assert failures == ["not now", "not now"]
        assert (follower.last_error, follower.position) == ("", broker.seq)
        await follower.stop()
        await broker.close()

    asyncio.run(run())


def test_a_position_is_kept_after_its_batch_and_the_next_start_goes_on_from_it(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Broker.open(tmp_path, clock=Ticks(), history=False)
        await broker.start()
        kept: list[int] = []
        taken: list[str] = []

        async def keep(position: int) -> None:
            kept.append(position)

        def take(events: Sequence[Event]) -> None:
            taken.extend(event.entity_id for event in events)

        first = Follower("test", broker, take, keep=keep)
        await first.start()
        await _put(broker, 1)
        await _until(lambda: bool(kept))
        await first.stop()
        await _put(broker, 2, 3)
        second = Follower("test", broker, take, keep=keep)
        second.begin(kept[-1])
        await second.start()
        await _until(lambda: kept[-1] == broker.seq)
        assert taken == [urn(1), urn(2), urn(3)]
        await second.stop()
        ahead = Follower("test", broker, take)  # a position of another store, which is longer
        ahead.begin(broker.seq + 1000)
        await ahead.start()
        await _put(broker, 4)
        await _until(lambda: taken[-1] == urn(4))
        await ahead.stop()
        await broker.close()

    asyncio.run(run())
