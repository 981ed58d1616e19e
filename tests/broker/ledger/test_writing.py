"""What a write promises: order, all or nothing, commit time, bounds, and life after trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import iri, prop, value
from andaman.broker.ledger.cache import BodyCache
from andaman.broker.ledger.journal import Journal, verify
from andaman.broker.ledger.rows import fold
from andaman.broker.ledger.schema import APPLICATION_ID, FILE, MIGRATIONS, connect
from andaman.broker.model import EventKind, OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import AlreadyExists, Conflict, NoSuchEntity, NoSuchTenant, Unavailable
from tests.broker.ledger.world import (
    SPEED,
    START,
    SYSTEM,
    Ticks,
    create,
    delete,
    put,
    set_speed,
    urn,
    with_broker,
)


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Hundreds of concurrent partial updates of one entity all appear, in one order, in state and journal."""
    writers, each = 40, 15

    async def work(broker: Broker) -> None:
        await broker.write([create(1, **{f"a{n}": prop(-1) for n in range(writers)})], SYSTEM)

        async def one(n: int) -> None:
            name = iri(f"a{n}")
            for step in range(each):
                op = WriteOp(OpKind.PARTIAL_ATTR, urn(1), {"attrs": {name: [prop(step)]}}, attr=name)
                assert (await broker.write([op], SYSTEM))[0].changed

        await asyncio.gather(*[one(n) for n in range(writers)])
        events = await broker.read_events(1)
        assert len(events) == writers * each
        for n in range(writers):
            values = [e.changes[0].after[0]["value"] for e in events if e.changes[0].attr == iri(f"a{n}")]  # type: ignore[index]
            assert values == list(range(each))
        doc = broker.get(urn(1), FULL_ACCESS)
        assert all(value(doc, f"a{n}") == each - 1 for n in range(writers))
        assert fold(await broker.read_events(0)) == {("", urn(1)): doc}

    with_broker(tmp_path, work)


def test_duplicates_in_one_batch_apply_in_order(tmp_path: Path) -> None:
    """Each operation sees what the ones before it in the same batch did."""

    async def work(broker: Broker) -> None:
        ops = [
            create(1),
            create(1),
            put(1, speed=prop(1)),
            set_speed(1, 2),
            delete(1),
            set_speed(1, 3),
            create(1),
        ]
        results = await broker.write(ops, SYSTEM)
        errors = [type(r.error) for r in results]
        none = type(None)
        assert errors == [none, AlreadyExists, none, none, none, NoSuchEntity, none]
        kinds = [e.kind for e in await broker.read_events(0)]
        k = EventKind
        assert kinds == [k.CREATED, k.UPDATED, k.UPDATED, k.DELETED, k.CREATED]
        assert SPEED not in broker.get(urn(1), FULL_ACCESS)["attrs"]

    with_broker(tmp_path, work)
    with_broker(tmp_path, _same_from_disk)


async def _same_from_disk(broker: Broker) -> None:
    state = fold(await broker.read_events(0))
    for tenant in broker.tenants():
        docs = {(tenant, doc["id"]): doc for doc in broker.iter_entities([], FULL_ACCESS, tenant)}
        assert docs == {key: doc for key, doc in state.items() if key[0] == tenant}


def test_atomic_is_all_or_nothing(tmp_path: Path) -> None:
    """One failing operation leaves no trace of the others, neither in state nor in the journal."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        ops = [set_speed(1, 2), create(2), delete(1), create(3), set_speed(9, 1)]
        failed, later = await asyncio.gather(
            broker.write(ops, SYSTEM, atomic=True), broker.write([set_speed(1, 5), create(2)], SYSTEM)
        )
        assert [type(r.error) for r in failed] == [Conflict] * 4 + [NoSuchEntity]
        assert all(r.seq == 0 and not r.changed for r in failed)
        assert [r.error for r in later] == [None, None]
        assert [e.entity_id for e in await broker.read_events(0)] == [urn(1), urn(1), urn(2)]
        assert value(broker.get(urn(1), FULL_ACCESS), "speed") == 5

    with_broker(tmp_path, work)
    with_broker(tmp_path, _same_from_disk)
    assert verify(connect(tmp_path)).ok


def test_commit_time_never_falls(tmp_path: Path) -> None:
    """A clock that steps back does not bring journal times out of order, not even over a restart."""
    clock = Ticks()

    async def write_some(broker: Broker) -> None:
        for step in (0, 1_000_000, -3_600_000_000, 0, 0):
            clock.now += step
            await broker.write([put(1, speed=prop(clock.now))], SYSTEM)

    with_broker(tmp_path, write_some, clock=clock)
    with_broker(tmp_path, write_some, clock=clock)
    times = [e.at for e in Journal(connect(tmp_path)).slice(0, 100)]
    assert times == sorted(set(times))
    assert times[0] == START


def test_operations_that_change_nothing_leave_no_event(tmp_path: Path) -> None:
    """A refused or empty operation has no journal row and no position."""

    async def work(broker: Broker) -> None:
        assert await broker.write([], SYSTEM) == []
        results = await broker.write([delete(7), WriteOp(OpKind.APPEND, urn(7), {"attrs": {}})], SYSTEM)
        assert all(isinstance(r.error, NoSuchEntity) and r.seq == 0 for r in results)
        assert broker.seq == 0

    with_broker(tmp_path, work)


def test_tenants_do_not_meet(tmp_path: Path) -> None:
    """The same id in two tenants is two entities; an unknown tenant is an error, not an empty answer."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        await broker.write([create(1, speed=prop(2)), create(2)], SYSTEM, "blue")
        assert broker.tenants() == ["", "blue"]
        assert value(broker.get(urn(1), FULL_ACCESS), "speed") == 1
        assert value(broker.get(urn(1), FULL_ACCESS, "blue"), "speed") == 2
        assert broker.find(urn(2), FULL_ACCESS) is None
        with pytest.raises(NoSuchTenant):
            broker.get(urn(1), FULL_ACCESS, "red")
        assert [e.tenant for e in await broker.read_events(0, tenant="blue")] == ["blue", "blue"]
        assert [e.seq for e in await broker.read_events(0, tenant="")] == [1]

    with_broker(tmp_path, work)
    with_broker(tmp_path, _same_from_disk)


def test_the_number_of_tenants_has_a_bound(tmp_path: Path) -> None:
    """Beyond it no new tenant is made, within a batch and after a restart alike; those that exist go on."""

    async def work(broker: Broker) -> None:
        calls = [broker.write([create(1)], SYSTEM, name) for name in ("", "a", "b", "c")]
        errors = [type(results[0].error) for results in await asyncio.gather(*calls)]
        assert errors == [type(None), type(None), type(None), Conflict]
        assert broker.tenants() == ["", "a", "b"]
        assert (await broker.write([create(2)], SYSTEM, "b"))[0].changed

    async def again(broker: Broker) -> None:
        results = await broker.write([create(1)], SYSTEM, "d")
        assert isinstance(results[0].error, Conflict)
        assert (await broker.write([create(3)], SYSTEM, "a"))[0].changed

    with_broker(tmp_path, work, max_tenants=3)
    with_broker(tmp_path, again, max_tenants=3)


def test_a_full_queue_refuses_clearly_and_takes_again(tmp_path: Path) -> None:
    """Beyond the bound the answer is Unavailable, nothing of that request is written, and the rest goes on."""

    async def work(broker: Broker) -> None:
        calls = [broker.write([create(n)], SYSTEM) for n in range(50)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        refused = [n for n, answer in enumerate(done) if isinstance(answer, Unavailable)]
        assert refused == list(range(10, 50))
        assert [broker.find(urn(n), FULL_ACCESS) is None for n in range(50)] == [
            n in refused for n in range(50)
        ]
        assert (await broker.write([create(60 + n) for n in range(30)], SYSTEM))[29].changed

    with_broker(tmp_path, work, max_waiting_ops=10)


def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    """Writes accepted before close are answered; later ones are refused; the directory is free afterwards."""

    async def run() -> None:
        broker = Broker.open(tmp_path, history=False)
        with pytest.raises(Unavailable):
            await broker.write([create(0)], SYSTEM)
        await broker.start()
        with pytest.raises(Unavailable, match="in use by process"):
            Broker.open(tmp_path, history=False)
        accepted = [asyncio.ensure_future(broker.write([create(n)], SYSTEM)) for n in range(20)]
        await asyncio.sleep(0)
        await broker.close()
        assert all(task.result()[0].changed for task in accepted)
        with pytest.raises(Unavailable):
            await broker.write([create(99)], SYSTEM)
        again = Broker.open(tmp_path, history=False)
        assert again.seq == 20
        await again.start()
        await again.close()

    asyncio.run(run())


def test_a_full_store_refuses_writes_and_recovers(tmp_path: Path) -> None:
    """When SQLite can take no more pages nothing is acknowledged, reads go on, and writing resumes by itself."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        writer = broker._ledger.writer
        pages = writer._db.execute("PRAGMA page_count").fetchone()[0]
        writer._db.execute(f"PRAGMA max_page_count={pages + 2}")
        big = {f"a{n}": prop("x" * 1000) for n in range(100)}
        seq = broker.seq
        with pytest.raises(Unavailable, match="nothing was written"):
            await broker.write([put(1, **big), create(2)], SYSTEM)
        assert broker.seq == seq
        assert value(broker.get(urn(1), FULL_ACCESS), "speed") == 1
        assert broker.find(urn(2), FULL_ACCESS) is None
        # The failed connection was replaced; its limit went with it.
        assert (await broker.write([put(1, **big), create(2)], SYSTEM))[1].changed

    with_broker(tmp_path, work)
    with_broker(tmp_path, _same_from_disk)
    assert verify(connect(tmp_path)).ok


class _Unsure:
    """A connection whose COMMIT reports an error, after the fact or instead of it."""

    def __init__(self, db: sqlite3.Connection, landed: bool) -> None:
        self._db = db
        self._landed = landed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, values: Any = ()) -> Any:
        if sql == "COMMIT" or sql.startswith("INSERT INTO temp.piece"):  # a small commit is one statement
            if self._landed:
                self._db.execute(sql, values)
            raise sqlite3.OperationalError("disk I/O error")
        return self._db.execute(sql, values)


@pytest.mark.parametrize("landed", [True, False])
def test_memory_follows_the_disk_after_an_unsure_commit(tmp_path: Path, landed: bool) -> None:
    """An error of COMMIT does not say whether the transaction landed: the caller gets Unavailable either way,
    and state, index, events and later writes agree with what is really in the store."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(1))], SYSTEM)
        writer = broker._ledger.writer
        writer._db = _Unsure(writer._db, landed)  # type: ignore[assignment]
        with pytest.raises(Unavailable):
            await broker.write([set_speed(1, 2), create(2)], SYSTEM)
        assert broker.seq == (3 if landed else 1)
        assert value(broker.get(urn(1), FULL_ACCESS), "speed") == (2 if landed else 1)
        again = await broker.write([create(2), set_speed(1, 3)], SYSTEM)
        assert isinstance(again[0].error, AlreadyExists) == landed
        assert value(broker.get(urn(1), FULL_ACCESS), "speed") == 3
        await _same_from_disk(broker)

    with_broker(tmp_path, work)
    with_broker(tmp_path, _same_from_disk)
    assert verify(connect(tmp_path)).ok


def test_a_nearly_full_disk_refuses_writes(tmp_path: Path) -> None:
    """Below the reserve writes are refused with the reason before anything is tried; reads go on."""

    async def work(broker: Broker) -> None:
        with pytest.raises(Unavailable, match="MB left"):
            await broker.write([create(1)], SYSTEM)
        assert broker.find(urn(1), FULL_ACCESS) is None

    with_broker(tmp_path, work, min_free_bytes=1 << 60)


def test_a_caller_that_goes_away_does_not_undo_its_write(tmp_path: Path) -> None:
    """Cancelling the call cancels the answer only; the batch and its neighbours stand."""

    async def work(broker: Broker) -> None:
        calls = [asyncio.ensure_future(broker.write([create(n)], SYSTEM)) for n in range(10)]
        await asyncio.sleep(0)
        calls[3].cancel()
        await asyncio.wait(calls)
        assert sum(call.cancelled() for call in calls) == 1
        assert all(call.result()[0].changed for call in calls if not call.cancelled())
        await broker.write([put(3, speed=prop(1))], SYSTEM)
        assert len(list(broker.iter_entities([], FULL_ACCESS))) == 10

    with_broker(tmp_path, work)


def test_a_fault_in_one_merge_spares_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception becomes that operation's error; it is logged, and the batch goes through."""
    from andaman.broker import service

    real = service.apply

    def faulty(op: WriteOp, before: Any, now: int) -> Any:
        if op.entity_id == urn(2):
            raise ZeroDivisionError
        return real(op, before, now)

    monkeypatch.setattr(service, "apply", faulty)

    async def work(broker: Broker) -> None:
        results = await broker.write([create(1), create(2), create(3)], SYSTEM)
        assert [r.changed for r in results] == [True, False, True]
        assert results[1].error is not None
        assert results[1].error.status == 500

    with_broker(tmp_path, work)
    assert verify(connect(tmp_path)).ok


def test_commits_are_synced(tmp_path: Path) -> None:
    """The writing connection is set to sync the log at every commit, and to leave checkpoints to their thread."""

    async def work(broker: Broker) -> None:
        db = broker._ledger.writer._db
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)

    with_broker(tmp_path, work)


def test_the_log_stays_bounded(tmp_path: Path) -> None:
    """Under steady writes the write-ahead log is started again instead of growing for ever."""
    limit = 1 << 20

    async def work(broker: Broker) -> int:
        largest = 0
        for n in range(400):
            await broker.write([put(n % 10 * 100 + k, note=prop("x" * 900)) for k in range(20)], SYSTEM)
            largest = max(largest, (tmp_path / f"{FILE}-wal").stat().st_size)
        return largest

    assert with_broker(tmp_path, work, wal_limit_bytes=limit) < 8 * limit


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    """A store written by a later release is refused with that reason, not migrated backwards."""
    with_broker(tmp_path, _nothing)
    db = sqlite3.connect(tmp_path / FILE)
    db.execute("PRAGMA user_version=999")
    db.close()
    with pytest.raises(Unavailable, match="newer release"):
        Broker.open(tmp_path, history=False)


def test_an_older_store_is_migrated(tmp_path: Path) -> None:
    """A store of the first schema opens, keeps what it has, and takes writes."""
    db = sqlite3.connect(tmp_path / FILE)
    db.executescript(f"{MIGRATIONS[0]} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version=1;")
    db.execute("PRAGMA journal_mode=WAL")
    db.close()

    async def work(broker: Broker) -> None:
        assert [r.changed for r in await broker.write([create(1), delete(1)], SYSTEM)] == [True, True]

    with_broker(tmp_path, work)
    assert sqlite3.connect(tmp_path / FILE).execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_facts_of_another_release_are_made_anew(tmp_path: Path) -> None:
    """What stands beside the bodies for the index is renewed from them when its version differs."""

    async def fill(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(n)) for n in range(10)], SYSTEM)
        await broker.write([create(1, speed=prop(7))], SYSTEM, "drill")

    with_broker(tmp_path, fill)
    db = sqlite3.connect(tmp_path / FILE)
    db.execute("UPDATE entity SET facts=x'00', layout=99")
    db.execute("UPDATE meta SET value=-1 WHERE key='facts'")
    db.commit()
    db.close()

    async def ask(broker: Broker) -> None:
        query = EntityQuery(q=parse_q("speed>=7", iri))
        assert [doc["id"] for doc in broker.query(query, FULL_ACCESS).docs] == [urn(n) for n in (7, 8, 9)]
        assert len(broker.query(query, FULL_ACCESS, "drill").docs) == 1

    with_broker(tmp_path, ask)
    with_broker(tmp_path, ask)


async def _nothing(_: Broker) -> None:
    return None


def test_cache_is_bounded_and_never_wrong(tmp_path: Path) -> None:
    """With a cache of a few entities every answer is the same as with a large one."""
    cache = BodyCache(2_000)
    for n in range(100):
        cache.put(("", str(n % 7)), (n, b"x" * 100, 1, 1, b""))
    assert cache.bytes <= 2_000
    assert cache.peek(("", "1")) is not None

    async def work(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(0)) for n in range(50)], SYSTEM)
        for step in range(5):
            await asyncio.gather(*[broker.write([set_speed(n, step)], SYSTEM) for n in range(50)])
        assert [value(broker.get(urn(n), FULL_ACCESS), "speed") for n in range(50)] == [4] * 50

    with_broker(tmp_path, work, cache_bytes=3_000)
    with_broker(tmp_path, _same_from_disk)
