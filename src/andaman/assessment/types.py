"""Indicators and studies of the city."""

from __future__ import annotations

from typing import Final

from andaman.assessment.permissions import WRITE_SITES
from andaman.common_attributes import CALCULATION_PERIOD, KPI_VALUE, RESULT, SCENARIO, UNIT
from andaman.kernel.words import Words
from andaman.units import MTR
from andaman.vocabulary import Attribute, Code, EntityType, Namespace

_INPUTS_FINGERPRINT: Final = Attribute(
    "inputsFingerprint",
    Words("ลายพิมพ์ข้อมูลนำเข้า", "Fingerprint of the inputs"),
    namespace=Namespace.DEFAULT,
    hidden=True,
)

INDICATOR_VALUE: Final = EntityType(
    "IndicatorValue",
    Words("ค่าตัวชี้วัดเมือง", "Indicator value"),
    (
        Attribute("indicatorCode", Words("รหัสตัวชี้วัด", "Indicator code"), namespace=Namespace.DEFAULT),
        Attribute(
            "indicatorStatus",
            Words("สถานะตัวชี้วัด", "Indicator status"),
            codes=(
                Code("computed", Words("คำนวณได้", "Computed")),
                Code("insufficientData", Words("ข้อมูลไม่เพียงพอ", "Insufficient data")),
            ),
            namespace=Namespace.DEFAULT,
        ),
        Attribute("formula", Words("สูตรคำนวณ", "Formula"), namespace=Namespace.DEFAULT),
        Attribute("method", Words("วิธีคำนวณ", "Method"), "LanguageProperty", namespace=Namespace.DEFAULT),
        Attribute("qualityStep", Words("ขั้นคุณภาพข้อมูล", "Quality step"), namespace=Namespace.DEFAULT),
        Attribute(
            "inputs", Words("ข้อมูลนำเข้า", "Inputs"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        Attribute("range", Words("ช่วงค่า", "Range"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True),
        Attribute(
            "reasons",
            Words("เหตุที่คำนวณไม่ได้", "Why it cannot be computed"),
            "JsonProperty",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        Attribute(
            "target", Words("เป้าหมาย", "Target"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        KPI_VALUE,
        CALCULATION_PERIOD,
        UNIT,
    ),
    ("indicators",),
    ids="urn:ngsi-ld:IndicatorValue:<indicator>",
    note="Also a `KeyPerformanceIndicator`. `inputs` names the entities behind the value; some of them are not public.",
    classified={"inputs": "security"},
)

ACCESSIBILITY_STUDY: Final = EntityType(
    "AccessibilityStudy",
    Words("ผลการศึกษาการเข้าถึง", "Accessibility study"),
    (
        RESULT,
        _INPUTS_FINGERPRINT,
    ),
    ("indicators",),
    namespace=Namespace.DEFAULT,
)

CRITICALITY_STUDY: Final = EntityType(
    "CriticalityStudy",
    Words("ผลการศึกษาช่วงถนนสำคัญ", "Criticality study"),
    (
        RESULT,
        _INPUTS_FINGERPRINT,
    ),
    ("critical-infrastructure",),
    namespace=Namespace.DEFAULT,
)

NETWORK_SITE: Final = EntityType(
    "NetworkSite",
    Words("สถานีโทรคมนาคม", "Network site"),
    (
        Attribute(
            "antennaHeight", Words("ความสูงสายอากาศ", "Antenna height"), unit=MTR, namespace=Namespace.DEFAULT
        ),
        SCENARIO,
    ),
    ("critical-infrastructure",),
    written_by=WRITE_SITES,
)

COVERAGE_RUN: Final = EntityType(
    "CoverageRun",
    Words("ผลคำนวณความครอบคลุม", "Coverage run"),
    (
        Attribute("band", Words("ย่านความถี่", "Band"), namespace=Namespace.DEFAULT),
        Attribute("isDefault", Words("แผนเริ่มต้น", "Default plan"), namespace=Namespace.DEFAULT),
        Attribute("siteCount", Words("จำนวนสถานี", "Number of sites"), namespace=Namespace.DEFAULT),
        Attribute(
            "sites", Words("ที่ตั้งสถานี", "Sites"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        RESULT,
        Attribute(
            "grid", Words("ผลบนตาราง", "Grid"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        _INPUTS_FINGERPRINT,
    ),
    ("coverage",),
    classified={"sites": "security"},
)

TYPES: Final = (INDICATOR_VALUE, ACCESSIBILITY_STUDY, CRITICALITY_STUDY, NETWORK_SITE, COVERAGE_RUN)
