"""How many connections there may be, who makes room for whom, and how much may wait unread."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andaman.server import patience_of
from andaman.settings import load_settings
from andaman.wire.clients import NEVER, Clients, Patience

from .conftest import connect, run, serving

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def test_idle_connections_make_room_for_one_that_asks() -> None:
    """Ten times the connections of an address, and of all: whoever asks is answered, from the same address too."""

    async def work() -> None:
        async with serving(Patience(total=40, per_address=20)) as (server, port):
            honest = await connect(port)
            await honest.send(GET)
            await honest.hear(answers=1)
            idle = [await connect(port, f"127.0.0.{1 + n % 5}") for n in range(200)]
            await asyncio.sleep(0.3)
            assert len(server.clients) <= 41
            for host in ("127.0.0.1", "127.0.0.9"):
                raw = await connect(port, host)
                await raw.send(GET)
                await raw.hear(answers=1)
                assert raw.statuses() == [200]
                await raw.close()
            await honest.send(GET)  # it asked something once: silent ones went first
            await honest.hear(answers=2)
            assert honest.statuses() == [200, 200]
            for raw in (honest, *idle):
                await raw.close()

    run(work)


def test_where_nobody_can_make_room_the_new_one_is_told_when_to_come_again() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def work() -> None:
        async with serving(Patience(total=4, per_address=0), slow) as (_server, port):
            busy = [await connect(port) for _ in range(4)]
            for raw in busy:
                await raw.send(GET)
            await asyncio.sleep(0.2)
            raw = await connect(port)
            await raw.hear()
            assert raw.statuses() == [503]
            assert b"retry-after: " in raw.said
            assert raw.ended
            for raw in busy:
                await raw.hear(answers=1)
                assert raw.statuses() == [204]
                await raw.close()

    run(work)


def test_what_waits_unread_is_bounded_over_all() -> None:
    """Forty clients ask for 4 MB each, three times, and read nothing: memory holds the bound and a little, and a client that
    reads gets its answer."""

    async def work() -> None:
        async with serving(Patience(unread_bytes=16 << 20)) as (server, port):
            most = 0
            stuck = []
            for n in range(40):
                raw = await connect(port, f"127.0.0.{2 + n % 3}")
                await raw.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
                stuck.append(raw)
                await asyncio.sleep(0.01)
                held = [c.transport.get_write_buffer_size() for c in server.server_state.connections]
                most = max(most, sum(held))
            assert most <= 21 << 20
            reader = await connect(port)
            await reader.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.hear(answers=2, seconds=2)
            assert len(reader.said) > 4 << 20
            for raw in (reader, *stuck):
                await raw.close()

    run(work)


def test_who_does_not_read_is_let_go() -> None:
    """An answer that nobody takes ends its connection, whether it was to be kept or closed."""

    async def work() -> None:
        async with serving(Patience(unread_s=0.5, rate=4 << 20)) as (server, port):
            kept, closing = await connect(port), await connect(port)
            await kept.send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n" * 8)
            await closing.send(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await asyncio.sleep(3.5)
            assert len(server.clients) == 0
            assert server.clients.unread == 0
            for raw in (kept, closing):
                await raw.hear()
                assert raw.ended
                await raw.close()

    run(work)


class Other:
    def __init__(self, peer: str, rank: int, since: float) -> None:
        self.peer, self._rank, self.since, self.unread = peer, rank, since, 0
        self.ended = False

    def rank(self) -> int:
        return self._rank

    def look(self, now: float) -> None:
        pass

    def cut(self, reason: str) -> None:
        self.ended = True


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1, 2, NEVER]), st.floats(0, 100)), max_size=60
    ),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_who_makes_room(rows: list[tuple[str, int, float]], total: int, per_address: int) -> None:
    """Whatever comes and goes: the bounds hold, who works stays, and nobody goes while a lower rank of its address is there."""
    clients = Clients(Patience(total=total, per_address=per_address))
    alive: list[Other] = []
    for peer, rank, since in rows:
        new = Other(peer, rank, since)
        before = list(alive)
        entered = clients.enter(new)
        for one in before:
            if one.ended:
                assert one._rank != NEVER
                clients.leave(one)
                alive.remove(one)
        gone = [one for one in before if one.ended]
        for one in gone:
            assert not any(
                other.peer == one.peer and other._rank < one._rank for other in alive if other in before
            )
        if entered:
            alive.append(new)
        else:
            clients.leave(new)
            of_peer = [one for one in before if one.peer == peer]
            assert all(one._rank == NEVER for one in of_peer) or len(before) >= total
        assert len(clients) == len(alive) <= total
        assert sum(one.peer == peer for one in alive) <= per_address


def test_limits_follow_the_files_that_may_be_open() -> None:
    plain = load_settings({}, environ={})
    assert patience_of(plain, 65_536).total == 8192
    assert patience_of(plain, 1024).total == 768
    assert patience_of(plain, 1024).per_address == 384
    assert patience_of(plain, 400).total == 272
    assert patience_of(plain, 256).total == 128
    behind = load_settings({"trusted_proxies": 1}, environ={})
    assert patience_of(behind, 65_536).per_address == 0
