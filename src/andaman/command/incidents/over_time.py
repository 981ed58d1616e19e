"""Alerts and incidents over time, for the scrubber. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from andaman.broker.api import Doc, iri, value
from andaman.command.core import attributes
from andaman.command.core.states import AlertStatus, IncidentStatus
from andaman.kernel.refusals import EndNotAfterBegin, NotAWholeNumber
from andaman.kernel.time import Micros, format_time

MAX_BUCKETS = 500
_INCIDENT = iri("Incident")
_ENDED = tuple(status for status in IncidentStatus if status.ended)


class Buckets(TypedDict):
    """``buckets[i]``: the records issued from ``start`` on (``alerts``, ``incidents``: severity → number), and those
    active at some moment of it (``active``: severity → number).
    """

    begin: str
    end: str
    bucketSeconds: float
    buckets: list[dict[str, Any]]


def count_over_time(docs: Iterable[Doc], begin: Micros, end: Micros, buckets: int, now: Micros) -> Buckets:
    """An alert is active until it is cleared or closed, an incident until it is closed or cancelled."""
    if end <= begin:
        raise EndNotAfterBegin
    if not 1 <= buckets <= MAX_BUCKETS:
        raise NotAWholeNumber(field="buckets", low=1, high=MAX_BUCKETS)
    width = (end - begin) / buckets
    rows: list[dict[str, Any]] = [
        {
            "start": format_time(begin + round(i * width)),
            "alerts": {},
            "incidents": {},
            "active": {},
        }
        for i in range(buckets)
    ]
    for doc in docs:
        incident = _INCIDENT in doc["type"]
        issued = attributes.time(doc, "openedAt" if incident else "dateIssued")
        if issued is None or issued >= end:
            continue
        severity = attributes.severity(doc).value
        over = _ended(doc, incident) or max(now, issued)
        if issued >= begin:
            row = rows[min(buckets - 1, int((issued - begin) / width))]["incidents" if incident else "alerts"]
            row[severity] = row.get(severity, 0) + 1
        if over < begin:
            continue
        first = max(0, int((issued - begin) / width))
        last = min(buckets - 1, int((over - begin) / width))
        for i in range(first, last + 1):
            active = rows[i]["active"]
            active[severity] = active.get(severity, 0) + 1
    return {
        "begin": format_time(begin),
        "end": format_time(end),
        "bucketSeconds": width / 1e6,
        "buckets": rows,
    }


def _ended(doc: Doc, incident: bool) -> Micros | None:
    if incident:
        ended = value(doc, "incidentStatus") in _ENDED
        return attributes.time(doc, "closedAt") if ended else None
    status = value(doc, "alertStatus")
    if status == AlertStatus.CLEARED:
        return attributes.time(doc, "clearedAt")
    if status == AlertStatus.CLOSED:
        return attributes.time(doc, "clearedAt") or attributes.time(doc, "closedAt")
    return None
