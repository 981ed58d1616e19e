"""Purge: delete every entity that matches a query, or some of their attributes (CIM 009 §5.6.21, §6.4.3.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.projection import ENTITY_PARTS, SYSTEM_PARTS, parse_projection
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer
from andaman.doors.ngsild.params import query_of
from andaman.kernel.errors import BadRequestData

PURGE_PARAMETERS: Final = frozenset(
    {"id", "type", "idPattern", "attrs", "q", "expandValues", "csf", "georel", "geometry", "coordinates"}
    | {"geoproperty", "scopeQ", "local", "keep", "drop"}
)
_CHUNK: Final = 1000
_SLICE: Final = 500


async def purge_entities(door: Door, call: Call) -> Answer:
    """DELETE /entities. What matches is settled first, then removed; each entity stands or fails by itself."""
    success, errors = await purge(door, call)
    if errors:
        return json_answer({"success": success, "errors": errors}, 207)
    return NO_CONTENT


async def purge(door: Door, call: Call) -> tuple[list[str], list[dict[str, Any]]]:
    """Ids of the entities purged here, and errors (§5.2.17)."""
    given = call.parameters(PURGE_PARAMETERS)
    context = await door.link_context(call)
    query = query_of(given, context, default_limit=_CHUNK, max_limit=_CHUNK)
    keep, drop = _members(given, "keep", context), _members(given, "drop", context)
    if keep is not None and drop is not None:
        raise BadRequestData("keep and drop exclude each other", field="keep")
    ops = await _operations(door, call, query, keep, drop)
    success: list[str] = []
    errors: list[dict[str, Any]] = []
    told_together = call.batch_actor.request_id
    for start in range(0, len(ops), _SLICE):
        call.still_admitted()
        actor = replace(call.actor, request_id=told_together)
        for result in await door.broker.write(ops[start : start + _SLICE], actor, call.tenant):
            if result.error is None:
                success.append(result.entity_id)
            else:
                errors.append({"entityId": result.entity_id, "error": result.error.problem()})
    return success, errors


def _members(given: Mapping[str, str], name: str, context: Context) -> frozenset[str] | None:
    """``keep`` or ``drop``: names of attributes (and ``scope``)."""
    if name not in given:
        return None
    asked = parse_projection(given[name], name, context)
    if asked.linked:
        raise BadRequestData(f"{name}: a purge does not reach linked entities", field=name)
    own = sorted(asked.names & ((ENTITY_PARTS | SYSTEM_PARTS) - {"scope"}))
    if own and name == "drop":
        raise BadRequestData(f"{name}: {own[0]} cannot be taken from an entity", field=name)
    return frozenset(asked.names)


async def _operations(
    door: Door, call: Call, query: EntityQuery, keep: frozenset[str] | None, drop: frozenset[str] | None
) -> list[WriteOp]:
    ops: list[WriteOp] = []
    offset = 0
    while True:
        page = await door.broker.query_async(
            replace(query, limit=_CHUNK, offset=offset, count=False), call.actor.access, call.tenant
        )
        for doc in page.docs:
            entity_id = str(doc["id"])
            if keep is None and drop is None:
                ops.append(WriteOp(OpKind.DELETE, entity_id))
            elif gone := _to_remove(doc, keep, drop):
                ops.append(WriteOp(OpKind.MERGE, entity_id, gone))
        if len(page.docs) < _CHUNK:
            return ops
        offset += _CHUNK
        await asyncio.sleep(0)


def _to_remove(doc: Doc, keep: frozenset[str] | None, drop: frozenset[str] | None) -> Doc | None:
    """The merge fragment that takes members away, or None where there are none of them."""
    names = {*doc["attrs"], *({"scope"} & doc.keys())}
    gone = names - keep if keep is not None else names & (drop or frozenset())
    if not gone:
        return None
    fragment: Doc = {"attrs": {iri: None for iri in gone if iri != "scope"}}
    if "scope" in gone:
        fragment["scope"] = None
    return fragment
