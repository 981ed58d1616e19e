"""Law: a hostile receiver slows nobody and fills no memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from tests.broker.subscriptions.world import ME, World, small_queues, speeds

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer that never ends."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
        await writer.drain()


async def headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"y" * 60_000 + b"\r\n")
        await writer.drain()


async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No HTTP at all."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x00\xff" * 1000)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes at once."""
    writer.transport.abort()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, within every pause that a receiver may make, but never an answer."""
    await reader.readuntil(b"\r\n\r\n")
    while True:
        writer.write(b"H")
        await asyncio.sleep(0.02)


async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends elsewhere: refused, whoever vouched for this address did not vouch for another."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("behaviour", [endless, headers, noise, hangs_up, drips, redirects])
def test_hostile_receivers(tmp_path: object, behaviour: Behaviour) -> None:
    @small_queues
    async def run(w: World) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await behaviour(reader, writer)  # type: ignore[misc]

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        bad = await w.subscribe(uri=f"http://127.0.0.1:{port}/", notification={"endpoint": {"timeout": 300}})
        await w.subscribe()
        for number in range(20):
            await w.put(1, speed=number)
        assert speeds(await w.receiver.count(20)) == list(range(20))
        counters = w.subs.get(bad, ME, "").counters
        async with asyncio.timeout(20):
            while not counters.failed:  # noqa: ASYNC110 - nothing arrives that could wake us
                await asyncio.sleep(0.01)
        assert counters.status == "failed"
        assert w.subs.engine.waiting() <= 2 * 4  # the bound of each of the two receivers
        server.close()

    run(tmp_path)  # type: ignore[arg-type]
