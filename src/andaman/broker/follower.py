"""Follows the journal for a room: batches in order and without gaps, again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Protocol

from andaman.broker.model import Event
from andaman.kernel.positions import Position
from andaman.kernel.work import Background

RETRY_S: Final = 1.0
Take = Callable[[Sequence[Event]], Awaitable[None] | None]


class Journal(Protocol):
    """The part of the broker that a follower needs."""

    @property
    def seq(self) -> Position: ...

    def follow(self, after: Position | None = None) -> AsyncIterator[list[Event]]: ...


class Follower(Background):
    """Gives ``take`` the events behind ``position``. A batch that fails is given again from its first event on, so ``take``
    must accept events that it has seen. ``position`` moves on when ``take`` returns."""

    def __init__(
        self,
        name: str,
        journal: Journal,
        take: Take,
        *,
        keep: Callable[[Position], Awaitable[None]] | None = None,
        on_failure: Callable[[], object] | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        """``keep`` puts the position on disk after each batch. A room that writes what it made of a batch writes the
        position in the same transaction instead, within ``take``."""
        super().__init__(name, on_failure)
        self._journal, self._take, self._keep, self._retry_s = journal, take, keep, retry_s
        self.position: Position | None = None
        """The last event that was taken; None before the start."""

    def begin(self, position: Position | None = None) -> None:
        """Set the position to continue from (None: from now on). Call it before ``start``, which otherwise begins with
        now.
        """
        now = self._journal.seq
        self.position = now if position is None else min(position, now)

    async def start(self) -> None:
        if self.position is None:
            self.begin()
        await super().start()

    async def _run(self) -> None:
        while True:
            try:
                async for batch in self._journal.follow(self.position):
                    taken = self._take(batch)
                    if taken is not None:
                        await taken
                    self.position = batch[-1].seq
                    if self._keep is not None:
                        await self._keep(self.position)
                    self._succeeded()
            except Exception as error:
                self._failed(error, self._retry_s)
            else:
                return  # the broker is closed
            await asyncio.sleep(self._retry_s)
