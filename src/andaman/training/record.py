"""Reads an exercise's journal and derives what people did: events in, facts out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from andaman.broker.api import Event, EventKind, default_instance, iri, plain
from andaman.training.drill import Fact

DRILL_ACTOR: Final = "system:drill"
_ALERT, _INCIDENT, _ASSIGNMENT = iri("Alert"), iri("Incident"), iri("Assignment")


def facts_of(events: Iterable[Event], main_entity: str) -> list[Fact]:
    """Facts in journal order. ``main_entity`` is the id of the entity whose creation is the drill's main event."""
    facts: list[Fact] = []
    known: dict[str, dict[str, Any]] = {}
    for event in events:
        before = dict(known.get(event.entity_id, {}))
        now = known.setdefault(event.entity_id, {})
        for change in event.changes:
            if change.attr:
                now[change.attr] = plain(default_instance(change.after)) if change.after else None
        facts.extend(_facts(event, before, now, main_entity))
    return facts


def _facts(event: Event, before: dict[str, Any], now: dict[str, Any], main_entity: str) -> Iterable[Fact]:
    def fact(kind: str, **data: Any) -> Fact:
        return Fact(kind, event.at, event.seq, event.actor, event.entity_id, data)

    def changed(name: str) -> Any:
        """The new value of an attribute that this event set to something else; None otherwise."""
        key = iri(name)
        return now.get(key) if now.get(key) != before.get(key) else None

    created = event.kind is EventKind.CREATED
    if created and event.entity_id == main_entity and event.actor == DRILL_ACTOR:
        yield fact("inject", main=True)
    if _ALERT in event.types:
        status = changed("alertStatus")
        if created and event.actor != DRILL_ACTOR:
            yield fact("alert-raised", severity=now.get(iri("severity")), rule=now.get(iri("rule")))
        elif status == "acknowledged":
            yield fact("alert-acknowledged")
    elif _INCIDENT in event.types:
        if created:
            yield fact("incident-opened", incidentType=now.get(iri("incidentType")))
        elif changed("incidentStatus") == "closed":
            yield fact("incident-closed", outcome=now.get(iri("outcome")))
    elif _ASSIGNMENT in event.types:
        status = changed("assignmentStatus")
        incident = now.get(iri("refIncident"))
        if created:
            reason = now.get(iri("reasonChosen")) or {}
            yield fact(
                "unit-assigned",
                incident=incident,
                unitType=reason.get("unitType"),
                etaSeconds=reason.get("etaSeconds", now.get(iri("etaSeconds"))),
                bestEtaSeconds=reason.get("bestEtaSeconds"),
            )
        elif status in ("enRoute", "onScene", "clear"):
            yield fact(f"unit-{status}", incident=incident)
