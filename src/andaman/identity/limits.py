"""How much one address may ask as the public: live sockets, and questions that cost the platform work.

Who signed in is known and is not limited here. Questions of strangers are taken by turns between addresses, and one is begun
in each round of the loop: many at once keep nobody else waiting longer than one of them lasts. An IPv6 household counts as one address. The memory is bounded: when
it is full, addresses not heard of for longest are forgotten.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from andaman.identity.problems import QuestionsWaiting
from andaman.identity.throttle import network_of
from andaman.kernel.metrics import Family, counter
from andaman.kernel.turns import Turns

_ADDRESSES_MAX: Final = 20_000
_AT_ONCE: Final = 4
"""Questions of one address that are answered at the same time."""
_IN_LINE: Final = 16
"""Further ones wait, up to so many."""
ANSWER_BYTES: Final = 64 * 1024
"""An answer costs one question more for each so many bytes."""


class Limits:
    """Budgets by address: ``per_minute`` questions (all at once, or evenly), ``sockets`` at a time; 0: no limit."""

    def __init__(
        self, per_minute: int = 0, sockets: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = float(per_minute)
        self._sockets_max = sockets
        self._clock = clock
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (left, when)
        self._open: Counter[str] = Counter()
        self._starts = Turns()
        self._asking: dict[str, Turns] = {}
        self.refused = 0

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for the turn of a question. Raises TooManyRequests where too many of this address wait already."""
        key = network_of(address)
        mine = self._asking.setdefault(key, Turns(_AT_ONCE))
        if mine.waiting(key) >= _IN_LINE:
            self.refused += 1
            raise QuestionsWaiting
        try:
            async with mine.turn(key):
                async with self._starts.turn(key):
                    await asyncio.sleep(0)
                yield
        finally:
            if mine.is_idle and self._asking.get(key) is mine:
                del self._asking[key]

    def spend(self, address: str, size: int) -> None:
        """Charge an answer of ``size`` bytes: it may leave the address in debt, of a minute's budget at most."""
        key = network_of(address)
        if self._capacity and size >= ANSWER_BYTES and key in self._budgets:
            left, at = self._budgets[key]
            self._budgets[key] = (max(left - size // ANSWER_BYTES, -self._capacity), at)

    def take(self, address: str) -> float:
        """Note one question; seconds until it may be asked, 0 when it may be now."""
        if not self._capacity:
            return 0.0
        key, now = network_of(address), self._clock()
        left, at = self._budgets.pop(key, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._capacity / 60)
        may = left >= 1
        self._budgets[key] = (left - 1 if may else left, now)
        if len(self._budgets) > _ADDRESSES_MAX:
            self._budgets.popitem(last=False)
        if may:
            return 0.0
        self.refused += 1
        return (1 - left) * 60 / self._capacity

    def enter(self, address: str) -> bool:
        """Note a socket that opens; False when there is no room for it. Every True needs a ``leave``."""
        key = network_of(address)
        if self._sockets_max and self._open[key] >= self._sockets_max:
            self.refused += 1
            return False
        self._open[key] += 1
        return True

    def metrics(self) -> Iterable[Family]:
        yield counter(
            "andaman_public_refused", "Questions and sockets of the public over a limit.", self.refused
        )

    def leave(self, address: str) -> None:
        key = network_of(address)
        self._open[key] -= 1
        if self._open[key] <= 0:
            del self._open[key]
