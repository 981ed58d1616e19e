"""SQL of a choice of rows: its condition, and one statement over the segments that may have some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb

from andaman.broker.history.read.row_texts import LISTED
from andaman.broker.history.rows.rows import ADDED, DELETED, GONE, MOVED, SET
from andaman.broker.history.segments.recent import Choice
from andaman.broker.history.segments.segment import Segment, Snapshot

_OPS: Final = (SET, DELETED, MOVED, ADDED, GONE)
"""Kinds of rows in segments."""


def condition(cursor: duckdb.DuckDBPyConnection, choice: Choice, ops: bool = True) -> str:
    """The SQL condition for rows of the choice, without their time; without their kind if not ``ops``."""
    numbers = choice.entities.tolist()
    if not numbers:
        where = "false"
    elif len(numbers) == 1:
        where = f"entity = {numbers[0]}"
    elif len(numbers) <= LISTED:
        where = f"entity IN ({','.join(map(str, numbers))})"
    else:
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS entity", (numbers,)
        )
        where = f"entity BETWEEN {numbers[0]} AND {numbers[-1]} AND entity IN (SELECT entity FROM wanted)"  # noqa: S608
    if choice.attrs is not None:
        where += f" AND attr IN ({_listed(choice.attrs)})"
    elif choice.without:
        where += f" AND attr NOT IN ({_listed(choice.without)})"
    if choice.datasets is not None:
        where += f" AND dataset IN ({_listed(choice.datasets)})"
    if ops:
        # What is left out rather than what is wanted: the scan itself compares, and mostly need not.
        where += "".join(f" AND op <> {op}" for op in _OPS if op not in choice.ops)
    return where


def statement(
    snapshot: Snapshot, choice: Choice, where: str, columns: str, segments: Sequence[Segment]
) -> str:
    """The chosen rows of these segments, at least one. ``where``: the condition of the choice.

    Times are compared only in segments that have others too, and to the µs only where a bound is not a whole ms.
    """
    t_from, t_to = choice.t_from, choice.t_to
    inside: list[Segment] = []
    cut: list[Segment] = []
    for segment in segments:
        whole = (t_from is None or segment.min_t >= t_from) and (t_to is None or segment.max_t <= t_to)
        (inside if whole else cut).append(segment)
    parts = [snapshot.union(columns, where, only=inside)] if inside else []
    if cut:
        if t_from is not None and t_from % 1000 == 0:
            where, t_from = f"{where} AND ms >= {t_from // 1000}", None
        if t_to is not None and t_to % 1000 == 999:
            where, t_to = f"{where} AND ms <= {t_to // 1000}", None
        parts.append(snapshot.union(columns, where, t_from=t_from, t_to=t_to, only=cut))
    return " UNION ALL ".join(parts)


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers)) or "-1"
