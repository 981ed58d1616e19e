"""Takes the commands of people on units: who could be sent, who is sent, and what a sent unit does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, assert_never

from andaman.broker.api import (
    DEFAULT_TENANT,
    Broker,
    Doc,
    Instance,
    OpKind,
    WriteOp,
    entity,
    iri,
    js,
    prop,
    rel,
    value,
)
from andaman.command.core import attributes
from andaman.command.core.entities import change_op, exercise_of, scopes_of
from andaman.command.core.entries import Entry, Happening, UnitArrivedAfar, UnitStep, unit_links
from andaman.command.core.records import Records
from andaman.command.core.states import AssignmentStatus, UnitStatus
from andaman.command.core.views import Assignment, Incident, Unit
from andaman.command.dispatch.commands import AssignUnit, DispatchCommand, SetUnitStatus, TakeAssignmentStep
from andaman.command.dispatch.ranking import TURNOUT_S, Candidate, Ranking, rank, without_place
from andaman.command.dispatch.roads import iter_segments
from andaman.command.dispatch.shore import Shore
from andaman.command.dispatch.steps import (
    FAR_M,
    assignment_id,
    check_assignment_step,
    distance_m,
    reached_at,
    step_ops,
)
from andaman.command.incidents.steps import OPEN, SentUnit, incident_steps, with_follow
from andaman.command.problems import IncidentNotOpen, UnitBound, UnitFarFromScene, UnitNotAvailable
from andaman.identity.model import FULL_ACCESS, Access, Actor
from andaman.kernel.network import RoadNetwork
from andaman.kernel.time import SECOND, Micros, format_time
from andaman.kernel.words import Words
from andaman.register import Rows


class Dispatch:
    def __init__(self, broker: Broker, records: Records, registers: Rows) -> None:
        self._broker, self._records, self.registers = broker, records, registers
        self._networks: dict[str, RoadNetwork] = {}
        self._shore: Shore | None = None

    async def handle(self, command: DispatchCommand, actor: Actor, tenant: str) -> str:
        """Returns the id of a new assignment, the incident of an assignment that took a step, or the unit. Raises
        NoSuchRecord, Unreadable, and what each step says."""
        match command:
            case AssignUnit():
                return await self._assign(command, actor, tenant)
            case TakeAssignmentStep():
                return await self._step(command, actor, tenant)
            case SetUnitStatus():
                return await self._set_status(command, actor, tenant)
            case _:
                assert_never(command)

    # -- who could be sent ----------------------------------------------------------------------------------
    async def candidates(
        self, incident_id: str, access: Access, tenant: str, unit_type: str = "", limit: int = 10
    ) -> Ranking:
        incident = self._records.get(Incident, incident_id, access, tenant)
        return await self._rank(incident, access, tenant, unit_type, limit)

    async def _rank(
        self, incident: Incident, access: Access, tenant: str, unit_type: str, limit: int, chosen: str = ""
    ) -> Ranking:
        """Among the units that ``access`` shows, and the chosen one. Searched in a thread, so that the loop stays free."""
        units = list(self._records.every(Unit, access, tenant))
        if incident.place is None:
            return without_place(incident.type, units, self.registers, unit_type=unit_type)
        network = await self.network(tenant)
        if chosen and all(unit.id != chosen for unit in units):
            found = self._records.find(Unit, chosen, FULL_ACCESS, tenant)
            units += [] if found is None else [found]
        return await asyncio.to_thread(
            rank,
            network,
            incident.place,
            incident.type,
            units,
            self.registers,
            shore=self.shore(),
            unit_type=unit_type,
            limit=limit,
            chosen=chosen,
        )

    async def network(self, tenant: str) -> RoadNetwork:
        """The tenant's roads; a drill's tenant without any drives on the city's."""
        found = self._networks.get(tenant)
        if found is None:
            readers = self._records.readers(Assignment.kind, tenant)
            docs = self._broker.iter_entities([iri("RoadSegment")], readers, tenant)
            found = await asyncio.to_thread(RoadNetwork, list(iter_segments(docs)))
            if not len(found) and tenant != DEFAULT_TENANT:
                found = await self.network(DEFAULT_TENANT)
            self._networks[tenant] = found
        return found

    def shore(self) -> Shore:
        """The city's coastlines; a drill has the same."""
        if self._shore is None:
            readers = self._records.readers(Assignment.kind, DEFAULT_TENANT)
            docs = self._broker.iter_entities([iri("Coastline")], readers, DEFAULT_TENANT)
            lines = (value(doc, "location") for doc in docs)
            self._shore = Shore(one for one in lines if isinstance(one, dict))
        return self._shore

    def ways_changed(self) -> None:
        """Roads or coastlines changed."""
        self._networks.clear()
        self._shore = None

    # -- who was sent ---------------------------------------------------------------------------------------
    def units_of(self, incident_id: str, tenant: str) -> list[SentUnit]:
        """Every unit that was assigned to the incident, also those that are clear."""
        return [self._sent(one, tenant) for one in self._assignments(incident_id, tenant)]

    def _sent(self, assignment: Assignment, tenant: str) -> SentUnit:
        def call_back(now: Micros) -> list[WriteOp]:
            return step_ops(assignment, AssignmentStatus.CANCELLED, now)

        return SentUnit(assignment.unit, self._names(assignment, tenant), assignment.status, call_back)

    def _assignments(self, incident_id: str, tenant: str) -> list[Assignment]:
        return self._records.linked(Assignment, "refIncident", incident_id, FULL_ACCESS, tenant)

    def _names(self, assignment: Assignment, tenant: str) -> Words:
        unit = self._broker.find(assignment.unit, FULL_ACCESS, tenant)
        return Words(assignment.unit, assignment.unit) if unit is None else attributes.names(unit)

    # -- commands -------------------------------------------------------------------------------------------
    async def _assign(self, command: AssignUnit, actor: Actor, tenant: str) -> str:
        """Raises UnitNotAvailable, or IncidentNotOpen when it has ended."""
        incident = self._records.get(Incident, command.incident, actor.access, tenant)
        kind = self._records.get(Unit, command.unit, actor.access, tenant).type
        # why it was chosen stays in the assignment, so the reason names only units that all its readers may see
        readers = self._records.readers(Assignment.kind, tenant)
        ranking = await self._rank(incident, readers, tenant, "", 1, command.unit)
        chosen = next((c for c in ranking.candidates if c.unit.id == command.unit), None)
        why = _reasons(ranking, chosen, kind)

        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            unit = self._records.get(Unit, command.unit, actor.access, tenant)
            if incident.status.ended:
                allowed = incident_steps(incident.status)
                raise IncidentNotOpen(state=incident.status, open=OPEN, allowed=allowed)
            if unit.status is not UnitStatus.AVAILABLE:
                raise UnitNotAvailable(unit=unit.names, id=unit.id, state=unit.status)
            number = unit.assignment_count + 1
            made = assignment_id(unit.id, number, self._records.key)
            statuses = [one.status for one in self._assignments(incident.id, tenant)]
            sent = UnitStep(unit=unit.names, state=AssignmentStatus.ASSIGNED.value)
            return [
                WriteOp(
                    OpKind.CREATE,
                    made,
                    _assignment_doc(
                        made, incident, unit, {**why, **_promise(chosen, now)}, actor, now, tenant
                    ),
                ),
                change_op(
                    unit.id,
                    Unit.kind,
                    unitStatus=prop(UnitStatus.ASSIGNED.value, now),
                    assignmentCount=prop(number),
                    refIncident=rel(incident.id, Incident.kind),
                    refAssignment=rel(made, Assignment.kind),
                ),
                *with_follow(
                    incident,
                    [*statuses, AssignmentStatus.ASSIGNED],
                    Entry(sent, links=unit_links(unit.id, made)),
                    actor,
                    now,
                    tenant,
                ),
            ]

        async with self._records.lock:
            ops = await self._records.commit(decide, actor, tenant)
        return ops[0].entity_id

    async def _step(self, command: TakeAssignmentStep, actor: Actor, tenant: str) -> str:
        """Unit and incident follow. Raises AssignmentStepNotAllowed, and UnitFarFromScene where nobody confirmed it."""
        step = command.step

        def decide(now: Micros) -> list[WriteOp]:
            assignment = self._records.get(Assignment, command.assignment, actor.access, tenant)
            check_assignment_step(assignment.status, step)
            incident = self._records.get(Incident, assignment.incident, FULL_ACCESS, tenant)
            rest = [one.status for one in self._assignments(incident.id, tenant) if one.id != assignment.id]
            names = self._names(assignment, tenant)
            done: Happening = UnitStep(unit=names, state=step.value)
            distance = reached = None
            if step is AssignmentStatus.ON_SCENE:
                unit = self._records.find(Unit, assignment.unit, FULL_ACCESS, tenant)
                distance, reached = distance_m(unit, incident), reached_at(assignment, unit, incident, now)
                if distance is not None and distance > FAR_M:
                    if not command.far_confirmed:
                        raise UnitFarFromScene(unit=names, distance=round(distance))
                    done = UnitArrivedAfar(unit=names, state=step.value, distance=round(distance))
            entry = Entry(done, command.note, unit_links(assignment.unit, assignment.id))
            return [
                *step_ops(assignment, step, now, distance, reached),
                *with_follow(incident, [*rest, step], entry, actor, now, tenant),
            ]

        await self._records.commit(decide, actor, tenant)
        return self._records.get(Assignment, command.assignment, FULL_ACCESS, tenant).incident

    async def new_ways(self, incident_id: str, actor: Actor, tenant: str) -> None:
        """The place was corrected: units on their way have another drive ahead. What was promised stays."""
        incident = self._records.get(Incident, incident_id, FULL_ACCESS, tenant)
        readers = self._records.readers(Assignment.kind, tenant)
        for assignment in self._assignments(incident_id, tenant):
            if assignment.status not in (AssignmentStatus.ASSIGNED, AssignmentStatus.EN_ROUTE):
                continue
            way = await self._way_of(assignment, incident, readers, tenant)

            def decide(
                now: Micros, one: str = assignment.id, way: dict[str, Instance] = way
            ) -> list[WriteOp]:
                return [change_op(one, Assignment.kind, **way)]

            if way:
                await self._records.commit(decide, actor, tenant)

    async def _way_of(
        self, assignment: Assignment, incident: Incident, readers: Access, tenant: str
    ) -> dict[str, Instance]:
        unit = self._records.find(Unit, assignment.unit, FULL_ACCESS, tenant)
        if unit is None or unit.place is None or incident.place is None:
            return {}
        network = await self.network(tenant)
        free = replace(unit, status=UnitStatus.AVAILABLE)
        ranking = await asyncio.to_thread(
            rank,
            network,
            incident.place,
            incident.type,
            [free],
            self.registers,
            shore=self.shore(),
            unit_type=unit.type,
            chosen=unit.id,
        )
        return _way(ranking.candidates[0]) if ranking.candidates else {}

    async def _set_status(self, command: SetUnitStatus, actor: Actor, tenant: str) -> str:
        """Take a unit out of service or bring it back. Raises UnitBound: then its status belongs to its assignment."""

        def decide(now: Micros) -> list[WriteOp]:
            unit = self._records.get(Unit, command.unit, actor.access, tenant)
            if unit.status.bound:
                raise UnitBound(unit=unit.names, state=unit.status)
            attrs = {"unitStatus": prop(command.status.value, now)}
            if command.note:
                attrs["statusNote"] = prop(command.note)
            return [change_op(unit.id, Unit.kind, **attrs)]

        async with self._records.lock:
            await self._records.commit(decide, actor, tenant)
        return command.unit


def _reasons(ranking: Ranking, chosen: Candidate | None, unit_type: str) -> dict[str, Instance]:
    """Why the unit was chosen, as attributes of its assignment."""
    if chosen is None:
        reason: dict[str, Any] = {"method": "none", "unitType": unit_type, "etaSeconds": None}
        return {"reasonChosen": js(reason | {"distanceM": None, "bestEtaSeconds": ranking.best_eta_s})}
    return {**_way(chosen), "reasonChosen": js(chosen.reason)}


def _way(chosen: Candidate) -> dict[str, Instance]:
    """The drive ahead of a unit. Screens tell from it and from the unit's position when it arrives."""
    way = {
        "etaSeconds": prop(round(chosen.eta_s, 1)),
        "routeLengthM": prop(round(chosen.distance_m, 1)),
    }
    return way if chosen.route is None else {**way, "route": js(chosen.route)}


def _promise(chosen: Candidate | None, now: Micros) -> dict[str, Instance]:
    """When the unit is expected, as it was known when it was sent. It never changes, so that a delay is seen."""
    if chosen is None:
        return {}
    return {"promisedAt": prop(format_time(now + round((TURNOUT_S + chosen.eta_s) * SECOND)))}


def _assignment_doc(
    assignment_id_: str,
    incident: Incident,
    unit: Unit,
    why: dict[str, Instance],
    actor: Actor,
    now: Micros,
    tenant: str,
) -> Doc:
    return entity(
        assignment_id_,
        Assignment.kind,
        scopes_of("/command/assignment", tenant),
        refIncident=rel(incident.id, Incident.kind),
        refUnit=rel(unit.id, Unit.kind),
        assignmentStatus=prop(AssignmentStatus.ASSIGNED.value, now),
        assignedAt=prop(format_time(now)),
        assignedBy=prop(actor.principal.name),
        origin=prop("simulated" if unit.simulated else "reported"),
        **why,
        **exercise_of(tenant),
    )
