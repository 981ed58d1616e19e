"""The feeds' memory over restarts: one small JSON object a feed, in its own SQLite file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.kernel.tables import Store, StoreKind, columns

log = logging.getLogger(__name__)
FILE: Final = "ingest.db"
_FIRST: Final = "CREATE TABLE IF NOT EXISTS memory (feed TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;"


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for feed, body in db.execute("SELECT feed, body FROM memory"):
        try:
            dict(orjson.loads(body))
        except (ValueError, TypeError) as error:
            yield f"feed {feed!r}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the memory of the feeds",
    (_FIRST,),
    "feeds begin again",
    needs={"memory": columns("feed body")},
    unreadable=_unreadable,
)


class OffsetStore:
    """``get`` and ``put`` by feed id; a put is on disk when it returns. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path, KIND)

    def get(self, feed: str) -> dict[str, Any]:
        rows = self._store.rows("SELECT body FROM memory WHERE feed = ?", (feed,))
        try:
            return dict(orjson.loads(rows[0][0])) if rows else {}
        except (ValueError, TypeError) as error:
            log.error("The notes of feed %s in ingest.db cannot be read (%s): it begins again", feed, error)
            return {}

    def put(self, feed: str, memory: Mapping[str, Any]) -> None:
        self._store.execute(
            "INSERT INTO memory VALUES (?, ?) ON CONFLICT (feed) DO UPDATE SET body = excluded.body",
            (feed, orjson.dumps(dict(memory))),
        )

    def close(self) -> None:
        self._store.close()
