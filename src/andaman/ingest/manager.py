"""Runs feeds: each in a task of its own, started again after a growing pause when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from andaman.broker.model import DEFAULT_TENANT, Doc
from andaman.broker.service import Broker
from andaman.identity.model import Actor, system_actor
from andaman.ingest.model import Feed, FeedState, FeedStatus, Sleep
from andaman.ingest.offsets import OffsetStore
from andaman.ingest.order import plan
from andaman.kernel.errors import AndamanError, Conflict, ResourceNotFound
from andaman.kernel.metrics import Family
from andaman.kernel.time import Clock, system_clock

log = logging.getLogger(__name__)
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


class _Link:
    """The FeedLink of one feed (see ``model.FeedLink``)."""

    def __init__(self, manager: FeedManager, feed: Feed, status: FeedStatus) -> None:
        self._manager = manager
        self._status = status
        self._actor: Actor = system_actor(f"feed:{feed.id}")
        self.clock: Clock = manager.clock
        self.sleep: Sleep = manager.sleep
        self.was_ready = False

    def current(self, entity_id: str) -> Doc | None:
        return self._manager.broker.find(entity_id, self._actor.access, self._manager.tenant)

    async def write(self, docs: Iterable[Doc]) -> int:
        ops = plan(docs, self.current)
        self._status.last_at = self.clock()
        if not ops:
            return 0
        changed = 0
        refused: AndamanError | None = None
        for result in await self._manager.broker.write(ops, self._actor, self._manager.tenant):
            changed += result.changed or result.created
            refused = refused or result.error
        self._status.count += changed
        if refused is not None:
            raise refused
        return changed

    def recall(self) -> dict[str, Any]:
        return self._manager.offsets.get(self._status.id)

    async def remember(self, memory: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self._manager.offsets.put, self._status.id, dict(memory))

    def ready(self) -> None:
        self.was_ready = True
        self._status.state = FeedState.RUNNING
        self._status.error = ""


class FeedManager:
    """All feeds of one platform. ``directory`` keeps their memory (``ingest.db``)."""

    def __init__(
        self,
        broker: Broker,
        feeds: Sequence[Feed],
        directory: Path,
        *,
        clock: Clock = system_clock,
        sleep: Sleep = asyncio.sleep,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        self.broker = broker
        self.clock = clock
        self.sleep = sleep
        self.tenant = tenant
        self.offsets = OffsetStore(directory / "ingest.db")
        self._feeds = {feed.id: feed for feed in feeds}
        self._status = {feed.id: FeedStatus(feed.id, feed.name, feed.origin, feed.speed) for feed in feeds}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Start every feed; returns at once."""
        for feed_id in self._feeds:
            if feed_id not in self._tasks:
                self.start_feed(feed_id)

    async def stop(self) -> None:
        """Stop every feed and close their memory."""
        for feed_id in list(self._tasks):
            await self.stop_feed(feed_id)
        self.offsets.close()

    def status(self) -> list[FeedStatus]:
        """One row a feed, in the order given."""
        return list(self._status.values())

    def metrics(self) -> Iterable[Family]:
        rows = [({"feed": status.id}, status) for status in self._status.values()]
        if rows:
            yield Family(
                "andaman_feed_changes",
                "Entity changes written by a feed.",
                "counter",
                [(labels, status.count) for labels, status in rows],
            )
            yield Family(
                "andaman_feed_restarts",
                "Times a feed failed and was started again.",
                "counter",
                [(labels, status.restarts) for labels, status in rows],
            )
            yield Family(
                "andaman_feed_running",
                "1 while a feed runs.",
                "gauge",
                [(labels, status.state is FeedState.RUNNING) for labels, status in rows],
            )
            yield Family(
                "andaman_feed_last_timestamp_seconds",
                "When a feed last brought anything.",
                "gauge",
                [(labels, status.last_at / 1e6) for labels, status in rows if status.last_at is not None],
            )

    def get_status(self, feed_id: str) -> FeedStatus:
        """Raises ResourceNotFound."""
        if feed_id not in self._status:
            raise ResourceNotFound(
                f"There is no feed {feed_id!r}; there are: {', '.join(self._status) or 'none'}"
            )
        return self._status[feed_id]

    def start_feed(self, feed_id: str) -> None:
        """Raises ResourceNotFound, or Conflict when it runs already."""
        status = self.get_status(feed_id)
        if feed_id in self._tasks and not self._tasks[feed_id].done():
            raise Conflict(f"The feed {feed_id!r} runs already")
        status.state = FeedState.STARTING
        self._tasks[feed_id] = asyncio.create_task(
            self._keep_running(self._feeds[feed_id]), name=f"feed:{feed_id}"
        )

    async def stop_feed(self, feed_id: str) -> None:
        """Stop one feed; raises ResourceNotFound. A feed that does not run stays stopped."""
        status = self.get_status(feed_id)
        task = self._tasks.pop(feed_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        status.state = FeedState.STOPPED

    async def _keep_running(self, feed: Feed) -> None:
        status = self._status[feed.id]
        pause = FIRST_PAUSE_S
        while True:
            link = _Link(self, feed, status)
            try:
                await feed.run(link)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # whatever a source does, the platform and the other feeds go on
                status.error = (
                    error.detail if isinstance(error, AndamanError) else f"{type(error).__name__}: {error}"
                )
                status.state = FeedState.WAITING
                status.restarts += 1
                if link.was_ready:
                    pause = FIRST_PAUSE_S
                log.warning("feed %s failed, starts again in %.0f s: %s", feed.id, pause, status.error)
                await self.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                status.state = FeedState.FINISHED
                return
