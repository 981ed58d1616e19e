"""Events for followers: a ring of recent ones in memory, and the journal on disk for those who lag."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import orjson

from andaman.broker.ledger.rows import Row, decode_changes
from andaman.broker.model import Change, Doc, Event, EventKind


class FreshEvent(Event):
    """An event as the writer makes it: ``doc`` and ``changes`` are read from their bytes when first asked for.

    Parsed entities kept for the ring would be the broker's largest and coldest memory, and freeing them its slowest
    step; bodies are shared with the cache.
    """

    __slots__ = ("_blob", "_body", "_changes", "_doc", "_moved")
    _doc: Doc | None
    _body: bytes | None
    _changes: list[Change] | None
    _blob: bytes
    _moved: bool

    @classmethod
    def of(
        cls,
        row: Row,
        kind: EventKind,
        shape: tuple[tuple[str, ...], tuple[str, ...]],
        moved: bool,
        body: bytes | None,
        changes: list[Change] | None = None,
    ) -> FreshEvent:
        """The event of a journal row that was just made; ``body``: the entity after it (None: deleted); ``changes``: where
        they are few, so that followers need not read them again."""
        event = cls.__new__(cls)
        event.seq, event.tenant, event.at = row[0], row[1], row[2]
        event.actor, event.kind, event.entity_id = row[6], kind, row[4]
        event.types, event.scopes = shape
        event.origin, event.reason, event.told = row[7], row[8], None
        event._changes, event._blob, event._moved = changes, row[11], moved
        event._doc, event._body = None, body
        return event

    @property
    def doc(self) -> Doc | None:
        if self._doc is None and self._body is not None:
            self._doc = orjson.loads(self._body)
        return self._doc

    @doc.setter
    def doc(self, value: Doc | None) -> None:
        self._doc = value
        self._body = None

    @property
    def changes(self) -> list[Change]:
        if self._changes is None:
            self._changes = decode_changes(self._blob)
        return self._changes

    @changes.setter
    def changes(self, value: list[Change]) -> None:
        self._changes = value

    @property
    def moved(self) -> bool:
        return self._moved

    @property
    def body(self) -> bytes | None:
        """The entity after the event as it is stored; None where it was deleted, or read already."""
        return self._body

    def mentions(self, mark: bytes) -> bool:
        """Do the changes hold these bytes? Without parsing anything."""
        return mark in self._blob


_YIELD_LIMIT: Final = 5_000  # events handed over at once


class EventRing:
    """The last events, bounded in number. Only the loop's thread touches it."""

    def __init__(self, seq: int, limit: int) -> None:
        self.seq = seq  # of the last event published
        self._limit = limit
        self._ring: deque[Event] = deque(maxlen=limit)
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def publish(self, events: list[Event]) -> None:
        """Add events (already durable, without gaps) and wake the followers."""
        self._ring.extend(events)
        self.seq = events[-1].seq
        for waiter in self._waiting:
            waiter.set()

    def close(self) -> None:
        """End every follower once it has had all events."""
        self._closed = True
        for waiter in self._waiting:
            waiter.set()

    def after(self, position: int) -> list[Event] | None:
        """Events behind a position, or None when the ring does not reach back so far."""
        missing = self.seq - position
        if missing > len(self._ring):
            return None
        if missing <= 0:
            return []
        # From the right end: cheap for those who keep up, which is nearly everybody.
        ring = self._ring
        start = len(ring) - missing
        if missing * 4 < len(ring):
            return [ring[i] for i in range(-missing, -missing + min(missing, _YIELD_LIMIT))]
        stop = start + _YIELD_LIMIT
        return [event for i, event in enumerate(ring) if start <= i < stop]

    async def follow(
        self, position: int, read: Callable[[int, int], Awaitable[list[Event]]]
    ) -> AsyncIterator[list[Event]]:
        """Batches behind ``position``; ``read(after, limit)`` fetches what the ring no longer has."""
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            while True:
                wake.clear()
                events = self.after(position)
                if events is None:
                    events = await read(position, _YIELD_LIMIT)
                if events:
                    position = events[-1].seq
                    yield events
                elif self._closed:
                    return
                else:
                    await wake.wait()
        finally:
            self._waiting.discard(wake)


async def changes_of_state(batches: AsyncIterator[list[Event]]) -> AsyncIterator[list[Event]]:
    """Followers hear of changes of state; writes to the past are none."""
    async for batch in batches:
        if any(event.told is not None for event in batch):
            batch = [event for event in batch if event.told is None]
        if batch:
            yield batch
