"""The gate: ASGI middleware that says who acts, before anything else looks at the request.

It sets ``scope["andaman.actor"]``; the rights travel inside the actor as a filter. What the actor may do with them, each door
asks by its entry (``identity.doors``). On the hot path (a token or session seen in the last seconds) it costs a few microseconds.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from math import ceil
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from andaman.identity.credentials import Credential, Known, csrf_of, digest_of
from andaman.identity.entrance import close_socket
from andaman.identity.limits import Limits
from andaman.identity.model import FULL_ACCESS, Actor, Principal
from andaman.identity.powers import KNOWN, powers_of
from andaman.identity.problems import (
    CsrfTokenWrong,
    QuestionsThrottled,
    SessionEndedMeanwhile,
    TooManyScreens,
)
from andaman.identity.roles import RoleTable, shipped_roles
from andaman.identity.service import Identity
from andaman.identity.web import ACTOR, ASK, CREDENTIAL, GATE, LOOKED, RECHECK, STANDING
from andaman.kernel.errors import AndamanError, Forbidden, NotSignedIn
from andaman.kernel.http import problem_response
from andaman.kernel.metrics import REQUEST_ID, STATUS
from andaman.kernel.time import Micros

COOKIE: Final = "andaman_session"
_COOKIE: Final = COOKIE.encode() + b"="
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SIGN_IN: Final = "/auth/login"
_ALWAYS: Final[Micros] = 1 << 62


class Gate:
    """Authenticates every http and websocket scope.

    Cookie → session, ``Authorization: Bearer`` → token, neither → the public principal. A bearer token that is not
    in force is refused with 401, whereas a session that is over makes its bearer the public (screens ask
    ``/auth/me``). Unsafe methods with a session need ``X-CSRF-Token``; pages of other origins (``allowed_origins``
    apart, such as ``https://city.example``) may neither open web sockets nor sign in.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: Identity,
        *,
        allowed_origins: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self.app = app
        self.limits = limits or Limits()
        self._identity = identity
        self._allowed = frozenset(allowed_origins)
        self._actors: dict[tuple[Credential | None, str], tuple[Actor, Micros, bytes, int]] = {}
        self._changes = 0  # of rights, since the start
        identity.on_change(self._forget)

    def _forget(self) -> None:
        self._changes += 1
        self._actors.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind != "http" and kind != "websocket":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        client = scope.get("client")
        address = client[0] if client else ""
        try:
            self._admit(scope, headers, address)
        except AndamanError as error:
            await _refuse(error, scope, receive, send)
            return
        if kind == "websocket" and not scope[STANDING] & KNOWN:
            await self._socket(address, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _socket(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The socket of an anonymous client; one address has only so many."""
        if not self.limits.enter(address):
            await _refuse(TooManyScreens(), scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self.limits.leave(address)

    @asynccontextmanager
    async def question(self, address: str) -> AsyncIterator[None]:
        """A question of an anonymous client, which waits for its turn. Raises TooManyRequests."""
        async with self.limits.turn(address):
            self.ask(address)
            yield

    def spend(self, address: str, size: int) -> None:
        """Charge an anonymous client for an answer of ``size`` bytes."""
        self.limits.spend(address, size)

    def ask(self, address: str) -> None:
        """Count one question of an anonymous client. Raises TooManyRequests."""
        wait_s = self.limits.take(address)
        if wait_s:
            raise QuestionsThrottled(retryAfter=ceil(wait_s))

    async def audited(self, actor: Actor, action: str, target: str) -> None:
        """Write a success into the audit log."""
        await self._identity.audit.add(actor, action, target)

    def refused(self, actor: Actor, scope: Mapping[str, Any], detail: str) -> None:
        """Write a refusal of this request into the audit log, soon."""
        action = f"refused.{scope.get('method', scope['type'])}"
        self._identity.audit.refused(actor, action, scope["path"], detail)

    def renewed(self, scope: MutableMapping[str, Any], *, elsewhere: bool = False) -> Actor:
        """The actor as of now of a request that was let in before. It is the same object while nothing changed, which
        costs less than a microsecond. ``elsewhere``: see also what another process changed just now; that costs some
        microseconds.

        Raises NotSignedIn when the session or token that the request came with is over.
        """
        before: Actor = scope[ACTOR]
        if elsewhere:
            self._identity.look()
        changes, until = scope[LOOKED]
        if changes == self._changes and (until == _ALWAYS or self._identity.clock() < until):
            return before
        secret, credential = _credential(dict(scope["headers"]))
        changes = self._changes
        actor, until, _, standing = self._actor(credential, secret, before.origin)
        if actor.principal.id != before.principal.id:
            raise SessionEndedMeanwhile
        scope[LOOKED] = (changes, until)
        actor = Actor(actor.principal, actor.access, before.origin, before.reason, before.request_id)
        scope[ACTOR], scope[STANDING] = actor, standing
        return actor

    def _admit(self, scope: Scope, headers: dict[bytes, bytes], address: str) -> None:
        """Set the actor. Raises NotSignedIn and Forbidden."""
        secret, credential = _credential(headers)
        changes = self._changes
        actor, until, csrf, standing = self._actor(credential, secret, address)
        if b"x-request-id" in headers or b"x-andaman-reason" in headers:
            actor = _with_headers(actor, headers)
        scope[ACTOR] = actor
        scope[STANDING] = standing
        scope[GATE] = self
        scope[LOOKED] = (changes, until)
        scope[CREDENTIAL] = credential if standing & KNOWN else None
        if scope["type"] == "websocket":
            self._check_origin(scope, headers)
            scope[RECHECK] = self._recheck(scope[CREDENTIAL], address)
            if not standing & KNOWN:
                scope[ASK] = partial(self.ask, address)
        elif scope["method"] not in _SAFE:
            if scope["path"] == _SIGN_IN:
                self._check_origin(scope, headers)
            elif csrf and not hmac.compare_digest(headers.get(b"x-csrf-token", b""), csrf):
                self.refused(actor, scope, "no or wrong X-CSRF-Token")
                raise CsrfTokenWrong

    def _actor(
        self, credential: Credential | None, secret: bytes, address: str
    ) -> tuple[Actor, Micros, bytes, int]:
        """The actor, until when to remember it, the CSRF token its unsafe requests need (empty for none), its standing."""
        identity = self._identity
        key = (credential, address)
        found = self._actors.get(key)
        if found is not None and (credential is None or identity.clock() < found[1]):
            return found
        known: Known | None = None if credential is None else identity.authenticate(credential)
        if credential is not None and known is None and credential.kind == "token":
            raise NotSignedIn("The token is not known, is over or was revoked")
        if credential is None or known is None:
            actor = identity.public_actor(address)
            entry = (actor, 0 if credential else _ALWAYS, b"", powers_of(actor))
            if credential is not None:  # a session that is over: not remembered, there is no end of those
                return entry
        else:
            csrf = csrf_of(secret).encode() if credential.kind == "session" else b""
            actor = identity.actor(known, address)
            entry = (actor, known.until, csrf, powers_of(actor))
        if len(self._actors) >= 20_000:
            self._actors.clear()
        self._actors[key] = entry
        return entry

    def _check_origin(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        origin = headers.get(b"origin")
        if origin is None:  # not a browser
            return
        text = origin.decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        if text in self._allowed or (host and text.partition("://")[2] == host):
            return
        self.refused(scope[ACTOR], scope, f"foreign origin {text}")
        raise Forbidden(f"Pages of {text} may not do this here; add it to the allowed origins if they should")

    def _recheck(self, credential: Credential | None, address: str) -> Callable[[], Actor | None]:
        identity = self._identity

        def recheck() -> Actor | None:
            if credential is None:
                return identity.public_actor(address)
            known = identity.authenticate(credential)
            return None if known is None else identity.actor(known, address)

        return recheck


class NoAuthGate:
    """Everyone may do everything: for conformance runs on loopback only.

    Browsers' pages of other hosts are refused still, also those that point their own name at this machine.
    """

    def __init__(self, app: ASGIApp, roles: RoleTable | None = None) -> None:
        """``roles`` None: those that ship."""
        self.app = app
        roles = roles or shipped_roles()
        every = frozenset(roles.rows)
        principal = Principal("no-auth", "no-auth", every, permissions=roles.permissions_of(every))
        self._principal = principal
        self._actors: dict[str, Actor] = {}
        self._standing = powers_of(Actor(principal))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers: dict[bytes, bytes] = dict(scope["headers"])
            origin = headers.get(b"origin", b"").decode("latin-1")
            if _host(headers.get(b"host", b"localhost").decode("latin-1")) not in _LOOPBACK or (
                origin and _host(origin.partition("://")[2]) not in _LOOPBACK
            ):
                await _refuse(
                    Forbidden("With --no-auth only this machine by the name localhost is served"),
                    scope,
                    receive,
                    send,
                )
                return
            client = scope.get("client")
            address = client[0] if client else ""
            actor = self._actors.get(address)
            if actor is None:
                if len(self._actors) >= 1_000:
                    self._actors.clear()
                actor = self._actors[address] = Actor(self._principal, FULL_ACCESS, address)
            scope[ACTOR] = actor
            scope[STANDING] = self._standing
        await self.app(scope, receive, send)


def _credential(headers: dict[bytes, bytes]) -> tuple[bytes, Credential | None]:
    authorization = headers.get(b"authorization")
    if authorization is not None:
        if authorization[:7].lower() != b"bearer ":
            raise NotSignedIn("Authorization is not of the form 'Bearer <token>'", field="Authorization")
        secret = authorization[7:].strip()
        return secret, Credential("token", digest_of(secret))
    cookie = headers.get(b"cookie")
    if cookie is None:
        return b"", None
    for part in cookie.split(b";"):
        part = part.strip()
        if part.startswith(_COOKIE):
            secret = part[len(_COOKIE) :]
            return secret, Credential("session", digest_of(secret))
    return b"", None


def _with_headers(actor: Actor, headers: dict[bytes, bytes]) -> Actor:
    """The caller's request id (64 visible ASCII characters) and reason (percent-encoded, 500 characters)."""
    request_id = headers.get(b"x-request-id", b"")[:64].decode("latin-1")
    reason = unquote(headers.get(b"x-andaman-reason", b"")[:4000].decode("latin-1"))[:500]
    safe = request_id if request_id.isascii() and request_id.isprintable() else ""
    return Actor(actor.principal, actor.access, actor.origin, reason, safe)


@lru_cache(maxsize=256)
def _host(authority: str) -> str:
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


async def _refuse(error: AndamanError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await close_socket(error, receive, send)
        return
    response = problem_response(error)
    if scope["path"].startswith("/ngsi-ld/") and REQUEST_ID in scope:
        scope[STATUS] = error.status
        response.headers["X-Request-Id"] = scope[REQUEST_ID].decode("ascii")
    await response(scope, receive, send)
