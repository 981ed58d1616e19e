"""The connections of this process: how many there may be and how long each may keep it waiting. Also how many bytes of
answers may wait for clients that do not read.

One look every half second goes through all of them; in between a connection only notes the time of that look, which costs
the hot path nothing. Where there is no room for a new connection, idle ones make room, so that a client that asks gets in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from uvicorn.server import ServerState

from andaman.identity.throttle import network_of
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.work import Every

log = logging.getLogger("andaman.wire")

LOOK_S: Final = 0.5
CLOSING_S: Final = 5.0
"""A closed connection whose client takes the rest of an answer as slowly as this is cut."""
_SAID_S: Final = 60.0
_VICTIMS: Final = 32
"""So many idle connections make room at once: looking for them costs more than closing them."""
_FAREWELLS: Final = 64
"""Connections that are refused at the door, or hear why they end, at one time; further ones are cut."""
NEVER: Final = 9
"""The rank of a connection that does not make room for another."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits of a client before its connection ends.

    ``head_bytes``, ``headers``: the request line and the headers of one request. ``head_s``: seconds for them; ``body_s``:
    seconds for a body, and one more for every ``rate`` bytes that came; ``unread_s``: the same for an answer that the client
    does not read. ``rest_s``: between two requests. ``total``, ``per_address``: connections (0: no limit), an IPv6 /64 being
    one address. ``unread_bytes``: of answers that wait, in all.
    """

    head_bytes: int = 64 * 1024
    headers: int = 128
    head_s: float = 20.0
    body_s: float = 60.0
    unread_s: float = 30.0
    rest_s: float = 75.0
    rate: int = 2048
    total: int = 8192
    per_address: int = 512
    unread_bytes: int = 64 << 20


class Connection(Protocol):
    """The part of a connection that the register needs."""

    peer: str  # its address, or network
    since: float  # when it began what it does now
    unread: int  # bytes that wait for the client to read, noted when they were too many

    def rank(self) -> int:
        """What it does: 0 is the first to make room for another, ``NEVER`` does not."""
        ...

    def look(self, now: float) -> None:
        """End what lasts too long."""
        ...

    def cut(self, reason: str) -> None:
        """End it now."""
        ...


class State(ServerState):
    """uvicorn's state of a server, through which its connections find the register."""

    def __init__(self, clients: Clients) -> None:
        super().__init__()
        self.clients = clients


class Clients:
    """The register. Everything here runs on the loop."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self.now = 0.0  # the loop's clock at the last look
        self.farewells = 0
        self.unread = 0
        self._all: dict[Connection, None] = {}
        self._by_peer: dict[str, dict[Connection, None]] = {}
        self._slow: dict[Connection, None] = {}
        self._ended: Counter[str] = Counter()
        self._said: Counter[str] = Counter()
        self._said_at = 0.0
        self._every = Every("The look at all connections", LOOK_S, self._look)

    def __len__(self) -> int:
        return len(self._all)

    async def start(self) -> None:
        self.now = self._said_at = asyncio.get_running_loop().time()
        await self._every.start()

    async def stop(self) -> None:
        await self._every.stop()

    # -- who is there -----------------------------------------------------------------------------------------------
    def enter(self, one: Connection) -> bool:
        """Note a connection; False where there is no room for it, and it should end."""
        peer, patience = one.peer, self.patience
        of_peer = self._by_peer.setdefault(peer, {})
        self._all[one] = of_peer[one] = None
        if patience.per_address and len(of_peer) > patience.per_address:
            return self._make_room(of_peer, one)
        if patience.total and len(self._all) > patience.total:
            # Of whoever has most, so that one address does not take the room of all.
            most = max(self._by_peer.values(), key=len)
            return self._make_room(most, one) or self._make_room(self._all, one)
        return True

    def leave(self, one: Connection) -> None:
        self._all.pop(one, None)
        self.reads_again(one)
        of_peer = self._by_peer.get(one.peer)
        if of_peer is not None:
            of_peer.pop(one, None)
            if not of_peer:
                del self._by_peer[one.peer]

    def _make_room(self, among: dict[Connection, None], new: Connection) -> bool:
        found = [
            (rank, one.since, number, one)
            for number, one in enumerate(among)
            if one is not new and (rank := one.rank()) < NEVER
        ]
        found.sort(key=lambda row: row[:3])
        for _, _, _, one in found[: min(_VICTIMS, 1 + len(among) // 16)]:
            one.cut("evicted")
        return bool(found)

    # -- what waits to be read --------------------------------------------------------------------------------------
    def reads_slowly(self, one: Connection, size: int) -> None:
        """``size`` bytes wait for this client. Beyond the bound for all, those end who have had most for longest."""
        self.reads_again(one)
        one.unread = size
        self._slow[one] = None
        self.unread += size
        if self.unread <= self.patience.unread_bytes:
            return
        held: Counter[str] = Counter()
        for other in self._slow:
            held[other.peer] += other.unread
        for other in sorted(self._slow, key=lambda slow: (-held[slow.peer], slow.since)):
            if self.unread <= self.patience.unread_bytes * 3 // 4:
                return
            other.cut("unread")

    def reads_again(self, one: Connection) -> None:
        if one in self._slow:
            del self._slow[one]
            self.unread -= one.unread
            one.unread = 0

    # -- the look ---------------------------------------------------------------------------------------------------
    async def _look(self) -> None:
        self.now = asyncio.get_running_loop().time()
        await self.look()

    async def look(self) -> None:
        """Once through all connections, some hundreds at a time."""
        now = self.now
        waiting = iter(list(self._all))
        while some := list(islice(waiting, 500)):
            for one in some:
                try:
                    one.look(now)
                except Exception:
                    log.exception("a connection could not be looked at; it is closed")
                    one.cut("failed")
            await asyncio.sleep(0)
        if now - self._said_at >= _SAID_S:
            self._log_counts()
            self._said_at = now

    def _log_counts(self) -> None:
        """Actions of anonymous clients are one log line a minute at most, however often they occur."""
        if self._said:
            fields = {reason.replace(" ", "_"): count for reason, count in sorted(self._said.items())}
            log.info("connections were refused or closed", extra={"fields": fields})
            self._said.clear()

    # -- figures ----------------------------------------------------------------------------------------------------
    def note(self, reason: str) -> None:
        """A connection ends, or a request is refused, for ``reason``: one of a few words."""
        self._ended[reason] += 1
        self._said[reason] += 1

    def may_say_farewell(self) -> bool:
        return self.farewells < _FAREWELLS

    def metrics(self) -> Iterable[Family]:
        yield gauge("andaman_connections_open", "Connections of clients.", len(self._all))
        yield gauge(
            "andaman_connections_limit", "Connections that there may be at most.", self.patience.total
        )
        yield gauge(
            "andaman_connections_unread_bytes",
            "Bytes of answers that slow clients have not read yet.",
            self.unread,
        )
        yield Family(
            "andaman_connections_ended",
            "Connections closed, and requests refused, because of what the client did or did not do.",
            "counter",
            [({"reason": reason}, count) for reason, count in sorted(self._ended.items())],
        )


def peer_of(client: tuple[str, int] | None) -> str:
    """The address by which connections are counted."""
    return network_of(client[0]) if client else ""
