"""Entity maps on disk, so that pages go on after a restart (CIM 009 §5.2.39). A memory that may be lost: written a moment later,
not backed up, and made anew where it cannot be read."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from andaman.kernel.storage import keep_private
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
FILE: Final = "entity-maps.sqlite3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entity_map (
    id TEXT PRIMARY KEY, tenant TEXT NOT NULL, owner TEXT NOT NULL, expires_at INTEGER NOT NULL,
    rights TEXT NOT NULL, entries BLOB NOT NULL
) STRICT;
"""
Row = tuple[str, str, str, Micros, str, dict[str, tuple[str, ...]]]
"""(id, tenant, owner, expiry, key of the maker's rights, entity → sources)."""


class MapStore:
    """One file. Any thread; calls exclude one another. No call raises for the file's sake."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        try:
            self._db = self._open()
        except sqlite3.Error as error:
            log.warning("Entity maps cannot be read (%s); they are forgotten", error)
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        keep_private(self._path)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            columns = {row[1] for row in db.execute("PRAGMA table_info(entity_map)")}
            if columns and "rights" not in columns:
                db.execute("DROP TABLE entity_map")  # of an older release: nobody knows what may be in them
            db.executescript(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def load(self, now: Micros) -> list[Row]:
        """Those that are not over, in the order of their ids, which is that of their making."""
        found: list[Row] = []
        with self._lock:
            try:
                self._db.execute("DELETE FROM entity_map WHERE expires_at <= ?", (now,))
                rows = self._db.execute("SELECT * FROM entity_map ORDER BY id").fetchall()
            except sqlite3.Error as error:
                log.warning("Entity maps cannot be read: %s", error)
                return []
        for map_id, tenant, owner, expires_at, rights, entries in rows:
            try:
                listed: dict[str, Any] = orjson.loads(entries)
                entities = {k: tuple(v) for k, v in listed.items()}
                found.append((map_id, tenant, owner, expires_at, rights, entities))
            except (ValueError, TypeError, AttributeError):
                log.warning("Entity map %s cannot be read", map_id)
        return found

    def write(self, rows: Iterable[Row], gone: Iterable[str]) -> None:
        """Replace rows, and take away others."""
        made = [(*head, orjson.dumps(entries)) for *head, entries in rows]
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO entity_map VALUES (?, ?, ?, ?, ?, ?)", made)
                self._db.executemany("DELETE FROM entity_map WHERE id = ?", [(one,) for one in gone])
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                log.warning("Entity maps cannot be kept: %s", error)
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def close(self) -> None:
        with self._lock:
            self._db.close()
