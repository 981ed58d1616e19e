"""Notifications: from a change posted to its sight at a receiver, the highest rate, and what subscriptions cost writers.

The value posted is the moment of posting. Run: python -m bench notify.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from typing import Any

import orjson
import psutil

from andaman.broker.model import Change, Event, EventKind
from andaman.broker.query.ast import TypeIs
from andaman.broker.subscriptions.index import SubscriptionIndex
from andaman.broker.subscriptions.model import Condition, Selector
from bench.common import Row, Server, directory, percentile, row, server

PORT, SINK, DEAD = 9170, 9171, 9
ENTITIES = 10_000
_LINK = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'


def run(quick: bool = False) -> list[Row]:
    """1,000 and 3,500 notifications/s; the same with a dead receiver; PATCHes with 10,000 idle subscriptions."""
    seconds = 4.0 if quick else 10.0
    sink = subprocess.Popen([sys.executable, "-m", "bench.notify_sink", str(SINK)])
    try:
        with directory() as data, server(data, PORT) as running:
            _fill()
            return _measure(running, seconds)
    finally:
        sink.kill()
        sink.wait()


def _measure(running: Server, seconds: float) -> list[Row]:
    process = psutil.Process(running.process.pid)
    rows: list[Row] = []
    _, alone = _load(process, 1_000, seconds)
    _ask("GET", "/", port=SINK)
    sub = _subscribe(SINK)
    for rate, dead in ((1_000, False), (1_000, True), (3_500, False)):
        if dead:
            other = _subscribe(DEAD)
        sent, busy = _load(process, rate, seconds)
        told, ids = _told(sent)
        words = f"{rate:,}/s" + (", a dead receiver beside" if dead else "")
        target = "< 50" if rate == 1_000 else ""
        rows.append(row(f"change → receiver at {words}, p50", percentile(told, 50), "ms"))
        rows.append(row(f"… p95, {words}", percentile(told, 95), "ms", target))
        rows.append(row(f"… delivered of {sent:,}, {words}", len(told), "", f">= {sent}"))
        rows.append(row(f"… rate reached, {words}", sent / seconds, "/s", ">= 3400" if rate == 3_500 else ""))
        rows.append(row(f"… different ids, {words}", ids, ""))
        if rate == 1_000 and not dead:
            rows.append(
                row("what 1,000 notifications/s cost the server", (busy - alone) * 100, "% of a core")
            )
        if dead:
            _ask("DELETE", f"/ngsi-ld/v1/subscriptions/{other}")
    _ask("DELETE", f"/ngsi-ld/v1/subscriptions/{sub}")
    return rows + _idle(process, seconds)


def _idle(process: psutil.Process, seconds: float) -> list[Row]:
    """What subscriptions that nothing concerns cost at 1,000 PATCHes/s: to other types, entities and attributes."""
    _, none = _load(process, 1_000, seconds)
    for number in range(10_000):
        extra: dict[str, Any]
        extra = (
            {"entities": [{"type": f"Other{number}"}]},
            {"entities": [{"type": "Vehicle", "id": f"urn:ngsi-ld:Vehicle:other-{number}"}]},
            {"entities": [{"type": "Vehicle"}], "watchedAttributes": [f"attribute{number}"]},
        )[number % 3]
        _subscribe(SINK, **extra)
    _, many = _load(process, 1_000, seconds)
    cost = (many - none) * seconds / (1_000 * seconds) * 1e6
    return [
        row("10,000 subscriptions that an update does not concern, whole server, per update", cost, "µs"),
        row("… the index alone, per event", _index_us(), "µs", "< 5"),
    ]


def _index_us() -> float:
    """The index's part, in this process."""
    index: SubscriptionIndex[int] = SubscriptionIndex()
    car = TypeIs("Vehicle")
    for number in range(10_000):
        condition = (
            Condition((Selector(TypeIs(f"Other{number}")),)),
            Condition((Selector(car, frozenset({f"urn:{number}"})),)),
            Condition((Selector(car),), frozenset({f"attribute{number}"})),
        )[number % 3]
        index.add("", condition, number)
    before, after = [{"type": "Property", "value": 1}], [{"type": "Property", "value": 2}]
    doc: dict[str, Any] = {"id": "urn:ngsi-ld:Vehicle:1", "type": ["Vehicle"], "attrs": {"speed": after}}
    event = Event(
        1, "", 0, "", EventKind.UPDATED, doc["id"], ("Vehicle",), (), [Change("speed", before, after)], doc
    )
    started = time.perf_counter()
    for _ in range(100_000):
        index.candidates(event)
    return (time.perf_counter() - started) * 10


def _load(process: psutil.Process, rate: int, seconds: float) -> tuple[int, float]:
    """(accepted PATCHes, share of a core that the server used)."""
    before, started = _cpu_s(process), time.perf_counter()
    out = subprocess.run(
        [sys.executable, "-m", "bench.live_load", str(PORT), str(rate), str(seconds), str(ENTITIES), "1"],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    used = (_cpu_s(process) - before) / (time.perf_counter() - started)
    good, bad = map(int, out.split())
    if bad:
        raise RuntimeError(f"{bad} updates were refused: not a fair run")
    return good, used


def _told(sent: int) -> tuple[list[float], int]:
    """Ages of the notifications in ms, and how many ids; waits for late ones."""
    ages: list[float] = []
    ids = 0
    for _ in range(100):
        got = _ask("GET", "/", port=SINK)
        ages += got["ages"]
        ids += got["ids"]
        if len(ages) >= sent:
            break
        time.sleep(0.1)
    return ages, ids


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


_kept: dict[int, http.client.HTTPConnection] = {}


def _ask(method: str, path: str, body: Any = None, port: int = PORT) -> Any:
    connection = _kept.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
    headers = {"Link": _LINK, "Content-Type": "application/json"}
    for last in (False, True):
        try:
            connection.request(method, path, None if body is None else orjson.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            break
        except (OSError, http.client.HTTPException):
            if last:
                raise
            connection.close()
            time.sleep(0.5)
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path} was answered with {answer.status}: {content[:200]!r}")
    return orjson.loads(content) if content else answer.headers.get("Location")


def _subscribe(port: int, **extra: Any) -> str:
    body = {
        "type": "Subscription",
        "entities": [{"type": "Vehicle"}],
        "notification": {"endpoint": {"uri": f"http://127.0.0.1:{port}/notify"}},
        **extra,
    }
    return str(_ask("POST", "/ngsi-ld/v1/subscriptions", body)).rpartition("/")[2]


def _fill() -> None:
    for start in range(0, ENTITIES, 1_000):
        batch = [
            {
                "id": f"urn:ngsi-ld:Vehicle:{n}",
                "type": "Vehicle",
                "name": {"type": "LanguageProperty", "languageMap": {"th": f"รถ {n}", "en": f"Bus {n}"}},
                "speed": {"type": "Property", "value": 0.0},
                "location": {
                    "type": "GeoProperty",
                    "value": {
                        "type": "Point",
                        "coordinates": [98.2 + (n % 100) * 0.0025, 7.7 + n // 100 * 0.005],
                    },
                },
            }
            for n in range(start, start + 1_000)
        ]
        _ask("POST", "/ngsi-ld/v1/entityOperations/upsert", batch)
