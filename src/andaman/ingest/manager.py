"""Runs feeds: each in a task of its own, started again after a growing pause when it fails.

A feed that fails again soon after it was ready is not called running: it is ``failing``, with its last error, until it has
run for ``STEADY_S``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal

from andaman.broker.api import DEFAULT_TENANT, Broker
from andaman.identity.model import Actor
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.link import Link
from andaman.ingest.model import Feed, FeedOrder, FeedState, FeedStatus, Sleep, SourceAway
from andaman.ingest.offsets import OffsetStore
from andaman.ingest.problems import FeedRunning, NoSuchFeed
from andaman.ingest.replay import ReplayFeed
from andaman.ingest.stamps import Stamps
from andaman.kernel.errors import AndamanError
from andaman.kernel.metrics import Family
from andaman.kernel.time import Clock, Micros, system_clock
from andaman.kernel.work import end

log = logging.getLogger(__name__)
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
STEADY_S: Final = 10.0
"""A feed that ran so long is well again."""


class _Run:
    """One run of a feed: since when it is ready, and what troubles it."""

    def __init__(self) -> None:
        self.ready_at: float | None = None  # seconds of the monotonic clock
        self.trouble = ""
        self.failing = False

    def lasted(self) -> float:
        """Seconds since it was ready; 0 where it never was."""
        return 0.0 if self.ready_at is None else time.monotonic() - self.ready_at


_COUNTED: Final[tuple[tuple[str, str, Callable[[FeedStatus], int]], ...]] = (
    ("andaman_feed_changes", "Entity changes written by a feed.", attrgetter("count")),
    ("andaman_feed_restarts", "Times a feed failed and was started again.", attrgetter("restarts")),
    ("andaman_feed_refused", "Observations of a feed that the broker did not take.", attrgetter("refused")),
    (
        "andaman_feed_ignored",
        "Messages of a feed without a value, or with an old one.",
        attrgetter("ignored"),
    ),
)


class FeedManager:
    """All feeds of one platform. ``directory`` keeps their memory (``ingest.db``), ``letters`` what the broker refuses."""

    def __init__(
        self,
        broker: Broker,
        feeds: Sequence[Feed],
        directory: Path,
        *,
        clock: Clock = system_clock,
        sleep: Sleep = asyncio.sleep,
        tenant: str = DEFAULT_TENANT,
        letters: DeadLetterStore | None = None,
        steady_s: float = STEADY_S,
    ) -> None:
        self.broker = broker
        self.clock = clock
        self.sleep = sleep
        self.tenant = tenant
        self.letters = letters
        self.offsets = OffsetStore(directory / "ingest.db")
        self._stamps = Stamps(clock, broker.last_commit)
        self._steady_s = steady_s
        self._runs: dict[str, _Run] = {}
        self._feeds = {feed.id: feed for feed in feeds}
        self._status = {feed.id: self._first_status(feed) for feed in feeds}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def _first_status(self, feed: Feed) -> FeedStatus:
        order = next(iter(self.offsets.orders(feed.id)), None)
        since = order.at if order is not None and order.action == "stop" else self.clock()
        return FeedStatus(
            feed.id, feed.name, feed.origin, feed.speed, since=since, expected_s=feed.expected_s, order=order
        )

    async def start(self) -> None:
        """Start every feed that no administrator stopped; returns at once."""
        for feed_id, status in self._status.items():
            stopped = status.order is not None and status.order.action == "stop"
            if feed_id not in self._tasks and not stopped:
                self._begin(feed_id)

    async def stop(self) -> None:
        """Stop every feed and close their memory. This is no order: they run again after the next start."""
        for feed_id in list(self._tasks):
            await self._end(feed_id)
        self.offsets.close()

    def status(self) -> list[FeedStatus]:
        """One row a feed, in the order given."""
        return [self._settled(feed_id) for feed_id in self._status]

    def recorded_at(self, feed_id: str) -> Micros | None:
        """The instant in the recording that a running replay plays now."""
        feed = self._feeds[feed_id]
        if not isinstance(feed, ReplayFeed) or self._status[feed_id].state is FeedState.STOPPED:
            return None
        return feed.recorded_at(self.clock())

    def _settled(self, feed_id: str) -> FeedStatus:
        """The status as of now: a feed that has run for long enough is running."""
        status, run = self._status[feed_id], self._runs.get(feed_id)
        if (
            run is not None
            and status.state is FeedState.FAILING
            and not run.failing
            and run.lasted() >= self._steady_s
        ):
            status.enter(FeedState.RUNNING, self.clock())
            status.error, status.failing_since = run.trouble, None
        return status

    def metrics(self) -> Iterable[Family]:
        rows = [({"feed": status.id}, status) for status in self.status()]
        if rows:
            for name, help_, count in _COUNTED:
                yield Family(name, help_, "counter", [(labels, count(status)) for labels, status in rows])
            yield Family(
                "andaman_feed_running",
                "1 while a feed runs.",
                "gauge",
                [(labels, status.state is FeedState.RUNNING) for labels, status in rows],
            )
            now = self.clock()
            yield Family(
                "andaman_feed_late",
                "1 while a feed runs and brings nothing although something is due.",
                "gauge",
                [(labels, status.late_since(now) is not None) for labels, status in rows],
            )
            yield Family(
                "andaman_feed_last_timestamp_seconds",
                "When a feed last brought anything.",
                "gauge",
                [(labels, status.last_at / 1e6) for labels, status in rows if status.last_at is not None],
            )

    def get_status(self, feed_id: str) -> FeedStatus:
        """Raises NoSuchFeed."""
        if feed_id not in self._status:
            raise NoSuchFeed(id=feed_id, known=", ".join(self._status) or "–")
        return self._settled(feed_id)

    async def start_feed(self, feed_id: str, actor: Actor, reason: str) -> None:
        """Keep the order, then start the feed. Raises NoSuchFeed, or FeedRunning when it runs already."""
        self.get_status(feed_id)
        if feed_id in self._tasks and not self._tasks[feed_id].done():
            raise FeedRunning(id=feed_id)
        await self._order(feed_id, "start", actor, reason)
        if feed_id not in self._tasks or self._tasks[feed_id].done():  # nobody was quicker meanwhile
            self._begin(feed_id)

    async def stop_feed(self, feed_id: str, actor: Actor, reason: str) -> None:
        """Keep the order, then stop the feed, until it is started again. Raises NoSuchFeed."""
        self.get_status(feed_id)
        await self._order(feed_id, "stop", actor, reason)
        await self._end(feed_id)

    async def _order(self, feed_id: str, action: Literal["start", "stop"], actor: Actor, reason: str) -> None:
        order = FeedOrder(feed_id, action, self.clock(), actor.principal.id, actor.principal.name, reason)
        await asyncio.to_thread(self.offsets.order, order)
        self._status[feed_id].order = order

    def _begin(self, feed_id: str) -> None:
        self._status[feed_id].enter(FeedState.STARTING, self.clock())
        self._tasks[feed_id] = asyncio.create_task(
            self._keep_running(self._feeds[feed_id]), name=f"feed:{feed_id}"
        )

    async def _end(self, feed_id: str) -> None:
        status = self._status[feed_id]
        task = self._tasks.pop(feed_id, None)
        if task is not None:
            await end(task)
        self._runs.pop(feed_id, None)
        status.enter(FeedState.STOPPED, self.clock())
        status.failing_since = None

    async def _keep_running(self, feed: Feed) -> None:
        status = self._status[feed.id]
        pause = FIRST_PAUSE_S
        fragile = False
        while True:
            run = self._runs[feed.id] = _Run()
            link = self._link(status, run, fragile)
            try:
                await feed.run(link)
            except BaseException as error:  # whatever a source does, the platform and the other feeds go on
                task = asyncio.current_task()
                if not isinstance(error, (Exception, asyncio.CancelledError)) or (task and task.cancelling()):
                    raise
                status.error = (
                    error.detail if isinstance(error, AndamanError) else f"{type(error).__name__}: {error}"
                )
                status.restarts += 1
                if run.lasted() >= self._steady_s:
                    pause, fragile, status.failing_since = FIRST_PAUSE_S, False, None
                elif run.ready_at is not None:
                    fragile = True
                status.failing_since = status.failing_since or self.clock()
                status.enter(FeedState.WAITING, self.clock())
                wait_s = max(pause, error.pause_s) if isinstance(error, SourceAway) else pause
                log.warning("feed %s failed, starts again in %.0f s: %s", feed.id, wait_s, status.error)
                await self.sleep(wait_s)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                status.enter(FeedState.FINISHED, self.clock())
                return

    def _link(self, status: FeedStatus, run: _Run, fragile: bool) -> Link:
        """``fragile``: the run before did not last, so that this one has to before it counts."""

        def ready(trouble: str | None = None, failing: bool = False) -> None:
            if trouble is None:
                run.ready_at = run.ready_at if run.ready_at is not None else time.monotonic()
            else:
                run.trouble, run.failing = trouble, failing
            if failing or (fragile and run.lasted() < self._steady_s):
                status.enter(FeedState.FAILING, self.clock())
                status.error = trouble or status.error
                status.failing_since = status.failing_since or self.clock()
            elif run.ready_at is not None:
                status.enter(FeedState.RUNNING, self.clock())
                status.error, status.failing_since = run.trouble, None

        return Link(
            self.broker, self.tenant, status, self.offsets, self.letters, self._stamps, self.clock, self.sleep, ready
        )  # fmt: skip
