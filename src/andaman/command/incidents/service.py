"""Takes the commands of people on incidents. Each is decided on the present state and numbered in the timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from andaman.broker.api import Instance, OpKind, WriteOp, iri, prop, rel, value
from andaman.command.core import attributes
from andaman.command.core.entities import change_op
from andaman.command.core.entries import (
    Entry,
    HandedOver,
    HandoverSeen,
    IncidentCorrected,
    IncidentOpened,
    IncidentStep,
    ItemChecked,
    ItemUnchecked,
    UnitStep,
    unit_links,
)
from andaman.command.core.reading import Titles
from andaman.command.core.records import Records
from andaman.command.core.states import AlertStatus, AssignmentStatus, IncidentStatus
from andaman.command.core.timeline import entries, entry_op
from andaman.command.core.views import Alert, Incident, TimelineEntry
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.command.incidents.commands import (
    AddNote,
    CheckItem,
    CorrectIncident,
    HandOver,
    IncidentCommand,
    OpenIncident,
    SeeHandover,
    TakeIncidentStep,
)
from andaman.command.incidents.corrections import corrections, outdated
from andaman.command.incidents.numbering import Number, Numbering
from andaman.command.incidents.steps import SentUnit, check_incident_step, incident_doc
from andaman.command.problems import (
    ChecklistOver,
    CorrectedMeanwhile,
    NothingHandedOver,
    NothingToCorrect,
    NotInChecklist,
    PlaceNotChosen,
)
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.refusals import NotAChoice
from andaman.kernel.time import Clock, Micros, format_time
from andaman.register import Rows

UnitsOf = Callable[[str, str], list[SentUnit]]
"""(incident, tenant) → the units that were assigned to it. This part knows of units only what comes from here."""


class Incidents:
    def __init__(
        self, records: Records, clock: Clock, registers: Rows, numbering: Numbering, units_of: UnitsOf
    ) -> None:
        self._records, self._clock, self._registers = records, clock, registers
        self._numbering, self._units_of = numbering, units_of

    async def handle(self, command: IncidentCommand, actor: Actor, tenant: str) -> str:
        """Returns the id of the incident. Raises NoSuchRecord, Unreadable, and what each step says."""
        match command:
            case OpenIncident():
                return await self._open(command, actor, tenant)
            case TakeIncidentStep():
                await self._step(command, actor, tenant)
            case AddNote():
                await self._entry(command, Entry(text=command.text), actor, tenant)
            case HandOver():
                await self._entry(
                    command, Entry(HandedOver(), command.text), actor, tenant, awaitsDispatch=prop(True)
                )
            case SeeHandover():
                await self._see(command, actor, tenant)
            case CheckItem():
                await self._check(command, actor, tenant)
            case CorrectIncident():
                await self._correct(command, actor, tenant)
            case _:
                assert_never(command)
        return command.incident

    async def _open(self, command: OpenIncident, actor: Actor, tenant: str) -> str:
        """Raises NotAChoice for an unknown type of incident, PlaceNotChosen without a place."""
        kinds = self._registers.rows(INCIDENT_TYPES)
        kind = kinds.get(command.incident_type)
        if kind is None:
            raise NotAChoice(field="incidentType", choices=list(kinds))
        if (command.location is None) is not command.location_unknown:
            raise PlaceNotChosen
        author = actor.principal.name
        incident_id = urn("Incident", sortable_id(self._clock()))
        number: Number | None = None

        def decide(now: Micros) -> list[WriteOp]:
            nonlocal number
            if number is not None:
                self._numbering.look_again()
            number = self._numbering.next(incident_id, now, tenant)
            ops, alert, name = [], None, titles(command.name)
            if command.ref_alert:
                alert = self._records.get(Alert, command.ref_alert, actor.access, tenant)
                ops.append(_linked(alert, incident_id, author, now))
                name = name or attributes.titles(alert.doc)
            doc = incident_doc(
                incident_id,
                number.text,
                command,
                name or kind.name.json(),
                author,
                now,
                tenant,
                alert=alert,
            )
            opened = IncidentOpened(name=attributes.names(doc))
            entry = Entry(opened, command.description, {"step": prop(IncidentStatus.NEW.value)})
            return [
                WriteOp(OpKind.CREATE, incident_id, doc),
                entry_op(incident_id, 1, entry, author, now, tenant),
                number.op,
                *ops,
            ]

        async with self._records.lock:
            await self._records.commit(decide, actor, tenant)
            assert number is not None
            self._numbering.given(number, tenant)
        return incident_id

    async def _entry(
        self, command: AddNote | HandOver, entry: Entry, actor: Actor, tenant: str, **attrs: Instance
    ) -> None:
        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            return entries(incident, [entry], attrs, actor, now, tenant)

        await self._records.commit(decide, actor, tenant)

    async def _see(self, command: SeeHandover, actor: Actor, tenant: str) -> None:
        """Seen is not done: the incident still waits. Raises NothingHandedOver."""

        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            if not incident.awaits_dispatch:
                raise NothingHandedOver
            return entries(
                incident, [Entry(HandoverSeen())], {"awaitsDispatch": prop(True)}, actor, now, tenant
            )

        await self._records.commit(decide, actor, tenant)

    async def _check(self, command: CheckItem, actor: Actor, tenant: str) -> None:
        """Raises NotInChecklist, and ChecklistOver once the incident has ended."""
        item = command.item.words()

        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            kind = self._registers.rows(INCIDENT_TYPES).get(incident.type)
            if kind is None or item not in kind.checklist:
                raise NotInChecklist(item=item)
            if incident.status.ended:
                raise ChecklistOver
            happened = ItemChecked(item=item) if command.done else ItemUnchecked(item=item)
            return entries(incident, [Entry(happened)], {}, actor, now, tenant)

        await self._records.commit(decide, actor, tenant)

    async def _step(self, command: TakeIncidentStep, actor: Actor, tenant: str) -> None:
        """Raises IncidentStepNotAllowed, UnitsBound."""

        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            units = self._units_of(incident.id, tenant)
            check_incident_step(incident.status, command.step, units)
            steps = [Entry(IncidentStep(state=command.step.value), command.note or command.outcome)]
            recalls: list[WriteOp] = []
            if command.step is IncidentStatus.CANCELLED:
                for unit in (one for one in units if one.status.active):
                    recalls += unit.call_back(now)
                    recalled = UnitStep(unit=unit.names, state=AssignmentStatus.CANCELLED.value)
                    steps.append(Entry(recalled, links=unit_links(unit.id)))
            attrs = _stamps(incident, command, now)
            return [*entries(incident, steps, attrs, actor, now, tenant), *recalls]

        await self._records.commit(decide, actor, tenant)

    async def _correct(self, command: CorrectIncident, actor: Actor, tenant: str) -> None:
        """Raises NotAChoice for an unknown type of incident, PlaceNotChosen, NothingToCorrect, CorrectedMeanwhile."""
        kinds = self._registers.rows(INCIDENT_TYPES)
        if command.incident_type is not None and command.incident_type not in kinds:
            raise NotAChoice(field="incidentType", choices=list(kinds))
        if command.location is not None and command.location_unknown:
            raise PlaceNotChosen
        names = {code: kind.name for code, kind in kinds.items()}

        def decide(now: Micros) -> list[WriteOp]:
            incident = self._records.get(Incident, command.incident, actor.access, tenant)
            found = corrections(incident, command, titles(command.name), names)
            if not found:
                raise NothingToCorrect
            if command.base is not None and (old := outdated(incident, command.base, found)) is not None:
                raise self._changed_by(incident, old, now, tenant)
            attrs = {name: instance for one in found for name, instance in one.attrs.items()}
            steps = [Entry(one.happened, command.reason) for one in found]
            gone = [
                WriteOp(OpKind.DELETE_ATTR, incident.id, attr=iri(name))
                for one in found
                for name in one.without
            ]
            return [*entries(incident, steps, attrs, actor, now, tenant), *gone]

        await self._records.commit(decide, actor, tenant)

    def _changed_by(
        self, incident: Incident, old: IncidentCorrected, now: Micros, tenant: str
    ) -> CorrectedMeanwhile:
        """Who corrected the value last, as the timeline knows it; a change past this room has no line there."""
        lines = self._records.linked(TimelineEntry, "refIncident", incident.id, FULL_ACCESS, tenant)
        made = [one for one in lines if _field_of(one) == old.field]
        last = max(made, key=lambda one: one.number, default=None)
        person = "–" if last is None else last.author
        at = now if last is None or last.at is None else last.at
        return CorrectedMeanwhile(
            field=old.field, person=person, at=format_time(at), now=old.old, asked=old.new
        )


def _field_of(line: TimelineEntry) -> str:
    """What a line corrected; "" for any other line."""
    params = value(line.doc, "params") if line.code == IncidentCorrected.code else None
    return str(params.get("field", "")) if isinstance(params, dict) else ""


def _stamps(incident: Incident, command: TakeIncidentStep, now: Micros) -> dict[str, Instance]:
    """What the step changes of the incident."""
    attrs: dict[str, Instance] = {"incidentStatus": prop(command.step.value, now)}
    if command.outcome:
        attrs["outcome"] = prop(command.outcome)
    if command.step.ended:
        attrs["closedAt"] = prop(format_time(now))
        if command.disposition is not None:
            attrs["disposition"] = prop(command.disposition.value)
    elif incident.status.ended:
        attrs["reopenedAt"] = prop(format_time(now))
    return attrs


def _linked(alert: Alert, incident_id: str, author: str, now: Micros) -> WriteOp:
    """The alert refers to its incident, and is acknowledged by this."""
    link: dict[str, Instance] = {"refIncident": rel(incident_id, Incident.kind)}
    if alert.status is AlertStatus.OPEN:
        link |= {
            "alertStatus": prop(AlertStatus.ACKNOWLEDGED.value, now),
            "acknowledgedBy": prop(author, now),
            "acknowledgedAt": prop(format_time(now)),
        }
    return change_op(alert.id, Alert.kind, **link)


def titles(name: Titles | str | None) -> Mapping[str, str]:
    """A title by language. A plain text is in the language of its letters, and in no other."""
    if isinstance(name, Titles):
        return name.json()
    return {_language(name): name} if name else {}


def _language(text: str) -> str:
    return "th" if any("\u0e01" <= one <= "\u0e5b" for one in text) else "en"
