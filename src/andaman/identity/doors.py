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

from andaman.identity.model import Role
from andaman.identity.powers import ADMINISTRATOR, DEVICE, KNOWN, NARROWED, OF_ROLE

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class TableError(Exception):
    """A door that is not in order: a mistake in the program, found when the platform is built."""


class Tenancy(StrEnum):
    """Whose data a door shows or changes."""

    CITY = "city"
    """The city's alone: closed to tokens of other tenants, in whatever way a tenant is named. Whoever may enter the city and the
    tenant that is named is shown the city."""
    TENANT = "tenant"
    """A tenant's alone: one must be named."""
    BOTH = "both"
    """Of the tenant that is named, else the city's."""
    NONE = "none"
    """No tenant's: the caller's own sign-in, built files, what other brokers tell. A tenant that is named means nothing."""


class Cost(StrEnum):
    """What a stranger's request is counted as."""

    FREE = "free"
    """A look into memory."""
    QUESTION = "question"
    """Work; one address has ``public_queries_per_minute`` of them."""


class Who(StrEnum):
    ANYONE = "anyone"
    KNOWN = "signed in"
    """Any session or token."""
    ROLES = "roles"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Who may enter. ``roles``: one of them is enough, and administrators always may."""

    who: Who
    roles: frozenset[Role] = frozenset()

    @property
    def words(self) -> str:
        if self.who is not Who.ROLES:
            return self.who.value
        if self == STAFF:
            return "staff"
        return ", ".join(sorted(self.roles))


ANYONE: Final = Requirement(Who.ANYONE)
SIGNED_IN: Final = Requirement(Who.KNOWN)


def one_of(*roles: Role) -> Requirement:
    """Someone with one of these roles, or an administrator."""
    return Requirement(Who.ROLES, frozenset(roles) | {Role.ADMINISTRATOR})


STAFF: Final = one_of(Role.OPERATOR, Role.DISPATCHER, Role.ANALYST)
ADMINISTRATORS: Final = one_of()


class Verdict:
    """What an entry says of a standing (``identity.powers``)."""

    OPEN: Final = 0
    SIGN_IN: Final = 1
    ROLE: Final = 2
    NARROWED: Final = 3
    DEVICE: Final = 4


@dataclass(frozen=True, slots=True)
class DoorEntry:
    """One door. ``path``: a template such as ``/api/command/incidents/{id}``; ``method``: GET also for sockets.

    ``narrowed``: open to tokens that are narrowed to types or scopes. By default they may read, and neither change anything nor
    administer. ``devices``: open to device tokens, which write and read nothing.
    ``body_max``: bytes of a body, 0 where none is read, None for the setting ``max_body_mb``; ``public_body_max``: of a
    stranger's body (None: the same).
    ``audited``: the action that a success is audited as, empty where the service or the journal already does. Refusals of who
    is known always are.
    ``because``: why a door that changes something asks nothing of who comes.
    ``tenant_parameter``: the tenant may also come in the query parameter ``tenant``.
    """

    method: str
    path: str
    tenancy: Tenancy
    requires: Requirement
    narrowed: bool | None = None
    devices: bool = False
    body_max: int | None = 0
    public_body_max: int | None = None
    cost: Cost = Cost.FREE
    audited: str = ""
    because: str = ""
    socket: bool = False
    tenant_parameter: bool = False
    verdicts: bytes = field(init=False, repr=False, compare=False)
    """A ``Verdict`` for each standing."""
    looks_for_tenant: bool = field(init=False, repr=False, compare=False)
    """Must a tenant be looked for where no header names one?"""
    route: str = field(init=False, repr=False, compare=False)
    """The path as metrics name it: whatever stands for a name is ``{id}``."""

    def __post_init__(self) -> None:
        looks = self.tenant_parameter or self.tenancy is Tenancy.TENANT
        object.__setattr__(self, "looks_for_tenant", looks)
        object.__setattr__(self, "route", re.sub(r"\{[^/{}]+\}", "{id}", self.path))
        object.__setattr__(self, "verdicts", bytes(self._verdict(standing) for standing in range(256)))

    @property
    def opens_narrowed(self) -> bool:
        if self.narrowed is not None:
            return self.narrowed
        return self.method in SAFE and self.requires != ADMINISTRATORS

    def _verdict(self, standing: int) -> int:
        who = self.requires.who
        if standing & DEVICE:
            return Verdict.OPEN if self.devices else Verdict.DEVICE
        if standing & NARROWED and not self.opens_narrowed:
            return Verdict.NARROWED
        if who is Who.ANYONE or (who is Who.KNOWN and standing & KNOWN):
            return Verdict.OPEN
        mine = standing & sum(OF_ROLE.values())
        if not mine:
            return Verdict.SIGN_IN
        if mine & ADMINISTRATOR or any(mine & OF_ROLE[role] for role in self.requires.roles):
            return Verdict.OPEN
        return Verdict.ROLE

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
        if entry.method not in SAFE and entry.requires.who is Who.ANYONE and not entry.because:
            raise TableError(f"{name} changes something and requires nothing; say why (because)")
        if entry.tenant_parameter and entry.tenancy is not Tenancy.BOTH:
            raise TableError(f"{name} takes a tenant and has none")
        seen.add((entry.method, entry.path, entry.socket))
        found.append(door)
    return found
