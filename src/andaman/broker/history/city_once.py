"""Values of a city's day of which each surely stands once: the database adds them up, and nothing of them is carried over.

An observation may have been told again, and then counts as it was told last. That it was not is known of an entity where the
sorted segments have each of its observations once (``Segment.once``), and what they have of it lies one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.city_tail import Span, Sums
from andaman.broker.history.segments import Segment, Snapshot, T

Bools = npt.NDArray[np.bool_]
_RANGES: Final = 16
"""Ranges of entities that are written into the question; more are looked up."""


@dataclass(frozen=True, slots=True)
class Census:
    """How many rows of one attribute each entity has in a span, rising by entity."""

    entities: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    once: Bools
    """Is it known of the entity that no two of these rows tell the same observation of one data set?"""
    alike: tuple[int, int] | None
    """The (data set, form) of all rows, where there is only one."""


def census(
    cursor: duckdb.DuckDBPyConnection, snapshot: Snapshot, where: str, attr: int, span: Span
) -> Census:
    """Count the rows that meet the condition. ``attr``: which attribute's they are."""
    segments = snapshot.within(span.start, span.end - 1)
    found = cursor.execute(_counts(snapshot, segments, where, span)).fetchnumpy()
    entity, low, high = (np.ma.getdata(found[name]) for name in ("entity", "low", "high"))
    entities, place = np.unique(entity.astype(np.int64), return_inverse=True)
    counts = np.zeros(len(entities), dtype=np.int64)
    np.add.at(counts, place, found["n"])
    once = np.ones(len(entities), dtype=np.bool_)
    known = np.array([segment.once(attr) for segment in segments], dtype=np.bool_)
    once[place[~known[found["segment"]]]] = False
    order = np.lexsort((low, entity))
    after, before = order[1:], order[:-1]
    once[place[after[(entity[after] == entity[before]) & (low[after] <= high[before])]]] = False
    return Census(entities, counts, once, _alike(found))


def _counts(snapshot: Snapshot, segments: Sequence[Segment], where: str, span: Span) -> str:
    """SQL for the rows of each segment and entity: how many, from when to when (ms), of which data sets and forms."""
    figures = "count(*) AS n, min(ms) AS low, max(ms) AS high" + "".join(
        f", min({name}) AS {name}_low, max({name}) AS {name}_high" for name in ("dataset", "form")
    )
    parts = []
    for number, segment in enumerate(segments):
        rows = snapshot.union(
            "entity, ms, dataset, form", where, t_from=span.start, t_to=span.end - 1, only=[segment]
        )
        parts.append(f"SELECT {number} AS segment, entity, {figures} FROM ({rows}) GROUP BY entity")  # noqa: S608
    nothing = snapshot.union("entity, ms, dataset, form", where, only=[])
    return (
        " UNION ALL ".join(parts)
        or f"SELECT 0 AS segment, entity, {figures} FROM ({nothing}) GROUP BY entity"  # noqa: S608
    )


def _alike(found: dict[str, Any]) -> tuple[int, int] | None:
    if not len(found["entity"]):
        return None
    (dataset, another), (form, other) = (
        (int(found[f"{name}_low"].min()), int(found[f"{name}_high"].max())) for name in ("dataset", "form")
    )
    return (dataset, form) if dataset == another and form == other else None


def add(
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    where: str,
    span: Span,
    known: Census,
    wanted: Bools,
    sums: Sums,
) -> None:
    """Add the numbers of the entities of the census that are wanted; each of their rows counts, and is a number."""
    width = span.width
    assert width is not None
    rows = snapshot.union(
        "ms, us, num",
        f"{where}{only(cursor, known.entities, wanted)}",
        t_from=span.start,
        t_to=span.end - 1,
    )
    # fsum: whatever threads add first, the total is the same but for its last digit.
    found = cursor.execute(
        f"SELECT ({T} - {int(span.bounds[0])}) // {width} AS slot, count(*) AS n, fsum(num) AS total, min(num) AS least, "  # noqa: S608
        f"max(num) AS greatest FROM ({rows}) GROUP BY slot"
    ).fetchnumpy()
    slot, n, total, least, greatest = (
        np.ma.getdata(found[name]) for name in ("slot", "n", "total", "least", "greatest")
    )
    sums.add(slot, n, total, least, greatest)


def only(cursor: duckdb.DuckDBPyConnection, entities: npt.NDArray[np.int64], wanted: Bools) -> str:
    """The condition for those entities, given that no others than ``entities`` have such rows."""
    if wanted.all():
        return ""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
    firsts, lasts = entities[edges[::2]].tolist(), entities[edges[1::2] - 1].tolist()
    if len(firsts) <= _RANGES:
        ranges = (f"entity BETWEEN {low} AND {high}" for low, high in zip(firsts, lasts, strict=True))
        return f" AND ({' OR '.join(ranges)})"
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE settled AS SELECT unnest(?::INTEGER[]) AS entity",
        (entities[wanted].tolist(),),
    )
    return " AND entity IN (SELECT entity FROM settled)"
