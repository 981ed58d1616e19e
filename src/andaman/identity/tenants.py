"""Access to tenants.

The default tenant "" is the city: everybody enters it, by role. A drill's tenant (``exercise-…``) is open to its trainee,
its trainers and administrators: the training room admits them and shows them out. Any other tenant is open to accounts
that were given it. A token is bound to one tenant. To all others it looks as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from andaman.identity.audit import AuditTrail
from andaman.identity.model import Access, Actor, Role
from andaman.identity.policy import EVERY_TENANT, Rights
from andaman.identity.problems import ExerciseTenantNotGiven, TooManyTenants, TooManyTrainers, TrainerUnknown
from andaman.identity.records import Account
from andaman.identity.store import IdentityStore
from andaman.kernel.errors import BadRequestData, NoSuchTenant
from andaman.kernel.ids import is_tenant

EXERCISE: Final = "exercise-"
"""The beginning of the name of a drill's tenant."""
_GIVEN_MAX: Final = 100
_ADMITTED_MAX: Final = 50


def check_entry(access: Access, tenant: str) -> None:
    """Raises NoSuchTenant, in the same words whether the tenant exists or not."""
    if not access.enters(tenant):
        if not tenant:
            raise NoSuchTenant(
                "This token is not for the city's own tenant; name its tenant in the header NGSILD-Tenant",
                field="NGSILD-Tenant",
            )
        raise NoSuchTenant(f"There is no tenant {tenant!r} that you may enter", field="NGSILD-Tenant")


def checked_tenants(names: Iterable[str]) -> frozenset[str]:
    """Tenants that an account may be given. Raises BadRequestData."""
    chosen = frozenset(names)
    for name in chosen:
        if not is_tenant(name):
            raise BadRequestData(
                f"{name!r} is not a tenant: up to 64 letters, digits, '_', '-' and '.'", field="tenants"
            )
        if name.startswith(EXERCISE):
            raise ExerciseTenantNotGiven
    if len(chosen) > _GIVEN_MAX:
        raise TooManyTenants(most=_GIVEN_MAX)
    return chosen


def rights_of(store: IdentityStore, account: Account, purpose: str) -> Rights:
    """The rights of an account as of now."""
    if Role.ADMINISTRATOR in account.roles:
        tenants = EVERY_TENANT
    else:
        tenants = frozenset({"", *store.tenants_of(f"user:{account.username}")})
    return Rights(account.roles, account.agency, purpose, tenants=tenants)


class Tenants:
    """The book of entries. One object, made by ``Identity``."""

    def __init__(
        self,
        store: IdentityStore,
        run: Callable[..., Awaitable[Any]],
        audit: AuditTrail,
        changed: Callable[[], None],
    ) -> None:
        self._store, self._run, self._audit, self._changed = store, run, audit, changed

    def given(self, username: str) -> list[str]:
        """What an account was given; exercises are not among them."""
        return sorted(t for t in self._store.tenants_of(f"user:{username}") if not t.startswith(EXERCISE))

    async def give(self, account: Account, names: Iterable[str], actor: Actor) -> None:
        """These tenants, and no others, for an account. Raises BadRequestData."""
        wanted, who = checked_tenants(names), f"user:{account.username}"
        present = frozenset(self.given(account.username))
        if wanted == present:
            return
        await self._run(self._store.change_tenants, who, wanted - present, present - wanted)
        detail = " ".join(sorted(wanted)) or "the city only"
        self._changed()
        await self._audit.add(actor, "account.tenants", who, detail=detail)

    async def admit(self, tenant: str, principals: Iterable[str], actor: Actor) -> None:
        """Let these principals into an exercise's tenant; nothing happens for those who are in. Raises BadRequestData for
        an account that is not there."""
        fresh = sorted(set(principals) - set(self._store.guests_of(tenant)))
        if not fresh:
            return
        if len(fresh) > _ADMITTED_MAX:
            raise TooManyTrainers(most=_ADMITTED_MAX)
        for who in fresh:
            if who.startswith("user:") and self._store.find_account(who[5:]) is None:
                raise TrainerUnknown(username=who[5:])
        for who in fresh:
            await self._run(self._store.change_tenants, who, {tenant}, ())
        self._changed()
        await self._audit.add(actor, "tenant.admit", f"tenant:{tenant}", detail=" ".join(fresh))

    async def close(self, tenant: str, actor: Actor) -> None:
        """Show everybody out."""
        guests = self._store.guests_of(tenant)
        for who in guests:
            await self._run(self._store.change_tenants, who, (), {tenant})
        if guests:
            self._changed()
            await self._audit.add(actor, "tenant.close", f"tenant:{tenant}", detail=" ".join(guests))
