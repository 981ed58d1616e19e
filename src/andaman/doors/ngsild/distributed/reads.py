"""Retrieve and query over several brokers (CIM 009 §5.7.1.4, §5.7.2.4, §6.3.17)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc
from andaman.broker.query.ast import QExpr
from andaman.broker.query.evaluate import matches, matches_q
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.parse import parse_q, parse_types
from andaman.broker.registry.match import Spec, matches_place, source_doc
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import consumption
from andaman.doors.ngsild.consumption import Asked, page_headers, run_query, shown_entity, shown_page
from andaman.doors.ngsild.distributed.asking import Wanted, entities_from, entity_from
from andaman.doors.ngsild.distributed.choice import chosen, looped
from andaman.doors.ngsild.distributed.merge import Union, merge_docs
from andaman.doors.ngsild.distributed.sources import Outcome, warning_headers
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call, Headers, problem_answer
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import QUERY_PARAMETERS, flag_of, view_of
from andaman.doors.ngsild.postquery import PARAMETERS, asked_of
from andaman.identity.model import FullAccess
from andaman.kernel.errors import (
    AndamanError,
    BadRequestData,
    NoSuchTenant,
    ResourceNotFound,
    TooComplexQuery,
)

MOST: Final = 10_000
"""Entities that one distributed query reads from each source, and in all."""
_READING: Final = ("retrieveEntity", "queryEntity", "queryBatch")
_MEMBERS: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt", "deletedAt"})


def _names(view: Any) -> frozenset[str]:
    """Attributes that a view shows; empty: all."""
    return frozenset() if view.pick is None else view.pick - _MEMBERS


# -- one entity --------------------------------------------------------------------------------------------------


async def retrieve_entity(door: Door, call: Call) -> Answer:
    """GET /entities/{id}, of all who know something of it."""
    given = call.parameters(consumption.RETRIEVE_PARAMETERS)
    entity_id = check_uri(call.segments[1], "entityId")
    context = await door.link_context(call)
    view = view_of(given, context)
    types = parse_types(given["type"], context.expand_term) if "type" in given else None
    spec = Spec(types, (entity_id,), None, _names(view), view.datasets or frozenset())
    found = [] if flag_of(given, "local") or "at" in given else chosen(door, call, spec, *_READING)
    if not found:
        circle = [] if flag_of(given, "local") else looped(door, call, spec, *_READING)
        answer = await plain_answer(consumption.retrieve_entity(door, call))
        answer.headers = [*answer.headers, *warning_headers(circle, door.alias(call.tenant))]
        return answer
    media = choose_media(call.headers.get(b"accept"), True)
    doc, outcomes = await gather_entity(door, call, found, spec, context)
    headers: Headers = list(warning_headers(outcomes, door.alias(call.tenant)))
    try:
        if doc is None:
            raise ResourceNotFound(f"There is no entity {entity_id}")
        return await shown_entity(door, call, doc, given, view, media, context, headers)
    except AndamanError as error:
        answer = problem_answer(error)
        answer.headers = headers
        return answer


async def plain_answer(answering: Awaitable[Answer]) -> Answer:
    """An answer, a problem's too, so that warnings can go with it."""
    try:
        return await answering
    except AndamanError as error:
        return problem_answer(error)


async def gather_entity(
    door: Door, call: Call, found: Sequence[tuple[Registration, list[Info]]], spec: Spec, context: Context
) -> tuple[Doc | None, list[Outcome]]:
    """One entity, from here and from sources, and how asking went."""
    entity_id = spec.ids[0]
    own = door.broker.find(entity_id, call.actor.access, call.tenant)
    if own is not None and not matches(own, EntityQuery(types=spec.types)):
        own = None
    answers = await asyncio.gather(
        *(entity_from(door, call, one, infos, spec, context) for one, infos in found)
    )
    main = [own] if own is not None else []
    auxiliary: list[Doc] = []
    for outcome, docs in answers:
        kept = [doc for doc in docs if doc["id"] == entity_id and matches(doc, EntityQuery(types=spec.types))]
        (auxiliary if outcome.registration.mode == "auxiliary" else main).extend(kept)
    return merge_docs(main, auxiliary), [outcome for outcome, _ in answers]


# -- queries -----------------------------------------------------------------------------------------------------


async def query_entities(door: Door, call: Call) -> Answer:
    """GET /entities over all brokers."""
    given = call.parameters(QUERY_PARAMETERS)
    if flag_of(given, "local") or "at" in given:
        return await consumption.query_entities(door, call)
    media = choose_media(call.headers.get(b"accept"), True)
    context = await door.link_context(call)
    asked = consumption.asked_of_parameters(door, given, media, context)
    csf = parse_q(given["csf"], context.expand_term) if "csf" in given else None
    split = flag_of(given, "splitEntities")
    return await _answer(door, call, asked, given, given, media, context, csf, split)


async def post_query(door: Door, call: Call) -> Answer:
    """POST /entityOperations/query over all brokers."""
    media = choose_media(call.headers.get(b"accept"), True)
    parameters = call.parameters(PARAMETERS)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    if isinstance(payload, dict) and "temporalQ" in payload:
        raise BadRequestData("temporalQ belongs to /temporal/entityOperations/query", field="temporalQ")
    split = isinstance(payload, dict) and payload.get("splitEntities") is True
    asked, given = asked_of(door, payload, parameters, context)
    csf = parse_q(str(given["csf"]), context.expand_term) if "csf" in given else None
    local = flag_of(parameters, "local") or asked.at is not None
    return await _answer(door, call, asked, given, parameters, media, context, csf, split, local)


async def _answer(
    door: Door,
    call: Call,
    asked: Asked,
    given: Mapping[str, Any],
    parameters: Mapping[str, str],
    media: bytes,
    context: Context,
    csf: QExpr | None,
    split: bool,
    local: bool = False,
) -> Answer:
    wanted = [] if local else wanted_of(asked, given, call, split)
    page, more, outcomes = await federated(door, call, asked, wanted, context, csf)
    headers = page_headers(call, asked.queries[0], page, more, parameters, media)
    headers += warning_headers(outcomes, door.alias(call.tenant))
    shown = await shown_page(door, call, page, asked, media, context)
    return door.represented(call, shown, media, context, headers)


def wanted_of(asked: Asked, given: Mapping[str, Any], call: Call, split: bool) -> list[Wanted]:
    guarded = not isinstance(call.actor.access, FullAccess)
    found = []
    for query in asked.queries:
        names = frozenset(query.attrs) | _names(asked.view)
        spec = Spec(query.types, query.ids, query.id_pattern, names, asked.view.datasets or frozenset())
        found.append(Wanted(query, spec, given, split, guarded))
    return found


async def federated(
    door: Door,
    call: Call,
    asked: Asked,
    wanted: Sequence[Wanted],
    context: Context,
    csf: QExpr | None = None,
    where: dict[str, list[str]] | None = None,
    only: frozenset[str] | None = None,
) -> tuple[Page, bool, list[Outcome]]:
    """One page of the union of what the broker and its sources have, whether more follow, and how asking went.

    ``where``: filled with entity → who has some of it ("@none": the broker). ``only``: ask these sources.
    """
    plans = [
        (one, registration, infos)
        for one in wanted
        for registration, infos in chosen(door, call, one.spec, "queryEntity", "queryBatch")
        if (csf is None or matches_q(csf, source_doc(registration)))
        and (one.query.geo is None or matches_place(registration, one.query.geo, True))
        and (only is None or registration.id in only)
    ]
    if not plans:
        try:
            page, more = await run_query(door, call, asked)
        except NoSuchTenant:
            if not wanted:
                raise
            page, more = Page([], 0), False
        return (
            page,
            more,
            [told for one in wanted for told in looped(door, call, one.spec, "queryEntity", "queryBatch")],
        )
    if asked.order is not None:
        raise BadRequestData(
            "Entities of several brokers cannot be ordered; add local=true to order those of this one",
            field="orderBy",
        )
    first = asked.queries[0]
    need = MOST if first.count or wanted[0].split or wanted[0].guarded else first.offset + first.limit + 1
    if first.offset + first.limit >= MOST:
        raise TooComplexQuery(f"offset and limit reach beyond the {MOST} entities of a distributed query")
    union = Union()
    for one in wanted:
        own = await _own(door, call, one, need)
        union.add(own)
        _note(where, own, "@none")
    outcomes: list[Outcome] = []
    for outcome, docs in await asyncio.gather(
        *(
            entities_from(door, call, one, registration, infos, context, need)
            for one, registration, infos in plans
        )
    ):
        outcomes += outcome
        if outcome:
            union.add(docs, outcome[0].registration.mode == "auxiliary")
            _note(where, docs, outcome[0].registration.id)
    merged = union.merged()
    if wanted[0].split:
        merged = [doc for doc in merged if any(matches(doc, one.query) for one in wanted)]
    end = first.offset + first.limit
    return Page(merged[first.offset : end], len(merged)), len(merged) > end, outcomes


def _note(where: dict[str, list[str]] | None, docs: Sequence[Doc], name: str) -> None:
    if where is not None:
        for doc in docs:
            known = where.setdefault(str(doc["id"]), [])
            if name not in known:
                known.append(name)


async def _own(door: Door, call: Call, wanted: Wanted, need: int) -> list[Doc]:
    query = replace(wanted.query, offset=0, limit=need, count=False)
    if wanted.split:
        query = replace(query, q=None, geo=None, scope=None, attrs=())
    try:
        page = await door.broker.query_async(query, call.actor.access, call.tenant)
    except NoSuchTenant:
        return []
    return page.docs
