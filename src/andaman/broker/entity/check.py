"""One validation of entities in stored form, for every door that does not read NGSI-LD payloads (CIM 009 §4.5–§4.7, §5.5.4).

``expand`` checks what comes as NGSI-LD, ``merge`` what a fragment makes of an attribute. Rooms that build entities by
themselves (devices, packs, feeds, imports) pass them through ``checked_entity`` before they write them. All three keep
one law: what can be read can be written back.
"""

from __future__ import annotations

import math
from typing import Any, Final

from andaman.broker.contexts.model import MAX_IRI, is_iri_name, is_name
from andaman.broker.entity.build import VALUE_MEMBER, short
from andaman.broker.entity.build import iri as iri_of
from andaman.broker.entity.geometry import check_geometry
from andaman.broker.entity.hiding import MARKS
from andaman.broker.entity.names import NULL, check_scopes, check_time, check_uri
from andaman.broker.entity.values import MAX_VALUE_DEPTH, check_language_map, check_targets
from andaman.broker.model import (
    DEFAULT_VOCAB,
    LOCATION,
    NGSILD,
    OBSERVATION_SPACE,
    OPERATION_SPACE,
    Doc,
    Instance,
)
from andaman.kernel.errors import BadRequestData

MAX_ATTRIBUTES: Final = 2_000
"""Limit for an entity, and for sub-attributes of one instance."""
MAX_INSTANCES: Final = 1_000
"""Limit for one attribute (by datasetId)."""
MAX_SUB_DEPTH: Final = 12
MAX_TYPES: Final = 100
MAX_UNIT: Final = 256
GEO_ATTRS: Final = frozenset({LOCATION, OBSERVATION_SPACE, OPERATION_SPACE})
PROOF: Final = NGSILD + "ngsildproof"
LANG_STRING: Final = iri_of("langString")
_INT_MIN, _INT_END = -(1 << 63), 1 << 64
_SYSTEM: Final = ("createdAt", "modifiedAt")
_ENTITY: Final = frozenset({"id", "type", "scope", "expiresAt", "attrs", MARKS, *_SYSTEM})
_MEMBERS: Final = frozenset({"type", "observedAt", "unitCode", "datasetId", "expiresAt", "attrs", *_SYSTEM})
NOT_FOR: Final = {
    "unitCode": frozenset(VALUE_MEMBER) - {"Property", "ListProperty"},
    "objectType": frozenset(VALUE_MEMBER) - {"Relationship", "ListRelationship"},
    "valueType": frozenset({"Relationship", "ListRelationship"}),
}
"""Member of an instance → the kinds of attribute that must not have it (§4.5.2, §4.5.3)."""

_CORE_MEMBERS: Final = frozenset(
    {"instanceId", "observedAt", "unitCode", "objectType", "valueType", "datasetId", "expiresAt"}
    | {"createdAt", "modifiedAt", "deletedAt", "scope"}
)
_SUB_MEMBERS: Final = (
    (_CORE_MEMBERS - {"scope"})
    | frozenset(VALUE_MEMBER.values())
    | {"previousValue", "previousObject", "previousLanguageMap", "previousJson", "previousVocab"}
    | {
        "previousValueList",
        "previousObjectList",
        "entity",
        "entityList",
        "entityIdSealed",
        "entityTypeSealed",
    }
)
NOT_ATTRIBUTES: Final = frozenset(map(iri_of, _CORE_MEMBERS))
"""IRIs whose names are members of entities: an attribute of that IRI would be shown as the member."""
NOT_SUB_ATTRIBUTES: Final = frozenset(map(iri_of, _SUB_MEMBERS))
"""The same inside an attribute."""
SEALED: Final = {NGSILD + "entityIdSealed": "Relationship", NGSILD + "entityTypeSealed": "VocabProperty"}
"""What ``ngsildproof`` has instead of sub-attributes → the kind that it is kept as (§4.5.2.2)."""


def checked_entity(doc: Doc) -> Doc:
    """An entity in stored form as the ledger may have it. It is ``doc`` itself, or a copy with scopes and types as they
    are stored (sorted, scopes with a slash). System times may be absent.

    Raises BadRequestData, which says what is wrong and where (``field``: a short name, or a path such as
    ``speed.observedAt``).
    """
    odd = doc.keys() - _ENTITY
    if odd:
        raise BadRequestData(f"An entity in stored form has no member {min(odd)!r}", field=min(odd))
    check_uri(doc.get("id"), "id")
    types = _types(doc.get("type"), "type")
    changed: Doc = {}
    if types != doc["type"]:
        changed["type"] = types
    if "scope" in doc:
        scopes = check_scopes(doc["scope"])
        if scopes != doc["scope"]:
            changed["scope"] = scopes
    for name in ("expiresAt", *_SYSTEM):
        if name in doc:
            check_time(doc[name], name)
    attrs = doc.get("attrs")
    if not isinstance(attrs, dict):
        raise BadRequestData("An entity in stored form has its attributes under 'attrs'", field="attrs")
    if len(attrs) > MAX_ATTRIBUTES:
        raise BadRequestData(f"An entity has at most {MAX_ATTRIBUTES} attributes; this one has {len(attrs)}")
    for iri, instances in attrs.items():
        check_attribute(iri, instances)
    return {**doc, **changed} if changed else doc


def check_attribute(iri: str, instances: Any, name: str = "", depth: int = 0) -> None:
    """One attribute: its name (an IRI) and its instances in stored form. ``name`` is for messages."""
    check_name(iri, NOT_SUB_ATTRIBUTES if depth else NOT_ATTRIBUTES)
    name = name or short(iri)
    if depth > MAX_SUB_DEPTH:
        raise BadRequestData(f"{name} is nested more than {MAX_SUB_DEPTH} attributes deep", field=name)
    if not isinstance(instances, list) or not instances:
        raise BadRequestData(f"{name} must be a list of instances that is not empty", field=name)
    if len(instances) > MAX_INSTANCES:
        raise BadRequestData(f"{name} has more than {MAX_INSTANCES} instances", field=name)
    for one in instances:
        check_instance(iri, one, name, depth)
    if len({one.get("datasetId") for one in instances}) != len(instances):
        raise BadRequestData(f"Two instances of {name} have the same datasetId (or none)", field=name)


def check_name(iri: str, reserved: frozenset[str] = NOT_ATTRIBUTES) -> None:
    """Raises BadRequestData where an IRI can be the name of no attribute: no request could name it again."""
    if iri in reserved:
        raise BadRequestData(f"{iri} is a member of NGSI-LD itself, not an attribute", field=short(iri))
    good = is_name(iri[len(DEFAULT_VOCAB) :]) if iri.startswith(DEFAULT_VOCAB) else False
    if len(iri) > MAX_IRI or not (good or is_iri_name(iri)):
        shown = short(iri)[:80]
        raise BadRequestData(
            f"{shown!r} is not a valid name: it must begin with a letter and continue with letters, digits and _ only, or "
            "be an IRI",
            field=shown,
        )


def check_instance(iri: str, instance: Any, name: str, depth: int = 0) -> None:
    """One instance of an attribute in stored form."""
    kind = instance.get("type") if isinstance(instance, dict) else None
    if not isinstance(kind, str) or kind not in VALUE_MEMBER:
        raise BadRequestData(f"The type of {name} must be one of {', '.join(VALUE_MEMBER)}", field=name)
    own = VALUE_MEMBER[kind]
    if instance.get(own) is None:
        raise BadRequestData(f"{name}: a {kind} needs {own!r}", field=f"{name}.{own}")
    for member, value in instance.items():
        if member == own:
            check_stored_value(kind, value, name)
        elif member not in _MEMBERS and member not in NOT_FOR:
            raise BadRequestData(f"{name}: a {kind} cannot have {member!r}", field=f"{name}.{member}")
        else:
            _check_member(kind, member, value, name, depth, iri == PROOF)
    check_ruled(iri, instance, name)


def check_ruled(iri: str, instance: Instance, name: str) -> None:
    """Attributes with rules of their own: the three places of an entity, and its proof (§4.5.2.2, §4.7)."""
    if iri in GEO_ATTRS and instance["type"] != "GeoProperty":
        raise BadRequestData(f"{name} must be a GeoProperty", field=name)
    if iri == PROOF and not (instance["type"] == "Property" and isinstance(instance["value"], dict)):
        raise BadRequestData(f"{name}: the value must be a proof object", field=f"{name}.value")


def check_sealed(iri: str, instances: Any, name: str) -> None:
    """A sealed member of a proof: one text, no more."""
    one = instances[0] if isinstance(instances, list) and len(instances) == 1 else None
    kind = SEALED[iri]
    if (
        not isinstance(one, dict)
        or one.get("type") != kind
        or not isinstance(one.get(VALUE_MEMBER[kind]), str)
    ):
        raise BadRequestData(f"{name} must be a text", field=name)
    check_stored_value(kind, one[VALUE_MEMBER[kind]], name)


def check_members(kind: str, members: Instance, name: str) -> None:
    """Of a fragment that did not say its kind: may an attribute of the kind that is there have what it gives?"""
    for member, kinds in NOT_FOR.items():
        if member not in members:
            continue
        where = f"{name}.{member}"
        if kind in kinds:
            raise BadRequestData(f"{name}: a {kind} cannot have {member!r}", field=where)
        if (
            member == "valueType"
            and kind == "LanguageProperty"
            and members[member] not in (None, LANG_STRING)
        ):
            raise BadRequestData(f"{where} of a LanguageProperty must be langString", field=where)


def _check_member(kind: str, member: str, value: Any, name: str, depth: int, proof: bool) -> None:
    where = f"{name}.{member}"
    if member in NOT_FOR:
        check_members(kind, {member: value}, name)
    match member:
        case "observedAt" | "expiresAt" | "createdAt" | "modifiedAt":
            check_time(value, where)
        case "datasetId":
            check_uri(value, where)
        case "unitCode":
            if not isinstance(value, str) or not 0 < len(value) <= MAX_UNIT or value == NULL:
                raise BadRequestData(f"{where} must be a text such as KMH", field=where)
            _check_text(value, where)
        case "objectType":
            _types(value if isinstance(value, list) else [value], where)
        case "valueType":
            if not isinstance(value, str) or not value:
                raise BadRequestData(f"{where} must be a type name", field=where)
            _check_text(value, where)
        case "attrs":
            if not isinstance(value, dict) or not value or len(value) > MAX_ATTRIBUTES:
                raise BadRequestData(f"{name} has 1 to {MAX_ATTRIBUTES} sub-attributes", field=name)
            for sub, ones in value.items():
                if proof and sub in SEALED:
                    check_sealed(sub, ones, f"{name}.{short(sub)}")
                else:
                    check_attribute(sub, ones, f"{name}.{short(sub)}", depth + 1)


def check_stored_value(kind: str, value: Any, name: str) -> None:
    """The value member in stored form. Raises BadRequestData naming the attribute."""
    if kind == "GeoProperty":
        check_geometry(value, name)
        check_json(value, name)
    elif kind in ("Relationship", "ListRelationship"):
        check_targets(kind, value, name)
    elif kind == "LanguageProperty":
        check_language_map(value, name)
        check_json(value, f"{name}.languageMap")
    elif kind == "VocabProperty":
        given = value if isinstance(value, list) else [value]
        if not given or not all(isinstance(one, str) and one and one != NULL for one in given):
            raise BadRequestData(f"{name}.vocab must be a term or a list of terms", field=f"{name}.vocab")
        check_json(given, f"{name}.vocab")
    elif kind == "JsonProperty":
        if not isinstance(value, (dict, list)):
            raise BadRequestData(f"{name}.json must be a JSON object or a list", field=f"{name}.json")
        check_json(value, f"{name}.json")
    elif kind == "ListProperty":
        if not isinstance(value, list) or any(one is None for one in value):
            raise BadRequestData(f"{name}.valueList must be a list without null", field=f"{name}.valueList")
        check_json(value, name)
    else:
        check_json(value, name)


def check_json(value: Any, where: str, *, nulls: bool = False, depth: int = 0) -> None:
    """A value that JSON can hold and that comes back unchanged. It has finite numbers, integers of 64 bits, text
    without half characters, and is at most MAX_VALUE_DEPTH deep. Unless ``nulls``, it has no NGSI-LD Null.
    """
    kind = type(value)
    if kind is str:
        if value == NULL and not nulls:
            raise BadRequestData(f"{where}: {NULL} is not a value", field=where)
        _check_text(value, where)
    elif kind is bool or value is None:
        return
    elif kind is int:
        if not _INT_MIN <= value < _INT_END:
            raise BadRequestData(f"{where}: the integer {str(value)[:40]} has more than 64 bits", field=where)
    elif kind is float:
        if not math.isfinite(value):
            raise BadRequestData(f"{where}: {value} is not a number that JSON knows", field=where)
    elif kind is dict or kind is list:
        if depth > MAX_VALUE_DEPTH:
            raise BadRequestData(
                f"{where}: the value is nested more than {MAX_VALUE_DEPTH} deep", field=where
            )
        if kind is dict:
            for key in value:
                if type(key) is not str:
                    raise BadRequestData(f"{where}: the key {key!r} is not a text", field=where)
                _check_text(key, where)
        for one in value.values() if kind is dict else value:
            check_json(one, where, nulls=nulls, depth=depth + 1)
    else:
        raise BadRequestData(f"{where}: a {kind.__name__} is not a JSON value", field=where)


def _check_text(text: str, where: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequestData(f"{where}: the text has half a character in it", field=where) from None


def _types(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TYPES:
        raise BadRequestData(f"{where} must be a list of 1 to {MAX_TYPES} types", field=where)
    for one in value:
        if not isinstance(one, str):
            raise BadRequestData(f"{where} must be a list of names", field=where)
        check_name(one, frozenset())
    return sorted(set(value))
