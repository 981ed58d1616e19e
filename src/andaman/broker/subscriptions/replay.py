"""Entities as they were after events that are read from the journal, which contains changes but not complete entities.

The state at the time of the first event comes from history; later events are folded onto it. Events of one commit
share their time, so the state at that time is wound back over the later ones of the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from andaman.broker.ledger.journal import PAGE_BYTES
from andaman.broker.ledger.rows import fold_changes
from andaman.broker.model import Doc, Event, EventKind
from andaman.broker.service import Broker
from andaman.broker.subscriptions.changes import as_of, doc_before_deletion, undo
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import NoSuchTenant, ResourceNotFound
from andaman.kernel.positions import Position

_COMMIT_MAX: Final = 50_000  # events that may share a time: no commit is larger
_KNOWN_MAX: Final = 2_000
_KNOWN_BYTES: Final = 4 << 20  # as JSON; parsed they are some ten times as large


class Replay:
    """States along one reading of the journal, in order. Feed it every event; ask it for some."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._known: dict[tuple[str, str], Doc] = {}
        self._bytes = 0  # of these, as they were when they came
        self._events: Sequence[Event] = ()
        self._place = 0

    async def read(self, after: Position, limit: int, tenant: str | None) -> list[Event]:
        """A slice of the journal that ends with the end of a commit."""
        events = await self._broker.read_events(after, limit, tenant, PAGE_BYTES)
        while events and len(events) < _COMMIT_MAX:
            more = await self._broker.read_events(events[-1].seq, limit, tenant, PAGE_BYTES)
            same = next((n for n, event in enumerate(more) if event.at != events[-1].at), len(more))
            events += more[:same]
            if same < len(more) or not more:
                break
        self._events = events
        return events

    def begin(self, events: Sequence[Event]) -> None:
        """Use events that somebody else has read."""
        self._events = events

    def step(self, place: int) -> None:
        """Event number ``place`` of the slice comes next; the known states are kept up to date."""
        self._place = place
        event = self._events[place]
        key = (event.tenant, event.entity_id)
        if event.doc is not None:
            if key in self._known:
                self._known[key] = event.doc
        elif event.kind is EventKind.DELETED:
            self._known.pop(key, None)
        elif key in self._known:
            after = fold_changes(self._known[key], event.entity_id, event.at, event.kind, event.changes)
            assert after is not None
            self._known[key] = after

    async def state(self) -> Doc | None:
        """The entity after the event of the last step (before it, for a deletion). None: history lost it."""
        event = self._events[self._place]
        if event.kind is EventKind.DELETED:
            return doc_before_deletion(event)
        if event.doc is not None:
            return event.doc
        key = (event.tenant, event.entity_id)
        known = self._known.get(key)
        if known is None:
            known = await self._look_up(event)
            if known is None:
                return None
            size = len(orjson.dumps(known))
            if len(self._known) >= _KNOWN_MAX or self._bytes + size > _KNOWN_BYTES:
                self._known.clear()
                self._bytes = 0
            self._known[key] = known
            self._bytes += size
        return known

    async def _look_up(self, event: Event) -> Doc | None:
        doc: Doc | None
        try:
            doc = await self._broker.get_at(event.at, event.entity_id, FULL_ACCESS, event.tenant)
        except (ResourceNotFound, NoSuchTenant):
            doc = None
        later = [
            one
            for one in self._events[self._place + 1 :]
            if one.entity_id == event.entity_id and one.tenant == event.tenant and one.at == event.at
        ]
        for one in reversed(later):
            if doc is None and one.kind is not EventKind.DELETED:
                return None
            doc = undo(doc, one)
        return None if doc is None else as_of(doc, event)
