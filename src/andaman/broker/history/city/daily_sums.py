"""Fast path for daily sums of a city: values that surely occur once are added up inside the database, and none is
carried over.

An observation may have been told again, and then counts as it was told last. That it was not is known of the rows of an entity in
a sorted segment that has each of its observations once (``Segment.once``), if no other row of the entity lies between them. So
each *cell*, the rows of one entity in one segment, is settled by itself: the newest rows, which are not sorted yet, keep nobody
from being added up as far as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.city.periods import Span, Sums
from andaman.broker.history.segments.segment import Segment, Snapshot, T

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_RANGES: Final = 16
"""Ranges of entities that are written into the question; more are looked up."""
_LARGE: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Census:
    """How many rows of one attribute each entity has in a span, and each cell."""

    segments: Sequence[Segment]
    entities: Ints
    """Rising."""
    counts: Ints
    place: Ints
    """Of each cell: the place of its entity, and its segment."""
    segment: Ints
    n: Ints
    low: Ints
    high: Ints
    """The first and the last moment of its rows (ms)."""
    dataset: Ints
    form: Ints
    """The value that all its rows have, -1 if they differ."""
    sole: Bools
    """Is it known that no other row of the entity repeats an observation of one of these?"""

    def plain(self, fits: Callable[[int], bool]) -> Bools:
        """Cells of one data set and one form, which fits."""
        good = [form for form in np.unique(self.form).tolist() if form >= 0 and fits(form)]
        return (self.dataset >= 0) & np.isin(self.form, good)

    def alike(self, cells: Bools) -> tuple[int, int] | None:
        """The (data set, form) of all rows of these cells, where there is only one."""
        pairs = {*zip(self.dataset[cells].tolist(), self.form[cells].tolist(), strict=True)}
        (pair,) = pairs if len(pairs) == 1 else ((-1, -1),)
        return pair if min(pair) >= 0 else None

    def per_entity(self, cells: Bools) -> Ints:
        """Rows that each entity has in these cells."""
        return np.bincount(self.place[cells], self.n[cells], len(self.entities)).astype(np.int64)

    def parts(self, cursor: duckdb.DuckDBPyConnection, cells: Bools, name: str) -> list[tuple[Segment, str]]:
        """The segments that have some of these cells, each with the condition that finds no others. ``name``: of tables."""
        found = []
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(self.segment == number)
            wanted = cells[here]
            if wanted.any():
                entities = self.entities[self.place[here]]
                found.append((segment, only(cursor, entities, wanted, f"{name}_{number}")))
        return found


def census(
    cursor: duckdb.DuckDBPyConnection, snapshot: Snapshot, where: str, attr: int, span: Span
) -> Census:
    """Count the rows that meet the condition. ``attr``: which attribute's they are."""
    segments = snapshot.within(span.start, span.end - 1)
    found = cursor.execute(_counts(snapshot, segments, where, span)).fetchnumpy()
    columns = {name: np.ma.getdata(column).astype(np.int64) for name, column in found.items()}
    order = np.lexsort((columns["low"], columns["entity"]))
    columns = {name: column[order] for name, column in columns.items()}
    entities, place = np.unique(columns["entity"], return_inverse=True)
    counts = np.bincount(place, columns["n"], len(entities)).astype(np.int64)
    once = np.array([segment.once(attr) for segment in segments], dtype=np.bool_)
    return Census(
        segments,
        entities,
        counts,
        place,
        columns["segment"],
        columns["n"],
        columns["low"],
        columns["high"],
        _only_one(columns, "dataset"),
        _only_one(columns, "form"),
        once[columns["segment"]] & _apart(place, columns["low"], columns["high"]),
    )


def _only_one(columns: Mapping[str, Ints], name: str) -> Ints:
    low, high = columns[f"{name}_low"], columns[f"{name}_high"]
    return np.where(low == high, low, -1)


def _apart(place: Ints, low: Ints, high: Ints) -> Bools:
    """Which stretches touch no other of the same place. They are in order of place and beginning."""
    if not len(place):
        return np.zeros(0, dtype=np.bool_)
    first = int(low.min())
    width = int(high.max()) - first + 1
    if (int(place[-1]) + 1) * width >= _LARGE:
        return np.zeros(len(place), dtype=np.bool_)
    begins, ends = place * width + (low - first), place * width + (high - first)
    behind = np.concatenate([[True], begins[1:] > np.maximum.accumulate(ends)[:-1]])
    before = np.concatenate([behind[1:], [True]])
    return np.asarray(behind & before, dtype=np.bool_)


def _counts(snapshot: Snapshot, segments: Sequence[Segment], where: str, span: Span) -> str:
    """SQL for the rows of each segment and entity: their number, first and last moment (ms), data sets and forms."""
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


def add(
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    where: str,
    span: Span,
    known: Census,
    settled: Bools,
    sums: Sums,
) -> None:
    """Add the numbers of these cells of the census; each of their rows counts, and is a number."""
    width = span.width
    assert width is not None
    rows = rows_of(snapshot, "ms, us, num", where, span, known.parts(cursor, settled, "settled"))
    # fsum: whatever threads add first, the total is the same but for its last digit.
    found = cursor.execute(
        f"SELECT ({T} - {int(span.bounds[0])}) // {width} AS slot, count(*) AS n, fsum(num) AS total, min(num) AS least, "  # noqa: S608
        f"max(num) AS greatest FROM ({rows}) GROUP BY slot"
    ).fetchnumpy()
    slot, n, total, least, greatest = (
        np.ma.getdata(found[name]) for name in ("slot", "n", "total", "least", "greatest")
    )
    sums.add(slot, n, total, least, greatest)


def rows_of(
    snapshot: Snapshot, columns: str, where: str, span: Span, parts: Sequence[tuple[Segment, str]]
) -> str:
    """SQL for the rows in the span that meet ``where`` and the condition of their segment; at least one segment."""
    return " UNION ALL ".join(
        snapshot.union(columns, where + more, t_from=span.start, t_to=span.end - 1, only=[segment])
        for segment, more in parts
    )


def only(cursor: duckdb.DuckDBPyConnection, entities: Ints, wanted: Bools, table: str) -> str:
    """The condition for those entities (rising), given that no others than ``entities`` have such rows."""
    if wanted.all():
        return ""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(np.int8)))
    firsts, lasts = entities[edges[::2]].tolist(), entities[edges[1::2] - 1].tolist()
    if len(firsts) <= _RANGES:
        ranges = (f"entity BETWEEN {low} AND {high}" for low, high in zip(firsts, lasts, strict=True))
        return f" AND ({' OR '.join(ranges)})"
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT unnest(?::INTEGER[]) AS entity",
        (entities[wanted].tolist(),),
    )
    return f" AND entity IN (SELECT entity FROM {table})"  # noqa: S608
