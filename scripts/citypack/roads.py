"""The road graph and the waterways, from OpenStreetMap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

from citypack.common import Part, geo, is_thai, lang, number, prop, read_csv, read_features, urn
from citypack.names import road_name

OSM = "© OpenStreetMap contributors (ODbL 1.0)"
_UNNAMED_WATER = {"", "Stream", "River", "Canal", "Drain", "Ditch"}


SMALLEST_POND_DEG2 = 600 / 111_195**2  # 600 m²


def build(root: Path) -> list[Part]:
    return [_roads(root), _waterways(root)]


def _roads(root: Path) -> Part:
    part = Part(
        "osm-roads",
        {"th": "โครงข่ายถนนสายหลักและสายรอง", "en": "Primary and secondary roads"},
        dataset="roads",
        authority="OpenStreetMap contributors",
        origin="Geofabrik extract of May 2026, split at shared nodes",
        licence="ODbL 1.0 (share-alike)",
        date="2026-05",
        kind="reported",
        attribution=OSM,
        notes=[
            "740 nodes and 855 edges of primary and secondary roads; tertiary and residential streets are missing, so "
            "travel times start and end at the nearest main road.",
            "No one-way tags: every edge is passable in both directions. 736 nodes hang together; 4 do not.",
            "Thai names were added from road signs where known; a road without a name takes that of its number.",
        ],
    )
    for index, edge in enumerate(read_csv(root / "osm/phuket_road_graph_edges.csv")):
        coordinates = [
            [round(float(value), 6) for value in pair.split()] for pair in edge["geometry_lonlat"].split(";")
        ]
        thai, english = road_name(edge["name"], edge["ref"])
        lanes = number(edge["lanes"])
        part.entity(
            urn("RoadSegment", f"phuket-{index}"),
            "RoadSegment",
            "/mobility/road",
            name=lang(thai, english),
            roadClass=prop(edge["highway"]),
            ref=prop(edge["ref"]),
            laneCount=prop(lanes),
            length=prop(float(edge["length_m"]), unit="MTR"),
            startNode=prop(int(edge["u"])),
            endNode=prop(int(edge["v"])),
            osmWay=prop(f"way/{edge['osm_way_id']}"),
            location=geo({"type": "LineString", "coordinates": coordinates}),
        )
    return part


def _waterways(root: Path) -> Part:
    part = Part(
        "osm-waterways",
        {"th": "ทางน้ำ", "en": "Waterways"},
        dataset="roads",
        authority="OpenStreetMap contributors",
        origin="OpenStreetMap, retrieved 2026",
        licence="ODbL 1.0 (share-alike)",
        date="2026",
        kind="reported",
        attribution=OSM,
        notes=[
            "Map geometry only, not entities; simplified to about 10 m.",
            "Closed ways that the extract calls streams or drains are ponds and reservoirs; they are areas here (class water).",
        ],
    )
    rows: list[dict[str, Any]] = []
    for f in read_features(root / "osm/phuket_waterways.geojson"):
        p = f["properties"]
        outline = shape(f["geometry"])
        if outline.bounds[3] < 7.45 or outline.bounds[1] > 8.21 or outline.bounds[2] > 98.5:
            continue  # the mainland side
        area = outline.is_ring and p["waterway"] in ("stream", "drain")
        if area and shapely.Polygon(outline).area < SMALLEST_POND_DEG2:
            continue
        line = shapely.simplify(outline, 0.0001 if not area else 0.00005)
        named = "" if p["name"] in _UNNAMED_WATER else p["name"]
        thai = p["name_th"] or (named if is_thai(named) else "")
        row: dict[str, Any] = {
            "class": "water" if area else p["waterway"],
            "name_th": thai,
            "name_en": p["name_en"] or ("" if is_thai(named) else named),
            "coordinates": [[round(x, 5), round(y, 5)] for x, y, *_ in line.coords],
        }
        rows.append({key: value for key, value in row.items() if value})
    part.geometry["waterways"] = rows
    return part
