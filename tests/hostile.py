"""Clients without an account that do their worst, each kind in a process of its own: ``python -m tests.hostile KIND PORT SECONDS``.

They come from 127.0.0.2, where the honest clients are not, unless the kind says otherwise.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from tests.open_files import raise_files

GET = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"
HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PAGE = b"GET /ngsi-ld/v1/entities?local=true&limit=1000&type=" + b",".join(
    b"%s" % name
    for name in (b"RoadSegment", b"PublicTransportStop", b"AdministrativeArea", b"Building", b"Hospital")
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Attack:
    """What the kinds share: a port, and until when they go on."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.until = asyncio.get_running_loop().time() + seconds

    @property
    def goes_on(self) -> bool:
        return asyncio.get_running_loop().time() < self.until

    async def connect(self, host: str = "127.0.0.2") -> Streams:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))

    async def rest(self) -> None:
        await asyncio.sleep(max(0.0, self.until - asyncio.get_running_loop().time()))

    async def many(self, count: int, one: Callable[[int], Awaitable[None]]) -> None:
        """So many at a time, each again and again, whatever becomes of it."""

        async def again(number: int) -> None:
            while self.goes_on:
                try:
                    async with asyncio.timeout_at(self.until):
                        await one(number)
                except (OSError, TimeoutError, RuntimeError, EOFError, asyncio.LimitOverrunError):
                    await asyncio.sleep(0.05)

        await asyncio.gather(*(again(number) for number in range(count)))

    # -- kinds ------------------------------------------------------------------------------------------------------
    async def endless_head(self) -> None:
        begins = (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
            b"GET /",
            b"\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        )

        async def one(number: int) -> None:
            _, writer = await self.connect()
            try:
                writer.write(begins[number % 4])
                for _ in range(300):
                    writer.write(b"a" * (1 << 20))
                    await writer.drain()
            finally:
                writer.transport.abort()

        await self.many(4, one)

    async def many_headers(self) -> None:
        async def one(number: int) -> None:
            reader, writer = await self.connect()
            try:
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 215_000 + b"\r\n")
                await reader.read()
            finally:
                writer.transport.abort()

        await self.many(4, one)

    async def slow(self) -> None:
        """A byte a second of a head or a body, on 300 connections."""
        parts = (
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9999,
            b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
            + b" " * 9999,
        )

        async def one(number: int) -> None:
            _, writer = await self.connect()
            try:
                body = parts[number % 2]
                at = len(body) - 9999
                writer.write(body[:at])
                while True:
                    writer.write(body[at : at + 1])
                    await writer.drain()
                    at += 1
                    await asyncio.sleep(1)
            finally:
                writer.transport.abort()

        await self.many(300, one)

    async def idle(self) -> None:
        """A thousand connections that say nothing, half of them from the honest clients' own address."""
        held = []
        for number in range(1000):
            try:
                held.append(await self.connect(f"127.0.0.{1 + number % 2}"))
            except OSError:
                await asyncio.sleep(0.01)
        await self.rest()

    async def deaf_sockets(self) -> None:
        """Thirty sockets that watch the whole city 32 times each and read nothing."""

        async def one(number: int) -> None:
            reader, writer = await self.connect()
            try:
                writer.write(HANDSHAKE)
                await reader.readuntil(b"\r\n\r\n")
                writer.transport.pause_reading()
                for watch in range(32):
                    writer.write(text(b'{"op":"watch","id":"w%d"}' % watch))
                await writer.drain()
                await self.rest()
            finally:
                writer.transport.abort()

        await self.many(30, one)

    async def questions(self) -> None:
        """Large pages, long conditions, megabytes of members, on sixteen connections."""
        condition = b"%7C".join(b"speed%3E" + b"%d" % n for n in range(100))
        body = b'{"type":"Query",' + b",".join(b'"x%d":1' % n for n in range(400_000)) + b"}"
        head = b"POST /ngsi-ld/v1/entityOperations/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        asked = (
            PAGE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            PAGE + b"&q=" + condition + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
            head + b"Content-Length: 60000\r\n\r\n" + body[:59_999] + b"}",
            b"GET /api/state HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /api/state?at=2030-01-01T00:00:00Z HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /tiles/base/9/396/245.mvt HTTP/1.1\r\nHost: a\r\n\r\n",
        )

        async def one(number: int) -> None:
            reader, writer = await self.connect()
            try:
                for turn in range(50):
                    writer.write(asked[(number + turn) % len(asked)])
                    await writer.drain()
                    await reader.readuntil(b"\r\n\r\n")
                    while len(await reader.read(1 << 16)) == 1 << 16:
                        pass
            finally:
                writer.transport.abort()

        await self.many(16, one)

    async def gone_in_body(self) -> None:
        """Clients that leave in the middle: of a body, of an answer, with a reset or politely; or send a bad chunk."""
        heads = (
            b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
            b"POST /ngsi-ld/v1/entityOperations/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{",
            b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /api/state HTTP/1.1\r\nHost: a\r\n\r\n",
            HANDSHAKE,
            HANDSHAKE + b"\x81\x82\0\0\0\0\xff\xff",
        )

        async def one(number: int) -> None:
            _, writer = await self.connect()
            writer.write(heads[number % len(heads)])
            await writer.drain()
            await asyncio.sleep(0.02)
            if number % 2:
                writer.transport.abort()
            else:
                writer.close()

        await self.many(24, one)

    async def pipelines(self) -> None:
        """Endless small requests on one connection, read and unread."""

        async def one(number: int) -> None:
            reader, writer = await self.connect()
            if number % 2:
                writer.transport.pause_reading()

            async def reads() -> None:
                while await reader.read(1 << 16):
                    pass

            reading = asyncio.create_task(reads())
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
            try:
                while self.goes_on:
                    writer.write(b"GET /api/health HTTP/1.1\r\nHost:\r\n\r\n" * 2000)
                    await writer.drain()
            finally:
                reading.cancel()
                writer.transport.abort()

        await self.many(8, one)

    async def socket_floods(self) -> None:
        """Pings, nonsense, empty parts and watches anew, as fast as they can be sent."""
        floods = (
            b"\x89\x80\0\0\0\0" * 5000,
            text(b"{}") * 3000,
            b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 5000,
            text(b'{"op":"watch","id":"w"}') * 1000,
            text(b'{"op":"' + b"a" * 50_000 + b'"}') * 20,
        )

        async def one(number: int) -> None:
            reader, writer = await self.connect()
            try:
                writer.write(HANDSHAKE)
                await reader.readuntil(b"\r\n\r\n")
                while self.goes_on:
                    writer.write(floods[number % len(floods)])
                    await writer.drain()
            finally:
                writer.transport.abort()

        await self.many(20, one)

    async def unread_answers(self) -> None:
        """A hundred connections, each with eight questions about everything, and none reads an answer."""

        async def one(number: int) -> None:
            _, writer = await self.connect()
            writer.transport.pause_reading()
            asked = (b"GET /api/state", PAGE, b"GET /assets/", b"GET /")[number % 4]
            writer.write((asked + b" HTTP/1.1\r\nHost: a\r\n\r\n") * 8)
            await writer.drain()
            await asyncio.sleep(10)
            writer.transport.abort()

        await self.many(100, one)

    async def guesses(self) -> None:
        """Sign-ins with invented names, from the honest clients' own address."""

        async def one(number: int) -> None:
            reader, writer = await self.connect("127.0.0.1")
            try:
                for turn in range(100):
                    body = b'{"username":"nobody%d-%d","password":"guess-guess-guess"}' % (number, turn)
                    writer.write(
                        b"POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body) + body
                    )
                    await writer.drain()
                    await reader.readuntil(b"}")
            finally:
                writer.transport.abort()

        await self.many(12, one)

    async def strangers_to_http(self) -> None:
        """Other protocols, and connections that come and go."""
        said = (
            bytes.fromhex("1603010200010001fc0303") + bytes(200),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"",
            b"\0" * 4096,
            GET,
        )

        async def one(number: int) -> None:
            _, writer = await self.connect()
            writer.write(said[number % len(said)])
            await asyncio.sleep(0.01)
            writer.transport.abort()

        await self.many(20, one)


def text(payload: bytes) -> bytes:
    """A masked text frame."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + payload


KINDS = (
    "endless_head",
    "many_headers",
    "slow",
    "idle",
    "deaf_sockets",
    "questions",
    "gone_in_body",
    "pipelines",
    "socket_floods",
    "unread_answers",
    "guesses",
    "strangers_to_http",
)


async def main(kind: str, port: int, seconds: float) -> None:
    print("ready", flush=True)
    await getattr(Attack(port, seconds), kind)()


if __name__ == "__main__":
    raise_files()
    os.nice(5)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
