"""The permitted content of an account or a token: each check returns the value or raises BadRequestData."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from andaman.identity.model import Role
from andaman.identity.problems import (
    AgencyCodeInvalid,
    PurposeInvalid,
    RolesMissing,
    TokenNameMissing,
    UsernameInvalid,
)
from andaman.identity.records import TokenKind
from andaman.identity.roles import RoleTable
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.refusals import NotAChoice

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_PURPOSE: Final = re.compile(r"([a-z][a-z-]{0,31})?")
_AGENCY: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,31})?")


def plain_username(text: str) -> str:
    """How a name is looked up: without outer blanks, in lower case."""
    return text.strip().casefold()[:64]


def checked_username(text: str) -> str:
    name = text.strip().casefold()
    if not _USERNAME.fullmatch(name):
        raise UsernameInvalid
    return name


def checked_roles(roles: Iterable[str], table: RoleTable) -> frozenset[str]:
    """At least one role, and not that of the public. Raises RolesMissing, and NotAChoice for one that is not in the table."""
    chosen = frozenset(roles)
    if not chosen or Role.PUBLIC in chosen:
        raise RolesMissing(known=", ".join(table.names))
    if not chosen.issubset(table.names):
        raise NotAChoice(field="roles", choices=table.names)
    return chosen


def checked_agency(code: str) -> str:
    """An agency code, or "" for none."""
    if not _AGENCY.fullmatch(code):
        raise AgencyCodeInvalid(agency=code)
    return code


def checked_purpose(purpose: str) -> str:
    """A purpose, or "" for none."""
    if not _PURPOSE.fullmatch(purpose):
        raise PurposeInvalid(purpose=purpose)
    return purpose


def check_token(
    kind: TokenKind, name: str, roles: frozenset[str], types: Iterable[str], scopes: Iterable[str]
) -> None:
    """A name, IRIs and scopes; a device has types and no roles."""
    if not name.strip():
        raise TokenNameMissing
    if kind is TokenKind.DEVICE and (roles or not types):
        raise BadRequestData("A device token has no roles, and names the types it may write", field="types")
    for value in types:
        if not is_uri(value):
            raise BadRequestData(f"{value!r} is not the IRI of a type", field="types")
    for scope in scopes:
        if not scope.startswith("/"):
            raise BadRequestData(f"{scope!r} is not a scope such as /hazard/rain", field="scopes")
