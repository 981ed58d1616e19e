"""Texts of rows whose numbers do not contain the value: read from the file for a full page at once, and only if needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np

from andaman.broker.history.rows.large_texts import Allowance, Texts, Wanted, is_left_out
from andaman.broker.history.rows.rows import ADDED, SET
from andaman.broker.history.rows.rowset import Key, Rows, distinct, stacked
from andaman.broker.history.rows.words import Words
from andaman.broker.history.segments.segment import Snapshot

LISTED: Final = 200
"""Entities that a condition names one by one."""
_POSITIONS: Final = 1_000
_PAGE: Final = 1_000


class Bodies:
    """Bodies of the rows of one reader; ``numbers``: the entities it reads, in the order of the question."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        words: Words,
        numbers: Sequence[int],
        texts: Texts,
    ) -> None:
        self._cursor = cursor
        self._snapshot = snapshot
        self._words = words
        self._texts = texts
        self._numbers = numbers
        self._who = {number: who for who, number in enumerate(numbers) if number >= 0}
        self._found: dict[Key, str] = {}

    def fetch(self, parts: Sequence[Rows]) -> None:
        """Read the bodies of all these rows at once; ``of`` finds them then. Raises TooMuchText."""
        parts = [rows for rows in parts if len(rows)]
        forms = {number for rows in parts for number in distinct(rows.form)}
        wanted = [number for number in forms if self._words.has_body(number)]
        if not wanted:
            return
        rows = stacked(parts)
        rows = rows.pick(np.isin(rows.form, wanted))
        keys = _keys(rows)
        stored = [i for i, key in enumerate(keys) if key not in rows.body and key not in self._found]
        if stored:
            self._found.update(self._stored(rows, keys, stored))

    def of(self, rows: Rows) -> list[str]:
        """Bodies of these rows, "" where the numbers say all."""
        kinds = {number: self._words.has_body(number) for number in distinct(rows.form)}
        if not any(kinds.values()):
            return [""] * len(rows)
        self.fetch([rows])
        found = self._found
        return [
            (rows.body[key] if key in rows.body else found.get(key, "")) if kinds[form] else ""
            for key, form in zip(_keys(rows), rows.form.tolist(), strict=True)
        ]

    def _stored(self, rows: Rows, keys: list[Key], wanted: list[int]) -> dict[Key, str]:
        numbers = sorted({self._numbers[keys[i][0]] for i in wanted})
        attrs = sorted({keys[i][1] for i in wanted})
        seqs = {keys[i][2] for i in wanted}
        times = rows.t[wanted]
        where = (
            f"entity BETWEEN {numbers[0]} AND {numbers[-1]} AND attr IN ({','.join(map(str, attrs))}) "
            f"AND seq BETWEEN {min(seqs)} AND {max(seqs)} AND op IN ({SET},{ADDED})"
        )
        if len(numbers) <= LISTED:
            where += f" AND entity IN ({','.join(map(str, numbers))})"
        else:
            self._cursor.execute(
                "CREATE OR REPLACE TEMP TABLE told AS SELECT unnest(?::INTEGER[]) AS entity", (numbers,)
            )
            where += " AND entity IN (SELECT entity FROM told)"
        if len(seqs) <= _POSITIONS:
            where += f" AND seq IN ({','.join(map(str, sorted(seqs)))})"
        union = self._snapshot.union(
            "entity, attr, seq, dataset, place, coalesce(body, '')",
            where,
            t_from=int(times.min()),
            t_to=int(times.max()),
        )
        wanted_keys = {keys[i] for i in wanted}
        found: dict[Key, str] = {}
        allowance = Allowance()
        cursor = self._cursor.execute(union)
        while page := cursor.fetchmany(_PAGE):
            for entity, attr, seq, dataset, place, body in page:
                key = (self._who.get(entity, -1), attr, seq, dataset, place)
                if key in wanted_keys:
                    found[key] = body
                    if not is_left_out(body):
                        allowance.spend(len(body))
        far = [key for key, body in found.items() if is_left_out(body)]
        text = self._words.text
        wanted_texts = [Wanted(key[2], text(key[1]), text(key[3]), key[4], found[key]) for key in far]
        found.update(zip(far, self._texts.whole(wanted_texts, allowance), strict=True))
        return found


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
