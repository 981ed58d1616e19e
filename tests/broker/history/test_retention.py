"""Laws of retention: rollups are the aggregates of the rows that were dropped, and nothing else changes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history import History
from andaman.broker.history.city.visibility import Everything
from andaman.broker.history.rows.aggregate import parse_period
from andaman.broker.history.rows.rows import iso
from andaman.broker.history.segments import store, upkeep
from andaman.broker.model import Doc, Event
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import HOUR, MINUTE, SECOND, parse_time
from tests.broker.history.test_history import event

START = parse_time("2026-11-22T00:00:00Z")
METHODS = ("totalCount", "sum", "avg", "min", "max", "stddev", "sumsq")
NAMES = ("urn:a", "urn:b", "urn:other")


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "OPEN_ROWS", 10)
    monkeypatch.setattr(upkeep, "FAN_IN", 2)


def readings(rng: random.Random, count: int, text: bool = False) -> list[Event]:
    """Readings of three entities over six hours of commits: some late, some told again for the same moment."""
    state: dict[str, Doc] = {}
    told: list[int] = []
    events: list[Event] = []
    for n in range(count):
        at = START + n * 6 * HOUR // count + rng.randrange(MINUTE)
        name = rng.choice(NAMES)
        observed = (
            rng.choice(told)
            if told and rng.random() < 0.2
            else at - rng.randrange(2 * HOUR) // SECOND * SECOND
        )
        told.append(observed)
        before = state.get(name)
        attrs = dict(before["attrs"]) if before else {}
        value: Any = rng.choice([rng.randrange(100), rng.uniform(-5, 5), True])
        if text and rng.random() < 0.1:
            value = "off"
        attrs["x:v"] = [{"type": "Property", "value": value, "observedAt": iso(observed), "createdAt": iso(START), "modifiedAt": iso(at)}]  # fmt: skip
        if rng.random() < 0.1:
            attrs["x:w"] = [{"type": "Property", "value": n, "createdAt": iso(START), "modifiedAt": iso(at)}]
        kind = "x:Other" if name == "urn:other" else "x:A"
        after: Doc = {
            "id": name,
            "type": [kind],
            "createdAt": iso(START),
            "modifiedAt": iso(at),
            "attrs": attrs,
        }
        if before is not None:
            after["createdAt"] = before["createdAt"]
        else:
            after["createdAt"] = iso(at)
        events.append(event(n + 1, at, "", before, after))
        state[name] = after
    return events


def settle(history: History) -> None:
    while history.maintain():
        pass


def asked(history: History, methods: tuple[str, ...], period: str, **more: Any) -> dict[str, Any]:
    query = TemporalQuery(aggr_methods=methods, aggr_period=period, **more)
    return {name: history.temporal("", name, [], query) for name in NAMES}


def same(found: Any, wanted: Any) -> None:
    """Equal, but for the last digits of sums."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            same(found[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, (int, float)):
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-7)
    else:
        assert found == wanted


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(20, 80), st.integers(1, 6), st.booleans())
def test_aggregates_states_and_newer_rows_are_as_before(
    rng: random.Random, count: int, hours: int, text: bool
) -> None:
    events = readings(rng, count, text)
    before = START + hours * HOUR
    whole: dict[str, Any] = {
        "timerel": "between",
        "time_at": START - 3 * HOUR,
        "end_time_at": START + 9 * HOUR,
    }
    newer = TemporalQuery("after", before)
    moments = [at for e in events for at in (e.at,) if at >= before]
    with tempfile.TemporaryDirectory() as directory:
        history = History.open(Path(directory), memory_mb=64)
        for start in range(0, count, 15):
            history.ingest(events[start : start + 15])
            settle(history)
        part = {**whole, "time_at": START + HOUR, "end_time_at": START + 4 * HOUR}
        methods = METHODS[:1] if text else METHODS  # of texts only the count is kept
        asks = [(period, span) for period in ("PT1H", "PT2H", "PT0S") for span in (whole, part)]
        wanted = [asked(history, methods, period, **span) for period, span in asks]
        states = [history.state_at("", at) for at in moments]
        later = {name: history.temporal("", name, [], newer) for name in NAMES}
        other = history.temporal("", "urn:other", [], TemporalQuery())
        rows = history.rows
        for moment in sorted({START + HOUR, before}):  # twice: what stayed goes later
            history.condense("", min(moment, before), types=["x:A"])
            settle(history)
        assert history.condensing[0] == 0
        assert history.rows == rows - history.condensing[1]
        for again in range(2):
            found = [asked(history, methods, period, **span) for period, span in asks]
            same(found, wanted)
            for at, state in zip(moments, states, strict=True):
                assert sorted(history.state_at("", at), key=lambda d: d["id"]) == sorted(
                    state, key=lambda d: d["id"]
                )
            assert {name: history.temporal("", name, [], newer) for name in NAMES} == later
            assert history.temporal("", "urn:other", [], TemporalQuery()) == other
            for name in ("urn:a", "urn:b"):
                for instances in history.temporal("", name, [], TemporalQuery("before", before)).values():
                    old = [one for one in instances if parse_time(one["modifiedAt"]) < before]
                    assert len(old) <= 1  # what the state as of that moment needs
            if not again:
                history.close()
                history = History.open(Path(directory), memory_mb=64)
        history.close()


def test_what_rollups_cannot_tell_is_refused_and_nothing_stays_without_them(tmp_path: Path) -> None:
    events = readings(random.Random(3), 60)
    history = History.open(tmp_path)
    history.ingest(events)
    history.condense("", START + 3 * HOUR, ids=["urn:a"], attrs=["x:v"])
    settle(history)

    def ask(name: str, period: str, methods: tuple[str, ...] = ("avg",), **more: Any) -> dict[str, Any]:
        return history.temporal(
            "", name, ["x:v"], TemporalQuery(aggr_methods=methods, aggr_period=period, **more)
        )

    assert ask("urn:a", "PT1H")
    for period, more in (
        ("PT5M", {}),
        ("PT90M", {}),
        ("PT1H", {"methods": ("distinctCount",)}),
        ("PT1H", {"timeproperty": "modifiedAt"}),
        ("PT1H", {"timerel": "after", "time_at": START + MINUTE}),
    ):
        assert ask("urn:b", period, **more)
        with pytest.raises(BadRequestData, match="only hourly"):
            ask("urn:a", period, **more)
    count = ask("urn:b", "PT0S", ("totalCount",))["x:v"]["totalCount"][0][0]
    history.condense("", START + 3 * HOUR, ids=["urn:b"], rollups=False)
    settle(history)
    assert ask("urn:b", "PT0S", ("totalCount",))["x:v"]["totalCount"][0][0] < count
    history.close()


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(10, 80), st.booleans())
def test_a_city_is_the_sum_of_its_entities(rng: random.Random, count: int, dropped: bool) -> None:
    """Aggregates over all entities are those of a plain fold, also when rows became rollups; the newest values are the state."""
    events = readings(rng, count)
    final: dict[tuple[str, int], float] = {}
    for one in events:
        assert one.doc is not None
        instance = one.doc["attrs"]["x:v"][0]
        final[one.entity_id, parse_time(instance["observedAt"])] = float(instance["value"])
    buckets: dict[str, list[float]] = {}
    for (_, at), value in final.items():
        buckets.setdefault(iso(at // HOUR * HOUR, 0), []).append(value)
    with tempfile.TemporaryDirectory() as directory:
        history = History.open(Path(directory), memory_mb=64)
        for start in range(0, count, 15):
            history.ingest(events[start : start + 15])
            settle(history)
        if dropped:
            history.condense("", START + 3 * HOUR)
            settle(history)
        found = history.city_means(
            "",
            "x:v",
            (),
            START - 3 * HOUR,
            START + 9 * HOUR,
            parse_period("PT1H"),
            tails={},
            sight=Everything(),
        )
        wanted = [
            [start, len(part), sum(part) / len(part), min(part), max(part)]
            for start, part in sorted(buckets.items())
        ]
        columns = (found.starts, found.counts, found.means, found.least, found.greatest)
        told = [[iso(row[0], 0), *row[1:]] for row in zip(*(one.tolist() for one in columns), strict=True)]
        same(told, wanted)
        state = {d["id"]: d["attrs"]["x:v"][0] for d in history.state_at("", 1 << 60)}
        last = history.newest_values("", "x:v", tails={}, sight=Everything())
        assert dict(zip(last.ids, last.values, strict=True)) == {n: one["value"] for n, one in state.items()}
        assert dict(zip(last.ids, last.times, strict=True)) == {
            n: parse_time(one["observedAt"]) for n, one in state.items()
        }
        history.close()


CONDENSER = """
import random, sys
from pathlib import Path
from andaman.broker.history import History
from andaman.broker.history.segments import store, upkeep
from andaman.kernel.time import HOUR
from tests.broker.history.test_retention import START
store.OPEN_ROWS, upkeep.FAN_IN = 10, 2
history = History.open(Path(sys.argv[1]))
history.condense("", START + int(sys.argv[2]) * HOUR)
print("step", flush=True)
while history.maintain():
    print("step", flush=True)
print("done", flush=True)
"""


def test_a_kill_while_rows_become_rollups_changes_no_aggregate(tmp_path: Path) -> None:
    """SIGKILL at random steps: what is found afterwards adds up to the same, and the job can be asked for again."""
    rng = random.Random(9)
    history = History.open(tmp_path)
    history.ingest(readings(rng, 70))
    settle(history)
    whole: dict[str, Any] = {
        "timerel": "between",
        "time_at": START - 3 * HOUR,
        "end_time_at": START + 9 * HOUR,
    }
    wanted = asked(history, METHODS, "PT1H", **whole)
    state = history.state_at("", 1 << 60)
    rows = history.rows
    history.close()
    root = Path(__file__).parents[3]
    for hours in (1, 2, 3, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", CONDENSER, str(tmp_path), str(hours)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])},
        )
        assert process.stdout is not None
        for _, line in zip(range(rng.randrange(1, 30)), process.stdout, strict=False):
            if line.startswith("done"):
                break
        process.kill()
        process.wait()
        process.stdout.close()
        history = History.open(tmp_path)
        same(asked(history, METHODS, "PT1H", **whole), wanted)
        assert history.state_at("", 1 << 60) == state
        history.close()
    history = History.open(tmp_path)
    history.condense("", START + 5 * HOUR)
    settle(history)
    assert history.rows < rows
    same(asked(history, METHODS, "PT1H", **whole), wanted)
    history.close()
