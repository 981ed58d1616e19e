"""The rights that a person or token has now, without one of their requests: for work that goes on in their name."""

from __future__ import annotations

from andaman.identity.model import Access
from andaman.identity.service import Identity
from andaman.kernel.errors import ResourceNotFound


def access_now(identity: Identity, principal_id: str, purpose: str) -> Access | None:
    """The rights of ``user:…``, ``token:…`` or ``device:…`` as of now, None when there are none any more.

    ``purpose``: the one that was declared when the work was given; a token has its own.
    """
    kind, _, name = principal_id.partition(":")
    if kind == "user":
        try:
            account = identity.get_user(name)
        except ResourceNotFound:
            return None
        if account.disabled:
            return None
        return identity.policy.access(identity.tenants.rights(account, purpose))
    if kind in ("token", "device"):
        now = identity.clock()
        for token in identity.list_tokens():
            if token.id == name and token.principal().id == principal_id:
                return identity.policy.access(token.rights()) if token.is_live(now) else None
    return None
