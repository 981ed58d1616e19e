"""Background work of a room: named, started and stopped with the platform, logged and tried again when it fails.

``Every`` runs at a fixed interval. ``Timer`` runs when its own work last asked for, or when somebody wakes it. The broker's
``Follower`` is of the same kind. All belong to the event loop; ``start`` and ``stop`` are those of a part of the platform.
"""

from __future__ import annotations

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final

from andaman.kernel.errors import AndamanError

log = logging.getLogger(__name__)
RETRY_S: Final = 5.0
_CANCEL_AGAIN_S: Final = 1.0
_REMIND_S: Final = 60.0
"""A failure that stays the same is logged again after so long."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return when they have ended. Work can lose a cancellation (``asyncio.wait_for`` does, where what it
    waits for ends in the same moment), so it is repeated."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it was looked at: nothing is logged of it at exit


class Background(ABC):
    """One named task on the event loop."""

    def __init__(self, name: str, on_failure: Callable[[], object] | None = None) -> None:
        """``on_failure``: called after each failure, before the work is tried again; quick, and does not raise."""
        self.name = name
        self.last_error = ""
        """Why the last turn failed; "" after one that did not."""
        self._on_failure = on_failure
        self._task: asyncio.Task[None] | None = None
        self._logged_at = -math.inf

    async def start(self) -> None:
        """Begin, unless it runs already."""
        if not self.is_running:
            self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Cancel the work, and return when it has ended."""
        if self._task is not None:
            await end(self._task)
            self._task = None

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    @abstractmethod
    async def _run(self) -> None: ...

    def _succeeded(self) -> None:
        self.last_error = ""

    def _failed(self, error: Exception, retry_s: float) -> None:
        """Log it, once a minute while it stays the same."""
        text = error.detail if isinstance(error, AndamanError) else f"{type(error).__name__}: {error}"
        now = asyncio.get_running_loop().time()
        if text != self.last_error or now - self._logged_at >= _REMIND_S:
            known = isinstance(error, AndamanError)
            log.log(
                logging.WARNING if known else logging.ERROR,
                "%s failed; it is tried again in %.1f s: %s",
                self.name,
                retry_s,
                text,
                exc_info=None if known else error,
            )
            self._logged_at = now
        self.last_error = text
        if self._on_failure is not None:
            self._on_failure()


class Every(Background):
    """``work`` each ``every_s`` seconds, measured from the start: a turn that takes long moves no later turn. Turns that
    were missed meanwhile are left out. After a failure the next turn tries again."""

    def __init__(
        self,
        name: str,
        every_s: float,
        work: Callable[[], Awaitable[object] | object],
        *,
        on_failure: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(name, on_failure)
        self._every_s, self._work = every_s, work

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            missed = max(0.0, loop.time() - due) // self._every_s
            due += (1 + missed) * self._every_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            try:
                await _done(self._work())
                self._succeeded()
            except Exception as error:
                self._failed(error, self._every_s)


class Timer(Background):
    """``work`` once at the start, then after the seconds that it returned, or when it is woken. ``None``: not before that."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[float | None]],
        *,
        first_s: float | None = 0.0,
        retry_s: float = RETRY_S,
        on_failure: Callable[[], object] | None = None,
    ) -> None:
        """``first_s``: from the start to the first turn (None: not before it is woken). ``retry_s``: after a failure."""
        super().__init__(name, on_failure)
        self._work, self._first_s, self._retry_s = work, first_s, retry_s
        self.has_begun = False
        """Was it ever due? One without a first turn may never be asked for."""
        self._due = math.inf  # on the loop's clock
        self._sooner = asyncio.Event()
        self._woken_early = False

    async def start(self) -> None:
        if self.is_running:
            return
        await super().start()
        if self._woken_early:
            self.wake()
        elif self._first_s is not None:
            self.wake(self._first_s)
        self._woken_early = False

    def wake(self, after_s: float = 0.0) -> None:
        """Run after so many seconds at the latest. During a turn: another turn follows. Before the start: the first turn
        follows the start at once."""
        self.has_begun = True
        if not self.is_running:
            self._woken_early = True
            return
        due = asyncio.get_running_loop().time() + after_s
        if due < self._due:
            self._due = due
            self._sooner.set()

    def begin(self, after_s: float = 0.0) -> None:
        """Have the first turn, unless there was one or it is due."""
        if not self.has_begun:
            self.wake(after_s)

    async def _run(self) -> None:
        while True:
            await self._until_due()
            self._due = math.inf
            try:
                pause_s = await self._work()
                self._succeeded()
            except Exception as error:
                self._failed(error, self._retry_s)
                pause_s = self._retry_s
            if pause_s is not None:
                self.wake(pause_s)

    async def _until_due(self) -> None:
        loop = asyncio.get_running_loop()
        while (wait_s := self._due - loop.time()) > 0:
            self._sooner.clear()
            try:
                async with asyncio.timeout(None if wait_s == math.inf else wait_s):
                    await self._sooner.wait()
            except TimeoutError:
                continue


async def _done(found: Awaitable[object] | object) -> None:
    if isinstance(found, Awaitable):
        await found
