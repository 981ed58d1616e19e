"""Which types and attributes there are (CIM 009 §5.7.5–5.7.10, §6.25–6.28), counted in what the caller may see."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from andaman.broker.entity.projection import ENTITY_PARTS, SYSTEM_PARTS
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.ids import urn

LIST: Final = frozenset({"local", "details", "count"})
ONE: Final = frozenset({"local"})


def is_member(name: str) -> bool:
    """Is it a member of every entity, and so no attribute?"""
    return name in ENTITY_PARTS or name in SYSTEM_PARTS


def _list_id(kind: str, names: list[str]) -> str:
    return urn(kind, hashlib.sha256("\n".join(names).encode()).hexdigest()[:20])


async def list_types(door: Door, call: Call) -> Answer:
    """GET /types, with ``details=true`` as a list of EntityType."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(LIST)
    context = await door.link_context(call)
    shorts = context.shorts
    if flag_of(given, "details"):
        attrs: dict[str, set[str]] = {}
        for part in await door.broker.survey(call.actor.access, call.tenant):
            for one in part.types:
                attrs.setdefault(one, set()).update(part.attrs)
        content: Any = [
            {
                "id": one,
                "type": "EntityType",
                "typeName": shorts[one],
                "attributeNames": [shorts[iri] for iri in sorted(attrs[one])],
            }
            for one in sorted(attrs)
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
    call.parameters(ONE)
    context = await door.link_context(call)
    name = context.expand_type(call.segments[1])
    survey = await door.broker.survey(call.actor.access, call.tenant, kinds_of=None, types=(name,))
    if not survey:
        raise ResourceNotFound(f"There is no entity of type {call.segments[1][:200]!r}")
    kinds: dict[str, set[str]] = {}
    for part in survey:
        for iri, attr in part.attrs.items():
            kinds.setdefault(iri, set()).update(attr.kinds)
    shorts = context.shorts
    content = {
        "id": name,
        "type": "EntityTypeInfo",
        "typeName": shorts[name],
        "entityCount": sum(part.count for part in survey),
        "attributeDetails": [
            {
                "id": iri,
                "type": "Attribute",
                "attributeName": shorts[iri],
                "attributeTypes": sorted(kinds[iri]),
            }
            for iri in sorted(kinds)
        ],
    }
    return door.represented(call, content, media, context)


async def list_attributes(door: Door, call: Call) -> Answer:
    """GET /attributes, with ``details=true`` as a list of Attribute."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(LIST)
    context = await door.link_context(call)
    shorts = context.shorts
    types: dict[str, set[str]] = {}
    for part in await door.broker.survey(call.actor.access, call.tenant):
        for iri in part.attrs:
            types.setdefault(iri, set()).update(part.types)
    iris = sorted(types)
    if flag_of(given, "details"):
        content: Any = [
            {
                "id": iri,
                "type": "Attribute",
                "attributeName": shorts[iri],
                "typeNames": [shorts[one] for one in sorted(types[iri])],
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
    call.parameters(ONE)
    context = await door.link_context(call)
    name = call.segments[1]
    if is_member(name):
        raise ResourceNotFound(f"{name!r} is a member of every entity, not an attribute")
    iri = context.expand_term(name)
    survey = await door.broker.survey(call.actor.access, call.tenant, kinds_of=(iri,))
    having = [(part, part.attrs[iri]) for part in survey if iri in part.attrs]
    if not having:
        raise ResourceNotFound(f"No entity has the attribute {call.segments[1][:200]!r}")
    shorts = context.shorts
    content = {
        "id": iri,
        "type": "Attribute",
        "attributeName": shorts[iri],
        "attributeCount": sum(attr.count for _, attr in having),
        "attributeTypes": sorted({kind for _, attr in having for kind in attr.kinds}),
        "typeNames": [shorts[one] for one in sorted({one for part, _ in having for one in part.types})],
    }
    return door.represented(call, content, media, context)
