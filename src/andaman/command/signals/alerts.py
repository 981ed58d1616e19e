"""Alerts as entities (CAP 1.2 terms): what a signal of the rule engine writes, and what people may do with one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.entity.build import entity, js, lang, prop, rel, short, value
from andaman.broker.model import LOCATION, Doc, Instance, OpKind, WriteOp
from andaman.command.core.entities import change_op, exercise_of, local, scopes_of
from andaman.command.problems import AlertAcknowledged, AlertClosed, AlertNotOpen
from andaman.command.signals.episode import Signal, SignalKind
from andaman.kernel.time import Micros, format_time

ALERT_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("acknowledged", "cleared", "closed"),
    "acknowledged": ("cleared", "closed"),
    "cleared": ("acknowledged", "closed"),
    "closed": (),
}
"""What may follow. A cleared alert comes back as acknowledged or open when its condition does, within the damping
time; acknowledging a cleared one records who saw it and leaves it cleared."""

_HOLE = re.compile(r"\{([A-Za-z_][\w.\-]*)\}")


def fill(template: str, holes: Mapping[str, Any]) -> str:
    """``{attr}`` replaced by what is known; an unknown one by a dash, never by an error."""

    def one(match: re.Match[str]) -> str:
        found = holes.get(match.group(1))
        if found is None:
            return "–"
        return f"{found:g}" if isinstance(found, float) else str(found)

    return _HOLE.sub(one, template)


def _holes(signal: Signal, source: Doc | None, language: str) -> dict[str, Any]:
    holes: dict[str, Any] = {"id": local(signal.entity_id), "occurrences": signal.occurrences}
    if source is not None:
        for name, instances in source["attrs"].items():
            key = short(name)
            found = value(source, key)
            if isinstance(found, dict):
                found = found.get(language) or found.get("en") or found.get("th")
            if isinstance(found, str | int | float) and instances:
                holes[key] = found
    for row in signal.evidence:
        if "silentSeconds" in row:
            holes["silentMinutes"] = round(row["silentSeconds"] / 60)
        if "perSeconds" in row:
            holes["change"] = row.get("value")
    holes.setdefault("name", holes["id"])
    return holes


def evidence_json(signal: Signal) -> list[dict[str, Any]]:
    """The ground of the alert with short names."""
    out = []
    for row in signal.evidence:
        row = dict(row)
        for key in ("attribute", "exists"):
            if key in row:
                row[key] = short(row[key])
        out.append(row)
    return out


def _origin(source: Doc | None) -> str:
    """An alert is computed, unless what it rests on was simulated or replayed: then it says that."""
    found = value(source, "origin") if source is not None else None
    return found if found in ("simulated", "replayed") else "computed"


def _texts(signal: Signal, source: Doc | None) -> dict[str, str]:
    headline = signal.rule.headline or signal.rule.name or {"en": local(signal.rule.id)}
    return {lg: fill(text, _holes(signal, source, lg)) for lg, text in headline.items()}


def signal_op(signal: Signal, source: Doc | None, alert: Doc | None, tenant: str) -> WriteOp | None:
    """The write of one signal, given the source entity and the alert as they are; None when it was written before
    (a repeated run after a kill) or when a person has closed the alert since."""
    if alert is None:
        return _create(signal, source, tenant) if signal.kind is not SignalKind.CLEARED else None
    if int(value(alert, "signalStep", 0)) >= signal.step or value(alert, "alertStatus") == "closed":
        return None
    attrs: dict[str, Instance] = {
        "signalStep": prop(signal.step),
        "lastSeen": prop(format_time(signal.last_seen)),
        "occurrences": prop(signal.occurrences),
    }
    status = value(alert, "alertStatus")
    match signal.kind:
        case SignalKind.CLEARED:
            attrs["alertStatus"] = prop("cleared", signal.at)
            attrs["clearedAt"] = prop(format_time(signal.at))
            attrs["clearReason"] = prop(signal.reason)
        case SignalKind.AGAIN | SignalKind.RAISED:
            seen = value(alert, "acknowledgedBy") is not None
            attrs["alertStatus"] = prop("acknowledged" if seen else "open", signal.at)
        case SignalKind.WORSE:
            attrs["severity"] = prop(signal.severity)
            if status == "acknowledged":  # worse than what was acknowledged: look again
                attrs["alertStatus"] = prop("open", signal.at)
        case SignalKind.SEEN:
            pass
    if signal.kind is not SignalKind.CLEARED:
        attrs["severity"] = prop(signal.severity)
        attrs["data"] = js(evidence_json(signal))
        attrs["name"] = lang(**_texts(signal, source))
    return change_op(signal.alert_id, "Alert", **attrs)


def _create(signal: Signal, source: Doc | None, tenant: str) -> WriteOp:
    rule = signal.rule
    attrs: dict[str, Instance] = {
        "name": lang(**_texts(signal, source)),
        "alertStatus": prop("open", signal.at),
        "severity": prop(signal.severity),
        "urgency": prop(rule.urgency),
        "certainty": prop(rule.certainty),
        "category": prop(rule.category),
        "alertSource": rel(signal.entity_id),
        "rule": rel(rule.id, "AlertRule"),
        "dateIssued": prop(format_time(signal.at)),
        "onset": prop(format_time(signal.onset)),
        "lastSeen": prop(format_time(signal.last_seen)),
        "occurrences": prop(signal.occurrences),
        "signalStep": prop(signal.step),
        "data": js(evidence_json(signal)),
        "origin": prop(_origin(source)),
    }
    if rule.instruction:
        attrs["instruction"] = lang(**rule.instruction)
    if rule.incident_type:
        attrs["incidentType"] = prop(rule.incident_type)
    if source is not None:
        place = source["attrs"].get(LOCATION)
        if place and place[0].get("value", {}).get("type") == "Point":
            attrs["location"] = {"type": "GeoProperty", "value": place[0]["value"]}
        for key in ("agency", "address"):
            found = value(source, key)
            if isinstance(found, str):
                attrs[key] = prop(found)
    doc = entity(
        signal.alert_id, "Alert", scopes_of("/command/alert", tenant), **attrs, **exercise_of(tenant)
    )
    return WriteOp(OpKind.CREATE, signal.alert_id, doc)


def withdraw(alert: Doc, reason: str, now: Micros) -> WriteOp:
    """Clear an alert that no rule stands behind any more."""
    attrs = {
        "alertStatus": prop("cleared", now),
        "clearedAt": prop(format_time(now)),
        "clearReason": prop(reason),
        "signalStep": prop(int(value(alert, "signalStep", 0)) + 1),
    }
    return change_op(alert["id"], "Alert", **attrs)


def acknowledge(alert: Doc, person: str, note: str, now: Micros) -> WriteOp:
    """Raises Conflict when it is acknowledged or closed already."""
    status, seen = value(alert, "alertStatus"), value(alert, "acknowledgedBy")
    if status == "closed" or (seen is not None and status != "open"):
        allowed = [] if status == "closed" else ["closed"]
        if seen:
            raise AlertAcknowledged(state=status, person=seen, allowed=allowed)
        raise AlertNotOpen(state=status, allowed=allowed)
    attrs = {"acknowledgedBy": prop(person, now), "acknowledgedAt": prop(format_time(now))}
    if note:
        attrs["acknowledgeNote"] = prop(note)
    if status != "cleared":
        attrs["alertStatus"] = prop("acknowledged", now)
    return change_op(alert["id"], "Alert", **attrs)


def close(alert: Doc, person: str, reason: str, now: Micros) -> WriteOp:
    """Raises Conflict when it is closed already."""
    if value(alert, "alertStatus") == "closed":
        raise AlertClosed(person=str(value(alert, "closedBy")))
    attrs = {
        "alertStatus": prop("closed", now),
        "closedBy": prop(person, now),
        "closedAt": prop(format_time(now)),
    }
    if reason:
        attrs["closeReason"] = prop(reason)
    return change_op(alert["id"], "Alert", **attrs)
