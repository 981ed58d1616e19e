"""What one request may hold: whatever its megabytes say, it is answered soon, and nobody else waits behind it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson

from andaman.broker.entity.apply import MAX_ATTRIBUTES
from andaman.broker.ledger.merge import MAX_ENTITY_BYTES
from tests.doors.ngsild.client import BUS, Client, at_the_door, error, open_whole_client, vehicle
from tests.doors.ngsild.test_hostile import is_clear

MANY = 150_000
P = {"type": "Property", "value": 1}
LINE = [[98 + n % 1000 / 1e4, 7 + n // 1000 / 1e4] for n in range(MANY)]
HERE = {"endpoint": {"uri": "http://127.0.0.1:9/"}}
SOURCE = {"type": "ContextSourceRegistration", "endpoint": "http://127.0.0.1:9"}
SELECTORS = [{"type": "T", "id": f"urn:x:{n}"} for n in range(MANY)]
BODIES: dict[str, tuple[str, Any]] = {
    "attributes": ("/entities", vehicle(**{f"a{n}": n for n in range(MANY)})),
    "normalized attributes": ("/entities", vehicle(**{f"a{n}": P for n in range(MANY)})),
    "instances": ("/entities", vehicle(a=[{"value": n, "datasetId": f"urn:d:{n}"} for n in range(MANY)])),
    "sub-attributes": ("/entities", vehicle(a={**P, **{f"s{n}": P for n in range(MANY)}})),
    "a long value": ("/entities", vehicle(a={"value": [{"x": n} for n in range(MANY)]})),
    "a long list": ("/entities", vehicle(a={"type": "ListProperty", "valueList": list(range(MANY))})),
    "objects": ("/entities", vehicle(a={"object": [f"urn:x:{n}" for n in range(MANY)]})),
    "languages": ("/entities", vehicle(a={"languageMap": {f"en-a{n}": "x" for n in range(MANY)}})),
    "a long line": ("/entities", vehicle(location={"type": "LineString", "coordinates": LINE})),
    "a fine polygon": ("/entities", vehicle(location={"type": "Polygon", "coordinates": [[*LINE, LINE[0]]]})),
    "scopes": ("/entities", vehicle(scope=[f"/a{n}" for n in range(MANY)])),
    "types": ("/entities", {"id": BUS, "type": [f"T{n}" for n in range(MANY)]}),
    "a batch": ("/entityOperations/create", [vehicle(n) for n in range(MANY)]),
    "ids": ("/entityOperations/delete", [f"urn:x:{n}" for n in range(MANY)]),
    "an evolution": ("/temporal/entities", vehicle(a=[P] * MANY)),
    "series": ("/temporal/entities", vehicle(**{f"a{n}": [P] for n in range(MANY)})),
    "a subscription": ("/subscriptions", {"type": "Subscription", "entities": SELECTORS, "notification": HERE}),
    "a registration": ("/csourceRegistrations", {**SOURCE, "information": [{"entities": SELECTORS}]}),
    "information": ("/csourceRegistrations", {**SOURCE, "information": [{"entities": [{"type": "T"}]}] * MANY}),
    "selectors": ("/entityOperations/query", {"type": "Query", "entities": SELECTORS}),
    "names": ("/entityOperations/query", {"type": "Query", "attrs": [f"a{n}" for n in range(MANY)]}),
    "names to pick": ("/entityOperations/query", {"type": "Query", "q": "a", "pick": [f"a{n}" for n in range(MANY)]}),
    "ids of a selector": (
        "/entityOperations/query",
        {"type": "Query", "entities": [{"type": "T", "id": [f"urn:x:{n}" for n in range(MANY)]}]},
    ),
    "a polygon to ask": (
        "/entityOperations/query",
        {"type": "Query", "geoQ": {"georel": "within", "geometry": "Polygon", "coordinates": [[*LINE, LINE[0]]]}},
    ),
    "keys of a context": ("/jsonldContexts", {"@context": {f"a{n}": "http://x.org/" for n in range(MANY)}}),
    "contexts": ("/jsonldContexts", {"@context": [{"a": "http://x.org/a"}] * MANY}),
}  # fmt: skip


def test_what_is_long_is_answered_soon_and_nobody_waits(tmp_path: Path) -> None:
    """The event loop is never held by one request for longer than some tenths of a second of work."""

    async def run() -> None:
        async with open_whole_client(tmp_path) as c:
            for name, (path, body) in BODIES.items():
                raw = orjson.dumps(body)
                before = time.process_time()
                got = await c("POST", path, raw=raw)
                took = time.process_time() - before
                is_clear(got)
                assert took < 2, f"{name}: {took:.1f} s of work for {len(raw) / 1e6:.0f} MB"

    asyncio.run(run())


@at_the_door
async def test_an_entity_does_not_grow_without_end(c: Client) -> None:
    """By appends as little as at once: each name of an attribute is a column in memory, each write reads it all."""
    step = 700
    await c("POST", "/entities", vehicle())
    statuses = []
    for start in range(0, 4 * step, step):
        body = {f"a{start + n}": P for n in range(step)}
        got = await c("POST", f"/entities/{BUS}/attrs", body)
        statuses.append(got.status)
    assert statuses == [204, 204, 400, 400]
    assert error(got) == "BadRequestData"
    assert str(MAX_ATTRIBUTES) in got.json["detail"]
    batch = await c("POST", "/entityOperations/update", [vehicle(**{f"b{n}": P for n in range(step)})])
    assert batch.json["errors"][0]["error"]["type"].endswith("BadRequestData")
    assert (await c("PATCH", f"/entities/{BUS}/attrs", {"a5": 7})).status == 204
    assert (await c("DELETE", f"/entities/{BUS}/attrs/a6")).status == 204


def test_an_entity_has_a_bound_of_bytes(tmp_path: Path) -> None:
    """Also where its attributes are few; it can be made smaller again."""

    async def run() -> None:
        async with open_whole_client(tmp_path) as c:
            await c("POST", "/entities", vehicle())
            statuses = []
            for n in range(6):
                one = {"value": "x" * (MAX_ENTITY_BYTES * 3 // 10), "datasetId": f"urn:d:{n}"}
                statuses.append((await c("POST", f"/entities/{BUS}/attrs", {"a": one})).status)
            assert statuses == [204, 204, 204, 413, 413, 413]
            assert (await c("DELETE", f"/entities/{BUS}/attrs/a?deleteAll=true")).status == 204

    asyncio.run(run())


def test_many_names_of_attributes_cost_as_much_as_there_are(tmp_path: Path) -> None:
    """Not the square of their number: forty entities of one type with 1,500 names each, all different."""

    async def run() -> None:
        async with open_whole_client(tmp_path) as c:
            times = []
            for n in range(40):
                body = vehicle(n, **{f"a{n}_{k}": P for k in range(1_500)})
                before = time.process_time()
                assert (await c("POST", "/entities", body)).status == 201
                times.append(time.process_time() - before)
            assert sum(times[-10:]) < 5 * sum(times[:10]) + 1, times

    asyncio.run(run())
