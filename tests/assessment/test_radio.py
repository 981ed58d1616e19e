"""TR 38.901: the formulas agree with published vectors, with facts of the clause, and with common sense."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.assessment.radio.link_budget import Budget
from andaman.assessment.radio.policy import PolicyAssumptions, home_probability
from andaman.assessment.radio.propagation import (
    VALID,
    Building,
    Scenario,
    breakpoint_m,
    check,
    los_probability,
    o2i_loss,
    path_loss,
    wall_loss,
)
from andaman.assessment.radio.verdict import MEASURES, RIVALS, verdict
from andaman.kernel.errors import BadRequestData

# (scenario, base station, horizontal distance, line of sight, dB) at 5 GHz and a terminal at 1.5 m:
# numbers of ns-3's test of TR 38.901, tolerance 0.05 dB.
VECTORS = [
    ("RMa", 35, 10, True, 77.3784),
    ("RMa", 35, 1000, True, 108.5577),
    ("RMa", 35, 10000, True, 140.3896),
    ("RMa", 35, 100, False, 95.7718),
    ("RMa", 35, 5000, False, 160.5169),
    ("UMa", 25, 10, True, 72.9380),
    ("UMa", 25, 1000, True, 109.7252),
    ("UMa", 25, 5000, True, 137.6794),
    ("UMa", 25, 10, False, 82.5131),
    ("UMa", 25, 1000, False, 144.7641),
    ("UMi", 10, 10, True, 69.8591),
    ("UMi", 10, 1000, True, 119.3114),
    ("UMi", 10, 100, False, 107.9432),
    ("UMi", 10, 5000, False, 167.8617),
]
SHARED = Path(__file__).resolve().parents[3] / "shared/data/assessment/3gpp/tr38901_pathloss_vectors.json"
OUTDOOR = [Scenario.UMA, Scenario.UMI, Scenario.RMA]


@pytest.mark.parametrize(("scenario", "h_bs", "d", "los", "expected"), VECTORS)
def test_vectors(scenario: str, h_bs: float, d: float, los: bool, expected: float) -> None:
    got = float(path_loss(Scenario(scenario), np.array(float(d)), 5.0, h_bs, 1.5, los=los))
    assert got == pytest.approx(expected, abs=0.05)


@pytest.mark.skipif(not SHARED.exists(), reason="the oracle's file is not on this machine")
def test_every_vector_of_the_oracle() -> None:
    for v in json.loads(SHARED.read_text())["vectors"]:
        scenario = Scenario(v["scenario"].removesuffix("-StreetCanyon"))
        got = float(
            path_loss(
                scenario, np.array(float(v["d2d_m"])), v["f_ghz"], v["h_bs_m"], v["h_ut_m"], los=v["los"]
            )
        )
        assert got == pytest.approx(v["pathloss_db"], abs=0.05), v


@given(
    st.sampled_from(OUTDOOR),
    st.floats(10, 4900),
    st.floats(1, 90),
    st.sampled_from([0.7, 3.5, 6.2]),
    st.booleans(),
)
def test_loss_never_falls_with_distance(sc: Scenario, d: float, step: float, f: float, los: bool) -> None:
    """Farther is never better, except for the small jump that the clause itself has at the breakpoint."""
    near, far = path_loss(sc, np.array([d, d + step]), f, 25.0, 1.5, los=los)
    jump = 0.5 if d <= breakpoint_m(sc, f, 25.0, 1.5) <= d + step else 0.0
    assert far >= near - jump


@given(st.sampled_from(OUTDOOR), st.floats(10, 5000), st.sampled_from([0.7, 3.5, 6.2]))
def test_no_sight_never_loses_less(sc: Scenario, d: float, f: float) -> None:
    x = np.array(d)
    assert path_loss(sc, x, f, 25.0, 1.5, los=False) >= path_loss(sc, x, f, 25.0, 1.5, los=True)


@given(st.sampled_from(list(Scenario)), st.floats(0, 10_000))
def test_sight_is_a_probability(sc: Scenario, d: float) -> None:
    assert 0.0 <= float(los_probability(sc, np.array(d))) <= 1.0


def test_facts_of_the_clause() -> None:
    """Probabilities and walls worked out by hand from tables 7.4.2-1, 7.4.3-1 and 7.4.3-2."""
    assert float(los_probability(Scenario.RMA, np.array(1010.0))) == pytest.approx(math.exp(-1))
    assert float(los_probability(Scenario.UMA, np.array(18.0))) == 1.0
    expected = 18 / 100 + math.exp(-100 / 36) * (1 - 18 / 100)
    assert float(los_probability(Scenario.UMI, np.array(100.0))) == pytest.approx(expected)
    low = 5 - 10 * math.log10(0.3 * 10 ** (-(2 + 0.2 * 3.5) / 10) + 0.7 * 10 ** (-(5 + 4 * 3.5) / 10))
    assert wall_loss(Building.LOW, 3.5) == pytest.approx(low)
    assert wall_loss(Building.NONE, 3.5) == 0.0
    assert o2i_loss(Building.HIGH, Scenario.RMA, 0.7) == pytest.approx(wall_loss(Building.HIGH, 0.7) + 5 / 3)


def test_walls_cost_more_when_thicker_and_higher_in_frequency() -> None:
    for f in (0.7, 3.5, 6.2):
        assert wall_loss(Building.HIGH, f) > wall_loss(Building.LOW, f) > 5.0
    assert wall_loss(Building.LOW, 6.2) > wall_loss(Building.LOW, 0.7)


def test_what_the_model_does_not_cover_is_refused() -> None:
    with pytest.raises(BadRequestData, match="frequencyGhz"):
        check(Scenario.UMA, 0.3, 25.0, 1.5)
    with pytest.raises(BadRequestData, match="heightM"):
        check(Scenario.UMI, 3.5, 80.0, 1.5)
    for scenario in OUTDOOR:
        check(scenario, 6.425, 25.0, 1.5)
        assert VALID[scenario].d_max_m >= 5000


def test_indoor_office_facts() -> None:
    """InH of table 7.4.1-1 worked out by hand: 10 m without sight at 6.175 GHz, antennas one metre apart in height."""
    d3 = math.hypot(10.0, 1.0)
    sight = 32.4 + 17.3 * math.log10(d3) + 20 * math.log10(6.175)
    blocked = 38.3 * math.log10(d3) + 17.30 + 24.9 * math.log10(6.175)
    got = float(path_loss(Scenario.INH, np.array(10.0), 6.175, 2.5, 1.5, los=False))
    assert got == pytest.approx(max(sight, blocked))
    assert float(los_probability(Scenario.INH, np.array(1.0))) == 1.0


SURE = {"low": 90.0, "best": 95.0, "high": 99.0}
LITTLE = {"low": 0.0, "best": 1.0, "high": 2.0}


def test_no_verdict_rests_on_a_zero_by_definition_nor_on_a_measure_that_does_not_apply() -> None:
    """Wi-Fi is indoor by definition, and the threshold says nothing about a share of homes."""
    both = dict.fromkeys(MEASURES, SURE)
    for place, wifi, why in (
        ("outdoor", dict.fromkeys(MEASURES, LITTLE), "indoor by definition"),
        ("indoor-low-loss", {"expected": LITTLE, "threshold": None}, "does not apply to a share of homes"),
    ):
        found = verdict(place, {RIVALS[0]: {place: wifi}, RIVALS[1]: {place: both}})
        assert (found["holds"], found["leader"]) == (False, None)
        assert "no verdict" in found["text"]["en"]
        assert why in found["text"]["en"]


_SHARE = st.tuples(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100)).map(sorted)


@given(st.lists(_SHARE, min_size=4, max_size=4))
def test_a_verdict_holds_under_both_measures_and_over_all_ranges(shares: list[list[float]]) -> None:
    rows = [{"low": low, "best": best, "high": high} for low, best, high in shares]
    measures = {
        case: {"indoor-low-loss": dict(zip(MEASURES, rows[2 * k : 2 * k + 2], strict=True))}
        for k, case in enumerate(RIVALS)
    }
    found = verdict("indoor-low-loss", measures)
    for leader, other in (RIVALS, RIVALS[::-1]):
        sure = all(
            measures[leader]["indoor-low-loss"][m]["low"] > measures[other]["indoor-low-loss"][m]["high"]
            for m in MEASURES
        )
        assert (found["leader"] == leader) == sure
    assert found["holds"] == (found["leader"] is not None)
    assert ("no verdict" in found["text"]["en"]) == (not found["holds"])


def test_extra_loss_takes_from_wifi_and_mobile_alike() -> None:
    """The same ten decibels: at home little is lost, since the path is short."""
    homes = [
        home_probability(PolicyAssumptions(), Budget(extra_loss_db=extra)) for extra in (0.0, 10.0, 40.0)
    ]
    assert homes == sorted(homes, reverse=True)
    assert homes[0] > 0.999
    assert homes[2] < 0.5
