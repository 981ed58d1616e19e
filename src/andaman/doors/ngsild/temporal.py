"""How entities were over time (CIM 009 §5.7.3, §5.7.4, §6.18, §6.19, §6.24)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.entity.represent import View
from andaman.broker.entity.temporal import (
    represent_aggregated,
    represent_temporal,
    represent_values,
)
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, TemporalQuery
from andaman.broker.query.parse import parse_types
from andaman.doors.ngsild.consumption import Asked, page_headers, run_query
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.linked import join_of
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import (
    QUERY_PARAMETERS,
    VIEW_PARAMETERS,
    format_of,
    number_of,
    query_of,
    view_of,
)
from andaman.doors.ngsild.postquery import PARAMETERS, asked_of
from andaman.broker.entity.projection import SYSTEM_PARTS
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.time import Micros, parse_time

_TEMPORAL: Final = frozenset(
    {"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN", "aggrMethods", "aggrPeriodDuration"}
)
_NOT_HERE: Final = frozenset(
    {"at", "geometryProperty", "join", "joinLevel", "containedBy"}
    | {"orderBy", "collation", "orderFrom", "orderGeometry"}
)
_RETRIEVE: Final = (VIEW_PARAMETERS - _NOT_HERE) | _TEMPORAL | {"type"}
_QUERY: Final = (QUERY_PARAMETERS - _NOT_HERE) | _TEMPORAL
_POST: Final = (PARAMETERS - {"at"}) | {"aggrMethods", "aggrPeriodDuration"}
_PROPERTIES: Final = ("observedAt", "createdAt", "modifiedAt", "deletedAt")
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
_DURATION: Final = re.compile(
    r"P(?!$)(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_SECONDS: Final = (365 * 86_400.0, 30 * 86_400.0, 7 * 86_400.0, 86_400.0, 3600.0, 60.0, 1.0)


def duration_s(text: str) -> float:
    """An ISO 8601 duration in seconds; months and years in their usual length (30 and 365 days)."""
    match = _DURATION.fullmatch(text) if len(text) < 64 else None
    if match is None:
        raise BadRequestData(
            f"{text[:64]!r} is not an ISO 8601 duration such as PT1H", field="aggrPeriodDuration"
        )
    seconds = sum(float(part) * size for part, size in zip(match.groups(), _SECONDS, strict=True) if part)
    if not math.isfinite(seconds) or seconds > 1e12:
        raise BadRequestData("The duration is too long", field="aggrPeriodDuration")
    return seconds


def _instant(given: Mapping[str, Any], name: str) -> Micros:
    value = given.get(name)
    if value is None:
        raise BadRequestData(f"timerel {given.get('timerel')!r} needs {name}", field=name)
    try:
        return parse_time(str(value))
    except ValueError as error:
        raise BadRequestData(str(error), field=name) from None


def temporal_query_of(given: Mapping[str, Any], aggregated: bool, max_instances: int) -> TemporalQuery:
    """The temporal part of a request (§4.11). Raises BadRequestData."""
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
    if named not in _PROPERTIES:
        raise BadRequestData(f"timeproperty must be one of {', '.join(_PROPERTIES)}", field="timeproperty")
    methods: tuple[str, ...] = ()
    if aggregated:
        asked = given.get("aggrMethods")
        methods = tuple(asked.split(",")) if isinstance(asked, str) else tuple(asked or ())
        if not methods or any(one not in METHODS for one in methods):
            raise BadRequestData(f"aggrMethods must name some of {', '.join(METHODS)}", field="aggrMethods")
    elif "aggrMethods" in given or "aggrPeriodDuration" in given:
        raise BadRequestData("aggrMethods goes with options=aggregatedValues", field="aggrMethods")
    period = str(given.get("aggrPeriodDuration", "PT0S"))
    last_n = number_of(given, "lastN", 0, 1, 1_000_000)
    return TemporalQuery(
        timerel=relation,
        time_at=at,
        end_time_at=end,
        timeproperty=cast(Any, named),
        last_n=last_n or None,
        aggr_methods=methods,
        aggr_period_s=duration_s(period),
        aggr_period=period,
        limit_instances=max_instances,
    )


def _attributes(view: View) -> list[str] | None:
    """Attribute IRIs to read; empty for all, None for none at all."""
    if view.pick is not None:
        names = sorted(view.pick - {"id", "type", "scope"} - SYSTEM_PARTS)
        return names or None
    return []


async def _evolution(
    door: Door,
    call: Call,
    doc: Doc,
    query: TemporalQuery,
    view: View,
    flags: frozenset[str],
    context: Context,
) -> tuple[dict[str, Any], bool, bool]:
    """One entity's representation, whether it has any instance, and whether the page cut it short."""
    wanted = _attributes(view)
    history: dict[str, Any] = (
        await door.broker.temporal(doc["id"], wanted, query, call.actor.access, call.tenant)
        if wanted is not None
        else {}
    )
    history = {iri: rows for iri, rows in history.items() if rows and iri not in view.omit}
    if query.aggr_methods:
        return represent_aggregated(doc, history, context, view), bool(history), False
    if view.datasets is not None:
        wanted_sets = view.datasets
        history = {
            iri: kept
            for iri, rows in history.items()
            if (kept := [one for one in rows if one.get("datasetId", "@none") in wanted_sets])
        }
    cut = any(len(rows) >= query.limit_instances for rows in history.values())
    if "temporalValues" in flags or view.format == "simplified":
        return represent_values(doc, history, context, view, query.timeproperty), bool(history), cut
    return represent_temporal(doc, history, context, view), bool(history), cut


def _range_headers(query: TemporalQuery, shown: Sequence[dict[str, Any]]) -> list[tuple[bytes, bytes]]:
    """Content-Range of a page that is not the whole (§6.3.10): from the first to the last instant in it."""
    times = sorted(set(_times(shown, query.timeproperty)))
    if not times:
        return []
    start, end = times[0], times[-1]
    if query.last_n is not None:
        start, end = end, start
    size = "*" if query.last_n is None else str(query.last_n)
    return [(b"content-range", f"date-time {start}-{end}/{size}".encode("latin-1"))]


def _times(value: Any, name: str) -> list[str]:
    if isinstance(value, dict):
        own = value.get(name)
        found = [own] if isinstance(own, str) else []
        for one in value.values():
            if isinstance(one, (dict, list)):
                found += _times(one, name)
        return found
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[1], str) and value[1].endswith("Z"):
            return [value[1]]
        return [at for one in value if isinstance(one, (dict, list)) for at in _times(one, name)]
    return []


async def retrieve_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities/{id}."""
    media = choose_media(call.headers.get(b"accept"), False)
    entity_id = check_uri(call.segments[2], "entityId")
    given = call.parameters(_RETRIEVE)
    context = await door.link_context(call)
    view = view_of(given, context)
    join_of(given, context)  # refuses members of linked entities
    flags = format_of(given)[1]
    query = temporal_query_of(given, "aggregatedValues" in flags, door.options.max_instances)
    doc = door.broker.get(entity_id, call.actor.access, call.tenant)
    if "type" in given and not matches(
        doc, EntityQuery(types=parse_types(given["type"], context.expand_term))
    ):
        raise ResourceNotFound(f"There is no entity {entity_id} of the type asked for")
    shown, _, cut = await _evolution(door, call, doc, query, view, flags, context)
    headers = _range_headers(query, [shown]) if cut else []
    return door.represented(call, shown, media, context, headers, 206 if headers else 200)


async def query_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities: entities that match now, with their history in the time asked for."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_QUERY)
    context = await door.link_context(call)
    flags = format_of(given)[1]
    temporal = temporal_query_of(given, "aggregatedValues" in flags, door.options.max_instances)
    options = door.options
    query = query_of(given, context, default_limit=options.default_limit, max_limit=options.max_limit)
    asked = Asked((query,), view_of(given, context), None, "")
    return await _answer(door, call, asked, temporal, flags, given, media, context)


async def post_temporal_query(door: Door, call: Call) -> Answer:
    """POST /temporal/entityOperations/query."""
    media = choose_media(call.headers.get(b"accept"), False)
    parameters = call.parameters(_POST)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    asked, _ = asked_of(door, payload, parameters, context)
    part = payload.get("temporalQ", {})
    if not isinstance(part, dict) or part.keys() - _TEMPORAL:
        raise BadRequestData(f"temporalQ may have {', '.join(sorted(_TEMPORAL))}", field="temporalQ")
    flags = format_of(parameters)[1]
    extra: dict[str, Any] = {
        name: parameters[name] for name in ("aggrMethods", "aggrPeriodDuration") if name in parameters
    }
    methods = part.get("aggrMethods")
    if methods is not None and not (
        isinstance(methods, str)
        or (isinstance(methods, list) and all(isinstance(one, str) for one in methods))
    ):
        raise BadRequestData("aggrMethods must be a list of names", field="temporalQ.aggrMethods")
    temporal = temporal_query_of({**part, **extra}, "aggregatedValues" in flags, door.options.max_instances)
    return await _answer(door, call, asked, temporal, flags, parameters, media, context)


async def _answer(
    door: Door,
    call: Call,
    asked: Asked,
    temporal: TemporalQuery,
    flags: frozenset[str],
    given: Mapping[str, str],
    media: bytes,
    context: Context,
) -> Answer:
    page, more = await run_query(door, call, asked)
    shown: list[dict[str, Any]] = []
    short = False
    for doc in page.docs:
        one, any_instance, cut = await _evolution(door, call, doc, temporal, asked.view, flags, context)
        if any_instance or temporal.timerel is None:
            shown.append(one)
        short = short or cut
    headers = page_headers(call, asked.queries[0], page, more, given, media)
    ranges = _range_headers(temporal, shown) if short else []
    return door.represented(call, shown, media, context, headers + ranges, 206 if ranges else 200)
