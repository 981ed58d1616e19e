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

from andaman.broker.history.aggregate import edges, shortest
from andaman.broker.history.rows import ADDED, DELETED, SET, plain, read_form
from andaman.broker.history.segments import Snapshot, T
from andaman.broker.history.store import Store
from andaman.kernel.time import Micros

_STRETCH_ROWS: Final = 600_000
_NOW: Final = 1 << 62
_NUMERIC: Final = frozenset("ifb")

Ints = npt.NDArray[np.int64]


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
        rows = snapshot.known(
            f"entity, dataset, seq, op, {T} AS t, form, num, num2, coalesce(body, '') AS body", where, _NOW
        )
        last = cursor.execute(
            "SELECT entity, unnest(arg_max({'op': op, 't': t, 'form': form, 'num': num, 'num2': num2, "  # noqa: S608
            f"'body': body}}, seq)) FROM ({rows}) GROUP BY entity, dataset"
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


def across(
    store: Store,
    tenant: str,
    attr: str,
    numbers: Ints | None,
    start: Micros,
    end: Micros,
    period: Any,
    zone: str,
) -> list[tuple[str, str, int, float, float, float]]:
    """(start, end, count, mean, least, greatest) of all numeric observations of ``attr`` in each period that has some.

    An observation told again for the same entity, data set and moment counts once, as it was told last.
    """
    bounds = edges(period, start, end - 1, zone, align=False)

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        texts = store.names.texts
        where = f"attr = {store.names.word(attr)} AND tenant = {store.names.word(tenant)} AND op IN ({SET}, {ADDED})"
        found = cursor.execute(
            "SELECT entity, count(*) AS n, list(DISTINCT form) AS forms FROM ("  # noqa: S608
            f"{snapshot.union('entity, form', where, t_from=start, t_to=end - 1)}) GROUP BY entity ORDER BY entity"
        ).fetchnumpy()
        forms = {int(form) for some in found["forms"] for form in some}
        numeric = [form for form in forms if _counts(texts[form])]
        if not numeric:
            return []
        where += f" AND form IN ({','.join(map(str, numeric))})"
        keep = np.ones(len(found["n"]), dtype=np.bool_)
        if numbers is not None:
            keep = np.isin(found["entity"], numbers)
            cursor.execute(
                "CREATE OR REPLACE TEMP TABLE chosen AS SELECT unnest(?::INTEGER[]) AS entity",
                (numbers.tolist(),),
            )
            where += " AND entity IN (SELECT entity FROM chosen)"
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE edge AS SELECT unnest(?::BIGINT[]) AS edge", (bounds.tolist(),)
        )
        size = int(bounds[1] - bounds[0])
        even = bool(np.all(np.diff(bounds) == size))
        slot = (
            f"(t - {bounds[0]}) // {size}"
            if even
            else f"len(list_filter({bounds.tolist()}, e -> e <= t)) - 1"
        )
        count, total = np.zeros(len(bounds), dtype=np.int64), np.zeros(len(bounds))
        least, greatest = np.full(len(bounds), np.inf), np.full(len(bounds), -np.inf)
        for low, high in _stretches(found["entity"][keep], found["n"][keep]):
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
            at = np.asarray(part["slot"], dtype=np.int64)
            count[at] += part["n"]
            total[at] += part["total"]
            least[at] = np.minimum(least[at], part["least"])
            greatest[at] = np.maximum(greatest[at], part["greatest"])
        return [
            (
                shortest(int(bounds[i])),
                shortest(min(int(bounds[i + 1]), end)),
                int(count[i]),
                float(total[i] / count[i]),
                float(least[i]),
                float(greatest[i]),
            )
            for i in np.flatnonzero(count).tolist()
        ]

    return store.read(ask)


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
