"""The room of map tiles."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.city.room import City
from andaman.doors.tiles.door import TileDoor
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    tiles = TileDoor(site.services.get(Broker), site.services.get(City).pack)
    return Built(doors=tiles.routes(), background=[tiles])


ROOM = Room("doors.tiles", build)
