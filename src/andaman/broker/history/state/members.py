"""The entities that existed as of T, with types, scopes and time of creation: enough to choose a page before anything
else is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import duckdb
import orjson

from andaman.broker.history.read.row_texts import LISTED
from andaman.broker.history.rows.rows import BORN, DELETED, META, MOVED, rows_of
from andaman.broker.history.segments.segment import AT, Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.model import Doc, Event
from andaman.kernel.time import Micros


class Member(NamedTuple):
    """An entity that existed. ``members``: its types and scopes as they were."""

    id: str
    born: Micros
    members: Doc


Choose = Callable[[Sequence[Member]], Iterable[str]]
"""Ids of those that are wanted."""


def among(cursor: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> str:
    """The condition for these entities, at least one."""
    if len(numbers) <= LISTED:
        return f"entity IN ({','.join(map(str, numbers))})"
    cursor.execute("CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS entity", (numbers,))
    return f"entity BETWEEN {min(numbers)} AND {max(numbers)} AND entity IN (SELECT entity FROM wanted)"  # noqa: S608


def members_at(
    store: Store,
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    tenant: str,
    at: Micros,
    wanted: Iterable[str] | None,
    later: Sequence[Event],
) -> list[Member]:
    """The entities among ``wanted`` (None: all) that existed at ``at``. ``later``: events up to then that the snapshot
    does not have, in order.
    """
    names = store.names
    where = f"tenant = {names.word(tenant)} AND attr IN ({names.word(META)}, {names.word(BORN)})"
    known: dict[str, list[Any]] = {}  # [members or None, born]
    numbers = None
    if wanted is not None:
        numbers = [number for number in names.entities(cursor, tenant, list(wanted)) if number >= 0]
        where += f" AND {among(cursor, numbers)}" if numbers else " AND false"
    rows = snapshot.known(f"entity, attr, seq, op, form, {AT} AS told", where, at)
    found = cursor.execute(
        "SELECT entity, attr, arg_max(op, seq) AS op, arg_max(form, seq) AS form, arg_max(told, seq) AS told "  # noqa: S608
        f"FROM ({rows}) GROUP BY entity, attr"
    ).fetchnumpy()
    name_of = names.names_of(cursor, tenant, numbers)
    texts, meta = names.texts, names.word(META)
    shapes: dict[int, Doc | None] = {}
    for entity, attr, op, form, when in zip(
        *(found[name].tolist() for name in ("entity", "attr", "op", "form", "told")), strict=True
    ):
        one = known.setdefault(name_of[entity], [None, 0])
        if attr != meta:
            one[1] = when
        elif op != DELETED:
            if form not in shapes:
                shapes[form] = orjson.loads(texts[form])
            one[0] = shapes[form]
    for event in later:
        if event.told is not None:
            continue
        for row in rows_of(event) if event.moved or event.kind.name != "UPDATED" else ():
            if row.op > MOVED or row.attr not in (META, BORN):
                continue
            one = known.setdefault(event.entity_id, [None, 0])
            if row.attr == BORN:
                one[1] = row.t + row.lag
            else:
                one[0] = orjson.loads(row.form) if row.op != DELETED else None
    return [Member(name, born, members) for name, (members, born) in known.items() if members is not None]
