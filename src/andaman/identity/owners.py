"""The rights that a person or token has now, without one of their requests: for work that runs in their name."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from andaman.identity.model import FULL_ACCESS, Access, Principal
from andaman.identity.permissions import MANAGE_SOURCES, WATCH_SOURCES
from andaman.identity.policy import PolicyAccess
from andaman.identity.powers import DEVICE_PREFIX
from andaman.identity.service import Identity
from andaman.kernel.permissions import Permission
from andaman.kernel.time import Micros


class Rights(NamedTuple):
    """The principal as it is now, and the data that it may see."""

    principal: Principal
    access: Access


class Owning(Protocol):
    """Whose work it is (``broker.subscriptions.model.Owner``). ``purpose``: the one that was declared when the work was given,
    which counts as long as the account may declare it; a token has its own. ``era``: of the account's password then."""

    @property
    def id(self) -> str: ...

    @property
    def purpose(self) -> str: ...

    @property
    def era(self) -> Micros: ...


def rights_now(identity: Identity, owner: Owning) -> Rights | None:
    """Of ``user:…`` or ``token:…`` as of now, None when there are none any more. A device has none: it writes, and is told
    nothing."""
    if owner.id.startswith(DEVICE_PREFIX):
        return None
    found = identity.basis.of(owner.id, owner.purpose, owner.era, identity.clock())
    return None if found is None else Rights(found.principal, identity.policy.access(found.rights))


class Owners:
    """The present rights of the people and tokens in whose name work runs."""

    def __init__(self, identity: Identity, no_auth: bool) -> None:
        self._identity, self._no_auth = identity, no_auth

    def access_of(self, owner: Owning) -> Access | None:
        """Whose rights a subscription has."""
        if self._no_auth:
            return FULL_ACCESS
        found = rights_now(self._identity, owner)
        return None if found is None else found.access

    def may_register(self, owner: Owning, tenant: str) -> bool:
        """May what they registered be asked?"""
        return self._has(owner, tenant, MANAGE_SOURCES, whole=True)

    def may_watch(self, owner: Owning, tenant: str) -> bool:
        """May they be notified of registrations?"""
        return self._has(owner, tenant, WATCH_SOURCES)

    def _has(self, owner: Owning, tenant: str, permission: Permission, whole: bool = False) -> bool:
        if self._no_auth or owner.id == "no-auth" or owner.id.startswith("system:"):
            return True
        found = rights_now(self._identity, owner)
        if found is None or not found.principal.may(permission) or not found.access.enters(tenant):
            return False
        return not (whole and isinstance(found.access, PolicyAccess) and found.access.is_narrowed)
