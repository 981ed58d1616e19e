"""Roles that people edit on screens: rows in identity.db, which replace those that ship or stand in the roles file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec

from andaman.form import Form, Row, RowRefused, described
from andaman.identity.audit import AuditTrail
from andaman.identity.model import Actor
from andaman.identity.permissions import MANAGE_ROLES
from andaman.identity.problems import RoleFixed, RoleInUse, RoleNameNotAllowed
from andaman.identity.roles import FIXED, PURPOSE, ROLE_NAME, RoleRow, RoleTable, Sees, shipped_roles
from andaman.identity.store import IdentityStore
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words
from andaman.vocabulary import Code

log = logging.getLogger("andaman")
_SEES: Final = (
    Code("unlisted", Words("ข้อมูลที่ไม่อยู่ในชุดข้อมูลใด", "Entities that are in no dataset")),
    Code("personal", Words("ข้อมูลส่วนบุคคลตามวัตถุประสงค์", "Personal data of the purpose of the session")),
    Code("security", Words("ข้อมูลความมั่นคง", "Security data")),
    Code("secret", Words("ข้อมูลความลับทางราชการของหน่วยงานตน", "Official secrets of one's own agency")),
    Code(
        "investigation",
        Words(
            "ข้อมูลส่วนบุคคลและความลับของหน่วยงานตนเพื่อการตรวจสอบ",
            "Personal data and secrets of one's own agency, to investigate",
        ),
    ),
)


class RoleDefinition(Row, frozen=True, kw_only=True):
    """A role as a form; ``code`` is its name."""

    words: Annotated[Words, described("ชื่อบทบาท", "Name of the role")]
    permissions: Annotated[tuple[str, ...], described("สิทธิ", "Permissions")] = ()
    sees: Annotated[
        tuple[str, ...], described("ข้อมูลที่เห็นนอกจากข้อมูลสาธารณะ", "Data it sees besides public data")
    ] = ()
    purpose: Annotated[str, described("วัตถุประสงค์ของการเข้าใช้ระบบ", "Purpose of its sessions")] = ""


_FORM: Final = Form(RoleDefinition)


def role_form(permissions: Mapping[str, Permission]) -> Form[RoleDefinition]:
    """The form, with the permissions that a role can be given."""
    given = sorted((one for one in permissions.values() if not one.reserved), key=lambda one: one.name)
    codes = tuple(Code(one.name, one.words) for one in given)
    return Form(RoleDefinition, choices={"permissions": codes, "sees": _SEES})


def row_of(definition: RoleDefinition) -> RoleRow:
    sees = frozenset(Sees(one) for one in definition.sees)
    return RoleRow(
        definition.code, definition.words, frozenset(definition.permissions), sees, definition.purpose
    )


def definition_of(row: RoleRow) -> RoleDefinition:
    """In one order, so that equal roles are equal documents."""
    return RoleDefinition(
        code=row.name,
        words=row.words,
        permissions=tuple(sorted(row.permissions)),
        sees=tuple(sorted(row.sees)),
        purpose=row.purpose,
    )


def check_role(row: Row) -> None:
    """Raises RowRefused and RoleFixed."""
    assert isinstance(row, RoleDefinition)
    if row.code in FIXED:
        raise RoleFixed(role=row.code)
    if not ROLE_NAME.fullmatch(row.code):
        raise RowRefused.of([RoleNameNotAllowed(field="code")])
    if not PURPOSE.fullmatch(row.purpose):
        raise RowRefused.of([RoleNameNotAllowed(field="purpose")])


class OwnRoles:
    """``table`` is the one in force: it is brought to the rows of the file at each ``refresh``."""

    def __init__(
        self,
        store: IdentityStore,
        table: RoleTable,
        audit: AuditTrail,
        allowed: Callable[..., Any],
        run: Callable[..., Any],
        changed: Callable[[], None],
    ) -> None:
        self._store, self._table, self._audit = store, table, audit
        self._allowed, self._run, self._changed = allowed, run, changed
        self._before = tuple(table.rows.values())
        shipped = shipped_roles().rows
        in_file = {row.name for row in self._before if shipped.get(row.name) != row}
        self._seen: dict[str, bytes] | None = None
        self.refresh()
        for name in sorted(in_file & (self._seen or {}).keys()):
            log.warning("The role %s was edited on screen; its row in the roles file does not count", name)

    def refresh(self) -> bool:
        """Bring the table to the stored rows; True if it changed. A row that cannot be read is left out, and logged."""
        stored = self._store.list_roles()
        if stored == self._seen:
            return False
        self._seen = stored
        own = [row for name, document in stored.items() if (row := _read(name, document)) is not None]
        self._table.replace(
            ({row.name: row for row in self._before} | {row.name: row for row in own}).values()
        )
        return True

    # -- as a place of definitions ------------------------------------------------------------------------------
    def in_force(self) -> dict[str, dict[str, Any]]:
        """Name → role, without the two that are fixed."""
        rows = (row for row in self._table.rows.values() if row.name not in FIXED)
        return {row.name: _FORM.document(definition_of(row)) for row in rows}

    async def put(self, key: str, document: Mapping[str, Any], actor: Actor) -> None:
        definition = msgspec.convert({**document, "code": key}, RoleDefinition)
        check_role(definition)
        body = msgspec.json.encode(_FORM.document(definition_of(row_of(definition))), order="sorted")
        await self._run(self._allowed, actor, MANAGE_ROLES, self._store.put_role, key, body)
        await self._audit.add(
            actor, "role.put", f"role:{key}", detail=" ".join(sorted(definition.permissions))
        )
        self._changed()

    async def delete(self, key: str, actor: Actor) -> None:
        """Raises RoleFixed for one that ships, RoleInUse for one that an account or a token has."""
        if key in self.kept():
            raise RoleFixed(role=key)
        await self._run(self._allowed, actor, MANAGE_ROLES, self._delete, key)
        await self._audit.add(actor, "role.delete", f"role:{key}")
        self._changed()

    def _delete(self, name: str) -> None:
        users = sum(name in one.roles for one in self._store.list_accounts())
        users += sum(name in one.roles and one.revoked_at is None for one in self._store.list_tokens())
        if users:
            raise RoleInUse(role=name, count=users)
        self._store.delete_role(name)

    def kept(self) -> frozenset[str]:
        """Roles that ship, or stand in the roles file."""
        return frozenset(row.name for row in self._before)

    def set_aside(self) -> tuple[()]:
        """A role that cannot be read is only logged."""
        return ()

    def since(self, key: str) -> None:
        """The rows of roles keep no time."""


def _read(name: str, document: bytes) -> RoleRow | None:
    try:
        raw = msgspec.json.decode(document)
        row = row_of(msgspec.convert({**raw, "code": name}, RoleDefinition))
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        log.error("The role %s in identity.db cannot be read and is left out: %s", name[:80], error)
        return None
    if row.name in FIXED:
        log.error("The role %s in identity.db cannot replace the one that ships", row.name)
        return None
    return row
