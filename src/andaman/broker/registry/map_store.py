"""Entity maps on disk, so that pages go on after a restart (CIM 009 §5.2.39). A memory that may be lost: written a moment later,
not backed up, and made anew where it cannot be read."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.kernel.errors import Unavailable
from andaman.kernel.storage import set_aside
from andaman.kernel.tables import Store, StoreKind, columns
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
FILE: Final = "entity-maps.sqlite3"
_COLUMNS: Final = "id tenant owner expires_at rights entries"
Row = tuple[str, str, str, Micros, str, dict[str, tuple[str, ...]]]
"""(id, tenant, owner, expiry, key of the maker's rights, entity → sources)."""


def _first(db: sqlite3.Connection) -> None:
    there = {row[1] for row in db.execute("PRAGMA table_info(entity_map)")}
    if there and "rights" not in there:
        db.execute("DROP TABLE entity_map")  # of an older release: nobody knows what may be in them
    db.execute(
        "CREATE TABLE IF NOT EXISTS entity_map (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, owner TEXT NOT NULL, "
        "expires_at INTEGER NOT NULL, rights TEXT NOT NULL, entries BLOB NOT NULL) STRICT"
    )


KIND: Final = StoreKind(
    FILE,
    "the entity maps",
    (_first,),
    "clients ask again for their pages",
    durable=False,
    backed_up=False,
    needs={"entity_map": columns("id tenant owner expires_at entries")},
)


class MapStore:
    """Any thread; calls exclude one another. No call raises for the file's sake."""

    def __init__(self, path: Path) -> None:
        try:
            self._store = Store(path, KIND)
        except Unavailable as error:
            log.warning("Entity maps cannot be read, they are forgotten: %s", error.detail)
            set_aside(path)
            self._store = Store(path, KIND)

    def load(self, now: Micros) -> list[Row]:
        """Maps that are not over, in the order of their ids, which is that of their making."""
        found: list[Row] = []
        try:
            self._store.execute("DELETE FROM entity_map WHERE expires_at <= ?", (now,))
            rows = self._store.rows(f"SELECT {', '.join(_COLUMNS.split())} FROM entity_map ORDER BY id")  # noqa: S608
        except Unavailable as error:
            log.warning("Entity maps cannot be read: %s", error.detail)
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
        try:
            with self._store.transaction() as db:
                db.executemany("INSERT OR REPLACE INTO entity_map VALUES (?, ?, ?, ?, ?, ?)", made)
                db.executemany("DELETE FROM entity_map WHERE id = ?", [(one,) for one in gone])
        except Unavailable as error:
            log.warning("Entity maps cannot be kept: %s", error.detail)

    def close(self) -> None:
        self._store.close()
