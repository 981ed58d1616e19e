"""One attribute of many entities at once: the newest value of each, and aggregates over all of them by period.

Entities are taken in stretches of their numbers, so that the memory which the database needs is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history import rollups
from andaman.broker.history.aggregate import Period, edges, shortest
from andaman.broker.history.reading import Reader
from andaman.broker.history.rows import ADDED, DELETED, SET, plain, read_form
from andaman.broker.history.rowset import distinct
from andaman.broker.history.segments import Snapshot, T
from andaman.broker.history.store import Store
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros

_STRETCH_ROWS: Final = 600_000
_NOW: Final = 1 << 62
_NUMERIC: Final = frozenset("ifb")

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Newest:
    """Columns of the same length: entity ids, values as written, and the times they were true (µs)."""

    ids: list[str]
    values: list[Any]
    times: list[Micros]


def newest(store: Store, tenant: str, attr: str, numbers: Ints | None) -> Newest:
    """What ``attr`` is now for each entity that has it, its newest data set of several. ``numbers``: of these only, rising."""

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> Newest:
        where = f"attr = {store.names.word(attr)} AND tenant = {store.names.word(tenant)}"
        known = snapshot.known("entity, dataset, seq", where, _NOW)
        rows = snapshot.known(
            f"entity, dataset, seq, op, {T} AS t, form, num, num2, coalesce(body, '') AS body", where, _NOW
        )
        last = cursor.execute(
            f"SELECT entity, op, t, form, num, num2, body FROM ({rows}) SEMI JOIN "  # noqa: S608
            f"(SELECT dataset, max(seq) AS seq FROM ({known}) GROUP BY entity, dataset) USING (dataset, seq)"
        ).fetchnumpy()
        keep = last["op"] != DELETED
        if numbers is not None:
            keep &= np.isin(last["entity"], numbers)
        picked = {name: np.asarray(column)[keep] for name, column in last.items()}
        order = np.lexsort((picked["t"], picked["entity"]))
        entity = picked["entity"][order]
        order = order[np.append(entity[1:] != entity[:-1], True)] if len(entity) else order
        forms = picked["form"][order].tolist()
        words = {form: read_form(store.names.texts[form]) for form in set(forms)}
        nums = picked["num"][order]
        if all(form.value == "f" for form in words.values()):
            values = nums.tolist()
        else:
            values = [
                plain(words[form], num, num2, body)
                for form, num, num2, body in zip(
                    forms,
                    nums.tolist(),
                    picked["num2"][order].tolist(),
                    picked["body"][order].tolist(),
                    strict=True,
                )
            ]
        names = store.names.names_of(cursor, tenant)
        ids = [names[number] for number in picked["entity"][order].tolist()]
        return Newest(ids, values, picked["t"][order].tolist())

    return store.read(ask)


@dataclass(slots=True)
class _Sums:
    """What is added up for each period."""

    count: Ints
    total: Floats
    least: Floats
    greatest: Floats

    def add(self, slots: Any, count: Any, total: Any, least: Any, greatest: Any) -> None:
        np.add.at(self.count, slots, count)
        np.add.at(self.total, slots, total)
        np.fmin.at(self.least, slots, least)
        np.fmax.at(self.greatest, slots, greatest)


def across(
    store: Store,
    tenant: str,
    attr: str,
    numbers: Ints | None,
    start: Micros,
    end: Micros,
    period: Period,
    zone: str,
) -> list[tuple[str, str, int, float, float, float]]:
    """(start, end, count, mean, least, greatest) of all numeric observations of ``attr`` in each period that has some.

    ``numbers``: of these entities only, rising. An observation told again for the same entity, data set and moment counts
    once, as it was told last. Hours whose rows were dropped count by their rollups. Raises BadRequestData.
    """
    bounds = edges(period, start, end - 1, zone, align=False)
    size = len(bounds)

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> _Sums:
        sums = _Sums(
            np.zeros(size, dtype=np.int64), np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
        )
        names = store.names
        of = f"attr = {names.word(attr)} AND tenant = {names.word(tenant)}"
        found = cursor.execute(
            "SELECT entity, count(*) AS n FROM ("  # noqa: S608
            + snapshot.union("entity", f"{of} AND op IN ({SET}, {ADDED})", t_from=start, t_to=end - 1)
            + ") GROUP BY entity ORDER BY entity"
        ).fetchnumpy()
        there, counts = found["entity"], found["n"]
        corrected = np.isin(there, store.edits.numbers())
        keep = np.ones(len(there), dtype=np.bool_) if numbers is None else np.isin(there, numbers)
        plain_ones = keep & ~corrected
        if plain_ones.any():
            where = f"{of} AND op IN ({SET}, {ADDED})"
            if not plain_ones.all():
                cursor.execute(
                    "CREATE OR REPLACE TEMP TABLE chosen AS SELECT unnest(?::INTEGER[]) AS entity",
                    (there[plain_ones].tolist(),),
                )
                where += " AND entity IN (SELECT entity FROM chosen)"
            many = _Many(store, cursor, snapshot, where, bounds, start, end, sums)
            for low, high in _stretches(there[plain_ones], counts[plain_ones]):
                many.add(low, high)
        by_hand = there[keep & corrected].tolist()
        if by_hand:
            _add_corrected(store, cursor, snapshot, tenant, attr, by_hand, bounds, start, end, sums)
        rolled = rollups.read(
            cursor,
            f"attr = {names.word(attr)} AND entity IN (SELECT id FROM entity WHERE tenant = {names.word(tenant)})",  # noqa: S608
            start,
            end,
            True,
        )
        if numbers is not None:
            rolled = rolled.pick(np.isin(rolled.columns["entity"], numbers))
        if len(rolled):
            rolled = rolled.pick(rolled.columns["numbers"] > 0)
            own = rolled.columns
            slots = rollups.slots_of(rolled, bounds)
            sums.add(slots, own["numbers"], own["total"], own["least"], own["greatest"])
        return sums

    sums = store.read(ask)
    return [
        (
            shortest(int(bounds[i])),
            shortest(min(int(bounds[i + 1]), end)),
            int(sums.count[i]),
            float(sums.total[i] / sums.count[i]),
            float(sums.least[i]),
            float(sums.greatest[i]),
        )
        for i in np.flatnonzero(sums.count).tolist()
    ]


class _Many:
    """Rows of entities without corrections."""

    def __init__(
        self,
        store: Store,
        cursor: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        where: str,
        bounds: Ints,
        start: Micros,
        end: Micros,
        sums: _Sums,
    ) -> None:
        self._texts = store.names.texts
        self._cursor = cursor
        self._snapshot = snapshot
        self._where = where
        self._bounds = bounds
        self._even = len(set(np.diff(bounds).tolist())) == 1
        self._start, self._end = start, end
        self._sums = sums
        self._numeric: dict[int, bool] = {}

    def add(self, low: int, high: int) -> None:
        """Add the rows of entities in this range of numbers, each observation as it was told last."""
        found = self._cursor.execute(self._rows("entity, dataset, t, form, num", low, high)).fetchnumpy()
        if not len(found["t"]):
            return
        forms = distinct(found["form"])
        good = [form for form in forms if self._counts(form)]
        if len(good) < len(forms):
            keep = np.isin(found["form"], good)
            found = {name: column[keep] for name, column in found.items()}
        t, num = found["t"], found["num"]
        if not len(t):
            return
        if not self._once(found["entity"], found["dataset"], t, low, high):
            found = self._last_told(low, high, good)
            t, num = found["t"], found["num"]
        if self._even:
            slots = (t - self._bounds[0]) // int(self._bounds[1] - self._bounds[0])
        else:
            slots = np.searchsorted(self._bounds, t, side="right") - 1
        self._sums.add(slots, 1, num, num, num)

    def _rows(self, columns: str, low: int, high: int, more: str = "") -> str:
        return self._snapshot.union(
            columns.replace(" t,", f" {T} AS t,"),
            f"{self._where} AND entity BETWEEN {low} AND {high}{more}",
            t_from=self._start,
            t_to=self._end - 1,
        )

    def _counts(self, form: int) -> bool:
        known = self._numeric.get(form)
        if known is None:
            known = self._numeric[form] = _counts(self._texts[form])
        return known

    def _once(self, entity: Any, dataset: Any, t: Any, low: int, high: int) -> bool:
        """Is there surely no observation that was told twice?"""
        span = self._end - self._start
        if len(distinct(dataset)) > 1 or (high - low + 1) * span >= 1 << 62:
            return False
        # They lie in rising and falling stretches, which a stable sort finds.
        keys = np.sort((entity.astype(np.int64) - low) * span + (t - self._start), kind="stable")
        return bool((keys[1:] != keys[:-1]).all())

    def _last_told(self, low: int, high: int, forms: list[int]) -> dict[str, Any]:
        rows = self._rows(
            "entity, dataset, t, seq, num", low, high, f" AND form IN ({','.join(map(str, forms))})"
        )
        return self._cursor.execute(
            f"SELECT t, arg_max(num, seq) AS num FROM ({rows}) GROUP BY entity, dataset, t"  # noqa: S608
        ).fetchnumpy()


def _add_corrected(
    store: Store,
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    tenant: str,
    attr: str,
    numbers: list[int],
    bounds: Ints,
    start: Micros,
    end: Micros,
    sums: _Sums,
) -> None:
    """Rows of the few entities of which the temporal API took something back."""
    names = list(store.names.names_of(cursor, tenant, numbers).values())
    reader = Reader(store, cursor, snapshot, tenant, names, {})
    rows = reader.read(TemporalQuery("between", start, end), [attr])
    good = [number for number in distinct(rows.form) if _counts(reader.text(number))]
    rows = rows.pick(np.isin(rows.form, good))
    slots = np.searchsorted(bounds, rows.time, side="right") - 1
    sums.add(slots, 1, rows.num, rows.num, rows.num)


def _counts(text: str) -> bool:
    form = read_form(text)
    return form.value in _NUMERIC and form.observed >= 0


def _stretches(entities: Sequence[int] | Any, counts: Any) -> Iterator[tuple[int, int]]:
    """(first, last) numbers of entities that have about as many rows as fit."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(entities):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _STRETCH_ROWS, side="right")))
        yield int(entities[start]), int(entities[stop - 1])
        start = stop
