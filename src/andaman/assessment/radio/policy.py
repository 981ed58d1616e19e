"""The 6 GHz band: two policy cases compared in people covered and in capacity, each with its assumptions.

* ``lower-licence-exempt``: 5.925–6.425 GHz for licence-exempt Wi-Fi, as Thailand's rule stands (NBTC TS 1039-2566,
  28 April 2023: indoor low power 250 mW, very low power 25 mW e.i.r.p.).
* ``upper-imt``: 6.425–7.125 GHz for mobile networks (IMT), as planned in the NBTC roadmap 2025–2030, on macro sites.

The first serves homes that have a fixed line and an access point; the second serves who is within reach of a site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from andaman.assessment.citation import Check, Cited, check_json
from andaman.assessment.radio.coverage import capacity, cover, summary
from andaman.assessment.radio.link_budget import BANDS, Budget
from andaman.assessment.radio.propagation import Scenario, path_loss
from andaman.assessment.radio.sites import Site
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import People, Range

RULES: Final = {
    "lower": Cited(
        "NBTC TS 1039-2566 (28 April 2023): 5.925-6.425 GHz, LPI indoor 250 mW e.i.r.p., VLP 25 mW e.i.r.p.; seen in: notices "
        "of the test houses GCC and Cetecom Advanced",
        Check.SECONDARY,
    ),
    "upper": Cited(
        "6.425-7.125 GHz is among the bands of the NBTC's spectrum roadmap 2025-2030, a plan, not an assignment; "
        "seen in: RCR Wireless, 10 September 2024",
        Check.SECONDARY,
    ),
}


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
        "back from Twimbit, Thailand fixed broadband 2024 (19.1 million in 2027 at 6.8 % a year). The likely value is assumed. National, not Phuket.",
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
    "imt_bandwidth_mhz": {
        "en": "200 MHz of the 700 MHz for one network (assumption); power density as in the link budget.",
        "th": "ใช้แถบ 200 เมกะเฮิรตซ์จาก 700 เมกะเฮิรตซ์ต่อหนึ่งโครงข่าย (ค่าสมมติ)",
    },
}

ASSUMPTION_CHECKS: Final = {"fixed_line_share": Check.ORIGINAL}
"""Assumptions that rest on a source named in their text; the others are our own."""


def _rule(case: str) -> dict[str, Any]:
    checked = check_json(RULES[case].check)
    return {"rule": RULES[case].text, "ruleCheck": checked["check"], "ruleCheckText": checked["checkText"]}


def _checked(name: str, given: Any) -> Check:
    """A value that the caller changed rests on no source any more."""
    return (
        ASSUMPTION_CHECKS.get(name, Check.OWN) if given == getattr(PolicyAssumptions(), name) else Check.OWN
    )


def wifi_rate_mbps(assumed: PolicyAssumptions, budget: Budget) -> float:
    """Bounded Shannon rate at the edge of the home on one channel (one spatial stream, no interference)."""
    loss = float(path_loss(Scenario.INH, np.array(assumed.home_radius_m), 6.175, 2.5, 1.5, los=False))
    noise = budget.noise_dbm(assumed.wifi_channel_mhz, budget.ue_noise_db)
    snr = 10 ** ((assumed.wifi_eirp_dbm - loss - noise) / 10.0)
    return assumed.wifi_channel_mhz * min(budget.efficiency * float(np.log2(1.0 + snr)), budget.se_max)


def compare(
    grid: LandGrid, people: People, sites: Sequence[Site], budget: Budget, assumed: PolicyAssumptions
) -> dict[str, Any]:
    """Both cases and, since the rules do not exclude one another, the two together."""
    rate = wifi_rate_mbps(assumed, budget)
    lines, today = assumed.fixed_line_share, assumed.ap_share_today
    wifi_later = Range(*(people.total * s for s in (lines[1], lines[0], lines[2])))
    wifi_now = Range(*(people.total * s * t for s, t in zip(_order(lines), _order(today), strict=True)))
    band = replace(
        BANDS["6000"],
        bandwidth_mhz=assumed.imt_bandwidth_mhz,
        eirp_dbm=BANDS["6000"].eirp_dbm + 10.0 * float(np.log10(assumed.imt_bandwidth_mhz / 100.0)),
    )
    result = cover(grid, sites, band, budget)
    imt = summary(grid, people, sites, result, budget)
    indoor = people.count(result.level >= 2)
    share = indoor.share_of(people.total)
    together = Range(
        *(people.total * (1 - (1 - s) * (1 - i / 100.0)) for s, i in zip(_order(lines), (share.best, share.low, share.high), strict=True))
    )  # fmt: skip
    per_person_wifi = rate / assumed.household_size
    return {
        "origin": "computed",
        "residents": round(people.total),
        "cases": [
            {
                "id": "lower-licence-exempt",
                "name": {
                    "th": "ย่านล่าง 5.925–6.425 กิกะเฮิรตซ์ แบบไม่ต้องรับใบอนุญาต (Wi-Fi ในอาคาร)",
                    "en": "Lower band 5.925–6.425 GHz licence-exempt (indoor Wi-Fi)",
                },
                **_rule("lower"),
                "spectrumMhz": 500,
                "peopleIndoors": wifi_later.as_json(),
                "peopleIndoorsToday": wifi_now.as_json(),
                "peopleOutdoors": {"best": 0, "low": 0, "high": 0},
                "sharePercent": wifi_later.share_of(people.total).as_json(1),
                "edgeRateMbps": round(rate, 0),
                "perPersonMbps": round(per_person_wifi, 1),
                "capacityGbps": None,
                "note": {
                    "th": "ความเร็วเป็นของคลื่นในแต่ละบ้าน ใช้ได้จริงเท่าที่สายสัญญาณของบ้านรองรับ จึงไม่รวมเป็นความจุของทั้งจังหวัด "
                    "และไม่ให้บริการนอกอาคาร",
                    "en": "The rate is that of the radio link in each home. The line into the home limits the usable rate, so "
                    "there is no total for the province. Nothing is served outdoors.",
                },
            },
            {
                "id": "upper-imt",
                "name": {
                    "th": "ย่านบน 6.425–7.125 กิกะเฮิรตซ์ สำหรับโครงข่ายมือถือ (IMT)",
                    "en": "Upper band 6.425–7.125 GHz for mobile networks (IMT)",
                },
                **_rule("upper"),
                "spectrumMhz": 700,
                "peopleOutdoors": imt["covered"]["outdoor"]["people"],
                "peopleIndoors": imt["covered"]["indoor-low-loss"]["people"],
                "peopleIndoorsHighLoss": imt["covered"]["indoor-high-loss"]["people"],
                "sharePercent": imt["covered"]["outdoor"]["sharePercent"],
                "perPersonMbps": imt["capacity"]["perPersonMbps"],
                "capacityGbps": capacity(people, len(sites), result, budget)["totalGbps"],
                "sites": len(sites),
                "budget": imt["budget"],
                "grid": imt["grid"],
                "note": {
                    "th": "สถานีเป็นค่าสมมติ นับผู้อยู่ในอาคารแบบสูญเสียต่ำว่าได้รับบริการในอาคาร",
                    "en": "Sites are assumed. People in low-loss buildings count as served indoors.",
                },
            },
        ],
        "together": {
            "peopleIndoors": together.as_json(),
            "sharePercent": together.share_of(people.total).as_json(1),
            "note": {
                "th": "สมมติว่าบ้านที่มีสายสัญญาณกระจายเท่ากันทุกพื้นที่ โดยไม่ขึ้นกับสัญญาณมือถือ",
                "en": "Assumes that homes with a line are spread independently of mobile coverage.",
            },
        },
        "assumptions": [
            {
                "name": name,
                "value": list(v) if isinstance(v, tuple) else v,
                "text": TEXTS[name],
                **check_json(_checked(name, v)),
            }
            for name, v in (
                ("fixed_line_share", lines),
                ("ap_share_today", today),
                ("home_radius_m", assumed.home_radius_m),
                ("household_size", assumed.household_size),
                ("imt_bandwidth_mhz", assumed.imt_bandwidth_mhz),
            )
        ],
        "limits": imt["limits"],
        "method": imt["method"],
    }


def _order(low_likely_high: tuple[float, float, float]) -> tuple[float, float, float]:
    """As (best, low, high), the order of Range."""
    low, likely, high = low_likely_high
    return likely, low, high
