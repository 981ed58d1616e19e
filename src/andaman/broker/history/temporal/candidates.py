"""The candidates of a temporal query: entities that may be seen and that a selector may want. They come in windows that
grow until the page is full, in order of first appearance or of ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import duckdb
import numpy as np
import orjson

from andaman.broker.history.read.reader import Tails
from andaman.broker.history.rows.rowset import Ints
from andaman.broker.history.segments.segment import Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.history.temporal.narrowing import Narrowing
from andaman.broker.history.temporal.narrowing import Visibility as NarrowSight
from andaman.broker.history.temporal.selectors import last_form
from andaman.broker.history.temporal.subjects import Subjects
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches_types
from andaman.broker.query.model import EvolutionQuery
from andaman.broker.query.regex import found_in
from andaman.kernel.errors import TooManyResults

_FIRST: Final = 64
_MOST: Final = 2_000
_SORTED_MOST: Final = 100_000
_SPARE: Final = 16
_LOOKED_FIRST: Final = 2_000
_GROWTH: Final = 8
"""Entities that are narrowed at once: so many first, and so many times more with each look."""


class Visibility(NarrowSight, Protocol):
    """The rights of the caller."""

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool: ...


class Candidates:
    """The candidates of one question. ``left``: matches that are still to be found."""

    def __init__(
        self,
        store: Store,
        subjects: Subjects,
        tenant: str,
        query: EvolutionQuery,
        tails: Tails,
        sight: Visibility,
    ) -> None:
        self._store = store
        self._subjects = subjects
        self._tenant = tenant
        self._query = query
        self._tails = tails
        self._sight = sight
        self._shapes = {name: form for name, events in tails.items() if (form := last_form(events))}
        patterns = [one.id_pattern for one in query.selectors]
        self._patterns = () if None in patterns else tuple(one for one in patterns if one is not None)
        self.left = query.offset + query.limit + 1

    def windows(self, snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> Iterator[list[str]]:
        """Entities that may match, in the order of the answer."""
        query = self._query
        names = self._store.names
        if all(selector.ids for selector in query.selectors):
            wanted = list(dict.fromkeys(one for selector in query.selectors for one in selector.ids))
            order = dict(zip(wanted, names.entities(cursor, self._tenant, wanted), strict=True))
            late = {name: place for place, name in enumerate(self._tails)}
            there = [name for name in wanted if order[name] >= 0 or name in late]
            there.sort(key=lambda name: (order[name] < 0, order[name], late.get(name, 0)))
            yield self._sorted(there)
            return
        numbers = self._subjects.numbers(self._tenant, self._fits)
        fresh = [name for name in self._tails if name in self._shapes]
        known = dict(zip(fresh, names.entities(cursor, self._tenant, fresh), strict=True))
        changed = [number for number in known.values() if number >= 0]
        if changed:
            numbers = np.setdiff1d(numbers, np.array(changed, dtype=np.int64))
            again = [n for name, n in known.items() if n >= 0 and self._fits(self._shapes[name])]
            numbers = np.union1d(numbers, np.array(again, dtype=np.int64))
        new = [name for name, number in known.items() if number < 0 and self._fits(self._shapes[name])]
        narrowing = Narrowing(
            self._store, cursor, snapshot, self._subjects, self._tenant, query, self._tails, self._sight
        )
        new = narrowing.new(new)
        if query.by_id:
            numbers = narrowing.known(numbers)
            if len(numbers) > _SORTED_MOST:
                raise TooManyResults(f"Only up to {_SORTED_MOST} entities can be ordered; narrow the query")
            every = [*names.names_of(cursor, self._tenant, numbers.tolist()).values(), *new]
            every = self._sorted(every)
            start, width = 0, max(_FIRST, min(_MOST, self.left + _SPARE))
            while start < len(every):
                yield every[start : start + width]
                start, width = start + width, min(_MOST, width * 4)
            return
        width = max(_FIRST, min(_MOST, 2 * (query.offset + query.limit)))
        waiting: list[str] = []  # of those whose ids fit
        for chosen in self._narrowed(narrowing, numbers):
            start = 0
            while start < len(chosen):
                if narrowing.narrows and not query.count:  # nearly all that may match do
                    width = max(_FIRST, min(_MOST, self.left + _SPARE))
                part = chosen[start : start + (_MOST if self._patterns else width)].tolist()
                found = names.names_of(cursor, self._tenant, part)
                waiting += [
                    found[number] for number in part if number in found and self._named(found[number])
                ]
                start += len(part)
                if len(waiting) >= width or not self._patterns:
                    yield waiting
                    waiting, width = [], min(_MOST, width * 4)
        if waiting:
            yield waiting
        for start in range(0, len(new), _MOST):
            yield new[start : start + _MOST]

    def _narrowed(self, narrowing: Narrowing, numbers: Ints) -> Iterator[Ints]:
        """Those that may match, looked for in parts that grow: the first of them may fill the page."""
        if not narrowing.narrows:
            yield numbers
            return
        start, width = 0, len(numbers) if self._query.count else max(_LOOKED_FIRST, 4 * self._query.limit)
        while start < len(numbers):
            yield narrowing.known(numbers[start : start + width])
            start, width = start + width, width * _GROWTH

    def _sorted(self, names: list[str]) -> list[str]:
        by_id = self._query.by_id
        return sorted(names, reverse=by_id < 0) if by_id else names

    def _named(self, name: str) -> bool:
        """Does the id fit one of the patterns, where each selector has one?"""
        return not self._patterns or any(found_in(pattern, name) for pattern in self._patterns)

    def _fits(self, form: str) -> bool:
        """May entities of these types and scopes be seen, and does a selector want them?"""
        members: Doc = orjson.loads(form)
        types, scopes = members["type"], members.get("scope", ())
        return any(
            selector.types is None or matches_types(selector.types, types)
            for selector in self._query.selectors
        ) and self._sight.sees(types, scopes)

    def members_of(self, name: str, number: int) -> Doc | None:
        """Types and scopes that the entity had last; None where it may not be seen or was never made."""
        form = self._shapes.get(name) or (self._subjects.form(number) if number >= 0 else "")
        if not form or not self._fits(form):
            return None
        members: Doc = orjson.loads(form)
        return members

    def ever_scoped(self, name: str, number: int) -> bool:
        """Did the entity ever have scopes, or may the tail have some?"""
        if self._subjects.scoped(number):
            return True
        late = self._tails.get(name, ())
        return name in self._shapes or any(event.told is not None for event in late)
