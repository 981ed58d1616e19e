"""Objectives, deliverables, milestones and their evidence."""

from __future__ import annotations

from typing import Final

from andaman.kernel.words import Words
from andaman.vocabulary import Attribute, EntityType, Namespace

_PART: Final = Attribute(
    "part", Words("ส่วนของโครงการ", "Part of the programme"), "LanguageProperty", namespace=Namespace.OWN
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

MILESTONE: Final = EntityType("Milestone", Words("หมุดหมาย", "Milestone"), (), ("programme",))

EVIDENCE_LINK: Final = EntityType("EvidenceLink", Words("หลักฐานความก้าวหน้า", "Evidence"), (), ("programme",))

TYPES: Final = (PROGRAMME, OBJECTIVE, DELIVERABLE, MILESTONE, EVIDENCE_LINK)
