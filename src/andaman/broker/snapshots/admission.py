"""The rules of making, keeping and using snapshots: the members of a new one, what makes way for it, who may know of
it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any, Final

from andaman.broker.snapshots.model import PREPARING, USABLE, Limits, Snapshot, lifetime_of
from andaman.identity.model import Actor, Principal
from andaman.identity.powers import administers
from andaman.kernel.errors import Conflict
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import Micros

_TOLD: Final = ("snapshotLifetime", "snapshotPriority", "endpoint", "receiverInfo")


def new_snapshot(
    given: dict[str, Any], owner: Principal, tenant: str, now: Micros, limits: Limits
) -> Snapshot:
    """``given``: checked members (``model.checked``). Its queries are for the caller to say."""
    told: dict[str, Any] = {name: given[name] for name in _TOLD if name in given}
    return Snapshot(
        tenant,
        given.get("id") or urn("Snapshot", sortable_id(now)),
        secrets.token_hex(12),
        owner.id,
        now,
        now,
        now + lifetime(told, limits),
        now,
        told=told,
        purpose=owner.purpose,
        era=owner.era,
    )


def lifetime(told: dict[str, Any], limits: Limits) -> Micros:
    """How long a snapshot with these members is kept, within the bounds."""
    asked = told.get("snapshotLifetime")
    return limits.lifetime if asked is None else min(lifetime_of(asked), limits.longest)


def makes_way(new: Snapshot, every: Collection[Snapshot], limits: Limits) -> Snapshot | None:
    """Which one has to go for a new one: of the maker's own the least of lower priority (§5.5.15); None where there is room.
    Raises Conflict where none may go."""
    own = [one for one in every if (one.tenant, one.owner) == (new.tenant, new.owner)]
    if len(own) >= limits.of_one:
        problem = f"You have {limits.of_one} snapshots already; delete or purge some first"
    elif len(every) >= limits.in_all:
        problem = "The platform keeps as many snapshots as it can; try again later"
    elif sum(one.bytes for one in every) >= limits.bytes_in_all:
        problem = f"Snapshots take the {limits.bytes_in_all >> 20} MB that they may; try again later"
    else:
        return None
    lower = [one for one in own if one.priority < new.priority and one.status != PREPARING]
    if not lower:
        raise Conflict(problem)
    return min(lower, key=lambda one: (one.priority, one.expires))


def may_see(one: Snapshot, actor: Actor) -> bool:
    """Its status reveals what its maker may see: so only the maker and administrators may."""
    return actor.principal.id == one.owner or administers(actor)


def check_usable(one: Snapshot) -> None:
    """Raises Conflict where it has no content."""
    if one.status == PREPARING:
        raise Conflict(
            f"Snapshot {one.id} is still being made; ask for its status, and try again when it is ready"
        )
    if one.status not in USABLE:
        raise Conflict(f"Snapshot {one.id} could not be made; its status says why")
