"""Courses: a register of the city.

Steps of kind "read" are passed by confirming after the time that reading takes, which proves no competency. Those of kind "quiz" are passed by answering at least
``pass_share`` of the questions rightly (``quiz.py``), "drill" by a drill that was passed (``scoring.py``). The steps hold the right
answers, so that learners never read them (``types.COURSE``); the doors of this room leave the answers out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from andaman.form import Part, Row, RowRefused, described, refers_to
from andaman.kernel.refusals import NumberOutOfRange, Refusal
from andaman.kernel.words import Words
from andaman.register import Register, Rows
from andaman.training.framework import MAX_LEVEL
from andaman.training.problems import StepNotUsable
from andaman.training.tasks import ROLES
from andaman.training.types import COURSE
from andaman.vocabulary import Code

_KINDS: Final = (
    Code("read", Words("อ่าน", "Read")),
    Code("quiz", Words("คำถาม", "Questions")),
    Code("drill", Words("ฝึกปฏิบัติ", "Drill")),
)
_DAYS_MAX: Final = 36_500
_MINUTES_MAX: Final = 24 * 60


# -- as the city edits it ---------------------------------------------------------------------------------------
class QuestionPart(Part, frozen=True, kw_only=True):
    """``right`` counts from 1."""

    id: Annotated[str, described("รหัส", "Id")]
    text: Annotated[Words, described("คำถาม", "Question")]
    choices: Annotated[tuple[Words, ...], described("ตัวเลือก", "Choices")]
    right: Annotated[int, described("ข้อที่ถูก (นับจาก 1)", "Right choice (from 1)")]
    why: Annotated[Words, described("เหตุผล", "Why")]


class GrantPart(Part, frozen=True, kw_only=True):
    """``role``: only for a drill in this role."""

    competency: Annotated[str, described("สมรรถนะ", "Competency", "competencies")]
    level: Annotated[int, described("ระดับ (1–4)", "Level (1–4)")]
    role: Annotated[str, described("เฉพาะบทบาทในการฝึก", "Only in this role of a drill", choices=ROLES)] = ""


class StepPart(Part, frozen=True, kw_only=True):
    """``scenarios`` that count for a drill; none for any. ``grants`` of a reading step prove nothing and are left out."""

    id: Annotated[str, described("รหัส", "Id")]
    kind: Annotated[str, described("ลักษณะ", "Kind", choices=_KINDS)]
    title: Annotated[Words, described("ชื่อ", "Title")]
    minutes: Annotated[int, described("เวลา (นาที)", "Minutes")]
    body: Annotated[tuple[Words, ...], described("เนื้อหา", "Text")] = ()
    questions: Annotated[tuple[QuestionPart, ...], described("คำถาม", "Questions")] = ()
    pass_share: Annotated[
        float, described("สัดส่วนที่ต้องตอบถูก (0–1)", "Share of right answers to pass (0–1)")
    ] = 0.8
    grants: Annotated[tuple[GrantPart, ...], described("สมรรถนะที่ได้รับ", "Competencies it proves")] = ()
    scenarios: Annotated[
        tuple[str, ...], described("สถานการณ์ฝึกที่ใช้ได้", "Scenarios that count", "drill-scenarios")
    ] = ()


class CourseRow(Row, frozen=True, kw_only=True):
    """``staff_roles``: who should take it. ``valid_days``: of its certificate. ``issuer``: the agency that certifies; without one
    the first of the government in the city's register."""

    name: Words
    summary: Words
    staff_roles: Annotated[tuple[str, ...], refers_to("staff-roles")]
    valid_days: int
    steps: tuple[StepPart, ...]
    issuer: Annotated[str, refers_to("agencies")] = ""


def check_course(row: CourseRow) -> None:
    """Raises RowRefused. So every course in the register can be taken to its end."""
    errors: list[Refusal] = []
    if not 1 <= row.valid_days <= _DAYS_MAX:
        errors.append(NumberOutOfRange(field="validDays", low=1, high=_DAYS_MAX))
    if not row.steps or len({one.id for one in row.steps}) < len(row.steps):
        errors.append(StepNotUsable(field="steps", number=0))
    errors += [
        StepNotUsable(field="steps", number=number)
        for number, one in enumerate(row.steps, 1)
        if not _usable(one)
    ]
    if errors:
        raise RowRefused.of(errors)


def _usable(step: StepPart) -> bool:
    asked = step.questions
    return (
        0 < step.minutes <= _MINUTES_MAX
        and (step.kind == "quiz") == bool(asked)
        and 0 < step.pass_share <= 1
        and len({one.id for one in asked}) == len(asked)
        and all(len(one.choices) > 1 and 1 <= one.right <= len(one.choices) for one in asked)
        and all(1 <= one.level <= MAX_LEVEL for one in step.grants)
    )


COURSES: Final = Register(
    "courses",
    Words("หลักสูตร", "Courses"),
    COURSE,
    CourseRow,
    check=check_course,
    scope="/training/framework",
    rewritten_before=True,
)


# -- as the room works with it ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: Words
    choices: tuple[Words, ...]
    right: int  # index into choices; sent to the learner only when the step is passed
    why: Words


@dataclass(frozen=True, slots=True)
class Grant:
    """``role``: of a drill in which it is proven; "" in any."""

    competency: str
    level: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    id: str
    kind: Literal["read", "quiz", "drill"]
    title: Words
    minutes: int
    body: tuple[Words, ...] = ()
    questions: tuple[Question, ...] = ()
    pass_share: float = 0.8
    grants: tuple[Grant, ...] = ()
    scenarios: frozenset[str] = frozenset()

    def granted(self, role: str) -> dict[str, int]:
        """Competency → level that is proven by passing, in a drill in this role."""
        return {one.competency: one.level for one in self.grants if one.role in ("", role)}


@dataclass(frozen=True, slots=True)
class Course:
    id: str
    title: Words
    summary: Words
    roles: tuple[str, ...]
    steps: tuple[Step, ...]
    valid_days: int
    issuer: str


def courses_of(rows: Rows) -> Mapping[str, Course]:
    """Code → course."""
    return {code: course_of(row) for code, row in rows.rows(COURSES).items()}


def course_of(row: CourseRow) -> Course:
    return Course(
        row.code, row.name, row.summary, row.staff_roles, tuple(_steps(row.steps)), row.valid_days, row.issuer
    )


def _steps(rows: Sequence[StepPart]) -> Iterator[Step]:
    for one in rows:
        kind: Literal["read", "quiz", "drill"] = (
            "quiz" if one.kind == "quiz" else "drill" if one.kind == "drill" else "read"
        )
        questions = tuple(Question(q.id, q.text, q.choices, q.right - 1, q.why) for q in one.questions)
        proofs = one.grants if kind != "read" else ()
        grants = tuple(Grant(g.competency, g.level, g.role) for g in proofs)
        yield Step(
            one.id,
            kind,
            one.title,
            one.minutes,
            one.body,
            questions,
            one.pass_share,
            grants,
            frozenset(one.scenarios),
        )
