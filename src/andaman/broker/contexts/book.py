"""A second copy of each hosted context. A lost or damaged file is made again from it.

A context that was fetched can be fetched once more; a hosted one cannot. The store is in every backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from andaman.kernel.tables import Store, StoreKind, columns

FILE: Final = "contexts.db"
_FIRST: Final = (
    "CREATE TABLE IF NOT EXISTS context (id TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;"
)


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for name, content in db.execute("SELECT id, content FROM context"):
        try:
            dict(orjson.loads(content))
        except (ValueError, TypeError) as error:
            yield f"context {name}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the second copies of contexts",
    (_FIRST,),
    "the second copies of hosted contexts are made again of those in contexts/",
    needs={"context": columns("id content")},
    unreadable=_unreadable,
)


class ContextBook:
    """Contents by id. Any thread; calls exclude one another, and are on disk when they return. Raises Unavailable,
    StorageFull."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path, KIND)

    def close(self) -> None:
        self._store.close()

    def contents(self) -> dict[str, bytes]:
        return {str(name): content for name, content in self._store.rows("SELECT id, content FROM context")}

    def put(self, name: str, content: bytes) -> None:
        self._store.execute("INSERT OR REPLACE INTO context VALUES (?, ?)", (name, content))

    def remove(self, name: str) -> None:
        self._store.execute("DELETE FROM context WHERE id=?", (name,))
