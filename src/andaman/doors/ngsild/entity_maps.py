"""Entity maps (CIM 009 §4.5.25, §5.5.9.3, §5.14, §6.32, §6.34, §6.35). A map has the entities that a query found, and
their sources. It is kept for a while so that pages stay the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_time, check_uri
from andaman.broker.model import Doc
from andaman.broker.query.ast import QExpr
from andaman.broker.query.model import Page
from andaman.broker.query.parse import parse_q
from andaman.broker.registry.maps import LOCAL, EntityMap
from andaman.doors.ngsild.consumption import Asked, asked_of_parameters, page_headers, shown_page
from andaman.doors.ngsild.distributed.reads import MOST, federated, wanted_of
from andaman.doors.ngsild.distributed.sources import Outcome, warning_headers
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, Headers
from andaman.doors.ngsild.keeping import (
    LIFETIME,
    LONGEST,
    keep_map,
    lifetime_of,
    map_header,
    referenced_map,
)
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import QUERY_PARAMETERS, flag_of
from andaman.doors.ngsild.postquery import PARAMETERS, asked_of
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros, parse_time

Handler = Callable[[Door, Call], Awaitable[Answer]]
_CHUNK: Final = 100
_NONE: Final[frozenset[str]] = frozenset()


# -- the resources ----------------------------------------------------------------------------------------------


async def create(door: Door, call: Call) -> Answer:
    """GET /entityMaps: a map of what a query finds (§5.14.4)."""
    given = call.parameters(QUERY_PARAMETERS)
    context = await door.link_context(call)
    asked = asked_of_parameters(door, given, b"application/json", context)
    lifetime = lifetime_of(given)
    made, _, outcomes = await _make(door, call, asked, given, context, lifetime, flag_of(given, "local"))
    headers = [map_header(made), *warning_headers(outcomes, door.alias(call.tenant))]
    return door.represented(call, made.shown(), b"application/json", context, headers, 201)


async def retrieve(door: Door, call: Call) -> Answer:
    """GET /entityMaps/{id}."""
    call.parameters(_NONE)
    media = choose_media(call.headers.get(b"accept"), False)
    found = door.maps.get(check_uri(call.segments[1], "entityMapId"), call.actor, call.tenant, door.clock())
    return door.represented(call, found.shown(), media, await door.link_context(call))


async def update(door: Door, call: Call) -> Answer:
    """PATCH /entityMaps/{id}: only its expiry is the client's to say, and that within bounds."""
    call.parameters(_NONE)
    map_id = check_uri(call.segments[1], "entityMapId")
    payload, ld = await call.json(door.options.max_body)
    await door.body_context(call, payload, ld)
    if not isinstance(payload, dict):
        raise BadRequestData("The body must be a JSON object")
    now = door.clock()
    found = door.maps.get(map_id, call.actor, call.tenant, now)
    if "expiresAt" in payload:
        asked = parse_time(check_time(payload["expiresAt"], "expiresAt"))
        found.expires_at = min(asked, now + LONGEST)
        door.maps.changed(found)
    return NO_CONTENT


async def delete(door: Door, call: Call) -> Answer:
    """DELETE /entityMaps/{id}."""
    call.parameters(_NONE)
    door.maps.remove(
        door.maps.get(check_uri(call.segments[1], "entityMapId"), call.actor, call.tenant, door.clock())
    )
    return NO_CONTENT


# -- requests with a map -----------------------------------------------------------------------------------------


def retrieving(handler: Handler) -> Handler:
    """GET /entities/{id} with entityMap=true or the header NGSILD-EntityMap (§5.7.1.4)."""

    async def retrieve_entity(door: Door, call: Call) -> Answer:
        answer = await handler(door, call)
        if answer.status != 200:
            return answer
        entity_id = call.segments[1]
        found = referenced_map(door, call)
        if found is None or entity_id not in found.entries:
            context = await door.link_context(call)
            given: dict[str, str] = {"id": entity_id}
            asked = asked_of_parameters(door, given | {"local": "true"}, b"application/json", context)
            local = b"local=true" in call.query_string.split(b"&")
            found, _, _ = await _make(door, call, asked, given, context, LIFETIME, local)
        answer.headers = [*answer.headers, map_header(found)]
        return answer

    return retrieve_entity


async def query_entities(door: Door, call: Call) -> Answer:
    """GET /entities with entityMap=true or the header NGSILD-EntityMap."""
    media = choose_media(call.headers.get(b"accept"), True)
    given = call.parameters(QUERY_PARAMETERS)
    context = await door.link_context(call)
    asked = asked_of_parameters(door, given, media, context)
    split = flag_of(given, "splitEntities")
    return await _answer(door, call, asked, given, given, media, context, flag_of(given, "local"), split)


async def post_query(door: Door, call: Call) -> Answer:
    """POST /entityOperations/query with an entity map."""
    media = choose_media(call.headers.get(b"accept"), True)
    parameters = call.parameters(PARAMETERS)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    asked, given = asked_of(door, payload, parameters, context)
    split = isinstance(payload, dict) and payload.get("splitEntities") is True
    local = flag_of(parameters, "local")
    return await _answer(door, call, asked, given, parameters, media, context, local, split)


async def _answer(
    door: Door,
    call: Call,
    asked: Asked,
    given: Mapping[str, Any],
    parameters: Mapping[str, str],
    media: bytes,
    context: Context,
    local: bool,
    split: bool,
) -> Answer:
    if asked.order is not None or asked.at is not None:
        raise BadRequestData("Entity maps go neither with orderBy nor with at", field="entityMap")
    wants = flag_of({"entityMap": str(parameters.get("entityMap", "false"))}, "entityMap")
    reference = call.headers.get(b"ngsild-entitymap")
    found = referenced_map(door, call)
    first = asked.queries[0]
    outcomes: list[Outcome]
    if found is None:
        if not wants and reference is None:
            return await _plain(door, call)
        lifetime = lifetime_of(parameters)
        found, docs, outcomes = await _make(door, call, asked, given, context, lifetime, local, split)
        page = Page(docs[first.offset : first.offset + first.limit], len(docs))
        more, status = len(docs) > first.offset + first.limit, 201
    else:
        page, more, outcomes = await _walk(door, call, found, asked, given, context, split)
        status = 200
    headers: Headers = page_headers(call, first, page, more, parameters, media)
    headers += [map_header(found), *warning_headers(outcomes, door.alias(call.tenant))]
    shown = await shown_page(door, call, page, asked, media, context)
    return door.represented(call, shown, media, context, headers, status)


async def _plain(door: Door, call: Call) -> Answer:
    raise BadRequestData("entityMap must be true, or the header NGSILD-EntityMap be there", field="entityMap")


async def _make(
    door: Door,
    call: Call,
    asked: Asked,
    given: Mapping[str, Any],
    context: Context,
    lifetime: Micros,
    local: bool,
    split: bool = False,
) -> tuple[EntityMap, list[Doc], list[Outcome]]:
    """Ask for everything, and keep where it is."""
    whole = replace(
        asked, queries=tuple(replace(one, offset=0, limit=MOST - 1, count=True) for one in asked.queries)
    )
    wanted = [] if local else wanted_of(whole, given, call, split)
    where: dict[str, list[str]] = {}
    page, _, outcomes = await federated(door, call, whole, wanted, context, _csf(given, context), where)
    entries = {str(doc["id"]): tuple(where.get(str(doc["id"]), (LOCAL,))) for doc in page.docs}
    return keep_map(door, call, entries, lifetime), page.docs, outcomes


def _csf(given: Mapping[str, Any], context: Context) -> QExpr | None:
    return parse_q(str(given["csf"]), context.expand_term) if "csf" in given else None


async def _walk(
    door: Door,
    call: Call,
    found: EntityMap,
    asked: Asked,
    given: Mapping[str, Any],
    context: Context,
    split: bool,
) -> tuple[Page, bool, list[Outcome]]:
    """One page of the map's entities, checked again; those that fit no more leave the map (§5.5.9.3)."""
    first = asked.queries[0]
    ids = list(found.entries)
    at = 0 if first.count else first.offset
    wish = len(ids) if first.count else first.limit
    kept: list[Doc] = []
    outcomes: list[Outcome] = []
    while at < len(ids) and len(kept) < wish:
        chunk = ids[at : at + max(_CHUNK, 1)]
        at += len(chunk)
        docs, asked_of_them, lost = await _fetch(door, call, found, chunk, asked, given, context, split)
        outcomes += asked_of_them
        kept += docs
        door.maps.forget(found, lost)
    if first.count:
        end = first.offset + first.limit
        return Page(kept[first.offset : end], len(kept)), len(kept) > end, outcomes
    return Page(kept[:wish], -1), at < len(ids) or len(kept) > wish, outcomes


async def _fetch(
    door: Door,
    call: Call,
    found: EntityMap,
    chunk: list[str],
    asked: Asked,
    given: Mapping[str, Any],
    context: Context,
    split: bool,
) -> tuple[list[Doc], list[Outcome], list[str]]:
    """Entities by id, from where they were found, in the map's order, and those that are gone for certain."""
    queries = tuple(
        replace(one, ids=tuple(chunk), id_pattern=None, offset=0, limit=len(chunk), count=False)
        for one in asked.queries
    )
    part = replace(asked, queries=queries)
    sources = {name for one in chunk for name in found.entries[one]} - {LOCAL}
    wanted = wanted_of(part, given, call, split) if sources else []
    page, _, outcomes = await federated(door, call, part, wanted, context, None, None, frozenset(sources))
    by_id = {str(doc["id"]): doc for doc in page.docs}
    failed = {outcome.registration.id for outcome in outcomes if outcome.warning}
    lost = [one for one in chunk if one not in by_id and failed.isdisjoint(found.entries[one])]
    return [by_id[one] for one in chunk if one in by_id], outcomes, lost
