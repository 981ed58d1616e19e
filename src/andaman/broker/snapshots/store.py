"""The list of snapshots on disk, in one small store. A change is on disk before anyone gets an answer."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.credentials import SNAPSHOT, Credentials
from andaman.broker.snapshots.model import Snapshot, of_document
from andaman.kernel.secrets import Secrets
from andaman.kernel.tables import Store, StoreKind, columns

log = logging.getLogger(__name__)
FILE: Final = "snapshots.db"
FOLDER: Final = "snapshots"
"""Below the data directory: the content, one directory a snapshot, named by its key."""
_FIRST: Final = """
CREATE TABLE IF NOT EXISTS snapshot (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
ALTER TABLE snapshot ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
"""


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for snapshot_id, document in db.execute("SELECT id, document FROM snapshot"):
        try:
            of_document("", orjson.loads(document))
        except (ValueError, TypeError) as error:
            yield f"snapshot {snapshot_id}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the snapshots",
    (_FIRST, ""),  # the second step changes nothing: documents have sealed parts since then
    "the snapshots that it listed are gone",
    needs={"snapshot": columns("tenant id document")},
    unreadable=_unreadable,
)


class SnapshotStore:
    """Documents by tenant and id. Safe to use from several threads."""

    def __init__(self, path: Path, secrets: Secrets | None = None) -> None:
        self._store = Store(path, KIND)
        self.begun_anew = self._store.was_empty
        """There was no list, so the content of the folder may still be needed."""
        self._table = self._store.table("snapshot")
        self._credentials = Credentials(secrets, SNAPSHOT)

    def load(self) -> tuple[list[Snapshot], bool]:
        """All, and whether each could be read. A row that cannot be read is left out, and logged."""
        found = []
        for row in self._credentials.rows_of(self._store, self._table):
            try:
                found.append(of_document(row.tenant, row.document))
            except (ValueError, TypeError) as error:
                log.error(
                    "%s: snapshot %s cannot be read and is left out: %s", self._store.path, row.key, error
                )
        return found, len(found) == self._table.count()

    def put(self, tenant: str, document: dict[str, Any]) -> None:
        self._table.put(tenant, document["id"], self._credentials.sealed(document))

    def delete(self, tenant: str, snapshot_id: str) -> None:
        self._table.delete(tenant, snapshot_id)

    def close(self) -> None:
        self._store.close()
