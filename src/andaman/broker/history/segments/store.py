"""The DuckDB file: numbered words, segments of rows, and loading. One thread writes, any thread reads.

Rows are appended to the open segment (a table). A full segment is closed and re-written sorted (``upkeep.py``).
Readers work from an immutable ``Snapshot``; tables that were replaced are dropped when no reader uses them.
"""

from __future__ import annotations

import atexit
import gc
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import numpy as np

from andaman.broker.history.rows.corrections import Edits, edit_of
from andaman.broker.history.rows.large_texts import LARGE, Journal, Texts, left_out
from andaman.broker.history.rows.names import Names, ints, texts, write
from andaman.broker.history.rows.rollups import COLUMNS as ROLLUP_COLUMNS
from andaman.broker.history.rows.rows import META, SCOPE, Row, rows_of, touched
from andaman.broker.history.rows.set_aside import SCHEMA, SetAside, add
from andaman.broker.history.segments.recent import (
    FIELDS,
    KEPT_ROWS,
    Run,
    Runs,
    bounded,
    grown,
    run_of,
    together,
)
from andaman.broker.history.segments.segment import CLOSED, COLUMNS, OPEN, Segment, Snapshot, T
from andaman.broker.model import Event
from andaman.kernel.errors import AndamanError, TooManyResults, Unavailable

FILE: Final = "history.duckdb"
FORMAT: Final = 4
"""3: what a sorted segment stores of times and positions (``sorting.py``). 4: large texts are left out (``large.py``). Files of other
formats are made again from the journal."""
_READS: Final = (2, 3)
"""Formats whose segments can stay as they are until they are sorted with others, unless they hold such texts."""
_TOO_LARGE: Final = 16 << 10
"""Texts that older segments may have: a vector of them still fits into memory."""
OPEN_ROWS: Final = 500_000
"""Rows after which the open segment is closed."""
_BLOCK: Final = 65_536
"""Of a new file, in bytes: a column of a row group fills a few of them, larger ones would stay half empty."""
_HIGH: Final = 1 << 62
_CLOSE_LIMIT_S: Final = 5.0
_CLOSES: Final = "History is closing; ask again in a moment"
_SCHEMA: Final = """
CREATE TABLE format (version INTEGER);
CREATE TABLE progress (last_seq BIGINT);
CREATE TABLE word (id INTEGER, text VARCHAR);
CREATE TABLE entity (id INTEGER, tenant INTEGER, hash BIGINT, name VARCHAR);
CREATE TABLE segment (
  id INTEGER, level TINYINT, count BIGINT, min_t BIGINT, max_t BIGINT, min_at BIGINT, max_at BIGINT,
  max_seq BIGINT, last BIGINT, days BOOLEAN, again VARCHAR
);
"""

R = TypeVar("R")


class OtherFormat(AndamanError):
    """The file is of another format than this release writes; it can be made again from the journal."""


class Store:
    """The file and the facts about it in memory."""

    def __init__(self, directory: Path, memory_mb: int, threads: int, journal: Journal | None = None) -> None:
        """``journal``: where texts are that are left out here; None: none are."""
        self.large = Texts(journal)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        spill = directory / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        self.db = duckdb.connect(
            str(directory / FILE),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": str(threads),
                "temp_directory": str(spill),
                "default_block_size": str(_BLOCK),
            },
        )
        try:
            self._prepare()
        except BaseException:
            self.db.close()
            raise
        self._root = self.db.cursor()
        self.told: dict[tuple[int, str, str], Any] = {}
        """Results computed from events of the journal's tail, by (position, attribute, kind of question); empty when
        the events are here.
        """
        self.newest: dict[tuple[int, int], Any] = {}
        """The newest rows by (tenant, attribute), see latest.py."""
        self._lock = threading.Lock()
        self.room = threading.Lock()
        """Held by a task that needs the engine's memory for itself: a step of sorting, or a large question asked again."""
        self._done = threading.Condition(self._lock)
        """Notified whenever a question has been answered."""
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._asking: list[duckdb.DuckDBPyConnection] = []
        self._closed = False
        self._reading: list[Snapshot] = []
        self._doomed: dict[int, Segment] = {}
        self.names = Names(self.db)
        self.edits = Edits(self.db, self.names)
        self.large.load(self.db)
        self.db.execute(SCHEMA)
        self.aside: int = self.db.execute("SELECT count(*) FROM aside").fetchall()[0][0]
        self._load()
        # With a frozen collector DuckDB's bindings would report leaks on the terminal when the process ends.
        atexit.register(gc.unfreeze)

    def _prepare(self) -> None:
        """Make the tables of a new file, or see that an old one has them."""
        tables = {row[0] for row in self.db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if not tables:
            self.db.execute("BEGIN")
            for statement in _SCHEMA.split(";"):
                if statement.strip():
                    self.db.execute(statement)
            self.db.execute(f"CREATE TABLE rollup ({ROLLUP_COLUMNS})")
            self.db.execute("INSERT INTO format VALUES (?)", (FORMAT,))
            self.db.execute("INSERT INTO progress VALUES (0)")
            self.db.execute("COMMIT")
            return
        found = self.db.execute("SELECT version FROM format").fetchall() if "format" in tables else [(1,)]
        if found in [[(version,)] for version in _READS]:
            self._upgrade()
        elif found != [(FORMAT,)]:
            raise OtherFormat(
                f"History has format {found[0][0] if found else 'none'}, this release writes {FORMAT}; "
                "it is made again from the journal when the platform starts"
            )
        self.db.execute("ALTER TABLE segment ADD COLUMN IF NOT EXISTS again VARCHAR")

    def _upgrade(self) -> None:
        """Take a file of an older release, or raise OtherFormat."""
        try:
            for (table,) in self.db.execute(
                "SELECT table_name FROM duckdb_columns() WHERE column_name='body' AND NOT internal"
            ).fetchall():
                if self.db.execute(
                    f"SELECT 1 FROM {table} WHERE strlen(body) > {_TOO_LARGE} LIMIT 1"  # noqa: S608
                ).fetchall():
                    raise duckdb.OutOfMemoryException("a column holds large texts")
        except duckdb.OutOfMemoryException:
            raise OtherFormat(
                "History of an older release holds texts that are too large for it; it is made again from the journal "
                "when the platform starts"
            ) from None
        self.db.execute("BEGIN")
        self.db.execute("ALTER TABLE segment ADD COLUMN IF NOT EXISTS days BOOLEAN DEFAULT false")
        self.db.execute("UPDATE format SET version = ?", (FORMAT,))
        self.db.execute("COMMIT")

    def _load(self) -> None:
        ((last_seq,),) = self.db.execute("SELECT last_seq FROM progress").fetchall()
        segments = [Segment(*row) for row in self.db.execute("SELECT * FROM segment").fetchall()]
        known = {table for s in segments for table in (s.table, s.last_table)}
        for (table,) in self.db.execute(
            "SELECT table_name FROM duckdb_tables() WHERE regexp_matches(table_name, '^(seg|last|roll)_[0-9]+$')"
        ).fetchall():
            if table not in known:  # left by a re-sorting that was interrupted
                self.db.execute(f"DROP TABLE {table}")
        self._next_segment = max((s.id for s in segments), default=0) + 1
        self.snapshot = Snapshot(last_seq, _in_order(segments), self._recent(segments))

    def _recent(self, segments: Sequence[Segment]) -> dict[int, tuple[Run, ...]]:
        """The rows that came last, from the file."""
        runs: dict[int, tuple[Run, ...]] = {}
        left = KEPT_ROWS
        columns = ", ".join(f"{T} AS t" if name == "t" else name for name in FIELDS)
        for segment in reversed(_in_order(segments)):
            if not 0 < segment.count <= KEPT_ROWS:
                continue
            left -= segment.count
            if left < 0:
                break
            rows = self.db.execute(f"SELECT {columns} FROM {segment.table}").fetchnumpy()  # noqa: S608
            runs[segment.id] = (run_of({name: np.ma.getdata(rows[name]) for name in FIELDS}),)
        return runs

    # -- reading ------------------------------------------------------------------------------------------------
    def read(self, ask: Callable[[Snapshot, duckdb.DuckDBPyConnection], R]) -> R:
        """Run ``ask`` on the newest snapshot; its tables stay until it is done.

        ``ask`` is run again, alone, when the engine's memory did not suffice beside sorting and other questions. Raises
        TooManyResults when it does not suffice for this one alone, Unavailable once the store closes.
        """
        try:
            return self._read(ask)
        except duckdb.OutOfMemoryException:
            pass
        with self.room:
            try:
                return self._read(ask)
            except duckdb.OutOfMemoryException as error:
                raise TooManyResults(
                    "The question needs more memory than history has (history_memory_mb); ask for fewer entities "
                    "or a shorter time at once"
                ) from error

    def _read(self, ask: Callable[[Snapshot, duckdb.DuckDBPyConnection], R]) -> R:
        with self._lock:
            if self._closed:
                raise Unavailable(_CLOSES)
            cursor = self._idle.pop() if self._idle else self._cursor()
            snapshot = self.snapshot
            self._reading.append(snapshot)
            self._asking.append(cursor)
        try:
            return ask(snapshot, cursor)
        except duckdb.InterruptException as error:
            raise Unavailable(_CLOSES) from error
        finally:
            # A result that was not read to its end would keep its transaction open, and the file would only grow.
            cursor.abort()
            with self._lock:
                self._reading.remove(snapshot)
                self._asking.remove(cursor)
                self._idle.append(cursor)
                self._done.notify_all()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._root.cursor()
        cursor.execute(f"CREATE TEMP TABLE nothing ({COLUMNS})")
        return cursor

    # -- loading (one thread) -----------------------------------------------------------------------------------
    def ingest(
        self,
        events: Iterable[Event],
        *,
        without: frozenset[int] = frozenset(),
        aside: Sequence[SetAside] = (),
    ) -> list[tuple[str, Row]]:
        """Append the rows of events behind ``last_seq``; durable on return, all or nothing. ``without``: rows that are set
        aside (their numbers, of a single event), which ``aside`` tells.

        Events are taken one by one, so that never more than one is in memory with all that it tells. Returned are the rows that
        tell what entities are, each with its tenant.
        """
        last = self.snapshot.last_seq
        pairs: list[tuple[Row, str]] = []
        telling: list[tuple[str, Row]] = []
        corrections: list[Event] = []
        leaves_out, large = self.large.leaves_out, set[str]()
        for event in events:
            if event.seq <= last:
                continue
            tenant = event.tenant
            for number, row in enumerate(rows_of(event)):
                if number in without:
                    continue
                if leaves_out and len(row.body) > LARGE:
                    large.add(row.attr)
                    row = left_out(row)
                pairs.append((row, tenant))
                if row.attr == META or row.attr == SCOPE:
                    telling.append((tenant, row))
            last = event.seq
            if edit_of(event) is not None:
                corrections.append(event)
            if without:
                pairs.append((touched(event), tenant))
        if last == self.snapshot.last_seq:
            return []

        def make() -> dict[str, Any]:
            # First the rows: entities are numbered in the order of their first appearance in the journal.
            columns = self._columns([row for row, _ in pairs], [tenant for _, tenant in pairs])
            self.edits.take(corrections)
            add(self.db, aside)
            self.large.note(self.db, large - self.large.noted)
            return columns

        self.large.attrs |= large  # before readers see the rows
        self._transact(last, make)
        self.large.noted |= large
        self.aside += len(aside)
        return telling

    def append(self, columns: dict[str, Any], last_seq: int) -> None:
        """Append rows that are already arrays in the order of the table (words and entities known)."""
        self._transact(last_seq, lambda: columns)

    def _transact(self, last_seq: int, make: Callable[[], dict[str, Any]]) -> None:
        segment = next((s for s in self.snapshot.segments if s.level == OPEN), None)
        mark = self.names.mark()
        self.db.execute("BEGIN")
        try:
            if segment is None:
                number = self.new_number()
                self.db.execute(f"CREATE TABLE seg_{number} ({COLUMNS})")
                segment = Segment(number, OPEN, 0, _HIGH, -_HIGH, _HIGH, -_HIGH, -_HIGH)
            data = make()
            self.names.save(mark)
            write(self.db, segment.table, data)
            t = data["ms"] * 1000 + data["us"]
            at = t + data["lag"]
            count = segment.count + len(at)
            larger = Segment(
                segment.id,
                OPEN if count < OPEN_ROWS else CLOSED,
                count,
                min(segment.min_t, int(t.min())),
                max(segment.max_t, int(t.max())),
                min(segment.min_at, int(at.min())),
                max(segment.max_at, int(at.max())),
                max(segment.max_seq, int(data["seq"].max())),
            )
            self.catalogue([segment], larger)
            self.db.execute("UPDATE progress SET last_seq=?", (last_seq,))
            self.db.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                self.db.execute("ROLLBACK")
            self.names.undo(mark)
            self.edits.undo()
            raise
        self.edits.settle()
        self.names.settle()
        self.told = {}
        others = [s for s in self.snapshot.segments if s.id != segment.id]
        runs = dict(self.snapshot.runs)
        if segment.id in runs or not segment.count:
            runs[segment.id] = grown(runs.get(segment.id, ()), run_of(data))
        self.snapshot = _snapshot(last_seq, [*others, larger], runs, self.snapshot.thinned)

    def _columns(self, rows: list[Row], tenants: list[str]) -> dict[str, Any]:
        entity, attr, dataset, op, place, t, lag, seq, created, form, num, num2, body = zip(
            *rows, strict=True
        )
        owner = [self.names.number(tenant) for tenant in tenants]
        times = np.array(t, dtype=np.int64)
        return {
            "tenant": ints(owner),
            "entity": ints(self.names.entity_numbers(owner, entity)),
            "attr": ints([self.names.number(text) for text in attr]),
            "dataset": ints([self.names.number(text) for text in dataset]),
            "op": np.array(op, dtype=np.int8),
            "place": np.minimum(np.array(place), 32_767).astype(np.int16),
            "ms": times // 1000,
            "us": (times % 1000).astype(np.int16),
            "lag": np.array(lag, dtype=np.int64),
            "seq": np.array(seq, dtype=np.int64),
            "created": np.array(created, dtype=np.int64),
            "form": ints([self.names.number(text) for text in form]),
            "num": np.array(num, dtype=np.float64),
            "num2": np.array(num2, dtype=np.float64),
            "body": texts([text or None for text in body]),
        }

    # -- for upkeep (same thread) -------------------------------------------------------------------------------
    def new_number(self) -> int:
        self._next_segment += 1
        return self._next_segment - 1

    def close_open(self, segment: Segment) -> None:
        """Nothing is appended to the open segment any more; it will be sorted."""
        closed = replace(segment, level=CLOSED)
        self.db.execute("BEGIN")
        self.catalogue([segment], closed)
        self.db.execute("COMMIT")
        others = [s for s in self.snapshot.segments if s.id != segment.id]
        self.snapshot = replace(self.snapshot, segments=_in_order([*others, closed]))

    def catalogue(self, gone: Iterable[Segment], new: Segment | None) -> None:
        """Within a transaction: the list of segments in the file."""
        self.db.execute(
            "DELETE FROM segment WHERE id IN (SELECT unnest(?::INTEGER[]))", ([s.id for s in gone],)
        )
        if new is not None:
            self.db.execute(
                "INSERT INTO segment VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                astuple(new),
            )

    def replace(self, old: Sequence[Segment], new: Segment | None, *, same: bool = False) -> None:
        """Once committed: readers see ``new`` instead of ``old`` from now on. ``same``: it has the same rows."""
        gone = {s.id: s for s in old}
        kept = [s for s in self.snapshot.segments if s.id not in gone]
        runs = dict(self.snapshot.runs)
        theirs = [runs.pop(number) for number in gone if number in runs]
        if same and new is not None and len(theirs) == len(gone) and new.count <= KEPT_ROWS:
            runs[new.id] = (together([run for some in theirs for run in some]),)
        with self._lock:
            now = self.snapshot
            thinned = now.thinned + (not same)
            self.snapshot = _snapshot(now.last_seq, [*kept, new] if new is not None else kept, runs, thinned)
            self._doomed |= gone
        self.sweep()

    def sweep(self) -> None:
        """Drop replaced tables that nobody reads any more; those of a process that ended are dropped at its start."""
        with self._lock:
            used = {segment.id for snapshot in self._reading for segment in snapshot.segments}
        free = self._doomed.keys() - used
        for number in free:
            segment = self._doomed.pop(number)
            self.db.execute(f"DROP TABLE {segment.table}")
            if segment.last >= 0:
                self.db.execute(f"DROP TABLE {segment.last_table}")
        if free:
            with suppress(
                duckdb.Error
            ):  # their room is used again at once; where a reader is in the way, later
                self.db.execute("CHECKPOINT")

    def close(self) -> None:
        """Write everything into the file and let go of it. Questions under way are broken off: a connection cannot be
        closed while another thread asks through it."""
        until = time.monotonic() + _CLOSE_LIMIT_S
        with self._lock:
            self._closed = True
            while self._asking and time.monotonic() < until:
                for cursor in self._asking:
                    cursor.interrupt()  # again and again: one that comes before the statement is lost
                self._done.wait(0.02)
        with suppress(duckdb.Error):
            for cursor in [*self._idle, self._root]:
                cursor.close()
            self._idle.clear()
            self.db.execute("CHECKPOINT")
        with suppress(duckdb.Error):
            self.db.close()


def _snapshot(last_seq: int, segments: Sequence[Segment], runs: Runs, thinned: int) -> Snapshot:
    ordered = _in_order(segments)
    kept = bounded(runs, (segment.id for segment in reversed(ordered)))
    return Snapshot(last_seq, ordered, kept, thinned)


def _in_order(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """By the stretch of the journal that they cover: the open one last."""
    return tuple(sorted(segments, key=lambda s: s.max_seq))
