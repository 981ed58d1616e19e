"""The past through the HTTP door: the last ten readings of sensors, aggregates, and queries over the whole city.

10,000 sensors with 40 readings each, written by batches and moved to history; every write is durable before its answer. Run:
python -m bench temporal. Each entity is asked for the first time ("cold"), again and again ("warm", nothing written in between),
and while readings come in.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from typing import Any

import orjson

from bench.common import Row, directory, percentile, row, server
from bench.write_load import load

PORT = 9142
BASE = "/ngsi-ld/v1/temporal/entities"


def _ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes, float]:
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, body, (time.perf_counter() - start) * 1000


def _timed(name: str, path: str, repeat: int, target: str = "", least: int = 1) -> list[Row]:
    """Median and p95 of one question; the answer must name at least so many entities."""
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
        row(f"{name}, median", percentile(times, 50), "ms", target),
        row("… p95", percentile(times, 95), "ms"),
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
    return rows


def main() -> None:
    for one in itertools.chain(run(quick=True)):
        print(one)


if __name__ == "__main__":
    main()
