"""Rows of many entities at once: from segments, tail and corrections, in the order of the time that a query asks for.

One DuckDB statement reads all entities of a page; NumPy orders and thins. What a row means for an observation told twice,
for the bounds of time and for what was erased or replaced is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

import duckdb
import numpy as np

from andaman.broker.history.read.row_texts import Bodies
from andaman.broker.history.read.series_ends import FULL, Ends, Late
from andaman.broker.history.read.statements import condition, statement
from andaman.broker.history.rows import rollups
from andaman.broker.history.rows.columns import chained, is_repeated, packed, repeated
from andaman.broker.history.rows.corrections import Edit, edit_of, replacements, undone
from andaman.broker.history.rows.rollups import ROLLED, Rollups
from andaman.broker.history.rows.rows import (
    ADDED,
    BORN,
    DELETED,
    GONE,
    META,
    SCOPE,
    SET,
    TOUCHED,
    Row,
    rows_of,
)
from andaman.broker.history.rows.rowset import (
    COLUMNS,
    Ints,
    Key,
    Rows,
    bounds,
    distinct,
    in_range,
    ordered,
    replaced,
    unread,
    with_shared,
)
from andaman.broker.history.rows.words import Words
from andaman.broker.history.segments.recent import FIELDS, Choice, find, joined
from andaman.broker.history.segments.segment import Segment, Snapshot, T
from andaman.broker.history.segments.store import Store
from andaman.broker.model import Event
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import HOUR

Tails = Mapping[str, Sequence[Event]]
"""Entity id → its events behind the snapshot (others are ignored), in order."""
VALUES: Final = (SET, ADDED)
ENDS: Final = (DELETED, GONE)
OWN: Final = (META, BORN, TOUCHED)
_SHARED: Final = 256
"""Moments with several values that are settled by themselves; above that, all rows are read completely."""
_LIGHT: Final = f"entity, attr, dataset, op, place, {T} AS t, 0::BIGINT AS lag, seq, 0::BIGINT AS created, form, num, num2"


class Reader:
    """Reads at one snapshot, for some entities of one tenant."""

    def __init__(
        self,
        store: Store,
        cursor: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        tenant: str,
        names: Sequence[str],
        tails: Tails,
    ) -> None:
        self.names = names
        self.snapshot = snapshot
        self._store = store
        self._cursor = cursor
        self._tenant = tenant
        self._words = words = Words(store.names)
        self.word, self.text, self.form = words.word, words.text, words.form
        self.numbers = store.names.entities(cursor, tenant, names)
        self.who = {number: who for who, number in enumerate(self.numbers) if number >= 0}
        self._late = {
            who: [event for event in tails.get(name, ()) if event.seq > snapshot.last_seq]
            for who, name in enumerate(names)
        }
        self.rolled = rollups.NONE  # rollups that stand among the rows, by -1 - place
        self._bodies = Bodies(cursor, snapshot, words, self.numbers, store.large)
        self.edits = {who: found for who in range(len(names)) if (found := self._edits_of(who))}

    def _edits_of(self, who: int) -> list[Edit]:
        """Corrections of an entity, each once."""
        stored = self._store.edits.of(self.numbers[who]) if self.numbers[who] >= 0 else ()
        found = {edit.seq: edit for edit in stored}
        for event in self._late[who]:
            edit = edit_of(event)
            if edit is not None:
                found[edit.seq] = edit
        return [found[seq] for seq in sorted(found)]

    # -- rows ---------------------------------------------------------------------------------------------------
    def read(
        self,
        query: TemporalQuery,
        attrs: Sequence[str] | None = None,
        *,
        ops: Sequence[int] = VALUES,
        datasets: frozenset[str] | None = None,
        last: int | None = None,
        light: bool = False,
    ) -> Rows:
        """Rows that match the temporal part, each series in order of time. ``attrs`` None: all attributes, no scope.

        ``datasets``: ids, "@none" for the default. ``last``: so many newest rows of each series are enough (more may
        come). ``light``: neither commit nor creation times are needed, of numbers not even who told them and where.
        """
        choice = self._choice(query, attrs, ops, datasets)
        late = self._tail(attrs, ops, datasets)
        recent = find(self.snapshot.runs.values(), choice, self.snapshot.last_seq)
        if last is not None and query.timeproperty != "createdAt":
            ends = Ends(self, choice, query, last, late)
            found = ends.find(recent)
            if found is not None:
                return found
        rollups = self._rollups(choice, query) if query.aggr_methods and SET in ops else None
        light = light and query.timeproperty == "observedAt"
        if light and not rollups and not self.edits and datasets is None and tuple(ops) == VALUES:
            numbers = self._numbers(choice, attrs, recent, late, query)
            if numbers is not None:
                return numbers
        rows = joined([recent, self.stored(choice, _LIGHT if light else FULL, self.older(choice))])
        if rollups:
            self._roll_in(rows, rollups)
        return self.arranged(rows, late, query)

    def _numbers(
        self,
        choice: Choice,
        attrs: Sequence[str] | None,
        recent: dict[str, Any],
        late: Late,
        query: TemporalQuery,
    ) -> Rows | None:
        """Rows with only moments, forms and numbers, of every data set. If a series has two values of a few moments,
        the complete rows decide which counts.

        None where more matters: a value is no number, or such moments are many.
        """
        names = ["t", "form", "num"]
        known: dict[str, int] = {}
        if len(self.numbers) > 1:
            names.append("entity")
        else:
            known["who"] = 0
        if attrs is None or len(attrs) > 1:
            names.append("attr")
        else:
            known["attr"] = self.word(attrs[0])
        columns = ", ".join(f"{T} AS t" if name == "t" else name for name in names)
        stored = self.stored(choice, columns, self.older(choice), names=names)
        found = joined([recent, stored], names)
        if "entity" in found:
            found["who"] = self._places(found.pop("entity"))
        for name in found if late else ():
            more = np.array([row[COLUMNS.index(name)] for row in late], dtype=found[name].dtype)
            found[name] = chained([found[name], more])
        if not all(self._words.numeric(number) for number in distinct(found["form"])):
            return None
        count = len(found["t"])
        missing = [name for name in COLUMNS if name not in found and name != "time"]
        for name in missing:
            found[name] = unread(name, count, known.get(name, 0))
        rows = in_range(Rows(**found, time=found["t"]), query, self._words.observed)
        rows, moments = with_shared(rows)
        if not len(moments):
            return rows
        if len(moments) > _SHARED:
            return None
        older = bool(np.isin(stored["t"], moments).any())  # mostly not: what is told again is new
        again = self._at(moments, choice, recent, older, late, query)
        for name in missing:
            setattr(again, name, unread(name, len(again), known.get(name, 0)))
        return replaced(rows, moments, again)

    def _at(
        self,
        moments: Ints,
        choice: Choice,
        recent: dict[str, Any],
        older: bool,
        late: Late,
        query: TemporalQuery,
    ) -> Rows:
        """All records of these moments, rising, the long way. ``older``: the file has some of it."""
        listed = moments.tolist()
        within = replace(choice, t_from=listed[0], t_to=listed[-1])
        mine = np.isin(recent["t"], moments)
        around = f"SELECT * FROM ({{}}) WHERE t IN ({','.join(map(str, listed))})"  # noqa: S608
        stored = self.stored(within, _LIGHT, self.older(within) if older else (), around)
        known, place = set(listed), COLUMNS.index("t")
        parts = [{name: column[mine] for name, column in recent.items()}, stored]
        return self.arranged(joined(parts), [row for row in late if row[place] in known], query)

    def _choice(
        self,
        query: TemporalQuery,
        attrs: Sequence[str] | None,
        ops: Sequence[int],
        datasets: frozenset[str] | None,
    ) -> Choice:
        word = self._store.names.word
        low, high = bounds(query) if query.timeproperty == "observedAt" else (None, None)
        return Choice(
            np.array(sorted(self.who), dtype=np.int64),
            None if attrs is None else tuple(number for one in attrs if (number := word(one)) >= 0),
            tuple(number for one in (*OWN, SCOPE) if (number := word(one)) >= 0),
            None if datasets is None else tuple(word(_dataset(one)) for one in datasets),
            tuple(ops),
            low,
            None if high is None else high - 1,
        )

    def older(self, choice: Choice) -> list[Segment]:
        """Segments that may have rows of the choice and are not in memory."""
        snapshot = self.snapshot
        return [s for s in snapshot.within(choice.t_from, choice.t_to) if s.id not in snapshot.runs]

    def stored(
        self,
        choice: Choice,
        columns: str,
        segments: Sequence[Segment],
        around: str = "{}",
        names: Sequence[str] = FIELDS,
    ) -> dict[str, Any]:
        """The chosen rows of these segments. ``around``: a statement over them. ``names``: of the columns."""
        if not len(choice.entities) or not segments:
            return joined([], names)
        where = condition(self._cursor, choice)
        sql = statement(self.snapshot, choice, where, columns, segments)
        found = self._cursor.execute(around.format(sql)).fetchnumpy()
        return joined([{name: np.ma.getdata(found[name]) for name in names}], names)

    def _rollups(self, choice: Choice, query: TemporalQuery) -> Rollups:
        """Hours whose rows were dropped."""
        where = condition(self._cursor, choice, ops=False)
        return rollups.read(self._cursor, where, *bounds(query), query.timeproperty == "observedAt")

    def _roll_in(self, columns: dict[str, Any], found: Rollups) -> None:
        """Put rollups among the rows."""
        known = found.columns
        means = np.divide(
            known["total"], known["numbers"], out=np.full(len(found), np.nan), where=known["numbers"] > 0
        )
        more = {
            **{name: known[name] for name in ("entity", "attr", "dataset", "form", "seq")},
            "op": np.full(len(found), ROLLED),
            "place": -1 - len(self.rolled) - np.arange(len(found)),
            "t": known["hour"] * HOUR,
            "lag": np.zeros(len(found), dtype=np.int64),
            "created": known["hour"] * HOUR,
            "num": means,
            "num2": np.full(len(found), np.nan),
        }
        self.rolled = self.rolled + found
        for name, values in more.items():
            columns[name] = chained([columns[name], np.asarray(values)])

    def _tail(self, attrs: Sequence[str] | None, ops: Sequence[int], datasets: frozenset[str] | None) -> Late:
        late: Late = []
        for who, events in self._late.items():
            edits = self.edits.get(who, ())
            for event in events:
                late += [
                    self._numbered(who, row)
                    for row in rows_of(event)
                    if row.op in ops
                    and self._asked(row, attrs, datasets)
                    and not (edits and undone(row, edits))
                ]
        for who, edits in self.edits.items():
            late += [
                self._numbered(who, row)
                for row in replacements(self.names[who], edits)
                if row.op in ops and self._asked(row, attrs, datasets)
            ]
        return late

    @staticmethod
    def _asked(row: Row, attrs: Sequence[str] | None, datasets: frozenset[str] | None) -> bool:
        if attrs is None:
            if row.attr in OWN or row.attr == SCOPE:
                return False
        elif row.attr not in attrs:
            return False
        return datasets is None or (row.dataset or "@none") in datasets

    def _numbered(self, who: int, row: Row) -> tuple[Any, ...]:
        return (
            who,
            self.word(row.attr),
            self.word(row.dataset),
            row.op,
            row.place,
            row.t,
            row.lag,
            row.seq,
            row.created,
            self.word(row.form),
            row.num,
            row.num2,
            row.body,
        )

    def arranged(self, columns: dict[str, Any], late: Late, query: TemporalQuery) -> Rows:
        """Segments and tail together, corrected, in range, ordered, each observation once."""
        numbers = columns.pop("entity")
        rows = Rows(who=self._places(numbers), time=columns["t"], **columns)
        if self.edits:
            rows = self._corrected(rows)
        if late:
            rows = self._joined(rows, late)
        if query.timeproperty == "createdAt":
            rows.time = rows.created
        elif query.timeproperty in ("modifiedAt", "deletedAt"):
            rows.time = rows.t + rows.lag
        else:
            rows.time = rows.t
        return ordered(in_range(rows, query, self._words.observed), query, self._words.observed, self.text)

    def _places(self, numbers: Ints) -> Ints:
        """The places of these entities in the question."""
        if is_repeated(numbers):
            return cast(Ints, repeated(self.who[int(numbers[0])], len(numbers)))
        place = np.array(sorted(self.who), dtype=np.int64)
        owner = np.array([self.who[number] for number in place.tolist()], dtype=np.int64)
        who: Ints = owner[np.searchsorted(place, numbers)]
        return who

    def _joined(self, rows: Rows, late: Late) -> Rows:
        body: dict[Key, str] = {}
        for row in late:
            who, attr, dataset, _, place, _, _, seq, *_, text = row
            body[who, attr, seq, dataset, place] = text
        columns: dict[str, Any] = {}
        for i, name in enumerate(COLUMNS[:-1]):
            stored = getattr(rows, name)
            more = np.array([row[i] for row in late], dtype=stored.dtype)
            columns[name] = chained([stored, packed(more) if stored.dtype == np.int64 else more])
        return Rows(**columns, time=columns["t"], body=body)

    # -- corrections --------------------------------------------------------------------------------------------
    def _corrected(self, rows: Rows) -> Rows:
        """Stored rows without those that were erased, or replaced (their replacements come with the tail)."""
        keep = np.ones(len(rows), dtype=np.bool_)
        for who, edits in self.edits.items():
            mine = np.flatnonzero(rows.who == who)
            if not len(mine):
                continue
            for edit in edits:
                told = edit.told
                hit = rows.seq[mine] < edit.seq
                if "attr" in told:
                    hit &= rows.attr[mine] == self.word(told["attr"])
                if "dataset" in told:
                    hit &= rows.dataset[mine] == self.word(told["dataset"])
                if "at" in told:
                    hit &= (rows.seq[mine] == told["at"][0]) & (rows.place[mine] == told["at"][1])
                keep[mine[hit]] = False
        return rows if keep.all() else rows.pick(keep)

    # -- texts --------------------------------------------------------------------------------------------------
    def fetch_bodies(self, parts: Sequence[Rows]) -> None:
        """Read the bodies of all these rows at once; ``bodies`` finds them then."""
        self._bodies.fetch(parts)

    def bodies(self, rows: Rows) -> list[str]:
        """Bodies of these rows, "" where the numbers say all."""
        return self._bodies.of(rows)

    def exists(self, who: int) -> bool:
        """Is anything known of this entity that was not erased?"""
        erased = max(
            (edit.seq for edit in self.edits.get(who, ()) if edit.told == {"do": "erase"}), default=0
        )
        if any(event.seq > erased for event in self._late[who]):
            return True
        if self.numbers[who] < 0:
            return False
        union = self.snapshot.union("1", f"entity = {self.numbers[who]} AND seq > {erased}")
        return self._cursor.execute(f"SELECT 1 FROM ({union}) LIMIT 1").fetchall() != []  # noqa: S608


def _dataset(asked: str) -> str:
    return "" if asked == "@none" else asked
