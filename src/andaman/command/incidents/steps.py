"""Incidents and assignments: which steps are legal, what follows from them, and the entities they become. Pure.

A step is named by the status it leads to. Two rules make the record trustworthy without a lock:

* Each step writes the next numbered timeline entry of its incident, so of two steps taken at once on the same ground
  only one is written; the other is decided anew on what is then true.
* Each assignment's id carries the unit's running number, so a unit cannot be assigned twice at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from andaman.broker.entity.build import entity, lang, prop, rel, value
from andaman.broker.model import Doc, Instance, WriteOp
from andaman.command.core.entities import exercise_of, local, scopes_of
from andaman.command.core.entries import Entry, IncidentFollowed
from andaman.command.core.timeline import entries
from andaman.command.problems import AssignmentStepNotAllowed, IncidentStepNotAllowed, UnitsBound
from andaman.identity.model import Actor
from andaman.kernel.ids import keyed_id, urn
from andaman.kernel.refusals import NotAChoice
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words

INCIDENT_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "new": ("triaged", "dispatched", "cancelled"),
    "triaged": ("dispatched", "closed", "cancelled"),
    "dispatched": ("onScene", "triaged", "cancelled"),
    "onScene": ("controlled",),
    "controlled": ("onScene", "closed"),
    "closed": ("triaged",),  # reopened
    "cancelled": ("triaged",),  # reopened
}
ASSIGNMENT_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "assigned": ("enRoute", "onScene", "cancelled"),
    "enRoute": ("onScene", "cancelled"),
    "onScene": ("clear",),
    "clear": (),
    "cancelled": (),
}
UNIT_STATUS: Final[Mapping[str, str]] = {
    "assigned": "assigned",
    "enRoute": "enRoute",
    "onScene": "onScene",
    "clear": "available",
    "cancelled": "available",
}
"""What the unit's status becomes with its assignment's."""
ACTIVE: Final = ("assigned", "enRoute", "onScene")
OPEN: Final = ("new", "triaged", "dispatched", "onScene", "controlled")
"""Incidents to which units can be assigned."""
STEP_TIMES: Final[Mapping[str, str]] = {
    "assigned": "assignedAt",
    "enRoute": "enRouteAt",
    "onScene": "onSceneAt",
    "clear": "clearAt",
    "cancelled": "cancelledAt",
}
PRIORITY: Final[Mapping[str, int]] = {"Extreme": 1, "Severe": 2, "Moderate": 3, "Minor": 4, "Unknown": 5}


def check_step(
    refusal: type[IncidentStepNotAllowed] | type[AssignmentStepNotAllowed],
    table: Mapping[str, tuple[str, ...]],
    status: str,
    step: str,
    possible: Sequence[str] | None = None,
) -> None:
    """Raises NotAChoice for a status that does not exist, ``refusal`` (with what is allowed, or
    ``possible`` of it) for an illegal step."""
    if step not in table:
        raise NotAChoice(field="step", choices=list(table))
    allowed = table.get(status, ())
    if step not in allowed:
        allowed = allowed if possible is None else tuple(possible)
        raise refusal(state=status, step=step, allowed=list(allowed))


def follows(status: str, assignments: Sequence[str]) -> str | None:
    """The status an incident takes of itself from its assignments' statuses, or None where it stays.

    The first unit on scene brings it on scene; the first unit assigned makes it dispatched; when every unit was
    recalled before arriving it is triaged again. Controlled and ended incidents never change of themselves.
    """
    if "onScene" in assignments:
        return "onScene" if status in ("new", "triaged", "dispatched") else None
    if any(one in ACTIVE for one in assignments):
        return "dispatched" if status in ("new", "triaged") else None
    return "triaged" if status == "dispatched" else None


def incident_steps(status: str, assignments: Sequence[str]) -> list[str]:
    """Steps a person may take now: not closing while units are still bound."""
    steps = list(INCIDENT_STEPS.get(status, ()))
    if any(one in ACTIVE for one in assignments):
        steps = [s for s in steps if s != "closed" and not (s == "triaged" and status == "dispatched")]
    return steps


def check_incident_step(status: str, step: str, assignments: Sequence[tuple[Words, str]]) -> None:
    """``assignments``: name of the unit and status. Raises as ``check_step``; UnitsBound while units are still bound."""
    possible = incident_steps(status, [one for _, one in assignments])
    check_step(IncidentStepNotAllowed, INCIDENT_STEPS, status, step, possible)
    bound = [unit for unit, one in assignments if one in ACTIVE]
    if step not in possible:
        raise UnitsBound(count=len(bound), units=bound, allowed=possible)


# -- entities -------------------------------------------------------------------------------------------------------


def incident_doc(incident_id: str, raw: Mapping[str, Any], reporter: str, now: Micros, tenant: str) -> Doc:
    """A new incident from checked input (``read_incident``)."""
    attrs: dict[str, Instance] = {
        "name": lang(**raw["name"]),
        "incidentType": prop(raw["incidentType"]),
        "incidentStatus": prop("new", now),
        "severity": prop(raw["severity"]),
        "priority": prop(PRIORITY[raw["severity"]]),
        "location": {"type": "GeoProperty", "value": raw["location"]},
        "openedAt": prop(format_time(now)),
        "entryCount": prop(1),
        "createdBy": prop(reporter),
    }
    for key in ("description", "address", "reporterName", "reporterPhone", "agency", "origin"):
        if raw.get(key):
            attrs[key] = prop(raw[key])
    if raw.get("refAlert"):
        attrs["refAlert"] = rel(raw["refAlert"], "Alert")
    return entity(
        incident_id, "Incident", scopes_of("/command/incident", tenant), **attrs, **exercise_of(tenant)
    )


def assignment_id(unit: Doc, key: bytes) -> tuple[str, int]:
    """Id and number of the unit's next assignment: the same for two who assign it at once, so that the second fails. ``key``: of
    this store, so that nobody counts a unit's assignments by trying ids."""
    number = int(value(unit, "assignmentCount", 0)) + 1
    secret = keyed_id(key, "Assignment", unit["id"], str(number))
    return urn("Assignment", f"{secret}-{local(unit['id'])}-{number:05d}"), number


def status_of(incident: Doc) -> str:
    return str(value(incident, "incidentStatus"))


def astatus_of(assignment: Doc) -> str:
    return str(value(assignment, "assignmentStatus"))


def with_follow(
    incident: Doc, statuses: Sequence[str], entry: Entry, actor: Actor, now: Micros, tenant: str
) -> list[WriteOp]:
    """The entry, and the incident's own step where it follows its units."""
    steps, attrs = [entry], {}
    step = follows(status_of(incident), statuses)
    if step is not None:
        attrs["incidentStatus"] = prop(step, now)
        steps.append(Entry(IncidentFollowed(state=step)))
    return entries(incident, steps, attrs, actor, now, tenant)
