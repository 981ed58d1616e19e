"""Laws of one socket: clear refusals, bounded memory, an end for those who do not read or may not stay."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.websockets import WebSocket

from andaman.broker.entity.build import entity, geo
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.doors.live.connection import Connection, Pace
from andaman.doors.live.hub import Hub
from andaman.doors.live.routes import LiveDoor
from andaman.doors.live.view import bounds_of, intersects, parse_bbox
from andaman.doors.live.window import Pending, Window
from andaman.identity.entrance import build_routes
from andaman.identity.model import Actor, Principal, Role, system_actor
from andaman.identity.web import ACTOR
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.http import problem_response
from andaman.kernel.time import format_time
from tests.doors.live.conftest import ADMIN, OPERATOR, PUBLIC, Client, actor, thing

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker.open(tmp_path)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def hub(broker: Broker) -> AsyncIterator[Hub]:
    made = Hub(broker, window_s=0.01)
    await made.start()
    yield made
    await made.stop()


def _bus(n: int, speed: float, lon: float = 98.3) -> WriteOp:
    entity_id = f"urn:ngsi-ld:Vehicle:{n}"
    return WriteOp(OpKind.UPSERT_REPLACE, entity_id, thing(entity_id, "Vehicle", lon, speed, []))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        '{"op":"dance"}',
        '{"op":"watch"}',
        '{"op":"watch","id":""}',
        '{"op":"watch","id":"w","types":"Vehicle"}',
        '{"op":"watch","id":"w","types":[1]}',
        '{"op":"watch","id":"w","bbox":[1,2,3]}',
        '{"op":"watch","id":"w","bbox":[1,2,"x",4]}',
        '{"op":"watch","id":"w","bbox":[0,9,1,8]}',
        '{"op":"watch","id":"w","at":"yesterday"}',
        '{"op":"watch","id":"w","at":5}',
        '{"op":"watch","id":"w","tenant":7}',
    ],
)
async def test_what_cannot_be_read_is_answered_and_the_socket_stays(hub: Hub, text: str) -> None:
    client = Client(hub, actor(ADMIN))
    client.say_raw(text)
    client.say(op="ping")
    await client.until(lambda: len(client.others) == 2)
    assert client.others[0]["op"] == "error"
    assert client.others[0]["problem"]["status"] == 400
    assert client.others[1]["op"] == "pong"
    await client.leave()


async def test_the_public_sees_no_tenant_but_the_city(hub: Hub) -> None:
    who = Actor(Principal("public", "Public", frozenset({Role.PUBLIC})), PUBLIC)
    client = Client(hub, who)
    client.say(op="watch", id="w", types=["Vehicle"], tenant="exercise-1")
    await client.until(lambda: bool(client.others))
    assert client.others[0]["problem"]["status"] == 401
    await client.leave()


async def test_strangers_leave_room_for_those_who_signed_in(hub: Hub) -> None:
    door = LiveDoor(hub, connections_max=4)
    other: Any = object()
    for others, who, enters in (
        (2, actor(PUBLIC, Role.PUBLIC), True),
        (3, actor(PUBLIC, Role.PUBLIC), False),
        (3, actor(OPERATOR), True),
        (4, actor(OPERATOR), False),
    ):
        door.connections = {(other, number) for number in range(others)}  # type: ignore[misc]
        said: list[dict[str, Any]] = []
        heard = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

        async def receive(heard: Any = heard) -> Any:
            return next(heard)

        async def send(message: Any, said: list[Any] = said) -> None:
            said.append(message)

        await door.live(WebSocket({"type": "websocket", ACTOR: who, "headers": []}, receive, send))
        assert [m["type"] for m in said] == ["websocket.accept", *([] if enters else ["websocket.close"])]
    door.connections = set()


async def test_a_screen_that_goes_away_while_it_is_told_is_no_error(hub: Hub) -> None:
    door = LiveDoor(hub, pace=Pace(beat_s=0.02, recheck_s=0.02))
    heard = iter([{"type": "websocket.connect"}])

    async def receive() -> Any:
        said = next(heard, None)
        return said if said is not None else await asyncio.Event().wait()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise OSError("the line is cut")

    await asyncio.wait_for(
        door.live(WebSocket({"type": "websocket", ACTOR: actor(OPERATOR), "headers": []}, receive, send)), 5
    )
    assert door.connections == set()


async def test_tenants_are_apart(hub: Hub, broker: Broker) -> None:
    client = Client(hub, actor(ADMIN))
    client.say(op="watch", id="city", types=["Vehicle"])
    client.say(op="watch", id="drill", types=["Vehicle"], tenant="exercise-1")
    await client.until(lambda: all(v.complete for v in client.views.values()))
    await broker.write([_bus(1, 10)], ROOT)
    await broker.write([_bus(2, 20)], ROOT, "exercise-1")
    await client.caught_up(broker.seq)
    assert list(client.views["city"].entities) == ["urn:ngsi-ld:Vehicle:1"]
    assert list(client.views["drill"].entities) == ["urn:ngsi-ld:Vehicle:2"]
    await client.leave()


async def test_at_gives_one_state_and_no_deltas(hub: Hub, broker: Broker) -> None:
    await broker.write([_bus(1, 10)], ROOT)
    then = hub.clock()
    await asyncio.sleep(0.005)
    await broker.write([_bus(1, 20), _bus(2, 20)], ROOT)
    client = Client(hub, actor(ADMIN))
    client.say(op="watch", id="w", types=["Vehicle"], at=format_time(then))
    await client.until(lambda: client.views["w"].complete)
    await broker.write([_bus(1, 30)], ROOT)
    await asyncio.sleep(0.05)
    assert {k: v["a"]["speed"] for k, v in client.views["w"].entities.items()} == {
        "urn:ngsi-ld:Vehicle:1": 10
    }
    await client.leave()


async def test_a_session_that_ends_or_changes_closes_the_socket(hub: Hub) -> None:
    for after, code in ((None, 4401), (actor(PUBLIC), 4409)):
        now: list[Actor | None] = [actor(OPERATOR)]
        client = Client(hub, actor(OPERATOR), lambda now=now: now[0])  # type: ignore[misc]
        client.say(op="watch", id="w", types=["Vehicle"])
        await client.until(lambda client=client: client.views["w"].complete)  # type: ignore[misc]
        now[0] = after
        await asyncio.wait_for(client.task, 2)
        assert client.closed is not None
        assert client.closed["code"] == code
    assert hub.watch_count == 0


async def test_a_client_that_stops_reading_is_let_go_and_slows_nobody(hub: Hub, broker: Broker) -> None:
    stuck = Client(hub, actor(ADMIN), pace=Pace(beat_s=1, recheck_s=1, stuck_s=0.2))
    quick = Client(hub, actor(ADMIN))
    for client in (stuck, quick):
        client.say(op="watch", id="w", types=["Vehicle"])
        await client.until(lambda client=client: client.views["w"].complete)  # type: ignore[misc]
    never = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        await never.wait()

    stuck.connection._send = send
    await broker.write([_bus(1, 1)], ROOT)
    await quick.caught_up(broker.seq)
    await asyncio.wait_for(stuck.task, 5)
    assert hub.watch_count == 1
    await quick.leave()


async def test_what_waits_is_bounded_by_entities_not_by_events(hub: Hub, broker: Broker) -> None:
    client = Client(hub, actor(ADMIN))
    client.say(op="watch", id="w", types=["Vehicle"])
    await client.until(lambda: client.views["w"].complete)
    client.delay = lambda: 0.3
    before = client.frames
    for speed in range(60):
        await broker.write([_bus(n, speed) for n in range(5)], ROOT)
        await asyncio.sleep(0.005)
        assert all(len(w.pending) <= 5 for w in client.connection._watches.values())
    await client.caught_up(broker.seq)
    assert client.frames - before < 20
    assert {v["a"]["speed"] for v in client.views["w"].entities.values()} == {59}
    await client.leave()


async def test_watches_are_limited(hub: Hub) -> None:
    client = Client(hub, actor(ADMIN))
    for n in range(40):
        client.say(op="watch", id=f"w{n}", types=["Vehicle"])
    await client.until(lambda: len(client.others) == 8)
    assert {o["problem"]["status"] for o in client.others} == {429}
    await client.leave()
    assert hub.watch_count == 0


async def test_a_failure_in_the_hub_sends_screens_for_a_fresh_state(hub: Hub, broker: Broker) -> None:
    client = Client(hub, actor(ADMIN))
    client.say(op="watch", id="w", types=["Vehicle"])
    await client.until(lambda: client.views["w"].complete)
    flush, hub.flush = hub.flush, lambda: 1 // 0  # type: ignore[assignment,method-assign,return-value]
    await broker.write([_bus(1, 1)], ROOT)
    await asyncio.wait_for(client.task, 5)
    assert client.closed is not None
    assert client.closed["code"] == 1012
    hub.flush = flush  # type: ignore[method-assign]
    again = Client(hub, actor(ADMIN))
    again.say(op="watch", id="w", types=["Vehicle"])
    await broker.write([_bus(2, 2)], ROOT)
    await again.caught_up(broker.seq)
    assert len(again.views["w"].entities) == 2
    await again.leave()


async def test_state_over_http(hub: Hub, broker: Broker) -> None:
    await broker.write([_bus(n, n, 98 + n / 1000) for n in range(700)], ROOT)
    door = LiveDoor(hub)
    app = Starlette(
        routes=build_routes(door.routes()),
        exception_handlers={AndamanError: lambda r, e: problem_response(e)},
    )  # type: ignore[arg-type]

    async def gated(scope: Any, receive: Any, send: Any) -> None:
        scope["andaman.actor"] = actor(ADMIN)
        await app(scope, receive, send)

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=gated), base_url="http://x")
    everything = (await client.get("/api/state?types=Vehicle")).json()
    assert len(everything["entities"]) == 700
    assert everything.keys() == {"time", "entities"}
    some = (await client.get("/api/state?types=Vehicle,Alert&bbox=98,7,98.1,9")).json()
    assert len(some["entities"]) == 101
    assert (await client.get("/api/state?types=Alert")).json()["entities"] == []
    past = await client.get("/api/state?types=Vehicle&at=2001-01-01T00:00:00Z")
    assert past.json()["entities"] == []
    for wrong in ("bbox=1,2", "at=now", "bbox=a,b,c,d"):
        assert (await client.get(f"/api/state?{wrong}")).status_code == 400


boxes = st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))


@given(boxes, boxes)
def test_boxes_touch_both_ways(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    one = (min(a[0], a[2]), min(a[1], a[3]), max(a[0], a[2]), max(a[1], a[3]))
    two = (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
    assert intersects(one, two) == intersects(two, one)
    assert intersects(one, one)


def test_the_box_of_every_geometry() -> None:
    ring = [[98.0, 7.0], [99.0, 7.0], [99.0, 8.0], [98.0, 7.0]]
    for geometry in (
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "MultiPolygon", "coordinates": [[ring]]},
        {"type": "LineString", "coordinates": ring},
        {"type": "GeometryCollection", "geometries": [{"type": "MultiPoint", "coordinates": ring}]},
    ):
        assert bounds_of(entity("urn:x:1", "Vehicle", location=geo(geometry))) == (98.0, 7.0, 99.0, 8.0)
    assert bounds_of(entity("urn:x:1", "Vehicle")) is None


@pytest.mark.parametrize("bad", ["1,2,3", [1, 2, 3, True], [0, 5, 1, 4], ["nan", 0, 0, 0], {"w": 1}, 7])
def test_wrong_boxes_are_refused(bad: Any) -> None:
    with pytest.raises(BadRequestData):
        parse_bbox(bad)


changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), max_size=3),
        st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
        st.booleans(),
    ),
    max_size=8,
)


@given(changes)
def test_coalescing_equals_telling_one_by_one(steps: list[tuple[dict[str, int], list[str], bool]]) -> None:
    expected: dict[str, int] = {}
    client: dict[str, int] = {}
    pending = Pending()

    def tell() -> None:
        message = orjson.loads(pending.take('"w"', 1))
        client.update({one["id"]: one["v"] for one in message["set"]})
        for gone in message["gone"]:
            client.pop(gone, None)

    for changed, gone, is_read in steps:
        gone = [one for one in gone if one not in changed]
        texts = {key: orjson.dumps({"id": key, "v": value}).decode() for key, value in changed.items()}
        pending.add(Window("t", texts, gone, gone))
        expected.update(changed)
        for one in gone:
            expected.pop(one, None)
        if is_read and pending:
            tell()
    if pending:
        tell()
    assert client == expected


async def test_who_goes_away_in_the_middle_leaves_nothing(hub: Hub) -> None:
    """A connection, its states under way and what they were about to send are free at once, without a search for cycles."""
    await hub.broker.write([_bus(number, 1.0) for number in range(50)], ROOT)
    asked, ended, sending = 4, asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked -= 1
        if asked >= 0:
            return {"type": "websocket.receive", "text": f'{{"op":"watch","id":"w{asked}"}}'}
        await ended.wait()
        return {"type": "websocket.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sending.set()
        await asyncio.sleep(60)  # it does not read

    gc.collect()
    gc.disable()
    try:
        connection = Connection(hub, actor(PUBLIC), lambda: None, receive, send, Pace())
        left = weakref.ref(connection)
        serving = asyncio.create_task(connection.serve())
        await sending.wait()
        ended.set()
        await serving
        del connection, serving
        await asyncio.sleep(0)
        assert left() is None
    finally:
        gc.enable()
