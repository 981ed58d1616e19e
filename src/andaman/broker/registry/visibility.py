"""Which registrations someone may know of: those that offer something of a kind that they may see."""

from __future__ import annotations

from collections.abc import Iterable

from andaman.broker.registry.model import Info, Registration
from andaman.identity.model import Access, FullAccess


def shown_of(infos: Iterable[Info], access: Access) -> list[Info]:
    """The part of the offers whose kinds may be seen. One that names no types may be of any."""
    if type(access) is FullAccess:
        return list(infos)
    return [
        info
        for info in infos
        if not info.entities
        or any(not one.types or any(access.sees((kind,), ()) for kind in one.types) for one in info.entities)
    ]


def is_for(registration: Registration, access: Access) -> bool:
    """Does it offer anything of a kind that may be seen?"""
    return bool(shown_of(registration.information, access))
