"""The stores of snapshots, opened when they are asked for and closed when nobody does: each is a small broker of its own.

A snapshot can be written to (§5.5.15), so it has a writer and a journal. Its historian, a process, is only started by
the first question about the past.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from andaman.broker.entity.apply import apply
from andaman.broker.entity.expiry import read_living
from andaman.broker.ledger import maintenance
from andaman.broker.ledger.boot import load_index
from andaman.broker.ledger.history_link import HistoryLink
from andaman.broker.ledger.ledger import Ledger, LedgerOptions
from andaman.broker.ledger.schema import FILE
from andaman.broker.query.index import EntityIndex
from andaman.broker.service import Broker
from andaman.broker.snapshots.recorder import FACTS, PART, check_free, settle, write_ahead
from andaman.broker.snapshots.store import FOLDER
from andaman.broker.snapshots.visibility import CurrentVisibility
from andaman.broker.subscriptions.service import Subscriptions
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.kernel.errors import (
    AndamanError,
    Conflict,
    OperationNotSupported,
    ResourceNotFound,
    Unavailable,
)
from andaman.kernel.time import Clock, Micros

log = logging.getLogger(__name__)
OPEN: Final = 8
_IDLE_S: Final = 120.0
_CACHE_BYTES: Final = 8 << 20
_HISTORY_MB: Final = 64


_KEPT: Final = ".kept"
"""Ends the name of content that nothing is known of, after the list was lost."""
PINNED: Final = 4
"""Snapshots with subscriptions, which stay open."""
Subscribe = Callable[[Broker, Path, str], Subscriptions]
"""Makes the subscriptions of a snapshot: its broker, its directory, its id."""


class LazyHistory(HistoryLink):
    """A historian that is started by the first question."""

    def __init__(self, directory: Path, memory_mb: int, every_s: float) -> None:
        super().__init__(directory, memory_mb, every_s)
        self._first = threading.Lock()
        self._asked = False

    def start(self) -> None:
        return

    def _ask(self, *arguments: Any) -> tuple[Any, ...]:
        with self._first:
            if not self._asked:
                self._asked = True
                super().start()
        return super()._ask(*arguments)


class Opened:
    """A store in use. ``subscriptions``: those on this snapshot, at work once there were any."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.subscriptions: Subscriptions | None = None
        self.visibility: CurrentVisibility | None = None
        self.starting = asyncio.Lock()
        self.users = 0
        self.used = time.monotonic()

    @property
    def pinned(self) -> bool:
        """It stays open: a subscription waits for changes."""
        return self.subscriptions is not None and bool(self.subscriptions.runs())


class StorePool:
    """All stores of one data directory. Belongs to the loop's thread."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        min_free_bytes: int = 0,
        subscribe: Subscribe | None = None,
    ) -> None:
        self.folder = directory / FOLDER
        self._subscribe = subscribe
        self._clock = clock
        self._min_free_bytes = min_free_bytes
        self._open: dict[str, asyncio.Task[Opened]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._gone: set[str] = set()  # keys of stores that are being taken away

    def sweep(self, known: Collection[str], complete: bool) -> None:
        """Take away what no snapshot of these keys has. Not ``complete``: what looks forgotten may not be, and is kept under
        another name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self.folder.iterdir():
            if path.name in known or path.name.endswith(_KEPT):
                continue
            if complete or path.name.endswith(PART):
                shutil.rmtree(path, ignore_errors=True)
            else:
                kept = path.rename(path.with_name(path.name + _KEPT))
                log.error("The list of snapshots does not have %s; it is kept as %s", path, kept.name)

    def place(self, key: str) -> Path:
        return self.folder / key

    @property
    def opened(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def using(self, key: str, at: Micros) -> AsyncIterator[Opened]:
        """The store of a snapshot, which stays open until the block ends. ``at``: its moment.

        Raises Unavailable where too many are in use already, or its store cannot be opened.
        """
        while True:
            task = await self._opening(key, at)
            try:
                opened = await asyncio.shield(task)
            except Exception:
                if self._open.get(key) is task:
                    del self._open[key]
                raise
            if self._open.get(key) is task:  # else it was closed in this very moment: open it again
                break
        opened.users += 1
        try:
            yield opened
        finally:
            opened.users -= 1
            opened.used = time.monotonic()

    def has_subscriptions(self, key: str) -> bool:
        """Were there ever any? Blocks a little."""
        return (self.place(key) / SUBSCRIPTIONS).exists()

    async def subscriptions(self, opened: Opened, key: str, snapshot_id: str, more: bool) -> Subscriptions:
        """The subscriptions of a store in use, at work. ``more``: there may be a new one, or Conflict is raised.

        Raises OperationNotSupported where the platform has none for snapshots.
        """
        if self._subscribe is None:
            raise OperationNotSupported(
                "There are no subscriptions on snapshots here", field="NGSILD-Snapshot"
            )
        if more and not opened.pinned and sum(one.pinned for one in self._all_open()) >= PINNED:
            raise Conflict(
                f"There are subscriptions on {PINNED} snapshots already; delete those on another one"
            )
        async with opened.starting:
            if opened.subscriptions is None:
                made = self._subscribe(opened.broker, self.place(key), snapshot_id)
                await made.start()
                opened.subscriptions = made
        return opened.subscriptions

    def rights_changed(self) -> None:
        for one in self._all_open():
            if one.subscriptions is not None:
                one.subscriptions.rights_changed()

    def _all_open(self) -> list[Opened]:
        return [
            task.result()
            for task in self._open.values()
            if task.done() and not task.cancelled() and task.exception() is None
        ]

    async def _opening(self, key: str, at: Micros) -> asyncio.Task[Opened]:
        while (closing := self._closing.get(key)) is not None:
            await asyncio.shield(closing)
        if key in self._gone:
            raise ResourceNotFound("This snapshot is not there any more")
        task = self._open.get(key)
        if task is None:
            self._make_room()
            task = self._open[key] = asyncio.create_task(self._start(key, at))
        return task

    async def _start(self, key: str, at: Micros) -> Opened:
        try:
            broker = await asyncio.to_thread(self._prepared, self.place(key), at)
        except (AndamanError, sqlite3.Error, OSError) as error:
            log.error("The store of snapshot %s cannot be opened: %s", key, error)
            raise Unavailable(
                "The content of this snapshot cannot be opened; the platform's log says why"
            ) from None
        await broker.start()
        return Opened(broker)

    def _prepared(self, place: Path, at: Micros) -> Broker:
        if not (place / FILE).is_file():
            raise Unavailable("The content of this snapshot is not there any more")
        write_ahead(place / FILE)
        ledger = Ledger(
            place,
            apply,
            FACTS,
            clock=self._clock,
            options=LedgerOptions(
                cache_bytes=_CACHE_BYTES, max_tenants=2, min_free_bytes=self._min_free_bytes
            ),
            read=lambda body: read_living(body, lambda: at),  # time stands still: what was there stays
        )
        try:
            index = EntityIndex()
            load_index(place, index, FACTS)
        except BaseException:
            ledger.abandon()
            raise
        return Broker(ledger, index, LazyHistory(place, _HISTORY_MB, 10.0))

    def _make_room(self) -> None:
        idle = sorted(
            (task.result().used, key)
            for key, task in self._open.items()
            if task.done()
            and not task.cancelled()
            and task.exception() is None
            and not (task.result().users or task.result().pinned)
        )
        if len(self._open) < OPEN:
            return
        if not idle:
            raise Unavailable(f"{OPEN} snapshots are in use already; try again in a moment")
        self._close(idle[0][1])

    def _close(self, key: str) -> None:
        task = self._open.pop(key)
        self._closing[key] = asyncio.create_task(self._closed(key, task.result()))

    async def _closed(self, key: str, opened: Opened) -> None:
        try:
            if opened.subscriptions is not None:
                await opened.subscriptions.stop()
            await opened.broker.close()
        except Exception:
            log.exception("A snapshot's store did not close cleanly")
        finally:
            # Not by a callback: who waits for this task and finds it ended must not find it here again, and wait for nothing
            # for ever, which would stop the loop.
            self._closing.pop(key, None)

    def tidy(self) -> None:
        """Close what nobody used for a while. Call now and then."""
        old = time.monotonic() - _IDLE_S
        for key, task in list(self._open.items()):
            if task.done() and not task.cancelled() and task.exception() is None:
                opened = task.result()
                if not (opened.users or opened.pinned) and opened.used < old:
                    self._close(key)

    async def copy(self, key: str, new: str) -> None:
        """A store of its own with the same content, as of one commit of it."""
        await asyncio.to_thread(self._copied, self.place(key), self.place(new))

    def _copied(self, place: Path, new: Path) -> None:
        part = new.with_name(new.name + PART)
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True, mode=0o700)
            size = sum(file.stat().st_size for file in place.glob(f"{FILE}*"))
            check_free(part, self._min_free_bytes + size)
            maintenance.backup(place, part / FILE)
            settle(part, new)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise

    async def remove(self, key: str) -> None:
        """Close a store when its last request ends, and delete it."""
        self._gone.add(key)
        while (task := self._open.get(key)) is not None:
            with contextlib.suppress(Exception):
                opened = await asyncio.shield(task)
                if opened.users:
                    await asyncio.sleep(0.05)
                    continue
                if self._open.get(key) is task:
                    self._close(key)
            break
        closing = self._closing.get(key)
        if closing is not None:
            await asyncio.shield(closing)
        await asyncio.to_thread(shutil.rmtree, self.place(key), True)
        self._gone.discard(key)  # keys are never used again

    def bytes_of(self, key: str) -> int:
        """Size on disk. Blocks a little."""
        return sum(file.stat().st_size for file in self.place(key).glob("*") if file.name.startswith(FILE))

    async def close(self) -> None:
        """Close all."""
        for key, task in list(self._open.items()):
            with contextlib.suppress(Exception):
                await asyncio.shield(task)
                if self._open.get(key) is task:
                    self._close(key)
        await asyncio.gather(*self._closing.values(), return_exceptions=True)
