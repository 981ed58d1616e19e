"""definitions.db: the versions of all definitions. Calls block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from andaman.definitions.versions import OPEN, State, Version
from andaman.kernel.tables import Store, StoreKind

KIND: Final = StoreKind(
    "definitions.db",
    "the versions of definitions",
    (
        "CREATE TABLE version (kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, "
        "document BLOB NOT NULL, PRIMARY KEY (kind, key, number)) STRICT, WITHOUT ROWID; "
        "CREATE INDEX version_open ON version (kind, state)",
    ),
    "drafts and earlier versions of definitions are gone; the versions in force stay in force",
)
_KEPT: Final = 200
"""Versions of one definition that are over; the oldest make room."""


class VersionStore:
    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / KIND.file, KIND)

    def close(self) -> None:
        self.store.close()

    def versions(self, kind: str, key: str) -> list[Version]:
        """In order."""
        sql = "SELECT document FROM version WHERE kind=? AND key=? ORDER BY number"
        return [_read(row[0]) for row in self.store.rows(sql, (kind, key))]

    def open_keys(self, kind: str) -> dict[str, int]:
        """Key → how many drafts and reviewed versions it has."""
        marks = ",".join("?" for _ in OPEN)
        sql = f"SELECT key, count(*) FROM version WHERE kind=? AND state IN ({marks}) GROUP BY key"  # noqa: S608
        return {str(key): int(count) for key, count in self.store.rows(sql, (kind, *OPEN))}

    def put(self, kind: str, key: str, versions: Sequence[Version]) -> None:
        """Write the new and changed versions; on disk when it returns."""
        with self.store.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?)",
                [(kind, key, one.number, one.state.value, msgspec.json.encode(one)) for one in versions],
            )
            over = (State.REPLACED.value, State.WITHDRAWN.value)
            db.execute(
                "DELETE FROM version WHERE kind=? AND key=? AND state IN (?, ?) AND number <= "
                "(SELECT max(number) FROM version WHERE kind=? AND key=?) - ?",
                (kind, key, *over, kind, key, _KEPT),
            )


def _read(document: bytes) -> Version:
    return msgspec.json.decode(document, type=Version)
