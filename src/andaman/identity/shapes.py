"""The answers of identity over HTTP: the JSON shapes of accounts, sessions, tokens and audit entries (docs/api.md)."""

from __future__ import annotations

from typing import Any, Final

from andaman.identity.audit import Place
from andaman.identity.basis import NEVER
from andaman.identity.model import Principal
from andaman.identity.records import Account, AuditEntry, Session, Token
from andaman.identity.roles import RoleTable
from andaman.identity.tokens import Listed
from andaman.kernel.positions import Position, seal
from andaman.kernel.time import Micros, format_time


def brief(token: Token) -> dict[str, Any]:
    return {"id": token.id, "kind": token.kind, "name": token.name}


def state(one: Listed) -> dict[str, Any]:
    """The present rights of a token; ``roles`` next to it are those it was given."""
    standing = one.standing
    if standing is None:
        return {"inForce": False, "why": one.why}
    weaker = bool(standing.rights.under) or standing.principal.purpose != one.token.purpose
    state = {"inForce": True, "rolesNow": sorted(standing.principal.roles), "weaker": weaker}
    return state | {"endsAt": format_time(standing.ends_at) if standing.ends_at < NEVER else None}


def time(at: Micros | None) -> str | None:
    return None if at is None else format_time(at)


def principal(principal: Principal, roles: RoleTable) -> dict[str, Any]:
    """``roleNames``: the names of the roles for people, in the order of ``roles``."""
    mine = sorted(principal.roles)
    return {
        "id": principal.id,
        "name": principal.name,
        "roles": mine,
        "roleNames": [roles.rows[one].words.json() for one in mine if one in roles.rows],
        "permissions": sorted(principal.permissions),
        "agency": principal.agency,
        "purpose": principal.purpose,
    }


def session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "purpose": session.purpose,
        "address": session.address,
        "createdAt": format_time(session.created_at),
        "seenAt": format_time(session.seen_at),
        "expiresAt": format_time(session.expires_at),
    }


def account(account: Account) -> dict[str, Any]:
    return {
        "username": account.username,
        "name": account.name,
        "roles": sorted(account.roles),
        "agency": account.agency,
        "disabled": account.disabled,
        "createdAt": format_time(account.created_at),
        "passwordAt": format_time(account.password_at),
        "lastLoginAt": format_time(account.last_login_at) if account.last_login_at else None,
    }


AUDIT: Final = ("audit: identity", "audit: journal")


def sealed(key: bytes, entry: AuditEntry) -> str:
    """The place of an entry among those of its source. The journal counts all tenants, of which the reader may see one."""
    return seal(key, AUDIT[Place.of(entry).rank], Position(entry.seq))


def entry(entry: AuditEntry, key: bytes) -> dict[str, Any]:
    return {
        "source": entry.source,
        "position": sealed(key, entry),
        "at": format_time(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "origin": entry.origin,
        "reason": entry.reason,
        "detail": entry.detail,
    }
