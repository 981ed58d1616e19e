"""Laws of the way out: whatever the other side does, a request ends in time, within its bytes, at a checked address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from andaman.broker import outgoing
from andaman.broker.outgoing import OutgoingClient, Unreachable, target_of

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(safely, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def test_an_answer_without_end_costs_no_more_than_its_limit() -> None:
    """A source that sends for ever (a gigabyte, chunk by chunk) is cut off at the limit."""
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await _head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(16_384):
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            sent += 65_536
            await writer.drain()

    async def body() -> None:
        async with server(flood) as url:
            client = OutgoingClient(allow_private=True)
            with pytest.raises(Unreachable) as caught:
                await client.request("GET", url, max_bytes=1 << 20, timeout_s=20)
            assert caught.value.invalid
        assert sent < 64 << 20

    asyncio.run(body())


def test_a_promised_length_beyond_the_limit_is_refused_before_it_comes() -> None:
    async def boast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        await reader.read()

    async def body() -> None:
        async with server(boast) as url:
            with pytest.raises(Unreachable, match="larger"):
                await OutgoingClient(allow_private=True).request("GET", url, timeout_s=20)

    asyncio.run(body())


@pytest.mark.parametrize(
    "answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b""]
)
def test_what_is_no_answer_is_told_as_one_error(answer: bytes) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(answer)
        await writer.drain()

    async def body() -> None:
        async with server(odd) as url:
            with pytest.raises(Unreachable):
                await OutgoingClient(allow_private=True).request("POST", url, body=b"{}", timeout_s=20)

    asyncio.run(body())


def test_a_source_that_hangs_ends_at_its_time_and_keeps_no_other_waiting() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _head(reader)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def body() -> None:
        async with server(hang) as dead, server(quick) as alive:
            client = OutgoingClient(allow_private=True, per_host=4)
            stuck = [asyncio.create_task(client.request("GET", dead, timeout_s=3)) for _ in range(50)]
            await asyncio.sleep(0)
            replies = await asyncio.gather(*(client.request("GET", alive, timeout_s=3) for _ in range(200)))
            assert {reply.status for reply in replies} == {204}
            assert not any(task.done() for task in stuck)  # all of that went on beside the dead one
            ended = await asyncio.gather(*stuck, return_exceptions=True)
            assert all(isinstance(one, Unreachable) and one.timed_out for one in ended)
            client.close()

    asyncio.run(body())


def test_connections_are_used_again_and_a_closed_one_is_replaced() -> None:
    connections = 0

    async def two_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            await _head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    async def body() -> None:
        async with server(two_each) as url:
            client = OutgoingClient(allow_private=True)
            for _ in range(6):
                assert (await client.request("GET", url)).body == b"ok"
            assert connections == 3
            client.close()

    asyncio.run(body())


def test_redirects_are_not_followed_and_inside_addresses_are_refused() -> None:
    asked = []

    async def moved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await _head(reader))
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n")

    async def body() -> None:
        async with server(moved) as url:
            reply = await OutgoingClient(allow_private=True).request("GET", url)
            assert reply.status == 302
            assert len(asked) == 1
            with pytest.raises(Unreachable, match="private"):
                await OutgoingClient().request("GET", url)
            assert len(asked) == 1
        for address in ("http://169.254.169.254/", "http://[fe80::1]/", "http://224.0.0.1/"):
            with pytest.raises(Unreachable):
                await OutgoingClient(allow_private=True).request("GET", address, timeout_s=2)

    asyncio.run(body())


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "http://user:pw@a/", "http:///x", "http://a:99999/", "http://a/b c", "http://a/\r\nX: y"],
)
def test_what_is_no_plain_http_address_is_refused(url: str) -> None:
    with pytest.raises(Unreachable):
        target_of(url)


def test_a_header_cannot_smuggle_another() -> None:
    async def body() -> None:
        with pytest.raises(Unreachable, match="line breaks"):
            await OutgoingClient(allow_private=True).request(
                "GET", "http://127.0.0.1:1/", headers=[(b"x", b"a\r\ny: b")]
            )

    asyncio.run(body())


def test_answers_that_come_together_have_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many that are each within the limit fill no memory together; when they are over the room is there again."""
    monkeypatch.setattr(outgoing, "_MAX_COMING", 4 << 20)
    most = 0

    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            size = 1 << 20 if b"GET /large" in await _head(reader) else 10
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            for _ in range(max(1, size >> 16)):
                writer.write(b"x" * min(size, 65_536))
                await writer.drain()
                await asyncio.sleep(0.01)

    async def body() -> None:
        nonlocal most
        async with server(large) as url:
            client = OutgoingClient(allow_private=True)

            async def one() -> int:
                nonlocal most
                reply = await client.request("GET", f"{url}/large", timeout_s=10)
                most = max(most, client._room.used)
                return len(reply.body)

            got = await asyncio.gather(*(one() for _ in range(30)), return_exceptions=True)
            assert any(isinstance(each, Unreachable) for each in got)
            assert any(each == 1 << 20 for each in got)
            assert most <= (4 << 20) + (1 << 20)
            assert client._room.used == 0
            assert len((await client.request("GET", f"{url}/small")).body) == 10
            for _ in range(3):  # cut off in the middle
                with pytest.raises(Unreachable):
                    await client.request("GET", f"{url}/large", timeout_s=0.05)
            await asyncio.sleep(0.05)
            assert client._room.used == 0
            client.close()

    asyncio.run(body())
