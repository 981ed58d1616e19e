"""Batch operations, the entities' parts for sources, and what happened to each entity (CIM 009 §5.6.7–5.6.10, §5.6.20)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import APPEND, MERGE, WHOLE, Mode
from andaman.broker.model import Doc
from andaman.broker.registry.model import Registration
from andaman.doors.ngsild import batch
from andaman.doors.ngsild.distributed.legs import batch_error
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer
from andaman.kernel.errors import AndamanError


@dataclass(frozen=True, slots=True)
class Kind:
    """A batch operation: its name in paths and registrations, its reader of entities, its handler, and the part of that
    which writes and reports.
    """

    name: str
    operation: str
    mode: Mode
    handler: Callable[[Door, Call], Awaitable[Answer]]
    write: Callable[[Door, Call], Awaitable[batch.Batch]]


CREATE: Final = Kind("create", "createBatch", WHOLE, batch.create, batch.write_create)
UPSERT: Final = Kind("upsert", "upsertBatch", WHOLE, batch.upsert, batch.write_upsert)
UPDATE: Final = Kind("update", "updateBatch", APPEND, batch.update, batch.write_update)
MERGING: Final = Kind("merge", "mergeBatch", MERGE, batch.merge, batch.write_merge)
DELETE: Final = Kind("delete", "deleteBatch", WHOLE, batch.delete, batch.write_delete)
_SINGLE: Final = {
    "create": ("createEntity",),
    "upsert": ("createEntity", "replaceEntity", "updateEntity"),
    "update": ("appendAttrs", "updateEntity"),
    "merge": ("mergeEntity",),
    "delete": ("deleteEntity",),
}


def operation_of(kind: Kind, one: Registration) -> str:
    return kind.operation if kind.operation in one.operations else _SINGLE[kind.name][0]


def offers(kind: Kind, one: Registration) -> bool:
    return kind.operation in one.operations or any(name in one.operations for name in _SINGLE[kind.name])


@dataclass(slots=True)
class Piece:
    """One entity's part for one source."""

    entity_id: str
    payload: Any  # in the request's names; for deletion the id
    fragment: Doc | None
    context: Context
    attrs: frozenset[str]
    simplified: bool = False


@dataclass(slots=True)
class Results:
    """The results, entity by entity."""

    done: dict[str, None] = field(default_factory=dict)
    created: dict[str, None] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    """Entities whose attributes in the request all belong to sources: it is not a fault that they are not held here
    (§5.6.2.4).
    """

    def fail(self, entity_id: str, error: AndamanError) -> None:
        self.errors.append(batch_error(entity_id, error))

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
