"""Batch operations (CIM 009 §5.6.7–5.6.10, §5.6.20, §6.14–6.17, §6.31): each entity succeeds or fails by itself."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import APPEND, MERGE, WHOLE, Mode, expand_entity
from andaman.broker.entity.names import check_uri
from andaman.broker.model import OpKind, WriteOp, WriteResult
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer
from andaman.doors.ngsild.params import format_of
from andaman.doors.ngsild.provision import merging, only_option
from andaman.kernel.errors import AndamanError, BadRequestData, NoSuchEntity, TooLarge

_SLICE: Final = 100
_PLAIN: Final = frozenset({"local"})
_OPTIONS: Final = frozenset({"local", "options"})
_MERGE: Final = frozenset({"local", "options", "format", "observedAt", "lang"})


class Batch:
    """The entities of one request: operations of those that are valid, errors of the others, in their order."""

    def __init__(self) -> None:
        self.ops: list[WriteOp] = []
        self.errors: list[dict[str, Any]] = []
        self.results: list[WriteResult] = []
        self.absent: list[str] = []
        """Entities that are not held here, so that nothing was done to them. They are among the errors too."""

    def fail(self, entity_id: Any, error: AndamanError) -> None:
        shown = entity_id if isinstance(entity_id, str) else ""
        self.errors.append({"entityId": shown, "error": error.problem()})
        if isinstance(error, NoSuchEntity):
            self.absent.append(shown)

    async def write(self, door: Door, call: Call) -> None:
        if self.ops:
            call.still_admitted()  # a refusal while one of its contexts was fetched is no fault of that entity alone
            self.results = await door.broker.write(self.ops, call.batch_actor, call.tenant, size=call.size)
        for result in self.results:
            if result.error is not None:
                self.fail(result.entity_id, result.error)
            elif result.not_updated:
                names = ", ".join(iri for iri, _ in result.not_updated)
                self.fail(
                    result.entity_id, BadRequestData(f"Not written: {names}: {result.not_updated[0][1]}")
                )

    def done(self) -> list[WriteResult]:
        return [one for one in self.results if one.error is None and not one.not_updated]

    def partial(self) -> Answer:
        """207 with ids and errors (§5.2.16)."""
        success = list(dict.fromkeys(one.entity_id for one in self.done()))
        return json_answer({"success": success, "errors": self.errors}, 207)


def listed(door: Door, payload: Any) -> list[Any]:
    if not isinstance(payload, list) or not payload:
        raise BadRequestData("The body must be a list that is not empty")
    if len(payload) > door.options.max_batch:
        raise TooLarge(f"A batch holds at most {door.options.max_batch} entities")
    if any(one is None for one in payload):
        raise BadRequestData("The list holds null")
    return payload


async def _entities(
    door: Door, call: Call, kind: OpKind, mode: Mode, simplified: bool = False, **more: Any
) -> Batch:
    payload, ld = await call.json(door.options.max_body)
    batch = Batch()
    context: Context | None = None if ld else await door.link_context(call)
    for number, one in enumerate(listed(door, payload), 1):
        if number % _SLICE == 0:
            await asyncio.sleep(0)  # a big batch must not hold up the others
        entity_id = one.get("id", one.get("@id")) if isinstance(one, dict) else None
        try:
            own = await door.body_context(call, one, ld) if ld or _has_context(one) else context
            assert own is not None
            fragment = expand_entity(one, own, mode, simplified=simplified)
            if "id" not in fragment:
                raise BadRequestData("The entity has no id", field="id")
            batch.ops.append(WriteOp(kind, fragment["id"], fragment, **more))
        except AndamanError as error:
            if error.extra.get("field") == "Link":
                raise  # a fault of the request as a whole
            batch.fail(entity_id, error)
    return batch


def _has_context(one: Any) -> bool:
    return isinstance(one, dict) and "@context" in one


async def write_create(door: Door, call: Call) -> Batch:
    call.parameters(_PLAIN)
    batch = await _entities(door, call, OpKind.CREATE, WHOLE)
    await batch.write(door, call)
    return batch


async def write_upsert(door: Door, call: Call) -> Batch:
    given = call.parameters(_OPTIONS)
    options = given.get("options")
    update = False
    if options is not None and options != "replace":
        update = only_option(given, "update")
    kind = OpKind.UPSERT_UPDATE if update else OpKind.UPSERT_REPLACE
    batch = await _entities(door, call, kind, WHOLE)
    await batch.write(door, call)
    return batch


async def write_update(door: Door, call: Call) -> Batch:
    given = call.parameters(_OPTIONS)
    no_overwrite = only_option(given, "noOverwrite")
    batch = await _entities(door, call, OpKind.APPEND, APPEND, no_overwrite=no_overwrite)
    await batch.write(door, call)
    return batch


async def write_merge(door: Door, call: Call) -> Batch:
    given = call.parameters(_MERGE)
    simplified = format_of(given)[0] == "simplified"
    batch = await _entities(door, call, OpKind.MERGE, MERGE, simplified, **merging(given))
    await batch.write(door, call)
    return batch


async def write_delete(door: Door, call: Call) -> Batch:
    call.parameters(_PLAIN)
    payload, _ = await call.json(door.options.max_body)
    batch = Batch()
    for one in listed(door, payload):
        try:
            batch.ops.append(WriteOp(OpKind.DELETE, check_uri(one, "id")))
        except AndamanError as error:
            batch.fail(one, error)
    await batch.write(door, call)
    return batch


async def create(door: Door, call: Call) -> Answer:
    """POST /entityOperations/create."""
    batch = await write_create(door, call)
    if batch.errors:
        return batch.partial()
    return json_answer([one.entity_id for one in batch.done()], 201)


async def upsert(door: Door, call: Call) -> Answer:
    """POST /entityOperations/upsert; ``options=update`` updates what exists instead of replacing it."""
    batch = await write_upsert(door, call)
    if batch.errors:
        return batch.partial()
    created = list(dict.fromkeys(one.entity_id for one in batch.done() if one.created))
    return json_answer(created, 201) if created else NO_CONTENT


async def update(door: Door, call: Call) -> Answer:
    """POST /entityOperations/update: append with or without overwrite to what exists."""
    batch = await write_update(door, call)
    return batch.partial() if batch.errors else NO_CONTENT


async def merge(door: Door, call: Call) -> Answer:
    """POST /entityOperations/merge."""
    batch = await write_merge(door, call)
    return batch.partial() if batch.errors else NO_CONTENT


async def delete(door: Door, call: Call) -> Answer:
    """POST /entityOperations/delete: a list of entity ids."""
    batch = await write_delete(door, call)
    return batch.partial() if batch.errors else NO_CONTENT


OPERATIONS: Final = {"create": create, "upsert": upsert, "update": update, "merge": merge, "delete": delete}
