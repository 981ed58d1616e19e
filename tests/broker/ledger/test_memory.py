"""Laws of memory: what is kept of events is bounded in bytes, whatever their number and size, and nobody misses one for it.

``ANDAMAN_CHANGES`` sets how many changes the served platforms take (default 150 of each kind; 4,096 is the whole law).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import prop
from andaman.broker.ledger.events import EventRing, FreshEvent
from andaman.broker.ledger.journal import Journal, TailTooLarge
from andaman.broker.ledger.schema import connect
from andaman.broker.ledger.tail import Tail
from andaman.broker.model import Event, EventKind
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import StorageFull
from tests.broker.ledger.world import SYSTEM, put, urn, with_broker
from tests.served import Served, served

CHANGES = int(os.environ.get("ANDAMAN_CHANGES", "150"))
KB, MB = 1 << 10, 1 << 20


def event(seq: int, body: int, changes: int) -> FreshEvent:
    row = (seq, "", seq, "updated", urn(1), 1, "me", "", "", "", b"", b"x" * changes)
    return FreshEvent.of(row, EventKind.UPDATED, (("T",), ()), False, b"y" * body)


sizes = st.sampled_from([0, 10, 3 * KB, 100 * KB, 300 * KB])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=12), max_size=30),
    st.integers(0, 40),
    st.sampled_from([4, 64, 4096]),
    st.sampled_from([50 * KB, MB, 64 * MB]),
)
def test_the_ring_is_bounded_in_bytes_and_reaches_back_without_a_gap(
    batches: list[list[tuple[int, int]]], position: int, limit: int, limit_bytes: int
) -> None:
    """What it holds never exceeds its bounds; what it gives behind a position begins right there, and is little at once."""
    ring = EventRing(0, limit, limit_bytes)
    for batch in batches:
        ring.publish([event(ring.seq + n + 1, *size) for n, size in enumerate(batch)])
        assert len(ring) <= limit
        assert ring.bytes <= limit_bytes
        held = [one for one in ring._ring if isinstance(one, FreshEvent)]
        assert sum(one.size for one in held) <= ring.bytes
        found = ring.after(position)
        if position >= ring.seq:
            assert found == []
        elif found is not None:
            assert [one.seq for one in found] == list(range(position + 1, position + 1 + len(found)))
            assert len(found) == 1 or sum(one.size for one in found if isinstance(one, FreshEvent)) <= 4 * MB
        else:
            assert ring.seq - position > len(ring)


def test_only_the_latest_events_keep_what_they_parsed() -> None:
    """The parsed form is ten times as large as the bytes: events let go of it again, and parse anew when they are asked."""
    body = b'{"id":"x","attrs":{},"pad":"' + b"p" * (200 * KB) + b'"}'
    events = []
    for seq in range(1, 200):
        row = (seq, "", seq, "updated", urn(1), 1, "me", "", "", "", b"", b"[]")
        events.append(FreshEvent.of(row, EventKind.UPDATED, (("T",), ()), False, body))
        assert events[-1].doc is not None
    assert sum(len(body) for one in events if one._doc is not None) < 5 * MB
    assert all(one.doc is not None and one.doc["id"] == "x" for one in events)


@pytest.mark.parametrize("ring_bytes", [0, 300 * KB, 64 * MB])
def test_followers_get_every_large_event(tmp_path: Path, ring_bytes: int) -> None:
    """Fast ones from memory, slow ones from the journal, where the ring holds nothing at all too."""
    total = 40

    async def work(broker: Broker) -> None:
        async def follower(pause_s: float) -> list[int]:
            got: list[int] = []
            async for events in broker.follow(0):
                got += [one.seq for one in events]
                await asyncio.sleep(pause_s)
                if got[-1] >= total:
                    break
            return got

        tasks = [asyncio.create_task(follower(pause_s)) for pause_s in (0.0, 0.02)]
        for n in range(total):
            await broker.write([put(1, speed=prop(f"{n}" + "x" * (60 * KB)))], SYSTEM)
        for got in await asyncio.wait_for(asyncio.gather(*tasks), 30):
            assert got == list(range(1, total + 1))

    with_broker(tmp_path, work, ring_bytes=ring_bytes)


def test_slices_of_the_journal_are_bounded_in_bytes(tmp_path: Path) -> None:
    """A slice ends where it has enough bytes, with one event at least; one after the other they are the whole journal."""

    async def work(broker: Broker) -> None:
        for n in range(60):
            await broker.write([put(n, speed=prop("x" * (n * 1_000)))], SYSTEM)
        for most_bytes in (1, 30_000, 500_000, 1 << 30):
            after, slices = 0, list[list[Event]]()
            while events := await broker.read_events(after, 1_000, None, most_bytes):
                slices.append(events)
                after = events[-1].seq
            assert [one.seq for events in slices for one in events] == list(range(1, 61))
            for events in slices:
                assert _weight(tmp_path, events[:-1]) < most_bytes

    with_broker(tmp_path, work)


def _weight(directory: Path, events: Sequence[Event]) -> int:
    db = connect(directory)
    try:
        return sum(
            db.execute("SELECT length(changes) FROM journal WHERE seq=?", (one.seq,)).fetchone()[0]
            for one in events
        )
    finally:
        db.close()


def test_the_tail_in_memory_is_bounded_in_bytes(tmp_path: Path) -> None:
    """Where history lags behind more than that, who asks is told so, and asks again when it has moved."""

    async def work(broker: Broker) -> None:
        for n in range(40):
            await broker.write([put(n, speed=prop("x" * (10 * KB)))], SYSTEM)

    with_broker(tmp_path, work)
    journal, tail = Journal(connect(tmp_path)), Tail(100 * KB)
    with pytest.raises(TailTooLarge):
        tail.of(journal, 0, "")
    found = tail.of(journal, 35, "")
    assert sorted(found) == sorted(urn(n) for n in range(35, 40))
    assert tail._bytes <= 100 * KB
    journal.close()


def test_a_request_that_is_too_much_for_one_commit_is_several(tmp_path: Path) -> None:
    """Its operations stand in order, each sees the ones before it, and one answer tells of all."""

    async def work(broker: Broker) -> None:
        await broker.write([put(1, speed=prop("x" * MB))], SYSTEM)
        results = await broker.write([put(1, n=prop(n)) for n in range(50)], SYSTEM)
        assert [result.changed for result in results] == [True] * 50
        assert [result.seq for result in results] == list(range(2, 52))
        events = await broker.read_events(1, 100)
        assert [one.changes[0].after[0]["value"] for one in events if one.changes[0].after] == list(range(50))
        commits = {one.at for one in events}
        assert 1 < len(commits) < 10
        # Two requests at once, one of which waits for the rest of the other.
        more = await asyncio.gather(
            broker.write([put(1, n=prop(100 + n)) for n in range(50)], SYSTEM),
            broker.write([put(2, n=prop(n)) for n in range(40)], SYSTEM),
            broker.write([put(3, speed=prop("y" * MB)) for _ in range(2)], SYSTEM),
        )
        assert all(result.error is None for results in more for result in results)
        # Each reads an entity that is not in memory.
        for n in range(4, 50):
            await broker.write([put(n, speed=prop("z" * MB))], SYSTEM)
        broker._ledger.cache._items.clear()
        results = await broker.write([put(n, n=prop(n)) for n in range(4, 60)], SYSTEM)
        assert [result.created for result in results] == [False] * 46 + [True] * 10

    with_broker(tmp_path, work)


def test_what_is_committed_of_a_request_stands_when_the_rest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says of each operation whether it was written: the disk got full between two commits."""

    async def work(broker: Broker) -> None:
        await broker.write([put(1, speed=prop("x" * MB))], SYSTEM)
        refusals = iter([None, "The disk is full"])
        monkeypatch.setattr(broker._ledger.writer, "_no_space", lambda: next(refusals, None))
        results = await broker.write([put(1, n=prop(n)) for n in range(50)], SYSTEM)
        good = [result for result in results if result.error is None]
        assert 0 < len(good) < 50
        assert results[: len(good)] == good
        assert all(isinstance(result.error, StorageFull) for result in results[len(good) :])
        assert broker.seq == 1 + len(good)
        again = await broker.write([put(1, n=prop(1000))], SYSTEM)
        assert again[0].changed

    with_broker(tmp_path, work)


def _polygon(corners: int) -> dict[str, object]:
    """A ring of many corners around Phuket, half a megabyte with 20,000 of them."""
    from math import cos, pi, sin

    ring = [
        [98.3 + 0.1 * cos(2 * pi * n / corners), 7.9 + 0.1 * sin(2 * pi * n / corners)]
        for n in range(corners)
    ]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _counter_on_a_polygon(platform: Served) -> None:
    zone = {
        "id": urn("zone"),
        "type": "FloodZone",
        "location": {"type": "GeoProperty", "value": _polygon(12_000)},
        "people": {"type": "Property", "value": 0},
    }
    assert platform.ask("POST", "/ngsi-ld/v1/entities", zone)[0] == 201
    for n in range(CHANGES):
        told = {"people": {"type": "Property", "value": n + 1}}
        assert platform.ask("PATCH", f"/ngsi-ld/v1/entities/{urn('zone')}/attrs", told)[0] == 204


def _long_texts(platform: Served) -> None:
    camera = {"id": urn("camera"), "type": "Camera", "picture": {"type": "Property", "value": ""}}
    assert platform.ask("POST", "/ngsi-ld/v1/entities", camera)[0] == 201
    for n in range(CHANGES):
        told = {"picture": {"type": "Property", "value": f"{n:06d}" + "x" * 250_000}}
        assert platform.ask("PATCH", f"/ngsi-ld/v1/entities/{urn('camera')}/attrs", told)[0] == 204


def _documents(platform: Served) -> None:
    for n in range(0, 3 * CHANGES, 20):
        told = [
            {
                "id": urn(k % 200),
                "type": "Device",
                "log": {
                    "type": "JsonProperty",
                    "json": [{"n": k, "at": f"{m}", "value": m / 7} for m in range(350)],
                },
            }
            for k in range(n, n + 20)
        ]
        assert platform.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", told)[0] in (201, 204)


@pytest.mark.timeout(300 + CHANGES // 4)
@pytest.mark.parametrize("load", [_counter_on_a_polygon, _long_texts, _documents])
def test_the_process_stays_small_whatever_its_events_weigh(tmp_path: Path, load: object) -> None:
    """A counter on an entity with a large polygon, texts of 250 KB, documents of 14 KB: under 300 MB, and the historian under
    its setting plus 100 MB."""
    assert callable(load)
    with served(tmp_path / "data") as platform:
        load(platform)
        platform.wait_for_history(60)
        print(f"{CHANGES} changes: {platform.peak_mb} MB, historian {platform.historian_mb} MB")
        assert 0 < platform.peak_mb < 300
        assert 0 < platform.historian_mb < 128 + 100
        assert platform.metric("andaman_history_set_aside") == 0
        assert platform.metric("andaman_recent_events_bytes") <= 24 * MB


def test_whoever_goes_through_entities_slowly_holds_one_of_them(tmp_path: Path) -> None:
    """Decoded, an entity takes ten times its bytes: each is made when its turn comes, not a page at a time."""

    async def work(broker: Broker) -> None:
        made = 0
        await broker.write([put(number) for number in range(40)], SYSTEM)
        read = broker._ledger.read

        def counted(body: bytes) -> object:
            nonlocal made
            made += 1
            return read(body)

        broker._ledger.read = counted  # type: ignore[assignment]
        docs = iter(broker.iter_entities([], FULL_ACCESS))
        for taken in range(40):
            assert next(docs)["id"] == urn(taken)
            assert made == taken + 1
        assert next(docs, None) is None

    with_broker(tmp_path, work)
