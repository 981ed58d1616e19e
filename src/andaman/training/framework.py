"""Competencies, and the levels of them that each role of the staff needs: two registers of the city.

Levels: 0 none, 1 knows of it, 2 works under guidance, 3 works alone, 4 leads and teaches others. The rows that come with the
platform are our own declaration. They refer to ESCO 1.1.1 skill groups (European Commission), NICE Framework v1 work roles
(NIST, public domain), TPQI units (Thailand Professional Qualification Institute) and OCSC circular W6/2561 on civil servants'
digital skills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from andaman.form import Part, Row, RowRefused, described
from andaman.kernel.refusals import NumberOutOfRange, Refusal
from andaman.kernel.words import Words
from andaman.register import Register, Rows
from andaman.training.problems import CompetencyTwice
from andaman.training.types import COMPETENCY, STAFF_ROLE

MAX_LEVEL: Final = 4
_POSTS_MAX: Final = 10_000
_DAYS_MAX: Final = 36_500
_SCOPE: Final = "/training/framework"


class CompetencyRow(Row, frozen=True, kw_only=True):
    """``valid_days``: after that many days a proof of it no longer counts and must be renewed. ``reference``: where the names of
    a standard differ, the Thai one and the English one with " / " between."""

    name: Words
    area: str
    valid_days: int
    reference: str = ""


class Requirement(Part, frozen=True, kw_only=True):
    competency: Annotated[str, described("สมรรถนะ", "Competency", "competencies")]
    level: Annotated[int, described("ระดับ (1–4)", "Level (1–4)")]


class StaffRoleRow(Row, frozen=True, kw_only=True):
    """``requires``: what every holder must have; ``posts``: people needed at one time or in all shifts, with the reason for their
    number in ``basis``."""

    name: Words
    posts: int
    basis: Words
    requires: tuple[Requirement, ...] = ()


def check_competency(row: CompetencyRow) -> None:
    """Raises RowRefused."""
    if not 1 <= row.valid_days <= _DAYS_MAX:
        raise RowRefused.of([NumberOutOfRange(field="validDays", low=1, high=_DAYS_MAX)])


def check_role(row: StaffRoleRow) -> None:
    """Raises RowRefused."""
    errors: list[Refusal] = []
    if not 0 <= row.posts <= _POSTS_MAX:
        errors.append(NumberOutOfRange(field="posts", low=0, high=_POSTS_MAX))
    if any(not 1 <= one.level <= MAX_LEVEL for one in row.requires):
        errors.append(NumberOutOfRange(field="requires", low=1, high=MAX_LEVEL))
    elif len({one.competency for one in row.requires}) < len(row.requires):
        errors.append(CompetencyTwice(field="requires"))
    if errors:
        raise RowRefused.of(errors)


COMPETENCIES: Final = Register(
    "competencies",
    Words("สมรรถนะ", "Competencies"),
    COMPETENCY,
    CompetencyRow,
    check=check_competency,
    scope=_SCOPE,
    rewritten_before=True,
)
STAFF_ROLES: Final = Register(
    "staff-roles",
    Words("บทบาทหน้าที่และสมรรถนะที่กำหนด", "Staff roles and their competencies"),
    STAFF_ROLE,
    StaffRoleRow,
    check=check_role,
    scope=_SCOPE,
    rewritten_before=True,
)


@dataclass(frozen=True, slots=True)
class Competency:
    id: str
    name: Words
    area: str
    reference: str
    valid_days: int


@dataclass(frozen=True, slots=True)
class StaffRole:
    """``requires``: competency id → level every holder must have."""

    id: str
    name: Words
    posts: int
    basis: Words
    requires: dict[str, int]


@dataclass(frozen=True, slots=True)
class Framework:
    competencies: dict[str, Competency]
    roles: tuple[StaffRole, ...]

    @classmethod
    def of(cls, rows: Rows) -> Framework:
        """As the registers describe it. A role needs no competency that is not there."""
        known = {
            code: Competency(code, row.name, row.area, row.reference, row.valid_days)
            for code, row in rows.rows(COMPETENCIES).items()
        }
        roles = (
            StaffRole(
                code,
                row.name,
                row.posts,
                row.basis,
                {one.competency: one.level for one in row.requires if one.competency in known},
            )
            for code, row in rows.rows(STAFF_ROLES).items()
        )
        return cls(known, tuple(roles))
