"""HTTP of identity: signing in, users, tokens, audit. Shapes: docs/api.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity import shapes
from andaman.identity.audit import AuditFilter, Journal, Place
from andaman.identity.bodies import Body
from andaman.identity.checks import plain_username
from andaman.identity.credentials import csrf_of
from andaman.identity.doors import (
    ANYONE,
    SIGNED_IN,
    BoundDoor,
    Cost,
    DoorEntry,
    Tenancy,
)
from andaman.identity.gate import COOKIE
from andaman.identity.permissions import (
    MANAGE_ACCOUNTS,
    MANAGE_OWN_SIGN_INS,
    MANAGE_TOKENS,
    READ_AUDIT,
)
from andaman.identity.records import Account, Token, TokenKind
from andaman.identity.service import Identity
from andaman.identity.sign_in import KNOWN_FOR
from andaman.identity.tenants import checked_tenants
from andaman.identity.tokens import AS_BEFORE, LIFETIME, Listed
from andaman.identity.web import actor_of, credential_of
from andaman.kernel import query_params
from andaman.kernel.errors import BadRequestData, NotSignedIn, UnsupportedMediaType
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.positions import unseal
from andaman.kernel.refusals import NotAChoice
from andaman.kernel.time import SECOND, format_time

_BODY_MAX: Final = 64 * 1024
_DEVICE: Final = "andaman_device"
"""A cookie that grants nothing: it recognizes a device, so that a guesser at the same address does not lock out its
user.
"""
_NO_STORE: Final = {"Cache-Control": "no-store"}
Rename = Callable[[str], str]


_OWN: Final = Tenancy.NONE
_LOGIN: Final = DoorEntry(
    "POST",
    "/auth/login",
    _OWN,
    ANYONE,
    narrowed=True,
    body_max=_BODY_MAX,
    because="Signing in is how one becomes known; who guesses is slowed down.",
)
_ME: Final = DoorEntry("GET", "/auth/me", _OWN, ANYONE, devices=True)
_LOGOUT: Final = DoorEntry(
    "POST",
    "/auth/logout",
    _OWN,
    ANYONE,
    narrowed=True,
    because="It ends the session that it came with, and does nothing without one.",
)
_PASSWORD: Final = DoorEntry(
    "POST",
    "/auth/password",
    _OWN,
    SIGNED_IN,
    body_max=_BODY_MAX,
    because="The password is one's own, and the old one is asked.",
)
_SESSIONS: Final = DoorEntry("GET", "/auth/sessions", _OWN, MANAGE_OWN_SIGN_INS)
_END_SESSIONS: Final = DoorEntry("DELETE", "/auth/sessions", _OWN, MANAGE_OWN_SIGN_INS)
_END_SESSION: Final = DoorEntry("DELETE", "/auth/sessions/{id}", _OWN, MANAGE_OWN_SIGN_INS)
_END_TOKEN: Final = DoorEntry("DELETE", "/auth/tokens/{id}", _OWN, MANAGE_OWN_SIGN_INS)
_USERS: Final = "/api/identity/users"
_USER: Final = "/api/identity/users/{username}"
_TOKENS: Final = "/api/identity/tokens"


def _administration(method: str, path: str, requires: Permission) -> DoorEntry:
    """A door of the city's administration; the service audits each action there."""
    body_max = _BODY_MAX if method in ("POST", "PATCH") and not path.endswith("/own") else 0
    return DoorEntry(
        method, path, Tenancy.CITY, requires, narrowed=False, body_max=body_max, cost=Cost.QUESTION
    )


def routes(
    identity: Identity,
    journal: Journal | None = None,
    *,
    expand: Rename = lambda name: name,
    shorten: Rename = lambda iri: iri,
) -> list[BoundDoor]:
    """``expand`` and ``shorten`` turn short type names into IRIs and back; ``journal`` is the broker."""
    door = _Door(identity, journal, expand, shorten)
    return [
        _LOGIN.to(door.login),
        _ME.to(door.me),
        _LOGOUT.to(door.logout),
        _PASSWORD.to(door.password),
        _SESSIONS.to(door.sessions),
        _END_SESSIONS.to(door.end_sessions),
        _END_SESSION.to(door.end_session),
        _END_TOKEN.to(door.end_token),
        _administration("GET", _USERS, MANAGE_ACCOUNTS).to(door.users),
        _administration("POST", _USERS, MANAGE_ACCOUNTS).to(door.add_user),
        _administration("GET", _USER, MANAGE_ACCOUNTS).to(door.user),
        _administration("PATCH", _USER, MANAGE_ACCOUNTS).to(door.change_user),
        _administration("GET", _TOKENS, MANAGE_TOKENS).to(door.tokens),
        _administration("POST", _TOKENS, MANAGE_TOKENS).to(door.add_token),
        _administration("DELETE", _TOKENS + "/{id}", MANAGE_TOKENS).to(door.token),
        _administration("POST", _TOKENS + "/{id}/rotate", MANAGE_TOKENS).to(door.rotate_token),
        _administration("POST", _TOKENS + "/{id}/own", MANAGE_TOKENS).to(door.own_token),
        _administration("GET", "/api/identity/audit", READ_AUDIT).to(door.audit),
    ]


class _Door:
    def __init__(self, identity: Identity, journal: Journal | None, expand: Rename, shorten: Rename) -> None:
        self._identity, self._journal = identity, journal
        self._expand, self._shorten = expand, shorten

    async def login(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise UnsupportedMediaType("Sign in with a body of application/json")
        body = Body(await read_json(request, _BODY_MAX))
        address = request.client.host if request.client else ""
        done = await self._identity.sign_in(
            body.text("username"),
            body.text("password"),
            address,
            body.text("purpose", ""),
            request.cookies.get(_DEVICE, "")[:100],
        )
        principal = done.session.account.principal(done.session.purpose, self._identity.roles)
        response = json_response(
            {"principal": shapes.principal(principal, self._identity.roles), "csrf": done.csrf},
            headers=_NO_STORE,
        )
        response.set_cookie(
            COOKIE,
            done.secret,
            max_age=int((done.session.expires_at - done.session.created_at) // SECOND),
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        response.set_cookie(
            _DEVICE,
            done.device,
            max_age=KNOWN_FOR // SECOND,
            path="/auth/login",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def me(self, request: Request) -> Response:
        credential = credential_of(request)
        csrf = None
        if credential is not None and credential.kind == "session":
            csrf = csrf_of(request.cookies[COOKIE])
        answer = {
            "principal": shapes.principal(actor_of(request).principal, self._identity.roles),
            "csrf": csrf,
        }
        return json_response(answer, headers=_NO_STORE)

    async def logout(self, request: Request) -> Response:
        credential = credential_of(request)
        if credential is not None and credential.kind == "session":
            await self._identity.sign_out(credential, actor_of(request))
        response = Response(status_code=204, headers=_NO_STORE)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    async def password(self, request: Request) -> Response:
        credential = credential_of(request)
        if credential is None or credential.kind != "session":
            raise NotSignedIn("Sign in to change your password")
        body = Body(await read_json(request, _BODY_MAX))
        await self._identity.change_password(
            credential, body.text("old"), body.text("new"), actor_of(request)
        )
        return Response(status_code=204)

    async def sessions(self, request: Request) -> Response:
        actor, credential, mine = actor_of(request), credential_of(request), self._identity.sessions
        current = mine.current(credential)
        answer = {
            "sessions": [shapes.session(one) | {"current": one.id == current} for one in mine.of(actor)],
            "tokens": [self._token(token) for token in mine.tokens_of(actor)],
        }
        return json_response(answer, headers=_NO_STORE)

    async def end_sessions(self, request: Request) -> Response:
        credential = credential_of(request)
        if credential is None or credential.kind != "session":
            raise NotSignedIn("Sign in to end your other sessions")
        ended = await self._identity.sessions.end_others(credential, actor_of(request))
        return json_response({"ended": ended})

    async def end_session(self, request: Request) -> Response:
        await self._identity.sessions.end(request.path_params["id"], actor_of(request))
        return Response(status_code=204)

    async def end_token(self, request: Request) -> Response:
        await self._identity.sessions.revoke_token(request.path_params["id"], actor_of(request))
        return Response(status_code=204)

    async def users(self, request: Request) -> Response:
        return json_response([self._account(account) for account in self._identity.list_users()])

    async def add_user(self, request: Request) -> Response:
        body = Body(await read_json(request, _BODY_MAX))
        account = await self._identity.add_user(
            body.text("username"),
            body.text("password"),
            body.roles(self._identity.roles),
            actor_of(request),
            name=body.text("name", ""),
            agency=body.text("agency", ""),
        )
        return json_response(self._account(account), 201)

    async def user(self, request: Request) -> Response:
        username = request.path_params["username"]
        standing = await asyncio.to_thread(self._identity.tokens.depending_on, _principal_of(username))
        account = self._identity.get_user(username)
        return json_response(
            self._account(account) | {"tokens": [shapes.brief(one.token) for one in standing]}
        )

    async def change_user(self, request: Request) -> Response:
        actor, username = actor_of(request), request.path_params["username"]
        standing = await asyncio.to_thread(self._identity.tokens.depending_on, _principal_of(username))
        body = Body(await read_json(request, _BODY_MAX))
        body.only("name", "agency", "password", "disabled", "roles", "tenants")
        tenants = checked_tenants(body.texts("tenants")) if "tenants" in body.members else None
        if tenants is not None and len(body.members) == 1:
            account = self._identity.get_user(username)
            await self._identity.tenants.give(account, tenants, actor)
            return json_response(self._account(account) | await self._fallen(standing))
        account = await self._identity.update_user(
            username,
            actor,
            name=body.text_or_none("name"),
            agency=body.text_or_none("agency"),
            password=body.text_or_none("password"),
            disabled=body.flag_or_none("disabled"),
            roles=body.roles(self._identity.roles) if "roles" in body.members else None,
        )
        if tenants is not None:
            await self._identity.tenants.give(account, tenants, actor)
        return json_response(self._account(account) | await self._fallen(standing))

    async def _fallen(self, before: list[Listed]) -> dict[str, Any]:
        """What a change of an account took from the tokens that stand on it."""
        found = await asyncio.to_thread(self._identity.tokens.fallen, before)
        return {
            "endedTokens": [shapes.brief(token) for token in found.ended],
            "weakerTokens": [shapes.brief(token) for token in found.weaker],
        }

    async def tokens(self, request: Request) -> Response:
        listed = await asyncio.to_thread(self._identity.tokens.listed)
        return json_response([self._token(one.token) | shapes.state(one) for one in listed])

    async def add_token(self, request: Request) -> Response:
        body = Body(await read_json(request, _BODY_MAX))
        kind = body.text("kind", "api")
        if kind not in set(TokenKind):
            raise NotAChoice(field="kind", choices=list(TokenKind))
        token, secret = await self._identity.add_token(
            TokenKind(kind),
            body.text("name"),
            actor_of(request),
            roles=body.roles(self._identity.roles) if "roles" in body.members else (),
            agency=body.text("agency", ""),
            purpose=body.text("purpose", ""),
            types=[self._expand(name) for name in body.texts("types")],
            scopes=body.texts("scopes"),
            lifetime=body.lifetime(LIFETIME),
            tenant=body.text("tenant", ""),
        )
        return json_response({"token": self._token(token), "secret": secret}, 201, _NO_STORE)

    async def token(self, request: Request) -> Response:
        await self._identity.revoke_token(request.path_params["id"], actor_of(request))
        return Response(status_code=204)

    async def rotate_token(self, request: Request) -> Response:
        actor = actor_of(request)
        body = Body(await read_json(request, _BODY_MAX, empty={}))
        body.only("graceSeconds", "lifetimeDays")
        grace = body.number_or_none("graceSeconds", 0, 30 * 86_400) or 0
        token, secret = await self._identity.tokens.rotate(
            request.path_params["id"], actor, grace=int(grace * SECOND), lifetime=body.lifetime(AS_BEFORE)
        )
        return json_response({"token": self._token(token), "secret": secret}, headers=_NO_STORE)

    async def own_token(self, request: Request) -> Response:
        token = await self._identity.tokens.take_over(request.path_params["id"], actor_of(request))
        (listed,) = await asyncio.to_thread(self._identity.tokens.listed, [token])
        return json_response(self._token(token) | shapes.state(listed))

    async def audit(self, request: Request) -> Response:
        query = request.query_params
        limit = query_params.integer(query, "limit", 100, 1, 1000)
        after_at = query_params.time(query, "from", None)
        try:
            before = self._before(query["before"]) if "before" in query else None
        except ValueError:
            raise BadRequestData("before is given by the page before", field="before") from None
        texts = {name: query_params.text(query, name) for name in ("actor", "action", "target", "outcome")}
        wanted = AuditFilter(**texts, after_at=after_at, before=before, limit=limit)
        entries = await self._identity.audit.merged(
            wanted, self._journal, self._shorten, actor_of(request).access.enters
        )
        key = self._key
        on = None
        if len(entries) == limit:
            last = Place.of(entries[-1])
            on = f"{last.at}.{last.rank}.{shapes.sealed(key, entries[-1])}"
        return json_response({"entries": [shapes.entry(entry, key) for entry in entries], "before": on})

    @property
    def _key(self) -> bytes:
        """The key that seals positions; without a journal, positions reveal nothing that needs a key."""
        return b"" if self._journal is None else self._journal.position_key

    def _before(self, text: str) -> Place:
        """Raises ValueError."""
        at, rank, sealed = text.split(".")
        seq = unseal(self._key, shapes.AUDIT[int(rank)], sealed) if rank in ("0", "1") else None
        if seq is None or not (at.isascii() and at.isdigit() and len(at) < 19):
            raise ValueError("before is given by the page before")
        return Place(int(at), int(rank), seq)

    def _account(self, account: Account) -> dict[str, Any]:
        return shapes.account(account) | {"tenants": self._identity.tenants.given(account.username)}

    def _token(self, token: Token) -> dict[str, Any]:
        return {
            "id": token.id,
            "kind": token.kind,
            "name": token.name,
            "roles": sorted(token.roles),
            "agency": token.agency,
            "purpose": token.purpose,
            "types": sorted(self._shorten(iri) for iri in token.types),
            "scopes": list(token.scopes),
            "createdBy": token.created_by,
            "owner": token.owner,
            "createdAt": format_time(token.created_at),
            "expiresAt": shapes.time(token.expires_at),
            "revokedAt": shapes.time(token.revoked_at),
            "lastUsedAt": shapes.time(token.last_used_at),
            "tenant": token.tenant,
        }


def _principal_of(username: str) -> str:
    return f"user:{plain_username(username)}"
