"""The facts that a handler gets from the gate and from its door: the actor, the tenant, and whether the actor may.

What a door requires stands in its entry (``identity.doors``); ``require`` is for what depends on the content of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, cast

from starlette.requests import HTTPConnection

from andaman.identity.credentials import Credential
from andaman.identity.model import Actor
from andaman.identity.powers import DEVICE_PREFIX, is_narrowed
from andaman.identity.problems import PermissionMissing
from andaman.kernel.errors import Forbidden, NotSignedIn
from andaman.kernel.permissions import Permission

ACTOR: Final = "andaman.actor"
STANDING: Final = "andaman.standing"
"""``powers.powers_of`` the actor."""
TENANT: Final = "andaman.tenant"
"""Set by the door: the tenant that the request is about."""
CREDENTIAL: Final = "andaman.credential"
LOOKED: Final = "andaman.looked"
"""The gate's last look at the actor. It holds the number of the last change of rights that it knew of, and the time (µs)
until which its answer counts.
"""
RECHECK: Final = "andaman.recheck"
ASK: Final = "andaman.ask"
GATE: Final = "andaman.gate"
"""The gate itself, for limits and the audit; absent with --no-auth."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def scope_of(request: HTTPConnection | Mapping[str, Any]) -> Mapping[str, Any]:
    return request.scope if isinstance(request, HTTPConnection) else request


def actor_of(request: HTTPConnection | Mapping[str, Any]) -> Actor:
    """The actor of a request, web socket or ASGI scope. Raises NotSignedIn where no gate stands before it."""
    actor = scope_of(request).get(ACTOR)
    if not isinstance(actor, Actor):
        raise NotSignedIn("This door has no gate before it, so that nobody may pass")
    return actor


def credential_of(request: HTTPConnection | Mapping[str, Any]) -> Credential | None:
    """The session or token the request came with; None for the public and with --no-auth."""
    return cast("Credential | None", scope_of(request).get(CREDENTIAL))


def tenant_of(request: HTTPConnection | Mapping[str, Any]) -> str:
    """The tenant that the request is about, as its door found it; "" is the city."""
    return cast("str", scope_of(request).get(TENANT, ""))


def require(request: HTTPConnection | Mapping[str, Any], permission: Permission | None = None) -> Actor:
    """The actor, who has the permission; with none: any member of staff.

    A token that was narrowed to types or scopes changes entities through NGSI-LD only: what a room does for a permission
    is wider than that. Raises NotSignedIn for the public, Forbidden for others; a refusal is audited.
    """
    actor = actor_of(request)
    if is_narrowed(actor.access) and scope_of(request).get("method") not in _READS:
        note_refusal(request, "the token is narrowed to types or scopes")
        raise Forbidden(
            "This token is narrowed to types or scopes; with it, entities are changed by NGSI-LD only"
        )
    me = actor.principal
    if not me.is_staff and not me.id.startswith(DEVICE_PREFIX):
        raise NotSignedIn("Sign in to do this")
    if permission is None:
        if not me.is_staff:
            note_refusal(request, "needs a role")
            raise Forbidden(
                "A device token writes the data it is for, by NGSI-LD, and reads or deletes nothing"
            )
        return actor
    if not me.may(permission):
        refuse_permission(request, permission)
    return actor


def refuse_permission(request: HTTPConnection | Mapping[str, Any], permission: Permission) -> NoReturn:
    """Raises PermissionMissing; the refusal is audited."""
    note_refusal(request, f"needs {permission.name}")
    raise PermissionMissing(permission=permission.name, meaning=permission.words)


def note_refusal(request: HTTPConnection | Mapping[str, Any], why: str) -> None:
    """Write into the audit log that this request is refused."""
    scope = scope_of(request)
    gate = scope.get(GATE)
    if gate is not None:
        gate.refused(actor_of(scope), scope, why)


async def note_success(request: HTTPConnection | Mapping[str, Any], action: str) -> None:
    """Write into the audit log that this was done, where the entry of the door cannot say it."""
    scope = scope_of(request)
    gate = scope.get(GATE)
    if gate is not None:
        await gate.audited(actor_of(scope), action, scope["path"])


def recheck_of(scope: Mapping[str, Any]) -> Callable[[], Actor | None]:
    """A function for long-lived sockets: the actor as of now (rights may have changed), None when the session or
    token is over."""
    found = scope.get(RECHECK)
    if found is None:
        actor = actor_of(scope)
        return lambda: actor
    return cast("Callable[[], Actor | None]", found)


def ask_of(scope: Mapping[str, Any]) -> Callable[[], None]:
    """A function for long-lived sockets: it counts one more question of the client that opened the socket. It raises
    TooManyRequests where a stranger's address has asked too much.
    """
    return cast("Callable[[], None]", scope.get(ASK, _no_limit))


def _no_limit() -> None:
    """Who signed in is known, and asks as much as they need."""
