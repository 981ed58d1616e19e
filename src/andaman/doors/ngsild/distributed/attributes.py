"""Writes of one attribute over several brokers: a proxied attribute is its source's alone (CIM 009 §5.6.4.4, §5.6.5.4,
§5.6.19.4)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from andaman.broker.entity.expand import UPDATE
from andaman.broker.entity.names import check_uri
from andaman.broker.registry.match import Spec
from andaman.doors.ngsild import provision
from andaman.doors.ngsild.distributed.bodies import PARAMETERS, renamed_attribute, replay
from andaman.doors.ngsild.distributed.choice import known_types, without_loop, write_matches
from andaman.doors.ngsild.distributed.legs import Errand, Form, Handler, answer_of, own_leg
from andaman.doors.ngsild.distributed.plan import plan_write
from andaman.doors.ngsild.distributed.sources import Wire
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call, parse_parameters
from andaman.kernel.errors import AndamanError


async def update_attribute(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "updateAttrs", provision.update_attribute)


async def replace_attribute(door: Door, call: Call) -> Answer:
    """PUT /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "replaceAttrs", provision.replace_attribute)


async def delete_attribute(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "deleteAttrs", provision.delete_attribute)


async def one_attribute(door: Door, call: Call, operation: str, handler: Handler) -> Answer:
    """PATCH, PUT and DELETE /entities/{id}/attrs/{attr}: a proxied attribute is its source's alone (§5.6.4.4)."""
    given = parse_parameters(call.query_string, PARAMETERS) if call.query_string else {}
    entity_id, name = call.segments[1], call.segments[3]
    if given.get("local") == "true" or not write_matches(door, call, Spec(ids=(entity_id,)))[0]:
        return await handler(door, call)
    raw = b"" if call.method == "DELETE" else await call.body(door.options.max_body)
    payload: Any = None
    try:
        if call.method == "DELETE":
            context = await door.link_context(call)
        else:
            payload, ld = await replay(call, raw).json(door.options.max_body)
            context = await door.body_context(call, payload, ld)
        check_uri(entity_id, "entityId")
        iri = provision._attribute_iri(name, context)
    except AndamanError:
        return await handler(door, replay(call, raw) if raw else call)
    types = known_types(door, call, entity_id, given, context)
    spec = Spec(ids=(entity_id,), exact_types=types, attrs=frozenset({iri}))
    plan = plan_write(without_loop(*write_matches(door, call, spec)), operation, frozenset({iri}))
    form = Form(operation, handler, UPDATE, True)
    if not plan.parts:
        return await handler(door, replay(call, raw) if raw else call)
    base = f"/entities/{quote(entity_id, safe=':')}/attrs/"

    def path(wire: Wire) -> str:
        return base + quote(wire.context.shorts[iri] if wire.recompact else name, safe=":")

    def body(wire: Wire) -> Any:
        return renamed_attribute(payload, context, wire.context) if wire.recompact else payload

    errand, attrs = Errand(door, call, form, context, types), frozenset({iri})
    legs = list(await asyncio.gather(*(errand.ask(part, attrs, path, body) for part in plan.parts)))
    if plan.local:
        legs.append(await own_leg(door, replay(call, raw) if raw else call, handler, frozenset({iri})))
    return answer_of(form, entity_id, legs)
