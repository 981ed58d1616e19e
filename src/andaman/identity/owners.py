"""The rights that a person or token has now, without one of their requests: for work that goes on in their name."""

from __future__ import annotations

from typing import NamedTuple

from andaman.identity.model import Access, Principal
from andaman.identity.service import Identity
from andaman.kernel.time import Micros


class Rights(NamedTuple):
    """Who it is now, what they may see, and until when at the latest this may be remembered."""

    principal: Principal
    access: Access
    ends_at: Micros


def rights_now(identity: Identity, principal_id: str, purpose: str, era: Micros) -> Rights | None:
    """Of ``user:…`` or ``token:…`` as of now, None when there are none any more. A device has none: it writes, and is told nothing.

    ``purpose``: the one that was declared when the work was given, which counts as long as the account may declare it; a
    token has its own. ``era``: of the account's password then.
    """
    if principal_id.startswith("device:"):
        return None
    found = identity.basis.of(principal_id, purpose, era, identity.clock())
    if found is None:
        return None
    return Rights(found.principal, identity.policy.access(found.rights), found.ends_at)
