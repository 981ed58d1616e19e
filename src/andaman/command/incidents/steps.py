"""Incidents: which steps are legal, what follows from them, and the entity they become. Pure.

A step is named by the status it leads to. Each step writes the next numbered timeline entry of its incident. So of two
steps taken at once on the same ground only one is written; the other is decided again on what is then true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from andaman.broker.api import Doc, Instance, WriteOp, entity, geo, lang, prop, rel
from andaman.command.core.entities import exercise_of, scopes_of
from andaman.command.core.entries import Entry, IncidentFollowed
from andaman.command.core.reading import Point
from andaman.command.core.states import AssignmentStatus, IncidentStatus, Severity
from andaman.command.core.timeline import entries
from andaman.command.core.views import Alert, Incident
from andaman.command.incidents.commands import OpenIncident
from andaman.command.problems import IncidentStepNotAllowed, StatusFollowsUnits, UnitsBound
from andaman.identity.model import Actor
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words

_I = IncidentStatus
INCIDENT_STEPS: Final[Mapping[IncidentStatus, tuple[IncidentStatus, ...]]] = {
    _I.NEW: (_I.TRIAGED, _I.CANCELLED),
    _I.TRIAGED: (_I.CLOSED, _I.CANCELLED),
    _I.DISPATCHED: (_I.TRIAGED, _I.CANCELLED),
    _I.ON_SCENE: (_I.CONTROLLED,),
    _I.CONTROLLED: (_I.ON_SCENE, _I.CLOSED),
    _I.CLOSED: (_I.TRIAGED,),  # reopened
    _I.CANCELLED: (_I.TRIAGED,),  # reopened
}
"""The steps that a person may take. ``dispatched`` and ``onScene`` are facts about units (``follows``), so nobody sets
them without one.
"""
OPEN: Final = tuple(status for status in IncidentStatus if not status.ended)
"""Incidents to which units can be assigned."""
PRIORITY: Final[Mapping[Severity, int]] = {
    Severity.EXTREME: 1,
    Severity.SEVERE: 2,
    Severity.MODERATE: 3,
    Severity.MINOR: 4,
    Severity.UNKNOWN: 5,
}


@dataclass(frozen=True, slots=True)
class SentUnit:
    """A unit that was assigned to the incident; ``call_back`` makes the writes that cancel its assignment."""

    id: str
    names: Words
    status: AssignmentStatus
    call_back: Callable[[Micros], list[WriteOp]]


def follows(status: IncidentStatus, assignments: Sequence[AssignmentStatus]) -> IncidentStatus | None:
    """The status an incident takes of itself from its assignments' statuses, or None where it stays.

    The first unit on scene brings it on scene; the first unit assigned makes it dispatched; when every unit was
    recalled before arriving it is triaged again. Controlled and ended incidents never change of themselves.
    """
    if AssignmentStatus.ON_SCENE in assignments:
        return _I.ON_SCENE if status in (_I.NEW, _I.TRIAGED, _I.DISPATCHED) else None
    if any(one.active for one in assignments):
        return _I.DISPATCHED if status in (_I.NEW, _I.TRIAGED) else None
    return _I.TRIAGED if status is _I.DISPATCHED else None


def incident_steps(
    status: IncidentStatus, assignments: Sequence[AssignmentStatus] = ()
) -> list[IncidentStatus]:
    """Steps a person may take now: not closing while units are still bound, and on scene again only with a unit there."""
    steps = list(INCIDENT_STEPS[status])
    if AssignmentStatus.ON_SCENE not in assignments:
        steps = [step for step in steps if step is not _I.ON_SCENE]
    if any(one.active for one in assignments):
        return [s for s in steps if s is not _I.CLOSED and (status, s) != (_I.DISPATCHED, _I.TRIAGED)]
    return steps


def check_incident_step(status: IncidentStatus, step: IncidentStatus, units: Sequence[SentUnit]) -> None:
    """Raises IncidentStepNotAllowed; StatusFollowsUnits for a status that only units bring; UnitsBound while units are
    still bound."""
    possible = incident_steps(status, [one.status for one in units])
    if step in (_I.DISPATCHED, _I.ON_SCENE) and step not in possible and not status.ended:
        raise StatusFollowsUnits(step=step, allowed=possible)
    if step not in INCIDENT_STEPS[status]:
        raise IncidentStepNotAllowed(state=status, step=step, allowed=possible)
    if step not in possible:
        bound = [one.names for one in units if one.status.active]
        raise UnitsBound(count=len(bound), units=bound, allowed=possible)


def with_follow(
    incident: Incident,
    statuses: Sequence[AssignmentStatus],
    entry: Entry,
    actor: Actor,
    now: Micros,
    tenant: str,
) -> list[WriteOp]:
    """The entry, and the incident's own step where it follows its units."""
    steps, attrs = [entry], {}
    step = follows(incident.status, statuses)
    if step is not None:
        attrs["incidentStatus"] = prop(step.value, now)
        steps.append(Entry(IncidentFollowed(state=step.value)))
    return entries(incident, steps, attrs, actor, now, tenant)


def place_attrs(location: Point | None) -> dict[str, Instance]:
    """The place that a person chose, or that nobody knows it."""
    if location is None:
        return {"placeUnknown": prop(True)}
    return {"location": geo(location.json())}


def incident_doc(
    incident_id: str,
    number: str,
    report: OpenIncident,
    name: Mapping[str, str],
    reporter: str,
    now: Micros,
    tenant: str,
    *,
    alert: Alert | None,
) -> Doc:
    """A new incident. ``number``: as people say it. ``alert``: it came from this one; what is not of today stays marked."""
    staged = alert is not None and alert.origin in ("simulated", "replayed")
    attrs: dict[str, Instance] = {
        "name": lang(**name),
        "incidentNumber": prop(number),
        "incidentType": prop(report.incident_type),
        "incidentStatus": prop(_I.NEW.value, now),
        "severity": prop(report.severity.value),
        "priority": prop(PRIORITY[report.severity]),
        "openedAt": prop(format_time(now)),
        "entryCount": prop(1),
        "createdBy": prop(reporter),
    }
    attrs |= place_attrs(report.location)
    address = report.address if isinstance(report.address, str) else report.address.json()
    for key, found in (
        ("description", report.description),
        ("address", address),
        ("reporterName", report.reporter_name),
        ("reporterPhone", report.reporter_phone),
        ("agency", report.agency),
        ("origin", alert.origin if alert and staged else ""),
        ("replayOf", alert.replay_of if alert and staged else ""),
    ):
        if found:
            attrs[key] = prop(found)
    if report.ref_alert:
        attrs["refAlert"] = rel(report.ref_alert, "Alert")
    return entity(
        incident_id, "Incident", scopes_of("/command/incident", tenant), **attrs, **exercise_of(tenant)
    )
