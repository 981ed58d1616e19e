"""Filters of a question about the past that are applied here, because the sources answered without them. Either
entities are in parts, or the caller may not see everything (CIM 009 §5.7.4.4). Pure.
"""

from __future__ import annotations

from dataclasses import replace

from andaman.broker.history.temporal.selectors import deciding_attrs
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches, matches_scope
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.doors.ngsild.distributed.whole_series import INSTANCES


def is_filtered(query: EntityQuery) -> bool:
    return query.q is not None or query.geo is not None or query.scope is not None or bool(query.attrs)


def without_filters(query: EntityQuery) -> EntityQuery:
    """The same entities by id and type. If neither is given, those that have an attribute that decides, since a
    question that names nothing is too wide for any source.
    """
    wide = query.types is None and not query.ids
    attrs = tuple(sorted(deciding_attrs(query))) if wide else ()
    return replace(query, q=None, geo=None, scope=None, attrs=attrs)


def unfiltered(asked: EvolutionQuery, most: int) -> EvolutionQuery:
    """All instances in the interval of the attributes that are shown or that decide, of up to ``most`` entities."""
    deciding = frozenset[str]().union(*(deciding_attrs(one) for one in asked.selectors))
    return replace(
        asked,
        temporal=replace(asked.temporal, aggr_methods=(), last_n=None, limit_instances=INSTANCES),
        selectors=tuple(without_filters(one) for one in asked.selectors),
        shown=None if asked.shown is None else asked.shown | deciding,
        omit=asked.omit - deciding,
        scope=True,
        bare=False,
        limit=most,
        offset=0,
        count=False,
    )


def holds(doc: Doc, query: EntityQuery) -> bool:
    """Do the instances, and some scope, meet the selector?"""
    if query.scope is not None and not any(
        matches_scope(query.scope, one["value"]) for one in doc.get("scope", ())
    ):
        return False
    return matches(doc, replace(query, scope=None))


def projected(doc: Doc, asked: EvolutionQuery) -> Doc:
    """Only the parts to show."""
    shown = {
        iri: rows
        for iri, rows in doc["attrs"].items()
        if (asked.shown is None or iri in asked.shown) and iri not in asked.omit
    }
    made = {**doc, "attrs": shown}
    if not asked.scope:
        made.pop("scope", None)
    return made
