"""What a route asks of the gate: who acts, and whether that role may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from starlette.requests import HTTPConnection

from andaman.identity.credentials import Credential
from andaman.identity.model import Actor, Role
from andaman.identity.policy import PolicyAccess
from andaman.kernel.errors import Forbidden, NotSignedIn

ACTOR = "andaman.actor"
CREDENTIAL = "andaman.credential"
RECHECK = "andaman.recheck"
REFUSED = "andaman.refused"
ASK = "andaman.ask"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


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


def require(request: HTTPConnection | Mapping[str, Any], *roles: Role) -> Actor:
    """The actor, who has one of the roles; administrators always may. With no roles: anyone signed in.

    A token that was narrowed to types or scopes changes entities through NGSI-LD only: what a room does for a role
    is wider than that. Raises NotSignedIn for the public, Forbidden for others; a refusal is audited.
    """
    actor = actor_of(request)
    if _is_narrowed(actor) and scope_of(request).get("method") not in _READS:
        _note_refusal(request, "the token is narrowed to types or scopes")
        raise Forbidden(
            "This token is narrowed to types or scopes; with it, entities are changed by NGSI-LD only"
        )
    mine = actor.principal.roles
    if mine <= {Role.PUBLIC} and Role.PUBLIC not in roles and not actor.principal.id.startswith("device:"):
        raise NotSignedIn("Sign in to do this")
    if not roles and mine - {Role.PUBLIC}:
        return actor
    if Role.ADMINISTRATOR in mine or not mine.isdisjoint(roles):
        return actor
    _note_refusal(request, f"needs {' or '.join(roles)}")
    raise Forbidden(f"This needs the role {' or '.join(roles) or 'of staff'}")


def _is_narrowed(actor: Actor) -> bool:
    return isinstance(actor.access, PolicyAccess) and actor.access.is_narrowed


def _note_refusal(request: HTTPConnection | Mapping[str, Any], why: str) -> None:
    refused = scope_of(request).get(REFUSED)
    if refused is not None:
        cast("Callable[[str], None]", refused)(why)


def recheck_of(scope: Mapping[str, Any]) -> Callable[[], Actor | None]:
    """A function for long-lived sockets: the actor as of now (rights may have changed), None when the session or
    token is over."""
    found = scope.get(RECHECK)
    if found is None:
        actor = actor_of(scope)
        return lambda: actor
    return cast("Callable[[], Actor | None]", found)


def ask_of(scope: Mapping[str, Any]) -> Callable[[], None]:
    """A function for long-lived sockets: note one more question of whoever opened it. It raises TooManyRequests where a stranger's
    address has asked too much."""
    return cast("Callable[[], None]", scope.get(ASK, _no_limit))


def _no_limit() -> None:
    """Who signed in is known, and asks as much as they need."""
