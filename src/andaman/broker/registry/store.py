"""Registrations on disk: one SQLite file beside the ledger, written rarely, fsynced before anyone is told "yes"."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

import orjson

from andaman.broker.registry.model import Document
from andaman.kernel.errors import Unavailable
from andaman.kernel.portions import portion
from andaman.kernel.storage import opening

log = logging.getLogger(__name__)
_VERSION: Final = 1
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
REGISTRATIONS: Final = "registration"
SUBSCRIPTIONS: Final = "csource_subscription"


class RegistryStore:
    """Documents by tenant and id, in tables of one form. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._path = path
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            self._db.close()
            raise Unavailable(f"{path} has version {version}; this release knows up to {_VERSION}")
        self._db.executescript(_SCHEMA)  # tables that an older release did not know are added
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def alias(self) -> str:
        """The name of this broker among others, made once: what Via headers and sourceIdentity say (§5.2.40)."""
        with self._lock, opening(self._path):
            row = self._db.execute("SELECT value FROM fact WHERE name = 'alias'").fetchone()
            if row is None:
                made = f"andaman-{secrets.token_hex(6)}"
                self._db.execute("INSERT INTO fact (name, value) VALUES ('alias', ?)", (made,))
                return made
            return str(row[0])

    def load(self, table: str) -> list[tuple[str, Document]]:
        """(tenant, document) of all, in the order of creation. What cannot be read is left out and told in the log."""
        with self._lock, opening(self._path):
            rows = self._db.execute(f"SELECT tenant, id, document FROM {table}").fetchall()  # noqa: S608 - our own names
        found = []
        for tenant, document_id, document in rows:
            try:
                found.append((str(tenant), orjson.loads(document)))
            except ValueError as error:
                log.error(
                    "%s: %s %s cannot be read and is left out: %s", self._path, table, document_id, error
                )
        return sorted(found, key=lambda one: (one[1].get("createdAt", ""), one[1]["id"]))

    def put(self, table: str, tenant: str, document: Document) -> None:
        """On disk when it returns."""
        with self._lock:
            self._db.execute(
                f"INSERT OR REPLACE INTO {table} (tenant, id, document) VALUES (?, ?, ?)",  # noqa: S608
                (tenant, document["id"], orjson.dumps(document)),
            )

    def delete(self, table: str, tenant: str, document_id: str) -> None:
        with self._lock:
            self._db.execute(f"DELETE FROM {table} WHERE tenant = ? AND id = ?", (tenant, document_id))  # noqa: S608

    # -- what sources told (subscriptions/inbox.py) ----------------------------------------------------------------
    def keep_told(self, rows: Sequence[tuple[str, str, bytes]]) -> list[int | None]:
        """Numbers of new rows (subscription, id, body), None for those that are there already; one transaction."""
        numbers: list[int | None] = []
        with self._lock, self._transaction():
            for row in rows:
                made = self._db.execute(
                    "INSERT OR IGNORE INTO told (subscription, id, body) VALUES (?, ?, ?)", row
                )
                numbers.append(made.lastrowid if made.rowcount > 0 else None)
        return numbers

    def told_after(self, subscription: str, number: int, most: int) -> list[tuple[int, str, bytes]]:
        """(number, id, body) behind a number, in order; fewer than ``most`` where they are large."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, id, body FROM told WHERE subscription = ? AND number > ? ORDER BY number LIMIT ?",
                (subscription, number, most),
            )
            return portion(rows, lambda row: len(row[2]), _TOLD_BYTES)

    def told_sizes(self) -> list[tuple[int, str, int]]:
        """(number, subscription, bytes) of all."""
        with self._lock:
            return self._db.execute("SELECT number, subscription, length(body) FROM told").fetchall()

    def drop_told(self, numbers: Sequence[int]) -> None:
        with self._lock, self._transaction():
            self._db.executemany("DELETE FROM told WHERE number = ?", [(number,) for number in numbers])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._db.close()
