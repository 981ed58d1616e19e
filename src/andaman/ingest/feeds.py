"""The feeds that a city pack has the data for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from shapely.geometry import shape

from andaman.broker.entity import build
from andaman.broker.model import Doc
from andaman.ingest.model import Feed
from andaman.ingest.recorded import accident_feed, rain_feed, weather_feed
from andaman.ingest.smartbus import SmartBusFeed, lines_of
from andaman.ingest.tide import TideFeed

ACCIDENT_FACTOR: Final = 20.0
"""Accidents are days apart: they are played so many times faster than the other recordings."""


class CityData(Protocol):
    """What a city pack offers to feeds (``andaman.city.pack.Pack``)."""

    def iter_docs(self, part: str | None = None) -> Iterator[Doc]: ...

    def table(self, name: str) -> list[dict[str, str]]: ...


def city_feeds(data: CityData, replay_speed: float = 60.0, bus_speed: float = 1.0) -> list[Feed]:
    """Smart Bus (by the wall clock), weather, rain and accidents (replayed), and the tide (computed)."""
    stations = {row["station"]: row for row in data.table("weather_stations")}
    districts = dict(_districts(data.iter_docs("admin-areas")))
    route, gauge = build.iri("PublicTransportRoute"), build.iri("TidalConstituents")
    return [
        SmartBusFeed(lines_of(doc for doc in data.iter_docs("smartbus") if route in doc["type"]), bus_speed),
        weather_feed(data.table("weather"), stations, replay_speed),
        rain_feed(data.table("rain"), districts, replay_speed),
        accident_feed(data.iter_docs("road-accidents"), replay_speed * ACCIDENT_FACTOR),
        *(TideFeed(doc) for doc in data.iter_docs("tide-constituents") if gauge in doc["type"]),
    ]


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
