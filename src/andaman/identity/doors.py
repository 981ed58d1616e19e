"""The table of doors: one entry for every route, socket and NGSI-LD operation. Pure.

An entry says whose data the door shows (tenancy), what it requires, its limits, and whether a success is audited. Routes are
built from entries (``identity.entrance``, ``doors.ngsild.entries``), which ask before the handler runs, so that no handler can
forget to. docs/doors.md is the table of the platform as built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from andaman.identity.powers import ADMINISTRATOR, DEVICE, KNOWN, NARROWED, STAFF, STANDINGS
from andaman.kernel.permissions import Permission

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class TableError(Exception):
    """A door that is not in order: a mistake in the program, found when the platform is built."""


class Tenancy(StrEnum):
    """The tenant whose data a door shows or changes."""

    CITY = "city"
    """The city's data alone: closed to tokens of other tenants, however a request names a tenant. A caller who may
    enter both the city and the named tenant is shown the city.
    """
    TENANT = "tenant"
    """A tenant's alone: one must be named."""
    BOTH = "both"
    """The data of the named tenant, else the city's."""
    NONE = "none"
    """No tenant's data: the caller's own sign-in, built files, notifications of other brokers. A tenant that is named
    means nothing.
    """


class Cost(StrEnum):
    """How the request of an anonymous client is counted."""

    FREE = "free"
    """A look into memory."""
    QUESTION = "question"
    """Work; one address has ``public_queries_per_minute`` of them."""


class Who(StrEnum):
    """Doors for which no permission is needed."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    """Any session or token."""


ANYONE: Final = Who.ANYONE
SIGNED_IN: Final = Who.SIGNED_IN
Requirement = Who | Permission
"""The requirement for any caller of the door. Administrators have every permission."""


class Verdict:
    """What an entry says of a standing (``identity.powers``)."""

    OPEN: Final = 0
    PERMISSION: Final = 1
    """Open to those who have the permission."""
    SIGN_IN: Final = 2
    NARROWED: Final = 3
    DEVICE: Final = 4


@dataclass(frozen=True, slots=True)
class DoorEntry:
    """One door. ``requires``: the permission without which nobody enters. ``asks``: permissions that the handler asks for a
    part of what it does. ``path``: a template such as ``/api/command/incidents/{id}``; ``method``: GET also for sockets.

    ``narrowed``: open to tokens that are narrowed to types or scopes. By default they may read and not change anything. ``devices``: open to device tokens, which write and read nothing.
    ``body_max``: bytes of a body, 0 where none is read, None for the setting ``max_body_mb``; ``public_body_max``: of a
    stranger's body (None: the same).
    ``audited``: the action that a success is audited as, empty where the service or the journal already does. Refusals of who
    is known always are.
    ``because``: why a door that changes something requires no permission.
    ``tenant_parameter``: the tenant may also come in the query parameter ``tenant``.
    """

    method: str
    path: str
    tenancy: Tenancy
    requires: Requirement
    asks: tuple[Permission, ...] = ()
    narrowed: bool | None = None
    devices: bool = False
    body_max: int | None = 0
    public_body_max: int | None = None
    cost: Cost = Cost.FREE
    audited: str = ""
    because: str = ""
    socket: bool = False
    tenant_parameter: bool = False
    permission: str = field(init=False, repr=False, compare=False)
    """The name of the permission that is required, "" for none."""
    verdicts: bytes = field(init=False, repr=False, compare=False)
    """A ``Verdict`` for each standing (``identity.powers``)."""
    looks_for_tenant: bool = field(init=False, repr=False, compare=False)
    """Must a tenant be looked for where no header names one?"""
    route: str = field(init=False, repr=False, compare=False)
    """The path as metrics name it: ``{id}`` replaces each name."""

    def __post_init__(self) -> None:
        looks = self.tenant_parameter or self.tenancy is Tenancy.TENANT
        object.__setattr__(self, "looks_for_tenant", looks)
        object.__setattr__(self, "route", re.sub(r"\{[^/{}]+\}", "{id}", self.path))
        permission = self.requires.name if isinstance(self.requires, Permission) else ""
        object.__setattr__(self, "permission", permission)
        object.__setattr__(self, "verdicts", bytes(self._verdict(standing) for standing in range(STANDINGS)))

    @property
    def opens_narrowed(self) -> bool:
        return self.method in SAFE if self.narrowed is None else self.narrowed

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """All that the door and its handler ask."""
        return (self.requires, *self.asks) if isinstance(self.requires, Permission) else self.asks

    def _verdict(self, standing: int) -> int:
        if standing & DEVICE:
            return Verdict.OPEN if self.devices else Verdict.DEVICE
        if standing & NARROWED and not self.opens_narrowed:
            return Verdict.NARROWED
        if self.requires is ANYONE or (self.requires is SIGNED_IN and standing & KNOWN):
            return Verdict.OPEN
        if standing & ADMINISTRATOR:
            return Verdict.OPEN
        return Verdict.PERMISSION if self.permission and standing & STAFF else Verdict.SIGN_IN

    def to(self, handler: Callable[..., Any]) -> BoundDoor:
        """The door with the handler behind it."""
        return BoundDoor(self, handler)


@dataclass(frozen=True, slots=True)
class BoundDoor:
    """A door, and what answers behind it."""

    entry: DoorEntry
    handler: Callable[..., Any]


def checked(doors: Iterable[object]) -> list[BoundDoor]:
    """The doors, each once and in order. Raises TableError."""
    seen: set[tuple[str, str, bool]] = set()
    found: list[BoundDoor] = []
    for door in doors:
        if not isinstance(door, BoundDoor) or not isinstance(door.entry, DoorEntry):
            raise TableError(f"{door!r} is a route without an entry in the table of doors")
        entry = door.entry
        name = f"{entry.method} {entry.path}"
        if entry.method not in METHODS or not entry.path.startswith("/"):
            raise TableError(f"{name}: a door has one method and a path from /")
        if entry.socket and entry.method != "GET":
            raise TableError(f"{name}: a socket is opened by GET")
        if (entry.method, entry.path, entry.socket) in seen:
            raise TableError(f"{name} is there twice")
        if entry.method not in SAFE and isinstance(entry.requires, Who) and not entry.because:
            raise TableError(f"{name} changes something and requires no permission; say why (because)")
        if entry.tenant_parameter and entry.tenancy is not Tenancy.BOTH:
            raise TableError(f"{name} takes a tenant and has none")
        seen.add((entry.method, entry.path, entry.socket))
        found.append(door)
    return found
