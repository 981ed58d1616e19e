"""The city as the studies of this room see it: land cells, roads, residents and places, built once from entities."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from andaman.assessment.firmness import MADE_UP, origin_of
from andaman.assessment.network.roads import Floats, Ints, RoadGraph, graph_of, snap, subdivided
from andaman.assessment.problems import CityDataMissing
from andaman.assessment.reach.access import Place
from andaman.assessment.reach.households import SERIES, zones_of
from andaman.assessment.reach.land import Area, LandGrid, land_grid
from andaman.assessment.reach.population import People, spread
from andaman.broker.api import Doc, value
from andaman.kernel.geometry import centre_of
from andaman.kernel.words import Words

INPUT_TYPES: Final = ("RoadSegment", "AdministrativeArea", "PointOfInterest", "PublicTransportStop")
SERIES_TYPE: Final = "KeyPerformanceIndicator"
"""Of this type only the series of households is an input: results are of this type too."""
ACCESS_KINDS: Final = ("Hospital", "FireStation")
_OF_AIRPORTS: Final = frozenset({"airportFireStation"})
_MADE_UP: Final = Words("ไม่นับ: เป็นข้อมูลจำลองหรือข้อมูลย้อนหลัง", "Not counted: simulated or replayed")
_NO_ORIGIN: Final = Words("ไม่นับ: ไม่ระบุที่มาของข้อมูล", "Not counted: nobody says where it comes from")
_AIRPORT: Final = Words(
    "ไม่นับ: เป็นสถานีดับเพลิงของท่าอากาศยาน ซึ่งไม่ให้บริการพื้นที่ภายนอก",
    "Not counted: a station of the airport's own, which does not serve the town",
)


@dataclass(frozen=True, slots=True)
class World:
    fingerprint: str
    grid: LandGrid
    base: RoadGraph
    fine: RoadGraph
    people: People
    cell_node: Ints  # nearest usable node of ``fine`` for each land cell
    places: Mapping[str, tuple[Place, ...]]  # kind → places that may count
    left_out: Mapping[str, tuple[Place, ...]]  # kind → places that do not, with the reason
    invented: frozenset[
        str
    ]  # kinds of which the city has made-up places only: they count, and so does their origin
    points: Floats  # (m, 2) lon/lat of villages, civic places and stops, around which residents are spread
    gateway: Ints  # nodes of ``base`` that lie outside the province: the way to the mainland
    land: Any  # shapely geometry in degrees

    def ground(self) -> tuple[str, ...]:
        """Ids of the roads and of the registers of residents: every figure of this world rests on them."""
        return (*self.base.ids, *(area.id for area in self.grid.areas), *self.people.households_entities)


def fingerprint(docs: Mapping[str, Sequence[Doc]]) -> str:
    """Equal for equal inputs: ids and times of change of every entity the studies read."""
    digest = hashlib.sha256()
    for kind in sorted(docs):
        for doc in sorted(docs[kind], key=lambda d: str(d["id"])):
            digest.update(f"{kind} {doc['id']} {doc.get('modifiedAt', '')}\n".encode())
    return digest.hexdigest()[:16]


def build_world(docs: Mapping[str, Sequence[Doc]], kinds: Mapping[str, Sequence[str]]) -> World:
    """``docs``: INPUT_TYPES and SERIES_TYPE → entities; ``kinds``: ACCESS_KINDS → ids. Takes about a second; not for the event loop.

    Raises CityDataMissing when there is no road or no district with residents: no pack is loaded.
    """
    import shapely
    from shapely.geometry import shape

    areas = districts(docs["AdministrativeArea"])
    base = graph_of(docs["RoadSegment"])
    if not areas or not base.ids:
        raise CityDataMissing
    grid = land_grid(areas)
    fine = subdivided(base)
    points = points_of([*docs["PointOfInterest"], *docs["PublicTransportStop"]])
    zones = zones_of(grid, docs["AdministrativeArea"], docs.get(SERIES_TYPE, ()))
    people = spread(grid, fine, grid.plane.xy(points[:, 0], points[:, 1]), zones)
    cell_node, _ = snap(fine, fine.plane.xy(grid.lonlat[:, 0], grid.lonlat[:, 1]), fine.giant())
    land = shapely.union_all([shapely.make_valid(shape(area.outline)) for area in areas])
    lonlat = base.plane.lonlat(base.xy)
    shore = land.buffer(0.002)  # about 200 m: bridges and piers belong to the province
    outside = np.flatnonzero(base.giant() & ~shapely.contains_xy(shore, lonlat[:, 0], lonlat[:, 1]))
    by_id = {doc["id"]: doc for doc in docs["PointOfInterest"]}
    places, left_out, invented = {}, {}, set()
    for kind, ids in kinds.items():
        found = [by_id[one] for one in sorted(ids) if one in by_id]
        why = {doc["id"]: _why_not(doc) for doc in found}
        if any(one is _MADE_UP for one in why.values()) and None not in why.values():
            why = {key: None if one is _MADE_UP else one for key, one in why.items()}
            invented.add(kind)
        places[kind] = _places((doc, None) for doc in found if why[doc["id"]] is None)
        left_out[kind] = _places((doc, why[doc["id"]]) for doc in found if why[doc["id"]] is not None)
    return World(
        fingerprint(docs), grid, base, fine, people, cell_node, places, left_out, frozenset(invented),
        points, outside, land,
    )  # fmt: skip


def inputs_of(docs: Mapping[str, Sequence[Doc]]) -> dict[str, list[Doc]]:
    """What the studies read of entities gathered by type."""
    found = {kind: list(docs[kind]) for kind in INPUT_TYPES}
    found[SERIES_TYPE] = [doc for doc in docs[SERIES_TYPE] if value(doc, "kpiCode") == SERIES]
    return found


def districts(docs: Iterable[Doc]) -> list[Area]:
    """Areas of the finest level at which residents are known, in order of their code."""
    levels = ("tambon", "amphoe", "province")
    found: dict[str, list[Area]] = {level: [] for level in levels}
    for doc in docs:
        level, outline = value(doc, "level"), value(doc, "location")
        count = value(doc, "population")
        known = isinstance(count, int | float) and not isinstance(count, bool) and count > 0
        if (
            isinstance(level, str)
            and level in found
            and known
            and isinstance(outline, dict)
            and outline.get("type") in ("Polygon", "MultiPolygon")
        ):
            found[level].append(
                Area(
                    doc["id"],
                    str(value(doc, "code", "")),
                    level,
                    name if isinstance(name := value(doc, "name"), dict) else {},
                    outline,
                    float(count),
                )
            )
    total = {level: sum(area.population or 0.0 for area in areas) for level, areas in found.items()}
    most = max(total.values())
    for level in levels:  # a level counts when it holds nearly all residents that any level knows
        if total[level] > 0 and total[level] >= 0.98 * most:
            return sorted(found[level], key=lambda area: area.code)
    return []


def points_of(docs: Iterable[Doc]) -> Floats:
    """(m, 2) lon/lat of entities that have a point, in order of their id."""
    rows = sorted((doc["id"], point) for doc in docs if (point := _point(doc)) is not None)
    return np.array([point for _, point in rows], dtype=np.float64).reshape(-1, 2)


def _point(doc: Doc) -> tuple[float, float] | None:
    geometry = value(doc, "location")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    try:
        lon, lat = centre_of(geometry)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def _why_not(doc: Doc) -> Words | None:
    """The reason why a place does not count for the city; None where it counts."""
    origin = origin_of(doc)
    if origin in MADE_UP:
        return _MADE_UP
    if not origin:
        return _NO_ORIGIN
    return _AIRPORT if str(value(doc, "category")) in _OF_AIRPORTS else None


def _places(docs: Iterable[tuple[Doc, Words | None]]) -> tuple[Place, ...]:
    found = ((doc, why, _point(doc)) for doc, why in docs)
    return tuple(
        Place(doc["id"], value(doc, "name"), *point, why) for doc, why, point in found if point is not None
    )


def residents_near(world: World, points: Floats, reach_m: float) -> Any:
    """Residents within ``reach_m`` (straight) of any of the points: a ``population.Range``."""
    from scipy.spatial import KDTree

    if not len(points):
        return world.people.count(np.zeros(world.grid.n))
    tree = KDTree(world.grid.plane.xy(points[:, 0], points[:, 1]))
    distance = np.asarray(tree.query(world.grid.xy)[0], dtype=np.float64)
    return world.people.count(distance <= reach_m)
