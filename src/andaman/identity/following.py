"""Rights that change elsewhere, or by themselves: what another process wrote into identity.db (the command line), and tokens
whose time is over. Everything that goes on in somebody's name hears of it by ``Identity.on_change``."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import Final

from andaman.identity.service import Identity

log = logging.getLogger(__name__)
EVERY_S: Final = 0.25
"""So long, at most, does what the command line takes away stay in use beside a running platform."""


class RightsFollower:
    """Looks often; a look costs microseconds while nothing changes."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="rights")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                self._identity.look()
            except sqlite3.Error as error:  # a disk in trouble; the next look may see again
                log.warning("Changes of rights cannot be looked for now: %s", error)
            except Exception:
                log.exception("What changed in rights could not be told to all; it is tried again")
