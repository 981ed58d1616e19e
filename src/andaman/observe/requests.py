"""The outermost layer of HTTP: an id for each request, counts and latencies by route, and the slow request's line.

It is on the hot path of everything: it costs 1.2 µs a request of the NGSI-LD door (measured beside other work).
"""

from __future__ import annotations

import logging
import secrets
from bisect import bisect_left
from collections.abc import Awaitable, Iterable
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from andaman.kernel.http import GONE
from andaman.kernel.logs import request_id
from andaman.kernel.metrics import REQUEST_ID, ROUTE, SECONDS, STATUS, Family, Histogram, gauge

log = logging.getLogger("andaman.requests")

_NGSI: Final = "/ngsi-ld/"
_WORDS: Final = frozenset(
    [
        "ngsi-ld",
        "v1",
        "entities",
        "attrs",
        "temporal",
        "entityOperations",
        "create",
        "upsert",
        "update",
        "delete",
        "merge",
        "query",
        "purge",
        "types",
        "attributes",
        "jsonldContexts",
        "contexts",
        "subscriptions",
        "csourceRegistrations",
        "csourceSubscriptions",
        "info",
        "sourceIdentity",
        "conformance",
        "openapi.json",
        "entityMaps",
        "snapshots",
    ]
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ROWS_MAX: Final = 1_000
"""Combinations of method, route and status; what would be one more is counted as route "(other)"."""
_LINES_MAX: Final = 60
"""Lines of slow requests in a minute."""
NONE: Final = "(none)"
_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
Key = tuple[str, str, int]


class Requests:
    """ASGI middleware. ``slow_s``: requests that take as long get a line in the log (0: none); ``every``: all do.

    The id is the caller's ``X-Request-Id`` (up to 64 visible ASCII characters) or one made here; the answer carries
    it, log lines that the request causes do, and journal rows where the caller gave it.
    """

    def __init__(self, app: ASGIApp, *, slow_s: float = 0.0, every: bool = False) -> None:
        self._app = app
        self._slow_s = slow_s or float("inf")
        self._line_s = 0.0 if every else self._slow_s
        self._rows: dict[Key, Histogram] = {}
        self._start = secrets.token_hex(4).encode() + b"-%x"  # differs from process to process
        self._begun = 0
        self._lines_left, self._lines_at, self._unsaid = _LINES_MAX, perf_counter(), 0
        self.sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind != "http":
            await self._other(kind, scope, receive, send)
            return
        began = perf_counter()
        self._begun = number = self._begun + 1
        rid = self._start % number
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                rid = plain_id(value) or rid
                break
        request_id.set(rid)
        scope[REQUEST_ID] = rid
        path = scope["path"]
        try:
            # The hot door notes its status itself; between it and the client stands nothing.
            await self._app(scope, receive, send if path.startswith(_NGSI) else _with_headers(scope, send))
        finally:
            route = scope.get(ROUTE) or route_of(scope, path)
            status = scope.get(STATUS, 0)
            key = (scope["method"], route, status)
            took = perf_counter() - began
            row = self._rows.get(key) or self._row(key)
            row.counts[bisect_left(SECONDS, took)] += 1
            row.sum += took
            if took >= self._line_s:
                self._line(scope, route, status, took)

    async def _other(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        if kind != "websocket":
            await self._app(scope, receive, send)
            return
        self.sockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.sockets -= 1

    def _row(self, key: Key) -> Histogram:
        method, route, status = key
        if method not in _METHODS:
            key = (method := "(other)", route, status)
        if len(self._rows) >= _ROWS_MAX:
            key = (method, "(other)", status)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = Histogram(SECONDS)
        return row

    def _line(self, scope: Scope, route: str, status: int, took: float) -> None:
        slow = took >= self._slow_s
        if slow and not self._may_say(status):
            return
        # Never the query string or a header: either may hold what is nobody's business.
        log.log(
            logging.WARNING if slow else logging.INFO,
            "slow request" if slow else "request",
            extra={
                "fields": {
                    "method": scope["method"][:20],
                    "path": scope["path"][:200],
                    "route": route,
                    "status": status,
                    "ms": round(took * 1000, 1),
                }
            },
        )

    def _may_say(self, status: int) -> bool:
        """Slow requests are so many lines a minute at most. Who went away, or sent too slowly, was not kept waiting."""
        if self._line_s < self._slow_s:
            return True
        if not status:
            return False
        if perf_counter() - self._lines_at >= 60:
            self._lines_left, self._lines_at = _LINES_MAX, perf_counter()
            if self._unsaid:
                log.warning("further slow requests had no line", extra={"fields": {"requests": self._unsaid}})
                self._unsaid = 0
        if not self._lines_left:
            self._unsaid += 1
            return False
        self._lines_left -= 1
        return True

    @property
    def open(self) -> int:
        """Requests being answered now."""
        return self._begun - sum(row.count for row in self._rows.values())

    def metrics(self) -> Iterable[Family]:
        yield Family(
            "andaman_http_request_duration_seconds",
            "Time from the first byte of a request's head to the end of its answer (status 0: the client went away).",
            "histogram",
            [
                ({"method": method, "route": route, "status": str(status)}, row)
                for (method, route, status), row in sorted(self._rows.items())
            ],
        )
        yield gauge("andaman_http_requests_open", "Requests being answered now.", self.open)
        yield gauge("andaman_websockets_open", "Web sockets that are open now.", self.sockets)


def _with_headers(scope: Scope, send: Send) -> Send:
    """``send`` for a door that knows neither ids nor the two headers that every answer has. Those say what a browser
    may take it for, and who may keep it (nobody, if the door does not say otherwise).
    """

    def send_with_headers(message: Any) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            status = message["status"]
            scope[STATUS] = 0 if status == GONE else status
            headers = message["headers"]
            named = {name for name, _ in headers}
            more = [row for row in _ALWAYS if row[0] not in named]
            message["headers"] = [*headers, *more, (b"x-request-id", scope[REQUEST_ID])]
        return send(message)

    return send_with_headers


def plain_id(given: bytes) -> bytes:
    """A caller's request id if it is 64 visible ASCII characters at most; cut there. Anything else gives "": it could
    forge log lines or headers.
    """
    given = given[:64]
    return given if given.isascii() and given.decode("ascii").isprintable() else b""


def route_of(scope: Scope, path: str) -> str:
    """The template of a path that no door has noted, because it was refused before. There are few of these: ``{id}``
    replaces each name.
    """
    if path.startswith(_NGSI):
        parts = path.split("/", 9)
        if len(parts) > 8:
            return NONE
        return "/".join([part if not part or part in _WORDS else "{id}" for part in parts])
    if "endpoint" not in scope:
        return NONE
    for name, value in scope.get("path_params", {}).items():
        if value != "":
            path = path.replace(str(value), f"{{{name}}}", 1)
    return path
