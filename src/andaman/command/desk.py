"""What people do in the command center, as one: takes each command to its handler, and shows an incident in detail.
The routes check permissions."""

from __future__ import annotations

from typing import Any

from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, iri, simplify
from andaman.city.registers import SeedRows
from andaman.command.core import attributes
from andaman.command.core.records import Records
from andaman.command.core.views import Assignment, Incident, TimelineEntry, readable
from andaman.command.dispatch.commands import DispatchCommand
from andaman.command.dispatch.service import Dispatch
from andaman.command.dispatch.steps import ASSIGNMENT_STEPS
from andaman.command.incidents.commands import CorrectIncident, IncidentCommand
from andaman.command.incidents.numbering import Numbering
from andaman.command.incidents.service import Incidents
from andaman.command.incidents.steps import incident_steps
from andaman.command.problems import NoIncidentThen
from andaman.command.signals.commands import AlertCommand
from andaman.command.signals.service import Alerts
from andaman.identity.model import Access, Actor
from andaman.identity.result_readers import Readers, everything
from andaman.kernel.time import Clock, Micros, format_time
from andaman.register import Rows

Command = AlertCommand | IncidentCommand | DispatchCommand


class Desk:
    def __init__(
        self, broker: Broker, clock: Clock, readers: Readers = everything, registers: Rows | None = None
    ) -> None:
        """Without ``registers`` they are as the platform brings them."""
        self._broker = broker
        self.registers: Rows = SeedRows() if registers is None else registers
        self.records = Records(broker, clock, readers)
        self.alerts = Alerts(self.records)
        self.dispatch = Dispatch(broker, self.records, self.registers)
        self.numbering = Numbering(broker, self.records, self.registers)
        self.incidents = Incidents(
            self.records, clock, self.registers, self.numbering, self.dispatch.units_of
        )

    async def handle(self, command: Command, actor: Actor, tenant: str) -> str:
        """Returns the id of the new record, or else of the alert, incident or unit that the command is about."""
        if isinstance(command, AlertCommand):
            return await self.alerts.handle(command, actor, tenant)
        if isinstance(command, IncidentCommand):
            done = await self.incidents.handle(command, actor, tenant)
            if isinstance(command, CorrectIncident) and command.location is not None:
                await self.dispatch.new_ways(done, actor, tenant)
            return done
        return await self.dispatch.handle(command, actor, tenant)

    def detail(self, incident_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> dict[str, Any]:
        """The incident, its timeline in order, its assignments with their steps, and the steps it may take. A damaged
        one takes none."""
        incident = self.records.doc(Incident.kind, incident_id, access, tenant)
        linked = ("refIncident", incident_id, access, tenant)
        timeline = self.records.linked_docs(TimelineEntry.kind, *linked)
        assignments = self.records.linked_docs(Assignment.kind, *linked)
        statuses = [one.status for one in readable(Assignment, assignments)]
        return {
            "incident": simplify(incident),
            "timeline": _in_order(timeline),
            "assignments": [self._assignment(one, access, tenant) for one in assignments],
            "allowedSteps": [
                step
                for one in readable(Incident, [incident])
                for step in incident_steps(one.status, statuses)
            ],
        }

    def _assignment(self, doc: Doc, access: Access, tenant: str) -> dict[str, Any]:
        live = {**simplify(doc), "allowedSteps": [], "unit": None}
        for one in readable(Assignment, [doc]):
            unit = self._broker.find(one.unit, access, tenant)
            live["allowedSteps"] = list(ASSIGNMENT_STEPS[one.status])
            live["unit"] = None if unit is None else simplify(unit)
        return live

    async def detail_at(
        self, incident_id: str, at: Micros, access: Access, tenant: str = DEFAULT_TENANT
    ) -> dict[str, Any]:
        """The same as it was known at ``at``; the past takes no steps."""
        incident = await self._broker.get_at(at, incident_id, access, tenant)
        if iri(Incident.kind) not in incident["type"]:
            raise NoIncidentThen(id=incident_id, at=format_time(at))
        ask = ("refIncident", incident_id, access, tenant)
        timeline = await self.records.linked_at(at, TimelineEntry.kind, *ask)
        assignments = await self.records.linked_at(at, Assignment.kind, *ask)
        return {
            "incident": simplify(incident),
            "timeline": _in_order(timeline),
            "assignments": [{**simplify(one), "allowedSteps": [], "unit": None} for one in assignments],
            "allowedSteps": [],
        }


def _in_order(timeline: list[Doc]) -> list[dict[str, Any]]:
    """By number; those without one first."""
    return [simplify(one) for one in sorted(timeline, key=lambda doc: attributes.count(doc, "number"))]
