"""Rows that history could not take although they were tried alone: set aside, so that all others go on.

The journal has them. What is known of them here: where they are, how large they are and why they did not go in; `doctor`, the log and
``andaman_history_set_aside`` tell of them. Questions about the past are answered without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import duckdb

from andaman.broker.history.rows.rows import Row
from andaman.broker.model import Event

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS aside "
    "(seq BIGINT, tenant VARCHAR, entity VARCHAR, attr VARCHAR, size BIGINT, reason VARCHAR)"
)
_REASON_MOST: Final = 300
_ENVIRONMENT: Final = (
    "no space left",
    "invalidated",
    "io error",
    "could not set lock",
    "permission denied",
    "read-only",
    "interrupted",
    "closed",
    "corrupt",
    "checksum",
    "could not read enough",
)
"""Of DuckDB's messages: the trouble is not with the written rows."""


class SetAside(NamedTuple):
    """One row; ``attr`` "" where the event could not be read at all. ``size``: characters of its text."""

    seq: int
    tenant: str
    entity: str
    attr: str
    size: int
    reason: str


def add(db: duckdb.DuckDBPyConnection, rows: Sequence[SetAside]) -> None:
    """Within a transaction."""
    for row in rows:
        db.execute("INSERT INTO aside VALUES (?, ?, ?, ?, ?, ?)", list(row))


def listed(db: duckdb.DuckDBPyConnection, limit: int) -> list[SetAside]:
    rows = db.execute("SELECT * FROM aside ORDER BY seq LIMIT ?", [limit]).fetchall()
    return [SetAside(*row) for row in rows]


def is_its_own_fault(error: Exception) -> bool:
    """May it be what is written that fails, so that less of it may do?"""
    if isinstance(error, OSError):
        return False
    if isinstance(error, duckdb.Error):
        said = str(error).lower()
        return not any(word in said for word in _ENVIRONMENT)
    return True


def take_alone(
    event: Event,
    rows: Sequence[Row],
    error: Exception,
    write: Callable[[frozenset[int], Sequence[SetAside]], None],
) -> list[SetAside]:
    """Write one event that failed: without its largest row, without its two largest, four, … down to none of them.

    ``write`` takes the numbers of the rows to leave out, and what to note of them. Returned is what was set aside.
    """
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:_REASON_MOST]
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number].body) - len(rows[number].form))
    count = 1
    while True:
        without = order[:count]
        noted = [
            SetAside(event.seq, event.tenant, event.entity_id, rows[n].attr, len(rows[n].body), reason)
            for n in without
        ]
        try:
            write(frozenset(without), noted)
        except Exception as again:
            if count >= len(order) or not is_its_own_fault(again):
                raise
            count = min(2 * count, len(order))
            continue
        return noted
