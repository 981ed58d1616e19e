"""From rows to answers: instances in stored form, and aggregates over periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from andaman.broker.history.read.reader import ENDS, VALUES, Reader
from andaman.broker.history.rows.aggregate import METHODS, WITH_VALUES, Period, aggregate, edges, parse_period
from andaman.broker.history.rows.instance_ids import instance_id
from andaman.broker.history.rows.rollups import ROLLED, combined
from andaman.broker.history.rows.rows import (
    NULL,
    NUMERIC,
    SCOPE,
    Form,
    bare_form,
    iso,
    iso_each,
    made_of,
    plain,
)
from andaman.broker.history.rows.rowset import Rows, bounds, distinct
from andaman.broker.history.segments.segment import Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.model import Event, Instance
from andaman.broker.query.evaluate import VALUE_MEMBER
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import HOUR


def instances(reader: Reader, rows: Rows, key: bytes | None = None, *, bare: bool = False) -> list[Instance]:
    """Instances in stored form, in the order of the rows; with their ``instanceId`` where a ``key`` is given.

    ``bare``: without createdAt and modifiedAt where there is observedAt.
    """
    bodies = reader.bodies(rows)
    forms = {
        number: bare_form(form) if bare and form.observed >= 0 else form
        for number in distinct(rows.form)
        if reader.text(number)[:1] == "["
        for form in (reader.form(number),)
    }
    datasets = {number: reader.text(number) for number in distinct(rows.dataset)}
    names = {number: reader.text(number) for number in distinct(rows.attr)}
    found: list[Instance] = []
    for attr, form, dataset, op, place, at, seq, observed, created, modified, num, num2, body in zip(
        rows.attr.tolist(),
        rows.form.tolist(),
        rows.dataset.tolist(),
        rows.op.tolist(),
        rows.place.tolist(),
        (rows.t + rows.lag).tolist(),
        rows.seq.tolist(),
        *_times(rows, forms),
        rows.num.tolist(),
        rows.num2.tolist(),
        bodies,
        strict=True,
    ):
        if op == ROLLED and forms[form].value not in NUMERIC:
            continue
        name = names[attr]
        if op in ENDS:
            one = _gone(reader.text(form)[1:], datasets[dataset], at, name == SCOPE)
        else:
            one = made_of(forms[form], datasets[dataset], observed, created, modified, num, num2, body)
        if key is not None and name != SCOPE:
            one["instanceId"] = instance_id(key, name, seq, place, op in ENDS)
        found.append(one)
    return found


def _times(rows: Rows, forms: Mapping[int, Form]) -> list[list[str]]:
    """observedAt, createdAt and modifiedAt of each row, "" where its form has none."""
    size = len(rows)
    texts = [[""] * size, [""] * size, [""] * size]
    alone = len(distinct(rows.form)) == 1
    for number, form in forms.items():
        at = slice(None) if alone else np.flatnonzero(rows.form == number)
        modified = rows.t + rows.lag
        for made, times, digits in (
            (texts[0], rows.t, form.observed),
            (texts[1], rows.created, 6 if form.created else -1),
            (texts[2], modified, 6 if form.modified else -1),
        ):
            if digits < 0:
                continue
            if isinstance(at, slice):
                made[:] = iso_each(times, digits)
                continue
            for place, text in zip(at.tolist(), iso_each(times[at], digits), strict=True):
                made[place] = text
    return texts


def _gone(kind: str, dataset: str, at: int, scope: bool) -> Instance:
    """A deletion (§4.5.7): NGSI-LD Null as the value; a scope that ended has none."""
    null: Any = {"@none": NULL} if kind == "LanguageProperty" else [] if scope else NULL
    made: Instance = {"type": kind, VALUE_MEMBER.get(kind, "value"): null, "deletedAt": iso(at)}
    if dataset:
        made["datasetId"] = dataset
    return made


def aggregated(reader: Reader, rows: Rows, query: TemporalQuery) -> dict[str, list[list[Any]]]:
    """Method → rows of (value, start, end) of one series; none of deletions, which have no values."""
    if query.timeproperty == "deletedAt":
        return {}
    period = period_of(query)
    low, high = bounds(query)
    first, last = int(rows.time[0]), int(rows.time[-1])
    rolled = rows.op == ROLLED
    any_rolled = bool(rolled.any())
    if any_rolled:
        first -= first % HOUR
        last = max(last, int(rows.time[rolled].max()) + HOUR - 1)
    start = low if low is not None else first
    if period.whole:
        limits = np.array([start, high if high is not None else last + 1], dtype=np.int64)
    else:
        limits = edges(period, start, last, query.zone, align=False)
    if any_rolled:
        own = rows.pick(~rolled)
        numeric = all(reader.form(number).value in NUMERIC for number in distinct(own.form))
        rollups = reader.rolled.pick(-1 - rows.place[rolled])
        return combined(query.aggr_methods, own.time, own.num if numeric else None, rollups, limits, high)
    forms = {number: reader.form(number) for number in distinct(rows.form)}
    values: Any
    if all(form.value in NUMERIC for form in forms.values()) or not WITH_VALUES.intersection(
        query.aggr_methods
    ):
        values = rows.num  # whatever they are: nobody looks at them where values are counted only
    else:
        values = [
            plain(forms[form], num, num2, body)
            for form, num, num2, body in zip(
                rows.form.tolist(), rows.num.tolist(), rows.num2.tolist(), reader.bodies(rows), strict=True
            )
        ]
    return aggregate(query.aggr_methods, rows.time, values, limits, high, kind_of(reader, rows))


def kind_of(reader: Reader, rows: Rows) -> str:
    """The attribute kind of a series (the first, should it have changed)."""
    kinds = (reader.form(number).kind for number in distinct(rows.form))
    return next((kind for kind in kinds if kind), "Property")


def period_of(query: TemporalQuery) -> Period:
    """The period that the query asks for. Raises BadRequestData."""
    unknown = [method for method in query.aggr_methods if method not in METHODS]
    if unknown:
        raise BadRequestData(
            f"aggrMethods {unknown[0][:40]!r} is not known; use {', '.join(METHODS)}", field="aggrMethods"
        )
    period = parse_period(query.aggr_period)
    if period.whole and query.aggr_period_s:
        period = Period(micros=round(query.aggr_period_s * 1_000_000))
    return period


def ops_of(query: TemporalQuery) -> tuple[int, ...]:
    """Kinds of rows that have the time asked for."""
    return ENDS if query.timeproperty == "deletedAt" else VALUES


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
    period_of(query)

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        own = [event for event in tail if event.tenant == tenant and event.entity_id == name]
        reader = Reader(store, cursor, snapshot, tenant, [name], {name: own})
        last = None if query.aggr_methods else query.last_n
        rows = reader.read(
            query, list(attrs) or None, ops=ops_of(query), last=last, light=bool(query.aggr_methods)
        )
        found: dict[str, Any] = {}
        for _, number, start, end in rows.groups():
            attr = reader.text(number)
            if attr in hidden:
                continue
            series = rows.pick(slice(start, end))
            if query.aggr_methods:
                found[attr] = aggregated(reader, series, query)
                continue
            if query.last_n is not None:
                series = series.pick(slice(None, None, -1)).pick(slice(0, query.last_n))
            first = query.offset_instances
            found[attr] = instances(reader, series.pick(slice(first, first + query.limit_instances)))
        return {attr: found[attr] for attr in (attrs or found) if attr in found}

    return store.read(ask)
