"""docs/doors.md: the table of doors for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from andaman.identity.doors import SAFE, BoundDoor, Cost, DoorEntry
from andaman.identity.roles import RoleTable
from andaman.kernel.permissions import Permission

_HEAD: Final = """\
# Doors

Every route, socket and NGSI-LD operation of the platform, made by `make docs` from the table that the routes are built from
(`identity/doors.py`). A door checks this entry before its handler runs. The rights of the caller decide what the door shows
([identity](rooms/identity.md)).

- *Data of*: **city** doors show the city's data and are closed to tokens of other tenants, however a request names a tenant.
  **both** show the tenant that `NGSILD-Tenant` names, else the city. **none** show no tenant's data.
- *Requires*: nothing (anyone), any session or token (signed in), or a permission. Brackets hold the permission that the handler
  checks for a part of its work. Administrators have every permission; the table at the end says which roles have which.
- *Narrowed*: open to API tokens that are narrowed to types or scopes. *Device*: open to device tokens.
- *Body*: the largest request body; *max_body_mb* is the setting. A second number is the limit for anonymous clients.
- *Counts*: an anonymous client's request counts as a question (`public_queries_per_minute`).
- *Audited as*: the name of a success in the audit. For other doors the journal or the room itself records the actor. Refusals
  of known actors are always audited.

"""
_PERMISSIONS: Final = """\

Administrators have all of these; *administrators only* can be given to no other role. The last column is what ships
(`identity/data/roles.toml`). A permission to write types is checked for each entity, at every door.

| permission | lets people | in Thai | roles |
|---|---|---|---|
"""
_COLUMNS: Final = (
    "| method | path | data of | requires | narrowed | device | body | counts | audited as |\n"
    + "|---" * 9
    + "|"
)


def doors_page(doors: Sequence[BoundDoor], permissions: Iterable[Permission], roles: RoleTable) -> str:
    """The page, in Markdown. ``permissions``: all that rooms declare; ``roles``: those that ship."""
    entries = [door.entry for door in doors]
    rows = "\n".join(_row(one) for one in entries)
    reasons = dict.fromkeys(one.because for one in entries if one.because and one.method not in SAFE)
    why = "\n".join(
        f"- {reason}\n" + "\n".join(f"  - `{e.method} {e.path}`" for e in entries if e.because == reason)
        for reason in reasons
    )
    listed = "\n".join(_permission(one, roles) for one in sorted(permissions, key=lambda one: one.name))
    return (
        f"{_HEAD}{_COLUMNS}\n{rows}\n\n## Changes that require no permission, and why\n{why}\n\n"
        f"## Permissions\n{_PERMISSIONS}{listed}\n"
    )


def _permission(one: Permission, roles: RoleTable) -> str:
    having = [name for name, row in roles.rows.items() if one.name in row.permissions]
    who = ", ".join(having) or ("administrators only" if one.reserved else "")
    return f"| `{one.name}` | {one.words.en} | {one.words.th} | {who} |"


def _required(entry: DoorEntry) -> str:
    requires = entry.requires.name if isinstance(entry.requires, Permission) else entry.requires.value
    return " ".join([requires, *(f"({one.name})" for one in entry.asks)])


def _row(entry: DoorEntry) -> str:
    return "| " + " | ".join(
        (
            "socket" if entry.socket else entry.method,
            f"`{entry.path}`",
            entry.tenancy.value,
            _required(entry),
            "yes" if entry.opens_narrowed else "",
            "yes" if entry.devices else "",
            _body(entry),
            "yes" if entry.cost is Cost.QUESTION else "",
            entry.audited,
        )
    ) + " |"  # fmt: skip


def _body(entry: DoorEntry) -> str:
    if entry.body_max == 0:
        return ""
    most = "max_body_mb" if entry.body_max is None else f"{entry.body_max:,}"
    return most if entry.public_body_max is None else f"{most}; {entry.public_body_max:,}"
