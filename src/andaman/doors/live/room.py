"""The room of live screens."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.doors.live.hub import Hub
from andaman.doors.live.routes import READ_CHANGES, LiveDoor
from andaman.identity.service import Identity
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    identity = site.services.get(Identity)
    hub = site.services.add(Hub(site.services.get(Broker), clock=site.clock))
    door = LiveDoor(hub, on_change=identity.on_change, name_of=identity.name_of)
    return Built(doors=door.routes(), background=[hub], metrics=[hub, door])


ROOM = Room("doors.live", build, permissions=(READ_CHANGES,), of_broker=True)
