"""The commands of people on units."""

from __future__ import annotations

from enum import StrEnum

from andaman.command.core.reading import EntityId, Flag, Form, Text
from andaman.command.core.states import AssignmentStatus, UnitStatus


class Service(StrEnum):
    """The states that people give a unit; the others follow from its assignment."""

    AVAILABLE = UnitStatus.AVAILABLE.value
    OUT_OF_SERVICE = UnitStatus.OUT_OF_SERVICE.value


class AssignUnit(Form, frozen=True, kw_only=True):
    incident: str
    unit: EntityId


class TakeAssignmentStep(Form, frozen=True, kw_only=True):
    """``step``: the status that it leads to. ``far_confirmed``: the person knows that the unit's last position is far from the
    place, and that it is there all the same."""

    assignment: str
    step: AssignmentStatus
    far_confirmed: Flag = False
    note: Text = ""


class SetUnitStatus(Form, frozen=True, kw_only=True):
    unit: str
    status: Service
    note: Text = ""


DispatchCommand = AssignUnit | TakeAssignmentStep | SetUnitStatus
