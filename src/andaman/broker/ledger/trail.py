"""The changes of one entity with their authors: its events, newest first, as one principal may know them.

The journal has no index by entity (that would tax every write), so this walks back from the entity's last event in
bounded stretches: what one question may look at is limited, and the answer says where to go on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from andaman.broker.ledger.journal import Journal, JournalPool
from andaman.broker.ledger.rights import see_event
from andaman.broker.model import Event, EventKind
from andaman.identity.model import Access
from andaman.kernel.positions import Position
from andaman.kernel.time import Micros

STRETCH: Final = 20_000  # rows looked at in one statement
LOOK_MAX: Final = 400_000  # rows looked at for one question


class Trail(NamedTuple):
    """``events`` newest first; ``rest``: the position to ask on before, None when the entity's creation was reached."""

    events: list[Event]
    rest: Position | None


def trail(
    journals: JournalPool,
    entity_id: str,
    access: Access,
    tenant: str,
    *,
    at: Micros | None = None,
    before: int | None = None,
    limit: int = 20,
    look_max: int = LOOK_MAX,
) -> Trail:
    """Up to ``limit`` events known at ``at`` (None: now) with position < ``before`` that this principal may know of."""
    with journals.reader() as journal:
        high = _start(journal, tenant, entity_id, at, before)
        floor = max(0, high - look_max)
        found: list[Event] = []
        while high > floor:
            low = max(floor, high - STRETCH)
            for event in journal.back(tenant, entity_id, low, high):
                if event.told is not None:
                    continue  # a write to the past is no change of the entity; the audit log has it
                seen = see_event(event, access)
                if seen is not None:
                    found.append(seen)
                if (event if seen is None else seen).kind is EventKind.CREATED:
                    return Trail(found, None)
                if len(found) == limit:
                    return Trail(found, event.seq)
            high = low
        return Trail(found, Position(high + 1) if high else None)


def _start(journal: Journal, tenant: str, entity_id: str, at: Micros | None, before: int | None) -> int:
    """The last position worth looking at."""
    bounds = [journal.last_of(tenant, entity_id) or journal.end()]
    if before is not None:
        bounds.append(before - 1)
    if at is not None:
        bounds.append(journal.end_at(at))
    return min(bounds)
