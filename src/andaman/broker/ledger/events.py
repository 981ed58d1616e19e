"""Events for followers: a ring of recent ones in memory, and the journal on disk for those who lag."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import islice
from typing import Final

import orjson

from andaman.broker.ledger.rows import Row, decode_changes
from andaman.broker.model import Change, Doc, Event, EventKind
from andaman.kernel.positions import Position

_LARGE: Final = 16 << 10  # bytes of changes, above which they are read again rather than kept parsed
_PARSED: Final = 4 << 20
"""Bytes whose parsed form events keep, some ten times as large in memory; beyond, the ones parsed first are parsed again."""


class _Kept:
    """Which events keep what they parsed: the latest ones, by the bytes that it was parsed from."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._events: deque[tuple[FreshEvent, int]] = deque()

    def note(self, event: FreshEvent, size: int) -> None:
        self._events.append((event, size))
        self._bytes += size
        while self._bytes > self._limit and len(self._events) > 1:
            old, size = self._events.popleft()
            self._bytes -= size
            if old is not event:
                old.forget()


_kept: Final = _Kept(_PARSED)


class FreshEvent(Event):
    """An event as the writer makes it: ``doc`` and ``changes`` are read from their bytes when first asked for.

    Parsed entities kept for the ring would be the broker's largest and coldest memory, and freeing them its slowest
    step; bodies are shared with the cache.
    """

    __slots__ = ("_blob", "_body", "_changes", "_doc", "_moved", "size")
    _doc: Doc | None
    _body: bytes | None
    _changes: list[Change] | None
    _blob: bytes
    _moved: bool
    size: int
    """Bytes that it holds: of the entity after it, and of its changes."""

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
        """The event of a journal row that was just made. ``body``: the entity after it (None: deleted). ``changes``:
        given if they are few, so that followers need not read them again.
        """
        event = cls.__new__(cls)
        event.seq, event.tenant, event.at = row[0], row[1], row[2]
        event.actor, event.kind, event.entity_id = row[6], kind, row[4]
        event.types, event.scopes = shape
        event.origin, event.reason, event.told, event.request = row[7], row[8], None, row[9]
        blob = row[11]
        event._changes, event._blob, event._moved = changes if len(blob) <= _LARGE else None, blob, moved
        event._doc, event._body = None, body
        event.size = len(blob) if body is None else len(blob) + len(body)
        return event

    @property
    def doc(self) -> Doc | None:
        doc, body = self._doc, self._body
        if doc is None and body is not None:
            doc = self._doc = orjson.loads(body)
            _kept.note(self, len(body))
        return doc

    @doc.setter
    def doc(self, value: Doc | None) -> None:
        self._doc = value
        self._body = None

    @property
    def changes(self) -> list[Change]:
        changes = self._changes
        if changes is None:
            changes = self._changes = decode_changes(self._blob)
            _kept.note(self, len(self._blob))
        return changes

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

    def forget(self) -> None:
        """Drop parsed objects that can be parsed again."""
        if self._body is not None:
            self._doc = None
        self._changes = None

    def mentions(self, mark: bytes) -> bool:
        """Do the changes hold these bytes? Without parsing anything."""
        return mark in self._blob


_YIELD_LIMIT: Final = 5_000  # events handed over at once …
_YIELD_BYTES: Final = 4 << 20  # … and what they hold; a single larger one goes alone
_EACH: Final = 500  # bytes of an event beside its body and changes, roughly


def _size(event: Event) -> int:
    """Of a write to the past."""
    return len(orjson.dumps(event.told)) + _EACH


class EventRing:
    """The last events, bounded in number and bytes. Only the loop's thread touches it.

    A body is counted with each event that holds it: the bodies of one entity differ from event to event, and the cache
    has only the last one.
    """

    def __init__(self, seq: Position, limit: int, limit_bytes: int) -> None:
        self.seq = seq  # of the last event published
        self.bytes = 0
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._ring: deque[Event] = deque()
        self._sizes: deque[int] = deque()
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ring)

    def publish(self, events: list[Event]) -> None:
        """Add events (already durable, without gaps) and wake the followers."""
        sizes = [event.size + _EACH if type(event) is FreshEvent else _size(event) for event in events]
        ring, held = self._ring, self._sizes
        ring.extend(events)
        held.extend(sizes)
        total = self.bytes + sum(sizes)
        self.seq = events[-1].seq
        for _ in range(len(ring) - self._limit):
            ring.popleft()
            total -= held.popleft()
        while total > self._limit_bytes and ring:
            ring.popleft()
            total -= held.popleft()
        self.bytes = total
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
        count = min(missing, _YIELD_LIMIT)
        if self.bytes > _YIELD_BYTES:
            count = self._fitting(start, count)
        if missing * 4 < len(ring):
            return [ring[i] for i in range(-missing, count - missing)]
        return list(islice(ring, start, start + count))

    def _fitting(self, start: int, count: int) -> int:
        """How many events from there on go over at once: one at least."""
        sizes, size = self._sizes, 0
        behind = start - len(sizes)
        # From the right end, as above: to skip to a place costs as much as the way to it.
        near = -behind * 4 < len(sizes)
        found = (
            map(sizes.__getitem__, range(behind, behind + count))
            if near
            else islice(sizes, start, start + count)
        )
        for place, one in enumerate(found):
            size += one
            if size > _YIELD_BYTES:
                return max(place, 1)
        return count

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
    """Followers receive changes of state; writes to the past are not such changes."""
    async for batch in batches:
        if any(event.told is not None for event in batch):
            batch = [event for event in batch if event.told is None]
        if batch:
            yield batch
