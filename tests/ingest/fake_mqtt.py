"""A small MQTT broker that does what a test tells it to: other versions, refusals, takeovers, odd packets."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from andaman.ingest.topics import covers


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(out)


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _length(len(body)) + body


@dataclass
class FakeBroker:
    """``only``: the version that it speaks; ``answers``: CONNACK codes for the next connections; ``codes``: SUBACK codes by
    filter."""

    only: int | None = None
    hang_up: bool = False  # close, instead of saying that the version is not spoken
    stays: bool = False  # do not close after saying so
    answers: list[int] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    present: bool = False
    has_identifiers: bool = True
    identifiers: dict[str, bytes] = field(default_factory=dict)  # filter → the property as it came
    port: int = 0
    connects: list[tuple[int, str]] = field(default_factory=list)  # version, client id
    subscribed: list[tuple[str, int]] = field(default_factory=list)  # filter, options
    unsubscribed: list[str] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    version: int = 5
    writer: asyncio.StreamWriter | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind = (await reader.readexactly(1))[0]
                size, shift = 0, 0
                while True:
                    digit = (await reader.readexactly(1))[0]
                    size |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                body = await reader.readexactly(size)
                if kind & 0xF0 == 0xE0 or not self._take(kind, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> bool:
        match kind & 0xF0:
            case 0x10:
                return self._connect(body, writer)
            case 0x80:
                number, at, codes = body[:2], 2 + (1 + body[2] if self.version == 5 else 0), b""
                identifier = body[3:at]
                while at < len(body):
                    (size,) = struct.unpack_from("!H", body, at)
                    name = body[at + 2 : at + 2 + size].decode()
                    options = body[at + 2 + size]
                    self.subscribed.append((name, options))
                    self.identifiers[name] = identifier
                    codes += bytes([self.codes.get(name, options & 3)])
                    at += 3 + size
                writer.write(packet(0x90, number + (b"\0" if self.version == 5 else b"") + codes))
            case 0xA0:
                number, at, count = body[:2], 2 + (1 + body[2] if self.version == 5 else 0), 0
                while at < len(body):
                    (size,) = struct.unpack_from("!H", body, at)
                    self.unsubscribed.append(body[at + 2 : at + 2 + size].decode())
                    at, count = at + 2 + size, count + 1
                writer.write(packet(0xB0, number + (b"\0" + bytes(count) if self.version == 5 else b"")))
            case 0x40:
                self.acknowledged.append(struct.unpack_from("!H", body)[0])
            case 0xC0:
                writer.write(packet(0xD0, b""))
        return True

    def _connect(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        self.version = body[6]
        at = 10 + (1 + body[10] if self.version == 5 else 0)
        (size,) = struct.unpack_from("!H", body, at)
        self.connects.append((self.version, body[at + 2 : at + 2 + size].decode()))
        if self.only is not None and self.version != self.only:
            if not self.hang_up:
                writer.write(packet(0x20, b"\0\1"))
            return self.stays
        code = self.answers.pop(0) if self.answers else 0
        flags = bytes([int(self.present and not code), code])
        properties = b"\0" if self.has_identifiers else b"\2\x29\0"
        writer.write(packet(0x20, flags + (properties if self.version == 5 else b"")))
        self.writer = writer
        return code == 0

    def publish(
        self, topic: bytes, payload: bytes, number: int = 1, *, retain: bool = False, properties: bytes = b""
    ) -> None:
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", number)
        if self.version == 5:
            body += _length(len(properties)) + properties
        self.raw(packet(0x32 | retain, body + payload))

    def route(self, topic: str, payload: bytes, number: int, *, once: bool = False) -> int:
        """As MQTT 5 §3.3.4 allows: a copy for each subscription that fits, or (``once``) one that names them all. How many."""
        granted = {name for name, _ in self.subscribed if self.codes.get(name, 0) < 0x80}
        fitting = sorted(
            name for name in granted if covers(name.split("/", 2)[2] if name[0] == "$" else name, topic)
        )
        told = [self.identifiers[name] if self.version == 5 else b"" for name in fitting]
        for place, properties in enumerate([b"".join(told)] if once and told else told):
            self.publish(topic.encode(), payload, number + place, properties=properties)
        return len(fitting)

    def raw(self, content: bytes) -> None:
        assert self.writer is not None
        self.writer.write(content)

    def disconnect(self, code: int) -> None:
        assert self.writer is not None
        self.writer.write(packet(0xE0, bytes([code, 0])))
        self.writer.close()


@asynccontextmanager
async def fake_broker(**how: object) -> AsyncIterator[FakeBroker]:
    broker = FakeBroker(**how)  # type: ignore[arg-type]
    server = await asyncio.start_server(broker.handle, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        if broker.writer is not None:
            broker.writer.close()
