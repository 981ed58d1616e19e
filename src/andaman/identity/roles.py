"""Roles are rows of data: permissions, visible data, and the usual purpose of sessions.

``data/roles.toml`` has the roles that ship. A city adds rows, or replaces them, in a file of its own (``open_roles``).
Two roles are fixed: ``public`` is whoever did not sign in, ``administrator`` has every permission and sees everything.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, NoReturn

from andaman.identity.model import Role
from andaman.kernel.errors import Unavailable
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

log = logging.getLogger("andaman")
FILE: Final = "roles.toml"
INVESTIGATION: Final = "investigation"
"""Purpose of looking into a matter of one's own agency."""
FIXED: Final = (Role.PUBLIC, Role.ADMINISTRATOR)
EVERYTHING: Final = "*"
ROLE_NAME: Final = re.compile(r"[a-z][A-Za-z0-9-]{1,31}")
PURPOSE: Final = re.compile(r"([a-z][a-z-]{0,31})?")
_MEMBERS: Final = ("words", "permissions", "sees", "purpose")
_NONE: Final[frozenset[str]] = frozenset()


class Sees(StrEnum):
    """The data that a role sees in addition to public data. ``may_see`` in ``identity.policy`` is the law."""

    UNLISTED = "unlisted"
    """Entities that are in no dataset."""
    PERSONAL = "personal"
    """Personal data that was collected for the purpose of the session or token."""
    SECURITY = "security"
    """Security data."""
    OFFICIAL_SECRET = "secret"  # noqa: S105
    """Official secrets of one's own agency."""
    INVESTIGATION = "investigation"
    """Personal data and official secrets of one's own agency, for that purpose, which the role may declare."""
    EVERYTHING = "*"
    """Administrators only."""


@dataclass(frozen=True, slots=True)
class RoleRow:
    """``purpose``: of a session for which none is declared, "" for none."""

    name: str
    words: Words
    permissions: frozenset[str] = _NONE
    sees: frozenset[Sees] = frozenset()
    purpose: str = ""


class RoleTable:
    """The roles in force. A name that is not in the table has no permission and sees public data only.

    ``permissions``: names of all permissions there are, which administrators have. ``reserved``: those of them that nobody
    else has, whatever a row says.
    """

    def __init__(
        self, rows: Iterable[RoleRow], permissions: Iterable[str] = (), reserved: Iterable[str] = ()
    ) -> None:
        self._named = frozenset(permissions)
        self._reserved = frozenset(reserved)
        self.replace(rows)

    def replace(self, rows: Iterable[RoleRow]) -> None:
        """Other roles come into force. Whoever holds rights of the old ones looks again (``Identity.on_change``)."""
        self.rows = {row.name: row for row in rows}
        named = _NONE.union(*(row.permissions for row in self.rows.values())) - {EVERYTHING}
        self._all = named | self._named
        self._permissions: dict[frozenset[str], frozenset[str]] = {}
        self._sees: dict[frozenset[str], frozenset[Sees]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The roles that an account can be given, in the order of the table."""
        return tuple(name for name in self.rows if name != Role.PUBLIC)

    @property
    def content(self) -> tuple[tuple[str, frozenset[str], frozenset[Sees], str], ...]:
        """What the rights depend on: equal for equal tables."""
        return tuple((row.name, row.permissions, row.sees, row.purpose) for row in self.rows.values())

    def permissions_of(self, roles: frozenset[str]) -> frozenset[str]:
        """The permissions that one of the roles has; one object for equal roles."""
        found = self._permissions.get(roles)
        if found is None:
            found = self._all if Role.ADMINISTRATOR in roles else _NONE.union(
                *(row.permissions for row in self._of(roles))
            ) - self._reserved  # fmt: skip
            self._permissions[roles] = found
        return found

    def sees(self, roles: frozenset[str]) -> frozenset[Sees]:
        """What one of the roles sees; one object for equal roles."""
        found = self._sees.get(roles)
        if found is None:
            found = self._sees[roles] = frozenset[Sees]().union(*(row.sees for row in self._of(roles)))
        return found

    def default_purpose(self, roles: AbstractSet[str]) -> str:
        """The purpose a person's session has when none is declared."""
        return next((row.purpose for row in self._of(roles) if row.purpose), "")

    def may_declare(self, roles: AbstractSet[str], purpose: str) -> bool:
        """May someone with these roles say at sign-in that this is the purpose? Administrators give others, with a token."""
        if Role.ADMINISTRATOR in roles or not purpose:
            return True
        mine = list(self._of(roles))
        if purpose == INVESTIGATION and any(Sees.INVESTIGATION in row.sees for row in mine):
            return True
        return any(row.purpose == purpose for row in mine)

    def _of(self, roles: AbstractSet[str]) -> list[RoleRow]:
        return [row for row in self.rows.values() if row.name in roles]


def shipped_roles() -> RoleTable:
    """The roles that ship, alone."""
    return RoleTable(_shipped_rows())


@cache
def _shipped_rows() -> tuple[RoleRow, ...]:
    return tuple(_shipped(None))


def open_roles(
    directory: Path, file: str = "", permissions: Mapping[str, Permission] | None = None
) -> RoleTable:
    """The roles that ship, with the rows of ``file`` or, where none is named, of ``roles.toml`` in the data directory.

    ``permissions``: those that rooms declare; None checks no names. Raises Unavailable, with the line, for a file that is
    not in order.
    """
    rows = {row.name: row for row in _shipped(permissions)}
    path = Path(file).expanduser() if file else directory / FILE
    if file or path.exists():
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise Unavailable(f"The roles file {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise Unavailable(f"The roles file {path} is not UTF-8: {error}") from None
        own = read_roles(text, str(path), permissions)
        for row in own:
            if row.name in FIXED:
                _refuse(str(path), text, row.name, "", f"the role {row.name} cannot be changed")
        rows |= {row.name: row for row in own}
    reserved = [one.name for one in (permissions or {}).values() if one.reserved]
    return RoleTable(rows.values(), permissions or (), reserved)


def _shipped(permissions: Mapping[str, Permission] | None) -> list[RoleRow]:
    text = resources.files("andaman.identity").joinpath("data", FILE).read_text("utf-8")
    return read_roles(text, FILE, permissions)


def read_roles(text: str, file: str, permissions: Mapping[str, Permission] | None = None) -> list[RoleRow]:
    """The rows of a file. Raises Unavailable, with the line, for what is not in order."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unavailable(f"{file} is not valid TOML: {error}") from None
    return [_row(text, file, name, members, permissions) for name, members in content.items()]


def _row(
    text: str, file: str, name: str, members: Any, permissions: Mapping[str, Permission] | None
) -> RoleRow:
    def refuse(near: str, why: str) -> NoReturn:
        _refuse(file, text, name, near, why)

    if not isinstance(members, dict):
        refuse("", f"{name} is not the section of a role, such as [shiftLead]")
    if not ROLE_NAME.fullmatch(name):
        refuse(
            "", f"{name!r} is not the name of a role: 2 to 32 letters, digits and '-', a small letter first"
        )
    for member in members:
        if member not in _MEMBERS:
            refuse(member, f"a role has no {member!r}; it has {', '.join(_MEMBERS)}")
    words = members.get("words")
    if not isinstance(words, dict) or {*words} != {"th", "en"} or not all(
        isinstance(one, str) and one.strip() for one in words.values()
    ):  # fmt: skip
        refuse("words", f'the role {name} needs words: words = {{ th = "…", en = "…" }}')
    lists: dict[str, list[str]] = {}
    for member in ("permissions", "sees"):
        found = members.get(member, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            refuse(member, f"{member} is a list of texts")
        lists[member] = found
    for one in lists["permissions"]:
        if one == EVERYTHING and name == Role.ADMINISTRATOR:
            continue
        known = None if permissions is None else permissions.get(one)
        if known is not None and known.given_before and name != Role.ADMINISTRATOR:
            log.warning("%s: the role %s goes without %s, which only administrators have", file, name, one)
            continue
        if one == EVERYTHING or (known is not None and known.reserved):
            refuse(one, f"only administrators have the permission {one}; take it from the role {name}")
        if permissions is not None and known is None:
            refuse(one, f"there is no permission {one!r}; docs/doors.md lists them")
    for one in lists["sees"]:
        if one not in set(Sees) or (one == Sees.EVERYTHING and name != Role.ADMINISTRATOR):
            choices = ", ".join(each for each in Sees if each is not Sees.EVERYTHING)
            refuse(one, f"a role cannot see {one!r}; sees has {choices}")
    purpose = members.get("purpose", "")
    if not isinstance(purpose, str) or not PURPOSE.fullmatch(purpose):
        refuse("purpose", f"{purpose!r} is not a purpose: small letters and '-'")
    sees = frozenset(Sees(one) for one in lists["sees"])
    return RoleRow(name, Words(words["th"], words["en"]), frozenset(lists["permissions"]), sees, purpose)


def _refuse(file: str, text: str, role: str, near: str, why: str) -> NoReturn:
    """Raises Unavailable with the line of ``near`` in the section of the role, or of the section."""
    lines = text.splitlines()
    header = re.compile(
        rf"""\s*(\[\s*["']?{re.escape(role)}["']?\s*[\].]|["']?{re.escape(role)}["']?\s*[=.])"""
    )
    begin = next((number for number, line in enumerate(lines) if header.match(line)), 0)
    found = begin
    for number in range(begin, len(lines)):
        line = lines[number]
        if number > begin and line.lstrip().startswith("[") and not header.match(line):
            break
        if near and re.search(rf"(?<![\w.-]){re.escape(near)}(?![\w.-])", line.partition("#")[0]):
            found = number
            break
    raise Unavailable(f"{file}, line {found + 1}: {why}")
