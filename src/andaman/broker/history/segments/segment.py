"""A segment of rows: its columns, its bounds, and SQL over the segments of one moment.

Rows arrive in order of commit, so segments cover stretches of the journal one after the other. A sorted segment lies
in order of attribute, entity and time (``sorting.py``). Beside it lie the last rows of its instances in a table of their
own, unless nearly every row is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from andaman.broker.history.segments.recent import Runs
from andaman.kernel.time import DAY, Micros

COLUMNS: Final = (
    "tenant INTEGER, entity INTEGER, attr INTEGER, dataset INTEGER, op TINYINT, place SMALLINT, ms BIGINT, us SMALLINT, "
    "lag BIGINT, seq BIGINT, created BIGINT, form INTEGER, num DOUBLE, num2 DOUBLE, body VARCHAR"
)
"""``ms`` and ``us`` are t: devices report milliseconds at most, and a column of zeros takes no room. ``body`` NULL: ""."""
NAMES: Final = tuple(column.split()[0] for column in COLUMNS.split(", "))
ALL: Final = ", ".join(NAMES)
"""For SELECT: tables of sorted segments have further columns."""
T: Final = "(ms * 1000 + us)"
AT: Final = "(ms * 1000 + us + lag)"
DAY_MS: Final = DAY // 1000
RAW_NUMBER: Final = "(num IS NOT NULL AND NOT isnan(num) AND (num2 IS NULL OR isnan(num2)))"
"""Is the value of an instance that is kept completely (as text) a number, and not a place?"""
OPEN: Final = -1
CLOSED: Final = -2
STATE_OPS: Final = "op <= 2"
"""Rows that say what an instance is now; others only add to the past."""


@dataclass(frozen=True, slots=True)
class Segment:
    """``level`` OPEN, CLOSED (full, not sorted yet), 0 and up: sorted. ``t``: observation, ``at``: commit.

    ``last``: rows in the table of last rows, -1 where there is none.
    """

    id: int
    level: int
    count: int
    min_t: Micros
    max_t: Micros
    min_at: Micros
    max_at: Micros
    max_seq: int
    last: int = -1
    days: bool = False
    """Has its table a column ``day`` (``ms`` in days)? Of segments that were sorted since format 3."""
    again: str | None = None
    """Attributes (numbers, between commas) that have an observation twice in it; None: that was not examined."""

    def once(self, attr: int) -> bool:
        """Is it known to have each observation of this attribute once: entity, data set, moment?"""
        return self.again is not None and f",{attr}," not in f",{self.again},"

    @property
    def table(self) -> str:
        return f"seg_{self.id}"

    @property
    def last_table(self) -> str:
        """The table with the last row of each instance (and perhaps others)."""
        return f"last_{self.id}" if self.last >= 0 else self.table


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The segments of one moment, oldest first; later writes are not seen through it."""

    last_seq: int
    segments: tuple[Segment, ...]
    runs: Runs = field(default_factory=dict)
    """All rows of the newest segments, in memory."""
    thinned: int = 0
    """How often rows were dropped since the start."""

    def union(
        self,
        columns: str,
        where: str,
        *,
        t_from: Micros | None = None,
        t_to: Micros | None = None,
        nothing: str = "nothing",
        only: Sequence[Segment] | None = None,
    ) -> str:
        """SQL for these columns of all rows with t in the range (both ends included). ``only``: of these segments.

        ``nothing``: an empty table of the same columns, for when no segment has any.
        """
        bounds, days = where, ""
        if t_from is not None:  # of whole milliseconds one comparison is enough
            bounds += f" AND ms >= {t_from // 1000}" + (f" AND {T} >= {t_from}" if t_from % 1000 else "")
            days = f" AND day >= {t_from // DAY}"
        if t_to is not None:
            bounds += f" AND ms <= {t_to // 1000}" + (f" AND {T} <= {t_to}" if t_to % 1000 != 999 else "")
            days += f" AND day <= {t_to // DAY}"
        return self._union(
            columns,
            [
                (s.table, self._seen(s, bounds + days if s.days else bounds))
                for s in (self.within(t_from, t_to) if only is None else only)
            ],
            nothing,
        )

    def within(self, t_from: Micros | None, t_to: Micros | None) -> list[Segment]:
        """Segments that may have rows with t in the range."""
        return [
            s
            for s in self.segments
            if (t_from is None or s.max_t >= t_from) and (t_to is None or s.min_t <= t_to)
        ]

    def known(self, columns: str, where: str, at: Micros, *, nothing: str = "nothing") -> str:
        """SQL for these columns of rows that were committed until ``at``: of each instance at least the last one.

        Segments that end before ``at`` give their last rows only.
        """
        return self._union(columns, self.known_parts(where, at), nothing)

    def known_parts(self, where: str, at: Micros) -> list[tuple[str, str]]:
        """The tables that ``known`` looks at, each with its condition."""
        where += f" AND {STATE_OPS}"
        return [
            (s.last_table, self._seen(s, where))
            if s.max_at <= at
            else (s.table, self._seen(s, f"{where} AND {AT} <= {at}"))
            for s in self.segments
            if s.min_at <= at
        ]

    def _seen(self, segment: Segment, where: str) -> str:
        """Only the open segment can have grown since."""
        return f"{where} AND seq <= {self.last_seq}" if segment.level == OPEN else where

    @staticmethod
    def _union(columns: str, parts: list[tuple[str, str]], nothing: str) -> str:
        found = [f"SELECT {columns} FROM {table} WHERE {where}" for table, where in parts]  # noqa: S608
        return " UNION ALL ".join(found) or f"SELECT {columns} FROM {nothing}"  # noqa: S608


def last_rows(number: int, rows: str, part: str) -> str:
    """SQL that puts the last row of each instance among these rows into a segment's table of last rows."""
    mine = f"FROM ({rows}) WHERE {part} AND {STATE_OPS}"
    return (
        f"INSERT INTO last_{number} SELECT {ALL} {mine} AND (entity, attr, dataset, seq) IN "
        f"(SELECT (entity, attr, dataset, max(seq)) {mine} GROUP BY entity, attr, dataset) "
        "ORDER BY attr, entity, dataset"
    )
