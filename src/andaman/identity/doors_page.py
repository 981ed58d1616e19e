"""docs/doors.md: the table of doors for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from andaman.identity.doors import SAFE, BoundDoor, Cost, DoorEntry

_HEAD: Final = """\
# Doors

Every route, socket and NGSI-LD operation of the platform, made by `make docs` from the table that the routes are built from
(`identity/doors.py`). A door asks what stands here before its handler runs; what somebody sees behind it, their rights decide
([identity](rooms/identity.md)).

- *Data of*: **city** doors show the city's own and are closed to tokens of other tenants, in whatever way a tenant is named;
  **both** show the tenant that `NGSILD-Tenant` names, else the city; **none** show no tenant's data.
- *Who*: anyone; signed in (any session or token); staff (operator, dispatcher, analyst); or roles. Administrators may always.
- *Narrowed*: open to API tokens that are narrowed to types or scopes. *Device*: open to device tokens.
- *Body*: the most bytes of one; *max_body_mb* is the setting. A stranger's is smaller where a second number stands.
- *Counts*: a stranger's request counts as a question (`public_queries_per_minute`).
- *Audited as*: what a success is called in the audit. Elsewhere the journal or the room itself keeps who did it. Refusals of
  who is known are always audited.

"""
_COLUMNS: Final = (
    "| method | path | data of | who | narrowed | device | body | counts | audited as |\n" + "|---" * 9 + "|"
)


def doors_page(doors: Sequence[BoundDoor]) -> str:
    """The page, in Markdown."""
    entries = [door.entry for door in doors]
    rows = "\n".join(_row(one) for one in entries)
    why = "\n".join(
        f"- `{one.method} {one.path}`: {one.because}"
        for one in entries
        if one.because and one.method not in SAFE
    )
    return f"{_HEAD}{_COLUMNS}\n{rows}\n\n## Changes that ask nothing of who comes, and why\n{why}\n"


def _row(entry: DoorEntry) -> str:
    return "| " + " | ".join(
        (
            "socket" if entry.socket else entry.method,
            f"`{entry.path}`",
            entry.tenancy.value,
            entry.requires.words,
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
