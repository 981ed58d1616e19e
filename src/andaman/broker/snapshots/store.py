"""What is known of snapshots, on disk: one SQLite file in the data directory, fsynced before anyone is told "yes"."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from andaman.broker.snapshots.model import Snapshot, of_document
from andaman.kernel.storage import opening

log = logging.getLogger(__name__)
FILE: Final = "snapshots.db"
FOLDER: Final = "snapshots"
"""Below the data directory: the content, one directory a snapshot, named by its key."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS snapshot (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
"""


class SnapshotStore:
    """Documents by tenant and id. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._path = path
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            tables = self._db.execute("SELECT count(*) FROM sqlite_master WHERE name='snapshot'").fetchone()
            self.begun_anew: bool = not tables[0]
            """There was no list: what lies in the folder may be wanted still."""
            self._db.executescript(_SCHEMA)

    def load(self) -> tuple[list[Snapshot], bool]:
        """All, and whether each could be read. What cannot be read is left out and told in the log."""
        with self._lock, opening(self._path):
            rows = self._db.execute("SELECT tenant, id, document FROM snapshot").fetchall()
        found = []
        for tenant, snapshot_id, document in rows:
            try:
                found.append(of_document(str(tenant), orjson.loads(document)))
            except (ValueError, TypeError) as error:
                log.error(
                    "%s: snapshot %s cannot be read and is left out: %s", self._path, snapshot_id, error
                )
        return found, len(found) == len(rows)

    def put(self, tenant: str, document: dict[str, Any]) -> None:
        with self._lock:
            self._db.execute(
                "INSERT OR REPLACE INTO snapshot (tenant, id, document) VALUES (?, ?, ?)",
                (tenant, document["id"], orjson.dumps(document)),
            )

    def delete(self, tenant: str, snapshot_id: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM snapshot WHERE tenant = ? AND id = ?", (tenant, snapshot_id))

    def close(self) -> None:
        with self._lock:
            self._db.close()
