"""Writes over several brokers: each source gets its part, the broker does the rest by its own handler
(CIM 009 §5.6, §6.3.17). Nothing here decides what an operation means; the handlers of ``provision`` do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import APPEND, MERGE, UPDATE, WHOLE, Mode, expand_entity
from andaman.broker.entity.names import NULL, check_uri
from andaman.broker.entity.represent import represent
from andaman.broker.model import Doc
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import provision
from andaman.doors.ngsild.distributed.plan import Part, Plan, plan_whole, plan_write
from andaman.doors.ngsild.distributed.reads import sources_of
from andaman.doors.ngsild.distributed.sources import LoopDetected, Outcome, Wire
from andaman.doors.ngsild.door import Door, entity_path
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer, parse_parameters, problem_answer
from andaman.kernel.errors import AndamanError, BadRequestData, Conflict, Forbidden

Handler = Callable[[Door, Call], Awaitable[Answer]]
Matches = list[tuple[Registration, list[Info]]]
_MEMBERS: Final = frozenset(
    {"id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"}
)
_ANY: Final = frozenset(
    {"local", "type", "options", "format", "observedAt", "lang", "datasetId", "deleteAll"}
)


@dataclass(frozen=True, slots=True)
class Leg:
    """How one part went: ``attrs`` that it was about (IRIs); ``error`` None: well. ``partly``: what a 207 told of an
    attribute-wise operation, (updated, notUpdated)."""

    attrs: frozenset[str]
    error: AndamanError | None = None
    partly: tuple[list[str], list[dict[str, Any]]] | None = None
    status: int = 204


@dataclass(frozen=True, slots=True)
class Form:
    """One operation on one entity: its name in registrations, how its body is read, and how partial success is told."""

    operation: str
    handler: Handler
    mode: Mode
    by_attribute: bool  # UpdateResult (§5.2.18) instead of BatchOperationResult (§5.2.16)


CREATE: Final = Form("createEntity", provision.create_entity, WHOLE, False)
REPLACE: Final = Form("replaceEntity", provision.replace_entity, WHOLE, False)
MERGE_ENTITY: Final = Form("mergeEntity", provision.merge_entity, MERGE, False)
APPEND_ATTRS: Final = Form("appendAttrs", provision.append_attributes, APPEND, True)
UPDATE_ENTITY: Final = Form("updateEntity", provision.update_attributes, UPDATE, True)


# -- finding sources ---------------------------------------------------------------------------------------------


def write_matches(door: Door, call: Call, spec: Spec) -> tuple[Matches, bool]:
    """Registrations that match a write, and whether the request came by here before."""
    there = sources_of(door).registry.of(call.tenant)
    if there is None:
        return [], False
    found = [
        (one, infos) for one, infos in there.matching(spec) if one.mode != "auxiliary" and not one.temporal
    ]
    if not found or b"via" not in call.headers:
        return found, False
    passed = sources_of(door).came_by(call)
    if door.alias(call.tenant) in passed:
        return found, True
    return [(one, infos) for one, infos in found if not one.alias or one.alias not in passed], False


def without_loop(matches: Matches, looped: bool) -> Matches:
    """Where the request came by before: sources that share the data are not asked again, and where the data is held
    elsewhere only, nobody can do it (§6.3.17)."""
    if not looped:
        return matches
    if any(one.proxied for one, _ in matches):
        raise LoopDetected(
            "The request has been here before; its data is registered at a source that leads back here"
        )
    return []


def known_types(
    door: Door, call: Call, entity_id: str, given: dict[str, str], context: Context
) -> frozenset[str]:
    """The entity's types as far as the broker can tell: those asked for, else those it holds."""
    if "type" in given:
        return frozenset(provision.expected_types(given, context))
    doc = door.broker.find(entity_id, call.actor.access, call.tenant)
    return frozenset() if doc is None else frozenset(doc["type"])


def check_right(call: Call, part: Part, types: frozenset[str], attrs: frozenset[str]) -> None:
    """Writing through a registration needs the rights that writing here needs."""
    names = types or frozenset(
        name for info in part.registration.information for one in info.entities for name in one.types
    )
    if not call.actor.access.may_write(sorted(names), (), sorted(attrs)):
        raise Forbidden(f"You may not write this through {part.registration.id}")


# -- one entity with a body --------------------------------------------------------------------------------------


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


async def _with_body(door: Door, call: Call, form: Form) -> Answer:
    given = parse_parameters(call.query_string, _ANY) if call.query_string else {}
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
    work = Work(door, call, form, entity_id, payload, fragment, context, types, raw, simplified)
    legs = await asyncio.gather(*(work.remote(part) for part in plan.parts))
    if plan.local:
        legs.append(await work.local(plan))
    return answer_of(form, entity_id, legs)


def _formats(given: dict[str, str]) -> str:
    text = f"{given.get('format', '')},{given.get('options', '')}"
    return text.replace("keyValues", "simplified")


def replay(call: Call, raw: bytes) -> Call:
    """The same request with this body, ready to be read (again)."""
    length = str(len(raw)).encode()
    other = object.__new__(Call)
    for name in Call.__slots__:
        setattr(other, name, getattr(call, name))
    other.headers = {**call.headers, b"content-length": length}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    other._receive = receive
    return other


@dataclass(frozen=True, slots=True)
class Work:
    """One distributed write under way."""

    door: Door
    call: Call
    form: Form
    entity_id: str
    payload: dict[str, Any]
    fragment: Doc
    context: Context
    types: frozenset[str]
    raw: bytes
    simplified: bool

    def _reduced(self, attrs: frozenset[str] | None) -> dict[str, Any]:
        return self.payload if attrs is None else reduced(self.payload, attrs, self.context)

    async def remote(self, part: Part) -> Leg:
        attrs = part.attrs if part.attrs is not None else frozenset(self.fragment["attrs"])
        one = part.registration
        if not part.supported:
            return Leg(
                attrs, Conflict(f"{one.id} does not offer {self.form.operation}", registrationId=one.id)
            )
        try:
            check_right(self.call, part, self.types, attrs)
            wire = await sources_of(self.door).wire(one, self.context, self.call)
        except AndamanError as error:
            return Leg(attrs, error)
        payload = recompacted(self.fragment, attrs, wire) if wire.recompact else self._reduced(part.attrs)
        outcome = await sources_of(self.door).ask(
            self.call, one, self.call.method, self.path(), wire, passed_on(self.call), payload
        )
        return leg_of(outcome, attrs, wire)

    def path(self) -> str:
        if self.form is CREATE:
            return "/entities"
        base = f"/entities/{quote(self.entity_id, safe=':')}"
        return f"{base}/attrs/" if self.form.by_attribute else base

    async def local(self, plan: Plan) -> Leg:
        """The remainder, by the broker's own handler. The reduced body is sent as it came, context and all."""
        attrs = plan.rest if plan.rest is not None else frozenset(self.fragment["attrs"])
        raw = self.raw
        if plan.rest is not None:
            kept = self._reduced(plan.rest)
            original = orjson.loads(self.raw)
            if isinstance(original, dict) and "@context" in original:
                kept = {**kept, "@context": original["@context"]}
            raw = orjson.dumps(kept)
        return await own_leg(self.door, replay(self.call, raw), self.form.handler, attrs)


async def own_leg(door: Door, call: Call, handler: Handler, attrs: frozenset[str]) -> Leg:
    try:
        answer = await handler(door, call)
    except AndamanError as error:
        return Leg(attrs, error)
    if answer.status == 207:
        content = orjson.loads(answer.body)
        return Leg(attrs, None, (content.get("updated", []), content.get("notUpdated", [])), 207)
    return Leg(attrs, status=answer.status)


def reduced(payload: Any, attrs: frozenset[str], context: Context) -> dict[str, Any]:
    """A payload with these attributes only; members of the entity itself always travel."""
    iris = context.iris
    return {name: value for name, value in payload.items() if name in _MEMBERS or iris[name] in attrs}


def recompacted(fragment: Doc, attrs: frozenset[str], wire: Wire) -> dict[str, Any]:
    """A fragment in the names of the source's own context (§4.3.6.6 jsonldContext)."""
    shown: dict[str, Any] = {}
    kept = {
        iri: instances
        for iri, instances in fragment["attrs"].items()
        if iri in attrs and instances is not None
    }
    doc = {"id": fragment.get("id", ""), "type": fragment.get("type", [""]), "attrs": kept}
    if fragment.get("scope"):
        doc["scope"] = fragment["scope"]
    shown = represent(doc, wire.context)
    if "type" not in fragment:
        shown.pop("type", None)
    for iri, instances in fragment["attrs"].items():
        if iri in attrs and instances is None:
            shown[wire.context.shorts[iri]] = NULL
    return shown


def passed_on(call: Call) -> list[tuple[str, str]]:
    """Parameters that mean the same at the source."""
    given = parse_parameters(call.query_string, _ANY) if call.query_string else {}
    return [(name, value) for name, value in given.items() if name != "local"]


def leg_of(outcome: Outcome, attrs: frozenset[str], wire: Wire) -> Leg:
    if outcome.error is not None:
        return Leg(attrs, outcome.error)
    if outcome.status == 207:
        partial = outcome.payload if isinstance(outcome.payload, dict) else {"errors": [{}]}
        if isinstance(partial.get("errors"), list) and partial["errors"]:
            first = partial["errors"][0]
            problem = first.get("error", {}) if isinstance(first, dict) else {}
            detail = problem.get("detail") if isinstance(problem, dict) else None
            return Leg(
                attrs,
                Conflict(
                    f"Context source {outcome.registration.id} did it in part: {str(detail)[:300]}",
                    registrationId=outcome.registration.id,
                ),
            )
        updated = [_expanded(name, wire) for name in partial.get("updated", []) if isinstance(name, str)]
        failed = [
            {
                "attributeName": _expanded(str(one.get("attributeName", "")), wire),
                "reason": str(one.get("reason", ""))[:300],
                "registrationId": outcome.registration.id,
            }
            for one in partial.get("notUpdated", [])
            if isinstance(one, dict)
        ]
        return Leg(attrs, None, (updated, failed), 207)
    return Leg(attrs, status=outcome.status)


def _expanded(name: str, wire: Wire) -> str:
    try:
        return wire.context.expand_term(name)
    except AndamanError:
        return name[:200]


# -- the answer --------------------------------------------------------------------------------------------------


def answer_of(form: Form, entity_id: str, legs: list[Leg]) -> Answer:
    """All well: the operation's own answer. One thing failed and nothing succeeded: its error. Else 207."""
    failed = [leg for leg in legs if leg.error is not None]
    partly = any(leg.partly is not None and leg.partly[1] for leg in legs)
    if not failed and not partly:
        if form is CREATE:
            return Answer(201, headers=[(b"location", entity_path(entity_id).encode())])
        return NO_CONTENT
    if len(failed) == 1 and len(legs) == 1 and failed[0].error is not None:
        return problem_answer(failed[0].error)
    if form.by_attribute:
        return json_answer(_update_result(legs), 207)
    errors = [told(entity_id, one.error) for one in failed if one.error is not None]
    success = [entity_id] if len(failed) < len(legs) else []
    return json_answer({"success": success, "errors": errors}, 207)


def told(entity_id: str, error: AndamanError) -> dict[str, Any]:
    """One BatchEntityError (§5.2.17)."""
    problem = error.problem()
    source = problem.pop("registrationId", None)
    found: dict[str, Any] = {"entityId": entity_id, "error": problem}
    return {**found, "registrationId": source} if source else found


def _update_result(legs: list[Leg]) -> dict[str, Any]:
    """§5.2.18, by full names."""
    updated: dict[str, None] = {}
    failed: list[dict[str, Any]] = []
    for leg in legs:
        if leg.error is not None:
            source = leg.error.extra.get("registrationId")
            for iri in sorted(leg.attrs):
                one = {"attributeName": iri, "reason": leg.error.detail}
                failed.append({**one, "registrationId": source} if source else one)
        elif leg.partly is not None:
            updated.update(dict.fromkeys(leg.partly[0]))
            failed += leg.partly[1]
        else:
            updated.update(dict.fromkeys(sorted(leg.attrs)))
    return {"updated": list(updated), "notUpdated": failed}


# -- deletion and single attributes ------------------------------------------------------------------------------


async def delete_entity(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id}: at every source that holds some of it, and here if it is here (§5.6.6.4)."""
    given = parse_parameters(call.query_string, _ANY) if call.query_string else {}
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
    legs = list(
        await asyncio.gather(
            *(_bodiless(door, call, form, part, path, context, types, frozenset()) for part in plan.parts)
        )
    )
    own = await own_leg(door, call, provision.delete_entity, frozenset())
    proxied = any(part.registration.proxied for part in plan.parts)
    if own.error is None or own.error.status != 404 or not proxied:
        legs.append(own)
    return answer_of(form, entity_id, legs)


async def _bodiless(
    door: Door,
    call: Call,
    form: Form,
    part: Part,
    path: str,
    context: Context,
    types: frozenset[str],
    attrs: frozenset[str],
) -> Leg:
    one = part.registration
    if not part.supported:
        return Leg(attrs, Conflict(f"{one.id} does not offer {form.operation}", registrationId=one.id))
    try:
        check_right(call, part, types, attrs)
        wire = await sources_of(door).wire(one, context, call)
    except AndamanError as error:
        return Leg(attrs, error)
    if attrs and wire.recompact:
        path = f"{path.rpartition('/')[0]}/{quote(wire.context.shorts[next(iter(attrs))], safe=':')}"
    outcome = await sources_of(door).ask(call, one, call.method, path, wire, passed_on(call))
    return leg_of(outcome, attrs, wire)


async def one_attribute(door: Door, call: Call, operation: str, handler: Handler) -> Answer:
    """PATCH, PUT and DELETE /entities/{id}/attrs/{attr}: a proxied attribute is its source's alone (§5.6.4.4)."""
    given = parse_parameters(call.query_string, _ANY) if call.query_string else {}
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
    path = f"/entities/{quote(entity_id, safe=':')}/attrs/{quote(name, safe=':')}"
    if payload is None:
        legs = list(
            await asyncio.gather(
                *(
                    _bodiless(door, call, form, part, path, context, types, frozenset({iri}))
                    for part in plan.parts
                )
            )
        )
    else:
        legs = list(
            await asyncio.gather(
                *(
                    _attribute(door, call, form, part, path, context, types, iri, payload)
                    for part in plan.parts
                )
            )
        )
    if plan.local:
        legs.append(await own_leg(door, replay(call, raw) if raw else call, handler, frozenset({iri})))
    return answer_of(form, entity_id, legs)


async def _attribute(
    door: Door,
    call: Call,
    form: Form,
    part: Part,
    path: str,
    context: Context,
    types: frozenset[str],
    iri: str,
    payload: Any,
) -> Leg:
    one, attrs = part.registration, frozenset({iri})
    if not part.supported:
        return Leg(attrs, Conflict(f"{one.id} does not offer {form.operation}", registrationId=one.id))
    try:
        check_right(call, part, types, attrs)
        wire = await sources_of(door).wire(one, context, call)
    except AndamanError as error:
        return Leg(attrs, error)
    if wire.recompact:  # only the attribute's own name: what is inside keeps the request's names
        path = f"{path.rpartition('/')[0]}/{quote(wire.context.shorts[iri], safe=':')}"
    outcome = await sources_of(door).ask(call, one, call.method, path, wire, passed_on(call), payload)
    return leg_of(outcome, attrs, wire)


async def update_attribute(door: Door, call: Call) -> Answer:
    """PATCH /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "updateAttrs", provision.update_attribute)


async def replace_attribute(door: Door, call: Call) -> Answer:
    """PUT /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "replaceAttrs", provision.replace_attribute)


async def delete_attribute(door: Door, call: Call) -> Answer:
    """DELETE /entities/{id}/attrs/{attr}."""
    return await one_attribute(door, call, "deleteAttrs", provision.delete_attribute)
