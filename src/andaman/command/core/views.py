"""Frozen views of stored entities, so that mypy finds a wrong name of an attribute or of a state. Pure.

``of`` raises only ``Unreadable``, whatever the entity holds. ``readable`` leaves such entities out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, Self, TypeVar

from andaman.broker.api import Doc, value
from andaman.command.core import attributes as read
from andaman.command.core.attributes import Place
from andaman.command.core.states import (
    AlertStatus,
    AssignmentStatus,
    IncidentStatus,
    Severity,
    UnitStatus,
)
from andaman.command.problems import Unreadable
from andaman.kernel.time import Micros
from andaman.kernel.words import Words

log = logging.getLogger(__name__)

_LOGGED_MAX: Final = 1000
_logged: set[str] = set()  # a clock looks every two seconds


class View(Protocol):
    kind: ClassVar[str]
    """The short name of the entity type."""

    @classmethod
    def of(cls, doc: Doc) -> Self: ...


V = TypeVar("V", bound=View)


def readable(kind: type[V], docs: Iterable[Doc]) -> Iterator[V]:
    """The views of the entities that can be read; the log names each of the others once."""
    for doc in docs:
        try:
            yield kind.of(doc)
        except Unreadable as error:
            if error.detail not in _logged and len(_logged) < _LOGGED_MAX:
                _logged.add(error.detail)
                log.warning("%s", error.detail)


@dataclass(frozen=True, slots=True)
class Alert:
    kind: ClassVar[str] = "Alert"
    id: str
    status: AlertStatus
    severity: Severity
    rule: str
    source: str  # id of the entity that raised it
    issued: Micros | None
    onset: Micros | None
    last_seen: Micros | None
    occurrences: int
    signal_step: int  # number of the last change by the rules
    acknowledged_by: str
    closed_by: str
    origin: str
    replay_of: str  # true time of a replayed record
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> Alert:
        """Raises Unreadable for a status that does not exist."""
        return cls(
            doc["id"],
            read.state(doc, cls.kind, "alertStatus", AlertStatus),
            read.severity(doc),
            read.text(doc, "rule"),
            read.text(doc, "alertSource"),
            read.time(doc, "dateIssued"),
            read.time(doc, "onset"),
            read.time(doc, "lastSeen"),
            read.count(doc, "occurrences", 1),
            read.count(doc, "signalStep"),
            read.text(doc, "acknowledgedBy"),
            read.text(doc, "closedBy"),
            read.text(doc, "origin"),
            read.text(doc, "replayOf"),
            doc,
        )


@dataclass(frozen=True, slots=True)
class Incident:
    kind: ClassVar[str] = "Incident"
    id: str
    status: IncidentStatus
    names: Words
    type: str  # code of the register of incident types
    severity: Severity
    place: Place | None
    entry_count: int  # number of the last entry of its timeline
    awaits_dispatch: bool  # handed over to a dispatcher, who has not acted yet
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> Incident:
        """Raises Unreadable for a status that does not exist, or a count of entries that is not a count."""
        return cls(
            doc["id"],
            read.state(doc, cls.kind, "incidentStatus", IncidentStatus),
            read.names(doc),
            read.text(doc, "incidentType"),
            read.severity(doc),
            read.place(doc),
            read.counter(doc, cls.kind, "entryCount"),
            value(doc, "awaitsDispatch") is True,
            doc,
        )


@dataclass(frozen=True, slots=True)
class IncidentNumber:
    kind: ClassVar[str] = "IncidentNumber"
    id: str
    fiscal_year: int
    sequence: int

    @classmethod
    def of(cls, doc: Doc) -> IncidentNumber:
        """Raises Unreadable for a year or a number that is not a count."""
        return cls(
            doc["id"],
            read.counter(doc, cls.kind, "fiscalYear"),
            read.counter(doc, cls.kind, "sequence"),
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    kind: ClassVar[str] = "Assignment"
    id: str
    status: AssignmentStatus
    incident: str
    unit: str
    assigned_at: Micros | None
    on_scene_at: Micros | None  # of the report
    reached_at: Micros | None  # of the unit's position
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> Assignment:
        """Raises Unreadable for a status that does not exist, or without its incident and its unit."""
        return cls(
            doc["id"],
            read.state(doc, cls.kind, "assignmentStatus", AssignmentStatus),
            read.required_target(doc, cls.kind, "refIncident"),
            read.required_target(doc, cls.kind, "refUnit"),
            read.time(doc, "assignedAt"),
            read.time(doc, "onSceneAt"),
            read.time(doc, "positionAtSceneAt"),
            doc,
        )


@dataclass(frozen=True, slots=True)
class Unit:
    kind: ClassVar[str] = "EmergencyUnit"
    id: str
    status: UnitStatus
    names: Words
    type: str  # code of the register of unit types
    place: Place | None
    home: str  # id of the station
    agency: str
    assignment: str
    assignment_count: int
    simulated: bool
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> Unit:
        """Raises Unreadable for a status that does not exist, or a count of assignments that is not a count."""
        return cls(
            doc["id"],
            read.state(doc, cls.kind, "unitStatus", UnitStatus),
            read.names(doc),
            read.text(doc, "unitType"),
            read.place(doc),
            read.text(doc, "homeStation"),
            read.text(doc, "agency"),
            read.text(doc, "refAssignment"),
            read.counter(doc, cls.kind, "assignmentCount"),
            read.text(doc, "origin") == "simulated",
            doc,
        )


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    kind: ClassVar[str] = "TimelineEntry"
    id: str
    number: int  # from 1, without gaps
    incident: str
    type: str
    code: str
    author: str
    at: Micros | None
    doc: Doc = field(repr=False, compare=False)

    @classmethod
    def of(cls, doc: Doc) -> TimelineEntry:
        """Raises Unreadable for a number that is not a count, or without its incident."""
        return cls(
            doc["id"],
            read.counter(doc, cls.kind, "number"),
            read.required_target(doc, cls.kind, "refIncident"),
            read.text(doc, "entryType"),
            read.text(doc, "code"),
            read.text(doc, "author"),
            read.time(doc, "at"),
            doc,
        )
