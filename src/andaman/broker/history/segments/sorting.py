"""The form of a sorted segment in the file: in order of attribute, entity and time, as small as its columns can be
stored.

What a column of numbers takes is the spread of the differences between neighbours. Within a series, of one sensor say, they
are all alike; where one series ends and the next begins they are not. So what is stored of a long series is not the time
but ``tick``, the time and a number that is the same for all its rows, chosen so that it goes on where the series before
ended, as if it were the next reading; ``ms`` is worked out on reading. So it is with the position (``step``). Short series
are stored as they are, alternately rising and falling: where one ends at the newest moment the next begins there.

What is worked out cannot be looked up in the file's own bounds of columns: for that there is ``day``.
"""

from __future__ import annotations

from typing import Final

import duckdb

from andaman.broker.history.segments.segment import COLUMNS, DAY_MS, NAMES

_OWN: Final = ("ms", "seq")
_STORED: Final = tuple(name for name in NAMES if name not in _OWN)
SORTED: Final = (
    ", ".join(column for column in COLUMNS.split(", ") if column.split()[0] in _STORED)
    + ", day INTEGER, tick BIGINT, tick_off BIGINT, step BIGINT, step_off BIGINT"
    + ", ms BIGINT GENERATED ALWAYS AS (tick - tick_off) VIRTUAL"
    + ", seq BIGINT GENERATED ALWAYS AS (step - step_off) VIRTUAL"
)
"""The columns of a sorted segment's table; of releases before format 3 it has those of any other."""
_LONG: Final = 32
"""Rows of a series from which on its two numbers cost less than they save."""
_MOST: Final = 1 << 61
"""Beyond it (moments millions of years apart) a piece is stored as it is."""
_LISTED: Final = 1_000
"""Attributes with repeated observations; if there are more, a segment does not list them."""
_DAY: Final = f"floor(ms / {DAY_MS}.0)::INTEGER"
_ORDER: Final = "attr, entity, dataset"


def create(db: duckdb.DuckDBPyConnection, table: str) -> None:
    """An empty table for sorted rows."""
    db.execute(f"CREATE OR REPLACE TABLE {table} ({SORTED})")


def insert(db: duckdb.DuckDBPyConnection, table: str, rows: str) -> set[int]:
    """Append these rows (SQL for all columns of a segment) in order. They must fit into memory, and be all that the
    segment has of their moments of their series. Returns the attributes that have two rows with the same data set and
    moment.
    """
    series = (
        f"SELECT {_ORDER}, count(*) AS n, min(ms) AS low, max(ms) AS high, arg_min(seq, ms) AS first, "  # noqa: S608
        f"arg_max(seq, ms) AS last FROM ({rows}) GROUP BY {_ORDER}"
    )
    # The step from one series to the next is the usual one of the series before.
    before = "OVER (ORDER BY attr, entity, dataset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE offsets AS SELECT {_ORDER}, "  # noqa: S608
        f"coalesce(sum((high - low) + (high - low) // (n - 1)) {before}, 0) - low AS tick_off, "
        f"coalesce(sum((last - first) + (last - first) // (n - 1)) {before}, 0) - first AS step_off "
        f"FROM ({series}) WHERE n >= {_LONG}"
    )
    ((most,),) = db.execute(
        "SELECT coalesce(max(greatest(abs(tick_off), abs(step_off))), 0) FROM offsets"
    ).fetchall()
    if most > _MOST:
        db.execute("DELETE FROM offsets")
    ((before,),) = db.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    db.execute(
        f"INSERT INTO {table} ({', '.join(_STORED)}, day, tick, tick_off, step, step_off) "  # noqa: S608
        f"SELECT {', '.join(_STORED)}, {_DAY}, ms + coalesce(tick_off, 0)::BIGINT, coalesce(tick_off, 0)::BIGINT, "
        "seq + coalesce(step_off, 0)::BIGINT, coalesce(step_off, 0)::BIGINT "
        f"FROM ({rows}) LEFT JOIN offsets USING ({_ORDER}) ORDER BY {_ORDER}, "
        "CASE WHEN tick_off IS NOT NULL OR (entity + attr + dataset) % 2 = 0 THEN ms ELSE -ms END, us, seq"
    )
    # Rows of a moment lie side by side, and a window without an order goes along them as they lie.
    same = " AND ".join(f"{name} = lag({name}) OVER ()" for name in (*_ORDER.split(", "), "ms", "us"))
    found = db.execute(
        f"SELECT DISTINCT attr FROM (SELECT attr, {same} AS again FROM {table} WHERE rowid >= {before}) WHERE again"  # noqa: S608
    ).fetchall()
    return {attr for (attr,) in found}


def listed(again: set[int]) -> str | None:
    """As ``Segment.again``; None where they are too many to be kept."""
    return ",".join(map(str, sorted(again))) if len(again) <= _LISTED else None
