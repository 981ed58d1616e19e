"""From an NGSI-LD payload to a fragment in stored form: validated, names expanded (CIM 009 §4.5, §5.5.4, §5.5.7).

Normalized and concise input are told apart attribute by attribute; ``simplified`` says that values are plain
(keyValues). What a fragment may hold beyond stored form is written in ``apply.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from andaman.broker.contexts.model import MEMO_MAX, Context
from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.check import (
    MAX_INSTANCES,
    MAX_SUB_DEPTH,
    NOT_ATTRIBUTES,
    NOT_FOR,
    NOT_SUB_ATTRIBUTES,
    check_ruled,
)
from andaman.broker.entity.geometry import check_geometry, looks_like_geometry
from andaman.broker.entity.names import NULL, check_scopes, check_time, check_uri
from andaman.broker.entity.values import check_value, only_unit_and_time
from andaman.broker.model import LOCATION, NGSILD, OBSERVATION_SPACE, OPERATION_SPACE, Doc, Instance
from andaman.kernel.errors import BadRequestData

MAX_MEMBERS: Final = 2_020
"""Of an entity or of an attribute instance: anything far beyond is refused before any work is done on it."""
_GEO_ATTRS: Final = frozenset({LOCATION, OBSERVATION_SPACE, OPERATION_SPACE})
_PROOF: Final = NGSILD + "ngsildproof"
_RULED: Final = _GEO_ATTRS | {_PROOF}  # attributes with rules of their own; all others may take the short way
_SCALARS: Final = frozenset({float, int, str, bool})
_VALUE_MEMBERS: Final = frozenset(VALUE_MEMBER.values())
_MEMBER_KIND: Final = {
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "json": "JsonProperty",
    "vocab": "VocabProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
_IGNORED: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"})
"""System members: clients may send back what they read; the platform sets them itself (§4.8)."""
_FORBIDDEN: Final = frozenset(
    {"previousValue", "previousObject", "previousLanguageMap", "previousJson", "previousVocab"}
    | {
        "previousValueList",
        "previousObjectList",
        "entityIdSealed",
        "entityTypeSealed",
        "entity",
        "entityList",
    }
    | {
        "id",
        "@id",
        "@type",
        "@context",
        "@value",
        "@list",
        "@set",
        "@graph",
        "@language",
        "@index",
        "@reverse",
    }
)
_NOT_ATTRIBUTES: Final = frozenset(
    {"datasetId", "instanceId", "observedAt", "unitCode", "objectType", "valueType", "deletedAt"}
)
"""Core terms that are members of instances, never attributes of an entity (§4.5.1)."""


@dataclass(frozen=True, slots=True)
class Mode:
    """The members that a request may leave out or say. ``nulls``: urn:ngsi-ld:null deletes; ``kindless``: an instance
    may omit kind and value; ``deep_nulls``: null inside a Property's JSON value too (merge).
    """

    whole: bool = False
    nulls: bool = False
    kindless: bool = False
    deep_nulls: bool = False


WHOLE: Final = Mode(whole=True)
APPEND: Final = Mode()
UPDATE: Final = Mode(nulls=True)
PARTIAL: Final = Mode(nulls=True, kindless=True)
MERGE: Final = Mode(nulls=True, kindless=True, deep_nulls=True)


def expand_entity(
    payload: Any,
    context: Context,
    mode: Mode = WHOLE,
    *,
    simplified: bool = False,
    entity_id: str | None = None,
) -> Doc:
    """The fragment of an entity payload. ``whole`` demands ``id`` (or ``entity_id``) and ``type``.

    Raises BadRequestData with ``field``. ``payload`` is not changed, but parts of it are used, whole plain instances too.
    """
    if not isinstance(payload, dict):
        raise BadRequestData("An entity must be a JSON object")
    if len(payload) > MAX_MEMBERS:
        raise BadRequestData(f"An entity has at most {MAX_MEMBERS} members")
    doc: Doc = {}
    attrs: dict[str, list[Instance] | None] = {}
    plain = context.plain
    for name, value in payload.items():
        iri = plain.get(name)
        if iri is None:
            if name in _ENTITY_MEMBERS:
                _member(doc, name, value, context, mode)
                continue
            iri = attribute_iri(name, context)
        elif (  # the short way of plain Properties: nine of ten attributes of a sensor; the object is used as it is
            not simplified
            and type(value) is dict
            and value.get("type") == "Property"
            and type(one := value.get("value")) in _SCALARS
            and one != NULL
            and iri not in attrs
            and (len(value) == 2 or only_unit_and_time(value))
        ):
            attrs[iri] = [value]
            continue
        if iri in attrs:
            raise BadRequestData(f"The attribute {name!r} is given twice (as {iri})", field=name)
        if (
            not simplified
            and type(value) is dict
            and len(value) == 2
            and value.get("type") == "GeoProperty"
            and type(one := value.get("value")) is dict
            and iri != _PROOF
        ):
            check_geometry(one, name)
            attrs[iri] = [value]
        else:
            attrs[iri] = expand_attribute(name, iri, value, context, mode, simplified)
    doc["attrs"] = attrs
    if entity_id is not None:
        if doc.get("id", entity_id) != entity_id:
            raise BadRequestData("The id in the body differs from the one in the path", field="id")
        doc["id"] = entity_id
    if mode.whole:
        for name in ("id", "type"):
            if name not in doc:
                raise BadRequestData(f"The entity has no {name}", field=name)
    return doc


_ENTITY_MEMBERS: Final = frozenset(
    {"id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"}
)


def attribute_iri(name: str, context: Context) -> str:
    """The IRI of an attribute's name. Raises BadRequestData where the name is none of an attribute."""
    if name in _NOT_ATTRIBUTES or name[:1] == "@":
        raise BadRequestData(f"{name!r} is not a possible attribute name", field=name)
    iri = context.iris[name]
    if iri in NOT_ATTRIBUTES:
        raise BadRequestData(
            f"{name!r} stands for {iri}, which is a member of entities, not an attribute", field=name
        )
    if iri not in _RULED and len(name) <= 64 and len(context.plain) < MEMO_MAX:
        context.plain[name] = iri
    return iri


def _member(doc: Doc, name: str, value: Any, context: Context, mode: Mode) -> None:
    if name in ("id", "@id"):
        if doc.get("id", value) != value:
            raise BadRequestData("The entity has two ids: 'id' and '@id' differ", field=name)
        doc["id"] = check_uri(value, "id")
    elif name in ("type", "@type"):
        types = expand_types(value, context)
        if doc.get("type", types) != types:
            raise BadRequestData("The entity has two types: 'type' and '@type' differ", field=name)
        doc["type"] = types
    elif name == "scope":
        doc["scope"] = None if mode.nulls and value == NULL else check_scopes(value)
    elif name == "expiresAt":
        doc["expiresAt"] = None if mode.nulls and value == NULL else check_time(value, "expiresAt")


def expand_types(value: Any, context: Context) -> list[str]:
    """Entity types as a sorted list of IRIs without doubles."""
    if type(value) is str and value:
        return [context.iris[value]]
    given = value if isinstance(value, list) else [value]
    if not given or len(given) > 100 or not all(isinstance(one, str) and one for one in given):
        raise BadRequestData("type must be a type name or a list of type names", field="type")
    return sorted({context.iris[one] for one in given})


def expand_attribute(
    name: str, iri: str, value: Any, context: Context, mode: Mode, simplified: bool = False, depth: int = 0
) -> list[Instance] | None:
    """The instances of one attribute (None: delete it). ``name`` is only for messages."""
    if depth > MAX_SUB_DEPTH:
        raise BadRequestData(f"{name} is nested more than {MAX_SUB_DEPTH} attributes deep", field=name)
    if value == NULL:
        if mode.nulls:
            return None
        raise _null(name)
    if isinstance(value, list) and _is_multi(value, simplified):
        if len(value) > MAX_INSTANCES:
            raise BadRequestData(f"{name} has more than {MAX_INSTANCES} instances", field=name)
        instances = [_instance(name, iri, one, context, mode, simplified, depth) for one in value]
        seen = {one.get("datasetId") for one in instances}
        if len(seen) != len(instances):
            raise BadRequestData(f"Two instances of {name} have the same datasetId (or none)", field=name)
        return instances
    if simplified and isinstance(value, dict) and len(value) == 1 and isinstance(value.get("dataset"), dict):
        return _datasets(name, iri, value["dataset"], context, mode, depth)
    return [_instance(name, iri, value, context, mode, simplified, depth)]


def _is_multi(value: list[Any], simplified: bool) -> bool:
    """A list of attribute instances, as opposed to a Property whose concise value is a list."""
    return bool(value) and not simplified and isinstance(value[0], dict) and _is_instance(value[0])


def _is_instance(value: dict[str, Any]) -> bool:
    kind = value.get("type", value.get("@type"))
    return (isinstance(kind, str) and kind in VALUE_MEMBER) or not _VALUE_MEMBERS.isdisjoint(value)


def _datasets(
    name: str, iri: str, given: dict[str, Any], context: Context, mode: Mode, depth: int
) -> list[Instance]:
    """Simplified multi-instances: ``{"dataset": {"@none": value, "urn:…": value}}`` (§4.5.5)."""
    instances = []
    for dataset_id, one in given.items():
        instance = _instance(name, iri, one, context, mode, True, depth)
        if dataset_id != "@none":
            instance["datasetId"] = check_uri(dataset_id, f"{name}.dataset")
        instances.append(instance)
    if not instances:
        raise BadRequestData(f"{name}.dataset is empty", field=name)
    return instances


def _instance(
    name: str, iri: str, value: Any, context: Context, mode: Mode, simplified: bool, depth: int
) -> Instance:
    if not isinstance(value, dict):
        if value is None:
            raise BadRequestData(f"{name} is null; write {NULL!r} in an update to delete it", field=name)
        if simplified and mode.kindless:
            return _ruled(iri, name, _kindless(value, name, context, mode))
        instance: Instance = {
            "type": "Property",
            "value": check_value("Property", value, name, context, mode),
        }
        return _ruled(iri, name, instance)
    if "@type" in value and not simplified:
        value = _with_type(value, name)
    given = value.get("type")
    if isinstance(given, str) and given in VALUE_MEMBER and not simplified:
        return _ruled(iri, name, _members(name, iri, given, value, context, mode, depth))
    return _ruled(iri, name, _concise(name, iri, value, context, mode, simplified, depth))


def _with_type(value: dict[str, Any], name: str) -> dict[str, Any]:
    """``@type`` may stand for ``type`` (§4.4)."""
    given = value["@type"]
    if value.get("type", given) != given:
        raise BadRequestData(f"{name} has a type and another @type", field=f"{name}.@type")
    return {"type": given} | {key: one for key, one in value.items() if key != "@type"}


def _kindless(value: Any, name: str, context: Context, mode: Mode) -> Instance:
    """A simplified value for an attribute of any kind (see ``apply``). Only here the names of a vocabulary are known."""
    instance: Instance = {"type": "", "value": check_value("", value, name, context, mode)}
    if isinstance(value, str) or (
        isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    ):
        instance["vocab"] = check_value("VocabProperty", value, name, context, mode) if value else None
    return instance


def _concise(
    name: str, iri: str, value: dict[str, Any], context: Context, mode: Mode, simplified: bool, depth: int
) -> Instance:
    """An object without an attribute kind: a geometry, or the kind follows from its value member (§4.5.2.3)."""
    if simplified and iri == _PROOF:
        return {"type": "Property", "value": check_value("Property", value, name, context, mode)}
    if looks_like_geometry(value):
        if simplified and mode.kindless:
            return _kindless(value, name, context, mode)
        return {"type": "GeoProperty", "value": check_geometry(value, name)}
    found = [kind for member, kind in _MEMBER_KIND.items() if member in value]
    if simplified:
        if len(value) == 1 and found and found[0] not in ("Relationship",):
            member = VALUE_MEMBER[found[0]]
            return {"type": found[0], member: check_value(found[0], value[member], name, context, mode)}
        if mode.kindless:
            return _kindless(value, name, context, mode)
        return {"type": "Property", "value": check_value("Property", value, name, context, mode)}
    if "type" in value:
        raise BadRequestData(
            f"The type of {name} must be one of {', '.join(VALUE_MEMBER)} (or a GeoJSON geometry)", field=name
        )
    if "value" in value:
        kind = "GeoProperty" if looks_like_geometry(value["value"]) else "Property"
        if mode.kindless and value["value"] == NULL:
            kind = ""
    elif found:
        kind = found[0]
    elif mode.kindless and value:
        kind = ""
    else:
        raise BadRequestData(f"{name} has neither a type nor a value", field=name)
    return _members(name, iri, kind, value, context, mode, depth)


def _ruled(iri: str, name: str, instance: Instance) -> Instance:
    """Attributes with rules of their own: the three places of an entity, and its proof."""
    if iri not in _RULED:
        return instance
    kind = instance.get("type")
    if kind == "":  # simplified: a place or a proof like all others
        if iri == _PROOF:
            instance = {"type": "Property", "value": instance["value"]}
        elif instance["value"] is not None:
            instance = {"type": "GeoProperty", "value": check_geometry(instance["value"], name)}
    own = VALUE_MEMBER.get(instance.get("type", ""), "value")
    if kind is not None and instance.get(own) is not None:
        check_ruled(iri, instance, name)
    elif iri in _GEO_ATTRS and instance.get("type", "GeoProperty") != "GeoProperty":
        raise BadRequestData(f"{name} must be a GeoProperty", field=name)
    elif iri == _PROOF and not isinstance(instance.get("value") or {}, dict):
        raise BadRequestData(f"{name}: the value must be a proof object", field=f"{name}.value")
    return instance


def _members(
    name: str, iri: str, kind: str, value: dict[str, Any], context: Context, mode: Mode, depth: int
) -> Instance:
    """The members of a normalized or concise instance; ``kind`` "" where only other members are given."""
    if len(value) > MAX_MEMBERS:
        raise BadRequestData(f"{name} has more than {MAX_MEMBERS} members", field=name)
    own = VALUE_MEMBER.get(kind, "")
    instance: Instance = {"type": kind} if kind else {}
    subs: dict[str, list[Instance] | None] | None = None
    for key, one in value.items():
        if key == "type" or key in _IGNORED:
            continue
        if key == own or (not kind and key == "value"):
            if one == NULL or (kind == "LanguageProperty" and one == {"@none": NULL}):
                if not mode.nulls:
                    raise _null(name)
                instance[key] = None
            else:
                instance[key] = check_value(kind, one, name, context, mode)
                if kind == "LanguageProperty" and not instance[key]:
                    instance[key] = None  # every language was deleted
        elif key in _KNOWN:
            _known_member(instance, name, kind, key, one, context, mode)
        elif key in _VALUE_MEMBERS or key in _FORBIDDEN or key[:1] == "@":
            if iri == _PROOF and key in ("entityIdSealed", "entityTypeSealed"):
                subs = {} if subs is None else subs
                subs[NGSILD + key] = [_sealed(key, one, context)]
                continue
            raise BadRequestData(
                f"{name}: a {kind or 'partial instance'} cannot have {key!r}", field=f"{name}.{key}"
            )
        else:
            subs = {} if subs is None else subs
            sub = context.iris[key]
            if sub in NOT_SUB_ATTRIBUTES:
                raise BadRequestData(
                    f"{name}: {key!r} stands for {sub}, which is a member of attributes, not one of them",
                    field=f"{name}.{key}",
                )
            if sub in subs:
                raise BadRequestData(
                    f"{name}: the sub-attribute {key!r} is given twice", field=f"{name}.{key}"
                )
            made = expand_attribute(f"{name}.{key}", sub, one, context, mode, False, depth + 1)
            if not mode.kindless and made is not None:
                # The attribute is replaced as a whole: a sub-attribute that is null in it is one that is not there.
                made = [each for each in made if each.get(VALUE_MEMBER[each["type"]]) is not None] or None
            subs[sub] = made
    if own not in instance and not mode.kindless:
        raise BadRequestData(f"{name}: a {kind} needs {own!r}", field=f"{name}.{own}")
    if subs is not None:
        if not mode.kindless:
            subs = {sub: made for sub, made in subs.items() if made is not None}
        if subs:
            instance["attrs"] = subs
    return instance


def _sealed(key: str, value: Any, context: Context) -> Instance:
    """The two non-reified members of ``ngsildproof`` are kept as sub-properties (§4.5.2.2)."""
    if not isinstance(value, str):
        raise BadRequestData(f"ngsildproof.{key} must be a text", field=f"ngsildproof.{key}")
    if key == "entityTypeSealed":
        return {"type": "VocabProperty", "vocab": context.iris[value]}
    return {"type": "Relationship", "object": check_uri(value, f"ngsildproof.{key}")}


_KNOWN: Final = frozenset({"observedAt", "unitCode", "datasetId", "expiresAt", "objectType", "valueType"})


def _known_member(
    instance: Instance, name: str, kind: str, key: str, one: Any, context: Context, mode: Mode
) -> None:
    where = f"{name}.{key}"
    if kind in NOT_FOR.get(key, ()):
        raise BadRequestData(f"{name}: a {kind} cannot have {key!r}", field=where)
    if key == "datasetId":
        if one == "@none":
            return
        instance[key] = check_uri(one, where)
        return
    if one == NULL:
        if not mode.nulls:
            raise _null(where)
        if mode.kindless:
            instance[key] = None
        return
    if key in ("observedAt", "expiresAt"):
        instance[key] = check_time(one, where)
    elif key == "unitCode":
        if not isinstance(one, str) or not one or len(one) > 256:
            raise BadRequestData(f"{where} must be a text such as KMH", field=where)
        instance[key] = one
    elif key == "objectType":
        given = one if isinstance(one, list) else [one]
        if not given or not all(isinstance(each, str) for each in given):
            raise BadRequestData(f"{where} must be a type name or a list of them", field=where)
        names = [context.iris[each] for each in given]
        instance[key] = names if isinstance(one, list) else names[0]
    else:
        if not isinstance(one, str) or not one or (kind == "LanguageProperty" and one != "langString"):
            raise BadRequestData(
                f"{where} must be {'langString' if kind == 'LanguageProperty' else 'a type name'}",
                field=where,
            )
        instance[key] = context.expand_vocab(one)


def _null(where: str) -> BadRequestData:
    return BadRequestData(f"{where}: {NULL} is allowed in updates and merges only", field=where)
