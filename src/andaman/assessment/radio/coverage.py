"""Coverage and capacity of a radio band on the land grid, by TR 38.901 (``radio.py``) and a link budget.

A cell is covered when the probability that a place in it is served reaches the asked one:
``p_los Φ((L - PL_los) / σ_los) + (1 - p_los) Φ((L - PL_nlos) / σ_nlos)``, the best of all sites; ``L`` is the smaller of
what downlink and uplink bear. The levels: outdoors, in low-loss buildings, in high-loss buildings (clause 7.4.3).

Two measures say how many people are served. ``threshold`` counts the people of covered cells; ``expected`` weighs each
person with the probability of the cell. Hills and vegetation are not in the model: each measure is given for a range
of extra loss, and its interval is the envelope over that range and over the ways of spreading residents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.constants import constants_json, words_json
from andaman.assessment.network.roads import Floats, Ints
from andaman.assessment.radio.link_budget import LIMITS, Band, Budget, constants_of
from andaman.assessment.radio.propagation import (
    VALID,
    Building,
    breakpoint_m,
    check,
    los_probability,
    o2i_loss,
    o2i_sigma,
    path_loss,
    shadow_sigma,
)
from andaman.assessment.radio.sites import Site
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import People, Range
from andaman.kernel.words import Words

LEVELS: Final = ("none", "outdoor", "indoor-low-loss", "indoor-high-loss")
BUILDINGS: Final = (Building.NONE, Building.LOW, Building.HIGH)
EXTRA_LOSS_DB: Final = (0.0, 5.0, 10.0)
EXTRA_LOSS: Final = Words("ภูมิประเทศและพืชพรรณ 0–10 เดซิเบล", "hills and vegetation, 0 to 10 dB")
SPREAD: Final = Words("ที่อยู่ของประชากร", "where residents live")
POPULATION: Final = Words(
    "ผู้อยู่อาศัยตามทะเบียนราษฎร์ ไม่รวมนักท่องเที่ยวและผู้ที่อยู่นอกทะเบียน",
    "Registered residents; visitors and unregistered residents are not counted",
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one band: ``probability`` (3, n) outdoors and in the two kinds of buildings; per cell the serving site."""

    band: Band
    probability: Floats
    level: Ints  # (n,) index into LEVELS
    server: Ints  # (n,) index into sites, -1 for none in range
    sinr_db: Floats  # (n,) outdoors, median
    bits_per_hz: Floats  # (n,) bounded spectral efficiency, 0 where not covered outdoors


def _normal_cdf(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x), dtype=np.float64)


def cover(grid: LandGrid, sites: Sequence[Site], band: Band, budget: Budget) -> Coverage:
    """Run one band. Raises BadRequestData where a site or frequency is outside the model."""
    bear = min(budget.max_path_loss(band)) - budget.extra_loss_db
    best = np.zeros((3, grid.n))
    strongest = np.full(grid.n, -np.inf)
    server = np.full(grid.n, -1, dtype=np.int64)
    total_mw = np.zeros(grid.n)
    for index, site in enumerate(sites):
        check(site.scenario, band.f_ghz, site.height_m, budget.ue_height_m)
        here = grid.plane.xy(np.array([site.lon]), np.array([site.lat]))[0]
        distance = np.hypot(grid.xy[:, 0] - here[0], grid.xy[:, 1] - here[1])
        near = np.flatnonzero(distance <= VALID[site.scenario].d_max_m)
        if not len(near):
            continue
        gain, probability = _one_site(distance[near], site, band, budget, bear)
        best[:, near] = np.maximum(best[:, near], probability)
        received = band.eirp_dbm - budget.body_loss_db - budget.extra_loss_db + gain
        total_mw[near] += 10 ** (received / 10.0)
        better = received > strongest[near]
        strongest[near[better]] = received[better]
        server[near[better]] = index
    covered = best >= budget.location_probability
    level = np.where(covered[2], 3, np.where(covered[1], 2, np.where(covered[0], 1, 0))).astype(np.int64)
    noise_mw = 10 ** (budget.noise_dbm(band.bandwidth_mhz, budget.ue_noise_db) / 10.0)
    signal_mw = np.where(np.isfinite(strongest), 10 ** (strongest / 10.0), 0.0)
    sinr = signal_mw / (noise_mw + budget.load * np.maximum(total_mw - signal_mw, 0.0))
    bits = np.minimum(budget.efficiency * np.log2(1.0 + sinr), budget.se_max) * (level > 0)
    with np.errstate(divide="ignore"):
        sinr_db = 10.0 * np.log10(sinr)
    return Coverage(band, best, level, server, sinr_db, bits)


def _one_site(distance: Floats, site: Site, band: Band, budget: Budget, bear: float) -> tuple[Floats, Floats]:
    """Mean path gain in dB outdoors (linear mean over line of sight or none), and service probability (3, m)."""
    args = (site.scenario, distance, band.f_ghz, site.height_m, budget.ue_height_m)
    loss_los, loss_nlos = path_loss(*args, los=True), path_loss(*args, los=False)
    p_los = los_probability(site.scenario, distance, budget.ue_height_m)
    bp = breakpoint_m(site.scenario, band.f_ghz, site.height_m, budget.ue_height_m)
    s_los = shadow_sigma(site.scenario, distance, bp, los=True)
    s_nlos = shadow_sigma(site.scenario, distance, bp, los=False)
    gain = 10.0 * np.log10(p_los * 10 ** (-loss_los / 10.0) + (1.0 - p_los) * 10 ** (-loss_nlos / 10.0))
    probability = np.empty((3, len(distance)))
    for k, building in enumerate(BUILDINGS):
        room = bear - o2i_loss(building, site.scenario, band.f_ghz)
        s_in = o2i_sigma(building)
        probability[k] = p_los * _normal_cdf((room - loss_los) / np.hypot(s_los, s_in)) + (
            1.0 - p_los
        ) * _normal_cdf((room - loss_nlos) / np.hypot(s_nlos, s_in))
    return gain, probability


def cover_range(grid: LandGrid, sites: Sequence[Site], band: Band, budget: Budget) -> dict[float, Coverage]:
    """The band at each extra loss of EXTRA_LOSS_DB beyond that of the budget, in dB; the budget's own first."""
    return {
        more: cover(grid, sites, band, replace(budget, extra_loss_db=budget.extra_loss_db + more))
        for more in EXTRA_LOSS_DB
    }


@dataclass(frozen=True, slots=True)
class Served:
    """People served at each extra loss, by way of spreading: rows (ways,)."""

    people: People
    sums: Mapping[float, Floats]

    @property
    def range(self) -> Range:
        """Best estimate without extra loss; the envelope over extra loss and ways."""
        every = np.concatenate(list(self.sums.values()))
        return Range(self.likely(EXTRA_LOSS_DB[0]), float(every.min()), float(every.max()))

    def likely(self, extra_db: float) -> float:
        return float(self.sums[extra_db][self.people.likely].mean())

    def contributions(self) -> list[dict[str, Any]]:
        """The range in percent that each unknown makes alone, the widest first."""
        spread = self.sums[EXTRA_LOSS_DB[0]].tolist()
        loss = [self.likely(extra) for extra in self.sums]
        ranges = [
            (min(values), max(values), words) for values, words in ((spread, SPREAD), (loss, EXTRA_LOSS))
        ]
        return [
            {"name": words_json(words), "low": self._percent(low), "high": self._percent(high)}
            for low, high, words in sorted(ranges, key=lambda one: one[0] - one[1])
        ]

    def by_extra_loss(self) -> list[dict[str, float]]:
        return [
            {"extraLossDb": extra, "sharePercent": self._percent(self.likely(extra))} for extra in self.sums
        ]

    def _percent(self, count: float) -> float:
        return round(100.0 * count / self.people.total, 1) if self.people.total > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "people": self.range.as_json(),
            "sharePercent": self.range.share_of(self.people.total).as_json(1),
            "contributions": self.contributions(),
            "byExtraLoss": self.by_extra_loss(),
        }


def served(people: People, shares: Mapping[float, Floats], threshold: float | None) -> Served:
    """``shares[extra]`` (n,) or (ways, n): service probability by cell. ``threshold``: count cells from it; None: expected people."""
    return Served(
        people,
        {
            extra: people.sums(share if threshold is None else share >= threshold)
            for extra, share in shares.items()
        },
    )


def summary(
    grid: LandGrid, people: People, sites: Sequence[Site], results: Mapping[float, Coverage], budget: Budget
) -> dict[str, Any]:
    """Figures of one band for screens and entities, with its compact grid. ``results``: of ``cover_range``."""
    result = results[EXTRA_LOSS_DB[0]]
    band = result.band
    covered = {}
    for k, name in enumerate(LEVELS[1:]):
        shares = {extra: one.probability[k] for extra, one in results.items()}
        covered[name] = {
            **served(people, shares, budget.location_probability).as_json(),
            "areaSharePercent": round(100.0 * float((result.level > k).mean()), 1),
            "expected": served(people, shares, None).as_json(),
        }
    return {
        "band": band.key,
        "name": band.name,
        "residents": round(people.total),
        "population": words_json(POPULATION),
        "covered": covered,
        "capacity": capacity(people, len(sites), result, budget),
        "budget": budget.as_json(band),
        "constants": constants_json(constants_of(band, budget)),
        "limits": LIMITS,
        "method": people.method(),
        "grid": grid.compact(result.level, LEVELS),
    }


def capacity(people: People, site_count: int, result: Coverage, budget: Budget) -> dict[str, Any]:
    """Busy-hour downlink capacity: sectors x bandwidth x downlink share x mean spectral efficiency of those served.

    ``perPersonMbps``: if all covered residents of a site asked at once; median over residents.
    """
    served = (result.server >= 0) & (result.level > 0)
    weight = people.best * served
    load = np.bincount(result.server[served], weights=weight[served], minlength=site_count)
    bits = np.bincount(
        result.server[served], weights=(weight * result.bits_per_hz)[served], minlength=site_count
    )
    active = load > 0
    mean_bits = np.divide(bits, load, out=np.zeros_like(bits), where=active)
    mbps = budget.sectors * result.band.bandwidth_mhz * result.band.downlink_share * mean_bits
    each = np.divide(mbps, load, out=np.zeros_like(mbps), where=active)
    sinr = result.sinr_db[served]
    return {
        "totalGbps": round(float(mbps.sum()) / 1e3, 2),
        "sitesServing": int(active.sum()),
        "meanBitsPerHz": round(float((weight * result.bits_per_hz).sum() / weight.sum()), 2)
        if weight.sum()
        else None,
        "medianSinrDb": round(_median(sinr, weight[served]), 1) if weight.sum() else None,
        "perPersonMbps": round(_median(each, load), 3) if active.any() else None,
    }


def _median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    """Weighted median."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2.0)])
