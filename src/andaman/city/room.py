"""The room of the city pack: what makes the platform this city's."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from andaman.broker.api import Broker
from andaman.city.agencies import AGENCIES, Agencies
from andaman.city.agency_routes import agency_routes
from andaman.city.definitions import kind_of
from andaman.city.pack import Pack, install, load_pack
from andaman.city.permissions import PERMISSIONS
from andaman.city.place_routes import place_routes
from andaman.city.registers import Registers, SeedRows
from andaman.city.routes import routes
from andaman.city.types import TYPES
from andaman.definitions.service import Definitions
from andaman.identity.model import system_actor
from andaman.identity.service import Identity
from andaman.room import Built, Room, Site, Task, setting

log = logging.getLogger("andaman")


@dataclass(frozen=True)
class CitySettings:
    pack: str = setting(
        "", "City pack to load at start when its content is new, such as phuket; empty for none."
    )


@dataclass(frozen=True)
class City:
    """Which city this is: its pack, where one is loaded."""

    pack: Pack | None
    seeds: SeedRows
    """The registers as they come with the pack, or with the platform."""

    @property
    def publishers(self) -> dict[str, str]:
        """Duty → code of the agency that publishes its datasets, for the catalogue's seed."""
        return self.pack.publishers if self.pack else {}


def build(site: Site, settings: CitySettings) -> Built:
    """The registers start after the pack: their rows may refer to its entities."""
    pack = load_pack(settings.pack) if settings.pack else None
    seeds = SeedRows(pack)
    site.services.add(City(pack, seeds))
    broker = site.services.get(Broker)
    registers = site.services.add(Registers(broker, site.registers, seeds))

    async def bring_in() -> None:
        if pack is not None:
            types = [register.entity_type.name for register in site.registers]
            report = await install(pack, broker, system_actor("city"), site.on_install, registers=types)
            log.info("city pack %s: %s", pack.id, report)

    definitions, identity = site.services.find(Definitions), site.services.get(Identity)
    agencies = Agencies(registers, definitions, identity)
    doors = agency_routes(agencies) + place_routes(broker)
    if definitions is not None:
        for register in site.registers:
            definitions.offer(kind_of(registers, register))
        definitions.add_users(agencies.users)
        definitions.city = pack.id if pack is not None else ""
        doors += routes(registers, definitions)
    return Built(doors=doors, background=[Task(bring_in), registers, Task(agencies.take_over)])


ROOM = Room(
    "city",
    build,
    CitySettings,
    types=TYPES,
    registers=(AGENCIES,),
    permissions=PERMISSIONS,
    of_broker=True,
)
