"""The scopes of entities over time (CIM 009 §4.5.6, §4.18): which were valid when, and the part that is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from andaman.broker.history.read.reader import Reader
from andaman.broker.history.read.series import instances
from andaman.broker.history.rows.rows import ADDED, GONE, SCOPE
from andaman.broker.history.rows.rowset import Rows, bounds
from andaman.broker.model import Instance
from andaman.broker.query.ast import ScopeExpr
from andaman.broker.query.evaluate import matches_scope
from andaman.broker.query.model import EvolutionQuery
from andaman.kernel.time import Micros

Span = tuple[Micros, Micros]
_LOW: Final = -(1 << 62)
_HIGH: Final = 1 << 62


@dataclass(slots=True)
class Timeline:
    """``valid``: (from, until, scopes) within the interval of the query; ``shown``: instances, oldest first."""

    valid: list[tuple[Micros, Micros, list[str]]] = field(default_factory=list)
    shown: list[Instance] = field(default_factory=list)

    def spans(self, expr: ScopeExpr | None) -> list[Span]:
        """When the scopes met the expression."""
        if expr is None:
            return []
        return [(start, end) for start, end, scopes in self.valid if matches_scope(expr, scopes)]


def timelines(reader: Reader, query: EvolutionQuery) -> dict[int, Timeline]:
    """By entity (its place in the question). What was valid when the interval began counts and is shown too."""
    temporal = query.temporal
    low, high = bounds(temporal)
    every = replace(temporal, timerel=None, last_n=None, aggr_methods=())
    if temporal.timeproperty == "deletedAt":
        every = replace(every, timeproperty="observedAt")
    rows = reader.read(every, [SCOPE], ops=(ADDED, GONE))
    found: dict[int, Timeline] = {}
    every_one = instances(reader, rows)
    for who, _, start, end in rows.groups():
        series, made = rows.pick(slice(start, end)), every_one[start:end]
        found[who] = _timeline(
            list(zip(series.time.tolist(), series.op.tolist(), made, strict=True)),
            _LOW if low is None else low,
            _HIGH if high is None else high,
            temporal.timeproperty == "deletedAt",
        )
    return found


def split_scopes(reader: Reader, rows: Rows) -> tuple[Rows, dict[int, Timeline]]:
    """Rows of attributes, and the scopes that were read with them, by entity; only the part to show of these."""
    mine = rows.attr == reader.word(SCOPE)
    if not mine.any():
        return rows, {}
    scopes = rows.pick(mine)
    made = instances(reader, scopes)
    lines = {who: Timeline(shown=made[start:end]) for who, _, start, end in scopes.groups()}
    return rows.pick(~mine), lines


def _timeline(told: list[tuple[Micros, int, Any]], low: Micros, high: Micros, ends: bool) -> Timeline:
    line = Timeline()
    for (at, op, one), (until, *_) in zip(told, [*told[1:], (_HIGH,)], strict=True):
        if ends:
            if op == GONE and low <= at < high:
                line.shown.append(one)
        elif op == ADDED and at < high and until > low:
            line.valid.append((max(at, low), min(until, high), one["value"]))
            line.shown.append(one)
    return line
