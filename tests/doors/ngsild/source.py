"""A context source as tests want it: it answers whatever it is told to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

Reply = tuple[int, Any]
"""(status, payload); bytes as they are, anything else as JSON."""


@dataclass
class Source:
    url: str
    answer: Callable[[str, str], Any]  # (method, path) → Reply, or a coroutine of one
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    extra: bytes = b""  # header lines of every answer

    @property
    def lines(self) -> list[str]:
        """Method and path of each request."""
        return [" ".join(head.split(b"\r\n")[0].decode().split(" ")[:2]) for head in self.heads]


@asynccontextmanager
async def source(answer: Callable[[str, str], Any] | Reply) -> AsyncIterator[Source]:
    """A source on a port of its own."""
    made = Source("", answer if callable(answer) else lambda method, path: answer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            made.heads.append(head)
            sizes = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            made.bodies.append(await reader.readexactly(int(sizes[0].split(b":")[1])) if sizes else b"")
            method, path = made.lines[-1].split(" ", 1)
            found = made.answer(method, path)
            status, payload = await found if asyncio.iscoroutine(found) else found
            body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
            start = b"HTTP/1.1 %d X\r\nconnection: close\r\n%scontent-length: %d\r\n\r\n"
            writer.write(start % (status, made.extra, len(body)) + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
