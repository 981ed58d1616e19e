"""Who merges makes no difference: loop or writer's thread, one statement or many, the store says the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import prop
from andaman.broker.ledger import outbox
from andaman.broker.ledger import single_statement as piece
from andaman.broker.ledger.journal import verify
from andaman.broker.ledger.rows import fold
from andaman.broker.ledger.schema import connect
from andaman.broker.ledger.writer import Writer
from andaman.broker.model import WriteOp, WriteResult
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from tests.broker.ledger.world import START, SYSTEM, create, delete, put, set_speed, urn, with_broker

_TABLES = {
    "entity": "ord, tenant, id, shape, seq, layout, facts, body",
    "journal": "seq, tenant, at, kind, entity_id, shape, actor, origin, reason, request, hash, changes",
    "meta": "key, CASE key WHEN 'instances' THEN '' ELSE value END",
    "former": "*",
    "tenant": "*",
    "shape": "*",
    "layout": "*",
}
_OPS = st.one_of(
    st.builds(create, st.integers(0, 4), speed=st.integers(0, 9).map(prop)),
    st.builds(put, st.integers(0, 4), speed=st.integers(0, 9).map(prop)),
    st.builds(set_speed, st.integers(0, 4), st.integers(0, 9)),
    st.builds(delete, st.integers(0, 4)),
)
_CALLS = st.lists(
    st.tuples(st.lists(_OPS, min_size=1, max_size=6), st.booleans(), st.sampled_from(["", "t"])), max_size=8
)
Calls = list[tuple[list[WriteOp], bool, str]]


def _clock() -> Callable[[], int]:
    now = iter(range(START, START + 10**9, 1_000))
    return lambda: next(now)


def _written(directory: Path, calls: Calls) -> tuple[list[Any], dict[str, list[Any]]]:
    """Results, and what is in the store, of these calls, one after the other."""

    async def work(broker: Broker) -> list[Any]:
        told = []
        for ops, atomic, tenant in calls:
            results = await broker.write(ops, SYSTEM, tenant, atomic=atomic)
            told.append([(r.entity_id, type(r.error), r.changed, r.seq) for r in results])
        return told

    told = with_broker(directory, work, clock=_clock())
    db = connect(directory)
    try:
        rows = {
            name: sorted(db.execute(f"SELECT {columns} FROM {name}"), key=repr)
            for name, columns in _TABLES.items()
        }
        assert verify(db).ok
    finally:
        db.close()
    return told, rows


@given(calls=_CALLS)
@settings(max_examples=30)
def test_the_store_says_the_same_whoever_merges(
    calls: Calls, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Merged by the loop or by the thread, written as one statement or by many: equal results, equal rows."""
    here = _written(tmp_path_factory.mktemp("here"), calls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(piece, "fits", lambda batch, tenants: False)
        assert _written(tmp_path_factory.mktemp("many"), calls) == here
        patch.setattr(Writer, "merge", lambda self, requests: None)
        assert _written(tmp_path_factory.mktemp("thread"), calls) == here


def _left_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what the writer's thread has to merge, noted from now on."""
    handed: list[int] = []
    real = Writer.put

    def put(self: Writer, what: Any) -> None:
        if isinstance(what, list):
            handed.append(len(what))
        real(self, what)

    monkeypatch.setattr(Writer, "put", put)
    return handed


def test_small_and_large_requests_keep_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests come into the journal in the order of their calls, whichever way each of them goes; both ways are gone."""
    rng = random.Random(7)
    ways: dict[bool, int] = {True: 0, False: 0}
    real = Writer.merge

    def seen(self: Writer, requests: Any) -> Any:
        batch = real(self, requests)
        ways[batch is not None] += 1
        return batch

    monkeypatch.setattr(Writer, "merge", seen)
    thread = _left_to_the_thread(monkeypatch)

    async def work(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(0)) for n in range(60)], SYSTEM)
        order: list[int] = []

        async def call(ops: list[WriteOp]) -> None:
            results: list[WriteResult] = await broker.write(ops, SYSTEM)
            assert all(result.error is None for result in results)
            order.extend(result.seq for result in results)

        calls: list[Awaitable[None]] = []
        numbers = 0
        for turn in range(60):
            for _ in range(rng.randrange(1, 40)):
                numbers += 1
                calls.append(asyncio.ensure_future(call([set_speed(rng.randrange(60), numbers)])))
            if rng.random() < 0.4:
                size = rng.choice([5, 33, 200])
                numbers += 1
                calls.append(
                    asyncio.ensure_future(call([set_speed(rng.randrange(60), numbers) for _ in range(size)]))
                )
            if rng.random() < 0.2:
                assert not await broker.forget_tenant("nobody")
            if turn % 3 == 0:
                await asyncio.sleep(rng.random() / 200)
            else:
                await asyncio.sleep(0)
        await asyncio.gather(*calls)
        assert sorted(order) == list(range(61, 61 + len(order)))
        told = [
            change.after[0]["value"]
            for event in await broker.read_events(60, 10**6)
            for change in event.changes
        ]  # type: ignore[index]
        assert told == sorted(told), "a call came before one that was made earlier"
        assert broker._ledger._outbox.idle
        state = fold(await broker.read_events(0, 10**6))
        assert {("", doc["id"]): doc for doc in broker.iter_entities([], FULL_ACCESS)} == state

    with_broker(tmp_path, work)
    assert ways[True]
    assert thread
    assert verify(connect(tmp_path)).ok


def test_callers_share_commits_and_one_alone_never_waits(tmp_path: Path) -> None:
    """Who writes one request after the other is never kept waiting for others; of many who write one by one, several go into
    a commit."""

    async def work(broker: Broker) -> None:
        ledger = broker._ledger
        await broker.write([create(n, speed=prop(0)) for n in range(30)], SYSTEM)
        for number in range(20):
            task = asyncio.ensure_future(broker.write([set_speed(0, number)], SYSTEM))
            while not task.done():
                assert ledger._outbox._gathering is None
                await asyncio.sleep(0)
        before = ledger.writer.batches.count

        async def caller(entity: int) -> None:
            for number in range(20):
                await broker.write([set_speed(entity, number)], SYSTEM)
                await asyncio.sleep(0.001 * (1 + (entity * 7 + number) % 5))

        await asyncio.gather(*[caller(entity) for entity in range(30)])
        assert ledger.writer.batches.count - before < 600 / 2
        assert ledger._outbox._gathering is None
        assert len(await broker.read_events(50, 10**6)) == 600

    with_broker(tmp_path, work)


def test_large_entities_are_not_merged_on_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would hold up everybody else goes to the writer's thread: by the request's size, or by the entity's."""
    handed = _left_to_the_thread(monkeypatch)

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        await broker.write([set_speed(1, 2)], SYSTEM)
        assert handed == []
        for part in "abcdefghijkl":
            await broker.write([put(1, **{part: prop("x" * 100_000)})], SYSTEM)
        assert len(handed) == 12
        await broker.write([set_speed(1, 3)], SYSTEM)
        assert len(handed) == 13
        assert broker.get(urn(1), FULL_ACCESS)

    with_broker(tmp_path, work)


def _novel(number: int) -> WriteOp:
    """An entity of a type that the store has not seen: its shape and layout have to be written too."""
    op = create(number)
    op.fragment["type"] = ["urn:test:Novel"]
    return op


def test_a_failing_store_refuses_what_the_loop_merged(tmp_path: Path) -> None:
    """The disk fills up between merging and writing: nothing of the batch is there, and its numbers are given out anew."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        writer = broker._ledger.writer
        writer._min_free_bytes, writer._space_checked = 1 << 60, 0.0
        calls = [broker.write([set_speed(1, n), _novel(n)], SYSTEM) for n in range(2, 40)]
        refused = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(one).__name__ for one in refused} == {"StorageFull"}
        writer._min_free_bytes, writer._space_checked = 0, 0.0
        results = await broker.write([_novel(50), set_speed(1, 7)], SYSTEM)
        assert [r.seq for r in results] == [2, 3]
        state = fold(await broker.read_events(0))
        assert {("", doc["id"]): doc for doc in broker.iter_entities([], FULL_ACCESS)} == state

    with_broker(tmp_path, work)
    assert verify(connect(tmp_path)).ok
    assert outbox.LARGE < outbox.HERE
