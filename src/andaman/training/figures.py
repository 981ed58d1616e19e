"""The basis of the skill gap: people and their proofs as far as the reader may see them, requirements, and posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.api import Broker, iri
from andaman.command.core import attributes
from andaman.evidence.model import Basis, Constant, EntityRef, Resolver
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Access, Actor
from andaman.identity.problems import PermissionMissing
from andaman.kernel.words import Words
from andaman.training.framework import Competency, StaffRole
from andaman.training.permissions import READ_TRAINING
from andaman.training.service import TrainingService

_MEASURES: Final[Mapping[str, tuple[Words, Words]]] = {
    "level": (
        Words("ระดับที่ต้องการ", "Level required"),
        Words("กำหนดไว้ในบทบาทหน้าที่", "set by the requirements of the role"),
    ),
    "missing": (
        Words("อัตราที่ยังขาด", "Posts that lack it"),
        Words("จำนวนอัตรา − ผู้ที่ถึงระดับ (ไม่ต่ำกว่า 0)", "posts − people who meet the level, never below 0"),
    ),
    "holders": (
        Words("ผู้ที่ถึงระดับ", "People who meet the level"),
        Words(
            "บุคลากรในบทบาทที่มีหลักฐานถึงระดับและยังไม่หมดอายุ",
            "people of the role with a proof of the level that has not lapsed",
        ),
    ),
    "expiring": (
        Words("ผู้ที่หลักฐานจะหมดอายุใน 90 วัน", "People whose proof lapses within 90 days"),
        Words("ผู้ที่ถึงระดับและหลักฐานจะหมดอายุใน 90 วัน", "those who meet it and whose proof lapses within 90 days"),
    ),
    "below": (
        Words("ผู้ที่ต่ำกว่าระดับ", "People below the level"),
        Words(
            "บุคลากรที่มีหลักฐานระดับต่ำกว่า หรือหลักฐานหมดอายุแล้ว",
            "people with a proof of a lower level, or with one that has lapsed",
        ),
    ),
    "unknown": (
        Words("ผู้ที่ยังไม่มีหลักฐาน", "People without a proof"),
        Words("บุคลากรในบทบาทที่ไม่มีหลักฐานของสมรรถนะนี้", "people of the role without any proof of it"),
    ),
}
_PEOPLE: Final = Words("คน", "people")
_REGISTER: Final = Words("ทะเบียนบทบาทหน้าที่ของเมือง", "Register of staff roles")
_COMPETENCIES: Final = Words("ทะเบียนสมรรถนะของเมือง", "Register of competencies")
_STAFF: Final = Words("บัญชีบุคลากรของระบบ", "Staff members on record")
_PRIVATE: Final = Words(
    "รายชื่อบุคลากรเป็นข้อมูลส่วนบุคคล แสดงเฉพาะผู้มีสิทธิ", "Who they are is personal data: only those with the right see it."
)  # fmt: skip


def gap_figures(training: TrainingService, broker: Broker) -> Resolver:
    """Key: ``role~competency~measure``, or ``simulated``. Raises PermissionMissing."""

    async def resolve(key: str, actor: Actor) -> Basis:
        if not actor.principal.may(READ_TRAINING):
            raise PermissionMissing(permission=READ_TRAINING.name, meaning=READ_TRAINING.words)
        overview = training.overview(actor.access)
        if key == "simulated":
            return _simulated(overview, broker, actor.access)
        role_id, _, rest = key.partition("~")
        competency_id, _, measure = rest.partition("~")
        rows = overview["gap"]
        row = next((r for r in rows if (r["role"], r["competency"]) == (role_id, competency_id)), None)
        if row is None or measure not in _MEASURES:
            raise NoSuchFigure
        framework = training.framework()
        role = next(one for one in framework.roles if one.id == role_id)
        return _gap(row, measure, role, framework.competencies[competency_id], overview, broker, actor.access)

    return resolve


def _gap(
    row: Mapping[str, Any],
    measure: str,
    role: StaffRole,
    competency: Competency,
    overview: Mapping[str, Any],
    broker: Broker,
    access: Access,
) -> Basis:
    name, formula = _MEASURES[measure]
    members = {
        attributes.text(doc, "person"): doc["id"]
        for doc in broker.iter_entities([iri("StaffMember")], access)
        if attributes.text(doc, "staffRole") == role.id
    }
    proofs = [
        doc["id"]
        for doc in broker.iter_entities([iri("LearningRecord")], access)
        if attributes.text(doc, "competency") == competency.id and attributes.text(doc, "person") in members
    ]
    return Basis(
        title=Words(
            f"{name.th}: {competency.name.th} ({role.name.th})",
            f"{name.en}: {competency.name.en} ({role.name.en})",
        ),
        value=row[measure],
        unit=None if measure == "level" else _PEOPLE,
        period=Words("ณ เวลาที่เปิดดู", "at the time of looking"),
        population=Words(f"บุคลากรในบทบาท{role.name.th}", f"people with the role {role.name.en}"),
        check=_checked(overview),
        formula=formula,
        constants=(
            Constant(
                name=Words("ระดับที่ต้องการ", "Level required"), value=row["level"], source=_REGISTER
            ),
            Constant(name=Words("จำนวนอัตรา", "Posts"), value=row["posts"], source=role.basis),
            Constant(
                name=Words("อายุของหลักฐาน", "Validity of a proof"),
                value=competency.valid_days,
                unit=Words("วัน", "days"),
                source=_COMPETENCIES,
            ),
        ),
        entities=(
            *(EntityRef(id=one, attribute="staffRole") for one in members.values()),
            *(EntityRef(id=one, attribute="level") for one in proofs),
        ),
        note=_PRIVATE,
    )  # fmt: skip


def _simulated(overview: Mapping[str, Any], broker: Broker, access: Access) -> Basis:
    rows = [
        doc
        for doc in broker.iter_entities([iri("StaffMember")], access)
        if attributes.text(doc, "origin") == "simulated"
    ]
    return Basis(
        title=Words("บุคลากรสมมติ", "Invented people"),
        value=overview["simulatedMembers"],
        unit=_PEOPLE,
        formula=Words("นับบุคลากรที่ระบุว่าเป็นข้อมูลจำลอง", "count of staff members marked as simulated"),
        constants=(
            Constant(
                name=Words("บุคลากรทั้งหมด", "All staff members"),
                value=overview["members"],
                unit=_PEOPLE,
                source=_STAFF,
            ),
        ),
        entities=tuple(EntityRef(id=doc["id"], attribute="staffRole") for doc in rows),
        note=_PRIVATE,
    )


def _checked(overview: Mapping[str, Any]) -> Words:
    if overview["simulatedMembers"]:
        return Words("มีบุคลากรสมมติรวมอยู่ด้วย ไม่ใช่กำลังคนจริง", "It includes invented people: not real staff")
    return Words("ตามหลักฐานที่บันทึกไว้", "By the proofs on record")
