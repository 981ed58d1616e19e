"""From tables to a page: windows in creation order, early stop, documents only for returned or undecided entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from andaman.broker.entity.hiding import without
from andaman.broker.model import Doc
from andaman.broker.query.columns import Bools, Rows, Table
from andaman.broker.query.evaluate import Follow, matches, matches_geo_each
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.plan import Masks, has_any, holds_geo, holds_q, rows_for_geo
from andaman.broker.query.regex import found_in
from andaman.identity.model import Access

Load = Callable[[list[str]], list[Doc]]
"""Ids → documents as committed now, in any order; ids that are gone are left out."""
Part = tuple[Table, int, npt.NDArray[np.int32], list[frozenset[str]]]

_FIRST_WINDOW: Final = 4_096
_AT_ONCE: Final = 65_536
"""Rows that the grid left: so few are evaluated in one go."""
_LOAD_MAX: Final = 500
_NO_END: Final = 1 << 62


@dataclass(slots=True)
class Candidates:
    """Entities in creation order, and which of them surely match. Ids are looked up as they are needed."""

    sure: Bools
    rows: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64] | None  # for each: which of ``names``; None: the only one
    names: list[list[str]]

    def ids(self, start: int, stop: int) -> list[str]:
        rows = self.rows[start:stop].tolist()
        if self.source is None:
            names = self.names[0]
            return [names[row] for row in rows]
        return [
            self.names[which][row] for which, row in zip(self.source[start:stop].tolist(), rows, strict=True)
        ]


Hits = tuple[npt.NDArray[np.int64], Bools, npt.NDArray[np.int64], list[str], bool]
"""(creation order, sure, row, names of the table, not in order) of one table in one window."""


def candidates(parts: list[Part], query: EntityQuery, end: int) -> Iterator[Candidates]:
    """Windows of rising creation order, each evaluated only when the page still needs it."""
    preset = [_geo_rows(part, query) for part in parts]
    low = 0
    left = sum(_AT_ONCE + 1 if isinstance(rows, slice) else len(rows) for rows in preset)
    wanted = 24 * (query.offset + query.limit) + 512
    if query.count or left <= wanted:
        width = _NO_END
    elif (
        left <= _AT_ONCE
    ):  # rows of one place are spread over creation order: so much of it probably holds the page
        width = max(_FIRST_WINDOW, end * wanted // left)
    else:
        width = _FIRST_WINDOW + 4 * query.limit
    while low <= end and parts:
        high = min(low + width, _NO_END)
        found = [
            hits
            for part, rows in zip(parts, preset, strict=True)
            if (hits := _window(part, rows, query, low, high)) is not None
        ]
        if len(found) == 1 and not found[0][4]:
            _, sure, rows, names, _ = found[0]
            yield Candidates(sure, rows, None, [names])
        elif found:
            place = np.argsort(np.concatenate([hit[0] for hit in found]), kind="stable")
            source = np.repeat(np.arange(len(found)), [len(hit[0]) for hit in found])
            yield Candidates(
                np.concatenate([hit[1] for hit in found])[place],
                np.concatenate([hit[2] for hit in found])[place],
                source[place],
                [hit[3] for hit in found],
            )
        low = high
        width *= 4


def _geo_rows(part: Part, query: EntityQuery) -> Rows:
    table, n = part[:2]
    return slice(0, n) if query.geo is None else rows_for_geo(query.geo, table, n)


def _window(part: Part, rows: Rows, query: EntityQuery, low: int, high: int) -> Hits | None:
    """Rows of one table with creation order in [low, high) that match or may match."""
    table, n, allowed, hidden = part
    order = table.order
    if table.shuffled:
        here = np.arange(n) if isinstance(rows, slice) else rows
        rows = here[(order[here] >= low) & (order[here] < high)]
    elif isinstance(rows, slice):
        start, stop = np.searchsorted(order[: rows.stop], (low, high))
        rows = slice(int(start), int(stop))
    else:
        start, stop = np.searchsorted(order[rows], (low, high))
        rows = rows[start:stop]
    group = np.take(allowed, table.shape[rows], mode="clip")
    seen = [int(g) for g in np.unique(group) if g] if len(hidden) > 2 else [1]
    yes = np.zeros(len(group), dtype=np.bool_)
    maybe = yes.copy()
    for number in seen:
        mine = group == number
        if not mine.any():
            continue
        sure, unsure = _conditions(table, rows, query, hidden[number])
        yes |= sure & mine
        maybe |= unsure & mine
    at = np.flatnonzero(yes | maybe)
    if not len(at):
        return None
    names = table.ids
    real = at + rows.start if isinstance(rows, slice) else rows[at]
    sure = yes[at]
    if query.id_pattern is not None:
        pattern = query.id_pattern
        keep = np.array([found_in(pattern, names[row]) for row in real.tolist()], dtype=np.bool_)
        real, sure = real[keep], sure[keep]
    return order[real], sure, real, names, table.shuffled


def _conditions(table: Table, rows: Rows, query: EntityQuery, hidden: frozenset[str]) -> Masks:
    size = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    yes, maybe = np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    if query.attrs:
        yes = has_any(query.attrs, table, rows, hidden)
    if query.q is not None:
        yes2, maybe2 = holds_q(query.q, table, rows, hidden)
        yes, maybe = yes & yes2, yes & maybe2
    if query.geo is not None:
        alive = np.flatnonzero(yes | maybe)
        narrowed = alive + rows.start if isinstance(rows, slice) else rows[alive]
        yes2, maybe2 = holds_geo(query.geo, table, narrowed, hidden)
        was_yes, was_maybe = yes[alive], maybe[alive]
        yes, maybe = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
        yes[alive] = was_yes & yes2
        maybe[alive] = (was_maybe & (yes2 | maybe2)) | (was_yes & maybe2)
    return yes, maybe


def collect(found: Iterator[Candidates], query: EntityQuery, access: Access, load: Load) -> Page:
    """Walk the candidates to the page's end (to the very end when counting), verifying every document."""
    judge = _Judge(query, access, load)
    docs: list[dict[str, object]] = []
    passed = 0  # matches so far
    end = query.offset + query.limit
    for part in found:
        at = 0
        while at < len(part.rows):
            if passed >= end and not query.count:
                return Page(docs)
            step = _LOAD_MAX if passed >= end else min(_LOAD_MAX, max(16, end - passed))
            sure = part.sure[at : at + step]
            if passed >= end and sure.all():  # nothing but counting left: no documents
                undecided = np.flatnonzero(~part.sure[at:])
                run = int(undecided[0]) if len(undecided) else len(part.rows) - at
                passed += run
                at += run
                continue
            ids = part.ids(at, at + step)
            at += len(ids)
            position = passed + np.arange(len(ids))  # the furthest each can stand in the result
            wanted = ~sure | ((position >= query.offset) & (passed < end))
            verified = judge.verify([name for name, want in zip(ids, wanted.tolist(), strict=True) if want])
            for name, want in zip(ids, wanted.tolist(), strict=True):
                if not want:
                    passed += 1
                    continue
                doc = verified.get(name)
                if doc is not None:
                    if query.offset <= passed < end:
                        docs.append(doc)
                    passed += 1
    return Page(docs, passed if query.count else -1)


class _Judge:
    """Loads documents and lets the reference evaluator decide."""

    def __init__(self, query: EntityQuery, access: Access, load: Load) -> None:
        self._query = replace(query, ids=(), geo=None)  # chosen by id already; geometry is judged in one go
        self._geo = query.geo
        self._access = access
        self._load = load
        self._rights: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[str] | None] = {}
        self._follow: Follow = self._linked

    def _hidden(self, doc: Doc) -> frozenset[str] | None:
        """Hidden attributes, or None when the entity must not be seen."""
        shape = (tuple(doc["type"]), tuple(doc.get("scope", ())))
        if shape not in self._rights:
            seen = self._access.sees(*shape)
            self._rights[shape] = self._access.hidden_attrs(*shape) if seen else None
        return self._rights[shape]

    def _linked(self, entity_id: str) -> tuple[Doc, frozenset[str]] | None:
        for doc in self._load([entity_id]):
            hidden = self._hidden(doc)
            if hidden is not None:
                return doc, hidden
        return None

    def verify(self, ids: list[str]) -> dict[str, Doc]:
        """Documents that match now, without their hidden parts, by id."""
        good: list[tuple[Doc, frozenset[str]]] = []
        for doc in self._load([name for name in ids if name]) if ids else ():
            hidden = self._hidden(doc)
            if hidden is not None and matches(doc, self._query, hidden, self._follow):
                good.append((doc, hidden))
        if self._geo is not None and good:
            stands = matches_geo_each(self._geo, good)
            good = [pair for pair, yes in zip(good, stands, strict=True) if yes]
        return {doc["id"]: without(doc, hidden) for doc, hidden in good}
