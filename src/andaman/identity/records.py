"""What the identity store keeps, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from andaman.identity.model import Principal, Role
from andaman.identity.policy import Rights, WriteLimit
from andaman.kernel.time import Micros


@dataclass(frozen=True, slots=True)
class Agency:
    """An organisation; ``code`` such as ``pk-ddpm``."""

    code: str
    name_th: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in. ``username`` is lower case and never changes."""

    username: str
    name: str
    roles: frozenset[Role]
    agency: str = ""
    disabled: bool = False
    created_at: Micros = 0
    password_at: Micros = 0
    last_login_at: Micros = 0

    def principal(self, purpose: str) -> Principal:
        return Principal(f"user:{self.username}", self.name, self.roles, self.agency, purpose)


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
    """A program's or device's key. The secret is shown once, at creation."""

    id: str
    kind: TokenKind
    name: str
    roles: frozenset[Role]
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

    def principal(self) -> Principal:
        prefix = "device" if self.kind is TokenKind.DEVICE else "token"
        return Principal(f"{prefix}:{self.id}", self.name, self.roles, self.agency, self.purpose)

    def rights(self) -> Rights:
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
