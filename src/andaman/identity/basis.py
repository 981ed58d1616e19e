"""The present rights of a credential: the rights it was given, limited by the present rights of the accounts and tokens
it depends on.

A token stands on its owner: the account or token that made it, or that took it over. That one may stand on another, and so
on. The whole chain counts: one link that is over ends what stands on it; one that may do less takes it from all of them.
The command line and the platform itself (``system:…``) stand on nothing else: whoever writes the data directory
administers it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from andaman.identity.model import Actor, Principal, Role
from andaman.identity.policy import EVERY_TENANT, Rights
from andaman.identity.problems import PermissionTakenAway
from andaman.identity.records import Account, Token
from andaman.identity.roles import RoleTable, shipped_roles
from andaman.identity.store import IdentityStore
from andaman.identity.tenants import rights_of
from andaman.kernel.errors import NotSignedIn
from andaman.kernel.permissions import Permission
from andaman.kernel.time import DAY, Micros

NEVER: Final[Micros] = 10_000 * 366 * DAY
CHAIN_MAX: Final = 8
"""Tokens that stand on one another."""
_FOUNDATION: Final = "system:"
_NO_AUTH: Final = "no-auth"
"""The principal that acts with --no-auth: anyone who may start the platform so may also use its command line."""


class PresentRights(NamedTuple):
    """The present rights of a principal. ``ends_at``: when it, or one that it stands on, is over at the latest."""

    principal: Principal
    rights: Rights
    ends_at: Micros


class _Link(NamedTuple):
    """One of a chain: the rights it was given, and its own purpose in addition to those that its roles may declare."""

    rights: Rights
    purpose: str = ""

    def declares(self, purpose: str, roles: RoleTable) -> bool:
        return purpose == self.purpose or roles.may_declare(self.rights.roles, purpose)


def at_most(given: frozenset[str], maker: frozenset[str]) -> frozenset[str]:
    """The roles of both; an administrator's are all."""
    if Role.ADMINISTRATOR in maker:
        return given
    if Role.ADMINISTRATOR in given:
        return maker
    return given & maker | (given & {Role.PUBLIC})


class Basis:
    """Looks it up again at each question."""

    def __init__(self, store: IdentityStore, roles: RoleTable | None = None) -> None:
        self._store, self._roles = store, roles or shipped_roles()

    def of_account(self, account: Account, purpose: str, era: Micros) -> PresentRights | None:
        """Of what an account does by itself: a session, a subscription. ``purpose``: the one that was declared, which counts
        as long as the roles may declare it. ``era``: of the password at that time."""
        if account.disabled or account.era != era:
            return None
        kept = purpose if self._roles.may_declare(account.roles, purpose) else ""
        return PresentRights(
            account.principal(kept, self._roles), rights_of(self._store, account, kept), NEVER
        )

    def of_token(self, token: Token, now: Micros) -> PresentRights | None:
        """None if the token or one that it depends on is over."""
        found = self._chain(token, now)
        return None if isinstance(found, str) else found

    def why_not(self, token: Token, now: Micros) -> str:
        """Why a token is not in force, for people; "" when it is."""
        found = self._chain(token, now)
        return found if isinstance(found, str) else ""

    def of(self, principal_id: str, purpose: str, era: Micros, now: Micros) -> PresentRights | None:
        """Of ``user:…``, ``token:…`` or ``device:…`` without one of their requests; a token has its own purpose."""
        kind, _, name = principal_id.partition(":")
        if kind == "user":
            found = self._store.find_account(name)
            return None if found is None else self.of_account(found[0], purpose, era)
        if kind in ("token", "device"):
            token = self._store.find_token_by_id(name)
            if token is not None and token.principal_id == principal_id:
                return self.of_token(token, now)
        return None

    def check_may(self, actor: Actor, permission: Permission, now: Micros) -> None:
        """Has the actor this permission now, independent of the permissions they had when they were let in? To be asked
        in the transaction of a change. Raises NotSignedIn and PermissionTakenAway.
        """
        me = actor.principal
        if me.id.startswith(_FOUNDATION) or me.id == _NO_AUTH:
            return
        found = self.of(me.id, me.purpose, me.era, now)
        if found is None:
            raise NotSignedIn("The account or token that asks for this is over by now; nothing was changed")
        if not found.principal.may(permission):
            raise PermissionTakenAway(permission=permission.name, meaning=permission.words)

    def stands_on(self, token: Token, principal_id: str) -> bool:
        """Does the token depend on this principal: is it the token itself or one above it in the chain?"""
        return principal_id in self.owners_of(token)

    def owners_of(self, token: Token) -> list[str]:
        """The principals of its chain: itself, its owner, the owner's owner and so on."""
        found = [token.principal_id]
        while token.owner not in found:
            found.append(token.owner)
            above = self._owning_token(token)
            if above is None:
                break
            token = above
        return found

    def _owning_token(self, token: Token) -> Token | None:
        kind, _, name = token.owner.partition(":")
        found = self._store.find_token_by_id(name) if kind in ("token", "device") else None
        return found if found is not None and found.principal_id == token.owner else None

    def _chain(self, token: Token, now: Micros) -> PresentRights | str:
        """What the token may do now, or why it may do nothing."""
        links = [_Link(token.rights(), token.purpose)]
        seen, ends_at, one = {token.id}, NEVER, token
        while True:
            whose = "" if one is token else f"it depends on the token {one.id} ({one.name}), which is over: "
            if one.revoked_at is not None:
                return whose + "it was revoked"
            if one.expires_at is not None:
                if now >= one.expires_at:
                    return whose + "it has expired"
                ends_at = min(ends_at, one.expires_at)
            owner = one.owner
            if owner.startswith(_FOUNDATION) or owner == _NO_AUTH:
                break
            if owner.startswith("user:"):
                account = self._account(owner, one.era)
                if isinstance(account, str):
                    return whose + account
                links.append(_Link(rights_of(self._store, account, "")))
                break
            above = self._owning_token(one)
            if above is None or above.id in seen:
                return whose + f"there is no {owner} that it could stand on"
            seen.add(above.id)
            one = above
            links.append(_Link(one.rights(), one.purpose))
        return self._combined(token, links, ends_at)

    def _account(self, owner: str, era: Micros) -> Account | str:
        found = self._store.find_account(owner.removeprefix("user:"))
        if found is None:
            return f"there is no account {owner.removeprefix('user:')} any more"
        if found[0].disabled:
            return f"the account {found[0].username} is disabled"
        if found[0].era != era:
            return f"{found[0].username} has another password since then"
        return found[0]

    def _combined(self, token: Token, links: list[_Link], ends_at: Micros) -> PresentRights | str:
        """Fold the chain, from its foundation up."""
        above = [link.rights for link in links[1:]]
        roles = above[-1].roles if above else token.roles
        for one in (*reversed(above[:-1]), links[0].rights):
            roles = frozenset() if one.device else at_most(one.roles, roles)
            if not (roles or one.device):
                return "who answers for it has none of its roles"
        purpose = (
            token.purpose if all(link.declares(token.purpose, self._roles) for link in links[1:]) else ""
        )
        given = replace(token.rights(), purpose=purpose)
        under = tuple(replace(one, purpose=purpose) for one in above if not _allows_all(one, given))
        may = self._roles.permissions_of(roles)
        principal = Principal(token.principal_id, token.name, roles, token.agency, purpose, permissions=may)
        return PresentRights(principal, replace(given, under=under), ends_at)


def _allows_all(one: Rights, given: Rights) -> bool:
    """Do these rights take nothing from the others? Then equal rights stay equal, whoever they come from."""
    everywhere = one.tenants == EVERY_TENANT or given.tenants <= one.tenants
    return Role.ADMINISTRATOR in one.roles and one.limit is None and not one.device and everywhere
