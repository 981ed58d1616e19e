"""See README.md in this room."""

from andaman.ingest.client_id import ClientId, open_client_id, renew_client_id
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.feeds import city_feeds
from andaman.ingest.manager import FeedManager
from andaman.ingest.mapping import load_mapping
from andaman.ingest.model import Feed, FeedLink, FeedState, FeedStatus
from andaman.ingest.mqtt import MqttAddress, MqttFeed
from andaman.ingest.routes import routes

__all__ = [
    "ClientId",
    "DeadLetterStore",
    "Feed",
    "FeedLink",
    "FeedManager",
    "FeedState",
    "FeedStatus",
    "MqttAddress",
    "MqttFeed",
    "city_feeds",
    "load_mapping",
    "open_client_id",
    "renew_client_id",
    "routes",
]
