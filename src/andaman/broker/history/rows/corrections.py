"""Corrections of history (CIM 009 §5.6.13–5.6.16): what the temporal API erased or replaced, applied when rows are read.

They are few beside the rows. Each is kept as the journal told it (``broker/ledger/evolution.py``) under its entity, in memory
and in the table ``edit``; rows stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import orjson

from andaman.broker.history.rows.names import Names, ints, texts, write
from andaman.broker.history.rows.rows import Row, added
from andaman.broker.model import Event
from andaman.kernel.time import parse_time

SCHEMA: Final = "CREATE TABLE IF NOT EXISTS edit (entity INTEGER, seq BIGINT, told VARCHAR)"


class Edit(NamedTuple):
    """One correction: its journal position and its content."""

    seq: int
    told: dict[str, Any]


def edit_of(event: Event) -> Edit | None:
    """The correction that an event is, if it is one."""
    told = event.told
    return Edit(event.seq, told) if told is not None and told["do"] in ("erase", "replace") else None


class Edits:
    """Corrections by entity number. The loading thread takes them, any thread reads."""

    def __init__(self, db: duckdb.DuckDBPyConnection, names: Names) -> None:
        self._db = db
        self._names = names
        self._by: dict[int, tuple[Edit, ...]] = {}
        self._fresh: list[tuple[int, Edit]] = []
        db.execute(SCHEMA)
        for entity, seq, told in db.execute("SELECT entity, seq, told FROM edit ORDER BY seq").fetchall():
            self._put(entity, Edit(seq, orjson.loads(told)))

    def _put(self, entity: int, edit: Edit) -> None:
        # A whole erasure makes all before it needless.
        before = () if edit.told == {"do": "erase"} else self._by.get(entity, ())
        self._by[entity] = (*before, edit)

    def of(self, entity: int) -> Sequence[Edit]:
        """Corrections of an entity, in order. May be newer than a snapshot: see ``seq``."""
        return self._by.get(entity, ())

    def numbers(self) -> list[int]:
        """Entities that have any."""
        return list(self._by)

    def take(self, events: Iterable[Event]) -> None:
        """Write the corrections among these events, inside the open transaction; ``settle`` or ``undo`` follows."""
        found = [(event, edit) for event in events if (edit := edit_of(event)) is not None]
        if not found:
            return
        numbers = self._names.entity_numbers(
            [self._names.number(event.tenant) for event, _ in found], [event.entity_id for event, _ in found]
        )
        self._fresh = [(number, edit) for number, (_, edit) in zip(numbers, found, strict=True)]
        write(
            self._db,
            "edit",
            {
                "entity": ints(numbers),
                "seq": np.array([edit.seq for _, edit in found], dtype=np.int64),
                "told": texts([orjson.dumps(edit.told).decode() for _, edit in found]),
            },
        )

    def settle(self) -> None:
        """The transaction is durable."""
        for entity, edit in self._fresh:
            self._put(entity, edit)
        self._fresh = []

    def undo(self) -> None:
        """The transaction was rolled back."""
        self._fresh = []


def replacements(name: str, edits: Sequence[Edit]) -> Iterable[Row]:
    """The rows of instances that were replaced and stand, under the position and place that name them."""
    standing: dict[tuple[str, str, int, int], Row] = {}
    erasures: list[dict[str, Any]] = []
    for edit in edits:
        told = edit.told
        if told["do"] == "erase":
            erasures.append({**told, "seq": edit.seq})
            standing = {key: row for key, row in standing.items() if not covers(told, edit.seq, key)}
            continue
        seq, place = told["at"]
        key = (told["attr"], told["dataset"], seq, place)
        if any(covers(one, one["seq"], key) for one in erasures):
            continue  # it was erased a moment before
        instance = told["instance"]
        row = added(name, told["attr"], instance, parse_time(instance["modifiedAt"]), seq, place)
        standing[key] = row
    return standing.values()


def covers(told: Mapping[str, Any], by: int, key: tuple[str, str, int, int]) -> bool:
    attr, dataset, seq, place = key
    return (
        seq < by
        and told.get("attr", attr) == attr
        and told.get("dataset", dataset) == dataset
        and list(told.get("at", (seq, place))) == [seq, place]
    )


def undone(row: Row, edits: Sequence[Edit]) -> bool:
    """Was this row erased, or replaced by another?"""
    key = (row.attr, row.dataset, row.seq, row.place)
    return any(covers(edit.told, edit.seq, key) for edit in edits)
