"""One request and its answer: uvicorn's, with a shorter way for a complete answer, which goes to the socket in one
piece.

uvicorn writes the head of an answer when it starts and its body afterwards, and looks at each header by two regular
expressions. Here the head waits for the first piece of the body; if that is the last one too, both are put together,
checked as a whole and written once. Everything else (streams, HEAD, chunks, closing connections) goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_BODILESS: Final = frozenset({204, 304})
_UVICORNS: Final = frozenset({b"connection", b"transfer-encoding"})


def _failing(error: BaseException) -> Any:
    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise error

    return fail


async def _silent(scope: Any, receive: Any, send: Any) -> None:
    """An application that has done all it did."""


def _nothing() -> None:
    """Called when nobody's connection waits for the answer any more."""


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    task: asyncio.Task[None]
    _head: Any = None  # the start of an answer that waits for its body
    # What ``begun`` leaves as it is at first.
    logger = access_logger = logging.getLogger("uvicorn.error")
    access_log = False
    disconnected = waiting_for_100_continue = False
    more_body = True
    response_started = response_complete = False
    chunked_encoding = None
    expected_content_length = 0

    @classmethod
    def begun(cls, protocol: HttpToolsProtocol, keep_alive: bool) -> Cycle:
        """The same as by uvicorn's constructor, in less time."""
        made = cls.__new__(cls)
        made.scope = protocol.scope
        made.transport = protocol.transport
        made.flow = protocol.flow
        made.default_headers = protocol.server_state.default_headers
        made.message_event = asyncio.Event()
        made.on_response = protocol.on_response_complete
        made.keep_alive = keep_alive
        made.body = bytearray()
        if protocol.expect_100_continue:
            made.waiting_for_100_continue = True
        return made

    async def run(self, app: Any) -> None:
        """uvicorn's ``run_asgi``, whose care is needed only where an application fails."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:
            await self.run_asgi(_failing(error))
        else:
            if not self.response_complete and not self.disconnected:
                await self.run_asgi(_silent)
            self.on_response = _nothing

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        if (
            self.transport.is_closing()
        ):  # it was cut: uvloop takes no byte more, and nobody is there to read it
            self.disconnected = True
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
