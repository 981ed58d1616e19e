"""A server on a free port of loopback, with little patience; clients are raw sockets."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvloop

from andaman.server import Server, http_server
from andaman.wire.clients import Patience

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path and the size of the body; /big with 4 MB; /deaf without reading; a web socket echoes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": str(len(message.get("text") or ""))})
        return
    size, more = 0, scope["path"] != "/deaf"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"x" * (4 << 20) if scope["path"] == "/big" else f"{scope['path']} {size}".encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(patience: Patience, asgi: Asgi = echo) -> AsyncIterator[tuple[Server, int]]:
    server = http_server(asgi, patience)
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    await server.up.wait()
    try:
        yield server, sock.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


class Raw:
    """One connection. ``said``: everything that came so far; ``ended``: by the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.said = b""
        self.ended = False

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await asyncio.wait_for(self.writer.drain(), 10)
        except (OSError, RuntimeError):  # uvloop: the handler is closed
            self.ended = True

    async def hear(self, seconds: float = 5.0, answers: int | None = None) -> bytes:
        """Read until the end, or ``answers`` answers, or for so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while answers is None or len(self.statuses()) < answers:
                    got = await self.reader.read(1 << 16)
                    if not got:
                        self.ended = True
                        break
                    self.said += got
        except TimeoutError:
            pass
        except OSError:
            self.ended = True
        return self.said

    def statuses(self) -> list[int]:
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+) ", self.said)]

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (OSError, RuntimeError):
            return


async def connect(port: int, host: str = "127.0.0.1") -> Raw:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
    return Raw(reader, writer)


def run(work: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())  # type: ignore[arg-type]


@contextmanager
def lasting(patience: Patience) -> Iterator[tuple[Callable[[Awaitable[None]], None], int]]:
    """A server for many examples: how to run one beside it, and its port."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()

        async def begin() -> int:
            return (await stack.enter_async_context(serving(patience)))[1]

        port = runner.run(begin())
        try:
            yield runner.run, port  # type: ignore[misc]
        finally:
            runner.run(stack.aclose())
