"""HTTP requests to others: forwarded operations and notifications. Small, quick, bounded, never to an inside address.

One connection pool per host with keep-alive; answers are parsed in C (httptools). A host's address is checked after DNS
resolution and the connection goes to the checked address itself (DNS rebinding gains nothing). Redirects are not
followed: whoever registered an address did not vouch for another. Each request has one time limit that covers waiting
for a free connection, resolving, connecting, sending and reading; an answer has a limit of bytes.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from andaman.broker.name_resolution import Resolver
from andaman.kernel.addresses import allowed_address
from andaman.kernel.errors import Unavailable
from andaman.kernel.secrets import Secrets, reference_in

MAX_ANSWER: Final = 16 << 20
_MAX_COMING: Final = 64 << 20  # of all answers together that are not complete yet
_MAX_FRAME: Final = 64 << 10  # headers, and what stands between the pieces of a chunked answer
TIMEOUT_S: Final = 5.0
_PER_HOST: Final = 32
_WAITING: Final = 1000  # requests that may wait for a free connection to one host
_IDLE_S: Final = (
    4.0  # below the keep-alive time of usual servers, so that a reused connection is rarely a closed one
)
_HOSTS: Final = 4096
_SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})

Header = tuple[bytes, bytes]


class Named(bytes):
    """A header's value that names a secret. It comes from a document, never from a request: else any client could have the
    platform sign in for it."""


def header_value(text: str, encoding: str) -> bytes:
    """The value of a header, from a document of somebody who may name secrets."""
    value = text.encode(encoding)
    return value if reference_in(text) is None else Named(value)


class Reply(NamedTuple):
    """An answer with any status. Header names are in lower case; of repeated ones the last counts."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Unreachable(Exception):
    """No answer. ``timed_out``: it took too long. ``invalid``: it is not HTTP, or too large. ``refused``: nothing is
    sent to this address.
    """

    def __init__(
        self, reason: str, *, timed_out: bool = False, invalid: bool = False, refused: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.timed_out = timed_out
        self.invalid = invalid
        self.refused = refused


class Target(NamedTuple):
    """An http(s) URL, taken apart. ``host`` without brackets; ``path`` with the query, percent-encoded."""

    secure: bool
    host: str
    port: int
    authority: bytes
    path: bytes


def target_of(url: str) -> Target:
    """Raises Unreachable for a text that is not an http(s) URL, has credentials in it or holds blanks or control
    characters.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Unreachable(f"{_without_user(url)!r} is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise Unreachable(f"{_without_user(url)!r} is not an http(s) URL without credentials")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(char) <= 32 or ord(char) == 127 for char in parts.netloc + path):
        raise Unreachable(f"{_without_user(url)!r} holds blanks or control characters")
    secure = parts.scheme == "https"
    try:
        authority = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")
        return Target(secure, host, port or (443 if secure else 80), authority, path.encode("utf-8"))
    except UnicodeError:
        raise Unreachable(f"{_without_user(url)!r} has no valid host name") from None


def _without_user(url: str) -> str:
    """A URL as an error may show it: a password may stand before the @."""
    head, found, rest = url.partition("://")
    return f"{head}{found}{rest.rpartition('@')[2]}"[:200]


class _Room:
    """Bytes of answers that are coming in, of all connections of a client."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.got_bytes = False
        self._waiter: asyncio.Future[Reply] | None = None
        self._parser: Any = None
        self._limit = 0
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._headers_done = False
        self._raw = 0
        self.reusable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass of it

    @property
    def closed(self) -> bool:
        return self.transport is None or self.transport.is_closing()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def exchange(self, request: bytes, limit: int) -> Reply:
        assert self.transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._limit = limit
        self.reusable = self.got_bytes = False
        self._begin()
        self.transport.write(request)
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers = {}
        self._drop()
        self._headers_done = False
        self._raw = 0

    def _drop(self) -> None:
        self._room.used -= len(self._body)
        self._body = bytearray()

    # -- asyncio ---------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            self.close()  # nobody asked
            return
        self.got_bytes = True
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Unreachable(f"The answer is not HTTP: {error}", invalid=True))
            return
        # The parser gathers a header or trailer whole before it tells of it, however long it is.
        if not self._waiter.done() and self._raw - 8 * len(self._body) > _MAX_FRAME + len(data):
            self._fail(Unreachable(f"The answer has more than {_MAX_FRAME} bytes of headers", invalid=True))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is None or self._waiter.done():
            self._drop()
            return
        until_close = b"content-length" not in self._headers and b"transfer-encoding" not in self._headers
        if self._headers_done and until_close:
            self._finish(False)
        elif self._headers_done:
            self._fail(Unreachable("The connection was closed in the middle of the answer", invalid=True))
        else:
            self._fail(Unreachable("The connection was closed before an answer came"))

    # -- httptools -------------------------------------------------------------------------------------------
    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) < 200:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._headers_done = True
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._limit:
            self._fail(Unreachable(f"The answer is larger than {self._limit} bytes", invalid=True))

    def on_body(self, body: bytes) -> None:
        self._body += body
        self._room.used += len(body)
        if len(self._body) > self._limit:
            self._fail(Unreachable(f"The answer is larger than {self._limit} bytes", invalid=True))
        elif self._room.used > _MAX_COMING:
            self._fail(Unreachable("Too many large answers come in at the same time", invalid=True))

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers, self._headers_done = {}, False  # 100 Continue, 103 Early Hints: the answer follows
            return
        self._finish(bool(self._parser.should_keep_alive()))

    def _finish(self, reusable: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self.reusable = reusable
            reply = Reply(self._parser.get_status_code(), self._headers, bytes(self._body))
            self._drop()
            self._waiter.set_result(reply)

    def _fail(self, error: Unreachable) -> None:
        self._drop()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.close()


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    idle: deque[_Connection] = field(default_factory=deque)
    waiting: int = 0
    used: int = 0


class OutgoingClient:
    """The platform's way out. Use one for the whole process; bind it to one event loop."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        per_host: int = _PER_HOST,
        ssl_context: ssl.SSLContext | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        """``secrets``: those that headers name (``secret:NAME``)."""
        self.secrets = secrets
        self._allow_private = allow_private
        self._per_host = per_host
        self._ssl = ssl_context
        self._resolver = Resolver()
        self._hosts: dict[tuple[bool, str, int], _Host] = {}
        self._room = _Room()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[Header] = (),
        body: bytes = b"",
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_ANSWER,
    ) -> Reply:
        """One request and its answer. Raises Unreachable; never any other error for what the other side does."""
        target = target_of(url)
        host = self._host(target)
        if host.waiting >= _WAITING:
            raise Unreachable(f"{target.host} has {_WAITING} requests waiting already", timed_out=True)
        if any(type(value) is Named for _, value in headers):
            headers = self._with_secrets(target, headers)
        message = _message(method, target, headers, body)
        host.waiting += 1
        host.used += 1
        waiting = True
        try:
            async with asyncio.timeout(timeout_s), host.slots:
                host.waiting -= 1
                waiting = False
                return await self._exchange(method, target, host, message, max_bytes)
        except TimeoutError:
            raise Unreachable(
                f"{target.host} did not answer within {timeout_s:g} s", timed_out=True
            ) from None
        except (OSError, ssl.SSLError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(f"{target.host} cannot be reached: {reason}") from None
        finally:
            host.used -= 1
            if waiting:
                host.waiting -= 1

    def _with_secrets(self, target: Target, headers: Sequence[Header]) -> list[Header]:
        """Headers with secrets in the place of references. Raises Unreachable, with the reason."""
        return [
            (key, filled(self.secrets, value.decode("latin-1"), target.host, target.port))
            if type(value) is Named
            else (key, value)
            for key, value in headers
        ]

    async def _exchange(
        self, method: str, target: Target, host: _Host, message: bytes, max_bytes: int
    ) -> Reply:
        connection = _take(host)
        if connection is not None:
            try:
                return await self._ask(connection, host, message, max_bytes)
            except Unreachable:
                # A server may close a connection just as it is used again; what is safe is asked once more.
                if connection.got_bytes or method not in _SAFE_TO_REPEAT:
                    raise
        return await self._ask(await self._connect(target), host, message, max_bytes)

    async def _ask(self, connection: _Connection, host: _Host, message: bytes, max_bytes: int) -> Reply:
        try:
            reply = await connection.exchange(message, max_bytes)
        except BaseException:
            connection.close()
            raise
        if connection.reusable and not connection.closed:
            connection.idle_since = time.monotonic()
            host.idle.append(connection)
        else:
            connection.close()
        return reply

    async def _connect(self, target: Target) -> _Connection:
        loop = asyncio.get_running_loop()
        address = await self._resolve(target)
        if target.secure and self._ssl is None:
            self._ssl = await asyncio.to_thread(ssl.create_default_context)
        _, connection = await loop.create_connection(
            lambda: _Connection(self._room),
            address,
            target.port,
            ssl=self._ssl if target.secure else None,
            server_hostname=target.host if target.secure else None,
        )
        return connection

    async def _resolve(self, target: Target) -> str:
        """The first address of the host; Unreachable where one of its addresses is not allowed."""
        addresses = await self._resolver.addresses(target.host, target.port)
        if not addresses:
            raise Unreachable(f"{target.host} has no address")
        for address in addresses:
            if not self._allowed(address):
                raise Unreachable(
                    f"{target.host} is at a private, loopback or link-local address; nothing is sent there",
                    refused=True,
                )
        return addresses[0]

    def _allowed(self, address: str) -> bool:
        if self._allow_private and address in ("0.0.0.0", "::"):  # noqa: S104 - a way to write loopback, not a bind
            return True
        return allowed_address(address, self._allow_private)

    def _host(self, target: Target) -> _Host:
        key = (target.secure, target.host, target.port)
        host = self._hosts.get(key)
        if host is None:
            if len(self._hosts) >= _HOSTS:
                for name in [name for name, one in self._hosts.items() if not one.used]:
                    _close_idle(self._hosts.pop(name))
            host = self._hosts[key] = _Host(asyncio.Semaphore(self._per_host))
        return host

    def tidy(self) -> None:
        """Close connections that were idle too long, so that many hosts do not use up the process's files. Call now and
        then."""
        old = time.monotonic() - _IDLE_S
        for host in self._hosts.values():
            while host.idle and host.idle[0].idle_since < old:
                host.idle.popleft().close()

    def close(self) -> None:
        """Close idle connections."""
        for host in self._hosts.values():
            _close_idle(host)
        self._hosts.clear()
        self._resolver.close()


def filled(secrets: Secrets | None, text: str, host: str, port: int) -> bytes:
    """A text with the secret that it names. Raises Unreachable, with the reason, where that cannot be sent there."""
    if secrets is None:
        raise Unreachable("Nothing here keeps secrets")
    try:
        return secrets.filled(text, host, port).encode("utf-8")
    except Unavailable as error:
        raise Unreachable(error.detail) from None


def _take(host: _Host) -> _Connection | None:
    """A connection that is likely open still; the others are closed."""
    now = time.monotonic()
    while host.idle:
        connection = host.idle.pop()
        if not connection.closed and now - connection.idle_since < _IDLE_S:
            return connection
        connection.close()
    return None


def _close_idle(host: _Host) -> None:
    while host.idle:
        host.idle.pop().close()


_SPELLING: Final = {b"ngsild-tenant": b"NGSILD-Tenant", b"www-authenticate": b"WWW-Authenticate"}


def _message(method: str, target: Target, headers: Sequence[Header], body: bytes) -> bytes:
    parts = [method.encode(), b" ", target.path, b" HTTP/1.1\r\nHost: ", target.authority, b"\r\n"]
    parts.append(b"User-Agent: andaman\r\n")
    for name, value in headers:
        # Names are case-insensitive (RFC 9110 §5.1), but some receivers know only the usual spelling.
        name = _SPELLING.get(name) or name.title()
        if b"\r" in value or b"\n" in value or b"\r" in name or b"\n" in name or b"\0" in value:
            raise Unreachable("A header may not hold line breaks")
        parts += (name, b": ", value, b"\r\n")
    if body or method in ("POST", "PUT", "PATCH"):
        parts += (b"Content-Length: ", str(len(body)).encode(), b"\r\n")
    parts += (b"\r\n", body)
    return b"".join(parts)
