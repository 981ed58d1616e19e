"""How rooms of the platform write and read entities: short names of the city context ↔ stored form.

Terms come from ``andaman.jsonld`` and, above it, NGSI-LD's core context; a name in neither falls to NGSI-LD's
default vocabulary. Everything here is dict look-ups, fit for every event on its way to a screen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from andaman.broker.model import DEFAULT_VOCAB, NGSILD, Doc, Instance
from andaman.kernel.time import Micros, format_time, parse_time

GENERIC_TYPES: Final = frozenset({"PointOfInterest", "KeyPerformanceIndicator", "Device"})
"""Types that an entity has in addition to a more specific one: a Hospital is a PointOfInterest too."""

VALUE_MEMBER: Final[Mapping[str, str]] = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "JsonProperty": "json",
    "VocabProperty": "vocab",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""Attribute kind → the member that carries its value in stored form."""


class _Terms(dict[str, str]):
    """Term → IRI; a miss falls to the default vocabulary (absolute IRIs stay) and is not remembered."""

    def __missing__(self, term: str) -> str:
        return term if ":" in term else DEFAULT_VOCAB + term


class _Shorts(dict[str, str]):
    """IRI → term; a miss drops the default vocabulary's prefix and is not remembered."""

    def __missing__(self, iri: str) -> str:
        return iri.removeprefix(DEFAULT_VOCAB)


def _load() -> tuple[_Terms, _Shorts]:
    data = files("andaman.broker.contexts") / "data"
    terms = _Terms()
    for name in ("andaman.jsonld", "ngsi-ld-core-context-v1.9.jsonld"):  # the core context wins
        for term, definition in json.loads((data / name).read_text("utf-8"))["@context"].items():
            value = definition if isinstance(definition, str) else None
            if isinstance(definition, dict):
                value = definition.get("@id")
            if term[0] != "@" and value and value[0] != "@":
                terms[term] = (
                    NGSILD + value.removeprefix("ngsi-ld:") if value.startswith("ngsi-ld:") else value
                )
    shorts = _Shorts()
    for term, value in terms.items():
        shorts.setdefault(value, term)
    return terms, shorts


_TERMS, _SHORTS = _load()


def iri(term: str) -> str:
    """The IRI of a short name; an absolute IRI is returned as it is."""
    return _TERMS[term]


def short(name: str) -> str:
    """The short name of an IRI; without one, the local part in the default vocabulary or the IRI itself."""
    return _SHORTS[name]


def prop(value: Any, observed_at: Micros | None = None, unit: str | None = None) -> Instance:
    """A Property; ``unit`` is a UN/CEFACT code such as "KMH"."""
    instance: Instance = {"type": "Property", "value": value}
    if observed_at is not None:
        instance["observedAt"] = format_time(observed_at)
    if unit is not None:
        instance["unitCode"] = unit
    return instance


def geo(geometry: Mapping[str, Any], observed_at: Micros | None = None) -> Instance:
    """A GeoProperty from a GeoJSON geometry (WGS 84, longitude first)."""
    instance: Instance = {"type": "GeoProperty", "value": dict(geometry)}
    if observed_at is not None:
        instance["observedAt"] = format_time(observed_at)
    return instance


def rel(object_id: str | Sequence[str], object_type: str | None = None) -> Instance:
    """A Relationship to one entity or several; ``object_type`` is a short type name."""
    target = object_id if isinstance(object_id, str) else list(object_id)
    instance: Instance = {"type": "Relationship", "object": target}
    if object_type is not None:
        instance["objectType"] = iri(object_type)
    return instance


def lang(**texts: str) -> Instance:
    """A LanguageProperty: ``lang(th="…", en="…")``."""
    return {"type": "LanguageProperty", "languageMap": texts}


def js(content: Any) -> Instance:
    """A JsonProperty: content that no context expands."""
    return {"type": "JsonProperty", "json": content}


def vocab(term: str) -> Instance:
    """A VocabProperty; the term is expanded by the city context."""
    return {"type": "VocabProperty", "vocab": iri(term)}


def entity(
    entity_id: str,
    types: str | Sequence[str],
    scope: Sequence[str] = (),
    **attrs: Instance | list[Instance],
) -> Doc:
    """A fragment in stored form without system times, for ``WriteOp.fragment``. Names are short names."""
    names = (types,) if isinstance(types, str) else types
    doc: Doc = {
        "id": entity_id,
        "type": sorted({iri(name) for name in names}),
        "attrs": {
            iri(name): instance if isinstance(instance, list) else [instance]
            for name, instance in attrs.items()
        },
    }
    if scope:
        doc["scope"] = sorted({scope} if isinstance(scope, str) else set(scope))
    return doc


def default_instance(instances: Sequence[Instance]) -> Instance:
    """The instance without ``datasetId``, or else the first."""
    if len(instances) > 1:
        for instance in instances:
            if "datasetId" not in instance:
                return instance
    return instances[0]


def plain(instance: Instance) -> Any:
    """The plain value of one instance; a VocabProperty's IRIs are shortened."""
    kind = instance["type"]
    found: Any = instance.get(VALUE_MEMBER[kind])
    if kind == "VocabProperty":
        return short(found) if isinstance(found, str) else [short(one) for one in found]
    return found


def value(doc: Doc, name: str, default: Any = None) -> Any:
    """The plain value of the attribute's default instance, or ``default`` when the entity has no such attribute."""
    instances = doc["attrs"].get(_TERMS[name])
    return plain(default_instance(instances)) if instances else default


def observed(doc: Doc, name: str) -> Micros | None:
    """``observedAt`` of the attribute's default instance in µs, or None."""
    instances = doc["attrs"].get(_TERMS[name])
    at = default_instance(instances).get("observedAt") if instances else None
    return None if at is None else parse_time(at)


def simplify(doc: Doc) -> dict[str, Any]:
    """The live form that screens get: ``{"id", "type", "types", "a", "t", "s"?, "c"?, "m"?}`` (docs/api.md)."""
    shorts = _SHORTS
    types = [shorts[one] for one in doc["type"]]
    kind = types[0]
    if len(types) > 1:
        kind = next((one for one in types if one not in GENERIC_TYPES), kind)
    a: dict[str, Any] = {}
    t: dict[str, str] = {}
    for name, instances in doc["attrs"].items():
        instance = instances[0] if len(instances) == 1 else default_instance(instances)
        key = shorts[name]
        a[key] = plain(instance)
        at = instance.get("observedAt")
        if at is not None:
            t[key] = at
    live: dict[str, Any] = {"id": doc["id"], "type": kind, "types": types, "a": a, "t": t}
    if "scope" in doc:
        live["s"] = doc["scope"]
    if "createdAt" in doc:
        live["c"] = doc["createdAt"]
        live["m"] = doc.get("modifiedAt", doc["createdAt"])
    return live
