"""Weather, rain by district and tide: tables that the feeds replay or compute from."""

from __future__ import annotations

import json
from pathlib import Path

from citypack.common import Part, js, lang, number, point, prop, read_csv, urn, utc

STATIONS = [
    ("48564", "สถานีอุตุนิยมวิทยาภูเก็ต", "Phuket weather station", 98.4, 7.883),
    ("48565", "สถานีอุตุนิยมวิทยาท่าอากาศยานภูเก็ต", "Phuket Airport weather station", 98.317, 8.117),
]


def build(root: Path) -> list[Part]:
    return [_weather(root), _rain(root), _tide(root)]


def _weather(root: Path) -> Part:
    part = Part(
        "tmd-weather",
        {"th": "ผลการตรวจอากาศ", "en": "Weather observations"},
        dataset="weather",
        authority="Thai Meteorological Department (กรมอุตุนิยมวิทยา)",
        kind="measured",
        origin="TMD Weather3Hours, collected by ankitrana90/my-phuket-weather-repo (facts only)",
        licence="Thai open government data",
        date="2026-07-20/2026-08-23",
        attribution="กรมอุตุนิยมวิทยา",
        notes=[
            "Stations 48564 (Phuket) and 48565 (Phuket Airport), every three hours, with gaps.",
            "Rows that average both stations and the sky condition (not an observation of TMD) are left out.",
            "Positions of the stations are those of the WMO station list, to a minute of arc.",
            "Where two retrievals of an hour differ, the later row is kept.",
        ],
    )
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for row in read_csv(root / "weather/tmd_phuket_observations_2026.csv"):
        if row["wmo"] in ("48564", "48565") and "COMBINED" not in row["station"]:
            cells = [
                number(row[c]) for c in ("wind_speed_kmh", "rainfall_mm", "rainfall24h_mm", "land_visibility")
            ]
            rows[utc(row["datetime_local"]), row["wmo"]] = (utc(row["datetime_local"]), row["wmo"], *cells)
    part.tables["weather_stations"] = (("station", "name_th", "name_en", "lon", "lat"), STATIONS)
    part.tables["weather"] = (
        ("time", "station", "windSpeed_kmh", "precipitation_mm", "precipitation24h_mm", "visibility_km"),
        [rows[key] for key in sorted(rows)],
    )
    return part


def _rain(root: Path) -> Part:
    part = Part(
        "rain-gauges",
        {"th": "ปริมาณฝนรายอำเภอ", "en": "Rain gauges by district"},
        dataset="weather",
        authority="Hydro-Informatics Institute (สสน.)",
        kind="measured",
        origin="ThaiWater gauges, collected by werapong-koedsin/phuket-flood-watch (measurements only)",
        licence="Thai open government data",
        date="2026-07-03/2026-07-06",
        attribution="สถาบันสารสนเทศทรัพยากรน้ำ (สสน.)",
        notes=[
            "24-hour and, where present, one-hour gauge rain for each of the three districts.",
            "Records back-filled from a model, forecasts and radar estimates of the collector are left out.",
        ],
    )
    table = []
    for line in (root / "hazards/phuket_flood_watch_history.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record.get("bf"):
            continue
        for name, code in (("Mueang Phuket", "TH8301"), ("Kathu", "TH8302"), ("Thalang", "TH8303")):
            values = record["d"][name]
            if values.get("a") is not None:
                table.append((record["t"], code, values["a"], values.get("r1")))
    table.sort()
    part.date = f"{table[0][0][:10]}/{table[-1][0][:10]}"
    part.tables["rain"] = (("time", "area", "precipitation24h_mm", "precipitation1h_mm"), table)
    return part


def _tide(root: Path) -> Part:
    record = next(
        r
        for r in json.loads((root / "ocean/ko_taphao_noi_tide_harmonics.json").read_text(encoding="utf-8"))
        if r["quality"]["accepted"]
    )
    part = Part(
        "tide-constituents",
        {"th": "องค์ประกอบน้ำขึ้นน้ำลง เกาะตะเภาน้อย", "en": "Tide constituents, Ko Taphao Noi"},
        dataset="sea-level",
        authority="University of Hawaii Sea Level Center gauge 148; TICON-4 (Hart-Davis, Dettmering, Seitz 2025)",
        origin="Neaps tide database 0.10 (modified from TICON-4, doi:10.17882/109129)",
        licence="CC BY 4.0",
        date=f"{record['epoch']['start']}/{record['epoch']['end']}",
        kind="computed",
        attribution="TICON-4 (CC BY 4.0), doi:10.17882/109129",
        notes=["50 constituents; levels over the lowest astronomical tide (LAT), the chart datum."],
    )
    datums = {k: round(v, 3) for k, v in record["datums"].items()}
    constituents = [
        {"name": c["name"], "amplitudeM": round(c["amplitude"], 5), "phaseDeg": round(c["phase"], 4)}
        for c in record["harmonic_constituents"]
    ]
    part.entity(
        urn("TidalConstituents", "ko-taphao-noi"),
        "TidalConstituents",
        "/hazard/sea",
        name=lang("สถานีวัดระดับน้ำเกาะตะเภาน้อย", "Ko Taphao Noi tide gauge"),
        location=point(record["longitude"], record["latitude"]),
        constituents=js(constituents),
        datums=js(datums),
        epoch=prop(part.date),
    )
    return part
