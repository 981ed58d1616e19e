"""Competencies, roles and what each role requires: our own declaration, with references to public frameworks.

Levels: 0 none, 1 knows of it, 2 works under guidance, 3 works alone, 4 leads and teaches others.
References: ESCO 1.1.1 skill groups (European Commission), NICE Framework v1 work roles (NIST, public domain),
TPQI units (Thailand Professional Qualification Institute) and OCSC circular W6/2561 on civil servants' digital skills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from andaman.kernel.words import Words

MAX_LEVEL: Final = 4


@dataclass(frozen=True, slots=True)
class Competency:
    """``valid_days``: after that many days a proof of it no longer counts and must be renewed."""

    id: str
    name: Words
    area: str
    reference: str
    valid_days: int


@dataclass(frozen=True, slots=True)
class StaffRole:
    """``requires``: competency id → level every holder must have; ``posts``: people needed at one time or in all shifts."""

    id: str
    name: Words
    posts: int
    basis: Words
    requires: dict[str, int]


COMPETENCIES: Final[tuple[Competency, ...]] = (
    Competency(
        "situation-awareness",
        Words("การรับรู้สถานการณ์จากแผนที่และคิวแจ้งเตือน", "Reading the situation from map and alert queue"),
        "operations",
        "ESCO S4.1.7",
        365,
    ),
    Competency(
        "alert-handling",
        Words("การรับทราบและคัดกรองการแจ้งเตือน", "Acknowledging and triaging alerts"),
        "operations",
        "ESCO S2.2.7",
        365,
    ),
    Competency(
        "incident-command",
        Words("การบัญชาการเหตุการณ์", "Incident command"),
        "operations",
        "ISO 22320; ESCO S4.1.7",
        365,
    ),
    Competency(
        "dispatch",
        Words("การสั่งการและติดตามหน่วยปฏิบัติการ", "Dispatching and following units"),
        "operations",
        "ISO 22320",
        365,
    ),
    Competency(
        "public-warning",
        Words("การร้องขอแจ้งเตือนภัยประชาชน", "Requesting public warnings"),
        "operations",
        "CAP 1.2; ESCO S4.1.7",
        365,
    ),
    Competency(
        "incident-record",
        Words("การบันทึกเหตุการณ์และการส่งต่อเวร", "Keeping the record and handing over a shift"),
        "operations",
        "ESCO S2.2.7",
        730,
    ),
    Competency(
        "inter-agency",
        Words("การประสานงานระหว่างหน่วยงาน", "Working across agencies"),
        "operations",
        "TPQI CEC-MTBN-029",
        730,
    ),
    Competency(
        "digital-basics",
        Words("การใช้งานดิจิทัลขั้นต้น", "Basic digital skills"),
        "digital",
        "TPQI DG-TNMQ-001; OCSC W6/2561",
        1095,
    ),
    Competency(
        "personal-data",
        Words("การคุ้มครองข้อมูลส่วนบุคคล", "Protecting personal data"),
        "governance",
        "NICE OG-WRL-008",
        365,
    ),
    Competency(
        "data-quality",
        Words("การตรวจสอบและปรับปรุงคุณภาพข้อมูล", "Checking and improving data quality"),
        "data",
        "NICE IO-WRL-001",
        730,
    ),
    Competency(
        "data-integration",
        Words("การเชื่อมต่อแหล่งข้อมูลและแบบจำลองข้อมูล NGSI-LD", "Connecting sources; NGSI-LD data models"),
        "data",
        "NICE IO-WRL-002",
        730,
    ),
    Competency(
        "data-governance",
        Words("ธรรมาภิบาลและการจัดชั้นข้อมูล", "Data governance and classification"),
        "governance",
        "NICE IO-WRL-003; OCSC W6/2561",
        1095,
    ),
    Competency(
        "spatial-analysis",
        Words("การวิเคราะห์เชิงพื้นที่", "Spatial analysis"),
        "analysis",
        "NICE IO-WRL-001",
        1095,
    ),
    Competency(
        "indicator-method",
        Words("ระเบียบวิธีตัวชี้วัดเมือง", "Method of city indicators"),
        "analysis",
        "ITU-T U4SSC",
        1095,
    ),
    Competency(
        "investment-planning",
        Words("การวางแผนลงทุนและเลือกมาตรการ", "Planning investment and choosing measures"),
        "analysis",
        "TPQI DG-WPJL-028",
        1095,
    ),
    Competency(
        "system-operation",
        Words("การดูแลระบบ สำรองและกู้คืนข้อมูล", "Running the system; backup and recovery"),
        "technology",
        "NICE IO-WRL-005",
        365,
    ),
    Competency(
        "cyber-response",
        Words("การรับมือภัยไซเบอร์", "Responding to cyber incidents"),
        "technology",
        "NICE PD-WRL-003",
        365,
    ),
    Competency(
        "device-networks",
        Words("โครงข่ายเซนเซอร์และการสื่อสารไร้สาย", "Sensor networks and wireless"),
        "technology",
        "NICE IO-WRL-004",
        730,
    ),
)

_SHIFTS = Words(
    "สมมติฐานของเรา: ประจำการตลอด 24 ชั่วโมง จุดละ 1 คน ใช้กำลังพล 5 คนต่อจุด",
    "Our assumption: one post round the clock takes five people (three shifts, leave and training)",
)
_OFFICE = Words("สมมติฐานของเรา: เวลาราชการ", "Our assumption: office hours")

ROLES: Final[tuple[StaffRole, ...]] = (
    StaffRole(
        "duty-officer",
        Words("เจ้าหน้าที่เวรศูนย์บัญชาการ", "Duty officer"),
        5,
        _SHIFTS,
        {
            "situation-awareness": 3,
            "alert-handling": 3,
            "incident-command": 2,
            "public-warning": 2,
            "incident-record": 3,
            "inter-agency": 2,
            "digital-basics": 3,
            "personal-data": 2,
        },
    ),
    StaffRole(
        "dispatcher",
        Words("เจ้าหน้าที่สั่งการ", "Dispatcher"),
        5,
        _SHIFTS,
        {
            "situation-awareness": 3,
            "alert-handling": 3,
            "dispatch": 3,
            "incident-command": 3,
            "incident-record": 3,
            "inter-agency": 3,
            "digital-basics": 3,
            "personal-data": 2,
        },
    ),
    StaffRole(
        "data-officer",
        Words("เจ้าหน้าที่ข้อมูล", "Data officer"),
        2,
        _OFFICE,
        {
            "data-quality": 3,
            "data-integration": 3,
            "data-governance": 3,
            "personal-data": 3,
            "spatial-analysis": 2,
            "digital-basics": 3,
        },
    ),
    StaffRole(
        "planner",
        Words("นักวิเคราะห์นโยบายและแผน", "Planner"),
        2,
        _OFFICE,
        {
            "indicator-method": 3,
            "spatial-analysis": 3,
            "investment-planning": 3,
            "data-quality": 2,
            "data-governance": 2,
            "digital-basics": 3,
        },
    ),
    StaffRole(
        "platform-engineer",
        Words("วิศวกรแพลตฟอร์ม", "Platform engineer"),
        2,
        _OFFICE,
        {
            "system-operation": 3,
            "cyber-response": 3,
            "device-networks": 3,
            "data-integration": 3,
            "personal-data": 2,
            "digital-basics": 4,
        },
    ),
)
