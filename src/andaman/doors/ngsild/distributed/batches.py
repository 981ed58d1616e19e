"""Batch writes over several brokers: entity by entity it is settled who gets what, then each source is asked once, or,
where it takes no batches, entity by entity (CIM 009 §5.6.7.4–5.6.10.4, §5.6.20.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import APPEND, MERGE, WHOLE, Mode, expand_entity
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Registration
from andaman.doors.ngsild import batch
from andaman.doors.ngsild.distributed.plan import Part, plan_whole, plan_write
from andaman.doors.ngsild.distributed.reads import sources_of
from andaman.doors.ngsild.distributed.sources import Outcome, Wire
from andaman.doors.ngsild.distributed.writes import (
    check_right,
    known_types,
    recompacted,
    reduced,
    replay,
    told,
    without_loop,
    write_matches,
)
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer, parse_parameters
from andaman.kernel.errors import AndamanError, Conflict

_ANY: Final = frozenset({"local", "options", "format", "observedAt", "lang"})
_SLICE: Final = 100
_SINGLY: Final = 8  # entities at a time to a source that takes no batches


@dataclass(frozen=True, slots=True)
class Kind:
    """A batch operation: its name in paths and registrations, how entities are read, its own handler."""

    name: str
    operation: str
    mode: Mode
    handler: Callable[[Door, Call], Awaitable[Answer]]


CREATE: Final = Kind("create", "createBatch", WHOLE, batch.create)
UPSERT: Final = Kind("upsert", "upsertBatch", WHOLE, batch.upsert)
UPDATE: Final = Kind("update", "updateBatch", APPEND, batch.update)
MERGING: Final = Kind("merge", "mergeBatch", MERGE, batch.merge)
DELETE: Final = Kind("delete", "deleteBatch", WHOLE, batch.delete)


@dataclass(slots=True)
class Piece:
    """One entity's part for one source."""

    entity_id: str
    payload: Any  # in the request's names; for deletion the id
    fragment: Doc | None
    context: Context
    attrs: frozenset[str]


@dataclass(slots=True)
class Results:
    """What happened, entity by entity."""

    done: dict[str, None] = field(default_factory=dict)
    created: dict[str, None] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, entity_id: str, error: AndamanError) -> None:
        self.errors.append(told(entity_id, error))

    def answer(self, kind: Kind) -> Answer:
        failed = {one["entityId"] for one in self.errors}
        success = [one for one in self.done if one not in failed]
        if self.errors:
            return json_answer({"success": success, "errors": self.errors}, 207)
        if kind is CREATE:
            return json_answer(success, 201)
        if kind is UPSERT and self.created:
            return json_answer(list(self.created), 201)
        return NO_CONTENT


async def create(door: Door, call: Call) -> Answer:
    return await _run(door, call, CREATE)


async def upsert(door: Door, call: Call) -> Answer:
    return await _run(door, call, UPSERT)


async def update(door: Door, call: Call) -> Answer:
    return await _run(door, call, UPDATE)


async def merge(door: Door, call: Call) -> Answer:
    return await _run(door, call, MERGING)


async def delete(door: Door, call: Call) -> Answer:
    return await _run(door, call, DELETE)


async def _run(door: Door, call: Call, kind: Kind) -> Answer:
    given = parse_parameters(call.query_string, _ANY) if call.query_string else {}
    if given.get("local") == "true":
        return await kind.handler(door, call)
    raw = await call.body(door.options.max_body)
    try:
        payload, ld = await replay(call, raw).json(door.options.max_body)
        listed = batch._listed(door, payload)
        linked = None if ld or kind is DELETE else await door.link_context(call)
        if kind is DELETE:
            linked = await door.link_context(call)
    except AndamanError:
        return await kind.handler(door, replay(call, raw))
    originals = orjson.loads(raw)
    results = Results()
    own: list[Any] = []
    asked: dict[str, tuple[Registration, list[Piece]]] = {}
    for number, one in enumerate(listed):
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        try:
            mine = await _settle(door, call, kind, one, originals[number], ld, linked, results, asked)
        except AndamanError as error:
            if error.extra.get("field") == "Link" or error.status == 508:
                raise
            mine = originals[number]  # the broker's own handler says what is wrong with it
        if mine is not None:
            own.append(mine)
    if not asked and not results.errors:
        return await kind.handler(door, replay(call, raw))
    options = [(name, value) for name, value in given.items() if name != "local"]
    await asyncio.gather(
        *(_ask(door, call, kind, one, pieces, options, results) for one, pieces in asked.values())
    )
    if own:
        await _own(door, call, kind, own, results)
    return results.answer(kind)


async def _settle(
    door: Door,
    call: Call,
    kind: Kind,
    one: Any,
    original: Any,
    ld: bool,
    linked: Context | None,
    results: Results,
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> Any:
    """Put one entity's parts where they go; what is left for the broker itself, or None."""
    if kind is DELETE:
        assert linked is not None
        entity_id, context, fragment = check_uri(one, "id"), linked, None
        attrs: frozenset[str] = frozenset()
        types = known_types(door, call, entity_id, {}, context)
    else:
        context = linked if linked is not None else await door.body_context(call, one, ld)
        fragment = expand_entity(one, context, kind.mode)
        entity_id = check_uri(fragment.get("id"), "id")
        attrs = frozenset(fragment["attrs"])
        types = frozenset(fragment.get("type", ())) or known_types(door, call, entity_id, {}, context)
    spec = Spec(ids=(entity_id,), exact_types=types)
    matches = without_loop(*write_matches(door, call, spec))
    if not matches:
        return original
    operation = _operation(kind, matches[0][0])
    plan = plan_whole(matches, operation) if kind is DELETE else plan_write(matches, operation, attrs)
    for part in plan.parts:
        _assign(call, kind, part, entity_id, one, fragment, context, attrs, types, results, asked)
    for registration, _ in matches:  # inclusive sources whose way of taking it differs from the first one's
        _also(kind, registration, plan.parts, entity_id, one, fragment, context, plan.rest, attrs, asked)
    if kind is DELETE and any(part.registration.proxied for part in plan.parts):
        held = door.broker.find(entity_id, call.actor.access, call.tenant)
        return original if held is not None else None
    if not plan.local:
        return None
    return original if plan.rest is None else reduced(original, plan.rest, context)


def _operation(kind: Kind, one: Registration) -> str:
    return kind.operation if kind.operation in one.operations else _SINGLE[kind.name][0]


_SINGLE: Final = {
    "create": ("createEntity",),
    "upsert": ("createEntity", "replaceEntity", "updateEntity"),
    "update": ("appendAttrs", "updateEntity"),
    "merge": ("mergeEntity",),
    "delete": ("deleteEntity",),
}


def _offers(kind: Kind, one: Registration) -> bool:
    return kind.operation in one.operations or any(name in one.operations for name in _SINGLE[kind.name])


def _assign(
    call: Call,
    kind: Kind,
    part: Part,
    entity_id: str,
    one: Any,
    fragment: Doc | None,
    context: Context,
    attrs: frozenset[str],
    types: frozenset[str],
    results: Results,
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> None:
    registration = part.registration
    covered = part.attrs if part.attrs is not None else attrs
    if not _offers(kind, registration):
        error = Conflict(f"{registration.id} does not offer {kind.operation}", registrationId=registration.id)
        results.fail(entity_id, error)
        return
    try:
        check_right(call, part, types, covered)
    except AndamanError as error:
        results.fail(entity_id, error)
        return
    payload = one if part.attrs is None else reduced(one, part.attrs, context)
    pieces = asked.setdefault(registration.id, (registration, []))[1]
    pieces.append(Piece(entity_id, payload, fragment, context, covered))


def _also(
    kind: Kind,
    registration: Registration,
    parts: tuple[Part, ...],
    entity_id: str,
    one: Any,
    fragment: Doc | None,
    context: Context,
    rest: frozenset[str] | None,
    attrs: frozenset[str],
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> None:
    if registration.mode != "inclusive" or not _offers(kind, registration):
        return
    if any(part.registration.id == registration.id for part in parts):
        return
    left = attrs if rest is None else rest
    names = frozenset().union(*(info.names for info in registration.information))
    open_ended = any(not info.names for info in registration.information)
    covered = left if open_ended else left & names
    if attrs and not covered:
        return
    payload = one if kind is DELETE or covered == attrs else reduced(one, covered, context)
    pieces = asked.setdefault(registration.id, (registration, []))[1]
    pieces.append(Piece(entity_id, payload, fragment, context, covered))


# -- asking ------------------------------------------------------------------------------------------------------


async def _ask(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    pieces: list[Piece],
    options: list[tuple[str, str]],
    results: Results,
) -> None:
    if kind.operation not in one.operations:
        await _singly(door, call, kind, one, pieces, options, results)
        return
    for context in dict.fromkeys(piece.context for piece in pieces):
        group = [piece for piece in pieces if piece.context is context]
        try:
            wire = await sources_of(door).wire(one, context, call)
        except AndamanError as error:
            for piece in group:
                results.fail(piece.entity_id, error)
            continue
        payload = [_payload(piece, wire) for piece in group]
        path = f"/entityOperations/{kind.name}"
        outcome = await sources_of(door).ask(call, one, "POST", path, wire, options, payload)
        _note(outcome, group, results)


def _payload(piece: Piece, wire: Wire) -> Any:
    if wire.recompact and piece.fragment is not None:
        return recompacted(piece.fragment, piece.attrs, wire)
    return piece.payload


def _note(outcome: Outcome, pieces: list[Piece], results: Results) -> None:
    failed: dict[str, AndamanError] = {}
    if outcome.error is not None:
        failed = {piece.entity_id: outcome.error for piece in pieces}
    elif outcome.status == 207 and isinstance(outcome.payload, dict):
        listed = outcome.payload.get("errors")
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and isinstance(each.get("entityId"), str):
                problem = each.get("error")
                detail = problem.get("detail") if isinstance(problem, dict) else None
                failed[each["entityId"]] = Conflict(
                    f"Context source {outcome.registration.id}: {str(detail or 'it refused')[:300]}",
                    registrationId=outcome.registration.id,
                )
    created = set(outcome.payload) if outcome.status == 201 and _is_texts(outcome.payload) else set()
    for piece in pieces:
        error = failed.get(piece.entity_id)
        if error is not None:
            results.fail(piece.entity_id, error)
            continue
        results.done[piece.entity_id] = None
        if piece.entity_id in created:
            results.created[piece.entity_id] = None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


async def _singly(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    pieces: list[Piece],
    options: list[tuple[str, str]],
    results: Results,
) -> None:
    """Entity by entity, a few at a time."""
    slots = asyncio.Semaphore(_SINGLY)

    async def work(piece: Piece) -> None:
        async with slots:
            try:
                wire = await sources_of(door).wire(one, piece.context, call)
            except AndamanError as error:
                results.fail(piece.entity_id, error)
                return
            outcome = await _single(door, call, kind, one, piece, wire, options)
            if outcome.error is not None:
                results.fail(piece.entity_id, outcome.error)
                return
            results.done[piece.entity_id] = None
            if outcome.status == 201:
                results.created[piece.entity_id] = None

    await asyncio.gather(*(work(piece) for piece in pieces))


async def _single(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    piece: Piece,
    wire: Wire,
    options: list[tuple[str, str]],
) -> Outcome:
    ask = sources_of(door).ask
    path = f"/entities/{quote(piece.entity_id, safe=':')}"
    if kind is DELETE:
        return await ask(call, one, "DELETE", path, wire)
    payload = _payload(piece, wire)
    flags = {flag for name, value in options if name == "options" for flag in value.split(",")}
    if kind is UPDATE:
        if "appendAttrs" in one.operations:
            return await ask(call, one, "POST", f"{path}/attrs/", wire, options, payload)
        return await ask(call, one, "PATCH", f"{path}/attrs/", wire, (), payload)
    if kind is MERGING:
        return await ask(call, one, "PATCH", path, wire, options, payload)
    if kind is UPSERT and "update" in flags and "updateEntity" in one.operations:
        outcome = await ask(call, one, "PATCH", f"{path}/attrs/", wire, (), payload)
        if outcome.status != 404 or "createEntity" not in one.operations:
            return outcome
    if "createEntity" not in one.operations:
        return await ask(call, one, "PUT", path, wire, (), payload)
    outcome = await ask(call, one, "POST", "/entities", wire, (), payload)
    if (
        kind is UPSERT
        and outcome.status == 409
        and "replaceEntity" in one.operations
        and "update" not in flags
    ):
        return await ask(call, one, "PUT", path, wire, (), payload)
    return outcome


async def _own(door: Door, call: Call, kind: Kind, own: list[Any], results: Results) -> None:
    """What is the broker's own to do, by its own handler."""
    ids = [
        one if kind is DELETE else one.get("id", one.get("@id")) if isinstance(one, dict) else ""
        for one in own
    ]
    try:
        answer = await kind.handler(door, replay(call, orjson.dumps(own)))
    except AndamanError as error:
        for entity_id in ids:
            results.fail(str(entity_id), error)
        return
    content = orjson.loads(answer.body) if answer.body else None
    if answer.status == 207 and isinstance(content, dict):
        results.errors += content["errors"]
        results.done.update(dict.fromkeys(content["success"]))
        return
    results.done.update(dict.fromkeys(str(one) for one in ids))
    if answer.status == 201 and isinstance(content, list):
        results.created.update(dict.fromkeys(content))
