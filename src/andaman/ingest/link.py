"""A feed's way into the platform: one feed's refusals and faults stay its own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from andaman.broker.api import Broker, Doc, checked_entity
from andaman.identity.model import Actor, system_actor
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.ingest.model import FeedStatus, Observation, Sleep, Written
from andaman.ingest.offsets import OffsetStore
from andaman.ingest.order import plan_each
from andaman.ingest.stamps import Stamps
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.time import Clock, Micros

log = logging.getLogger(__name__)
MOST_WAITING: Final = 500
"""Observations of one feed that wait to be written: the others of its batch wait here, so that other writers have room."""
MOST_WAITING_BYTES: Final = 4 << 20
PLATFORM: Final = (Unavailable, sqlite3.Error, OSError, MemoryError)
"""Faults of the platform, not of the written data: nothing is acknowledged, and the same is tried again later."""


class Link:
    """The FeedLink and DeviceLink of one run of a feed (see ``model``)."""

    def __init__(
        self,
        broker: Broker,
        tenant: str,
        status: FeedStatus,
        offsets: OffsetStore,
        letters: DeadLetterStore | None,
        stamps: Stamps,
        clock: Clock,
        sleep: Sleep,
        on_ready: Any,
    ) -> None:
        self.clock = clock
        self.sleep = sleep
        self._broker = broker
        self._tenant = tenant
        self._status = status
        self._actor: Actor = system_actor(f"feed:{status.id}")
        self._offsets = offsets
        self._letters = letters
        self._stamps = stamps
        self._on_ready = on_ready

    def current(self, entity_id: str) -> Doc | None:
        return self._broker.find(entity_id, self._actor.access, self._tenant)

    def stamp(self, width: int = 1) -> Micros:
        return self._stamps.next(width)

    async def write(self, docs: Iterable[Doc]) -> int:
        given = list(docs)
        good: list[Observation] = []
        for doc in given:
            try:
                good.append(Observation(checked_entity(doc), received=True))
            except Exception as error:  # whatever a source made of it
                await self.reject(str(doc.get("id", "")), error, _shown(doc))
        written = await self.take(good)
        self._status.last_at = self.clock()
        for place, why in written.refused.items():
            doc = good[place].doc
            await self._put_aside(str(doc["id"]), why, _shown(doc))
        return written.changed

    async def reject(self, name: str, error: Exception, content: bytes = b"") -> None:
        self._status.refused += 1
        await self._put_aside(name, _why(error), content)

    async def _put_aside(self, name: str, why: str, content: bytes) -> None:
        log.warning("feed %s: %s was not taken: %s", self._status.id, name, why)
        if self._letters is not None:
            letter = DeadLetter(self.clock(), self._status.id, name, "refused", why, content)
            await asyncio.to_thread(self._letters.add, [letter])

    async def take(self, observations: Sequence[Observation]) -> Written:
        written = Written()
        for some in _slices(observations):
            changed, refused = written.changed, len(written.refused)
            await self._write(some, written)
            self._status.count += written.changed - changed
            self._status.refused += len(written.refused) - refused
        return written

    async def _write(self, some: list[tuple[int, Observation]], written: Written) -> None:
        """Write; where that fails for another reason than the platform's, in halves, down to the one that is at fault."""
        try:
            planned = plan_each([seen for _, seen in some], self.current)
            if not planned:
                return
            ops = [op for op, _ in planned]
            results = await self._broker.write(ops, self._actor, self._tenant)
        except PLATFORM:
            raise
        except Exception as error:
            if len(some) == 1:
                written.refused[some[0][0]] = _why(error)
                return
            middle = len(some) // 2
            await self._write(some[:middle], written)
            await self._write(some[middle:], written)
            return
        for result, (_, places) in zip(results, planned, strict=True):
            if isinstance(result.error, PLATFORM):
                raise result.error
            if result.error is not None:
                written.refused.update((some[place][0], result.error.detail) for place in places)
            written.changed += result.changed or result.created

    def recall(self) -> dict[str, Any]:
        return self._offsets.get(self._status.id)

    async def remember(self, memory: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._offsets.put, self._status.id, dict(memory))

    def ready(self) -> None:
        self._on_ready()

    def trouble(self, text: str, failing: bool = False) -> None:
        self._on_ready(text, failing)

    def hearing(self, ignored: int) -> None:
        self._status.last_at = self.clock()
        self._status.ignored += ignored


def _slices(observations: Sequence[Observation]) -> Iterator[list[tuple[int, Observation]]]:
    """The observations with their places, as many at a time as may wait to be written."""
    some: list[tuple[int, Observation]] = []
    size = 0
    for place, seen in enumerate(observations):
        if some and (len(some) >= MOST_WAITING or size + seen.size > MOST_WAITING_BYTES):
            yield some
            some, size = [], 0
        some.append((place, seen))
        size += seen.size
    if some:
        yield some


def _why(error: Exception) -> str:
    return error.detail if isinstance(error, AndamanError) else f"{type(error).__name__}: {error}"[:500]


def _shown(doc: Doc) -> bytes:
    try:
        return orjson.dumps(doc)
    except (TypeError, ValueError):
        return repr(doc)[:4096].encode("utf-8", "replace")
