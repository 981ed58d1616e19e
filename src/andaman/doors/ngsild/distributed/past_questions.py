"""The form of a question about the past on its way to a source (CIM 009 §4.11, §5.7.3.4, §5.7.4.4)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from andaman.broker.query.ast import GeoQuery, ScopeAnd, ScopeExpr, ScopeIs, ScopeOr
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.doors.ngsild.distributed.questions import Parameters, render_q
from andaman.doors.ngsild.distributed.sources import Wire
from andaman.kernel.time import format_time


def temporal_of(asked: EvolutionQuery) -> Parameters:
    query = asked.temporal
    found: Parameters = []
    if query.timerel is not None:
        found += [("timerel", query.timerel), ("timeAt", format_time(query.time_at))]
        if query.timerel == "between":
            found.append(("endTimeAt", format_time(query.end_time_at)))
    if query.timeproperty != "observedAt":
        found.append(("timeproperty", query.timeproperty))
    if query.last_n is not None:
        found.append(("lastN", str(query.last_n)))
    if query.aggr_methods:
        found += [("aggrMethods", ",".join(query.aggr_methods)), ("aggrPeriodDuration", query.aggr_period)]
    return found


def options_of(asked: EvolutionQuery) -> str:
    return "aggregatedValues" if asked.temporal.aggr_methods else "sysAttrs"


def past_filters(query: EntityQuery, wire: Wire) -> Parameters:
    shorts: Mapping[str, str] = wire.context.shorts
    found: Parameters = []
    if query.q is not None:
        found.append(("q", render_q(query.q, shorts)))
    if query.scope is not None:
        found.append(("scopeQ", render_scope(query.scope)))
    if query.geo is not None:
        found += _geo(query.geo, shorts)
    return found


def render_scope(expr: ScopeExpr, inner: bool = False) -> str:
    """Scope query (§4.19) as text."""
    match expr:
        case ScopeIs(levels, below):
            return "/" + "/".join([*levels, *(["#"] if below else [])])
        case ScopeAnd(parts) | ScopeOr(parts):
            sign = ";" if isinstance(expr, ScopeAnd) else ","
            text = sign.join(render_scope(part, True) for part in parts)
            return f"({text})" if inner else text


def _geo(query: GeoQuery, shorts: Mapping[str, str]) -> Parameters:
    relation = query.georel.value
    if query.max_distance_m is not None:
        relation += f";maxDistance=={query.max_distance_m:g}"
    if query.min_distance_m is not None:
        relation += f";minDistance=={query.min_distance_m:g}"
    return [
        ("georel", relation),
        ("geometry", query.geometry),
        ("coordinates", orjson.dumps(query.coordinates).decode()),
        ("geoproperty", shorts[query.geoproperty]),
    ]
