"""From stored form to what a client asked to see: normalized, concise, simplified, GeoJSON (CIM 009 §4.5, §4.21).

Hidden attributes were removed before, by the broker. Nothing here changes the stored form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from andaman.broker.contexts.model import Context
from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.geometry import looks_like_geometry
from andaman.broker.model import LOCATION, NGSILD, Doc, Instance

Format = Literal["normalized", "concise", "simplified"]
_PROOF: Final = NGSILD + "ngsildproof"
_AS_STORED: Final = frozenset({"Property", "GeoProperty", "Relationship", "LanguageProperty", "JsonProperty"})
_SYSTEM: Final = ("createdAt", "modifiedAt", "expiresAt")
_ENTITY_PARTS: Final = frozenset({"id", "type", "scope"})


@dataclass(frozen=True, slots=True)
class View:
    """How to show an entity. Attribute names are IRIs; ``pick`` and ``omit`` may name id, type and scope as well.

    ``languages``: tags in order of preference, LanguageProperties become texts; empty: they stay as they are.
    ``datasets``: only these instances ("@none" for the default one).
    """

    format: Format = "normalized"
    sys_attrs: bool = False
    languages: tuple[str, ...] = ()
    pick: frozenset[str] | None = None
    omit: frozenset[str] = frozenset()
    datasets: frozenset[str] | None = None
    by_attrs: bool = False
    """``pick`` was made from ``attrs``: id, type and scope come with the attributes and are nothing by themselves."""

    @property
    def projects(self) -> bool:
        return self.pick is not None or bool(self.omit) or self.datasets is not None


PLAIN: Final = View()


def represent(doc: Doc, context: Context, view: View = PLAIN) -> dict[str, Any]:
    """One entity as a JSON object, names compacted, without @context."""
    shorts = context.shorts
    types = doc["type"]
    out: dict[str, Any] = {
        "id": doc["id"],
        "type": shorts[types[0]] if len(types) == 1 else [shorts[one] for one in types],
    }
    scope = doc.get("scope")
    if scope is not None:
        out["scope"] = scope[0] if len(scope) == 1 else scope
    if view.projects:
        for part in _ENTITY_PARTS & out.keys():
            if part in view.omit or (view.pick is not None and part not in view.pick):
                del out[part]
    if view.sys_attrs:
        for name in _SYSTEM:
            if name in doc:
                out[name] = doc[name]
    if view is PLAIN:
        for iri, instances in doc["attrs"].items():
            if (
                len(instances) == 1
                and (instance := instances[0])["type"] in _AS_STORED
                and "attrs" not in instance
                and "objectType" not in instance
                and "valueType" not in instance
            ):  # as stored but for the system's members; the general way gives the same
                out[shorts[iri]] = shown = instance.copy()
                shown.pop("createdAt", None)
                shown.pop("modifiedAt", None)
                if "expiresAt" in shown:
                    del shown["expiresAt"]
            else:
                out[shorts[iri]] = represent_attribute(iri, instances, context, view)
        return out
    for iri, instances in _projected(doc, view):
        out[shorts[iri]] = represent_attribute(iri, instances, context, view)
    return out


def _projected(doc: Doc, view: View) -> Iterable[tuple[str, list[Instance]]]:
    if not view.projects:
        every: Iterable[tuple[str, list[Instance]]] = doc["attrs"].items()
        return every
    kept: list[tuple[str, list[Instance]]] = []
    for iri, instances in doc["attrs"].items():
        if iri in view.omit or (view.pick is not None and iri not in view.pick):
            continue
        if view.datasets is not None:
            wanted = view.datasets
            instances = [one for one in instances if one.get("datasetId", "@none") in wanted]
            if not instances:
                continue
        kept.append((iri, instances))
    return kept


def represent_attribute(iri: str, instances: list[Instance], context: Context, view: View = PLAIN) -> Any:
    """The value of one attribute's member: an object, a list of them (multi-attribute), or a plain value."""
    if view.format == "simplified":
        if len(instances) == 1:
            return _simplified(instances[0], context, view)
        return {
            "dataset": {one.get("datasetId", "@none"): _simplified(one, context, view) for one in instances}
        }
    if iri == _PROOF:
        return _proof(instances[0], context, view)
    if view.format == "concise":
        return _concise_attribute(instances, context, view)
    if len(instances) == 1:
        return _normalized(instances[0], context, view)
    return [_normalized(one, context, view) for one in instances]


def plain_value(instance: Instance, context: Context) -> Any:
    """The value member as clients see it: vocabulary terms compacted, list members wrapped as §4.5.22 says."""
    kind = instance["type"]
    value = instance.get(VALUE_MEMBER[kind])
    if kind == "VocabProperty":
        shorts = context.vocab_shorts
        return shorts[value] if isinstance(value, str) else [shorts[one] for one in value or ()]
    if kind == "ListRelationship":
        return [{"object": one} for one in value or ()]
    return value


def _normalized(instance: Instance, context: Context, view: View) -> dict[str, Any]:
    kind = instance["type"]
    if kind == "LanguageProperty" and view.languages:
        text, tag = choose_language(instance["languageMap"], view.languages)
        out: dict[str, Any] = {"type": "Property", "value": text, "lang": tag}
    elif kind == "Property":
        out = {"type": "Property", "value": instance.get("value")}
    else:
        out = {"type": kind, VALUE_MEMBER[kind]: plain_value(instance, context)}
    if len(instance) > len(out):
        _other_members(out, instance, context, view)
    return out


def _other_members(out: dict[str, Any], instance: Instance, context: Context, view: View) -> None:
    shorts = context.shorts
    for name in ("observedAt", "unitCode", "datasetId"):
        value = instance.get(name)
        if value is not None:
            out[name] = value
    if "lang" not in out:
        value = instance.get("objectType")
        if value is not None:
            out["objectType"] = shorts[value] if isinstance(value, str) else [shorts[one] for one in value]
        value = instance.get("valueType")
        if value is not None:
            out["valueType"] = context.vocab_shorts[value]
    if view.sys_attrs:
        for name in _SYSTEM:
            value = instance.get(name)
            if value is not None:
                out[name] = value
    subs = instance.get("attrs")
    if subs:
        concise = view.format == "concise"
        for iri, ones in subs.items():
            if concise:
                out[shorts[iri]] = _concise_attribute(ones, context, view)
            elif len(ones) == 1:
                out[shorts[iri]] = _normalized(ones[0], context, view)
            else:
                out[shorts[iri]] = [_normalized(one, context, view) for one in ones]


def _concise_attribute(instances: list[Instance], context: Context, view: View) -> Any:
    """§4.5.1: no kind if the value member implies it, no object if there is only a value."""
    made = []
    for instance in instances:
        full = _normalized(instance, context, view)
        kind = full["type"]
        value = full.get("value")
        if kind != "Property" or not looks_like_geometry(value):  # else it would read as a GeoProperty
            del full["type"]
        made.append(full)
    if len(made) > 1:
        return made
    full = made[0]
    if len(full) > 1 or "value" not in full:
        return full
    value = full["value"]
    bare = (
        looks_like_geometry(value)
        or not isinstance(value, (dict, list))
        or (isinstance(value, list) and not (value and isinstance(value[0], dict)))
    )
    return value if bare else full


def _simplified(instance: Instance, context: Context, view: View) -> Any:
    """§4.5.4 and its kin: the bare value; kinds that a bare value would hide keep their member's name."""
    kind = instance["type"]
    if kind in ("Property", "GeoProperty", "Relationship"):
        return instance.get(VALUE_MEMBER[kind])
    if kind == "LanguageProperty" and view.languages:
        return choose_language(instance["languageMap"], view.languages)[0]
    if kind in ("ListProperty", "ListRelationship"):
        return instance[VALUE_MEMBER[kind]]
    return {VALUE_MEMBER[kind]: plain_value(instance, context)}


def _proof(instance: Instance, context: Context, view: View) -> dict[str, Any]:
    """``ngsildproof`` with its two non-reified members (§4.5.2.2)."""
    subs = dict(instance.get("attrs") or {})
    sealed = {
        name: plain_value(subs.pop(NGSILD + name)[0], context)
        for name in ("entityIdSealed", "entityTypeSealed")
        if NGSILD + name in subs
    }
    return {**_normalized({**instance, "attrs": subs}, context, view), **sealed}


def choose_language(texts: dict[str, Any], languages: Iterable[str]) -> tuple[Any, str]:
    """The text in the first language that there is, its tag; else ``@none``, English, or any (§4.15)."""
    lower = {tag.lower(): tag for tag in texts}
    for wanted in languages:
        if wanted == "*":
            break
        tag = lower.get(wanted.lower())
        if tag is None:
            base = wanted.lower().split("-")[0]
            tag = next((one for low, one in lower.items() if low.split("-")[0] == base), None)
        if tag is not None:
            return texts[tag], tag
    for fallback in ("@none", "en"):
        if fallback in texts:
            return texts[fallback], fallback
    tag = next(iter(texts))
    return texts[tag], tag


def feature(doc: Doc, context: Context, view: View, geometry_property: str = LOCATION) -> dict[str, Any]:
    """One entity as a GeoJSON Feature (§4.5.16). ``geometry_property`` is an IRI; without it, geometry is null."""
    body = represent(doc, context, view)
    properties = {name: value for name, value in body.items() if name != "id"}
    geometry = None
    for instance in doc["attrs"].get(geometry_property, ()):
        if instance["type"] == "GeoProperty" and (geometry is None or "datasetId" not in instance):
            geometry = instance["value"]
    return {"id": doc["id"], "type": "Feature", "geometry": geometry, "properties": properties}


def feature_collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    """§4.5.16: several entities as GeoJSON."""
    return {"type": "FeatureCollection", "features": features}
