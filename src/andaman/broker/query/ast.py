"""Syntax trees of NGSI-LD queries (CIM 009 V1.9.1): types §4.17, ``q`` §4.9, scopes §4.19, geometry §4.10.

Plain frozen data, hashable, all names expanded to IRIs. ``parse_*`` make them, ``matches`` gives them their meaning,
the planner compiles them. Trees are normalised by the parsers: no ``And``/``Or`` has fewer than two parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from andaman.kernel.time import Micros

# -- types (§4.17) ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypeIs:
    """The entity has this type among its types."""

    iri: str


@dataclass(frozen=True, slots=True)
class TypeAnd:
    parts: tuple[TypeExpr, ...]


@dataclass(frozen=True, slots=True)
class TypeOr:
    parts: tuple[TypeExpr, ...]


TypeExpr = TypeIs | TypeAnd | TypeOr

# -- scopes (§4.19) ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScopeIs:
    """One scope pattern: levels from the root, "+" stands for exactly one level.

    ``below``: the pattern ended in ``/#``: the scope itself and everything under it (``/#`` alone: any scope).
    """

    levels: tuple[str, ...]
    below: bool = False


@dataclass(frozen=True, slots=True)
class ScopeAnd:
    parts: tuple[ScopeExpr, ...]


@dataclass(frozen=True, slots=True)
class ScopeOr:
    parts: tuple[ScopeExpr, ...]


ScopeExpr = ScopeIs | ScopeAnd | ScopeOr

# -- q (§4.9) ---------------------------------------------------------------------------------------------------

MEMBERS = frozenset(
    {"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt", "datasetId", "unitCode", "objectType"}
)
"""Members of an attribute instance that a path may end in; everything else in a path is an attribute name."""
TIME_MEMBERS = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Members whose values are date-times."""
ENTITY_MEMBERS = frozenset({"createdAt", "modifiedAt", "deletedAt", "expiresAt"})
"""Members of the entity itself that a query term may name."""


@dataclass(frozen=True, slots=True)
class Link:
    """One step along a Relationship, ``rel{Type:…}``. ``types``: hints; empty for any type."""

    attr: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """The target of a query term: ``attr.sub.member[key.key]``.

    ``attr``: IRI of the attribute; "" when ``member`` is the entity's own (such as ``modifiedAt``).
    ``subs``: IRIs of sub-attributes, from the outside in. ``member``: one of ``MEMBERS``, or "" for the value itself.
    ``keys``: the path in brackets: keys inside the (JSON) value, or one language tag of a LanguageProperty;
    ``*`` stands for any language. ``links``: Relationships to follow first; the rest then applies to the entity
    at their end (§4.9 LinkedEntityRelation).
    """

    attr: str
    subs: tuple[str, ...] = ()
    member: str = ""
    keys: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


class Cmp(StrEnum):
    EQ = "=="
    NE = "!="
    GE = ">="
    GT = ">"
    LE = "<="
    LT = "<"


@dataclass(frozen=True, slots=True)
class Number:
    """An integer literal is an int, so that integers beyond 2^53 are compared exactly."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string. ``vocab``: the same term expanded, compared with values of VocabProperties."""

    value: str
    vocab: str


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool


@dataclass(frozen=True, slots=True)
class Instant:
    """A date-time with zone, in µs."""

    value: Micros


@dataclass(frozen=True, slots=True)
class Day:
    """A date, as ``YYYY-MM-DD``; ordered like its text."""

    value: str


@dataclass(frozen=True, slots=True)
class DayTime:
    """A time of day in UTC, in µs since midnight."""

    value: Micros


@dataclass(frozen=True, slots=True)
class Uri:
    """An unquoted URI: the object of a Relationship, a value or a VocabProperty."""

    value: str


Value = Number | Text | Boolean | Instant | Day | DayTime | Uri


@dataclass(frozen=True, slots=True)
class Range:
    """``low..high``, both ends included, both of one kind."""

    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """``q=attr``: the target is there. Absence (``!attr``) is ``Not(Exists(…))``."""

    path: Path


@dataclass(frozen=True, slots=True)
class Not:
    """Only around ``Exists``."""

    part: Exists


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op value``. Operators of order have exactly one ``Value``; ``==`` and ``!=`` may list several
    values and ranges: equal to one of them, unequal to all of them. A missing target never matches."""

    path: Path
    op: Cmp
    values: tuple[Value | Range, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """``path~=regex``; ``negated``: ``!~=``. A missing target never matches."""

    path: Path
    regex: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[QExpr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[QExpr, ...]


QExpr = Exists | Not | Compare | Pattern | And | Or

# -- geometry (§4.10) -------------------------------------------------------------------------------------------


class GeoRel(StrEnum):
    NEAR = "near"
    WITHIN = "within"
    CONTAINS = "contains"
    OVERLAPS = "overlaps"
    INTERSECTS = "intersects"
    EQUALS = "equals"
    DISJOINT = "disjoint"


GeometryKind = Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]


@dataclass(frozen=True, slots=True)
class GeoQuery:
    """Target ``geoproperty`` of the entity has the relation ``georel`` to the reference geometry.

    ``coordinates``: GeoJSON coordinates as nested tuples, WGS 84, longitude first. ``near`` has at least one of
    the two distances, in metres along the ellipsoid; both ends included.
    """

    georel: GeoRel
    geometry: GeometryKind
    coordinates: tuple[Any, ...]
    geoproperty: str
    max_distance_m: float | None = None
    min_distance_m: float | None = None
    memo: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Values computed from the query (geometry.py), for as long as it lives."""
