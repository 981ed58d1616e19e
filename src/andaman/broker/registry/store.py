"""Registrations on disk, in one small store. A change is on disk before anyone gets an answer."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from andaman.broker.credentials import REGISTRATION, SOURCE_SUBSCRIPTION, Credentials
from andaman.broker.registry.model import Document, registration_of
from andaman.kernel.errors import AndamanError
from andaman.kernel.portions import portion
from andaman.kernel.secrets import Secrets
from andaman.kernel.tables import Store, StoreKind

_SIZES: Final = "SELECT number, subscription, length(body) FROM told"
_TOLD_BYTES: Final = 4 << 20  # of kept notifications that are read at once
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS registration (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS csource_subscription (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (subscription, id)
) STRICT;
CREATE INDEX IF NOT EXISTS told_in_order ON told (subscription, number);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_REVISIONS: Final = """
ALTER TABLE registration ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE csource_subscription ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
"""
FILE: Final = "registry.db"
REGISTRATIONS: Final = "registration"
SUBSCRIPTIONS: Final = "csource_subscription"


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for document_id, document in db.execute("SELECT id, document FROM registration"):
        try:
            registration_of(orjson.loads(document))
        except (ValueError, TypeError, KeyError, AttributeError, AndamanError) as error:
            yield f"registration {document_id}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the registered context sources",
    # Older releases had fewer tables under version 1. The last step changes nothing: documents have sealed parts since then.
    (_SCHEMA, _SCHEMA + _REVISIONS, ""),
    "there are no registered sources",
    precious=True,
    unreadable=_unreadable,
)


class RegistryStore:
    """Documents by tenant and id, in tables of one form. Safe to use from several threads."""

    def __init__(self, path: Path, secrets: Secrets | None = None) -> None:
        self._store = Store(path, KIND)
        self._tables = {name: self._store.table(name) for name in (REGISTRATIONS, SUBSCRIPTIONS)}
        self._credentials = {
            REGISTRATIONS: Credentials(secrets, REGISTRATION),
            SUBSCRIPTIONS: Credentials(secrets, SOURCE_SUBSCRIPTION),
        }

    def alias(self) -> str:
        """The name of this broker among others, made once: what Via headers and sourceIdentity say (§5.2.40)."""
        with self._store.transaction() as db:
            row = db.execute("SELECT value FROM fact WHERE name = 'alias'").fetchone()
            if row is None:
                made = f"andaman-{secrets.token_hex(6)}"
                db.execute("INSERT INTO fact (name, value) VALUES ('alias', ?)", (made,))
                return made
            return str(row[0])

    def load(self, table: str) -> list[tuple[str, Document]]:
        """(tenant, document) of all, in the order of creation. A row that cannot be read is left out, and logged."""
        rows = self._credentials[table].rows_of(self._store, self._tables[table])
        found = [(row.tenant, row.document) for row in rows]
        return sorted(found, key=lambda one: (one[1].get("createdAt", ""), one[1]["id"]))

    def put(self, table: str, tenant: str, document: Document) -> None:
        """On disk when it returns, with its credentials sealed. Raises Unavailable."""
        self._tables[table].put(tenant, document["id"], self._credentials[table].sealed(document))

    def delete(self, table: str, tenant: str, document_id: str) -> None:
        self._tables[table].delete(tenant, document_id)

    # -- what sources told (subscriptions/inbox.py) ----------------------------------------------------------------
    def keep_received(self, rows: Sequence[tuple[str, str, bytes]]) -> list[int | None]:
        """Numbers of new rows (subscription, id, body), None for those that are there already; one transaction."""
        numbers: list[int | None] = []
        with self._store.transaction() as db:
            for row in rows:
                made = db.execute("INSERT OR IGNORE INTO told (subscription, id, body) VALUES (?, ?, ?)", row)
                numbers.append(made.lastrowid if made.rowcount > 0 else None)
        return numbers

    def received_after(self, subscription: str, number: int, most: int) -> list[tuple[int, str, bytes]]:
        """(number, id, body) behind a number, in order; fewer than ``most`` where they are large."""
        sql = (
            "SELECT number, id, body FROM told WHERE subscription = ? AND number > ? ORDER BY number LIMIT ?"
        )
        with self._store.cursor(sql, (subscription, number, most)) as rows:
            return portion(rows, lambda row: len(row[2]), _TOLD_BYTES)

    def received_sizes(self) -> list[tuple[int, str, int]]:
        """(number, subscription, bytes) of all."""
        return [(int(number), str(key), int(size)) for number, key, size in self._store.rows(_SIZES)]

    def drop_received(self, numbers: Sequence[int]) -> None:
        with self._store.transaction() as db:
            db.executemany("DELETE FROM told WHERE number = ?", [(number,) for number in numbers])

    def close(self) -> None:
        self._store.close()
