"""uvicorn's HTTP protocol with one shorter way: an answer that is whole goes to the socket in one piece.

uvicorn writes the head of an answer when it starts and its body afterwards, and looks at each header by two regular
expressions. Here the head waits for the first piece of the body; if that is the last one too, both are put together,
checked as a whole and written once. Everything else (streams, HEAD, chunks, closing connections) goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_BODILESS: Final = frozenset({204, 304})
_UVICORNS: Final = frozenset({b"connection", b"transfer-encoding"})


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    _head: Any = None  # the start of an answer that waits for its body

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        head = self._head
        if head is not None:
            self._head = None
            data = self._whole(head, message)
            if data is not None:
                self.response_started = self.response_complete = True
                self.transport.write(data)
                self.message_event.set()
                self.on_response()
                return
            await super().send(head)
        await super().send(message)

    def _whole(self, head: Any, message: Any) -> bytes | None:
        """The bytes of an answer that needs nothing special, or None."""
        if (
            message.get("more_body")
            or message["type"] != "http.response.body"
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
            or self.access_log
            or self.waiting_for_100_continue
            or self.scope["method"] == "HEAD"
        ):
            return None
        status = head["status"]
        body: bytes = message.get("body", b"")
        parts = [STATUS_LINE[status]]
        lines = 2
        length: bytes | None = None
        for headers in (self.default_headers, head.get("headers", ())):
            for name, value in headers:
                if name == b"content-length":
                    length = value
                elif name in _UVICORNS:
                    return None
                parts += (name, b": ", value, b"\r\n")
                lines += 1
        parts.append(b"\r\n")
        whole = b"".join(parts)
        if whole.count(b"\n") != lines or whole.count(b"\r") != lines or b"\0" in whole:
            raise RuntimeError("Invalid HTTP header value.")
        if status in _BODILESS:
            return None if body or length is not None else whole
        return whole + body if length == b"%d" % len(body) else None


class Protocol(HttpToolsProtocol):
    """A connection whose answers are ``Cycle``s."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle
        super()._start_asgi_task(cycle, app)


PROTOCOL: Final[type[asyncio.Protocol]] = Protocol
