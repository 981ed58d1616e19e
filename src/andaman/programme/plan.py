"""The technical-assistance package as data: objectives, parts, deliverables, milestones, and what proves each.

Facts of the announcement of 20 September 2022 (depa and USTDA signed on 19 September 2022; in force five years).
The announcement names purposes and parts, not dates: the dates of milestones here are this programme's own plan and say so
(``basis``). Progress is never typed in: each deliverable lists checks over the platform's own entities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from andaman.kernel.words import Words

SIGNED: Final = "2022-09-18T17:00:00Z"  # 19 September 2022, 00:00 in Bangkok
ENDS: Final = "2027-09-18T17:00:00Z"  # five years in force

TITLE: Final[Words] = Words(
    "โครงการความช่วยเหลือทางวิชาการเมืองอัจฉริยะภูเก็ต",
    "Phuket Smart City Technical Assistance Package",
)
SOURCE: Final[Words] = Words(
    "ประกาศของรัฐบาล 20 กันยายน 2565: สำนักงานส่งเสริมเศรษฐกิจดิจิทัล (depa) และ USTDA ลงนามเมื่อ 19 กันยายน 2565 "
    "มีผลบังคับใช้ห้าปี",
    "Government announcement of 20 September 2022: depa and USTDA signed on 19 September 2022; "
    "in force for five years",
)
BASIS: Final[Words] = Words(
    "ประกาศไม่ได้กำหนดวันของงานย่อย การจัดกลุ่มเป็นสามวัตถุประสงค์และวันที่กำหนดเป็นแผนของสำนักงานโครงการ",
    "The announcement sets no dates for single pieces of work; the grouping into three objectives and the due dates "
    "are the programme office's own plan",
)

Measure = Literal["count", "distinct-types", "share"]


@dataclass(frozen=True, slots=True)
class Check:
    """One piece of evidence: entities of ``types`` (any of them) that satisfy ``q``, at least ``target`` of them.

    ``measure`` "count" counts entities, "distinct-types" counts how many of ``types`` have at least one entity,
    "share" is the percentage of entities of ``types`` that satisfy ``q``. ``q`` is NGSI-LD query language with
    short names of the city context.
    """

    id: str
    title: Words
    types: tuple[str, ...]
    target: float
    q: str = ""
    measure: Measure = "count"


@dataclass(frozen=True, slots=True)
class Deliverable:
    """Something promised. ``due`` is ISO 8601; weights of checks within a deliverable are equal."""

    id: str
    part: Words
    title: Words
    due: str
    room: str  # where in the platform it lives; also the screen to open
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Objective:
    id: str
    title: Words
    deliverables: tuple[Deliverable, ...]


OBJECTIVES: Final[tuple[Objective, ...]] = (
    Objective(
        "O1",
        Words(
            "การศึกษาและจัดทำแผนพัฒนาเมืองอัจฉริยะ และการพัฒนาโครงสร้างพื้นฐานเทคโนโลยีสารสนเทศและการสื่อสาร",
            "Study and plan the smart city, and develop the ICT infrastructure the province needs",
        ),
        (
            Deliverable(
                "D1.1",
                Words("การประเมินโครงสร้างพื้นฐานของเมือง", "Assessment of the city's infrastructure"),
                Words("ชุดตัวชี้วัดเมืองพร้อมที่มาและคุณภาพ", "City indicators with source and quality"),
                "2023-09-30T17:00:00Z",
                "/assessment",
                (
                    Check(
                        "D1.1a",
                        Words("ข้อมูลอนุกรมสถิติของจังหวัดที่นำเข้าแล้ว", "Provincial statistics loaded"),
                        ("KeyPerformanceIndicator",),
                        50,
                    ),
                    Check(
                        "D1.1b",
                        Words("ตัวชี้วัดที่คำนวณได้จากหลักฐาน", "Indicators computed from evidence"),
                        ("IndicatorValue",),
                        12,
                        'indicatorStatus=="computed"',
                    ),
                    Check(
                        "D1.1c",
                        Words("ช่วงถนนในโครงข่ายที่ใช้วิเคราะห์การเข้าถึง", "Road links available to the analysis"),
                        ("RoadSegment",),
                        800,
                    ),
                ),
            ),
            Deliverable(
                "D1.2",
                Words(
                    "โครงสร้างพื้นฐาน ICT: 5G และคลื่นความถี่ 6 กิกะเฮิรตซ์",
                    "ICT infrastructure: 5G and the 6 GHz band",
                ),
                Words("แบบจำลองความครอบคลุมโครงข่ายไร้สาย", "Radio coverage cases computed"),
                "2024-03-31T17:00:00Z",
                "/connectivity",
                (
                    Check(
                        "D1.2a",
                        Words("กรณีความครอบคลุมที่คำนวณแล้ว", "Coverage cases computed"),
                        ("CoverageRun",),
                        3,
                    ),
                ),
            ),
            Deliverable(
                "D1.3",
                Words(
                    "ข้อเสนอแนะขับเคลื่อนการประยุกต์ใช้เทคโนโลยีดิจิทัลให้เป็นรูปธรรม",
                    "Recommendations that drive digital technology into concrete use",
                ),
                Words("แผนที่นำทางและชุดมาตรการที่คัดเลือกด้วยหลักฐาน", "Roadmap: measures chosen on evidence"),
                "2024-09-30T17:00:00Z",
                "/roadmap",
                (
                    Check(
                        "D1.3a",
                        Words("มาตรการที่มีต้นทุนและผลลัพธ์", "Measures with cost and effect"),
                        ("Measure",),
                        20,
                    ),
                    Check("D1.3b", Words("ชุดมาตรการที่คำนวณแล้ว", "Portfolios computed"), ("Portfolio",), 1),
                ),
            ),
        ),
    ),
    Objective(
        "O2",
        Words(
            "คำแนะนำทางเทคนิคในการบริหารจัดการเมืองอัจฉริยะ: แพลตฟอร์มข้อมูลเมืองและศูนย์บัญชาการ",
            "Technical recommendations on managing a smart city: City Data Platform and Command Center",
        ),
        (
            Deliverable(
                "D2.1",
                Words("ระบบจัดเก็บและพัฒนาข้อมูลเมือง (City Data Platform)", "City Data Platform"),
                Words("ชุดข้อมูลเมืองในบัญชีข้อมูล พร้อมธรรมาภิบาล", "City datasets catalogued and governed"),
                "2024-12-31T17:00:00Z",
                "/data",
                (
                    Check("D2.1a", Words("ชุดข้อมูลในบัญชีข้อมูล", "Datasets in the catalogue"), ("Dataset",), 10),
                    Check(
                        "D2.1b",
                        Words("ชนิดข้อมูลสดของเมือง", "Kinds of live city data"),
                        (
                            "Vehicle",
                            "WeatherObserved",
                            "SeaLevelObserved",
                            "RoadAccident",
                            "DeviceMeasurement",
                        ),
                        4,
                        measure="distinct-types",
                    ),
                ),
            ),
            Deliverable(
                "D2.2",
                Words("ศูนย์บัญชาการ สถานการณ์และเหตุการณ์ฉุกเฉิน (Command Center)", "Command Center"),
                Words("วงจรตั้งแต่แจ้งเตือนจนปิดเหตุ", "From alert to closed incident"),
                "2025-06-30T17:00:00Z",
                "/",
                (
                    Check(
                        "D2.2a",
                        Words("กฎแจ้งเตือนที่ใช้งาน", "Alert rules in force"),
                        ("AlertRule",),
                        8,
                        "enabled==true",
                    ),
                    Check("D2.2b", Words("หน่วยปฏิบัติการในระบบ", "Units on the board"), ("EmergencyUnit",), 20),
                    Check(
                        "D2.2c",
                        Words("เหตุที่ปิดครบวงจร", "Incidents carried to their close"),
                        ("Incident",),
                        1,
                        'incidentStatus=="closed"',
                    ),
                ),
            ),
        ),
    ),
    Objective(
        "O3",
        Words(
            "การพัฒนาทักษะด้านเทคนิคและหลักสูตรฝึกอบรมบุคลากร เพื่อความยั่งยืน",
            "Technical skills and training curricula for personnel, for sustainability",
        ),
        (
            Deliverable(
                "D3.1",
                Words("ข้อเสนอแนะทักษะด้านเทคนิคที่จำเป็น", "Recommendations on the technical skills needed"),
                Words("บทบาทและสมรรถนะที่จำเป็น พร้อมช่องว่าง", "Roles and competencies required, with the gap"),
                "2025-12-31T17:00:00Z",
                "/training",
                (
                    Check("D3.1a", Words("บทบาทหน้าที่", "Roles described"), ("StaffRole",), 5),
                    Check("D3.1b", Words("สมรรถนะที่กำหนด", "Competencies defined"), ("Competency",), 15),
                ),
            ),
            Deliverable(
                "D3.2",
                Words("หลักสูตรฝึกอบรมบุคลากรด้านเทคนิค", "Training curricula for technical personnel"),
                Words("หลักสูตรที่เปิดสอน และการฝึกที่ประเมินจากบันทึก", "Courses held, drills scored from the record"),
                "2026-12-31T17:00:00Z",
                "/training",
                (
                    Check("D3.2a", Words("หลักสูตรพร้อมสอน", "Courses ready to teach"), ("Course",), 1),
                    Check(
                        "D3.2b",
                        Words("การฝึกที่ประเมินผลแล้ว", "Drills scored"),
                        ("DrillRun",),
                        1,
                        'drillStatus=="scored"',
                    ),
                    Check(
                        "D3.2c",
                        Words("ผลการเรียนที่ไม่ใช่ข้อมูลจำลอง", "Learning records that are not simulated"),
                        ("LearningRecord",),
                        10,
                        'origin!="simulated"',
                    ),
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Milestone:
    """A date of the five years; those with a deliverable are reached when its progress is full."""

    id: str
    title: Words
    due: str
    deliverable: str = ""
    fact: bool = False  # a historic fact of the announcement rather than a plan


MILESTONES: Final[tuple[Milestone, ...]] = (
    Milestone("M0", Words("ลงนามข้อตกลงความช่วยเหลือ", "Grant agreement signed"), SIGNED, fact=True),
    *(Milestone(f"M{d.id[1:]}", d.title, d.due, d.id) for o in OBJECTIVES for d in o.deliverables),
    Milestone("MX", Words("สิ้นสุดอายุข้อตกลง", "The agreement ends"), ENDS, fact=True),
)
