"""Temporal representations: all instances, temporalValues, aggregatedValues (CIM 009 §4.5.6–4.5.9, §4.5.19).

An entity over time is what ``Broker.evolutions`` tells: ``id``, ``type`` (IRIs), ``attrs`` (IRI → instances in stored form with
``instanceId`` or ``deletedAt``; or → method → rows), ``scope`` (instances), and its times where they were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from andaman.broker.contexts.model import Context
from andaman.broker.entity.represent import View, choose_language, plain_value, represent_attribute
from andaman.broker.model import Doc, Instance

_PLURAL: Final = {
    "Property": "values",
    "GeoProperty": "values",
    "Relationship": "objects",
    "LanguageProperty": "languageMaps",
    "JsonProperty": "jsons",
    "VocabProperty": "vocabs",
    "ListProperty": "valueLists",
    "ListRelationship": "objectLists",
}
_WRAPPED: Final = {"LanguageProperty": "languageMap", "JsonProperty": "json", "VocabProperty": "vocab"}
"""Kinds whose simplified values stand under their member's name (§4.5.9)."""
_ONLY_COUNTED: Final = frozenset({"Relationship", "ListRelationship"})
_TIMES: Final = ("createdAt", "modifiedAt", "deletedAt")


def _head(entity: Doc, context: Context, view: View) -> dict[str, Any]:
    types = [context.shorts[one] for one in entity["type"]]
    out: dict[str, Any] = {"id": entity["id"], "type": types[0] if len(types) == 1 else types}
    for part in ("id", "type"):
        if part in view.omit or (view.pick is not None and part not in view.pick):
            del out[part]
    out.update({name: entity[name] for name in _TIMES if name in entity})
    return out


def represent_temporal(entity: Doc, context: Context, view: View) -> dict[str, Any]:
    """Every attribute as a list of its instances over time (also where there is only one)."""
    out = _head(entity, context, view)
    if entity.get("scope"):
        out["scope"] = [_scope(one, view) for one in entity["scope"]]
    for iri, instances in entity["attrs"].items():
        out[context.shorts[iri]] = [_instance(iri, one, context, view) for one in instances]
    return out


def _instance(iri: str, instance: Instance, context: Context, view: View) -> dict[str, Any]:
    made = represent_attribute(iri, [instance], context, view)
    shown: dict[str, Any] = made if isinstance(made, dict) and "coordinates" not in made else {"value": made}
    for name in ("instanceId", "deletedAt"):
        if name in instance:
            shown[name] = instance[name]
    return shown


def _scope(instance: Instance, view: View) -> dict[str, Any]:
    value = instance["value"]
    shown: dict[str, Any] = {"type": "Property", "value": value[0] if len(value) == 1 else value}
    for name in ("observedAt", "deletedAt", *(_TIMES[:2] if view.sys_attrs else ())):
        if name in instance:
            shown[name] = instance[name]
    return shown


def represent_values(
    entity: Doc, context: Context, view: View, time_property: str = "observedAt"
) -> dict[str, Any]:
    """Simplified: ``{"speed": {"type": "Property", "values": [[value, time], …]}}``, one object a datasetId (§4.5.9)."""
    out = _head(entity, context, view)
    if entity.get("scope"):
        pairs = [[one["value"], _time(one, time_property)] for one in entity["scope"]]
        out["scope"] = {"type": "Property", "values": pairs}
    for iri, instances in entity["attrs"].items():
        groups: dict[tuple[str, str | None], list[list[Any]]] = {}
        for one in instances:
            kind = one["type"]
            if kind == "LanguageProperty" and view.languages:
                kind = "Property"
            pair = [_value(one, context, view), _time(one, time_property)]
            groups.setdefault((kind, one.get("datasetId")), []).append(pair)
        made: list[dict[str, Any]] = []
        for (kind, dataset_id), pairs in groups.items():
            shown: dict[str, Any] = {"type": kind}
            if dataset_id is not None:
                shown["datasetId"] = dataset_id
            shown[_PLURAL[kind]] = pairs
            made.append(shown)
        if not made:
            made = [{"type": "Property", "values": []}]
        out[context.shorts[iri]] = made[0] if len(made) == 1 else made
    return out


def _time(instance: Instance, time_property: str) -> str:
    found = instance.get(time_property) or instance.get("deletedAt") or instance.get("modifiedAt", "")
    return str(found)


def _value(instance: Instance, context: Context, view: View) -> Any:
    kind = instance["type"]
    if kind == "LanguageProperty" and view.languages:
        return choose_language(instance["languageMap"], view.languages)[0]
    if kind == "ListRelationship":
        return instance["objectList"]
    if "deletedAt" in instance and kind == "VocabProperty":
        return {"vocab": instance["vocab"]}
    value = plain_value(instance, context)
    return {_WRAPPED[kind]: value} if kind in _WRAPPED else value


def represent_aggregated(entity: Doc, context: Context, view: View) -> dict[str, Any]:
    """``{"speed": {"type": "Property", "avg": [[value, start, end], …]}}``."""
    out = _head(entity, context, view)
    for iri, found in entity["attrs"].items():
        methods: dict[str, Sequence[Sequence[Any]]] = dict(found)
        kind = methods.pop("type", "Property")
        out[context.shorts[iri]] = {
            "type": "Relationship" if kind in _ONLY_COUNTED else "Property",
            **{method: [list(row) for row in rows] for method, rows in methods.items()},
        }
    return out
