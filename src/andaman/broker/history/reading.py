"""Rows of many entities at once: from segments, tail and corrections, in the order of the time that a query asks for.

One DuckDB statement reads all entities of a page; NumPy orders and thins. What a row means for an observation told twice,
for the bounds of time and for what was erased or replaced is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb
import numpy as np

from andaman.broker.history import rollups
from andaman.broker.history.edits import Edit, edit_of, replacements, undone
from andaman.broker.history.rollups import ROLLED
from andaman.broker.history.rows import (
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
from andaman.broker.history.rowset import COLUMNS, Key, Rows, bounds, distinct, in_range, ordered
from andaman.broker.history.segments import Snapshot, T
from andaman.broker.history.store import Store
from andaman.broker.history.words import Words
from andaman.broker.model import Event
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import HOUR

Tails = Mapping[str, Sequence[Event]]
"""Entity id → its events behind the snapshot (others are ignored), in order."""
VALUES: Final = (SET, ADDED)
ENDS: Final = (DELETED, GONE)
OWN: Final = (META, BORN, TOUCHED)
_TIMES: Final = {
    "observedAt": T,
    "createdAt": "created",
    "modifiedAt": f"{T} + lag",
    "deletedAt": f"{T} + lag",
}
_SLACK: Final = 32
_LISTED: Final = 200
_ROW_FIELDS: Final = (
    "entity", "attr", "dataset", "op", "place", "t", "lag", "seq", "created", "form", "num", "num2",
)  # fmt: skip
_FULL: Final = f"entity, attr, dataset, op, place, {T} AS t, lag, seq, created, form, num, num2"
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
        self._who = {number: who for who, number in enumerate(self.numbers) if number >= 0}
        self._late = {
            who: [event for event in tails.get(name, ()) if event.seq > snapshot.last_seq]
            for who, name in enumerate(names)
        }
        self.rolled = rollups.NONE  # rollups that stand among the rows, by -1 - place
        self._bodies: dict[Key, str] = {}
        self._edits = {who: found for who in range(len(names)) if (found := self._edits_of(who))}

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
        come). ``light``: neither commit nor creation times are needed.
        """
        of = self._where(attrs, datasets)
        where = f"{of} AND op IN ({','.join(map(str, ops))})"
        low, high = bounds(query)
        span: dict[str, Any] = {}
        if query.timeproperty == "observedAt":
            if low is not None:
                span["t_from"] = low
            if high is not None:
                span["t_to"] = high - 1
        late = self._tail(attrs, ops, datasets)
        columns = _LIGHT if light and query.timeproperty == "observedAt" else _FULL
        union = self.snapshot.union(columns, where, **span)
        if last is not None and query.timeproperty != "createdAt":
            found = self._newest(union, query, last, late)
            if found is not None:
                return found
        found_rows = self._fetch(union)
        if query.aggr_methods and SET in ops:
            self._roll_in(found_rows, of, query)
        return self._arranged(found_rows, late, query)

    def _roll_in(self, columns: dict[str, Any], where: str, query: TemporalQuery) -> None:
        """Put rollups among the rows: hours of which the rows were dropped."""
        low, high = bounds(query)
        found = rollups.read(self._cursor, where, low, high, query.timeproperty == "observedAt")
        if not len(found):
            return
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
            columns[name] = np.concatenate([columns[name], values])

    def _where(self, attrs: Sequence[str] | None, datasets: frozenset[str] | None) -> str:
        numbers = sorted(self._who)
        if not numbers:
            where = "false"
        elif len(numbers) == 1:
            where = f"entity = {numbers[0]}"
        elif len(numbers) <= _LISTED:
            where = f"entity IN ({','.join(map(str, numbers))})"
        else:
            self._cursor.execute(
                "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS entity", (numbers,)
            )
            where = f"entity BETWEEN {numbers[0]} AND {numbers[-1]} AND entity IN (SELECT entity FROM wanted)"  # noqa: S608
        if attrs is not None:
            where += f" AND attr IN ({','.join(str(self._store.names.word(attr)) for attr in attrs) or '-1'})"
        else:
            own = (self._store.names.word(name) for name in (*OWN, SCOPE))
            where += f" AND attr NOT IN ({','.join(map(str, own))})"
        if datasets is not None:
            where += f" AND dataset IN ({','.join(str(self._store.names.word(_dataset(one))) for one in datasets)})"
        return where

    def _newest(
        self, union: str, query: TemporalQuery, last: int, late: list[tuple[Any, ...]]
    ) -> Rows | None:
        """The end of each series, or None where too much of it was said twice or erased to be sure of that end."""
        enough = last + _SLACK
        time = {"observedAt": "t", "createdAt": "created"}.get(query.timeproperty, "t + lag")
        columns = self._fetch(
            f"SELECT * FROM ({union}) "  # noqa: S608
            f"QUALIFY row_number() OVER (PARTITION BY entity, attr ORDER BY {time} DESC, seq DESC) <= {enough}"
        )
        pairs = columns["entity"] << 32 | columns["attr"]
        series, counts = np.unique(pairs, return_counts=True)
        full = set(series[counts >= enough].tolist())
        found = self._arranged(columns, late, query)
        if full:
            kept = {(self.numbers[who] << 32 | attr): end - start for who, attr, start, end in found.groups()}
            if any(kept.get(pair, 0) < last for pair in full):
                return None
        return found

    def _fetch(self, sql: str) -> dict[str, Any]:
        found = self._cursor.execute(sql).fetchnumpy()
        return {
            name: np.asarray(found[name], dtype=np.float64 if name in ("num", "num2") else np.int64)
            for name in _ROW_FIELDS
        }

    def _tail(
        self, attrs: Sequence[str] | None, ops: Sequence[int], datasets: frozenset[str] | None
    ) -> list[tuple[Any, ...]]:
        late: list[tuple[Any, ...]] = []
        for who, events in self._late.items():
            edits = self._edits.get(who, ())
            for event in events:
                late += [
                    self._numbered(who, row)
                    for row in rows_of(event)
                    if row.op in ops
                    and self._asked(row, attrs, datasets)
                    and not (edits and undone(row, edits))
                ]
        for who, edits in self._edits.items():
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

    def _arranged(self, columns: dict[str, Any], late: list[tuple[Any, ...]], query: TemporalQuery) -> Rows:
        """Segments and tail together, corrected, in range, ordered, each observation once."""
        numbers = columns.pop("entity")
        if len(self.numbers) == 1:
            who = np.zeros(len(numbers), dtype=np.int64)
        else:
            place = np.array(sorted(self._who), dtype=np.int64)
            owner = np.array([self._who[number] for number in place.tolist()], dtype=np.int64)
            who = owner[np.searchsorted(place, numbers)] if len(numbers) else numbers
        rows = Rows(who=who, time=columns["t"], **columns)
        if self._edits:
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

    def _joined(self, rows: Rows, late: list[tuple[Any, ...]]) -> Rows:
        body: dict[Key, str] = {}
        for row in late:
            who, attr, dataset, _, place, _, _, seq, *_, text = row
            body[who, attr, seq, dataset, place] = text
        columns: dict[str, Any] = {}
        for i, name in enumerate(COLUMNS[:-1]):
            stored = getattr(rows, name)
            columns[name] = np.concatenate([stored, np.array([row[i] for row in late], dtype=stored.dtype)])
        return Rows(**columns, time=columns["t"], body=body)

    # -- corrections --------------------------------------------------------------------------------------------
    def _corrected(self, rows: Rows) -> Rows:
        """Stored rows without those that were erased, or replaced (their replacements come with the tail)."""
        keep = np.ones(len(rows), dtype=np.bool_)
        for who, edits in self._edits.items():
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
        parts = [rows for rows in parts if len(rows)]
        if not parts:
            return
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(rows, name) for rows in parts]) for name in COLUMNS
        }
        rows = Rows(**columns, body=parts[0].body)
        wanted = [number for number in distinct(rows.form) if self._words.has_body(number)]
        if not wanted:
            return
        rows = rows.pick(np.isin(rows.form, wanted))
        keys = _keys(rows)
        stored = [i for i, key in enumerate(keys) if key not in rows.body and key not in self._bodies]
        if stored:
            self._bodies.update(self._stored_bodies(rows, keys, stored))

    def bodies(self, rows: Rows) -> list[str]:
        """Bodies of these rows, "" where the numbers say all."""
        kinds = {number: self._words.has_body(number) for number in distinct(rows.form)}
        if not any(kinds.values()):
            return [""] * len(rows)
        self.fetch_bodies([rows])
        found = self._bodies
        return [
            (rows.body[key] if key in rows.body else found.get(key, "")) if kinds[form] else ""
            for key, form in zip(_keys(rows), rows.form.tolist(), strict=True)
        ]

    def _stored_bodies(self, rows: Rows, keys: list[Key], wanted: list[int]) -> dict[Key, str]:
        numbers = sorted({self.numbers[keys[i][0]] for i in wanted})
        attrs = sorted({keys[i][1] for i in wanted})
        seqs = {keys[i][2] for i in wanted}
        times = rows.t[wanted]
        where = (
            f"entity BETWEEN {numbers[0]} AND {numbers[-1]} AND attr IN ({','.join(map(str, attrs))}) "
            f"AND seq BETWEEN {min(seqs)} AND {max(seqs)} AND op IN ({SET},{ADDED})"
        )
        if len(numbers) <= _LISTED:
            where += f" AND entity IN ({','.join(map(str, numbers))})"
        if len(seqs) <= 1_000:
            where += f" AND seq IN ({','.join(map(str, sorted(seqs)))})"
        union = self.snapshot.union(
            "entity, attr, seq, dataset, place, coalesce(body, '')",
            where,
            t_from=int(times.min()),
            t_to=int(times.max()),
        )
        found: dict[Key, str] = {}
        for entity, attr, seq, dataset, place, body in self._cursor.execute(union).fetchall():
            who = self._who.get(entity)
            if who is not None:
                found[who, attr, seq, dataset, place] = body
        return found

    def exists(self, who: int) -> bool:
        """Is anything known of this entity that was not erased?"""
        erased = max(
            (edit.seq for edit in self._edits.get(who, ()) if edit.told == {"do": "erase"}), default=0
        )
        if any(event.seq > erased for event in self._late[who]):
            return True
        if self.numbers[who] < 0:
            return False
        union = self.snapshot.union("1", f"entity = {self.numbers[who]} AND seq > {erased}")
        return self._cursor.execute(f"SELECT 1 FROM ({union}) LIMIT 1").fetchall() != []  # noqa: S608


def _keys(rows: Rows) -> list[Key]:
    return list(
        zip(
            rows.who.tolist(),
            rows.attr.tolist(),
            rows.seq.tolist(),
            rows.dataset.tolist(),
            rows.place.tolist(),
            strict=True,
        )
    )


def _dataset(asked: str) -> str:
    return "" if asked == "@none" else asked
