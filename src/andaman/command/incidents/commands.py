"""The commands of people on incidents."""

from __future__ import annotations

from andaman.command.core.reading import (
    Address,
    Addresses,
    BothLanguages,
    EntityId,
    Flag,
    Form,
    Line,
    Position,
    Text,
    Title,
    Titles,
)
from andaman.command.core.states import Disposition, IncidentStatus, Severity


class OpenIncident(Form, frozen=True, kw_only=True):
    """``name``: of the alert or the type when none is given; a plain text is in the language of its letters.
    ``ref_alert``: the alert it came from, which is then acknowledged. Either ``location`` or ``location_unknown``."""

    incident_type: Line
    severity: Severity
    name: Titles | Title | None = None
    description: Text = ""
    location: Position | None = None
    location_unknown: Flag = False
    address: Addresses | Address = ""
    ref_alert: EntityId = ""
    reporter_name: Line = ""
    reporter_phone: Line = ""
    agency: Line = ""


class TakeIncidentStep(Form, frozen=True, kw_only=True):
    """``step``: the status that it leads to. Cancelling calls back the units that are on their way. ``disposition``: of an
    incident that ends."""

    incident: str
    step: IncidentStatus
    note: Text = ""
    outcome: Text = ""
    disposition: Disposition | None = None


class AddNote(Form, frozen=True, kw_only=True):
    incident: str
    text: Text


class CheckItem(Form, frozen=True, kw_only=True):
    """An item of the checklist was done; ``done`` false: the tick was a mistake."""

    incident: str
    item: BothLanguages
    done: Flag = True


class CorrectionBase(Form, frozen=True, kw_only=True):
    """The values that a person saw when they began. ``location``: null where none was known."""

    incident_type: Line = ""
    severity: Severity = Severity.UNKNOWN
    name: Titles | None = None
    address: Address = ""
    location: Position | None = None


class CorrectIncident(Form, frozen=True, kw_only=True):
    """The given values become true; the timeline keeps the old ones, with the reason. ``location_unknown``: the place that was
    noted is wrong, and nobody knows the right one yet. ``base``: what it was made from; a value that somebody changed since
    is not overwritten."""

    incident: str
    reason: Text
    incident_type: Line | None = None
    severity: Severity | None = None
    name: Titles | Title | None = None
    address: Address = ""
    location: Position | None = None
    location_unknown: Flag = False
    base: CorrectionBase | None = None


class HandOver(Form, frozen=True, kw_only=True):
    """A dispatcher is asked to send units. ``text``: what they need to know."""

    incident: str
    text: Text


class SeeHandover(Form, frozen=True, kw_only=True):
    """A dispatcher says that they have read the message."""

    incident: str


IncidentCommand = (
    OpenIncident | TakeIncidentStep | AddNote | CheckItem | CorrectIncident | HandOver | SeeHandover
)
