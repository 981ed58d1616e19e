"""Which entities may meet the conditions of a temporal query. It looks at the columns of the interval, before instances
are assembled and checked against the conditions entity by entity.

Who is left out surely does not match; who stays may. What the columns do not tell stays: conditions on members, entities that were
corrected, and whatever the journal's tail tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import duckdb
import numpy as np
import numpy.typing as npt
import orjson

from andaman.broker.history.read.reader import Tails
from andaman.broker.history.rows.rows import ADDED, DELETED, GONE, MOVED, SET, read_form, split
from andaman.broker.history.rows.rowset import bounds
from andaman.broker.history.segments.segment import AT, Segment, Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.history.temporal.subjects import Subjects
from andaman.broker.history.temporal.terms import ANY, Conditions, Term, of_geo, of_term
from andaman.broker.model import Doc, Event, Instance
from andaman.broker.query.ast import And, GeoQuery, Not, Or, QExpr
from andaman.broker.query.evaluate import matches_geo, matches_q
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.kernel.time import Micros

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_LOOKS: Final = 8
"""Terms that are looked for; others count as met by all. Each is a pass over the rows of its attribute in the interval."""
_FEW: Final = 32
"""Entities that are not worth another pass."""
_FORMS_MOST: Final = 200
_UNOBSERVED: Final = r'^\["[A-Za-z]*","[a-z]",-1,'
"""Words that are forms (``rows.py``) of instances without observedAt."""
_VALUES: Final = f"op <> {DELETED} AND op <> {MOVED} AND op <> {GONE}"
assert {SET, ADDED}.isdisjoint({DELETED, MOVED, GONE})


class Visibility(Protocol):
    """The rights of the caller."""

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]: ...

    def veiled(self, attr: str) -> Mapping[str, Micros]:
        """Entities with values of the attribute that stay hidden if committed before a moment, and that moment."""


# -- what is needed -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class _Has:
    """A row of the attribute that meets one of the conditions. ``holds``: does an instance meet the term?"""

    attr: str
    conditions: Conditions
    holds: Callable[[Instance], bool]


@dataclass(frozen=True, slots=True)
class _Lacks:
    """No row of the attribute that counts."""

    attr: str


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple[_Need, ...]


@dataclass(frozen=True, slots=True)
class _Any:
    parts: tuple[_Need, ...]


_Need = _Has | _Lacks | _All | _Any | None
"""None: any rows."""


class Narrowing:
    """One question's look at one snapshot."""

    def __init__(
        self,
        store: Store,
        cursor: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        subjects: Subjects,
        tenant: str,
        query: EvolutionQuery,
        tails: Tails,
        sight: Visibility,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._cursor = cursor
        self._snapshot = snapshot
        self._tenant = tenant
        self._query = query
        self._sight = sight
        self._tails = {
            name: late
            for name, events in tails.items()
            if (late := [event for event in events if event.seq > snapshot.last_seq])
        }
        self._left = _LOOKS
        self._late: dict[_Has, set[str]] = {}
        self._unsure: dict[str, Ints] = {}
        self._need = self._of_query() if self._of_rows() else None
        self._where = ""
        self._range: tuple[Micros | None, Micros | None] = (None, None)
        self._segments: list[Segment] = []
        if self._need is not None:
            self._bound(query.temporal)

    @property
    def narrows(self) -> bool:
        """Is there anything to look for?"""
        return self._need is not None

    def known(self, numbers: Ints) -> Ints:
        """The entities among these (rising) that may match."""
        if self._need is None or not len(numbers):
            return numbers
        found: Ints = numbers[self._among(self._need, numbers)]
        return found

    def new(self, names: Sequence[str]) -> list[str]:
        """The entities among these, which only the tail has, that may match."""
        return [name for name in names if self._may(self._need, name)]

    def _of_rows(self) -> bool:
        """Do the rows of values show everything? Deletions are no values, and aggregates go on over hours of which rows
        were dropped.
        """
        temporal = self._query.temporal
        if temporal.timeproperty == "deletedAt":
            return False
        return (
            not temporal.aggr_methods or not self._cursor.execute("SELECT 1 FROM rollup LIMIT 1").fetchall()
        )

    # -- from conditions to what is needed ------------------------------------------------------------------------
    def _of_query(self) -> _Need:
        return _either([self._of_selector(selector) for selector in self._query.selectors])

    def _of_selector(self, selector: EntityQuery) -> _Need:
        q = None if selector.q is None else self._of_q(selector.q, selector.scope is not None)
        geo = None if selector.geo is None else self._of_geo(selector.geo)
        return _both([q, geo])

    def _of_q(self, expr: QExpr, scoped: bool) -> _Need:
        match expr:
            case And(parts):
                return _both([self._of_q(part, scoped) for part in parts])
            case Or(parts):
                return _either([self._of_q(part, scoped) for part in parts])
            case Not(part):
                path = part.path
                if path.links or path.subs or path.member or path.keys or scoped:
                    return None
                return _Lacks(path.attr) if self._look() else None
            case _:
                return self._of_term(expr)

    def _of_term(self, term: Term) -> _Need:
        attr = term.path.attr
        if not attr or term.path.links or not self._look():
            return None

        def holds(one: Instance) -> bool:
            return matches_q(term, {"id": "", "type": [], "attrs": {attr: [one]}})

        return _Has(attr, self._store.large.also(attr, of_term(term, self._readable)), holds)

    def _of_geo(self, geo: GeoQuery) -> _Need:
        if not self._look():
            return None

        def holds(one: Instance) -> bool:
            return matches_geo(geo, {"id": "", "type": [], "attrs": {geo.geoproperty: [one]}})

        return _Has(geo.geoproperty, self._store.large.also(geo.geoproperty, of_geo(geo)), holds)

    def _look(self) -> bool:
        self._left -= 1
        return self._left >= 0

    def _readable(self, regex: str) -> bool:
        """The database has a RE2 of its own, with limits of its own."""
        try:
            self._cursor.execute("SELECT regexp_matches('', ?)", (regex,)).fetchall()
        except duckdb.InvalidInputException:
            return False
        return True

    # -- entities that history knows --------------------------------------------------------------------------------
    def _among(self, need: _Need, numbers: Ints) -> Bools:
        match need:
            case None:
                return np.ones(len(numbers), dtype=np.bool_)
            case _All(parts):
                mask = np.ones(len(numbers), dtype=np.bool_)
                for part in parts:
                    left = np.flatnonzero(mask)
                    if len(left) <= _FEW:
                        break
                    mask[left] = self._among(part, numbers[left])
                return mask
            case _Any(parts):
                mask = np.zeros(len(numbers), dtype=np.bool_)
                for part in parts:
                    left = np.flatnonzero(~mask)
                    mask[left] = self._among(part, numbers[left])
                return mask
            case _Lacks(attr):
                there = np.isin(numbers, self._stored(attr, ANY, numbers))
                return ~there | np.isin(numbers, self._unsure_of(attr))
            case _Has(attr, conditions):
                late = self._store.names.entities(self._cursor, self._tenant, list(self._met_in_tail(need)))
                found: list[Any] = [self._stored(attr, conditions, numbers), late, self._corrected(attr)]
                return np.isin(numbers, np.concatenate(found))

    def _stored(self, attr: str, conditions: Conditions, numbers: Ints) -> Ints:
        """Entities from the first of these numbers to the last that have such a row."""
        word = self._store.names.word(attr)
        if word < 0 or not self._segments or not len(numbers):
            return numbers[:0]
        mine = f"attr = {word} AND entity BETWEEN {numbers[0]} AND {numbers[-1]} AND {self._where}"
        low, high = self._range
        union = " UNION ALL ".join(
            self._snapshot.union(
                "entity", f"{mine} AND {condition}", t_from=low, t_to=high, only=self._segments
            )
            for condition in conditions
        )
        found = self._cursor.execute(f"SELECT DISTINCT entity FROM ({union})").fetchnumpy()  # noqa: S608
        return np.ma.getdata(found["entity"]).astype(np.int64)

    def _bound(self, temporal: TemporalQuery) -> None:
        """Find the bounds of rows in the interval, and the segments that have some."""
        low, high = bounds(temporal)
        last = None if high is None else high - 1
        self._where = _VALUES
        if temporal.timeproperty == "observedAt":
            self._range = (low, last)
            self._segments = self._snapshot.within(low, last)
            if temporal.timerel is not None:
                self._where += self._observed()
            return
        by_commit = temporal.timeproperty == "modifiedAt"
        time = AT if by_commit else "created"
        self._where += f" AND {time} >= {low}" if low is not None else ""
        self._where += f" AND {time} <= {last}" if last is not None else ""
        self._segments = [
            segment
            for segment in self._snapshot.segments
            if (low is None or segment.max_at >= low)
            and (last is None or not by_commit or segment.min_at <= last)
        ]

    def _observed(self) -> str:
        """The condition that an instance has observedAt, without which it is in no interval."""
        without = self._cursor.execute(
            f"SELECT id FROM word WHERE regexp_matches(text, '{_UNOBSERVED}') LIMIT {_FORMS_MOST + 1}"  # noqa: S608
        ).fetchall()
        if not 0 < len(without) <= _FORMS_MOST:
            return ""
        return f" AND form NOT IN ({','.join(str(number) for (number,) in without)})"

    def _unsure_of(self, attr: str) -> Ints:
        """Entities that may lack the attribute although history has rows of it: some count no more, or not for everyone."""
        known = self._unsure.get(attr)
        if known is None:
            names = {name for name, events in self._tails.items() if any(event.told for event in events)}
            names.update(self._sight.veiled(attr))
            numbers = self._store.names.entities(self._cursor, self._tenant, list(names))

            def hides(form: str) -> bool:
                members: Doc = orjson.loads(form)
                return attr in self._sight.hidden_attrs(members["type"], members.get("scope", ()))

            hidden = self._subjects.numbers(self._tenant, hides)
            # What the tail tells of types and scopes may hide the attribute too.
            moved = [name for name, events in self._tails.items() if any(event.moved for event in events)]
            numbers += self._store.names.entities(self._cursor, self._tenant, moved)
            known = self._unsure[attr] = np.concatenate([numbers, self._store.edits.numbers(), hidden])
        return known

    # -- what the tail tells, and what corrections do ---------------------------------------------------------------
    def _may(self, need: _Need, name: str) -> bool:
        match need:
            case _All(parts):
                return all(self._may(part, name) for part in parts)
            case _Any(parts):
                return any(self._may(part, name) for part in parts)
            case _Has():
                return name in self._met_in_tail(need)
            case _:
                return True

    def _met_in_tail(self, has: _Has) -> set[str]:
        """Entities with an instance in the tail, or in a correction, that is in the interval and may meet the term."""
        known = self._late.get(has)
        if known is None:
            known = self._late[has] = {
                name
                for name, events in self._tails.items()
                if any(
                    self._meets(has, one, event.at) for event in events for one in _instances(event, has.attr)
                )
            }
        return known

    def _corrected(self, attr: str) -> list[int]:
        """Entities with a replaced instance of the attribute: its replacement is not a row."""
        edits = self._store.edits
        return [
            number
            for number in edits.numbers()
            if any(edit.told["do"] == "replace" and edit.told["attr"] == attr for edit in edits.of(number))
        ]

    def _meets(self, has: _Has, one: Instance, at: Micros) -> bool:
        if not has.holds(one):
            return False
        temporal = self._query.temporal
        low, high = bounds(temporal)
        if low is not None or high is not None:
            form, t, created, *_ = split(one, at)
            time = at
            if temporal.timeproperty == "observedAt":
                if read_form(form).observed < 0:
                    return False
                time = t
            elif temporal.timeproperty == "createdAt":
                time = created
            if (low is not None and time < low) or (high is not None and time >= high):
                return False
        return True


def _instances(event: Event, attr: str) -> Iterable[Instance]:
    """Instances of the attribute in an event, and perhaps some older ones."""
    told: dict[str, Any] | None = event.told
    if told is None:
        change = event.change_of(attr)
        return () if change is None else change.after or ()
    if told["do"] == "replace":
        return (told["instance"],) if told["attr"] == attr else ()
    added: Iterable[Instance] = told["attrs"].get(attr, ()) if told["do"] == "add" else ()
    return added


def _both(parts: Sequence[_Need]) -> _Need:
    known = tuple(part for part in parts if part is not None)
    return _All(known) if len(known) > 1 else known[0] if known else None


def _either(parts: Sequence[_Need]) -> _Need:
    if any(part is None for part in parts):
        return None
    return _Any(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None
