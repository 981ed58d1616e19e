"""The room of feeds and devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from andaman.broker.api import Broker
from andaman.city.room import City
from andaman.evidence.service import Evidence
from andaman.identity.service import Identity
from andaman.ingest import deadletter, offsets
from andaman.ingest.client_id import open_client_id
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.feeds import city_feeds
from andaman.ingest.figures import feed_figures
from andaman.ingest.manager import FeedManager
from andaman.ingest.mapping import load_mapping
from andaman.ingest.model import Feed
from andaman.ingest.mqtt import MqttAddress, MqttFeed
from andaman.ingest.permissions import PERMISSIONS
from andaman.ingest.routes import routes
from andaman.ingest.types import TYPES
from andaman.kernel.blobs import Blobs
from andaman.kernel.errors import Unavailable
from andaman.kernel.secrets import Secrets
from andaman.room import Built, Room, Site, setting


@dataclass(frozen=True)
class IngestSettings:
    feeds: bool = setting(False, "Run the pack's feeds (buses, weather, rain, accidents, tide).")
    feed_speed: float = setting(
        1.0, "Replay speed of recorded feeds; 60 plays an hour in a minute.", 0.01, 3600
    )
    mqtt_url: str = setting(
        "", "MQTT broker to take devices from, such as mqtt://127.0.0.1:1883; empty for none."
    )
    mqtt_mapping: str = setting(
        "", "Mapping file (TOML) from MQTT topics to entities; see docs/rooms/ingest.md."
    )
    mqtt_client_id: str = setting(
        "",
        "Name of this installation at the MQTT broker; empty: a generated one, kept with the data, but in no backup.",
    )
    mqtt_late_after_s: float = setting(
        3600.0, "Seconds without any message after which the devices count as late; 0: never.", 0, 31_536_000
    )


def build(site: Site, settings: IngestSettings) -> Built:
    letters = site.services.add(
        DeadLetterStore(site.directory / "deadletter.db", blobs=site.services.get(Blobs))
    )
    feeds = _feeds(site, settings, letters)
    manager = site.services.add(
        FeedManager(site.services.get(Broker), feeds, site.directory, clock=site.clock, letters=letters)
    )
    evidence = site.services.find(Evidence)
    if evidence is not None:  # a platform that is only a broker has none
        evidence.register("feed", feed_figures(manager))
    return Built(
        doors=routes(manager, letters, site.services.get(Identity).audit),
        background=[manager],
        close=[letters.close],
        abandon=[letters.close],
        metrics=[manager],
        late_metrics=[letters.metrics],
    )


def _feeds(site: Site, settings: IngestSettings, letters: DeadLetterStore) -> list[Feed]:
    pack = site.services.get(City).pack
    feeds: list[Feed] = []
    if settings.feeds and pack is not None:
        feeds += city_feeds(pack, replay_speed=settings.feed_speed)
    client_id = open_client_id(site.directory, settings.mqtt_client_id)
    if settings.mqtt_url:
        if not settings.mqtt_mapping:
            raise Unavailable("mqtt_url is set, but mqtt_mapping names no file; see docs/rooms/ingest.md")
        mapping = load_mapping(Path(settings.mqtt_mapping))
        address = MqttAddress.parse(settings.mqtt_url, site.services.get(Secrets))
        feeds.append(
            MqttFeed(address, mapping, letters, client_id, expected_s=settings.mqtt_late_after_s or None)
        )
    return feeds


ROOM = Room(
    "ingest",
    build,
    IngestSettings,
    types=TYPES,
    permissions=PERMISSIONS,
    stores=(deadletter.KIND, offsets.KIND),
    of_broker=True,
)
