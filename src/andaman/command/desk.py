"""What people do in the command center: acknowledge, open incidents, take steps, send units. Every write is checked
against the present state, committed atomically, and numbered in the incident's timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from andaman.broker.entity.build import entity, iri, js, prop, rel, simplify, value
from andaman.broker.model import DEFAULT_TENANT, Doc, Instance, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city.registers import SeedRows
from andaman.command.core.entities import change_op, exercise_of, names_of, scopes_of
from andaman.command.core.entries import (
    Entry,
    IncidentOpened,
    IncidentStep,
    ItemChecked,
    UnitStep,
    unit_links,
)
from andaman.command.core.records import Records
from andaman.command.core.states import AlertStatus
from andaman.command.core.timeline import entries, entry_op
from andaman.command.core.views import Alert
from andaman.command.dispatch.ranking import Ranking, rank
from andaman.command.dispatch.roads import iter_segments
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.command.incidents.steps import (
    ACTIVE,
    ASSIGNMENT_STEPS,
    OPEN,
    STEP_TIMES,
    UNIT_STATUS,
    assignment_id,
    astatus_of,
    check_incident_step,
    check_step,
    incident_doc,
    incident_steps,
    status_of,
    with_follow,
)
from andaman.command.problems import (
    AssignmentStepNotAllowed,
    IncidentNotOpen,
    NoIncidentThen,
    NotInChecklist,
    UnitBound,
    UnitNotAvailable,
)
from andaman.command.signals import alerts
from andaman.identity.model import FULL_ACCESS, Access, Actor
from andaman.identity.result_readers import Readers, everything
from andaman.kernel.geometry import centre_of
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.network import RoadNetwork
from andaman.kernel.refusals import FieldMissing, NotAChoice
from andaman.kernel.time import Clock, Micros, format_time
from andaman.kernel.words import Words
from andaman.register import Rows


class Desk(Records):
    """The operations of dispatchers and operators on one broker. Roles are checked by the routes; the writes are made
    in the person's name with the room's own right, so that nobody can write these entities around the rules."""

    def __init__(
        self, broker: Broker, clock: Clock, readers: Readers = everything, registers: Rows | None = None
    ) -> None:
        """Without ``registers`` they are as the platform brings them."""
        super().__init__(broker, clock, readers)
        self.registers: Rows = SeedRows() if registers is None else registers
        self._networks: dict[str, RoadNetwork] = {}

    # -- reading --------------------------------------------------------------------------------------------
    def detail(self, incident_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> dict[str, Any]:
        """The incident, its timeline in order, its assignments with their steps, and the steps it may take."""
        incident = self.get(incident_id, "Incident", access, tenant)
        timeline = self.linked("TimelineEntry", "refIncident", incident_id, access, tenant)
        assignments = self.linked("Assignment", "refIncident", incident_id, access, tenant)
        rows = []
        for one in assignments:
            live = simplify(one)
            live["allowedSteps"] = list(ASSIGNMENT_STEPS.get(str(value(one, "assignmentStatus")), ()))
            unit = self._broker.find(str(value(one, "refUnit")), access, tenant)
            live["unit"] = simplify(unit) if unit is not None else None
            rows.append(live)
        return {
            "incident": simplify(incident),
            "timeline": [simplify(e) for e in sorted(timeline, key=lambda e: int(value(e, "number", 0)))],
            "assignments": rows,
            "allowedSteps": incident_steps(status_of(incident), [astatus_of(a) for a in assignments]),
        }

    async def detail_at(
        self, incident_id: str, at: Micros, access: Access, tenant: str = DEFAULT_TENANT
    ) -> dict[str, Any]:
        """The same as it was known at ``at``; the past takes no steps."""
        incident = await self._broker.get_at(at, incident_id, access, tenant)
        if iri("Incident") not in incident["type"]:
            raise NoIncidentThen(id=incident_id, at=format_time(at))
        ask = ("refIncident", incident_id, access, tenant)
        timeline = await self.linked_at(at, "TimelineEntry", *ask)
        assignments = await self.linked_at(at, "Assignment", *ask)
        return {
            "incident": simplify(incident),
            "timeline": [simplify(e) for e in sorted(timeline, key=lambda e: int(value(e, "number", 0)))],
            "assignments": [{**simplify(one), "allowedSteps": [], "unit": None} for one in assignments],
            "allowedSteps": [],
        }

    async def network(self, tenant: str) -> RoadNetwork:
        """The tenant's roads; a drill's tenant without any drives on the city's."""
        found = self._networks.get(tenant)
        if found is None:
            docs = self._broker.iter_entities(
                [iri("RoadSegment")], self.readers("Assignment", tenant), tenant
            )
            found = await asyncio.to_thread(RoadNetwork, list(iter_segments(docs)))
            if not len(found) and tenant != DEFAULT_TENANT:
                found = await self.network(DEFAULT_TENANT)
            self._networks[tenant] = found
        return found

    def roads_changed(self) -> None:
        self._networks.clear()

    async def candidates(
        self, incident_id: str, access: Access, tenant: str, unit_type: str = "", limit: int = 10
    ) -> Ranking:
        incident = self.get(incident_id, "Incident", access, tenant)
        return await self._rank(incident, access, tenant, unit_type, limit)

    async def _rank(
        self, incident: Doc, access: Access, tenant: str, unit_type: str, limit: int, chosen: str = ""
    ) -> Ranking:
        """Among the units that ``access`` shows, and the chosen one. Searched in a thread, so that the loop stays free."""
        network = await self.network(tenant)
        units = list(self._broker.iter_entities([iri("EmergencyUnit")], access, tenant))
        if chosen and all(unit["id"] != chosen for unit in units):
            units += [unit for unit in [self._broker.find(chosen, FULL_ACCESS, tenant)] if unit is not None]
        place, kind = centre_of(value(incident, "location")), str(value(incident, "incidentType"))
        return await asyncio.to_thread(
            rank, network, place, kind, units, self.registers, unit_type=unit_type, limit=limit, chosen=chosen
        )

    # -- alerts ---------------------------------------------------------------------------------------------
    async def acknowledge(self, alert_id: str, note: str, actor: Actor, tenant: str) -> dict[str, Any]:
        return await self._alert(alert_id, actor, tenant, alerts.acknowledge, note)

    async def close_alert(self, alert_id: str, reason: str, actor: Actor, tenant: str) -> dict[str, Any]:
        return await self._alert(alert_id, actor, tenant, alerts.close, reason)

    async def _alert(
        self,
        alert_id: str,
        actor: Actor,
        tenant: str,
        step: Callable[[Alert, str, str, Micros], WriteOp],
        text: str,
    ) -> dict[str, Any]:
        async with self.lock:
            alert = Alert.of(self.get(alert_id, "Alert", actor.access, tenant))
            await self.commit(lambda now: [step(alert, actor.principal.name, text, now)], actor, tenant)
        return simplify(self.get(alert_id, "Alert", actor.access, tenant))

    # -- incidents ------------------------------------------------------------------------------------------
    async def open_incident(self, read: dict[str, Any], actor: Actor, tenant: str) -> str:
        """A new incident from checked input; the alert it came from is acknowledged and linked. Returns its id."""
        author = actor.principal.name
        incident_id = urn("Incident", sortable_id(self._clock()))

        def decide(now: Micros) -> list[WriteOp]:
            doc = incident_doc(incident_id, read, author, now, tenant)
            opened = Entry(
                IncidentOpened(name=names_of(doc)), read.get("description", ""), {"step": prop("new")}
            )
            ops = [
                WriteOp(OpKind.CREATE, incident_id, doc),
                entry_op(incident_id, 1, opened, author, now, tenant),
            ]
            if read.get("refAlert"):
                alert = Alert.of(self.get(read["refAlert"], "Alert", actor.access, tenant))
                link: dict[str, Instance] = {"refIncident": rel(incident_id, "Incident")}
                if alert.status is AlertStatus.OPEN:
                    link |= {
                        "alertStatus": prop("acknowledged", now),
                        "acknowledgedBy": prop(author, now),
                        "acknowledgedAt": prop(format_time(now)),
                    }
                ops.append(change_op(alert.id, "Alert", **link))
                if alert.simulated:
                    doc["attrs"][iri("origin")] = [prop("simulated")]
            return ops

        async with self.lock:
            await self.commit(decide, actor, tenant)
        return incident_id

    async def note(self, incident_id: str, text: str, actor: Actor, tenant: str) -> None:
        if not text:
            raise FieldMissing(field="text")

        def decide(now: Micros) -> list[WriteOp]:
            incident = self.get(incident_id, "Incident", actor.access, tenant)
            return entries(incident, [Entry(text=text)], {}, actor, now, tenant)

        await self.commit(decide, actor, tenant)

    async def check_item(self, incident_id: str, item: Words, actor: Actor, tenant: str) -> None:
        """Note that an item of the checklist of the incident's type was done. Raises NotInChecklist."""

        def decide(now: Micros) -> list[WriteOp]:
            incident = self.get(incident_id, "Incident", actor.access, tenant)
            kind = self.registers.rows(INCIDENT_TYPES).get(str(value(incident, "incidentType")))
            if kind is None or item not in kind.checklist:
                raise NotInChecklist(item=item)
            return entries(incident, [Entry(ItemChecked(item=item))], {}, actor, now, tenant)

        await self.commit(decide, actor, tenant)

    async def incident_step(
        self, incident_id: str, step: str, note: str, outcome: str, actor: Actor, tenant: str
    ) -> None:
        """Take a step by hand. Cancelling calls back the units that are still on their way."""

        def decide(now: Micros) -> list[WriteOp]:
            incident = self.get(incident_id, "Incident", actor.access, tenant)
            bound = self._assignments(incident_id, tenant)
            units = [(self._unit_names(a, tenant), astatus_of(a)) for a in bound]
            check_incident_step(status_of(incident), step, units)
            attrs: dict[str, Instance] = {"incidentStatus": prop(step, now)}
            if outcome:
                attrs["outcome"] = prop(outcome)
            if step in ("closed", "cancelled"):
                attrs["closedAt"] = prop(format_time(now))
            elif status_of(incident) in ("closed", "cancelled"):
                attrs["reopenedAt"] = prop(format_time(now))
            steps = [Entry(IncidentStep(state=step), note or outcome)]
            more: list[WriteOp] = []
            if step == "cancelled":
                for one in bound:
                    if astatus_of(one) in ACTIVE:
                        more += self._assignment_ops(one, "cancelled", now)
                        called_back = UnitStep(unit=self._unit_names(one, tenant), state="cancelled")
                        steps.append(Entry(called_back, links=unit_links(str(value(one, "refUnit")))))
            return [*entries(incident, steps, attrs, actor, now, tenant), *more]

        await self.commit(decide, actor, tenant)

    # -- assignments ----------------------------------------------------------------------------------------
    async def assign(self, incident_id: str, unit_id: str, actor: Actor, tenant: str) -> str:
        """Send a unit. Raises UnitNotAvailable, or IncidentNotOpen when it has ended. Returns the assignment's id."""
        made = ""
        first = self.get(incident_id, "Incident", actor.access, tenant)
        kind = str(value(self.get(unit_id, "EmergencyUnit", actor.access, tenant), "unitType"))
        # why it was chosen stays in the assignment, so it is said of units that all who read that may see
        readers = self.readers("Assignment", tenant)
        ranking = await self._rank(first, readers, tenant, kind, 1, unit_id)
        chosen = next((c for c in ranking.candidates if c.unit["id"] == unit_id), None)

        def decide(now: Micros) -> list[WriteOp]:
            nonlocal made
            incident = self.get(incident_id, "Incident", actor.access, tenant)
            unit = self.get(unit_id, "EmergencyUnit", actor.access, tenant)
            if status_of(incident) not in OPEN:
                state = status_of(incident)
                raise IncidentNotOpen(state=state, open=OPEN, allowed=incident_steps(state, []))
            if value(unit, "unitStatus") != "available":
                raise UnitNotAvailable(unit=names_of(unit), id=unit_id, state=str(value(unit, "unitStatus")))
            made, number = assignment_id(unit, self._broker.position_key)
            attrs: dict[str, Instance] = {
                "refIncident": rel(incident_id, "Incident"),
                "refUnit": rel(unit_id, "EmergencyUnit"),
                "assignmentStatus": prop("assigned", now),
                "assignedAt": prop(format_time(now)),
                "assignedBy": prop(actor.principal.name),
                "origin": prop("simulated" if value(unit, "origin") == "simulated" else "reported"),
            }
            if chosen is not None:
                attrs |= {
                    "etaSeconds": prop(round(chosen.eta_s, 1)),
                    "routeLengthM": prop(round(chosen.distance_m, 1)),
                    "reasonChosen": js(chosen.reason),
                }
                if chosen.route is not None:
                    attrs["route"] = js(chosen.route)
            else:
                reason = {"method": "none", "unitType": kind, "etaSeconds": None}
                attrs["reasonChosen"] = js(reason | {"distanceM": None, "bestEtaSeconds": ranking.best_eta_s})
            doc = entity(
                made, "Assignment", scopes_of("/command/assignment", tenant), **attrs, **exercise_of(tenant)
            )
            statuses = [astatus_of(a) for a in self._assignments(incident_id, tenant)]
            sent = Entry(UnitStep(unit=names_of(unit), state="assigned"), links=unit_links(unit_id, made))
            return [
                WriteOp(OpKind.CREATE, made, doc),
                change_op(
                    unit_id,
                    "EmergencyUnit",
                    unitStatus=prop("assigned", now),
                    assignmentCount=prop(number),
                    refIncident=rel(incident_id, "Incident"),
                    refAssignment=rel(made, "Assignment"),
                ),
                *with_follow(
                    incident,
                    [*statuses, "assigned"],
                    sent,
                    actor,
                    now,
                    tenant,
                ),
            ]

        async with self.lock:
            await self.commit(decide, actor, tenant)
        return made

    async def assignment_step(
        self, assignment_id_: str, step: str, actor: Actor, tenant: str, note: str = ""
    ) -> str:
        """Take a step of an assignment; unit and incident follow. Returns the incident's id."""
        incident_id = ""

        def decide(now: Micros) -> list[WriteOp]:
            nonlocal incident_id
            assignment = self.get(assignment_id_, "Assignment", actor.access, tenant)
            check_step(AssignmentStepNotAllowed, ASSIGNMENT_STEPS, astatus_of(assignment), step)
            incident_id = str(value(assignment, "refIncident"))
            incident = self.get(incident_id, "Incident", FULL_ACCESS, tenant)
            others = [
                astatus_of(a) for a in self._assignments(incident_id, tenant) if a["id"] != assignment_id_
            ]
            unit = str(value(assignment, "refUnit"))
            done = UnitStep(unit=self._unit_names(assignment, tenant), state=step)
            entry = Entry(done, note, unit_links(unit, assignment_id_))
            return [
                *self._assignment_ops(assignment, step, now),
                *with_follow(incident, [*others, step], entry, actor, now, tenant),
            ]

        await self.commit(decide, actor, tenant)
        return incident_id

    async def unit_status(self, unit_id: str, status: str, note: str, actor: Actor, tenant: str) -> Doc:
        """Take a unit out of service or bring it back; a bound unit's status belongs to its assignment."""
        if status not in ("available", "outOfService"):
            raise NotAChoice(field="status", choices=("available", "outOfService"))
        async with self.lock:
            unit = self.get(unit_id, "EmergencyUnit", actor.access, tenant)
            if value(unit, "unitStatus") in ACTIVE:
                raise UnitBound(unit=names_of(unit), state=str(value(unit, "unitStatus")))

            def decide(now: Micros) -> list[WriteOp]:
                attrs = {"unitStatus": prop(status, now)} | ({"statusNote": prop(note)} if note else {})
                return [change_op(unit_id, "EmergencyUnit", **attrs)]

            await self.commit(decide, actor, tenant)
        return self.get(unit_id, "EmergencyUnit", actor.access, tenant)

    def _assignment_ops(self, assignment: Doc, step: str, now: Micros) -> list[WriteOp]:
        stamp = {"assignmentStatus": prop(step, now), STEP_TIMES[step]: prop(format_time(now))}
        return [
            change_op(assignment["id"], "Assignment", **stamp),
            change_op(
                str(value(assignment, "refUnit")), "EmergencyUnit", unitStatus=prop(UNIT_STATUS[step], now)
            ),
        ]

    def _assignments(self, incident_id: str, tenant: str) -> list[Doc]:
        return self.linked("Assignment", "refIncident", incident_id, FULL_ACCESS, tenant)

    def _unit_names(self, assignment: Doc, tenant: str) -> Words:
        unit_id = str(value(assignment, "refUnit"))
        unit = self._broker.find(unit_id, FULL_ACCESS, tenant)
        return names_of(unit) if unit is not None else Words(unit_id, unit_id)
