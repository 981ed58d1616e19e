"""Writes to the Temporal Evolution of entities (CIM 009 §5.6.11–5.6.16) as journal events.

Current state stands whatever they say. What the journal keeps of one (``Event.told``)::

    {"do": "add", "type": […]?, "scope": [instances]?, "attrs": {IRI: [instances]}}
    {"do": "replace", "attr": IRI, "dataset": "", "at": [seq, place], "instance": {…}}
    {"do": "end", "attr": IRI or "@scope", "ends": [[data set, kind]]}
    {"do": "erase"}  {"do": "erase", "attr": IRI}  {"do": "erase", "attr": IRI, "dataset": ""}
    {"do": "erase", "attr": IRI, "dataset": "", "at": [seq, place]}

``type`` stands where the evolution is new or gets further types, and is the whole list. An instance is named by the
journal position that told it and its place among the instances of its attribute there. Which evolutions there are, and who may see
them, hangs on current state, on the table ``former``, and on ``evolution``: entities that only the temporal API knows (shape > 0)
or whose evolution was erased (shape 0), each with the position that said so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from andaman.broker.entity.stamp import stamp_new
from andaman.broker.ledger.batch import Batch
from andaman.broker.ledger.cache import Key, Stored
from andaman.broker.ledger.rights import WriteGate
from andaman.broker.ledger.rows import Shapes, make_row
from andaman.broker.model import Doc, Event, EventKind, Instance, OpKind, WriteOp, WriteResult
from andaman.identity.model import Access, Actor, FullAccess
from andaman.kernel.errors import Forbidden, ResourceNotFound
from andaman.kernel.positions import Position
from andaman.kernel.time import format_time

Known = Callable[[Key], list[tuple[int, int, int]]]
"""What the store says of an entity without current state: (position, 0 for ``former`` or 1 for ``evolution``, shape)."""
ADD, REPLACE, END, ERASE = "add", "replace", "end", "erase"
INSERT: Final = "INSERT INTO evolution (tenant, id, seq, shape)"
ON_CONFLICT: Final = "ON CONFLICT (tenant, id) DO UPDATE SET seq=excluded.seq, shape=excluded.shape"
KNOWN: Final = (
    "SELECT seq, 0, shape FROM (SELECT seq, shape FROM former WHERE tenant=?1 AND id=?2 ORDER BY seq DESC LIMIT 1) "
    "UNION ALL SELECT seq, 1, shape FROM evolution WHERE tenant=?1 AND id=?2"
)


class EvolutionMerger:
    """Adds temporal operations to a batch; lives with the merger in the writer's thread."""

    def __init__(self, shapes: Shapes, gate: WriteGate, known: Known) -> None:
        self._shapes = shapes
        self._gate = gate
        self._known = known

    def merge(
        self, batch: Batch, op: WriteOp, actor: Actor, tenant: str, stored: Stored | None, new_tenant: bool
    ) -> WriteResult:
        """One operation. Raises ResourceNotFound, Forbidden. Nothing is noted when it raises."""
        key = (tenant, op.entity_id)
        shape, evolved = (stored[2], False) if stored is not None else self._last_shape(batch, key)
        upsert = op.kind is OpKind.TEMPORAL_UPSERT
        access = actor.access
        if shape and not access.sees(*self._shapes.pair(shape)):
            if upsert:
                raise Forbidden(f"You may not create entity {op.entity_id} here")
            shape = 0
        if not (shape or upsert) or (op.kind is OpKind.TEMPORAL_END and not evolved):
            raise ResourceNotFound(f"There is no temporal evolution of an entity {op.entity_id}")
        result = WriteResult(op.kind, op.entity_id, created=not shape)
        told = self._recorded(op, shape, batch.at)
        if told is None:
            return result
        types, scopes = self._after(op, shape, told, stored)
        if type(access) is not FullAccess:
            self._check(access, op, shape, types, scopes)
        number, text = self._shapes.of(tuple(types), tuple(scopes))
        seq = batch.seq + 1
        row = make_row(
            batch.head,
            seq,
            tenant,
            batch.at,
            EventKind.TEMPORAL,
            op.entity_id,
            (number, text),
            actor,
            orjson.dumps(told),
        )
        batch.seq, batch.head = seq, row[10]
        batch.journal.append(row)
        batch.size += 4 * len(row[11])  # the event keeps it parsed
        event = Event(
            Position(seq),
            tenant,
            batch.at,
            row[6],
            EventKind.TEMPORAL,
            op.entity_id,
            tuple(types),
            tuple(scopes),
            [],
            None,
            actor.origin,
            actor.reason,
            told,
        )
        batch.events.append(event)
        if told == {"do": ERASE}:
            batch.evolution[key] = (seq, 0)
        elif stored is None and number != shape:
            if shape:
                batch.former.append((tenant, op.entity_id, seq, batch.at, shape))
            batch.evolution[key] = (seq, number)
        if new_tenant:
            batch.tenants.add(tenant)
        result.seq, result.changed = seq, True
        return result

    def _last_shape(self, batch: Batch, key: Key) -> tuple[int, bool]:
        """The shape of an entity without current state, 0 where it is not known (any more); was it only ever evolution?"""
        found = list(self._known(key))
        found += [(row[2], 0, row[4]) for row in batch.former if (row[0], row[1]) == key]
        if key in batch.evolution:
            seq, shape = batch.evolution[key]
            found.append((seq, 1, shape))
        if not found:
            return 0, False
        # At the same position ``former`` tells what was, ``evolution`` what is.
        _, evolved, shape = max(found)
        return shape, bool(evolved)

    def _recorded(self, op: WriteOp, shape: int, at: int) -> dict[str, Any] | None:
        """The record that the journal keeps; None when there is nothing to write."""
        fragment = op.fragment
        when = format_time(at)
        if op.kind is OpKind.TEMPORAL_ERASE:
            told: dict[str, Any] = {"do": ERASE}
            if op.attr:
                told["attr"] = op.attr
                if not op.delete_all:
                    told["dataset"] = op.dataset_id or ""
                if op.instance is not None:
                    told["at"] = list(op.instance)
            return told
        if op.kind is OpKind.TEMPORAL_END:
            return {"do": END, "attr": op.attr, "ends": fragment["ends"]}
        if op.kind is OpKind.TEMPORAL_REPLACE:
            assert op.instance is not None
            (instance,) = fragment["attrs"][op.attr]
            made = stamp_new(instance, when)
            if "createdAt" in instance:
                made["createdAt"] = instance["createdAt"]
            if op.dataset_id is not None:
                made["datasetId"] = op.dataset_id
            return {
                "do": REPLACE,
                "attr": op.attr,
                "dataset": op.dataset_id or "",
                "at": list(op.instance),
                "instance": made,
            }
        attrs: dict[str, list[Instance]] = {
            iri: [stamp_new(one, when) for one in instances]
            for iri, instances in fragment.get("attrs", {}).items()
        }
        told = {"do": ADD, "attrs": attrs}
        if fragment.get("scope"):
            told["scope"] = [stamp_new(one, when) for one in fragment["scope"]]
        before = self._shapes.pair(shape)[0] if shape else ()
        types = sorted({*before, *fragment.get("type", ())})
        if types != list(before):
            told["type"] = types
        return told if attrs or len(told) > 2 else None

    def _after(
        self, op: WriteOp, shape: int, told: dict[str, Any], stored: Stored | None
    ) -> tuple[list[str], list[str]]:
        """(types, scopes) after the operation, which decide the rights on the evolution."""
        types, scopes = self._shapes.pair(shape) if shape else ((), ())
        if stored is not None:
            return list(types), list(scopes)
        newest: Doc | None = max(
            told.get("scope", ()), key=lambda one: str(one.get("observedAt", "9")), default=None
        )
        return told.get("type", list(types)), newest["value"] if newest is not None else list(scopes)

    def _check(self, access: Access, op: WriteOp, shape: int, types: list[str], scopes: list[str]) -> None:
        touched = [op.attr] if op.attr else list(op.fragment.get("attrs", ()))
        sides = [(tuple(types), tuple(scopes))]
        if shape:
            sides.append(self._shapes.pair(shape))
        whole = op.kind is OpKind.TEMPORAL_ERASE and not op.attr
        for side in sides:
            secret = whole and access.hidden_attrs(side[0], side[1])
            if secret or not self._gate.may(access, side[0], side[1], touched):
                if not shape:  # as over an id that is taken by what may not be seen
                    raise Forbidden(f"You may not create entity {op.entity_id} here")
                raise Forbidden(
                    f"You may not change the temporal evolution of entity {op.entity_id} in this way"
                )
