"""API and device tokens: make, list, replace the secret, take over, end. Whoever makes, replaces or takes over a token
answers for it from then on: it may do at most what they may do (``basis.py``)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from andaman.identity.audit import AuditTrail
from andaman.identity.basis import CHAIN_MAX, Basis, PresentRights
from andaman.identity.checks import check_token, checked_agency, checked_purpose, checked_roles
from andaman.identity.credentials import digest_of
from andaman.identity.model import Actor, Role
from andaman.identity.permissions import MANAGE_TOKENS
from andaman.identity.problems import (
    TokenChainTooLong,
    TokenLifetimeOutOfRange,
    TokenNotForTakeover,
    TokenNotInForce,
    TokenOwnsItself,
    TokenStandsOnItself,
)
from andaman.identity.records import Token, TokenKind
from andaman.identity.roles import RoleTable
from andaman.identity.store import IdentityStore
from andaman.identity.tenants import checked_tenants
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.ids import sortable_id
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.refusals import NumberOutOfRange
from andaman.kernel.time import DAY, Clock, Micros

LIFETIME: Final = 90 * DAY
"""Of a token for which nothing else is said."""
LONGEST: Final = 3_650 * DAY
"""Of a token that has an end; one without must be asked for in so many words."""
AS_BEFORE: Final = 0
"""For a lifetime: as long as the token was given before."""
SOON: Final = 7 * DAY
"""Metrics, the list and doctor report tokens that are over within this time."""
T = TypeVar("T")


class Listed(NamedTuple):
    """``standing`` None: it is not in force, and ``why`` says why."""

    token: Token
    standing: PresentRights | None
    why: str


class Fallen(NamedTuple):
    """What a change took from tokens: those that are over by it, and those that may do less now."""

    ended: list[Token]
    weaker: list[Token]


class Tokens:
    """Made by ``Identity``. ``changed`` is called when one that may be in use changed."""

    def __init__(
        self,
        store: IdentityStore,
        run: Callable[..., Awaitable[Any]],
        audit: AuditTrail,
        clock: Clock,
        basis: Basis,
        changed: Callable[[], None],
        roles: RoleTable,
    ) -> None:
        self._store, self._run, self._audit = store, run, audit
        self._roles = roles
        self._clock, self._basis, self._changed = clock, basis, changed

    async def add(
        self,
        kind: TokenKind,
        name: str,
        actor: Actor,
        *,
        roles: Iterable[str] = (),
        agency: str = "",
        purpose: str = "",
        types: Sequence[str] = (),
        scopes: Sequence[str] = (),
        lifetime: Micros | None = None,
        tenant: str = "",
    ) -> tuple[Token, str]:
        """Make a token; the second value is its secret, shown this once. ``types`` are IRIs it is narrowed to; ``lifetime``
        None: it has no end of its own.

        A device token has no roles: it writes its types and scopes and nothing else. Raises BadRequestData.
        """
        role_set = frozenset(roles)
        if kind is TokenKind.API and role_set != {Role.PUBLIC}:
            role_set = checked_roles(role_set, self._roles)
        check_token(kind, name, role_set, types, scopes)
        if tenant:
            checked_tenants([tenant])
        self._check_chain(actor)
        now = self._clock()
        token = Token(
            sortable_id(now),
            kind,
            name.strip()[:200],
            role_set,
            checked_agency(agency),
            checked_purpose(purpose),
            frozenset(types),
            tuple(sorted(scopes)),
            actor.principal.id,
            now,
            None if lifetime is None else now + checked_lifetime(lifetime),
            tenant=tenant,
            owner=actor.principal.id,
            era=actor.principal.era,
            lifetime=lifetime,
        )
        secret = _secret(kind)
        await self._run(self._as_manager, actor, self._store.add_token, digest_of(secret), token)
        detail = f"{kind} {' '.join(sorted(role_set))} {' '.join(sorted(types))} {tenant}".strip()
        await self._audit.add(actor, "token.create", f"token:{token.id}", detail=detail)
        return token, secret

    def _as_manager(self, actor: Actor, change: Callable[..., T], *arguments: Any) -> T:
        with self._store.change():
            self._basis.check_may(actor, MANAGE_TOKENS, self._clock())
            return change(*arguments)

    def _check_chain(self, actor: Actor) -> None:
        kind, _, name = actor.principal.id.partition(":")
        maker = self._store.find_token_by_id(name) if kind in ("token", "device") else None
        if maker is not None and len(self._basis.owners_of(maker)) > CHAIN_MAX:
            raise TokenChainTooLong(most=CHAIN_MAX)

    async def rotate(
        self, token_id: str, actor: Actor, *, grace: Micros = 0, lifetime: Micros | None = AS_BEFORE
    ) -> tuple[Token, str]:
        """Another secret for the same token: its rights, its id and the work in its name stay. The present secret is in
        force for ``grace`` more µs. ``lifetime`` None: it has no end of its own.

        Whoever gets the new secret answers for the token from now on, the command line apart. Raises ResourceNotFound where it
        is not in force, Conflict where the actor stands on this very token.
        """
        now = self._clock()
        token = self._in_force(token_id, now)
        if not 0 <= grace <= 30 * DAY:
            raise NumberOutOfRange(field="grace", low=0, high=30)
        if lifetime == AS_BEFORE:
            lifetime = token.lifetime if token.lifetime is None else min(token.lifetime, LONGEST)
        ends_at = None if lifetime is None else now + checked_lifetime(lifetime)
        owner = self._new_owner(token, actor)
        secret = _secret(token.kind)
        renewed = replace(token, expires_at=ends_at, lifetime=lifetime, owner=owner[0], era=owner[1])

        def write() -> None:
            with self._store.change():
                until = now + grace if grace else None
                self._store.rotate_token(token.id, digest_of(secret), until, ends_at, lifetime)
                self._store.own_token(token.id, *owner)

        await self._run(self._as_manager, actor, write)
        await self._audit.add(
            actor, "token.rotate", f"token:{token.id}", detail=f"grace {grace // 1_000_000} s"
        )
        self._changed()
        return renewed, secret

    def _new_owner(self, token: Token, actor: Actor) -> tuple[str, Micros]:
        """The new owner of a token when the actor gets its secret. Raises Conflict."""
        me = actor.principal
        if me.id in (token.principal_id, token.owner) or me.id.startswith("system:"):
            return token.owner, token.era if me.id != token.owner else max(token.era, me.era)
        self._check_no_circle(token, actor)
        return me.id, me.era

    def _check_no_circle(self, token: Token, actor: Actor) -> None:
        kind, _, name = actor.principal.id.partition(":")
        mine = self._store.find_token_by_id(name) if kind in ("token", "device") else None
        if mine is not None and token.principal_id in self._basis.owners_of(mine):
            raise TokenStandsOnItself(id=token.id)

    async def take_over(self, token_id: str, actor: Actor, owner: tuple[str, Micros] | None = None) -> Token:
        """From now on the actor answers for a token. The token may have ended with its former owner, so that a city's
        sensors survive a departure. ``owner``: another principal and its era, for the command line. Raises
        ResourceNotFound for one that was revoked or has expired.
        """
        token = self._store.find_token_by_id(token_id)
        if token is None or not token.is_live(self._clock()):
            raise TokenNotForTakeover(id=token_id)
        if owner is None:
            if actor.principal.id == token.principal_id:
                raise TokenOwnsItself
            self._check_no_circle(token, actor)
            owner = (actor.principal.id, actor.principal.era)
        await self._run(self._as_manager, actor, self._store.own_token, token.id, *owner)
        detail = f"from {token.owner} to {owner[0]}"
        self._changed()
        await self._audit.add(actor, "token.own", f"token:{token.id}", detail=detail)
        return replace(token, owner=owner[0], era=owner[1])

    async def revoke(self, token_id: str, actor: Actor) -> None:
        """Raises ResourceNotFound when there is no such token in force."""
        if not await self._run(self._store.revoke_token, token_id, self._clock()):
            raise TokenNotInForce(id=token_id)
        self._changed()
        await self._audit.add(actor, "token.revoke", f"token:{token_id}")

    def _in_force(self, token_id: str, now: Micros) -> Token:
        token = self._store.find_token_by_id(token_id)
        why = "it is not there" if token is None else self._basis.why_not(token, now)
        if token is None or why:
            raise ResourceNotFound(f"There is no token {token_id!r} in force ({why})")
        return token

    # -- looking ----------------------------------------------------------------------------------------------
    def all(self) -> list[Token]:
        return self._store.list_tokens()

    def listed(self, tokens: Iterable[Token] | None = None) -> list[Listed]:
        """Each with its present rights. Blocking."""
        now = self._clock()
        found = []
        for token in self.all() if tokens is None else tokens:
            standing = self._basis.of_token(token, now)
            found.append(Listed(token, standing, "" if standing else self._basis.why_not(token, now)))
        return found

    def depending_on(self, principal_id: str) -> list[Listed]:
        """Tokens in force that end or weaken with an account or token. Blocking."""
        mine = [one for one in self.all() if principal_id in self._basis.owners_of(one)[1:]]
        return [one for one in self.listed(mine) if one.standing is not None]

    def fallen(self, before: Iterable[Listed]) -> Fallen:
        """What became of them since. Blocking."""
        result = Fallen([], [])
        for was in before:
            token = self._store.find_token_by_id(was.token.id)
            now = None if token is None else self._basis.of_token(token, self._clock())
            if now is None:
                result.ended.append(was.token)
            elif was.standing is not None and now.rights != was.standing.rights:
                result.weaker.append(was.token)
        return result

    async def metrics(self) -> Iterable[Family]:
        soon, lately, fallen = await self._run(figures, self._store, self._clock())
        return (
            gauge("andaman_tokens_expiring", "Tokens in force that are over soon.", soon, within="7d"),
            gauge("andaman_tokens_expired", "Tokens that expired lately.", lately, within="1d"),
            gauge(
                "andaman_tokens_fallen",
                "Tokens that ended with the account or token that answered for them.",
                fallen,
            ),
        )


def figures(store: IdentityStore, now: Micros) -> tuple[int, int, int]:
    """How many tokens are over within ``SOON``, have been for less than a day, and are not in force though neither revoked nor
    expired. Blocking."""
    soon = lately = fallen = 0
    basis = Basis(store)
    for token in store.list_tokens():
        standing = basis.of_token(token, now)
        if standing is not None:
            soon += standing.ends_at <= now + SOON
        elif token.is_live(now):
            fallen += 1
        elif token.revoked_at is None and token.expires_at is not None:
            lately += token.expires_at > now - DAY
    return soon, lately, fallen


def checked_lifetime(lifetime: Micros) -> Micros:
    """µs. Raises TokenLifetimeOutOfRange."""
    if not 0 < lifetime <= LONGEST:
        raise TokenLifetimeOutOfRange(most=LONGEST // DAY)
    return lifetime


def _secret(kind: TokenKind) -> str:
    return f"andaman_{kind}_{secrets.token_urlsafe(32)}"
