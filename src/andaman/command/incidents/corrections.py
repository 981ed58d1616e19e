"""Corrections of an incident: what differs from the record, as changes and as lines of its timeline. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from andaman.broker.api import Instance, geo, lang, prop, value
from andaman.command.core import attributes
from andaman.command.core.attributes import Place
from andaman.command.core.entries import IncidentCorrected
from andaman.command.core.views import Incident
from andaman.command.incidents.commands import CorrectIncident, CorrectionBase
from andaman.command.incidents.steps import PRIORITY
from andaman.command.types import INCIDENT
from andaman.kernel.words import Words

NONE: Final = Words("ไม่ระบุ", "not given")
UNKNOWN_PLACE: Final = Words("ไม่ทราบจุดเกิดเหตุ", "place unknown")


@dataclass(frozen=True, slots=True)
class Correction:
    """``attrs``: the new values; ``without``: short names of attributes that go."""

    happened: IncidentCorrected
    attrs: Mapping[str, Instance]
    without: tuple[str, ...] = field(default=())


def corrections(
    incident: Incident, command: CorrectIncident, title: Mapping[str, str], kinds: Mapping[str, Words]
) -> list[Correction]:
    """Those members of the command that differ from the record. ``title``: the new one by language, if any; ``kinds``: code of
    a kind of incident → its name."""
    found: list[Correction] = []

    def differs(member: str, old: Words, new: Words, attrs: Mapping[str, Instance], *without: str) -> None:
        found.append(Correction(IncidentCorrected(field=member, old=old, new=new), attrs, without))

    if title and dict(title) != attributes.titles(incident.doc):
        fallback = next(iter(title.values()))
        new = Words(title.get("th", fallback), title.get("en", fallback))
        differs("name", incident.names, new, {"name": lang(**title)})
    kind = command.incident_type
    if kind is not None and kind != incident.type:
        old = kinds.get(incident.type, Words(incident.type or NONE.th, incident.type or NONE.en))
        differs("incidentType", old, kinds[kind], {"incidentType": prop(kind)})
    severity = command.severity
    if severity is not None and severity is not incident.severity:
        attrs = {"severity": prop(severity.value), "priority": prop(PRIORITY[severity])}
        differs("severity", _SEVERITIES[incident.severity.value], _SEVERITIES[severity.value], attrs)
    address = attributes.text(incident.doc, "address")
    if command.address and command.address != address:
        written = Words(address, address) if address else NONE
        differs(
            "address", written, Words(command.address, command.address), {"address": prop(command.address)}
        )
    if command.location is not None:
        lon, lat = command.location.coordinates[:2]
        if (lon, lat) != incident.place:
            attrs = {"location": geo(command.location.json()), "placeUnknown": prop(False)}
            differs("location", _where(incident.place), _where((lon, lat)), attrs)
    elif command.location_unknown and incident.place is not None:
        differs("location", _where(incident.place), UNKNOWN_PLACE, {"placeUnknown": prop(True)}, "location")
    return found


def outdated(
    incident: Incident, base: CorrectionBase, found: Sequence[Correction]
) -> IncidentCorrected | None:
    """The first correction whose value in the record is no longer the one that the person saw."""
    written = value(incident.doc, "address")
    texts = list(written.values()) if isinstance(written, dict) else [written or ""]
    seen = None if base.location is None else tuple(base.location.coordinates[:2])
    same = {
        "name": (base.name.json() if base.name is not None else {}) == _titles(incident),
        "incidentType": base.incident_type == incident.type,
        "severity": base.severity is incident.severity,
        "address": base.address in texts,
        "location": seen == incident.place,
    }
    return next((one.happened for one in found if not same[one.happened.field]), None)


def _titles(incident: Incident) -> dict[str, str]:
    """A title without a language is the same in both."""
    name = value(incident.doc, "name")
    return {"th": name, "en": name} if isinstance(name, str) else attributes.titles(incident.doc)


_SEVERITIES: Final = {
    code.value: code.words for one in INCIDENT.attributes if one.name == "severity" for code in one.codes
}


def _where(place: Place | None) -> Words:
    """Latitude first, as people read it on maps; five decimals are a metre."""
    if place is None:
        return UNKNOWN_PLACE
    lon, lat = place
    text = f"{lat:.5f}, {lon:.5f}"
    return Words(text, text)
