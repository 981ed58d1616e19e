"""The room of definitions. Other rooms offer their kinds while they are built."""

from __future__ import annotations

from andaman.approvals.service import Approvals
from andaman.definitions.kinds import DefinitionKind
from andaman.definitions.permissions import PERMISSIONS
from andaman.definitions.routes import routes
from andaman.definitions.service import Definitions
from andaman.definitions.store import KIND, VersionStore
from andaman.identity.own_roles import check_role, definition_of, role_form, row_of
from andaman.identity.permissions import MANAGE_ROLES, REVIEW_ROLES
from andaman.identity.service import Identity
from andaman.kernel.words import Words
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    store = VersionStore(site.directory)
    definitions = site.services.add(Definitions(store, site.services.get(Approvals), site.clock))
    roles = DefinitionKind(
        "roles",
        Words("บทบาทและสิทธิ", "Roles"),
        role_form(site.permissions),
        site.services.get(Identity).own_roles,
        read=MANAGE_ROLES,
        manage=MANAGE_ROLES,
        review=REVIEW_ROLES,
        check=check_role,
        canonical=lambda row: definition_of(row_of(row)),
    )
    definitions.offer(roles)
    return Built(doors=routes(definitions), close=[store.close], abandon=[store.close])


ROOM = Room("definitions", build, permissions=PERMISSIONS, stores=(KIND,))
