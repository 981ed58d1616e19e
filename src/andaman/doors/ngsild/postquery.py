"""Queries by POST (CIM 009 §5.2.23, §6.23, §6.24): the parameters of GET as a JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri, plain_members
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_types
from andaman.doors.ngsild.consumption import Asked, page_headers, run_query, shown_page
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.linked import join_of
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.ordering import order_of
from andaman.doors.ngsild.params import limit_of, moment_of, pattern_of, query_of, view_of
from andaman.kernel.errors import BadRequestData, TooComplexQuery

PARAMETERS: Final = frozenset(
    {"limit", "offset", "count", "options", "format", "lang", "local", "at", "entityMap", "entityMapLifetime"}
)
_LISTS: Final = ("attrs", "pick", "omit", "datasetId")
_TEXTS: Final = ("q", "scopeQ", "lang", "expandValues", "csf", "jsonKeys")
_MEMBERS: Final = frozenset(
    {
        "type",
        "entities",
        "geoQ",
        "temporalQ",
        "aggrParams",
        "join",
        "joinLevel",
        "containedBy",
        "ordering",
        "splitEntities",
        *_LISTS,
        *_TEXTS,
    }
)
_GEO: Final = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
_ORDERING: Final = {
    "orderBy": "orderBy",
    "collation": "collation",
    "coordinates": "orderFrom",
    "geometry": "orderGeometry",
}
_SELECTOR: Final = frozenset({"id", "idPattern", "type"})
_MAX_SELECTORS: Final = 100
_MAX_NAMES: Final = 1_000
_MAX_IDS: Final = 10_000


def flat(payload: Any) -> dict[str, Any]:
    """A Query object as GET parameters; entity selectors stay apart. Raises BadRequestData."""
    if not isinstance(payload, dict):
        raise BadRequestData("A query must be a JSON object")
    payload = plain_members(payload)
    if payload.get("type") != "Query":
        raise BadRequestData('The type of a query must be "Query"', field="type")
    unknown = payload.keys() - _MEMBERS
    if unknown:
        name = min(unknown)
        raise BadRequestData(f"A query has no member {name[:80]!r}", field=name[:80])
    given: dict[str, Any] = {}
    for name in _LISTS:
        if name in payload:
            value = payload[name]
            listed = value if isinstance(value, list) else [value]
            if not listed or not all(isinstance(one, str) for one in listed):
                raise BadRequestData(f"{name} must be a list of names", field=name)
            if len(listed) > _MAX_NAMES:
                raise TooComplexQuery(f"{name} holds at most {_MAX_NAMES} names", field=name)
            given[name] = ",".join(listed)
    for name in (*_TEXTS, "join", "containedBy"):
        if name in payload:
            value = payload[name]
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                value = ",".join(value)
            if not isinstance(value, str):
                raise BadRequestData(f"{name} must be a text", field=name)
            given[name] = value
    if "joinLevel" in payload:
        given["joinLevel"] = str(payload["joinLevel"])
    if "geoQ" in payload:
        geo = payload["geoQ"]
        if not isinstance(geo, dict) or geo.keys() - _GEO:
            raise BadRequestData(
                "geoQ must have georel, geometry, coordinates and perhaps geoproperty", field="geoQ"
            )
        for name, value in geo.items():
            if name != "coordinates" and not isinstance(value, str):
                raise BadRequestData(f"geoQ.{name} must be a text", field=f"geoQ.{name}")
            given[name] = value
    return given


def selectors(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The entity selectors, checked; none: an empty list."""
    found = payload.get("entities", [])
    if not isinstance(found, list) or len(found) > _MAX_SELECTORS:
        raise BadRequestData(
            f"entities must be a list of at most {_MAX_SELECTORS} selectors", field="entities"
        )
    found = [plain_members(one, "entities") if isinstance(one, dict) else one for one in found]
    for one in found:
        if not isinstance(one, dict) or not one.keys() <= _SELECTOR or not one:
            raise BadRequestData(
                "A selector in entities has type and perhaps id or idPattern", field="entities"
            )
    return found


def _selected(base: EntityQuery, one: dict[str, Any], context: Context) -> EntityQuery:
    ids = one.get("id")
    pattern, types = one.get("idPattern"), one.get("type")
    for name, value in (("idPattern", pattern), ("type", types)):
        if value is not None and not isinstance(value, str):
            raise BadRequestData(f"entities.{name} must be a text", field=f"entities.{name}")
    listed = ids if isinstance(ids, list) else [] if ids is None else [ids]
    if len(listed) > _MAX_IDS:
        raise TooComplexQuery(f"A selector names at most {_MAX_IDS} ids", field="entities.id")
    return replace(
        base,
        types=parse_types(types, context.expand_term) if types is not None else None,
        ids=tuple(check_uri(each, "entities.id") for each in listed),
        id_pattern=pattern_of(pattern, "entities.idPattern") if pattern is not None and not listed else None,
    )


def _ordering(payload: dict[str, Any]) -> dict[str, Any]:
    """§5.2.43 OrderingParams, by the names that the query parameters have."""
    given = payload.get("ordering", {})
    if not isinstance(given, dict) or given.keys() - _ORDERING.keys():
        raise BadRequestData(f"ordering may have {', '.join(_ORDERING)}", field="ordering")
    if "coordinates" in given and not isinstance(given["coordinates"], list):
        raise BadRequestData("ordering.coordinates must be a list", field="ordering.coordinates")
    return {_ORDERING[name]: value for name, value in given.items()}


def asked_of(
    door: Door, payload: Any, parameters: dict[str, str], context: Context
) -> tuple[Asked, dict[str, Any]]:
    """What a POST query asks for, and its parameters in GET's form."""
    given = {**parameters, **flat(payload)}
    wanted = selectors(payload)
    if wanted:
        given.setdefault("local", "true")  # selectors with types are narrow enough by themselves
        if not any("type" in one for one in wanted) and not given.keys() & {"attrs", "q", "georel"}:
            given["local"] = parameters.get("local", "false")
    options = door.options
    base = query_of(given, context, default_limit=options.default_limit, max_limit=options.max_limit)
    queries = tuple(_selected(base, one, context) for one in wanted) or (base,)
    at = moment_of(parameters)
    view = view_of({name: value for name, value in given.items() if isinstance(value, str)}, context)
    geometry = context.expand_term(str(given.get("geoproperty", "location")))
    limit_of(parameters, options.default_limit, options.max_limit)
    order = order_of(_ordering(payload), context)
    return Asked(queries, view, at, geometry, join_of(given, context), order), given


async def post_query(door: Door, call: Call) -> Answer:
    """POST /entityOperations/query."""
    media = choose_media(call.headers.get(b"accept"), True)
    parameters = call.parameters(PARAMETERS)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    if isinstance(payload, dict) and "temporalQ" in payload:
        raise BadRequestData("temporalQ belongs to /temporal/entityOperations/query", field="temporalQ")
    asked, _ = asked_of(door, payload, parameters, context)
    page, more = await run_query(door, call, asked)
    headers = page_headers(call, asked.queries[0], page, more, parameters, media)
    shown = await shown_page(door, call, page, asked, media, context)
    return door.represented(call, shown, media, context, headers)
