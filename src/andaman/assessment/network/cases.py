"""The ranking of critical links under every assumption that nobody can source.

The price of a lost trip, the local streets that the open graph does not hold, the willingness to travel, and where residents
live within their district are assumed. So the links are ranked under each of them. A link that is among the first ten in
one case and not in another is unstable: the ranking then rests on an assumption, not on the roads. So is the first place
where another link takes it in some case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from andaman.assessment.citation import Check
from andaman.assessment.constants import Constant, constants_json, words_json
from andaman.assessment.network.criticality import Demand, Loss, Study, links_of, no_rest, rank, stretches
from andaman.assessment.network.roads import Floats, Ints, RoadGraph
from andaman.kernel.network_model import ACCESS_KMH
from andaman.kernel.words import Words

LISTED: Final = 20
FIRST: Final = 10
"""A link is stable when it is among so many first in all cases, or in none."""
LOST_MIN: Final = (60.0, 120.0, 240.0)
DETOUR: Final = 1.3
UNIT: Final = Words("คน-นาทีต่อวันที่ปิดถนน", "person-minutes per day of closure")
POPULATION: Final = Words(
    "ผู้อยู่อาศัยตามทะเบียนราษฎร์ คนละหนึ่งเที่ยวต่อวัน ไม่รวมนักท่องเที่ยว",
    "Registered residents, one trip each a day; visitors are not counted",
)
METHOD: Final = {
    "en": "Each link is closed in turn. One trip per resident and day by a gravity model; added minutes are summed over "
    "all trips. People cut off: residents who can no longer reach the main part of the road network. A lost trip "
    "counts as a fixed number of minutes: the ranking is repeated for 60, 120 and 240. Each is ranked with and without "
    "the assumed local streets. It is repeated for half and double the willingness to travel, and for each way of "
    "spreading residents. Intervals reach over all of these.",
    "th": "ปิดถนนทีละช่วง กำหนดให้ผู้อยู่อาศัยเดินทางคนละหนึ่งเที่ยวต่อวันตามแบบจำลองแรงดึงดูด รวมเวลาที่เพิ่มขึ้นของทุกเที่ยว "
    "ผู้ถูกตัดขาดคือผู้ที่เข้าถึงโครงข่ายส่วนหลักไม่ได้ เที่ยวที่เดินทางไม่ได้คิดเป็นเวลาคงที่ จึงจัดอันดับซ้ำที่ 60 120 และ 240 นาที "
    "ทั้งแบบมีและไม่มีถนนย่อยที่สมมติ และจัดอันดับซ้ำเมื่อเวลาที่ยอมเดินทางเป็นครึ่งหนึ่งและสองเท่า และตามแต่ละวิธีกระจายประชากร "
    "ช่วงค่าครอบคลุมทุกกรณี",
}
LIMITS: Final = {
    "en": "Free-flow times on main roads. The open graph holds no local streets; those between nearby junctions are "
    "assumed where the land allows. Demand is modelled, residents only, no visitors. No capacity limits: congestion "
    "on the detour is not counted, so added minutes are lower bounds on busy roads. Not varied: trips per resident, the "
    "share of trips to the mainland, driving speeds, and which junctions local streets join. They join neighbours of a "
    "Delaunay triangulation whose straight line stays on land.",
    "th": "ใช้เวลากระแสอิสระบนถนนสายหลัก โครงข่ายข้อมูลเปิดไม่มีถนนย่อย จึงสมมติว่ามีถนนย่อยเชื่อมทางแยกที่อยู่ใกล้กันบนพื้นดินเดียวกัน "
    "ความต้องการเดินทางมาจากแบบจำลอง นับเฉพาะผู้อยู่อาศัย ไม่รวมนักท่องเที่ยว ไม่คิดความจุถนนและความติดขัดบนเส้นทางเลี่ยง "
    "เวลาที่เพิ่มขึ้นบนถนนที่หนาแน่นจึงเป็นค่าขอบล่าง สิ่งที่ยังไม่ได้เปลี่ยนค่าทดลอง คือ จำนวนเที่ยวต่อคน สัดส่วนเที่ยวที่ออกนอกจังหวัด "
    "ความเร็วรถ และทางแยกที่ถนนย่อยเชื่อม คือทางแยกที่อยู่ติดกันตามการแบ่งสามเหลี่ยมเดอโลเนและเส้นตรงอยู่บนพื้นดิน",
}
_OWN: Final = Words("ค่าสมมติของแพลตฟอร์ม ไม่มีแหล่งอ้างอิง", "assumption of the platform, without a source")
_MIN: Final = Words("นาที", "minutes")
_M: Final = Words("เมตร", "m")


def constants_of(demand: Demand) -> tuple[Constant, ...]:
    return (
        Constant("lost_min", Words("เวลาที่คิดต่อเที่ยวที่เดินทางไม่ได้", "Time charged for a lost trip"), demand.lost_min, _MIN, _OWN, Check.OWN),
        Constant("trips_per_day", Words("จำนวนเที่ยวต่อผู้อยู่อาศัย", "Trips per resident"), demand.trips_per_day, Words("เที่ยวต่อวัน", "a day"), _OWN, Check.OWN),
        Constant("decay_min", Words("ค่าเฉลี่ยเวลาที่ยอมเดินทาง", "Mean willingness to travel"), demand.decay_min, _MIN, _OWN, Check.OWN),
        Constant("gateway_share", Words("สัดส่วนเที่ยวที่ออกนอกจังหวัด", "Share of trips to the mainland"), demand.gateway_share, Words("ของทุกเที่ยว", "of all trips"), _OWN, Check.OWN),
        Constant("local_m", Words("ระยะไกลสุดระหว่างทางแยกที่สมมติว่ามีถนนย่อย", "Farthest junctions joined by an assumed local street"), demand.local_m, _M, _OWN, Check.OWN),
        Constant("local_detour", Words("ความยาวถนนย่อยเทียบระยะตรง", "Length of a local street over the straight line"), DETOUR, Words("เท่า", "times"), _OWN, Check.OWN),
        Constant("local_kmh", Words("ความเร็วบนถนนย่อย", "Speed on local streets"), ACCESS_KMH, Words("กม./ชม.", "km/h"), _OWN, Check.OWN),
        Constant("twin_m", Words("ระยะระหว่างทางคู่ขนานที่นับเป็นช่วงเดียวกัน", "Distance of carriageways that count as one link"), demand.twin_m, _M, _OWN, Check.OWN),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """A way of spreading residents: its words, and ``people`` (n,) by node."""

    words: Words
    people: Floats


@dataclass(frozen=True, slots=True)
class Case:
    """One set of assumptions and the links it ranks first. ``spread``: 1, 2, … and words of a way of spreading residents;
    0 and None: the best estimate."""

    lost_min: float
    local_streets: bool
    decay_min: float
    losses: tuple[Loss, ...]
    spread: int = 0
    spread_words: Words | None = None

    @property
    def id(self) -> str:
        streets = "streets" if self.local_streets else "no-streets"
        spread = f"-spread-{self.spread}" if self.spread else ""
        return f"{self.lost_min:g}-{streets}-{self.decay_min:g}{spread}"


def study_cases(
    streets: RoadGraph,
    bare: RoadGraph,
    people: Floats,
    gateway: Ints,
    demand: Demand | None = None,
    rest: Callable[[], None] = no_rest,
    ways: Sequence[Way] = (),
) -> list[Case]:
    """Every case, that of ``demand`` first. ``streets``: the graph with assumed local streets, ``bare``: without.

    ``people`` (n,): residents by node at best, equal in both. ``ways``: others. ``rest``: see ``rank``.
    """
    demand = demand or Demand()
    links = links_of(streets, demand.twin_m)
    prices = (demand.lost_min, *(one for one in LOST_MIN if one != demand.lost_min))
    found: list[Case] = []
    for graph, with_streets in ((streets, True), (bare, False)):
        study = Study(graph, people, gateway, demand)
        for price, losses in zip(prices, rank(study, prices, LISTED, rest, links), strict=True):
            found.append(Case(price, with_streets, demand.decay_min, tuple(losses)))
    for factor in (0.5, 2.0):
        other = replace(demand, decay_min=demand.decay_min * factor)
        losses = rank(Study(streets, people, gateway, other), prices[:1], LISTED, rest, links)[0]
        found.append(Case(demand.lost_min, True, other.decay_min, tuple(losses)))
    for number, way in enumerate(ways, 1):
        losses = rank(Study(streets, way.people, gateway, demand), prices[:1], LISTED, rest, links)[0]
        found.append(Case(demand.lost_min, True, demand.decay_min, tuple(losses), number, way.words))
    return found


def report(
    graph: RoadGraph, people: Floats, cases: Sequence[Case], demand: Demand | None = None
) -> dict[str, Any]:
    """The ranking of the first case for screens, with each link's place in all others; lineage; GeoJSON."""
    demand = demand or Demand()
    stretch = stretches(graph)
    places = [_places(case, stretch) for case in cases]
    links: list[dict[str, Any]] = []
    features: list[dict[str, Any]] = []
    for loss in cases[0].losses:
        row = _row(graph, loss, cases[0])
        mine = {int(stretch[k]) for k in loss.edges}
        ranks = [min((place[one] for one in mine if one in place), default=None) for place in places]
        within = [rank is not None and rank <= FIRST for rank in ranks]
        row["rank"] = len(links) + 1
        row["ranks"] = [
            {"case": case.id, "rank": rank if inside else None}
            for case, rank, inside in zip(cases, ranks, within, strict=True)
        ]
        row["unstable"] = (any(within) and not all(within)) or (1 in ranks and set(ranks) != {1})
        row["firstTenIn"] = sum(within)
        row["cutNodes"] = _nodes(graph, loss, people)
        known = [rank for rank in ranks if rank is not None]
        row["rankLow"], row["rankHigh"] = min(known), max(known) if len(known) == len(ranks) else None
        links.append(row)
        features.append(_feature(graph, loss, row))
    return {
        "origin": "computed",
        "residents": round(float(np.where(graph.giant(), people, 0.0).sum())),
        "population": words_json(POPULATION),
        "unit": words_json(UNIT),
        "links": links,
        "personMinutes": sum(row["personMinutes"] for row in links),
        "cases": [_case_row(graph, case) for case in cases],
        "localStreets": _local_streets(graph),
        "geojson": {"type": "FeatureCollection", "features": features},
        "method": METHOD,
        "limits": LIMITS,
        "constants": constants_json(constants_of(demand)),
    }


def _nodes(graph: RoadGraph, loss: Loss, people: Floats) -> list[dict[str, Any]]:
    """The junctions that a closure cuts off, with the residents who start there, most residents first."""
    chosen = sorted(loss.outside, key=lambda node: -float(people[node]))
    lonlat = graph.plane.lonlat(graph.xy[chosen]) if chosen else ()
    return [
        {"lon": round(float(lon), 5), "lat": round(float(lat), 5), "residents": round(float(people[node]), 1)}
        for node, (lon, lat) in zip(chosen, lonlat, strict=True)
    ]


def _local_streets(graph: RoadGraph) -> list[list[float]]:
    """The assumed local streets as lon, lat, lon, lat of their ends."""
    if graph.local is None:
        return []
    one, other, _ = graph.local
    ends = np.hstack([graph.plane.lonlat(graph.xy[one]), graph.plane.lonlat(graph.xy[other])])
    return [[float(x) for x in row] for row in np.round(ends, 5)]


def _places(case: Case, stretch: Ints) -> dict[int, int]:
    """Stretch → its place in the ranking of a case."""
    return {
        int(stretch[k]): place
        for place, loss in reversed(list(enumerate(case.losses, 1)))
        for k in loss.edges
    }


def _case_row(graph: RoadGraph, case: Case) -> dict[str, Any]:
    rows = [_row(graph, loss, case) for loss in case.losses]
    return {
        "id": case.id,
        "lostMin": case.lost_min,
        "localStreets": case.local_streets,
        "decayMin": case.decay_min,
        "spread": None if case.spread_words is None else words_json(case.spread_words),
        "personMinutes": sum(row["personMinutes"] for row in rows),
        "cutOff": max((row["cutOff"] for row in rows), default=0),
        "links": [{"rank": place, **row} for place, row in enumerate(rows, 1)],
    }


def _row(graph: RoadGraph, loss: Loss, case: Case) -> dict[str, Any]:
    main = max(loss.edges, key=lambda k: graph.length_m[k])
    return {
        "segments": [graph.ids[k] for k in loss.edges],
        **graph.labels[main],
        "lengthM": round(float(max(graph.length_m[k] for k in loss.edges))),
        "personMinutes": round(loss.score(case.lost_min)),
        "addedPersonMinutes": round(loss.added_person_min),
        "lostTrips": round(loss.lost_trips),
        "cutOff": round(loss.cut_off),
        "cutFromMainland": loss.gateway_cut,
    }


def _feature(graph: RoadGraph, loss: Loss, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row["segments"][0],
        "geometry": {
            "type": "MultiLineString",
            "coordinates": [np.round(graph.lines[k], 5).tolist() for k in loss.edges],
        },
        "properties": {k: row[k] for k in ("rank", "personMinutes", "cutOff", "cutFromMainland", "unstable")},
    }
