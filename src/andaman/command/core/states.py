"""States and severities of the command center's entities. ``types.py`` has their words; a test compares both."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """CAP 1.2 §3.2.2, rising."""

    UNKNOWN = "Unknown"
    MINOR = "Minor"
    MODERATE = "Moderate"
    SEVERE = "Severe"
    EXTREME = "Extreme"


SEVERITIES: Final = tuple(one.value for one in Severity)


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"

    @property
    def standing(self) -> bool:
        """The condition holds, and nobody has closed the alert."""
        return self in (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


class IncidentStatus(StrEnum):
    NEW = "new"
    TRIAGED = "triaged"
    DISPATCHED = "dispatched"
    ON_SCENE = "onScene"
    CONTROLLED = "controlled"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Units can be assigned to every other incident."""
        return self in (IncidentStatus.CLOSED, IncidentStatus.CANCELLED)


class Disposition(StrEnum):
    """What an incident turned out to be, said when it is closed."""

    REAL = "real"
    FALSE_REPORT = "falseReport"
    DUPLICATE = "duplicate"
    PASSED_ON = "passedOn"


class AssignmentStatus(StrEnum):
    ASSIGNED = "assigned"
    EN_ROUTE = "enRoute"
    ON_SCENE = "onScene"
    CLEAR = "clear"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """It binds its unit."""
        return self not in (AssignmentStatus.CLEAR, AssignmentStatus.CANCELLED)


class UnitStatus(StrEnum):
    AVAILABLE = "available"
    ASSIGNED = "assigned"
    EN_ROUTE = "enRoute"
    ON_SCENE = "onScene"
    OUT_OF_SERVICE = "outOfService"

    @property
    def bound(self) -> bool:
        """An assignment has the unit, and sets its status."""
        return self not in (UnitStatus.AVAILABLE, UnitStatus.OUT_OF_SERVICE)
