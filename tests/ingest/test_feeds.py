"""Laws of replay, of the manager and of the feeds' routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from andaman.broker.entity import build
from andaman.broker.model import Doc
from andaman.broker.service import Broker
from andaman.city.pack import load_pack
from andaman.identity.audit import AuditTrail
from andaman.identity.entrance import build_routes
from andaman.identity.model import FULL_ACCESS, Actor, Role
from andaman.identity.store import IdentityStore
from andaman.identity.web import ACTOR
from andaman.ingest import DeadLetterStore, FeedLink, FeedManager, FeedState, city_feeds, routes
from andaman.ingest.deadletter import DeadLetter
from andaman.ingest.offsets import OffsetStore
from andaman.ingest.replay import Recording, ReplayFeed
from andaman.kernel.errors import AndamanError, Conflict, ResourceNotFound
from andaman.kernel.http import problem_response
from andaman.kernel.time import DAY, HOUR, SECOND, Micros, parse_time
from tests.support import principal

START = parse_time("2026-11-22T00:00:00Z")
PAST = parse_time("2020-01-01T00:00:00Z")
ADMIN = Actor(principal("user:admin", "Ad Min", Role.ADMINISTRATOR))


class FakeTime:
    """A clock that goes on only when somebody sleeps; ends the run when its time is over."""

    def __init__(self, end: Micros) -> None:
        self.now = START
        self.end = end

    def __call__(self) -> Micros:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)
        if self.now >= self.end:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


class FakeLink:
    def __init__(self, time: FakeTime, memory: dict[str, Any]) -> None:
        self.clock = time
        self.sleep: Callable[[float], Awaitable[None]] = time.sleep
        self.memory = memory
        self.written: list[tuple[Micros, Doc]] = []

    def current(self, entity_id: str) -> Doc | None:
        return None

    async def write(self, docs: Any) -> int:
        found = list(docs)
        self.written += [(self.clock(), doc) for doc in found]
        return len(found)

    def recall(self) -> dict[str, Any]:
        return dict(self.memory)

    async def remember(self, memory: Any) -> None:
        self.memory.clear()
        self.memory.update(memory)

    def ready(self) -> None: ...


def _recordings(offsets_s: list[int]) -> list[Recording]:
    def make(number: int) -> Callable[[Micros], Doc]:
        return lambda now: build.entity(f"urn:x:{number}", "Device", value=build.prop(number, now))

    return [Recording(PAST + offset * SECOND, make(number)) for number, offset in enumerate(offsets_s)]


def play(feed: ReplayFeed, link: FakeLink) -> None:
    async def run() -> None:
        with suppress(asyncio.CancelledError):
            await feed.run(link)

    asyncio.run(run())


@settings(deadline=None, max_examples=40)
@given(
    offsets=st.lists(st.integers(0, 5000), min_size=1, max_size=30).map(sorted),
    speed=st.sampled_from([1.0, 7.5, 60.0]),
    stops=st.lists(st.integers(1, 2000), max_size=4),
)
def test_every_recording_is_played_once_in_order_over_any_restarts(
    offsets: list[int], speed: float, stops: list[int]
) -> None:
    memory: dict[str, Any] = {}
    played: list[tuple[Micros, Doc]] = []
    time = FakeTime(START)
    for run_s in [*stops, 20_000]:
        time.end = time.now + run_s * SECOND
        link = FakeLink(time, memory)
        play(ReplayFeed("f", {}, _recordings(offsets), speed, loop=False), link)
        played += link.written
        time.now += 3600 * SECOND  # the platform was down for an hour: nothing is skipped
    assert [build.value(doc, "value") for _, doc in played] == list(range(len(offsets)))


def test_the_pace_is_the_speed_and_observed_at_is_the_time_of_the_replay() -> None:
    link = FakeLink(FakeTime(START + 2 * HOUR), {})
    play(ReplayFeed("f", {}, _recordings([0, 600, 3600]), 60.0, loop=False), link)
    times = [(at - START) / SECOND for at, _ in link.written]
    assert times == pytest.approx([0, 10, 60], abs=0.2)
    for at, doc in link.written:
        assert build.observed(doc, "value") == at


def test_a_replay_says_which_moment_of_the_past_it_plays() -> None:
    """At every step, and not before it has begun."""
    feed, link = (
        ReplayFeed("f", {}, _recordings([0, 600, 3600]), 60.0, loop=False),
        FakeLink(FakeTime(START + 2 * HOUR), {}),
    )
    assert feed.recorded_at(START) is None
    play(feed, link)
    for second in (0, 10, 45):
        assert feed.recorded_at(START + second * SECOND) == PAST + 60 * second * SECOND


def test_a_loop_begins_again_after_the_end() -> None:
    link = FakeLink(FakeTime(START + HOUR), {})
    play(ReplayFeed("f", {}, _recordings([0, 60, 120]), 1.0), link)
    assert [build.value(doc, "value") for _, doc in link.written][:7] == [0, 1, 2, 0, 1, 2, 0]


def test_the_pack_has_its_five_feeds_and_each_tells_its_origin() -> None:
    feeds = {feed.id: feed for feed in city_feeds(load_pack("phuket"))}
    assert {feed_id: feed.origin for feed_id, feed in feeds.items()} == {
        "smartbus": "simulated", "tmd-weather": "replayed", "rain-gauges": "replayed", "road-accidents": "replayed",
        "tide": "computed",
    }  # fmt: skip
    for feed in feeds.values():
        assert feed.name["th"]
        assert feed.name["en"]


def test_a_replayed_accident_points_to_the_original_and_tells_the_true_time() -> None:
    feed = next(feed for feed in city_feeds(load_pack("phuket")) if feed.id == "road-accidents")
    accidents = {doc["id"]: doc for doc in load_pack("phuket").iter_docs("road-accidents")}
    link = FakeLink(FakeTime(START + HOUR), {})
    assert isinstance(feed, ReplayFeed)
    play(feed, link)
    assert len(link.written) >= 3  # the last three before the first moment, so that the map is not empty
    for at, doc in link.written:
        original = accidents[build.value(doc, "refAccident")]
        assert build.value(doc, "origin") == "replayed"
        assert build.value(doc, "replayOf") == build.value(original, "accidentDate")
        assert build.value(doc, "location") == build.value(original, "location")
        assert build.observed(doc, "deaths") == at
    dates = [build.value(doc, "replayOf") for _, doc in link.written]
    assert dates == sorted(dates)
    assert (
        dates[2] <= "2019-11-22T00:00:00Z" <= dates[3]
    )  # season and hour are those of the day of the first start


class Flaky:
    """Fails so often, then runs."""

    id, name, origin, speed = "flaky", {"th": "ทดสอบ", "en": "test"}, "simulated", 1.0
    expected_s: float | None = None

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.runs = 0

    async def run(self, link: FeedLink) -> None:
        self.runs += 1
        if self.runs <= self.failures:
            raise OSError("the source is away")
        await link.write([build.entity("urn:x:1", "Device", value=build.prop(1))])
        link.ready()
        await asyncio.Event().wait()


def test_a_failing_feed_is_started_again_with_growing_pauses_and_others_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0)

        feed, steady = Flaky(8), Flaky(0)
        steady.id = "steady"
        manager = FeedManager(broker, [feed, steady], tmp_path, sleep=sleep)
        await manager.start()
        for _ in range(200):
            await asyncio.sleep(0.01)
            if {status.state for status in manager.status()} == {FeedState.RUNNING}:
                break
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
        status = manager.get_status("flaky")
        assert (status.state, status.error, status.restarts) == (FeedState.RUNNING, "", 8)
        assert manager.get_status("steady").restarts == 0
        assert broker.find("urn:x:1", FULL_ACCESS) is not None
        with pytest.raises(Conflict):
            await manager.start_feed("flaky", ADMIN, "again")
        with pytest.raises(ResourceNotFound, match="steady"):
            await manager.start_feed("nothing", ADMIN, "again")
        await manager.stop_feed("flaky", ADMIN, "The gauge is being replaced")
        assert manager.get_status("flaky").state is FeedState.STOPPED
        await manager.stop()
        await broker.close()

    asyncio.run(run())


async def _settle(manager: FeedManager, *states: FeedState) -> None:
    for _ in range(200):
        await asyncio.sleep(0.01)
        if tuple(status.state for status in manager.status()) == states:
            return
    raise AssertionError([status.state for status in manager.status()])


def test_a_stopped_feed_stays_stopped_over_restarts_with_who_when_and_why(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        first = FeedManager(broker, [Flaky(0)], tmp_path, clock=lambda: START)
        await first.start()
        await _settle(first, FeedState.RUNNING)
        await first.stop_feed("flaky", ADMIN, "The gauge is being replaced")
        await first.stop()

        again = FeedManager(broker, [Flaky(0)], tmp_path, clock=lambda: START + HOUR)
        await again.start()
        status = again.get_status("flaky")
        assert (status.state, status.since) == (FeedState.STOPPED, START)
        assert status.order is not None
        assert (status.order.name, status.order.reason) == ("Ad Min", "The gauge is being replaced")
        await again.start_feed("flaky", ADMIN, "It is back")
        await _settle(again, FeedState.RUNNING)
        assert [order.action for order in again.offsets.orders("flaky", 9)] == ["start", "stop"]
        await again.stop()

        third = FeedManager(broker, [Flaky(0)], tmp_path)  # the end of the platform is no order
        await third.start()
        await _settle(third, FeedState.RUNNING)
        await third.stop()
        await broker.close()

    asyncio.run(run())


def test_a_feed_that_runs_and_brings_nothing_is_late_since_its_last_word(tmp_path: Path) -> None:
    now = START

    async def run() -> None:
        nonlocal now
        broker = Broker.open(tmp_path)
        await broker.start()
        feed, unknown = Flaky(0), Flaky(0)
        feed.expected_s, unknown.id = 60.0, "unknown"
        manager = FeedManager(broker, [feed, unknown], tmp_path, clock=lambda: now)
        await manager.start()
        await _settle(manager, FeedState.RUNNING, FeedState.RUNNING)
        status = manager.get_status("flaky")
        assert status.late_since(START + 60 * SECOND) is None
        assert status.late_since(START + 61 * SECOND) == START
        assert manager.get_status("unknown").late_since(START + DAY) is None
        await manager.stop_feed("flaky", ADMIN, "Late")
        assert (
            manager.get_status("flaky").late_since(START + DAY) is None
        )  # it is stopped, which is another thing
        await manager.stop()
        await broker.close()

    asyncio.run(run())


def test_a_recording_is_due_after_its_longest_gap(tmp_path: Path) -> None:
    feed = ReplayFeed("r", {}, _recordings([0, 600, 7800]), 60.0)
    assert feed.expected_s == 7200 / 60 + 2 * 30


def test_memory_survives_a_reopening(tmp_path: Path) -> None:
    store = OffsetStore(tmp_path / "ingest.db")
    assert store.get("a") == {}
    store.put("a", {"next": 7})
    store.put("a", {"next": 8})
    store.close()
    again = OffsetStore(tmp_path / "ingest.db")
    assert again.get("a") == {"next": 8}
    again.close()


def _letter(at: Micros, detail: str) -> DeadLetter:
    return DeadLetter(at, "mqtt", "a/b", "bad-json", detail, b"{")


def test_dead_letters_are_bounded_in_number_and_age(tmp_path: Path) -> None:
    store = DeadLetterStore(tmp_path / "deadletter.db", max_rows=10, max_age=DAY)
    for number in range(25):
        store.add([_letter(START, str(number))])
    assert store.count() == 10
    assert [row["detail"] for row in store.list_newest(3)] == ["24", "23", "22"]
    assert [row["detail"] for row in store.list_newest(3, before=store.list_newest(3)[-1]["id"])] == [
        "21",
        "20",
        "19",
    ]
    store.add([_letter(START + 2 * DAY, "late")])
    assert [row["detail"] for row in store.list_newest()] == ["late"]
    store.add([DeadLetter(START + 2 * DAY, "mqtt", "t", "bad-encoding", "", b"\xff" * 10_000)])
    assert store.list_newest()[0]["size"] == 10_000
    assert len(store.list_newest()[0]["payload"]) <= 4096
    store.close()


class Gate:
    """Puts an actor with these roles into each request."""

    def __init__(self, app: Any, roles: set[str]) -> None:
        self.app = app
        self.actor = Actor(principal("user:x", "x", *roles))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[ACTOR] = self.actor
        await self.app(scope, receive, send)


def test_routes_show_states_to_all_and_dead_letters_to_staff(tmp_path: Path) -> None:
    broker = Broker.open(tmp_path)
    letters = DeadLetterStore(tmp_path / "deadletter.db")
    letters.add([_letter(START, "secret detail")])
    manager = FeedManager(broker, [Flaky(0)], tmp_path)
    manager.get_status("flaky").error = "the password was wrong"
    kept = IdentityStore(tmp_path / "identity.db")
    audit = AuditTrail(kept, lambda: START)

    async def problem(_: Any, error: Exception) -> Any:
        assert isinstance(error, AndamanError)
        return problem_response(error)

    app = Starlette(
        routes=build_routes(routes(manager, letters, audit)), exception_handlers={AndamanError: problem}
    )

    def call(role: str, path: str, method: str = "GET", body: Any = None) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(Gate(app, {role}))
            async with httpx.AsyncClient(transport=transport, base_url="http://andaman") as client:
                return await client.request(method, path, json=body)

        return asyncio.run(run())

    row = call(Role.PUBLIC, "/api/ingest/feeds").json()[0]
    assert (row["id"], row["state"], row["lastAt"], row["error"]) == ("flaky", "stopped", None, "failed")
    assert call("operator", "/api/ingest/feeds").json()[0]["error"] == "the password was wrong"
    assert call(Role.PUBLIC, "/api/ingest/dead-letters").status_code == 401
    body = call("operator", "/api/ingest/dead-letters?limit=5").json()
    assert (body["total"], body["rows"][0]["detail"]) == (1, "secret detail")
    for bad in ("0", "x", "1e3", "99999999999999999999999"):
        assert call("operator", f"/api/ingest/dead-letters?limit={bad}").status_code == 400
    assert call(Role.PUBLIC, "/api/ingest/feeds/flaky/start", "POST").status_code == 401
    for role in ("operator", "dispatcher", "analyst"):
        assert call(role, "/api/ingest/feeds/flaky/stop", "POST", {"reason": "x"}).status_code == 403
    administrator = partial(call, Role.ADMINISTRATOR, method="POST")
    assert administrator("/api/ingest/feeds/other/start").status_code == 404
    assert administrator("/api/ingest/feeds/flaky/dance").status_code == 404
    for reason, code in (("", "field-missing"), ("  ", "field-missing"), ("x" * 501, "field-too-long")):
        refused = administrator("/api/ingest/feeds/flaky/stop", body={"reason": reason})
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert manager.get_status("flaky").order is None
    stopped = administrator("/api/ingest/feeds/flaky/stop", body={"reason": "The gauge is being replaced"})
    assert stopped.json()["order"] | {"at": ""} == {
        "action": "stop", "at": "", "by": "x", "reason": "The gauge is being replaced"
    }  # fmt: skip
    assert call(Role.PUBLIC, "/api/ingest/feeds").json()[0]["order"] is None
    assert call("operator", "/api/ingest/feeds").json()[0]["order"]["by"] == "x"
    assert call("operator", "/api/ingest/feeds/flaky/orders").json()[0]["action"] == "stop"
    (entry,) = kept.list_audit(action="feed.")
    assert (entry.actor, entry.target, entry.detail) == (
        "user:x",
        "feed:flaky",
        "The gauge is being replaced",
    )
    letters.close()
    kept.close()
    manager.offsets.close()
