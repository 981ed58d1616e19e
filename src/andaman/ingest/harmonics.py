"""Harmonic tide prediction: level = Σ f·H·cos(V + u − g), with nodal corrections.

V from mean longitudes (Meeus, Astronomical Algorithms, ch. 22, 25, 47); nodal factor f and angle u from P. Schureman,
Manual of Harmonic Analysis and Prediction of Tides (1958), formulas 65 to 235. Pure functions over NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import acos, atan, atan2, cos, radians, sin, sqrt, tan
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from andaman.kernel.time import HOUR, MINUTE, Micros

Floats = npt.NDArray[np.float64]
_J2000: Final[Micros] = 946_728_000_000_000  # 2000-01-01T12:00 UTC
_CENTURY: Final = 36525 * 24 * HOUR
_OBLIQUITY: Final = radians(23.452)  # of the ecliptic, as in Schureman's tables
_INCLINATION: Final = radians(5.145)  # of the Moon's orbit to the ecliptic

# Multiples of (τ, s, h, p, N′, p₁) and a phase in degrees; τ = 15°·t + h − s from midnight. Table 2 of Schureman and the
# IHO list of constituents; the last entry names whose nodal correction it takes, as (name, power) pairs.
Rule = tuple[tuple[str, int], ...]
_Z: Final[Rule] = ()
_M2: Final[Rule] = (("M2", 1),)
_O1: Final[Rule] = (("O1", 1),)
CONSTITUENTS: Final[dict[str, tuple[tuple[int, int, int, int, int, int], float, Rule]]] = {
    "SA": ((0, 0, 1, 0, 0, 0), 0.0, _Z),
    "SSA": ((0, 0, 2, 0, 0, 0), 0.0, _Z),
    "MM": ((0, 1, 0, -1, 0, 0), 0.0, (("MM", 1),)),
    "MSF": ((0, 2, -2, 0, 0, 0), 0.0, (("MM", 1),)),
    "MF": ((0, 2, 0, 0, 0, 0), 0.0, (("MF", 1),)),
    "MTM": ((0, 3, 0, -1, 0, 0), 0.0, (("MF", 1),)),
    "MSQM": ((0, 4, -2, 0, 0, 0), 0.0, (("MF", 1),)),
    "2Q1": ((1, -3, 0, 2, 0, 0), -90.0, _O1),
    "SGM": ((1, -3, 2, 0, 0, 0), -90.0, _O1),
    "Q1": ((1, -2, 0, 1, 0, 0), -90.0, _O1),
    "RHO1": ((1, -2, 2, -1, 0, 0), -90.0, _O1),
    "O1": ((1, -1, 0, 0, 0, 0), -90.0, _O1),
    "M1": ((1, 0, 0, 1, 0, 0), 90.0, (("M1", 1),)),
    "P1": ((1, 1, -2, 0, 0, 0), -90.0, _Z),
    "S1": ((1, 1, -1, 0, 0, 0), 180.0, _Z),
    "K1": ((1, 1, 0, 0, 0, 0), 90.0, (("K1", 1),)),
    "J1": ((1, 2, 0, -1, 0, 0), 90.0, (("J1", 1),)),
    "OO1": ((1, 3, 0, 0, 0, 0), 90.0, (("OO1", 1),)),
    "EP2": ((2, -3, 2, 1, 0, 0), 0.0, _M2),
    "3N2": ((2, -3, 0, 3, 0, 0), 0.0, _M2),
    "2N2": ((2, -2, 0, 2, 0, 0), 0.0, _M2),
    "MU2": ((2, -2, 2, 0, 0, 0), 0.0, _M2),
    "N2": ((2, -1, 0, 1, 0, 0), 0.0, _M2),
    "NU2": ((2, -1, 2, -1, 0, 0), 0.0, _M2),
    "MA2": ((2, 0, -1, 0, 0, 0), 0.0, _M2),
    "M2": ((2, 0, 0, 0, 0, 0), 0.0, _M2),
    "MB2": ((2, 0, 1, 0, 0, 0), 0.0, _M2),
    "MKS2": ((2, 0, 2, 0, 0, 0), 0.0, (("M2", 1), ("K2", 1))),
    "LAMBDA2": ((2, 1, -2, 1, 0, 0), 180.0, _M2),
    "L2": ((2, 1, 0, -1, 0, 0), 180.0, (("L2", 1),)),
    "3L2": ((2, 1, 0, 1, 0, 0), 0.0, _M2),
    "T2": ((2, 2, -3, 0, 0, 1), 0.0, _Z),
    "S2": ((2, 2, -2, 0, 0, 0), 0.0, _Z),
    "R2": ((2, 2, -1, 0, 0, -1), 180.0, _Z),
    "K2": ((2, 2, 0, 0, 0, 0), 0.0, (("K2", 1),)),
    "2SM2": ((2, 4, -4, 0, 0, 0), 0.0, (("M2", -1),)),
    "M3": ((3, 0, 0, 0, 0, 0), 0.0, (("M3", 1),)),
    "T3": ((3, 3, -4, 0, 0, 1), 0.0, _Z),
    "S3": ((3, 3, -3, 0, 0, 0), 0.0, _Z),
    "R3": ((3, 3, -2, 0, 0, -1), 0.0, _Z),
    "N4": ((4, -2, 0, 2, 0, 0), 0.0, (("M2", 2),)),
    "MN4": ((4, -1, 0, 1, 0, 0), 0.0, (("M2", 2),)),
    "M4": ((4, 0, 0, 0, 0, 0), 0.0, (("M2", 2),)),
    "MS4": ((4, 2, -2, 0, 0, 0), 0.0, _M2),
    "S4": ((4, 4, -4, 0, 0, 0), 0.0, _Z),
    "2MO5": ((5, -1, 0, 0, 0, 0), -90.0, (("M2", 2), ("O1", 1))),
    "2MK5": ((5, 1, 0, 0, 0, 0), 90.0, (("M2", 2), ("K1", 1))),
    "M6": ((6, 0, 0, 0, 0, 0), 0.0, (("M2", 3),)),
    "2MS6": ((6, 2, -2, 0, 0, 0), 0.0, (("M2", 2),)),
    "M8": ((8, 0, 0, 0, 0, 0), 0.0, (("M2", 4),)),
}


def longitudes(at: Micros) -> tuple[float, float, float, float, float]:
    """Mean longitudes in degrees: Moon s, Sun h, lunar perigee p, ascending node N, solar perigee p₁."""
    t = (at - _J2000) / _CENTURY
    return (
        (218.3164477 + t * (481267.88123421 + t * (-0.0015786 + t / 538841.0))) % 360.0,
        (280.46646 + t * (36000.76983 + t * 0.0003032)) % 360.0,
        (83.3532465 + t * (4069.0137287 + t * (-0.0103200 - t / 80053.0))) % 360.0,
        (125.0445479 + t * (-1934.1362891 + t * (0.0020754 + t / 467441.0))) % 360.0,
        (282.93735 + t * (1.71946 + t * 0.00046)) % 360.0,
    )


def speeds() -> dict[str, float]:
    """Degrees per hour of each constituent."""
    per_century = (481267.88123421, 36000.76983, 4069.0137287, -1934.1362891, 1.71946)
    s, h, p, n, p1 = (rate / (36525 * 24) for rate in per_century)
    rates = (15.0 + h - s, s, h, p, -n, p1)
    return {
        name: sum(k * r for k, r in zip(row[0], rates, strict=True)) for name, row in CONSTITUENTS.items()
    }


def node_corrections(at: Micros) -> dict[str, tuple[float, float]]:
    """Factor f and angle u (radians) of the constituents that others are made of, at one instant."""
    _, _, p_deg, n_deg, _ = longitudes(at)
    n, p = radians(n_deg), radians(p_deg)
    i = acos(cos(_INCLINATION) * cos(_OBLIQUITY) - sin(_INCLINATION) * sin(_OBLIQUITY) * cos(n))
    half = (n + np.pi) % (2 * np.pi) - np.pi
    e1 = (
        atan(cos((_OBLIQUITY - _INCLINATION) / 2) / cos((_OBLIQUITY + _INCLINATION) / 2) * tan(half / 2))
        - half / 2
    )
    e2 = (
        atan(sin((_OBLIQUITY - _INCLINATION) / 2) / sin((_OBLIQUITY + _INCLINATION) / 2) * tan(half / 2))
        - half / 2
    )
    xi, nu = -(e1 + e2), e1 - e2
    sin_i, sin_2i, tan_half = sin(i), sin(2 * i), tan(i / 2)
    nu1 = atan2(sin_2i * sin(nu), sin_2i * cos(nu) + 0.3347)
    nu2 = atan2(sin_i**2 * sin(2 * nu), sin_i**2 * cos(2 * nu) + 0.0727)
    big_p = p - xi
    r = atan2(sin(2 * big_p), 1 / (6 * tan_half**2) - cos(2 * big_p))
    ra = sqrt(1 - 12 * tan_half**2 * cos(2 * big_p) + 36 * tan_half**4)
    q = atan2(0.483 * sin(big_p), cos(big_p))
    qa = sqrt(2.310 + 1.435 * cos(2 * big_p))
    f_m2, u_m2 = cos(i / 2) ** 4 / 0.9154, 2 * xi - 2 * nu
    f_o1, u_o1 = sin_i * cos(i / 2) ** 2 / 0.3800, 2 * xi - nu
    return {
        "MM": ((2 / 3 - sin_i**2) / 0.5021, 0.0),
        "MF": (sin_i**2 / 0.1578, -2 * xi),
        "O1": (f_o1, u_o1),
        "M1": (f_o1 * qa, xi - nu + q - p),
        "J1": (sin_2i / 0.7214, -nu),
        "OO1": (sin_i * sin(i / 2) ** 2 / 0.0164, -2 * xi - nu),
        "K1": (sqrt(0.8965 * sin_2i**2 + 0.6001 * sin_2i * cos(nu) + 0.1006), -nu1),
        "M2": (f_m2, u_m2),
        "M3": (cos(i / 2) ** 6 / 0.8758, 3 * xi - 3 * nu),
        "L2": (f_m2 * ra, u_m2 - r),
        "K2": (sqrt(19.0444 * sin_i**4 + 2.7702 * sin_i**2 * cos(2 * nu) + 0.0981), -nu2),
    }


@dataclass(frozen=True, slots=True)
class Extreme:
    """A high or low water: when, and its level in metres over the datum of the prediction."""

    kind: Literal["high", "low"]
    at: Micros
    level_m: float


class Tide:
    """Predicts the level at one gauge from its constituents: ``[{"name", "amplitudeM", "phaseDeg"}, …]`` (Greenwich
    phase lags). ``datum_m`` is added, e.g. mean sea level over chart datum. Raises ValueError for an unknown name."""

    _SPAN: Final = 5 * 24 * HOUR  # nodal corrections are taken in the middle of so long a stretch

    def __init__(self, constituents: Sequence[Mapping[str, Any]], datum_m: float = 0.0) -> None:
        unknown = sorted({c["name"] for c in constituents} - CONSTITUENTS.keys())
        if unknown:
            raise ValueError(f"Unknown tidal constituents: {', '.join(unknown)}")
        names = [c["name"] for c in constituents]
        rates = speeds()
        self.datum_m = datum_m
        self._amplitude = np.array([c["amplitudeM"] for c in constituents], dtype=float)
        self._lag = np.radians([c["phaseDeg"] for c in constituents])
        self._speed = np.radians([rates[name] for name in names]) / HOUR
        self._multiples = np.array([CONSTITUENTS[name][0] for name in names], dtype=float)
        self._phase = np.radians([CONSTITUENTS[name][1] for name in names])
        self._rules = [CONSTITUENTS[name][2] for name in names]

    def levels(self, times: Sequence[Micros] | npt.NDArray[np.int64]) -> Floats:
        """Levels in metres at these instants (rising order)."""
        at = np.asarray(times, dtype=np.int64)
        found = np.empty(len(at))
        stretch = (at - at[0]) // self._SPAN if len(at) else at
        for k in np.unique(stretch):
            mask = stretch == k
            inside = at[mask]
            found[mask] = self._stretch(inside, int((inside[0] + inside[-1]) // 2))
        return found

    def _stretch(self, at: npt.NDArray[np.int64], middle: Micros) -> Floats:
        corrections = node_corrections(middle)
        factor = np.ones(len(self._rules))
        angle = np.zeros(len(self._rules))
        for i, rule in enumerate(self._rules):
            for name, power in rule:
                f, u = corrections[name]
                factor[i] *= f ** abs(power)
                angle[i] += u * power
        s, h, p, n, p1 = np.radians(longitudes(middle))
        hour_angle = 2 * np.pi * (middle % (24 * HOUR)) / (24 * HOUR)
        start = (
            self._multiples @ np.array([hour_angle + h - s, s, h, p, -n, p1])
            + self._phase
            + angle
            - self._lag
        )
        turned = np.outer((at - middle).astype(float), self._speed) + start
        level: Floats = np.cos(turned) @ (factor * self._amplitude) + self.datum_m
        return level

    def level(self, at: Micros) -> float:
        return float(self.levels([at])[0])

    def extremes(self, start: Micros, end: Micros) -> list[Extreme]:
        """High and low waters between two instants, in order, to about a second."""
        step = 6 * MINUTE
        times = np.arange(start - step, end + step, step, dtype=np.int64)
        levels = self.levels(times)
        found = []
        for i in range(1, len(times) - 1):
            before, here, after = levels[i - 1 : i + 2]
            if (here - before) * (after - here) < 0 or (here == before and i > 1 and levels[i - 2] != here):
                curve = before - 2 * here + after
                shift = 0.5 * (before - after) / curve if curve else 0.0
                at = int(times[i] + shift * step)
                if start <= at <= end:
                    level = here - 0.25 * (before - after) * shift
                    found.append(Extreme("high" if curve < 0 else "low", at, float(level)))
        return found
