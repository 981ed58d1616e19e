"""The hot index alone: start-up, memory, put, and "type + number + within 5 km + first 100" over many entities.

Documents come from a list of JSON texts in memory, parsed when asked for, as the state table would give them.
Run: python -m bench.query_bench [--quick]
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import numpy as np
import orjson

from andaman.broker.model import LOCATION, Doc
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.index import EntityIndex, index_facts
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_geo, parse_q
from andaman.identity.model import FULL_ACCESS

Row = dict[str, Any]
TYPES = ["ParkingSpot", "StreetLight", "Vehicle", "AirSensor", "WaterMeter"]


def entity(n: int, rng: random.Random) -> Doc:
    """About 1 KB: eight attributes, a point in a square of 60 km, system times."""
    stamp = "2026-11-22T07:32:00.000000Z"

    def prop(value: Any) -> list[dict[str, Any]]:
        return [
            {
                "type": "Property",
                "value": value,
                "observedAt": stamp,
                "createdAt": stamp,
                "modifiedAt": stamp,
            }
        ]

    point = [round(rng.uniform(98.2, 98.75), 6), round(rng.uniform(7.6, 8.15), 6)]
    return {
        "id": f"urn:ngsi-ld:Thing:{n:07d}",
        "type": [f"urn:x:{TYPES[n % 5]}"],
        "scope": [f"/city/{n % 7}"],
        "createdAt": stamp,
        "modifiedAt": stamp,
        "attrs": {
            "urn:x:level": prop(round(rng.uniform(0, 100), 2)),
            "urn:x:battery": prop(rng.randrange(100)),
            "urn:x:status": prop(rng.choice(["ok", "fault", "off"])),
            "urn:x:name": prop(f"thing {n}"),
            LOCATION: [{"type": "GeoProperty", "value": {"type": "Point", "coordinates": point}}],
        },
    }


def percentile(samples: list[float], q: float) -> float:
    return float(np.percentile(np.array(samples), q))


def run(quick: bool = False) -> list[Row]:
    """Rows of name, value, unit, target (the text of what must be reached, "" for none)."""
    count = 100_000 if quick else 1_000_000
    rng = random.Random(1)
    texts: dict[str, bytes] = {}
    stored = []
    shapes: dict[str, str] = {}
    for n in range(count):
        doc = entity(n, rng)
        texts[doc["id"]] = orjson.dumps(doc)
        shape, facts = index_facts(doc)
        stored.append((doc["id"], shapes.setdefault(shape, shape), facts))
    rows: list[Row] = []

    def row(name: str, value: float, unit: str, target: str = "") -> None:
        rows.append({"name": name, "value": round(value, 3), "unit": unit, "target": target})

    index = EntityIndex()
    start = time.perf_counter()
    index.bulk_load("", stored)
    row(f"index start-up, {count} entities", time.perf_counter() - start, "s", "< 6")
    row("index bytes per entity", index.memory() / count, "B", "< 400")

    def load(ids: list[str]) -> list[Doc]:
        return [orjson.loads(texts[i]) for i in ids if i in texts]

    def measure(name: str, queries: list[EntityQuery], target: str = "") -> None:
        samples = []
        for query in queries:
            start = time.perf_counter()
            index.select("", query, FULL_ACCESS, load)
            samples.append((time.perf_counter() - start) * 1000)
        row(f"{name}, median", percentile(samples, 50), "ms")
        row(f"{name}, p95", percentile(samples, 95), "ms", target)

    def expand(name: str) -> str:
        return "urn:x:" + name

    def asked(limit: int, **members: Any) -> EntityQuery:
        near = parse_geo(
            "near;maxDistance==5000",
            "Point",
            [round(rng.uniform(98.25, 98.7), 4), round(rng.uniform(7.65, 8.1), 4)],
        )
        kind = TypeIs("urn:x:" + rng.choice(TYPES))
        number = parse_q(f"level>{rng.randrange(10, 90)}", expand)
        return EntityQuery(**{"types": kind, "q": number, "geo": near, "limit": limit, **members})

    repeat = 50 if quick else 200
    measure(
        "query type + number + within 5 km + first 100",
        [asked(100) for _ in range(repeat)],
        "< 10",
    )
    measure("the same, counted", [asked(100, count=True) for _ in range(repeat)])
    measure("query type + number, first 100", [asked(100, geo=None) for _ in range(repeat)])
    measure(
        'count of status=="fault" over everything',
        [asked(0, types=None, geo=None, count=True, q=parse_q('status=="fault"', expand))] * 10,
    )
    measure(
        "page behind 10,000",
        [asked(100, types=None, geo=None, offset=10_000) for _ in range(10)],
    )

    docs = [orjson.loads(texts[i]) for i in rng.sample(sorted(texts), min(count, 20_000))]
    pairs = []
    for doc in docs:
        attrs = dict(doc["attrs"])
        attrs["urn:x:level"] = [{**attrs["urn:x:level"][0], "value": rng.uniform(0, 100)}]
        pairs.append(({**doc, "attrs": attrs}, doc))
    start = time.perf_counter()
    for after, before in pairs:
        index.put("", after, before)
    row(
        "index put, one attribute changed",
        (time.perf_counter() - start) / len(pairs) * 1e6,
        "µs",
        "< 10",
    )
    start = time.perf_counter()
    for n in range(10_000):
        index.put("", {**docs[n % len(docs)], "id": f"urn:new:{n}"})
    row("index put, new entity", (time.perf_counter() - start) / 10_000 * 1e6, "µs")
    return rows


if __name__ == "__main__":
    for line in run("--quick" in sys.argv):
        print(f"{line['name']:60} {line['value']:>12} {line['unit']:4} {line['target']}")
