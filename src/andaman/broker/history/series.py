"""One entity over time: its instances in a range, raw or aggregated, from segments and tail alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.aggregate import METHODS, Period, aggregate, edges, parse_period
from andaman.broker.history.rows import (
    BORN,
    DELETED,
    META,
    NULL,
    SET,
    TOUCHED,
    Form,
    Row,
    iso,
    join,
    plain,
    read_form,
    rows_of,
)
from andaman.broker.history.store import Snapshot, Store
from andaman.broker.model import Event, Instance
from andaman.broker.query.evaluate import VALUE_MEMBER
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros

_OWN: Final = (META, BORN, TOUCHED)
_NUMERIC: Final = frozenset("ifb")
_NAMES: Final = ("attr", "dataset", "t", "lag", "seq", "created", "form", "num", "num2")
_NEWEST: Final = {"observedAt": "t", "modifiedAt": "t + lag"}
_COLUMNS: Final = ", ".join(_NAMES)
_LIGHT: Final = "attr, dataset, t, 0::BIGINT AS lag, seq, 0::BIGINT AS created, form, num, num2"

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Rows:
    """Rows of one attribute. Numbers below ``len(texts)`` are the store's words; ``bodies`` are fetched when needed."""

    dataset: Ints
    t: Ints
    lag: Ints
    seq: Ints
    created: Ints
    form: Ints
    num: npt.NDArray[np.float64]
    num2: npt.NDArray[np.float64]
    body: dict[tuple[int, int, int], str]  # of the tail's rows, by attribute, seq and data set
    time: Ints  # by the property that the query asks for

    def pick(self, at: Any) -> _Rows:
        return _Rows(
            self.dataset[at],
            self.t[at],
            self.lag[at],
            self.seq[at],
            self.created[at],
            self.form[at],
            self.num[at],
            self.num2[at],
            self.body,
            self.time[at],
        )


class Series:
    """The answer to one temporal query on one entity, at one snapshot."""

    def __init__(
        self, store: Store, cursor: duckdb.DuckDBPyConnection, snapshot: Snapshot, tenant: str, name: str
    ) -> None:
        self._store = store
        self._cursor = cursor
        self._snapshot = snapshot
        self._tenant = tenant
        self._name = name
        self._texts = store.names.texts
        self._known: dict[str, int] = {}
        self._extra_texts: list[str] = []  # words that only the tail has: numbers below -1
        self._where = f"tenant = {store.names.word(tenant)} AND entity = {store.names.entity(cursor, tenant, name)} AND op = {{op}}"

    def _word(self, text: str) -> int:
        number = self._known.get(text)
        if number is None:
            number = self._store.names.word(text)
            if number < 0:
                self._extra_texts.append(text)
                number = -1 - len(self._extra_texts)
            self._known[text] = (
                number  # one number for the whole answer, also when the store learns it meanwhile
            )
        return number

    def _text(self, number: int) -> str:
        return self._texts[number] if number >= 0 else self._extra_texts[-2 - number]

    def _form(self, number: int) -> Form:
        return read_form(self._text(number))

    # -- rows ---------------------------------------------------------------------------------------------------
    def rows(
        self, attrs: Sequence[str], query: TemporalQuery, tail: Sequence[Event], hidden: frozenset[str]
    ) -> dict[str, _Rows]:
        """Matching rows by attribute, ordered by the time that is asked for."""
        op = DELETED if query.timeproperty == "deletedAt" else SET
        low, high = _bounds(query)
        base = self._where.format(op=op)
        if attrs:
            base += f" AND attr IN ({','.join(str(self._store.names.word(attr)) for attr in attrs)})"
        else:
            base += f" AND attr NOT IN ({','.join(str(self._store.names.word(own)) for own in _OWN)})"
        span: dict[str, Any] = {}
        if query.timeproperty == "observedAt" and low is not None:
            base += f" AND t >= {low}"
            span["t_from"] = low
        if query.timeproperty == "observedAt" and high is not None:
            base += f" AND t < {high}"
            span["t_to"] = high
        # Aggregates by observation need neither when we learned it nor when the instance was made.
        light = bool(query.aggr_methods) and query.timeproperty == "observedAt"
        union = self._snapshot.union(_LIGHT if light else _COLUMNS, base, **span)
        late = self._tail(attrs, tail, op)
        newest = _NEWEST.get(query.timeproperty)
        if query.last_n is not None and not query.aggr_methods and len(attrs) == 1 and newest is not None:
            # The end of a long series is enough, unless too much of it was said twice.
            enough = query.last_n * 2 + 64
            few = self._fetch(f"SELECT * FROM ({union}) ORDER BY {newest} DESC, seq DESC LIMIT {enough}")  # noqa: S608
            if len(few["t"]) == enough:
                found = self._grouped(few, late, attrs, query, hidden)
                if all(len(rows.t) > query.last_n + len(late) for rows in found.values()):
                    return found
            else:
                return self._grouped(few, late, attrs, query, hidden)
        return self._grouped(self._fetch(union), late, attrs, query, hidden)

    def _fetch(self, sql: str) -> dict[str, Any]:
        found = self._cursor.execute(sql).fetchnumpy()
        return {name: np.asarray(found[name]) for name in _NAMES}

    def _grouped(
        self,
        columns: dict[str, Any],
        late: list[tuple[Any, ...]],
        attrs: Sequence[str],
        query: TemporalQuery,
        hidden: frozenset[str],
    ) -> dict[str, _Rows]:
        if late:
            columns = {
                name: np.concatenate(
                    [columns[name], np.array([row[i] for row in late], dtype=columns[name].dtype)]
                )
                for i, name in enumerate(_NAMES)
            }
        bodies = {(row[0], row[4], row[1]): row[9] for row in late}
        result: dict[str, _Rows] = {}
        present = _distinct(columns["attr"])
        for number in present:
            name = self._text(number)
            if name in hidden:
                continue
            mine: Any = slice(None) if len(present) == 1 else columns["attr"] == number
            part = {c: columns[c][mine] for c in _NAMES[1:]}
            rows = _Rows(**part, body=bodies, time=part["t"])
            picked = self._ordered(rows, query)
            if len(picked.t):
                result[name] = picked
        return {name: result[name] for name in (attrs or result) if name in result}

    def _tail(self, attrs: Sequence[str], tail: Sequence[Event], op: int) -> list[tuple[Any, ...]]:
        late: list[tuple[Any, ...]] = []
        for event in tail:
            if event.seq > self._snapshot.last_seq and event.entity_id == self._name:
                if event.tenant != self._tenant:
                    continue
                late += [
                    self._numbered(row)
                    for row in rows_of(event)
                    if row.op == op and row.attr not in _OWN and (not attrs or row.attr in attrs)
                ]
        return late

    def _numbered(self, row: Row) -> tuple[Any, ...]:
        return (
            self._word(row.attr),
            self._word(row.dataset),
            row.t,
            row.lag,
            row.seq,
            row.created,
            self._word(row.form),
            row.num,
            row.num2,
            row.body,
        )

    def _ordered(self, rows: _Rows, query: TemporalQuery) -> _Rows:
        """In range, without observations that a later one of the same moment replaced, oldest first."""
        low, high = _bounds(query)
        if query.timeproperty == "createdAt":
            rows.time = rows.created
        elif query.timeproperty in ("modifiedAt", "deletedAt"):
            rows.time = rows.t + rows.lag
        keep = np.ones(len(rows.time), dtype=np.bool_)
        if query.timeproperty == "observedAt" and query.timerel is not None:
            unobserved = [number for number in _distinct(rows.form) if not self._observed(number)]
            if unobserved:
                keep &= ~np.isin(rows.form, unobserved)
        if low is not None:
            keep &= rows.time >= low
        if high is not None:
            keep &= rows.time < high
        if not keep.all():
            rows = rows.pick(keep)
        if query.timeproperty == "observedAt" and np.any(rows.time[1:] <= rows.time[:-1]):
            rows = rows.pick(np.lexsort((rows.seq, rows.dataset, rows.time)))
            same = (rows.time[1:] == rows.time[:-1]) & (rows.dataset[1:] == rows.dataset[:-1])
            rows = rows.pick(~np.append(same, False))
        if np.any(rows.time[1:] <= rows.time[:-1]):
            sets, which = np.unique(rows.dataset, return_inverse=True)
            rank = np.argsort(np.argsort([self._text(number) for number in sets.tolist()]))
            rows = rows.pick(np.lexsort((rank[which], rows.seq, rows.time)))
        return rows

    def _observed(self, form: int) -> bool:
        return self._form(form).observed >= 0

    # -- values -------------------------------------------------------------------------------------------------
    def _bodies(self, attr: str, rows: _Rows) -> list[str]:
        """Bodies of these rows, "" where there is none."""
        forms = {number: self._form(number).value for number in _distinct(rows.form)}
        needed = [forms[number] in "jr" for number in rows.form.tolist()]
        number = self._word(attr)
        seqs, datasets = rows.seq.tolist(), rows.dataset.tolist()
        found: dict[tuple[int, int], str] = {}
        stored = [
            i for i, need in enumerate(needed) if need and (number, seqs[i], datasets[i]) not in rows.body
        ]
        if stored:
            where = self._where.format(op=SET) + f" AND attr = {number}"
            times = rows.t[stored]
            low, high = int(times.min()), int(times.max())
            where += f" AND t BETWEEN {low} AND {high}"
            if len(stored) <= 1_000:
                where += f" AND seq IN ({','.join(str(seqs[i]) for i in stored)})"
            union = self._snapshot.union("seq, dataset, body", where, t_from=low, t_to=high)
            for seq, dataset, body in self._cursor.execute(union).fetchall():
                found[seq, dataset] = body
        return [
            (rows.body.get((number, seq, dataset)) or found.get((seq, dataset), "")) if need else ""
            for seq, dataset, need in zip(seqs, datasets, needed, strict=True)
        ]

    def instances(self, attr: str, rows: _Rows, query: TemporalQuery) -> list[Instance]:
        """The page of instances that the query asks for."""
        count = len(rows.t)
        chosen = np.arange(count) if query.last_n is None else np.arange(count)[::-1][: query.last_n]
        chosen = chosen[query.offset_instances : query.offset_instances + query.limit_instances]
        rows = rows.pick(chosen)
        if query.timeproperty == "deletedAt":
            return [
                self._gone(self._text(form), self._text(dataset), time)
                for form, dataset, time in zip(
                    rows.form.tolist(), rows.dataset.tolist(), rows.time.tolist(), strict=True
                )
            ]
        bodies = self._bodies(attr, rows)
        return [
            join(self._form(form), self._text(dataset), t, lag, created, num, num2, body)
            for form, dataset, t, lag, created, num, num2, body in zip(
                rows.form.tolist(),
                rows.dataset.tolist(),
                rows.t.tolist(),
                rows.lag.tolist(),
                rows.created.tolist(),
                rows.num.tolist(),
                rows.num2.tolist(),
                bodies,
                strict=True,
            )
        ]

    @staticmethod
    def _gone(form: str, dataset: str, at: Micros) -> Instance:
        kind = form[1:]
        made: Instance = {"type": kind, VALUE_MEMBER.get(kind, "value"): NULL, "deletedAt": iso(at)}
        if dataset:
            made["datasetId"] = dataset
        return made

    def aggregated(
        self, attr: str, rows: _Rows, query: TemporalQuery, period: Period
    ) -> dict[str, list[list[Any]]]:
        """Method → rows of (value, start, end)."""
        low, high = _bounds(query)
        first, last = int(rows.time[0]), int(rows.time[-1])
        start = low if low is not None else first
        if period.whole:
            bounds = np.array([start, high if high is not None else last + 1], dtype=np.int64)
        else:
            bounds = edges(period, start, last, query.zone, align=low is None)
        forms = {number: self._form(number) for number in _distinct(rows.form)}
        values: Any
        if all(form.value in _NUMERIC for form in forms.values()):
            values = rows.num
        else:
            bodies = self._bodies(attr, rows)
            values = [
                plain(forms[form], num, num2, body)
                for form, num, num2, body in zip(
                    rows.form.tolist(), rows.num.tolist(), rows.num2.tolist(), bodies, strict=True
                )
            ]
        return aggregate(query.aggr_methods, rows.time, values, bounds, high)


def _distinct(numbers: Ints) -> list[int]:
    """The values there are, rising; mostly one."""
    if len(numbers) and numbers.min() == numbers.max():
        return [int(numbers[0])]
    found: list[int] = np.unique(numbers).tolist()
    return found


def _bounds(query: TemporalQuery) -> tuple[Micros | None, Micros | None]:
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


def temporal(
    store: Store,
    tenant: str,
    name: str,
    attrs: Sequence[str],
    query: TemporalQuery,
    tail: Sequence[Event],
    hidden: frozenset[str],
) -> dict[str, Any]:
    """See ``History.temporal``."""
    unknown = [method for method in query.aggr_methods if method not in METHODS]
    if unknown:
        raise BadRequestData(
            f"aggrMethods {unknown[0][:40]!r} is not known; use {', '.join(METHODS)}", field="aggrMethods"
        )
    period = parse_period(query.aggr_period)
    if period.whole and query.aggr_period_s:
        period = Period(micros=round(query.aggr_period_s * 1_000_000))

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        series = Series(store, cursor, snapshot, tenant, name)
        found = series.rows(attrs, query, tail, hidden)
        if query.aggr_methods:
            return {attr: series.aggregated(attr, rows, query, period) for attr, rows in found.items()}
        return {attr: series.instances(attr, rows, query) for attr, rows in found.items()}

    return store.read(ask)
