"""Rows of identity.db to records and back, and the link of the audit's hash chain."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import orjson

from andaman.identity.records import Account, AuditEntry, Outcome, Token, TokenKind
from andaman.kernel.errors import Unavailable

AUDIT: Final = "seq, at, actor, action, target, outcome, origin, reason, detail"


def link(chain: bytes, row: tuple[Any, ...]) -> bytes:
    return hashlib.sha256(chain + orjson.dumps(row)).digest()


def verify_audit(db: sqlite3.Connection) -> int:
    """Walk the chain of an identity.db of any schema; the number of entries. Raises Unavailable at the first that was
    tampered with."""
    chain, expected = b"", 1
    db.execute("BEGIN")  # entries and end are of one instant, whatever is added meanwhile
    try:
        for *row, digest in db.execute(f"SELECT {AUDIT}, hash FROM audit ORDER BY seq"):  # noqa: S608
            chain = link(chain, tuple(row))
            if row[0] != expected or chain != digest:
                raise Unavailable(
                    f"The audit log was changed at entry {expected}: the hash chain does not hold"
                )
            expected += 1
        if db.execute("SELECT 1 FROM sqlite_master WHERE name='audit_end'").fetchone():
            end = db.execute("SELECT seq, hash FROM audit_end").fetchone()
            if (end or (0, b"")) != (expected - 1, chain):
                raise Unavailable(f"Entries from {expected} on are missing at the end of the audit log")
    finally:
        db.rollback()
    return expected - 1


def audit_entry(row: Sequence[Any]) -> AuditEntry:
    seq, at, actor, action, target, outcome, origin, reason, detail = row
    return AuditEntry(seq, at, actor, action, target, Outcome(outcome), origin, reason, detail)


def pack(names: frozenset[str]) -> str:
    return orjson.dumps(sorted(names)).decode()


def _roles(text: str) -> frozenset[str]:
    return frozenset(orjson.loads(text))


def account_of(row: Sequence[Any]) -> Account:
    username, name, roles, agency, disabled, created_at, password_at, last_login_at, era = row[:9]
    times = (created_at, password_at, last_login_at, era)
    return Account(username, name, _roles(roles), agency, bool(disabled), *times)


def token_of(row: Sequence[Any]) -> Token:
    tid, kind, name, roles, agency, purpose, types, scopes, *rest = row
    limits = (frozenset(orjson.loads(types)), tuple(orjson.loads(scopes)))
    return Token(tid, TokenKind(kind), name, _roles(roles), agency, purpose, *limits, *rest)
