"""The room of approvals."""

from __future__ import annotations

from andaman.approvals.permissions import PERMISSIONS
from andaman.approvals.routes import routes
from andaman.approvals.service import Approvals
from andaman.approvals.store import KIND, ProposalStore
from andaman.identity.service import Identity
from andaman.room import Built, NoSettings, Room, Site, Task


def build(site: Site, settings: NoSettings) -> Built:
    """Other rooms offer their actions while they are built. What was approved and not done is finished last of all starts
    (``resume``), when every room is there."""
    store = ProposalStore(site.directory)
    approvals = site.services.add(Approvals(store, site.services.get(Identity), site.clock))
    return Built(doors=routes(approvals, site.clock), close=[store.close], abandon=[store.close])


def resume(site: Site, settings: NoSettings) -> Built:
    return Built(background=[Task(site.services.get(Approvals).resume)])


ROOM = Room("approvals", build, permissions=PERMISSIONS, stores=(KIND,))
RESUME = Room("approvals.resume", resume)
