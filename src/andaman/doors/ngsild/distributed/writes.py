"""Writes of one entity over several brokers: each source gets its part, the broker does the rest by its own handler
(CIM 009 §5.6, §6.3.17). Nothing here decides what an operation means; the handlers of ``provision`` do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.entity.expand import APPEND, MERGE, UPDATE, WHOLE, expand_entity
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc
from andaman.broker.registry.match import Spec
from andaman.doors.ngsild import provision
from andaman.doors.ngsild.distributed.bodies import PARAMETERS, reduced, renamed, replay
from andaman.doors.ngsild.distributed.choice import known_types, without_loop, write_matches
from andaman.doors.ngsild.distributed.legs import Errand, Form, Leg, answer_of, own_leg
from andaman.doors.ngsild.distributed.plan import Part, Plan, plan_whole, plan_write
from andaman.doors.ngsild.distributed.sources import Wire
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call, parse_parameters
from andaman.kernel.errors import AndamanError, BadRequestData

CREATE: Final = Form("createEntity", provision.create_entity, WHOLE, False)
REPLACE: Final = Form("replaceEntity", provision.replace_entity, WHOLE, False)
MERGE_ENTITY: Final = Form("mergeEntity", provision.merge_entity, MERGE, False)
APPEND_ATTRS: Final = Form("appendAttrs", provision.append_attributes, APPEND, True)
UPDATE_ENTITY: Final = Form("updateEntity", provision.update_attributes, UPDATE, True)


async def create_entity(door: Door, call: Call) -> Answer:
    """POST /entities."""
    return await _with_body(door, call, CREATE)


async def replace_entity(door: Door, call: Call) -> Answer:
    """PUT /entities/{id}."""
    return await _with_body(door, call, REPLACE)


async def merge_entity(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}."""
    return await _with_body(door, call, MERGE_ENTITY)


async def append_attributes(door: Door, call: Call) -> Answer:
    """POST /entities/{id}/attrs."""
    return await _with_body(door, call, APPEND_ATTRS)


async def update_attributes(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}/attrs."""
    return await _with_body(door, call, UPDATE_ENTITY)


async def delete_entity(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id}: at every source that holds some of it, and here if it is here (§5.6.6.4)."""
    given = parse_parameters(call.query_string, PARAMETERS) if call.query_string else {}
    entity_id = check_uri(call.segments[1], "entityId")
    if given.get("local") == "true":
        return await provision.delete_entity(door, call)
    context = await door.link_context(call)
    types = known_types(door, call, entity_id, given, context)
    matches = without_loop(*write_matches(door, call, Spec(ids=(entity_id,), exact_types=types)))
    plan = plan_whole(matches, "deleteEntity")
    if not plan.parts:
        return await provision.delete_entity(door, call)
    path = f"/entities/{quote(entity_id, safe=':')}"
    form = Form("deleteEntity", provision.delete_entity, WHOLE, False)
    errand = Errand(door, call, form, context, types)
    legs = list(
        await asyncio.gather(*(errand.ask(part, frozenset(), lambda wire: path) for part in plan.parts))
    )
    own = await own_leg(door, call, provision.delete_entity, frozenset())
    proxied = any(part.registration.proxied for part in plan.parts)
    if own.error is None or own.error.status != 404 or not proxied:
        legs.append(own)
    return answer_of(form, entity_id, legs)


async def _with_body(door: Door, call: Call, form: Form) -> Answer:
    given = parse_parameters(call.query_string, PARAMETERS) if call.query_string else {}
    path_id = call.segments[1] if len(call.segments) > 1 else None
    if given.get("local") == "true" or (
        path_id is not None and not write_matches(door, call, Spec(ids=(path_id,)))[0]
    ):
        return await form.handler(door, call)
    raw = await call.body(door.options.max_body)
    try:
        payload, ld = await replay(call, raw).json(door.options.max_body)
        context = await door.body_context(call, payload, ld)
        if not isinstance(payload, dict):
            raise BadRequestData("The body must be a JSON object")
        simplified = form.mode in (MERGE, WHOLE) and form is not CREATE and "simplified" in _formats(given)
        fragment = expand_entity(payload, context, form.mode, simplified=simplified, entity_id=path_id)
        entity_id = check_uri(fragment.get("id"), "id")
    except AndamanError:
        return await form.handler(door, replay(call, raw))  # it tells what is wrong
    types = frozenset(fragment.get("type", ())) if form.mode is WHOLE else frozenset()
    types = types or known_types(door, call, entity_id, given, context)
    attrs = frozenset(fragment["attrs"])
    spec = Spec(ids=(entity_id,), exact_types=types, attrs=attrs if form.by_attribute else frozenset())
    matches = without_loop(*write_matches(door, call, spec))
    plan = plan_write(matches, form.operation, attrs)
    if not plan.parts:
        return await form.handler(door, replay(call, raw))
    work = Work(Errand(door, call, form, context, types), entity_id, payload, fragment, raw, simplified)
    legs = await asyncio.gather(*(work.remote(part) for part in plan.parts))
    if plan.local:
        legs.append(await work.local(plan))
    return answer_of(form, entity_id, legs)


def _formats(given: dict[str, str]) -> str:
    text = f"{given.get('format', '')},{given.get('options', '')}"
    return text.replace("keyValues", "simplified")


@dataclass(frozen=True, slots=True)
class Work:
    """One distributed write of a body under way."""

    errand: Errand
    entity_id: str
    payload: dict[str, Any]
    fragment: Doc
    raw: bytes
    simplified: bool

    def _reduced(self, attrs: frozenset[str] | None) -> dict[str, Any]:
        return self.payload if attrs is None else reduced(self.payload, attrs, self.errand.context)

    async def remote(self, part: Part) -> Leg:
        attrs = part.attrs if part.attrs is not None else frozenset(self.fragment["attrs"])

        def payload(wire: Wire) -> dict[str, Any]:
            own = self._reduced(part.attrs)
            if not wire.recompact:
                return own
            return renamed(own, self.errand.context, wire.context, simplified=self.simplified)

        return await self.errand.ask(part, attrs, lambda wire: self.path(), payload)

    def path(self) -> str:
        if self.errand.form is CREATE:
            return "/entities"
        base = f"/entities/{quote(self.entity_id, safe=':')}"
        return f"{base}/attrs/" if self.errand.form.by_attribute else base

    async def local(self, plan: Plan) -> Leg:
        """The remainder, by the broker's own handler. The reduced body is sent as it came, context and all."""
        attrs = plan.rest if plan.rest is not None else frozenset(self.fragment["attrs"])
        raw, errand = self.raw, self.errand
        if plan.rest is not None:
            kept = self._reduced(plan.rest)
            original = orjson.loads(self.raw)
            if isinstance(original, dict) and "@context" in original:
                kept = {**kept, "@context": original["@context"]}
            raw = orjson.dumps(kept)
        return await own_leg(errand.door, replay(errand.call, raw), errand.form.handler, attrs)
