"""Merging a batch of requests with the current state, into the rows of one transaction. No I/O but ``load``.

Operations apply in the order in which they arrived; each sees what the ones before it in the batch did. An
operation that fails leaves no trace; an atomic request that fails leaves no trace as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import orjson

from andaman.broker.entity.stamp import text_of
from andaman.broker.ledger.batch import CREATED, UNKNOWN, Batch, Request
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.cache import Key, Stored
from andaman.broker.ledger.events import FreshEvent
from andaman.broker.ledger.evolution import EvolutionMerger, Known
from andaman.broker.ledger.rights import REPLACING, WriteGate
from andaman.broker.ledger.rows import Shapes, Texts, encode_changes, exact, make_row
from andaman.broker.model import TEMPORAL_OPS, Change, Doc, EventKind, WriteOp, WriteResult
from andaman.identity.model import Actor, FullAccess
from andaman.kernel.errors import AndamanError, Conflict, TooLarge
from andaman.kernel.time import Micros

Apply = Callable[[WriteOp, Doc | None, Micros], tuple[Doc | None, list[Change], WriteResult]]
"""The pure merge of one operation (broker/entity/apply.py); raises AndamanError."""
Load = Callable[[Key], Stored | None]
"""The durable state of one entity, including batches that the loop has not yet seen."""
Check = Callable[[Doc | None, Doc], None]
"""Looks at an entity of the city before and after an operation; raises BadRequestData where the platform could not read it."""

log = logging.getLogger(__name__)
BATCH_BYTES: Final = 32 << 20
"""Limit for one commit; the operation that passes this is its last. The rest of the requests is another commit."""
_PARSED: Final = 4  # times as large as its bytes, at the least, is a parsed entity
MAX_ENTITY_BYTES: Final = 16 << 20
"""Each change of an entity reads and writes all of it: an entity that grows without end would stop the one writer."""
_FEW: Final = 4  # changes, up to which an update reaches the index as a patch
_ATOMIC: Final = "Nothing of this atomic request was written, because another of its operations failed"


class Merger:
    """Fills batches. Lives in the writer's thread."""

    def __init__(
        self,
        apply: Apply,
        load: Load,
        facts: Facts,
        shapes: Shapes,
        layouts: Texts,
        tenants: set[str],
        max_tenants: int,
        known: Known = lambda _: [],
    ) -> None:
        """``tenants``: those that exist, kept up to date by the owner."""
        self._apply = apply
        self._load = load
        self._facts = facts
        self._shapes = shapes
        self._layouts = layouts
        self._tenants = tenants
        self._max_tenants = max_tenants
        self._gate = WriteGate()
        self.checks: dict[str, Check] = {}
        """Type (IRI) → what a room that reads such entities as configuration demands of them."""
        self._evolutions = EvolutionMerger(shapes, self._gate, known)

    def merge(self, batch: Batch, requests: Sequence[Request]) -> Sequence[Request]:
        """Merge the requests into the batch, in order. Returns those that it has no room for any more; the first of them may have
        been merged in part (``Request.results``), unless it is atomic."""
        for place, request in enumerate(requests):
            results = request.results
            if results:
                del results[request.durable :]  # merged before, but not committed
            if batch.size > BATCH_BYTES:
                return requests[place:]
            if request.atomic:
                results = self._merge_atomic(batch, request)
            else:
                for op in request.ops[len(results) :] if results else request.ops:
                    if batch.size > BATCH_BYTES:
                        return requests[place:]
                    results.append(self._merge_op(batch, op, request))
            batch.answers.append((request, results))
        return ()

    def _merge_atomic(self, batch: Batch, request: Request) -> list[WriteResult]:
        mark = replace(
            batch,
            state=dict(batch.state),
            docs=dict(batch.docs),
            patches={key: dict(attrs) for key, attrs in batch.patches.items()},
            gone=list(batch.gone),
            former=list(batch.former),
            reborn=set(batch.reborn),
            tenants=set(batch.tenants),
            evolution=dict(batch.evolution),
        )
        rows = len(batch.journal)
        results = [self._merge_op(batch, op, request) for op in request.ops]
        if all(result.error is None for result in results):
            return results
        batch.seq, batch.head, batch.next_ord = mark.seq, mark.head, mark.next_ord
        batch.state, batch.docs, batch.gone = mark.state, mark.docs, mark.gone
        batch.patches = mark.patches
        batch.former, batch.tenants, batch.reborn = mark.former, mark.tenants, mark.reborn
        batch.evolution, batch.size = mark.evolution, mark.size
        del batch.journal[rows:], batch.events[rows:]
        return [
            result
            if result.error is not None
            else WriteResult(result.op, result.entity_id, error=Conflict(_ATOMIC))
            for result in results
        ]

    def _merge_op(self, batch: Batch, op: WriteOp, request: Request) -> WriteResult:
        try:
            return self._merge_checked(batch, op, request.actor, request.tenant)
        except AndamanError as error:
            return WriteResult(op.kind, op.entity_id, error=error)
        except Exception:
            # A fault in merging one operation must not take down the others of the batch.
            log.exception("Merging %s of %s failed", op.kind.value, op.entity_id)
            return WriteResult(
                op.kind,
                op.entity_id,
                error=AndamanError(f"Operation {op.kind.value} failed inside the broker"),
            )

    def _merge_checked(self, batch: Batch, op: WriteOp, actor: Actor, tenant: str) -> WriteResult:
        key = (tenant, op.entity_id)
        stored = self._current(batch, key)
        if op.kind in TEMPORAL_OPS:
            new_tenant = tenant not in self._tenants and tenant not in batch.tenants
            if new_tenant:
                self._check_new_tenant(batch)
            return self._evolutions.merge(batch, op, actor, tenant, stored, new_tenant)
        before: Doc | None = orjson.loads(stored[1]) if stored is not None else None
        access = actor.access
        full = type(access) is FullAccess
        if not full:
            before = self._gate.before(op, before, access)
        side = (before["type"], before.get("scope", ())) if before is not None else None
        after, changes, result = self._apply(op, before, batch.at)
        if not changes:
            return result
        if not full:
            if op.kind in REPLACING and before is not None and after is not None:
                after, changes = self._gate.keep(op, before, after, changes, access, text_of(batch.at))
            self._gate.after(op, side, after, changes, access)
        if self.checks and after is not None and not tenant:
            for name in after["type"]:
                check = self.checks.get(name)
                if check is not None:
                    check(before, after)
        if after is None:
            kind = EventKind.DELETED
        else:
            kind = EventKind.UPDATED if stored is not None else EventKind.CREATED
        if stored is None and tenant not in self._tenants and tenant not in batch.tenants:
            self._check_new_tenant(batch)
        row = self._row(stored, after, changes, batch)
        seq = batch.seq + 1
        journal = make_row(
            batch.head,
            seq,
            tenant,
            batch.at,
            kind,
            op.entity_id,
            (row[2], self._shapes.text(row[2])),
            actor,
            row[1] if kind is EventKind.CREATED else encode_changes(changes),
        )
        # Nothing was noted so far: whatever fails above leaves no trace of the operation.
        batch.seq, batch.head = seq, journal[10]
        batch.journal.append(journal)
        batch.size += len(journal[11]) + len(row[1])
        moved = kind is not EventKind.UPDATED or not changes[0].attr
        event = FreshEvent.of(
            journal,
            kind,
            self._shapes.pair(row[2]),
            moved,
            row[1] if after is not None else None,
            changes if not moved and len(changes) <= _FEW else None,
        )
        batch.events.append(event)
        if stored is None:
            batch.next_ord += 1
            batch.tenants.add(tenant)
            if key in batch.docs:
                batch.reborn.add(key)
        elif after is None or row[2] != stored[2]:
            batch.former.append((tenant, op.entity_id, seq, batch.at, stored[2]))
        if after is None:
            batch.gone.append(row[0])
        batch.state[key] = (row, seq) if after is not None else None
        if self._note(batch, key, before, after, changes):
            batch.size += _PARSED * len(row[1])
        result.seq = seq
        result.changed = True
        return result

    @staticmethod
    def _note(batch: Batch, key: Key, before: Doc | None, after: Doc | None, changes: list[Change]) -> bool:
        """Give the index the facts that it needs, without keeping parsed entities if a few attributes are enough. True:
        they are kept.
        """
        known = batch.docs.get(key)
        if known is not None:
            first = known[0]
        elif before is not None and after is not None and len(changes) <= _FEW and changes[0].attr:
            patch = batch.patches.get(key)
            if patch is None:
                batch.patches[key] = {change.attr: change.after for change in changes}
            else:
                patch.update((change.attr, change.after) for change in changes)
            return False
        else:
            first = before if batch.patches.pop(key, None) is None else UNKNOWN
        batch.docs[key] = (first, after if first is not None or after is None else CREATED)
        return first is not None

    def _check_new_tenant(self, batch: Batch) -> None:
        """The first entity makes its tenant; each costs memory as long as the process runs, so their number has a
        bound.
        """
        if len(self._tenants) + len(batch.tenants) >= self._max_tenants:
            raise Conflict(f"There are {self._max_tenants} tenants; no more can be made here")

    def _row(self, stored: Stored | None, after: Doc | None, changes: list[Change], batch: Batch) -> Stored:
        """The entity's row after an operation (its last one when it is deleted)."""
        if after is None:
            assert stored is not None
            return stored
        body = exact(orjson.dumps(after))
        if len(body) > MAX_ENTITY_BYTES and (stored is None or len(body) > len(stored[1])):
            # Not how many bytes it would have: some of them may be of attributes that the actor does not see.
            raise TooLarge(f"An entity has at most {MAX_ENTITY_BYTES} bytes; this one would have more")
        if stored is not None and changes[0].attr:
            # Types and scopes stand (their change comes first): shape and layout stay, facts change here and there.
            order, _, shape, layout, old = stored
            return order, body, shape, layout, self._facts.update(old, after, [c.attr for c in changes])
        text, facts = self._facts.make(after)
        shape = self._shapes.of(tuple(after["type"]), tuple(after.get("scope", ())))[0]
        order = stored[0] if stored is not None else batch.next_ord
        return order, body, shape, self._layouts.number(text), facts

    def _current(self, batch: Batch, key: Key) -> Stored | None:
        if key in batch.state:
            found = batch.state[key]
            return found[0] if found is not None else None
        return self._load(key)
