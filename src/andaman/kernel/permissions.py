"""A permission: the name of something that not everybody may do. Rooms declare theirs next to their doors.

Which role has which permission is data (``identity/data/roles.toml``). Code asks for permissions and never for roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from andaman.kernel.words import Words

_NAME: Final = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Permission:
    """``Permission("incident.close", Words("ปิดเหตุ", "Close incidents"))``. The words name what somebody may do.

    ``reserved``: only administrators have it, since it gives access to every other permission, or since one press of it
    blinds the city. ``given_before``: earlier versions let other roles have it; a role that still names it goes without.
    Raises ValueError for a name that is not of the form ``thing.verb``.
    """

    name: str
    words: Words
    reserved: bool = False
    given_before: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not the name of a permission, such as incident.close")


def by_name(permissions: Iterable[Permission]) -> dict[str, Permission]:
    """Name → permission. Raises ValueError where two different ones have one name."""
    found: dict[str, Permission] = {}
    for one in permissions:
        if found.setdefault(one.name, one) is not one:
            raise ValueError(f"Two rooms declare the permission {one.name}")
    return found
