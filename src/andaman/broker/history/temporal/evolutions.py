"""Temporal queries over entities (CIM 009 §5.7.3, §5.7.4): which entities, and which page of their instances.

Entities come in windows (``candidates.py``) until the page is full; each window is one read. Conditions on values, geometries and
scopes are held against the instances in the interval by the reference evaluator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import duckdb
import numpy as np

from andaman.broker.history.read.entity_times import entity_times
from andaman.broker.history.read.reader import ENDS, VALUES, Reader, Tails
from andaman.broker.history.read.scopes import Timeline, split_scopes, timelines
from andaman.broker.history.read.series import instances, period_of
from andaman.broker.history.rows.large_texts import ANSWER_CHARS, TooMuchText
from andaman.broker.history.rows.rows import SCOPE
from andaman.broker.history.rows.rowset import Rows, distinct
from andaman.broker.history.segments.segment import Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.history.temporal.candidates import Candidates
from andaman.broker.history.temporal.page import Found, last_rows, project, shown, summed, trim
from andaman.broker.history.temporal.paging import Range
from andaman.broker.history.temporal.selectors import (
    by_who,
    deciding_attrs,
    holds_by_itself,
    in_scope,
    within_scope,
)
from andaman.broker.history.temporal.subjects import Subjects
from andaman.broker.model import Doc, Instance
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.kernel.time import Micros

_ROOM: Final = 0.9  # of a page that was too large: instances are not equally large


class Visibility(Protocol):
    """The rights of the caller."""

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool: ...

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]: ...

    def veiled(self, attr: str) -> Mapping[str, Micros]:
        """Entities with values of the attribute that stay hidden if committed before a moment, and that moment."""

    def veils(self, names: Sequence[str]) -> Mapping[str, Veil]:
        """Entities with something that stays hidden if committed before a moment."""


class Veil(Protocol):
    """Until which commit time an entity (``attr`` None), or an attribute of it, stays hidden."""

    def until(self, attr: str | None) -> Micros: ...


class Evolutions:
    """The answer to one query at one snapshot."""

    def __init__(
        self,
        store: Store,
        subjects: Subjects,
        key: bytes,
        tenant: str,
        query: EvolutionQuery,
        tails: Tails,
        sight: Visibility,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._key = key
        self._tenant = tenant
        self._query = query
        self._tails = tails
        self._sight = sight
        self._candidates = Candidates(store, subjects, tenant, query, tails, sight)

    def answer(self, snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        """``{"entities": […], "total": n or -1, "more": bool, "range": [start, end]?}``; see ``History.evolutions``."""
        query = self._query
        period_of(query.temporal)
        page: list[Found] = []
        count = 0
        end = query.offset + query.limit
        for found in self._every(snapshot, cursor):
            if query.offset <= count < end:
                page.append(found)
            count += 1
            self._candidates.left = end + 1 - count
            if count > end and not query.count:
                break
        answer: dict[str, Any] = {"total": count if query.count else -1, "more": count > end}
        if query.retrieve and not page:
            return {**answer, "entities": []}
        if query.temporal.aggr_methods:
            return {**answer, "entities": [summed(found, query) for found in page]}
        spans: dict[str, Range] = {}
        for group in self._groups(page):
            span = trim(group, query.temporal)
            if span is not None:
                spans[group[0].name] = span
        while True:
            try:
                entities = shown(page, query, self._key)
                break
            except TooMuchText as error:
                if query.each and len(page) > 1:
                    raise  # the questions are asked one by one then, for none is to be cut for the others' sake
                # What is left out has a page of its own, as it does where there are too many instances.
                self._shorten(page, error.most / error.chars, spans)
        times = entity_times(page, self._hidden) if query.times else {}
        if spans and not query.each:
            answer["range"] = list(spans[page[0].name])
            spans = {}
        answer["entities"] = [
            {
                **one,
                **times.get(one["id"], {}),
                **({"range": list(spans[one["id"]])} if one["id"] in spans else {}),
            }
            for one in entities
        ]
        return answer

    def _hidden(self, members: Doc) -> frozenset[str]:
        return self._sight.hidden_attrs(tuple(members["type"]), tuple(members.get("scope", ())))

    def _every(self, snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> Iterator[Found]:
        for names in self._candidates.windows(snapshot, cursor):
            yield from self._matching(names, snapshot, cursor)

    def _groups(self, page: list[Found]) -> list[list[Found]]:
        """What of the page covers one stretch of time: all of it, or each entity its own."""
        return [[found] for found in page] if self._query.each else [page]

    def _shorten(self, page: list[Found], share: float, spans: dict[str, Range]) -> None:
        """Cut the page to about this share of its instances, fewer than now. Raises TooMuchText where one moment of each is
        too much."""
        cut = False
        for group in self._groups(page):
            count = sum(len(found.rows) for found in group)
            wanted = max(1, min(count - 1, int(count * share * _ROOM)))
            span = trim(group, self._query.temporal, wanted)
            if span is not None:
                spans[group[0].name] = span
                cut = True
        if not cut:
            raise TooMuchText(ANSWER_CHARS, ANSWER_CHARS)

    # -- which of them match ------------------------------------------------------------------------------------
    def _matching(
        self, names: Sequence[str], snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection
    ) -> Iterator[Found]:
        query = self._query
        wanted: list[tuple[str, Doc, list[EntityQuery]]] = []
        numbers = self._store.names.entities(cursor, self._tenant, names)
        for name, number in zip(names, numbers, strict=True):
            members = self._candidates.members_of(name, number)
            if members is None:
                continue
            selectors = [one for one in query.selectors if holds_by_itself(one, name, members)]
            if selectors:
                wanted.append((name, members, selectors))
        if not wanted:
            return
        reader = self._reader(wanted, snapshot, cursor)
        dynamic = any(one.q is not None or one.geo is not None for one in query.selectors)
        scoped = any(one.scope is not None for one in query.selectors)
        scopes = (scoped or self._shows_scopes()) and any(
            map(self._candidates.ever_scoped, reader.names, reader.numbers)
        )
        lines: dict[int, Timeline] = {}
        if scoped:
            lines = timelines(reader, query) if scopes else {}
            held = [who for who, (_, _, own) in enumerate(wanted) if within_scope(own, lines.get(who))]
            if not held:
                return
            if len(held) < len(wanted):  # of the others nothing is read
                wanted = [wanted[who] for who in held]
                lines = {at: lines[who] for at, who in enumerate(held) if who in lines}
                reader = self._reader(wanted, snapshot, cursor)
        veils = self._sight.veils(reader.names)
        thin = not (dynamic or scoped or veils)
        beside = scopes and thin and self._scope_beside()
        rows = self._read(reader, thin, beside)
        if beside:
            rows, lines = split_scopes(reader, rows)
        elif scopes and not scoped:
            lines = timelines(reader, query)
        rows = self._unveiled(reader, rows, [members for _, members, _ in wanted], veils)
        if dynamic:
            deciding = {reader.word(attr) for one in query.selectors for attr in deciding_attrs(one)}
            others = not deciding.issuperset(distinct(rows.attr))
            reader.fetch_bodies([rows.pick(np.isin(rows.attr, list(deciding))) if others else rows])
        # Where nothing but what is shown was read, there is nothing to decide about each entity.
        ready = (
            thin and bool(query.shown) and not query.omit and not any(one.attrs for one in query.selectors)
        )
        if ready:
            rows = last_rows(rows, query.temporal)
        ranges = by_who(rows, len(wanted))
        for who, (name, members, selectors) in enumerate(wanted):
            mine = rows.pick(slice(*ranges[who]))
            line = lines.get(who, Timeline())
            if scoped:
                mine, selectors = in_scope(mine, selectors, line)
            if not len(mine) and not (query.temporal.timeproperty == "deletedAt" and line.shown):
                if not (query.retrieve and selectors and reader.exists(who)):
                    continue
            elif not ready and not self._holds(reader, name, members, mine, selectors, dynamic):
                continue
            found = Found(name, members, reader, who, mine, line)
            if not ready:
                project(found, query)
            if query.datasets is None or len(found.rows) or query.retrieve:
                yield found

    def _reader(
        self,
        wanted: Sequence[tuple[str, Doc, list[EntityQuery]]],
        snapshot: Snapshot,
        cursor: duckdb.DuckDBPyConnection,
    ) -> Reader:
        return Reader(
            self._store, cursor, snapshot, self._tenant, [name for name, _, _ in wanted], self._tails
        )

    def _shows_scopes(self) -> bool:
        """Aggregates show none; but an entity with only the end of a scope counts when ends are asked for."""
        temporal = self._query.temporal
        return self._query.scope and (not temporal.aggr_methods or temporal.timeproperty == "deletedAt")

    def _scope_beside(self) -> bool:
        """Can scopes be read with the values, because what was valid before the interval does not matter?"""
        temporal = self._query.temporal
        return (
            temporal.timeproperty == "observedAt"
            and temporal.timerel in (None, "before")
            and not temporal.aggr_methods
            and self._query.datasets is None
            and bool(self._query.shown)
        )

    def _read(self, reader: Reader, thin: bool, beside: bool) -> Rows:
        """Rows in the interval. ``thin``: what is not shown is not needed to decide. ``beside``: scopes too."""
        query = self._query
        temporal = query.temporal
        ops = (*VALUES, *ENDS) if query.ends else ENDS if temporal.timeproperty == "deletedAt" else VALUES
        attrs: list[str] | None = None
        if query.shown:
            needed = set(query.shown)
            for selector in query.selectors:
                needed |= deciding_attrs(selector)
            attrs = sorted(needed) + [SCOPE] * beside
        plain = not temporal.aggr_methods
        return reader.read(
            temporal,
            attrs,
            ops=ops,
            datasets=query.datasets if thin else None,
            last=temporal.last_n if thin and plain else None,
            light=not plain and thin,
        )

    def _unveiled(
        self, reader: Reader, rows: Rows, members: Sequence[Doc], veils: Mapping[str, Veil]
    ) -> Rows:
        """Without what the one who asks must not see, now or as it was then."""
        keep = np.ones(len(rows), dtype=np.bool_)
        hides: dict[tuple[str, ...], frozenset[str]] = {}
        for who, attr, start, end in rows.groups():
            own = members[who]
            types, scopes = tuple(own["type"]), tuple(own.get("scope", ()))
            key = (*types, "", *scopes)
            if key not in hides:
                hides[key] = self._sight.hidden_attrs(types, scopes)
            name = reader.text(attr)
            if name in hides[key]:
                keep[start:end] = False
                continue
            veil = veils.get(reader.names[who])
            if veil is not None:
                until = max(veil.until(None), veil.until(name))
                keep[start:end] &= (rows.t[start:end] + rows.lag[start:end]) >= until
        return rows if keep.all() else rows.pick(keep)

    def _holds(
        self,
        reader: Reader,
        name: str,
        members: Doc,
        rows: Rows,
        selectors: Sequence[EntityQuery],
        dynamic: bool,
    ) -> bool:
        """Do the instances in the interval meet one of the selectors?"""
        if not dynamic:
            present = {reader.text(number) for number in distinct(rows.attr)}
            return any(not one.attrs or not present.isdisjoint(one.attrs) for one in selectors)
        needed: set[str] = set()
        for selector in selectors:
            needed |= deciding_attrs(selector)
        attrs: dict[str, list[Instance]] = {}
        for _, number, start, end in rows.groups():
            attr = reader.text(number)
            if attr in needed:
                attrs[attr] = instances(reader, rows.pick(slice(start, end)))
            else:
                attrs[attr] = []
        doc: Doc = {"id": name, "type": members["type"], "attrs": attrs}
        return any(
            matches(doc, replace(one, ids=(), types=None, scope=None, id_pattern=None)) for one in selectors
        )
