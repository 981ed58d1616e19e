"""The past through the historian: equal to replay of the journal, complete to the last acknowledged write, and
within the rights of who asks. The historian's death loses nothing."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import duckdb
import pytest

from andaman.broker.entity.build import iri, prop, value
from andaman.broker.ledger.doctor import doctor
from andaman.broker.ledger.journal import Journal
from andaman.broker.ledger.rights import visible
from andaman.broker.ledger.rows import fold
from andaman.broker.ledger.schema import connect
from andaman.broker.model import EventKind, OpKind, WriteOp
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, TemporalQuery
from andaman.broker.query.parse import parse_q, parse_scope, parse_types
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import ResourceNotFound
from tests.broker.ledger.world import SPEED, SYSTEM, Rights, create, delete, put, set_speed, urn, with_broker

SOMEBODY = Rights(
    "somebody", frozenset({iri("Secret")}), frozenset({"/closed"}), frozenset({iri("secretNote")})
)


async def _random_history(broker: Broker, rnd: random.Random, steps: int, tenant: str = "") -> None:
    for _ in range(steps):
        n = rnd.randrange(8)
        choice = rnd.random()
        if choice < 0.15:
            op = delete(n)
        elif choice < 0.3:
            kinds = rnd.choice([["Vehicle"], ["Secret"], ["Device", "Vehicle"]])
            fragment = {"type": sorted(iri(k) for k in kinds), "attrs": {SPEED: [prop(rnd.random())]}}
            if rnd.random() < 0.4:
                fragment["scope"] = [rnd.choice(["/open", "/closed"])]
            op = WriteOp(OpKind.UPSERT_REPLACE, urn(n), fragment)
        else:
            op = put(n, **{rnd.choice(["speed", "bearing", "secretNote"]): prop(rnd.randrange(100))})
        await broker.write([op], SYSTEM, tenant)


def _asked(rnd: random.Random) -> EntityQuery:
    """Of conditions on values and of others, in pages."""
    return EntityQuery(
        types=rnd.choice([None, parse_types("Vehicle|Device", iri), parse_types("Vehicle;Device", iri)]),
        ids=tuple(urn(n) for n in rnd.sample(range(9), 4)) if rnd.random() < 0.3 else (),
        id_pattern=rnd.choice([None, None, "[1-4]$"]),
        attrs=rnd.choice([(), (), (SPEED,)]),
        q=rnd.choice([None, None, parse_q("speed>20", iri)]),
        scope=rnd.choice([None, None, parse_scope("/open")]),
        limit=rnd.choice([1, 2, 1000]),
        offset=rnd.choice([0, 0, 1, 3]),
        count=rnd.random() < 0.5,
    )


@pytest.mark.parametrize("every_s", [0.01, 1000.0])
def test_state_as_of_any_time_is_the_replay(tmp_path: Path, every_s: float) -> None:
    """Whether rows moved to history already or not: every entity, list and right at every instant is what the
    replay of the journal says."""

    async def work(broker: Broker) -> None:
        rnd = random.Random(7)
        for _ in range(4):
            await _random_history(broker, rnd, 30)
            await _random_history(broker, rnd, 10, "drill")
            await asyncio.sleep(0.1)
            events = await broker.read_events(0)
            times = sorted({event.at for event in events})
            for at in [times[0] - 1, *rnd.sample(times, 8), times[-1]]:
                for tenant in ("", "drill"):
                    then = fold([e for e in events if e.at <= at and e.tenant == tenant])
                    docs = {entity_id: doc for (_, entity_id), doc in then.items()}
                    page = await broker.query_at(at, EntityQuery(limit=1000, count=True), FULL_ACCESS, tenant)
                    assert {doc["id"]: doc for doc in page.docs} == docs
                    assert page.total == len(docs)
                    seen = {one: shown for one, doc in docs.items() if (shown := visible(doc, SOMEBODY))}
                    page = await broker.query_at(at, EntityQuery(limit=1000), SOMEBODY, tenant)
                    assert {doc["id"]: doc for doc in page.docs} == seen
                    typed = EntityQuery(limit=1000, types=TypeIs(iri("Device")))
                    page = await broker.query_at(at, typed, SOMEBODY, tenant)
                    assert {d["id"] for d in page.docs} == {
                        i for i, d in seen.items() if iri("Device") in d["type"]
                    }
                    for asked in map(_asked, [rnd] * 6):
                        every = [doc for doc in seen.values() if matches(doc, asked)]
                        every.sort(key=lambda doc: (doc["createdAt"], doc["id"]))
                        page = await broker.query_at(at, asked, SOMEBODY, tenant)
                        assert page.docs == every[asked.offset : asked.offset + asked.limit], asked
                        assert page.total == (len(every) if asked.count else -1)
                    for n in range(8):
                        if urn(n) in seen:
                            assert await broker.get_at(at, urn(n), SOMEBODY, tenant) == seen[urn(n)]
                        else:
                            with pytest.raises(ResourceNotFound):
                                await broker.get_at(at, urn(n), SOMEBODY, tenant)

    with_broker(tmp_path, work, history=True, history_every_s=every_s)


def test_temporal_holds_every_acknowledged_value_once(tmp_path: Path) -> None:
    """Concurrent updates while the tail moves over: the series of an attribute is the journal's, no value missing
    and none twice, at once and after a restart."""
    everything = TemporalQuery(limit_instances=10_000, timeproperty="modifiedAt")

    async def check(broker: Broker) -> None:
        found = await broker.temporal(urn(1), [SPEED], everything, FULL_ACCESS)
        told = [
            change.after[0]["value"]
            for event in await broker.read_events(0)
            for change in event.changes
            if change.attr == SPEED and change.after
        ]
        assert [instance["value"] for instance in found[SPEED]] == told

    async def work(broker: Broker) -> None:
        await broker.write([create(1, speed=prop(-1))], SYSTEM)

        async def lane(n: int) -> None:
            for step in range(40):
                await broker.write([set_speed(1, n * 1000 + step)], SYSTEM)

        lanes = asyncio.gather(*[lane(n) for n in range(10)])
        for _ in range(5):
            await asyncio.sleep(0.05)
            await check(broker)
        await lanes
        await check(broker)
        assert broker.seq == 401

    with_broker(tmp_path, work, history=True, history_every_s=0.02)
    with_broker(tmp_path, check, history=True)


def test_temporal_keeps_to_rights(tmp_path: Path) -> None:
    """No history of what the principal may not see, not even that it exists; deleted entities stay covered."""

    async def work(broker: Broker) -> None:
        secret = {"type": [iri("Secret")], "attrs": {SPEED: [prop(1)]}}
        await broker.write(
            [WriteOp(OpKind.CREATE, urn(1), secret), WriteOp(OpKind.CREATE, urn(2), secret)], SYSTEM
        )
        await broker.write([delete(2), create(3, speed=prop(1), secretNote=prop("x"))], SYSTEM)
        for n in (1, 2, 9):
            with pytest.raises(ResourceNotFound, match="There is no history of an entity"):
                await broker.temporal(urn(n), [], TemporalQuery(), SOMEBODY)
        assert set(await broker.temporal(urn(3), [], TemporalQuery(), SOMEBODY)) == {SPEED}
        assert set(await broker.temporal(urn(3), [], TemporalQuery(), FULL_ACCESS)) == {
            SPEED,
            iri("secretNote"),
        }
        assert SPEED in await broker.temporal(urn(2), [], TemporalQuery(), FULL_ACCESS)

    with_broker(tmp_path, work, history=True)


def test_what_was_hidden_once_stays_hidden(tmp_path: Path) -> None:
    """Values from a time when the entity was secret do not appear when it becomes open, in no form."""
    everything = TemporalQuery(timeproperty="modifiedAt")

    def move(scope: str, speed: int) -> WriteOp:
        fragment = {"type": [iri("Vehicle")], "scope": [scope], "attrs": {SPEED: [prop(speed)]}}
        return WriteOp(OpKind.UPSERT_REPLACE, urn(1), fragment)

    async def work(broker: Broker) -> None:
        steps = [move("/open", 1), move("/closed", 2), set_speed(1, 3), move("/open", 4), set_speed(1, 5)]
        for op in steps:
            await broker.write([op], SYSTEM)
        found = await broker.temporal(urn(1), [], everything, SOMEBODY)
        assert [one["value"] for one in found[SPEED]] == [4, 5]
        whole = await broker.temporal(urn(1), [], everything, FULL_ACCESS)
        assert [one["value"] for one in whole[SPEED]] == [1, 2, 3, 4, 5]
        with pytest.raises(ResourceNotFound):
            await broker.temporal(urn(1), [SPEED], TemporalQuery(aggr_methods=("max",)), SOMEBODY)
        await broker.write([delete(1)], SYSTEM)
        await broker.write([create(1, speed=prop(6))], SYSTEM)
        found = await broker.temporal(urn(1), [SPEED], everything, SOMEBODY)
        assert [one.get("value") for one in found[SPEED] if "value" in one] == [4, 5, 6]

    with_broker(tmp_path, work, history=True)


def test_the_historian_may_die(tmp_path: Path) -> None:
    """Killed in the middle of its work it is started again; answers stay complete and nothing is there twice."""

    async def work(broker: Broker) -> None:
        rnd = random.Random(3)
        link = broker._history
        assert link is not None
        for _ in range(4):
            await _random_history(broker, rnd, 50)
            await asyncio.sleep(rnd.uniform(0, 0.1))
            assert link._now is not None
            link._now.process.kill()
            page = await broker.query_at(1 << 60, EntityQuery(limit=100), FULL_ACCESS)
            assert {d["id"]: d for d in page.docs} == {
                d["id"]: d for d in broker.iter_entities([], FULL_ACCESS)
            }
        status = await broker.history_status()
        assert status[1] == ""

    with_broker(tmp_path, work, history=True, history_every_s=0.01)
    events = Journal(connect(tmp_path)).slice(0, 10_000)

    async def series(broker: Broker) -> None:
        wanted = TemporalQuery(limit_instances=10_000, timeproperty="modifiedAt")
        for n in range(8):
            told = [
                value({"attrs": {SPEED: change.after}}, "speed")
                for event in events
                for change in event.changes
                if event.entity_id == urn(n) and change.attr == SPEED and change.after
                if event.kind is not EventKind.DELETED and change.after != change.before
            ]
            if told:
                found = await broker.temporal(urn(n), [SPEED], wanted, FULL_ACCESS)
                assert [instance["value"] for instance in found[SPEED]] == told

    with_broker(tmp_path, series, history=True)


def test_history_of_another_format_is_made_again_from_the_journal(tmp_path: Path) -> None:
    """The file of an earlier release is replaced at the start; every answer is what the journal says."""

    async def write(broker: Broker) -> list[int]:
        await _random_history(broker, random.Random(5), 60)
        return sorted({event.at for event in await broker.read_events(0)})

    times = with_broker(tmp_path, write, history=True)
    (file,) = (tmp_path / "history").glob("*.duckdb")
    file.unlink()
    old = duckdb.connect(str(file))
    old.execute("CREATE TABLE progress (last_seq BIGINT)")
    old.execute("INSERT INTO progress VALUES (60)")
    old.close()
    (finding,) = [f for f in doctor(tmp_path) if f.subject == "history"]
    assert finding.level == "warning", "nothing is to be done about it"
    assert "format 1" in finding.text
    assert "made again from the journal when the platform starts" in finding.text

    async def ask(broker: Broker) -> None:
        for at in (times[0], times[len(times) // 2], times[-1]):
            with broker._ledger.journals.reader() as journal:
                replayed = journal.state_at(at, "")
            page = await broker.query_at(at, EntityQuery(limit=1000), FULL_ACCESS)
            assert {d["id"]: d for d in page.docs} == {name: doc for (_, name), doc in replayed.items()}

    with_broker(tmp_path, ask, history=True)
    assert [f.level for f in doctor(tmp_path) if f.subject == "history"] == ["ok"]
