"""The feeds' memory over restarts: one small JSON object a feed, in its own SQLite file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from andaman.kernel.storage import opening

log = logging.getLogger(__name__)


class OffsetStore:
    """``get`` and ``put`` by feed id; a put is on disk when it returns. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS memory (feed TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT"
            )

    def get(self, feed: str) -> dict[str, Any]:
        with self._lock:
            row = self._db.execute("SELECT body FROM memory WHERE feed = ?", (feed,)).fetchone()
        try:
            return dict(orjson.loads(row[0])) if row else {}
        except (ValueError, TypeError) as error:
            log.error("What feed %s had noted in ingest.db cannot be read (%s): it begins anew", feed, error)
            return {}

    def put(self, feed: str, memory: Mapping[str, Any]) -> None:
        with self._lock:
            self._db.execute(
                "INSERT INTO memory VALUES (?, ?) ON CONFLICT (feed) DO UPDATE SET body = excluded.body",
                (feed, orjson.dumps(dict(memory))),
            )

    def close(self) -> None:
        with self._lock:
            self._db.close()
