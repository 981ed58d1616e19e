"""The room of the programme."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.programme.routes import routes
from andaman.programme.service import ProgrammeService
from andaman.programme.types import TYPES
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    return Built(doors=routes(ProgrammeService(site.services.get(Broker), site.clock)))


ROOM = Room("programme", build, types=TYPES)
