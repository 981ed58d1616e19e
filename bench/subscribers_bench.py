"""What active subscriptions cost writers: durable PATCHes at full speed with none, 1,000 and 10,000 of them.

10,000 sensors; of four subscriptions one watches a sensor for a high value, one a single value of all sensors, one a circle of
500 m for high values, and one an attribute that does not change. What they find is delivered to a receiver on the same cores
meanwhile. The rate without any is measured before and after, and the mean of both is compared with.
Run: python -m bench subscribers.
"""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import time
from typing import Any

import orjson

from bench.common import Row, directory, row, server
from bench.write_load import load

PORT, SINK = 9180, 9181
SENSORS = 10_000
_NAME = "urn:ngsi-ld:Subscription:bench-{}"


def wanted(number: int, rng: random.Random) -> dict[str, Any]:
    """What one subscription asks for."""
    entities: list[dict[str, str]] = [{"type": "Sensor"}]
    match number % 4:
        case 0:
            entities[0]["id"] = f"urn:ngsi-ld:Sensor:{number % SENSORS:07d}"
            return {"entities": entities, "watchedAttributes": ["speed"], "q": "speed>88"}
        case 1:
            return {"entities": entities, "q": f"speed=={rng.randrange(9_000) / 100}"}
        case 2:
            place = [round(rng.uniform(98.25, 98.7), 4), round(rng.uniform(7.65, 8.1), 4)]
            near = {"georel": "near;maxDistance==500", "geometry": "Point", "coordinates": place}
            return {"entities": entities, "q": "speed>80", "geoQ": near}
        case _:
            return {"entities": entities, "watchedAttributes": ["battery"]}


def subscribe(first: int, end: int) -> None:
    rng = random.Random(first)
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    for number in range(first, end):
        body = {
            "id": _NAME.format(number),
            "type": "Subscription",
            "notification": {"endpoint": {"uri": f"http://127.0.0.1:{SINK}/notify"}},
            **wanted(number, rng),
        }
        client.request(
            "POST", "/ngsi-ld/v1/subscriptions", orjson.dumps(body), {"Content-Type": "application/json"}
        )
        answer = client.getresponse()
        told = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"a subscription was answered with {answer.status}: {told[:200]!r}")
    client.close()


def unsubscribe(count: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    for number in range(count):
        client.request("DELETE", f"/ngsi-ld/v1/subscriptions/{_NAME.format(number)}")
        client.getresponse().read()
    client.close()


def delivered() -> int:
    """Distinct notifications since it was asked last."""
    client = http.client.HTTPConnection("127.0.0.1", SINK, timeout=60)
    client.request("GET", "/")
    found = orjson.loads(client.getresponse().read())
    client.close()
    return int(found["ids"])


def run(quick: bool = False) -> list[Row]:
    seconds = 5.0 if quick else 10.0
    sink = subprocess.Popen([sys.executable, "-m", "bench.notify_sink", str(SINK)])
    try:
        with directory() as data, server(data, PORT):
            load(PORT, 4, 120, "batches", first=0, count=SENSORS, size=1_000, seed=1)
            time.sleep(2)
            load(PORT, 64, 2, "patches", count=SENSORS, seed=2)
            before = load(PORT, 64, seconds, "patches", count=SENSORS, seed=3)
            rates, rows = {}, []
            for low, high in ((0, 1_000), (1_000, 10_000)):
                subscribe(low, high)
                delivered()
                rates[high] = load(PORT, 64, seconds, "patches", count=SENSORS, seed=4)
                told = delivered() / seconds
                target = (">= 8000", "< 25") if high == 1_000 else ("", "")
                rows += [
                    row(
                        f"durable PATCH with {high:,} active subscriptions",
                        rates[high]["rate"],
                        "/s",
                        target[0],
                    ),
                    row("… p99", rates[high]["p99"], "ms", target[1]),
                    row("… notifications delivered meanwhile", told, "/s"),
                ]
            unsubscribe(10_000)
            after = load(PORT, 64, seconds, "patches", count=SENSORS, seed=5)
    finally:
        sink.kill()
        sink.wait()
    alone = (before["rate"] + after["rate"]) / 2
    return [
        row("durable PATCH without subscriptions, mean of before and after", alone, "/s"),
        *rows,
        row(
            "… share of the rate that 10,000 subscriptions leave",
            rates[10_000]["rate"] / alone * 100,
            "%",
            ">= 50",
        ),
    ]
