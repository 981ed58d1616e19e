"""Laws of the door under concurrency: no update is lost, big batches end, pages are stable while others write."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from andaman.broker.ledger.rows import fold
from andaman.identity.model import FULL_ACCESS
from tests.doors.ngsild.client import BUS, Client, at_the_door, at_the_whole_door, vehicle

LATEST = "timerel=before&timeAt=2999-01-01T00:00:00Z&timeproperty=modifiedAt"


async def history(c: Client, attr: str) -> list[dict[str, Any]]:
    """Every instance of the attribute, page after page (§6.3.10), in the order of the commits."""
    found: list[dict[str, Any]] = []
    start = "1970-01-01T00:00:00Z"
    while True:
        between = f"timerel=between&timeAt={start}&endTimeAt=2999-01-01T00:00:00Z&timeproperty=modifiedAt"
        got = await c("GET", f"/temporal/entities/{BUS}?attrs={attr}&{between}&options=sysAttrs")
        assert got.status in (200, 206), got.body
        ones = got.json.get(attr, [])
        seen = {one["instanceId"] for one in found}
        found += [one for one in ones if one["instanceId"] not in seen]
        if got.status == 200:
            return found
        start = found[-1]["modifiedAt"]


@at_the_door
async def test_no_update_is_lost(c: Client) -> None:
    """Four hundred concurrent changes of one entity by every kind of partial update: each value is once in history and
    in the journal, in one and the same order, and state is where that order ends."""
    lanes, each = 8, 10
    start = {f"a{n}": {"type": "Property", "value": -1} for n in range(lanes)}
    start["shared"] = {"type": "JsonProperty", "json": {}}  # type: ignore[dict-item]
    assert (await c("POST", "/entities", vehicle(counter=-1, **start))).status == 201

    async def partial(n: int) -> None:
        for step in range(each):
            assert (await c("PATCH", f"/entities/{BUS}/attrs/a{n}", {"value": step})).status == 204

    async def update(n: int) -> None:
        for step in range(each):
            body = {"counter": {"type": "Property", "value": 1_000 * n + step}}
            assert (await c("PATCH", f"/entities/{BUS}/attrs", body)).status == 204

    async def merge(n: int) -> None:
        for step in range(each):
            body = {f"a{n}": {"type": "Property", f"sub{n}": {"type": "Property", "value": step}}}
            assert (await c("PATCH", f"/entities/{BUS}", body)).status == 204

    async def append(n: int) -> None:
        for step in range(each):
            one = {"type": "Property", "value": step, "datasetId": f"urn:d:{n}:{step}"}
            assert (await c("POST", f"/entities/{BUS}/attrs", {"many": one})).status == 204

    async def batch(n: int) -> None:
        for step in range(each):
            body = [vehicle(1, **{f"b{n}": {"type": "Property", "value": step}})]
            assert (await c("POST", "/entityOperations/update", body)).status == 204

    kinds = (partial, update, merge, append, batch)
    await asyncio.gather(*(kind(n) for kind in kinds for n in range(lanes)))

    doc = (await c("GET", f"/entities/{BUS}")).json
    for n in range(lanes):
        assert doc[f"a{n}"]["value"] == each - 1
        assert doc[f"a{n}"][f"sub{n}"]["value"] == each - 1
        assert doc[f"b{n}"]["value"] == each - 1
    assert {one["datasetId"] for one in doc["many"]} == {
        f"urn:d:{n}:{step}" for n in range(lanes) for step in range(each)
    }
    events = await c.broker.read_events(0, 10_000)
    assert len(events) == 1 + len(kinds) * lanes * each
    assert fold(events) == {("", BUS): c.broker.get(BUS, FULL_ACCESS)}
    assert [event.at for event in events] == sorted(event.at for event in events)

    def journal(attr: str) -> list[Any]:
        iri = next(
            change.attr
            for event in events
            for change in event.changes
            if change.attr and change.attr.endswith("/" + attr)
        )
        told = [change.after for event in events for change in event.changes if change.attr == iri]
        return [one[0]["value"] for one in told if one is not None]

    counters = journal("counter")
    assert len(counters) == len(set(counters)) == 1 + lanes * each
    assert [one["value"] for one in await history(c, "counter")] == counters
    assert doc["counter"]["value"] == counters[-1]
    for n in range(lanes):
        assert [one for one in counters if one // 1_000 == n and one >= 0] == [
            1_000 * n + step for step in range(each)
        ]
        assert [one["value"] for one in await history(c, f"b{n}")] == journal(f"b{n}") == list(range(each))
        assert len(await history(c, f"a{n}")) == 1 + 2 * each


@at_the_door
async def test_big_batches_over_the_same_entities_in_every_order_end(c: Client) -> None:
    """What deadlocks brokers that lock row by row: many clients, the same hundreds of ids, each in another order, every
    operation, and single updates between. All end, each tells of every entity, the journal leads to the state."""
    number, rounds = 300, 2
    ids = [f"urn:ngsi-ld:Vehicle:{n}" for n in range(number)]

    async def client(who: int) -> None:
        rnd = random.Random(who)
        for _ in range(rounds):
            order = rnd.sample(range(number), number)
            batch = [vehicle(n, speed=who, **{f"by{who}": who}) for n in order]
            operation = rnd.choice(["upsert", "upsert?options=update", "create", "update", "merge", "delete"])
            body: Any = [ids[n] for n in order] if operation == "delete" else batch
            got = await c("POST", f"/entityOperations/{operation}", body)
            assert got.status in (201, 204, 207), got.body
            if got.status == 207:
                told = [one["entityId"] for one in got.json["errors"]] + got.json["success"]
                assert sorted(told) == sorted(ids[n] for n in order)
            single = await c("PATCH", f"/entities/{rnd.choice(ids)}/attrs", {"speed": rnd.random()})
            assert single.status in (204, 404)

    async with asyncio.timeout(120):  # only a deadlock takes so long
        await asyncio.gather(*(client(who) for who in range(10)))
    events = await c.broker.read_events(0, 100_000)
    assert len(events) > number
    state = {("", doc["id"]): doc for doc in c.broker.iter_entities([], FULL_ACCESS)}
    assert fold(events) == state


@pytest.mark.parametrize("seed", range(6))
def test_4_12_pages_are_stable_under_writes(tmp_path: Any, seed: int) -> None:
    """Between two pages entities are changed and new ones come: whoever turns pages meets each entity that was there and
    stayed exactly once, in one order, with no number left out; new ones come behind."""

    @at_the_door
    async def run(c: Client) -> None:
        rnd = random.Random(seed)
        first = [vehicle(n, speed=n) for n in range(23)]
        assert (await c("POST", "/entityOperations/create", first)).status == 201
        limit = rnd.choice([1, 2, 5, 7])
        pages: list[str] = []
        fresh = 100
        while True:
            got = await c("GET", f"/entities?type=Vehicle&limit={limit}&offset={len(pages)}&count=true")
            page = [one["id"] for one in got.json]
            pages += page
            if len(page) < limit:
                break
            for _ in range(3):
                n = rnd.randrange(23)
                how = rnd.choice(["patch", "replace", "merge", "new"])
                if how == "patch":
                    await c("PATCH", f"/entities/urn:ngsi-ld:Vehicle:{n}/attrs", {"speed": rnd.random()})
                elif how == "merge":
                    await c("PATCH", f"/entities/urn:ngsi-ld:Vehicle:{n}", {"name": "x"})
                elif how == "replace":
                    await c("PUT", f"/entities/urn:ngsi-ld:Vehicle:{n}", vehicle(n, other=1))
                elif fresh < 110:
                    await c("POST", "/entities", vehicle(fresh))
                    fresh += 1
        wanted = [one["id"] for one in first] + [f"urn:ngsi-ld:Vehicle:{n}" for n in range(100, fresh)]
        assert pages == wanted
        assert got.headers["ngsild-results-count"] == str(len(wanted))

    run(tmp_path)


@at_the_whole_door
async def test_5_14_pages_of_an_entity_map_are_stable_under_deletions_too(c: Client) -> None:
    """What is deleted between two pages is missing and moves nothing else; what is new does not come in."""
    await c("POST", "/entityOperations/create", [vehicle(n, speed=n) for n in range(20)])
    query = "/entities?type=Vehicle&limit=4"
    got = await c("GET", f"{query}&entityMap=true")
    assert got.status == 201
    name = got.headers["NGSILD-EntityMap"].rpartition("/")[2]
    seen = [one["id"] for one in got.json]
    gone: list[str] = []
    for offset in range(4, 20, 4):
        for n in (offset - 1, offset + 1):  # one already seen, one still to come
            gone.append(f"urn:ngsi-ld:Vehicle:{n}")
            assert (await c("DELETE", f"/entities/{gone[-1]}")).status == 204
        await c("POST", "/entities", vehicle(100 + offset))
        got = await c("GET", f"{query}&offset={offset}", ngsild_entitymap=name)
        assert got.status == 200, got.body
        seen += [one["id"] for one in got.json]
    assert len(seen) == len(set(seen))
    first = [f"urn:ngsi-ld:Vehicle:{n}" for n in range(20)]
    assert seen == [one for one in first if one in seen]
    assert {*first} - {*seen} <= {*gone}
