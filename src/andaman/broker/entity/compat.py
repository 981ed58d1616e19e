"""Entities as an earlier version of the specification knew them: ``Prefer: ngsi-ld=1.5`` (CIM 009 §4.3.6.8)."""

from __future__ import annotations

import re
from typing import Any, Final

Version = tuple[int, int]
NATIVE: Final[Version] = (1, 9)
_PREFER: Final = re.compile(
    rb"(?:^|[,\s])ngsi-ld\s*=\s*\"?(\d{1,2})\.(\d{1,2})\"?\s*(?:$|[,;])", re.IGNORECASE
)
_KINDS: Final[dict[str, tuple[Version, str, str, str]]] = {
    "LanguageProperty": ((1, 4), "Property", "languageMap", "value"),
    "JsonProperty": ((1, 8), "Property", "json", "value"),
    "VocabProperty": ((1, 8), "Property", "vocab", "value"),
    "ListProperty": ((1, 8), "Property", "valueList", "value"),
    "ListRelationship": ((1, 8), "Relationship", "objectList", "object"),
}
"""Kind → since when, the kind before that, its value member, that of the kind before."""
_MEMBERS: Final[dict[str, Version]] = {
    "expiresAt": (1, 9),
    "valueType": (1, 9),
    "objectType": (1, 8),
    "datasetId": (1, 3),
    "observedAt": (1, 3),
    "unitCode": (1, 3),
}
"""Members of instances that fall away before the version that brought them."""
_VALUES: Final = frozenset({"value", "object", *(row[2] for row in _KINDS.values())})
_ENTITY: Final = frozenset({"id", "type", "scope", "@context", "createdAt", "modifiedAt", "expiresAt"})


def preferred(header: bytes) -> Version | None:
    """The version that a Prefer header asks for (RFC 7240); None: no wish that is known here."""
    match = _PREFER.search(header)
    return None if match is None else (int(match[1]), int(match[2]))


def amended(content: Any, version: Version) -> Any:
    """Entities in normalized or concise representation with the fallbacks of tables 4.3.6.8-1 to -3."""
    if version >= NATIVE:
        return content
    if isinstance(content, list):
        return [amended(one, version) for one in content]
    return _entity(content, version) if isinstance(content, dict) else content


def _entity(entity: dict[str, Any], version: Version) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in entity.items():
        if name == "expiresAt" or (name == "scope" and version < (1, 4)):
            continue
        if name in _ENTITY:
            out[name] = value[0] if name == "type" and isinstance(value, list) and version < (1, 3) else value
        else:
            out[name] = _attribute(value, version)
    return out


def _attribute(value: Any, version: Version) -> Any:
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        if version < (1, 3):
            return _instance(next((one for one in value if "datasetId" not in one), value[0]), version)
        return [_instance(one, version) for one in value]
    return _instance(value, version) if isinstance(value, dict) else value


def _instance(instance: dict[str, Any], version: Version) -> dict[str, Any]:
    since, kind, own, member = _KINDS.get(_kind(instance), (NATIVE, "", "", ""))
    falls_back = bool(kind) and version < since
    out: dict[str, Any] = {}
    for name, value in instance.items():
        if name in _MEMBERS:
            if version >= _MEMBERS[name]:
                out[name] = value
        elif name == "type" and falls_back:
            out[name] = kind
        elif falls_back and name == own:
            out[member] = _plain(value)
        elif name in _VALUES or name in _ENTITY or not isinstance(value, (dict, list)):
            out[name] = value
        else:
            out[name] = _attribute(value, version)
    return out


def _kind(instance: dict[str, Any]) -> str:
    """The given kind, or in concise representation the kind of its value member."""
    if "type" in instance:
        return str(instance["type"])
    return next((kind for kind, row in _KINDS.items() if row[2] in instance), "")


def _plain(value: Any) -> Any:
    """A value member; the targets of a ListRelationship without their wrapping."""
    if (
        isinstance(value, list)
        and value
        and all(isinstance(one, dict) and one.keys() == {"object"} for one in value)
    ):
        return [one["object"] for one in value]
    return value
