"""Competencies, courses, staff and drills."""

from __future__ import annotations

from typing import Final

from andaman.common_attributes import LEVEL, SCENARIO
from andaman.kernel.words import Words
from andaman.training.tasks import ROLES
from andaman.units import MTR, SEC
from andaman.vocabulary import Attribute, Code, EntityType, Namespace

RECORD_SCOPE: Final = ("/training/record",)
"""Of what people have learned: personal data."""

_STEPS: Final = Attribute(
    "steps", Words("ขั้นตอน", "Steps"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
)
_PERSON: Final = Attribute("person", Words("บุคลากร", "Person"), namespace=Namespace.DEFAULT)
_PERSON_NAME: Final = Attribute(
    "personName", Words("ชื่อบุคลากร", "Name of the person"), namespace=Namespace.DEFAULT
)
_PERCENT: Final = Attribute("percent", Words("คะแนนร้อยละ", "Score in percent"), namespace=Namespace.DEFAULT)

_ISSUER: Final = Attribute(
    "issuer", Words("หน่วยงานที่ออกใบรับรอง", "Agency that certifies"), namespace=Namespace.OWN
)
_VALID_DAYS: Final = Attribute(
    "validDays", Words("อายุการรับรอง", "Days of validity"), namespace=Namespace.DEFAULT
)

COMPETENCY: Final = EntityType(
    "Competency",
    Words("สมรรถนะ", "Competency"),
    (
        Attribute("area", Words("กลุ่มสมรรถนะ", "Area of competence"), namespace=Namespace.DEFAULT),
        Attribute("reference", Words("เอกสารอ้างอิง", "Reference"), namespace=Namespace.DEFAULT),
        _VALID_DAYS,
    ),
    ("skills",),
    ids="urn:ngsi-ld:Competency:<code>",
    note="A row of the register of competencies.",
    configures=True,
)

STAFF_ROLE: Final = EntityType(
    "StaffRole",
    Words("บทบาทหน้าที่", "Staff role"),
    (
        Attribute("posts", Words("จำนวนอัตรา", "Posts"), namespace=Namespace.DEFAULT),
        Attribute(
            "basis", Words("ที่มาของจำนวนอัตรา", "Basis"), "LanguageProperty", namespace=Namespace.DEFAULT
        ),
        Attribute(
            "requires",
            Words("สมรรถนะที่กำหนด", "Required competencies"),
            "JsonProperty",
            note="list of competency and level",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
    ),
    ("skills",),
    ids="urn:ngsi-ld:StaffRole:<code>",
    note="A row of the register of staff roles.",
    configures=True,
)

COURSE: Final = EntityType(
    "Course",
    Words("หลักสูตร", "Course"),
    (
        Attribute("summary", Words("สาระสำคัญ", "Summary"), "LanguageProperty", namespace=Namespace.DEFAULT),
        Attribute(
            "staffRoles", Words("บทบาทหน้าที่ที่ควรเรียน", "Roles that should take it"), namespace=Namespace.OWN
        ),
        _VALID_DAYS,
        _ISSUER,
        _STEPS,
    ),
    ("skills",),
    ids="urn:ngsi-ld:Course:<code>",
    note="A row of the register of courses. Its steps hold the answers of the questions.",
    configures=True,
    classified={"steps": "personal"},
)

COURSE_STEP: Final = EntityType(
    "CourseStep",
    Words("ขั้นตอนของหลักสูตร", "Course step"),
    (),
    ("skills",),
    note="Not stored today: the steps are in the course.",
)

STAFF_MEMBER: Final = EntityType(
    "StaffMember",
    Words("บุคลากร", "Staff member"),
    (
        _PERSON,
        Attribute("staffRole", Words("บทบาทหน้าที่", "Staff role"), namespace=Namespace.DEFAULT),
    ),
    ("staff-training",),
    namespace=Namespace.DEFAULT,
)

ENROLMENT: Final = EntityType(
    "Enrolment",
    Words("การลงทะเบียนเรียน", "Enrolment"),
    (
        _PERSON,
        Attribute("refCourse", Words("หลักสูตร", "Course"), "Relationship", namespace=Namespace.DEFAULT),
        _STEPS,
        Attribute("completed", Words("เรียนจบแล้ว", "Completed"), namespace=Namespace.DEFAULT),
    ),
    ("staff-training",),
    namespace=Namespace.DEFAULT,
)

LEARNING_RECORD: Final = EntityType(
    "LearningRecord",
    Words("ประวัติการเรียนรู้", "Learning record"),
    (
        _PERSON,
        Attribute("competency", Words("สมรรถนะ", "Competency"), namespace=Namespace.DEFAULT),
        LEVEL,
        Attribute("evidence", Words("หลักฐาน", "Evidence"), namespace=Namespace.DEFAULT),
    ),
    ("staff-training",),
)

SKILL_GAP: Final = EntityType(
    "SkillGap",
    Words("ช่องว่างทักษะ", "Skill gap"),
    (),
    ("staff-training",),
    note="Not stored today: it is computed when it is asked for.",
)

DRILL_RUN: Final = EntityType(
    "DrillRun",
    Words("การฝึก", "Drill"),
    (
        SCENARIO,
        Attribute(
            "drillScript",
            Words("สถานการณ์ฝึกเมื่อเริ่ม", "Scenario at the start"),
            "JsonProperty",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        _PERSON,
        Attribute(
            "drillRole",
            Words("บทบาทในการฝึก", "Role in the drill"),
            codes=ROLES,
            namespace=Namespace.OWN,
        ),
        _PERSON_NAME,
        Attribute(
            "drillStatus",
            Words("สถานะการฝึก", "State of the drill"),
            codes=(
                Code("running", Words("กำลังฝึก", "Running")),
                Code("scored", Words("ให้คะแนนแล้ว", "Scored")),
                Code("aborted", Words("ยุติแล้ว", "Aborted")),
            ),
            namespace=Namespace.DEFAULT,
            shown="state",
        ),
        Attribute("exerciseTenant", Words("พื้นที่ฝึก", "Exercise tenant"), namespace=Namespace.DEFAULT),
        Attribute(
            "trainers", Words("ผู้ฝึกสอน", "Trainers"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        Attribute("startedAt", Words("เริ่มฝึกเมื่อ", "Started"), namespace=Namespace.DEFAULT),
        Attribute("finishedAt", Words("ฝึกเสร็จเมื่อ", "Finished"), namespace=Namespace.DEFAULT),
        Attribute(
            "startSeq",
            Words("ตำแหน่งเริ่มต้นในสมุดบันทึก", "Start position in the journal"),
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        Attribute(
            "injected",
            Words("เหตุการณ์สมมติที่ส่ง", "Injected events"),
            "JsonProperty",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        Attribute("score", Words("คะแนน", "Score"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True),
        _PERCENT,
        Attribute("passed", Words("ผ่านเกณฑ์", "Passed"), namespace=Namespace.DEFAULT),
        Attribute("tenantRemovedAt", Words("ลบพื้นที่ฝึกเมื่อ", "Tenant removed"), namespace=Namespace.DEFAULT),
    ),
    ("exercises",),
    configures=True,
    classified={
        "person": "personal",
        "personName": "personal",
        "trainers": "personal",
        "exerciseTenant": "personal",
        "score": "personal",
        "percent": "personal",
        "passed": "personal",
        "drillScript": "personal",
    },
)

EXERCISE: Final = EntityType(
    "Exercise",
    Words("สถานการณ์ฝึก", "Exercise"),
    (
        Attribute("briefing", Words("คำชี้แจงก่อนฝึก", "Briefing"), "LanguageProperty", namespace=Namespace.OWN),
        Attribute(
            "mainPlace",
            Words("ตำแหน่งของเหตุหลัก", "Place of the main event"),
            "JsonProperty",
            note="longitude and latitude",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "injects",
            Words("เหตุการณ์สมมติ", "Events of the script"),
            "JsonProperty",
            note="list of afterSeconds, kind, title, entityType, attributes",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "incidentTypes",
            Words("ประเภทเหตุที่ถูกต้อง", "Right kinds of incident"),
            namespace=Namespace.OWN,
        ),
        Attribute("severities", Words("ความรุนแรงที่ถูกต้อง", "Right severities"), namespace=Namespace.OWN),
        Attribute(
            "placeWithinMetres",
            Words("ระยะคลาดเคลื่อนของสถานที่ (เมตร)", "Distance that counts as the place (m)"),
            unit=MTR,
            namespace=Namespace.OWN,
        ),
        Attribute(
            "roleTasks",
            Words("งานของแต่ละบทบาท", "Tasks of each role"),
            "JsonProperty",
            note="list of role and tasks",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "limitSeconds", Words("เวลาฝึก (วินาที)", "Time limit in seconds"), unit=SEC, namespace=Namespace.OWN
        ),
        Attribute(
            "instrumentDistrict",
            Words("อำเภอของสถานีตรวจวัด", "District of the instruments"),
            note="English name",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "alertRules",
            Words("กฎการแจ้งเตือนของการฝึก", "Alert rules of the exercise"),
            "JsonProperty",
            note="list of id, name, definition",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    ("exercises",),
    ids="urn:ngsi-ld:Exercise:<code>",
    note="A row of the register of drill scenarios. All but its name and briefing is kept from those who play it.",
    configures=True,
    classified=dict.fromkeys(
        (
            "mainPlace",
            "injects",
            "incidentTypes",
            "severities",
            "placeWithinMetres",
            "roleTasks",
            "instrumentDistrict",
            "alertRules",
        ),
        "personal",
    ),
)

CERTIFICATE: Final = EntityType(
    "Certificate",
    Words("ใบรับรอง", "Certificate"),
    (
        _PERSON,
        _PERSON_NAME,
        Attribute("refCourse", Words("หลักสูตร", "Course"), "Relationship", namespace=Namespace.DEFAULT),
        Attribute(
            "certificateNumber", Words("เลขที่ใบรับรอง", "Number of the certificate"), namespace=Namespace.OWN
        ),
        Attribute("issuedAt", Words("ออกเมื่อ", "Issued"), namespace=Namespace.OWN),
        Attribute("validUntil", Words("ใช้ได้ถึง", "Valid until"), namespace=Namespace.OWN),
        _PERCENT,
        Attribute(
            "certified",
            Words("ผู้ออก สมรรถนะ และจำนวนครั้งที่ทำ", "Issuer, competencies and number of tries"),
            "JsonProperty",
            note="issuer (names), competencies (names, level) and tries (names of the step, kind, number)",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    ("staff-training",),
    note="Its name is that of the course. Its id cannot be guessed; anyone who has it may check the certificate.",
    configures=True,
)

TYPES: Final = (
    CERTIFICATE,
    COMPETENCY,
    STAFF_ROLE,
    COURSE,
    COURSE_STEP,
    STAFF_MEMBER,
    ENROLMENT,
    LEARNING_RECORD,
    SKILL_GAP,
    DRILL_RUN,
    EXERCISE,
)
