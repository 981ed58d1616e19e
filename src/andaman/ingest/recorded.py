"""The recorded feeds of a city pack: weather stations, rain by district, road accidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from andaman.broker.api import Doc, Instance, build
from andaman.ingest.replay import Recording, ReplayFeed
from andaman.kernel.time import SECOND, Micros, format_time, local_date, parse_time

Row = Mapping[str, str]
_ACCIDENT_ATTRS: Final = (
    "accidentDate", "vehicleType", "vehicleCount", "presumedCause", "accidentType", "weatherType", "roadDescription",
    "slopeDescription", "roadSection", "agency", "name", "source", "dataset",
)  # fmt: skip


def weather_feed(rows: Iterable[Row], stations: Mapping[str, Row], speed: float) -> ReplayFeed:
    """Three-hourly observations of weather stations (TMD); ``stations``: number → name_th, name_en, lon, lat."""
    recordings = [
        Recording(parse_time(row["time"]), partial(_weather, row, stations[row["station"]])) for row in rows
    ]
    return ReplayFeed(
        "tmd-weather",
        {"th": "ผลการตรวจอากาศ กรมอุตุนิยมวิทยา", "en": "TMD weather observations"},
        recordings,
        speed,
        lead_in=2,
    )


def _weather(row: Row, station: Row, now: Micros) -> Doc:
    values = {
        "windSpeed": _number(row["windSpeed_kmh"], now, "KMH"),
        "precipitation": _number(row["precipitation_mm"], now, "MMT"),
        "precipitation24h": _number(row["precipitation24h_mm"], now, "MMT"),
        "visibility": _number(row["visibility_km"], now, "KMT"),
    }
    return build.entity(
        f"urn:ngsi-ld:WeatherObserved:tmd-{row['station']}",
        "WeatherObserved",
        ("/hazard/weather",),
        name=build.lang(th=station["name_th"], en=station["name_en"]),
        location=_point(station),
        stationCode=build.prop(row["station"]),
        agency=build.prop("tmd"),
        **_replayed(row["time"], "กรมอุตุนิยมวิทยา"),
        **{name: value for name, value in values.items() if value is not None},
    )


def rain_feed(rows: Iterable[Row], districts: Mapping[str, Row], speed: float) -> ReplayFeed:
    """Gauge rain of the last 24 hours and of the last hour by district; ``districts``: code → name_th, name_en, lon, lat."""
    recordings = [
        Recording(parse_time(row["time"]), partial(_rain, row, districts[row["area"]])) for row in rows
    ]
    return ReplayFeed(
        "rain-gauges",
        {"th": "ปริมาณฝนรายอำเภอ", "en": "Rain gauges by district"},
        recordings,
        speed,
        lead_in=len(districts),
    )


def _rain(row: Row, district: Row, now: Micros) -> Doc:
    values = {
        "precipitation24h": _number(row["precipitation24h_mm"], now, "MMT"),
        "precipitation1h": _number(row["precipitation1h_mm"], now, "MMT"),
    }
    return build.entity(
        f"urn:ngsi-ld:WeatherObserved:rain-{row['area']}",
        "WeatherObserved",
        ("/hazard/rain",),
        name=build.lang(th=f"ปริมาณฝน อ.{district['name_th']}", en=f"Rain, {district['name_en']}"),
        location=_point(district),
        agency=build.prop("hii"),
        **_replayed(row["time"], "สถาบันสารสนเทศทรัพยากรน้ำ (สสน.)"),
        **{name: value for name, value in values.items() if value is not None},
    )


def accident_feed(accidents: Iterable[Doc], speed: float) -> ReplayFeed:
    """Past RoadAccident entities happen again as ``RoadAccident:replay-…`` that point to the original."""
    recordings = [
        Recording(parse_time(build.value(doc, "accidentDate")), partial(_accident, doc)) for doc in accidents
    ]
    return ReplayFeed(
        "road-accidents",
        {"th": "อุบัติเหตุทางถนน (เล่นซ้ำ)", "en": "Road accidents (replayed)"},
        recordings,
        speed,
        lead_in=3,
        begin=partial(_same_date, first=min((recording.at for recording in recordings), default=0)),
    )


def _same_date(now: Micros, first: Micros) -> Micros:
    """The first time after ``first`` with today's date and time of day in Phuket, so that season and hour fit."""
    today, start = local_date(now), local_date(first)
    for year in (start.year, start.year + 1):
        day = min(today.day, 28) if today.month == 2 else today.day
        found = today.replace(year=year, day=day)
        if found >= start:
            break
    return int(found.timestamp() * SECOND)


def _accident(original: Doc, now: Micros) -> Doc:
    code = original["id"].rsplit(":", 1)[1].removeprefix("phuket-")
    kept: dict[str, Instance] = {}
    for name in _ACCIDENT_ATTRS:
        instances = original["attrs"].get(build.iri(name))
        if instances:
            kept[name] = {
                key: value for key, value in instances[0].items() if key not in ("createdAt", "modifiedAt")
            }
    return build.entity(
        f"urn:ngsi-ld:RoadAccident:replay-{code}",
        "RoadAccident",
        ("/safety/accident",),
        deaths=build.prop(build.value(original, "deaths"), now),
        injured=build.prop(build.value(original, "injured"), now),
        location=build.geo(build.value(original, "location"), now),
        origin=build.prop("replayed"),
        replayOf=build.prop(build.value(original, "accidentDate")),
        refAccident=build.rel(original["id"], "RoadAccident"),
        **kept,
    )


def _replayed(true_time: str, source: str) -> dict[str, Any]:
    return {
        "origin": build.prop("replayed"),
        "replayOf": build.prop(format_time(parse_time(true_time))),
        "source": build.prop(source),
        "dataset": build.prop("weather"),
    }


def _number(text: str, now: Micros, unit: str) -> Instance | None:
    return build.prop(float(text), now, unit) if text else None


def _point(place: Row) -> Instance:
    return build.geo({"type": "Point", "coordinates": [float(place["lon"]), float(place["lat"])]})
