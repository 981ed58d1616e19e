"""Aggregates of series in parts at several brokers (CIM 009 §4.5.19, §5.7.4.4): computed of the merged series, since a
mean of means is wrong. So the instances themselves are asked for, page by page, up to a bound.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from andaman.broker.history.read.merged_series import aggregated_instances
from andaman.broker.history.rows.aggregate import shortest
from andaman.broker.model import Doc, Instance
from andaman.broker.query.model import EvolutionQuery, TemporalQuery
from andaman.doors.ngsild.distributed.past_answers import when
from andaman.doors.ngsild.distributed.sources import Outcome
from andaman.kernel.errors import InvalidRequest, TooComplexQuery
from andaman.kernel.time import Micros, parse_time

INSTANCES: Final = 50_000
"""The most instances that one answer merges, of all sources."""
PAGES: Final = 200
"""That one source is asked for one after the other."""
_RANGE: Final = re.compile(r"date-time \d{4}-[^/]{6,30}?-(\d{4}-\d\d-\d\dT[^/]{1,20})/")


class TellerCount:
    """The source of each attribute; finds the series that are in parts."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, int]] = {}

    def add(self, docs: Iterable[Doc]) -> None:
        """Count the answer of one source (or of the broker itself)."""
        once = {(str(doc["id"]), iri) for doc in docs for iri in doc["attrs"]}
        for entity_id, iri in once:
            told = self._told.setdefault(entity_id, {})
            told[iri] = told.get(iri, 0) + 1

    def split(self, entity_id: str) -> frozenset[str]:
        """The attributes of an entity that came from several."""
        return frozenset(iri for iri, count in self._told.get(entity_id, {}).items() if count > 1)


def raw_query(asked: EvolutionQuery, split: Mapping[str, frozenset[str]]) -> EvolutionQuery:
    """The instances that the aggregates of these series are made of."""
    ids = tuple(split)
    return replace(
        asked,
        temporal=replace(asked.temporal, aggr_methods=(), last_n=None, limit_instances=INSTANCES),
        selectors=tuple(replace(one, ids=ids, id_pattern=None, count=False) for one in asked.selectors),
        shown=frozenset().union(*split.values()),
        scope=False,
        count=False,
        limit=len(ids),
        offset=0,
    )


def too_many() -> TooComplexQuery:
    return TooComplexQuery(
        f"The series are at several brokers and have more than {INSTANCES} instances in the interval. Aggregates "
        "need all of them together: ask for a shorter interval, fewer entities, or with local=true",
        field="timeAt",
    )


def page_end(outcome: Outcome) -> Micros | None:
    """How far a page of a source goes (206, §6.3.10); None: it sent everything."""
    if outcome.status != 206 or outcome.headers is None:
        return None
    told = _RANGE.match(outcome.headers.get(b"content-range", b"").decode("latin-1"))
    try:
        return None if told is None else parse_time(told.group(1))
    except ValueError:
        return None


def page_of(
    entities: list[Doc], asked: EvolutionQuery, ends: Sequence[Micros]
) -> tuple[list[Doc], list[str]]:
    """The part that all sources cover, where some sent pages that end at ``ends``, and its range. The client continues
    where the shortest page ends, as it would with one broker.
    """
    query = asked.temporal
    backwards = query.last_n is not None
    edge = max(ends) if backwards else min(ends)
    kept: list[Doc] = []
    times: list[Micros] = []
    for one in entities:
        attrs = {}
        for iri, rows in one["attrs"].items():
            inside = [
                (at, row)
                for row in rows
                if ((at := when(row, query.timeproperty)) >= edge) == backwards or at == edge
            ]
            times += [at for at, _ in inside]
            attrs[iri] = [row for _, row in inside]
        kept.append({**one, "attrs": attrs})
    if backwards:
        first = {"before": query.time_at, "between": query.end_time_at}.get(query.timerel or "")
        first = max(times, default=edge) if first is None else first
    else:
        first = query.time_at if query.timerel in ("after", "between") else min(times, default=edge)
    return kept, [shortest(first), shortest(edge)]


def following(asked: EvolutionQuery, outcome: Outcome) -> EvolutionQuery | None:
    """The question for what a page (206, §6.3.10) left out; None where it was all, or the page says of no later time.

    It begins with the last moment of the page: what comes twice is one.
    """
    end = page_end(outcome)
    if end is None:
        return None
    query = asked.temporal
    until = {"before": query.time_at, "between": query.end_time_at}.get(query.timerel or "")
    if (query.timerel in ("after", "between") and end <= query.time_at) or (
        until is not None and end >= until
    ):
        return None
    temporal = replace(
        query, timerel="after" if until is None else "between", time_at=end, end_time_at=until or 0
    )
    return replace(asked, temporal=temporal)


async def aggregates_of(doc: Doc, asked: EvolutionQuery) -> dict[str, Any]:
    """Attribute → aggregates of its merged series. Raises InvalidRequest where none is defined for one asked for."""
    found: dict[str, Any] = {}
    for iri, instances in doc["attrs"].items():
        series = within(instances, asked.temporal)
        if not series:
            continue
        made = await asyncio.to_thread(aggregated_instances, series, asked.temporal)
        if made:
            found[iri] = made
        elif asked.shown is not None:
            raise InvalidRequest(
                f"None of the aggregation methods is defined for the values of {iri}", field="aggrMethods"
            )
    return found


def within(instances: Iterable[Instance], query: TemporalQuery) -> list[tuple[Micros, Instance]]:
    """Instances in the interval, with their times: a source may say more than it was asked for."""
    low = query.time_at if query.timerel in ("after", "between") else None
    high = {"before": query.time_at, "between": query.end_time_at}.get(query.timerel or "")
    told = query.timerel is not None and query.timeproperty in ("observedAt", "deletedAt")
    found = []
    for one in instances:
        if told and query.timeproperty not in one:
            continue
        at = when(one, query.timeproperty)
        if (low is None or at >= low) and (high is None or at < high):
            found.append((at, one))
    return found
