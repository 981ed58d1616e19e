"""Entities and their attributes: create, replace, merge, append, update, delete (CIM 009 §5.6, §6.4–6.7)."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import (
    APPEND,
    MERGE,
    PARTIAL,
    UPDATE,
    WHOLE,
    Mode,
    expand_attribute,
    expand_entity,
)
from andaman.broker.entity.merge import GONE
from andaman.broker.entity.names import check_time, check_uri
from andaman.broker.model import Doc, OpKind, WriteOp, WriteResult
from andaman.doors.ngsild.door import Door, entity_path
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer
from andaman.doors.ngsild.params import flag_of, format_of, languages
from andaman.doors.ngsild.temporal_end import end_attribute
from andaman.kernel.errors import BadRequestData, InvalidRequest, ResourceNotFound

_LOCAL: Final = frozenset({"local"})
_TYPED: Final = frozenset({"local", "type"})
_MERGE: Final = frozenset({"local", "type", "options", "format", "observedAt", "lang"})
_APPEND: Final = frozenset({"local", "type", "options"})
_FORMAT: Final = frozenset({"local", "type", "options", "format"})
_DELETE_ATTR: Final = frozenset({"local", "type", "datasetId", "deleteAll"})


def expected_types(given: dict[str, str], context: Context) -> tuple[str, ...]:
    """``?type``: the entity must have one of these types, else it is as if it were not there."""
    if "type" not in given:
        return ()
    return tuple(context.expand_type(name) for name in given["type"].split(","))


def only_option(given: dict[str, str], allowed: str) -> bool:
    """Is the one possible option set? Others raise InvalidRequest."""
    options = given.get("options")
    if options is None:
        return False
    for one in options.split(","):
        if one.strip() != allowed:
            raise InvalidRequest(f"The option {one[:80]!r} is not known here; {allowed} is", field="options")
    return True


async def read_object(door: Door, call: Call) -> tuple[dict[str, Any], Context]:
    """The body, which must be an object, and its context."""
    payload, ld = await call.json(door.options.max_body)
    if not isinstance(payload, dict):
        raise InvalidRequest("The body must be a JSON object")
    return payload, await door.body_context(call, payload, ld)


def update_answer(result: WriteResult) -> Answer:
    """204, or 207 with what could not be updated, by full names (§5.2.18)."""
    if not result.not_updated:
        return NO_CONTENT
    content = {
        "updated": result.updated,
        "notUpdated": [{"attributeName": iri, "reason": reason} for iri, reason in result.not_updated],
    }
    return json_answer(content, 207)


async def create_entity(door: Door, call: Call) -> Answer:
    """POST /entities (§6.4.3.1)."""
    call.parameters(_LOCAL)
    payload, context = await read_object(door, call)
    fragment = expand_entity(payload, context, WHOLE)
    await door.write_one(call, WriteOp(OpKind.CREATE, fragment["id"], fragment))
    return Answer(201, headers=[(b"location", entity_path(fragment["id"]).encode())])


async def replace_entity(door: Door, call: Call) -> Answer:
    """PUT /entities/{id} (§6.5.3.3)."""
    given = call.parameters(_FORMAT)
    entity_id = check_uri(call.segments[1], "entityId")
    payload, context = await read_object(door, call)
    simplified = format_of(given)[0] == "simplified"
    fragment = expand_entity(payload, context, WHOLE, simplified=simplified, entity_id=entity_id)
    op = WriteOp(OpKind.REPLACE, entity_id, fragment, expect_types=expected_types(given, context))
    await door.write_one(call, op)
    return NO_CONTENT


async def merge_entity(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id} (§6.5.3.4)."""
    given = call.parameters(_MERGE)
    context, fragment = await _fragment(door, call, MERGE, simplified=format_of(given)[0] == "simplified")
    op = WriteOp(
        OpKind.MERGE, fragment["id"], fragment, expect_types=expected_types(given, context), **merging(given)
    )
    await door.write_one(call, op)
    return NO_CONTENT


def merging(given: dict[str, str]) -> dict[str, Any]:
    """The observedAt and the language that the attributes of a merge have in common (§5.6.17.3)."""
    return {
        "observed_at": check_time(given["observedAt"], "observedAt") if "observedAt" in given else None,
        "lang": next(iter(languages(given["lang"])), None) if "lang" in given else None,
    }


async def append_attributes(door: Door, call: Call) -> Answer:
    """POST /entities/{id}/attrs (§6.6.3.1)."""
    given = call.parameters(_APPEND)
    no_overwrite = only_option(given, "noOverwrite")
    context, fragment = await _fragment(door, call, APPEND)
    types = expected_types(given, context)
    op = WriteOp(OpKind.APPEND, fragment["id"], fragment, no_overwrite=no_overwrite, expect_types=types)
    return update_answer(await door.write_one(call, op))


async def update_attributes(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}/attrs (§6.6.3.2): the platform's hottest write."""
    given = call.parameters(_TYPED)
    context, fragment = await _fragment(door, call, UPDATE)
    types = expected_types(given, context) if given else ()
    op = WriteOp(OpKind.UPDATE, fragment["id"], fragment, expect_types=types)
    return update_answer(await door.write_one(call, op))


async def _fragment(door: Door, call: Call, mode: Mode, simplified: bool = False) -> tuple[Context, Doc]:
    entity_id = check_uri(call.segments[1], "entityId")
    payload, context = await read_object(door, call)
    if not payload:
        raise BadRequestData("The body holds nothing to write")
    fragment = expand_entity(payload, context, mode, simplified=simplified, entity_id=entity_id)
    return context, fragment


async def delete_entity(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id} (§6.5.3.2)."""
    given = call.parameters(_TYPED)
    entity_id = check_uri(call.segments[1], "entityId")
    context = await door.link_context(call)
    op = WriteOp(OpKind.DELETE, entity_id, expect_types=expected_types(given, context))
    await door.write_one(call, op)
    return NO_CONTENT


# -- one attribute ----------------------------------------------------------------------------------------------


async def _attribute_op(door: Door, call: Call, kind: OpKind, mode: Mode) -> WriteOp:
    given = call.parameters(_TYPED)
    entity_id = check_uri(call.segments[1], "entityId")
    name = call.segments[3]
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    iri = _attribute_iri(name, context)
    if payload in ({}, []):
        raise BadRequestData("The body holds nothing to write")
    instances = expand_attribute(name, iri, payload, context, mode)
    if instances is None:
        instances = [GONE]
    return WriteOp(
        kind, entity_id, {"attrs": {iri: instances}}, attr=iri, expect_types=expected_types(given, context)
    )


def _attribute_iri(name: str, context: Context) -> str:
    if name in ("id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "@id", "@type", "@context"):
        raise BadRequestData(f"{name!r} is a member of the entity, not an attribute", field="attrId")
    return context.expand_term(name)


async def update_attribute(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}/attrs/{attr}: partial update (§6.7.3.1)."""
    await door.write_one(call, await _attribute_op(door, call, OpKind.PARTIAL_ATTR, PARTIAL))
    return NO_CONTENT


async def replace_attribute(door: Door, call: Call) -> Answer:
    """PUT /entities/{id}/attrs/{attr} (§6.7.3.3)."""
    await door.write_one(call, await _attribute_op(door, call, OpKind.REPLACE_ATTR, APPEND))
    return NO_CONTENT


async def delete_attribute(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id}/attrs/{attr} (§6.7.3.2); ``scope`` may be deleted this way too."""
    given = call.parameters(_DELETE_ATTR)
    entity_id = check_uri(call.segments[1], "entityId")
    context = await door.link_context(call)
    name = call.segments[3]
    dataset = given.get("datasetId")
    everything = flag_of(given, "deleteAll")
    if everything and dataset is not None:
        raise BadRequestData("deleteAll and datasetId exclude each other", field="datasetId")
    op = WriteOp(
        OpKind.DELETE_ATTR,
        entity_id,
        attr=name if name in ("scope", "expiresAt") else _attribute_iri(name, context),
        dataset_id=None if dataset in (None, "@none") else check_uri(dataset, "datasetId"),
        delete_all=everything,
        expect_types=expected_types(given, context),
    )
    try:
        await door.write_one(call, op)
    except ResourceNotFound:
        if not await end_attribute(door, call, op):
            raise
    return NO_CONTENT
