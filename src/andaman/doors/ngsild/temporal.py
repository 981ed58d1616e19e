"""How entities were over time (CIM 009 §5.7.3, §5.7.4, §6.18.3.2, §6.19.3.1, §6.24)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.entity.represent import View
from andaman.broker.entity.temporal import (
    represent_aggregated,
    represent_temporal,
    represent_values,
)
from andaman.broker.query.ast import And, Not, Or, QExpr
from andaman.broker.query.model import EntityQuery, EvolutionQuery, Page
from andaman.broker.query.parse import parse_types
from andaman.doors.ngsild.consumption import page_headers
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import QUERY_PARAMETERS, VIEW_PARAMETERS, query_of, view_of
from andaman.doors.ngsild.postquery import PARAMETERS, asked_of
from andaman.doors.ngsild.temporal_params import (
    AGGREGATION,
    TEMPORAL,
    Form,
    check_linked,
    evolution_query,
    order_by_id,
    temporal_form,
    temporal_query_of,
)
from andaman.kernel.errors import BadRequestData, ResourceNotFound

_NOT_HERE: Final = frozenset(
    {"at", "geometryProperty", "join", "joinLevel", "containedBy", "orderFrom", "orderGeometry"}
)
RETRIEVING: Final = (VIEW_PARAMETERS - _NOT_HERE) | TEMPORAL | {"type", "entityMap", "entityMapLifetime"}
QUERYING: Final = (QUERY_PARAMETERS - _NOT_HERE) | TEMPORAL | {"splitEntities", "entityMapLifetime"}
_POST: Final = (PARAMETERS - {"at"}) | AGGREGATION


def _shown(
    found: dict[str, Any], context: Context, view: View, form: Form, asked: EvolutionQuery
) -> dict[str, Any]:
    if form == "aggregatedValues":
        return represent_aggregated(found, context, view)
    if form == "temporalValues":
        return represent_values(found, context, view, asked.temporal.timeproperty)
    return represent_temporal(found, context, view)


def _range_header(answer: Mapping[str, Any], asked: EvolutionQuery) -> list[tuple[bytes, bytes]]:
    """Content-Range of a page that is not complete (§6.3.10)."""
    span = answer.get("range")
    if span is None:
        return []
    size = "*" if asked.temporal.last_n is None else str(asked.temporal.last_n)
    return [(b"Content-Range", f"date-time {span[0]}-{span[1]}/{size}".encode("latin-1"))]


async def retrieve_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities/{id}."""
    media = choose_media(call.headers.get(b"accept"), False)
    entity_id = check_uri(call.segments[2], "entityId")
    context = await door.link_context(call)
    remembered, key = door.broker.remembered, (call.tenant, entity_id)
    prefer = call.headers.get(b"prefer", b"")
    question = (call.query_string, media, prefer, context.serial, call.actor.access.key)
    known: Answer | None = remembered.get(key, question)
    if known is not None:  # a copy: what comes after this handler may add headers
        return Answer(known.status, known.body, known.media, list(known.headers))
    token = remembered.begin(key)
    answer = await _retrieve(door, call, entity_id, context, media)
    kept = Answer(answer.status, answer.body, answer.media, list(answer.headers))
    remembered.keep(key, token, question, kept, len(answer.body) + len(call.query_string) + len(prefer))
    return answer


async def _retrieve(door: Door, call: Call, entity_id: str, context: Context, media: bytes) -> Answer:
    given = call.parameters(RETRIEVING)
    check_linked(given, context)
    view = view_of(given, context)
    form = temporal_form(given)
    temporal = temporal_query_of(given, form == "aggregatedValues", door.options.max_instances)
    types = parse_types(given["type"], context.expand_term) if "type" in given else None
    bare = temporal.timerel is None and temporal.last_n is None and "timeproperty" not in given
    asked = evolution_query(
        temporal,
        (EntityQuery(types=types, ids=(entity_id,), limit=1),),
        view,
        retrieve=True,
        ends=bare and form != "aggregatedValues",
    )
    answer = await door.broker.evolutions(asked, call.actor.access, call.tenant)
    if not answer["entities"]:
        raise ResourceNotFound(f"There is no temporal evolution of an entity {entity_id}")
    (found,) = answer["entities"]
    shown = _shown(found, context, view, form, asked)
    if not shown or (view.projects and not _anything(found, view)):
        await _check_projection(door, call, asked, view, entity_id)
    headers = _range_header(answer, asked)
    return door.represented(call, shown, media, context, headers, 206 if headers else 200)


def _anything(found: Mapping[str, Any], view: View) -> bool:
    """Is there anything of what was asked for? Scopes come with ``attrs`` and are none of them."""
    return bool(found["attrs"] or (found.get("scope") and not view.by_attrs))


async def _check_projection(
    door: Door, call: Call, asked: EvolutionQuery, view: View, entity_id: str
) -> None:
    """ResourceNotFound when the entity never had any member of those asked for (§5.7.3.4)."""
    absent = ResourceNotFound(f"The temporal evolution of {entity_id} has none of the members asked for")
    parts = {"id", "type"} - view.omit
    if view.pick is not None:
        parts &= view.pick
        if view.by_attrs:
            parts = set()
    if parts:
        return
    every = replace(
        asked,
        temporal=replace(asked.temporal, timerel=None, aggr_methods=(), last_n=1, timeproperty="observedAt"),
    )
    answer = await door.broker.evolutions(every, call.actor.access, call.tenant)
    if not any(_anything(found, view) for found in answer["entities"]):
        raise absent


async def query_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(QUERYING)
    context = await door.link_context(call)
    check_linked(given, context)
    form = temporal_form(given)
    temporal = temporal_query_of(given, form == "aggregatedValues", door.options.max_instances)
    if temporal.timerel is None:
        raise BadRequestData("A query of the past needs timerel and timeAt", field="timerel")
    options = door.options
    plain = {name: value for name, value in given.items() if name not in ("orderBy", "collation")}
    query = query_of(plain, context, default_limit=options.default_limit, max_limit=options.max_limit)
    check_q(query)
    view = view_of(given, context)
    asked = evolution_query(temporal, (query,), view, by_id=order_by_id(given))
    return await _answer(door, call, asked, view, form, given, media, context)


def check_q(query: EntityQuery) -> None:
    """Raises BadRequestData where values of linked entities are asked of the past."""
    if query.q is not None and _links(query.q):
        raise BadRequestData("q: values of linked entities cannot be asked of the past", field="q")


def _links(expr: QExpr) -> bool:
    if isinstance(expr, (And, Or)):
        return any(_links(part) for part in expr.parts)
    return _links(expr.part) if isinstance(expr, Not) else bool(expr.path.links)


async def post_temporal_query(door: Door, call: Call) -> Answer:
    """POST /temporal/entityOperations/query (§5.2.21, §5.2.23, §5.2.44)."""
    media = choose_media(call.headers.get(b"accept"), False)
    parameters = call.parameters(_POST)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    part = payload.get("temporalQ") if isinstance(payload, dict) else None
    if not isinstance(part, dict) or part.keys() - TEMPORAL:
        raise BadRequestData(
            f"temporalQ must be an object and may have {', '.join(sorted(TEMPORAL))}", field="temporalQ"
        )
    wanted = payload.get("aggrParams", {})
    if not isinstance(wanted, dict) or wanted.keys() - AGGREGATION:
        raise BadRequestData(f"aggrParams may have {', '.join(sorted(AGGREGATION))}", field="aggrParams")
    given = {**part, **wanted, **{name: parameters[name] for name in AGGREGATION & parameters.keys()}}
    form = temporal_form(parameters, strict=False)
    if "aggrMethods" in given and not {"format", "options"} & parameters.keys():
        form = "aggregatedValues"
    temporal = temporal_query_of(given, form == "aggregatedValues", door.options.max_instances)
    if temporal.timerel is None:
        raise BadRequestData("A query of the past needs timerel and timeAt", field="temporalQ.timerel")
    ordering = payload.get("ordering", {})
    by_id = order_by_id(ordering if isinstance(ordering, dict) else {})
    found, _ = asked_of(
        door, {name: value for name, value in payload.items() if name != "ordering"}, parameters, context
    )
    for query in found.queries:
        check_q(query)
    asked = evolution_query(temporal, found.queries, found.view, by_id=by_id)
    return await _answer(door, call, asked, found.view, form, parameters, media, context)


async def _answer(
    door: Door,
    call: Call,
    asked: EvolutionQuery,
    view: View,
    form: Form,
    given: Mapping[str, str],
    media: bytes,
    context: Context,
) -> Answer:
    answer = await door.broker.evolutions(asked, call.actor.access, call.tenant)
    shown = [
        one
        for found in answer["entities"]
        if (one := _shown(found, context, view, form, asked)) or not view.projects
    ]
    page = Page([], answer["total"])
    headers = page_headers(call, asked.selectors[0], page, answer["more"], given, media)
    ranges = _range_header(answer, asked)
    return door.represented(call, shown, media, context, headers + ranges, 206 if ranges else 200)
