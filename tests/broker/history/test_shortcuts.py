"""Laws of short ways: where less is read, copied or sorted, the answer is that of the long way."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history.read.reader import Reader
from andaman.broker.history.read.statements import condition, statement
from andaman.broker.history.rows import rowset
from andaman.broker.history.rows.aggregate import METHODS, aggregate, shortest, shortest_each
from andaman.broker.history.rows.columns import chained, is_repeated, packed, picked, repeated
from andaman.broker.history.rows.rows import iso
from andaman.broker.history.rows.rowset import COLUMNS, Rows, ordered, replaced, unread
from andaman.broker.history.segments import recent, store, upkeep
from andaman.broker.history.segments.segment import COLUMNS as COLUMNS_SQL
from andaman.broker.history.segments.segment import Segment, Snapshot
from andaman.broker.history.temporal.evolutions import Evolutions
from andaman.broker.model import Doc, Event
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.kernel.time import DAY, SECOND
from tests.broker.history.test_evolutions import Everything, World, opened, tails, worlds
from tests.broker.history.test_history import START, event

NAMES = ("urn:x:a", "urn:x:b")
ATTRS = ("x:p", "x:q")


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "OPEN_ROWS", 6)
    monkeypatch.setattr(upkeep, "FAN_IN", 2)


@given(st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=4), st.data())
def test_a_column_of_one_value_is_a_column_like_any_other(
    parts: list[list[int]], data: st.DataObject
) -> None:
    plain = [np.array(part, dtype=np.int32) for part in parts]
    short = [packed(part) for part in plain]
    for full, column in zip(plain, short, strict=True):
        assert column.tolist() == full.tolist()
        assert column.dtype == np.int64
        assert is_repeated(column) == (len(set(full.tolist())) == 1)
    wanted, found = np.concatenate(plain), chained(short)
    assert found.tolist() == wanted.tolist()
    count = len(wanted)
    at: Any
    for at in (
        np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=np.bool_),
        np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=6)) if count else [], dtype=np.int64),
        slice(data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))),
        slice(None, None, -1),
    ):
        assert picked(packed(found), at, len(wanted[at])).tolist() == wanted[at].tolist()


@settings(max_examples=200)
@given(
    st.lists(st.tuples(*[st.integers(0, most) for most in (1, 1, 40, 1, 3, 1)]), max_size=12),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.sampled_from(["observedAt", "modifiedAt"]),
    st.sampled_from([0, 1, -1]),
)
def test_what_time_alone_orders_is_ordered_as_by_everything(
    told: list[tuple[int, ...]], fixed: list[bool], by: Any, sorting: int
) -> None:
    """Rising, falling or mixed; columns that hold one value included."""
    if sorting:
        told.sort(key=lambda one: one[2] * sorting)
    names = ("who", "attr", "t", "dataset", "seq", "place")
    columns: dict[str, Any] = {name: np.zeros(len(told), dtype=np.int64) for name in COLUMNS}
    for i, name in enumerate(names):
        if not fixed[i]:
            columns[name] = np.array([one[i] for one in told], dtype=np.int64)
    columns["num"] = np.arange(len(told), dtype=np.float64)
    columns = {name: column if name == "num" else packed(column) for name, column in columns.items()}
    columns["time"] = columns["t"] = np.array(columns["t"])
    query = TemporalQuery(timeproperty=by)

    def answer() -> list[list[Any]]:
        rows = ordered(Rows(**columns), query, lambda form: True, str)
        return [getattr(rows, name).tolist() for name in COLUMNS]

    found = answer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowset, "by_time", lambda rows: rows if len(rows) < 2 else None)
        assert answer() == found


@settings(max_examples=200)
@given(
    st.lists(st.tuples(*[st.integers(0, most) for most in (1, 1, 12, 3)]), max_size=14),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sets(st.integers(0, 12), max_size=4),
    st.booleans(),
)
def test_rows_of_some_moments_are_replaced_by_others(
    told: list[tuple[int, ...]], fixed: list[bool], chosen: set[int], apart: bool
) -> None:
    """Of one series or of several; what stays keeps its order, and what comes too."""
    names = ("who", "attr", "time", "place")

    def made(rows: list[tuple[int, ...]], number: float) -> Rows:
        columns: dict[str, Any] = {name: unread(name, len(rows)) for name in COLUMNS}
        for i, name in enumerate(names):
            if name == "time" or not fixed[i]:
                columns[name] = packed(np.array([row[i] for row in rows], dtype=np.int64))
        columns["num"] = np.arange(len(rows)) + number
        columns["t"] = columns["time"] if not apart else columns["time"] + 100
        return Rows(**columns)

    def shown(rows: Rows) -> list[tuple[Any, ...]]:
        return list(zip(*[getattr(rows, name).tolist() for name in (*names, "t", "num")], strict=True))

    told = sorted(
        told, key=lambda row: [0 if still else n for n, still in zip(row[:2], fixed, strict=False)] + [row[2]]
    )
    rows = made(told, 0.0)
    others = made([row for row in told if row[2] in chosen][::2], 1000.0)
    moments = np.array(sorted(chosen), dtype=np.int64)
    found = shown(replaced(rows, moments, others))
    stays = [row for row in shown(rows) if row[2] not in chosen]
    assert found == sorted([*stays, *shown(others)], key=lambda row: row[:3])


def readings(rng: random.Random, count: int, kind: str) -> list[Event]:
    """Of two entities: numbers, each moment once ("plain") or also told again and in two data sets ("again"), or other values
    too ("mixed")."""
    plain, mixed = kind == "plain", kind == "mixed"
    seconds = rng.sample(range(60), count) if plain else [rng.randrange(12) for _ in range(count)]
    values = [0, 1, 2.5, True, "u", [1, 2], {"a": 1}] if mixed else [0, 1, 2.5, True]
    before: dict[str, Doc] = {}
    events = []
    for n, second in enumerate(seconds):
        at = START + DAY + n * SECOND
        name, attr = rng.choice(NAMES), rng.choice(ATTRS)
        digits = rng.choice([0, 6])
        one: Doc = {"type": "Property", "value": rng.choice(values)}
        if not mixed or rng.random() < 0.9:
            one["observedAt"] = iso(START + second * SECOND + digits // 6 * 1_234, digits)
        if not plain and rng.random() < 0.3:
            one["datasetId"] = "urn:d:1"
        old = before.get(name)
        attrs = {
            **(old["attrs"] if old else {}),
            attr: [{**one, "createdAt": iso(at), "modifiedAt": iso(at)}],
        }
        doc = {"id": name, "type": ["x:S"], "attrs": attrs}
        events.append(event(n + 1, at, "", old, doc))
        before[name] = doc
    return events


@settings(max_examples=60, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.integers(1, 24),
    st.sampled_from(["plain", "again", "mixed"]),
    st.integers(0, 24),
    st.sampled_from([None, "before", "after", "between"]),
    st.sampled_from([0, 1, 234, 1_000]),
)
def test_aggregates_of_numbers_alone_are_those_of_whole_rows(
    rng: random.Random, count: int, kind: str, cut: int, timerel: Any, off: int
) -> None:
    """Wherever the tail begins and what lies in memory; bounds that are no whole milliseconds included."""
    events = readings(rng, count, kind)
    cut = min(cut, count)
    low = START + rng.randrange(8) * SECOND + off
    query = TemporalQuery(
        timerel, low, low + rng.choice([1, 30 * SECOND]), aggr_methods=METHODS, aggr_period="PT7S"
    )
    many = EvolutionQuery(query, (EntityQuery(),), shown=rng.choice([None, frozenset({"x:p"})]), limit=100)
    short: list[bool] = []
    numbers = Reader._numbers

    def watched(*args: Any) -> Rows | None:
        found = numbers(*args)
        short.append(found is not None)
        return found

    with opened(events, cut, rng.choice([None, 0, 2])) as history, pytest.MonkeyPatch.context() as patch:
        if rng.random() < 0.5:  # nothing is in memory
            snapshot = history._store.snapshot
            patch.setattr(history._store, "snapshot", replace(snapshot, runs={}))

        def answers() -> list[Any]:
            own = tails(events[cut:])
            return [
                history.evolutions("", many, tails=own, sight=Everything()),
                *(
                    history.temporal("", name, attrs, query, tail=own.get(name, []))
                    for name in NAMES
                    for attrs in ([], ["x:p"], list(ATTRS), ["x:none"])
                ),
            ]

        patch.setattr(Reader, "_numbers", watched)
        found = answers()
        assert short
        assert all(short) or kind == "mixed"
        patch.setattr(Reader, "_numbers", lambda *_: None)
        assert answers() == found


@settings(max_examples=20, deadline=None)
@given(worlds(), st.integers(0, 16), st.booleans(), st.sampled_from([None, "after", "between"]))
def test_aggregates_need_no_scopes_over_time(world: World, cut: int, retrieve: bool, timerel: Any) -> None:
    """Nor do edits, ends and additions of the temporal API make a short way answer otherwise."""
    cut = min(cut, len(world.events))
    temporal = TemporalQuery(
        timerel, START, START + 4 * SECOND, aggr_methods=("totalCount", "max"), aggr_period="PT2S"
    )
    query = EvolutionQuery(temporal, (EntityQuery(),), scope=True, retrieve=retrieve, limit=100)
    with opened(world.events, cut) as history, pytest.MonkeyPatch.context() as patch:
        found = history.evolutions("", query, tails=tails(world.events[cut:]), sight=Everything())
        patch.setattr(Evolutions, "_shows_scopes", lambda _: True)
        patch.setattr(Reader, "_numbers", lambda *_: None)
        patch.setattr(rowset, "by_time", lambda rows: rows if len(rows) < 2 else None)
        assert history.evolutions("", query, tails=tails(world.events[cut:]), sight=Everything()) == found


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(-5, 5) | st.integers(-3, 3)), max_size=20),
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.sampled_from([1, SECOND, SECOND // 2]),
    st.none() | st.integers(1, 50),
)
def test_periods_are_those_that_each_value_finds(
    told: list[tuple[int, float]], steps: list[int], unit: int, end: int | None
) -> None:
    limits = np.concatenate([[0], np.cumsum(steps), [200]]) * unit
    told.sort()
    times = np.array([at * unit for at, _ in told], dtype=np.int64)
    values = np.array([float(value) for _, value in told], dtype=np.float64)
    cut = None if end is None else end * unit
    found = aggregate(("totalCount", "min"), times, values, limits, cut)
    by_period: dict[int, list[float]] = {}
    for at, value in zip(times.tolist(), values.tolist(), strict=True):
        by_period.setdefault(int(np.searchsorted(limits, at, side="right")) - 1, []).append(value)
    shown = limits.tolist() if cut is None else np.minimum(limits, cut).tolist()
    assert found["totalCount"] == [
        [len(part), shortest(shown[n]), shortest(shown[n + 1])] for n, part in by_period.items()
    ]
    assert [row[0] for row in found["min"]] == [min(part) for part in by_period.values()]
    assert all(isinstance(row[0], int) == float(row[0]).is_integer() for row in found["min"])


@given(st.lists(st.integers(0, 10**10), max_size=5), st.sampled_from([1, SECOND, SECOND // 2]))
def test_times_are_as_short_together_as_alone(times: list[int], unit: int) -> None:
    assert shortest_each(np.array(times, dtype=np.int64) * unit) == [shortest(at * unit) for at in times]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(-3_000, 3_000), st.integers(0, 4)), min_size=1, max_size=5), max_size=3
    ),
    st.none() | st.integers(-3_000, 3_000) | st.integers(-3, 3).map(lambda ms: ms * 1_000),
    st.none() | st.integers(-3_000, 3_000) | st.integers(-3, 3).map(lambda ms: ms * 1_000 - 1),
    st.lists(st.integers(0, 4), unique=True),
)
def test_a_statement_finds_what_the_choice_says(
    parts: list[list[tuple[int, int]]], t_from: int | None, t_to: int | None, ops: list[int]
) -> None:
    """To the µs, also before 1970, whether a segment lies within the range or not."""
    with duckdb.connect() as db:
        found: list[Segment] = []
        for n, part in enumerate(parts):
            db.execute(f"CREATE TABLE seg_{n} ({COLUMNS_SQL})")
            db.executemany(
                f"INSERT INTO seg_{n} (entity, op, ms, us) VALUES (1, ?, ?, ?)",
                [(op, t // 1000, t % 1000) for t, op in part],
            )
            low, high = min(part)[0], max(part)[0]
            found.append(Segment(n, 0, len(part), low, high, low, high, 0))
        choice = recent.Choice(np.array([1]), None, (), None, tuple(ops), t_from, t_to)
        rows: list[Any] = []
        if found:
            sql = statement(
                Snapshot(0, tuple(found)), choice, condition(db, choice), "ms * 1000 + us, op", found
            )
            rows = db.execute(sql).fetchall()
    assert sorted(rows) == sorted(
        (t, op)
        for part in parts
        for t, op in part
        if op in ops and (t_from is None or t >= t_from) and (t_to is None or t <= t_to)
    )


def test_nothing_chosen_is_no_rows() -> None:
    found = recent.joined([])
    assert {name: len(column) for name, column in found.items()} == dict.fromkeys(recent.FIELDS, 0)
    assert repeated(3, 0).tolist() == []
