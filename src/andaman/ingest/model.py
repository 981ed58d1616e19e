"""A feed, and the tools that the manager gives to it. Plain data and protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from andaman.broker.api import Doc
from andaman.kernel.errors import Unavailable
from andaman.kernel.time import SECOND, Clock, Micros

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many seconds; asyncio.sleep outside of tests."""


class FeedState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    FAILING = "failing"  # runs, but what it does fails: it failed soon after its last start, or is refused
    WAITING = "waiting"  # failed; starts again after a pause
    FINISHED = "finished"  # ended by itself


@dataclass(frozen=True, slots=True)
class Observation:
    """An entity as a source reports it, and the known facts about its times.

    ``received``: the platform stamped it with its own clock when it came, so that a later arrival is a newer one.
    ``retained``: an old value of unknown time; it counts only where the entity has no such attribute yet.
    ``size``: its bytes, about; 0 where it is small.
    """

    doc: Doc
    received: bool = False
    retained: bool = False
    size: int = 0


@dataclass(slots=True)
class Written:
    """The result of a batch. ``refused``: place of the observation → why the broker did not take it."""

    changed: int = 0
    refused: dict[int, str] = field(default_factory=dict)


class SourceAway(Unavailable):
    """A source that is better left alone for a while: ``pause_s`` until the feed starts again, at least."""

    def __init__(self, detail: str, pause_s: float = 0.0) -> None:
        super().__init__(detail)
        self.pause_s = pause_s


class FeedLink(Protocol):
    """A feed's way into the platform: the broker under the feed's own name, its memory, and time."""

    @property
    def clock(self) -> Clock: ...

    @property
    def sleep(self) -> Sleep: ...

    def current(self, entity_id: str) -> Doc | None:
        """The entity as it is now, or None."""

    async def write(self, docs: Iterable[Doc]) -> int:
        """Bring what the feed made now into the broker, what changes only (``order.plan``); returns when it is on disk,
        with the number of changes. What the broker does not take becomes a dead letter; the rest stands.

        Raises Unavailable (also: the disk is full) and errors of the store; then nothing is certain, and the feed starts
        again."""

    async def reject(self, name: str, error: Exception, content: bytes = b"") -> None:
        """Put aside what the feed itself cannot read, as a dead letter."""

    def recall(self) -> dict[str, Any]:
        """What the feed remembered last, also before a restart; empty at first."""

    async def remember(self, memory: Mapping[str, Any]) -> None:
        """Keep a small JSON object over restarts; on disk when it returns."""

    def ready(self) -> None:
        """Report that the feed runs (connected, first values written). Where it then runs for some seconds, the pause
        between restarts is the shortest again, and the last error is over.
        """


class DeviceLink(FeedLink, Protocol):
    """The further tools of a connector of devices: it answers for each of its messages."""

    def stamp(self, width: int = 1) -> Micros:
        """A time of receipt that no other reading has (``Stamps.next``)."""

    async def take(self, observations: Sequence[Observation]) -> Written:
        """Like ``write``, for observations with their own times, which their maker has checked
        (``broker.entity.check``). What is refused all the same is told, and makes no letter.
        """

    def trouble(self, text: str, failing: bool = False) -> None:
        """Report a trouble that does not end the feed ("" when it is over); ``failing``: nothing comes in because of
        it.
        """

    def hearing(self, ignored: int) -> None:
        """Report that something came, and how many of its messages had nothing to write."""


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

    @property
    def expected_s(
        self,
    ) -> float | None: ...  # while it is well, something comes at least so often; None: unknown

    async def run(self, link: FeedLink) -> None: ...


@dataclass(frozen=True, slots=True)
class FeedOrder:
    """What an administrator ordered of a feed. ``actor``: their id; ``name``: as screens say it."""

    feed: str
    action: Literal["start", "stop"]
    at: Micros
    actor: str
    name: str
    reason: str


@dataclass(slots=True)
class FeedStatus:
    """The status of a feed on screens; ``count`` is entity changes written since the platform started.

    ``error`` is the last one, until the feed has run for some seconds; ``failing_since``: the first of a row of them.
    ``ignored``: messages that said that they have no value, or that were old. ``since``: when the present state began.
    ``order``: the last one of an administrator."""

    id: str
    name: dict[str, str]
    origin: str
    speed: float
    state: FeedState = FeedState.STOPPED
    last_at: Micros | None = None
    count: int = 0
    error: str = ""
    restarts: int = 0
    failing_since: Micros | None = None
    refused: int = 0
    ignored: int = 0
    since: Micros | None = None
    expected_s: float | None = None
    order: FeedOrder | None = None

    def enter(self, state: FeedState, at: Micros) -> None:
        """Be in a state; ``since`` remains where it was in it already."""
        if state is not self.state or self.since is None:
            self.state, self.since = state, at

    def late_since(self, now: Micros) -> Micros | None:
        """The last word of a feed that runs and is overdue; None while it is in time, and where nobody knows."""
        if self.state is not FeedState.RUNNING or self.expected_s is None:
            return None
        last = max(self.last_at or 0, self.since or 0)
        return last if now - last > self.expected_s * SECOND else None
