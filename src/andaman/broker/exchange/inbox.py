"""Durable inbox of notifications from context sources: each is acknowledged only after it is on disk (CIM 009 §5.8.6).

Rows are in order for each subscription; one goes when its receiver took or refused it. Puts that come at the same time
share one fsync. Bounded; who finds no room is asked to try again, which sources of notifications do.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from andaman.broker.registry.store import RegistryStore
from andaman.kernel.errors import Unavailable

OF_ONE: Final = 10_000
"""Notifications that wait for one subscription."""
BYTES: Final = 256 << 20
_DROP_S: Final = 0.3


class Received(NamedTuple):
    """One notification of a source. ``id``: the same for a repeat of it."""

    number: int
    id: str
    body: bytes


class Inbox:
    """Over one store; bound to one event loop."""

    def __init__(self, store: RegistryStore) -> None:
        self._store = store
        self._counts: dict[str, int] = {}
        self._bytes = 0
        self._sizes: dict[int, tuple[str, int]] = {}
        self._waiting: list[tuple[str, str, bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._gone: set[int] = set()
        self._dropping: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> list[str]:
        """Keys of the subscriptions that something waits for."""
        for number, key, size in await asyncio.to_thread(self._store.received_sizes):
            self._note(number, key, size)
        return list(self._counts)

    async def close(self) -> None:
        self._closed = True
        for task in (self._writing, self._dropping):
            if task is not None:
                await asyncio.gather(task, return_exceptions=True)
        if self._gone:
            await asyncio.to_thread(self._store.drop_received, sorted(self._gone))
            self._gone.clear()

    def waiting(self, key: str) -> int:
        return self._counts.get(key, 0)

    def _note(self, number: int, key: str, size: int) -> None:
        self._sizes[number] = (key, size)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._bytes += size

    # -- in -------------------------------------------------------------------------------------------------
    async def put(self, key: str, number: str, body: bytes) -> None:
        """On disk when it returns; a repeat of what waits still is nothing new. Raises Unavailable."""
        if self._counts.get(key, 0) + len(self._waiting) >= OF_ONE or self._bytes + len(body) > BYTES:
            raise Unavailable("Too many notifications of sources wait already; try again in a moment")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, number, body, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="told-on-write")
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                numbers = await asyncio.to_thread(
                    self._store.keep_received, [(key, number, body) for key, number, body, _ in batch]
                )
            except Unavailable as error:
                for *_, done in batch:
                    if not done.done():
                        done.set_exception(error)
                continue
            for (key, _, body, done), number in zip(batch, numbers, strict=True):
                if number is not None:
                    self._note(number, key, len(body))
                if not done.done():
                    done.set_result(None)

    # -- out ------------------------------------------------------------------------------------------------
    async def after(self, key: str, number: int, most: int) -> list[Received]:
        """The next ones behind ``number``, in order; without those that were dropped already, or are not noted yet."""
        rows = await asyncio.to_thread(self._store.received_after, key, number, most)
        return [Received(*row) for row in rows if row[0] in self._sizes]

    def drop(self, number: int) -> None:
        """It was taken, or never will be sent. Gone from disk a moment later: till then a kill repeats it."""
        known = self._sizes.pop(number, None)
        if known is None:
            return
        key, size = known
        self._bytes -= size
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        self._gone.add(number)
        if self._closed:
            return  # told again after the next start, with the same id
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.create_task(self._drop_soon(), name="told-on-drop")

    def drop_all(self, key: str) -> None:
        for number in [number for number, (owner, _) in self._sizes.items() if owner == key]:
            self.drop(number)

    async def _drop_soon(self) -> None:
        while self._gone and not self._closed:
            await asyncio.sleep(_DROP_S)
            gone = sorted(self._gone)
            try:
                await asyncio.to_thread(self._store.drop_received, gone)
            except Unavailable:
                continue
            self._gone.difference_update(gone)
