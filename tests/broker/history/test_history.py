"""Laws of history: state at T is the replay of events to T; where the tail begins never shows."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.hiding import mark
from andaman.broker.history import History
from andaman.broker.history.rows.aggregate import METHODS, edges, parse_period, shortest
from andaman.broker.history.rows.rows import iso, iso_each, join, read_form, split
from andaman.broker.history.segments import recent, sorting, store, upkeep
from andaman.broker.history.segments import segment as segments
from andaman.broker.history.segments.pieces import pieces
from andaman.broker.history.segments.segment import Segment, Snapshot
from andaman.broker.model import Change, Doc, Event, EventKind, Instance
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.errors import BadRequestData, TooManyResults, Unavailable
from andaman.kernel.time import DAY, HOUR, SECOND, parse_time
from tests.broker.query.strategies import IDS, docs

START = parse_time("2026-11-22T00:00:00Z")
OBSERVED = [iso(START + n * SECOND, digits) for n in range(4) for digits in (0, 3)]


def stamped(doc: Doc, before: Doc | None, at: int, rng: Any) -> Doc:
    """The document as the writer would commit it at ``at``: unchanged attributes stay, others get their times."""
    old = before["attrs"] if before else {}
    attrs: dict[str, list[Instance]] = {}
    for attr, instances in doc["attrs"].items():
        if attr in old and rng.random() < 0.3:
            attrs[attr] = old[attr]
            continue
        created = {one.get("datasetId"): one["createdAt"] for one in old.get(attr, ())}
        attrs[attr] = [
            {
                **one,
                "createdAt": created.get(one.get("datasetId"), iso(at)),
                "modifiedAt": iso(at),
                **({"observedAt": rng.choice(OBSERVED)} if "observedAt" in one else {}),
            }
            for one in instances
        ]
        if rng.random() < 0.1:
            attrs[attr].reverse()
    made = {**doc, "attrs": attrs, "createdAt": before["createdAt"] if before else iso(at)}
    return {**made, "modifiedAt": iso(at)}


def meta(doc: Doc) -> list[Doc]:
    return [{name: doc[name] for name in ("type", "scope") if name in doc}]


def event(seq: int, at: int, tenant: str, before: Doc | None, after: Doc | None) -> Event:
    doc = after or before
    assert doc is not None
    changes = []
    if before is None or after is None or meta(before) != meta(after):
        changes.append(Change("", meta(before) if before else None, meta(after) if after else None))
    old = before["attrs"] if before else {}
    new = after["attrs"] if after else {}
    for attr in [*new, *(a for a in old if a not in new)]:
        if old.get(attr) != new.get(attr):
            changes.append(Change(attr, old.get(attr), new.get(attr)))
    kind = EventKind.CREATED if before is None else EventKind.DELETED if after is None else EventKind.UPDATED
    scopes = tuple(doc.get("scope", ()))
    return Event(seq, tenant, at, "test", kind, doc["id"], tuple(doc["type"]), scopes, changes, after)


State = dict[tuple[str, str], Doc]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[State]]:
    """Events, and the state after each (index 0: before all)."""
    rng = draw(st.randoms(use_true_random=False))
    state: State = {}
    states = [{}]
    events: list[Event] = []
    at = START
    for _ in range(draw(st.integers(1, 14))):
        at += rng.choice([0, 1, 1_000, SECOND])
        tenant = rng.choice(["", "", "t"])
        doc = draw(docs(rng.choice(IDS[:4])))
        key = (tenant, doc["id"])
        before = state.get(key)
        after = None if before is not None and rng.random() < 0.25 else stamped(doc, before, at, rng)
        events.append(event(len(events) + 1, at, tenant, before, after))
        if before is not None and after is not None:
            mark(before, after, events[-1].changes, iso(at))
        state = {k: v for k, v in state.items() if k != key}
        if after is not None:
            state[key] = after
        states.append(state)
    return events, states


@contextmanager
def opened(events: Sequence[Event], cut: int, batches: int = 3) -> Iterator[History]:
    """A history of the first ``cut`` events, loaded in batches that overlap, sorted to the end."""
    with tempfile.TemporaryDirectory() as directory:
        history = History.open(Path(directory), memory_mb=64)
        step = max(1, cut // batches)
        for start in range(0, cut, step):
            history.ingest(events[max(0, start - 1) : min(start + step, cut)])
            while history.maintain():
                pass
        assert history.last_seq == (events[cut - 1].seq if cut else 0)
        yield history
        history.close()


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "OPEN_ROWS", 6)
    monkeypatch.setattr(upkeep, "FAN_IN", 2)


@settings(max_examples=12, deadline=None)
@given(histories(), st.data())
def test_state_at_is_the_replay_of_the_events(
    made: tuple[list[Event], list[State]], data: st.DataObject
) -> None:
    events, states = made
    cut = data.draw(st.integers(0, len(events)))
    tail = events[max(0, cut - 2) :]  # too many rather than too few
    with opened(events, cut) as history:
        for at in {e.at + d for e in events for d in (-1, 0)}:
            known = max((i + 1 for i, e in enumerate(events) if e.at <= at), default=0)
            for tenant in ("", "t"):
                wanted = {i: doc for (owner, i), doc in states[known].items() if owner == tenant}
                found = {d["id"]: d for d in history.state_at(tenant, at, tail=tail)}
                assert found == wanted
                one = history.state_at(tenant, at, entity_ids=[IDS[0]], tail=tail)
                assert one == [doc for name, doc in wanted.items() if name == IDS[0]]
                typed = history.state_at(tenant, at, types=["x:A"], tail=tail)
                assert {d["id"] for d in typed} == {i for i, d in wanted.items() if "x:A" in d["type"]}


def naive(events: Sequence[Event], name: str, query: TemporalQuery) -> dict[str, list[Instance]]:
    """Every instance ever set, filtered and ordered by plain loops."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    prop = query.timeproperty
    for e in events:
        if e.tenant or e.entity_id != name:
            continue
        for change in e.changes:
            old = {one.get("datasetId"): one for one in change.before or ()}
            if not change.attr:
                continue
            if prop == "deletedAt":
                new = {one.get("datasetId") for one in change.after or ()}
                for dataset, one in old.items():
                    if dataset not in new:
                        found.setdefault(change.attr, []).append((e.at, dataset or "", e.seq, one))
                continue
            for one in change.after or ():
                if old.get(one.get("datasetId")) != one:
                    when = one.get(prop)
                    if when is None and query.timerel is not None:
                        continue
                    at = e.at if when is None else parse_time(when)
                    found.setdefault(change.attr, []).append((at, one.get("datasetId", ""), e.seq, one))
    result = {}
    for attr, rows in found.items():
        if query.timerel in ("after", "between"):
            rows = [row for row in rows if row[0] >= query.time_at]
        if query.timerel == "before":
            rows = [row for row in rows if row[0] < query.time_at]
        if query.timerel == "between":
            rows = [row for row in rows if row[0] < query.end_time_at]
        if (
            prop == "observedAt"
        ):  # the last word on one moment counts, of those that are said to be of a moment
            told = sorted(rows, key=lambda row: row[2])
            rows = list({row[:2] if prop in row[3] else row[1:3]: row for row in told}.values())
        rows.sort(key=lambda row: (row[0], row[2], row[1]))
        if query.last_n is not None:
            rows = rows[::-1][: query.last_n]
        rows = rows[query.offset_instances : query.offset_instances + query.limit_instances]
        if rows or (query.offset_instances and found[attr]):
            result[attr] = [row[3] for row in rows]
    return result


temporal_queries = st.builds(
    TemporalQuery,
    timerel=st.sampled_from([None, "before", "after", "between"]),
    time_at=st.integers(0, 4).map(lambda n: START + n * SECOND),
    end_time_at=st.integers(1, 6).map(lambda n: START + n * SECOND),
    timeproperty=st.sampled_from(["observedAt", "modifiedAt", "createdAt", "deletedAt"]),
    last_n=st.none() | st.integers(1, 3),
    limit_instances=st.sampled_from([2, 1000]),
)


@settings(max_examples=12, deadline=None)
@given(histories(), temporal_queries, st.data())
def test_temporal_is_one_answer_wherever_the_tail_begins(
    made: tuple[list[Event], list[State]], query: TemporalQuery, data: st.DataObject
) -> None:
    events, _ = made
    cut = data.draw(st.integers(0, len(events)))
    for where in (cut, len(events)):
        with opened(events, where) as history:
            for name in IDS[:4]:
                found = history.temporal("", name, [], query, tail=events[max(0, where - 2) :])
                wanted = naive(events, name, query)
                if query.timeproperty == "deletedAt":
                    found = {
                        attr: [(o["deletedAt"], o["type"]) for o in ones] for attr, ones in found.items()
                    }
                    wanted = {attr: [o["type"] for o in ones] for attr, ones in wanted.items()}
                    assert {attr: [kind for _, kind in ones] for attr, ones in found.items()} == wanted
                else:
                    assert found == wanted
                for attr in wanted:
                    hidden = history.temporal(
                        "", name, [attr], query, tail=events[where:], hidden=frozenset([attr])
                    )
                    assert hidden == {}


@given(docs(), st.randoms(use_true_random=False))
def test_join_undoes_split(doc: Doc, rng: Any) -> None:
    at = START + rng.randrange(10**9)
    for instances in stamped(doc, None, at, rng)["attrs"].values():
        for one in instances:
            form, t, created, num, num2, body = split(one, at)
            assert join(read_form(form), one.get("datasetId", ""), t, at - t, created, num, num2, body) == one


def readings(values: Sequence[tuple[int, Any]], attr: str = "x:v") -> list[Event]:
    """One event a value: (observedAt in seconds after START, value), in this order of arrival."""
    before: Doc | None = None
    events = []
    for n, (second, value) in enumerate(values):
        at = START + DAY + n * SECOND
        one = {"type": "Property", "value": value, "observedAt": iso(START + second * SECOND, 0)}
        doc = {
            "id": "urn:s",
            "type": ["x:S"],
            "attrs": {attr: [{**one, "createdAt": iso(START + DAY), "modifiedAt": iso(at)}]},
        }
        events.append(event(n + 1, at, "", before, doc))
        before = doc
    return events


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(-1000, 1000) | st.floats(-1e3, 1e3)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([0, 7, 10]),
    st.integers(0, 30),
    st.booleans(),
)
def test_aggregates_are_those_of_a_plain_fold(
    values: list[tuple[int, Any]], period_s: int, cut: int, bounded: bool
) -> None:
    """Out of order and repeated observations included: the last word on each moment counts, once."""
    events = readings(values)
    cut = min(cut, len(events))
    low, high = START + 5 * SECOND, START + 35 * SECOND
    query = TemporalQuery(
        "between" if bounded else None, low, high, aggr_methods=METHODS, aggr_period=f"PT{period_s}S"
    )
    with opened(events, cut) as history:
        found = history.temporal("", "urn:s", ["x:v"], query, tail=events[cut:]).get("x:v", {})
    final = {START + second * SECOND: float(value) for second, value in values}
    if bounded:
        final = {at: value for at, value in final.items() if low <= at < high}
    begin = low if bounded else min(final, default=0)
    buckets: dict[int, list[float]] = {}
    for at in sorted(final):
        start = begin + (at - begin) // (period_s * SECOND) * period_s * SECOND if period_s else begin
        buckets.setdefault(start, []).append(final[at])
    for method in METHODS if buckets else ():
        rows = found[method]
        assert [row[1] for row in rows] == [shortest(start) for start in buckets]
        for row, part in zip(rows, buckets.values(), strict=True):
            mean = sum(part) / len(part)
            wanted = {
                "totalCount": len(part),
                "distinctCount": len(set(part)),
                "sum": sum(part),
                "avg": mean,
                "min": min(part),
                "max": max(part),
                "stddev": math.sqrt(sum((v - mean) ** 2 for v in part) / len(part)),
                "sumsq": sum(v * v for v in part),
            }[method]
            assert row[0] == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def test_texts_and_arrays_aggregate_as_the_table_of_the_clause_says() -> None:
    query = TemporalQuery(aggr_methods=("totalCount", "distinctCount", "min", "max", "sum"))
    with opened(readings([(1, "b"), (2, "a"), (3, "b")]), 3) as history:
        found = history.temporal("", "urn:s", [], query)["x:v"]
    assert [found[m][0][0] for m in ("totalCount", "distinctCount", "min", "max")] == [3, 2, "a", "b"]
    assert "sum" not in found
    with opened(readings([(1, [1, 2]), (2, [])]), 1) as history:
        found = history.temporal("", "urn:s", [], query, tail=readings([(1, [1, 2]), (2, [])])[1:])["x:v"]
    assert found["sum"][0][0] == 2


def test_months_begin_at_local_midnight_and_days_may_have_25_hours() -> None:
    start = parse_time("2026-01-15T12:00:00Z")
    months = edges(parse_period("P1M"), start, parse_time("2026-03-02T00:00:00Z"), "Asia/Bangkok", align=True)
    assert [iso(at, 0) for at in months.tolist()] == [
        "2025-12-31T17:00:00Z",
        "2026-01-31T17:00:00Z",
        "2026-02-28T17:00:00Z",
        "2026-03-31T17:00:00Z",
    ]
    autumn = parse_time("2026-10-25T10:00:00Z")
    days = edges(parse_period("P1D"), autumn, autumn, "Europe/Berlin", align=True).tolist()
    assert days[1] - days[0] == 25 * HOUR
    ends = edges(
        parse_period("P1M"), parse_time("2026-01-31T00:00:00Z"), start + 40 * DAY, "UTC", align=False
    )
    assert [iso(at, 0)[:10] for at in ends.tolist()] == ["2026-01-31", "2026-02-28"]


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "PT1H2", "P1.5D", "P-1D", "P99999999Y"])
def test_a_wrong_period_is_refused(text: str) -> None:
    with pytest.raises(BadRequestData):
        parse_period(text)


def test_a_batch_that_fails_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    events = readings([(n, n) for n in range(10)])
    history = History.open(tmp_path)
    broken = Event(11, "", START, "test", EventKind.UPDATED, "urn:s", (), (), [Change("x:v", None, [{"type": []}])], None)  # fmt: skip
    with pytest.raises(TypeError):
        history.ingest([*events, broken])
    assert (history.last_seq, history.rows) == (0, 0)
    history.ingest(events)
    history.ingest(events)
    assert history.last_seq == 10
    rows = history.rows
    history.close()
    again = History.open(tmp_path)
    assert (again.last_seq, again.rows) == (10, rows)
    assert len(again.temporal("", "urn:s", [], TemporalQuery())["x:v"]) == 10
    again.close()


def test_a_question_that_was_broken_off_holds_no_transaction_open(tmp_path: Path) -> None:
    """Otherwise the file could never be tidied, and would only grow."""
    history = History.open(tmp_path)
    history.ingest(readings([(n, n) for n in range(3000)]))

    def ask(snapshot: Snapshot, cursor: Any) -> Any:
        rows = snapshot.union("seq", "true")
        return cursor.execute(f"SELECT a.seq FROM ({rows}) a, ({rows}) b").fetchone()

    assert history._store.read(ask)
    (cursor,) = history._store._idle
    cursor.register("probe", {"a": np.arange(1)})  # DuckDB refuses while a result is unfinished
    history.close()


def test_readers_go_on_while_rows_are_loaded_and_sorted(tmp_path: Path) -> None:
    """At any moment, history and tail together give every reading exactly once."""
    events = readings([(n, n) for n in range(400)])
    history = History.open(tmp_path)
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                found = history.temporal("", "urn:s", ["x:v"], TemporalQuery(), tail=events)
                assert [one["value"] for one in found["x:v"]] == list(range(400))
                (doc,) = history.state_at("", events[-1].at, tail=events)
                assert doc["attrs"]["x:v"][0]["value"] == 399
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(0, 400, 20):
        history.ingest(events[start : start + 20])
        while history.maintain():
            pass
    done.set()
    for thread in threads:
        thread.join()
    history.close()
    assert not failures


def test_closing_breaks_off_what_is_asked(tmp_path: Path) -> None:
    """No question under way keeps the file from being closed in order, whatever it does; it is told to ask again."""
    history = History.open(tmp_path)
    history.ingest(readings([(n, n) for n in range(3000)]))
    began, failures = threading.Barrier(4), list[BaseException]()

    def long(snapshot: Snapshot, cursor: Any) -> Any:
        rows = snapshot.union("seq", "true")
        began.wait()
        return cursor.execute(f"SELECT count(*) FROM ({rows}) a, ({rows}) b, ({rows}) c").fetchone()

    def read() -> None:
        try:
            history._store.read(long)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    began.wait()
    history.close()
    for thread in threads:
        thread.join(10)
    assert [type(error) for error in failures] == [Unavailable] * 3
    with pytest.raises(Unavailable):
        history._store.read(long)
    again = History.open(tmp_path)
    assert again.last_seq == 3000
    again.close()


LOADER = """
import sys
from pathlib import Path
from andaman.broker.history import History
from andaman.broker.history.segments import recent, segment as segments, sorting, store, upkeep
from tests.broker.history.test_history import readings
store.OPEN_ROWS, upkeep.FAN_IN = 30, 2
history = History.open(Path(sys.argv[1]))
events = readings([(n, n) for n in range(2000)])
print("ready", flush=True)
while history.last_seq < 2000:
    history.ingest(events[max(0, history.last_seq - 3) : history.last_seq + 10])
    print(history.last_seq, flush=True)
    history.maintain()
"""


def test_a_kill_loses_no_row_and_doubles_none(tmp_path: Path) -> None:
    """SIGKILL at random moments of loading and sorting; what ``last_seq`` says is there is there, once."""
    rng = random.Random(4)
    path = [str(Path(__file__).parents[3]), str(Path(__file__).parents[3] / "src")]
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", LOADER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )
        assert process.stdout is not None
        told = 0
        for _, line in zip(range(rng.randrange(5, 25)), process.stdout, strict=False):
            told = int(line) if line.strip().isdigit() else told
        process.kill()
        process.wait()
        process.stdout.close()
        history = History.open(tmp_path)
        last = history.last_seq
        assert last >= told
        found = history.temporal("", "urn:s", ["x:v"], TemporalQuery(timeproperty="modifiedAt"))
        assert [one["value"] for one in found.get("x:v", [])] == list(range(last))
        history.close()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 70)), max_size=12), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_pieces_cover_every_row_once(groups: list[tuple[int, int, int]], cut: bool) -> None:
    """Whatever the sizes of attributes and entities, the pieces are disjoint and complete, small, and in order."""
    rng = random.Random(2)
    db = duckdb.connect()
    rows = [(attr, entity, rng.randrange(1000)) for attr, entity, count in groups for _ in range(count)]
    db.execute("CREATE TABLE r AS SELECT unnest(?::INTEGER[]) AS attr, unnest(?::INTEGER[]) AS entity, unnest(?::BIGINT[]) AS ms",
               tuple([row[n] for row in rows] for n in range(3)))  # fmt: skip
    size = 20
    parts = pieces(db, "SELECT * FROM r", size, cut=cut)
    found = [db.execute(f"SELECT attr, entity, ms FROM r WHERE {part}").fetchall() for part in parts]
    db.close()
    assert sorted(row for some in found for row in some) == sorted(rows)
    keys = [[row[:2] for row in some] for some in found if some]
    assert all(max(one) <= min(other) for one, other in pairwise(keys))
    if not cut:  # then a series is whole
        assert all(set(one).isdisjoint(other) for one, other in pairwise(keys))
        assert all(len(one) <= size or len(set(one)) == 1 for one in keys)


MOMENTS = st.one_of(st.integers(1_790_000_000_000, 1_790_000_100_000), st.integers(-(1 << 52), 1 << 52))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 3),
            st.integers(0, 1),
            st.lists(st.tuples(MOMENTS, st.integers(-(1 << 40), 1 << 40)), min_size=1, max_size=90),
        ),
        max_size=10,
    ),
    st.integers(0, 5),
    st.tuples(MOMENTS, st.integers(0, 999)),
    st.tuples(MOMENTS, st.integers(0, 999)),
)
@settings(max_examples=60, deadline=None)
def test_sorted_rows_are_the_rows_that_were_told(
    series: list[Any], parts: int, first: tuple[int, int], last: tuple[int, int]
) -> None:
    """What is worked out on reading (moment, position) is what came in, in order, however far apart moments lie; and
    bounds of time choose the same rows."""
    db = duckdb.connect()
    db.execute(f"CREATE TABLE r ({segments.COLUMNS})")
    for attr, entity, dataset, rows in series:
        for ms, seq in rows:
            db.execute(
                "INSERT INTO r VALUES (1, ?, ?, ?, 0, 0, ?, 5, 77, ?, 12, 3, 1.5, NULL, NULL)",
                (entity, attr, dataset, ms, seq),
            )
    told = db.execute(f"SELECT {segments.ALL} FROM r ORDER BY ALL").fetchall()
    sorting.create(db, "seg_1")
    for n in range(parts + 1):
        sorting.insert(db, "seg_1", f"SELECT * FROM r WHERE attr % {parts + 1} = {n}")
    assert db.execute(f"SELECT {segments.ALL} FROM seg_1 ORDER BY ALL").fetchall() == told
    keys = db.execute(
        f"SELECT attr % {parts + 1}, attr, entity, dataset FROM seg_1 ORDER BY rowid"
    ).fetchall()
    assert keys == sorted(keys)
    segment = Segment(1, 0, len(told), 0, 0, 0, 0, 0, days=True)
    t_from, t_to = sorted(ms * 1000 + us for ms, us in (first, last))
    chosen = Snapshot(0, (segment,)).union("ms, us", "true", t_from=t_from, t_to=t_to, only=[segment])
    assert sorted(db.execute(chosen).fetchall()) == sorted(
        (row[6], row[7]) for row in told if t_from <= row[6] * 1000 + row[7] <= t_to
    )
    db.close()


def test_a_long_series_goes_on_where_the_one_before_ended() -> None:
    """That is what makes its column small: neighbours differ as readings do, across the border between two series too."""
    db = duckdb.connect()
    db.execute(f"CREATE TABLE r ({segments.COLUMNS})")
    for entity in range(3):
        for n in range(40):
            ms = 1_790_000_000_000 + n * 300_000 + entity * 1_000
            db.execute(
                "INSERT INTO r VALUES (1, ?, 2, 0, 0, 0, ?, 0, 77, ?, 12, 3, 1.5, NULL, NULL)",
                (entity, ms, 1000 + n * 3 + entity),
            )
    sorting.create(db, "seg_1")
    sorting.insert(db, "seg_1", "SELECT * FROM r")
    columns = db.execute("SELECT tick, step FROM seg_1 ORDER BY rowid").fetchall()
    assert {(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(columns)} == {(300_000, 3)}
    db.close()


def test_a_file_of_the_format_before_is_gone_on_with(tmp_path: Path) -> None:
    """Its segments stay as they are until they are sorted with others; the answers are the same."""
    docs: dict[str, Doc] = {}
    events = []
    for n in range(1, 30):
        name, at = f"urn:{n % 3}", START + n * SECOND
        one = {"type": "Property", "value": n, "createdAt": iso(START), "modifiedAt": iso(at)}
        doc: Doc = {"id": name, "type": ["x:A"], "attrs": {"x:v": [one]}}
        events.append(event(n, at, "", docs.get(name), doc))
        docs[name] = doc

    def as_before(db: Any, table: str, rows: str) -> set[int]:
        db.execute(f"INSERT INTO {table} SELECT * FROM ({rows}) ORDER BY entity, attr, ms")
        return set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "OPEN_ROWS", 10)
        patch.setattr(upkeep, "FAN_IN", 2)
        patch.setattr(sorting, "SORTED", segments.COLUMNS)
        patch.setattr(sorting, "insert", as_before)
        old = History.open(tmp_path)
        for end in range(5, 21, 5):
            old.ingest(events[:end])
            while old.maintain():
                pass
        old._store.db.execute("UPDATE format SET version = 2")
        old._store.db.execute("ALTER TABLE segment DROP COLUMN days")
        old._store.db.execute("ALTER TABLE segment DROP COLUMN again")
        told = old.state_at("", START + DAY)
        assert [one.level for one in old._store.snapshot.segments if one.level > 0]
        old.close()
        patch.undo()
        patch.setattr(store, "OPEN_ROWS", 10)
        patch.setattr(upkeep, "FAN_IN", 2)
        again = History.open(tmp_path)
        assert again.state_at("", START + DAY) == told
        some = TemporalQuery("between", START + 5 * SECOND, START + 15 * SECOND, timeproperty="modifiedAt")
        part = [again.temporal("", name, ["x:v"], some) for name in docs]
        again.ingest(events)
        while again.maintain():
            pass
        fresh = History.open(tmp_path / "fresh")
        fresh.ingest(events)
        assert again.state_at("", START + DAY) == fresh.state_at("", START + DAY)
        assert (
            part
            == [fresh.temporal("", name, ["x:v"], some) for name in docs]
            == [again.temporal("", name, ["x:v"], some) for name in docs]
        )
        assert again._store.db.execute("SELECT version FROM format").fetchall() == [(store.FORMAT,)]
        again.close()
        fresh.close()


def test_a_question_that_finds_no_memory_is_asked_again_alone(tmp_path: Path) -> None:
    """First beside everything else, then while nothing is sorted; only then it is refused, with what to do."""
    history = History.open(tmp_path)
    room = history._store.room
    alone: list[bool] = []

    def ask(fails: int) -> Any:
        def answer(*_: Any) -> str:
            alone.append(room.locked())
            if len(alone) <= fails:
                raise duckdb.OutOfMemoryException("no room")
            return "answer"

        alone.clear()
        return history._store.read(answer)

    assert ask(0) == "answer"
    assert alone == [False]
    assert ask(1) == "answer"
    assert alone == [False, True]
    with pytest.raises(TooManyResults, match="history_memory_mb"):
        ask(2)
    assert not room.locked()
    history.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=12), min_size=1, max_size=12),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 60),
)
def test_rows_in_memory_are_those_that_were_taken(
    parts: list[list[int]], wanted: set[int], seen: int
) -> None:
    """However the runs were put together: of each entity, and only up to the position that is asked for."""
    runs: tuple[recent.Run, ...] = ()
    taken: list[tuple[int, int]] = []
    for part in parts:
        base = len(taken)
        taken += [(entity, base + at) for at, entity in enumerate(part)]
        columns = {name: np.zeros(len(part)) for name in recent.FIELDS}
        columns |= {"entity": np.array(part), "seq": base + np.arange(len(part))}
        runs = recent.grown(runs, recent.run_of(columns))
        assert len(runs) <= 1 + math.log2(len(taken) + 1)
    choice = recent.Choice(np.array(sorted(wanted)), None, (), None, (0,))
    found = recent.find([runs], choice, seen)
    pairs = sorted(zip(found["entity"].tolist(), found["seq"].tolist(), strict=True))
    assert pairs == sorted((entity, seq) for entity, seq in taken if entity in wanted and seq <= seen)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=5), st.integers(0, 6))
def test_times_are_written_alike_one_by_one_and_together(times: list[int], digits: int) -> None:
    """Also before 1970."""
    assert iso_each(np.array(times), digits) == [iso(at, digits) for at in times]
