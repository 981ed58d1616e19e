"""Batch writes over several brokers (CIM 009 §5.6.7.4–5.6.10.4, §5.6.20.4). Each entity is divided between the sources
and the broker; sources do their parts, the broker the rest with its own handler.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import expand_entity
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Registration
from andaman.doors.ngsild import batch
from andaman.doors.ngsild.distributed.batch_asking import ask_source
from andaman.doors.ngsild.distributed.batch_parts import (
    CREATE,
    DELETE,
    MERGING,
    UPDATE,
    UPSERT,
    Kind,
    Piece,
    Results,
    offers,
    operation_of,
)
from andaman.doors.ngsild.distributed.bodies import reduced, replay
from andaman.doors.ngsild.distributed.choice import check_right, known_types, without_loop, write_matches
from andaman.doors.ngsild.distributed.plan import Part, plan_whole, plan_write
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call, parse_parameters
from andaman.doors.ngsild.params import format_of
from andaman.kernel.errors import AndamanError, Conflict

_ANY: Final = frozenset({"local", "options", "format", "observedAt", "lang"})
_SLICE: Final = 100


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
        listed = batch.listed(door, payload)
        linked = None if ld or kind is DELETE else await door.link_context(call)
        if kind is DELETE:
            linked = await door.link_context(call)
        simplified = kind is MERGING and format_of(given)[0] == "simplified"
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
            mine = await _settle(
                door, call, kind, one, originals[number], ld, linked, simplified, results, asked
            )
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
        *(ask_source(door, call, kind, one, pieces, options, results) for one, pieces in asked.values())
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
    simplified: bool,
    results: Results,
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> Any:
    """Send one entity's parts to their sources; the remainder for the broker itself, or None."""
    if kind is DELETE:
        assert linked is not None
        entity_id, context, fragment = check_uri(one, "id"), linked, None
        attrs: frozenset[str] = frozenset()
        types = known_types(door, call, entity_id, {}, context)
    else:
        context = linked if linked is not None else await door.body_context(call, one, ld)
        fragment = expand_entity(one, context, kind.mode, simplified=simplified)
        entity_id = check_uri(fragment.get("id"), "id")
        attrs = frozenset(fragment["attrs"])
        types = frozenset(fragment.get("type", ())) or known_types(door, call, entity_id, {}, context)
    spec = Spec(ids=(entity_id,), exact_types=types)
    matches = without_loop(*write_matches(door, call, spec))
    if not matches:
        return original
    operation = operation_of(kind, matches[0][0])
    plan = plan_whole(matches, operation) if kind is DELETE else plan_write(matches, operation, attrs)
    for part in plan.parts:
        _assign(call, kind, part, entity_id, one, fragment, context, attrs, types, simplified, results, asked)
    for registration, _ in matches:  # inclusive sources whose way of taking it differs from the first one's
        _also(
            kind,
            registration,
            plan.parts,
            entity_id,
            one,
            fragment,
            context,
            plan.rest,
            attrs,
            simplified,
            asked,
        )
    if asked_of(asked, entity_id, attrs):
        results.elsewhere.add(entity_id)
    if kind is DELETE and any(part.registration.proxied for part in plan.parts):
        held = door.broker.find(entity_id, call.actor.access, call.tenant)
        return original if held is not None else None
    if not plan.local:
        return None
    return original if plan.rest is None else reduced(original, plan.rest, context)


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
    simplified: bool,
    results: Results,
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> None:
    registration = part.registration
    covered = part.attrs if part.attrs is not None else attrs
    if not offers(kind, registration):
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
    pieces.append(Piece(entity_id, payload, fragment, context, covered, simplified))


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
    simplified: bool,
    asked: dict[str, tuple[Registration, list[Piece]]],
) -> None:
    if registration.mode != "inclusive" or not offers(kind, registration):
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
    pieces.append(Piece(entity_id, payload, fragment, context, covered, simplified))


async def _own(door: Door, call: Call, kind: Kind, own: list[Any], results: Results) -> None:
    """The broker's own part, by its own handler."""
    ids = [
        one if kind is DELETE else one.get("id", one.get("@id")) if isinstance(one, dict) else ""
        for one in own
    ]
    try:
        mine = await kind.write(door, replay(call, orjson.dumps(own)))
    except AndamanError as error:
        for entity_id in ids:
            results.fail(str(entity_id), error)
        return
    not_held = results.elsewhere.intersection(mine.absent)
    results.errors += [one for one in mine.errors if one["entityId"] not in not_held]
    done = [one for one in mine.done() if one.entity_id not in not_held]
    results.done.update(dict.fromkeys(one.entity_id for one in done))
    results.created.update(dict.fromkeys(one.entity_id for one in done if one.created))


def asked_of(
    asked: dict[str, tuple[Registration, list[Piece]]], entity_id: str, attrs: frozenset[str]
) -> bool:
    """Has some source each of these attributes of an entity to write (or, where there are none, the entity)?"""
    pieces = [
        pieces[-1] for _, pieces in asked.values() if pieces and pieces[-1].entity_id == entity_id
    ]  # the entity at hand is the last
    return bool(pieces) and attrs <= frozenset().union(*(piece.attrs for piece in pieces))
