"""The places of residents, when only the number per district is known.

The register counts residents by district (amphoe). Within a district they are spread over land cells in three ways,
none of which is claimed to be true:

* ``roads``  in proportion to the length of main road within 750 m of the cell: people live along roads;
* ``places`` in proportion to villages, civic places and bus stops near the cell (Gaussian, 750 m): services stand where people are;
* ``even``   evenly over the land of the district that lies within 1.5 km of a main road.

Each way keeps the district's total. The best estimate is the mean of ``roads`` and ``places``; the range is the least
and the greatest result of all three ways. Every figure that rests on this is marked ``computed``. Visitors and
unregistered residents are not in the register and so not in the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.network.roads import Floats, RoadGraph
from andaman.assessment.reach.land import LandGrid

METHODS: Final = ("roads", "places", "even")
METHOD_TEXT: Final = {
    "en": "Registered residents by district, spread over 250 m land cells in three ways. They are spread along main roads, "
    "around villages, civic places and bus stops, and evenly within 1.5 km of a main road. Best estimate: mean of the first two. "
    "Range: least and greatest of the three.",
    "th": "ประชากรตามทะเบียนราษฎร์รายอำเภอ กระจายลงเซลล์พื้นดินขนาด 250 เมตรด้วยสามวิธี คือ ตามแนวถนนสายหลัก "
    "รอบหมู่บ้าน สถานที่สาธารณะ และป้ายรถโดยสาร และกระจายเท่ากันภายในระยะ 1.5 กิโลเมตรจากถนนสายหลัก "
    "ค่าประมาณคือค่าเฉลี่ยของสองวิธีแรก ช่วงค่าคือค่าต่ำสุดและสูงสุดของทั้งสามวิธี",
}
_REACH_M: Final = 750.0
_EVEN_M: Final = 1_500.0


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
class People:
    """Residents per land cell by method: ``cells[m]`` is (n,) for METHODS[m]; every row sums to ``total``."""

    cells: Floats  # (3, n)
    total: float

    @property
    def best(self) -> Floats:
        mean: Floats = self.cells[:2].mean(axis=0)
        return mean

    def count(self, where: NDArray[Any]) -> Range:
        """Residents in the cells that ``where`` marks (booleans, or shares from 0 to 1)."""
        sums = self.cells @ np.asarray(where, dtype=np.float64)
        return Range(float(sums[:2].mean()), float(sums.min()), float(sums.max()))


def spread(grid: LandGrid, graph: RoadGraph, places_xy: Floats) -> People:
    """Residents per cell. ``graph``: subdivided roads; ``places_xy`` (m, 2): metres in the grid's plane.

    A district whose number of residents is unknown gets none. Where a method has no evidence in a district
    (no road, no place), residents are spread evenly over its land there.
    """
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
    cells = np.zeros((3, grid.n))
    total = 0.0
    for k, area in enumerate(grid.areas):
        inside = grid.area == k
        if not area.population or not inside.any():
            continue
        total += area.population
        for m, weight in enumerate((roads, places, even)):
            local = weight[inside]
            if local.sum() <= 0.0:
                local = np.ones(int(inside.sum()))
            cells[m, inside] = area.population * local / local.sum()
    return People(cells, total)
