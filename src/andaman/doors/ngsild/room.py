"""The room of NGSI-LD, the hottest door: it is answered without Starlette."""

from __future__ import annotations

from dataclasses import dataclass

from andaman.broker.contexts import ContextStore
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild.app import NgsiLdApp
from andaman.doors.ngsild.door import NgsiLdOptions
from andaman.doors.ngsild.entries import ngsild_doors
from andaman.room import MB, Built, Raw, Room, Site, setting


@dataclass(frozen=True)
class NgsiLdSettings:
    temporal_page: int = setting(
        0,
        "Instances of one entity in one answer about the past; longer answers are cut (206). 0: 1000, with no_auth 30.",
        0,
        100_000,
    )
    max_body_mb: int = setting(10, "Largest request body; of anonymous clients 64 KB.", 1, 1024)


def build(site: Site, settings: NgsiLdSettings) -> Built:
    services = site.services
    options = NgsiLdOptions(
        max_body=settings.max_body_mb * MB,
        max_instances=settings.temporal_page or (30 if site.settings.no_auth else 1000),
        public_url=site.settings.public_url,
    )
    app = NgsiLdApp(
        services.get(Broker),
        services.get(ContextStore),
        options,
        site.clock,
        services.get(Registry),
        services.get(Subscriptions),
        services.get(OutgoingClient),
        services.get(SourceSubscriptions),
        services.get(Snapshots),
    )
    return Built(raw=[Raw("/ngsi-ld/", app, ngsild_doors())])


ROOM = Room("doors.ngsild", build, NgsiLdSettings, of_broker=True)
