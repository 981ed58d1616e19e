"""The sweep (CIM 009 §4.22): what expires is removed as ordinary events, and is never shown before that either."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.expiry import ExpirySweep
from andaman.broker.model import Doc, Event, EventKind, OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.time import SECOND, format_time
from tests.broker.ledger.world import SYSTEM, Ticks, urn

WAIT_S = 0.01  # how often the sweep looks at the hand-moved clock


def mortal(number: int, at: int, **attrs: Doc) -> WriteOp:
    fragment = entity(urn(number), "Vehicle", **attrs) | {"expiresAt": format_time(at)}
    return WriteOp(OpKind.CREATE, urn(number), fragment)


def with_sweep(
    directory: Path,
    work: Callable[[Broker, ExpirySweep], Awaitable[None]],
    clock: Ticks,
    sweeping: bool = True,
) -> None:
    async def run() -> None:
        broker = Broker.open(directory, clock=clock, history=False)
        await broker.start()
        sweep = ExpirySweep(broker, clock, longest_wait_s=WAIT_S)
        if sweeping:
            await sweep.start()
        try:
            await work(broker, sweep)
        finally:
            await sweep.stop()
            await broker.close()

    asyncio.run(asyncio.wait_for(run(), 30))


async def swept(broker: Broker, position: int, count: int) -> list[Event]:
    """The next ``count`` events behind a position."""
    found: list[Event] = []
    async for events in broker.follow(position):
        found += events
        if len(found) >= count:
            return found
    raise AssertionError("the events ended")


def test_an_entity_goes_at_its_time_and_an_attribute_alone(tmp_path: Path) -> None:
    clock = Ticks()

    async def work(broker: Broker, sweep: ExpirySweep) -> None:
        short = prop(1) | {"expiresAt": format_time(clock.now + 2 * SECOND)}
        ops = [
            mortal(1, clock.now + SECOND),
            WriteOp(OpKind.CREATE, urn(2), entity(urn(2), "Vehicle", speed=short)),
        ]
        await broker.write(ops, SYSTEM)
        position = broker.seq
        clock.now += SECOND
        [gone] = await swept(broker, position, 1)
        assert (gone.kind, gone.entity_id, gone.actor) == (EventKind.DELETED, urn(1), "system:expiry")
        assert broker.find(urn(2), FULL_ACCESS)["attrs"]  # type: ignore[index]
        clock.now += SECOND
        [less] = await swept(broker, position + 1, 1)
        assert (less.kind, [one.attr for one in less.changes]) == (EventKind.UPDATED, [iri("speed")])
        assert broker.stored(urn(2), "")["attrs"] == {}  # type: ignore[index]
        assert sweep.waiting == 0
        await broker.write([mortal(1, clock.now + SECOND)], SYSTEM)  # the id is free again

    with_sweep(tmp_path, work, clock)


def test_who_prolongs_in_time_stays(tmp_path: Path) -> None:
    clock = Ticks()

    async def work(broker: Broker, sweep: ExpirySweep) -> None:
        await broker.write([mortal(1, clock.now + SECOND), mortal(2, clock.now + SECOND)], SYSTEM)
        longer = {"attrs": {}, "expiresAt": format_time(clock.now + 60 * SECOND)}
        await broker.write([WriteOp(OpKind.MERGE, urn(1), longer)], SYSTEM)
        for_ever = {"attrs": {}, "expiresAt": None}
        await broker.write([mortal(3, clock.now + SECOND)], SYSTEM)
        await broker.write([WriteOp(OpKind.MERGE, urn(3), for_ever)], SYSTEM)
        position = broker.seq
        clock.now += 2 * SECOND
        [gone] = await swept(broker, position, 1)
        assert gone.entity_id == urn(2)
        clock.now += 100 * SECOND
        [gone] = await swept(broker, position + 1, 1)
        assert gone.entity_id == urn(1)
        assert broker.find(urn(3), FULL_ACCESS) is not None

    with_sweep(tmp_path, work, clock)


def test_what_has_expired_is_shown_to_nobody_even_without_the_sweep(tmp_path: Path) -> None:
    clock = Ticks()

    async def work(broker: Broker, sweep: ExpirySweep) -> None:
        await broker.write(
            [mortal(1, clock.now + SECOND, speed=prop(1)), mortal(2, clock.now + 9 * SECOND)], SYSTEM
        )
        assert broker.find(urn(1), FULL_ACCESS) is not None
        clock.now += SECOND
        assert broker.find(urn(1), FULL_ACCESS) is None
        query = EntityQuery(limit=10)
        for page in (broker.query(query, FULL_ACCESS), await broker.query_async(query, FULL_ACCESS)):
            assert [doc["id"] for doc in page.docs] == [urn(2)]
        assert [doc["id"] for doc in broker.iter_entities([], FULL_ACCESS)] == [urn(2)]

    with_sweep(tmp_path, work, clock, sweeping=False)


def test_after_a_restart_the_sweep_finds_what_was_there(tmp_path: Path) -> None:
    clock = Ticks()

    async def before(broker: Broker, sweep: ExpirySweep) -> None:
        await broker.write([mortal(n, clock.now + n * SECOND) for n in range(1, 30)], SYSTEM, "bangkok")

    async def after(broker: Broker, sweep: ExpirySweep) -> None:
        gone = await swept(broker, position[0], 10)
        assert {one.entity_id for one in gone} == {urn(n) for n in range(1, 11)}
        assert {one.tenant for one in gone} == {"bangkok"}

    with_sweep(tmp_path, before, clock, sweeping=False)
    position = [29]
    clock.now += 10 * SECOND
    with_sweep(tmp_path, after, clock)
