"""What is stored, compared with what the rooms declare."""

from __future__ import annotations

from andaman.broker.entity.build import short
from andaman.broker.service import Broker
from andaman.common_attributes import COMMON
from andaman.identity.model import FULL_ACCESS
from andaman.rooms import TYPES
from andaman.vocabulary import by_name

_ALLOWED = dict.fromkeys(("Property", "LanguageProperty"), ("Property", "LanguageProperty"))


def undeclared(broker: Broker, tenant: str = "") -> set[str]:
    """Types, and attributes as "Type.name Kind", that are stored and that no room declares so. Empty: screens have words
    for all of them. A text in one language is a Property, also where the same in two is a LanguageProperty."""
    types = by_name(TYPES)
    found: set[str] = set()
    for doc in broker.iter_entities([], FULL_ACCESS, tenant):
        names = sorted(map(short, doc["type"]))
        found.update(name for name in names if name not in types)
        declared = [*COMMON, *(one for name in names if name in types for one in types[name].attributes)]
        known = {(one.name, kind) for one in declared for kind in _ALLOWED.get(one.kind, (one.kind,))}
        stored = {(short(name), one["type"]) for name, instances in doc["attrs"].items() for one in instances}
        found.update(f"{names[0]}.{name} {kind}" for name, kind in stored - known)
    return found
