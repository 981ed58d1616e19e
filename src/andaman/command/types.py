"""Alerts, incidents and the units that are sent."""

from __future__ import annotations

from typing import Final

from andaman.common_attributes import ADDRESS, BEARING, CODE, DEFINITION, DESCRIPTION, REPLAY_OF, SPEED
from andaman.kernel.words import Words
from andaman.units import MTR, SEC
from andaman.vocabulary import Attribute, Code, EntityType, Layer, Namespace

SEVERITY: Final = Attribute(
    "severity",
    Words("ความรุนแรง", "Severity"),
    codes=(
        Code("Extreme", Words("วิกฤต", "Extreme")),
        Code("Severe", Words("รุนแรง", "Severe")),
        Code("Moderate", Words("ปานกลาง", "Moderate")),
        Code("Minor", Words("เล็กน้อย", "Minor")),
        Code("Unknown", Words("ไม่ทราบระดับ", "Unknown")),
    ),
)
_CLOSED_AT: Final = Attribute("closedAt", Words("ปิดเหตุเมื่อ", "Closed"))
_INCIDENT_TYPE: Final = Attribute(
    "incidentType", Words("ประเภทเหตุ", "Kind of incident"), register="/api/command/incident-types"
)
_REF_INCIDENT: Final = Attribute("refIncident", Words("เหตุ", "Incident"), "Relationship", place=True)
_REF_UNIT: Final = Attribute("refUnit", Words("หน่วย", "Unit"), "Relationship", place=True)
_REF_ASSIGNMENT: Final = Attribute(
    "refAssignment", Words("ภารกิจของหน่วย", "Assignment"), "Relationship", namespace=Namespace.DEFAULT
)
URGENCY: Final = Attribute(
    "urgency",
    Words("ความเร่งด่วน", "Urgency"),
    codes=(
        Code("Immediate", Words("ทันที", "Immediate")),
        Code("Expected", Words("คาดว่าจะเกิด", "Expected")),
        Code("Future", Words("ในอนาคต", "Future")),
        Code("Past", Words("ผ่านไปแล้ว", "Past")),
        Code("Unknown", Words("ไม่ทราบ", "Unknown")),
    ),
)
CERTAINTY: Final = Attribute(
    "certainty",
    Words("ความแน่นอน", "Certainty"),
    codes=(
        Code("Observed", Words("เกิดขึ้นจริง", "Observed")),
        Code("Likely", Words("น่าจะเกิด", "Likely")),
        Code("Possible", Words("อาจเกิด", "Possible")),
        Code("Unlikely", Words("ไม่น่าเกิด", "Unlikely")),
        Code("Unknown", Words("ไม่ทราบ", "Unknown")),
    ),
)
CATEGORY: Final = Attribute(
    "category",
    Words("หมวด", "Category"),
    codes=(
        Code("Geo", Words("ธรณีพิบัติ", "Geophysical")),
        Code("Met", Words("อุตุนิยมวิทยา", "Meteorological")),
        Code("Safety", Words("ความปลอดภัย", "Safety")),
        Code("Security", Words("ความมั่นคง", "Security")),
        Code("Rescue", Words("กู้ภัย", "Rescue")),
        Code("Fire", Words("อัคคีภัย", "Fire")),
        Code("Health", Words("สาธารณสุข", "Health")),
        Code("Env", Words("สิ่งแวดล้อม", "Environment")),
        Code("Transport", Words("คมนาคม", "Transport")),
        Code("Infra", Words("โครงสร้างพื้นฐาน", "Infrastructure")),
        Code(
            "CBRNE",
            Words(
                "เคมี ชีวะ รังสี นิวเคลียร์ และระเบิด",
                "Chemical, biological, radiological, nuclear, explosive",
            ),
        ),
        Code("Other", Words("อื่น ๆ", "Other")),
    ),
)
UNIT_TYPE: Final = Attribute(
    "unitType", Words("ประเภทหน่วย", "Kind of unit"), register="/api/command/unit-types"
)
UNIT_TYPES: Final = Attribute(
    "unitTypes",
    Words("หน่วยที่ต้องส่ง", "Units to send"),
    note="first choice first",
    namespace=Namespace.OWN,
)
_EXERCISE: Final = Attribute(
    "exercise", Words("อยู่ในการฝึก", "Part of an exercise"), namespace=Namespace.OWN, hidden=True
)
_ALERTS_LAYER: Final = Layer("alerts", Words("การแจ้งเตือน", "Alerts"), order=130)
_INCIDENTS_LAYER: Final = Layer("incidents", Words("เหตุที่ดำเนินการ", "Incidents"), order=120)
_UNITS_LAYER: Final = Layer("units", Words("หน่วยฉุกเฉิน", "Emergency units"), order=110)

ALERT_RULE: Final = EntityType(
    "AlertRule",
    Words("กฎการแจ้งเตือน", "Alert rule"),
    (
        Attribute("enabled", Words("ใช้งานอยู่", "Enabled")),
        DEFINITION,
    ),
    ("alerts",),
    configures=True,
)

ALERT: Final = EntityType(
    "Alert",
    Words("การแจ้งเตือน", "Alert"),
    (
        Attribute(
            "alertStatus",
            Words("สถานะการแจ้งเตือน", "Alert state"),
            codes=(
                Code("open", Words("รอรับทราบ", "Open")),
                Code("acknowledged", Words("รับทราบแล้ว", "Acknowledged")),
                Code("cleared", Words("กลับสู่ปกติ", "Cleared")),
                Code("closed", Words("ปิดแล้ว", "Closed")),
            ),
            shown="state",
        ),
        SEVERITY,
        URGENCY,
        CERTAINTY,
        CATEGORY,
        Attribute("alertSource", Words("แหล่งที่ตรวจพบ", "Raised by"), "Relationship", place=True),
        Attribute("rule", Words("กฎที่ใช้", "Rule"), "Relationship"),
        Attribute("dateIssued", Words("แจ้งเมื่อ", "Issued")),
        Attribute("lastSeen", Words("พบล่าสุด", "Last seen")),
        Attribute("occurrences", Words("จำนวนครั้ง", "Occurrences"), namespace=Namespace.OWN),
        Attribute(
            "data",
            Words("ค่าที่ทำให้แจ้งเตือน", "Values that raised it"),
            "JsonProperty",
            note="list of attribute, value, op, threshold, observedAt",
            hidden=True,
        ),
        Attribute(
            "firstData",
            Words("ค่าเมื่อแจ้งเตือน", "Values when it was raised"),
            "JsonProperty",
            note="`data` as it was at `dateIssued`",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute("onset", Words("เริ่มเกิด", "Onset"), namespace=Namespace.DEFAULT),
        Attribute(
            "signalStep",
            Words("ลำดับการประเมินกฎ", "Step of the rules"),
            note="number of the last change by the rules",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        Attribute("acknowledgedBy", Words("ผู้รับทราบ", "Acknowledged by")),
        Attribute("acknowledgedAt", Words("รับทราบเมื่อ", "Acknowledged")),
        Attribute("acknowledgeNote", Words("บันทึกการรับทราบ", "Note"), namespace=Namespace.DEFAULT),
        Attribute("clearedAt", Words("กลับสู่ปกติเมื่อ", "Cleared")),
        Attribute(
            "clearReason",
            Words("เหตุที่กลับสู่ปกติ", "Why cleared"),
            codes=(
                Code("condition", Words("ค่ากลับสู่เกณฑ์ปกติ", "the value is normal again")),
                Code("expired", Words("ครบกำหนดเวลา", "the time ran out")),
                Code("rule changed", Words("กฎการแจ้งเตือนเปลี่ยนแปลง", "the rule was changed")),
                Code("entity deleted", Words("แหล่งที่มาถูกลบ", "the source was deleted")),
                Code("superseded", Words("มีการแจ้งเตือนอื่นแทน", "another alert replaced it")),
            ),
            namespace=Namespace.DEFAULT,
        ),
        Attribute("closedBy", Words("ผู้ปิด", "Closed by")),
        _CLOSED_AT,
        Attribute("closeReason", Words("เหตุผลที่ปิด", "Why closed")),
        Attribute("instruction", Words("ข้อแนะนำ", "Advice"), "LanguageProperty", namespace=Namespace.DEFAULT),
        _INCIDENT_TYPE,
        _REF_INCIDENT,
        REPLAY_OF,
        _EXERCISE,
    ),
    ("alerts",),
    layer=_ALERTS_LAYER,
    searched=True,
    first_of=("alertStatus",),
)

INCIDENT: Final = EntityType(
    "Incident",
    Words("เหตุ", "Incident"),
    (
        Attribute(
            "incidentNumber",
            Words("หมายเลขเหตุ", "Incident number"),
            note="as people say it, such as `ภก 70-00042`",
            namespace=Namespace.OWN,
        ),
        _INCIDENT_TYPE,
        Attribute(
            "incidentStatus",
            Words("สถานะเหตุ", "Incident state"),
            codes=(
                Code("new", Words("รับแจ้ง", "New")),
                Code("triaged", Words("ประเมินแล้ว", "Triaged")),
                Code("dispatched", Words("สั่งการแล้ว", "Dispatched")),
                Code("onScene", Words("ถึงที่เกิดเหตุ", "On scene")),
                Code("controlled", Words("ควบคุมได้แล้ว", "Under control")),
                Code("closed", Words("ปิดแล้ว", "Closed")),
                Code("cancelled", Words("ยกเลิก", "Cancelled")),
            ),
            shown="state",
        ),
        SEVERITY,
        Attribute("priority", Words("ลำดับความสำคัญ", "Priority")),
        DESCRIPTION,
        ADDRESS,
        Attribute(
            "placeUnknown",
            Words("ไม่ทราบจุดเกิดเหตุ", "Place unknown"),
            note="true where a person said so; there is no location then",
            namespace=Namespace.OWN,
        ),
        Attribute("reporterName", Words("ผู้แจ้ง", "Reporter"), note="personal data"),
        Attribute("reporterPhone", Words("โทรศัพท์ผู้แจ้ง", "Reporter's phone"), note="personal data"),
        Attribute("refAlert", Words("การแจ้งเตือน", "Alert"), "Relationship", place=True),
        Attribute("openedAt", Words("เปิดเหตุเมื่อ", "Opened")),
        _CLOSED_AT,
        Attribute("outcome", Words("ผลการดำเนินการ", "Outcome")),
        Attribute(
            "disposition",
            Words("ข้อสรุปของเหตุ", "Conclusion"),
            codes=(
                Code("real", Words("เกิดเหตุจริง", "Real incident")),
                Code("falseReport", Words("แจ้งเท็จหรือเข้าใจผิด", "False report or mistake")),
                Code("duplicate", Words("ซ้ำกับเหตุอื่น", "Same as another incident")),
                Code("passedOn", Words("ส่งต่อหน่วยงานอื่น", "Passed on to another agency")),
            ),
            note="chosen when it is closed",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "entryCount", Words("จำนวนบันทึก", "Number of entries"), namespace=Namespace.DEFAULT, hidden=True
        ),
        Attribute(
            "awaitsDispatch",
            Words("รอผู้สั่งการดำเนินการ", "Waits for a dispatcher"),
            note="true from the hand-over until a unit is sent or somebody who may send units acts",
            namespace=Namespace.OWN,
        ),
        Attribute("reopenedAt", Words("เปิดเหตุอีกครั้งเมื่อ", "Reopened"), namespace=Namespace.DEFAULT),
        Attribute("createdBy", Words("ผู้เปิดเหตุ", "Opened by"), namespace=Namespace.DEFAULT),
        REPLAY_OF,
        _EXERCISE,
    ),
    ("incidents",),
    classified={"reporterName": "personal", "reporterPhone": "personal"},
    layer=_INCIDENTS_LAYER,
    searched=True,
    first_of=("incidentStatus",),
)

INCIDENT_NUMBER: Final = EntityType(
    "IncidentNumber",
    Words("หมายเลขเหตุที่ออกแล้ว", "Incident number that was given"),
    (
        Attribute(
            "fiscalYear",
            Words("ปีงบประมาณ (พ.ศ.)", "Thai fiscal year (B.E.)"),
            note="October to September",
            namespace=Namespace.OWN,
        ),
        Attribute("sequence", Words("ลำดับที่ในปีงบประมาณ", "Number within the year"), namespace=Namespace.OWN),
        _REF_INCIDENT,
        _EXERCISE,
    ),
    ("incidents",),
    note="Created in the same commit as its incident, so that no number is given twice. Without an incident: the last "
    "of the numbers that are left out after a restore.",
    namespace=Namespace.OWN,
)

TIMELINE_ENTRY: Final = EntityType(
    "TimelineEntry",
    Words("บันทึกเหตุการณ์", "Timeline entry"),
    (
        _REF_INCIDENT,
        Attribute(
            "number", Words("ลำดับที่", "Number"), note="1, 2, 3 … without gaps", namespace=Namespace.DEFAULT
        ),
        Attribute(
            "entryType",
            Words("ชนิดของบันทึก", "Kind of entry"),
            codes=(
                Code("created", Words("เปิดเหตุ", "Opened")),
                Code("step", Words("เปลี่ยนสถานะ", "Change of state")),
                Code("assignment", Words("ภารกิจของหน่วย", "Assignment")),
                Code("follows", Words("เหตุสืบเนื่อง", "Follow-up")),
                Code("check", Words("รายการตรวจสอบ", "Checklist")),
                Code("uncheck", Words("ยกเลิกรายการตรวจสอบ", "Checklist, taken back")),
                Code("correction", Words("แก้ไขข้อมูล", "Correction")),
                Code("note", Words("บันทึก", "Note")),
                Code("handover", Words("การส่งต่อ", "Hand-over")),
                Code("handoverSeen", Words("รับทราบการส่งต่อ", "Hand-over seen")),
            ),
        ),
        CODE,
        Attribute(
            "params",
            Words("รายละเอียดของบันทึก", "Details of the entry"),
            "JsonProperty",
            note="names as `{th, en}`, states as codes",
            hidden=True,
        ),
        Attribute("step", Words("สถานะที่เปลี่ยนเป็น", "New state"), namespace=Namespace.DEFAULT),
        Attribute(
            "text", Words("ข้อความ", "Text"), note="what a person wrote, or the sentence in both languages"
        ),
        Attribute("author", Words("ผู้บันทึก", "Author"), namespace=Namespace.OWN),
        Attribute("at", Words("เวลา", "Time")),
        _REF_UNIT,
        _REF_ASSIGNMENT,
        _EXERCISE,
    ),
    ("incidents",),
)

ASSIGNMENT: Final = EntityType(
    "Assignment",
    Words("ภารกิจของหน่วย", "Assignment"),
    (
        _REF_INCIDENT,
        _REF_UNIT,
        Attribute(
            "assignmentStatus",
            Words("สถานะภารกิจ", "Assignment state"),
            codes=(
                Code("assigned", Words("สั่งการแล้ว", "Assigned")),
                Code("enRoute", Words("กำลังเดินทาง", "En route")),
                Code("onScene", Words("ถึงที่เกิดเหตุ", "On scene")),
                Code("clear", Words("เสร็จภารกิจ", "Clear")),
                Code("cancelled", Words("ยกเลิก", "Cancelled")),
            ),
            shown="state",
        ),
        Attribute("etaSeconds", Words("เวลาเดินทาง", "Travel time"), unit=SEC, shown="duration"),
        Attribute("routeLengthM", Words("ระยะทาง", "Distance"), unit=MTR, shown="distance"),
        Attribute(
            "route", Words("เส้นทางเดินรถ", "Route"), "JsonProperty", namespace=Namespace.DEFAULT, hidden=True
        ),
        Attribute(
            "reasonChosen", Words("เหตุผลที่เลือกหน่วย", "Why the unit was chosen"), "JsonProperty", hidden=True
        ),
        Attribute("assignedAt", Words("สั่งการเมื่อ", "Assigned")),
        Attribute(
            "promisedAt",
            Words("เวลาถึงที่คาดไว้เมื่อสั่งการ", "Arrival expected when it was sent"),
            note="time of sending, one minute to turn out, and the drive",
            namespace=Namespace.OWN,
        ),
        Attribute("enRouteAt", Words("ออกเดินทางเมื่อ", "Left")),
        Attribute(
            "onSceneAt",
            Words("รายงานว่าถึงที่เกิดเหตุเมื่อ", "Reported on scene"),
            note="time of the report, which may be later than the arrival",
        ),
        Attribute(
            "positionAtSceneAt",
            Words("ตำแหน่งของหน่วยถึงที่เกิดเหตุเมื่อ", "Position reached the scene"),
            note="first position within 150 m of the place",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "onSceneDistanceM",
            Words("ระยะจากจุดเกิดเหตุเมื่อบันทึกว่าถึง", "Distance from the place when it was noted as arrived"),
            unit=MTR,
            note="of the unit's last position",
            shown="distance",
            namespace=Namespace.OWN,
        ),
        Attribute("clearAt", Words("เสร็จภารกิจเมื่อ", "Cleared")),
        Attribute("assignedBy", Words("ผู้สั่งการ", "Assigned by"), namespace=Namespace.DEFAULT),
        Attribute("cancelledAt", Words("ยกเลิกเมื่อ", "Cancelled")),
        _EXERCISE,
    ),
    ("incidents",),
)

EMERGENCY_UNIT: Final = EntityType(
    "EmergencyUnit",
    Words("หน่วยฉุกเฉิน", "Emergency unit"),
    (
        UNIT_TYPE,
        Attribute(
            "unitStatus",
            Words("สถานะหน่วย", "Unit state"),
            codes=(
                Code("available", Words("ว่าง", "Available")),
                Code("assigned", Words("สั่งการแล้ว", "Assigned")),
                Code("enRoute", Words("กำลังเดินทาง", "En route")),
                Code("onScene", Words("ถึงที่เกิดเหตุ", "On scene")),
                Code("outOfService", Words("งดปฏิบัติงาน", "Out of service")),
            ),
            shown="state",
        ),
        Attribute("statusNote", Words("หมายเหตุสถานะ", "Note on state"), namespace=Namespace.DEFAULT),
        Attribute("callSign", Words("นามเรียกขาน", "Call sign")),
        Attribute("homeStation", Words("ที่ตั้งหน่วย", "Home station"), "Relationship"),
        Attribute("crew", Words("กำลังพล (นาย)", "Crew")),
        Attribute(
            "assignmentCount",
            Words("จำนวนภารกิจ", "Number of assignments"),
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
        _REF_INCIDENT,
        _REF_ASSIGNMENT,
        SPEED,
        BEARING,
    ),
    ("emergency-units",),
    note="`origin` is `simulated` in the demo.",
    layer=_UNITS_LAYER,
    icon="truck",
    searched=True,
    kind_attribute="unitType",
    first_of=("unitStatus",),
)

TYPE_OF_UNIT: Final = EntityType(
    "UnitType",
    Words("ประเภทหน่วยปฏิบัติการ", "Kind of unit"),
    (
        Attribute(
            "mapSign",
            Words("สัญลักษณ์บนแผนที่", "Sign on the map"),
            codes=(
                Code("star", Words("ดาวแห่งชีวิต", "Star of life")),
                Code("flame", Words("เปลวไฟ", "Flame")),
                Code("shield", Words("โล่", "Shield")),
                Code("boat", Words("เรือ", "Boat")),
                Code("triangle", Words("สามเหลี่ยม", "Triangle")),
                Code("hook", Words("ตะขอรถยก", "Hook")),
                Code("truck", Words("รถบรรทุก", "Lorry")),
                Code("dot", Words("จุด", "Dot")),
            ),
            namespace=Namespace.OWN,
        ),
        Attribute(
            "travels",
            Words("เส้นทางที่ใช้", "Travels"),
            codes=(
                Code("road", Words("ทางถนน", "By road")),
                Code("water", Words("ทางน้ำ", "Over water")),
            ),
            note="over water: in a straight line, since there is no network of the sea",
            namespace=Namespace.OWN,
        ),
    ),
    (),
    ids="urn:ngsi-ld:UnitType:<code>",
    note="A row of the register of kinds of unit.",
    namespace=Namespace.OWN,
    configures=True,
)

TYPE_OF_INCIDENT: Final = EntityType(
    "IncidentType",
    Words("ประเภทเหตุ", "Kind of incident"),
    (
        CATEGORY,
        SEVERITY,
        UNIT_TYPES,
        Attribute(
            "checklist",
            Words("รายการตรวจสอบ", "Checklist"),
            "JsonProperty",
            note="steps in order, each in Thai and English",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    (),
    ids="urn:ngsi-ld:IncidentType:<code>",
    note="A row of the register of kinds of incident.",
    namespace=Namespace.OWN,
    configures=True,
)

INCIDENT_NUMBERING: Final = EntityType(
    "IncidentNumbering",
    Words("รูปแบบหมายเลขเหตุ", "Form of incident numbers"),
    (
        Attribute(
            "prefix",
            Words("อักษรนำหน้าหมายเลขเหตุ", "Letters before the number"),
            note="such as `ภก` in `ภก 70-00042`",
            namespace=Namespace.OWN,
        ),
    ),
    (),
    ids="urn:ngsi-ld:IncidentNumbering:<code>",
    note="A row of the register of incident numbers: `city`, or `exercise` for drills.",
    namespace=Namespace.OWN,
    configures=True,
)

TYPES: Final = (
    ALERT_RULE, ALERT, INCIDENT, INCIDENT_NUMBER, TIMELINE_ENTRY, ASSIGNMENT, EMERGENCY_UNIT, TYPE_OF_UNIT,
    TYPE_OF_INCIDENT, INCIDENT_NUMBERING,
)  # fmt: skip
