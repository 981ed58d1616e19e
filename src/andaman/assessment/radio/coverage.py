"""Coverage and capacity of a radio band on the land grid, by TR 38.901 (``radio.py``) and a link budget.

A cell is covered when the probability that a place in it is served reaches the asked one:
``p_los Φ((L - PL_los) / σ_los) + (1 - p_los) Φ((L - PL_nlos) / σ_nlos)``, the best of all sites; ``L`` is the smaller of
what downlink and uplink bear. The levels: outdoors, in low-loss buildings, in high-loss buildings (clause 7.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.citation import check_json
from andaman.assessment.network.roads import Floats, Ints
from andaman.assessment.radio.link_budget import LIMITS, SOURCES, Band, Budget
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
from andaman.assessment.reach.population import People

LEVELS: Final = ("none", "outdoor", "indoor-low-loss", "indoor-high-loss")
BUILDINGS: Final = (Building.NONE, Building.LOW, Building.HIGH)


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
    bear = min(budget.max_path_loss(band))
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
        received = band.eirp_dbm - budget.body_loss_db + gain
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


def summary(
    grid: LandGrid, people: People, sites: Sequence[Site], result: Coverage, budget: Budget
) -> dict[str, Any]:
    """Figures of one band for screens and entities, with its compact grid."""
    band = result.band
    covered = {
        name: {
            "people": people.count(result.level >= k).as_json(),
            "sharePercent": people.count(result.level >= k).share_of(people.total).as_json(1),
            "areaSharePercent": round(100.0 * float((result.level >= k).mean()), 1),
        }
        for k, name in enumerate(LEVELS)
        if k
    }
    return {
        "band": band.key,
        "name": band.name,
        "covered": covered,
        "capacity": capacity(people, len(sites), result, budget),
        "budget": budget.as_json(band),
        "sources": {name: cited.text for name, cited in SOURCES.items()},
        "sourceChecks": {name: check_json(cited.check) for name, cited in SOURCES.items()},
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
