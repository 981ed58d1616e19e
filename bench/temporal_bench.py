"""The past through the HTTP door: the last ten readings of sensors, aggregates, and queries over the whole city.

10,000 sensors with 40 readings each, written by batches and moved to history; every write is durable before its answer. Then, for
conditions on values, 20,000 sensors with 100 readings each in the interval, of which 1 % meet them once. Run:
python -m bench temporal. Each entity is asked for the first time ("cold"), again and again ("warm", nothing written in between),
and while readings come in.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from andaman.broker.history import History
from andaman.kernel.time import SECOND, parse_time
from bench.common import Row, directory, percentile, row, server
from bench.history_large_bench import ORDER, settled
from bench.write_load import load

PORT = 9142
BASE = "/ngsi-ld/v1/temporal/entities"


def _ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes, float]:
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body, (time.perf_counter() - start) * 1000


def _timed(
    name: str, path: str, repeat: int, target: str = "", least: int = 1, *, p95: bool = False
) -> list[Row]:
    """Median and p95 of one question; the answer must name at least so many entities. ``p95``: that is what the target is of."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    times = []
    for _ in range(repeat):
        status, body, ms = _ask(connection, path)
        found: Any = orjson.loads(body)
        if status not in (200, 206) or len(found) < least:
            raise RuntimeError(f"{path}: status {status}, {len(found)} entities")
        times.append(ms)
    connection.close()
    return [
        row(f"{name}, median", percentile(times, 50), "ms", "" if p95 else target),
        row("… p95", percentile(times, 95), "ms", target if p95 else ""),
    ]


def run(quick: bool = False) -> list[Row]:
    """Rates over 64 connections; single questions over one."""
    rows: list[Row] = []
    sensors, readings = (2_000, 20) if quick else (10_000, 40)
    seconds = 4.0 if quick else 8.0
    with directory() as data, server(data, PORT):
        load(PORT, 4, 600, "batches", first=0, count=sensors, size=1_000, seed=1)
        load(PORT, 4, 3600, "readings", count=sensors, each=readings, seed=2)
        time.sleep(3 if quick else 12)  # the journal's tail moves to history
        cold = load(PORT, 64, 600, "last_n", count=sensors, n=10, once=True, seed=3)
        rows.append(row("temporal lastN=10, cold, 64 connections", cold["rate"], "/s", ">= 2804"))
        rows.append(row("… p99", cold["p99"], "ms"))
        warm = load(PORT, 64, seconds, "last_n", count=sensors, n=10, once=False, seed=4)
        rows.append(row("temporal lastN=10, warm", warm["rate"], "/s", ">= 2804"))
        rows.append(row("… p99", warm["p99"], "ms"))
        writing = threading.Thread(
            target=load,
            args=(PORT, 8, seconds + 2, "paced"),
            kwargs={"count": sensors, "rate": 500, "seed": 5},
        )
        writing.start()
        mixed = load(PORT, 64, seconds, "last_n", count=sensors, n=10, once=False, seed=6)
        writing.join()
        rows.append(row("temporal lastN=10 while 500 readings/s come in", mixed["rate"], "/s", ">= 2804"))
        rows.append(row("… p99", mixed["p99"], "ms"))
        window = "timerel=after&timeAt=2026-11-22T00:00:00Z"
        for name, path, repeat in (
            ("one sensor, all readings", f"{BASE}/urn:ngsi-ld:Sensor:0000007?attrs=speed&{window}", 20),
            (
                "city: type, first 100 entities, all readings",
                f"{BASE}?type=Sensor&attrs=speed&limit=100&{window}&options=temporalValues",
                10,
            ),
            (
                "city: type + q over the interval, first 100",
                f"{BASE}?type=Sensor&q=speed%3E89&attrs=speed&limit=100&{window}&options=temporalValues",
                10,
            ),
            (
                "city: 1,000 entities, lastN=10",
                f"{BASE}?type=Sensor&attrs=speed&limit=1000&lastN=10&{window}&options=temporalValues",
                5,
            ),
            (
                "city: 1,000 entities, five-minute means",
                f"{BASE}?type=Sensor&attrs=speed&limit=1000&{window}&options=aggregatedValues&aggrMethods=avg"
                "&aggrPeriodDuration=PT5M",
                5,
            ),
            (
                "city: count of entities with a reading",
                f"{BASE}?type=Sensor&attrs=speed&limit=1&count=true&{window}",
                5,
            ),
        ):
            rows += _timed(name, path, repeat)
    return rows + _conditions(quick)


MANY = 20_000
EACH = 100
FIRST = parse_time("2026-11-23T00:00:00Z")


def _past(history: History, attr: str, many: int) -> Iterator[dict[str, Any]]:
    """Columns of a reading every five minutes of each sensor, in order of commit; of every hundredth one is above 100."""
    store = history._store
    rows = store.read(
        lambda snapshot, cursor: cursor.execute(
            snapshot.union("*", f"attr = {store.names.word(attr)} AND op = 0")
        ).fetchnumpy()
    )
    sample = {name: np.ma.getdata(values)[:1] for name, values in rows.items()}
    entity = np.unique(np.ma.getdata(rows["entity"])).astype(np.int32)
    rng = np.random.default_rng(7)
    for n in range(EACH):
        made = {name: np.full(many, values[0]) for name, values in sample.items()}
        at = FIRST // 1000 + n * 300_000 + np.sort(rng.integers(0, 290_000, many))
        mine = entity[rng.permutation(many)]
        num = np.round(rng.uniform(0, 90, many), 2)
        if n == EACH // 2:
            num[mine % 100 == 7] = 120.0
        made |= {"entity": mine, "ms": at, "us": np.zeros(many, dtype=np.int16), "num": num}
        made |= {"lag": rng.integers(0, SECOND, many), "body": np.full(many, None)}
        made["seq"] = np.arange((n - EACH) * many, (n + 1 - EACH) * many)
        yield {name: made[name] for name in ORDER}


def _conditions(quick: bool) -> list[Row]:
    """Questions with conditions, over entities that have all their readings in the interval."""
    rows: list[Row] = []
    many = MANY // 10 if quick else MANY
    with directory() as place:
        data = place / "data"
        with server(data, PORT) as running:
            load(running.port, 4, 600, "batches", first=0, count=many, size=1_000, seed=1)
            settled(running.port)
        history = History.open(data / "history")
        attr = next(text for text in history._store.names.texts if text.endswith("/speed"))
        for columns in _past(history, attr, many):
            history._store.append(columns, history.last_seq)
            while history.maintain():
                pass
        history.close()
        window = "timerel=between&timeAt=2026-11-23T00:00:00Z&endTimeAt=2026-11-23T09:00:00Z"
        base = f"{BASE}?type=Sensor&attrs=speed&{window}"
        near = "georel=near;maxDistance==2000&geometry=Point&coordinates=[98.3,7.9]&geoproperty=location"
        who = f"{many:,} entities of {EACH} instances"
        with server(data, PORT) as running:
            settled(running.port)
            for name, path, target, least in (
                ("q that 1 % meet, first 100", f"{base}&q=speed%3E100&limit=100", "< 300", many // 200),
                ("… counted", f"{base}&q=speed%3E100&limit=100&count=true", "", many // 200),
                ("… page of five of values", f"{base}&q=speed%3E100&limit=5&options=temporalValues", "", 5),
                ("q that all meet, first 100", f"{base}&q=speed%3E1&limit=100", "", 100),
                ("q that none meets", f"{base}&q=speed%3E500&limit=100", "", 0),
                ("q of two terms", f"{base}&q=speed%3E100;!noise&limit=100", "", many // 200),
                ("geoQ that none meets", f"{base}&{near}&limit=100", "", 0),
                ("idPattern of 1 %", f"{base}&idPattern=07$&limit=100", "", many // 200),
                ("scopeQ of a seventh", f"{base}&scopeQ=/city/zone3&limit=100", "", 0),
            ):
                rows += _timed(f"{who}: {name}", path, 20, target, min(least, 100), p95=True)
            writing = threading.Thread(
                target=load,
                args=(PORT, 8, 15.0, "paced"),
                kwargs={"count": many, "rate": 500, "seed": 5, "now": True},
            )
            writing.start()
            time.sleep(2)
            rows += _timed(
                f"{who}: q that 1 % meet, first 100, while 500 readings/s come in",
                f"{base}&q=speed%3E100&limit=100",
                20,
                "",
                min(many // 200, 100),
            )
            lately = f"{BASE}?type=Sensor&attrs=speed&timerel=after&timeAt=2026-11-24T00:00:00Z"
            rows += _timed(
                f"{who}: q that 1 % of what comes in meets, first 20",
                f"{lately}&q=speed%3E89.1&limit=20",
                20,
            )
            writing.join()
    return rows


def main() -> None:
    for one in itertools.chain(run(quick=True)):
        print(one)


if __name__ == "__main__":
    main()
