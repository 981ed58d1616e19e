"""Queries as plain data: what to find, and at which time. Parsers make them, the planner runs them.

All names are expanded IRIs. The AST classes of ``q``, types, scopes and geometry live in ``ast.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from andaman.broker.query.ast import GeoQuery, QExpr, ScopeExpr, TypeExpr
from andaman.kernel.time import Micros


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """CIM 009 §5.7.2. Empty members do not restrict. Order is creation order, stable while others write."""

    types: TypeExpr | None = None
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None  # POSIX extended regular expression, matched in linear time
    attrs: tuple[str, ...] = ()  # the entity has at least one of these attributes
    q: QExpr | None = None
    geo: GeoQuery | None = None
    scope: ScopeExpr | None = None
    limit: int = 20
    offset: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """CIM 009 §4.11, §5.7.3. ``None`` timerel: the whole history."""

    timerel: Literal["before", "after", "between"] | None = None
    time_at: Micros = 0
    end_time_at: Micros = 0
    timeproperty: Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"] = "observedAt"
    last_n: int | None = None  # per attribute
    aggr_methods: tuple[str, ...] = ()  # totalCount distinctCount sum avg min max stddev sumsq
    aggr_period_s: float = 0.0  # 0: one bucket over the whole range
    limit_instances: int = 1000  # per attribute and page; of an EvolutionQuery: per entity and page
    offset_instances: int = 0
    aggr_period: str = "PT0S"  # as asked (ISO 8601); calendar months and years are honoured from here
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class EvolutionQuery:
    """CIM 009 §5.7.3, §5.7.4: entities by their state in an interval, and the part of it to show.

    Conditions on values, places and scopes of ``selectors`` (alternatives) are held against the instances in the interval.
    Attribute names are IRIs. Order is that of first appearance, or by id.
    """

    temporal: TemporalQuery
    selectors: tuple[EntityQuery, ...]
    shown: frozenset[str] | None = None  # attributes; None: all
    omit: frozenset[str] = frozenset()
    scope: bool = True
    datasets: frozenset[str] | None = None  # "@none" for the default instance
    bare: bool = False  # instances need no createdAt and modifiedAt where they have observedAt
    times: bool = False  # createdAt, modifiedAt and deletedAt of the entity too
    ends: bool = False  # deletions beside the values
    retrieve: bool = False  # the one entity is answered even without an instance in the interval
    each: bool = False  # pages of instances are cut for each entity by itself; its "range" stands with it
    by_id: int = 0  # 1 rising, -1 falling
    limit: int = 20
    offset: int = 0
    count: bool = False


class Target(NamedTuple):
    """An attribute instance over time: its data set ("" for the default), journal position, place, creation (ISO 8601), kind."""

    dataset: str
    seq: int
    place: int
    created: str
    kind: str


@dataclass(frozen=True, slots=True)
class Page:
    """Ids and stored forms of one page; ``total`` is -1 unless the query asked to count."""

    docs: list[dict[str, object]]
    total: int = -1
