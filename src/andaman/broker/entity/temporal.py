"""Temporal representations: all instances, temporalValues, aggregatedValues (CIM 009 §4.5.6, §4.5.8, §4.5.19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

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
TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]


def _head(doc: Doc, context: Context, view: View) -> dict[str, Any]:
    types = [context.shorts[one] for one in doc["type"]]
    out: dict[str, Any] = {"id": doc["id"], "type": types[0] if len(types) == 1 else types}
    scope = doc.get("scope")
    if scope:
        out["scope"] = scope[0] if len(scope) == 1 else scope
    if view.sys_attrs:
        out.update({name: doc[name] for name in ("createdAt", "modifiedAt") if name in doc})
    for part in ("id", "type", "scope"):
        if part in out and (part in view.omit or (view.pick is not None and part not in view.pick)):
            del out[part]
    return out


def represent_temporal(
    doc: Doc, history: Mapping[str, Sequence[Instance]], context: Context, view: View
) -> dict[str, Any]:
    """Every attribute as a list of its instances over time (also where there is only one)."""
    out = _head(doc, context, view)
    for iri, instances in history.items():
        made = represent_attribute(iri, list(instances), context, view)
        out[context.shorts[iri]] = made if isinstance(made, list) else [made]
    return out


def represent_values(
    doc: Doc,
    history: Mapping[str, Sequence[Instance]],
    context: Context,
    view: View,
    time_property: TimeProperty = "observedAt",
) -> dict[str, Any]:
    """Simplified: ``{"speed": {"type": "Property", "values": [[value, time], …]}}``, one object a datasetId."""
    out = _head(doc, context, view)
    for iri, instances in history.items():
        groups: dict[tuple[str, str | None], list[list[Any]]] = {}
        for one in instances:
            value = _value(one, context, view)
            at = one.get(time_property, one.get("modifiedAt", ""))
            groups.setdefault((one["type"], one.get("datasetId")), []).append([value, at])
        made: list[dict[str, Any]] = []
        for (kind, dataset_id), pairs in groups.items():
            shown: dict[str, Any] = {"type": kind, _PLURAL[kind]: pairs}
            if kind == "LanguageProperty" and view.languages:
                shown = {"type": "Property", "values": pairs}
            if dataset_id is not None:
                shown["datasetId"] = dataset_id
            made.append(shown)
        if made:
            out[context.shorts[iri]] = made[0] if len(made) == 1 else made
    return out


def _value(instance: Instance, context: Context, view: View) -> Any:
    if instance["type"] == "LanguageProperty" and view.languages:
        return choose_language(instance["languageMap"], view.languages)[0]
    return plain_value(instance, context)


def represent_aggregated(
    doc: Doc, rows: Mapping[str, Mapping[str, Sequence[Sequence[Any]]]], context: Context, view: View
) -> dict[str, Any]:
    """``{"speed": {"type": "Property", "avg": [[value, start, end], …]}}``. ``rows``: IRI → method → rows."""
    out = _head(doc, context, view)
    for iri, methods in rows.items():
        if methods:
            shown: dict[str, Any] = {"type": _kind(doc, iri)}
            shown.update({method: [list(row) for row in values] for method, values in methods.items()})
            out[context.shorts[iri]] = shown
    return out


def _kind(doc: Doc, iri: str) -> str:
    instances = doc["attrs"].get(iri)
    kind: str = instances[0]["type"] if instances else "Property"
    return kind
