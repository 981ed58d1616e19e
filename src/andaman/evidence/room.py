"""The room of evidence. Later rooms register their figures while they are built."""

from __future__ import annotations

from andaman.broker.api import Broker
from andaman.catalogue.service import Catalogue
from andaman.evidence.datasets import dataset_figures
from andaman.evidence.routes import routes
from andaman.evidence.service import Evidence
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    services = site.services
    catalogue = services.get(Catalogue)
    evidence = services.add(Evidence(services.get(Broker), catalogue, site.types))
    evidence.register("dataset", dataset_figures(catalogue, evidence.vocabulary))
    return Built(doors=routes(evidence))


ROOM = Room("evidence", build)
