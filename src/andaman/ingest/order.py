"""From observations to writes: only what changes is written, and the latest observation stays the state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from andaman.broker.model import Doc, Instance, OpKind, WriteOp
from andaman.kernel.time import Micros, parse_time

_SYSTEM: Final = ("createdAt", "modifiedAt")


def plan(docs: Iterable[Doc], current: Callable[[str], Doc | None]) -> list[WriteOp]:
    """Writes for observations in the order in which they came; ``current`` gives an entity as it stands.

    An attribute equal to what is held (value, unit, time of observation) is left out, so that a repeated message and
    constants such as ``name`` make no event. One whose observation is older than what is held is written and what is
    held is restored behind it: both are then in the history, and the latest is the state. Without a time of observation
    the later arrival wins.
    """
    ops: list[WriteOp] = []
    held: dict[str, dict[str, list[Instance]] | None] = {}
    types: dict[str, set[str]] = {}
    for doc in docs:
        entity_id = doc["id"]
        if entity_id not in held:
            found = current(entity_id)
            held[entity_id] = (
                None if found is None else {n: _bare(ones) for n, ones in found["attrs"].items()}
            )
            types[entity_id] = set() if found is None else set(found["type"])
        known = held[entity_id]
        is_new = known is None
        if known is None:
            known = held[entity_id] = {}
        attrs = {name: ones for name, ones in doc["attrs"].items() if known.get(name) != ones}
        if not attrs and not is_new and types[entity_id].issuperset(doc["type"]):
            continue
        types[entity_id].update(doc["type"])
        ops.append(WriteOp(OpKind.UPSERT_UPDATE, entity_id, {**doc, "attrs": attrs}))
        newer = {name: known[name] for name, ones in attrs.items() if _time(known.get(name)) > _time(ones)}
        known.update({name: ones for name, ones in attrs.items() if name not in newer})
        if newer:
            ops.append(
                WriteOp(
                    OpKind.UPSERT_UPDATE, entity_id, {"id": entity_id, "type": doc["type"], "attrs": newer}
                )
            )
    return ops


def _time(ones: list[Instance] | None) -> Micros:
    """When the first instance was observed; before everything where that is not known."""
    at = ones[0].get("observedAt") if ones else None
    return parse_time(at) if at else 0


def _bare(ones: list[Instance]) -> list[Instance]:
    """Instances without system times, as a connector makes them."""
    return [{key: value for key, value in one.items() if key not in _SYSTEM} for one in ones]
