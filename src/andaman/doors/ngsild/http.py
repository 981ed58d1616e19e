"""Requests and answers of the NGSI-LD HTTP binding (CIM 009 §6.3), without a framework on the hot path."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import orjson

from andaman.broker.entity.values import members_in
from andaman.identity.doors import DoorEntry
from andaman.identity.entrance import admit_again
from andaman.identity.model import Actor
from andaman.kernel.errors import AndamanError, BadRequestData, InvalidRequest, TooLarge, UnsupportedMediaType
from andaman.kernel.http import problem_headers
from andaman.kernel.ids import is_tenant
from andaman.kernel.metrics import REQUEST_ID
from andaman.kernel.words import Words

Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

JSON: Final = b"application/json"
LD_JSON: Final = b"application/ld+json"
GEO_JSON: Final = b"application/geo+json"
PROBLEM: Final = b"application/json"
"""§6.3.3 and §6.3.6: errors are application/json, for every Accept header (problem details by their content)."""
LD_CONTEXT_REL: Final = "http://www.w3.org/ns/json-ld#context"
_BODY_TYPES: Final = frozenset({"application/json", "application/ld+json", "application/merge-patch+json"})
_AT_ONCE: Final = 64 << 10  # bytes of a body that may be read a second time on the loop
_LINK: Final = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_LINK_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))")
_MAX_PARAMETERS: Final = 100
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_NO_STORE: Final = (b"cache-control", b"no-store")
_UNBOUNDED: Final = 1 << 62


class LengthRequired(AndamanError):
    """§6.3.4: POST, PATCH and PUT must say how long their body is; the answer has no body."""

    status, kind, title = 411, "urn:andaman:problem:length-required", "Content-Length is required"
    code = "length-required"
    words = Words(
        "คำขอต้องระบุความยาวของข้อมูล (Content-Length)", "The request must state its length (Content-Length)"
    )


class Disconnected(Exception):
    """The client went away while sending; nobody is left to answer."""


class Answer:
    """A response: status, body, its media type, further headers."""

    __slots__ = ("body", "headers", "media", "status")

    def __init__(
        self, status: int, body: bytes = b"", media: bytes = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.media = media
        self.headers = headers

    async def send(self, send: Send, tenant: bytes | None, request_id: bytes | None = None) -> None:
        headers: Headers = [_NOSNIFF, _NO_STORE]
        if self.headers:
            # An answer depends on who asks and on this second, and has no validator: nothing may keep it unless it says so.
            for name, _ in self.headers:
                if name == b"cache-control":
                    headers = [_NOSNIFF]
                    break
            headers += self.headers
        if self.body or self.status not in (204, 304, 411):
            headers.append((b"content-type", self.media))
            headers.append((b"content-length", str(len(self.body)).encode()))
        if tenant is not None:
            headers.append((b"ngsild-tenant", tenant))
        if request_id is not None:
            headers.append((b"x-request-id", request_id))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


NO_CONTENT: Final = Answer(204)


def json_answer(
    content: Any, status: int = 200, media: bytes = JSON, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    return Answer(status, orjson.dumps(content), media, headers)


def problem_answer(error: AndamanError) -> Answer:
    """The problem document of a typed error (§5.5.2, RFC 9457)."""
    if error.status == 411:
        return Answer(411)
    headers = [(name.lower().encode(), value.encode()) for name, value in problem_headers(error).items()]
    return Answer(error.status, orjson.dumps(error.problem(), default=str), PROBLEM, headers)


class Call:
    """One request, parsed as far as its handler asks. ``segments``: decoded path behind ``/ngsi-ld/v1``."""

    __slots__ = (
        "_receive",
        "_scope",
        "actor",
        "entry",
        "headers",
        "method",
        "most",
        "query_string",
        "raw_headers",
        "request_id",
        "segments",
        "size",
        "tenant",
    )

    def __init__(
        self, scope: MutableMapping[str, Any], segments: list[str], receive: Receive, actor: Actor
    ) -> None:
        self.method: str = scope["method"]
        self.segments = segments
        self.query_string: bytes = scope["query_string"]
        self.raw_headers: Headers = scope["headers"]
        self.headers = dict(self.raw_headers)
        self.actor = actor
        self.entry: DoorEntry | None = None  # what the caller was let in by, once they were
        self._scope = scope
        self.request_id: bytes = scope.get(REQUEST_ID, b"")
        self._receive = receive
        self.size = 0  # of the body, once it is read
        self.most = _UNBOUNDED  # bytes of a body, where the door has a narrower limit for this caller
        tenant = self.headers.get(b"ngsild-tenant")
        self.tenant = "" if tenant is None else _tenant(tenant)

    @property
    def batch_actor(self) -> Actor:
        """The caller, with an id of the request in any case: the changes of one request are reported together (§5.8.6)."""
        actor = self.actor
        if actor.request_id:
            return actor
        number = self.request_id.decode("ascii") or secrets.token_hex(8)
        return Actor(actor.principal, actor.access, actor.origin, actor.reason, number)

    def still_admitted(self, *, elsewhere: bool = False) -> None:
        """To be called after each wait, before anything is done: ``actor`` is the caller as of now. Costs less than a
        microsecond while nobody's rights changed. Raises NotSignedIn, Forbidden and NoSuchTenant (``admit_again``)."""
        if self.entry is not None:
            self.actor = admit_again(self.entry, self._scope, self.actor, self.headers, elsewhere=elsewhere)

    def parameters(self, allowed: frozenset[str]) -> dict[str, str]:
        """Query parameters. An unknown or repeated one raises InvalidRequest (§6.3.20)."""
        return parse_parameters(self.query_string, allowed) if self.query_string else {}

    async def body(self, limit: int) -> bytes:
        """The complete body. Raises LengthRequired, TooLarge beyond ``limit`` bytes (or what this caller may send here,
        if that is less), InvalidRequest when empty.
        """
        limit = min(limit, self.most)
        length = self.headers.get(b"content-length")
        if length is None:
            raise LengthRequired("Say how long the body is (Content-Length)")
        if not length.isdigit() or int(length) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes")
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts = bytearray(body)
            while message.get("more_body"):
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                parts += message.get("body", b"")
                if len(parts) > limit:
                    raise TooLarge(f"The body is larger than {limit} bytes")
            body = bytes(parts)
            self.still_admitted(elsewhere=True)
        else:
            self.still_admitted()
        if not body:
            raise InvalidRequest("The body is empty; send JSON")
        self.size = len(body)
        return body

    async def json(self, limit: int, look: Callable[[bytes], None] = lambda body: None) -> tuple[Any, bool]:
        """The body as JSON, and whether it came as application/ld+json (§6.3.5). ``look`` may refuse it before it is parsed."""
        kind = _media_type(self.headers.get(b"content-type", b""))
        if b"content-length" not in self.headers:
            raise LengthRequired("Say how long the body is (Content-Length)")
        if not kind:
            raise InvalidRequest("Say what the body is (Content-Type: application/json)")  # §6.3.4
        if kind not in _BODY_TYPES or (kind == "application/merge-patch+json" and self.method != "PATCH"):
            raise UnsupportedMediaType(
                f"Content-Type {kind[:80]!r} is not supported; use application/json or application/ld+json"
            )
        body = await self.body(limit)
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(f"The body is not JSON: {error}", position=error.pos) from None
        if body.count(b'":') != members_in(found):  # or blanks stand before a colon, or one in a text
            if len(body) <= _AT_ONCE:
                check_names(body)
            else:
                await asyncio.to_thread(check_names, body)
                self.still_admitted()
        return found, kind == "application/ld+json"

    def link_context(self) -> str | None:
        """The URL of the Link header's JSON-LD context. Two of them raise BadRequestData."""
        if b"link" not in self.headers:
            return None
        found: list[str] = []
        for name, value in self.raw_headers:
            if name == b"link":
                found += context_links(value.decode("latin-1"))
        if len(set(found)) > 1:
            raise BadRequestData("The Link header names more than one JSON-LD @context", field="Link")
        return found[0] if found else None


@lru_cache(maxsize=64)
def _media_type(header: bytes) -> str:
    return header.partition(b";")[0].strip().lower().decode("latin-1")


def check_names(body: bytes) -> None:
    """Raises BadRequestData if an object has the same name twice. One of the values would be lost silently (RFC 8259 §4
    leaves open what it means).
    """

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = {name for name, _ in pairs}
        if len(names) != len(pairs):
            twice = next(name for at, (name, _) in enumerate(pairs) if name in {one for one, _ in pairs[:at]})
            raise BadRequestData(f"The name {twice[:200]!r} is given twice in one object", field=twice[:200])

    with contextlib.suppress(RecursionError, ValueError):  # too deep for this reader, as for all doors
        json.loads(body, object_pairs_hook=once)


def context_links(header: str) -> list[str]:
    """Targets of a Link header whose relation is the JSON-LD context."""
    found = []
    for match in _LINK.finditer(header[:16_384]):
        rel = _LINK_REL.search(match[2])
        if rel is not None and LD_CONTEXT_REL in (rel[1] or rel[2] or "").split():
            found.append(match[1].strip())
    return found


def _tenant(raw: bytes) -> str:
    text = raw.decode("latin-1")
    if not is_tenant(text):
        raise BadRequestData(
            "NGSILD-Tenant must be up to 64 letters, digits, '_', '-' and '.'", field="NGSILD-Tenant"
        )
    return text


def parse_parameters(query_string: bytes, allowed: frozenset[str]) -> dict[str, str]:
    """``a=b&c=d`` with percent-encoding and ``+`` for a blank; in ``scopeQ``, which has no blanks, + is itself."""
    found: dict[str, str] = {}
    parts = query_string.split(b"&")
    if len(parts) > _MAX_PARAMETERS:
        raise InvalidRequest(f"There are more than {_MAX_PARAMETERS} query parameters")
    for part in parts:
        if not part:
            continue
        name, _, value = part.partition(b"=")
        key = decode(name, "a parameter's name")
        if key not in allowed:
            raise InvalidRequest(
                f"The parameter {key[:80]!r} is not known here; known are {', '.join(sorted(allowed)) or 'none'}",
                field=key[:80],
            )
        if key in found:
            raise InvalidRequest(f"The parameter {key!r} is given twice", field=key)
        found[key] = decode(value if key == "scopeQ" else value.replace(b"+", b" "), key)
    return found


def decode(raw: bytes, where: str) -> str:
    """Percent-decode as UTF-8, strictly."""
    try:
        text = raw.decode("utf-8")
        return unquote(text, errors="strict") if "%" in text else text
    except UnicodeDecodeError:
        raise InvalidRequest(f"{where} is not UTF-8 after percent-decoding") from None
