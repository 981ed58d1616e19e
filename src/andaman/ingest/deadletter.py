"""What could not be read: kept with its reason, bounded in number, age and size, in a SQLite file of its own.

Of each kind (feed, topic, reason, attribute) the newest few are kept and the others counted, and where the box is full
the most frequent kind gives way: one noisy device hides nothing.
"""

from __future__ import annotations

import sqlite3
from asyncio import to_thread
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.storage import opening
from andaman.kernel.time import DAY, Micros, format_time

MAX_ROWS: Final = 20_000
MAX_AGE: Final = 30 * DAY
MAX_PAYLOAD: Final = 4096
MAX_TEXT: Final = 512
KEPT: Final = 20
"""Letters of one kind."""
_VERSION: Final = 2
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
_KINDS: Final = """
CREATE TABLE IF NOT EXISTS kind (
    feed TEXT NOT NULL,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    attribute TEXT NOT NULL,
    pattern TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (feed, topic, reason, attribute)
) STRICT, WITHOUT ROWID
"""
_COUNTED: Final = "CREATE TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY CHECK (id = 1), letters INTEGER NOT NULL) STRICT"
_KEY: Final = "feed=? AND topic=? AND reason=? AND attribute=?"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message, or one value of it, that was not taken over.

    ``reason`` is a code: not-mapped, bad-encoding, bad-json, wrong-type, not-finite, missing-value, out-of-range,
    bad-time, bad-id, no-value, too-large, refused. ``pattern`` is the rule of the mapping that the topic fits, if any.
    """

    at: Micros
    feed: str
    topic: str
    reason: str
    detail: str
    payload: bytes
    attribute: str = ""
    pattern: str = ""


class DeadLetterStore:
    """``add`` is on disk when it returns. Safe to use from several threads."""

    def __init__(self, path: Path, *, max_rows: int = MAX_ROWS, max_age: Micros = MAX_AGE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._max_rows = max_rows
        self._max_age = max_age
        self._added = 0
        with opening(path):
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
            self._upgrade()

    def _upgrade(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version >= _VERSION:
            return
        self._db.execute("BEGIN IMMEDIATE")
        if version < 1:
            self._count_by_kind()
        self._db.execute(_COUNTED)
        self._db.execute("INSERT OR IGNORE INTO counted SELECT 1, coalesce(sum(count), 0) FROM kind")
        self._db.execute(f"PRAGMA user_version={_VERSION}")
        self._db.execute("COMMIT")

    def _count_by_kind(self) -> None:
        """The kinds, which version 0 did not have."""
        self._db.execute(_KINDS)
        self._db.execute(
            "CREATE INDEX IF NOT EXISTS dead_letter_kind ON dead_letter (feed, topic, reason, attribute)"
        )
        self._db.execute(
            "INSERT OR IGNORE INTO kind SELECT feed, topic, reason, attribute, '', count(*), min(at) FROM dead_letter "
            "GROUP BY feed, topic, reason, attribute"
        )
        self._db.execute(
            "DELETE FROM dead_letter WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY feed, topic, "
            "reason, attribute ORDER BY id DESC) AS place FROM dead_letter) WHERE place > ?)",
            (KEPT,),
        )

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, and forget those that are too old or too many."""
        if not letters:
            return
        kinds: dict[tuple[str, str, str, str], list[DeadLetter]] = {}
        for letter in letters:
            key = (_text(letter.feed), _text(letter.topic), _text(letter.reason), _text(letter.attribute))
            kinds.setdefault(key, []).append(letter)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for key, some in kinds.items():
                    self._add_kind(key, some)
                self._db.execute("UPDATE counted SET letters = letters + ?", (len(letters),))
                self._forget(max(letter.at for letter in letters) - self._max_age)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        self._added += len(letters)

    def _add_kind(self, key: tuple[str, str, str, str], letters: Sequence[DeadLetter]) -> None:
        self._db.execute(
            "INSERT INTO kind (feed, topic, reason, attribute, pattern, count, first) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count, pattern = excluded.pattern",
            (*key, _text(letters[-1].pattern), len(letters), letters[0].at),
        )
        self._db.executemany(
            "INSERT INTO dead_letter (at, feed, topic, reason, detail, attribute, payload, size) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    x.at,
                    key[0],
                    key[1],
                    key[2],
                    _text(x.detail),
                    key[3],
                    x.payload[:MAX_PAYLOAD],
                    len(x.payload),
                )
                for x in letters[-KEPT:]
            ],
        )
        self._db.execute(
            f"DELETE FROM dead_letter WHERE {_KEY} AND id <= (SELECT id FROM dead_letter WHERE {_KEY} "  # noqa: S608
            "ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (*key, *key, KEPT),
        )

    def _forget(self, before: Micros) -> None:
        gone = self._db.execute("DELETE FROM dead_letter WHERE at < ?", (before,)).rowcount
        (count,) = self._db.execute("SELECT count(*) FROM dead_letter").fetchone()
        while count > self._max_rows:
            # Of the kinds that differ in their topic only, the most frequent gives way, with its oldest letters.
            feed, pattern, reason = self._db.execute(
                "SELECT feed, pattern, reason FROM dead_letter JOIN kind USING (feed, topic, reason, attribute) "
                "GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT 1"
            ).fetchone()
            most = max(count - self._max_rows, self._max_rows // 100)
            doomed = self._db.execute(
                "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter JOIN kind USING (feed, topic, reason, "
                "attribute) WHERE feed=? AND pattern=? AND reason=? ORDER BY id LIMIT ?)",
                (feed, pattern, reason, most),
            ).rowcount
            count -= doomed
            gone += doomed
        if gone:
            self._db.execute(
                "DELETE FROM kind WHERE NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.feed=kind.feed "
                "AND d.topic=kind.topic AND d.reason=kind.reason AND d.attribute=kind.attribute)"
            )

    def list_newest(
        self, limit: int = 100, before: int | None = None, feed: str = ""
    ) -> list[dict[str, Any]]:
        """Newest first, as plain rows; ``before`` is the id of the last row of the page before. Payload bytes that are
        no UTF-8 are shown as replacement characters; ``size`` is the whole length. ``count``: so many letters of this
        kind came since ``since``, of which the newest are kept."""
        sql = (
            "SELECT id, at, feed, topic, reason, detail, attribute, payload, size, count, first FROM dead_letter "
            "LEFT JOIN kind USING (feed, topic, reason, attribute) WHERE id < ?"
        )
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
                "count": row[9] or 1, "since": format_time(row[10] if row[10] is not None else row[1]),
            }
            for row in rows
        ]  # fmt: skip

    def count(self) -> int:
        """Letters kept."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM dead_letter").fetchone()[0])

    def counted(self) -> int:
        """All letters that ever came: those that gave way, were only counted or grew old too."""
        with self._lock:
            return int(self._db.execute("SELECT letters FROM counted").fetchone()[0])

    async def metrics(self) -> Iterable[Family]:
        """The number of letters kept; reads the file."""
        kept = await to_thread(self.count)
        return (
            gauge("andaman_dead_letters", "Messages kept that could not be read.", kept),
            counter(
                "andaman_dead_letters_received", "Messages and values that could not be read.", self._added
            ),
        )

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _text(text: str) -> str:
    """What any database takes: bounded, and without half characters."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode()
