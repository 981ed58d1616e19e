"""History alone: loading, size on disk, and the questions of the targets, on generated sensor rows.

10,000 sensors with one numeric attribute each and about 1,000 readings a sensor over a year, in order of arrival; one
more ("the busy one") has a reading every five minutes. The first readings come as journal events and measure loading;
the others are appended as arrays, because making ten million events in Python would take minutes. Upkeep runs
between the batches, as in the background.
Run: python -m bench.history_bench [--quick]
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from andaman.broker.history import History
from andaman.broker.history.rows.rows import iso
from andaman.broker.model import Change, Event, EventKind
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import DAY, SECOND, parse_time

Row = dict[str, Any]
BEGIN = parse_time("2025-11-22T00:00:00Z")
YEAR = 365 * DAY
BUSY = "urn:ngsi-ld:Device:busy"
ATTR = "urn:x:temperature"
ROWS_AT_ONCE = 500_000


def name_of(n: int) -> str:
    return BUSY if n < 0 else f"urn:ngsi-ld:Device:{n:05d}"


def events(sensors: int, readings: int) -> Iterator[Event]:
    """Creation of every sensor, then ``readings`` of each, one a minute, in order of commit."""
    rng = random.Random(7)
    seq = 0
    meta = [Change("", None, [{"type": ["urn:x:Device"]}])]
    for n in range(-1, sensors):
        seq += 1
        yield Event(seq, "", BEGIN, "bench", EventKind.CREATED, name_of(n), ("urn:x:Device",), (), meta, None)
    for k in range(readings):
        for n in range(-1, sensors):
            seq += 1
            at = BEGIN + (k + 1) * 60 * SECOND + n * 5_000
            one = {
                "type": "Property",
                "value": round(rng.gauss(28, 3), 1),
                "unitCode": "CEL",
                "observedAt": iso((at - rng.randrange(SECOND)) // 1000 * 1000, 3),
                "createdAt": iso(BEGIN),
                "modifiedAt": iso(at),
            }
            change = [Change(ATTR, [], [one])]
            yield Event(
                seq, "", at, "bench", EventKind.UPDATED, name_of(n), ("urn:x:Device",), (), change, None
            )


def arrays(
    history: History, sensors: int, readings: int, every: int | None = None, first_seq: int | None = None
) -> Iterator[tuple[dict[str, Any], int]]:
    """``readings`` of every sensor as columns, in order of commit, with the last position of each part.

    ``every`` None: spread over the year after the first day, all sensors within one minute of each other. Otherwise: one
    each so many µs until the year's end, each sensor at a phase of its own, a second more or less. The busy one
    always has its whole year.
    """
    store = history._store
    sample = store.read(
        lambda snapshot, cursor: cursor.execute(
            f"SELECT * FROM ({snapshot.union('*', 'op = 0')}) WHERE attr = {store.names.word(ATTR)} LIMIT 1"
        ).fetchnumpy()
    )
    rng = np.random.default_rng(7)
    begin = BEGIN + DAY
    often = np.arange(begin, BEGIN + YEAR, 300 * SECOND)
    if every is None:
        rounds = begin + (YEAR - DAY) * np.arange(readings + 1) // readings
    else:
        rounds = BEGIN + YEAR - every * np.arange(readings, -1, -1)
    phase = rng.integers(0, every or 1, sensors)
    at_once = max(1, ROWS_AT_ONCE // sensors)
    seq = history.last_seq if first_seq is None else first_seq
    earlier = often[often < rounds[0]]
    for low in range(0, readings, at_once):
        high = min(low + at_once, readings)
        entity = np.tile(np.arange(1, sensors + 1), high - low)
        spread = 60 * SECOND if every is None else SECOND
        at = (
            np.repeat(rounds[low:high], sensors)
            + np.tile(phase, high - low)
            + rng.integers(0, spread, len(entity))
        )
        busy = np.concatenate([earlier, often[(often >= rounds[low]) & (often < rounds[high])]])
        earlier = earlier[:0]
        at = np.concatenate([at, busy])
        entity = np.concatenate([entity, np.zeros(len(busy), dtype=np.int64)])
        order = np.argsort(at, kind="stable")
        entity, at = entity[order], at[order]
        count = len(at)
        # Devices report milliseconds; a message takes up to a second.
        ms = (at - rng.integers(0, SECOND, count)) // 1000
        columns = {name: np.full(count, values[0]) for name, values in sample.items()}
        columns["entity"] = entity.astype(np.int32)
        columns["ms"], columns["us"], columns["lag"] = ms, np.zeros(count, dtype=np.int16), at - ms * 1000
        columns["seq"] = seq + 1 + np.arange(count)
        columns["num"] = np.round(rng.normal(28, 3, count), 1)
        columns["body"] = np.full(count, None)
        seq += count
        yield columns, seq


def run(quick: bool = False, directory: Path | None = None) -> list[Row]:
    """Rows of name, value, unit, target."""
    sensors, first, readings = (1_000, 50, 900) if quick else (10_000, 20, 980)
    rows: list[Row] = []

    def row(name: str, value: float, unit: str, target: str = "") -> None:
        rows.append({"name": name, "value": round(value, 3), "unit": unit, "target": target})

    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        history = History.open(Path(temporary))
        loading = longest = sorting = 0.0
        batch: list[Event] = []

        def upkeep() -> None:
            nonlocal sorting, longest
            more = True
            while more:
                start = time.perf_counter()
                more = history.maintain()
                step = time.perf_counter() - start
                sorting += step
                longest = max(longest, step)

        def load() -> None:
            nonlocal loading, batch
            start = time.perf_counter()
            history.ingest(batch)
            loading += time.perf_counter() - start
            batch = []

        for event in events(sensors, first):
            batch.append(event)
            if len(batch) == 20_000:
                load()
                upkeep()
        load()
        row("load events into history", history.rows / loading, "rows/s")
        start = time.perf_counter()
        before = history.rows
        sorting = 0.0
        for columns, seq in arrays(history, sensors, readings):
            history._store.append(columns, seq)
            upkeep()
        took = time.perf_counter() - start - sorting
        count = history.rows
        at = BEGIN + YEAR
        row("history rows", count, "")
        row("append arrays to history", (count - before) / took, "rows/s")
        row("re-sort", (count - before) / max(sorting, 1e-9), "rows/s")
        row("longest step of re-sorting", longest, "s")

        def measure(name: str, target: str, ask: Any, repeat: int = 20) -> None:
            samples = []
            for n in range(repeat):
                start = time.perf_counter()
                ask(n)
                samples.append((time.perf_counter() - start) * 1000)
            row(f"{name}, median", float(np.median(samples)), "ms", target)
            row(f"{name}, p95", float(np.percentile(samples, 95)), "ms")

        day = TemporalQuery("after", at - DAY)
        hourly = TemporalQuery(aggr_methods=("avg",), aggr_period="PT1H")
        measure("busy sensor's last day", "< 10", lambda _: history.temporal("", BUSY, [ATTR], day))
        measure(
            "any sensor's last day",
            "< 10",
            lambda n: history.temporal("", name_of(n * 37 % sensors), [ATTR], day),
        )
        measure(
            "busy sensor's hourly means, a year",
            "< 50",
            lambda _: history.temporal("", BUSY, [ATTR], hourly),
        )
        measure(
            f"whole city ({sensors} entities) as of a second",
            "< 1000",
            lambda n: history.state_at("", BEGIN + YEAR * (n + 1) // 4),
            3,
        )
        measure(
            "one entity as of a second",
            "",
            lambda n: history.state_at("", BEGIN + YEAR // 2, entity_ids=[name_of(n)]),
        )
        used = history._store.read(
            lambda _, cursor: cursor.execute(
                "SELECT used_blocks * block_size FROM pragma_database_size()"
            ).fetchone()
        )
        row("history bytes a row (blocks in use)", used[0] / count, "B")
        history.close()
        size = sum(os.path.getsize(path) for path in Path(temporary).rglob("*") if path.is_file())
        row("history file", size / 1e6, "MB")
    return rows


if __name__ == "__main__":
    for line in run("--quick" in sys.argv):
        print(f"{line['name']:60} {line['value']:>14} {line['unit']:8} {line['target']}")
