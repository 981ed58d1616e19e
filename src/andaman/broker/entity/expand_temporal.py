"""From the payload of a temporal write to a fragment: attributes are lists of instances over time (CIM 009 §5.2.20, §5.6.11)."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.contexts.model import Context
from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.expand import (
    APPEND,
    MAX_MEMBERS,
    UPDATE,
    attribute_iri,
    expand_attribute,
    expand_types,
)
from andaman.broker.entity.names import NULL, check_scopes, check_time, check_uri, plain_members
from andaman.broker.model import Doc, Instance
from andaman.kernel.errors import BadRequestData

MAX_INSTANCES: Final = 10_000
"""Limit for one attribute in one request."""
_IGNORED: Final = frozenset({"@context", "createdAt", "modifiedAt", "deletedAt"})
_SCOPE_IGNORED: Final = frozenset({"instanceId", "createdAt", "modifiedAt", "deletedAt"})
_VALUE_MEMBERS: Final = frozenset(VALUE_MEMBER.values())


def expand_evolution(payload: Any, context: Context, *, whole: bool, entity_id: str | None = None) -> Doc:
    """``{"id", "type"?, "scope"?: [instances], "attrs": {IRI: [instances]}}``. ``whole`` demands id and type.

    Raises BadRequestData with ``field``.
    """
    if not isinstance(payload, dict):
        raise BadRequestData("An entity must be a JSON object")
    if len(payload) > MAX_MEMBERS:
        raise BadRequestData(f"An entity has at most {MAX_MEMBERS} members")
    payload = plain_members(payload)
    doc: Doc = {}
    attrs: dict[str, list[Instance]] = {}
    for name, value in payload.items():
        if name == "id":
            doc["id"] = check_uri(value, "id")
        elif name == "type":
            doc["type"] = expand_types(value, context)
        elif name == "scope":
            doc["scope"] = _scopes(value)
        elif name == "expiresAt":
            check_time(value, name)
        elif name not in _IGNORED:
            iri = attribute_iri(name, context)
            if iri in attrs:
                raise BadRequestData(f"The attribute {name!r} is given twice (as {iri})", field=name)
            attrs[iri] = expand_series(name, iri, value, context)
    if entity_id is not None:
        if doc.get("id", entity_id) != entity_id:
            raise BadRequestData("The id in the body differs from the one in the path", field="id")
        doc["id"] = entity_id
    if whole:
        for name in ("id", "type"):
            if name not in doc:
                raise BadRequestData(f"The entity has no {name}", field=name)
    doc["attrs"] = attrs
    return doc


def expand_series(name: str, iri: str, value: Any, context: Context) -> list[Instance]:
    """The instances of one attribute over time. A list is always one of instances (§5.2.20), never a concise value; one
    instance may stand without a list (§4.5.7)."""
    if isinstance(value, list):
        if not value or len(value) > MAX_INSTANCES:
            raise BadRequestData(f"{name} must have 1 to {MAX_INSTANCES} instances", field=name)
        if not all(isinstance(each, dict) for each in value):
            raise BadRequestData(
                f"{name} must be a list of attribute instances, such as "
                '[{"type": "Property", "value": 5, "observedAt": "2026-11-22T07:32:00Z"}]',
                field=name,
            )
        return [_one(name, iri, each, context) for each in value]
    return [_one(name, iri, value, context)]


def _one(name: str, iri: str, value: Any, context: Context) -> Instance:
    if isinstance(value, dict) and (member := _null_member(value)) is not None:
        return _deletion(name, iri, value, member, context)
    found = expand_attribute(name, iri, value, context, APPEND)
    if found is None or len(found) != 1:
        raise BadRequestData(f"An instance of {name} must be one JSON object", field=name)
    return found[0]


def _null_member(value: dict[str, Any]) -> str | None:
    """The value member that holds NGSI-LD Null: the attribute was deleted then (§4.5.7)."""
    for member in _VALUE_MEMBERS & value.keys():
        if value[member] == NULL or value[member] == {"@none": NULL}:
            return member
    return None


def _deletion(name: str, iri: str, value: dict[str, Any], member: str, context: Context) -> Instance:
    found = expand_attribute(name, iri, value, context, UPDATE)
    if found is None or len(found) != 1:
        raise BadRequestData(f"An instance of {name} must be one JSON object", field=name)
    made = {**found[0], member: {"@none": NULL} if member == "languageMap" else NULL}
    if "deletedAt" in value:
        made["deletedAt"] = check_time(value["deletedAt"], f"{name}.deletedAt")
    return made


def _scopes(value: Any) -> list[Instance]:
    """Scopes as Properties over time (§4.5.6); plain scopes are one such, known from now on."""
    given = value if isinstance(value, list) else [value]
    if not any(isinstance(one, dict) for one in given):
        return [{"type": "Property", "value": check_scopes(value)}]
    if len(given) > MAX_INSTANCES:
        raise BadRequestData(f"scope may have up to {MAX_INSTANCES} instances", field="scope")
    return [_scope(one) for one in given]


def _scope(one: Any) -> Instance:
    if isinstance(one, dict):
        one = plain_members(one, "scope")
    if not isinstance(one, dict) or one.get("type", "Property") != "Property" or "value" not in one:
        raise BadRequestData("scope over time is a Property with the scopes as its value", field="scope")
    unknown = one.keys() - _SCOPE_IGNORED - {"type", "value", "observedAt"}
    if unknown:
        raise BadRequestData(
            f"scope cannot have {min(unknown)!r} (only observedAt)", field=f"scope.{min(unknown)}"
        )
    made: Instance = {"type": "Property", "value": check_scopes(one["value"])}
    if "observedAt" in one:
        made["observedAt"] = check_time(one["observedAt"], "scope.observedAt")
    return made
