"""The room of the catalogue: datasets, the rules made of them, and how long raw values are kept."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.catalogue.retention import RetentionKeeper
from andaman.catalogue.routes import routes
from andaman.catalogue.seed import default_datasets
from andaman.catalogue.service import Catalogue
from andaman.catalogue.types import TYPES
from andaman.city.room import City
from andaman.definitions.service import Definitions
from andaman.identity.policy import Policy
from andaman.identity.service import Identity
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    """It starts before any data leaves the platform: until then the secret classes are unknown."""
    broker = site.services.get(Broker)
    publishers = site.services.get(City).publishers
    seed = () if site.settings.broker_only else default_datasets(site.types, publishers)
    policy = site.services.get(Policy)
    catalogue = site.services.add(Catalogue(broker, policy, seed=seed, clock=site.clock))
    retention = site.services.add(
        RetentionKeeper(
            catalogue,
            broker.condense_history,
            site.services.get(Identity).audit.add,
            site.clock,
            progress=broker.history_condensing,
        )
    )
    definitions = site.services.find(Definitions)
    if definitions is not None:
        definitions.add_users(catalogue.users_of)
    return Built(doors=routes(catalogue), background=[catalogue, retention])


ROOM = Room("catalogue", build, types=TYPES, of_broker=True)
