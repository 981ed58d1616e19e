"""How all sockets and states share the loop and the memory: turns, places, and bytes that wait.

A state of the city is work for the loop and bytes for a client that may never read them. So its pieces are made one at a time,
by turns between addresses and people; each socket has one state under way; and what waits for clients has a bound over all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from andaman.doors.live.problems import AddressWatchesFull, PastBusy
from andaman.identity.model import Actor
from andaman.identity.throttle import network_of
from andaman.kernel.turns import Turns

WAITING_MAX: Final = 96 << 20
"""Bytes that may wait for all sockets together; beyond it those end that hold most."""
OF_STRANGER: Final = 8 << 20
OF_PERSON: Final = 64 << 20
"""Bytes that may wait for one socket."""
STRANGERS_WATCHES: Final = 256
"""Watches of anonymous clients at one address: each with its own filter costs the hub work in every window."""
_PATIENCE_S: Final = 10.0
"""A state of the past waits so long for a place."""


class Holder(Protocol):
    """A socket for which bytes wait."""

    is_stranger: bool

    def let_go(self, why: str) -> None:
        """End it, as too slow."""
        ...


@dataclass(slots=True)
class Share:
    """One for all sockets of a process."""

    waiting_max: int = WAITING_MAX
    waiting: int = 0
    let_go: int = 0
    _held: dict[Holder, int] = field(default_factory=dict)
    _watches: Counter[str] = field(default_factory=Counter)
    _pieces: tuple[Turns, Turns] = field(default_factory=lambda: (Turns(), Turns()))
    _past: tuple[Turns, Turns] = field(default_factory=lambda: (Turns(2), Turns(4)))

    # -- work -------------------------------------------------------------------------------------------------------
    def piece(self, actor: Actor) -> Callable[[], AbstractAsyncContextManager[None]]:
        """A turn to make the next piece of a state, as an async context manager to be called each time."""
        turns, whose = self._pieces[not is_stranger(actor)], _owner_of(actor)
        return lambda: turns.turn(whose)

    @asynccontextmanager
    async def past(self, actor: Actor) -> AsyncIterator[None]:
        """A place for a state of the past, which is in memory completely while it is sent. Raises PastBusy."""
        turn = self._past[not is_stranger(actor)].turn(_owner_of(actor))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await turn.__aenter__()
        except TimeoutError:
            raise PastBusy from None
        try:
            yield
        finally:
            await turn.__aexit__(None, None, None)

    # -- watches ----------------------------------------------------------------------------------------------------
    def enter(self, actor: Actor) -> None:
        """Note a watch of an anonymous client. Raises AddressWatchesFull; every call that does not needs a ``leave``."""
        if is_stranger(actor):
            whose = _owner_of(actor)
            if self._watches[whose] >= STRANGERS_WATCHES:
                raise AddressWatchesFull(count=STRANGERS_WATCHES)
            self._watches[whose] += 1

    def leave(self, actor: Actor) -> None:
        if is_stranger(actor):
            whose = _owner_of(actor)
            self._watches[whose] -= 1
            if self._watches[whose] <= 0:
                del self._watches[whose]

    # -- memory -----------------------------------------------------------------------------------------------------
    def hold(self, one: Holder, size: int) -> None:
        """So many bytes wait for this socket now; beyond its own bound or that of all, sockets are let go."""
        self.waiting += size - self._held.pop(one, 0)
        if not size:
            return
        self._held[one] = size
        if size > (OF_STRANGER if one.is_stranger else OF_PERSON):
            self._let_go(one)
        while self.waiting > self.waiting_max:
            self._let_go(max(self._held, key=lambda held: (held.is_stranger, self._held[held])))

    def _let_go(self, one: Holder) -> None:
        self.waiting -= self._held.pop(one, 0)
        self.let_go += 1
        one.let_go("too much waits for this client")


def is_stranger(actor: Actor) -> bool:
    return not actor.principal.is_staff and actor.principal.id == "public"


def _owner_of(actor: Actor) -> str:
    """Anonymous clients are known by their address."""
    return network_of(actor.origin) if is_stranger(actor) else actor.principal.id
