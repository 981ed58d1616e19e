"""The room of the city pack: what makes the platform this city's."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from andaman.broker.service import Broker
from andaman.city.pack import Pack, install, load_pack
from andaman.city.permissions import PERMISSIONS
from andaman.city.types import TYPES
from andaman.identity.model import system_actor
from andaman.room import Built, Room, Site, Task, setting

log = logging.getLogger("andaman")


@dataclass(frozen=True)
class CitySettings:
    pack: str = setting(
        "", "City pack to load at start when its content is new, e.g. phuket; empty for none."
    )


@dataclass(frozen=True)
class City:
    """Which city this is: its pack, where one is loaded."""

    pack: Pack | None


def build(site: Site, settings: CitySettings) -> Built:
    pack = load_pack(settings.pack) if settings.pack else None
    site.services.add(City(pack))
    if pack is None:
        return Built()
    broker = site.services.get(Broker)

    async def bring_in() -> None:
        report = await install(pack, broker, system_actor("city"), site.on_install)
        log.info("city pack %s: %s", pack.id, report)

    return Built(background=[Task(bring_in)])


ROOM = Room("city", build, CitySettings, types=TYPES, permissions=PERMISSIONS, of_broker=True)
