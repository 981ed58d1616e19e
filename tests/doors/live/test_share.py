"""Laws of sharing: turns go round, one state of a socket is under way, what waits has a bound over all, nobody shuts out the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.doors.live.connection import Pace
from andaman.doors.live.hub import Hub
from andaman.doors.live.share import OF_STRANGER, STRANGERS_WATCHES, Share
from andaman.identity.model import Actor, Principal, Role, system_actor
from andaman.kernel.errors import TooManyRequests
from andaman.kernel.turns import Turns
from tests.doors.live.conftest import ADMIN, OPERATOR, PUBLIC, Client, actor, thing

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")


def stranger(address: str) -> Actor:
    return Actor(Principal("public", "Public", frozenset({Role.PUBLIC})), PUBLIC, address)


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


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.booleans()), max_size=40),
    st.integers(1, 3),
)
def test_turns_go_round_and_none_is_lost(rows: list[tuple[str, int, bool]], places: int) -> None:
    """Whoever comes, works for some rounds, or is cancelled while waiting: never more than ``places`` work, and in the end all
    places are free."""

    async def work() -> None:
        turns, working = Turns(places), [0]

        async def one(whose: str, rounds: int) -> None:
            async with turns.turn(whose):
                working[0] += 1
                assert working[0] <= places
                try:
                    for _ in range(rounds):
                        await asyncio.sleep(0)
                finally:
                    working[0] -= 1

        tasks = []
        for whose, rounds, ends in rows:
            tasks.append(asyncio.create_task(one(whose, rounds)))
            await asyncio.sleep(0)
            if ends:
                tasks[-1].cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            assert not isinstance(found, AssertionError)
        async with asyncio.timeout(1):
            for _ in range(places):
                await turns.turn("z").__aenter__()

    asyncio.run(work())


async def test_who_has_many_waiting_gets_one_turn_a_round() -> None:
    turns, order = Turns(), []

    async def one(whose: str) -> None:
        async with turns.turn(whose):
            order.append(whose)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(whose) for whose in "aaaaaaaaaabbc"))
    assert order[:6] == ["a", "a", "b", "c", "a", "b"]


async def test_a_socket_has_one_state_under_way_and_who_does_not_read_is_let_go(
    hub: Hub, broker: Broker
) -> None:
    """Thirty strangers ask for 32 states each and read nothing: a part each waits, not 32; then they are closed with 1013, while a
    socket beside them has its state at once."""
    await broker.write(
        [
            WriteOp(OpKind.UPSERT_REPLACE, f"urn:x:{n}", thing(f"urn:x:{n}", "Vehicle", 98.3, 1, []))
            for n in range(500)
        ],
        ROOT,
    )
    share, never = Share(), asyncio.Event()
    stuck = []
    for n in range(30):
        client = Client(
            hub,
            stranger(f"192.0.2.{n % 7}"),
            pace=Pace(beat_s=1, recheck_s=1, stuck_s=2),
            share=share,
        )

        async def send(message: dict[str, Any], client: Client = client) -> None:
            if message["type"] == "websocket.close":
                client.closed = message
            else:
                await never.wait()

        client.connection._send = send
        for w in range(32):
            client.say(op="watch", id=f"w{w}")
        stuck.append(client)
    async with asyncio.timeout(10):
        while not all(client.connection._sending for client in stuck):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert share.waiting <= 30 * 500 * 400
    assert hub.watch_count == 30
    quick = Client(hub, actor(OPERATOR), share=share)
    quick.say(op="watch", id="w")
    await quick.until(lambda: quick.views["w"].complete, 5)
    for client in stuck:
        await asyncio.wait_for(client.task, 5)
        assert client.closed is not None
        assert client.closed["code"] == 1013
    await quick.leave()
    assert share.waiting == 0
    assert not share._watches
    assert hub.watch_count == 0


async def test_more_than_its_share_ends_the_socket_and_more_than_all_the_largest_stranger() -> None:
    class One:
        def __init__(self, is_stranger: bool) -> None:
            self.is_stranger, self.why = is_stranger, ""

        def let_go(self, why: str) -> None:
            self.why = why

    share = Share(waiting_max=20 << 20)
    big, person, small = One(True), One(False), One(True)
    share.hold(person, 15 << 20)
    share.hold(small, 1 << 20)
    share.hold(big, OF_STRANGER + 1)
    assert big.why
    assert share.waiting == 16 << 20
    other = One(True)
    share.hold(other, 5 << 20)
    assert other.why
    assert not person.why
    assert not small.why
    share.hold(small, 0)
    share.hold(person, 0)
    assert share.waiting == 0


async def test_strangers_of_one_address_have_so_many_watches(hub: Hub) -> None:
    share = Share()
    clients = [Client(hub, stranger("192.0.2.1"), share=share) for _ in range(9)]
    for client in clients:
        for n in range(32):
            client.say(op="watch", id=f"w{n}", types=["Vehicle"])
    await asyncio.sleep(0.5)
    refused = [o for client in clients for o in client.others]
    assert len(refused) == 9 * 32 - STRANGERS_WATCHES
    assert {o["problem"]["status"] for o in refused} == {429}
    other = Client(hub, stranger("192.0.2.2"), share=share)
    other.say(op="watch", id="w")
    await other.until(lambda: other.views["w"].complete)
    for client in (*clients, other):
        await client.leave()
    assert not share._watches


async def test_each_watch_of_a_stranger_is_a_question(hub: Hub) -> None:
    left = [3]

    def ask() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise TooManyRequests("Too many questions", retryAfter=9)

    client = Client(hub, stranger("192.0.2.1"), ask=ask)
    for _ in range(5):
        client.say(op="watch", id="w", types=["Vehicle"])
    await client.until(lambda: len(client.others) == 2)
    assert all(o["problem"]["retryAfter"] == 9 for o in client.others)
    await client.leave()


@pytest.mark.parametrize(
    "said",
    [
        '{"op":"' + "a" * 60_000 + '"}',
        '{"op":"watch","id":"' + "a" * 60_000 + '"}',
        '{"op":"watch","id":["' + "a" * 60_000 + '"]}',
        '{"op":"watch","id":"w","at":"' + "a" * 60_000 + '"}',
        '{"op":"watch","id":"w","tenant":"' + "a" * 60_000 + '"}',
        '{"op":"watch","id":"w","types":["' + "a" * 60_000 + '",1]}',
        "[" * 60_000,
    ],
)
async def test_what_is_said_back_is_small_whatever_was_sent(hub: Hub, said: str) -> None:
    client = Client(hub, actor(ADMIN))
    sizes: list[int] = []
    send = client.connection._send

    async def noting(message: dict[str, Any]) -> None:
        sizes.append(len(message.get("text", "")))
        await send(message)

    client.connection._send = noting
    client.say_raw(said)
    await client.until(lambda: len(client.others) == 1)
    assert client.others[0]["op"] == "error"
    assert max(sizes) < 2_000
    await client.leave()
