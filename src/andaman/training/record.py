"""Reads an exercise's journal and derives what people did: events in, facts out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from andaman.broker.api import Event, EventKind, default_instance, iri, plain
from andaman.training.drill import Fact

DRILL_ACTOR: Final = "system:drill"
_ALERT, _INCIDENT, _ASSIGNMENT, _ENTRY = map(iri, ("Alert", "Incident", "Assignment", "TimelineEntry"))
_TOLD: Final = ("incidentType", "severity", "location")
"""The facts that people give when they open an incident, and can correct."""
_ENTRIES: Final = {
    "check": "item-checked",
    "uncheck": "item-unchecked",
    "handover": "handed-over",
    "note": "note",
}


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
    if event.actor == DRILL_ACTOR and _ALERT not in event.types:
        yield fact("inject", main=created and event.entity_id == main_entity)
    if _ALERT in event.types:
        status = changed("alertStatus")
        if created and event.actor != DRILL_ACTOR:
            yield fact(
                "alert-raised",
                severity=now.get(iri("severity")),
                rule=now.get(iri("rule")),
                source=now.get(iri("alertSource")),
            )
        elif status == "acknowledged":
            yield fact("alert-acknowledged")
    elif _INCIDENT in event.types:
        if created:
            yield fact("incident-opened", **_told(now))
        elif changed("incidentStatus") == "closed":
            yield fact("incident-closed", outcome=now.get(iri("outcome")))
        elif any(changed(name) is not None for name in _TOLD):
            yield fact("incident-corrected", **_told(now))
    elif _ENTRY in event.types:
        kind = _ENTRIES.get(str(now.get(iri("entryType"))))
        if created and kind is not None:
            text = now.get(iri("text"))
            length = len(text.strip()) if isinstance(text, str) else 0
            params = now.get(iri("params"))
            item = params.get("item") if isinstance(params, dict) else None
            yield fact(kind, incident=now.get(iri("refIncident")), length=length, item=item)
    elif _ASSIGNMENT in event.types:
        status = changed("assignmentStatus")
        incident = now.get(iri("refIncident"))
        if created:
            reason = now.get(iri("reasonChosen"))
            reason = reason if isinstance(reason, dict) else {}
            yield fact(
                "unit-assigned",
                incident=incident,
                unitType=reason.get("unitType"),
                advised=reason.get("advised"),
                etaSeconds=reason.get("etaSeconds", now.get(iri("etaSeconds"))),
                bestEtaSeconds=reason.get("bestEtaSeconds"),
            )
        elif status in ("enRoute", "onScene", "clear"):
            yield fact(f"unit-{status}", incident=incident)


def _told(now: dict[str, Any]) -> dict[str, Any]:
    """The kind, severity and place of an incident; a place other than a point counts as none."""
    told = {name: now.get(iri(name)) for name in _TOLD}
    place = told["location"]
    point = isinstance(place, dict) and place.get("type") == "Point" and place.get("coordinates")
    return {**told, "location": tuple(point[:2]) if point else None}
