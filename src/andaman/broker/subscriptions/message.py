"""The messages that the courier takes to receivers, and their outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from andaman.broker.outgoing import Header


class Outcome(Enum):
    """The outcome of one attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"  # will be tried again
    REFUSED = "refused"  # the receiver answered that it never will take it; not tried again


@dataclass(slots=True, eq=False)
class Message:
    """``owner``: whose it is, for ``drop``. ``lane``: messages of equal lane keep their order. ``on_send`` is called
    before each attempt, ``report`` after it."""

    owner: str
    lane: str
    headers: tuple[Header, ...]
    body: bytes
    report: Callable[[Message, Outcome], None]
    on_send: Callable[[Message], None] = lambda _: None
    seqs: tuple[int, ...] = ()  # for the owner's own use
    also: tuple[
        str, ...
    ] = ()  # further lanes that it keeps its place in: it goes when it is first in all of them
    numbers: tuple[int, ...] = ()  # of its lanes, rising; the courier's own


class Sender(Protocol):
    """One way of sending. True: taken; False: refused for good. Raises Unreachable: try again."""

    async def send(self, message: Message, timeout_s: float) -> bool: ...

    def close(self) -> None: ...
