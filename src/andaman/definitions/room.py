"""The room of definitions. Other rooms offer their kinds while they are built."""

from __future__ import annotations

import asyncio

from andaman.approvals.service import Approvals
from andaman.definitions.control import FORM as CONTROL_FORM
from andaman.definitions.control import KIND as CONTROL
from andaman.definitions.kinds import DefinitionKind
from andaman.definitions.permissions import MANAGE_CONFIG, PERMISSIONS, READ_DEFINITIONS
from andaman.definitions.routes import routes
from andaman.definitions.service import Definitions
from andaman.definitions.store import KIND, VersionStore
from andaman.identity.own_roles import check_role, definition_of, role_form, row_of
from andaman.identity.permissions import MANAGE_ROLES, REVIEW_ROLES
from andaman.identity.service import Identity
from andaman.kernel.words import Words
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    store, identity = VersionStore(site.directory), site.services.get(Identity)
    definitions = site.services.add(Definitions(store, site.services.get(Approvals), site.clock))
    roles = DefinitionKind(
        "roles",
        Words("บทบาทและสิทธิ", "Roles"),
        role_form(site.permissions),
        identity.own_roles,
        read=MANAGE_ROLES,
        manage=MANAGE_ROLES,
        review=REVIEW_ROLES,
        always_reviewed=True,
        check=check_role,
        canonical=lambda row: definition_of(row_of(row)),
    )
    definitions.offer(roles)
    control = DefinitionKind(
        CONTROL,
        Words("วิธีแก้ไขข้อกำหนด", "How definitions are changed"),
        CONTROL_FORM,
        definitions.control,
        read=READ_DEFINITIONS,
        manage=MANAGE_CONFIG,
        review=REVIEW_ROLES,
        always_reviewed=True,
        check=definitions.control.check,
    )
    definitions.offer(control)

    async def accounts(kind: str, key: str) -> list[Words]:
        """Accounts and tokens that have a role."""
        return await asyncio.to_thread(identity.users_of_role, key) if kind == roles.name else []

    definitions.add_users(accounts)
    return Built(doors=routes(definitions, site.clock), close=[store.close], abandon=[store.close])


ROOM = Room("definitions", build, permissions=PERMISSIONS, stores=(KIND,))
