"""What a feed is, and what the manager hands to it. Plain data and protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from andaman.broker.model import Doc
from andaman.kernel.time import Clock, Micros

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds; asyncio.sleep outside of tests."""


class FeedState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"  # failed; starts again after a pause
    FINISHED = "finished"  # ended by itself


class FeedLink(Protocol):
    """A feed's way into the platform: the broker under the feed's own name, its memory, and time."""

    @property
    def clock(self) -> Clock: ...

    @property
    def sleep(self) -> Sleep: ...

    def current(self, entity_id: str) -> Doc | None:
        """The entity as it stands, or None."""

    async def write(self, docs: Iterable[Doc]) -> int:
        """Bring observations into the broker, what changes only (``order.plan``); returns when they are on disk, with
        the number of changes. Raises the first error of the broker; the others of the batch then stand."""

    def recall(self) -> dict[str, Any]:
        """What the feed remembered last, also before a restart; empty at first."""

    async def remember(self, memory: Mapping[str, Any]) -> None:
        """Keep a small JSON object over restarts; on disk when it returns."""

    def ready(self) -> None:
        """Tell that the feed runs (connected, first values written); also resets the pause between restarts."""


class Feed(Protocol):
    """One source of the city's values. ``run`` ends only by an error, by cancelling, or when all is told."""

    @property
    def id(self) -> str: ...  # short and stable: "smartbus"

    @property
    def name(self) -> dict[str, str]: ...  # {"th": …, "en": …}

    @property
    def origin(self) -> str: ...  # measured, reported, computed, replayed, simulated

    @property
    def speed(self) -> float: ...  # 1.0 is real time

    async def run(self, link: FeedLink) -> None: ...


@dataclass(slots=True)
class FeedStatus:
    """What screens see of a feed; ``count`` is entity changes written since the platform started."""

    id: str
    name: dict[str, str]
    origin: str
    speed: float
    state: FeedState = FeedState.STOPPED
    last_at: Micros | None = None
    count: int = 0
    error: str = ""
    restarts: int = 0
