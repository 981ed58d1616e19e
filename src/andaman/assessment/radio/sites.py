"""Radio sites: what a caller gives, and an openly made candidate set where nothing is known.

Mast positions are not public. The candidate set is what a planner might draw first: sites at road nodes and civic
places, chosen greedily so that each next one brings the most residents not yet within reach. It is marked simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from andaman.assessment.network.roads import Floats
from andaman.assessment.problems import TooManySites
from andaman.assessment.radio.propagation import Scenario, check
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import People
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NumberOutOfRange

MAX_SITES: Final = 500
DENSE_PER_KM2: Final = 1_000.0
"""From this density of residents within 1 km the urban model is used, below it the rural one (an assumption)."""
_HEIGHT_M: Final = {Scenario.UMA: 25.0, Scenario.UMI: 10.0, Scenario.RMA: 35.0}  # defaults of TR 38.901


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    name: str
    lon: float
    lat: float
    scenario: Scenario
    height_m: float
    origin: str  # "simulated" for candidates, "planned" for a caller's own

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "location": {"type": "Point", "coordinates": [round(self.lon, 6), round(self.lat, 6)]},
            "scenario": self.scenario.value,
            "heightM": self.height_m,
            "origin": self.origin,
        }


def candidates(
    grid: LandGrid,
    people: People,
    points: Floats,
    count: int = 120,
    reach_m: float = 1_200.0,
    apart_m: float = 500.0,
) -> list[Site]:
    """Up to ``count`` sites out of ``points`` (m, 2 lon/lat), at least ``apart_m`` apart; greedy maximum coverage.

    Equal inputs give equal sites: ties go to the earlier point.
    """
    from scipy.spatial import KDTree

    xy = grid.plane.xy(points[:, 0], points[:, 1])
    tree = KDTree(grid.xy)
    inside: Any = tree.query_ball_point(xy, reach_m)
    density = np.array(
        [people.best[hits].sum() if hits else 0.0 for hits in tree.query_ball_point(xy, 1_000.0)]
    )
    density /= np.pi  # 1 km circle → per km²
    left = people.best.copy()
    free = np.ones(len(points), dtype=bool)
    gain = np.array([left[hits].sum() if hits else 0.0 for hits in inside])
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        k = _best(gain, free, inside, left)
        if k < 0 or gain[k] < 1.0:
            break
        chosen.append(k)
        left[inside[k]] = 0.0
        free &= ((xy - xy[k]) ** 2).sum(axis=1) >= apart_m**2
    sites = []
    for number, k in enumerate(chosen, 1):
        scenario = Scenario.UMA if density[k] >= DENSE_PER_KM2 else Scenario.RMA
        sites.append(
            Site(
                f"urn:ngsi-ld:NetworkSite:candidate-{number:03d}",
                f"C{number:03d}",
                float(points[k, 0]),
                float(points[k, 1]),
                scenario,
                _HEIGHT_M[scenario],
                "simulated",
            )
        )
    return sites


def _best(gain: Floats, free: Any, inside: Sequence[Sequence[int]], left: Floats) -> int:
    """Lazy greedy: gains only fall, so a refreshed gain that is still the greatest is the best there is."""
    while True:
        k = int(np.argmax(np.where(free, gain, -1.0)))
        if not free[k]:
            return -1
        fresh = float(left[list(inside[k])].sum()) if len(inside[k]) else 0.0
        if fresh >= gain[k] - 1e-9:
            return k
        gain[k] = fresh


def sites_of(given: Any, frequencies_ghz: Sequence[float]) -> list[Site]:
    """A caller's own sites: ``[{lon, lat, name?, scenario?, heightM?}]``. Raises BadRequestData with the position."""
    if not isinstance(given, list) or not given:
        raise BadRequestData("sites must be a list of {lon, lat, name?, scenario?, heightM?}", field="sites")
    if len(given) > MAX_SITES:
        raise TooManySites(count=len(given), limit=MAX_SITES)
    sites = []
    for k, one in enumerate(given):
        where = f"sites/{k}"
        if not isinstance(one, dict):
            raise BadRequestData(f"{where} must be an object with lon and lat", field=where)
        lon = _number(one, "lon", where, -180.0, 180.0)
        lat = _number(one, "lat", where, -90.0, 90.0)
        try:
            scenario = Scenario(one.get("scenario", "UMa"))
        except ValueError:
            scenario = Scenario.INH
        if scenario is Scenario.INH:
            raise BadRequestData(f"{where}/scenario must be UMa, UMi or RMa", field=f"{where}/scenario")
        height = _number({"heightM": _HEIGHT_M[scenario], **one}, "heightM", where, 1.0, 150.0)
        for f_ghz in frequencies_ghz:
            check(scenario, f_ghz, height, 1.5)
        name = str(one.get("name", f"S{k + 1:03d}"))[:80]
        sites.append(
            Site(f"urn:ngsi-ld:NetworkSite:own-{k + 1:03d}", name, lon, lat, scenario, height, "planned")
        )
    return sites


def _number(one: dict[str, Any], name: str, where: str, low: float, high: float) -> float:
    given = one.get(name)
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
        raise NumberOutOfRange(field=f"{where}/{name}", low=low, high=high)
    return float(given)
