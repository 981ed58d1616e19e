"""What could not be read: kept with its reason, bounded in number, age and size, in a SQLite file of its own."""

from __future__ import annotations

import sqlite3
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from andaman.kernel.metrics import Family, gauge
from andaman.kernel.storage import opening
from andaman.kernel.time import DAY, Micros, format_time

MAX_ROWS: Final = 20_000
MAX_AGE: Final = 30 * DAY
MAX_PAYLOAD: Final = 4096
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    feed TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    attribute TEXT NOT NULL,
    payload BLOB NOT NULL,
    size INTEGER NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message, or one value of it, that was not taken over.

    ``reason`` is a code: not-mapped, bad-encoding, bad-json, wrong-type, not-finite, missing-value, out-of-range,
    bad-time, bad-id, no-value, too-large, refused.
    """

    at: Micros
    feed: str
    topic: str
    reason: str
    detail: str
    payload: bytes
    attribute: str = ""


class DeadLetterStore:
    """``add`` is on disk when it returns. Safe to use from several threads."""

    def __init__(self, path: Path, *, max_rows: int = MAX_ROWS, max_age: Micros = MAX_AGE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._max_rows = max_rows
        self._max_age = max_age
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, and forget those that are too old or too many."""
        if not letters:
            return
        rows = [
            (
                x.at,
                x.feed,
                x.topic[:512],
                x.reason,
                x.detail[:512],
                x.attribute,
                x.payload[:MAX_PAYLOAD],
                len(x.payload),
            )
            for x in letters
        ]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO dead_letter (at, feed, topic, reason, detail, attribute, payload, size) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                self._db.execute(
                    "DELETE FROM dead_letter WHERE at < ?", (max(x.at for x in letters) - self._max_age,)
                )
                self._db.execute(
                    "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?",
                    (self._max_rows,),
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def list_newest(
        self, limit: int = 100, before: int | None = None, feed: str = ""
    ) -> list[dict[str, Any]]:
        """Newest first, as plain rows; ``before`` is the id of the last row of the page before. Payload bytes that are
        no UTF-8 are shown as replacement characters; ``size`` is the whole length."""
        sql = "SELECT id, at, feed, topic, reason, detail, attribute, payload, size FROM dead_letter WHERE id < ?"
        parameters: list[Any] = [before if before is not None else 1 << 62]
        if feed:
            sql += " AND feed = ?"
            parameters.append(feed)
        with self._lock:
            rows = self._db.execute(sql + " ORDER BY id DESC LIMIT ?", [*parameters, limit]).fetchall()
        return [
            {
                "id": row[0], "at": format_time(row[1]), "feed": row[2], "topic": row[3], "reason": row[4], "detail": row[5],
                "attribute": row[6], "payload": bytes(row[7]).decode("utf-8", "replace"), "size": row[8],
            }
            for row in rows
        ]  # fmt: skip

    def count(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM dead_letter").fetchone()[0])

    async def metrics(self) -> Iterable[Family]:
        """The number of letters kept; reads the file."""
        return (
            gauge(
                "andaman_dead_letters", "Messages kept that could not be read.", await to_thread(self.count)
            ),
        )

    def close(self) -> None:
        with self._lock:
            self._db.close()
