"""Accessibility: residents within so many minutes by road of the nearest place of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from andaman.assessment.network.roads import Floats, RoadGraph, access_seconds, seconds_from, snap
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import METHOD_TEXT, People
from andaman.kernel.network_model import ACCESS_KMH, SPEED_KMH

THRESHOLDS_MIN: Final = (8, 15)
FARTHEST_M: Final = 3_000.0
"""A place farther than this from every main road (such as on another island) serves nobody by road."""
BANDS_MIN: Final = (4.0, 8.0, 15.0, 30.0)
BAND_NAMES: Final = ("0-4 min", "4-8 min", "8-15 min", "15-30 min", "over 30 min", "no road")
LIMITS: Final = {
    "en": "Free-flow speeds by road class; no congestion, turnout time or one-way streets. Streets below secondary are "
    "not in the open-data road graph: the straight line to the nearest main road is driven at "
    f"{ACCESS_KMH:g} km/h. Places are as tagged in OpenStreetMap, where clinics may be called hospitals and stations "
    "may be missing.",
    "th": "ใช้ความเร็วกระแสอิสระตามชั้นถนน ไม่คิดการจราจรติดขัด เวลาเตรียมออกปฏิบัติการ และการเดินรถทางเดียว "
    "ถนนชั้นรองลงไปไม่มีในโครงข่ายข้อมูลเปิด จึงคิดระยะตรงไปยังถนนสายหลักด้วยความเร็ว "
    f"{ACCESS_KMH:g} กม./ชม. สถานที่เป็นไปตามข้อมูล OpenStreetMap ซึ่งคลินิกบางแห่งระบุเป็นโรงพยาบาลและบางสถานีอาจขาดหาย",
}


@dataclass(frozen=True, slots=True)
class Place:
    id: str
    name: Any
    lon: float
    lat: float


def minutes_to_cells(
    grid: LandGrid, graph: RoadGraph, places: Sequence[Place]
) -> tuple[Floats, Floats, list[dict[str, Any]]]:
    """Minutes to each land cell and to each node of ``graph`` (subdivided), and each place's own reach.

    The way has three legs: place → nearest node, along the roads, node → cell.
    """
    usable = graph.giant()
    lonlat = np.array([[p.lon, p.lat] for p in places], dtype=np.float64).reshape(-1, 2)
    nodes, gap = snap(graph, graph.plane.xy(lonlat[:, 0], lonlat[:, 1]), usable)
    near = np.flatnonzero(gap <= FARTHEST_M)
    node_s, nearest = seconds_from(graph, nodes[near].tolist(), access_seconds(gap[near]).tolist())
    place_of = np.where(nearest >= 0, near[nearest] if len(near) else -1, -1)
    cell_node, cell_gap = snap(graph, graph.plane.xy(grid.lonlat[:, 0], grid.lonlat[:, 1]), usable)
    cell_min = (node_s[cell_node] + access_seconds(cell_gap)) / 60.0
    owner = place_of[cell_node]
    served = [
        {"id": p.id, "name": p.name, "location": {"type": "Point", "coordinates": [p.lon, p.lat]},
         "toRoadM": round(float(gap[k])), "used": bool(gap[k] <= FARTHEST_M), "nearestForCells": int((owner == k).sum())}
        for k, p in enumerate(places)
    ]  # fmt: skip
    return cell_min, node_s / 60.0, served


def accessibility(
    grid: LandGrid, graph: RoadGraph, base: RoadGraph, people: People, kind: str, places: Sequence[Place]
) -> dict[str, Any]:
    """The complete result for one kind of place, ready for screens and entities.

    ``graph``: subdivided; ``base``: the original graph, whose segments are drawn with the minutes at their middle.
    """
    cell_min, node_min, served = minutes_to_cells(grid, graph, places)
    within = []
    for limit in THRESHOLDS_MIN:
        inside = cell_min <= limit
        reached = people.count(inside)
        within.append(
            {
                "minutes": limit,
                "people": reached.as_json(),
                "sharePercent": reached.share_of(people.total).as_json(1),
                "byArea": [_area_row(grid, people, inside, k) for k in range(len(grid.areas))],
            }
        )
    band = np.digitize(cell_min, BANDS_MIN, right=True)
    band = np.where(np.isfinite(cell_min), band, len(BAND_NAMES) - 1)
    finite = np.isfinite(cell_min)
    weight = people.best * finite
    mean = float((np.where(finite, cell_min, 0.0) * weight).sum() / weight.sum()) if weight.sum() else None
    return {
        "kind": kind,
        "origin": "computed",
        "places": served,
        "residents": round(people.total),
        "within": within,
        "meanMinutes": None if mean is None else round(mean, 2),
        "method": METHOD_TEXT,
        "limits": LIMITS,
        "assumptions": {
            "speedKmh": {name: SPEED_KMH[name] for name in ("primary", "secondary")},
            "accessKmh": ACCESS_KMH,
            "farthestPlaceM": FARTHEST_M,
        },
        "grid": grid.compact(band, BAND_NAMES),
        "roads": _road_collection(base, graph, node_min),
    }


def _area_row(grid: LandGrid, people: People, inside: Any, k: int) -> dict[str, Any]:
    here = grid.area == k
    reached, total = people.count(inside & here), people.count(here)
    area = grid.areas[k]
    return {
        "id": area.id,
        "name": area.name,
        "residents": round(total.best),
        "people": reached.as_json(),
        "sharePercent": reached.share_of(total.best).as_json(1),
    }


def _road_collection(base: RoadGraph, graph: RoadGraph, node_min: Floats) -> dict[str, Any]:
    """GeoJSON of the road segments with the minutes at the middle (``null``: not reached)."""
    sums = np.zeros(len(base.ids))
    counts = np.zeros(len(base.ids))
    middle = (node_min[graph.u] + node_min[graph.v]) / 2.0
    np.add.at(sums, graph.segment, middle)
    np.add.at(counts, graph.segment, 1.0)
    mean = sums / np.maximum(counts, 1.0)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": base.ids[k],
                "geometry": {"type": "LineString", "coordinates": np.round(base.lines[k], 5).tolist()},
                "properties": {"minutes": round(float(mean[k]), 1) if np.isfinite(mean[k]) else None},
            }
            for k in range(len(base.ids))
        ],
    }
