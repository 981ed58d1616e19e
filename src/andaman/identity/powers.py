"""What an actor is, as one small number: its roles, and what binds its token. Made once per credential, read on every request."""

from __future__ import annotations

from typing import Final

from andaman.identity.model import Access, Actor, Role
from andaman.identity.policy import PolicyAccess

KNOWN: Final = 1
"""Came with a session or token that is in force."""
OPERATOR: Final = 2
DISPATCHER: Final = 4
ANALYST: Final = 8
ADMINISTRATOR: Final = 16
NARROWED: Final = 32
"""The token is narrowed to types or scopes."""
DEVICE: Final = 64
ELSEWHERE: Final = 128
"""The token is for another tenant than the city."""
OF_ROLE: Final = {
    Role.PUBLIC: 0,
    Role.OPERATOR: OPERATOR,
    Role.DISPATCHER: DISPATCHER,
    Role.ANALYST: ANALYST,
    Role.ADMINISTRATOR: ADMINISTRATOR,
}
PUBLIC: Final = "public"
"""Id of whoever did not sign in."""
DEVICE_PREFIX: Final = "device:"
"""What the id of a device's principal begins with."""


def standing_of(actor: Actor) -> int:
    """The sum of the bits above that hold for this actor, 0 to 255; 0 is a stranger."""
    principal = actor.principal
    found = 0 if principal.id == PUBLIC else KNOWN
    for role in principal.roles:
        found |= OF_ROLE[role]
    if is_narrowed(actor.access):
        found |= NARROWED
    if principal.id.startswith(DEVICE_PREFIX):
        found |= DEVICE
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
