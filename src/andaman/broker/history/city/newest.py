"""The newest value of one attribute of many entities: what it is now, from the last rows of its instances.

What the temporal API told or took back is no part of it: it changes the past, and not what is (CIM 009 §5.6.11 – §5.6.16).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
import orjson

from andaman.broker.history.city.visibility import Chosen, CityAttribute
from andaman.broker.history.rows.large_texts import Allowance
from andaman.broker.history.rows.rows import DELETED, MOVED, Form, join, plain, read_form
from andaman.broker.history.rows.rowset import distinct
from andaman.broker.history.segments.segment import Snapshot, T
from andaman.broker.history.segments.store import Store
from andaman.broker.model import Event, Instance
from andaman.broker.query.city import NEWEST_MOST, NewestValues
from andaman.broker.query.evaluate import VALUE_MEMBER
from andaman.kernel.errors import TooManyResults
from andaman.kernel.time import Micros, parse_time

_NOW: Final = 1 << 62
_KEPT_MOST: Final = 16
"""Attributes whose last rows are kept in memory between questions …"""
_KEPT_ROWS: Final = 100_000
_KEPT_BYTES: Final = 4 << 20
"""… where they are not more than so many, with not more text."""
_FRESH: Final = 1 << 40
"""Above every entity number: those that only the tail has come last."""

_Value = tuple[int, str, Any, Micros | None]
"""(order, entity id, value, observedAt)."""


def newest(store: Store, whose: CityAttribute, limit: int | None = None, offset: int = 0) -> NewestValues:
    """The present value of the attribute for each entity that has it. Of several data sets the newest counts, by
    ``observedAt`` or, if it has none, ``modifiedAt`` (of equals the last by name).

    ``limit`` None: all. Raises TooManyResults where these are more than one answer holds.
    """

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> NewestValues:
        chosen = whose.at(store, snapshot, cursor)
        told = _in_tail(whose.attr, chosen, store.told)
        columns = _stored(store, whose, chosen, snapshot, cursor, told)
        entity = columns["entity"]
        late = sorted(value for value in told.values() if value is not None)
        count = len(entity) + len(late)
        if limit is None and count > NEWEST_MOST:
            raise TooManyResults(
                f"{count} entities have this attribute; one answer has at most {NEWEST_MOST}. "
                "Ask for pages with limit and offset, or for fewer types",
                field="limit",
            )
        order = np.concatenate([entity, np.array([value[0] for value in late], dtype=np.int64)])
        page = np.argsort(order, kind="stable")[offset : None if limit is None else offset + limit]
        mine = page[page < len(entity)]
        columns = {name: column[mine] for name, column in columns.items()}
        answer = _answer(store, cursor, whose.attr, columns)
        if len(mine) == len(page):
            return answer
        found = iter(zip(answer.ids, answer.values, answer.times, strict=True))
        rows = [next(found) if at < len(entity) else late[at - len(entity)][1:] for at in page.tolist()]
        return NewestValues([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])

    return store.read(ask)


# -- the tail ---------------------------------------------------------------------------------------------------------
def _in_tail(attr: str, chosen: Chosen, known: dict[tuple[int, str, str], Any]) -> dict[str, _Value | None]:
    """The value in the tail of each entity whose attribute the tail changes; None: it is gone, or may not be seen.

    ``known``: what was found in these events before, for who may see all of the entity.
    """
    found: dict[str, _Value | None] = {}
    veils, numbers = chosen.veils, chosen.known
    for place, (name, events) in enumerate(chosen.late.items()):
        until = veils.get(name, 0) if veils else 0
        for event in reversed(events):
            change = event.change_of(attr)
            if change is None:
                continue
            key = (event.seq, attr, "newest")
            if until or key not in known:
                newest = _newest_of(change.after or (), event, until)
                if not until:
                    known[key] = newest
            else:
                newest = known[key]
            number = numbers[name]
            order = number if number >= 0 else _FRESH + place
            found[name] = None if newest is None else (order, name, *newest)
            break
    return found


def _newest_of(instances: Any, event: Event, until: Micros) -> tuple[Any, Micros | None] | None:
    best: tuple[Micros, str] | None = None
    answer: tuple[Any, Micros | None] | None = None
    for one in instances:
        learned = _learned(one, event.at)
        observed = parse_time(one["observedAt"]) if "observedAt" in one else None
        rank = (learned if observed is None else observed, one.get("datasetId", ""))
        if learned >= until and (best is None or rank > best):
            best, answer = rank, (one.get(VALUE_MEMBER.get(one.get("type", ""), "value")), observed)
    return answer


def _learned(one: Instance, at: Micros) -> Micros:
    return parse_time(one["modifiedAt"]) if "modifiedAt" in one else at


# -- the store --------------------------------------------------------------------------------------------------------
def _stored(
    store: Store,
    whose: CityAttribute,
    chosen: Chosen,
    snapshot: Snapshot,
    cursor: duckdb.DuckDBPyConnection,
    told: dict[str, _Value | None],
) -> dict[str, Any]:
    """The row that counts of each entity, rising by entity, without those that the tail changes."""
    last = _last_rows(store, whose, snapshot, cursor)
    keep = (last["op"] != DELETED) & chosen.counts(last["entity"])
    if told:
        late = [number for name in told if (number := chosen.known[name]) >= 0]
        keep &= ~np.isin(last["entity"], late)
    found = {name: np.asarray(column)[keep] for name, column in last.items()}
    learned = found["t"] + found["lag"]
    for at in np.flatnonzero(found["op"] == MOVED).tolist():
        # It was told when its place changed, and is as old as it says.
        one = _instance(store, whose.attr, found, at)
        form = _form(store.names.texts, int(found["form"][at]))
        learned[at] = _learned(one, int(learned[at]))
        if form.observed < 0:
            found["t"][at] = learned[at]
    if chosen.veiled:
        seen = learned >= chosen.until(found["entity"])
        found = {name: column[seen] for name, column in found.items()}
    sets = distinct(found["dataset"])
    rank = np.zeros(max(sets, default=0) + 1, dtype=np.int64)
    rank[sorted(sets, key=lambda number: store.names.texts[number])] = np.arange(len(sets))
    order = np.lexsort((rank[found["dataset"]], found["t"], found["entity"]))
    entity = found["entity"][order]
    if len(entity):
        order = order[np.append(entity[1:] != entity[:-1], True)]
    return {name: column[order] for name, column in found.items()}


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last row of each instance of an attribute, as of a snapshot; kept for the next question."""

    last_seq: int
    thinned: int
    columns: dict[str, Any]


def _last_rows(
    store: Store, whose: CityAttribute, snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection
) -> dict[str, Any]:
    """The last row of each instance that says what it is, rising by entity; only what came since the last question is read."""
    key = (store.names.word(whose.tenant), store.names.word(whose.attr))
    kept: _Kept | None = store.newest.get(key)
    if kept is not None and (kept.thinned != snapshot.thinned or kept.last_seq > snapshot.last_seq):
        kept = None
    if kept is not None and kept.last_seq == snapshot.last_seq:
        return kept.columns
    after = None if kept is None else kept.last_seq
    found = _read(snapshot, cursor, f"attr = {key[1]} AND tenant = {key[0]}", after)
    if kept is not None:
        found = {name: np.concatenate([column, found[name]]) for name, column in kept.columns.items()}
    order = np.lexsort((found["seq"], found["dataset"], found["entity"]))
    entity, dataset = found["entity"][order], found["dataset"][order]
    if len(order):
        order = order[np.append((entity[1:] != entity[:-1]) | (dataset[1:] != dataset[:-1]), True)]
    columns = {name: column[order] for name, column in found.items()}
    if len(order) <= _KEPT_ROWS and sum(map(len, columns["body"].tolist())) <= _KEPT_BYTES:
        if len(store.newest) >= _KEPT_MOST:
            store.newest = {}
        store.newest[key] = _Kept(snapshot.last_seq, snapshot.thinned, columns)
    return columns


def _read(
    snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection, where: str, after: int | None
) -> dict[str, Any]:
    """At least the last row of each instance among those behind position ``after`` (None: of all)."""
    if after is not None:
        where += f" AND seq > {after}"
        segments = tuple(one for one in snapshot.segments if one.max_seq > after)
        snapshot = replace(snapshot, segments=segments)
    known = snapshot.known("entity, dataset, seq", where, _NOW)
    rows = snapshot.known(
        f"entity, dataset, seq, op, {T} AS t, lag, form, num, num2, coalesce(body, '') AS body", where, _NOW
    )
    last = cursor.execute(
        f"SELECT entity, dataset, seq, op, t, lag, form, num, num2, body FROM ({rows}) SEMI JOIN "  # noqa: S608
        f"(SELECT dataset, max(seq) AS seq FROM ({known}) GROUP BY entity, dataset) USING (dataset, seq)"
    ).fetchnumpy()
    last["entity"] = last["entity"].astype(np.int64)
    return {name: np.ma.filled(column, np.nan) for name, column in last.items()}


def _form(texts: list[str], number: int) -> Form:
    return read_form(texts[number])


def _bodies(store: Store, attr: str, found: dict[str, Any]) -> list[str]:
    words = store.names.texts
    return store.large.filled(
        {**found, "attr": np.full(len(found["body"]), store.names.word(attr))}, words, Allowance()
    )


def _instance(store: Store, attr: str, found: dict[str, Any], at: int) -> Instance:
    form = _form(store.names.texts, int(found["form"][at]))
    t, lag = int(found["t"][at]), int(found["lag"][at])
    num, num2 = float(found["num"][at]), float(found["num2"][at])
    (body,) = _bodies(store, attr, {name: column[at : at + 1] for name, column in found.items()})
    return orjson.loads(body) if form.value == "r" else join(form, "", t, lag, t, num, num2, body)


def _answer(
    store: Store, cursor: duckdb.DuckDBPyConnection, attr: str, columns: dict[str, Any]
) -> NewestValues:
    forms = {number: _form(store.names.texts, number) for number in distinct(columns["form"])}
    numbers = columns["entity"].tolist()
    names = store.names.names_of(cursor, "", numbers)
    nums = columns["num"].tolist()
    if all(form.value == "f" for form in forms.values()):
        values = nums
    else:
        values = [
            plain(forms[form], num, num2, body)
            for form, num, num2, body in zip(
                columns["form"].tolist(),
                nums,
                columns["num2"].tolist(),
                _bodies(store, attr, columns),
                strict=True,
            )
        ]
    times: list[Micros | None] = columns["t"].tolist()
    if any(form.observed < 0 for form in forms.values()):
        times = [
            at if forms[form].observed >= 0 else None
            for at, form in zip(times, columns["form"].tolist(), strict=True)
        ]
    return NewestValues([names[number] for number in numbers], values, times)
