"""The registers of kinds of incident and kinds of unit, and the form of incident numbers."""

from __future__ import annotations

from typing import Annotated, Final

from andaman.command.answers import UnitTypeAnswer
from andaman.command.types import INCIDENT_NUMBERING, TYPE_OF_INCIDENT, TYPE_OF_UNIT
from andaman.form import Row, refers_to
from andaman.kernel.words import Words
from andaman.register import Register, Rows


class UnitType(Row, frozen=True, kw_only=True):
    """``travels`` "water": in a straight line; "road": on the road network."""

    name: Words
    map_sign: str = "dot"
    travels: str = "road"

    def answer(self) -> UnitTypeAnswer:
        return UnitTypeAnswer(code=self.code, name=self.name, icon=self.map_sign, travels=self.travels)


class IncidentType(Row, frozen=True, kw_only=True):
    """``category``: of CAP 1.2. ``severity``: what a form suggests. ``unit_types``: in the order in which they are wanted."""

    name: Words
    category: str
    severity: str = "Moderate"
    unit_types: Annotated[tuple[str, ...], refers_to("unit-types")] = ()
    checklist: tuple[Words, ...] = ()


UNIT_TYPES: Final = Register(
    "unit-types", Words("ประเภทหน่วยปฏิบัติการ", "Kinds of unit"), TYPE_OF_UNIT, UnitType
)
INCIDENT_TYPES: Final = Register(
    "incident-types",
    Words("ประเภทเหตุและรายการตรวจสอบ", "Kinds of incident and checklists"),
    TYPE_OF_INCIDENT,
    IncidentType,
    asks_reason=True,
)


class NumberingRow(Row, frozen=True, kw_only=True):
    """``code``: "city" or "exercise". ``prefix``: the letters before the number."""

    name: Words
    prefix: str = ""


INCIDENT_NUMBERS: Final = Register(
    "incident-numbers", Words("หมายเลขเหตุ", "Incident numbers"), INCIDENT_NUMBERING, NumberingRow
)
REGISTERS: Final = (UNIT_TYPES, INCIDENT_TYPES, INCIDENT_NUMBERS)


def number_prefix(rows: Rows, tenant: str) -> str:
    """The letters before the numbers of a tenant's incidents; a drill has its own, so that nobody takes it for real."""
    code = "exercise" if tenant.startswith("exercise") else "city"
    row = rows.rows(INCIDENT_NUMBERS).get(code)
    return "" if row is None else row.prefix.strip()


def goes_by_water(rows: Rows, unit_type: object) -> bool:
    """Does a unit of this type travel over water? False for a type that is not in the register."""
    kind = rows.rows(UNIT_TYPES).get(str(unit_type))
    return kind is not None and kind.travels == "water"
