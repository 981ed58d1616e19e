"""The commands of people on units."""

from __future__ import annotations

from enum import StrEnum

from andaman.command.core.reading import EntityId, Form, Text
from andaman.command.core.states import AssignmentStatus, UnitStatus


class Service(StrEnum):
    """The states that people give a unit; the others follow from its assignment."""

    AVAILABLE = UnitStatus.AVAILABLE.value
    OUT_OF_SERVICE = UnitStatus.OUT_OF_SERVICE.value


class AssignUnit(Form, frozen=True, kw_only=True):
    incident: str
    unit: EntityId


class TakeAssignmentStep(Form, frozen=True, kw_only=True):
    """``step``: the status that it leads to."""

    assignment: str
    step: AssignmentStatus
    note: Text = ""


class SetUnitStatus(Form, frozen=True, kw_only=True):
    unit: str
    status: Service
    note: Text = ""


DispatchCommand = AssignUnit | TakeAssignmentStep | SetUnitStatus
