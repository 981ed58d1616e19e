"""The promises of a programme: objectives, deliverables, milestones, and the proof of each. All of it is data of the
city.

Each deliverable lists checks over the platform's own entities. A check says whether operation can show it at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from andaman.form import Part, Row, described, refers_to
from andaman.kernel.digests import content_digest
from andaman.kernel.words import Words
from andaman.programme.problems import NoProgramme
from andaman.programme.types import DELIVERABLE, OBJECTIVE, PROGRAMME
from andaman.register import Register, Rows
from andaman.vocabulary import Code

IN_PLACE: Final = "in-place"
_MEASURES: Final = (
    Code("count", Words("จำนวนรายการ", "Number of entities")),
    Code(
        IN_PLACE, Words("จำนวนรายการที่ติดตั้ง (ไม่เป็นผลสัมฤทธิ์)", "Number of entities in place (not an achievement)")
    ),
    Code("distinct-types", Words("จำนวนชนิดข้อมูลที่มีอย่างน้อยหนึ่งรายการ", "Number of types with an entity")),
    Code("share", Words("ร้อยละของรายการที่ตรงเงื่อนไข", "Percentage that satisfies the condition")),
)
_PROGRAMME: Final = "programme"


class Check(Part, frozen=True, kw_only=True):
    """One piece of evidence: entities of ``types`` (any of them) that satisfy ``query``, at least ``target`` of them.

    ``measure`` "count" counts entities, "distinct-types" counts how many of ``types`` have at least one entity,
    "share" is the percentage of entities of ``types`` that satisfy ``query``. ``query`` is NGSI-LD query language with
    short names of the city context. ``measure`` "in-place" counts what can only be put in place, such as roads: it says
    nothing about what was achieved. ``with_query`` is a condition on an entity that belongs to one of ``types``, such as
    an assignment of an incident: without one that satisfies it, the entity does not count.
    """

    id: Annotated[str, described("รหัส", "Id")]
    title: Annotated[Words, described("ชื่อ", "Title")]
    types: Annotated[tuple[str, ...], described("ชนิดข้อมูล", "Entity types")]
    target: Annotated[float, described("เป้าหมาย", "Target")]
    query: Annotated[str, described("เงื่อนไข (NGSI-LD)", "Condition (NGSI-LD)")] = ""
    with_query: Annotated[
        str,
        described("เงื่อนไขของภารกิจในเหตุ (NGSI-LD)", "Condition on an assignment of the incident (NGSI-LD)"),
    ] = ""
    measure: Annotated[str, described("วิธีวัด", "Measure", choices=_MEASURES)] = "count"

    @property
    def shows_operation(self) -> bool:
        """Can it be achieved in operation?"""
        return self.measure != IN_PLACE


class ProgrammeRow(Row, frozen=True, kw_only=True):
    """The one row ``programme``. Times are ISO 8601. ``letterhead`` has the lines at the head
    of its reports, ``sign_off`` the duties of those who sign them."""

    name: Words
    announcement: Words
    plan_basis: Words
    signed: str
    signed_words: Words
    ends: str
    ends_words: Words
    letterhead: tuple[Words, ...] = ()
    sign_off: tuple[Words, ...] = ()


class ObjectiveRow(Row, frozen=True, kw_only=True):
    name: Words


class DeliverableRow(Row, frozen=True, kw_only=True):
    """Something promised. ``due`` is ISO 8601; ``screen`` is where it can be seen. Its checks have equal weights."""

    name: Words
    part: Words
    objective: Annotated[str, refers_to("programme-objectives")]
    due: str
    screen: str
    checks: tuple[Check, ...]


PROGRAMMES: Final = Register("programme", Words("โครงการ", "Programme"), PROGRAMME, ProgrammeRow)
OBJECTIVES: Final = Register(
    "programme-objectives",
    Words("วัตถุประสงค์ของโครงการ", "Objectives of the programme"),
    OBJECTIVE,
    ObjectiveRow,
)
DELIVERABLES: Final = Register(
    "programme-deliverables",
    Words("ผลผลิตของโครงการ", "Deliverables of the programme"),
    DELIVERABLE,
    DeliverableRow,
)
REGISTERS: Final = (PROGRAMMES, OBJECTIVES, DELIVERABLES)


@dataclass(frozen=True, slots=True)
class Objective:
    id: str
    title: Words
    deliverables: tuple[DeliverableRow, ...]


@dataclass(frozen=True, slots=True)
class Milestone:
    """A date of the programme; those with a deliverable are reached when its progress is full."""

    id: str
    title: Words
    due: str
    deliverable: str = ""
    fact: bool = False  # a fact of the agreement rather than a plan


@dataclass(frozen=True, slots=True)
class Plan:
    about: ProgrammeRow
    objectives: tuple[Objective, ...]

    @classmethod
    def of(cls, rows: Rows) -> Plan:
        """The plan that the registers describe. Raises NoProgramme in a city that has none."""
        about = rows.rows(PROGRAMMES).get(_PROGRAMME)
        deliverables = rows.rows(DELIVERABLES).values()
        objectives = [
            Objective(code, row.name, tuple(one for one in deliverables if one.objective == code))
            for code, row in rows.rows(OBJECTIVES).items()
        ]
        promised = tuple(one for one in objectives if one.deliverables)
        if about is None or not promised:
            raise NoProgramme
        return cls(about, promised)

    @property
    def version(self) -> str:
        """Equal for plans that promise the same by the same checks: only their figures can be compared."""
        rows = [[row.code, DELIVERABLES.json(row)] for o in self.objectives for row in o.deliverables]
        return content_digest([[o.id for o in self.objectives], rows])[:16]

    @property
    def deliverables(self) -> dict[str, DeliverableRow]:
        return {row.code: row for objective in self.objectives for row in objective.deliverables}

    @property
    def checks(self) -> list[Check]:
        return [check for o in self.objectives for d in o.deliverables for check in d.checks]

    @property
    def milestones(self) -> tuple[Milestone, ...]:
        """The signature, every deliverable, the end."""
        about = self.about
        return (
            Milestone("M0", about.signed_words, about.signed, fact=True),
            *(
                Milestone(f"M{d.code.removeprefix('D')}", d.name, d.due, d.code)
                for o in self.objectives
                for d in o.deliverables
            ),
            Milestone("MX", about.ends_words, about.ends, fact=True),
        )
