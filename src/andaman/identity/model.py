"""Actors, and the data that they may see. Plain data: every other room may import this module.

The gate answers with a filter, not with a yes afterwards: ``Access`` goes *into* each broker call, and what it
hides is absent from lists, counts, tiles, aggregates, errors, exports, subscriptions and replays alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Final, Protocol

from andaman.kernel.permissions import Permission
from andaman.kernel.time import Micros


class Role(StrEnum):
    """The two roles that are fixed. All roles are rows of data (``identity.roles``), and names elsewhere."""

    PUBLIC = "public"
    ADMINISTRATOR = "administrator"


class Classification(IntEnum):
    """Thai categories of government data; a higher number is more restricted."""

    PUBLIC = 0  # ข้อมูลสาธารณะ
    PERSONAL = 1  # ข้อมูลส่วนบุคคล
    SECURITY = 2  # ข้อมูลความมั่นคง
    OFFICIAL_SECRET = 3  # ข้อมูลความลับทางราชการ


class Access(Protocol):
    """The rights of one principal, as a filter. Implementations are immutable.

    ``types`` and ``attrs`` are expanded IRIs; ``scopes`` are NGSI-LD scopes such as "/agency/police".
    Visibility depends on (types, scopes) only, never on values, so that the broker can cache the answer per
    distinct pair and turn it into a bit mask.
    """

    @property
    def key(self) -> str:
        """Equal keys mean equal rights; changes when the policy changes."""

    def enters(self, tenant: str) -> bool:
        """May the principal know that this tenant exists, and act in it? "" is the city."""

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        """May the principal know that an entity with these types and scopes exists?"""

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        """Attributes that must look absent on such an entity, in answers and in query evaluation."""

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        """May the principal create, change or delete these attributes on such an entity?"""


@dataclass(frozen=True, slots=True)
class FullAccess:
    """The platform's own right (feeds, rules, --no-auth). Never handed to a request by the gate otherwise."""

    key: str = "*"

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return True

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return True


FULL_ACCESS = FullAccess()


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, token, device or part of the platform. ``permissions``: names, as the table of roles has them for its roles."""

    id: str  # "user:somchai", "token:ab12", "device:gauge-7", "system:rules"
    name: str  # shown to people
    roles: frozenset[str]
    agency: str = ""  # short code such as "pk-ddpm"; empty for none
    purpose: str = ""  # declared purpose of this session or token, such as "dispatch"
    era: Micros = 0  # of the account's password; what a session makes stands on it
    permissions: frozenset[str] = frozenset()

    def may(self, permission: Permission) -> bool:
        """Has it this permission? Administrators have all."""
        return permission.name in self.permissions or Role.ADMINISTRATOR in self.roles

    @property
    def is_staff(self) -> bool:
        """Has it a role besides the public's?"""
        return not self.roles <= {Role.PUBLIC}


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal in the act: what a write or a read carries down to ledger and audit."""

    principal: Principal
    access: Access = field(default=FULL_ACCESS)
    origin: str = ""  # remote address, "feed:smartbus", "cli"
    reason: str = ""  # why, where a screen asked for it
    request_id: str = ""


_IN_ROOM: Final = "room:"


def acting_in(room: str, actor: Actor) -> Actor:
    """The person in a room that has checked the step itself: written in their name, with the room's own right. The journal
    keeps the way, so that a record of the room's procedure is told apart from one that somebody wrote by hand.
    """
    return replace(actor, access=FULL_ACCESS, origin=f"{_IN_ROOM}{room} {actor.origin}")


def is_in_room(origin: str) -> bool:
    """Was a change with this origin made by a step of a room?"""
    return origin.startswith(_IN_ROOM)


def system_actor(part: str) -> Actor:
    """The platform itself, such as ``system_actor("rules")``; full rights, named in the audit."""
    return Actor(Principal(f"system:{part}", part, frozenset({Role.ADMINISTRATOR})), FULL_ACCESS, origin=part)
