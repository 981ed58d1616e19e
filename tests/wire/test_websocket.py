"""A web socket that speaks too fast is read more slowly, one that speaks nonsense is closed with its code, and neither is heard of
in the log."""

from __future__ import annotations

import asyncio
import logging
import struct

import pytest

from andaman.wire.clients import Patience
from andaman.wire.websocket import BYTES_PER_S, FRAMES_PER_S

from .conftest import Raw, connect, run, serving

HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PING = b"\x89\x80\0\0\0\0"
TEXT = b"\x81\x82\0\0\0\0hi"


async def opened(port: int) -> Raw:
    raw = await connect(port)
    await raw.send(HANDSHAKE)
    await raw.hear(answers=1)
    assert raw.statuses() == [101]
    return raw


def close_code(said: bytes) -> int:
    frames = said.partition(b"\r\n\r\n")[2]
    at = 0
    while at < len(frames):
        size = frames[at + 1] & 127
        if frames[at] == 0x88:
            return struct.unpack("!H", frames[at + 2 : at + 4])[0]  # type: ignore[no-any-return]
        at += 2 + size
    return 0


NONSENSE = {
    "unmasked": (1002, b"\x81\x02hi"),
    "reserved bits": (1002, b"\xf1\x80\0\0\0\0"),
    "a bomb where nothing is compressed": (1002, b"\xc1\x84\0\0\0\0abcd"),
    "an opcode that is none": (1002, b"\x83\x80\0\0\0\0"),
    "a ping of 200 bytes": (1002, b"\x89\xfe\0\xc8\0\0\0\0" + bytes(200)),
    "a part of nothing": (1002, b"\x80\x80\0\0\0\0"),
    "not UTF-8": (1007, b"\x81\x82\0\0\0\0\xff\xff"),
    "a frame of exabytes": (1009, b"\x81\xff\x7f" + b"\xff" * 7 + bytes(4)),
    "a frame of 65,537 bytes": (1009, b"\x81\xff" + struct.pack("!Q", 65_537) + bytes(4)),
    "parts beyond 64 KB": (1009, b"\x01\xfe\xff\xff" + bytes(4 + 65_535) + b"\x00\xfe\xff\xff" + bytes(4 + 65_535)),
    "empty parts without end": (1008, b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 300),
    "a close with one byte": (1002, b"\x88\x81\0\0\0\0\x01"),
}  # fmt: skip


def test_nonsense_is_closed_with_its_code(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def work() -> None:
        async with serving(Patience()) as (server, port):
            for name, (code, data) in NONSENSE.items():
                raw = await opened(port)
                await raw.send(data)
                await raw.hear()
                assert raw.ended, name
                assert close_code(raw.said) == code, name
                await raw.close()
            await asyncio.sleep(0.1)
            assert len(server.clients) == 0

    run(work)
    assert "Traceback" not in caplog.text
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize(("frame", "answer"), [(PING, 2), (TEXT, 3)])
def test_a_flood_is_held_back_and_not_cut(frame: bytes, answer: int) -> None:
    """20,000 frames at once: so many a second are answered, the rest waits with the client; others are served meanwhile."""

    async def work() -> None:
        async with serving(Patience()) as (_server, port):
            raw = await opened(port)
            before = len(raw.said)
            raw.writer.write(frame * 20_000)
            begun = asyncio.get_running_loop().time()
            other = await connect(port)
            for n in range(20):
                await other.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                await other.hear(answers=n + 1)
            assert other.statuses() == [200] * 20
            await raw.hear(1.5)
            took = asyncio.get_running_loop().time() - begun
            answered = (len(raw.said) - before) // answer
            assert 0 < answered <= FRAMES_PER_S * (took + 1.5) + FRAMES_PER_S * 4 + 200
            assert not raw.ended
            await raw.close()
            await other.close()

    run(work)


def test_who_pings_and_does_not_read_is_not_read_either() -> None:
    """Pongs that nobody takes do not pile up."""

    async def work() -> None:
        async with serving(Patience(unread_s=1)) as (server, port):
            raw = await opened(port)
            big = b"\x89\xfd"[:1] + b"\xfd" + bytes(4) + bytes(125)
            raw.writer.write(big * 100_000)
            most = 0
            for _ in range(30):
                await asyncio.sleep(0.05)
                for one in server.server_state.connections:
                    most = max(most, one.transport.get_write_buffer_size())
            assert most < 512 * 1024
            raw.writer.transport.abort()

    run(work)


def test_a_message_of_the_largest_size_comes_through() -> None:
    async def work() -> None:
        async with serving(Patience()) as (_, port):
            raw = await opened(port)
            await raw.send(b"\x81\xfe\xff\xff" + bytes(4) + b"a" * 65_535)
            await raw.hear(1.0)
            assert raw.said.endswith(b"\x81\x0565535")
            await raw.close()
            assert BYTES_PER_S >= 65_536

    run(work)
