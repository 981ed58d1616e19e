"""Attributes that every entity can have, and those that types of several rooms have in common."""

from __future__ import annotations

from typing import Final

from andaman.kernel.words import Words
from andaman.units import DD, KMH
from andaman.vocabulary import Attribute, Code, Namespace

NAME: Final = Attribute("name", Words("ชื่อ", "Name"), "LanguageProperty")
LOCATION: Final = Attribute(
    "location", Words("ตำแหน่ง", "Location"), "GeoProperty", note="WGS 84, `[lon, lat]`"
)
ORIGIN: Final = Attribute(
    "origin",
    Words("ที่มาของค่า", "Origin of the values"),
    codes=(
        Code("measured", Words("ตรวจวัด", "Measured")),
        Code("reported", Words("ตามแหล่งข้อมูล", "Reported")),
        Code("computed", Words("คำนวณ", "Computed")),
        Code("proposed", Words("ข้อเสนอของผู้จัดทำ", "Own proposal")),
        Code("replayed", Words("ข้อมูลย้อนหลัง", "Replayed")),
        Code("simulated", Words("จำลอง", "Simulated")),
    ),
    note="how the values came to be; shown on every screen",
    namespace=Namespace.OWN,
    hidden=True,
)
SOURCE: Final = Attribute(
    "source",
    Words("แหล่งข้อมูล", "Source"),
    note="who measured or published, with licence where it matters",
    hidden=True,
)
AGENCY: Final = Attribute(
    "agency",
    Words("หน่วยงาน", "Agency"),
    note="code of the agency in charge, such as `pk-ddpm`",
    shown="code",
    hidden=True,
)
DATASET: Final = Attribute(
    "dataset", Words("ชุดข้อมูล", "Dataset"), note="code of the catalogue dataset", hidden=True
)
COMMON: Final = (NAME, LOCATION, ORIGIN, SOURCE, AGENCY, DATASET)
"""Every entity can have these."""

# Attributes of types in several rooms.
LEVEL: Final = Attribute(
    "level",
    Words("ระดับ", "Level"),
    codes=(
        Code("province", Words("จังหวัด", "Province")),
        Code("amphoe", Words("อำเภอ", "District (amphoe)")),
        Code("tambon", Words("ตำบล", "Subdistrict (tambon)")),
    ),
)
REPLAY_OF: Final = Attribute(
    "replayOf", Words("เวลาจริงของข้อมูล", "True time of the record"), note="true time of a replayed record"
)
CODE: Final = Attribute("code", Words("รหัส", "Code"))
ADDRESS: Final = Attribute("address", Words("สถานที่", "Place"))
DIRECTION: Final = Attribute(
    "direction",
    Words("ทิศทางเดินรถ", "Direction"),
    codes=(
        Code("northbound", Words("มุ่งเหนือ", "northbound")),
        Code("southbound", Words("มุ่งใต้", "southbound")),
        Code("eastbound", Words("มุ่งตะวันออก", "eastbound")),
        Code("westbound", Words("มุ่งตะวันตก", "westbound")),
        Code("loop", Words("วนรอบ", "loop")),
        Code("outbound", Words("ขาออก", "Outbound")),
        Code("inbound", Words("ขาเข้า", "Inbound")),
    ),
)
KPI_VALUE: Final = Attribute("kpiValue", Words("ค่าล่าสุด", "Latest value"), note="the latest")
CALCULATION_PERIOD: Final = Attribute("calculationPeriod", Words("ช่วงเวลาที่คำนวณ", "Period"), "JsonProperty")
UNIT: Final = Attribute("unit", Words("หน่วยวัด", "Unit of measurement"))
SPEED: Final = Attribute("speed", Words("ความเร็ว", "Speed"), unit=KMH)
BEARING: Final = Attribute("bearing", Words("ทิศทาง", "Bearing"), unit=DD)
DEFINITION: Final = Attribute(
    "definition",
    Words("คำนิยาม", "Definition"),
    "JsonProperty",
    note="the declarative definition",
    hidden=True,
)
DESCRIPTION: Final = Attribute("description", Words("รายละเอียด", "Description"), "LanguageProperty")
RESULT: Final = Attribute(
    "result", Words("ผลการคำนวณ", "Result"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
)
SCENARIO: Final = Attribute("scenario", Words("ฉากทัศน์", "Scenario"), namespace=Namespace.DEFAULT)
