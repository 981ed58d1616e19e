"""The room of evidence. Later rooms register their figures while they are built."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.catalogue.service import Catalogue
from andaman.evidence.authors import Authors
from andaman.evidence.datasets import dataset_figures
from andaman.evidence.routes import routes
from andaman.evidence.service import Evidence
from andaman.identity.service import Identity
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    services = site.services
    broker, catalogue = services.get(Broker), services.get(Catalogue)
    authors = services.add(Authors(broker))
    name_of = services.get(Identity).name_of
    evidence = services.add(Evidence(broker, catalogue, site.types, authors, name_of))
    evidence.register("dataset", dataset_figures(catalogue, evidence.vocabulary))
    return Built(doors=routes(evidence))


ROOM = Room("evidence", build)
