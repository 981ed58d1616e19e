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
    sums = _Sums(
        np.zeros(size, dtype=np.int64), np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
    )

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> None:
        names = store.names
        of = f"attr = {names.word(attr)} AND tenant = {names.word(tenant)}"
        found = cursor.execute(
            "SELECT entity, count(*) AS n, list(DISTINCT form) AS forms FROM ("  # noqa: S608
            + snapshot.union("entity, form", f"{of} AND op IN ({SET}, {ADDED})", t_from=start, t_to=end - 1)
            + ") GROUP BY entity ORDER BY entity"
        ).fetchnumpy()
        there, counts = found["entity"], found["n"]
        corrected = np.array([bool(store.edits.of(number)) for number in there.tolist()], dtype=np.bool_)
        keep = np.ones(len(there), dtype=np.bool_) if numbers is None else np.isin(there, numbers)
        forms = {int(form) for some in found["forms"] for form in some}
        numeric = sorted(form for form in forms if _counts(names.texts[form]))
        plain_ones = keep & ~corrected
        if numeric and plain_ones.any():
            where = f"{of} AND op IN ({SET}, {ADDED}) AND form IN ({','.join(map(str, numeric))})"
            if not plain_ones.all():
                cursor.execute(
                    "CREATE OR REPLACE TEMP TABLE chosen AS SELECT unnest(?::INTEGER[]) AS entity",
                    (there[plain_ones].tolist(),),
                )
                where += " AND entity IN (SELECT entity FROM chosen)"
            _add_rows(
                cursor,
                snapshot,
                where,
                _stretches(there[plain_ones], counts[plain_ones]),
                bounds,
                start,
                end,
                sums,
            )
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

    store.read(ask)
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


def _add_rows(
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    where: str,
    stretches: Iterator[tuple[int, int]],
    bounds: Ints,
    start: Micros,
    end: Micros,
    sums: _Sums,
) -> None:
    """Rows of entities without corrections, by the database."""
    size = int(bounds[1] - bounds[0])
    slot = f"(t - {bounds[0]}) // {size}"
    if np.any(np.diff(bounds) != size):
        slot = f"len(list_filter({bounds.tolist()}, edge -> edge <= t)) - 1"
    for low, high in stretches:
        rows = snapshot.union(
            f"entity, dataset, {T} AS t, seq, num",
            f"{where} AND entity BETWEEN {low} AND {high}",
            t_from=start,
            t_to=end - 1,
        )
        part = cursor.execute(
            f"SELECT {slot} AS slot, count(*) AS n, sum(num) AS total, min(num) AS least, max(num) AS greatest "  # noqa: S608
            f"FROM (SELECT t, arg_max(num, seq) AS num FROM ({rows}) GROUP BY entity, dataset, t) GROUP BY slot"
        ).fetchnumpy()
        slots = np.asarray(part["slot"], dtype=np.int64)
        sums.add(slots, part["n"], part["total"], part["least"], part["greatest"])


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
