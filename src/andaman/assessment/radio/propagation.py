"""Path loss of 3GPP TR 38.901 (V17), clause 7.4: UMa, UMi street canyon, RMa, and indoor office; and O2I losses.

Pure NumPy; every function takes arrays and broadcasts. Distances in metres, frequency in GHz, heights in metres,
losses in dB. Where a distance lies below the model's least distance (10 m, indoors 1 m) that distance is used;
``d_max`` tells how far a scenario is valid. The environment height of UMa is 1 m, which is what Note 1 of
table 7.4.1-1 gives for terminals below 13 m; greater terminal heights are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from andaman.kernel.errors import BadRequestData

Floats = NDArray[np.float64]

LIGHT_M_S: Final = 3.0e8  # the value TR 38.901 prescribes, table 7.4.1-1 note 1
_STREET_WIDTH_M: Final = 20.0  # RMa default W
_BUILDING_M: Final = 5.0  # RMa default h


class Scenario(StrEnum):
    UMA = "UMa"
    UMI = "UMi"
    RMA = "RMa"
    INH = "InH"


class Building(StrEnum):
    """Penetration model of table 7.4.3-2. ``NONE``: the terminal is outdoors."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Validity:
    d_max_m: float
    h_bs_m: tuple[float, float]
    h_ut_m: tuple[float, float]
    f_ghz: tuple[float, float]


VALID: Final[dict[Scenario, Validity]] = {
    Scenario.UMA: Validity(5_000.0, (10.0, 150.0), (1.5, 13.0), (0.5, 100.0)),
    Scenario.UMI: Validity(5_000.0, (3.0, 35.0), (1.5, 22.5), (0.5, 100.0)),
    Scenario.RMA: Validity(10_000.0, (10.0, 150.0), (1.0, 10.0), (0.5, 30.0)),
    Scenario.INH: Validity(150.0, (1.0, 10.0), (0.5, 10.0), (0.5, 100.0)),
}


def check(scenario: Scenario, f_ghz: float, h_bs_m: float, h_ut_m: float) -> None:
    """Raise BadRequestData if a parameter is outside the range of table 7.4.1-1."""
    valid = VALID[scenario]
    for name, value, (low, high) in (
        ("frequencyGhz", f_ghz, valid.f_ghz),
        ("heightM", h_bs_m, valid.h_bs_m),
        ("terminalHeightM", h_ut_m, valid.h_ut_m),
    ):
        if not low <= value <= high:
            raise BadRequestData(
                f"{name} {value:g} is outside the {scenario} model of TR 38.901: {low:g} to {high:g}",
                field=name,
            )


def los_probability(scenario: Scenario, d2d_m: Floats, h_ut_m: float = 1.5) -> Floats:
    """Probability of line of sight by horizontal distance outdoors (table 7.4.2-1)."""
    d = np.maximum(np.asarray(d2d_m, dtype=np.float64), 1e-9)
    match scenario:
        case Scenario.RMA:
            p = np.where(d <= 10.0, 1.0, np.exp(-(d - 10.0) / 1000.0))
        case Scenario.UMI:
            p = np.where(d <= 18.0, 1.0, 18.0 / d + np.exp(-d / 36.0) * (1.0 - 18.0 / d))
        case Scenario.UMA:
            c = 0.0 if h_ut_m <= 13.0 else ((h_ut_m - 13.0) / 10.0) ** 1.5
            base = 18.0 / d + np.exp(-d / 63.0) * (1.0 - 18.0 / d)
            p = np.where(d <= 18.0, 1.0, base * (1.0 + c * 1.25 * (d / 100.0) ** 3 * np.exp(-d / 150.0)))
        case Scenario.INH:  # mixed office
            p = np.where(
                d <= 1.2, 1.0, np.where(d < 6.5, np.exp(-(d - 1.2) / 4.7), np.exp(-(d - 6.5) / 32.6) * 0.32)
            )
    return np.clip(p, 0.0, 1.0)


def breakpoint_m(scenario: Scenario, f_ghz: float, h_bs_m: float, h_ut_m: float) -> float:
    """Breakpoint distance: d_BP of RMa (note 5), d'_BP of UMa and UMi (note 1, environment height 1 m)."""
    f_hz = f_ghz * 1e9
    if scenario is Scenario.RMA:
        return 2.0 * np.pi * h_bs_m * h_ut_m * f_hz / LIGHT_M_S
    return 4.0 * (h_bs_m - 1.0) * (h_ut_m - 1.0) * f_hz / LIGHT_M_S


def path_loss(
    scenario: Scenario, d2d_m: Floats, f_ghz: float, h_bs_m: float, h_ut_m: float = 1.5, *, los: bool
) -> Floats:
    """Median path loss in dB outdoors, without shadow fading (table 7.4.1-1)."""
    least = 1.0 if scenario is Scenario.INH else 10.0
    d2 = np.maximum(np.asarray(d2d_m, dtype=np.float64), least)
    d3 = np.hypot(d2, h_bs_m - h_ut_m)
    match scenario:
        case Scenario.RMA:
            return _rma(d2, d3, f_ghz, h_bs_m, h_ut_m, los)
        case Scenario.UMA:
            return _uma(d2, d3, f_ghz, h_bs_m, h_ut_m, los)
        case Scenario.UMI:
            return _umi(d2, d3, f_ghz, h_bs_m, h_ut_m, los)
        case Scenario.INH:
            return _inh(d3, f_ghz, los)


def _uma(d2: Floats, d3: Floats, f: float, h_bs: float, h_ut: float, los: bool) -> Floats:
    bp = breakpoint_m(Scenario.UMA, f, h_bs, h_ut)
    near = 28.0 + 22.0 * np.log10(d3) + 20.0 * np.log10(f)
    far = 28.0 + 40.0 * np.log10(d3) + 20.0 * np.log10(f) - 9.0 * np.log10(bp**2 + (h_bs - h_ut) ** 2)
    sight: Floats = np.where(d2 <= bp, near, far)
    if los:
        return sight
    blocked: Floats = np.maximum(
        sight, 13.54 + 39.08 * np.log10(d3) + 20.0 * np.log10(f) - 0.6 * (h_ut - 1.5)
    )
    return blocked


def _umi(d2: Floats, d3: Floats, f: float, h_bs: float, h_ut: float, los: bool) -> Floats:
    bp = breakpoint_m(Scenario.UMI, f, h_bs, h_ut)
    near = 32.4 + 21.0 * np.log10(d3) + 20.0 * np.log10(f)
    far = 32.4 + 40.0 * np.log10(d3) + 20.0 * np.log10(f) - 9.5 * np.log10(bp**2 + (h_bs - h_ut) ** 2)
    sight: Floats = np.where(d2 <= bp, near, far)
    if los:
        return sight
    blocked: Floats = np.maximum(sight, 35.3 * np.log10(d3) + 22.4 + 21.3 * np.log10(f) - 0.3 * (h_ut - 1.5))
    return blocked


def _rma_near(d3: Floats | float, f: float) -> Floats:
    h = _BUILDING_M
    near: Floats = np.asarray(
        20.0 * np.log10(40.0 * np.pi * d3 * f / 3.0)
        + min(0.03 * h**1.72, 10.0) * np.log10(d3)
        - min(0.044 * h**1.72, 14.77)
        + 0.002 * np.log10(h) * d3
    )
    return near


def _rma(d2: Floats, d3: Floats, f: float, h_bs: float, h_ut: float, los: bool) -> Floats:
    bp = breakpoint_m(Scenario.RMA, f, h_bs, h_ut)
    sight: Floats = np.where(
        d2 <= bp, _rma_near(d3, f), _rma_near(bp, f) + 40.0 * np.log10(np.maximum(d3 / bp, 1e-9))
    )
    if los:
        return sight
    h, w = _BUILDING_M, _STREET_WIDTH_M
    beyond = (
        161.04
        - 7.1 * np.log10(w)
        + 7.5 * np.log10(h)
        - (24.37 - 3.7 * (h / h_bs) ** 2) * np.log10(h_bs)
        + (43.42 - 3.1 * np.log10(h_bs)) * (np.log10(d3) - 3.0)
        + 20.0 * np.log10(f)
        - (3.2 * np.log10(11.75 * h_ut) ** 2 - 4.97)
    )
    blocked: Floats = np.maximum(sight, beyond)
    return blocked


def _inh(d3: Floats, f: float, los: bool) -> Floats:
    sight: Floats = 32.4 + 17.3 * np.log10(d3) + 20.0 * np.log10(f)
    if los:
        return sight
    blocked: Floats = np.maximum(sight, 38.3 * np.log10(d3) + 17.30 + 24.9 * np.log10(f))
    return blocked


def shadow_sigma(scenario: Scenario, d2d_m: Floats, bp_m: float, *, los: bool) -> Floats:
    """Standard deviation of shadow fading in dB (table 7.4.1-1)."""
    d = np.asarray(d2d_m, dtype=np.float64)
    match scenario, los:
        case Scenario.UMA, True:
            return np.full_like(d, 4.0)
        case Scenario.UMA, False:
            return np.full_like(d, 6.0)
        case Scenario.UMI, True:
            return np.full_like(d, 4.0)
        case Scenario.UMI, False:
            return np.full_like(d, 7.82)
        case Scenario.RMA, True:
            return np.where(d <= bp_m, 4.0, 6.0)
        case Scenario.RMA, False:
            return np.full_like(d, 8.0)
        case Scenario.INH, True:
            return np.full_like(d, 3.0)
        case _:
            return np.full_like(d, 8.03)


def wall_loss(building: Building, f_ghz: float) -> float:
    """PL_tw of the O2I model (tables 7.4.3-1 and 7.4.3-2) at normal incidence with the 5 dB of the model."""
    if building is Building.NONE:
        return 0.0
    concrete = 5.0 + 4.0 * f_ghz
    if building is Building.LOW:
        glass, share = 2.0 + 0.2 * f_ghz, 0.3
    else:
        glass, share = 23.0 + 0.3 * f_ghz, 0.7
    return float(
        5.0 - 10.0 * np.log10(share * 10 ** (-glass / 10.0) + (1.0 - share) * 10 ** (-concrete / 10.0))
    )


def indoor_depth_m(scenario: Scenario) -> float:
    """Mean of d_2D-in: the smaller of two uniform draws from 0–25 m (UMa, UMi) or 0–10 m (RMa), clause 7.4.3.1."""
    return (10.0 if scenario is Scenario.RMA else 25.0) / 3.0


def o2i_loss(building: Building, scenario: Scenario, f_ghz: float) -> float:
    """Mean outdoor-to-indoor loss in dB: wall plus 0.5 dB per metre of mean indoor depth."""
    if building is Building.NONE:
        return 0.0
    return wall_loss(building, f_ghz) + 0.5 * indoor_depth_m(scenario)


def o2i_sigma(building: Building) -> float:
    """σ_P of table 7.4.3-2, in dB."""
    return {Building.NONE: 0.0, Building.LOW: 4.4, Building.HIGH: 6.5}[building]
