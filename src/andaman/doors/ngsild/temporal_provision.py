"""Writing the Temporal Evolution of entities (CIM 009 §5.6.11–5.6.16, §6.18.3.1, §6.19.3.2, §6.20–6.22)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.contexts.model import is_name
from andaman.broker.entity.expand_temporal import expand_evolution, expand_series
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.model import EntityQuery, EvolutionQuery, Target, TemporalQuery
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call
from andaman.doors.ngsild.params import flag_of
from andaman.doors.ngsild.provision import read_object
from andaman.kernel.errors import BadRequestData, NoSuchTenant, ResourceNotFound
from andaman.kernel.time import parse_time

_LOCAL: Final = frozenset({"local"})
_TYPED: Final = frozenset({"local", "type"})
_DELETE_ATTR: Final = frozenset({"local", "type", "datasetId", "deleteAll"})
_MEMBERS: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "@id", "@type", "@context"}
)


def evolution_path(entity_id: str) -> str:
    """The path of an evolution, for Location headers."""
    return f"{BASE}/temporal/entities/{quote(entity_id, safe=':@!$&*+,;=-._~')}"


async def create_or_append(door: Door, call: Call) -> Answer:
    """POST /temporal/entities (§5.6.11): 201 when the evolution is new, 204 when instances were added."""
    call.parameters(_LOCAL)
    payload, context = await read_object(door, call)
    fragment = expand_evolution(payload, context, whole=True)
    await _date_scope(door, call, fragment)
    result = await door.write_one(call, WriteOp(OpKind.TEMPORAL_UPSERT, fragment["id"], fragment))
    if not result.created:
        return NO_CONTENT
    return Answer(201, headers=[(b"Location", evolution_path(fragment["id"]).encode())])


async def _date_scope(door: Door, call: Call, fragment: Doc) -> None:
    """Scopes without their own time are those of the instances written with them. In a new evolution they are valid
    from its first instance on (§4.18). If they were valid only from now, no scope query (§4.19) would find the written
    past.
    """
    scopes = fragment.get("scope", ())
    if len(scopes) != 1 or "observedAt" in scopes[0]:
        return
    times = [one["observedAt"] for each in fragment["attrs"].values() for one in each if "observedAt" in one]
    first = min(times, key=parse_time, default=None)
    if first is None or parse_time(first) >= door.clock():
        return
    there = EvolutionQuery(
        TemporalQuery(last_n=1), (EntityQuery(ids=(fragment["id"],), limit=1),), retrieve=True
    )
    try:
        known = await door.broker.evolutions(there, call.actor.access, call.tenant)
    except NoSuchTenant:
        known = {"entities": []}
    if not known["entities"]:
        fragment["scope"] = [{**scopes[0], "observedAt": first}]


async def append_attributes(door: Door, call: Call) -> Answer:
    """POST /temporal/entities/{id}/attrs (§5.6.12)."""
    call.parameters(_TYPED)
    entity_id = check_uri(call.segments[2], "entityId")
    payload, context = await read_object(door, call)
    if not payload:
        raise BadRequestData("The body holds nothing to write")
    fragment = expand_evolution(payload, context, whole=False, entity_id=entity_id)
    await door.write_one(call, WriteOp(OpKind.TEMPORAL_ADD, entity_id, fragment))
    return NO_CONTENT


async def delete_evolution(door: Door, call: Call) -> Answer:
    """DELETE /temporal/entities/{id} (§5.6.16)."""
    call.parameters(_TYPED)
    entity_id = check_uri(call.segments[2], "entityId")
    await door.write_one(call, WriteOp(OpKind.TEMPORAL_ERASE, entity_id))
    return NO_CONTENT


def _attribute(call: Call, context: Context) -> tuple[str, str]:
    """(entity id, attribute IRI) of the path."""
    entity_id = check_uri(call.segments[2], "entityId")
    name = call.segments[4]
    if name in _MEMBERS or not (is_name(name) or ":" in name):
        raise BadRequestData(f"{name[:80]!r} is not the name of an attribute", field="attrId")
    return entity_id, context.expand_term(name)


async def _targets(door: Door, call: Call, entity_id: str, attr: str, instance: str | None) -> list[Target]:
    """Instances that stand; ResourceNotFound where there is none."""
    found = await door.broker.resolve(entity_id, attr, instance, call.actor.access, call.tenant)
    if not found:
        what = "attribute" if instance is None else "instance"
        raise ResourceNotFound(f"The temporal evolution of {entity_id} has no such {what}")
    return found


async def delete_attribute(door: Door, call: Call) -> Answer:
    """DELETE /temporal/entities/{id}/attrs/{attr} (§5.6.13)."""
    given = call.parameters(_DELETE_ATTR)
    context = await door.link_context(call)
    entity_id, attr = _attribute(call, context)
    everything = flag_of(given, "deleteAll")
    dataset = given.get("datasetId")
    if everything and dataset is not None:
        raise BadRequestData("deleteAll and datasetId exclude each other", field="datasetId")
    wanted = "" if dataset in (None, "@none") else check_uri(dataset, "datasetId")
    found = await _targets(door, call, entity_id, attr, None)
    if not everything and not any(one.dataset == wanted for one in found):
        raise ResourceNotFound(f"The temporal evolution of {entity_id} has no such instance of the attribute")
    op = WriteOp(
        OpKind.TEMPORAL_ERASE, entity_id, attr=attr, dataset_id=wanted or None, delete_all=everything
    )
    await door.write_one(call, op)
    return NO_CONTENT


async def _instance(door: Door, call: Call, context: Context) -> tuple[str, str, Target]:
    entity_id, attr = _attribute(call, context)
    instance = check_uri(call.segments[5], "instanceId")
    (target,) = await _targets(door, call, entity_id, attr, instance)
    return entity_id, attr, target


async def modify_instance(door: Door, call: Call) -> Answer:
    """PATCH /temporal/entities/{id}/attrs/{attr}/{instanceId}: replaces it (§5.6.14)."""
    call.parameters(_TYPED)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    entity_id, attr = _attribute(call, context)
    check_uri(call.segments[5], "instanceId")
    (made,) = _fragment(call.segments[4], attr, payload, context)
    _, _, target = await _instance(door, call, context)
    if made.get("datasetId", target.dataset) != target.dataset:
        raise BadRequestData("The datasetId of an instance cannot be changed", field="datasetId")
    made["createdAt"] = target.created
    op = WriteOp(
        OpKind.TEMPORAL_REPLACE,
        entity_id,
        {"attrs": {attr: [made]}},
        attr=attr,
        dataset_id=target.dataset or None,
        instance=(target.seq, target.place),
    )
    await door.write_one(call, op)
    return NO_CONTENT


def _fragment(name: str, attr: str, payload: Any, context: Context) -> list[dict[str, Any]]:
    """One instance (§5.6.14.3): under the attribute's name in a list of exactly one; the list or all around may be left out."""
    if isinstance(payload, dict):
        for key in (name, attr, context.shorts[attr]):
            if key in payload and not {"type", "value"} <= payload.keys():
                payload = payload[key]
                break
    found = expand_series(name, attr, payload, context)
    if len(found) != 1:
        raise BadRequestData(
            f"{name} must be a list of exactly one instance, the one to be put in place", field=name
        )
    return found


async def delete_instance(door: Door, call: Call) -> Answer:
    """DELETE /temporal/entities/{id}/attrs/{attr}/{instanceId} (§5.6.15)."""
    call.parameters(_TYPED)
    context = await door.link_context(call)
    entity_id, attr, target = await _instance(door, call, context)
    op = WriteOp(
        OpKind.TEMPORAL_ERASE,
        entity_id,
        attr=attr,
        dataset_id=target.dataset or None,
        instance=(target.seq, target.place),
    )
    await door.write_one(call, op)
    return NO_CONTENT
