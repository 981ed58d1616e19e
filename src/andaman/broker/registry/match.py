"""Does a registration match what is asked for (CIM 009 §5.12), and do two registrations conflict (§5.9.2.4)? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from andaman.broker.model import NGSILD, Doc
from andaman.broker.query.ast import And, GeoQuery, GeoRel, Not, Or, Path, QExpr, TypeExpr, TypeIs
from andaman.broker.query.geometry import distances_m, read_geometry, reference
from andaman.broker.query.model import TemporalQuery
from andaman.broker.query.regex import found_in
from andaman.broker.registry.model import EntityInfo, Info, Interval, Registration

_KINDS = frozenset(
    {"Property", "GeoProperty", "Relationship", "LanguageProperty", "JsonProperty", "VocabProperty"}
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A specification of entities and attributes. Empty members do not restrict.

    ``types``: what the entity's types must fit; ``exact_types``: the entity has these types (for writes).
    """

    types: TypeExpr | None = None
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    attrs: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()
    exact_types: frozenset[str] = frozenset()


def matching_infos(registration: Registration, spec: Spec) -> list[Info]:
    """The elements of ``information`` that match; none: the registration does not."""
    if spec.datasets and registration.datasets and registration.datasets.isdisjoint(spec.datasets):
        return []
    return [info for info in registration.information if matches_info(info, spec)]


def matches_info(info: Info, spec: Spec) -> bool:
    if spec.attrs and info.names and info.names.isdisjoint(spec.attrs):
        return False
    return not info.entities or any(matches_entity(one, spec) for one in info.entities)


def matches_entity(one: EntityInfo, spec: Spec) -> bool:
    if spec.exact_types and one.types and one.types.isdisjoint(spec.exact_types):
        return False
    if spec.types is not None and one.types and not may_have(spec.types, one.types):
        return False
    return matches_id(one, spec)


def matches_id(one: EntityInfo, spec: Spec) -> bool:
    if one.id is None and one.id_pattern is None:
        return True
    if spec.ids:
        return any(fits(one, entity_id) for entity_id in spec.ids)
    if spec.id_pattern is not None:
        return one.id is None or found_in(spec.id_pattern, one.id)
    return True


def fits(one: EntityInfo, entity_id: str) -> bool:
    """Does an entity with this id belong to the EntityInfo, as far as its id says?"""
    if one.id is not None:
        return one.id == entity_id
    return one.id_pattern is None or found_in(one.id_pattern, entity_id)


def may_have(expr: TypeExpr, types: frozenset[str]) -> bool:
    """May an entity that has one of ``types`` (and perhaps others) fit the selector, through what is registered?"""
    if isinstance(expr, TypeIs):
        return expr.iri in types
    return any(may_have(part, types) for part in expr.parts)


def names_in(expr: QExpr) -> frozenset[str]:
    """Attributes that a query looks at; they count like attribute names (§5.10.2.4)."""
    return frozenset(path.links[0].attr if path.links else path.attr for path in _paths(expr)) - {""}


def _paths(expr: QExpr) -> list[Path]:
    if isinstance(expr, And | Or):
        return [path for part in expr.parts for path in _paths(part)]
    if isinstance(expr, Not):
        return _paths(expr.part)
    return [expr.path]


# -- what discovery asks besides (§5.10.2.4) ---------------------------------------------------------------------


def matches_time(registration: Registration, query: TemporalQuery | None) -> bool:
    """Without a temporal query only sources of the latest state match; with one, those whose interval fits."""
    if query is None:
        return not registration.temporal
    interval = registration.observed if query.timeproperty == "observedAt" else registration.managed
    if interval is None:
        return False
    if query.timerel is None:
        return True
    if query.timerel == "between":
        return _overlaps(interval, query.time_at, query.end_time_at)
    if query.timerel == "before":
        return interval.start <= query.time_at
    return interval.end is None or interval.end >= query.time_at


def _overlaps(interval: Interval, start: int, end: int) -> bool:
    return interval.start <= end and (interval.end is None or interval.end >= start)


def matches_place(registration: Registration, query: GeoQuery, without: bool = False) -> bool:
    """May places in the area of a source stand in the relation (§5.10.2.4)? ``without``: the answer for sources that
    name no area."""
    name = query.geoproperty.removeprefix(NGSILD) if query.geoproperty.startswith(NGSILD) else ""
    area = (
        registration.document.get(name)
        if name in ("location", "observationSpace", "operationSpace")
        else None
    )
    if area is None:
        area = registration.document.get("properties", {}).get(query.geoproperty)
    if area is None:
        return without
    geometry = read_geometry(area.get("value", area) if isinstance(area, dict) else area)
    if geometry is None:
        return False
    if query.georel is GeoRel.DISJOINT:
        return True
    if query.georel is GeoRel.NEAR:
        nearest = float(distances_m(np.array([geometry], dtype=object), reference(query))[0])
        return query.max_distance_m is None or nearest <= query.max_distance_m
    return bool(shapely.intersects(geometry, reference(query)))


def source_doc(registration: Registration) -> Doc:
    """The registration as an entity, so that context source filters (``csf``, §4.9) can be evaluated on it."""
    document = registration.document
    attrs: dict[str, Any] = {
        iri: [_as_instance(value)] for iri, value in document.get("properties", {}).items()
    }
    for name in ("endpoint", "mode", "tenant", "registrationName", "description", "contextSourceAlias"):
        if name in document:
            attrs[NGSILD + name] = [{"type": "Property", "value": document[name]}]
    return {"id": registration.id, "type": [NGSILD + "ContextSourceRegistration"], "attrs": attrs}


def _as_instance(value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and value.get("type") in _KINDS:
        return value
    return {"type": "Property", "value": value}


# -- conflicts (§4.3.6.3, §5.9.2.4) ------------------------------------------------------------------------------


def conflicts(new: Registration, old: Registration) -> bool:
    """Do the two exclude each other? Only where one of them is exclusive and the other proxied."""
    if not (new.proxied and old.proxied) or "exclusive" not in (new.mode, old.mode):
        return False
    return any(overlap(one, other) for one in new.information for other in old.information)


def overlap(one: Info, other: Info) -> bool:
    """Is there, or may there be, an attribute of an entity that both cover?"""
    if one.names and other.names and one.names.isdisjoint(other.names):
        return False
    if not one.entities or not other.entities:
        return True
    return any(_same_entity(a, b) for a in one.entities for b in other.entities)


def _same_entity(a: EntityInfo, b: EntityInfo) -> bool:
    if a.types and b.types and a.types.isdisjoint(b.types):
        return False
    if a.id is not None:
        return fits(b, a.id)
    return b.id is None or fits(a, b.id)


def infos_of(registrations: Iterable[Registration], spec: Spec) -> list[tuple[Registration, Sequence[Info]]]:
    """Registrations that match, each with what of it matches."""
    return [(one, infos) for one in registrations if (infos := matching_infos(one, spec))]
