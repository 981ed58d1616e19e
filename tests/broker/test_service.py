"""The broker's door: what each read path answers, to whom, and its errors."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings

from andaman.broker.entity.build import iri, prop, value
from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc, WriteOp
from andaman.broker.query.model import EntityQuery, TemporalQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import NoSuchTenant, OperationNotSupported, ResourceNotFound
from tests.broker.ledger.test_laws import SOMEBODY, requests
from tests.broker.ledger.world import SYSTEM, create, delete, set_speed, urn, with_broker


@settings(max_examples=30, deadline=None)
@given(requests)
def test_every_read_path_answers_as_if_hidden_things_were_not_there(
    history: list[tuple[list[WriteOp], bool, str]],
) -> None:
    """get, find, query, count, types, lists and the past: each is the full answer without what is hidden."""

    async def work(broker: Broker) -> None:
        for ops, atomic, tenant in history:
            await broker.write(ops, SYSTEM, tenant, atomic=atomic)
        for tenant in broker.tenants():
            whole = {doc["id"]: doc for doc in broker.iter_entities([], FULL_ACCESS, tenant)}
            shown = {i: seen for i, doc in whole.items() if (seen := visible(doc, SOMEBODY)) is not None}
            listed = {doc["id"]: doc for doc in broker.iter_entities([], SOMEBODY, tenant)}
            assert listed == shown
            for n in range(4):
                assert broker.find(urn(n), SOMEBODY, tenant) == shown.get(urn(n))
                if urn(n) not in shown:
                    with pytest.raises(ResourceNotFound, match=f"There is no entity {urn(n)}"):
                        broker.get(urn(n), SOMEBODY, tenant)
            everything = EntityQuery(limit=100, count=True)
            by_secret = EntityQuery(limit=100, count=True, q=parse_q("secretNote>=0", iri))
            for page in (
                broker.query(everything, SOMEBODY, tenant),
                await broker.query_async(everything, SOMEBODY, tenant),
                await broker.query_at(1 << 60, everything, SOMEBODY, tenant),
            ):
                assert {doc["id"]: doc for doc in page.docs} == shown
                assert page.total == len(shown)
            for page in (
                broker.query(by_secret, SOMEBODY, tenant),
                await broker.query_at(1 << 60, by_secret, SOMEBODY, tenant),
            ):
                assert (page.docs, page.total) == ([], 0)
            counted: dict[tuple[str, ...], int] = {}
            for doc in shown.values():
                counted[tuple(doc["type"])] = counted.get(tuple(doc["type"]), 0) + 1
            assert broker.types(SOMEBODY, tenant) == counted

    with tempfile.TemporaryDirectory() as name:
        with_broker(Path(name), work)


def test_an_answered_write_is_in_every_read(tmp_path: Path) -> None:
    """Whoever has the answer finds the new state by id, by query, in lists, in the past and in events."""

    async def work(broker: Broker) -> None:
        for n in range(30):
            result = (await broker.write([create(n, speed=prop(n))], SYSTEM))[0]
            assert broker.seq >= result.seq
            assert broker.find(urn(n), FULL_ACCESS) is not None
            page = broker.query(EntityQuery(q=parse_q(f"speed=={n}", iri)), FULL_ACCESS)
            assert [doc["id"] for doc in page.docs] == [urn(n)]
            assert len(list(broker.iter_entities([iri("Vehicle")], FULL_ACCESS))) == n + 1
            assert (await broker.read_events(result.seq - 1))[0].entity_id == urn(n)
            at = await broker.get_at(1 << 60, urn(n), FULL_ACCESS)
            assert at == page.docs[0]

    with_broker(tmp_path, work)


def test_lists_stand_while_others_write(tmp_path: Path) -> None:
    """A list that is read slowly has every entity that was there all the time, once, and none that is gone."""

    async def work(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(0)) for n in range(1000)], SYSTEM)
        seen: list[Doc] = []
        for doc in broker.iter_entities([], FULL_ACCESS):
            seen.append(doc)
            if len(seen) % 100 == 0:
                n = len(seen)
                await broker.write([delete(999 - n), create(2000 + n), set_speed(n + 50, 1)], SYSTEM)
        ids = [doc["id"] for doc in seen]
        assert len(ids) == len(set(ids))
        stayed = {
            doc["id"]
            for doc in broker.iter_entities([], FULL_ACCESS)
            if int(doc["id"].rsplit(":", 1)[1]) < 1000
        }
        assert stayed <= set(ids)

    with_broker(tmp_path, work)


def test_reading_in_other_threads_is_safe(tmp_path: Path) -> None:
    """Threads that read all the time, with a cache far too small, neither see nor leave anything stale: no
    update is lost, and each value read is one that was written, never an older one than before."""

    async def work(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(0)) for n in range(20)], SYSTEM)
        stop = threading.Event()

        def reader(n: int) -> int:
            rounds = 0
            newest = [0] * 20
            while not stop.is_set():
                rounds += 1
                for k, doc in enumerate(broker.iter_entities([], FULL_ACCESS)):
                    now = value(doc, "speed")
                    assert now >= newest[k]
                    newest[k] = now
                assert broker.find(urn(n), FULL_ACCESS) is not None
            return rounds

        readers = [asyncio.create_task(asyncio.to_thread(reader, n)) for n in range(3)]
        for step in range(1, 40):
            await asyncio.gather(*[broker.write([set_speed(n, step)], SYSTEM) for n in range(20)])
        stop.set()
        assert all(rounds > 0 for rounds in await asyncio.gather(*readers))
        assert [value(doc, "speed") for doc in broker.iter_entities([], FULL_ACCESS)] == [39] * 20
        assert len([e for e in await broker.read_events(0) if e.entity_id == urn(3)]) == 40

    with_broker(tmp_path, work, cache_bytes=4_000)


def test_errors_of_the_door(tmp_path: Path) -> None:
    """An unknown tenant, an unknown option and a missing history store each say what they are."""

    async def work(broker: Broker) -> None:
        for ask in (
            lambda: broker.get(urn(1), FULL_ACCESS, "nowhere"),
            lambda: broker.query(EntityQuery(), FULL_ACCESS, "nowhere"),
            lambda: broker.types(FULL_ACCESS, "nowhere"),
        ):
            with pytest.raises(NoSuchTenant):
                ask()
        assert broker.find(urn(1), FULL_ACCESS, "nowhere") is None
        assert list(broker.iter_entities([], FULL_ACCESS, "nowhere")) == []
        await broker.write([create(1)], SYSTEM)
        with pytest.raises(ResourceNotFound):
            await broker.get_at(0, urn(1), FULL_ACCESS)
        with pytest.raises(OperationNotSupported):
            await broker.temporal(urn(1), [], TemporalQuery(), FULL_ACCESS)
        assert await broker.history_status() == (0, "")

    with_broker(tmp_path, work)
    with pytest.raises(TypeError, match="Unknown broker options: colour"):
        Broker.open(tmp_path, colour="blue")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Broker.open(tmp_path, history=False)
        await broker.start()
        await broker.close()
        await broker.close()

    asyncio.run(run())


def test_must_write_raises_the_cause_of_what_was_not_written(tmp_path: Path) -> None:
    async def work(broker: Broker) -> None:
        (result,) = await broker.must_write([create(1)], SYSTEM)
        assert result.created
        with pytest.raises(ResourceNotFound):
            await broker.must_write([create(2), delete(9)], SYSTEM)
        assert broker.find(urn(2), FULL_ACCESS) is not None  # the others are written
        with pytest.raises(ResourceNotFound):  # not the Conflict of the operation before it
            await broker.must_write([create(3), delete(9)], SYSTEM, atomic=True)
        assert broker.find(urn(3), FULL_ACCESS) is None

    with_broker(tmp_path, work)
