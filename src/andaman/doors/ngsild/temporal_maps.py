"""Entity maps of the past: which entities had instances in a time (CIM 009 §5.7.3.4, §5.7.4.4, §5.14.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from andaman.broker.entity.names import check_uri
from andaman.broker.query.model import EvolutionQuery
from andaman.broker.registry.maps import LOCAL, EntityMap
from andaman.doors.ngsild import temporal
from andaman.doors.ngsild.distributed.reads import MOST
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.keeping import keep_map, lifetime_of, map_header, referenced_map
from andaman.doors.ngsild.params import QUERY_PARAMETERS, query_of, view_of
from andaman.doors.ngsild.temporal_params import TEMPORAL, evolution_query, temporal_query_of
from andaman.identity.model import Access
from andaman.kernel.errors import BadRequestData

_QUERY: Final = QUERY_PARAMETERS | TEMPORAL
_NOTHING: Final[dict[str, Any]] = {"entities": [], "total": 0, "more": False}


async def create(door: Door, call: Call) -> Answer:
    """GET /temporal/entityMaps (§5.14.5)."""
    given = call.parameters(_QUERY)
    context = await door.link_context(call)
    period = temporal_query_of(given, False, door.options.max_instances)
    if period.timerel is None:
        raise BadRequestData("A query of the past needs timerel and timeAt", field="timerel")
    query = query_of(given, context, default_limit=1, max_limit=door.options.max_limit)
    lifetime = lifetime_of(given)
    asked = evolution_query(period, (query,), view_of(given, context))
    made = keep_map(door, call, await _entries(door, asked, call.actor.access, call.tenant), lifetime)
    return door.represented(call, made.shown(), b"application/json", context, [map_header(made)], 201)


async def retrieve_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities/{id} with entityMap=true or the header NGSILD-EntityMap."""
    entity_id = check_uri(call.segments[2], "entityId")
    plain = await temporal.retrieve_temporal(door, call)
    found = referenced_map(door, call)
    if found is None or entity_id not in found.entries:
        lifetime = lifetime_of(call.parameters(temporal.RETRIEVING))
        found = keep_map(door, call, {entity_id: _where(door, entity_id)}, lifetime)
    # A new answer: the one at hand may be remembered for others.
    return Answer(plain.status, plain.body, plain.media, [*plain.headers, map_header(found)])


async def query_temporal(door: Door, call: Call) -> Answer:
    """GET /temporal/entities with entityMap=true or the header NGSILD-EntityMap: 201 when a map is made."""
    lifetime = lifetime_of(call.parameters(temporal.QUERYING))
    mapped = _Mapped(door, referenced_map(door, call))
    known = mapped.entries is not None
    answer = await temporal.query_temporal(door.with_broker(mapped), call)
    one = mapped.map or keep_map(door, call, mapped.entries or {}, lifetime)
    answer.headers = [*answer.headers, map_header(one)]
    if not known and answer.status == 200:
        answer.status = 201
    return answer


class _Mapped:
    """A broker whose ``evolutions`` are those of the entities in a map; without one, it notes what a new one holds."""

    def __init__(self, door: Door, one: EntityMap | None) -> None:
        self._door, self.map = door, one
        self.entries = None if one is None else one.entries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door.broker, name)

    async def evolutions(self, asked: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        if self.entries is None:
            self.entries = await _entries(self._door, asked, access, tenant)
        selectors = []
        for query in asked.selectors:
            ids = tuple(one for one in query.ids or self.entries if one in self.entries)
            if ids:
                selectors.append(replace(query, ids=ids))
        if not selectors:
            return _NOTHING
        narrowed = replace(asked, selectors=tuple(selectors))
        return await self._door.broker.evolutions(narrowed, access, tenant)


async def _entries(
    door: Door, asked: EvolutionQuery, access: Access, tenant: str
) -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {}
    size = door.options.max_limit
    for offset in range(0, MOST, size):
        answer = await door.broker.evolutions(replace(asked, limit=size, offset=offset), access, tenant)
        for one in answer["entities"]:
            entity_id = str(one["id"])
            entries[entity_id] = _where(door, entity_id)
        if not answer["more"]:
            break
    return entries


def _where(door: Door, entity_id: str) -> tuple[str, ...]:
    """The sources of an entity, as a broker that asks several says it; here, by an own broker."""
    found = getattr(door.broker, "where", None)
    return tuple(found.get(entity_id, (LOCAL,))) if found else (LOCAL,)
