"""Notes when the position of a unit on its way reaches the place, so that a late report is not taken for a late arrival.

People report that a unit is on scene, often minutes later. Both times are kept: ``positionAtSceneAt`` and ``onSceneAt``.
"""

from __future__ import annotations

from typing import Final

from andaman.broker.api import Broker, OpKind, WriteOp, iri, prop
from andaman.command.core.entities import change_op
from andaman.command.core.records import Records
from andaman.command.core.states import AssignmentStatus
from andaman.command.core.views import Assignment, Incident, Unit, readable
from andaman.command.dispatch.steps import FAR_M, distance_m, reached_at
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.kernel.time import Clock, format_time
from andaman.kernel.work import Every

_ON_THE_WAY: Final = (AssignmentStatus.ASSIGNED.value, AssignmentStatus.EN_ROUTE.value)
_ATTRIBUTE: Final = "positionAtSceneAt"


class Arrivals:
    """A round every ``step_s`` seconds over the units that are on their way, in every tenant."""

    def __init__(self, broker: Broker, records: Records, clock: Clock, *, step_s: float = 5.0) -> None:
        self._broker, self._records, self._clock = broker, records, clock
        self._actor: Actor = system_actor("command")
        self._every = Every("The arrivals of units", step_s, self._step)

    async def start(self) -> None:
        await self._every.start()

    async def stop(self) -> None:
        await self._every.stop()

    async def _step(self) -> None:
        for tenant in self._broker.tenants():
            await self.round(tenant)

    async def round(self, tenant: str) -> None:
        """One look at every assignment whose unit has not been reported on scene."""
        docs = self._records.where(Assignment.kind, "assignmentStatus", _ON_THE_WAY, FULL_ACCESS, tenant)
        ops = [op for one in readable(Assignment, docs) for op in self._ops(one, tenant)]
        if ops:
            await self._broker.write(ops, self._actor, tenant)

    def _ops(self, assignment: Assignment, tenant: str) -> list[WriteOp]:
        """A position that left again was only passing by."""
        incident = self._records.find(Incident, assignment.incident, FULL_ACCESS, tenant)
        unit = self._records.find(Unit, assignment.unit, FULL_ACCESS, tenant)
        if incident is None or unit is None:
            return []
        if assignment.reached_at is not None:
            distance = distance_m(unit, incident)
            left = distance is not None and distance > FAR_M
            return [WriteOp(OpKind.DELETE_ATTR, assignment.id, attr=iri(_ATTRIBUTE))] if left else []
        reached = reached_at(assignment, unit, incident, self._clock())
        if reached is None:
            return []
        return [change_op(assignment.id, Assignment.kind, **{_ATTRIBUTE: prop(format_time(reached))})]
