"""The feeds' memory over restarts, one small JSON object a feed, and the orders of administrators, in one SQLite file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.ingest.model import FeedOrder
from andaman.kernel.tables import Store, StoreKind, columns

log = logging.getLogger(__name__)
FILE: Final = "ingest.db"
_FIRST: Final = "CREATE TABLE IF NOT EXISTS memory (feed TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;"
_ORDERS: Final = (
    "CREATE TABLE feed_order (number INTEGER PRIMARY KEY, feed TEXT NOT NULL, action TEXT NOT NULL, at INTEGER NOT NULL, "
    "actor TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL) STRICT; "
    "CREATE INDEX feed_order_of ON feed_order (feed, number);"
)


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for feed, body in db.execute("SELECT feed, body FROM memory"):
        try:
            dict(orjson.loads(body))
        except (ValueError, TypeError) as error:
            yield f"feed {feed!r}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the memory of the feeds",
    (_FIRST, _ORDERS),
    "feeds begin again, also those that an administrator stopped",
    needs={"memory": columns("feed body"), "feed_order": columns("number feed action at actor name reason")},
    unreadable=_unreadable,
)


class OffsetStore:
    """``get`` and ``put`` by feed id, and the orders; a write is on disk when it returns. Safe to use from several
    threads.
    """

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

    def order(self, order: FeedOrder) -> None:
        """Keep an order; none is ever changed or forgotten."""
        self._store.execute(
            "INSERT INTO feed_order (feed, action, at, actor, name, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (order.feed, order.action, order.at, order.actor, order.name, order.reason),
        )

    def orders(self, feed: str, limit: int = 1) -> list[FeedOrder]:
        """The newest orders of a feed, newest first."""
        rows = self._store.rows(
            "SELECT feed, action, at, actor, name, reason FROM feed_order WHERE feed = ? "
            "ORDER BY number DESC LIMIT ?",
            (feed, limit),
        )
        return [FeedOrder(*row) for row in rows]

    def close(self) -> None:
        self._store.close()
