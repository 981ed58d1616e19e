"""uvicorn's HTTP protocol with shorter ways: an answer that is whole goes to the socket in one piece, and a connection has
one timer instead of one per answer.

uvicorn writes the head of an answer when it starts and its body afterwards, and looks at each header by two regular
expressions. Here the head waits for the first piece of the body; if that is the last one too, both are put together,
checked as a whole and written once. Everything else (streams, HEAD, chunks, closing connections) goes uvicorn's way.

Connections that rest are closed after the keep-alive time, by a timer that looks when the last answer was; a task takes itself
off uvicorn's list, without a further turn of the loop.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_BODILESS: Final = frozenset({204, 304})
_UVICORNS: Final = frozenset({b"connection", b"transfer-encoding"})


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    task: asyncio.Task[None]
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

    _resting_since: float | None = None  # None: a request is being read or answered
    _look: asyncio.TimerHandle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle
        assert isinstance(cycle, Cycle)
        cycle.task = task = self.loop.create_task(self._answered(cycle, app))
        self.tasks.add(task)

    async def _answered(self, cycle: Cycle, app: Any) -> None:
        try:
            await cycle.run_asgi(app)
        finally:
            self.tasks.discard(cycle.task)

    def _unset_keepalive_if_required(self) -> None:
        self._resting_since = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self._resting_since = self.loop.time()
        if self._look is None:
            self._look = self.loop.call_later(self.timeout_keep_alive, self._close_if_resting)

    def _close_if_resting(self) -> None:
        self._look = None
        if self._resting_since is None or self.transport.is_closing():
            return  # the end of the answer at hand asks for the next look
        left = self._resting_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.timeout_keep_alive_handler()
        else:
            self._look = self.loop.call_later(left, self._close_if_resting)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        super().connection_lost(exc)


PROTOCOL: Final[type[asyncio.Protocol]] = Protocol
