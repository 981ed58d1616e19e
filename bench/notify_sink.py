"""Takes notifications and says how old each was when it came. Run by notify_bench: python -m bench.notify_sink PORT.

``POST``: a notification about one vehicle whose ``speed`` is the moment of its posting. ``GET``: ages in ms and the number of
distinct ids; then everything is forgotten.
"""

from __future__ import annotations

import asyncio
import sys
import time

import orjson


class _Sink(asyncio.Protocol):
    ages: list[float] = []  # noqa: RUF012 - one process, one account
    ids: set[str] = set()  # noqa: RUF012

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            body, self._buffer = rest[:length], rest[length:]
            answer = self._note(body) if head.startswith(b"POST") else self._tell()
            self._transport.write(answer)  # type: ignore[attr-defined]

    def _note(self, body: bytes) -> bytes:
        now, told = time.time(), orjson.loads(body)
        kind = type(self)
        kind.ids.add(told["id"])
        for entity in told["data"]:
            speed = entity.get("speed")
            speed = speed["value"] if isinstance(speed, dict) else speed
            kind.ages.append((now - speed) * 1000)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def _tell(self) -> bytes:
        kind = type(self)
        body = orjson.dumps({"ages": kind.ages, "ids": len(kind.ids)})
        kind.ages, kind.ids = [], set()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
