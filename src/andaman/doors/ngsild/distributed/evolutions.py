"""The past over several brokers (CIM 009 §5.7.3.4, §5.7.4.4): the handlers of ``temporal`` ask a broker for evolutions;
here they are handed one that asks the registered sources too and merges the series."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand_temporal import expand_evolution
from andaman.broker.entity.names import check_time
from andaman.broker.model import Doc, Instance
from andaman.broker.query.ast import GeoQuery, ScopeAnd, ScopeExpr, ScopeIs, ScopeOr
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.broker.registry.maps import LOCAL
from andaman.broker.registry.match import Spec, matches_time
from andaman.broker.registry.model import Info, Registration
from andaman.broker.remembered import Remembered
from andaman.doors.ngsild import temporal, temporal_maps
from andaman.doors.ngsild.distributed.answers import bounded_to
from andaman.doors.ngsild.distributed.choice import sources_of, unvisited
from andaman.doors.ngsild.distributed.questions import Parameters, questions_of, render_q
from andaman.doors.ngsild.distributed.reads import plain_answer
from andaman.doors.ngsild.distributed.sources import Outcome, Wire, warning_headers
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.identity.model import Access, FullAccess
from andaman.kernel.errors import AndamanError, NoSuchTenant
from andaman.kernel.time import Micros, format_time, parse_time

Handler = Callable[[Door, Call], Awaitable[Answer]]
_MOST: Final = 1000
_KEPT: Final = ("instanceId", "createdAt", "modifiedAt", "deletedAt")


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
    broker = _Everywhere(door, call)
    other = object.__new__(Door)
    for name in Door.__slots__:
        setattr(other, name, getattr(door, name))
    other.broker = broker  # type: ignore[assignment]
    answer = await plain_answer(handler(other, call))
    answer.headers = [*answer.headers, *warning_headers(broker.outcomes, door.alias(call.tenant))]
    return answer


class _Everywhere:
    """A broker whose ``evolutions`` are those of all sources together; all else is the broker's own."""

    def __init__(self, door: Door, call: Call) -> None:
        self._door, self._call = door, call
        self.remembered = Remembered(
            0
        )  # what other sources say can change without our knowing: nothing is kept
        self.outcomes: list[Outcome] = []
        self.where: dict[str, list[str]] = {}
        """Entity → the registrations it was found through; filled by ``evolutions``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door.broker, name)

    async def evolutions(self, asked: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        plans = self._plans(asked, access)
        need = min(_MOST, asked.offset + asked.limit + 1)
        whole = replace(asked, limit=need, offset=0) if plans and not asked.retrieve else asked
        try:
            own = await self._door.broker.evolutions(whole, access, tenant)
        except NoSuchTenant:
            if not plans:
                raise
            own = {"entities": [], "total": 0, "more": False}
        if not plans:
            return own
        found: dict[str, Doc] = {str(one["id"]): one for one in own["entities"]}
        answers = await asyncio.gather(
            *(self._ask(query, one, infos, asked, need) for query, one, infos in plans)
        )
        for entity_id in found:
            self.where[entity_id] = [LOCAL]
        for (_, one, _), docs in zip(plans, answers, strict=True):
            for doc in docs:
                sources = self.where.setdefault(doc["id"], [])
                if one.id not in sources:
                    sources.append(one.id)
                there = found.get(doc["id"])
                found[doc["id"]] = doc if there is None else _merged(there, doc, asked)
        entities = [_cut(one, asked) for one in found.values()]
        if asked.by_id:
            entities.sort(key=lambda one: str(one["id"]), reverse=asked.by_id < 0)
        if asked.retrieve:
            return {**own, "entities": entities[:1], "range": own.get("range")}
        end = asked.offset + asked.limit
        return {
            **own,
            "entities": entities[asked.offset : end],
            "total": len(entities),
            "more": len(entities) > end,
        }

    def _plans(
        self, asked: EvolutionQuery, access: Access
    ) -> list[tuple[EntityQuery, Registration, list[Info]]]:
        there = sources_of(self._door).registry.of(self._call.tenant)
        if there is None:
            return []
        operation = "retrieveTemporal" if asked.retrieve else "queryTemporal"
        plans = []
        for query in asked.selectors:
            if not isinstance(access, FullAccess) and (query.q is not None or query.geo is not None):
                continue  # a source would apply the filter to what the caller may not see
            names = frozenset(query.attrs) | (asked.shown or frozenset())
            spec = Spec(query.types, query.ids, query.id_pattern, names, asked.datasets or frozenset())
            matches = [
                (one, infos)
                for one, infos in there.matching(spec)
                if operation in one.operations
                and (not one.temporal or asked.temporal.timerel is None or matches_time(one, asked.temporal))
            ]
            plans += [(query, one, infos) for one, infos in unvisited(self._door, self._call, matches)]
        return plans

    async def _ask(
        self, query: EntityQuery, one: Registration, infos: list[Info], asked: EvolutionQuery, need: int
    ) -> list[Doc]:
        """Names travel in full, so that no @context of the source's own can change them."""
        sources, core = sources_of(self._door), self._door.contexts.core
        try:
            wire = await sources.wire(one, core, self._call)
        except AndamanError as error:
            self.outcomes.append(Outcome(one, 0, error=error, warning=199))
            return []
        common = [*_temporal(asked), ("options", _options(asked))]
        found: list[Doc] = []
        for info in infos:
            spec = Spec(query.types, query.ids, query.id_pattern, asked.shown or frozenset(query.attrs))
            if asked.retrieve:
                names = spec.attrs & info.names if spec.attrs and info.names else spec.attrs or info.names
                parameters: Parameters = [*common]
                if names:
                    parameters.append(
                        ("attrs", ",".join(sorted(wire.context.shorts[name] for name in names)))
                    )
                path = f"/temporal/entities/{quote(query.ids[0], safe=':')}"
                asking = [(path, parameters)]
            else:
                filters = [*_filters(query, wire), ("limit", str(need))]
                asking = [
                    ("/temporal/entities", [*question.parameters(), *filters, *common])
                    for question in questions_of(info, spec, wire)
                ]
            for path, parameters in asking:
                outcome = await sources.ask(self._call, one, "GET", path, wire, parameters)
                docs, sound = self._read(outcome, wire.context, infos, asked)
                self.outcomes.append(outcome if sound else replace(outcome, warning=111))
                found += docs
        return found

    def _read(
        self, outcome: Outcome, context: Context, infos: list[Info], asked: EvolutionQuery
    ) -> tuple[list[Doc], bool]:
        if outcome.error is not None or outcome.payload is None:
            return [], True
        listed = outcome.payload if isinstance(outcome.payload, list) else [outcome.payload]
        found: list[Doc] = []
        sound = True
        for one in listed:
            try:
                doc = _aggregated(one, context) if asked.temporal.aggr_methods else _doc(one, context)
            except (AndamanError, AttributeError, TypeError, KeyError):
                sound = False
                continue
            bounded = bounded_to(doc, infos)
            shown = None if bounded is None else _visible(bounded, self._call.actor.access)
            if shown is not None:
                found.append(shown)
        return found, sound


# -- reading answers ---------------------------------------------------------------------------------------------


def _doc(payload: Any, context: Context) -> Doc:
    if isinstance(payload, dict):
        payload.pop("@context", None)
    doc = expand_evolution(payload, context, whole=True)
    for name, value in payload.items():
        raw = value if isinstance(value, list) else [value]
        own = doc.get("scope") if name == "scope" else doc["attrs"].get(_iri(name, context))
        if own is None or len(own) != len(raw):
            continue
        for instance, given in zip(own, raw, strict=True):
            if isinstance(given, dict):
                for member in _KEPT:
                    if isinstance(given.get(member), str):
                        instance[member] = (
                            given[member] if member == "instanceId" else check_time(given[member], member)
                        )
    return doc


def _iri(name: str, context: Context) -> str:
    try:
        return context.iris[name]
    except AndamanError:
        return ""


def _aggregated(payload: Any, context: Context) -> Doc:
    """Rows of aggregates as the source computed them (§4.5.19)."""
    types = payload["type"] if isinstance(payload["type"], list) else [payload["type"]]
    attrs: dict[str, Any] = {}
    for name, value in payload.items():
        if name in ("id", "type", "scope", "@context") or not isinstance(value, dict):
            continue
        rows = {
            method: [list(row) for row in each if isinstance(row, list) and len(row) == 3]
            for method, each in value.items()
            if isinstance(each, list)
        }
        attrs[context.expand_term(name)] = {"type": str(value.get("type", "Property")), **rows}
    return {
        "id": str(payload["id"]),
        "type": [context.expand_type(str(one)) for one in types],
        "attrs": attrs,
    }


def _visible(doc: Doc, access: Access) -> Doc | None:
    if isinstance(access, FullAccess):
        return doc
    scopes = sorted({scope for one in doc.get("scope", ()) for scope in one["value"]})
    if not access.sees(doc["type"], scopes):
        return None
    hidden = access.hidden_attrs(doc["type"], scopes)
    return {**doc, "attrs": {iri: rows for iri, rows in doc["attrs"].items() if iri not in hidden}}


def _merged(mine: Doc, theirs: Doc, asked: EvolutionQuery) -> Doc:
    attrs = dict(mine["attrs"])
    for iri, rows in theirs["attrs"].items():
        there = attrs.get(iri)
        if there is None:
            attrs[iri] = rows
        elif not asked.temporal.aggr_methods:
            attrs[iri] = _series([*there, *rows])
    merged = {**mine, "type": sorted({*mine["type"], *theirs["type"]}), "attrs": attrs}
    if not mine.get("scope") and theirs.get("scope"):
        merged["scope"] = theirs["scope"]
    return merged


def _series(instances: list[Instance]) -> list[Instance]:
    """What two sources observed of the same data set at the same instant is one observation: the one modified last."""
    found: dict[Any, Instance] = {}
    for number, one in enumerate(instances):
        if "observedAt" in one:
            key: Any = (one.get("datasetId"), _when(one, "observedAt"))
        else:
            key = one.get("instanceId", number)
        there = found.get(key)
        if there is None or _when(one, "modifiedAt") > _when(there, "modifiedAt"):
            found[key] = one
    return list(found.values())


def _cut(doc: Doc, asked: EvolutionQuery) -> Doc:
    """Series in order of time, and the last N of all together, not of each source (§5.7.4.4)."""
    query = asked.temporal
    if query.aggr_methods:
        return doc
    attrs = {}
    for iri, rows in doc["attrs"].items():
        kept = sorted(rows, key=lambda one: _when(one, query.timeproperty), reverse=query.last_n is not None)
        attrs[iri] = kept if query.last_n is None else kept[: query.last_n]
    return {**doc, "attrs": attrs}


def _when(instance: Instance, name: str) -> Micros:
    for member in (name, "observedAt", "deletedAt", "modifiedAt", "createdAt"):
        text = instance.get(member)
        if isinstance(text, str):
            try:
                return parse_time(text)
            except ValueError:
                continue
    return 0


# -- making questions --------------------------------------------------------------------------------------------


def _temporal(asked: EvolutionQuery) -> Parameters:
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


def _options(asked: EvolutionQuery) -> str:
    return "aggregatedValues" if asked.temporal.aggr_methods else "sysAttrs"


def _filters(query: EntityQuery, wire: Wire) -> Parameters:
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
