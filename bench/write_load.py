"""An HTTP load generator of our own: a process, keep-alive connections, requests made beforehand, one in flight each.

Run as ``python -m bench.write_load PORT CONNECTIONS SECONDS MAKER JSON``, where MAKER names a function in ``REQUESTS`` that
takes the JSON's members and yields requests; prints one JSON line: rate, latencies in ms, statuses, errors.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import uvloop

from bench.common import percentile

HOST = b"Host: 127.0.0.1\r\nAccept: application/json\r\n"
SPEED = "speed"


def request(method: str, path: str, body: Any = None) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\n".encode() + HOST
    if body is None:
        return head + b"\r\n"
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return head + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data


def sensor(number: int, rng: random.Random) -> dict[str, Any]:
    """An entity of about 1 KB in normalized form."""
    stamp = "2026-11-22T07:32:00Z"
    place = [round(rng.uniform(98.2, 98.75), 6), round(rng.uniform(7.6, 8.15), 6)]
    names = ["pressure", "humidity", "noise", "battery"]
    return {
        "id": f"urn:ngsi-ld:Sensor:{number:07d}",
        "type": "Sensor",
        "scope": [f"/city/zone{number % 7}"],
        "name": {"type": "Property", "value": f"Sensor number {number} beside the road to Patong"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}},
        "speed": {
            "type": "Property",
            "value": round(rng.uniform(0, 90), 2),
            "unitCode": "KMH",
            "observedAt": stamp,
        },
        **{
            name: {
                "type": "Property",
                "value": round(rng.uniform(0, 90), 2),
                "unitCode": "P1",
                "observedAt": stamp,
            }
            for name in names
        },
        "description": {"type": "Property", "value": "x" * 250},
    }


def patches(count: int, seed: int, now: bool = False) -> Iterator[bytes]:
    """PATCH of one attribute of a random entity among ``count``. ``now``: observed when it is sent, and not again and again at
    one moment."""
    rng = random.Random(seed)
    if now:
        return _observed_now(count, rng)
    ready = []
    for _ in range(50_000):
        body = {
            "type": "Property",
            "value": round(rng.uniform(0, 90), 2),
            "observedAt": "2026-11-22T07:32:00Z",
        }
        ready.append(
            request(
                "PATCH",
                f"/ngsi-ld/v1/entities/urn:ngsi-ld:Sensor:{rng.randrange(count):07d}/attrs/speed",
                body,
            )
        )
    return itertools.cycle(ready)


def _observed_now(count: int, rng: random.Random) -> Iterator[bytes]:
    while True:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield request(
            "PATCH",
            f"/ngsi-ld/v1/entities/urn:ngsi-ld:Sensor:{rng.randrange(count):07d}/attrs/speed",
            {"type": "Property", "value": round(rng.uniform(0, 90), 2), "observedAt": at},
        )


def gets(count: int, seed: int) -> Iterator[bytes]:
    """GET of a random entity."""
    rng = random.Random(seed)
    ready = [
        request("GET", f"/ngsi-ld/v1/entities/urn:ngsi-ld:Sensor:{rng.randrange(count):07d}")
        for _ in range(50_000)
    ]
    return itertools.cycle(ready)


def batches(first: int, count: int, size: int, seed: int) -> Iterator[bytes]:
    """Batch upserts of ``size`` entities each, together ``count`` entities once."""
    rng = random.Random(seed)
    for start in range(first, first + count, size):
        bodies = [sensor(number, rng) for number in range(start, min(start + size, first + count))]
        yield request("POST", "/ngsi-ld/v1/entityOperations/upsert", bodies)


def near(repeat: int, seed: int) -> Iterator[bytes]:
    """Type + number + within 5 km + first 100."""
    rng = random.Random(seed)
    for _ in range(repeat):
        x, y = round(rng.uniform(98.25, 98.7), 4), round(rng.uniform(7.65, 8.1), 4)
        yield request(
            "GET",
            f"/ngsi-ld/v1/entities?type=Sensor&q=speed%3E{rng.randrange(10, 80)}&georel=near;maxDistance==5000"
            f"&geometry=Point&coordinates=[{x},{y}]&limit=100",
        )


def creates(first: int, count: int, seed: int) -> Iterator[bytes]:
    """POST of one new entity of about 1 KB each."""
    rng = random.Random(seed)
    return iter(
        [
            request("POST", "/ngsi-ld/v1/entities", sensor(number, rng))
            for number in range(first, first + count)
        ]
    )


def _cycled(queries: list[str]) -> Iterator[bytes]:
    return itertools.cycle([request("GET", f"/ngsi-ld/v1/entities?{query}") for query in queries])


def numbers(seed: int) -> Iterator[bytes]:
    """Type + number, first 20."""
    rng = random.Random(seed)
    return _cycled(
        [
            f"type=Sensor&q=speed%3E{rng.uniform(5, 85):.2f};battery%3C{rng.uniform(5, 85):.2f}"
            for _ in range(2_000)
        ]
    )


def circles(seed: int) -> Iterator[bytes]:
    """Type + within 2 km, first 20."""
    rng = random.Random(seed)
    return _cycled(
        [
            "type=Sensor&georel=near;maxDistance==2000&geometry=Point"
            f"&coordinates=[{rng.uniform(98.25, 98.7):.4f},{rng.uniform(7.65, 8.1):.4f}]"
            for _ in range(2_000)
        ]
    )


def latest(count: int, seed: int) -> Iterator[bytes]:
    """The last ten values of one attribute of a random entity."""
    rng = random.Random(seed)
    return itertools.cycle(
        [
            request(
                "GET",
                f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Sensor:{rng.randrange(count):07d}"
                "?attrs=speed&lastN=10&timerel=before&timeAt=2030-01-01T00:00:00Z",
            )
            for _ in range(20_000)
        ]
    )


def readings(count: int, each: int, seed: int) -> Iterator[bytes]:
    """Batches of 1,000 readings: ``each`` of every sensor, one a minute."""
    rng = random.Random(seed)
    for k in range(each):
        stamp = f"2026-11-22T{8 + k // 60:02d}:{k % 60:02d}:00Z"
        for start in range(0, count, 1_000):
            yield request(
                "POST",
                "/ngsi-ld/v1/entityOperations/upsert?options=update",
                [
                    {
                        "id": f"urn:ngsi-ld:Sensor:{number:07d}",
                        "type": "Sensor",
                        "speed": {
                            "type": "Property",
                            "value": round(rng.uniform(0, 90), 2),
                            "observedAt": stamp,
                        },
                    }
                    for number in range(start, min(start + 1_000, count))
                ],
            )


def last_n(count: int, n: int, once: bool, seed: int) -> Iterator[bytes]:
    """GET of the last n instances of one attribute of random entities; ``once``: each entity one time."""
    numbers = list(range(count))
    random.Random(seed).shuffle(numbers)
    ready = [
        request(
            "GET",
            f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Sensor:{number:07d}?attrs=speed&lastN={n}",
        )
        for number in numbers
    ]
    return iter(ready) if once else itertools.cycle(ready)


def paced(count: int, rate: int, seed: int, now: bool = False) -> Iterator[bytes]:
    """PATCHes, at most ``rate`` a second."""
    start = time.perf_counter()
    for number, one in enumerate(patches(count, seed, now)):
        ahead = start + number / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        yield one


REQUESTS: dict[str, Callable[..., Iterator[bytes]]] = {
    "patches": patches,
    "gets": gets,
    "batches": batches,
    "near": near,
    "creates": creates,
    "numbers": numbers,
    "circles": circles,
    "latest": latest,
    "readings": readings,
    "last_n": last_n,
    "paced": paced,
}


class Client(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        data = self._run.next()
        if data is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end >= 0:
            head = buffer[:end].lower()
            at = head.find(b"content-length:")
            if at < 0 and b"chunked" in head:
                whole = buffer.endswith(b"\r\n0\r\n\r\n")
            else:
                line = head.find(b"\r", at)
                length = 0 if at < 0 else int(head[at + 15 : line if line > 0 else end])
                whole = len(buffer) >= end + 4 + length
            if whole:
                self._buffer = b""
                self._run.note(buffer[9:12], time.perf_counter() - self._sent)
                self._send()
                return
        self._buffer = buffer

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(exc)


class Run:
    """One measured run over all connections."""

    def __init__(self, requests: Iterator[bytes], connections: int, seconds: float) -> None:
        self._requests = requests
        self._open = connections
        self.until = time.perf_counter() + seconds
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.errors = 0
        self.over = asyncio.Event()

    def next(self) -> bytes | None:
        return next(self._requests, None) if time.perf_counter() < self.until else None

    def note(self, status: bytes, seconds: float) -> None:
        self.statuses[status.decode()] += 1
        self.latencies.append(seconds)

    def lost(self, error: Exception | None) -> None:
        self.errors += error is not None
        self._open -= 1
        if not self._open:
            self.over.set()


async def measure(port: int, connections: int, seconds: float, requests: Iterator[bytes]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    run = Run(requests, connections, seconds)
    start = time.perf_counter()
    await asyncio.gather(
        *[loop.create_connection(lambda: Client(run), "127.0.0.1", port) for _ in range(connections)]
    )
    await run.over.wait()
    took = time.perf_counter() - start
    ms = [latency * 1000 for latency in run.latencies]
    return {
        "rate": len(ms) / took,
        "count": len(ms),
        "seconds": took,
        "p50": percentile(ms, 50),
        "p95": percentile(ms, 95),
        "p99": percentile(ms, 99),
        "max": max(ms, default=0.0),
        "statuses": dict(run.statuses),
        "errors": run.errors,
    }


def load(
    port: int, connections: int, seconds: float, maker: str, *, strict: bool = True, **members: Any
) -> dict[str, Any]:
    """Run the generator in a process of its own and return what it measured.

    Raises when answers were no successes; not ``strict``: their number stands under ``refused``.
    """
    arguments = [str(port), str(connections), str(seconds), maker, orjson.dumps(members).decode()]
    done = subprocess.run(
        [sys.executable, "-m", "bench.write_load", *arguments], stdout=subprocess.PIPE, check=True
    )
    result: dict[str, Any] = orjson.loads(done.stdout)
    bad = {status: n for status, n in result["statuses"].items() if status not in ("200", "201", "204")}
    result["refused"] = sum(bad.values()) + result["errors"]
    if (strict and result["refused"]) or not result["count"]:
        raise RuntimeError(f"{maker}: {result['errors']} broken connections, statuses {result['statuses']}")
    return result


def main() -> None:
    port, connections, seconds, maker, members = sys.argv[1:6]
    uvloop.install()
    requests = REQUESTS[maker](**orjson.loads(members))
    if maker in ("batches", "near"):
        requests = iter(list(requests))
    print(orjson.dumps(asyncio.run(measure(int(port), int(connections), float(seconds), requests))).decode())


if __name__ == "__main__":
    main()
