"""The audit log, and one view of it merged with the journal.

Identity's own acts (sign-ins, refusals, administration) are appended here, hash-chained. Changes of entities are
audited by the journal itself; ``merged`` reads both as one list, newest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from andaman.identity.model import Actor
from andaman.identity.records import AuditEntry, Outcome
from andaman.identity.store import IdentityStore
from andaman.kernel.positions import Position
from andaman.kernel.time import MINUTE, Clock, Micros

_SCAN: Final = 2_000
_SCAN_MAX: Final = 40_000
_QUEUE_MAX: Final = 5_000


class JournalEvent(Protocol):
    """The members of an event that the merged view reads; broker.model.Event fits."""

    @property
    def seq(self) -> Position: ...
    @property
    def tenant(self) -> str: ...
    @property
    def at(self) -> Micros: ...
    @property
    def actor(self) -> str: ...
    @property
    def kind(self) -> Any: ...
    @property
    def entity_id(self) -> str: ...
    @property
    def changes(self) -> Sequence[Any]: ...


class Journal(Protocol):
    """The part of the broker that the merged view needs; Broker fits."""

    @property
    def seq(self) -> Position: ...
    @property
    def position_key(self) -> bytes: ...

    async def read_events(
        self, after: Position, limit: int = ..., tenant: str | None = ...
    ) -> Sequence[JournalEvent]: ...

    def back(self, position: Position, count: int) -> Position: ...

    async def position_before(self, at: Micros) -> Position: ...


class Place(NamedTuple):
    """Place of an entry in the merged order: entries of one instant are ordered by source, then by number."""

    at: Micros
    rank: int  # 0 identity, 1 journal
    seq: int

    @classmethod
    def of(cls, entry: AuditEntry) -> Place:
        return cls(entry.at, int(entry.source != "identity"), entry.seq)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """``action`` is a prefix: ``session.`` for sign-ins, ``entity.`` for the journal. ``after_at`` is inclusive;
    ``before`` is the position of the entry before which to go on."""

    actor: str = ""
    action: str = ""
    target: str = ""
    outcome: str = ""
    after_at: Micros | None = None
    before: Place | None = None
    limit: int = 100


class AuditTrail:
    """Appends entries; refusals are written in the background and at most once a minute per kind, so that anonymous
    clients cannot fill the disk.
    """

    def __init__(self, store: IdentityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._pending: list[AuditEntry] = []
        self._flush_lock = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None
        self._said: dict[tuple[str, str, str], Micros] = {}

    async def add(
        self,
        actor: Actor,
        action: str,
        target: str = "",
        *,
        detail: str = "",
        outcome: Outcome = Outcome.OK,
    ) -> None:
        """Append one entry; it is on disk when this returns."""
        entry = AuditEntry(
            0,
            self._clock(),
            actor.principal.id,
            action,
            target,
            outcome,
            actor.origin,
            actor.reason,
            detail,
        )
        await asyncio.to_thread(self._store.add_audit, [entry])

    def refused(self, actor: Actor, action: str, target: str, detail: str = "") -> None:
        """Note a refusal soon; never waits, never raises."""
        now = self._clock()
        key = (actor.principal.id, actor.origin, action)
        if now - self._said.get(key, -MINUTE) < MINUTE or len(self._pending) >= _QUEUE_MAX:
            return
        if len(self._said) > _QUEUE_MAX:
            self._said.clear()
        self._said[key] = now
        self._pending.append(
            AuditEntry(
                0,
                now,
                actor.principal.id,
                action,
                target[:500],
                Outcome.REFUSED,
                actor.origin,
                actor.reason,
                detail[:500],
            )
        )
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Write what waits."""
        async with self._flush_lock:
            while self._pending:
                entries, self._pending = self._pending, []
                await asyncio.to_thread(self._store.add_audit, entries)

    async def merged(
        self,
        wanted: AuditFilter,
        journal: Journal | None = None,
        shorten: Callable[[str], str] = lambda name: name,
        enters: Callable[[str], bool] = lambda tenant: True,
    ) -> list[AuditEntry]:
        """Identity's entries and the journal's as one list, newest first, at most ``limit``.

        To page on, ask again with ``before`` = the last entry's position. The journal is searched backwards over
        at most 40,000 events from there or from its end. ``shorten``: attribute IRI → name for people. ``enters``: whether the
        journal of a tenant is for the asker; an API token is for one.
        """
        await self.flush()
        own = await asyncio.to_thread(
            self._store.list_audit,
            before=_own_before(wanted.before),
            after_at=wanted.after_at,
            actor=wanted.actor,
            action=wanted.action,
            target=wanted.target,
            outcome=wanted.outcome,
            limit=wanted.limit,
        )
        events = [] if journal is None else await _from_journal(journal, wanted, shorten, enters)
        return sorted(own + events, key=Place.of, reverse=True)[: wanted.limit]


def _own_before(position: Place | None) -> tuple[Micros, int] | None:
    """The same place among identity's own entries, which stand below the journal's of the same instant."""
    if position is None:
        return None
    return (position.at + 1, 0) if position.rank else (position.at, position.seq)


async def _from_journal(
    journal: Journal, wanted: AuditFilter, shorten: Callable[[str], str], enters: Callable[[str], bool]
) -> list[AuditEntry]:
    if wanted.outcome == Outcome.REFUSED or not (
        wanted.action.startswith("entity") or "entity.".startswith(wanted.action)
    ):
        return []
    found: list[AuditEntry] = []
    end = journal.seq
    if wanted.before is not None:
        at, rank, seq = wanted.before
        end = journal.back(Position(seq), 1) if rank else await journal.position_before(at)
    stop = journal.back(end, _SCAN_MAX)
    while end > stop and len(found) < wanted.limit:
        start = max(stop, journal.back(end, _SCAN))
        for entry in reversed(await _entries(journal, start, end, shorten)):
            if wanted.after_at is not None and entry.at < wanted.after_at:
                return found[: wanted.limit]
            if not enters(entry.source.removeprefix("journal").removeprefix(":")):
                continue
            if (
                (not wanted.actor or entry.actor == wanted.actor)
                and (not wanted.target or entry.target == wanted.target)
                and entry.action.startswith(wanted.action)
            ):
                found.append(entry)
        end = start
    return found[: wanted.limit]


async def _entries(
    journal: Journal, start: Position, end: Position, shorten: Callable[[str], str]
) -> list[AuditEntry]:
    """Of the events with start < seq ≤ end, in order. Large ones come in several slices, and are let go of."""
    found: list[AuditEntry] = []
    while start < end:
        events = [event for event in await journal.read_events(start, _SCAN) if event.seq <= end]
        if not events:
            break
        found += [_entry(event, shorten) for event in events]
        start = events[-1].seq
    return found


def _entry(event: JournalEvent, shorten: Callable[[str], str]) -> AuditEntry:
    attrs = [shorten(change.attr) for change in event.changes if change.attr]
    detail = " ".join(attrs[:20]) + (f" and {len(attrs) - 20} more" if len(attrs) > 20 else "")
    return AuditEntry(
        event.seq,
        event.at,
        event.actor,
        f"entity.{event.kind}",
        event.entity_id,
        Outcome.OK,
        getattr(event, "origin", ""),
        getattr(event, "reason", ""),
        detail,
        "journal" if not event.tenant else f"journal:{event.tenant}",
    )
