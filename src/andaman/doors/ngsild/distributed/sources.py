"""Asking one context source: headers, limits, cooldown, and how it went (CIM 009 §4.3.6.4–4.3.6.6, §5.2.34, §6.3.17,
§6.3.18). Every question to every source goes through ``Sources.ask``."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.contexts.model import CORE_URL
from andaman.broker.outgoing import Header, OutgoingClient, Reply, Unreachable, header_value
from andaman.broker.registry.model import Registration
from andaman.broker.registry.service import Health, Registry
from andaman.doors.ngsild.distributed.cache import AnswerCache, Key
from andaman.doors.ngsild.distributed.faults import GatewayTimeout, failure_of, reported_by
from andaman.doors.ngsild.http import LD_CONTEXT_REL, Call
from andaman.kernel.errors import AndamanError
from andaman.kernel.time import Clock

log = logging.getLogger(__name__)
MAX_ANSWER: Final = 8 << 20
MAX_TIMEOUT_S: Final = 30.0
OF_ONE: Final = 16
"""Questions under way to one source: a slow one holds no more than these, and the memory of as many answers."""
AT_ONCE: Final = 256
"""Questions under way to all of them."""
_SAFE_VALUE: Final = ":/*.,;|!$()@'~-_=<>\"[]"
_IN_THREAD: Final = 1 << 19
_OURS: Final = frozenset(
    {
        "accept",
        "contenttype",
        "content-type",
        "content-length",
        "host",
        "connection",
        "transfer-encoding",
        "via",
    }
    | {
        "link",
        "ngsild-tenant",
        "jsonldcontext",
        "ngsildconformance",
        "upgrade",
        "te",
        "trailer",
        "keep-alive",
    }
    | {"proxy-connection", "expect", "cookie"}
)
FROM_REQUEST: Final = "urn:ngsi-ld:request"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a source. ``error`` None: 2xx. ``warning``: code of §6.3.17, 0 for none (a 404 is no fault)."""

    registration: Registration
    status: int
    payload: Any = None
    error: AndamanError | None = None
    warning: int = 0
    headers: Mapping[bytes, bytes] | None = None
    size: int = 0  # bytes of the answer


@dataclass(frozen=True, slots=True)
class Wire:
    """In which names and form a source is spoken to (§4.3.6.6)."""

    context: Context
    link: str | None  # URL for the Link header
    inline: bool  # the body carries its @context
    accept: bytes
    recompact: bool  # names differ from those of the request


@dataclass(slots=True)
class _Lane:
    """The way to one source."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OF_ONE))
    users: int = 0


class Sources:
    """Context sources as the door asks them. Bounded: answers, time, questions at once."""

    def __init__(
        self, registry: Registry, client: OutgoingClient, contexts: ContextStore, clock: Clock
    ) -> None:
        self.registry = registry
        self._client = client
        self._contexts = contexts
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._lanes: dict[str, _Lane] = {}
        self._cache = AnswerCache()

    # -- loops (§4.3.6.4) -----------------------------------------------------------------------------------
    def came_by(self, call: Call) -> frozenset[str]:
        """Names of the brokers that this request passed, from its Via headers (RFC 9110 §7.6.3)."""
        found: set[str] = set()
        for name, value in call.raw_headers:
            if name == b"via":
                for hop in value.decode("latin-1").split(",")[:1000]:
                    words = hop.split()
                    if len(words) >= 2:
                        found.add(words[1])
        return frozenset(found)

    def alias(self, tenant: str) -> str:
        name = self.registry.alias
        return f"{name}-{tenant}" if tenant else name

    # -- wire -----------------------------------------------------------------------------------------------
    async def wire(self, registration: Registration, context: Context, call: Call) -> Wire:
        """How to speak to this source. A context that it names and that cannot be had raises LdContextNotAvailable."""
        info = dict(registration.source_info)
        accept = info.get("accept", "application/json").encode()
        own = info.get("jsonldContext")
        if own is not None:
            if own == FROM_REQUEST:
                own = call.link_context() or CORE_URL
            target = await self._contexts.resolve(own)
            return Wire(target, own, False, accept, True)
        link = _single(context.source)
        inline = info.get("contentType") == "application/ld+json" or (
            link is None and context.source is not None and info.get("contentType") != "application/json"
        )
        return Wire(
            context, link or (context.link if context.source is not None else None), inline, accept, False
        )

    def _headers(self, call: Call, registration: Registration, wire: Wire, has_body: bool) -> list[Header]:
        headers: list[Header] = [(b"accept", wire.accept)]
        if has_body:
            headers.append((b"content-type", b"application/ld+json" if wire.inline else b"application/json"))
        if wire.link is not None and not (has_body and wire.inline):
            link = f'<{wire.link}>; rel="{LD_CONTEXT_REL}"; type="application/ld+json"'
            headers.append((b"link", link.encode("latin-1", "replace")))
        if registration.tenant:
            headers.append((b"ngsild-tenant", registration.tenant.encode()))
        hops = [value for name, value in call.raw_headers if name == b"via"]
        hops.append(f"1.1 {self.alias(call.tenant)}".encode())
        headers.append((b"via", b", ".join(hops)))
        for key, value in registration.source_info:
            if key.lower() in _OURS:
                continue
            if value == FROM_REQUEST:
                found = call.headers.get(key.lower().encode("latin-1"))
                if found is None:
                    continue
                headers.append((key.encode(), found))
            else:
                headers.append((key.encode(), header_value(value, "utf-8")))
        return headers

    # -- asking ---------------------------------------------------------------------------------------------
    async def ask(
        self,
        call: Call,
        registration: Registration,
        method: str,
        path: str,
        wire: Wire,
        parameters: Sequence[tuple[str, str]] = (),
        payload: Any = None,
    ) -> Outcome:
        """One question. ``path``: behind ``/ngsi-ld/v1``, percent-encoded. Never raises for what the source does."""
        if registration.local_only:
            parameters = [*parameters, ("local", "true")]
        url = f"{registration.endpoint}/ngsi-ld/v1{path}"
        if parameters:
            url += "?" + "&".join(f"{name}={quote(value, safe=_SAFE_VALUE)}" for name, value in parameters)
        if payload is not None and wire.inline:
            payload = _with_context(payload, wire.context)
        body = b"" if payload is None else orjson.dumps(payload)
        headers = self._headers(call, registration, wire, payload is not None)
        reading = method == "GET" or path == "/entityOperations/query"
        if registration.cache_s and not reading:
            self._cache.forget(call.tenant, registration.id)
        elif registration.cache_s:
            written = registration.document.get("modifiedAt")
            key = (call.tenant, registration.id, (written, method, url, body, tuple(headers)))
            return await self._ask_or_know(call, registration, method, url, headers, body, key)
        return (await self._send(call, registration, method, url, headers, body))[0]

    async def _ask_or_know(
        self,
        call: Call,
        registration: Registration,
        method: str,
        url: str,
        headers: list[Header],
        body: bytes,
        key: Key,
    ) -> Outcome:
        """A kept answer, or the one that another request is waiting for, or a fresh one (§5.2.34 cacheDuration)."""
        known = self._cache.find(key)
        if known is None:
            await self._cache.wait(key)
            known = self._cache.find(key)
        if known is not None:
            found, size = await _parsed(known.body), len(known.body)
            return Outcome(registration, known.status, found, headers=known.headers, size=size)
        asking = self._cache.begin(key)
        fresh: Reply | None = None
        try:
            outcome, reply = await self._send(call, registration, method, url, headers, body)
            fresh = reply if outcome.error is None and reply is not None and reply.body else None
        finally:
            self._cache.end(key, asking, fresh, registration.cache_s)
        return outcome

    async def _send(
        self,
        call: Call,
        registration: Registration,
        method: str,
        url: str,
        headers: list[Header],
        body: bytes,
    ) -> tuple[Outcome, Reply | None]:
        """One exchange with the source; its reply where there was one."""
        health = self.registry.health(registration.id, call.tenant)
        if health.quiet_until > time.monotonic():
            error = GatewayTimeout(
                f"{registration.id} failed a moment ago and is left alone until its cooldown is over"
            )
            return Outcome(registration, 0, error=error, warning=199), None
        timeout_s = min(registration.timeout_s or 5.0, MAX_TIMEOUT_S)
        lane = self._lanes.setdefault(registration.endpoint, _Lane())
        lane.users += 1
        try:
            async with asyncio.timeout(timeout_s + 1), lane.slots, self._slots:
                reply = await self._client.request(
                    method, url, headers=headers, body=body, timeout_s=timeout_s, max_bytes=MAX_ANSWER
                )
                found = await _parsed(reply.body) if reply.body else None
        except TimeoutError:
            failure = failure_of(registration, "too many questions are under way", True)
            return self._failed(health, registration, failure, 199), None
        except Unreachable as error:
            # The reason names hosts and addresses, which are not everybody's to know: it goes to the log only.
            log.info("context source %s: %s", registration.id, error.reason)
            reason = "its answer is not valid" if error.invalid else "it cannot be reached"
            failure = failure_of(registration, reason, error.timed_out)
            return self._failed(health, registration, failure, 111 if error.invalid else 199), None
        except orjson.JSONDecodeError:
            if 200 <= reply.status < 300:
                failure = failure_of(registration, "the answer is not JSON", False)
                return self._failed(health, registration, failure, 111), None
            found = None
        finally:
            lane.users -= 1
            if not lane.users:
                self._lanes.pop(registration.endpoint, None)
        if 200 <= reply.status < 300:
            self._went_well(health)
            size = len(reply.body)
            return Outcome(registration, reply.status, found, headers=reply.headers, size=size), reply
        reported = reported_by(registration, reply.status, found)
        if reply.status == 404:
            self._went_well(health)
            return Outcome(registration, 404, found, reported), reply
        warning = 199 if reply.status == 508 else 299
        return self._failed(health, registration, reported, warning, reply.status), reply

    def _went_well(self, health: Health) -> None:
        health.sent += 1
        health.ok = True
        health.last_success = self._clock()

    def _failed(
        self, health: Health, registration: Registration, error: AndamanError, warning: int, status: int = 0
    ) -> Outcome:
        health.sent += 1
        health.failed += 1
        health.ok = False
        health.last_failure = self._clock()
        broken = status == 0 or status == 429 or (status >= 500 and status != 508)
        if registration.cooldown_s and broken:  # one that only refused this request is well (§5.2.34)
            health.quiet_until = time.monotonic() + registration.cooldown_s
        return Outcome(registration, status, error=error, warning=warning)


def warning_headers(outcomes: Sequence[Outcome], alias: str) -> list[Header]:
    """NGSILD-Warning (§6.3.17), one for each source that did not behave; what sources warn of is passed on."""
    found: dict[bytes, None] = {}
    for one in outcomes:
        if one.warning:
            detail = one.error.detail if one.error is not None else "the answer is not valid"
            found[f'{one.warning} {alias} "{_plain(detail)[:200]}"'.encode()] = None
        if one.headers is not None and b"ngsild-warning" in one.headers:
            for code, agent, text in _WARNING.findall(
                one.headers[b"ngsild-warning"].decode("latin-1")[:2000]
            ):
                found[f'{code} {agent} "{_plain(text)}"'.encode()] = None
    return [(b"NGSILD-Warning", text) for text in list(found)[:100]]


_WARNING: Final = re.compile(r'(\d{3}) ([!-~]{1,100}) "([^"]{0,300})"')


def _plain(text: str) -> str:
    return "".join(char if 32 <= ord(char) < 127 and char not in '"\\' else " " for char in text)


def _single(source: Any) -> str | None:
    """The URL of a context that is one URL, the core context aside."""
    if isinstance(source, str):
        return source
    if isinstance(source, list):
        others = [one for one in source if not (isinstance(one, str) and one.startswith(_CORE))]
        if len(others) == 1 and isinstance(others[0], str):
            return others[0]
        if not others and source:
            return str(source[0])
    return None


_CORE: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context"


def _with_context(payload: Any, context: Context) -> Any:
    if isinstance(payload, list):
        return [_with_context(one, context) for one in payload]
    return {**payload, "@context": context.member} if isinstance(payload, dict) else payload


async def _parsed(body: bytes) -> Any:
    """Large answers are parsed in a thread, off the loop."""
    return orjson.loads(body) if len(body) < _IN_THREAD else await asyncio.to_thread(orjson.loads, body)
