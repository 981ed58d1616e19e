"""The harmonic tide prediction against published speeds, an independent predictor, and itself."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.broker.model import Doc
from andaman.city.pack import load_pack
from andaman.ingest.harmonics import Tide, node_corrections, speeds
from andaman.ingest.tide import TideFeed
from andaman.kernel.time import DAY, HOUR, MINUTE, parse_time

ORACLE = (
    Path(__file__).resolve().parents[3]
    / "shared/data/phuket/ocean/ko_taphao_noi_tide_predicted_hourly_2024_2028.csv"
)
# Levels over mean sea level at 0, 6, 12 and 18 h UTC, computed once with @neaps/tide-predictor (MIT) from the same constituents.
SAMPLE: dict[str, list[float]] = {
    "2024-03-11": [-1.149, 0.959, -1.097, 1.075],
    "2026-11-22": [0.586, -0.636, 0.73, -0.339],
    "2028-08-20": [-0.052, 0.456, -0.584, 0.611],
}


@pytest.fixture(scope="module")
def gauge() -> Doc:
    return next(load_pack("phuket").iter_docs("tide-constituents"))


@pytest.fixture(scope="module")
def tide(gauge: Doc) -> Tide:
    return Tide(build.value(gauge, "constituents"))


def test_speeds_are_those_of_the_tables() -> None:
    """Degrees per hour, Schureman table 2."""
    found = speeds()
    for name, speed in {
        "M2": 28.9841042, "S2": 30.0, "N2": 28.4397295, "K2": 30.0821373, "K1": 15.0410686, "O1": 13.9430356,
        "P1": 14.9589314, "Q1": 13.3986609, "MF": 1.0980331, "MM": 0.5443747, "SA": 0.0410686, "NU2": 28.5125831,
        "MU2": 27.9682084, "L2": 29.5284789, "T2": 29.9589333, "M4": 57.9682084, "J1": 15.5854433, "OO1": 16.1391017,
    }.items():  # fmt: skip
        assert found[name] == pytest.approx(speed, abs=2e-6), name


def test_node_factors_stay_in_their_published_ranges_over_a_nodal_cycle() -> None:
    """Schureman table 14: extremes over 18.6 years."""
    ranges = {
        "M2": (0.963, 1.038),
        "O1": (0.806, 1.184),
        "K1": (0.882, 1.114),
        "K2": (0.748, 1.319),
        "MF": (0.63, 1.46),
    }
    start = parse_time("2006-01-01T00:00:00Z")
    for month in range(0, 19 * 12, 3):
        for name, (low, high) in ranges.items():
            f, _ = node_corrections(start + month * 30 * DAY)[name]
            assert low - 0.01 <= f <= high + 0.01, name


@pytest.mark.skipif(not ORACLE.exists(), reason="the oracle's predictions are not here")
def test_five_years_agree_with_an_independent_predictor(tide: Tide) -> None:
    """43,848 hours of @neaps/tide-predictor: RMS difference 0.9 cm, largest 3.5 cm, at a range of 3.3 m."""
    with ORACLE.open() as file:
        rows = list(csv.DictReader(file))
    times = np.array([parse_time(row["time_utc"].replace("Z", ":00Z")) for row in rows])
    oracle = np.array([float(row["level_m_msl"]) for row in rows])
    error = tide.levels(times) - oracle
    assert float(np.sqrt((error**2).mean())) < 0.010
    assert float(np.abs(error).max()) < 0.04


def test_sample_days_agree_with_an_independent_predictor(tide: Tide) -> None:
    for day, levels in SAMPLE.items():
        start = parse_time(f"{day}T00:00:00Z")
        found = tide.levels([start + hour * HOUR for hour in (0, 6, 12, 18)])
        assert np.abs(found - np.array(levels)).max() < 0.03


@given(minutes=st.integers(0, 5 * 365 * 24 * 60))
def test_between_two_extremes_the_level_only_rises_or_only_falls(minutes: int) -> None:
    tide = Tide(build.value(next(load_pack("phuket").iter_docs("tide-constituents")), "constituents"))
    start = parse_time("2024-01-01T00:00:00Z") + minutes * MINUTE
    found = tide.extremes(start, start + 30 * HOUR)
    assert 3 <= len(found) <= 6
    for a, b in pairwise(found):
        assert {a.kind, b.kind} == {"high", "low"}
        assert 3 * HOUR < b.at - a.at < 10 * HOUR
        times = np.linspace(a.at + MINUTE, b.at - MINUTE, 40).astype(np.int64)
        steps = np.diff(tide.levels(times))
        assert (steps <= 1e-4).all() if a.kind == "high" else (steps >= -1e-4).all()


def test_the_gauge_tells_level_state_and_next_waters(gauge: Doc) -> None:
    feed = TideFeed(gauge)
    now = parse_time("2026-11-22T05:40:00Z")
    live = build.simplify(feed.doc(now))["a"]
    assert live["origin"] == "computed"
    assert live["tideState"] == "falling"
    assert live["tideLevel"] - live["tideLevelMsl"] == pytest.approx(2.384 - 0.677, abs=0.002)
    assert now < parse_time(live["nextLowTide"]) < parse_time(live["nextHighTide"]) < now + 13 * HOUR
    assert live["nextLowTideLevel"] < live["tideLevel"] < live["nextHighTideLevel"]


def test_an_unknown_constituent_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="X9"):
        Tide([{"name": "X9", "amplitudeM": 1, "phaseDeg": 0}])
