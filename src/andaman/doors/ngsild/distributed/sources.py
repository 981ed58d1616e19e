"""Asking one context source: headers, limits, cooldown, and how it went (CIM 009 §4.3.6.4–4.3.6.6, §5.2.34, §6.3.17,
§6.3.18). Every question to every source goes through ``Sources.ask``."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.contexts.model import CORE_URL
from andaman.broker.outgoing import Header, OutgoingClient, Unreachable
from andaman.broker.registry.model import Registration
from andaman.broker.registry.service import Health, Registry
from andaman.doors.ngsild.http import LD_CONTEXT_REL, Call
from andaman.kernel.errors import NGSI, AndamanError
from andaman.kernel.time import Clock

log = logging.getLogger(__name__)
MAX_ANSWER: Final = 8 << 20
MAX_TIMEOUT_S: Final = 30.0
AT_ONCE: Final = 64
"""Questions under way at the same time, of all requests together: bounds memory to this many answers."""
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


class BadGateway(AndamanError):
    """A source did not do what it was asked to (§6.3.17)."""

    status, kind, title = 502, NGSI + "BadGateway", "A context source failed"


class GatewayTimeout(AndamanError):
    status, kind, title = 504, NGSI + "GatewayTimeout", "A context source did not answer in time"


class LoopDetected(AndamanError):
    """The request came by here before (§6.3.17)."""

    status, kind, title = 508, NGSI + "LoopDetected", "The registrations make a loop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a source answered. ``error`` None: 2xx. ``warning``: code of §6.3.17, 0 for none (a 404 is no fault)."""

    registration: Registration
    status: int
    payload: Any = None
    error: AndamanError | None = None
    warning: int = 0
    headers: Mapping[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """In which names and form a source is spoken to (§4.3.6.6)."""

    context: Context
    link: str | None  # URL for the Link header
    inline: bool  # the body carries its @context
    accept: bytes
    recompact: bool  # names differ from those of the request


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
                headers.append((key.encode(), value.encode("utf-8")))
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
        health = self.registry.health(registration.id, call.tenant)
        if health.quiet_until > time.monotonic():
            error = GatewayTimeout(
                f"{registration.id} failed a moment ago and is left alone until its cooldown is over"
            )
            return Outcome(registration, 0, error=error, warning=199)
        if registration.local_only:
            parameters = [*parameters, ("local", "true")]
        url = f"{registration.endpoint}/ngsi-ld/v1{path}"
        if parameters:
            url += "?" + "&".join(f"{name}={quote(value, safe=_SAFE_VALUE)}" for name, value in parameters)
        if payload is not None and wire.inline:
            payload = _with_context(payload, wire.context)
        body = b"" if payload is None else orjson.dumps(payload)
        headers = self._headers(call, registration, wire, payload is not None)
        timeout_s = min(registration.timeout_s or 5.0, MAX_TIMEOUT_S)
        try:
            async with asyncio.timeout(timeout_s + 1), self._slots:
                reply = await self._client.request(
                    method, url, headers=headers, body=body, timeout_s=timeout_s, max_bytes=MAX_ANSWER
                )
                found = await _parsed(reply.body) if reply.body else None
        except TimeoutError:
            return self._failed(
                health, registration, _failure(registration, "too many questions are under way", True), 199
            )
        except Unreachable as error:
            # The reason names hosts and addresses, which are not everybody's to know: it goes to the log only.
            log.info("context source %s: %s", registration.id, error.reason)
            reason = "its answer is not valid" if error.invalid else "it cannot be reached"
            failure = _failure(registration, reason, error.timed_out)
            return self._failed(health, registration, failure, 111 if error.invalid else 199)
        except orjson.JSONDecodeError:
            if 200 <= reply.status < 300:
                failure = _failure(registration, "the answer is not JSON", False)
                return self._failed(health, registration, failure, 111)
            found = None
        if 200 <= reply.status < 300:
            self._went_well(health)
            return Outcome(registration, reply.status, found, headers=reply.headers)
        told = _told(registration, reply.status, found)
        if reply.status == 404:
            self._went_well(health)
            return Outcome(registration, 404, found, told)
        return self._failed(health, registration, told, 199 if reply.status == 508 else 299, reply.status)

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
        if registration.cooldown_s:
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
    """Large answers are parsed beside the loop."""
    return orjson.loads(body) if len(body) < _IN_THREAD else await asyncio.to_thread(orjson.loads, body)


def _failure(registration: Registration, reason: str, timed_out: bool) -> AndamanError:
    kind = GatewayTimeout if timed_out else BadGateway
    reason = "it does not answer in time" if timed_out else reason
    return kind(f"Context source {registration.id}: {reason}", registrationId=registration.id)


class _Told(AndamanError):
    """The problem that a source told, passed on."""

    def __init__(self, status: int, kind: str, title: str, detail: str, registration_id: str) -> None:
        super().__init__(detail, registrationId=registration_id)
        self._own = (status, kind, title)
        self.status = status  # type: ignore[misc]

    def problem(self) -> dict[str, Any]:
        status, kind, title = self._own
        return {"type": kind, "title": title, "status": status, "detail": self.detail, **self.extra}


def _told(registration: Registration, status: int, payload: Any) -> AndamanError:
    body = payload if isinstance(payload, dict) else {}
    kind = body.get("type")
    kind = (
        kind[:200]
        if isinstance(kind, str) and kind.startswith(("http", "urn:"))
        else _KINDS.get(status, NGSI + "BadGateway")
    )
    title = body.get("title")
    detail = body.get("detail")
    shown = 400 <= status < 600
    return _Told(
        status if shown else 502,
        kind,
        title[:200] if isinstance(title, str) else "A context source refused",
        f"Context source {registration.id} answers {status}"
        + (f": {detail[:500]}" if isinstance(detail, str) and status < 500 else ""),
        registration.id,
    )


_KINDS: Final = {
    400: NGSI + "BadRequestData",
    404: NGSI + "ResourceNotFound",
    409: NGSI + "Conflict",
    422: NGSI + "OperationNotSupported",
    508: NGSI + "LoopDetected",
}
