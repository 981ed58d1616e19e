"""Radio bands and link budgets: defaults with their sources; a run may change all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from andaman.assessment.citation import Check
from andaman.assessment.constants import Constant
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NumberOutOfRange
from andaman.kernel.words import Words

THERMAL_DBM_HZ: Final = -174.0

_DBM: Final = Words("เดซิเบลมิลลิวัตต์", "dBm")
_DB: Final = Words("เดซิเบล", "dB")
_MHZ: Final = Words("เมกะเฮิรตซ์", "MHz")
_SHARE: Final = Words("ส่วน", "share")


@dataclass(frozen=True, slots=True)
class _Quantity:
    name: Words
    unit: Words
    source: Words
    check: Check


QUANTITIES: Final[dict[str, _Quantity]] = {
    "eirpDbm": _Quantity(
        Words("กำลังส่งสมมูลของสถานี", "Power of the station (e.i.r.p.)"),
        _DBM,
        Words(
            "700 เมกะเฮิรตซ์: 46 dBm และ 15 dBi หักสายป้อน 3 dB ได้ 58 dBm ต่อคลื่นพาห์ 10 เมกะเฮิรตซ์ ใช้กับ 20 เมกะเฮิรตซ์ด้วย "
            "(Report ITU-R M.2292 ตาราง 2 พบใน: โปรแกรมสาธารณะที่อ้างตารางนี้) ย่าน 3.5 และ 6 กิกะเฮิรตซ์: 46 dBm "
            "เข้าสายอากาศ 8x8 หรือ 16x8 ชิ้น ชิ้นละ 6.4 dBi (ค่าสมมติ)",
            "700 MHz: 46 dBm and 15 dBi less 3 dB of feeder, 58 dBm e.i.r.p. per 10 MHz carrier, taken for 20 MHz too (Report "
            "ITU-R M.2292, table 2, macro below 1 GHz; seen in: public antenna and coverage code that quotes the table). "
            "3.5 and 6 GHz: 46 dBm into an array of 8x8 or 16x8 elements of 6.4 dBi (assumption)",
        ),
        Check.SECONDARY,
    ),
    "bandwidthMhz": _Quantity(
        Words("ความกว้างแถบความถี่", "Bandwidth"),
        _MHZ,
        Words(
            "ค่าสมมติ: คลื่นของผู้ให้บริการหนึ่งราย (20 เมกะเฮิรตซ์แบบคู่ที่ 700 และ 100 เมกะเฮิรตซ์ที่ 3.5 และ 6 กิกะเฮิรตซ์)",
            "assumption: one operator's holding (20 MHz paired at 700 MHz, 100 MHz at 3.5 GHz, 100 MHz at 6 GHz)",
        ),
        Check.OWN,
    ),
    "ueNoiseDb": _Quantity(
        Words("สัญญาณรบกวนของเครื่องลูกข่าย", "Device noise figure"),
        _DB,
        Words(
            "Report ITU-R M.2412 ตาราง 5 ที่ 4 กิกะเฮิรตซ์: 7 dB ใช้กับทุกย่าน พบใน: ค่าตั้งของโปรแกรมจำลองสาธารณะ",
            "Report ITU-R M.2412, table 5, 4 GHz: 7 dB, taken for all bands; seen in: a public simulator's set-up of that table",
        ),
        Check.SECONDARY,
    ),
    "bsNoiseDb": _Quantity(
        Words("สัญญาณรบกวนของสถานีฐาน", "Base-station noise figure"),
        _DB,
        Words(
            "Report ITU-R M.2412 ตาราง 5 ที่ 4 กิกะเฮิรตซ์: 5 dB ใช้กับทุกย่าน พบใน: ค่าตั้งของโปรแกรมจำลองสาธารณะ",
            "Report ITU-R M.2412, table 5, 4 GHz: 5 dB, taken for all bands; seen in: a public simulator's set-up of that table",
        ),
        Check.SECONDARY,
    ),
    "bodyLossDb": _Quantity(
        Words("การสูญเสียจากร่างกายผู้ใช้", "Body loss"),
        _DB,
        Words(
            "Report ITU-R M.2292: 4 dB พบใน: การศึกษาการใช้คลื่นร่วมกันของ ITU-R ที่ระบุค่าตามรายงาน",
            "Report ITU-R M.2292: 4 dB; seen in: an ITU-R sharing study that lists the report's parameters",
        ),
        Check.SECONDARY,
    ),
    "uePowerDbm": _Quantity(
        Words("กำลังส่งเครื่องลูกข่าย", "Device power"),
        _DBM,
        Words(
            "3GPP TS 38.101-3 ตาราง 6.2B.1.1-1 ชั้นกำลังปกติ 3: 23 dBm",
            "3GPP TS 38.101-3 table 6.2B.1.1-1, default power class 3: 23 dBm",
        ),
        Check.ORIGINAL,
    ),
    "uplinkMhz": _Quantity(
        Words("ความกว้างแถบขาส่งขึ้น", "Uplink bandwidth"),
        _MHZ,
        Words(
            "ค่าสมมติ: 1.8 เมกะเฮิรตซ์ (ทรัพยากรคลื่น 5 ชุด ระยะห่าง 30 กิโลเฮิรตซ์) ที่ขอบเซลล์",
            "assumption: 1.8 MHz (5 resource blocks of 30 kHz spacing) at the cell's edge",
        ),
        Check.OWN,
    ),
    "sinrMinDb": _Quantity(
        Words("อัตราส่วนสัญญาณต่อสัญญาณรบกวนต่ำสุด ขารับลง / ส่งขึ้น", "Least SINR, down / up"),
        _DB,
        Words(
            "ค่าสมมติ: ช่องควบคุมและการมอดูเลตขั้นต่ำใช้ได้ที่ -5 dB ขารับลง และ -3 dB ขาส่งขึ้น",
            "assumption: control channels and lowest modulation hold at -5 dB downlink, -3 dB uplink",
        ),
        Check.OWN,
    ),
    "interferenceMarginDb": _Quantity(
        Words("ส่วนเผื่อสัญญาณแทรกสอด ขารับลง / ส่งขึ้น", "Interference margin, down / up"),
        _DB,
        Words(
            "ค่าสมมติ: 3 dB ขารับลง 2 dB ขาส่งขึ้น เมื่อโครงข่ายมีภาระครึ่งหนึ่ง",
            "assumption: 3 dB downlink, 2 dB uplink at half load",
        ),
        Check.OWN,
    ),
    "locationProbability": _Quantity(
        Words("สัดส่วนตำแหน่งในช่องที่ต้องใช้งานได้", "Share of places in a cell that must be served"),
        _SHARE,
        Words(
            "ค่าสมมติ: ถือว่าครอบคลุมเมื่อเก้าในสิบตำแหน่งของช่องใช้ได้",
            "assumption: a cell counts as covered when nine of ten places in it are",
        ),
        Check.OWN,
    ),
    "efficiency": _Quantity(
        Words("ประสิทธิภาพเทียบขีดจำกัดแชนนอน", "Share of Shannon's bound"),
        _SHARE,
        Words(
            "0.6 ของขีดจำกัดแชนนอน: 3GPP TR 36.942 ภาคผนวก A พบใน: แบบจำลองสาธารณะที่อ้างค่านี้ เพดานของรายงานคือ 4.4 บิตต่อวินาทีต่อเฮิรตซ์ "
            "ค่าที่ใช้คือ 7.4 (TS 38.214 ตาราง 5.1.3.1-2: 256-QAM 948/1024 หนึ่งชั้น)",
            "0.6 of Shannon's bound: 3GPP TR 36.942 annex A; seen in: public link models that quote it. The report's own "
            "ceiling is 4.4 bit/s/Hz; ours is 7.4 (TS 38.214 table 5.1.3.1-2: 256-QAM 948/1024, one layer)",
        ),
        Check.SECONDARY,
    ),
    "downlinkShare": _Quantity(
        Words("สัดส่วนเวลาขารับลง", "Share of time for the downlink"),
        _SHARE,
        Words(
            "ค่าสมมติ: 1 สำหรับคลื่นแบบคู่ 0.75 สำหรับแบบแบ่งเวลา", "assumption: 1 for paired spectrum, 0.75 for TDD"
        ),
        Check.OWN,
    ),
    "load": _Quantity(
        Words("ภาระของเซลล์ข้างเคียง", "Load of neighbouring cells"),
        _SHARE,
        Words(
            "ค่าสมมติ: เซลล์ข้างเคียงมีภาระการใช้งานเฉลี่ยร้อยละ 50",
            "assumption: half of the neighbours' power interferes on average",
        ),
        Check.OWN,
    ),
    "extraLossDb": _Quantity(
        Words("การสูญเสียเพิ่มเติมจากภูมิประเทศและพืชพรรณ", "Extra loss for hills and vegetation"),
        _DB,
        Words(
            "ค่าสมมติ: 0–10 เดซิเบลทุกเส้นทาง เพราะไม่มีแบบจำลองความสูงของภูเก็ตที่เปิดเผย",
            "assumption: 0 to 10 dB on every path; no open elevation model of Phuket is at hand",
        ),
        Check.OWN,
    ),
}
"""The quantities of a link budget by their JSON name, each with its source."""
LIMITS: Final = {
    "en": "Statistical model without terrain or buildings: it does not know the radio shadows of the island's hills. "
    "Their effect is stated as a range of 0 to 10 dB of extra loss. Sites are assumed, since mast positions are not "
    "public. Residents only, no visitors.",
    "th": "เป็นแบบจำลองเชิงสถิติ ไม่มีข้อมูลภูมิประเทศและอาคาร จึงไม่รู้เงาสัญญาณหลังภูเขาของเกาะ "
    "ผลดังกล่าวแสดงเป็นช่วงการสูญเสียเพิ่มเติม 0–10 เดซิเบล "
    "ตำแหน่งสถานีเป็นค่าสมมติ เพราะไม่มีข้อมูลเสาสัญญาณที่เปิดเผย นับเฉพาะผู้อยู่อาศัย ไม่รวมนักท่องเที่ยว",
}


@dataclass(frozen=True, slots=True)
class Band:
    key: str
    name: dict[str, str]
    f_ghz: float
    bandwidth_mhz: float
    eirp_dbm: float
    bs_gain_dbi: float  # net of feeder loss; serves the uplink
    downlink_share: float


BANDS: Final[dict[str, Band]] = {
    "700": Band("700", {"th": "700 เมกะเฮิรตซ์", "en": "700 MHz"}, 0.773, 20.0, 58.0, 12.0, 1.0),
    "3500": Band("3500", {"th": "3.5 กิกะเฮิรตซ์", "en": "3.5 GHz"}, 3.5, 100.0, 70.4, 24.4, 0.75),
    "6000": Band("6000", {"th": "6 กิกะเฮิรตซ์ (ตอนบน)", "en": "6 GHz (upper)"}, 6.775, 100.0, 73.5, 27.5, 0.75),
}


@dataclass(frozen=True, slots=True)
class Budget:
    """Everything of the link budget that does not depend on the band."""

    ue_noise_db: float = 7.0
    bs_noise_db: float = 5.0
    body_loss_db: float = 4.0
    ue_power_dbm: float = 23.0
    uplink_mhz: float = 1.8
    sinr_down_db: float = -5.0
    sinr_up_db: float = -3.0
    margin_down_db: float = 3.0
    margin_up_db: float = 2.0
    location_probability: float = 0.9
    efficiency: float = 0.6
    se_max: float = 7.4
    load: float = 0.5
    sectors: int = 3
    ue_height_m: float = 1.5
    extra_loss_db: float = 0.0  # on every path, for hills and vegetation

    def noise_dbm(self, bandwidth_mhz: float, figure_db: float) -> float:
        return THERMAL_DBM_HZ + 10.0 * math.log10(bandwidth_mhz * 1e6) + figure_db

    def max_path_loss(self, band: Band) -> tuple[float, float]:
        """Greatest median loss in dB that downlink and uplink bear, shadow fading not yet taken off."""
        down = (
            band.eirp_dbm
            - self.body_loss_db
            - self.noise_dbm(band.bandwidth_mhz, self.ue_noise_db)
            - self.sinr_down_db
            - self.margin_down_db
        )
        up = (
            self.ue_power_dbm
            + band.bs_gain_dbi
            - self.body_loss_db
            - self.noise_dbm(self.uplink_mhz, self.bs_noise_db)
            - self.sinr_up_db
            - self.margin_up_db
        )
        return down, up

    def as_json(self, band: Band) -> dict[str, Any]:
        down, up = self.max_path_loss(band)
        return {
            "frequencyGhz": band.f_ghz,
            "bandwidthMhz": band.bandwidth_mhz,
            "eirpDbm": band.eirp_dbm,
            "bsGainDbi": band.bs_gain_dbi,
            "downlinkShare": band.downlink_share,
            "ueNoiseDb": self.ue_noise_db,
            "bsNoiseDb": self.bs_noise_db,
            "bodyLossDb": self.body_loss_db,
            "uePowerDbm": self.ue_power_dbm,
            "uplinkMhz": self.uplink_mhz,
            "sinrMinDb": {"down": self.sinr_down_db, "up": self.sinr_up_db},
            "interferenceMarginDb": {"down": self.margin_down_db, "up": self.margin_up_db},
            "locationProbability": self.location_probability,
            "efficiency": self.efficiency,
            "load": self.load,
            "extraLossDb": self.extra_loss_db,
            "sectors": self.sectors,
            "maxPathLossDb": {"down": round(down, 1), "up": round(up, 1)},
            "limitedBy": "uplink" if up < down else "downlink",
        }


def constants_of(band: Band, budget: Budget) -> list[Constant]:
    """Every quantity of the budget with its value, source and check; two values are downlink and uplink."""
    given = budget.as_json(band)
    return [
        Constant(name, one.name, _shown(given[name]), one.unit, one.source, one.check)
        for name, one in QUANTITIES.items()
    ]


def _shown(given: Any) -> float | str:
    return f"{given['down']:g} / {given['up']:g}" if isinstance(given, dict) else float(given)


BUDGET_RANGES: Final[dict[str, tuple[str, float, float]]] = {
    "ueNoiseDb": ("ue_noise_db", 0.0, 20.0),
    "bsNoiseDb": ("bs_noise_db", 0.0, 20.0),
    "bodyLossDb": ("body_loss_db", 0.0, 20.0),
    "uePowerDbm": ("ue_power_dbm", 0.0, 40.0),
    "uplinkMhz": ("uplink_mhz", 0.1, 100.0),
    "locationProbability": ("location_probability", 0.5, 0.99),
    "efficiency": ("efficiency", 0.05, 1.0),
    "load": ("load", 0.0, 1.0),
    "extraLossDb": ("extra_loss_db", 0.0, 40.0),
    "terminalHeightM": ("ue_height_m", 1.5, 10.0),
}
"""The parameters that a caller may change: JSON name → field, least, greatest."""


def budget_of(changes: Any) -> Budget:
    """A Budget with a caller's changes. Raises BadRequestData naming the field that is wrong."""
    if changes is None:
        return Budget()
    if not isinstance(changes, dict):
        raise BadRequestData('budget must be an object such as {"load": 0.5}', field="budget")
    fields: dict[str, Any] = {}
    for name, given in changes.items():
        if name not in BUDGET_RANGES:
            raise BadRequestData(
                f"budget has no member {name!r}; it may have {', '.join(BUDGET_RANGES)}",
                field=f"budget/{name}",
            )
        attr, low, high = BUDGET_RANGES[name]
        if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
            raise NumberOutOfRange(field=f"budget/{name}", low=low, high=high)
        fields[attr] = float(given)
    return Budget(**fields)
