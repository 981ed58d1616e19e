"""Parts of selecting entities over time: the filters that the entity alone decides, and those that need its instances
and scopes in the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from andaman.broker.history.read.scopes import Timeline
from andaman.broker.history.rows.rows import META, rows_of
from andaman.broker.history.rows.rowset import Rows
from andaman.broker.model import Doc
from andaman.broker.query.ast import And, Not, Or, QExpr
from andaman.broker.query.evaluate import matches_types
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.regex import found_in


def last_form(events: Sequence[Any]) -> str:
    """The newest types and scopes in these events, "" if they have none."""
    for event in reversed(events):
        if event.told is None and not event.moved:
            continue
        for row in rows_of(event):
            if row.attr == META and row.form:
                return row.form
    return ""


def holds_by_itself(selector: EntityQuery, name: str, members: Doc) -> bool:
    """Conditions that do not depend on instances."""
    return (
        (not selector.ids or name in selector.ids)
        and (selector.types is None or matches_types(selector.types, members["type"]))
        and (selector.id_pattern is None or found_in(selector.id_pattern, name))
    )


def deciding_attrs(selector: EntityQuery) -> set[str]:
    """Attributes that decide about a selector."""
    named = set(selector.attrs)
    if selector.geo is not None:
        named.add(selector.geo.geoproperty)
    if selector.q is not None:
        named |= _paths(selector.q)
    return named


def _paths(expr: QExpr) -> set[str]:
    if isinstance(expr, (And, Or)):
        return {name for part in expr.parts for name in _paths(part)}
    if isinstance(expr, Not):
        return _paths(expr.part)
    return {expr.path.attr} if expr.path.attr else set()


def by_who(rows: Rows, count: int) -> list[tuple[int, int]]:
    """The places of each entity's rows."""
    edges = np.searchsorted(rows.who, np.arange(count + 1)).tolist()
    return list(pairwise(edges))


def within_scope(selectors: Sequence[EntityQuery], line: Timeline | None) -> bool:
    """Did one of the selectors' scope queries hold at some time in the interval, or has one none?"""
    return any(one.scope is None or (line is not None and bool(line.spans(one.scope))) for one in selectors)


def in_scope(rows: Rows, selectors: Sequence[EntityQuery], line: Timeline) -> tuple[Rows, list[EntityQuery]]:
    """Selectors whose scope query held at some time in the interval, and the rows of those times."""
    if any(one.scope is None for one in selectors):
        return rows, [one for one in selectors if one.scope is None or line.spans(one.scope)]
    held = [(one, spans) for one in selectors if (spans := line.spans(one.scope))]
    inside = np.zeros(len(rows), dtype=np.bool_)
    for _, spans in held:
        for start, end in spans:
            inside |= (rows.time >= start) & (rows.time < end)
    return rows.pick(inside), [one for one, _ in held]
