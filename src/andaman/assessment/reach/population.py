"""The places of residents, when only the number per district is known.

The register counts residents by district (amphoe). Within a district they are spread over land cells in up to six
ways, none of which is claimed to be true. A way has two halves. The first says how many live in each zone:

* ``register``    one zone a district: the register says no more;
* ``households``  the district's residents go to its sub-districts in proportion to the households that each local authority
  reports. Sub-districts that one authority serves are one zone. Absent where the city has no such series.

The second says where in a zone they live:

* ``roads``  in proportion to the length of main road within 750 m of the cell: people live along roads;
* ``places`` in proportion to villages, civic places and bus stops near the cell (Gaussian, 750 m): services stand where people are;
* ``even``   evenly over the land of the zone that lies within 1.5 km of a main road.

Each way keeps the district's total. The best estimate is the mean of the ways by ``roads`` and by ``places``; the range
is the least and the greatest result of all ways. Every figure that rests on this is marked ``computed``. Visitors and
unregistered residents are not in the register and so not in the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.citation import Check
from andaman.assessment.constants import Constant
from andaman.assessment.network.roads import Floats, Ints, RoadGraph
from andaman.assessment.reach.land import CELL_M, LandGrid
from andaman.kernel.time import BUDDHIST_ERA
from andaman.kernel.words import Words

WEIGHTS: Final = ("roads", "places", "even")
_BEST: Final = frozenset({"roads", "places"})
_WAY_WORDS: Final = {
    ("register", "roads"): Words(
        "ตามทะเบียนรายอำเภอ กระจายตามแนวถนนสายหลัก", "register by district, along main roads"
    ),
    ("register", "places"): Words(
        "ตามทะเบียนรายอำเภอ กระจายรอบหมู่บ้าน สถานที่สาธารณะ และป้ายรถโดยสาร",
        "register by district, around villages, civic places and bus stops",
    ),
    ("register", "even"): Words(
        "ตามทะเบียนรายอำเภอ กระจายเท่ากันภายใน 1.5 กม. จากถนนสายหลัก",
        "register by district, evenly within 1.5 km of a main road",
    ),
    ("households", "roads"): Words(
        "ตามครัวเรือนราย อปท. กระจายตามแนวถนนสายหลัก", "households by local authority, along main roads"
    ),
    ("households", "places"): Words(
        "ตามครัวเรือนราย อปท. กระจายรอบหมู่บ้าน สถานที่สาธารณะ และป้ายรถโดยสาร",
        "households by local authority, around villages, civic places and bus stops",
    ),
    ("households", "even"): Words(
        "ตามครัวเรือนราย อปท. กระจายเท่ากันภายใน 1.5 กม. จากถนนสายหลัก",
        "households by local authority, evenly within 1.5 km of a main road",
    ),
}
_REACH_M: Final = 750.0
_EVEN_M: Final = 1_500.0
_OWN: Final = Words("ค่าสมมติของแพลตฟอร์ม", "assumption of the platform")
_M: Final = Words("เมตร", "m")
CONSTANTS: Final = (
    Constant("cell_m", Words("ด้านของช่องพื้นดิน", "Side of a land cell"), CELL_M, _M, _OWN, Check.OWN),
    Constant("along_m", Words("นับความยาวถนนสายหลักรอบช่องพื้นดินภายใน", "Main road counts within this distance of a cell"),
             _REACH_M, _M, _OWN, Check.OWN),
    Constant("places_m", Words("ค่าเบี่ยงเบนของน้ำหนักรอบสถานที่ (การแจกแจงปกติ)", "Standard deviation of the weight around a place (Gaussian)"),
             _REACH_M, _M, _OWN, Check.OWN),
    Constant("even_m", Words("การกระจายเท่ากันใช้พื้นดินที่ห่างถนนสายหลักไม่เกิน", "An even spread uses land within this distance of a main road"),
             _EVEN_M, _M, _OWN, Check.OWN),
)  # fmt: skip
"""Constants of the spread of residents; every figure by place rests on them."""


@dataclass(frozen=True, slots=True)
class Range:
    """A best estimate with its least and greatest value, in people."""

    best: float
    low: float
    high: float

    def as_json(self, digits: int = 0) -> dict[str, float]:
        return {
            "best": round(self.best, digits),
            "low": round(self.low, digits),
            "high": round(self.high, digits),
        }

    def share_of(self, total: float) -> Range:
        """As a share of ``total`` in percent; zeros when there is no total."""
        if total <= 0:
            return Range(0.0, 0.0, 0.0)
        return Range(*(100.0 * x / total for x in (self.best, self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Zones:
    """Land cells by the local authority that serves them, with the households that it reports for ``year``."""

    cell: Ints  # (n,) zone of each land cell, -1 for none
    households: Floats  # (zones,)
    year: str
    entities: tuple[str, ...]  # the series and the sub-districts behind it
    authorities: tuple[str, ...] = ()  # (zones,) names of the authorities that serve the zone


@dataclass(frozen=True, slots=True)
class People:
    """Residents per land cell by way of spreading: row ``m`` of ``cells`` is that of ``ways[m]`` and sums to ``total``."""

    cells: Floats  # (ways, n)
    total: float
    ways: tuple[tuple[str, str], ...] = (("register", "roads"), ("register", "places"), ("register", "even"))
    households_year: str | None = None
    households_entities: tuple[str, ...] = ()
    households: tuple[tuple[str, float], ...] = ()  # names of the authorities of a zone, and its households

    @property
    def likely(self) -> NDArray[np.bool_]:
        """(ways,): the ways whose mean is the best estimate."""
        return np.array([weight in _BEST for _, weight in self.ways])

    @property
    def best(self) -> Floats:
        mean: Floats = self.cells[self.likely].mean(axis=0)
        return mean

    def sums(self, where: NDArray[Any]) -> Floats:
        """(ways,): residents in the cells that ``where`` marks (booleans, or shares from 0 to 1), by each way.

        ``where``: (n,), or (ways, n) where it depends on the way.
        """
        marks = np.asarray(where, dtype=np.float64)
        return np.asarray(self.cells @ marks if marks.ndim == 1 else (self.cells * marks).sum(axis=1))

    def count(self, where: NDArray[Any]) -> Range:
        """Residents in the cells that ``where`` marks (booleans, or shares from 0 to 1)."""
        sums = self.sums(where)
        return Range(float(sums[self.likely].mean()), float(sums.min()), float(sums.max()))

    def words(self) -> list[Words]:
        """The ways in words, in their order."""
        return [_WAY_WORDS[way] for way in self.ways]

    def method(self) -> dict[str, str]:
        """How residents are spread, for screens."""
        year = self.households_year
        ways = len(self.ways)
        thai = (
            f"ประชากรตามทะเบียนราษฎร์รายอำเภอ กระจายลงช่องพื้นดินขนาด 250 เมตรด้วย {ways} วิธี "
            "คือ ตามแนวถนนสายหลัก รอบหมู่บ้าน สถานที่สาธารณะ และป้ายรถโดยสาร และกระจายเท่ากันภายใน 1.5 กิโลเมตรจากถนนสายหลัก "
        )
        english = (
            f"Registered residents by district, spread over 250 m land cells in {ways} ways. They follow main roads, or "
            "villages, civic places and bus stops, or the land within 1.5 km of a main road. "
        )
        if year is not None:
            thai += (
                "แต่ละแบบคิดสองครั้ง คือ ทั้งอำเภอรวมกัน และแบ่งตามครัวเรือนที่ได้รับการเก็บขนขยะขององค์กรปกครองส่วนท้องถิ่น "
                f"(ปี {int(year) + BUDDHIST_ERA}) "
            )
            english += (
                "Each is computed twice: over the district, and after a division by the households with waste "
                f"collection that each local authority reports ({year}). "
            )
        thai += "ค่าประมาณคือค่าเฉลี่ยของวิธีตามแนวถนนและรอบสถานที่ ช่วงค่าคือค่าต่ำสุดและสูงสุดของทุกวิธี"
        english += (
            "Best estimate: mean of the ways along roads and around places. Range: least and greatest of all."
        )
        return {"th": thai, "en": english}


def spread(grid: LandGrid, graph: RoadGraph, places_xy: Floats, zones: Zones | None = None) -> People:
    """Residents per cell. ``graph``: subdivided roads; ``places_xy`` (m, 2): metres in the grid's plane.

    A district whose number of residents is unknown gets none. Where a way has no evidence in a zone (no road, no
    place), residents are spread evenly over its land there. A district with a cell outside all zones has no division
    by households.
    """
    weights = _weights(grid, graph, places_xy)
    total = float(sum(area.population or 0.0 for k, area in enumerate(grid.areas) if (grid.area == k).any()))
    ways = [("register", name) for name in WEIGHTS]
    rows = [_filled(grid, weight, None) for weight in weights]
    if zones is not None:
        ways += [("households", name) for name in WEIGHTS]
        rows += [_filled(grid, weight, zones) for weight in weights]
    return People(
        np.array(rows).reshape(len(ways), grid.n),
        total,
        tuple(ways),
        None if zones is None else zones.year,
        () if zones is None else zones.entities,
        () if zones is None else tuple(zip(zones.authorities, zones.households.tolist(), strict=True)),
    )


def _weights(grid: LandGrid, graph: RoadGraph, places_xy: Floats) -> Sequence[Floats]:
    """(n,) for each of WEIGHTS; only proportions within a zone count."""
    from scipy.spatial import KDTree

    middle = graph.plane.lonlat((graph.xy[graph.u] + graph.xy[graph.v]) / 2.0)
    tree = KDTree(grid.plane.xy(middle[:, 0], middle[:, 1]))
    near: Any = tree.query_ball_point(grid.xy, _REACH_M)
    roads = np.array([graph.length_m[hits].sum() if hits else 0.0 for hits in near])
    distance = np.asarray(tree.query(grid.xy)[0], dtype=np.float64)
    even = (distance <= _EVEN_M).astype(np.float64)
    places = np.zeros(grid.n)
    if len(places_xy):
        for start in range(0, grid.n, 4096):  # bounded memory
            part = grid.xy[start : start + 4096]
            d2 = ((part[:, None, :] - places_xy[None, :, :]) ** 2).sum(axis=2)
            places[start : start + 4096] = np.exp(-d2 / (2.0 * _REACH_M**2)).sum(axis=1)
    places[places < 1e-3] = 0.0
    return roads, places, even


def _filled(grid: LandGrid, weight: Floats, zones: Zones | None) -> Floats:
    """(n,) residents: each district's total, divided by zone where zones are given, then by weight within the zone."""
    cells = np.zeros(grid.n)
    for k, area in enumerate(grid.areas):
        inside = np.flatnonzero(grid.area == k)
        if not area.population or not len(inside):
            continue
        for members, share in _divided(inside, zones):
            local = weight[members]
            if local.sum() <= 0.0:
                local = np.ones(len(members))
            cells[members] = area.population * share * local / local.sum()
    return cells


def _divided(inside: Ints, zones: Zones | None) -> list[tuple[Ints, float]]:
    """The zones of a district's cells, each with its share of the district's residents; the shares sum to 1."""
    if zones is None or (zones.cell[inside] < 0).any():
        return [(inside, 1.0)]
    of_zone = np.bincount(zones.cell[zones.cell >= 0], minlength=len(zones.households))
    found = [
        (inside[zones.cell[inside] == z], float(zones.households[z])) for z in np.unique(zones.cell[inside])
    ]
    # a zone that reaches over a border counts with its part of the land
    parts = [(members, h * len(members) / of_zone[zones.cell[members[0]]]) for members, h in found]
    whole = sum(part for _, part in parts)
    return [(members, part / whole) for members, part in parts] if whole > 0.0 else [(inside, 1.0)]
