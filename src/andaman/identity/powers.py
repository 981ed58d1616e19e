"""The kind of an actor, as one small number: known or not, staff or not, and what binds its token. Made once per
credential, read on every request. What somebody may do beyond that, their permissions say (``Principal.permissions``).
"""

from __future__ import annotations

from typing import Final

from andaman.identity.model import Access, Actor, Role
from andaman.identity.policy import PolicyAccess

KNOWN: Final = 1
"""Came with a session or token that is in force."""
STAFF: Final = 2
"""Has a role besides the public's."""
ADMINISTRATOR: Final = 4
NARROWED: Final = 8
"""The token is narrowed to types or scopes, and not a device's."""
DEVICE: Final = 16
ELSEWHERE: Final = 32
"""The token is for another tenant than the city."""
STANDINGS: Final = 64
PUBLIC: Final = "public"
"""Id of the actor of requests without sign-in."""
DEVICE_PREFIX: Final = "device:"
"""The beginning of the id of a device's principal."""


def powers_of(actor: Actor) -> int:
    """The sum of the bits above that hold for this actor; 0 is an anonymous client."""
    principal = actor.principal
    found = 0 if principal.id == PUBLIC else KNOWN
    if principal.is_staff:
        found |= STAFF
    if Role.ADMINISTRATOR in principal.roles:
        found |= ADMINISTRATOR
    if principal.id.startswith(DEVICE_PREFIX):
        found |= DEVICE
    elif is_narrowed(actor.access):
        found |= NARROWED
    if not actor.access.enters(""):
        found |= ELSEWHERE
    return found


def is_narrowed(access: Access) -> bool:
    """Do these rights come from a token that is narrowed to types or scopes?"""
    return isinstance(access, PolicyAccess) and access.is_narrowed


def administers(actor: Actor) -> bool:
    """May the actor see to what belongs to others? A narrowed token has its role on entities alone: what is another's, such as
    a subscription with its receiver's secrets, is not among them."""
    return Role.ADMINISTRATOR in actor.principal.roles and not is_narrowed(actor.access)
