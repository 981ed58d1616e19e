"""Accessibility: residents within so many minutes by road of the nearest place of a kind.

A share is stated with the envelope of everything that is varied (``envelope.py``) and with what each variation alone does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.citation import Check
from andaman.assessment.constants import Constant, constants_json, words_json
from andaman.assessment.network.roads import Floats, RoadGraph, access_seconds, seconds_from, snap
from andaman.assessment.reach import population
from andaman.assessment.reach.envelope import (
    BASE,
    CLOSE_M,
    COARSE_M,
    DAY_KMH,
    DETOUR,
    Envelope,
    Variant,
    envelope,
    variants,
)
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import People
from andaman.kernel.network_model import ACCESS_KMH, SPEED_KMH
from andaman.kernel.words import Words

THRESHOLDS_MIN: Final = (8, 15)
FARTHEST_M: Final = 3_000.0
"""A place farther than this from every main road (such as on another island) serves nobody by road."""
BANDS_MIN: Final = (4.0, 8.0, 15.0, 30.0)
BAND_NAMES: Final = ("0-4 min", "4-8 min", "8-15 min", "15-30 min", "over 30 min", "no road")
LIMITS: Final = {
    "en": "No turnout time, one-way streets or queues at single junctions. Streets below secondary are not in the "
    "open-data road graph: the straight line to the nearest main road is driven at "
    f"{ACCESS_KMH:g} km/h. Places are as tagged in OpenStreetMap, where clinics may be called hospitals and stations "
    "may be missing. Daytime speeds are assumed; nobody has measured them.",
    "th": "ไม่คิดเวลาเตรียมออกปฏิบัติการ การเดินรถทางเดียว และแถวรถที่ทางแยก "
    "ถนนชั้นรองลงไปไม่มีในโครงข่ายข้อมูลเปิด จึงคิดระยะตรงไปยังถนนสายหลักด้วยความเร็ว "
    f"{ACCESS_KMH:g} กม./ชม. สถานที่เป็นไปตามข้อมูล OpenStreetMap ซึ่งคลินิกบางแห่งระบุเป็นโรงพยาบาลและบางสถานีอาจขาดหาย "
    "ความเร็วช่วงกลางวันเป็นค่าสมมติ ยังไม่มีการวัด",
}
POPULATION: Final = Words(
    "ผู้อยู่อาศัยตามทะเบียนราษฎร์ ไม่รวมนักท่องเที่ยวและผู้ที่อยู่นอกทะเบียน",
    "Registered residents; visitors and unregistered residents are not counted",
)
_KMH: Final = Words("กม./ชม.", "km/h")
_M: Final = Words("เมตร", "m")
_TIMES: Final = Words("เท่า", "times")
_OSRM: Final = Words(
    "โปรไฟล์รถยนต์ของ Open Source Routing Machine (profiles/car.lua รุ่น 5)",
    "car profile of the Open Source Routing Machine (profiles/car.lua, version 5)",
)
_OWN: Final = Words("ค่าสมมติของแพลตฟอร์ม", "assumption of the platform")
_UNMEASURED: Final = Words("ค่าสมมติ ยังไม่มีการวัดในภูเก็ต", "assumption; not measured in Phuket")
CONSTANTS: Final = (
    Constant("primary_kmh", Words("ความเร็วกระแสอิสระ ถนนสายหลัก", "Free-flow speed, primary roads"),
             SPEED_KMH["primary"], _KMH, _OSRM, Check.ORIGINAL),
    Constant("secondary_kmh", Words("ความเร็วกระแสอิสระ ถนนสายรอง", "Free-flow speed, secondary roads"),
             SPEED_KMH["secondary"], _KMH, _OSRM, Check.ORIGINAL),
    Constant("primary_day_kmh", Words("ความเร็วช่วงกลางวัน ถนนสายหลัก", "Daytime speed, primary roads"),
             DAY_KMH["primary"], _KMH, _UNMEASURED, Check.OWN),
    Constant("secondary_day_kmh", Words("ความเร็วช่วงกลางวัน ถนนสายรอง", "Daytime speed, secondary roads"),
             DAY_KMH["secondary"], _KMH, _UNMEASURED, Check.OWN),
    Constant("access_kmh", Words("ความเร็วระหว่างถนนสายหลักกับจุดหมาย", "Speed between main road and place"),
             ACCESS_KMH, _KMH, _OWN, Check.OWN),
    Constant("farthest_m", Words("ระยะไกลสุดจากถนนสายหลักที่นับ", "Farthest distance from a main road that counts"),
             FARTHEST_M, _M, _OWN, Check.OWN),
    Constant("coarse_m", Words("ระยะห่างของจุดบนถนน (กรณีหลัก)", "Distance of road points (base case)"),
             COARSE_M, _M, _OWN, Check.OWN),
    Constant("close_m", Words("ระยะห่างของจุดบนถนน (กรณีละเอียด)", "Distance of road points (fine case)"),
             CLOSE_M, _M, _OWN, Check.OWN),
    Constant("detour", Words("ทางเข้าเทียบระยะตรง (กรณีอ้อม)", "Way to the main road over the straight line (detour case)"),
             DETOUR, _TIMES, _OWN, Check.OWN),
    *population.CONSTANTS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    id: str
    name: Any
    lon: float
    lat: float
    why_not: Words | None = None  # the reason why it does not count, whatever the roads


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes to each land cell and node, and the place that serves each cell (-1: none)."""

    cell: Floats
    node: Floats
    owner: NDArray[np.int64]
    gap_m: Floats  # of each place from the nearest main road


def minutes_to_cells(
    grid: LandGrid, graph: RoadGraph, places: Sequence[Place], detour: float = 1.0
) -> Minutes:
    """Minutes from the nearest place. ``graph``: subdivided; ``detour``: way to the main road over its straight line.

    The way has three legs: place → nearest node, along the roads, node → cell.
    """
    usable = graph.giant()
    lonlat = np.array([[p.lon, p.lat] for p in places], dtype=np.float64).reshape(-1, 2)
    nodes, gap = snap(graph, graph.plane.xy(lonlat[:, 0], lonlat[:, 1]), usable)
    near = np.flatnonzero(gap <= FARTHEST_M)
    node_s, nearest = seconds_from(graph, nodes[near].tolist(), access_seconds(gap[near] * detour).tolist())
    place_of = np.where(nearest >= 0, near[nearest] if len(near) else -1, -1)
    cell_node, cell_gap = snap(graph, graph.plane.xy(grid.lonlat[:, 0], grid.lonlat[:, 1]), usable)
    cell_min = (node_s[cell_node] + access_seconds(cell_gap * detour)) / 60.0
    return Minutes(cell_min, node_s / 60.0, place_of[cell_node], gap)


def accessibility(
    grid: LandGrid,
    base: RoadGraph,
    people: People,
    kind: str,
    places: Sequence[Place],
    left_out: Sequence[Place] = (),
    *,
    invented: bool = False,
) -> dict[str, Any]:
    """The complete result for one kind of place, ready for screens and entities.

    ``base``: the original graph, whose segments are drawn with the minutes at their middle. ``left_out``: places that
    do not count (``why_not``); they are listed. ``invented``: those that count are simulated, and so is the result.
    """
    graphs = variants(base)
    found = {
        variant: minutes_to_cells(grid, graph, places, detour) for variant, (graph, detour) in graphs.items()
    }
    main = found[BASE]
    within = []
    for limit in THRESHOLDS_MIN:
        inside = {variant: one.cell <= limit for variant, one in found.items()}
        whole = envelope(people, inside)
        within.append(
            {
                "minutes": limit,
                "people": whole.people.as_json(),
                "sharePercent": whole.people.share_of(people.total).as_json(1),
                "contributions": whole.contributions(people.total),
                "variants": whole.rows(people.total),
                "byArea": [_area_row(grid, people, inside, k) for k in range(len(grid.areas))],
            }
        )
    band = np.digitize(main.cell, BANDS_MIN, right=True)
    band = np.where(np.isfinite(main.cell), band, len(BAND_NAMES) - 1)
    finite = np.isfinite(main.cell)
    weight = people.best * finite
    mean = float((np.where(finite, main.cell, 0.0) * weight).sum() / weight.sum()) if weight.sum() else None
    graph = graphs[BASE][0]
    return {
        "kind": kind,
        "origin": "simulated" if invented else "computed",
        "places": [_place_row(place, k, main, people) for k, place in enumerate(places)]
        + [_left_out_row(place) for place in left_out],
        "residents": round(people.total),
        "population": words_json(POPULATION),
        "within": within,
        "meanMinutes": None if mean is None else round(mean, 2),
        "method": people.method(),
        "limits": LIMITS,
        "constants": constants_json(CONSTANTS),
        "grid": grid.compact(band, BAND_NAMES),
        "roads": _road_collection(base, graph, main.node),
    }


def _place_row(place: Place, k: int, main: Minutes, people: People) -> dict[str, Any]:
    """A place with the residents whose nearest it is; one that serves nobody says why."""
    mine = main.owner == k
    gap = float(main.gap_m[k])
    counts = bool(mine.any())
    reason = None
    if gap > FARTHEST_M:
        reason = {
            "th": f"ไม่นับ: อยู่ห่างถนนสายหลัก {gap:,.0f} ม. เกิน {FARTHEST_M:,.0f} ม.",
            "en": f"Not counted: {gap:,.0f} m from the main roads, over {FARTHEST_M:,.0f} m",
        }
    elif not counts:
        reason = {
            "th": f"ไม่มีผล: อยู่ห่างถนนสายหลักในโครงข่าย {gap:,.0f} ม. จึงมีแห่งอื่นที่ถึงทุกพื้นที่ได้เร็วกว่า",
            "en": f"No effect: {gap:,.0f} m off the road graph, so another place is nearer to every cell",
        }
    return {
        "id": place.id,
        "name": place.name,
        "location": {"type": "Point", "coordinates": [place.lon, place.lat]},
        "toRoadM": round(gap),
        "used": gap <= FARTHEST_M,
        "counts": counts,
        "reason": reason,
        "nearestForCells": int(mine.sum()),
        "nearestForResidents": round(float(people.best[mine].sum())),
    }


def _left_out_row(place: Place) -> dict[str, Any]:
    """A place that does not count on any road."""
    return {
        "id": place.id,
        "name": place.name,
        "location": {"type": "Point", "coordinates": [place.lon, place.lat]},
        "toRoadM": None,
        "used": False,
        "counts": False,
        "reason": None if place.why_not is None else words_json(place.why_not),
        "nearestForCells": 0,
        "nearestForResidents": 0,
    }


def _area_row(
    grid: LandGrid, people: People, inside: dict[Variant, NDArray[np.bool_]], k: int
) -> dict[str, Any]:
    here = grid.area == k
    reached: Envelope = envelope(people, {variant: cells & here for variant, cells in inside.items()})
    total = people.count(here).best
    area = grid.areas[k]
    return {
        "id": area.id,
        "name": area.name,
        "residents": round(total),
        "people": reached.people.as_json(),
        "sharePercent": reached.people.share_of(total).as_json(1),
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
