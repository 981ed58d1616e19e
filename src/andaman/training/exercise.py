"""Makes the isolated copy for a drill: the documents of an exercise's tenant. Pure but for the ids it is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from andaman.broker.api import Doc, entity, geo, iri, js, lang, prop
from andaman.kernel.time import Micros, format_time
from andaman.training.drill import Inject, Scenario

COPIED_TYPES: Final = (
    "AdministrativeArea",
    "RoadSegment",
    "Hospital",
    "PoliceStation",
    "FireStation",
    "EmergencyUnit",
    "WeatherObserved",
    "AlertRule",
    "Organization",
)
_SYSTEM: Final = ("createdAt", "modifiedAt")


def tenant_of(drill_id: str) -> str:
    """The tenant of a drill; the prefix is what screens know an exercise by."""
    return f"exercise-{drill_id}"


def scope_of(drill_id: str) -> str:
    return f"/exercise/{drill_id}"


def copy_of(doc: Doc, drill_id: str) -> Doc:
    """A copy for the exercise: no system times, the exercise's scope added, every unit free again."""
    copy: Doc = {
        "id": doc["id"],
        "type": list(doc["type"]),
        "scope": sorted({*doc.get("scope", ()), scope_of(drill_id)}),
        "attrs": {name: [_bare(i) for i in instances] for name, instances in doc["attrs"].items()},
    }
    if iri("EmergencyUnit") in copy["type"]:
        copy["attrs"][iri("unitStatus")] = [prop("available")]
    return copy


def _bare(instance: dict[str, Any]) -> dict[str, Any]:
    bare = {k: v for k, v in instance.items() if k not in _SYSTEM}
    if "attrs" in bare:
        bare["attrs"] = {name: [_bare(i) for i in subs] for name, subs in bare["attrs"].items()}
    return bare


def inject_doc(scenario: Scenario, index: int, drill_id: str, now: Micros, existing: Iterable[Doc]) -> Doc:
    """The document that an inject writes: attributes of an existing entity (observation) or a new one (report)."""
    inject: Inject = scenario.injects[index]
    scope = [scope_of(drill_id)]
    attrs = {name: prop(value, now) for name, value in inject.attrs.items()}
    attrs["origin"] = prop("simulated")
    attrs["location"] = geo({"type": "Point", "coordinates": list(scenario.place)}, now)
    attrs["name"] = lang(**inject.title.json())
    target = next(iter(existing), None) if inject.kind == "observation" else None
    if target is not None:
        del attrs["location"], attrs["name"]
        doc = entity(target["id"], inject.entity_type, scope=scope, **attrs)
        return {**doc, "type": list(target["type"]), "scope": sorted({*target.get("scope", ()), *scope})}
    if inject.entity_type == "RoadAccident":
        attrs["accidentDate"] = prop(format_time(now))
    return entity(inject_id(scenario, index, drill_id), inject.entity_type, scope=scope, **attrs)


def inject_id(scenario: Scenario, index: int, drill_id: str) -> str:
    return f"urn:ngsi-ld:{scenario.injects[index].entity_type}:drill-{drill_id}-{index}"


def main_entity(scenario: Scenario, drill_id: str) -> str:
    """The entity whose appearance is the drill's main event: the last report."""
    reports = [i for i, inject in enumerate(scenario.injects) if inject.kind == "report"]
    return inject_id(scenario, reports[-1], drill_id)


def rules_of(scenario: Scenario, drill_id: str) -> list[Doc]:
    """Alert rules that a scenario brings besides the city's own."""
    return [
        entity(
            f"urn:ngsi-ld:AlertRule:drill-{drill_id}-{rule.id}",
            "AlertRule",
            scope=[scope_of(drill_id)],
            name=lang(**rule.name),
            enabled=prop(True),
            definition=js(rule.definition),
        )
        for rule in scenario.rules
    ]
