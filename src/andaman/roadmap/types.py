"""Gaps, measures and portfolios of measures."""

from __future__ import annotations

from typing import Final

from andaman.common_attributes import DEFINITION, DESCRIPTION, RESULT
from andaman.kernel.words import Words
from andaman.roadmap.permissions import MANAGE_MEASURES
from andaman.vocabulary import Attribute, Code, EntityType, Namespace

GAP: Final = EntityType(
    "Gap",
    Words("ช่องว่าง", "Gap"),
    (
        Attribute("indicator", Words("ตัวชี้วัด", "Indicator"), namespace=Namespace.DEFAULT),
        Attribute(
            "gapStatus",
            Words("สถานะช่องว่าง", "State of the gap"),
            codes=(
                Code("open", Words("ยังไม่ถึงเป้าหมาย", "Target not met")),
                Code("met", Words("ถึงเป้าหมาย", "Target met")),
                Code("noTarget", Words("ไม่มีเป้าหมาย", "No target")),
                Code("unknown", Words("ข้อมูลไม่เพียงพอ", "Insufficient data")),
            ),
            namespace=Namespace.DEFAULT,
        ),
        Attribute(
            "gap",
            Words("ช่องว่างจากเป้าหมาย", "Gap to the target"),
            "JsonProperty",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        Attribute("measures", Words("มาตรการ", "Measures"), namespace=Namespace.DEFAULT),
    ),
    ("roadmap",),
)

MEASURE: Final = EntityType(
    "Measure",
    Words("มาตรการ", "Measure"),
    (
        DESCRIPTION,
        Attribute("domain", Words("ด้าน", "Domain"), namespace=Namespace.DEFAULT),
        Attribute("leadYears", Words("ปีที่ใช้เตรียมการ", "Years of preparation"), namespace=Namespace.DEFAULT),
        Attribute(
            "capexMthb", Words("งบลงทุน", "Capital cost"), note="million baht", namespace=Namespace.DEFAULT
        ),
        Attribute(
            "opexMthb",
            Words("งบดำเนินงานต่อปี", "Operating cost a year"),
            note="million baht",
            namespace=Namespace.DEFAULT,
        ),
        DEFINITION,
        Attribute("edited", Words("แก้ไขโดยเจ้าหน้าที่", "Edited"), namespace=Namespace.DEFAULT),
        Attribute("competencies", Words("สมรรถนะที่ต้องมี", "Competencies needed"), namespace=Namespace.DEFAULT),
        Attribute("indicators", Words("ตัวชี้วัดที่เกี่ยวข้อง", "Indicators"), namespace=Namespace.DEFAULT),
    ),
    ("roadmap",),
    namespace=Namespace.OWN,
    written_by=MANAGE_MEASURES,
)

PORTFOLIO: Final = EntityType(
    "Portfolio",
    Words("ชุดมาตรการ", "Portfolio"),
    (
        RESULT,
        Attribute(
            "spending", Words("งบประมาณรวม", "Spending"), note="million baht", namespace=Namespace.DEFAULT
        ),
        Attribute(
            "netPresentValue",
            Words("มูลค่าปัจจุบันสุทธิคาดหมาย", "Expected net present value"),
            note="million baht",
            namespace=Namespace.DEFAULT,
        ),
        Attribute(
            "overBudgetShare",
            Words("สัดส่วนกรณีสุ่มที่เกินวงเงิน", "Share of draws over budget"),
            note="0 to 1; each cost drawn independently",
            namespace=Namespace.DEFAULT,
        ),
        Attribute(
            "overBudgetShareCommonCosts",
            Words(
                "สัดส่วนกรณีสุ่มที่เกินวงเงิน เมื่อต้นทุนทุกรายการสูงหรือต่ำพร้อมกัน",
                "Share over budget if all costs move together",
            ),
            note="0 to 1",
            namespace=Namespace.OWN,
        ),
        Attribute("proved", Words("พิสูจน์ว่าดีที่สุด", "Proved optimal"), namespace=Namespace.DEFAULT),
        Attribute("samples", Words("จำนวนตัวอย่าง", "Samples"), namespace=Namespace.DEFAULT),
    ),
    ("roadmap",),
)

TYPES: Final = (GAP, MEASURE, PORTFOLIO)
