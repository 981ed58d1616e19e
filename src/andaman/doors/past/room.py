"""The room of questions about the past of the entire city."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.doors.past.routes import routes
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    return Built(doors=routes(site.services.get(Broker)))


ROOM = Room("doors.past", build, of_broker=True)
