"""The answers of one source about entities: question by question, page by page (CIM 009 §5.7.1.4, §5.7.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery
from andaman.broker.registry.match import Spec, names_in
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild.distributed.answers import docs_of
from andaman.doors.ngsild.distributed.choice import sources_of
from andaman.doors.ngsild.distributed.questions import Parameters, Question, questions_of, render_q
from andaman.doors.ngsild.distributed.sources import Outcome, Sources, Wire
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.identity.model import FullAccess
from andaman.kernel.errors import AndamanError

_PAGE: Final = 500
_BYTES: Final = 24 << 20  # of answers of one source to one request
_MAX_QUESTIONS: Final = 20  # to one source for one request  # to one source for one request


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query as it is forwarded. ``split``: entities may lie in parts at several sources, so filters wait until they
    are together; ``guarded``: filters do not travel, since a source would apply them to what the caller may not see."""

    query: EntityQuery
    spec: Spec
    filters: Mapping[str, Any]
    split: bool
    guarded: bool


async def entity_from(
    door: Door, call: Call, one: Registration, infos: list[Info], spec: Spec, context: Context
) -> tuple[Outcome, list[Doc]]:
    sources = sources_of(door)
    try:
        wire = await sources.wire(one, context, call)
    except AndamanError as error:
        return Outcome(one, 0, error=error, warning=199), []
    names: frozenset[str] = frozenset()
    if all(info.names for info in infos):
        names = names.union(*(info.names for info in infos))
    guarded = not isinstance(call.actor.access, FullAccess)
    if spec.attrs and not guarded:
        names = names & spec.attrs if names else spec.attrs
    if "retrieveEntity" not in one.operations:  # the same question as a query (§4.20)
        query = EntityQuery(types=spec.types, ids=spec.ids)
        wanted = Wanted(query, replace(spec, attrs=names), {}, False, guarded)
        outcomes, docs = await entities_from(door, call, wanted, one, infos, context, len(spec.ids))
        return outcomes[0] if outcomes else Outcome(one, 404), docs
    parameters: Parameters = [("options", "sysAttrs")]
    if names:
        parameters.append(("attrs", ",".join(sorted(wire.context.shorts[iri] for iri in names))))
    path = f"/entities/{quote(spec.ids[0], safe=':')}"
    outcome = await sources.ask(call, one, "GET", path, wire, parameters)
    return await _read(door, call, outcome, wire, infos, 1)


async def _read(
    door: Door, call: Call, outcome: Outcome, wire: Wire, infos: list[Info], most: int
) -> tuple[Outcome, list[Doc]]:
    if outcome.error is not None or outcome.payload is None:
        return outcome, []
    docs, sound = await docs_of(
        door, outcome.payload, wire.context, infos, call.actor.access, door.clock(), most
    )
    # The answer as it came is given up: several of them together would be more than what was read of them.
    return replace(outcome, payload=None, warning=outcome.warning if sound else 111), docs


async def entities_from(
    door: Door,
    call: Call,
    wanted: Wanted,
    one: Registration,
    infos: list[Info],
    context: Context,
    need: int,
) -> tuple[list[Outcome], list[Doc]]:
    sources = sources_of(door)
    try:
        wire = await sources.wire(one, context, call)
    except AndamanError as error:
        return [Outcome(one, 0, error=error, warning=199)], []
    bare = wanted.split or wanted.guarded
    spec = replace(wanted.spec, attrs=frozenset()) if bare else wanted.spec
    questions = [question for info in infos for question in questions_of(info, spec, wire)]
    batch = "queryBatch" in one.operations and (call.method == "POST" or "queryEntity" not in one.operations)
    outcomes: list[Outcome] = []
    docs: list[Doc] = []
    room = _BYTES
    for question in list(dict.fromkeys(questions))[:_MAX_QUESTIONS]:
        offset = 0
        while True:
            size = min(_PAGE, need - offset)
            outcome = await _ask(sources, call, one, wire, question, wanted, batch, offset, size)
            told = len(outcome.payload) if isinstance(outcome.payload, list) else 1
            outcome, found = await _read(door, call, outcome, wire, infos, size)
            room -= outcome.size
            if room < 0:
                outcome = replace(outcome, warning=111)
            outcomes.append(outcome)
            docs += found
            offset += size
            if outcome.error is not None or told != size or offset >= need or room < 0:
                break
        if outcomes[-1].status == 0 or room < 0:
            break  # it did not answer: do not wait again; or it told more than anybody wants to hear
    kept = (
        replace(wanted.query, q=None, geo=None, scope=None, attrs=()) if not wanted.guarded else wanted.query
    )
    if not wanted.split:
        docs = [doc for doc in docs if matches(doc, kept)]
    worst = [one for one in outcomes if one.warning][:1]
    return worst or outcomes[:1], docs


async def _ask(
    sources: Sources,
    call: Call,
    one: Registration,
    wire: Wire,
    question: Question,
    wanted: Wanted,
    batch: bool,
    offset: int,
    size: int,
) -> Outcome:
    filters = {} if wanted.split or wanted.guarded else filters_of(wanted, wire)
    if not question.types and not question.attrs and not filters and wanted.query.q is not None:
        names = names_in(
            wanted.query.q
        )  # a source refuses a question that names neither types nor attributes
        question = replace(question, attrs=tuple(sorted(wire.context.shorts[iri] for iri in names)))
    paging: Parameters = [("options", "sysAttrs"), ("limit", str(size))]
    if offset:
        paging.append(("offset", str(offset)))
    if not batch:
        return await sources.ask(
            call, one, "GET", "/entities", wire, [*question.parameters(), *filters.items(), *paging]
        )
    payload: dict[str, Any] = {"type": "Query"}
    if question.selector():
        payload["entities"] = [question.selector()]
    if question.attrs:
        payload["attrs"] = list(question.attrs)
    for name in ("q", "scopeQ"):
        if name in filters:
            payload[name] = filters[name]
    geo: dict[str, Any] = {
        name: filters[name]
        for name in ("georel", "geometry", "coordinates", "geoproperty")
        if name in filters
    }
    if geo:
        payload["geoQ"] = {**geo, "coordinates": orjson.loads(geo["coordinates"])}
    return await sources.ask(call, one, "POST", "/entityOperations/query", wire, paging, payload)


def filters_of(wanted: Wanted, wire: Wire) -> dict[str, str]:
    """The query's filters in the names that the source knows."""
    given, query = wanted.filters, wanted.query
    found: dict[str, str] = {}
    if query.q is not None:
        found["q"] = render_q(query.q, wire.context.shorts) if wire.recompact else str(given["q"])
    if query.scope is not None:
        found["scopeQ"] = str(given["scopeQ"])
    if query.geo is not None:
        found["georel"], found["geometry"] = str(given["georel"]), str(given["geometry"])
        coordinates = given["coordinates"]
        found["coordinates"] = (
            coordinates if isinstance(coordinates, str) else orjson.dumps(coordinates).decode()
        )
        if "geoproperty" in given:
            found["geoproperty"] = wire.context.shorts[query.geo.geoproperty]
    return found
