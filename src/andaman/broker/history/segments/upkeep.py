"""Upkeep in the background, in small steps: closed segments are sorted, four neighbours of a size become one.

Each step is bounded in time and memory. What a job has made becomes visible in one transaction at its end; a job that
is cut off leaves tables that nobody knows, which are dropped at the next start.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import duckdb

from andaman.broker.history.segments import sorting
from andaman.broker.history.segments.condense import Condenser
from andaman.broker.history.segments.pieces import SORT_ROWS, pieces
from andaman.broker.history.segments.segment import ALL, CLOSED, COLUMNS, Segment, last_rows
from andaman.broker.history.segments.store import Store

FAN_IN: Final = 4
_SMALLEST: Final = 1_000
_TOP_LEVEL: Final = 2
"""Segments of 500,000 rows, 2 and 8 million."""


@dataclass(slots=True)
class _Job:
    """A re-writing under way: ``old`` segments into ``new``, piece by piece, then its last rows."""

    old: list[Segment]
    new: Segment
    rows: str
    parts: list[str]
    last_parts: list[str] | None = None
    again: set[int] = field(default_factory=set)
    done: bool = False


class Upkeep:
    """One job at a time; every call belongs to the loading thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._job: _Job | None = None
        self._size = SORT_ROWS  # of pieces; smaller ones after a job has failed
        self.condenser = Condenser(store)

    def step(self) -> bool:
        """One bounded step. True while there is more."""
        self._store.sweep()
        if self._job is None:
            task = self._task() if not self.condenser.busy or self.condenser.idle else None
            if task is None:
                return self.condenser.step()
            try:
                self._job = self._begin(*task)
            except duckdb.Error:
                self._size = max(self._size // 2, _SMALLEST)
                raise
            return True
        job = self._job
        try:
            if self._advance(job):
                return True
        except BaseException:
            self._job = None
            if not job.done:
                self._give_up(job)
                self._size = max(self._size // 2, _SMALLEST)
            raise
        self._job = None
        self._size = SORT_ROWS
        return self._task() is not None or self.condenser.busy

    def _give_up(self, job: _Job) -> None:
        for undo in ("ROLLBACK", f"DROP TABLE {job.new.table}", f"DROP TABLE last_{job.new.id}"):
            with suppress(duckdb.Error):
                self._store.db.execute(undo)

    def _task(self) -> tuple[list[Segment], int] | None:
        segments = self._store.snapshot.segments
        closed = [s for s in segments if s.level == CLOSED]
        if closed:
            return closed[:1], 0
        for level in range(_TOP_LEVEL):
            for start in range(len(segments) - FAN_IN + 1):
                run = segments[start : start + FAN_IN]
                if all(s.level == level for s in run):
                    return list(run), level + 1
        return None

    def _begin(self, old: list[Segment], level: int) -> _Job:
        db = self._store.db
        new = Segment(
            self._store.new_number(),
            level,
            sum(s.count for s in old),
            min(s.min_t for s in old),
            max(s.max_t for s in old),
            min(s.min_at for s in old),
            max(s.max_at for s in old),
            max(s.max_seq for s in old),
            days=True,
        )
        rows = " UNION ALL ".join(f"SELECT {ALL} FROM {s.table}" for s in old)  # noqa: S608
        parts = pieces(db, rows, self._size, text="body")
        sorting.create(db, new.table)
        db.execute(f"CREATE OR REPLACE TABLE last_{new.id} ({COLUMNS})")
        return _Job(old, new, rows, parts)

    def _advance(self, job: _Job) -> bool:
        db, new = self._store.db, job.new
        if job.parts:
            piece = f"SELECT * FROM ({job.rows}) WHERE {job.parts.pop(0)}"  # noqa: S608
            job.again |= sorting.insert(db, new.table, piece)
            return True
        if job.last_parts is None:
            job.last_parts = pieces(db, self._last_rows(job), self._size, cut=False, text="body")
            return True
        if job.last_parts:
            db.execute(last_rows(new.id, self._last_rows(job), job.last_parts.pop(0)))
            return True
        self._finish(job)
        return False

    @staticmethod
    def _last_rows(job: _Job) -> str:
        """Rows among which the last ones are: of sorted segments we know them already."""
        if len(job.old) == 1:
            return f"SELECT {ALL} FROM {job.new.table}"  # noqa: S608
        return " UNION ALL ".join(f"SELECT {ALL} FROM {s.last_table}" for s in job.old)  # noqa: S608

    def _finish(self, job: _Job) -> None:
        db = self._store.db
        ((last,),) = db.execute(f"SELECT count(*) FROM last_{job.new.id}").fetchall()  # noqa: S608
        if last * 2 > job.new.count:  # nearly every row is a last one: a second copy would gain nothing
            db.execute(f"DROP TABLE last_{job.new.id}")
            last = -1
        new = replace(job.new, last=last, again=sorting.listed(job.again))
        db.execute("BEGIN")
        self._store.catalogue(job.old, new)
        db.execute("COMMIT")
        job.done = True
        self._store.replace(job.old, new, same=True)
