"""Retention: rows older than a moment are dropped, for chosen entities and attributes; hourly rollups may stay.

Of every instance the last row before that moment stays, so that the state as of any later moment is exact. Segments are
re-written one after the other, oldest first, in steps as small as those of sorting; rows vanish and rollups appear in one
transaction for each segment. A job that is cut off is simply asked for again: what was done is done.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.rows.corrections import covers
from andaman.broker.history.rows.rollups import COLUMNS as ROLLUP_COLUMNS
from andaman.broker.history.rows.rows import ADDED, BORN, META, NUMERIC, SCOPE, SET, TOUCHED, read_form
from andaman.broker.history.segments import sorting
from andaman.broker.history.segments.pieces import SORT_ROWS, pieces
from andaman.broker.history.segments.segment import (
    ALL,
    AT,
    COLUMNS,
    NAMES,
    OPEN,
    RAW_NUMBER,
    Segment,
    T,
    last_rows,
)
from andaman.broker.history.segments.store import OPEN_ROWS, Store
from andaman.kernel.time import HOUR, Micros

_KEY: Final = ("entity", "attr", "dataset", "seq", "place")
_ROW: Final = ", ".join(f"r.{name}" for name in NAMES)
_NOTHING: Final = "nothing_at_all"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Condensing:
    """The rows to drop: those of these entities (by number, rising) and attributes (none: all) from before ``before``
    (µs).

    ``before`` counts in whole hours; both observation and commit must lie before it. ``rollups``: hourly aggregates stay.
    """

    entities: Ints
    attrs: tuple[str, ...]
    before: Micros
    rollups: bool


@dataclass(slots=True)
class _Job:
    """One segment under way."""

    old: Segment
    number: int
    parts: list[str]
    last_parts: list[str] | None = None
    again: set[int] = field(default_factory=set)
    done: bool = False


@dataclass(slots=True)
class Condenser:
    """Jobs one after the other; every call belongs to the loading thread, but for ``ask``."""

    store: Store
    waiting: deque[Condensing] = field(default_factory=deque)
    dropped: int = 0
    """Rows dropped since the start."""
    _now: Condensing | None = None
    _left: list[int] = field(
        default_factory=list
    )  # segments of the present job that are still to be looked at
    _job: _Job | None = None

    def __post_init__(self) -> None:
        self.store.db.execute(f"CREATE TEMP TABLE {_NOTHING} ({COLUMNS})")

    def ask(self, wanted: Condensing) -> None:
        self.waiting.append(wanted)

    @property
    def busy(self) -> bool:
        return bool(self.waiting) or self._now is not None

    @property
    def idle(self) -> bool:
        """Between rules: segments may be re-sorted."""
        return self._now is None

    def step(self) -> bool:
        """One bounded step; True while there is more."""
        try:
            if self._job is not None:
                self._advance(self._job)
            elif self._now is None:
                if not self.waiting:
                    return False
                self._prepare(self.waiting[0])
            elif self._left:
                self._look(self._left.pop(0))
            else:
                self._now = None
        except BaseException:
            job, self._job, self._now = self._job, None, None
            if job is not None and not job.done:
                self._give_up(job)
            raise
        return self.busy

    # -- one rule -----------------------------------------------------------------------------------------------
    def _prepare(self, wanted: Condensing) -> None:
        """Begin, once everything old is sorted."""
        segment = next((s for s in self.store.snapshot.segments if s.level == OPEN), None)
        if (
            segment is not None
            and segment.count
            and segment.min_at < wanted.before
            and segment.min_t < wanted.before
        ):
            self.store.close_open(segment)
        if all(s.level >= 0 or s.level == OPEN for s in self.store.snapshot.segments):
            self._begin(self.waiting.popleft())

    def _begin(self, wanted: Condensing) -> None:
        """Note the last row of each instance before the moment, which stays, and rows that corrections have undone."""
        db = self.store.db
        before = wanted.before // HOUR * HOUR
        self._now = replace(wanted, before=before)
        _fill(db, "chosen", {"entity": wanted.entities.astype(np.int32)})
        snapshot = self.store.snapshot
        known = snapshot.known(
            "entity, attr, dataset, seq",
            "entity IN (SELECT entity FROM chosen)",
            before - 1,
            nothing=_NOTHING,
        )
        db.execute(
            "CREATE OR REPLACE TEMP TABLE kept AS SELECT entity, attr, dataset, max(seq) AS seq "  # noqa: S608
            f"FROM ({known}) GROUP BY entity, attr, dataset"
        )
        undone = [key for entity in wanted.entities.tolist() for key in self._undone(entity)]
        _fill(
            db,
            "undone",
            {name: np.array([key[i] for key in undone], dtype=np.int64) for i, name in enumerate(_KEY)},
        )
        self._left = [s.id for s in snapshot.segments if self._old(s)]

    def _undone(self, entity: int) -> list[tuple[int, ...]]:
        edits = self.store.edits.of(entity)
        if not edits:
            return []
        texts = self.store.names.texts
        rows = self.store.db.execute(
            self.store.snapshot.union(", ".join(_KEY), f"entity = {entity}", nothing=_NOTHING)
        ).fetchall()
        return [
            key
            for key in rows
            if any(covers(one.told, one.seq, (texts[key[1]], texts[key[2]], key[3], key[4])) for one in edits)
        ]

    def _old(self, segment: Segment) -> bool:
        assert self._now is not None
        before = self._now.before
        return segment.level >= 0 and segment.min_at < before and segment.min_t < before

    def _goes(self) -> str:
        """The condition for a row ``r`` to go."""
        now = self._now
        assert now is not None
        names = self.store.names
        own = [names.word(name) for name in (META, BORN, TOUCHED, SCOPE)]
        attrs = f"r.attr NOT IN ({','.join(map(str, own))})"
        if now.attrs:
            attrs = f"r.attr IN ({','.join(str(names.word(attr)) for attr in now.attrs if attr[:1] not in ('', '@')) or '-1'})"
        return (
            f"{attrs} AND r.ms < {now.before // 1000} AND {AT} < {now.before} "  # noqa: S608
            "AND r.entity IN (SELECT entity FROM chosen) AND NOT EXISTS (SELECT 1 FROM kept k WHERE "
            "k.entity = r.entity AND k.attr = r.attr AND k.dataset = r.dataset AND k.seq = r.seq)"
        )

    # -- one segment --------------------------------------------------------------------------------------------
    def _look(self, number: int) -> None:
        """Begin with a segment, where it has rows to drop."""
        db = self.store.db
        old = next((s for s in self.store.snapshot.segments if s.id == number), None)
        if old is None:
            return
        ((going,),) = db.execute(f"SELECT count(*) FROM {old.table} r WHERE {self._goes()}").fetchall()  # noqa: S608
        if not going:
            return
        new = self.store.new_number()
        sorting.create(db, f"seg_{new}")
        for table, columns in ((f"last_{new}", COLUMNS), (f"roll_{new}", ROLLUP_COLUMNS)):
            db.execute(f"CREATE OR REPLACE TABLE {table} ({columns})")
        self._job = _Job(old, new, pieces(db, f"SELECT {ALL} FROM {old.table}", SORT_ROWS, text="body"))  # noqa: S608

    def _advance(self, job: _Job) -> None:
        db = self.store.db
        table = f"seg_{job.number}"
        if job.parts:
            db.execute(
                f"CREATE OR REPLACE TEMP TABLE piece AS SELECT {_ROW}, {self._goes()} AS goes "  # noqa: S608
                f"FROM {job.old.table} r WHERE {job.parts.pop(0)}"
            )
            job.again |= sorting.insert(db, table, f"SELECT {ALL} FROM piece WHERE NOT goes")  # noqa: S608
            if self._now is not None and self._now.rollups:
                self._roll_up(f"roll_{job.number}")
            db.execute("DROP TABLE piece")
        elif job.last_parts is None:
            job.last_parts = pieces(db, f"SELECT {ALL} FROM {table}", SORT_ROWS, cut=False, text="body")  # noqa: S608
        elif job.last_parts:
            db.execute(last_rows(job.number, f"SELECT {ALL} FROM {table}", job.last_parts.pop(0)))  # noqa: S608
        else:
            self._finish(job)
            self._job = None

    def _roll_up(self, table: str) -> None:
        """Rollups of the rows of ``piece`` that go: each observation counts once, as it was last recorded."""
        db, texts = self.store.db, self.store.names.texts
        ((low, high, first, last, start, end, forms),) = db.execute(
            f"SELECT min(entity), max(entity), min(attr), max(attr), min({T}), max({T}), list(DISTINCT form) "  # noqa: S608
            f"FROM piece WHERE goes AND op IN ({SET},{ADDED})"
        ).fetchall()
        if low is None:
            return
        told = {number: read_form(texts[number]) for number in forms}
        numeric = [number for number, form in told.items() if form.value in NUMERIC]
        raw = [number for number, form in told.items() if form.value == "r"]
        observed = [number for number, form in told.items() if form.observed >= 0]
        others = self.store.snapshot.union(
            f"{', '.join(_KEY)}, form, {T} AS t",
            f"entity BETWEEN {low} AND {high} AND attr BETWEEN {first} AND {last} AND op IN ({SET},{ADDED})",
            t_from=start,
            t_to=end,
            nothing=_NOTHING,
        )
        standing = f"SELECT * FROM ({others}) ANTI JOIN undone USING ({', '.join(_KEY)})"  # noqa: S608
        seen = [
            number
            for (number,) in db.execute(f"SELECT DISTINCT form FROM ({others})").fetchall()  # noqa: S608
            if texts[number][:1] == "[" and read_form(texts[number]).observed >= 0
        ]
        db.execute(
            "CREATE OR REPLACE TEMP TABLE word_last AS SELECT entity, attr, dataset, t, "  # noqa: S608
            f"max(seq * 65536 + place) AS word FROM ({standing}) WHERE form IN ({_list(seen)}) "
            "GROUP BY entity, attr, dataset, t"
        )
        db.execute(
            f"INSERT INTO {table} SELECT entity, attr, dataset, form, floor(ms / 3600000.0)::INTEGER AS hour, "  # noqa: S608
            "count(*), count(*) FILTER (number), sum(num) FILTER (number), min(num) FILTER (number), "
            "max(num) FILTER (number), var_pop(num) FILTER (number) * count(*) FILTER (number), max(seq) "
            f"FROM (SELECT r.*, (r.form IN ({_list(numeric)}) OR (r.form IN ({_list(raw)}) AND {RAW_NUMBER})) "
            "AS number FROM piece r "
            f"ANTI JOIN undone u ON {_same('r', 'u', _KEY)} "
            f"LEFT JOIN word_last w ON {_same('r', 'w', _KEY[:3])} AND w.t = r.ms * 1000 + r.us "
            f"WHERE r.goes AND r.op IN ({SET},{ADDED}) "
            f"AND (r.form NOT IN ({_list(observed)}) OR r.seq * 65536 + r.place = w.word)) "
            "GROUP BY entity, attr, dataset, form, hour ORDER BY entity, attr, dataset, hour"
        )
        db.execute("DROP TABLE word_last")

    def _finish(self, job: _Job) -> None:
        """The segment without the rows, and their rollups, in one transaction."""
        db, number = self.store.db, job.number
        (row,) = db.execute(
            f"SELECT count(*), min({T}), max({T}), min({AT}), max({AT}), max(seq) FROM seg_{number}"  # noqa: S608
        ).fetchall()
        ((last,),) = db.execute(f"SELECT count(*) FROM last_{number}").fetchall()  # noqa: S608
        count: int = row[0]
        if last * 2 > count:
            db.execute(f"DROP TABLE last_{number}")
            last = -1
        level = next((n for n in range(job.old.level, 0, -1) if count >= OPEN_ROWS * 4**n // 2), 0)
        again = sorting.listed(job.again)
        min_t, max_t, min_at, max_at, max_seq = row[1:]
        new = (
            Segment(number, level, count, min_t, max_t, min_at, max_at, max_seq, last, True, again)
            if count
            else None
        )
        db.execute("BEGIN")
        self.store.catalogue([job.old], new)
        db.execute(f"INSERT INTO rollup SELECT * FROM roll_{number}")  # noqa: S608
        db.execute("COMMIT")
        job.done = True
        self.dropped += job.old.count - count
        db.execute(f"DROP TABLE roll_{number}")
        if new is None:
            db.execute(f"DROP TABLE seg_{number}")
        self.store.replace([job.old], new)

    def _give_up(self, job: _Job) -> None:
        tables = ("seg", "last", "roll")
        for undo in ("ROLLBACK", *(f"DROP TABLE IF EXISTS {table}_{job.number}" for table in tables)):
            with suppress(duckdb.Error):
                self.store.db.execute(undo)


def _fill(db: duckdb.DuckDBPyConnection, table: str, columns: dict[str, Any]) -> None:
    db.register("filling", columns)
    db.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM filling")  # noqa: S608
    db.unregister("filling")


def _list(numbers: list[int]) -> str:
    return ",".join(map(str, numbers)) or "-1"


def _same(one: str, other: str, columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)
