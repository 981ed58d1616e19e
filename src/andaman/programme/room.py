"""The room of the programme."""

from __future__ import annotations

from andaman.approvals.service import Approvals
from andaman.broker.api import Broker
from andaman.city.registers import Registers
from andaman.evidence.authors import Authors
from andaman.evidence.service import Evidence
from andaman.identity.service import Identity
from andaman.kernel.blobs import Blobs
from andaman.programme.figures import KIND, Figures
from andaman.programme.findings import Finder
from andaman.programme.permissions import PERMISSIONS
from andaman.programme.plan import REGISTERS
from andaman.programme.routes import routes
from andaman.programme.service import ProgrammeService
from andaman.programme.types import TYPES
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    services = site.services
    broker, identity = services.get(Broker), services.get(Identity)
    programme = services.add(
        ProgrammeService(
            broker,
            site.clock,
            services.get(Registers),
            Finder(broker, services.get(Authors), identity.name_of, identity.demo_accounts),
            services.get(Approvals),
            services.get(Blobs),
        )
    )
    services.get(Evidence).register(KIND, Figures(programme).basis)
    return Built(doors=routes(programme), background=[programme])


ROOM = Room("programme", build, types=TYPES, registers=REGISTERS, permissions=PERMISSIONS)
