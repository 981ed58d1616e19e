"""Objectives, deliverables, milestones and their evidence."""

from __future__ import annotations

from typing import Final

from andaman.kernel.words import Words
from andaman.vocabulary import Attribute, EntityType, Namespace

_ACCEPTED_SHARE: Final = Attribute(
    "acceptedShare",
    Words("ตรวจรับก่อนใช้แพลตฟอร์ม", "Accepted before the platform"),
    note="0 to 1",
    namespace=Namespace.OWN,
)
_PART: Final = Attribute(
    "part", Words("ส่วนของโครงการ", "Part of the programme"), "LanguageProperty", namespace=Namespace.OWN
)

_TWO_PEOPLE: Final = (
    Attribute("enteredBy", Words("ผู้บันทึก", "Entered by"), namespace=Namespace.OWN),
    Attribute("approvedBy", Words("ผู้อนุมัติ", "Approved by"), namespace=Namespace.OWN),
)

PROGRAMME: Final = EntityType(
    "Programme",
    Words("โครงการ", "Programme"),
    (
        Attribute("announcement", Words("ที่มา", "Announcement"), "LanguageProperty", namespace=Namespace.OWN),
        Attribute(
            "planBasis",
            Words("หลักเกณฑ์ของแผน", "Basis of the plan"),
            "LanguageProperty",
            namespace=Namespace.OWN,
        ),
        Attribute("signed", Words("วันเวลาลงนาม", "Signed"), namespace=Namespace.OWN),
        Attribute(
            "signedWords",
            Words("ชื่อหมุดหมายแรก", "Name of the first milestone"),
            "LanguageProperty",
            namespace=Namespace.OWN,
        ),
        Attribute("ends", Words("วันเวลาสิ้นสุด", "Ends"), namespace=Namespace.OWN),
        Attribute(
            "endsWords",
            Words("ชื่อหมุดหมายสุดท้าย", "Name of the last milestone"),
            "LanguageProperty",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "letterhead",
            Words("หัวกระดาษของรายงาน", "Letterhead of the reports"),
            "JsonProperty",
            note="lines, each with th and en",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "signOff",
            Words("ผู้ลงนามในรายงาน", "Signatories of the reports"),
            "JsonProperty",
            note="duties, each with th and en",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    ("programme",),
    ids="urn:ngsi-ld:Programme:programme",
    namespace=Namespace.OWN,
    configures=True,
)

OBJECTIVE: Final = EntityType(
    "Objective", Words("วัตถุประสงค์", "Objective"), (), ("programme",), configures=True
)

DELIVERABLE: Final = EntityType(
    "Deliverable",
    Words("ผลผลิต", "Deliverable"),
    (
        _PART,
        Attribute(
            "objective",
            Words("วัตถุประสงค์", "Objective"),
            note="code of the objective",
            namespace=Namespace.OWN,
        ),
        Attribute("due", Words("กำหนดเสร็จ", "Due"), namespace=Namespace.OWN),
        Attribute("screen", Words("หน้าจอ", "Screen"), note="path", namespace=Namespace.OWN),
        Attribute(
            "checks",
            Words("หลักฐานที่ตรวจ", "Checks"),
            "JsonProperty",
            note="list of id, title, types, target, query, measure",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    ("programme",),
    configures=True,
)

_QUARTER: Final = (
    Attribute(
        "reportYear",
        Words("ปีงบประมาณ (ค.ศ.)", "Fiscal year"),
        note="common era, of the year in which it ends",
        namespace=Namespace.OWN,
    ),
    Attribute("reportQuarter", Words("ไตรมาส", "Quarter"), note="1 to 4", namespace=Namespace.OWN),
)

RELEASE: Final = EntityType(
    "ProgrammeRelease",
    Words("รายงานผลโครงการที่เผยแพร่", "Published report of the programme"),
    (
        Attribute("reportNumber", Words("เลขที่รายงาน", "Report number"), namespace=Namespace.OWN),
        *_QUARTER,
        Attribute("asOf", Words("ข้อมูล ณ วันที่", "As of"), namespace=Namespace.OWN),
        Attribute("releasedAt", Words("วันที่เผยแพร่", "Released"), namespace=Namespace.OWN),
        Attribute("releasedBy", Words("ผู้เผยแพร่", "Released by"), namespace=Namespace.OWN),
        Attribute(
            "installedShare",
            Words("ติดตั้งแล้ว", "Installed"),
            note="0 to 1",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "achievedShare",
            Words("ผลสัมฤทธิ์จากการใช้งานจริง", "Achieved in operation"),
            note="0 to 1",
            namespace=Namespace.OWN,
        ),
        _ACCEPTED_SHARE,
        Attribute(
            "figures",
            Words("ตัวเลขทั้งหมดของรายงาน", "All figures of the report"),
            "JsonProperty",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "inputsDigest",
            Words("ค่าแฮชของรายการหลักฐาน", "Digest of the evidence"),
            note="SHA-256 of the list of inputs: id, digest and provenance of each entity",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute("releaseNote", Words("หมายเหตุ", "Note"), namespace=Namespace.OWN),
        Attribute("problems", Words("ปัญหาและอุปสรรค", "Problems"), namespace=Namespace.OWN),
        Attribute("nextSteps", Words("แผนงานขั้นต่อไป", "Next steps"), namespace=Namespace.OWN),
    ),
    ("programme",),
    ids="urn:ngsi-ld:ProgrammeRelease:<sortable id>",
    note="Never edited: a later release supersedes it.",
    namespace=Namespace.OWN,
    configures=True,
)

ACCEPTANCE: Final = EntityType(
    "ProgrammeAcceptance",
    Words("ผลการตรวจรับก่อนใช้แพลตฟอร์ม", "Acceptance before the platform"),
    (
        Attribute(
            "deliverable",
            Words("ผลผลิต", "Deliverable"),
            note="code of the deliverable",
            namespace=Namespace.OWN,
        ),
        _ACCEPTED_SHARE,
        Attribute("acceptedOn", Words("วันที่ตรวจรับ", "Accepted on"), note="a date", namespace=Namespace.OWN),
        Attribute(
            "acceptanceDocument", Words("เลขที่เอกสารตรวจรับ", "Acceptance document"), namespace=Namespace.OWN
        ),
        Attribute("acceptedBy", Words("ผู้ตรวจรับ", "Accepted by"), namespace=Namespace.OWN),
        *_TWO_PEOPLE,
    ),
    ("programme",),
    ids="urn:ngsi-ld:ProgrammeAcceptance:<id of the proposal>",
    note="Entered by one person and approved by another.",
    namespace=Namespace.OWN,
    configures=True,
)

WITHDRAWAL: Final = EntityType(
    "AcceptanceWithdrawal",
    Words("การถอนผลการตรวจรับ", "Withdrawal of an acceptance"),
    (
        Attribute(
            "withdrawnAcceptance",
            Words("ผลการตรวจรับที่ถอน", "Withdrawn acceptance"),
            "Relationship",
            namespace=Namespace.OWN,
        ),
        Attribute(
            "withdrawalReason", Words("เหตุผลที่ถอน", "Reason of the withdrawal"), namespace=Namespace.OWN
        ),
        *_TWO_PEOPLE,
    ),
    ("programme",),
    ids="urn:ngsi-ld:AcceptanceWithdrawal:<id of the proposal>",
    note="Proposed by one person and approved by another; the acceptance stays and no longer counts.",
    namespace=Namespace.OWN,
    configures=True,
)

MILESTONE: Final = EntityType("Milestone", Words("หมุดหมาย", "Milestone"), (), ("programme",))

EVIDENCE_LINK: Final = EntityType("EvidenceLink", Words("หลักฐานความก้าวหน้า", "Evidence"), (), ("programme",))

TYPES: Final = (PROGRAMME, OBJECTIVE, DELIVERABLE, RELEASE, ACCEPTANCE, WITHDRAWAL, MILESTONE, EVIDENCE_LINK)
