"""Which types and attributes there are (CIM 009 §5.7.5–5.7.10, §6.25–6.28), counted in what the caller may see."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of
from andaman.broker.entity.projection import ENTITY_PARTS, SYSTEM_PARTS
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.ids import urn

_LIST: Final = frozenset({"local", "details", "count"})
_ONE: Final = frozenset({"local"})
_SLICE: Final = 200


@dataclass(slots=True)
class _Facts:
    """What a scan found out: per type and per attribute."""

    type_counts: dict[str, int] = field(default_factory=dict)
    type_attrs: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # type → attr → kinds
    attr_counts: dict[str, int] = field(default_factory=dict)
    attr_types: dict[str, set[str]] = field(default_factory=dict)
    attr_kinds: dict[str, set[str]] = field(default_factory=dict)


async def _scan(door: Door, call: Call, types: tuple[str, ...] = ()) -> _Facts:
    """Walk over the visible entities (of these types), letting others run in between."""
    facts = _Facts()
    door.broker.types(call.actor.access, call.tenant)  # raises NoSuchTenant
    for number, doc in enumerate(door.broker.iter_entities(types, call.actor.access, call.tenant), 1):
        for one in doc["type"]:
            facts.type_counts[one] = facts.type_counts.get(one, 0) + 1
        for iri, instances in doc["attrs"].items():
            kinds = {instance["type"] for instance in instances}
            facts.attr_counts[iri] = facts.attr_counts.get(iri, 0) + 1
            facts.attr_types.setdefault(iri, set()).update(doc["type"])
            facts.attr_kinds.setdefault(iri, set()).update(kinds)
            for one in doc["type"]:
                facts.type_attrs.setdefault(one, {}).setdefault(iri, set()).update(kinds)
        if number % _SLICE == 0:
            await asyncio.sleep(0)
    return facts


def _list_id(kind: str, names: list[str]) -> str:
    return urn(kind, hashlib.sha256("\n".join(names).encode()).hexdigest()[:20])


async def list_types(door: Door, call: Call) -> Answer:
    """GET /types, with ``details=true`` as a list of EntityType."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_LIST)
    context = await door.link_context(call)
    shorts = context.shorts
    if flag_of(given, "details"):
        facts = await _scan(door, call)
        content: Any = [
            {
                "id": one,
                "type": "EntityType",
                "typeName": shorts[one],
                "attributeNames": [shorts[iri] for iri in sorted(facts.type_attrs.get(one, {}))],
            }
            for one in sorted(facts.type_counts)
        ]
        return door.represented(call, content, media, context, _count(given, len(content)))
    found = {one for types in door.broker.types(call.actor.access, call.tenant) for one in types}
    names = [shorts[one] for one in sorted(found)]
    content = {"id": _list_id("EntityTypeList", names), "type": "EntityTypeList", "typeList": names}
    return door.represented(call, content, media, context, _count(given, len(names)))


def _count(given: dict[str, str], number: int) -> list[tuple[bytes, bytes]]:
    return [(b"ngsild-results-count", str(number).encode())] if flag_of(given, "count") else []


async def retrieve_type(door: Door, call: Call) -> Answer:
    """GET /types/{type}."""
    media = choose_media(call.headers.get(b"accept"), False)
    call.parameters(_ONE)
    context = await door.link_context(call)
    name = context.expand_type(call.segments[1])
    facts = await _scan(door, call, (name,))
    if name not in facts.type_counts:
        raise ResourceNotFound(f"There is no entity of type {call.segments[1][:200]!r}")
    shorts = context.shorts
    content = {
        "id": name,
        "type": "EntityTypeInfo",
        "typeName": shorts[name],
        "entityCount": facts.type_counts[name],
        "attributeDetails": [
            {"id": iri, "type": "Attribute", "attributeName": shorts[iri], "attributeTypes": sorted(kinds)}
            for iri, kinds in sorted(facts.type_attrs.get(name, {}).items())
        ],
    }
    return door.represented(call, content, media, context)


async def list_attributes(door: Door, call: Call) -> Answer:
    """GET /attributes, with ``details=true`` as a list of Attribute."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_LIST)
    context = await door.link_context(call)
    shorts = context.shorts
    facts = await _scan(door, call)
    iris = sorted(facts.attr_counts)
    if flag_of(given, "details"):
        content: Any = [
            {
                "id": iri,
                "type": "Attribute",
                "attributeName": shorts[iri],
                "typeNames": [shorts[one] for one in sorted(facts.attr_types[iri])],
            }
            for iri in iris
        ]
        return door.represented(call, content, media, context, _count(given, len(content)))
    names = [shorts[iri] for iri in iris]
    content = {"id": _list_id("AttributeList", names), "type": "AttributeList", "attributeList": names}
    return door.represented(call, content, media, context, _count(given, len(names)))


async def retrieve_attribute(door: Door, call: Call) -> Answer:
    """GET /attributes/{attribute}."""
    media = choose_media(call.headers.get(b"accept"), False)
    call.parameters(_ONE)
    context = await door.link_context(call)
    name = call.segments[1]
    if name in ENTITY_PARTS or name in SYSTEM_PARTS:
        raise ResourceNotFound(f"{name!r} is a member of every entity, not an attribute")
    iri = context.expand_term(name)
    facts = await _scan(door, call)
    if iri not in facts.attr_counts:
        raise ResourceNotFound(f"No entity has the attribute {call.segments[1][:200]!r}")
    content = _attribute(iri, facts, context)
    return door.represented(call, content, media, context)


def _attribute(iri: str, facts: _Facts, context: Context) -> dict[str, Any]:
    shorts = context.shorts
    return {
        "id": iri,
        "type": "Attribute",
        "attributeName": shorts[iri],
        "attributeCount": facts.attr_counts[iri],
        "attributeTypes": sorted(facts.attr_kinds[iri]),
        "typeNames": [shorts[one] for one in sorted(facts.attr_types[iri])],
    }
