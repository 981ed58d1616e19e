"""The content of the identity store, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from andaman.identity.model import Principal
from andaman.identity.policy import Rights, WriteLimit
from andaman.identity.roles import RoleTable
from andaman.kernel.time import Micros


@dataclass(frozen=True, slots=True)
class Agency:
    """An organisation; ``code`` such as ``pk-ddpm``."""

    code: str
    name_th: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. ``username`` is lower case and never changes. ``era``: another one begins with each new
    password; what was made in an older one stands on nothing (``basis.py``)."""

    username: str
    name: str
    roles: frozenset[str]
    agency: str = ""
    disabled: bool = False
    created_at: Micros = 0
    password_at: Micros = 0
    last_login_at: Micros = 0
    era: Micros = 0

    def principal(self, purpose: str, roles: RoleTable) -> Principal:
        may = roles.permissions_of(self.roles)
        return Principal(f"user:{self.username}", self.name, self.roles, self.agency, purpose, self.era, may)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. The secret itself is known to the browser only."""

    id: str
    account: Account
    purpose: str
    created_at: Micros
    seen_at: Micros
    expires_at: Micros
    address: str = ""


class TokenKind(StrEnum):
    API = "api"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Token:
    """A program's or device's key. The secret is shown once, at creation.

    ``owner``: who answers for it: it may do at most what that account or token may do now. At first who made it.
    """

    id: str
    kind: TokenKind
    name: str
    roles: frozenset[str]
    agency: str = ""
    purpose: str = ""
    types: frozenset[str] = field(default_factory=frozenset)  # IRIs it may write; empty: as its roles allow
    scopes: tuple[str, ...] = ()
    created_by: str = ""
    created_at: Micros = 0
    expires_at: Micros | None = None
    revoked_at: Micros | None = None
    last_used_at: Micros | None = None
    tenant: str = ""  # the one it may enter; "" is the city
    owner: str = ""  # principal: "user:…", "token:…"; "system:…" is the command line or the platform itself
    era: Micros = 0  # of the owner's account when it became the owner
    lifetime: Micros | None = None  # how long it was given for, which another secret has anew

    @property
    def principal_id(self) -> str:
        return f"{'device' if self.kind is TokenKind.DEVICE else 'token'}:{self.id}"

    def rights(self) -> Rights:
        """The rights it was given; ``basis.py`` computes the present ones."""
        limit = WriteLimit(self.types, self.scopes) if self.types or self.scopes else None
        device = self.kind is TokenKind.DEVICE
        return Rights(self.roles, self.agency, self.purpose, limit, device, frozenset({self.tenant}))

    def is_live(self, now: Micros) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Outcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who, when, from where, what, why, outcome. ``source``: ``identity`` or ``journal``; ``seq`` counts within
    its source."""

    seq: int
    at: Micros
    actor: str
    action: str
    target: str = ""
    outcome: Outcome = Outcome.OK
    origin: str = ""
    reason: str = ""
    detail: str = ""
    source: str = "identity"
