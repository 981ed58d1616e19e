"""History at 100 million rows: size, the questions of the targets, and a server at work on it.

10,000 sensors with a reading every five minutes each for 35 days, and one of them for a year. The sensors are made through
the door; their past is then put into the history file as arrays, sorted as in the background. The questions are asked of
the idle file; then over HTTP while the server takes 2,000 durable updates a second; then, in that same traffic, while the
historian sorts six million rows that came at once.
Run: python -m bench.history_large_bench [--quick]   (about eight minutes and 3 GB of disk)
"""

from __future__ import annotations

import gc
import http.client
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
import psutil

from andaman.broker.entity.build import iri
from andaman.broker.history import History
from andaman.broker.history.city.visibility import Everything
from andaman.broker.history.rows.aggregate import parse_period
from andaman.broker.history.rows.rows import iso
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import DAY, HOUR, SECOND, Micros, system_clock
from bench.common import Row, Server, directory, percentile, row, server
from bench.write_load import load

PORT = 9147
SENSORS = 10_000
STEP = 300 * SECOND
UNSORTED = 6_000_000
RATE = 2_000
KINDS = ("@born", "")
NGSI_LD = "/ngsi-ld/v1"


def name_of(n: int) -> str:
    return f"urn:ngsi-ld:Sensor:{n:07d}"


def past(history: History, attr: str, readings: int, end: Micros) -> Iterator[dict[str, Any]]:
    """Columns in order of commit: the sensors' beginnings a year ago, then their readings; positions below zero."""
    store = history._store
    word = store.names.word
    rows = store.read(
        lambda snapshot, cursor: cursor.execute(
            snapshot.union(
                "*", f"attr IN ({','.join(str(word(kind)) for kind in (*KINDS, attr))}) AND op = 0"
            )
        ).fetchnumpy()
    )
    rows.pop("seq")
    number = store.read(lambda _, cursor: store.names.entity(cursor, "", name_of(0)))
    born = np.isin(rows["attr"], [word(kind) for kind in KINDS])
    sample = {name: np.ma.getdata(values)[~born][:1] for name, values in rows.items()}
    numbers = np.unique(rows["entity"])
    numbers = np.concatenate([[number], numbers[numbers != number]])  # the one with a year first
    rng = np.random.default_rng(7)
    seq = -(len(rows["attr"]) + len(numbers) * readings + 400 * 288)
    begin = end - 366 * DAY

    def columns(base: dict[str, Any], count: int, ms: Any, lag: Any, **own: Any) -> dict[str, Any]:
        nonlocal seq
        made = {name: np.full(count, values[0]) for name, values in base.items()} | own
        made |= {"ms": ms, "us": np.zeros(count, dtype=np.int16), "lag": lag, "body": np.full(count, None)}
        # The file's columns stand in its own order; the position comes before the creation time.
        made["seq"] = seq + np.arange(count)
        seq += count
        return {name: made[name] for name in ORDER}

    first = {name: np.ma.getdata(values)[born] for name, values in rows.items()}
    count = int(born.sum())
    yield columns(
        sample,
        count,
        np.full(count, begin // 1000),
        np.zeros(count, dtype=np.int64),
        **{name: first[name] for name in ("tenant", "entity", "attr", "form", "num", "num2")},
    )
    often = np.arange(begin + HOUR, end - STEP * readings, STEP)
    phase = rng.integers(0, STEP - 2 * SECOND, len(numbers))
    at_once = max(1, 500_000 // len(numbers))
    for low in range(readings, 0, -at_once):
        rounds = end - STEP * np.arange(low, max(0, low - at_once), -1)
        at = np.repeat(rounds, len(numbers)) + np.tile(phase, len(rounds))
        at = np.concatenate([often, at + rng.integers(0, SECOND, len(at))])
        entity = np.concatenate([np.full(len(often), numbers[0]), np.tile(numbers, len(rounds))])
        often = often[:0]
        order = np.argsort(at, kind="stable")
        at, count = at[order], len(order)
        ms = (
            at - rng.integers(50_000, SECOND, count)
        ) // 1000  # milliseconds; a message takes up to a second
        yield columns(
            sample,
            count,
            ms,
            at - ms * 1000,
            entity=entity[order].astype(np.int32),
            num=np.round(rng.normal(28, 3, count), 1),
        )


ORDER = (
    "tenant", "entity", "attr", "dataset", "op", "place", "ms", "us", "lag", "seq", "created", "form",
    "num", "num2", "body",
)  # fmt: skip


def run(quick: bool = False) -> list[Row]:
    readings = 300 if quick else 10_000
    unsorted = 1_000_000 if quick else UNSORTED
    rows: list[Row] = []
    with directory() as place:
        data = place / "data"
        with server(data, PORT) as running:
            load(running.port, 4, 600, "batches", first=0, count=SENSORS, size=1_000, seed=1)
            settled(running.port)
        end = (system_clock() - HOUR) // DAY * DAY
        history = History.open(data / "history")
        attr = next(text for text in history._store.names.texts if text.endswith("/speed"))
        total = SENSORS * readings
        appending = sorting = longest = 0.0
        parts = past(history, attr, readings, end)
        waiting: list[dict[str, Any]] = []
        for columns in parts:
            if history.rows >= total - unsorted:
                waiting.append(columns)
                continue
            start = time.perf_counter()
            history._store.append(columns, history.last_seq)
            appending += time.perf_counter() - start
            more = True
            while more:
                start = time.perf_counter()
                more = history.maintain()
                took = time.perf_counter() - start
                sorting, longest = sorting + took, max(longest, took)
        count = history.rows
        rows.append(row("large history: rows sorted", count, ""))
        rows.append(row("large history: append arrays", count / appending, "rows/s"))
        rows.append(row("large history: sort, all levels", count / sorting, "rows/s"))
        rows.append(row("large history: longest step of sorting", longest, "s"))
        until = end - unsorted // SENSORS * STEP
        rows += in_process(history, attr, until)
        history.close()
        del history
        gc.collect()
        with server(data, PORT) as running:
            rows += under_load(running, until, attr, "2,000 updates/s", targets=True)
            rows += today(running, until, attr)
        history = History.open(data / "history")
        for columns in waiting:
            history._store.append(columns, history.last_seq)
        history.close()
        del history, waiting
        gc.collect()
        with server(data, PORT) as running:
            rows += under_load(running, end, attr, "sorting and 2,000 updates/s", targets=False)
        again = History.open(data / "history")
        while again.maintain():
            pass
        blocks = again._store.read(
            lambda _, cursor: cursor.execute(
                "SELECT used_blocks * block_size FROM pragma_database_size()"
            ).fetchall()[0][0]
        )
        kept = again.rows
        again.close()
        size = sum(path.stat().st_size for path in (data / "history").rglob("*") if path.is_file())
        rows.append(row("large history: rows at the end", kept, ""))
        rows.append(row("large history: bytes a row (blocks in use)", blocks / kept, "B", "<= 10"))
        rows.append(row("large history: file", size / 1e6, "MB", "< 1000"))
    return rows


def settled(port: int) -> None:
    """Wait until the historian answers. Raises RuntimeError with its answer when it does not."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    client.request(
        "GET", f"/ngsi-ld/v1/temporal/entities/{name_of(0)}", headers={"Accept": "application/json"}
    )
    answer = client.getresponse()
    body = answer.read()
    client.close()
    if answer.status not in (200, 206):
        raise RuntimeError(f"history does not answer: {answer.status} {body[:300]!r}")


def measured(name: str, target: str, ask: Callable[[int], Any], repeat: int = 15) -> list[Row]:
    samples = []
    for n in range(repeat):
        start = time.perf_counter()
        ask(n)
        samples.append((time.perf_counter() - start) * 1000)
    return [
        row(f"{name}, median", percentile(samples, 50), "ms", target),
        row(f"{name}, p95", percentile(samples, 95), "ms"),
    ]


def in_process(history: History, attr: str, end: Micros) -> list[Row]:
    """Questions to an idle history, without server and HTTP."""
    week = TemporalQuery("after", end - 7 * DAY)
    hourly = TemporalQuery("after", end - 365 * DAY, aggr_methods=("avg",), aggr_period="PT1H")
    kinds, sight = (iri("Sensor"),), Everything()
    five = parse_period("PT5M")
    return [
        *measured(
            "latest of 10,000 sensors",
            "< 50",
            lambda _: history.newest_values("", attr, kinds, tails={}, sight=sight),
        ),
        *measured(
            "one sensor's seven days (2,016 instances)",
            "< 30",
            lambda n: history.temporal("", name_of(n * 37 + 1), [attr], week),
        ),
        *measured(
            "hourly means of a year", "< 60", lambda _: history.temporal("", name_of(0), [attr], hourly)
        ),
        *measured(
            "city-wide five-minute means of a day",
            "< 500",
            lambda n: history.city_means(
                "", attr, kinds, end - (n + 2) * DAY, end - (n + 1) * DAY, five, tails={}, sight=sight
            ),
            5,
        ),
        *measured(
            "whole city as of a second",
            "< 1000",
            lambda n: history.state_at("", end - (n * 5 + 1) * DAY - 7 * HOUR),
            5,
        ),
    ]


def under_load(running: Server, end: Micros, attr: str, words: str, *, targets: bool) -> list[Row]:
    """The same over HTTP while updates arrive."""
    client = http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)
    type_iri = attr.rpartition("/")[0] + "/Sensor"

    def get(path: str) -> bytes:
        client.request("GET", path, headers={"Accept": "application/json"})
        answer = client.getresponse()
        body = answer.read()
        if answer.status not in (200, 206):
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return body

    def when(at: Micros) -> str:
        return quote(iso(at, 0))

    def of(number: int) -> str:
        return f"{NGSI_LD}/temporal/entities/{name_of(number)}?attrs=speed&timerel=after&timeAt="

    hourly = "&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=PT1H"
    city = f"type={quote(type_iri)}&attr={quote(attr)}"
    get(of(1) + when(end - 7 * DAY))
    year = get(of(0) + when(end - 365 * DAY) + hourly)
    if year.count(b"[") < 8_000:
        raise RuntimeError(f"a year of hours is missing: {year[:500]!r}")
    written: dict[str, Any] = {}
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            part = load(running.port, 16, 10.0, "paced", strict=False, count=SENSORS, rate=RATE, seed=3)
            if part["refused"]:
                print(f"  refused: {part['statuses']}, {part['errors']} connections broken", flush=True)
                print(running.log_tail(), flush=True)
            for name, value in part.items():
                written.setdefault(name, []).append(value)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(2)
    rng = random.Random(5)
    rows = []
    for name, target, repeat, path in (
        ("latest of 10,000 sensors", "< 50", 15, lambda _: f"/api/history/latest?{city}"),
        (
            "one sensor's seven days",
            "< 30",
            25,
            lambda _: of(rng.randrange(1, SENSORS)) + when(end - 7 * DAY) + "&options=temporalValues",
        ),
        ("hourly means of a year", "< 60", 25, lambda n: of(0) + when(end - 365 * DAY + n * HOUR) + hourly),
        (
            "city-wide five-minute means of a day",
            "< 500",
            7,
            lambda n: (
                f"/api/history/means?{city}&from={when(end - (n + 2) * DAY)}&to={when(end - (n + 1) * DAY)}&period=PT5M"
            ),
        ),
        (
            "whole city as of a second (page of 1,000)",
            "< 1000",
            5,
            lambda n: (
                f"{NGSI_LD}/entities?type=Sensor&limit=1000&at={when(end - (n * 5 + 1) * DAY - 7 * HOUR)}"
            ),
        ),
    ):
        rows += measured(
            f"HTTP, {words}: {name}",
            target if targets else "",
            lambda n, path=path: get(path(n)),  # type: ignore[misc]
            repeat,
        )
    done.set()
    writer.join()
    memory = sum(
        child.memory_info().rss for child in psutil.Process(running.process.pid).children(recursive=True)
    )
    rows += [
        row(f"… durable updates meanwhile ({words})", min(written["rate"]), "/s", ">= 1900"),
        row("… p99 of an update, the worst ten seconds", max(written["p99"]), "ms", "< 30"),
        row("… slowest update", max(written["max"]), "ms"),
        row("… updates refused", sum(written["refused"]), "", "<= 0"),
        row("… memory of the historian", memory / 2**20, "MB", "< 400"),
    ]
    client.close()
    return rows


def today(running: Server, end: Micros, attr: str) -> list[Row]:
    """The last day and what is observed now, while 2,000 updates a second bring it: every sensor's newest rows are not sorted yet."""
    client = http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)
    type_iri = attr.rpartition("/")[0] + "/Sensor"
    found: list[bytes] = []

    def get(path: str) -> None:
        client.request("GET", path, headers={"Accept": "application/json"})
        answer = client.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        found.append(body)

    def when(at: Micros) -> str:
        return quote(iso(at, 0))

    writer = threading.Thread(
        target=load,
        args=(running.port, 16, 40.0, "paced"),
        kwargs={"count": SENSORS, "rate": RATE, "seed": 4, "now": True},
    )
    writer.start()
    time.sleep(15)  # each of 10,000 sensors has told three times
    city = f"type={quote(type_iri)}&attr={quote(attr)}"
    rows = measured(
        "HTTP, 2,000 updates/s: city-wide five-minute means of today",
        "< 500",
        lambda _: get(
            f"/api/history/means?{city}&from={when(end - DAY)}&to={when(system_clock() + HOUR)}&period=PT5M"
        ),
        20,
    )
    newest = sum(one["count"] for one in orjson.loads(found[-1])[-3:])
    if newest < SENSORS // 10:
        raise RuntimeError(f"of today there are {newest} observations only")
    rows += measured(
        "HTTP, 2,000 updates/s: whole city as of the second ten seconds ago (page of 1,000)",
        "< 1000",
        lambda _: get(f"{NGSI_LD}/entities?type=Sensor&limit=1000&at={when(system_clock() - 10 * SECOND)}"),
        10,
    )

    def whole(n: int) -> None:
        for first in range(0, SENSORS, 1_000):
            at = when(end - (n * 5 + 2) * DAY - 7 * HOUR)
            get(f"{NGSI_LD}/entities?type=Sensor&limit=1000&offset={first}&at={at}")

    rows += measured(
        "HTTP, 2,000 updates/s: whole city as of a second, every page",
        "",
        whole,
        3,
    )
    writer.join()
    client.close()
    return rows


if __name__ == "__main__":
    for line in run("--quick" in sys.argv):
        print(f"{line['name']:70} {line['value']:>14} {line['unit']:8} {line['target']}")
