"""The temporal part of requests (CIM 009 §4.11, §4.5.19, §6.3.12): the question about the past, and the form of its
answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from andaman.broker.contexts import Context
from andaman.broker.entity.projection import ENTITY_PARTS, SYSTEM_PARTS
from andaman.broker.entity.represent import View
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.query.period import parse_period
from andaman.doors.ngsild.params import format_of, number_of
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros, parse_time

TEMPORAL: Final = frozenset(
    {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"}
)
AGGREGATION: Final = frozenset({"aggrMethods", "aggrPeriodDuration"})
PROPERTIES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
Form = Literal["normalized", "concise", "temporalValues", "aggregatedValues"]


def temporal_form(given: Mapping[str, str], *, strict: bool = True) -> Form:
    """The representation asked for; ``format`` goes before ``options`` (§6.3.12).

    Raises InvalidRequest, and if ``strict`` BadRequestData for methods of aggregation where none is asked for.
    """
    form, flags = format_of(given)
    if strict and AGGREGATION & given.keys() and "aggregatedValues" not in flags:
        raise BadRequestData("aggrMethods goes with options=aggregatedValues", field="aggrMethods")
    chosen = given.get("format")
    if chosen in ("temporalValues", "aggregatedValues"):
        return cast(Form, chosen)
    if chosen is None:
        for name in ("temporalValues", "aggregatedValues"):
            if name in flags:
                return cast(Form, name)
    return "temporalValues" if form == "simplified" else form


def temporal_query_of(given: Mapping[str, Any], aggregated: bool, most: int) -> TemporalQuery:
    """The temporal part of a request. ``most``: instances of an entity in one page. Raises BadRequestData."""
    relation = given.get("timerel")
    if relation not in (None, "before", "after", "between"):
        raise BadRequestData("timerel must be before, after or between", field="timerel")
    if relation is None and ("timeAt" in given or "endTimeAt" in given):
        raise BadRequestData("timeAt goes with timerel", field="timerel")
    at = _instant(given, "timeAt") if relation else 0
    end = _instant(given, "endTimeAt") if relation == "between" else 0
    if relation == "between" and end <= at:
        raise BadRequestData("endTimeAt must be later than timeAt", field="endTimeAt")
    named = given.get("timeproperty", "observedAt")
    if named not in PROPERTIES:
        raise BadRequestData(f"timeproperty must be one of {', '.join(PROPERTIES)}", field="timeproperty")
    methods = _methods(given) if aggregated else ()
    period = given.get("aggrPeriodDuration", "PT0S")
    if aggregated:
        parse_period(str(period))
    last_n = number_of(given, "lastN", 0, 1, 1_000_000)
    return TemporalQuery(
        timerel=relation,
        time_at=at,
        end_time_at=end,
        timeproperty=cast(Any, named),
        last_n=last_n or None,
        aggr_methods=methods,
        aggr_period=str(period) if aggregated else "PT0S",
        limit_instances=most,
    )


def _instant(given: Mapping[str, Any], name: str) -> Micros:
    value = given.get(name)
    if value is None:
        raise BadRequestData(f"timerel {given.get('timerel')!r} needs {name}", field=name)
    try:
        return parse_time(str(value))
    except ValueError as error:
        raise BadRequestData(str(error), field=name) from None


def _methods(given: Mapping[str, Any]) -> tuple[str, ...]:
    asked = given.get("aggrMethods")
    if isinstance(asked, str):
        asked = [one.strip() for one in asked.split(",")]
    if not isinstance(asked, list) or not asked or any(one not in METHODS for one in asked):
        raise BadRequestData(f"aggrMethods must name some of {', '.join(METHODS)}", field="aggrMethods")
    return tuple(dict.fromkeys(asked))


def check_linked(given: Mapping[str, Any], context: Context) -> None:
    """Linked entities are not for temporal queries (§5.7.3.4, §5.7.4.4)."""
    for name in ("pick", "omit"):
        if "{" in given.get(name, ""):
            raise BadRequestData(
                f"{name}: members of linked entities cannot be asked of the past", field=name
            )


def order_by_id(given: Mapping[str, Any]) -> int:
    """``orderBy=id``, ``id;desc``: 1 rising, -1 falling, 0 not ordered. Raises BadRequestData for anything else."""
    asked = given.get("orderBy")
    if asked is None:
        return 0
    name, _, way = str(asked).partition(";")
    if name != "id" or way not in ("", "asc", "desc"):
        raise BadRequestData(
            "Temporal queries can be ordered by id only (id, id;asc, id;desc)", field="orderBy"
        )
    return -1 if way == "desc" else 1


def evolution_query(
    temporal: TemporalQuery,
    selectors: tuple[EntityQuery, ...],
    view: View,
    *,
    retrieve: bool = False,
    by_id: int = 0,
    ends: bool = False,
) -> EvolutionQuery:
    """What the broker is asked, of a request's parts."""
    first = selectors[0]
    shown = None if view.pick is None else view.pick - ENTITY_PARTS - SYSTEM_PARTS
    return EvolutionQuery(
        temporal,
        selectors,
        shown=shown,
        omit=view.omit - ENTITY_PARTS - SYSTEM_PARTS,
        scope="scope" not in view.omit and (view.pick is None or "scope" in view.pick),
        datasets=view.datasets,
        bare=not view.sys_attrs and temporal.timeproperty == "observedAt",
        times=view.sys_attrs,
        ends=ends,
        retrieve=retrieve,
        by_id=by_id,
        limit=first.limit,
        offset=first.offset,
        count=first.count,
    )
