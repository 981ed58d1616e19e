"""Reads the body of a new incident."""

from __future__ import annotations

from typing import Any

from andaman.command.core.reading import TEXT_MAX, members, point, text, uri
from andaman.command.core.states import SEVERITIES
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.kernel.refusals import NotAChoice
from andaman.register import Rows

INCIDENT_MEMBERS = (
    "incidentType", "severity", "name", "description", "location", "address", "refAlert", "reporterName",
    "reporterPhone", "agency",
)  # fmt: skip


def read_incident(raw: Any, registers: Rows) -> dict[str, Any]:
    """The members of a new incident; the name is the type's when none is given."""
    body = members(raw, INCIDENT_MEMBERS, ("incidentType", "severity", "location"))
    kinds = registers.rows(INCIDENT_TYPES)
    kind = kinds.get(str(body["incidentType"]))
    if kind is None:
        raise NotAChoice(field="incidentType", choices=list(kinds))
    if body["severity"] not in SEVERITIES:
        raise NotAChoice(field="severity", choices=SEVERITIES)
    name = body.get("name")
    if isinstance(name, dict):
        name = {k: text(name, k, 300) for k in members(name, ("th", "en"))}
        name = {k: v for k, v in name.items() if v}
    elif name is not None:
        plain = text(body, "name", 300)
        name = {"th": plain, "en": plain} if plain else None
    read: dict[str, Any] = {
        "incidentType": kind.code,
        "severity": body["severity"],
        "name": name or kind.name.json(),
        "location": point(body["location"], "location"),
        "refAlert": uri(body, "refAlert"),
    }
    for key in ("description", "reporterName", "reporterPhone", "agency"):
        read[key] = text(body, key, TEXT_MAX if key == "description" else 200)
    address = body.get("address")
    read["address"] = address if isinstance(address, dict) else text(body, "address", 500)
    if isinstance(address, dict):
        read["address"] = {k: text(address, k, 500) for k in members(address, ("th", "en"))}
    return read
