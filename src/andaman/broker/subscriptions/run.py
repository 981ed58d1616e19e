"""A subscription at work: its position in the journal, its waiting notifications, and the access it uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from andaman.broker.ledger.rights import see_event
from andaman.broker.model import Doc, Event, EventKind
from andaman.broker.subscriptions.changes import Fact, doc_before_deletion
from andaman.broker.subscriptions.message import Message, Outcome
from andaman.broker.subscriptions.model import Owner, Subscription
from andaman.broker.subscriptions.request_changes import RequestChanges
from andaman.broker.subscriptions.wire import Wire
from andaman.identity.model import Access, FullAccess
from andaman.kernel.positions import stirred
from andaman.kernel.time import Micros


class Owners(Protocol):
    """The present rights of owners."""

    def access_of(self, owner: Owner) -> Access | None:
        """The rights of a subscription's owner as of now; None when there are none any more."""


def within(sub: Subscription, access: Access | None) -> Access | None:
    """The owner's rights in the subscription's tenant; None also for who may no longer enter it."""
    return access if access is not None and access.enters(sub.tenant) else None


class Run:
    """A subscription at work."""

    __slots__ = (
        "access",
        "changed",
        "due",
        "find",
        "flying",
        "follow",
        "generation",
        "held",
        "listed",
        "live",
        "next_at",
        "open",
        "position",
        "report",
        "sending",
        "since",
        "sub",
        "together",
        "wire",
    )  # fmt: skip

    def __init__(self, sub: Subscription, since: int, position: int | None, due: Micros) -> None:
        self.sub = sub
        self.since = since  # events up to here do not count
        self.live = position is None
        self.listed = False  # in the index
        self.position = position or 0  # while not live: everything up to here was looked at
        self.open: dict[int, None] = {}
        self.held: dict[str, Fact] = {}  # throttled: the last matching change of each entity
        self.together: RequestChanges | None = (
            None  # matched, to be told with what else the same request changed
        )
        self.flying = 0  # messages at the courier
        self.next_at = due if sub.throttling else 0  # throttled: not before
        self.due = due  # periodic: next time
        self.access: Access | None = None
        self.generation = 0
        self.changed = True
        self.wire = Wire(sub)
        self.report: Callable[[Message, Outcome], None]
        self.sending: Callable[[Message], None]
        self.find: Callable[[str], Awaitable[Doc | None]]
        self.follow: Callable[[str], tuple[Doc, frozenset[str]] | None]

    @property
    def settled(self) -> int | None:
        """The position that may be saved; None: the engine's."""
        if self.open:
            return next(iter(self.open)) - 1
        return None if self.live else self.position


def fact_of(event: Event, access: Access) -> Fact | None:
    """The event as these rights see it, or None."""
    seen = event if type(access) is FullAccess else see_event(event, access)
    if seen is None:
        return None
    if seen.kind is EventKind.DELETED:
        return Fact(seen, doc_before_deletion(seen))
    return None if seen.doc is None else Fact(seen, seen.doc)


def number_of(event: Event, key: bytes) -> str:
    """The base of a notification's id: position and time (after a restore of an older state, positions are given a
    second time). It is stirred with the store's key, so that ids do not count the writes between two notifications.
    """
    return stirred(key, f"{event.seq}.{event.at}")
