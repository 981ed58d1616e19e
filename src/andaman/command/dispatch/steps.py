"""Assignments: which steps are legal, and what they change. Pure.

Each assignment's id carries the unit's running number, so a unit cannot be assigned twice at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from andaman.broker.api import WriteOp, observed, prop
from andaman.command.core.entities import change_op, local
from andaman.command.core.states import AssignmentStatus, UnitStatus
from andaman.command.core.views import Assignment, Incident, Unit
from andaman.command.problems import AssignmentStepNotAllowed
from andaman.kernel.geometry import haversine_m
from andaman.kernel.ids import keyed_id, urn
from andaman.kernel.time import Micros, format_time

_A = AssignmentStatus
ASSIGNMENT_STEPS: Final[Mapping[AssignmentStatus, tuple[AssignmentStatus, ...]]] = {
    _A.ASSIGNED: (_A.EN_ROUTE, _A.ON_SCENE, _A.CANCELLED),
    _A.EN_ROUTE: (_A.ON_SCENE, _A.CANCELLED),
    _A.ON_SCENE: (_A.CLEAR,),
    _A.CLEAR: (),
    _A.CANCELLED: (),
}
UNIT_STATUS: Final[Mapping[AssignmentStatus, UnitStatus]] = {
    _A.ASSIGNED: UnitStatus.ASSIGNED,
    _A.EN_ROUTE: UnitStatus.EN_ROUTE,
    _A.ON_SCENE: UnitStatus.ON_SCENE,
    _A.CLEAR: UnitStatus.AVAILABLE,
    _A.CANCELLED: UnitStatus.AVAILABLE,
}
"""The unit's status that follows from its assignment's."""
STEP_TIMES: Final[Mapping[AssignmentStatus, str]] = {
    _A.ASSIGNED: "assignedAt",
    _A.EN_ROUTE: "enRouteAt",
    _A.ON_SCENE: "onSceneAt",
    _A.CLEAR: "clearAt",
    _A.CANCELLED: "cancelledAt",
}


FAR_M: Final = 500.0
"""A unit whose last position is this far from the place is hardly on scene. Nearer, its position may be old, or the place may be
off the road."""


AT_SCENE_M: Final = 150.0
"""A unit whose position is as near as this is at the place: the error of a position, and the length of a scene."""


def distance_m(unit: Unit | None, incident: Incident) -> float | None:
    """Between the unit's last position and the place, in metres; None where either is unknown."""
    if unit is None or unit.place is None or incident.place is None:
        return None
    return haversine_m(*unit.place, *incident.place)


def reached_at(assignment: Assignment, unit: Unit | None, incident: Incident, now: Micros) -> Micros | None:
    """When the unit's position was first known at the place, but not before it was sent. None while it is elsewhere.
    What was noted before stays; otherwise it is the time of the last position."""
    if assignment.reached_at is not None:
        return assignment.reached_at
    distance = distance_m(unit, incident)
    if unit is None or distance is None or distance > AT_SCENE_M:
        return None
    seen = observed(unit.doc, "location")
    return max(min(now if seen is None else seen, now), assignment.assigned_at or 0)


def check_assignment_step(status: AssignmentStatus, step: AssignmentStatus) -> None:
    """Raises AssignmentStepNotAllowed."""
    allowed = ASSIGNMENT_STEPS[status]
    if step not in allowed:
        raise AssignmentStepNotAllowed(state=status, step=step, allowed=list(allowed))


def step_ops(
    assignment: Assignment,
    step: AssignmentStatus,
    now: Micros,
    distance: float | None = None,
    reached: Micros | None = None,
) -> list[WriteOp]:
    """The changes of the assignment and of its unit. When the unit is on scene, ``distance``: metres from the place;
    ``reached``: when its position was there. ``now`` is only the time of the report."""
    stamps = {"assignmentStatus": prop(step.value, now), STEP_TIMES[step]: prop(format_time(now))}
    if step is AssignmentStatus.ON_SCENE and distance is not None:
        stamps["onSceneDistanceM"] = prop(round(distance), None, "MTR")
    if reached is not None and assignment.reached_at is None:
        stamps["positionAtSceneAt"] = prop(format_time(reached))
    status = prop(UNIT_STATUS[step].value, now)
    return [
        change_op(assignment.id, Assignment.kind, **stamps),
        change_op(assignment.unit, Unit.kind, unitStatus=status),
    ]


def assignment_id(unit_id: str, number: int, key: bytes) -> str:
    """Of the unit's assignment with this number: the same for two who assign it at once, so that the second fails.
    ``key``: of this store, so that nobody counts a unit's assignments by trying ids."""
    secret = keyed_id(key, "Assignment", unit_id, str(number))
    return urn("Assignment", f"{secret}-{local(unit_id)}-{number:05d}")
