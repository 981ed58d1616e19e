"""The past over several brokers (CIM 009 §5.7.3.4, §5.7.4.4). The handlers of ``temporal`` ask a broker for evolutions;
here they get one that also asks the registered sources and merges the series.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.answer_cache import Remembered
from andaman.broker.contexts import Context
from andaman.broker.model import Doc
from andaman.broker.query.ast import QExpr
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.broker.registry.maps import LOCAL
from andaman.broker.registry.match import Spec, matches_time, source_doc
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import temporal, temporal_maps
from andaman.doors.ngsild.distributed.answers import bounded_to
from andaman.doors.ngsild.distributed.choice import sources_of, unvisited
from andaman.doors.ngsild.distributed.naming import offered
from andaman.doors.ngsild.distributed.past_answers import (
    by_entity,
    in_order,
    merged_evolutions,
    read_evolution,
    seen,
)
from andaman.doors.ngsild.distributed.past_filters import (
    holds,
    is_filtered,
    projected,
    unfiltered,
    without_filters,
)
from andaman.doors.ngsild.distributed.past_questions import options_of, past_filters, temporal_of
from andaman.doors.ngsild.distributed.past_wishes import wishes_of
from andaman.doors.ngsild.distributed.questions import Parameters, questions_of
from andaman.doors.ngsild.distributed.reads import plain_answer
from andaman.doors.ngsild.distributed.sources import Outcome, Wire, warning_headers
from andaman.doors.ngsild.distributed.whole_series import (
    INSTANCES,
    PAGES,
    TellerCount,
    aggregates_of,
    following,
    page_end,
    page_of,
    raw_query,
    too_many,
)
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.identity.model import Access, FullAccess
from andaman.kernel.errors import AndamanError, NoSuchTenant
from andaman.kernel.time import Micros, parse_time

Handler = Callable[[Door, Call], Awaitable[Answer]]
_MOST: Final = 1000
_SLICE: Final = 20
_HEAVY: Final = 2000  # instances: put together beside the loop
Plans = list[tuple[EntityQuery, Registration, list[Info]]]


async def retrieve_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities/{id}."""
    return await _federated(door, call, temporal.retrieve_temporal)


async def query_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities."""
    return await _federated(door, call, temporal.query_temporal)


async def post_temporal_query(door: Door, call: Call) -> Answer:
    """POST /temporal/entityOperations/query."""
    return await _federated(door, call, temporal.post_temporal_query)


async def query_temporal_mapped(door: Door, call: Call) -> Answer:
    """GET /temporal/entities with an entity map."""
    return await _federated(door, call, temporal_maps.query_temporal)


async def retrieve_temporal_mapped(door: Door, call: Call) -> Answer:
    """GET /temporal/entities/{id} with an entity map."""
    return await _federated(door, call, temporal_maps.retrieve_temporal)


async def create_temporal_map(door: Door, call: Call) -> Answer:
    """GET /temporal/entityMaps."""
    return await _federated(door, call, temporal_maps.create)


async def _federated(door: Door, call: Call, handler: Handler) -> Answer:
    if b"local=true" in call.query_string.split(b"&"):
        return await handler(door, call)
    call, wishes = await wishes_of(door, call)
    broker = Everywhere(door, call, wishes.csf, wishes.split)
    answer = await plain_answer(handler(door.with_broker(broker), call))
    answer.headers = [*answer.headers, *warning_headers(broker.outcomes, door.alias(call.tenant))]
    return answer


class Everywhere:
    """A broker whose ``evolutions`` are those of all sources together; all else is the broker's own."""

    def __init__(self, door: Door, call: Call, csf: QExpr | None, split: bool = False) -> None:
        self._door, self._call, self._csf, self._parts = door, call, csf, split
        self.remembered = Remembered(
            0
        )  # what other sources say can change without our knowing: nothing is kept
        self.outcomes: list[Outcome] = []
        self._ends: list[Micros] = []  # of pages of sources that told only a part
        self.where: dict[str, list[str]] = {}
        """Entity → the registrations it was found through; filled by ``evolutions``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door.broker, name)

    async def evolutions(self, asked: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        plans = self._plans(asked, access)
        if plans and self._parts and any(is_filtered(one) for one in asked.selectors):
            return await self._split(asked, plans, access, tenant)
        need = min(_MOST, asked.offset + asked.limit + 1)
        # Of what two sources observed at the same moment, the one modified last counts: times are needed.
        whole = replace(asked, bare=False) if plans else asked
        if plans and not asked.retrieve:
            whole = replace(whole, limit=need, offset=0)
        try:
            own = await self._door.broker.evolutions(whole, access, tenant)
        except NoSuchTenant:
            if not plans:
                raise
            own = {"entities": [], "total": 0, "more": False}
        if not plans:
            return own
        answers = await asyncio.gather(
            *(self._ask(query, one, infos, asked, need) for query, one, infos in plans)
        )
        parts = (own["entities"], plans, answers, asked)
        heavy = sum(len(rows) for docs in answers for one in docs for rows in one["attrs"].values()) > _HEAVY
        entities, tellers = (
            await asyncio.to_thread(self._merged_by_entity, *parts)
            if heavy
            else self._merged_by_entity(*parts)
        )
        if asked.by_id:
            entities.sort(key=lambda one: str(one["id"]), reverse=asked.by_id < 0)
        end = 1 if asked.retrieve else asked.offset + asked.limit
        page = entities[0 if asked.retrieve else asked.offset : end]
        if asked.temporal.aggr_methods:
            await self._aggregate_merged(page, tellers, plans, asked, access, tenant)
        elif self._ends:
            mine = own.get("range")
            ends = [*self._ends, *([parse_time(mine[1])] if mine is not None else [])]
            page, span = page_of(page, asked, ends)
            own = {**own, "range": span}
        if asked.retrieve:
            return {**own, "entities": page, "range": own.get("range")}
        return {**own, "entities": page, "total": len(entities), "more": len(entities) > end}

    async def _split(
        self, asked: EvolutionQuery, plans: Plans, access: Access, tenant: str
    ) -> dict[str, Any]:
        """Entities that may be in parts: filters are applied when the parts are merged (§5.7.4.4, S5 to S7)."""
        every = unfiltered(asked, _MOST)
        try:
            own = await self._door.broker.evolutions(every, access, tenant)
        except NoSuchTenant:
            own = {"entities": [], "more": False}
        if own.get("range") is not None or own["more"]:
            raise too_many()
        left = [INSTANCES]
        answers = await asyncio.gather(
            *(
                self._ask(without_filters(query), one, infos, every, _MOST, left)
                for query, one, infos in plans
            )
        )
        together, _ = await asyncio.to_thread(self._merged_by_entity, own["entities"], plans, answers, every)
        held = [one for one in together if any(holds(one, query) for query in asked.selectors)]
        if asked.by_id:
            held.sort(key=lambda one: str(one["id"]), reverse=asked.by_id < 0)
        end = asked.offset + asked.limit
        page = [in_order(projected(one, asked), asked) for one in held[asked.offset : end]]
        if asked.temporal.aggr_methods:
            page = [{**one, "attrs": await aggregates_of(one, asked)} for one in page]
        return {"entities": page, "total": len(held), "more": len(held) > end}

    def _merged_by_entity(
        self, own: list[Doc], plans: Plans, answers: list[list[Doc]], asked: EvolutionQuery
    ) -> tuple[list[Doc], TellerCount]:
        """All answers merged entity by entity, in the order of first mention, each series in order of time."""
        found: dict[str, Doc] = {str(one["id"]): one for one in own}
        tellers = TellerCount()
        tellers.add(own)
        for entity_id in found:
            self.where[entity_id] = [LOCAL]
        told: dict[str, list[Doc]] = {}
        for (_, one, _), docs in zip(plans, answers, strict=True):
            told.setdefault(one.id, []).extend(docs)
            for doc in docs:
                sources = self.where.setdefault(doc["id"], [])
                if one.id not in sources:
                    sources.append(one.id)
                there = found.get(doc["id"])
                found[doc["id"]] = doc if there is None else merged_evolutions(there, doc, asked)
        for docs in told.values():
            tellers.add(docs)
        return [in_order(one, asked) for one in found.values()], tellers

    async def _aggregate_merged(
        self,
        page: list[Doc],
        tellers: TellerCount,
        plans: Plans,
        asked: EvolutionQuery,
        access: Access,
        tenant: str,
    ) -> None:
        """Series that are in parts: aggregates of all their instances replace those of the single sources."""
        split = {name: told for one in page if (told := tellers.split(name := str(one["id"])))}
        if not split:
            return
        raw = raw_query(asked, split)
        try:
            own = await self._door.broker.evolutions(raw, access, tenant)
        except NoSuchTenant:
            own = {"entities": []}
        if own.get("range") is not None:
            raise too_many()
        left = [INSTANCES - sum(len(rows) for doc in own["entities"] for rows in doc["attrs"].values())]
        answers = await asyncio.gather(
            *(
                self._ask(
                    replace(query, ids=tuple(split), id_pattern=None), one, infos, raw, len(split), left
                )
                for query, one, infos in plans
            )
        )
        whole = await asyncio.to_thread(by_entity, [own["entities"], *answers], raw)
        for place, one in enumerate(page):
            entity_id = str(one["id"])
            if entity_id in split and entity_id in whole:
                made = await aggregates_of(whole[entity_id], asked)
                anew = {iri: rows for iri, rows in made.items() if iri in split[entity_id]}
                page[place] = {**one, "attrs": {**one["attrs"], **anew}}  # others may hold the one at hand

    def _plans(self, asked: EvolutionQuery, access: Access) -> Plans:
        there = sources_of(self._door).registry.of(self._call.tenant)
        if there is None:
            return []
        operation = "retrieveTemporal" if asked.retrieve else "queryTemporal"
        plans = []
        for query in asked.selectors:
            names = frozenset(query.attrs) | (asked.shown or frozenset())
            spec = Spec(query.types, query.ids, query.id_pattern, names, asked.datasets or frozenset())
            matches = [
                (one, infos)
                for one, infos in offered(there.matching(spec), access)
                if operation in one.operations
                and (self._csf is None or matches_q(self._csf, source_doc(one)))
                and (not one.temporal or asked.temporal.timerel is None or matches_time(one, asked.temporal))
            ]
            plans += [(query, one, infos) for one, infos in unvisited(self._door, self._call, matches)]
        return plans

    async def _ask(
        self,
        query: EntityQuery,
        one: Registration,
        infos: list[Info],
        asked: EvolutionQuery,
        need: int,
        left: list[int] | None = None,
    ) -> list[Doc]:
        """Names travel in full, so that no @context of the source's own can change them. ``left``: all pages are wanted,
        as long as there is room for their instances (shared by all who are asked)."""
        if not isinstance(self._call.actor.access, FullAccess) and (
            query.q is not None or query.geo is not None
        ):
            return await self._ask_unfiltered(query, one, infos, asked, left)
        sources, core = sources_of(self._door), self._door.contexts.core
        try:
            wire = await sources.wire(one, core, self._call)
        except AndamanError as error:
            self.outcomes.append(Outcome(one, 0, error=error, warning=199))
            return []
        found: list[Doc] = []
        for path, selecting in _questions(query, infos, asked, need, wire):
            part: EvolutionQuery | None = asked
            for _ in range(PAGES):
                assert part is not None
                parameters = [*selecting, *temporal_of(part), ("options", options_of(part))]
                outcome = await sources.ask(self._call, one, "GET", path, wire, parameters)
                docs, sound = await self._read(outcome, wire.context, infos, asked, need)
                warning = outcome.warning if sound else 111
                self.outcomes.append(replace(outcome, payload=None, warning=warning))
                found += docs
                if left is None:
                    end = page_end(outcome)
                    if end is not None:
                        self._ends.append(end)
                    break
                left[0] -= sum(len(rows) for doc in docs for rows in doc["attrs"].values())
                if left[0] < 0:
                    raise too_many()
                part = following(part, outcome)
                if part is None:
                    break
        return found

    async def _ask_unfiltered(
        self,
        query: EntityQuery,
        one: Registration,
        infos: list[Info],
        asked: EvolutionQuery,
        left: list[int] | None,
    ) -> list[Doc]:
        """For callers who may not see everything. A source would apply the filter to data that is hidden from them. So
        it is applied here, to the visible part of all instances in the interval.
        """
        every = unfiltered(replace(asked, selectors=(query,)), _MOST)
        plain = without_filters(query)
        docs = await self._ask(plain, one, infos, every, _MOST, [INSTANCES] if left is None else left)
        whole = await asyncio.to_thread(by_entity, [docs], every)
        found = [projected(doc, asked) for doc in whole.values() if holds(doc, query)]
        if asked.temporal.aggr_methods:
            found = [{**doc, "attrs": await aggregates_of(doc, asked)} for doc in found]
        return found

    async def _read(
        self, outcome: Outcome, context: Context, infos: list[Info], asked: EvolutionQuery, most: int
    ) -> tuple[list[Doc], bool]:
        if outcome.error is not None or outcome.payload is None:
            return [], True
        listed = outcome.payload if isinstance(outcome.payload, list) else [outcome.payload]
        found: list[Doc] = []
        sound = len(listed) <= most
        for number, one in enumerate(listed[:most]):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            try:
                doc = await read_evolution(one, context, asked)
            except AndamanError:
                sound = False
                continue
            if asked.shown is not None:  # it may tell more than it was asked for
                doc["attrs"] = {iri: rows for iri, rows in doc["attrs"].items() if iri in asked.shown}
            bounded = bounded_to(doc, infos)
            shown = None if bounded is None else seen(bounded, self._call.actor.access)
            if shown is not None:
                found.append(shown)
        return found, sound


def _questions(
    query: EntityQuery, infos: list[Info], asked: EvolutionQuery, need: int, wire: Wire
) -> list[tuple[str, Parameters]]:
    """(path, parameters but the temporal ones) of what one source is to be asked."""
    found: list[tuple[str, Parameters]] = []
    for info in infos:
        spec = Spec(query.types, query.ids, query.id_pattern, asked.shown or frozenset(query.attrs))
        if asked.retrieve:
            names = spec.attrs & info.names if spec.attrs and info.names else spec.attrs or info.names
            attrs = ",".join(sorted(wire.context.shorts[name] for name in names))
            path = f"/temporal/entities/{quote(query.ids[0], safe=':')}"
            found.append((path, [("attrs", attrs)] if attrs else []))
            continue
        filters = [*past_filters(query, wire), ("limit", str(need))]
        found += [
            ("/temporal/entities", [*question.parameters(), *filters])
            for question in questions_of(info, spec, wire)
        ]
    return found
