"""Entities to read: one, or a query, now or as of a past second (CIM 009 §5.7.1, §5.7.2, §6.4.3.2, §6.5.3.1, §6.23)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.entity.represent import PLAIN, View, feature, feature_collection, represent
from andaman.broker.entity.self_intersection import lines_of
from andaman.broker.model import LOCATION, Doc
from andaman.broker.query.ast import And, GeoQuery, GeoRel, Not, Or, Pattern, QExpr
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.parse import parse_types
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import GEO_JSON, Answer, Call, Headers
from andaman.doors.ngsild.linked import Join, Linker, finder, join_of
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.ordering import MAX_ORDERED, Order, order_of, sort_docs
from andaman.doors.ngsild.params import (
    QUERY_PARAMETERS,
    VIEW_PARAMETERS,
    moment_of,
    query_of,
    view_of,
)
from andaman.kernel.errors import (
    BadRequestData,
    OperationNotSupported,
    ResourceNotFound,
    TooComplexQuery,
    TooManyResults,
)
from andaman.kernel.time import Micros

_PLAIN: Final = ":/*.,;|!$()@'~-_="  # needs no escape inside a parameter
_CHUNK: Final = 1000
_QUICK: Final = frozenset({GeoRel.NEAR, GeoRel.WITHIN, GeoRel.INTERSECTS, GeoRel.DISJOINT})
_SHORT: Final = 64  # positions of a shape that many points are held against in no time
_MOST_READ: Final = 100_000  # entities read for one page of alternatives
RETRIEVE_PARAMETERS: Final = VIEW_PARAMETERS | {"type", "entityMap"}


async def retrieve_entity(door: Door, call: Call) -> Answer:
    """GET /entities/{id}; ``?at=`` gives the entity as it was known at that time."""
    media = choose_media(call.headers.get(b"accept"), True)
    entity_id = check_uri(call.segments[1], "entityId")
    context = await door.link_context(call)
    if not call.query_string:
        doc = door.broker.get(entity_id, call.actor.access, call.tenant)
        if media == GEO_JSON:
            return door.represented(call, feature(doc, context, PLAIN), media, context)
        return door.represented(call, represent(doc, context), media, context)
    given = call.parameters(RETRIEVE_PARAMETERS)
    view = view_of(given, context)
    _geometry_property(
        given, media, context
    )  # what is wrong with the question comes before what is not there
    join_of(given, context)
    at = moment_of(given)
    if at is None:
        doc = door.broker.get(entity_id, call.actor.access, call.tenant)
    else:
        doc = await door.broker.get_at(at, entity_id, call.actor.access, call.tenant)
    if "type" in given:
        types = parse_types(given["type"], context.expand_term)
        if not matches(doc, EntityQuery(types=types)):
            raise ResourceNotFound(f"There is no entity {entity_id} of the type asked for")
    return await shown_entity(door, call, doc, given, view, media, context, [])


async def shown_entity(
    door: Door,
    call: Call,
    doc: Doc,
    given: Mapping[str, str],
    view: View,
    media: bytes,
    context: Context,
    headers: Headers,
) -> Answer:
    """One entity in the representation asked for. Raises ResourceNotFound where nothing of it was asked for."""
    geometry = _geometry_property(given, media, context)
    join = join_of(given, context)
    at = moment_of(given)
    shown: Any
    if join is not None:
        found = await _linked(door, call, [doc], Asked((), view, at, geometry, join), media, context)
        shown = found[0] if len(found) == 1 else found
    elif media == GEO_JSON:
        shown = feature(doc, context, view, geometry)
    else:
        shown = represent(doc, context, view)
    if view.projects and not _anything(doc, view):
        raise ResourceNotFound(f"Entity {doc['id']} has none of the members asked for")
    return door.represented(call, shown, media, context, headers)


def _anything(doc: Doc, view: View) -> bool:
    """Does the projection leave anything? ``attrs`` must hit an attribute, ``pick`` any member (§5.7.1.4)."""
    names = set(doc["attrs"]) | ({"scope"} if "scope" in doc else set()) | {"id", "type"}
    names -= view.omit
    if view.pick is not None:
        names &= view.pick
        if view.by_attrs:
            names -= {"id", "type", "scope"}
    return bool(names)


def _geometry_property(given: Mapping[str, str], media: bytes, context: Context) -> str:
    name = given.get("geometryProperty")
    if name is None:
        return LOCATION
    if media != GEO_JSON:
        raise BadRequestData(
            "geometryProperty goes with Accept: application/geo+json", field="geometryProperty"
        )
    return context.expand_term(name)


# -- queries ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A query for entities as a request puts it: what, how many, how shown."""

    queries: tuple[EntityQuery, ...]  # alternatives; nearly always one
    view: View
    at: Micros | None
    geometry: str
    join: Join | None = None
    order: Order | None = None


async def query_entities(door: Door, call: Call) -> Answer:
    """GET /entities."""
    media = choose_media(call.headers.get(b"accept"), True)
    given = call.parameters(QUERY_PARAMETERS)
    context = await door.link_context(call)
    asked = asked_of_parameters(door, given, media, context)
    page, more = await run_query(door, call, asked)
    headers = page_headers(call, asked.queries[0], page, more, given, media)
    shown = await shown_page(door, call, page, asked, media, context)
    return door.represented(call, shown, media, context, headers)


def asked_of_parameters(door: Door, given: Mapping[str, str], media: bytes, context: Context) -> Asked:
    """What the parameters of GET /entities ask for. Raises BadRequestData."""
    options = door.options
    query = query_of(given, context, default_limit=options.default_limit, max_limit=options.max_limit)
    return Asked(
        (query,),
        view_of(given, context),
        moment_of(given),
        _geometry_property(given, media, context),
        join_of(given, context),
        order_of(given, context),
    )


async def _linked(
    door: Door, call: Call, docs: list[Doc], asked: Asked, media: bytes, context: Context
) -> list[dict[str, Any]]:
    if media == GEO_JSON:
        raise OperationNotSupported("join does not go with GeoJSON", field="join")
    assert asked.join is not None
    return await Linker(finder(door, call, asked.at), context, asked.view, asked.join).entities(docs)


async def shown_page(door: Door, call: Call, page: Page, asked: Asked, media: bytes, context: Context) -> Any:
    """The entities of a page in the representation asked for."""
    docs: list[Doc] = page.docs
    view = asked.view
    if asked.join is not None:
        return await _linked(door, call, docs, asked, media, context)
    if media == GEO_JSON:
        return feature_collection([feature(doc, context, view, asked.geometry) for doc in docs])
    if view.projects and view.pick is not None:
        return [shown for doc in docs if (shown := represent(doc, context, view))]
    return [represent(doc, context, view) for doc in docs]


async def run_query(door: Door, call: Call, asked: Asked) -> tuple[Page, bool]:
    """The page, and whether more follow it. One more than the limit is asked for, to know that."""
    if asked.order is not None:
        return await _ordered(door, call, asked, asked.order)
    if len(asked.queries) > 1:
        return await _alternatives(door, call, asked)
    query = asked.queries[0]
    wider = replace(query, limit=query.limit + 1) if query.limit else query
    page = await _page(door, call, wider, asked.at)
    more = len(page.docs) > query.limit
    return Page(page.docs[: query.limit], page.total), more


async def _page(door: Door, call: Call, query: EntityQuery, at: Micros | None) -> Page:
    access = call.actor.access
    if at is not None:
        return await door.broker.query_at(at, query, access, call.tenant)
    if _may_be_long(query):
        return await door.broker.query_async(query, access, call.tenant)
    return door.broker.query(query, access, call.tenant)


def _may_be_long(query: EntityQuery) -> bool:
    """Queries that indexes may not narrow run in a worker thread."""
    if query.ids:
        return False
    return (
        query.id_pattern is not None
        or query.types is None
        or query.scope is not None
        or (query.geo is not None and _needs_work(query.geo))
        or (query.q is not None and _has_pattern(query.q))
    )


def _needs_work(geo: GeoQuery) -> bool:
    """Relations that are decided entity by entity, and shapes of many positions."""
    if geo.georel not in _QUICK:
        return True
    lines = lines_of(geo.geometry, geo.coordinates)
    return sum(map(len, lines)) > _SHORT


def _has_pattern(expr: QExpr) -> bool:
    if isinstance(expr, (And, Or)):
        return any(_has_pattern(part) for part in expr.parts)
    return isinstance(expr, (Pattern, Not))


async def _alternatives(door: Door, call: Call, asked: Asked) -> tuple[Page, bool]:
    """Entities that match any of several queries, in the order of their creation."""
    first = asked.queries[0]
    wanted = first.offset + first.limit + 1
    if wanted * len(asked.queries) > _MOST_READ:
        raise TooComplexQuery(
            f"offset and limit reach too far for {len(asked.queries)} selectors; ask with fewer of them"
        )
    found: dict[str, Doc] = {}
    total = 0
    for query in asked.queries:
        page = await _page(door, call, replace(query, offset=0, limit=wanted, count=False), asked.at)
        found.update((str(doc["id"]), doc) for doc in page.docs)
    docs = sorted(found.values(), key=lambda doc: (doc.get("createdAt", ""), doc["id"]))
    if first.count:
        total = await _count(door, call, asked)
    kept = docs[first.offset : first.offset + first.limit]
    return Page(kept, total if first.count else -1), len(docs) > first.offset + first.limit


async def _ordered(door: Door, call: Call, asked: Asked, order: Order) -> tuple[Page, bool]:
    """All matches, sorted, then the page (§4.23)."""
    found: dict[str, Doc] = {}
    for query in asked.queries:
        offset = 0
        while True:
            page = await _page(door, call, replace(query, offset=offset, limit=_CHUNK, count=False), asked.at)
            found.update((str(doc["id"]), doc) for doc in page.docs)
            if len(found) > MAX_ORDERED:
                raise TooManyResults(f"Only up to {MAX_ORDERED} entities can be ordered; narrow the query")
            if len(page.docs) < _CHUNK:
                break
            offset += _CHUNK
    docs = await asyncio.to_thread(sort_docs, list(found.values()), order)
    first = asked.queries[0]
    end = first.offset + first.limit
    return Page(docs[first.offset : end], len(docs)), len(docs) > end


async def _count(door: Door, call: Call, asked: Asked) -> int:
    """How many entities match any of the alternatives (each entity once)."""
    ids: set[str] = set()
    for query in asked.queries:
        offset = 0
        while True:
            page = await _page(door, call, replace(query, offset=offset, limit=_CHUNK, count=False), asked.at)
            ids.update(str(doc["id"]) for doc in page.docs)
            if len(ids) > _MOST_READ:
                raise TooComplexQuery(
                    f"More than {_MOST_READ} entities match several selectors; count fewer of them at once"
                )
            await asyncio.sleep(0)
            if len(page.docs) < _CHUNK:
                break
            offset += _CHUNK
    return len(ids)


def page_headers(
    call: Call, query: EntityQuery, page: Page, more: bool, given: Mapping[str, str], media: bytes
) -> list[tuple[bytes, bytes]]:
    """NGSILD-Results-Count and the paging links (§6.3.10, §6.3.13)."""
    headers: list[tuple[bytes, bytes]] = []
    if query.count:
        headers.append((b"ngsild-results-count", str(max(page.total, 0)).encode()))
    if query.limit and more:
        headers.append(
            (b"link", _page_link(call, given, query.offset + query.limit, query.limit, "next", media))
        )
    if query.limit and query.offset:
        before = max(0, query.offset - query.limit)
        headers.append((b"link", _page_link(call, given, before, query.limit, "prev", media)))
    return headers


def _page_link(
    call: Call, given: Mapping[str, str], offset: int, limit: int, rel: str, media: bytes
) -> bytes:
    path = "/".join(quote(segment, safe=":") for segment in call.segments)
    changed = {**given, "limit": str(limit), "offset": str(offset)}
    query = "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in sorted(changed.items()))
    return f'<{BASE}/{path}?{query}>;rel="{rel}";type="{media.decode()}"'.encode("latin-1")
