"""A second copy of what was given to be hosted, so that a file that is lost or damaged is made again: what was fetched can be
fetched once more, what was given cannot. One SQLite file beside the others, in every backup."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

from andaman.kernel.errors import StorageFull, Unavailable, told
from andaman.kernel.storage import opening

FILE: Final = "contexts.db"
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS context (id TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID"
)


class ContextBook:
    """Contents by id. Any thread; calls exclude one another, and are on disk when they return."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._path = path
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def contents(self) -> dict[str, bytes]:
        """Raises Unavailable where they cannot be read."""
        with self._lock, opening(self._path):
            return dict(self._db.execute("SELECT id, content FROM context"))

    def put(self, name: str, content: bytes) -> None:
        """Raises StorageFull, Unavailable."""
        self._do("INSERT OR REPLACE INTO context VALUES (?, ?)", (name, content))

    def remove(self, name: str) -> None:
        """Raises StorageFull, Unavailable."""
        self._do("DELETE FROM context WHERE id=?", (name,))

    def _do(self, sql: str, values: tuple[object, ...]) -> None:
        with self._lock:
            try:
                self._db.execute(sql, values)
            except sqlite3.Error as error:
                kind = StorageFull if type(told(error)) is StorageFull else Unavailable
                raise kind(f"Contexts cannot be written now ({error}); nothing was written") from None
