"""Records of the command center that name a row of a register, which therefore cannot be deleted."""

from __future__ import annotations

from typing import Final

from andaman.broker.api import Broker, iri, value
from andaman.command.core.states import IncidentStatus
from andaman.command.core.views import Incident, Unit
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.definitions.service import UsersOf
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.words import Words

_NAMING: Final = {
    UNIT_TYPES.name: (Unit.kind, "unitType", Words("หน่วย", "the unit")),
    INCIDENT_TYPES.name: (Incident.kind, "incidentType", Words("เหตุ", "the incident")),
    "agencies": (Unit.kind, "agency", Words("หน่วย", "the unit")),
}
_OVER: Final = frozenset(one.value for one in IncidentStatus if one.ended)


def users_in(broker: Broker) -> UsersOf:
    async def users(kind: str, key: str) -> list[Words]:
        """Units, and incidents that are not over. A past incident keeps the words of its type."""
        if kind not in _NAMING:
            return []
        type_, attribute, words = _NAMING[kind]
        found = []
        for doc in broker.iter_entities([iri(type_)], FULL_ACCESS):
            if value(doc, attribute) == key and value(doc, "incidentStatus") not in _OVER:
                name = value(doc, "name")
                name = name if isinstance(name, dict) else {"en": str(name or doc["id"])}
                some = str(name.get("en") or name.get("th") or doc["id"])
                found.append(Words(f"{words.th} {name.get('th') or some}", f"{words.en} {some}"))
        return found

    return users
