"""Deleting an attribute of an entity that only its Temporal Evolution knows (CIM 009 §5.6.5, §4.5.7)."""

from __future__ import annotations

from typing import Final

from andaman.broker.model import OpKind, WriteOp
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.kernel.errors import OperationNotSupported

SCOPE: Final = "@scope"
"""History's name of the scope as an attribute."""


async def end_attribute(door: Door, call: Call, op: WriteOp) -> bool:
    """The deletion of an attribute (§5.6.5) where only the evolution of the entity is known: part of it from now on.

    False where there is no such evolution, or no such attribute in it.
    """
    attr = SCOPE if op.attr == "scope" else op.attr
    access = call.actor.access
    try:
        found = await door.broker.resolve(op.entity_id, attr, None, access, call.tenant)
    except OperationNotSupported:
        return False
    ends = [
        [one.dataset, one.kind]
        for one in found
        if op.delete_all or attr == SCOPE or one.dataset == (op.dataset_id or "")
    ]
    if not ends:
        return False
    end = WriteOp(OpKind.TEMPORAL_END, op.entity_id, {"ends": ends}, attr=attr)
    (result,) = await door.broker.write([end], call.actor, call.tenant)
    return result.error is None
