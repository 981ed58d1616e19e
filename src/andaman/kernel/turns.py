"""Places that are given by turns, so that a client that asks for many does not keep the others from theirs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """``places`` at a time, in turns between those who wait: a client with many waiting gets one per round."""

    def __init__(self, places: int = 1) -> None:
        self._places = self._free = places
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, whose: str) -> AsyncIterator[None]:
        if self._free and not self._waiting:
            self._free -= 1
        else:
            await self._wait(whose)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, whose: str) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(whose, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was this one's turn already
                self._pass_on()
            else:
                queue = self._waiting.get(whose)
                if queue is not None and mine in queue:
                    queue.remove(mine)
                    if not queue:
                        del self._waiting[whose]
            raise

    def waiting(self, whose: str) -> int:
        """How many of ``whose`` wait."""
        return len(self._waiting.get(whose, ()))

    @property
    def is_idle(self) -> bool:
        return self._free == self._places

    def _pass_on(self) -> None:
        while self._waiting:
            whose = next(iter(self._waiting))
            queue = self._waiting.pop(whose)
            next_one = queue.popleft()
            if queue:
                self._waiting[whose] = queue  # at the end: others come first
            if not next_one.done():
                next_one.set_result(None)
                return
        self._free += 1
