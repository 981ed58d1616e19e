"""definitions.db: the versions of all definitions. Calls block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from andaman.definitions.versions import OPEN, State, Version
from andaman.kernel.tables import Store, StoreKind
from andaman.kernel.time import Micros

KIND: Final = StoreKind(
    "definitions.db",
    "the versions of definitions",
    (
        "CREATE TABLE version (kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, "
        "document BLOB NOT NULL, PRIMARY KEY (kind, key, number)) STRICT, WITHOUT ROWID; "
        "CREATE INDEX version_open ON version (kind, state)",
        "ALTER TABLE version ADD COLUMN changed INTEGER NOT NULL DEFAULT 0; "
        "UPDATE version SET changed = max(json_extract(CAST(document AS TEXT), '$.at'), "
        "coalesce(json_extract(CAST(document AS TEXT), '$.reviewedAt'), 0), "
        "coalesce(json_extract(CAST(document AS TEXT), '$.inForceAt'), 0)); "
        "CREATE INDEX version_changed ON version (changed); "
        "CREATE TABLE control (kind TEXT PRIMARY KEY, document BLOB NOT NULL) STRICT, WITHOUT ROWID",
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

    def standing(self, kind: str) -> dict[str, Version]:
        """Key → the version that was in force when the versions were last looked at; a deletion too."""
        sql = "SELECT key, document FROM version WHERE kind=? AND state=?"
        rows = self.store.rows(sql, (kind, State.IN_FORCE.value))
        return {str(key): _read(document) for key, document in rows}

    def last_of(self, kind: str, key: str) -> Version | None:
        """The newest version with content that was in force."""
        for one in reversed(self.versions(kind, key)):
            if one.document is not None and one.in_force_at is not None:
                return one
        return None

    def reviewed(self) -> set[tuple[str, str, int]]:
        """(kind, key, number) of the versions that are approved and not in force."""
        sql = "SELECT kind, key, number FROM version WHERE state=?"
        return {
            (str(row[0]), str(row[1]), int(row[2])) for row in self.store.rows(sql, (State.REVIEWED.value,))
        }

    def latest(
        self, kinds: Sequence[str], before: Micros | None, limit: int
    ) -> list[tuple[str, str, Version]]:
        """(kind, key, version), the last changed first. What was there at the first look is not a change."""
        marks = ",".join("?" for _ in kinds)
        sql = (
            f"SELECT kind, key, document FROM version WHERE kind IN ({marks}) AND changed < ? "  # noqa: S608 - placeholders
            "AND NOT (number = 1 AND json_extract(CAST(document AS TEXT), '$.author') IS '' "
            "AND json_extract(CAST(document AS TEXT), '$.base') IS '') ORDER BY changed DESC, kind, key, number DESC LIMIT ?"
        )
        until = before if before is not None else 2**62
        rows = self.store.rows(sql, (*kinds, until, limit))
        return [(str(row[0]), str(row[1]), _read(row[2])) for row in rows]

    # -- how kinds are changed ------------------------------------------------------------------------------
    def controls(self) -> dict[str, dict[str, Any]]:
        """Kind → what the city has set."""
        rows = self.store.rows("SELECT kind, document FROM control")
        return {str(row[0]): msgspec.json.decode(row[1]) for row in rows}

    def put_control(self, kind: str, document: Mapping[str, Any]) -> None:
        """On disk when it returns."""
        with self.store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO control VALUES (?, ?)", (kind, msgspec.json.encode(dict(document)))
            )

    def put(self, kind: str, key: str, versions: Sequence[Version]) -> None:
        """Write the new and changed versions; on disk when it returns."""
        with self.store.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (kind, key, one.number, one.state.value, msgspec.json.encode(one), one.changed_at)
                    for one in versions
                ],
            )
            over = (State.REPLACED.value, State.WITHDRAWN.value)
            db.execute(
                "DELETE FROM version WHERE kind=? AND key=? AND state IN (?, ?) AND number <= "
                "(SELECT max(number) FROM version WHERE kind=? AND key=?) - ?",
                (kind, key, *over, kind, key, _KEPT),
            )


def _read(document: bytes) -> Version:
    return msgspec.json.decode(document, type=Version)
