"""Laws of faults: one message, one entity, one feed or one noisy device stops and hides nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.broker.entity.check import checked_entity
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.model import TemporalQuery
from andaman.broker.service import Broker
from andaman.city.pack import load_pack
from andaman.identity.model import FULL_ACCESS
from andaman.ingest import DeadLetterStore, FeedLink, FeedManager, FeedState, city_feeds
from andaman.ingest.deadletter import KEPT, DeadLetter
from andaman.ingest.mapping import parse_mapping
from andaman.ingest.model import Observation
from andaman.ingest.order import plan
from andaman.ingest.reading import read_message
from andaman.ingest.replay import Recording, ReplayFeed
from andaman.ingest.stamps import STEP_BACK, Stamps
from andaman.kernel.errors import StorageFull, Unavailable
from andaman.kernel.time import DAY, SECOND, Micros, parse_time

NOW = parse_time("2026-11-22T07:00:00Z")


class Feed:
    """Does what the test says."""

    name, origin, speed = {"th": "ทดสอบ", "en": "test"}, "simulated", 1.0
    expected_s = None

    def __init__(self, work: Any, feed_id: str = "f") -> None:
        self.id = feed_id
        self._work = work

    async def run(self, link: FeedLink) -> None:
        await self._work(link)


@asynccontextmanager
async def city(
    tmp_path: Path, *feeds: Any, **more: Any
) -> AsyncIterator[tuple[Broker, DeadLetterStore, FeedManager]]:
    broker = Broker.open(tmp_path, history=False)
    await broker.start()
    letters = DeadLetterStore(tmp_path / "deadletter.db")
    manager = FeedManager(broker, feeds, tmp_path, letters=letters, **more)
    await manager.start()
    try:
        yield broker, letters, manager
    finally:
        await manager.stop()
        letters.close()
        await broker.close()


async def until(true: Any, seconds: float = 5.0) -> None:
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true in time")


def docs_of(*values: Any) -> list[Doc]:
    return [
        build.entity(f"urn:x:{place}", "Device", value=build.prop(value))
        for place, value in enumerate(values)
    ]


def test_an_entity_that_does_not_pass_is_a_letter_and_the_others_are_written(tmp_path: Path) -> None:
    odd: list[Doc] = [
        {"id": "no uri", "type": [build.iri("Device")], "attrs": {}},
        build.entity("urn:x:depth", "Device", value=build.js({"a": float("nan")})),
        build.entity("urn:x:big", "Device", value=build.prop(1 << 64)),
        build.entity("urn:x:place", "Device", location=build.geo({"type": "Point", "coordinates": [7.9, 98.3]})),
        build.entity("urn:x:scope", "Device", ("pier tide",), value=build.prop(1)),
        build.entity("urn:x:half", "Device", value=build.prop("\ud800")),
    ]  # fmt: skip

    async def work(link: FeedLink) -> None:
        await link.write([*docs_of(1, 2), *odd, *docs_of(1, 2, 3)])
        link.ready()
        await asyncio.Event().wait()

    async def run() -> None:
        async with city(tmp_path, Feed(work)) as (broker, letters, manager):
            await until(lambda: manager.get_status("f").state is FeedState.RUNNING)
            assert sorted(doc["id"] for doc in broker.iter_entities([], FULL_ACCESS)) == [
                "urn:x:0", "urn:x:1", "urn:x:2"
            ]  # fmt: skip
            rows = letters.list_newest()
            assert {row["reason"] for row in rows} == {"refused"}
            assert len(rows) == manager.get_status("f").refused == len(odd)

    asyncio.run(run())


@given(bad=st.sets(st.integers(0, 19), max_size=20))
def test_whatever_one_of_a_batch_raises_the_others_are_written(bad: set[int]) -> None:
    """An error that nobody foresaw is the fault of one observation: the batch is halved until it is alone."""
    written: list[str] = []
    refused: dict[int, str] = {}

    class Odd:
        def find(self, *_: Any) -> None:
            return None

        async def write(self, ops: Sequence[WriteOp], *_: Any) -> list[Any]:
            for op in ops:
                if int(op.entity_id.rsplit(":", 1)[1]) in bad:
                    raise TypeError("Integer exceeds 64-bit range")
            written.extend(op.entity_id for op in ops)
            return [_Result() for _ in ops]

    async def run() -> None:
        link = _link(Odd())
        done = await link.take([Observation(doc) for doc in docs_of(*range(20))])
        refused.update(done.refused)

    asyncio.run(run())
    assert written == [f"urn:x:{number}" for number in range(20) if number not in bad]
    assert refused.keys() == bad
    assert all("64-bit" in why for why in refused.values())


@pytest.mark.parametrize("error", [Unavailable("closing"), StorageFull("full"), sqlite3.OperationalError("disk I/O error"), MemoryError()])  # fmt: skip
def test_a_fault_of_the_platform_is_nobodys_dead_letter(error: Exception) -> None:
    """Nothing is refused, and so nothing acknowledged, because the disk is full or the broker closes."""

    class Broken:
        def find(self, *_: Any) -> None:
            return None

        async def write(self, *_: Any) -> list[Any]:
            raise error

    async def run() -> None:
        with pytest.raises(type(error)):
            await _link(Broken()).take([Observation(doc) for doc in docs_of(1, 2, 3)])

    asyncio.run(run())


class _Result:
    changed = created = True
    error = None


def _link(broker: Any) -> Any:
    from andaman.ingest.link import Link
    from andaman.ingest.model import FeedStatus

    nothing: Any = None
    return Link(
        broker,
        "",
        FeedStatus("f", {}, "", 1.0),
        nothing,
        None,
        Stamps(lambda: NOW),
        lambda: NOW,
        nothing,
        nothing,
    )


def test_a_feed_that_fails_again_soon_after_its_start_is_not_running(tmp_path: Path) -> None:
    pauses: list[float] = []
    states: list[tuple[FeedState, str]] = []
    runs = 0

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async def work(link: FeedLink) -> None:
        nonlocal runs
        runs += 1
        link.ready()
        if runs > 1:
            states.append((manager_of[0].get_status("f").state, manager_of[0].get_status("f").error))
        if runs < 6:
            raise TypeError("the same message again")
        await asyncio.Event().wait()

    manager_of: list[FeedManager] = []

    async def run() -> None:
        broker = Broker.open(tmp_path, history=False)
        await broker.start()
        manager = FeedManager(broker, [Feed(work)], tmp_path, sleep=sleep, steady_s=0.2)
        manager_of.append(manager)
        await manager.start()
        await until(lambda: runs == 6)
        assert pauses == [1, 2, 4, 8, 16]
        assert states == [(FeedState.FAILING, "TypeError: the same message again")] * 5
        assert manager.get_status("f").failing_since is not None
        await until(lambda: manager.get_status("f").state is FeedState.RUNNING)
        status = manager.get_status("f")
        assert (status.error, status.failing_since, status.restarts) == ("", None, 5)
        await manager.stop()
        await broker.close()

    asyncio.run(run())


def test_whatever_ends_one_feed_the_others_go_on_and_it_starts_again(tmp_path: Path) -> None:
    errors: list[BaseException] = [
        ValueError("x"), RecursionError(), KeyError("k"), asyncio.CancelledError(), StopAsyncIteration(),
        MemoryError(), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), TimeoutError(),
    ]  # fmt: skip

    async def bad(link: FeedLink) -> None:
        link.ready()
        if errors:
            raise errors.pop(0)
        await asyncio.Event().wait()

    async def good(link: FeedLink) -> None:
        link.ready()
        number = 0
        while True:
            number += 1
            await link.write(docs_of(number))
            await asyncio.sleep(0.001)

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    async def run() -> None:
        async with city(tmp_path, Feed(bad, "bad"), Feed(good, "good"), sleep=sleep, steady_s=0.05) as (
            _,
            _l,
            manager,
        ):
            await until(lambda: not errors)
            await until(lambda: manager.get_status("bad").state is FeedState.RUNNING)
            assert manager.get_status("bad").restarts == 8
            before = manager.get_status("good").count
            await until(lambda: manager.get_status("good").count > before)
            assert manager.get_status("good").restarts == 0

    asyncio.run(run())


def test_a_recording_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    def make(number: int) -> Any:
        def made(now: Micros) -> Doc:
            if number == 1:
                raise ValueError("could not convert string to float: 'n/a'")
            return build.entity(
                "urn:x:1", "Device", value=build.prop(1 << 70 if number == 2 else number, now)
            )

        return made

    recordings = [Recording(NOW - DAY, make(number)) for number in range(5)]

    async def run() -> None:
        feed = ReplayFeed("f", {}, recordings, 1.0, loop=False)
        async with city(tmp_path, feed) as (broker, letters, manager):
            await until(lambda: manager.get_status("f").state is FeedState.FINISHED)
            assert build.value(broker.get("urn:x:1", FULL_ACCESS), "value") == 4
            assert letters.count() == 2
            changes = [
                one["observedAt"]
                for event in await broker.read_events(0, 100)
                for change in event.changes
                for one in change.after or ()
                if change.attr == build.iri("value")
            ]
            assert len(set(changes)) == 3  # of one batch, each with a time of its own

    asyncio.run(run())


def test_memory_of_another_form_starts_a_feed_anew(tmp_path: Path) -> None:
    async def run() -> None:
        feed = ReplayFeed("f", {}, [Recording(NOW - DAY, lambda now: docs_of(1)[0])], 1.0, loop=False)
        broker = Broker.open(tmp_path, history=False)
        await broker.start()
        manager = FeedManager(broker, [feed], tmp_path)
        manager.offsets.put("f", {"true_at": "x", "next": [], "round": None, "of": 1})
        await manager.start()
        await until(lambda: manager.get_status("f").state is FeedState.FINISHED)
        assert broker.has("urn:x:0", FULL_ACCESS)
        await manager.stop()
        await broker.close()

    asyncio.run(run())


def test_a_damaged_table_of_a_pack_stops_its_own_feed_only() -> None:
    pack = load_pack("phuket")

    class Damaged:
        iter_docs = pack.iter_docs
        has = staticmethod(pack.has)

        def table(self, name: str) -> list[dict[str, str]]:
            rows = pack.table(name)
            return [{**row, "time": "soon"} for row in rows] if name == "rain" else rows

    feeds = {feed.id: feed for feed in city_feeds(Damaged())}
    assert set(feeds) == {"smartbus", "tmd-weather", "rain-gauges", "road-accidents", "tide"}

    async def run() -> None:
        with pytest.raises(ValueError, match="soon"):
            await feeds["rain-gauges"].run(None)  # type: ignore[arg-type]

    asyncio.run(run())


def test_what_the_feeds_of_a_pack_make_passes_the_checks_of_every_door(tmp_path: Path) -> None:
    """Smart Bus, weather, rain, accidents and tide: not one entity is refused."""

    async def run() -> None:
        feeds = city_feeds(load_pack("phuket"), replay_speed=3600.0)
        async with city(tmp_path, *feeds) as (broker, letters, manager):
            await until(lambda: all(status.count for status in manager.status()), 20.0)
            assert letters.list_newest() == []
            assert {status.error for status in manager.status()} == {""}
            assert len(list(broker.iter_entities([], FULL_ACCESS))) > 20

    asyncio.run(run())


def test_every_entity_of_a_pack_passes_the_checks_of_every_door() -> None:
    for doc in load_pack("phuket").iter_docs():
        assert checked_entity(doc) is doc


def test_constants_are_written_once_whatever_they_are(tmp_path: Path) -> None:
    mapping = parse_mapping(
        '[[topic]]\npattern = "t/{id}"\nentity = "urn:x:{id}"\nscope = ["b", "/a"]\ntype = ["B", "A"]\n'
        "[topic.attributes.v]\n[topic.static]\nsince = 2026-11-22T07:00:00Z\nday = 2026-11-22\nhour = 07:00:00\n"
        'list = [1, 2.0, {a = 1979-05-27T07:32:00}]\nlocation = {lon = 98, lat = 7}\nname = {th = "ก", en = "a"}\nbig = 18446744073709551615\n'
    )  # fmt: skip

    async def run() -> None:
        async with city(tmp_path) as (broker, _, _manager):
            from andaman.identity.model import system_actor

            for number in range(3):
                reading = read_message(mapping, "f", "t/1", b'{"v": %d}' % number, NOW + number)
                ops = plan(reading.docs, lambda name: broker.find(name, FULL_ACCESS))
                changed = [sorted(map(build.short, op.fragment["attrs"])) for op in ops]
                assert number == 0 or changed == [["v"]]
                await broker.write(ops, system_actor("test"))

    asyncio.run(run())


def test_nobody_hears_of_late_data_and_history_has_it(tmp_path: Path) -> None:
    """Two hours of a buffer, in any order: followers hear of what is newer than the state, and of nothing else."""
    order = [5, 3, 9, 1, 9, 7, 12, 0]

    async def run() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        heard: list[int] = []

        async def hear() -> None:
            async for events in broker.follow(0):
                for event in events:
                    change = event.change_of(build.iri("value"))
                    heard.extend(one["value"] for one in (change.after or () if change else ()))

        listener = asyncio.create_task(hear())
        link = _link(broker)
        for offset in order:
            doc = build.entity("urn:x:1", "Device", value=build.prop(offset, NOW + offset * SECOND))
            await link.take([Observation(doc)])
        await until(lambda: heard[-1:] == [12])
        assert heard == [5, 9, 12]
        name = build.iri("value")
        found = await broker.temporal("urn:x:1", [name], TemporalQuery(), FULL_ACCESS)
        assert sorted(one["value"] for one in found[name]) == sorted(set(order))
        listener.cancel()
        await broker.close()

    asyncio.run(run())


def test_another_data_set_of_the_attribute_is_left_alone() -> None:
    """What somebody else wrote beside the device's value neither hides a repeat nor stops a late one."""
    held = build.entity(
        "urn:x:1", "Device",
        value=[{**build.prop(7, NOW + DAY), "datasetId": "urn:d:1"}, build.prop(1, NOW)],
    )  # fmt: skip
    same = build.entity("urn:x:1", "Device", value=build.prop(1, NOW))
    assert plan([same, same], lambda _: held) == []
    later = build.entity("urn:x:1", "Device", value=build.prop(2, NOW + SECOND))
    assert [op.kind for op in plan([later, same], lambda _: held)] == [
        OpKind.UPSERT_UPDATE,
        OpKind.TEMPORAL_ADD,
    ]


# -- dead letters
def _letter(
    topic: str, reason: str = "bad-json", *, at: Micros = NOW, detail: str = "", pattern: str = ""
) -> DeadLetter:
    return DeadLetter(at, "mqtt", topic, reason, detail, b"{", "", pattern)


def test_one_noisy_device_hides_nothing(tmp_path: Path) -> None:
    store = DeadLetterStore(tmp_path / "deadletter.db", max_rows=200)
    store.add([_letter("quiet", "wrong-type", detail="the one real fault")])
    for start in range(0, 21_000, 500):
        store.add([_letter("noisy", detail=str(start + number)) for number in range(500)])
    rows = store.list_newest(1000)
    assert [row["detail"] for row in rows if row["topic"] == "quiet"] == ["the one real fault"]
    noisy = [row for row in rows if row["topic"] == "noisy"]
    assert [row["detail"] for row in noisy] == [str(20_999 - number) for number in range(KEPT)]
    assert {row["count"] for row in noisy} == {21_000}
    assert (store.count(), store.counted()) == (KEPT + 1, 21_001)
    store.close()


def test_a_device_that_makes_up_topics_hides_nothing(tmp_path: Path) -> None:
    store = DeadLetterStore(tmp_path / "deadletter.db", max_rows=200)
    store.add([_letter("quiet", "wrong-type", detail="the one real fault", pattern="q/{x}")])
    for start in range(0, 2000, 100):
        store.add([_letter(f"made/up/{start + number}", "not-mapped") for number in range(100)])
    assert store.count() <= 200
    assert store.counted() == 2001  # those that gave way too
    store.add([_letter("much later", at=NOW + 31 * DAY)])
    assert (store.count(), store.counted()) == (1, 2002)  # and those that grew old
    store.close()
    store = DeadLetterStore(tmp_path / "deadletter.db", max_rows=200)
    assert store.counted() == 2002
    store.close()


def test_a_box_that_counted_by_kind_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "deadletter.db"
    store = DeadLetterStore(path)
    store.add([_letter("a", detail=str(number)) for number in range(50)])
    store.close()
    old = sqlite3.connect(path)
    old.execute("DROP TABLE counted")
    old.execute("ALTER TABLE dead_letter DROP COLUMN object")  # of a later version
    old.execute("PRAGMA user_version=1")
    old.close()
    store = DeadLetterStore(path)
    assert (store.count(), store.counted()) == (KEPT, 50)
    store.close()


def test_the_real_fault_stays_in_the_box(tmp_path: Path) -> None:
    store = DeadLetterStore(tmp_path / "deadletter.db", max_rows=200)
    store.add([_letter("quiet", "wrong-type", detail="the one real fault", pattern="q/{x}")])
    for start in range(0, 2000, 100):
        store.add([_letter(f"made/up/{start + number}", "not-mapped") for number in range(100)])
    assert "the one real fault" in [row["detail"] for row in store.list_newest(1000)]
    store.close()


@settings(max_examples=30)
@given(
    texts=st.tuples(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20)),
    payload=st.binary(max_size=50),
    times=st.integers(1, 3000),
)
def test_any_letter_can_be_kept(texts: tuple[str, str, str, str], payload: bytes, times: int) -> None:
    topic, detail, attribute, pattern = (text * times + "\ud800\0" for text in texts)
    with TemporaryDirectory() as name:
        store = DeadLetterStore(Path(name) / "deadletter.db")
        store.add([DeadLetter(NOW, "mqtt", topic, "refused", detail, payload * times, attribute, pattern)])
        (row,) = store.list_newest()
        store.close()
    assert (row["reason"], row["size"], row["count"]) == ("refused", len(payload) * times, 1)


def test_a_box_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "deadletter.db"
    old = sqlite3.connect(path)
    old.execute(
        "CREATE TABLE dead_letter (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, feed TEXT NOT NULL, topic TEXT NOT "
        "NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, attribute TEXT NOT NULL, payload BLOB NOT NULL, size INTEGER NOT "
        "NULL) STRICT"
    )  # fmt: skip
    rows = [(NOW, "mqtt", topic, "bad-json", str(n), "", b"{", 1) for topic in ("a", "b") for n in range(50)]
    old.executemany("INSERT INTO dead_letter VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    old.commit()
    old.close()
    store = DeadLetterStore(path)
    assert (store.count(), store.counted()) == (2 * KEPT, 100)
    assert {row["count"] for row in store.list_newest(1000)} == {50}
    store.add([_letter("a")])
    assert store.list_newest()[0]["count"] == 51
    store.close()


# -- stamps
@given(
    steps=st.lists(st.integers(-3 * STEP_BACK, 3 * SECOND), min_size=1, max_size=60), width=st.integers(1, 5)
)
def test_no_two_readings_have_one_time_while_the_clock_is_not_far_off(steps: list[int], width: int) -> None:
    clock = [NOW]
    stamps = Stamps(lambda: clock[0], NOW - 5)
    seen: set[Micros] = set()
    last = 0
    for step in steps:
        clock[0] += step
        at = stamps.next(width)
        if at <= last:  # the clock was set back far: it was wrong before
            assert last - clock[0] > STEP_BACK
            seen.clear()
        assert not seen & set(range(at, at + width))
        seen |= set(range(at, at + width))
        last = at + width - 1
