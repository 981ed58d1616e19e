"""Periods and their sums, and the observations of the city in the journal's tail, beyond the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from andaman.broker.history.city.visibility import Chosen, CityAttribute
from andaman.broker.history.rows.rows import NUMERIC, SET, Form, Row, added, read_form, rows_of
from andaman.broker.model import Event
from andaman.kernel.time import Micros

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """Periods, and which part of them was asked for: from ``start`` until before ``end``."""

    bounds: Ints
    start: Micros
    end: Micros

    @property
    def width(self) -> int | None:
        """The length of each period, if they are all equal."""
        widths = np.unique(np.diff(self.bounds))
        return int(widths[0]) if len(widths) == 1 else None

    def slots(self, t: Any) -> Any:
        width = self.width
        if width is not None:
            return (t - self.bounds[0]) // width
        return np.searchsorted(self.bounds, t, side="right") - 1


@dataclass(slots=True)
class Sums:
    """The sums of each period."""

    count: Ints
    total: Floats
    least: Floats
    greatest: Floats

    @classmethod
    def of(cls, size: int) -> Sums:
        return cls(
            np.zeros(size, dtype=np.int64), np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
        )

    def add(self, slots: Any, count: Any, total: Any, least: Any, greatest: Any) -> None:
        np.add.at(self.count, slots, count)
        np.add.at(self.total, slots, total)
        np.fmin.at(self.least, slots, least)
        np.fmax.at(self.greatest, slots, greatest)


class TailObservations:
    """Observations in the tail of entities without corrections, each as it was last recorded."""

    def __init__(
        self,
        whose: CityAttribute,
        chosen: Chosen,
        without: set[str],
        span: Span,
        known: dict[tuple[int, str, str], Any],
    ) -> None:
        self._span = span
        last: dict[tuple[str, str, Micros], float | None] = {}
        for name, events in chosen.late.items():
            if name in without:
                continue
            until = chosen.veils.get(name, 0)
            for event in events:
                key = (event.seq, whose.attr, "rows")
                rows = known.get(key)
                if rows is None:
                    rows = known[key] = list(_observations(event, whose.attr))
                for dataset, t, learned, value in rows:
                    if span.start <= t < span.end and learned >= until:
                        last[name, dataset, t] = value
        self._values = [(key[2], value) for key, value in last.items() if value is not None]
        again = sorted((n, t, dataset) for name, dataset, t in last if (n := chosen.known[name]) >= 0)
        self._again = again
        self._entity = np.array([one[0] for one in again], dtype=np.int64)
        self._t = np.array([one[1] for one in again], dtype=np.int64)

    def within(self, entities: Ints, low: Ints, high: Ints) -> Any:
        """For each stretch (from ``low`` to ``high`` in ms, of an entity): has the tail a moment in it?"""
        if not len(self._t):
            return np.zeros(len(entities), dtype=np.bool_)
        first, behind = self._span.start // 1000, -(-self._span.end // 1000) + 1
        if (max(int(self._entity[-1]), int(entities.max(initial=0))) + 1) * (behind - first) >= 1 << 62:
            return np.isin(entities, self._entity)
        told = self._entity * (behind - first) + (self._t // 1000 - first)
        begins = np.searchsorted(told, entities * (behind - first) + (low - first), "left")
        return begins < np.searchsorted(told, entities * (behind - first) + (high - first), "right")

    def add_to(self, sums: Sums) -> None:
        if self._values:
            t = np.array([at for at, _ in self._values], dtype=np.int64)
            num = np.array([value for _, value in self._values], dtype=np.float64)
            sums.add(self._span.slots(t), 1, num, num, num)

    def replaced(self, columns: Columns, low: int, high: int, texts: Sequence[str]) -> Any:
        """Places of rows (of entities from ``low`` to ``high``) that were recorded again."""
        first, behind = np.searchsorted(self._entity, [low, high + 1]).tolist()
        if first == behind:
            return []
        t, mine = columns["t"], self._t[first:behind]
        near = np.flatnonzero((t >= mine.min()) & (t <= mine.max()))
        near = near[np.isin(t[near], mine)]
        known = set(self._again[first:behind])
        rows = zip(
            near.tolist(),
            columns["entity"][near].tolist(),
            t[near].tolist(),
            columns["dataset"][near].tolist(),
            strict=True,
        )
        return [at for at, entity, moment, dataset in rows if (entity, moment, texts[dataset]) in known]


def _observations(event: Event, attr: str) -> Iterator[tuple[str, Micros, Micros, float | None]]:
    """(data set, observedAt, when it was learned, the number that it is, if it is one)."""
    for row in _rows(event, attr):
        form = read_form(row.form)
        if form.observed >= 0:
            number = row.num if is_number(form, row.num, row.num2) else None
            yield row.dataset, row.t, row.t + row.lag, number


def _rows(event: Event, attr: str) -> Iterator[Row]:
    """The observations of one attribute in an event."""
    if event.told is None:
        yield from (row for row in rows_of(event) if row.attr == attr and row.op == SET)
    elif event.told["do"] == "add":
        for place, one in enumerate(event.told["attrs"].get(attr, ())):
            yield added(event.entity_id, attr, one, event.at, event.seq, place)


def is_number(form: Form, num: float, num2: float) -> bool:
    """Does a row count? Of instances that are kept whole the numbers beside the text tell."""
    return form.value in NUMERIC or (form.value == "r" and num == num and num2 != num2)
