"""The room of the programme."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.city.registers import Registers
from andaman.programme.plan import REGISTERS
from andaman.programme.routes import routes
from andaman.programme.service import ProgrammeService
from andaman.programme.types import TYPES
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    services = site.services
    return Built(doors=routes(ProgrammeService(services.get(Broker), site.clock, services.get(Registers))))


ROOM = Room("programme", build, types=TYPES, registers=REGISTERS)
