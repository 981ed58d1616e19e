"""Answers that a registration allows to be kept: ``management.cacheDuration`` (CIM 009 §5.2.34).

The least time between two questions about the same data to a source. What is kept is the answer as it came, by everything
that the source was told; it is read, bounded and filtered by the asker's rights anew each time, so that a kept answer shows
nobody more than a fresh one. In memory, bounded; a write through the registration forgets what was read through it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from andaman.broker.outgoing import Reply

BYTES: Final = 64 << 20
ONE: Final = 2 << 20
"""A larger answer is not kept."""
_OVERHEAD: Final = 1000
Key = tuple[str, str, Hashable]
"""(tenant, registration, question)."""


@dataclass(slots=True, eq=False)
class Asking:
    """A question under way."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    stale: bool = False  # something was written meanwhile


class AnswerCache:
    """Kept answers, the least recently used given up first; bound to one event loop."""

    def __init__(self, most: int = BYTES) -> None:
        self._most = most
        self._kept: OrderedDict[Key, tuple[float, Reply, int]] = OrderedDict()
        self._bytes = 0
        self._asking: dict[Key, Asking] = {}

    def find(self, key: Key) -> Reply | None:
        """An answer that is young enough still."""
        found = self._kept.get(key)
        if found is None:
            return None
        until, reply, _ = found
        if until <= time.monotonic():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return reply

    async def wait(self, key: Key) -> None:
        """Until the same question, if it is under way, has its answer: those who ask meanwhile share it."""
        asking = self._asking.get(key)
        if asking is not None:
            await asking.done.wait()

    def begin(self, key: Key) -> Asking:
        """The question goes out; ``end`` must follow."""
        return self._asking.setdefault(key, Asking())

    def end(self, key: Key, asking: Asking, reply: Reply | None, seconds: float) -> None:
        """The answer is there (None: none that could be kept). Kept unless something was written meanwhile."""
        if self._asking.get(key) is asking:
            del self._asking[key]
        if reply is not None and not asking.stale:
            self._keep(key, reply, seconds)
        asking.done.set()

    def _keep(self, key: Key, reply: Reply, seconds: float) -> None:
        size = len(reply.body) + len(repr(key)) + _OVERHEAD
        if size > ONE:
            return
        self._drop(key)
        self._kept[key] = (time.monotonic() + seconds, reply, size)
        self._bytes += size
        while self._bytes > self._most:
            self._drop(next(iter(self._kept)))

    def forget(self, tenant: str, registration: str) -> None:
        """Something was written there."""
        for key, asking in self._asking.items():
            asking.stale = asking.stale or key[:2] == (tenant, registration)
        for key in [key for key in self._kept if key[:2] == (tenant, registration)]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[2]
