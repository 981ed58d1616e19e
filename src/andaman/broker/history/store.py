"""The DuckDB file: numbered words, segments of rows, loading and re-sorting. One thread writes, any thread reads.

Rows are appended to the open segment (a table). A full segment is closed and re-written sorted by entity (which
belongs to one tenant), attribute, time; four sorted ones of a size become one of the next. Readers work from an
immutable ``Snapshot``; tables that were replaced are dropped when no reader uses them.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import numpy as np

from andaman.broker.history.pieces import pieces
from andaman.broker.history.rows import Row, rows_of
from andaman.broker.model import Event
from andaman.broker.query.facts import text_hash
from andaman.kernel.time import Micros

FILE: Final = "history.duckdb"
OPEN_ROWS: Final = 500_000
"""Rows after which the open segment is closed."""
_FAN_IN: Final = 4
_TOP_LEVEL: Final = 2
"""Segments of 500,000 rows, 2 and 8 million; bigger ones would take too long in one step."""
SORT_ROWS: Final = 200_000
"""Rows that are sorted at once."""
_ENTITY_CACHE: Final = 200_000
_COLUMNS: Final = (
    "tenant INTEGER, entity INTEGER, attr INTEGER, dataset INTEGER, op TINYINT, place SMALLINT, t BIGINT, "
    "lag BIGINT, seq BIGINT, created BIGINT, form INTEGER, num DOUBLE, num2 DOUBLE, body VARCHAR"
)
_SORT: Final = "entity, attr, dataset, t, seq"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS progress (last_seq BIGINT);
CREATE TABLE IF NOT EXISTS word (id INTEGER, text VARCHAR);
CREATE TABLE IF NOT EXISTS entity (id INTEGER, tenant INTEGER, hash BIGINT, name VARCHAR);
CREATE TABLE IF NOT EXISTS segment (
  id INTEGER, level TINYINT, count BIGINT, min_t BIGINT, max_t BIGINT, min_at BIGINT, max_at BIGINT
);
"""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Segment:
    """``level`` -1: open; 0 and up: sorted (0 only once re-written; closed unsorted ones have level -2)."""

    id: int
    level: int
    count: int
    min_t: Micros
    max_t: Micros
    min_at: Micros
    max_at: Micros


@dataclass(frozen=True, slots=True)
class Snapshot:
    last_seq: int
    segments: tuple[Segment, ...]

    def union(
        self,
        columns: str,
        where: str,
        *,
        t_from: Micros | None = None,
        t_to: Micros | None = None,
        at_to: Micros | None = None,
    ) -> str:
        """SQL for these columns of every segment that can hold rows in the range, of this snapshot only."""
        parts = [
            f"SELECT {columns} FROM seg_{s.id} WHERE {where} AND seq <= {self.last_seq}"  # noqa: S608
            for s in self.segments
            if s.count
            and (t_from is None or s.max_t >= t_from)
            and (t_to is None or s.min_t <= t_to)
            and (at_to is None or s.min_at <= at_to)
        ]
        return " UNION ALL ".join(parts) or f"SELECT {columns} FROM nothing"  # noqa: S608


class Store:
    """The file and what is known of it in memory."""

    def __init__(self, directory: Path, memory_mb: int, threads: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        spill = directory / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        self._db = duckdb.connect(
            str(directory / FILE),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": str(threads),
                "temp_directory": str(spill),
            },
        )
        for statement in _SCHEMA.split(";"):
            if statement.strip():
                self._db.execute(statement)
        self._root = self._db.cursor()
        self._lock = threading.Lock()
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._reading: list[Snapshot] = []
        self._doomed: set[int] = set()
        self._words: dict[str, int] = {}
        self.texts: list[str] = []
        self._entities: dict[tuple[int, str], int] = {}  # of the writing thread; may hold uncommitted ones
        self._asked: dict[tuple[int, str], int] = {}  # of the readers
        self._load()

    def _load(self) -> None:
        found = self._db.execute("SELECT last_seq FROM progress").fetchone()
        if found is None:
            self._db.execute("INSERT INTO progress VALUES (0)")
        words = self._db.execute("SELECT id, text FROM word ORDER BY id").fetchall()
        self.texts = [text for _, text in words]
        self._words = {text: number for number, text in words}
        row = self._db.execute("SELECT coalesce(max(id), -1) FROM entity").fetchone()
        self._next_entity = row[0] + 1 if row else 0
        segments = self._db.execute("SELECT * FROM segment ORDER BY id").fetchall()
        known = {f"seg_{row[0]}" for row in segments}
        for (table,) in self._db.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'seg\\_%' ESCAPE '\\'"
        ).fetchall():
            if table not in known:  # left by a re-sorting that was interrupted
                self._db.execute(f"DROP TABLE {table}")
        self._next_segment = max((row[0] for row in segments), default=0) + 1
        self.snapshot = Snapshot(found[0] if found else 0, tuple(Segment(*row) for row in segments))

    # -- reading ------------------------------------------------------------------------------------------------
    def read(self, ask: Callable[[Snapshot, duckdb.DuckDBPyConnection], R]) -> R:
        """Run ``ask`` on the newest snapshot; its tables stay until it is done."""
        with self._lock:
            cursor = self._idle.pop() if self._idle else self._cursor()
            snapshot = self.snapshot
            self._reading.append(snapshot)
        try:
            return ask(snapshot, cursor)
        finally:
            with self._lock:
                self._reading.remove(snapshot)
                self._idle.append(cursor)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._root.cursor()
        cursor.execute(f"CREATE TEMP TABLE nothing ({_COLUMNS})")
        return cursor

    def word(self, text: str) -> int:
        """The number of a text, -1 where no row has it."""
        return self._words.get(text, -1)

    def entity(self, cursor: duckdb.DuckDBPyConnection, tenant: str, name: str) -> int:
        """The number of an entity, -1 where no row has it."""
        key = (self.word(tenant), name)
        number = self._asked.get(key)
        if number is None:
            row = cursor.execute(
                "SELECT id FROM entity WHERE hash=? AND tenant=? AND name=?",
                (text_hash(name), *key),
            ).fetchone()
            if row is None:
                return -1
            number = int(row[0])
            if len(self._asked) >= _ENTITY_CACHE:
                self._asked = {}
            self._asked[key] = number  # once committed, a number never changes
        return number

    def names(
        self, cursor: duckdb.DuckDBPyConnection, tenant: str, numbers: Sequence[int] | None = None
    ) -> dict[int, str]:
        """Names of the tenant's entities, or of some of them."""
        if numbers is None:
            rows = cursor.execute("SELECT id, name FROM entity WHERE tenant=?", (self.word(tenant),))
        else:
            rows = cursor.execute(
                "SELECT id, name FROM entity WHERE id IN (SELECT unnest(?::INTEGER[]))", (list(numbers),)
            )
        found = rows.fetchnumpy()
        return dict(zip(found["id"].tolist(), found["name"].tolist(), strict=True))

    # -- loading (one thread) -----------------------------------------------------------------------------------
    def ingest(self, events: Sequence[Event]) -> None:
        """Append the rows of events behind ``last_seq``; durable on return, all or nothing."""
        last = self.snapshot.last_seq
        fresh = [event for event in events if event.seq > last]
        if not fresh:
            return
        pairs = [(row, event.tenant) for event in fresh for row in rows_of(event)]
        self._transact(
            fresh[-1].seq,
            lambda: self._columns([row for row, _ in pairs], [tenant for _, tenant in pairs]),
        )

    def append(self, columns: dict[str, Any], last_seq: int) -> None:
        """Append rows that are already arrays in the order of the table (words and entities known)."""
        self._transact(last_seq, lambda: columns)

    def _transact(self, last_seq: int, make: Callable[[], dict[str, Any]]) -> None:
        segment = next((s for s in self.snapshot.segments if s.level == -1), None)
        words_before, entities_before = len(self.texts), self._next_entity
        self._db.execute("BEGIN")
        try:
            if segment is None:
                segment = self._new_segment()
            data = make()
            words = self.texts[words_before:]
            self._write("word", {"id": _ints(range(words_before, len(self.texts))), "text": _texts(words)})
            self._write(f"seg_{segment.id}", data)
            at = data["t"] + data["lag"]
            count = segment.count + len(at)
            grown = Segment(
                segment.id,
                -1 if count < OPEN_ROWS else -2,
                count,
                min(segment.min_t, int(data["t"].min())),
                max(segment.max_t, int(data["t"].max())),
                min(segment.min_at, int(at.min())),
                max(segment.max_at, int(at.max())),
            )
            self._catalogue([segment.id], grown)
            self._db.execute("UPDATE progress SET last_seq=?", (last_seq,))
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                self._db.execute("ROLLBACK")
            for text in self.texts[words_before:]:
                del self._words[text]
            del self.texts[words_before:]
            self._next_entity = entities_before
            self._entities.clear()
            raise
        others = tuple(s for s in self.snapshot.segments if s.id != segment.id)
        self.snapshot = Snapshot(last_seq, (*others, grown))

    def _new_segment(self) -> Segment:
        number = self._next_segment
        self._next_segment += 1
        self._db.execute(f"CREATE TABLE seg_{number} ({_COLUMNS})")
        return Segment(number, -1, 0, 1 << 62, -(1 << 62), 1 << 62, -(1 << 62))

    def _catalogue(self, gone: Sequence[int], new: Segment) -> None:
        self._db.execute("DELETE FROM segment WHERE id IN (SELECT unnest(?::INTEGER[]))", (list(gone),))
        self._db.execute(
            "INSERT INTO segment VALUES (?,?,?,?,?,?,?)",
            (new.id, new.level, new.count, new.min_t, new.max_t, new.min_at, new.max_at),
        )

    def _write(self, table: str, data: dict[str, Any]) -> None:
        if len(next(iter(data.values()))):
            self._db.register("batch", data)
            self._db.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608
            self._db.unregister("batch")

    def _number(self, text: str) -> int:
        number = self._words.get(text)
        if number is None:
            number = len(self.texts)
            self.texts.append(text)
            self._words[text] = number
        return number

    def _columns(self, rows: list[Row], tenants: list[str]) -> dict[str, Any]:
        entity, attr, dataset, op, place, t, lag, seq, created, form, num, num2, body = zip(
            *rows, strict=True
        )
        owner = [self._number(tenant) for tenant in tenants]
        return {
            "tenant": _ints(owner),
            "entity": _ints(self._entity_numbers(owner, entity)),
            "attr": _ints([self._number(text) for text in attr]),
            "dataset": _ints([self._number(text) for text in dataset]),
            "op": np.array(op, dtype=np.int8),
            "place": np.minimum(np.array(place), 32_767).astype(np.int16),
            "t": np.array(t, dtype=np.int64),
            "lag": np.array(lag, dtype=np.int64),
            "seq": np.array(seq, dtype=np.int64),
            "created": np.array(created, dtype=np.int64),
            "form": _ints([self._number(text) for text in form]),
            "num": np.array(num, dtype=np.float64),
            "num2": np.array(num2, dtype=np.float64),
            "body": _texts(body),
        }

    def _entity_numbers(self, tenants: Sequence[int], names: Sequence[str]) -> list[int]:
        keys = list(zip(tenants, names, strict=True))
        missing = list({key for key in keys if key not in self._entities})
        if missing:
            if len(self._entities) + len(missing) > _ENTITY_CACHE:
                self._entities = {}
                missing = list(set(keys))
            self._db.register(
                "asked",
                {
                    "tenant": _ints([tenant for tenant, _ in missing]),
                    "hash": np.array([text_hash(name) for _, name in missing], dtype=np.int64),
                    "name": _texts([name for _, name in missing]),
                },
            )
            for number, tenant, name in self._db.execute(
                "SELECT e.id, e.tenant, e.name FROM entity e JOIN asked a "
                "ON e.hash=a.hash AND e.tenant=a.tenant AND e.name=a.name"
            ).fetchall():
                self._entities[tenant, name] = number
            self._db.unregister("asked")
            new = [key for key in dict.fromkeys(keys) if key not in self._entities]
            numbers = range(self._next_entity, self._next_entity + len(new))
            self._entities.update(zip(new, numbers, strict=True))
            self._next_entity += len(new)
            self._write(
                "entity",
                {
                    "id": _ints(numbers),
                    "tenant": _ints([tenant for tenant, _ in new]),
                    "hash": np.array([text_hash(name) for _, name in new], dtype=np.int64),
                    "name": _texts([name for _, name in new]),
                },
            )
        return [self._entities[key] for key in keys]

    # -- upkeep (same thread) -----------------------------------------------------------------------------------
    def maintain(self) -> bool:
        """One step: sort one closed segment, or merge four sorted ones of a level. True while there is more."""
        self._sweep()
        task = self._task()
        if task is None:
            return False
        old, level = task
        number = self._next_segment
        self._next_segment += 1
        union = " UNION ALL ".join(f"SELECT * FROM seg_{s.id}" for s in old)  # noqa: S608
        try:
            self._db.execute(f"CREATE OR REPLACE TABLE seg_{number} ({_COLUMNS})")
            for part in pieces(self._db, union, SORT_ROWS):
                piece = f"SELECT * FROM ({union}) WHERE {part} ORDER BY {_SORT}"  # noqa: S608
                self._db.execute(f"INSERT INTO seg_{number} {piece}")
        except BaseException:
            with suppress(duckdb.Error):
                self._db.execute(f"DROP TABLE IF EXISTS seg_{number}")
            raise
        new = Segment(
            number,
            level,
            sum(s.count for s in old),
            min(s.min_t for s in old),
            max(s.max_t for s in old),
            min(s.min_at for s in old),
            max(s.max_at for s in old),
        )
        gone = {s.id for s in old}
        self._db.execute("BEGIN")
        self._catalogue(sorted(gone), new)
        self._db.execute("COMMIT")
        kept = tuple(s for s in self.snapshot.segments if s.id not in gone)
        with self._lock:
            self.snapshot = Snapshot(self.snapshot.last_seq, (*kept, new))
            self._doomed |= gone
        self._sweep()
        return self._task() is not None

    def _sweep(self) -> None:
        """Drop replaced tables that nobody reads any more; those of a process that ended are dropped at its start."""
        with self._lock:
            used = {segment.id for snapshot in self._reading for segment in snapshot.segments}
        for number in self._doomed - used:
            self._db.execute(f"DROP TABLE seg_{number}")
            self._doomed.discard(number)

    def _task(self) -> tuple[list[Segment], int] | None:
        segments = self.snapshot.segments
        closed = [s for s in segments if s.level == -2]
        if closed:
            return closed[:1], 0
        for level in range(_TOP_LEVEL):
            same = [s for s in segments if s.level == level]
            if len(same) >= _FAN_IN:
                return same[:_FAN_IN], level + 1
        return None

    def close(self) -> None:
        """Write everything into the file and let go of it."""
        with self._lock:
            for cursor in chain(self._idle, [self._root]):
                cursor.close()
            self._idle.clear()
            with suppress(duckdb.Error):
                self._db.execute("CHECKPOINT")
            self._db.close()


def _ints(values: Any) -> Any:
    return np.fromiter(values, dtype=np.int32, count=len(values))


def _texts(values: Sequence[str]) -> Any:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
