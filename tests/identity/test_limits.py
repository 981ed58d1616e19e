"""One stranger's address gets so much and no more; who signed in, and everybody else, is not touched by it."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.identity.limits import _ADDRESSES_MAX, Limits
from andaman.identity.records import Outcome
from andaman.kernel.errors import BadRequestData

from ..support import client, platform, run


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@given(st.integers(1, 100), st.lists(st.floats(0, 30), min_size=1, max_size=100))
def test_no_window_holds_more_than_a_full_budget_and_what_flows_in(per_minute, pauses):
    """For any times of asking: taken in [a, b] ≤ capacity + rate × (b - a); and whoever waits as told gets through."""
    clock = Clock()
    limits = Limits(per_minute, clock=clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        wait = limits.take("192.0.2.1")
        if wait:
            assert limits.take("192.0.2.1") > 0
            assert limits.take(f"another{len(taken)}") == 0
            clock.now += wait + 1e-6
            assert limits.take("192.0.2.1") == 0
        taken.append(clock.now)
    for n, start in enumerate(taken):
        for m in range(n, len(taken)):
            assert m - n + 1 <= per_minute * (1 + (taken[m] - start) / 60) + 1e-6


def test_the_memory_is_bounded_whatever_addresses_come():
    limits = Limits(1)
    for n in range(_ADDRESSES_MAX + 500):
        limits.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(limits._budgets) == _ADDRESSES_MAX
    for n in range(300):
        assert limits.enter(f"a{n}")
        limits.leave(f"a{n}")
    assert not limits._open


def test_a_stranger_who_asks_too_much_is_told_when_to_come_again_and_nobody_else_is(tmp_path):
    async def work():
        async with (
            platform(tmp_path, public_queries_per_minute=5) as app,
            client(app) as stranger,
            client(app, "operator") as staff,
        ):
            for _ in range(5):
                assert (await stranger.get("/ngsi-ld/v1/entities?type=Device")).status_code == 200
            answer = await stranger.get("/ngsi-ld/v1/entities?type=Device")
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 12
            assert answer.json()["retryAfter"] == int(answer.headers["retry-after"])
            assert (await stranger.get("/ngsi-ld/v1/entities/urn:x:1")).status_code == 404
            assert (await stranger.get("/api/health")).status_code == 200
            for _ in range(10):
                assert (await staff.get("/ngsi-ld/v1/entities?type=Device")).status_code == 200
            far = httpx.ASGITransport(app.asgi, client=("192.0.2.9", 1))
            async with httpx.AsyncClient(transport=far, base_url="http://127.0.0.1:8026") as other:
                assert (await other.get("/ngsi-ld/v1/entities?type=Device")).status_code == 200

    run(work)


async def socket(app, address, leave):
    """The first message of a socket, accepted or closed with its code, and its task."""
    first = asyncio.get_running_loop().create_future()
    told = [{"type": "websocket.connect"}]

    async def receive():
        if told:
            return told.pop()
        await leave.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message):
        if not first.done():
            first.set_result(message)

    scope = {
        "type": "websocket",
        "path": "/live",
        "raw_path": b"/live",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8026")],
        "client": (address, 1),
        "subprotocols": [],
        "scheme": "ws",
        "server": ("127.0.0.1", 8026),
        "root_path": "",
    }
    task = asyncio.create_task(app.asgi(scope, receive, send))
    return (await first), task


def test_sockets_of_one_address_are_bounded_and_room_comes_back(tmp_path):
    async def work():
        async with platform(tmp_path, public_sockets_per_address=2) as app:
            leave = asyncio.Event()
            opened = [await socket(app, "192.0.2.1", leave) for _ in range(2)]
            assert [message["type"] for message, _ in opened] == ["websocket.accept"] * 2
            message, task = await socket(app, "192.0.2.1", leave)
            assert message["type"] == "websocket.close"
            assert message["code"] == 1013
            await task
            message, other = await socket(app, "192.0.2.2", leave)
            assert message["type"] == "websocket.accept"
            leave.set()
            await asyncio.gather(other, *(task for _, task in opened))
            message, task = await socket(app, "192.0.2.1", leave)
            assert message["type"] == "websocket.accept"
            await task

    run(work)


def test_knocking_on_while_told_to_wait_writes_one_audit_row_a_minute(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            body = {"username": "nobody", "password": "x" * 12}
            codes = [(await http.post("/auth/login", json=body)).status_code for _ in range(40)]
            assert codes.count(429) > 20
            rows = [
                row
                for row in app.identity.store.list_audit(limit=1000)
                if row.outcome is Outcome.REFUSED and "must wait" in row.detail
            ]
            assert len(rows) == 1

    run(work)


def test_an_answer_costs_more_the_larger_it_is():
    clock = Clock()
    limits = Limits(60, clock=clock)
    assert limits.take("192.0.2.1") == 0
    limits.spend("192.0.2.1", 60_000)
    assert limits.take("192.0.2.1") == 0
    limits.spend("192.0.2.1", 100 * 65_536)
    wait = limits.take("192.0.2.1")
    assert 42 <= wait <= 44
    assert limits.take("192.0.2.2") == 0
    limits.spend("192.0.2.1", 10**12)
    assert limits.take("192.0.2.1") <= 61


def test_questions_of_one_address_go_by_turns_and_one_begins_in_each_round(tmp_path):
    """Forty heavy questions at once: four are answered at a time, sixteen wait, the rest are told to come again; whoever is signed
    in, and a stranger elsewhere, wait for none of them."""

    async def work():
        async with (
            platform(tmp_path, public_queries_per_minute=1000) as app,
            client(app, "operator") as staff,
        ):
            begun, most, gate = 0, 0, asyncio.Event()
            here = httpx.ASGITransport(app.asgi, client=("192.0.2.1", 1))
            far = httpx.ASGITransport(app.asgi, client=("192.0.2.9", 1))
            async with (
                httpx.AsyncClient(transport=here, base_url="http://127.0.0.1:8026", timeout=30) as stranger,
                httpx.AsyncClient(transport=far, base_url="http://127.0.0.1:8026", timeout=30) as other,
            ):

                async def waits(*arguments, **named):
                    nonlocal begun, most
                    begun += 1
                    most = max(most, begun)
                    await gate.wait()
                    begun -= 1
                    raise BadRequestData("x")

                app.broker.query_at, kept = waits, app.broker.query_at
                path = "/api/state?at=2026-01-01T00:00:00Z"
                asked = [asyncio.create_task(stranger.get(path)) for _ in range(40)]
                await asyncio.sleep(0.3)
                assert (await staff.get("/ngsi-ld/v1/entities?type=Device")).status_code == 200
                assert (await other.get("/ngsi-ld/v1/entities?type=Device")).status_code == 200
                gate.set()
                codes = [(await one).status_code for one in asked]
                app.broker.query_at = kept
                assert most <= 4
                assert codes.count(429) == 20
                assert codes.count(400) == 20

    run(work)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ngsi-ld/v1/entityOperations/query"),
        ("POST", "/ngsi-ld/v1/temporal/entityOperations/query"),
        ("POST", "/ngsi-ld/ex/remote-notify"),
        ("POST", "/auth/login"),
    ],
)
def test_strangers_send_small_bodies(tmp_path, method, path):
    """400,000 unknown members are refused unread; so is what is said to be short and is not."""

    async def work():
        async with platform(tmp_path) as app, client(app) as stranger:
            body = b'{"type":"Query",' + b",".join(b'"x%d":1' % n for n in range(400_000)) + b"}"
            answer = await stranger.request(
                method, path, content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in (404, 413)

    run(work)
