"""The shown part of the entities that were found: attributes and data sets, the last N, one stretch of time, their
instances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from andaman.broker.history.read.reader import Reader
from andaman.broker.history.read.scopes import Timeline
from andaman.broker.history.read.series import aggregated, instances, kind_of
from andaman.broker.history.rows.rowset import Rows, distinct, stacked
from andaman.broker.history.temporal.paging import Range, cut, whole_range
from andaman.broker.model import Doc
from andaman.broker.query.model import EvolutionQuery, TemporalQuery
from andaman.kernel.errors import InvalidRequest

_INSTANCES_MOST: Final = 200_000
"""Instances in one answer, over all its entities."""


@dataclass(slots=True)
class Found:
    """One entity of the page."""

    name: str
    members: Doc
    reader: Reader
    who: int
    rows: Rows
    timeline: Timeline
    short: list[str] = field(default_factory=list)  # attributes of which this page has nothing


def project(found: Found, query: EvolutionQuery) -> None:
    """Keep only rows that are shown: attributes, data sets, the last N."""
    reader, rows = found.reader, found.rows
    if query.datasets is not None:
        numbers = [reader.word("" if one == "@none" else one) for one in query.datasets]
        rows = rows.pick(np.isin(rows.dataset, numbers))
    if query.shown is not None or query.omit:
        there = distinct(rows.attr)
        attrs = [
            number
            for number in there
            if (query.shown is None or reader.text(number) in query.shown)
            and reader.text(number) not in query.omit
        ]
        if len(attrs) != len(there):
            rows = rows.pick(np.isin(rows.attr, attrs))
    found.rows = last_rows(rows, query.temporal)


def last_rows(rows: Rows, temporal: TemporalQuery) -> Rows:
    """The last N rows of each series, where so many are asked for."""
    last = temporal.last_n
    if last is None or temporal.aggr_methods:
        return rows
    groups = rows.groups()
    if all(end - start <= last for _, _, start, end in groups):
        return rows
    starts = np.array([max(start, end - last) for _, _, start, end in groups])
    counts = np.array([end for *_, end in groups]) - starts
    ends = np.cumsum(counts)
    return rows.pick(np.repeat(starts - ends + counts, counts) + np.arange(int(ends[-1])))


def trim(page: Sequence[Found], temporal: TemporalQuery, together: int = _INSTANCES_MOST) -> Range | None:
    """Trim the page to one stretch of time, when it holds more instances than it may (``together`` in all); the stretch, then."""
    backwards = temporal.last_n is not None
    edge = cut([found.rows.time for found in page], temporal.limit_instances, together, backwards)
    if edge is None:
        return None
    for found in page:
        before = found.rows
        inside = before.time >= edge if backwards else before.time <= edge
        found.rows = before.pick(inside)
        had = set(np.unique(before.attr).tolist())
        gone = had - set(np.unique(found.rows.attr).tolist())
        found.short = sorted({*found.short, *(found.reader.text(number) for number in gone)})
    return whole_range(temporal, [found.rows.time for found in page], edge, backwards)


def shown(page: Sequence[Found], query: EvolutionQuery, key: bytes) -> list[dict[str, Any]]:
    """The entities with their instances, those of one reader made together."""
    entities: dict[str, dict[str, Any]] = {}
    for reader in dict.fromkeys(found.reader for found in page):
        mine = [found for found in page if found.reader is reader]
        made = instances(reader, stacked([found.rows for found in mine]), key, bare=query.bare)
        first = 0
        for found in mine:
            entities[found.name] = _entity(found, made[first : first + len(found.rows)], query)
            first += len(found.rows)
    return [entities[found.name] for found in page]


def _entity(found: Found, made: list[Any], query: EvolutionQuery) -> dict[str, Any]:
    attrs: dict[str, Any] = {attr: [] for attr in found.short}
    backwards = query.temporal.last_n is not None
    for _, number, start, end in found.rows.groups():
        series = made[start:end]
        attrs[found.reader.text(number)] = series[::-1] if backwards else series
    entity = {"id": found.name, "type": found.members["type"], "attrs": _in_order(attrs)}
    if query.scope and found.timeline.shown:
        entity["scope"] = found.timeline.shown
    return entity


def summed(found: Found, query: EvolutionQuery) -> dict[str, Any]:
    """The entity with its aggregates. Raises InvalidRequest where an attribute that was asked for has none."""
    reader = found.reader
    attrs: dict[str, Any] = {}
    for _, number, start, end in found.rows.groups():
        series = found.rows.pick(slice(start, end))
        methods = aggregated(reader, series, query.temporal)
        attr = reader.text(number)
        if methods:
            attrs[attr] = {"type": kind_of(reader, series), **methods}
        elif query.shown is not None:
            raise InvalidRequest(
                f"None of the aggregation methods is defined for the values of {attr}",
                field="aggrMethods",
            )
    return {"id": found.name, "type": found.members["type"], "attrs": _in_order(attrs)}


def _in_order(attrs: dict[str, Any]) -> dict[str, Any]:
    """By name: the order of rows depends on how many are in a segment and how many still in the tail, hidden rows among
    them.
    """
    return dict(sorted(attrs.items())) if len(attrs) > 1 else attrs
