"""Rows of identity.db to records and back, and the link of the audit's hash chain."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from andaman.identity.model import Role
from andaman.identity.records import Account, AuditEntry, Outcome, Token, TokenKind


def link(chain: bytes, row: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(chain + orjson.dumps(row)).digest()


def audit_entry(row: Sequence[Any]) -> AuditEntry:
    seq, at, actor, action, target, outcome, origin, reason, detail = row
    return AuditEntry(seq, at, actor, action, target, Outcome(outcome), origin, reason, detail)


def pack(names: frozenset[Role] | frozenset[str]) -> str:
    return orjson.dumps(sorted(names)).decode()


def _roles(text: str) -> frozenset[Role]:
    return frozenset(Role(name) for name in orjson.loads(text))


def account_of(row: Sequence[Any]) -> Account:
    username, name, roles, agency, disabled, created_at, password_at, last_login_at = row[:8]
    return Account(
        username, name, _roles(roles), agency, bool(disabled), created_at, password_at, last_login_at
    )


def token_of(row: Sequence[Any]) -> Token:
    tid, kind, name, roles, agency, purpose, types, scopes, *rest = row
    limits = (frozenset(orjson.loads(types)), tuple(orjson.loads(scopes)))
    return Token(tid, TokenKind(kind), name, _roles(roles), agency, purpose, *limits, *rest)
