"""Columns of history rows, and what makes a series of them: range, order, and the last word on each observation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.broker.history.rows.columns import chained, is_repeated, picked, repeated
from andaman.broker.history.rows.rollups import ROLLED
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros

Ints = npt.NDArray[np.int64]
Key = tuple[int, int, int, int, int]
"""(who, attr, seq, data set, place): names a row."""


@dataclass(slots=True)
class Rows:
    """Columns of rows; ``who`` is the entity's place in the question. Ordered by who, attr, time."""

    who: Ints
    attr: Ints
    dataset: Ints
    op: Ints
    place: Ints
    t: Ints
    lag: Ints
    seq: Ints
    created: Ints
    form: Ints
    num: npt.NDArray[np.float64]
    num2: npt.NDArray[np.float64]
    time: Ints
    body: dict[Key, str] = field(default_factory=dict)
    """Of rows that the segments do not have."""

    def pick(self, at: Any) -> Rows:
        t = self.t[at]
        count = len(t)
        columns: dict[str, Any] = {
            name: t if column is self.t else picked(column, at, count)
            for name in COLUMNS
            for column in (getattr(self, name),)
        }
        return Rows(**columns, body=self.body)

    def __len__(self) -> int:
        return len(self.t)

    def groups(self) -> list[tuple[int, int, int, int]]:
        """(who, attr, first, behind the last) of each series."""
        if not len(self.t):
            return []
        if self.who[0] == self.who[-1] and self.attr[0] == self.attr[-1]:
            return [(int(self.who[0]), int(self.attr[0]), 0, len(self.t))]
        breaks = (np.flatnonzero((np.diff(self.who) != 0) | (np.diff(self.attr) != 0)) + 1).tolist()
        starts, ends = [0, *breaks], [*breaks, len(self.t)]
        return [
            (who, attr, start, end)
            for who, attr, start, end in zip(
                self.who[starts].tolist(), self.attr[starts].tolist(), starts, ends, strict=True
            )
        ]


def stacked(parts: Sequence[Rows]) -> Rows:
    """Rows of one reader, one part after the other; at least one part."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {name: chained([getattr(rows, name) for rows in parts]) for name in COLUMNS}
    return Rows(**columns, body=parts[0].body)


COLUMNS: Final = tuple(one.name for one in fields(Rows) if one.name != "body")


def unread(name: str, count: int, value: int = 0) -> Any:
    """A column that a short way does not read."""
    return repeated(np.nan, count, np.float64) if name == "num2" else repeated(value, count)


def bounds(query: TemporalQuery) -> tuple[Micros | None, Micros | None]:
    """Inclusive lower, exclusive upper bound (§4.11)."""
    match query.timerel:
        case "before":
            return None, query.time_at
        case "after":
            return query.time_at, None
        case "between":
            return query.time_at, query.end_time_at
        case _:
            return None, None


Observed = Callable[[int], bool]
"""Does a form (by its number) belong to instances with observedAt?"""


def in_range(rows: Rows, query: TemporalQuery, observed: Observed) -> Rows:
    """Rows whose time is in the range; by observation, only those that have one where a range is asked for."""
    low, high = bounds(query)
    keep = np.ones(len(rows), dtype=np.bool_)
    if query.timeproperty == "observedAt" and query.timerel is not None:
        unobserved = [number for number in distinct(rows.form) if not observed(number)]
        if unobserved:
            keep &= ~np.isin(rows.form, unobserved)
    if low is not None:
        keep &= rows.time >= low
    if high is not None:
        keep &= rows.time < high
    return rows if keep.all() else rows.pick(keep)


def ordered(rows: Rows, query: TemporalQuery, observed: Observed, text: Callable[[int], str]) -> Rows:
    """Each series in order of time, then of recording, then of data sets by name."""
    settled = by_time(rows)
    if settled is not None:
        return settled
    if query.timeproperty == "observedAt":
        rows = _once(rows, observed)
    sets = np.unique(rows.dataset)
    if len(sets) == 1:
        order = np.lexsort((rows.place, rows.seq, rows.time, rows.attr, rows.who))
    else:
        rank = np.argsort(np.argsort([text(number) for number in sets.tolist()]))
        which = rank[np.searchsorted(sets, rows.dataset)]
        order = np.lexsort((rows.place, which, rows.seq, rows.time, rows.attr, rows.who))
    return rows.pick(order)


def by_time(rows: Rows) -> Rows | None:
    """The same where time alone orders each series; None where two rows of one share a moment."""
    if len(rows) < 2:
        return rows
    order, differ = _timed(rows)
    return rows.pick(order) if differ.all() else None


def with_shared(rows: Rows) -> tuple[Rows, Ints]:
    """Each series in order of time, and the moments, rising, that have several rows in a series: their order is not
    settled.
    """
    if len(rows) < 2:
        return rows, rows.time[:0]
    order, differ = _timed(rows)
    rows = rows.pick(order)
    return rows, np.unique(rows.time[1:][~differ])


def _timed(rows: Rows) -> tuple[Any, npt.NDArray[np.bool_]]:
    """(the order by series and time, whether each row but the first differs from the one before in one of them)."""
    keys = [column for column in (rows.time, rows.attr, rows.who) if not is_repeated(column)]
    differ = np.zeros(len(rows) - 1, dtype=np.bool_)
    if len(keys) < 2:
        steps = np.diff(keys[0]) if keys else differ
        if not keys or (steps > 0).all():
            return slice(None), steps > 0
        if (steps < 0).all():
            return slice(None, None, -1), steps < 0
    # Segments lie in order of time, rising or falling: a stable sort merges such stretches as they are.
    order = np.lexsort(keys)
    for column in keys:
        moved = column[order]
        differ |= moved[1:] != moved[:-1]
    return order, differ


def replaced(rows: Rows, moments: Ints, others: Rows) -> Rows:
    """Ordered rows, with others instead of those of these moments (rising). ``others``: ordered, of no other moment."""
    if not (is_repeated(rows.who) and is_repeated(rows.attr)):
        return _concatenated(rows.pick(~np.isin(rows.time, moments)), others)
    sources = (rows, others)
    ends = [
        np.column_stack([np.searchsorted(one.time, moments, side) for side in ("left", "right")]).tolist()
        for one in sources
    ]
    cuts: list[tuple[int, slice]] = []
    begin = 0
    for (low, high), (first, last) in zip(*ends, strict=True):
        cuts += ((0, slice(begin, low)), (1, slice(first, last)))
        begin = high
    cuts.append((0, slice(begin, len(rows))))

    def column(name: str) -> Any:
        known = [getattr(one, name) for one in sources]
        return chained([known[which][part] for which, part in cuts])

    columns = {name: column(name) for name in COLUMNS if name != "time"}
    plain = all(one.time is one.t for one in sources)
    columns["time"] = columns["t"] if plain else column("time")
    return Rows(**columns, body={**rows.body, **others.body})


def _concatenated(some: Rows, others: Rows) -> Rows:
    """Ordered rows and others, which share no moment with them and keep their order."""
    columns = {name: chained([getattr(some, name), getattr(others, name)]) for name in COLUMNS}
    rows = Rows(**columns, body={**some.body, **others.body})
    return rows.pick(np.lexsort((rows.time, rows.attr, rows.who)))


def _once(rows: Rows, observed: Observed) -> Rows:
    """The last word on each observation: (series, data set, observedAt)."""
    order = np.lexsort((rows.place, rows.seq, rows.time, rows.dataset, rows.attr, rows.who))
    rows = rows.pick(order)
    same = np.ones(len(rows) - 1, dtype=np.bool_)
    for column in (rows.who, rows.attr, rows.dataset, rows.time):
        same &= column[1:] == column[:-1]
    if not same.any():
        return rows
    telling = [number for number in distinct(rows.form) if observed(number)]
    said = np.isin(rows.form, telling)
    said &= rows.op != ROLLED  # a rollup is no observation of its hour's first moment
    same &= said[1:] & said[:-1]
    return rows.pick(~np.append(same, False))


def distinct(numbers: Ints) -> list[int]:
    """The values there are, rising; mostly one."""
    if len(numbers) and (is_repeated(numbers) or numbers.min() == numbers.max()):
        return [int(numbers[0])]
    found: list[int] = np.unique(numbers).tolist()
    return found
