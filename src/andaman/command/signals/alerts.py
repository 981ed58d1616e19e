"""Alerts as entities (CAP 1.2 terms): what a signal of the rule engine writes, and what people may do with one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from andaman.broker.api import (
    LOCATION,
    Doc,
    Instance,
    OpKind,
    WriteOp,
    entity,
    js,
    lang,
    prop,
    rel,
    short,
    value,
)
from andaman.command.core.entities import change_op, exercise_of, local, scopes_of
from andaman.command.core.states import AlertStatus
from andaman.command.core.views import Alert
from andaman.command.problems import AlertAcknowledged, AlertClosed, AlertNotOpen
from andaman.command.signals.episode import Signal, SignalKind
from andaman.kernel.time import Micros, format_time

_S = AlertStatus
ALERT_STEPS: Final[Mapping[AlertStatus, tuple[AlertStatus, ...]]] = {
    _S.OPEN: (_S.ACKNOWLEDGED, _S.CLEARED, _S.CLOSED),
    _S.ACKNOWLEDGED: (_S.CLEARED, _S.CLOSED),
    _S.CLEARED: (_S.ACKNOWLEDGED, _S.CLOSED),
    _S.CLOSED: (),
}
"""What may follow. A cleared alert comes back as acknowledged or open when its condition does, within the damping
time; acknowledging a cleared one records who saw it and leaves it cleared."""

_HOLE = re.compile(r"\{([A-Za-z_][\w.\-]*)\}")


def fill(template: str, holes: Mapping[str, Any]) -> str:
    """``{attr}`` replaced by the known value; an unknown one by a dash, never by an error."""

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


def evidence_json(evidence: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ground of an alert with short names."""
    out = []
    for found in evidence:
        row = dict(found)
        for key in ("attribute", "exists"):
            if key in row:
                row[key] = short(row[key])
        out.append(row)
    return out


def _origin(source: Doc | None) -> str:
    """An alert is "computed", unless it is based on simulated or replayed data: then it says that."""
    found = value(source, "origin") if source is not None else None
    return found if found in ("simulated", "replayed") else "computed"


def _texts(signal: Signal, source: Doc | None) -> dict[str, str]:
    headline = signal.rule.headline or signal.rule.name or {"en": local(signal.rule.id)}
    return {lg: fill(text, _holes(signal, source, lg)) for lg, text in headline.items()}


def signal_op(signal: Signal, source: Doc | None, alert: Alert | None, tenant: str) -> WriteOp | None:
    """The write of one signal, given the source entity and the alert as they are. None if it was written before (a
    repeated run after a kill) or if a person has closed the alert since.
    """
    if alert is None:
        return _create(signal, source, tenant) if signal.kind is not SignalKind.CLEARED else None
    if alert.signal_step >= signal.step or alert.status is AlertStatus.CLOSED:
        return None
    attrs: dict[str, Instance] = {
        "signalStep": prop(signal.step),
        "lastSeen": prop(format_time(signal.last_seen)),
        "occurrences": prop(signal.occurrences),
    }
    match signal.kind:
        case SignalKind.CLEARED:
            attrs["alertStatus"] = _status(AlertStatus.CLEARED, signal.at)
            attrs["clearedAt"] = prop(format_time(signal.at))
            attrs["clearReason"] = prop(signal.reason)
        case SignalKind.AGAIN | SignalKind.RAISED:
            back = AlertStatus.ACKNOWLEDGED if alert.acknowledged_by else AlertStatus.OPEN
            attrs["alertStatus"] = _status(back, signal.at)
        case SignalKind.WORSE:
            attrs["severity"] = prop(signal.severity)
            if alert.status is AlertStatus.ACKNOWLEDGED:  # worse than what was acknowledged: look again
                attrs["alertStatus"] = _status(AlertStatus.OPEN, signal.at)
        case SignalKind.SEEN:
            pass
    if signal.kind is not SignalKind.CLEARED:
        attrs["severity"] = prop(signal.severity)
        attrs["data"] = js(evidence_json(signal.evidence))
        attrs["name"] = lang(**_texts(signal, source))
    return change_op(signal.alert_id, "Alert", **attrs)


def _create(signal: Signal, source: Doc | None, tenant: str) -> WriteOp:
    rule = signal.rule
    evidence = evidence_json(signal.evidence)
    attrs: dict[str, Instance] = {
        "name": lang(**_texts(signal, source)),
        "alertStatus": _status(AlertStatus.OPEN, signal.at),
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
        "data": js(evidence),
        "firstData": js(evidence),
        "origin": prop(_origin(source)),
    }
    if rule.instruction:
        attrs["instruction"] = lang(**rule.instruction)
    if rule.incident_type:
        attrs["incidentType"] = prop(rule.incident_type)
    if source is not None:
        place = source["attrs"].get(LOCATION)
        point = place[0].get("value") if place else None
        if isinstance(point, dict) and point.get("type") == "Point":
            attrs["location"] = {"type": "GeoProperty", "value": point}
        for key in ("agency", "address", "replayOf"):
            found = value(source, key)
            if isinstance(found, str):
                attrs[key] = prop(found)
    doc = entity(
        signal.alert_id, "Alert", scopes_of("/command/alert", tenant), **attrs, **exercise_of(tenant)
    )
    return WriteOp(OpKind.CREATE, signal.alert_id, doc)


def withdraw(alert: Alert, reason: str, now: Micros) -> WriteOp:
    """Clear an alert whose rule or source is gone."""
    attrs = {
        "alertStatus": _status(AlertStatus.CLEARED, now),
        "clearedAt": prop(format_time(now)),
        "clearReason": prop(reason),
        "signalStep": prop(alert.signal_step + 1),
    }
    return change_op(alert.id, "Alert", **attrs)


def acknowledge(alert: Alert, person: str, note: str, now: Micros) -> WriteOp:
    """Raises AlertAcknowledged or AlertNotOpen when it is acknowledged or closed already."""
    status, seen = alert.status, alert.acknowledged_by
    if status is AlertStatus.CLOSED or (seen and status is not AlertStatus.OPEN):
        allowed = [] if status is AlertStatus.CLOSED else [AlertStatus.CLOSED.value]
        if seen:
            raise AlertAcknowledged(state=status.value, person=seen, allowed=allowed)
        raise AlertNotOpen(state=status.value, allowed=allowed)
    attrs = {"acknowledgedBy": prop(person, now), "acknowledgedAt": prop(format_time(now))}
    if note:
        attrs["acknowledgeNote"] = prop(note)
    if status is not AlertStatus.CLEARED:
        attrs["alertStatus"] = _status(AlertStatus.ACKNOWLEDGED, now)
    return change_op(alert.id, "Alert", **attrs)


def close(alert: Alert, person: str, reason: str, now: Micros) -> WriteOp:
    """Raises AlertClosed when it is closed already."""
    if alert.status is AlertStatus.CLOSED:
        raise AlertClosed(person=alert.closed_by)
    attrs = {
        "alertStatus": _status(AlertStatus.CLOSED, now),
        "closedBy": prop(person, now),
        "closedAt": prop(format_time(now)),
    }
    if reason:
        attrs["closeReason"] = prop(reason)
    return change_op(alert.id, "Alert", **attrs)


def _status(status: AlertStatus, now: Micros) -> Instance:
    return prop(status.value, now)
