"""The feeds that a city pack has the data for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

from shapely.geometry import shape

from andaman.broker.api import Doc, build
from andaman.ingest.model import Feed, FeedLink
from andaman.ingest.recorded import accident_feed, rain_feed, weather_feed
from andaman.ingest.smartbus import SmartBusFeed, lines_of
from andaman.ingest.tide import TideFeed

ACCIDENT_FACTOR: Final = 20.0
"""Accidents are days apart: they are played so many times faster than the other recordings."""


class CityData(Protocol):
    """The part of a city pack that feeds use (``andaman.city.pack.Pack``)."""

    def iter_docs(self, part: str | None = None) -> Iterator[Doc]: ...

    def table(self, name: str) -> list[dict[str, str]]: ...

    def has(self, name: str) -> bool: ...


def city_feeds(data: CityData, replay_speed: float = 60.0, bus_speed: float = 1.0) -> list[Feed]:
    """Smart Bus (by the wall clock), weather, rain and accidents (replayed), and the tide (computed): those that the city
    has the data for."""
    route, gauge = build.iri("PublicTransportRoute"), build.iri("TidalConstituents")

    def weather() -> Feed:
        stations = {row["station"]: row for row in data.table("weather_stations")}
        return weather_feed(data.table("weather"), stations, replay_speed)

    def rain() -> Feed:
        districts = dict(_districts(data.iter_docs("admin-areas")))
        return rain_feed(data.table("rain"), districts, replay_speed)

    def buses() -> Feed:
        return SmartBusFeed(
            lines_of(doc for doc in data.iter_docs("smartbus") if route in doc["type"]), bus_speed
        )

    def accidents() -> Feed:
        return accident_feed(data.iter_docs("road-accidents"), replay_speed * ACCIDENT_FACTOR)

    def tide(doc: Doc) -> Feed:
        return TideFeed(doc)

    gauges = [doc for doc in data.iter_docs("tide-constituents") if gauge in doc["type"]]
    feeds = {
        "smartbus": _made("smartbus", "simulated", buses),
        "weather": _made("tmd-weather", "replayed", weather),
        "rain": _made("rain-gauges", "replayed", rain),
        "road-accidents": _made("road-accidents", "replayed", accidents),
    }
    return [
        *(feed for needed, feed in feeds.items() if data.has(needed)),
        *(_made("tide", "computed", partial(tide, doc)) for doc in gauges),
    ]


def _made(feed_id: str, origin: str, make: Callable[[], Feed]) -> Feed:
    """The feed, or where its data cannot be read, one that says so: the others, and the platform, start all the same."""
    try:
        return make()
    except Exception as error:
        return _Unreadable(feed_id, origin, error)


class _Unreadable:
    """A feed without its data."""

    def __init__(self, feed_id: str, origin: str, error: Exception) -> None:
        self.id = feed_id
        self.name = {"th": feed_id, "en": feed_id}
        self.origin = origin
        self.speed = 1.0
        self.expected_s: float | None = None
        self._error = error

    async def run(self, link: FeedLink) -> None:
        raise self._error


def _districts(areas: Iterator[Doc]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and a point inside of each district."""
    for doc in areas:
        if build.value(doc, "level") == "amphoe":
            outline = shape(build.value(doc, "location"))
            largest = max(getattr(outline, "geoms", [outline]), key=lambda polygon: polygon.area)
            inside = largest.representative_point()
            name = build.value(doc, "name")
            yield (
                doc["id"].rsplit(":", 1)[1],
                {
                    "name_th": name["th"],
                    "name_en": name["en"],
                    "lon": round(inside.x, 5),
                    "lat": round(inside.y, 5),
                },
            )
