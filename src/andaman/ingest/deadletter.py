"""Unreadable messages: kept with the reason, bounded in number, age and size, in a SQLite file of their own.

Of each kind (feed, topic, reason, attribute) the newest few are kept and the others counted, and where the box is full
the most frequent kind gives way: one noisy device hides nothing.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from asyncio import to_thread
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from andaman.kernel.blobs import BlobClass, Blobs
from andaman.kernel.errors import AndamanError, Conflict, ResourceNotFound, TooLarge
from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.tables import Store, StoreKind, columns
from andaman.kernel.time import DAY, Micros, format_time

log = logging.getLogger(__name__)
MAX_ROWS: Final = 20_000
MAX_AGE: Final = 30 * DAY
MAX_PAYLOAD: Final = 4096
"""Bytes of a payload in the row. A longer one is a large object as well, and the row has its beginning."""
LETTER: Final = BlobClass("letter", 1 << 20)
"""Complete payloads."""
MAX_TEXT: Final = 512
KEPT: Final = 20
"""Letters of one kind."""
FILE: Final = "deadletter.db"
_LETTERS: Final = """
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
) STRICT;
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
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dead_letter_kind ON dead_letter (feed, topic, reason, attribute);
INSERT OR IGNORE INTO kind SELECT feed, topic, reason, attribute, '', count(*), min(at) FROM dead_letter
    GROUP BY feed, topic, reason, attribute;
DELETE FROM dead_letter WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY feed, topic,
    reason, attribute ORDER BY id DESC) AS place FROM dead_letter) WHERE place > 20);
"""
_COUNTED: Final = """
CREATE TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY CHECK (id = 1), letters INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO counted SELECT 1, coalesce(sum(count), 0) FROM kind;
"""
_OBJECTS: Final = "ALTER TABLE dead_letter ADD COLUMN object TEXT NOT NULL DEFAULT '';"
"""A reference to the complete payload. Longer ones of earlier releases have none: only their beginning was kept."""
KIND: Final = StoreKind(
    FILE,
    "the messages that could not be read",
    (_LETTERS + _KINDS, _COUNTED, _OBJECTS),
    "messages that could not be read are forgotten",
    needs={
        "dead_letter": columns("id at feed topic reason detail attribute payload size"),
        "kind": columns("feed topic reason attribute pattern count first"),
    },
)
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

    def __init__(
        self, path: Path, *, max_rows: int = MAX_ROWS, max_age: Micros = MAX_AGE, blobs: Blobs | None = None
    ) -> None:
        """``blobs``: where complete payloads go; None: only their beginnings are kept."""
        self._store = Store(path, KIND)
        self._blobs = blobs
        if blobs is not None:  # a kill may have come between a letter and its object
            rows = self._store.rows("SELECT object FROM dead_letter WHERE object<>''")
            blobs.retain(LETTER, [ref for (ref,) in rows])
        self._max_rows = max_rows
        self._max_age = max_age
        self._added = 0

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, and forget those that are too old or too many."""
        if not letters:
            return
        kinds: dict[tuple[str, str, str, str], list[DeadLetter]] = {}
        for letter in letters:
            key = (_text(letter.feed), _text(letter.topic), _text(letter.reason), _text(letter.attribute))
            kinds.setdefault(key, []).append(letter)
        objects: dict[int, str] = {}
        gone: list[str] = []
        try:
            for some in kinds.values():
                for letter in some[-KEPT:]:
                    if len(letter.payload) > MAX_PAYLOAD:
                        objects[id(letter)] = self._keep(letter)
            with self._store.transaction() as db:
                for key, some in kinds.items():
                    self._add_kind(db, key, some, objects, gone)
                db.execute("UPDATE counted SET letters = letters + ?", (len(letters),))
                self._forget(db, max(letter.at for letter in letters) - self._max_age, gone)
        except BaseException:
            gone = list(objects.values())
            raise
        finally:
            self._release(gone)
        self._added += len(letters)

    def _keep(self, letter: DeadLetter) -> str:
        """A reference to the complete payload; "" where there is no room for it, and its beginning must do."""
        if self._blobs is None:
            return ""
        try:
            expires = letter.at + self._max_age
            return self._blobs.put([letter.payload], LETTER, f"feed:{letter.feed}", expires=expires).ref
        except (Conflict, TooLarge) as error:
            log.debug("A payload is kept in part only: %s", error.detail)
            return ""

    def _release(self, refs: Sequence[str]) -> None:
        if self._blobs is not None:
            with contextlib.suppress(AndamanError):  # they expire by themselves
                self._blobs.release([ref for ref in refs if ref])

    def _add_kind(
        self,
        db: sqlite3.Connection,
        key: tuple[str, str, str, str],
        letters: Sequence[DeadLetter],
        objects: Mapping[int, str],
        gone: list[str],
    ) -> None:
        db.execute(
            "INSERT INTO kind (feed, topic, reason, attribute, pattern, count, first) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count, pattern = excluded.pattern",
            (*key, _text(letters[-1].pattern), len(letters), letters[0].at),
        )
        db.executemany(
            "INSERT INTO dead_letter (at, feed, topic, reason, detail, attribute, payload, size, object) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    objects.get(id(x), ""),
                )
                for x in letters[-KEPT:]
            ],
        )
        rows = db.execute(
            f"DELETE FROM dead_letter WHERE {_KEY} AND id <= (SELECT id FROM dead_letter WHERE {_KEY} "  # noqa: S608
            "ORDER BY id DESC LIMIT 1 OFFSET ?) RETURNING object",
            (*key, *key, KEPT),
        )
        gone += [ref for (ref,) in rows]

    def _forget(self, db: sqlite3.Connection, before: Micros, objects: list[str]) -> None:
        """``objects``: gets the references of those that are forgotten."""
        rows = db.execute("DELETE FROM dead_letter WHERE at < ? RETURNING object", (before,)).fetchall()
        objects += [ref for (ref,) in rows]
        gone = len(rows)
        (count,) = db.execute("SELECT count(*) FROM dead_letter").fetchone()
        while count > self._max_rows:
            # Of the kinds that differ in their topic only, the most frequent gives way, with its oldest letters.
            feed, pattern, reason = db.execute(
                "SELECT feed, pattern, reason FROM dead_letter JOIN kind USING (feed, topic, reason, attribute) "
                "GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT 1"
            ).fetchone()
            most = max(count - self._max_rows, self._max_rows // 100)
            rows = db.execute(
                "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter JOIN kind USING (feed, topic, reason, "
                "attribute) WHERE feed=? AND pattern=? AND reason=? ORDER BY id LIMIT ?) RETURNING object",
                (feed, pattern, reason, most),
            ).fetchall()
            objects += [ref for (ref,) in rows]
            count -= len(rows)
            gone += len(rows)
        if gone:
            db.execute(
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
        rows = self._store.rows(sql + " ORDER BY id DESC LIMIT ?", [*parameters, limit])
        return [
            {
                "id": row[0], "at": format_time(row[1]), "feed": row[2], "topic": row[3], "reason": row[4], "detail": row[5],
                "attribute": row[6], "payload": bytes(row[7]).decode("utf-8", "replace"), "size": row[8],
                "count": row[9] or 1, "since": format_time(row[10] if row[10] is not None else row[1]),
            }
            for row in rows
        ]  # fmt: skip

    def payload(self, letter_id: int) -> bytes:
        """The complete payload of a letter. Raises ResourceNotFound where it, or all but its beginning, is not kept."""
        rows = self._store.rows("SELECT payload, size, object FROM dead_letter WHERE id=?", (letter_id,))
        if not rows:
            raise ResourceNotFound(f"There is no dead letter {letter_id}; it may have been forgotten")
        beginning, size, ref = rows[0]
        if size == len(beginning):
            return bytes(beginning)
        if not ref or self._blobs is None:
            raise ResourceNotFound(
                f"Only the first {len(beginning)} of {size} bytes of letter {letter_id} are kept"
            )
        return self._blobs.read(ref)

    def count(self) -> int:
        """Letters kept."""
        return int(self._store.rows("SELECT count(*) FROM dead_letter")[0][0])

    def counted(self) -> int:
        """All letters that ever came: those that gave way, were only counted or grew old too."""
        return int(self._store.rows("SELECT letters FROM counted")[0][0])

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
        self._store.close()


def _text(text: str) -> str:
    """What any database takes: bounded, and without half characters."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode()
