"""Radio bands and link budgets: defaults with their sources; a run may change all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from andaman.assessment.citation import Check, Cited
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NumberOutOfRange

THERMAL_DBM_HZ: Final = -174.0

SOURCES: Final[dict[str, Cited]] = {
    "eirpDbm": Cited(
        "700 MHz: 46 dBm and 15 dBi less 3 dB of feeder, 58 dBm e.i.r.p. per 10 MHz carrier, taken for 20 MHz too (Report "
        "ITU-R M.2292, table 2, macro below 1 GHz; seen in: public antenna and coverage code that quotes the table). "
        "3.5 and 6 GHz: 46 dBm into an array of 8x8 or 16x8 elements of 6.4 dBi (assumption)",
        Check.SECONDARY,
    ),
    "bandwidthMhz": Cited(
        "assumption: one operator's holding (20 MHz paired at 700 MHz, 100 MHz at 3.5 GHz, 100 MHz at 6 GHz)",
        Check.OWN,
    ),
    "ueNoiseDb": Cited(
        "Report ITU-R M.2412, table 5, 4 GHz: 7 dB, taken for all bands; seen in: a public simulator's set-up of that table",
        Check.SECONDARY,
    ),
    "bsNoiseDb": Cited(
        "Report ITU-R M.2412, table 5, 4 GHz: 5 dB, taken for all bands; seen in: a public simulator's set-up of that table",
        Check.SECONDARY,
    ),
    "bodyLossDb": Cited(
        "Report ITU-R M.2292: 4 dB; seen in: an ITU-R sharing study that lists the report's parameters",
        Check.SECONDARY,
    ),
    "uePowerDbm": Cited("3GPP TS 38.101-3 table 6.2B.1.1-1, default power class 3: 23 dBm", Check.ORIGINAL),
    "uplinkMhz": Cited(
        "assumption: 1.8 MHz (5 resource blocks of 30 kHz spacing) at the cell's edge", Check.OWN
    ),
    "sinrMinDb": Cited(
        "assumption: control channels and lowest modulation hold at -5 dB downlink, -3 dB uplink", Check.OWN
    ),
    "interferenceMarginDb": Cited("assumption: 3 dB downlink, 2 dB uplink at half load", Check.OWN),
    "locationProbability": Cited(
        "assumption: a cell counts as covered when nine of ten places in it are", Check.OWN
    ),
    "efficiency": Cited(
        "0.6 of Shannon's bound: 3GPP TR 36.942 annex A; seen in: public link models that quote it. The report's own "
        "ceiling is 4.4 bit/s/Hz; ours is 7.4 (TS 38.214 table 5.1.3.1-2: 256-QAM 948/1024, one layer)",
        Check.SECONDARY,
    ),
    "downlinkShare": Cited("assumption: 1 for paired spectrum, 0.75 for TDD", Check.OWN),
    "load": Cited("assumption: half of the neighbours' power interferes on average", Check.OWN),
}
LIMITS: Final = {
    "en": "Statistical model without terrain or buildings: the hills of the island cast radio shadows that it does not "
    "know. Sites are assumed, since mast positions are not public. Residents only, no visitors.",
    "th": "เป็นแบบจำลองเชิงสถิติ ไม่มีข้อมูลภูมิประเทศและอาคาร จึงไม่รวมเงาสัญญาณหลังภูเขาของเกาะ "
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
            "sectors": self.sectors,
            "maxPathLossDb": {"down": round(down, 1), "up": round(up, 1)},
            "limitedBy": "uplink" if up < down else "downlink",
        }


BUDGET_RANGES: Final[dict[str, tuple[str, float, float]]] = {
    "ueNoiseDb": ("ue_noise_db", 0.0, 20.0),
    "bsNoiseDb": ("bs_noise_db", 0.0, 20.0),
    "bodyLossDb": ("body_loss_db", 0.0, 20.0),
    "uePowerDbm": ("ue_power_dbm", 0.0, 40.0),
    "uplinkMhz": ("uplink_mhz", 0.1, 100.0),
    "locationProbability": ("location_probability", 0.5, 0.99),
    "efficiency": ("efficiency", 0.05, 1.0),
    "load": ("load", 0.0, 1.0),
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
