"""The 6 GHz band: policy cases compared by the same two measures of people served, each with its assumptions.

* ``lower-licence-exempt``: 5.925–6.425 GHz for licence-exempt Wi-Fi, as Thailand's rule stands (NBTC TS 1039-2566,
  28 April 2023: indoor low power 250 mW, very low power 25 mW e.i.r.p.).
* ``upper-imt``: 6.425–7.125 GHz for mobile networks (IMT), as planned in the NBTC roadmap 2025–2030, on macro sites.

The first serves homes that have a fixed line and an access point; the second serves who is within reach of a site.
Every case is a field of service probabilities by cell, outdoors and in two kinds of buildings. The measures are those of
``coverage.py``: expected people, and people of cells where nine of ten places are served. The second one does not apply to
a case that rests on the share of homes with a line: that share says nothing about places in a cell. ``verdict.py`` says
which case leads, where it does under both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from andaman.assessment.citation import Check, check_json
from andaman.assessment.constants import words_json
from andaman.assessment.network.roads import Floats
from andaman.assessment.radio.coverage import EXTRA_LOSS_DB, POPULATION, capacity, cover_range, served
from andaman.assessment.radio.link_budget import BANDS, LIMITS, Budget
from andaman.assessment.radio.propagation import Scenario, path_loss, shadow_sigma
from andaman.assessment.radio.sites import Site
from andaman.assessment.radio.verdict import NAMES, NOTES, PLACES, so_what, verdict
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import People, Range
from andaman.kernel.words import Words

RULES: Final = {
    "lower": Words(
        "ประกาศ กสทช. มาตรฐานทางเทคนิค กสทช. มท. 1039-2566 (28 เมษายน 2566): 5.925–6.425 กิกะเฮิรตซ์ ในอาคารกำลังต่ำ 250 มิลลิวัตต์ "
        "กำลังต่ำมาก 25 มิลลิวัตต์ พบใน: ประกาศของห้องทดสอบ GCC และ Cetecom Advanced",
        "NBTC TS 1039-2566 (28 April 2023): 5.925-6.425 GHz, LPI indoor 250 mW e.i.r.p., VLP 25 mW e.i.r.p.; seen in: notices "
        "of the test houses GCC and Cetecom Advanced",
    ),
    "upper": Words(
        "6.425–7.125 กิกะเฮิรตซ์ อยู่ในแผนคลื่นความถี่ของ กสทช. พ.ศ. 2568–2573 ซึ่งเป็นแผน ยังไม่ใช่การจัดสรร "
        "พบใน: RCR Wireless, 10 กันยายน 2567",
        "6.425-7.125 GHz is among the bands of the NBTC's spectrum roadmap 2025-2030, a plan, not an assignment; "
        "seen in: RCR Wireless, 10 September 2024",
    ),
}
"""The rule of each half of the band; both were read in texts that quote them."""


@dataclass(frozen=True, slots=True)
class PolicyAssumptions:
    """Low, likely, high where a range is given. Nothing here is a measurement of Phuket."""

    fixed_line_share: tuple[float, float, float] = (0.51, 0.60, 0.67)
    ap_share_today: tuple[float, float, float] = (0.05, 0.15, 0.30)
    home_radius_m: float = 10.0
    wifi_channel_mhz: float = 160.0
    wifi_eirp_dbm: float = 23.98  # 250 mW
    household_size: float = 2.5
    imt_bandwidth_mhz: float = 200.0


TEXTS: Final = {
    "fixed_line_share": {
        "en": "Households with fixed broadband: about 14.7 million lines in 2023, divided by 21.9 million "
        "households (National Statistical Office, 2019) to 28.7 million registered houses (2023). The number of lines is worked "
        "back from Twimbit, Thailand fixed broadband 2024 (19.1 million in 2027 at 6.8 % a year). The likely value is an assumption. National, not Phuket.",
        "th": "สัดส่วนครัวเรือนที่มีบรอดแบนด์ประจำที่: ประมาณ 14.7 ล้านสายในปี 2566 (คำนวณย้อนจาก Twimbit ฉบับปี 2567: 19.1 ล้านสายในปี 2570 "
        "เพิ่มร้อยละ 6.8 ต่อปี) ต่อ 21.9 ล้านครัวเรือน (สำนักงานสถิติแห่งชาติ 2562) ถึง 28.7 ล้านหลังคาเรือนตามทะเบียน (2566) "
        "ค่ากลางเป็นค่าสมมติ เป็นค่าระดับประเทศ ไม่ใช่ของภูเก็ต",
    },
    "ap_share_today": {
        "en": "Share of those homes with an access point and devices for 6 GHz today: assumption without a public count. "
        "In the long run all are replaced: the figure 'after renewal' uses 1.",
        "th": "สัดส่วนบ้านที่มีอุปกรณ์รองรับ 6 กิกะเฮิรตซ์ในปัจจุบัน: ค่าสมมติ ไม่มีข้อมูลสาธารณะ ระยะยาวเมื่อเปลี่ยนอุปกรณ์ครบใช้ค่า 1",
    },
    "home_radius_m": {
        "en": "A home is within 10 m of its access point, without line of sight (assumption); path loss InH NLOS of "
        "TR 38.901.",
        "th": "บ้านอยู่ภายใน 10 เมตรจากจุดกระจายสัญญาณ ไม่มีเส้นตรงสายตา (ค่าสมมติ) ใช้แบบจำลอง InH NLOS ของ TR 38.901",
    },
    "household_size": {
        "en": "2.5 persons per household (assumption), used for capacity per person only.",
        "th": "ครัวเรือนละ 2.5 คน (ค่าสมมติ) ใช้คำนวณความจุต่อคนเท่านั้น",
    },
    "extra_loss_db": {
        "en": "Extra loss on every path for hills and vegetation, in dB, for Wi-Fi and mobile alike. An assumption: no open "
        "elevation model of Phuket is at hand.",
        "th": "การสูญเสียเพิ่มเติมจากภูมิประเทศและพืชพรรณ (เดซิเบล) ใช้เท่ากันทั้ง Wi-Fi และมือถือ: ค่าสมมติ เพราะไม่มีแบบจำลองความสูงของภูเก็ตที่เปิดเผย",
    },
    "location_probability": {
        "en": "A cell counts by the threshold when so large a share of the places in it is served (assumption). It does not apply "
        "to a share of homes.",
        "th": "เกณฑ์ขั้นต่ำ: นับเฉพาะช่องที่สัดส่วนนี้ของตำแหน่งใช้งานได้ (ค่าสมมติ) ใช้กับสัดส่วนบ้านไม่ได้",
    },
    "imt_bandwidth_mhz": {
        "en": "200 MHz of the 700 MHz for one network (assumption); power density as in the link budget.",
        "th": "ใช้แถบ 200 เมกะเฮิรตซ์จาก 700 เมกะเฮิรตซ์ต่อหนึ่งโครงข่าย (ค่าสมมติ)",
    },
}


def _rule(case: str) -> dict[str, Any]:
    checked = check_json(Check.SECONDARY)
    return {
        "rule": words_json(RULES[case]),
        "ruleCheck": checked["check"],
        "ruleCheckText": checked["checkText"],
    }


def wifi_rate_mbps(assumed: PolicyAssumptions, budget: Budget) -> float:
    """Bounded Shannon rate at the edge of the home on one channel (one spatial stream, no interference)."""
    noise = budget.noise_dbm(assumed.wifi_channel_mhz, budget.ue_noise_db)
    snr = 10 ** ((assumed.wifi_eirp_dbm - _home_loss_db(assumed) - noise) / 10.0)
    return assumed.wifi_channel_mhz * min(budget.efficiency * float(np.log2(1.0 + snr)), budget.se_max)


def _home_loss_db(assumed: PolicyAssumptions) -> float:
    return float(path_loss(Scenario.INH, np.array(assumed.home_radius_m), 6.175, 2.5, 1.5, los=False))


def home_probability(assumed: PolicyAssumptions, budget: Budget) -> float:
    """The probability that a place at the edge of a home is served by its access point.

    The link budget is that of the mobile case: the same noise, body loss, margins and extra loss, with the shadow fading of InH.
    """
    down = (
        assumed.wifi_eirp_dbm
        - budget.noise_dbm(assumed.wifi_channel_mhz, budget.ue_noise_db)
        - budget.sinr_down_db
        - budget.margin_down_db
    )
    up = (
        min(budget.ue_power_dbm, assumed.wifi_eirp_dbm)
        - budget.noise_dbm(assumed.wifi_channel_mhz, budget.bs_noise_db)
        - budget.sinr_up_db
        - budget.margin_up_db
    )
    room = min(down, up) - budget.body_loss_db - budget.extra_loss_db - _home_loss_db(assumed)
    sigma = float(shadow_sigma(Scenario.INH, np.array(assumed.home_radius_m), 0.0, los=False))
    return 0.5 * (1.0 + math.erf(room / sigma / math.sqrt(2.0)))


@dataclass(frozen=True, slots=True)
class Case:
    """A case as service probabilities: ``likely[extra]`` (3, n) by PLACES.

    ``variants``: the same, or (3, ways, n) where it depends on the spread, at the ends of each assumption; the intervals are
    the envelope over them too. ``by_homes``: it rests on a share of homes.
    """

    id: str
    likely: Mapping[float, Floats]
    variants: Sequence[Mapping[float, Floats]] = ()
    by_homes: bool = False

    def measures(self, people: People, threshold: float) -> dict[str, dict[str, dict[str, Any] | None]]:
        """Place → measure → share of people in percent: best, low, high and by extra loss. None: it does not apply."""
        found: dict[str, dict[str, dict[str, Any] | None]] = {}
        for k, place in enumerate(PLACES):
            found[place] = {"threshold": None} if self.by_homes else {}
            for measure, limit in (("expected", None), ("threshold", threshold)):
                if measure in found[place]:
                    continue
                every = [
                    served(people, {extra: p[k] for extra, p in one.items()}, limit)
                    for one in (self.likely, *self.variants)
                ]
                best = every[0].range.best
                low, high = min(one.range.low for one in every), max(one.range.high for one in every)
                found[place][measure] = {
                    **Range(best, low, high).share_of(people.total).as_json(1),
                    "people": Range(best, low, high).as_json(),
                    "byExtraLoss": every[0].by_extra_loss(),
                }
        return found


def _wifi(share: float, homes: Mapping[float, float], n: int) -> dict[float, Floats]:
    """Homes with a line are spread evenly over the cells: indoors each cell has the same share; nothing is served outdoors."""
    inside = np.array([[0.0], [1.0], [1.0]])
    return {extra: np.repeat(share * home * inside, n, axis=1) for extra, home in homes.items()}


def _wifi_in_full_cells(share: float, homes: Mapping[float, float], people: People) -> dict[float, Floats]:
    """The other end, (3, ways, n): the same share of people, all in cells where every home has a line, the fullest first."""
    linked = np.stack([_filled(cells, share) for cells in people.cells])
    inside = np.stack([np.zeros_like(linked), linked, linked])
    return {extra: home * inside for extra, home in homes.items()}


def _filled(cells: Floats, share: float) -> Floats:
    """(n,): the part of each cell's people that counts when cells are filled until ``share`` of all people is reached."""
    order = np.argsort(-cells, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(cells[order])[:-1]])
    room = np.clip(share * cells.sum() - before, 0.0, cells[order])
    linked = np.zeros(len(cells))
    linked[order] = np.divide(room, cells[order], out=np.zeros(len(cells)), where=cells[order] > 0)
    return linked


def _wifi_case(
    name: str, shares: tuple[float, float, float], homes: Mapping[float, float], people: People
) -> Case:
    """``shares``: low, likely, high of the residents whose home is served by Wi-Fi."""
    low, likely, high = shares
    n = people.cells.shape[1]
    variants = [_wifi(one, homes, n) for one in (low, high)]
    variants += [_wifi_in_full_cells(one, homes, people) for one in shares]
    return Case(name, _wifi(likely, homes, n), variants, by_homes=True)


def _either(one: Mapping[float, Floats], other: Mapping[float, Floats]) -> dict[float, Floats]:
    """Served by one or the other, independently. ``one``: (3, n) or (3, ways, n); ``other``: (3, n)."""
    return {
        extra: 1.0 - (1.0 - p) * (1.0 - (other[extra] if p.ndim == 2 else other[extra][:, None, :]))
        for extra, p in one.items()
    }


def compare(
    grid: LandGrid, people: People, sites: Sequence[Site], budget: Budget, assumed: PolicyAssumptions
) -> dict[str, Any]:
    """Every case by the same two measures, over the same people and losses, and the conclusion that this allows."""
    band = replace(
        BANDS["6000"],
        bandwidth_mhz=assumed.imt_bandwidth_mhz,
        eirp_dbm=BANDS["6000"].eirp_dbm + 10.0 * float(np.log10(assumed.imt_bandwidth_mhz / 100.0)),
    )
    results = cover_range(grid, sites, band, budget)
    homes = {
        extra: home_probability(assumed, replace(budget, extra_loss_db=budget.extra_loss_db + extra))
        for extra in results
    }
    lines, today = assumed.fixed_line_share, assumed.ap_share_today
    low, likely, high = (a * b for a, b in zip(lines, today, strict=True))
    imt = Case("upper-imt", {extra: one.probability for extra, one in results.items()})
    later = _wifi_case("lower-licence-exempt", lines, homes, people)
    cases = [
        _wifi_case("lower-today", (low, likely, high), homes, people),
        later,
        imt,
        Case(
            "together",
            _either(later.likely, imt.likely),
            [_either(one, imt.likely) for one in later.variants],
            by_homes=True,
        ),
    ]
    measures = {case.id: case.measures(people, budget.location_probability) for case in cases}
    rate = wifi_rate_mbps(assumed, budget)
    mobile = capacity(people, len(sites), results[EXTRA_LOSS_DB[0]], budget)
    wifi = {
        "spectrumMhz": 500,
        "edgeRateMbps": round(rate),
        "perPersonMbps": round(rate / assumed.household_size, 1),
    }
    facts: dict[str, dict[str, Any]] = {
        "lower-today": {**_rule("lower"), **wifi},
        "lower-licence-exempt": {**_rule("lower"), **wifi},
        "upper-imt": {
            **_rule("upper"),
            "spectrumMhz": 700,
            "edgeRateMbps": None,
            "perPersonMbps": mobile["perPersonMbps"],
            "capacityGbps": mobile["totalGbps"],
            "sites": len(sites),
            "budget": budget.as_json(band),
        },
        "together": {"rule": None, "spectrumMhz": 1200, "edgeRateMbps": None, "perPersonMbps": None},
    }
    verdicts = [verdict(place, measures) for place in PLACES]
    return {
        "origin": "simulated" if any(site.origin == "simulated" for site in sites) else "computed",
        "residents": round(people.total),
        "population": words_json(POPULATION),
        "threshold": budget.location_probability,
        "extraLossDb": list(EXTRA_LOSS_DB),
        "cases": [
            {
                "id": case.id,
                "name": words_json(NAMES[case.id]),
                "note": words_json(NOTES[case.id]),
                "measures": measures[case.id],
                **facts[case.id],
            }
            for case in cases
        ],
        "verdicts": verdicts,
        "soWhat": words_json(so_what(verdicts)),
        "assumptions": [
            {
                "name": name,
                "value": list(v) if isinstance(v, tuple) else v,
                "text": TEXTS[name],
                **check_json(Check.OWN),
            }
            for name, v in (
                ("fixed_line_share", lines),
                ("ap_share_today", today),
                ("home_radius_m", assumed.home_radius_m),
                ("household_size", assumed.household_size),
                ("imt_bandwidth_mhz", assumed.imt_bandwidth_mhz),
                ("extra_loss_db", (EXTRA_LOSS_DB[0], EXTRA_LOSS_DB[-1])),
                ("location_probability", budget.location_probability),
            )
        ],
        "limits": LIMITS,
        "method": people.method(),
    }
