"""The basis of each figure of the skill gap, for the room of evidence.

A key is ``ROLE/COMPETENCY/WHAT``, where WHAT is a column of the gap, or ``members`` for the number of people with a role.
"""

from __future__ import annotations

from typing import Final

from andaman.evidence.model import Basis, Constant, Detail, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Actor
from andaman.identity.problems import PermissionMissing
from andaman.kernel.ids import urn
from andaman.kernel.words import Words
from andaman.training.framework import COMPETENCIES, STAFF_ROLES, Competency, StaffRole
from andaman.training.permissions import READ_TRAINING
from andaman.training.skills import Standing, State
from andaman.training.staff import Staff

KIND: Final = "skill-gap"
MEMBERS: Final = "members"
_PEOPLE: Final = Words("คน", "people")
_DAYS: Final = Words("วัน", "days")
_NOW: Final = Words("ขณะที่เปิดดู", "When this page was opened")
_PERSONAL: Final = Words(
    "ประวัติการเรียนรู้เป็นข้อมูลส่วนบุคคล รายการแสดงเฉพาะผู้มีสิทธิ",
    "Learning records are personal data: the list shows them only to those with the right to see them",
)
_SHIPPED: Final = Words("ตามที่ผู้มีสิทธิกำหนดไว้ในทะเบียน", "As the register says, which authorised people edit")
TITLES: Final = {
    "missing": Words("ยังขาด", "Missing"),
    "holders": Words("ผ่านเกณฑ์", "Meet it"),
    "expiring": Words("ใกล้หมดอายุ", "Expiring"),
    "below": Words("ต่ำกว่าเกณฑ์", "Below"),
    "expired": Words("หมดอายุแล้ว", "Expired"),
    "unknown": Words("ไม่ทราบ", "Unknown"),
    "level": Words("ระดับที่ต้องมี", "Level required"),
}
_FORMULAS: Final = {
    "missing": Words(
        "จำนวนอัตราของบทบาท ลบผู้ผ่านเกณฑ์ ไม่น้อยกว่า 0", "Posts of the role minus those who meet it, never below 0"
    ),
    "holders": Words(
        "ผู้ที่มีหลักฐานซึ่งยังไม่หมดอายุ ในระดับที่ต้องมีหรือสูงกว่า",
        "People with a valid proof of the required level or above",
    ),
    "expiring": Words(
        "ผู้ผ่านเกณฑ์ที่หลักฐานจะหมดอายุภายใน 90 วัน", "Those who meet it, and whose proof expires within 90 days"
    ),
    "below": Words(
        "ผู้ที่มีหลักฐานซึ่งยังไม่หมดอายุ ในระดับที่ต่ำกว่าเท่านั้น", "People with valid proofs of lower levels only"
    ),
    "expired": Words(
        "ผู้ที่เคยมีหลักฐานในระดับที่ต้องมีหรือสูงกว่า ซึ่งหมดอายุแล้ว และไม่มีหลักฐานอื่นที่ยังใช้ได้",
        "People whose proof of the required level or above has expired, and who have no valid one",
    ),
    "unknown": Words(
        "ผู้ที่ไม่มีหลักฐานซึ่งยังใช้ได้ และไม่เคยมีหลักฐานในระดับที่ต้องมี",
        "People without a valid proof, who never had one of the required level",
    ),
}


class Figures:
    """The resolver of the room of evidence."""

    def __init__(self, staff: Staff) -> None:
        self._staff = staff

    async def basis(self, key: str, actor: Actor) -> Basis:
        """Raises PermissionMissing, NoSuchFigure."""
        if not actor.principal.may(READ_TRAINING):
            raise PermissionMissing(permission=READ_TRAINING.name, meaning=READ_TRAINING.words)
        if key == MEMBERS:
            return self._members()
        framework = self._staff.framework()
        role_id, _, rest = key.partition("/")
        competency_id, _, what = rest.partition("/")
        role = next((one for one in framework.roles if one.id == role_id), None)
        competency = framework.competencies.get(competency_id)
        if role is None or competency is None or competency.id not in role.requires or what not in TITLES:
            raise NoSuchFigure
        return self._column(role, competency, what)

    def _column(self, role: StaffRole, competency: Competency, what: str) -> Basis:
        wanted = role.requires[competency.id]
        level = Constant(name=TITLES["level"], value=wanted, source=STAFF_ROLES.words, check=_SHIPPED)
        title = Words(
            f"{TITLES[what].th}: {role.name.th} · {competency.name.th}",
            f"{TITLES[what].en}: {role.name.en} · {competency.name.en}",
        )
        if what == "level":
            row = EntityRef(id=urn("StaffRole", role.id), attribute="requires")
            return Basis(title=title, value=wanted, constants=(level,), entities=(row,))
        people = self._staff.standings(role.id, competency.id, wanted)
        counted = _counted(people, what)
        lasts = Constant(
            name=Words("อายุของหลักฐาน", "A proof is valid for"),
            value=competency.valid_days,
            unit=_DAYS,
            source=COMPETENCIES.words,
            check=_SHIPPED,
        )
        posts = Constant(
            name=Words("จำนวนอัตรา", "Posts"),
            value=role.posts,
            unit=_PEOPLE,
            source=STAFF_ROLES.words,
            check=role.basis,
        )
        missing = what == "missing"
        ids = {one.person: one.id for one in self._staff.members() if one.role == role.id}
        held = Link(
            title=TITLES["holders"],
            kind=KIND,
            key=f"{role.id}/{competency.id}/holders",
            value=len(_counted(people, "holders")),
            unit=_PEOPLE,
        )
        return Basis(
            title=title,
            value=max(0, role.posts - len(counted)) if missing else len(counted),
            unit=_PEOPLE,
            period=_NOW,
            population=self._population(role, len(people)),
            formula=_FORMULAS[what],
            constants=(level, lasts, posts) if missing else (level, lasts),
            entities=() if missing else tuple(_entity(one, ids) for one in counted),
            parts=(held,) if missing else (),
            note=_PERSONAL,
        )

    def _population(self, role: StaffRole, number: int) -> Words:
        simulated = len(
            {one.person for one in self._staff.members() if one.role == role.id and one.simulated}
        )
        return Words(
            f"ผู้ดำรงบทบาท{role.name.th} {number} คน เป็นบุคคลสมมติ {simulated} คน",
            f"{number} people with the role {role.name.en}; {simulated} of them are simulated",
        )

    def _members(self) -> Basis:
        members = self._staff.members()
        return Basis(
            title=Words("ผู้ดำรงบทบาท", "People with a role"),
            value=len(members),
            unit=_PEOPLE,
            period=_NOW,
            formula=Words("จำนวนรายการบุคลากร", "Number of staff entries"),
            details=(
                Detail(name=Words("บุคคลสมมติ", "Simulated"), value=sum(one.simulated for one in members)),
            ),
            entities=tuple(EntityRef(id=one.id, attribute="staffRole") for one in members),
            note=_PERSONAL,
        )


def _counted(people: list[Standing], what: str) -> list[Standing]:
    """Those of a column; of ``missing`` the ones that the posts are reduced by."""
    if what == "expiring":
        return [one for one in people if one.expiring]
    state = State.HOLDER if what == "missing" else State(what)
    return [one for one in people if one.state is state]


def _entity(one: Standing, ids: dict[str, str]) -> EntityRef:
    """The proof that decides; of somebody without one, the entry that they hold the role."""
    if one.proof is None:
        return EntityRef(id=ids[one.person], attribute="staffRole")
    return EntityRef(id=one.proof.record.id, attribute="level")
