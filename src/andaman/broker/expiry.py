"""The sweep: removes entities and attributes at the moment at which they expire (CIM 009 §4.22).

An ordinary follower of the events: it notes when what it sees expires next and, at that moment, asks the writer to
remove it as ordinary deletions by the system actor ``expiry``; history, subscriptions and screens see them as any other.
Nothing is kept on disk: at start one pass over the stored bodies, in a thread, finds what is there already. Reads do
not wait for the sweep (``read_living``).
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Iterable, Sequence
from typing import Final

from andaman.broker.entity.expiry import MARK, next_expiry
from andaman.broker.follower import Follower
from andaman.broker.ledger.events import FreshEvent
from andaman.broker.model import Doc, Event, Instance, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.time import SECOND, Clock, Micros, system_clock
from andaman.kernel.work import Timer

log = logging.getLogger(__name__)
LONGEST_WAIT_S: Final = 1.0
"""The clock may be set while the sweep sleeps."""
_SLICE: Final = 500
_SLACK: Final = 1000
_AGAIN: Final = SECOND
"""How long after a refused write the sweep tries again."""

Key = tuple[str, str]


class ExpirySweep:
    """Background work of the platform; ``start`` and ``stop`` on the event loop."""

    def __init__(
        self, broker: Broker, clock: Clock = system_clock, *, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._broker, self._clock, self._longest_wait_s = broker, clock, longest_wait_s
        self._due: list[tuple[Micros, Key]] = []  # a heap; entries that _at does not confirm are void
        self._at: dict[Key, Micros] = {}
        self._actor = system_actor("expiry")
        self._follower = Follower("The sweep of what expires", broker, self._take)
        self._finder = Timer("The look for what expires", self._find)
        self._sweeper = Timer("The sweep of what expires", self._sweep, retry_s=_AGAIN / SECOND)

    async def start(self) -> None:
        for work in (self._follower, self._finder, self._sweeper):
            await work.start()

    async def stop(self) -> None:
        for work in (self._follower, self._finder, self._sweeper):
            await work.stop()

    @property
    def waiting(self) -> int:
        """How many entities have something that will expire."""
        return len(self._at)

    def _note(self, key: Key, doc: Doc) -> None:
        at = next_expiry(doc)
        known = self._at.get(key)
        if at is None:
            if known is not None:
                del self._at[key]
        elif known != at:
            self._at[key] = at
            heapq.heappush(self._due, (at, key))
            if self._due[0][1] == key:
                self._sweeper.wake(self._wait_s())
            if len(self._due) > _SLACK + 2 * len(self._at):  # who renews again and again leaves void entries
                self._due = [(when, one) for one, when in self._at.items()]
                heapq.heapify(self._due)

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            key = (event.tenant, event.entity_id)
            if key in self._at or _has_expiry(event):
                doc = self._broker.stored(event.entity_id, event.tenant)
                if doc is None:
                    self._at.pop(key, None)
                else:
                    self._note(key, doc)

    async def _find(self) -> None:
        """Entities from before the start."""
        for tenant, entity_id in await self._broker.list_expiring():
            doc = self._broker.stored(entity_id, tenant)
            if doc is not None:
                self._note((tenant, entity_id), doc)
            await asyncio.sleep(0)

    def _wait_s(self) -> float:
        if not self._due:
            return self._longest_wait_s
        return min(self._longest_wait_s, max(0.0, (self._due[0][0] - self._clock()) / SECOND))

    async def _sweep(self) -> float:
        await self._remove_due()
        return self._wait_s()

    async def _remove_due(self) -> None:
        now = self._clock()
        due: dict[str, list[str]] = {}
        count = 0
        while self._due and self._due[0][0] <= now and count < _SLICE:
            at, key = heapq.heappop(self._due)
            if self._at.get(key) == at:
                del self._at[key]
                due.setdefault(key[0], []).append(key[1])
                count += 1
        for tenant, ids in due.items():
            ops = [WriteOp(OpKind.EXPIRE, entity_id) for entity_id in ids]
            try:
                results = await self._broker.write(ops, self._actor, tenant)
            except AndamanError as error:
                log.warning("%d expired entities wait for the store: %s", len(ids), error.detail)
                self._retry(tenant, ids)
                continue
            failed = [result.entity_id for result in results if result.error is not None]
            self._retry(tenant, failed)
            for entity_id in ids:  # what expires later in the same entity
                doc = self._broker.stored(entity_id, tenant)
                if doc is not None and entity_id not in failed:
                    self._note((tenant, entity_id), doc)

    def _retry(self, tenant: str, ids: list[str]) -> None:
        at = self._clock() + _AGAIN
        for entity_id in ids:
            self._at[tenant, entity_id] = at
            heapq.heappush(self._due, (at, (tenant, entity_id)))


def _has_expiry(event: Event) -> bool:
    """Is there an ``expiresAt`` among what changed?"""
    if isinstance(event, FreshEvent):
        return event.mentions(MARK)
    return any(_expires(change.after or ()) for change in event.changes)


def _expires(instances: Iterable[Instance]) -> bool:
    return any(
        "expiresAt" in one or any(_expires(ones) for ones in (one.get("attrs") or {}).values())
        for one in instances
    )
