"""The DuckDB file: numbered words, segments of rows, loading and re-sorting. One thread writes, any thread reads.

Rows are appended to the open segment (a table). A full segment is closed and re-written sorted by entity (which
belongs to one tenant), attribute, time; four sorted ones of a size become one of the next. Readers work from an
immutable ``Snapshot``; tables that were replaced are dropped when no reader uses them.
"""

from __future__ import annotations

import atexit
import gc
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

from andaman.broker.history.names import Names, ints, texts, write
from andaman.broker.history.pieces import pieces
from andaman.broker.history.rows import Row, rows_of
from andaman.broker.model import Event
from andaman.kernel.time import Micros

FILE: Final = "history.duckdb"
OPEN_ROWS: Final = 500_000
"""Rows after which the open segment is closed."""
_FAN_IN: Final = 4
_TOP_LEVEL: Final = 2
"""Segments of 500,000 rows, 2 and 8 million."""
SORT_ROWS: Final = 200_000
"""Rows that are sorted at once."""
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


@dataclass(slots=True)
class _Job:
    """A re-sorting under way: ``old`` segments, piece by piece into the table ``number``."""

    old: list[Segment]
    level: int
    number: int
    union: str
    parts: list[str]


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
        self._job: _Job | None = None
        self.names = Names(self._db)
        self._load()
        # With a frozen collector DuckDB's bindings would report leaks on the terminal when the process ends.
        atexit.register(gc.unfreeze)

    def _load(self) -> None:
        found = self._db.execute("SELECT last_seq FROM progress").fetchone()
        if found is None:
            self._db.execute("INSERT INTO progress VALUES (0)")
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
        mark = self.names.mark()
        self._db.execute("BEGIN")
        try:
            if segment is None:
                segment = self._new_segment()
            data = make()
            self.names.save(mark)
            write(self._db, f"seg_{segment.id}", data)
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
            self.names.undo(mark)
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

    def _columns(self, rows: list[Row], tenants: list[str]) -> dict[str, Any]:
        entity, attr, dataset, op, place, t, lag, seq, created, form, num, num2, body = zip(
            *rows, strict=True
        )
        owner = [self.names.number(tenant) for tenant in tenants]
        return {
            "tenant": ints(owner),
            "entity": ints(self.names.entity_numbers(owner, entity)),
            "attr": ints([self.names.number(text) for text in attr]),
            "dataset": ints([self.names.number(text) for text in dataset]),
            "op": np.array(op, dtype=np.int8),
            "place": np.minimum(np.array(place), 32_767).astype(np.int16),
            "t": np.array(t, dtype=np.int64),
            "lag": np.array(lag, dtype=np.int64),
            "seq": np.array(seq, dtype=np.int64),
            "created": np.array(created, dtype=np.int64),
            "form": ints([self.names.number(text) for text in form]),
            "num": np.array(num, dtype=np.float64),
            "num2": np.array(num2, dtype=np.float64),
            "body": texts(body),
        }

    # -- upkeep (same thread) -----------------------------------------------------------------------------------
    def maintain(self) -> bool:
        """One piece of re-sorting a closed segment, or of merging four sorted ones. True while there is more."""
        self._sweep()
        if self._job is None:
            task = self._task()
            if task is None:
                return False
            old, level = task
            union = " UNION ALL ".join(f"SELECT * FROM seg_{s.id}" for s in old)  # noqa: S608
            self._db.execute(f"CREATE OR REPLACE TABLE seg_{self._next_segment} ({_COLUMNS})")
            parts = pieces(self._db, union, SORT_ROWS)
            self._job = _Job(old, level, self._next_segment, union, parts)
            self._next_segment += 1
            return True
        job = self._job
        try:
            piece = f"SELECT * FROM ({job.union}) WHERE {job.parts.pop(0)} ORDER BY {_SORT}"  # noqa: S608
            self._db.execute(f"INSERT INTO seg_{job.number} {piece}")
        except BaseException:
            self._job = None
            with suppress(duckdb.Error):
                self._db.execute(f"DROP TABLE IF EXISTS seg_{job.number}")
            raise
        if job.parts:
            return True
        self._job = None
        self._replace(job)
        return self._task() is not None

    def _replace(self, job: _Job) -> None:
        """The new segment takes the place of the old ones."""
        old, gone = job.old, {s.id for s in job.old}
        new = Segment(
            job.number,
            job.level,
            sum(s.count for s in old),
            min(s.min_t for s in old),
            max(s.max_t for s in old),
            min(s.min_at for s in old),
            max(s.max_at for s in old),
        )
        self._db.execute("BEGIN")
        self._catalogue(sorted(gone), new)
        self._db.execute("COMMIT")
        kept = tuple(s for s in self.snapshot.segments if s.id not in gone)
        with self._lock:
            self.snapshot = Snapshot(self.snapshot.last_seq, (*kept, new))
            self._doomed |= gone
        self._sweep()

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
