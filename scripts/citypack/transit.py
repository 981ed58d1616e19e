"""Smart Bus: stops, line geometry and timetable, joined into routes whose stops lie in order along their shape."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.ops import substring

from citypack.common import Part, geo, js, lang, point, prop, read_features, urn

M_PER_DEG = 111_195.0
_TIME = re.compile(r"(\d{1,2}):(\d\d)\s*(AM|PM)?", re.IGNORECASE)
OPERATOR = {"th": "บริษัท ภูเก็ต สมาร์ทบัส จำกัด", "en": "Phuket Smart Bus Co., Ltd."}
# Timetable stop → English name of the stop as surveyed, where they differ.
SAME_STOP = {
    "Thalang Public Health Office": "Thalang Public Health Office",
    "Baan Khian": "Baan Khian",
    "Cherngtalay School": "Cherngtalay School",
    "Lotus Cherngtalay": "Lotus Cherngtalay",
    "Surin Beach": "Surin Beach",
    "Kubur Kamala": "Kamala Muslim Cemetery",
    "Phuket FantaSea": "Phuket Fantasea",
    "Big C Kamala": "Big C Kamala",
    "PEA Patong": "Patong PEA",
    "Karon Circle": "Karon Circle",
    "Karon Stadium": "Karon Stadium",
    "Kata Palm": "Kata Palm",
    "Sai Yuan": "Sai Yuan",
    "Rawai Beach": "Rawai Beach",
    "Bangla Police Box Patong": "Bangla Patong",
    "Phuket Airport": "Phuket Airport",
}
STOP_TH = {"Kamala Muslim Cemetery": "กุโบร์ กมลา"}
ROUTES = [
    # id, line, numbers of its stops in order, shape file, feature, colour, short code, (Thai, English), direction
    (
        "pksb-airport-rawai",
        "main",
        [*range(42, 68), 16],
        ("rawai_airport_line", 0),
        "#00bab3",
        "PKSB-1",
        ("สนามบินภูเก็ต – หาดราไวย์", "Phuket Airport – Rawai Beach"),
        "southbound",
    ),
    (
        "pksb-rawai-airport",
        "main",
        [*range(16, 42), 42],
        ("rawai_airport_line", 1),
        "#35c6f3",
        "PKSB-1",
        ("หาดราไวย์ – สนามบินภูเก็ต", "Rawai Beach – Phuket Airport"),
        "northbound",
    ),
    (
        "pksb-terminal1-patong",
        "patong",
        [*range(68, 83), 83],
        ("patong_old_bus_station_line", 0),
        "#ffd633",
        "PKSB-2",
        ("สถานีขนส่งภูเก็ต 1 – ป่าตอง", "Bus Terminal 1 – Patong"),
        "westbound",
    ),
    (
        "pksb-patong-terminal1",
        "patong",
        [*range(83, 98), 98],
        ("patong_old_bus_station_line", 1),
        "#ffa500",
        "PKSB-2",
        ("ป่าตอง – สถานีขนส่งภูเก็ต 1", "Patong – Bus Terminal 1"),
        "eastbound",
    ),
    (
        "pksb-terminal1-terminal2",
        "patong",
        [*range(98, 108)],
        ("patong_old_bus_station_line", 1),
        "#ffa500",
        "PKSB-3",
        ("สถานีขนส่งภูเก็ต 1 – สถานีขนส่งภูเก็ต 2", "Bus Terminal 1 – Bus Terminal 2"),
        "northbound",
    ),
    (
        "pksb-terminal2-terminal1",
        "patong",
        [107, *range(108, 116), 68],
        ("patong_old_bus_station_line", 0),
        "#ffd633",
        "PKSB-3",
        ("สถานีขนส่งภูเก็ต 2 – สถานีขนส่งภูเก็ต 1", "Bus Terminal 2 – Bus Terminal 1"),
        "southbound",
    ),
    (
        "pksb-dragon",
        "dragon",
        [*range(1, 16), 1],
        ("dragon_line", None),
        "#db0000",
        "PKSB-D",
        ("มังกร (วนรอบเมืองเก่า)", "Dragon Line (Old Town loop)"),
        "loop",
    ),
]


def clock(text: str) -> list[int]:
    """Minutes of the day a timetable cell may mean; "13:48PM" is 13:48, "09:41" may be morning or evening."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return []
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").upper()
    if hour > 12 or (half == "" and hour == 0):
        return [hour * 60 + minute]
    base = hour % 12 * 60 + minute
    return {"AM": [base], "PM": [base + 720]}.get(half, [base, base + 720])


def along(line: Any, stops: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Metres along the line for stops that come in this order, and their distance from it (least squares, by DP)."""
    xy = _metres(np.asarray(line.coords)[:, :2])
    track = shapely.LineString(xy)
    grid = np.arange(0.0, track.length, 5.0)
    samples = shapely.get_coordinates(shapely.line_interpolate_point(track, grid))
    points = _metres(np.asarray(stops))
    gaps = np.hypot(points[:, None, 0] - samples[None, :, 0], points[:, None, 1] - samples[None, :, 1])
    best = gaps[0] ** 2
    came: list[Any] = []
    for gap in gaps[1:]:
        low = np.minimum.accumulate(best)
        where = np.maximum.accumulate(np.where(best <= low, np.arange(len(best)), 0))
        came.append(where)
        best = low + gap**2
    at = [int(np.argmin(best))]
    for where in reversed(came):
        at.append(int(where[at[-1]]))
    at.reverse()
    return [float(grid[i]) for i in at], [float(gaps[k, i]) for k, i in enumerate(at)]


def _metres(lonlat: Any) -> Any:
    return np.column_stack([lonlat[:, 0] * np.cos(np.radians(7.9)), lonlat[:, 1]]) * M_PER_DEG


def _shape(root: Path, name: str, index: int | None, stops: list[tuple[float, float]]) -> Any:
    """The line as one LineString in travel direction; a loop starts at its first stop."""
    features = read_features(root / f"transit/{name}.geojson")
    chosen = features if index is None else [features[index]]
    chain = [[c[:2] for c in g.coords] for f in chosen for g in shape(f["geometry"]).geoms]
    line = chain.pop(0)
    while chain:  # drawn parts follow end to start; a side loop from a junction comes before the onward part
        following = min(chain, key=lambda c: (round(_gap(line[-1], c[0]), 4), _gap(c[0], c[-1])))
        chain.remove(following)
        line = line + following
    if index is None:
        start = min(range(len(line)), key=lambda i: _gap(line[i], stops[0]))
        line = line[start:] + line[1 : start + 1]
    return shapely.LineString(line)


def _gap(a: Any, b: Any) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


def build(root: Path) -> list[Part]:
    part = Part(
        "smartbus",
        {"th": "รถโดยสารภูเก็ตสมาร์ทบัส", "en": "Phuket Smart Bus"},
        dataset="bus-network",
        authority="Phuket Smart Bus Co., Ltd.",
        licence="published timetable and stop survey (facts); collection MIT",
        origin="Nonarkara/phuket-smart-bus (README: MIT) of January 2026, upstream smartbus.phuket.cloud",
        date="2026-01",
        kind="reported",
        attribution="บริษัท ภูเก็ต สมาร์ทบัส จำกัด",
        notes=[
            "Only the operator's three lines are carried; lines drawn by hand (orange airport bus, ferries) are left out.",
            "Airport line: times of the 15 published timing points; stops between them have no published time. Kata "
            "Night Plaza is in the timetable but not in the stop survey. Laguna is served by three trips by a detour "
            "that the shape does not have. One misprinted arrival (23:30 from the airport) is left out.",
            "The end of a Patong trip has no published arrival time; it follows from the distance.",
        ],
    )
    stops = {
        f["properties"]["no"]: f["properties"] for f in read_features(root / "transit/bus_stop_all.geojson")
    }
    served: dict[int, list[str]] = {}
    for route in ROUTES:
        for no in _route(part, root, stops, *route):
            served.setdefault(no, []).append(route[0])
    for no, p in sorted(stops.items()):
        english = " ".join(p["stop_name_eng"].split())
        part.entity(
            urn("PublicTransportStop", f"pksb-{no}"),
            "PublicTransportStop",
            "/mobility/bus",
            name=lang(" ".join(p["stop_name_th"].split()), english),
            location=point(p["lon"], p["lat"]),
            routeCodes=prop(sorted(served.get(no, []))),
            stopCode=prop(str(no)),
        )
    return [part]


def _route(
    part: Part,
    root: Path,
    stops: dict[int, Any],
    code: str,
    line: str,
    numbers: list[int],
    where: tuple[str, int | None],
    colour: str,
    short: str,
    names: tuple[str, str],
    direction: str,
) -> list[int]:
    places = [(stops[no]["lon"], stops[no]["lat"]) for no in numbers]
    track = _shape(root, *where, places)
    distances, gaps = along(track, places)
    if line == "dragon":
        distances[-1] = float(shapely.LineString(_metres(np.asarray(track.coords))).length)
    kept = [i for i, gap in enumerate(gaps) if gap < 150]
    numbers, distances = [numbers[i] for i in kept], [distances[i] for i in kept]
    first, last = distances[0], distances[-1]
    track = _cut(track, first, last)
    distances = [round(d - first, 1) for d in distances]
    trips = {"main": _main_trips, "patong": _aligned_trips, "dragon": _loop_trips}[line](
        root, stops, numbers, direction
    )
    timetable = {
        "zone": "Asia/Bangkok",
        "days": "daily",
        "unit": "minutes after midnight; null where no time is published",
        "stops": [urn("PublicTransportStop", f"pksb-{no}") for no in numbers],
        "distanceM": distances,
        "trips": trips,
    }
    part.entity(
        urn("PublicTransportRoute", code),
        "PublicTransportRoute",
        "/mobility/bus",
        name=lang(*names),
        shortRouteCode=prop(short),
        routeColor=prop(colour),
        direction=prop(direction),
        operator=lang(**OPERATOR),
        length=prop(distances[-1], unit="MTR"),
        timetable=js(timetable),
        location=geo(
            {"type": "LineString", "coordinates": [[round(x, 6), round(y, 6)] for x, y in track.coords]}
        ),
        refStops={"object": [urn("PublicTransportStop", f"pksb-{no}") for no in dict.fromkeys(numbers)]},
    )
    return numbers


def _cut(track: Any, start_m: float, end_m: float) -> Any:
    flat = shapely.LineString(_metres(np.asarray(track.coords)))
    piece = substring(flat, start_m, end_m)
    piece = shapely.simplify(piece, 3.0)
    xy = np.asarray(piece.coords) / M_PER_DEG
    return shapely.LineString(np.column_stack([xy[:, 0] / np.cos(np.radians(7.9)), xy[:, 1]]))


def _rising(minutes: list[int | None]) -> list[int | None]:
    """Times after midnight go on counting; a time that is not later than the one before is a misprint and left out."""
    out: list[int | None] = []
    last: int | None = None
    for value in minutes:
        if value is not None and last is not None and value < last - 720:
            value += 1440
        if value is not None and last is not None and value <= last:
            value = None
        out.append(value)
        last = value if value is not None else last
    return out


def _main_trips(
    root: Path, stops: dict[int, Any], numbers: list[int], direction: str
) -> list[list[int | None]]:
    name = {"southbound": "airport-to-rawai", "northbound": "rawai-to-airport"}[direction]
    table = json.loads((root / f"transit/{name}.json").read_text(encoding="utf-8"))
    by_name = {" ".join(stops[no]["stop_name_eng"].split()): i for i, no in enumerate(numbers)}
    column = [by_name.get(SAME_STOP.get(stop["name"], "")) for stop in table["stops"]]
    trips = []
    for departure in table["departures"]:
        row: list[int | None] = [None] * len(numbers)
        for index, text in zip(column, departure["times"], strict=True):
            if index is not None and text:
                hour, minute = text.split(":")
                row[index] = int(hour) * 60 + int(minute)
        trips.append(_rising(row))
    return trips


def _aligned_trips(
    _root: Path, stops: dict[int, Any], numbers: list[int], _direction: str
) -> list[list[int | None]]:
    """A trip is a departure of the first stop that lists its own; each later stop adds its next time within 40 min.

    Terminal 2 lists its times as arrivals (of the trip from Terminal 1), so a trip from there starts at its next stop.
    """
    cells = [[m for text in stops[no]["time"].split(",") for m in clock(text)] for no in numbers]
    if numbers[0] == 107:
        cells[0] = [m - 2 for m in cells[1]]
    if numbers[-1] in (68, 83, 98):
        cells[-1] = []  # the terminus lists departures of other trips
    trips = []
    for start in sorted(cells[0]):
        row: list[int | None] = [start]
        last = start
        for times in cells[1:]:
            after = [m for m in times if last < m <= last + 40]
            row.append(min(after) if after else None)
            last = min(after) if after else last
        trips.append(row)
    return trips


def _loop_trips(
    _root: Path, stops: dict[int, Any], numbers: list[int], _direction: str
) -> list[list[int | None]]:
    """10:00 to 21:00 every 15 minutes from the first stop; the ninth is served 20 minutes later (10:20 to 21:20)."""
    ninth = numbers.index(9)
    return [
        [start if i == 0 else start + 20 if i == ninth else None for i in range(len(numbers))]
        for start in range(600, 1261, 15)
    ]


def check(part: Part) -> list[str]:
    """Speeds between timed stops that no bus reaches, as lines for the builder's output."""
    odd = []
    for entity in part.entities:
        if "PublicTransportRoute" not in entity["type"]:
            continue
        table = entity["timetable"]["json"]
        for n, trip in enumerate(table["trips"], 1):
            timed = [(m, d) for m, d in zip(trip, table["distanceM"], strict=True) if m is not None]
            for (m0, d0), (m1, d1) in pairwise(timed):
                if (d1 - d0) / 1000 / ((m1 - m0) / 60) > 80:
                    odd.append(f"{entity['id']} trip {n}: {(d1 - d0) / 1000:.1f} km in {m1 - m0} min")
    return odd
