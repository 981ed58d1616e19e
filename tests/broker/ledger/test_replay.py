"""Any instant again: a store taken forward or cut back to T is what the platform was at T."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import prop
from andaman.broker.ledger.doctor import doctor
from andaman.broker.ledger.journal import Journal, verify
from andaman.broker.ledger.maintenance import backup, restore
from andaman.broker.ledger.replay import cut_back, roll_forward
from andaman.broker.ledger.schema import FILE, connect
from andaman.broker.ledger.segment import START, Point, point, read_segment, write_segment
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Conflict
from tests.broker.ledger.world import (
    SPEED,
    SYSTEM,
    VEHICLE,
    Ticks,
    create,
    delete,
    put,
    urn,
    vehicle,
    with_broker,
)
from tests.broker.ledger.world import START as BEGIN

STEP = 1_000_000
OPS = st.sampled_from(["create", "put", "delete", "retype", "replace", "past", "forget"])
SCRIPT = st.lists(
    st.lists(st.tuples(OPS, st.integers(0, 4), st.sampled_from(["", "drill"])), min_size=1, max_size=4),
    min_size=2,
    max_size=12,
)


def _op(word: str, number: int, step: int) -> WriteOp:
    if word == "create":
        return create(number, speed=prop(step))
    if word == "put":
        return put(number, note=prop(f"n{step}"))
    if word == "delete":
        return delete(number)
    if word == "past":  # a write to the temporal evolution, also of what is not there
        told = {"type": [VEHICLE], "attrs": {SPEED: [prop(step, observed_at=BEGIN)]}}
        if step % 2:
            told["scope"] = [{"type": "Property", "value": [f"/s{step % 3}"]}]
        return WriteOp(OpKind.TEMPORAL_UPSERT, urn(number), told)
    if word == "forget":
        return WriteOp(OpKind.TEMPORAL_ERASE, urn(number))
    if word == "retype":
        doc = {**vehicle(number, speed=prop(step)), "scope": [f"/s{step % 3}"]}
        return WriteOp(OpKind.UPSERT_UPDATE, urn(number), doc)
    return WriteOp(OpKind.REPLACE, urn(number), vehicle(number, other=prop(step)))


def _state(directory: Path) -> dict[str, Any]:
    """Everything that a later question can depend on, in comparable form."""

    async def work(broker: Broker) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for tenant in broker.tenants():
            # In the order of creation, which pages follow.
            told[tenant] = broker.query(EntityQuery(limit=1000), FULL_ACCESS, tenant).docs
        return told

    told = with_broker(directory, work)
    db = connect(directory)
    assert verify(db).ok
    shapes = dict(db.execute("SELECT id, json FROM shape"))
    told["former"] = [
        (*row[:4], shapes[row[4]])
        for row in db.execute("SELECT tenant, id, seq, at, shape FROM former ORDER BY seq")
    ]
    told["evolution"] = [
        (*row[:3], shapes.get(row[3]))
        for row in db.execute("SELECT tenant, id, seq, shape FROM evolution ORDER BY tenant, id")
    ]
    told["end"] = point(db)
    db.close()
    assert [f for f in doctor(directory, BEGIN + 10**12) if f.level == "problem"] == []
    return told


@settings(max_examples=15, deadline=None)
@given(SCRIPT, st.data())
def test_forward_and_back_lead_to_the_same_state_as_the_platform_had(
    tmp_path_factory: pytest.TempPathFactory, script: list[list[tuple[str, int, str]]], data: Any
) -> None:
    """Oracle: a copy of the store as it stood after each step."""
    root = tmp_path_factory.mktemp("pit")
    clock = Ticks()
    times = []
    for step, group in enumerate(script):

        async def work(broker: Broker, step: int = step, group: Any = group) -> None:
            for tenant in ("", "drill"):
                ops = [_op(word, number, step) for word, number, where in group if where == tenant]
                if ops:
                    await broker.write(ops, SYSTEM, tenant)

        clock.now += STEP
        with_broker(root / "live", work, clock=clock)
        times.append(clock.now + STEP // 2)
        shutil.copytree(root / "live", root / f"s{step}")
    base = data.draw(st.integers(0, len(script) - 1), "base")
    wanted = data.draw(st.integers(0, len(script) - 1), "wanted")
    expected = _state(root / f"s{wanted}")
    backup(root / f"s{base}", root / "base")
    db = connect(root / f"s{base}")
    after = point(db)
    db.close()
    assert after is not None
    write_segment(root / "live", after, root / "journal.gz")

    def change(db: sqlite3.Connection) -> None:
        if wanted >= base:
            roll_forward(db, read_segment(root / "journal.gz"), times[wanted])
        else:
            cut_back(db, times[wanted])

    restore(root / "base", root / "restored", change)
    assert _state(root / "restored") == expected


def test_a_segment_of_another_journal_is_refused(tmp_path: Path) -> None:
    async def work(broker: Broker) -> None:
        await broker.write([create(n) for n in range(5)], SYSTEM)

    with_broker(tmp_path / "a", work)
    with pytest.raises(Conflict, match="does not continue from row 3"):
        write_segment(tmp_path / "a", Point(3, bytes(32), 0), tmp_path / "x.gz")
    with pytest.raises(Conflict, match="does not continue from row 99"):
        write_segment(tmp_path / "a", Point(99, bytes(32), 0), tmp_path / "x.gz")


def test_rows_that_do_not_follow_or_were_changed_are_refused_whole(tmp_path: Path) -> None:
    async def work(broker: Broker) -> None:
        await broker.write([create(n) for n in range(5)], SYSTEM)

    async def more(broker: Broker) -> None:
        for n in range(5):
            await broker.write([put(n, speed=prop(n))], SYSTEM)

    with_broker(tmp_path / "a", work)
    backup(tmp_path / "a", tmp_path / "base")
    db = connect(tmp_path / "a")
    after = point(db)
    db.close()
    assert after is not None
    with_broker(tmp_path / "a", more)
    write_segment(tmp_path / "a", after, tmp_path / "x.gz")
    lines = list(read_segment(tmp_path / "x.gz"))
    assert len(lines) == 5
    gap = [*lines[:2], *lines[3:]]
    forged = [[*line] for line in lines]
    forged[3][6] = "nobody"
    for bad, words in ((gap, "row 8 is missing"), (forged, "row 9 was changed")):
        with pytest.raises(Conflict, match=words):
            restore(tmp_path / "base", tmp_path / "new", lambda db, bad=bad: roll_forward(db, bad))
        assert not (tmp_path / "new" / FILE).exists()
    content = bytearray((tmp_path / "x.gz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(Conflict, match="is damaged"):
        list(read_segment(tmp_path / "x.gz"))


def test_as_of_random_instants_under_load(tmp_path: Path) -> None:
    """While eight writers run, journal segments are taken; for random T, base + segments up to T = state as of T."""
    live = tmp_path / "live"

    async def work(broker: Broker) -> None:
        rng = random.Random(5)
        stop = asyncio.Event()

        async def writer(lane: int) -> None:
            step = 0
            while not stop.is_set():
                step += 1
                number = lane * 50 + rng.randrange(50)
                op = delete(number) if rng.random() < 0.1 else put(number, speed=prop(step))
                await broker.write([op], SYSTEM)

        tasks = [asyncio.ensure_future(writer(lane)) for lane in range(8)]

        async def until(seq: int) -> None:
            async for events in broker.follow(broker.seq):
                if events[-1].seq >= seq:
                    return

        await until(300)
        await asyncio.to_thread(backup, live, tmp_path / "base")
        db = sqlite3.connect(tmp_path / "base")
        after = point(db) or START
        db.close()
        for part in range(3):
            await until(broker.seq + 400)
            after = await asyncio.to_thread(write_segment, live, after, tmp_path / f"{part}.gz")
        stop.set()
        await asyncio.gather(*tasks)

    with_broker(live, work)
    db = connect(live)
    journal = Journal(db)
    base = sqlite3.connect(tmp_path / "base")
    base_end = point(base)
    base.close()
    assert base_end is not None
    lines = [line for part in range(3) for line in read_segment(tmp_path / f"{part}.gz")]
    assert [line[0] for line in lines] == list(range(base_end.seq + 1, lines[-1][0] + 1))
    rng = random.Random(7)
    for n in range(4):
        at = lines[rng.randrange(len(lines))][2] if n % 2 else rng.randrange(1, base_end.at)
        expected = journal.state_at(at)

        def change(db: sqlite3.Connection, at: int = at) -> None:
            roll_forward(db, lines, at)
            cut_back(db, at)

        restore(tmp_path / "base", tmp_path / f"r{n}", change)

        async def same(broker: Broker, expected: dict[tuple[str, str], Doc] = expected) -> None:
            docs = {("", doc["id"]): doc for doc in broker.iter_entities([], FULL_ACCESS)}
            assert docs == expected

        with_broker(tmp_path / f"r{n}", same)
    db.close()
