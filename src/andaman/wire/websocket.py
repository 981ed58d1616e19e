"""uvicorn's web sockets with limits: on how fast frames are taken, on what waits to be written, and on closing.

A socket that speaks faster than ``FRAMES_PER_S`` is read more slowly, so that TCP holds it back; it is not closed for it. While
the client does not read, nothing of it is read either: answers to its pings would pile up.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from andaman.kernel.errors import AndamanError, Forbidden, InvalidRequest, TooManyRequests
from andaman.wire.answers import refusal
from andaman.wire.clients import CLOSING_S, NEVER, Clients, State, peer_of

PIECE: Final = 1024
"""Bytes that are parsed at once: some 170 frames, were they as small as can be."""
FRAMES_PER_S: Final = 25
BYTES_PER_S: Final = 128 * 1024
_BURST: Final = 4
"""So many seconds' worth may come at once."""
_FRAGMENTS_MAX: Final = 256
_HELD_MAX: Final = 1 << 20
_TRY_AGAIN: Final = 1013
# What clients do wrong is counted, not logged; the platform's own faults are logged by the room that has them.
_QUIET: Final = logging.getLogger("andaman.wire.quiet")
_QUIET.setLevel(logging.CRITICAL + 1)


class Socket(WebSocketsSansIOProtocol):
    """One web socket, from its handshake on."""

    clients: Clients
    peer = ""
    since = 0.0
    unread = 0
    _held = b""
    _frames_left: float = FRAMES_PER_S * _BURST
    _bytes_left: float = BYTES_PER_S * _BURST
    _looked_at = 0.0
    _paused_at: float | None = None  # since when the client has not read

    def __init__(self, config: Config, server_state: State, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.clients = server_state.clients
        self.logger = self.conn.logger = _QUIET

    # -- the connection ---------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = peer_of(self.client)
        self.since = self._looked_at = self.clients.now
        self.clients.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.clients.leave(self)
        self._held = b""
        self.frames = []
        super().connection_lost(exc)

    def rank(self) -> int:
        return NEVER

    def cut(self, reason: str) -> None:
        self.clients.note(reason)
        self.clients.reads_again(self)
        self.transport.abort()

    def look(self, now: float) -> None:
        patience = self.clients.patience
        passed, self._looked_at = now - self._looked_at, now
        self._frames_left = min(self._frames_left + passed * FRAMES_PER_S, FRAMES_PER_S * _BURST)
        self._bytes_left = min(self._bytes_left + passed * BYTES_PER_S, BYTES_PER_S * _BURST)
        if self.close_sent or self.transport.is_closing():
            # uvicorn gives the client ten seconds for its part of the farewell.
            if now - self.since > 10 + CLOSING_S:
                self.cut("unread")
            elif self._held:
                self._go_on()
            return
        self.since = now if self.handshake_complete else self.since
        if (
            self._paused_at is not None
            and now - self._paused_at > patience.unread_s + self.unread / patience.rate
        ):
            self.cut("unread")
        elif not self.handshake_complete and now - self.since > patience.head_s:
            self.cut("slow handshake")
        elif self._held:
            self._go_on()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused_at = self.clients.now
        self.clients.reads_slowly(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused_at = None
        self.clients.reads_again(self)
        self._go_on()

    # -- in -----------------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        begun = self.handshake_initiated
        self._held += data
        self._go_on()
        if not begun and not self.handshake_initiated and not self.transport.is_closing():
            # The head came whole from the HTTP parser: this one found it wrong.
            self._refuse(
                InvalidRequest("A handshake is a GET without a body, with lines of at most 8192 bytes")
            )
        if len(self._held) > _HELD_MAX:
            self.cut("socket flood")

    def _go_on(self) -> None:
        """Parse the received bytes as far as the client may speak now; read on when all is parsed."""
        while self._held and self._may_parse():
            piece, self._held = self._held[:PIECE], self._held[PIECE:]
            self._bytes_left -= len(piece)
            super().data_received(piece)
            if self.transport.is_closing():
                self._held = b""
                return
        if self.transport.is_closing():
            return
        if self._held or self._paused_at is not None:
            self.transport.pause_reading()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _may_parse(self) -> bool:
        waits = self.read_paused or self._paused_at is not None
        # What comes after our farewell is only looked through for the client's.
        return (not waits or self.close_sent) and self._frames_left > 0 and self._bytes_left > 0

    def handle_connect(self, event: Request) -> None:
        found = self.conn.accept(event)
        if found.status_code == 101:
            super().handle_connect(event)
        else:
            self.handshake_initiated = True
            self._refuse(InvalidRequest(found.body.decode().strip()))

    def handle_events(self) -> None:
        found = self.conn.events
        self._frames_left -= len(found)
        super().handle_events()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= _FRAGMENTS_MAX:
            self.clients.note("bad socket")
            self.conn.fail(1008, f"a message has at most {_FRAGMENTS_MAX} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        self.clients.note("bad socket")
        self.frames = []
        super().handle_parser_exception()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._go_on()
        return message

    # -- out ----------------------------------------------------------------------------------------------------------
    async def send(self, message: Any) -> None:
        if self.transport.is_closing():
            self.disconnected = True
        if message["type"] == "websocket.close" and not self.handshake_complete and not self.disconnected:
            kind = TooManyRequests if message.get("code") == _TRY_AGAIN else Forbidden
            self._refuse(kind(message.get("reason") or "No web socket may be opened here"))
        else:
            await super().send(message)

    def _refuse(self, error: AndamanError) -> None:
        """Answer the handshake by HTTP (RFC 6455 §4.2.2): only there does a client see when to come again."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self.close_sent = self.handshake_complete = True
        self.transport.write(refusal(error))
        self.transport.close()


def handshake_problem(url: bytes, headers: list[tuple[bytes, bytes]]) -> AndamanError | None:
    """What keeps a handshake from being read at all: it is ASCII (RFC 6455 §4.1)."""
    if not url.isascii():
        return InvalidRequest("The address holds characters other than ASCII; percent-encode them")
    for name, value in headers:
        if (
            name.startswith(b"sec-websocket-") or name in (b"upgrade", b"connection")
        ) and not value.isascii():
            return InvalidRequest(f"{name.decode('ascii', 'replace')} holds characters other than ASCII")
    return None
