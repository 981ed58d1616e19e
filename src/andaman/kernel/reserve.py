"""A few megabytes that the data directory keeps for a disk that is full. A start gives them up, so that it can write what a start
must (locks, write-ahead logs) and serve reads; a running platform gives them up for what accounts need (a sign-in with its entry in
the audit). Writes of entities stay refused until there is room again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from andaman.kernel.work import Every

log = logging.getLogger("andaman")
FILE: Final = "reserve"
BYTES: Final = 8 << 20
_NEEDED: Final = 4 << 20
"""What a start takes at most; with less, the reserve is given up."""
_LOOK_S: Final = 30.0


class Reserve:
    """``take`` before anything in the directory is opened; ``start`` has it made again when there is room."""

    def __init__(self, directory: Path, min_free_bytes: int) -> None:
        self._path, self._min_free_bytes = directory / FILE, min_free_bytes
        self._every = Every("Making the reserve again", _LOOK_S, self._renew)
        self._lock = threading.Lock()
        self._tell: Callable[[int], None] | None = None
        self.given_up = False

    @property
    def least_free_bytes(self) -> int:
        """Writes are refused below it: the released space is for the start and for reading, not for them."""
        return max(self._min_free_bytes, BYTES + _NEEDED) if self.given_up else self._min_free_bytes

    def take(self) -> None:
        """Give the reserve up where the disk is full, else make it where it is not there yet."""
        if self._free() >= _NEEDED:
            self._make()
            self.given_up = not self._path.exists() and self._free() < BYTES + _NEEDED
            return
        self.give_up()

    def on_change(self, tell: Callable[[int], None]) -> None:
        """``tell`` is called with ``least_free_bytes`` when that becomes another; any thread."""
        self._tell = tell

    def give_up(self) -> None:
        """The disk is full. Any thread; nothing where it was given up before."""
        with self._lock:
            self._set(True)  # first: writes of entities must not take what becomes free
            with contextlib.suppress(OSError):
                self._path.unlink()
                log.error(
                    "The disk of %s is full: the reserve of %d MB is released, so that reading and sign-in continue. Writes are "
                    "refused until %d MB are free: make room",
                    self._path.parent,
                    BYTES >> 20,
                    self.least_free_bytes >> 20,
                )

    def _set(self, given_up: bool) -> None:
        if given_up != self.given_up:
            self.given_up = given_up
            if self._tell is not None:
                self._tell(self.least_free_bytes)

    def _make(self) -> None:
        """Where there is room for it and for as much again."""
        if self._path.exists() or self._free() < self._min_free_bytes + 3 * BYTES:
            return
        part = self._path.with_name(f"{FILE}.part")
        try:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, BYTES)
            finally:
                os.close(fd)
            os.replace(part, self._path)
        except OSError as error:
            log.info("No reserve can be made in %s: %s", self._path.parent, error.strerror)
            with contextlib.suppress(OSError):
                part.unlink()

    def _free(self) -> int:
        try:
            found = os.statvfs(self._path.parent)
        except OSError:
            return BYTES + _NEEDED
        return found.f_bavail * found.f_frsize

    async def start(self) -> None:
        await self._every.start()

    async def stop(self) -> None:
        await self._every.stop()

    async def _renew(self) -> None:
        if not self._path.exists():
            await asyncio.to_thread(self._renew_now)

    def _renew_now(self) -> None:
        with self._lock:
            self._make()
            if self._path.exists():
                self._set(False)
