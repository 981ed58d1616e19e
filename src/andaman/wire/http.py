"""uvicorn's HTTP protocol with limits.

What comes in is parsed by pieces of ``PIECE`` bytes, and counted: a head has so many bytes and headers, the framing of a body
no more than the body itself, and what is asked beyond the request at hand waits unread. How long each may take is the
register's to say (``clients.py``): a connection only notes when it began what it does now.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from andaman.kernel.errors import (
    AndamanError,
    HeadTooLarge,
    InvalidRequest,
    TooSlow,
    Unavailable,
    UriTooLong,
)
from andaman.wire.answers import refusal
from andaman.wire.clients import CLOSING_S, NEVER, Clients, State, peer_of
from andaman.wire.cycle import Cycle
from andaman.wire.websocket import handshake_problem

PIECE: Final = 4096
"""Bytes that are parsed at once: some 150 requests, were they as small as can be."""
_HELD_MAX: Final = 1 << 20
_FRAMING: Final = 16 * 1024
"""Bytes of chunk sizes, extensions and trailers that are always allowed, in addition to as many as the body has."""
_DRAINED_MAX: Final = 32 << 20
"""Bytes of a body that are still taken, and dropped, after the request was answered."""
_LAST_S: Final = 2.0
_NOTED: Final = frozenset({b"host", b"expect", b"transfer-encoding", b"content-length"})
# RFC 9112 §3.2 with RFC 3986 §3.2.2: a name, an address in brackets, perhaps a port; it may be empty.
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.vV]+\])(?::[0-9]{0,5})?")
_ACTOR: Final = "andaman.actor"
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


# What a connection does now.
REST: Final = 0  # between two requests
HEAD: Final = 1  # a head is expected, or has begun
BODY: Final = 2
ANSWER: Final = 3  # the request is here; the platform works
LAST: Final = 4  # the last word was said; what still comes is dropped


class Protocol(HttpToolsProtocol):
    """A connection whose answers are ``Cycle``s."""

    clients: Clients
    server_state: State
    peer = ""
    since = 0.0
    unread = 0
    stage = HEAD
    url = b""
    _active: RequestResponseCycle | None = None  # what is being answered
    _paused_at = 0.0
    _good_host = b""
    _asked = False  # a whole head has come on this connection
    _fed = 0  # bytes of the head, or of the body with its framing, as it came
    _body = 0  # bytes of the body alone
    _to_websocket = False
    _framed = False  # the body comes in chunks
    _held = b""  # bytes that wait until the requests before them are answered
    _hosts = 0
    _problem: AndamanError | None = None
    _last = b""  # the last word, where earlier answers go before it

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.clients = self.server_state.clients

    # -- the connection ---------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.clients.now
        self.peer = peer_of(self.client)
        if not self.clients.enter(self):
            self._end_with(
                Unavailable("There are too many connections now; try again in a moment"), "no room"
            )

    def connection_lost(self, exc: Exception | None) -> None:
        self.clients.leave(self)
        if self.stage == LAST:
            self.clients.farewells -= 1
        self._held = b""
        for cycle, _ in self.pipeline:
            cycle.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        problem = handshake_problem(self.url, self.headers)
        if problem is not None:
            self._end_with(problem, "bad request")
            return
        self.clients.leave(self)
        super().handle_websocket_upgrade()

    def rank(self) -> int:
        if self.stage == LAST or (self.stage == HEAD and not self._asked):
            return 0
        if self.stage in (HEAD, REST):
            return 2 if self._is_known() else 1
        slow = self.stage == BODY and self.clients.now - self.since > 5
        return 3 if slow and not self._is_known() else NEVER

    def _is_known(self) -> bool:
        """Did the last request come from somebody who is signed in?"""
        cycle: RequestResponseCycle | None = self.cycle
        actor: Any = None if cycle is None else cycle.scope.get(_ACTOR)
        return actor is not None and actor.principal.id != "public"

    def cut(self, reason: str) -> None:
        self.clients.note(reason)
        self.clients.reads_again(self)
        self.transport.abort()

    def look(self, now: float) -> None:
        patience = self.clients.patience
        lasted = now - self.since
        if self.transport.is_closing():
            if lasted > (patience.unread_s + self.unread / patience.rate if self.unread else CLOSING_S):
                self.cut("unread")
        elif self.flow.write_paused:
            if now - self._paused_at > patience.unread_s + self.unread / patience.rate:
                self.cut("unread")
        elif self.stage == REST:
            if lasted > self.timeout_keep_alive:
                self._close()
        elif self.stage == HEAD:
            if lasted > patience.head_s:
                if self._fed or self._asked:
                    text = f"The head of the request did not arrive within {patience.head_s:g} s"
                    self._end_with(TooSlow(text), "slow head")
                else:
                    self.clients.note("silent")
                    self._close()
        elif self.stage == BODY:
            if self.flow.read_paused or self._held or self.cycle.waiting_for_100_continue:
                self.since = now - min(lasted, patience.body_s / 2)  # it waits for us
            elif lasted > patience.body_s + self._fed / patience.rate:
                text = f"The body of the request did not arrive in time: {patience.body_s:g} s and {patience.rate} bytes/s"
                self._end_with(TooSlow(text), "slow body")
        elif self.stage == LAST and lasted > _LAST_S:
            self.transport.abort()

    def _close(self) -> None:
        self.since = self.clients.now
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused_at = self.clients.now
        self.clients.reads_slowly(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self.clients.reads_again(self)
        self._go_on()

    # -- bytes in ---------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        if self.stage == REST:
            self.stage = HEAD
            self.since = self.clients.now
        if len(data) > PIECE or self._held:
            self._hold(data)
        elif self.stage != LAST:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            error = self._problem or InvalidRequest("The request is not HTTP/1.1 as RFC 9112 has it")
            self._end_with(error, "bad request")
            return
        except httptools.HttpParserUpgrade:
            if self._to_websocket:
                self.handle_websocket_upgrade()
            else:  # it was answered without (RFC 9110 §7.8); what follows might be another protocol's
                self._close_after_answer()
            return
        if self._fed > _FRAMING:
            self._measure()

    def _measure(self) -> None:
        """Are a head, or the framing of a body, still within bounds?"""
        if self.stage == HEAD:
            limit = self.clients.patience.head_bytes
            if self._fed > limit or len(self.headers or ()) > self.clients.patience.headers:
                self._end_with(self._too_much(), "large head")
        elif self.stage == BODY:
            if self._framed and self._fed > 2 * self._body + _FRAMING:
                self._end_with(
                    InvalidRequest("The chunks of the body have more framing than content; send larger ones"),
                    "bad request",
                )
            elif self.cycle.response_complete and self._fed > _DRAINED_MAX:
                self.cut("large body")

    def _too_much(self) -> AndamanError:
        patience = self.clients.patience
        if len(self.url or b"") > patience.head_bytes // 2 or not self.headers:
            return UriTooLong(
                f"The address and the headers of a request have at most {patience.head_bytes} bytes"
            )
        return HeadTooLarge(
            f"The headers of a request are at most {patience.headers}, of {patience.head_bytes} bytes with its address"
        )

    def _hold(self, data: bytes) -> None:
        """Parse piece by piece, as long as no request waits for another's answer."""
        if self.stage == LAST:
            return
        held = self._held + data if self._held else data
        at, size = 0, len(held)
        while at < size and self._may_parse():
            self._feed(held[at : at + PIECE])
            at += PIECE
            if self.stage == LAST or self.transport.is_closing() or self._is_handed_over():
                self._held = b""
                return
        self._held = held[at:]
        if self._held:
            self.flow.pause_reading()
            if len(self._held) > _HELD_MAX:
                self.cut("pipelining")

    def _may_parse(self) -> bool:
        return not self.pipeline and not self._last

    def _is_handed_over(self) -> bool:
        return self not in self.connections

    def _go_on(self) -> None:
        """Begin the waiting work: the next answer, the last word, or bytes that were not parsed yet; or read more."""
        if self._active is not None or self.flow.write_paused or self.transport.is_closing():
            return
        if self.pipeline:
            self._start(cast("Cycle", self.pipeline.pop()[0]))
        elif self._last:
            self._say_last()
            return
        if self._held:
            self._hold(b"")
        if not self._held and not self.pipeline:
            self.flow.resume_reading()

    # -- what the parser finds ----------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        self.stage = HEAD
        self.since = self.clients.now
        self._hosts = 0
        self.url = b""
        self.expect_100_continue = False
        headers: list[tuple[bytes, bytes]] = []
        self.headers = headers
        self.scope = {
            "type": "http",
            "asgi": _ASGI,  # type: ignore[typeddict-item]
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": "",
            "headers": headers,
            "state": {},
        }

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _NOTED:
            self._note(name, value)
        self.headers.append((name, value))

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
            if value != self._good_host:
                if _HOST.fullmatch(value):
                    self._good_host = value
                else:
                    self._say("Host is not a name or address, perhaps with a port")
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding":
            self._framed = True
            if value.strip().lower() != b"chunked":
                self._say("The only Transfer-Encoding understood here is chunked")
        elif not value.strip().isdigit():
            self._say("Content-Length is a number of bytes")

    def _say(self, text: str) -> None:
        """Refuse the request once its head is read."""
        self._problem = self._problem or InvalidRequest(text)

    def on_headers_complete(self) -> None:
        parser, scope, headers = self.parser, self.scope, self.headers
        version = parser.get_http_version()
        if (
            self._hosts != 1
            or self._problem is not None
            or self._framed
            or self._fed > _FRAMING
            or len(headers) > 64
        ):
            self._check_head(version)
        if parser.should_upgrade():
            if self._active is not None or self.flow.write_paused:
                self._problem = InvalidRequest(
                    "A connection can change its protocol only when all is answered"
                )
                raise self._problem
            self._to_websocket = self._should_upgrade()
        scope["method"] = parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if self._to_websocket:
            return
        raw_path, scope["query_string"] = _parts(self.url)
        path = raw_path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        self._asked = True
        self._fed = self._body = 0
        self.stage = BODY
        self.since = self.clients.now
        self.headers = []  # of a trailer (RFC 9110 §6.5): never headers of the request
        self.cycle = cycle = Cycle.begun(self, version != "1.0" and parser.should_keep_alive())
        if self._active is None and not self.flow.write_paused:
            self._start(cycle)
        else:
            # Requests wait for the answers to those before them, and until the client has read those.
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _check_head(self, version: str) -> None:
        """Raise what is wrong with the head at hand."""
        patience = self.clients.patience
        if self._problem is None:
            if self._hosts != 1 and (self._hosts > 1 or version != "1.0"):
                self._problem = InvalidRequest("A request has exactly one Host (RFC 9112 §3.2)", field="Host")
            elif self._framed and version == "1.0":
                self._problem = InvalidRequest("HTTP/1.0 has no Transfer-Encoding")
            elif len(self.headers) > patience.headers:
                self._problem = self._too_much()
            else:
                size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
                if size > patience.head_bytes:
                    self._problem = self._too_much()
        if self._problem is not None:
            raise self._problem

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._to_websocket:
            return
        self._fed = 0
        self._framed = False
        cycle = self.cycle
        if cycle.response_complete:  # it was answered before its body was here
            self._rest()
            return
        self.stage = ANSWER
        cycle.more_body = False
        cycle.message_event.set()

    # -- answers ------------------------------------------------------------------------------------------------------
    def _start(self, cycle: Cycle) -> None:
        self._active = cycle
        cycle.task = task = self.loop.create_task(self._answered(cycle))
        self.tasks.add(task)

    async def _answered(self, cycle: Cycle) -> None:
        try:
            await cycle.run(self.app)
        finally:
            self.tasks.discard(cycle.task)

    def _unset_keepalive_if_required(self) -> None:
        """The register looks; there is no timer to end."""

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._active = None
        if self.transport.is_closing():
            self.since = self.clients.now
            return
        if self.pipeline or self._held or self._last:
            self.loop.call_soon(self._go_on)
            return
        if self.stage == ANSWER:
            self._rest()
        self.flow.resume_reading()

    def _rest(self) -> None:
        self.stage = REST
        self.since = self.clients.now

    # -- the end ------------------------------------------------------------------------------------------------------
    def _end_with(self, error: AndamanError, reason: str) -> None:
        """Refuse what came, after the answers to what came before it, and end the connection."""
        self.clients.note(reason)
        if self.stage == LAST or self._last or self.transport.is_closing():
            return
        self._held = b""
        cycle: RequestResponseCycle | None = self.cycle
        if self.stage == BODY and cycle is not None:
            # Its own request cannot be answered otherwise any more.
            self.pipeline = type(self.pipeline)(row for row in self.pipeline if row[0] is not cycle)
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._close()
                return
            if self._active is cycle:
                self._active = None
        self._last = refusal(error)
        if self._active is None and not self.pipeline and not self.flow.write_paused:
            self._say_last()
        else:
            self.flow.pause_reading()

    def _close_after_answer(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self._close()

    def _say_last(self) -> None:
        """Then what still comes is dropped for a moment: a client that is cut while it sends would not see the answer."""
        if not self.clients.may_say_farewell():
            self.transport.abort()
            return
        self.clients.farewells += 1
        self.stage = LAST
        self.since = self.clients.now
        self.transport.write(self._last)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _parts(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target, still percent-encoded."""
    if url[:1] == b"/" and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""
