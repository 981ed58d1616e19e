"""At a door: asks what its entry demands before the handler runs, and builds Starlette's routes from entries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from andaman.identity.doors import BoundDoor, Cost, DoorEntry, Tenancy, Verdict, checked
from andaman.identity.model import Actor
from andaman.identity.powers import ELSEWHERE, KNOWN, PUBLIC, powers_of
from andaman.identity.tenants import check_entry
from andaman.identity.web import GATE, STANDING, TENANT, actor_of, note_refusal, refuse_permission
from andaman.kernel.errors import (
    AndamanError,
    BadRequestData,
    Forbidden,
    NoSuchTenant,
    NotSignedIn,
    TooLarge,
    TooManyRequests,
)
from andaman.kernel.http import STRANGERS_BODY
from andaman.kernel.ids import is_tenant
from andaman.kernel.permissions import Permission

_HEADER: Final = b"ngsild-tenant"
_NAME: Final = "NGSILD-Tenant"
_PARAMETERS_MAX: Final = 100
Handler = Callable[[Request], Awaitable[Response]]


class Keeper(Protocol):
    """What a door needs of the gate; absent with --no-auth, which limits and audits nothing."""

    def question(self, address: str) -> AbstractAsyncContextManager[None]:
        """A question of an anonymous client, which waits for its turn. Raises TooManyRequests."""

    def spend(self, address: str, size: int) -> None:
        """Charge an anonymous client for an answer of ``size`` bytes."""

    async def audited(self, actor: Actor, action: str, target: str) -> None:
        """Write a success into the audit log."""

    def renewed(self, scope: MutableMapping[str, Any], *, elsewhere: bool = False) -> Actor:
        """The actor as of now, the same object while nothing changed. Raises NotSignedIn."""


def admit(entry: DoorEntry, scope: Mapping[str, Any], actor: Actor, headers: Mapping[bytes, bytes]) -> str:
    """Let the actor in; the tenant that is meant, "" for the city. ``headers``: the request's, the last of each name.

    Raises NotSignedIn, Forbidden, NoSuchTenant and BadRequestData. Refusals of who is known are audited.
    """
    standing = scope.get(STANDING)
    if standing is None:
        standing = powers_of(actor)
    tenant = ""
    if _HEADER in headers or standing & ELSEWHERE or entry.looks_for_tenant:
        # First of all: to whoever may not enter a tenant, every door looks as if the tenant were not there.
        try:
            tenant = _tenant(entry, scope, actor, standing)
        except NoSuchTenant as error:
            if standing & KNOWN:
                note_refusal(scope, error.detail)
            raise
    verdict = entry.verdicts[standing]
    if verdict and not (verdict == Verdict.PERMISSION and entry.permission in actor.principal.permissions):
        _refuse(entry, verdict, scope)
    return tenant


def admit_again(
    entry: DoorEntry,
    scope: MutableMapping[str, Any],
    actor: Actor,
    headers: Mapping[bytes, bytes],
    *,
    elsewhere: bool = False,
) -> Actor:
    """Check the rights again of a request that was let in before. Its body, a context or its turn may have taken so
    long that somebody withdrew them. To be called after each wait of a request, before anything is done; not after it,
    since a request may take away its own rights. Returns the actor as of now.

    ``elsewhere``: see also what another process changed just now. Raises what ``admit`` raises.
    """
    gate: Keeper | None = scope.get(GATE)
    if gate is None:
        return actor
    now = gate.renewed(scope, elsewhere=elsewhere)
    if now is not actor:
        admit(entry, scope, now, headers)
    return now


def keeper_of(entry: DoorEntry, scope: Mapping[str, Any], actor: Actor) -> Keeper | None:
    """The part that gives this request its turn and charges its answer: the gate, for a question of an anonymous
    client; None for all others.
    """
    if entry.cost is Cost.QUESTION and actor.principal.id == PUBLIC:
        found: Keeper | None = scope.get(GATE)
        return found
    return None


def _refuse(entry: DoorEntry, verdict: int, scope: Mapping[str, Any]) -> NoReturn:
    if verdict == Verdict.DEVICE:
        note_refusal(scope, "a device token writes and reads nothing")
        raise Forbidden("A device token writes the data it is for, by NGSI-LD, and reads or deletes nothing")
    if verdict == Verdict.NARROWED:
        note_refusal(scope, "the token is narrowed to types or scopes")
        raise Forbidden(
            "This token is narrowed to types or scopes; with it, entities are changed by NGSI-LD only"
        )
    if verdict == Verdict.SIGN_IN or not isinstance(entry.requires, Permission):
        raise NotSignedIn("Sign in to do this")
    refuse_permission(scope, entry.requires)


def _tenant(entry: DoorEntry, scope: Mapping[str, Any], actor: Actor, standing: int) -> str:
    """The tenant that is named, where this door has it and the actor may enter it."""
    if entry.tenancy is Tenancy.NONE:
        return ""
    if entry.tenancy is Tenancy.CITY and standing & ELSEWHERE:
        # In whatever way a tenant is named: what is behind this door is no tenant's.
        raise NoSuchTenant("This token is not for the city's own tenant, and this is the city's", field=_NAME)
    named, field = _named(entry, scope)
    if named and not standing & KNOWN:
        raise NotSignedIn("Sign in to see anything but the city itself", field=field)
    if named and not is_tenant(named):
        raise BadRequestData(f"{field} must be up to 64 letters, digits, '_', '-' and '.'", field=field)
    check_entry(actor.access, named)
    if entry.tenancy is Tenancy.TENANT and not named:
        raise BadRequestData(f"Name the tenant in the header {_NAME}", field=_NAME)
    return "" if entry.tenancy is Tenancy.CITY else named


def _named(entry: DoorEntry, scope: Mapping[str, Any]) -> tuple[str, str]:
    """The tenant ("" for none), and the header or parameter that named it. Of several, one room would take the first
    and another the last.
    """
    headers = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    if len(headers) > 1:
        raise BadRequestData(f"There is more than one {_NAME}", field=_NAME)
    header = headers[0] if headers else ""
    if not entry.tenant_parameter:
        return header, _NAME
    try:
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), max_num_fields=_PARAMETERS_MAX)
    except ValueError:
        raise BadRequestData(f"There are more than {_PARAMETERS_MAX} query parameters") from None
    given = {value for name, value in query if name == "tenant"}
    if len(given) > 1:
        raise BadRequestData("There is more than one tenant", field="tenant")
    parameter = next(iter(given), "")
    if parameter and header and parameter != header:
        raise BadRequestData(f"tenant and {_NAME} name two tenants", field="tenant")
    return (parameter, "tenant") if parameter else (header, _NAME)


# -- Starlette ----------------------------------------------------------------------------------------------------------


def build_routes(doors: Iterable[BoundDoor]) -> list[BaseRoute]:
    """One route for each path, in the order of the doors. Raises TableError for what is not in order."""
    by_path: dict[tuple[str, bool], dict[str, BoundDoor]] = {}
    for door in checked(doors):
        entry = door.entry
        by_path.setdefault((entry.path, entry.socket), {})[entry.method] = door
    return [
        WebSocketRoute(path, _socket(here["GET"])) if socket else _route(path, here)
        for (path, socket), here in by_path.items()
    ]


def _route(path: str, here: Mapping[str, BoundDoor]) -> Route:
    return Route(path, _Path(here), methods=sorted(here), name=path)


class _Path:
    """The ASGI application of one path: method → door."""

    def __init__(self, here: Mapping[str, BoundDoor]) -> None:
        self.here = here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        door = self.here["GET" if method == "HEAD" else method]
        entry, actor = door.entry, actor_of(scope)
        headers = dict(scope["headers"])
        scope[TENANT] = admit(entry, scope, actor, headers)
        if entry.body_max:
            _check_length(headers, entry.body_max)
        keeper = keeper_of(entry, scope, actor)
        if keeper is None:
            await _answer(door, scope, headers, receive, send)
            return
        size = 0

        async def counted(message: Message) -> None:
            nonlocal size
            size += len(message.get("body", b""))
            await send(message)

        try:
            async with keeper.question(actor.origin):
                await _answer(door, scope, headers, receive, counted)
        finally:
            keeper.spend(actor.origin, size)


async def _answer(
    door: BoundDoor, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
) -> None:
    """Read the complete body, check the rights again as they are then, and only then let the handler begin."""
    if door.entry.body_max:
        most = door.entry.body_max
        if actor_of(scope).principal.id == PUBLIC:
            most = min(most, STRANGERS_BODY)
        receive = _replayed(await _whole(receive, most), receive)
    admit_again(door.entry, scope, actor_of(scope), headers, elsewhere=door.entry.body_max != 0)
    answer: Response = await door.handler(Request(scope, receive, send))
    keeper: Keeper | None = scope.get(GATE)
    if door.entry.audited and keeper is not None and answer.status_code < 400:
        await keeper.audited(actor_of(scope), door.entry.audited, scope["path"])
    await answer(scope, receive, send)


def _check_length(headers: Mapping[bytes, bytes], most: int) -> None:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 18 or int(length) > most:
        raise TooLarge(f"The body is larger than {most} bytes")


async def _whole(receive: Receive, most: int) -> bytes:
    """The body. Raises TooLarge as soon as it has more than ``most`` bytes, whatever its length was said to be, and
    ClientDisconnect where its sender went away."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts += message.get("body", b"")
        if len(parts) > most:
            raise TooLarge(f"The body is larger than {most} bytes")
        if not message.get("more_body"):
            return bytes(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, and then what comes after it."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _socket(door: BoundDoor) -> Callable[[WebSocket], Awaitable[None]]:
    async def through(socket: WebSocket) -> None:
        scope = socket.scope
        try:
            scope[TENANT] = admit(door.entry, scope, actor_of(socket), dict(scope["headers"]))
        except AndamanError as error:
            await close_socket(error, socket.receive, socket.send)
            return
        await door.handler(socket)

    return through


async def close_socket(error: AndamanError, receive: Any, send: Any) -> None:
    """Refuse a socket that has not been accepted: 1013 (come again) or 1008 (policy), with the reason."""
    code = 1013 if isinstance(error, TooManyRequests) else 1008
    await receive()
    await send({"type": "websocket.close", "code": code, "reason": error.detail[:100]})
