"""The Temporal Evolution of entities through the door, clause by clause (CIM 009 V1.9.1)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.doors.ngsild.client import BUS, Client, at_the_door, error, vehicle

BASE = "/temporal/entities"
AFTER = "timerel=after&timeAt=2020-01-01T00:00:00Z"


def reading(value: Any, minute: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-11-22T07:{minute:02d}:00Z", **more}


def evolution(number: int = 1, **attrs: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Vehicle:{number}", "type": "Vehicle", **attrs}


def values(found: Any) -> list[Any]:
    return [one["value"] for one in found]


async def speeds(c: Client, query: str = "") -> list[Any]:
    return values((await c("GET", f"{BASE}/{BUS}?attrs=speed{query}")).json["speed"])


@at_the_door
async def test_5_6_11_create_or_append(c: Client) -> None:
    made = await c("POST", BASE, evolution(speed=[reading(1, 1), reading(2, 2)]))
    assert (made.status, made.headers["Location"]) == (201, f"/ngsi-ld/v1{BASE}/{BUS}")
    more = {**evolution(speed=[reading(3, 3)]), "type": ["Vehicle", "Truck"]}
    assert (await c("POST", BASE, more)).status == 204
    found = (await c("GET", f"{BASE}/{BUS}")).json
    assert values(found["speed"]) == [1, 2, 3]
    assert set(found["type"]) == {"Vehicle", "Truck"}
    assert error(await c("GET", f"/entities/{BUS}")) == "ResourceNotFound", "current state stands"
    for bad in (
        {"type": "Vehicle"},
        evolution(speed=[]),
        evolution(speed=[reading(1, 1), 7]),
        evolution(speed=[{"type": "Property"}]),
        evolution(scope=[{"type": "Property", "value": "/a", "unitCode": "X"}]),
        {**evolution(), "expiresAt": "urn:ngsi-ld:null"},
        evolution(speed=[{**reading(1, 1), "observedAt": "2026-11-22T07:00:00+07:00"}]),
    ):
        assert error(await c("POST", BASE, bad)) == "BadRequestData", bad


@at_the_door
async def test_5_6_11_every_kind_of_attribute(c: Client) -> None:
    kinds = {
        "a": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3, 7.9]}},
        "b": {"type": "Relationship", "object": "urn:x:1"},
        "c": {"type": "LanguageProperty", "languageMap": {"th": "รถ", "en": "bus"}},
        "d": {"type": "JsonProperty", "json": {"x": [1]}},
        "e": {"type": "VocabProperty", "vocab": "Red"},
        "f": {"type": "ListProperty", "valueList": [1, 2]},
        "g": {"type": "ListRelationship", "objectList": ["urn:x:1", "urn:x:2"]},
    }
    at = "2026-11-22T07:00:00Z"
    body = {name: [{**one, "observedAt": at}] for name, one in kinds.items()}
    assert (await c("POST", BASE, evolution(**body))).status == 201
    simple = (await c("GET", f"{BASE}/{BUS}?format=temporalValues")).json
    wanted = {
        "a": ("values", kinds["a"]["value"]),
        "b": ("objects", "urn:x:1"),
        "c": ("languageMaps", {"languageMap": {"th": "รถ", "en": "bus"}}),
        "d": ("jsons", {"json": {"x": [1]}}),
        "e": ("vocabs", {"vocab": "Red"}),
        "f": ("valueLists", [1, 2]),
        "g": ("objectLists", ["urn:x:1", "urn:x:2"]),
    }
    for name, (member, value) in wanted.items():
        assert simple[name] == {"type": kinds[name]["type"], member: [[value, at]]}
    whole = (await c("GET", f"{BASE}/{BUS}?lang=th")).json
    assert whole["c"][0]["value"] == "รถ"
    counted = (await c("GET", f"{BASE}/{BUS}?options=aggregatedValues&aggrMethods=totalCount,max")).json
    assert counted["b"] == {"type": "Relationship", "totalCount": [[1, at, "2026-11-22T07:00:00.000001Z"]]}
    assert counted["f"]["max"][0][0] == 2, "lists count by their size"
    wrong = f"{BASE}/{BUS}?attrs=b&options=aggregatedValues&aggrMethods=avg"
    assert error(await c("GET", wrong)) == "InvalidRequest"


@at_the_door
async def test_5_6_12_to_5_6_16_add_modify_delete(c: Client) -> None:
    other = {"datasetId": "urn:d:1"}
    await c("POST", BASE, evolution(speed=[reading(1, 1), reading(2, 2), reading(9, 2, **other)]))
    assert (await c("POST", f"{BASE}/{BUS}/attrs", {"speed": [reading(3, 3)]})).status == 204
    assert await speeds(c) == [1, 2, 9, 3]
    before = (await c("GET", f"{BASE}/{BUS}?options=sysAttrs")).json["speed"]
    path = f"{BASE}/{BUS}/attrs/speed/{before[1]['instanceId']}"
    assert (await c("PATCH", path, [reading(20, 2)])).status == 204
    after = (await c("GET", f"{BASE}/{BUS}?options=sysAttrs")).json["speed"]
    assert values(after) == [1, 20, 9, 3]
    assert [one["instanceId"] for one in after] == [one["instanceId"] for one in before]
    assert after[1]["createdAt"] == before[1]["createdAt"]
    assert after[1]["modifiedAt"] > before[1]["modifiedAt"]
    assert error(await c("PATCH", path, reading(20, 2, datasetId="urn:d:2"))) == "BadRequestData"
    assert (await c("DELETE", path)).status == 204
    assert await speeds(c) == [1, 9, 3]
    assert error(await c("DELETE", path)) == "ResourceNotFound"
    assert error(await c("PATCH", path, reading(1, 1))) == "ResourceNotFound"
    wrong = {
        f"{BASE}/{BUS}/attrs/speed/urn:x:no": "ResourceNotFound",
        f"{BASE}/{BUS}/attrs/speed/no": "BadRequestData",
        f"{BASE}/{BUS}/attrs/sp(eed/urn:x:1": "BadRequestData",
        f"{BASE}/no/attrs/speed/urn:x:1": "BadRequestData",
        f"{BASE}/urn:x:none/attrs/speed/urn:x:1": "ResourceNotFound",
        f"{BASE}/{BUS}/attrs/brand": "ResourceNotFound",
        f"{BASE}/urn:x:none": "ResourceNotFound",
    }
    for bad, kind in wrong.items():
        assert error(await c("DELETE", bad)) == kind, bad
    assert (await c("DELETE", f"{BASE}/{BUS}/attrs/speed?datasetId=urn:d:1")).status == 204
    assert await speeds(c) == [1, 3]
    assert (await c("DELETE", f"{BASE}/{BUS}/attrs/speed?deleteAll=true")).status == 204
    assert error(await c("GET", f"{BASE}/{BUS}?attrs=speed")) == "ResourceNotFound"
    assert (await c("DELETE", f"{BASE}/{BUS}")).status == 204
    assert error(await c("GET", f"{BASE}/{BUS}")) == "ResourceNotFound"
    assert (await c("POST", BASE, evolution(speed=[reading(5, 5)]))).status == 201
    assert await speeds(c) == [5]


@at_the_door
async def test_5_6_16_erasing_the_past_leaves_the_present(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=1))
    assert (await c("DELETE", f"{BASE}/{BUS}")).status == 204
    assert error(await c("GET", f"{BASE}/{BUS}")) == "ResourceNotFound"
    assert (await c("GET", f"/entities/{BUS}?options=keyValues")).json["speed"] == 1
    await c("PATCH", f"/entities/{BUS}/attrs", {"speed": {"value": 2}})
    assert await speeds(c) == [2]


@at_the_door
async def test_4_5_7_deletions_are_part_of_the_evolution(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=1, name={"languageMap": {"en": "bus"}}, scope="/a"))
    await c("DELETE", f"/entities/{BUS}/attrs/name")
    await c("DELETE", f"/entities/{BUS}/attrs/scope")
    gone = (await c("GET", f"{BASE}/{BUS}?timeproperty=deletedAt")).json
    assert gone["name"][0]["languageMap"] == {"@none": "urn:ngsi-ld:null"}
    assert gone["name"][0]["deletedAt"]
    assert gone["scope"][0]["value"] == []
    assert "speed" not in gone
    await c("DELETE", f"/entities/{BUS}")
    whole = (await c("GET", f"{BASE}/{BUS}?options=sysAttrs")).json
    assert values(whole["speed"]) == [1, "urn:ngsi-ld:null"]
    assert whole["deletedAt"] == whole["speed"][1]["deletedAt"]
    assert error(await c("DELETE", f"/entities/{BUS}/attrs/speed")) == "ResourceNotFound"
    assert [
        one["id"] for one in (await c("GET", f"{BASE}?type=Vehicle&{AFTER}&timeproperty=modifiedAt")).json
    ] == [BUS]


@at_the_door
async def test_4_5_6_scope_over_time(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=reading(1, 1), scope="/old"))
    await c("PATCH", f"/entities/{BUS}", {"scope": "/new"})
    old, new = (await c("GET", f"{BASE}/{BUS}?options=sysAttrs")).json["scope"]
    assert (old["value"], new["value"]) == ("/old", "/new")
    assert new["observedAt"] == new["modifiedAt"] > old["observedAt"]
    told = [
        {"type": "Property", "value": f"/{name}", "observedAt": f"2026-11-22T0{n}:00:00Z"}
        for n, name in enumerate("ab", 5)
    ]
    await c(
        "POST",
        BASE,
        evolution(
            2, scope=told, speed=[reading("x", 5), {**reading("y", 5), "observedAt": "2026-11-22T05:30:00Z"}]
        ),
    )
    window = "timerel=between&timeAt=2026-11-22T05:10:00Z&endTimeAt=2026-11-22T08:00:00Z"
    (one,) = (await c("GET", f"{BASE}?type=Vehicle&scopeQ=/a&{window}")).json
    assert values(one["speed"]) == ["y"], "only what was seen while the scope was valid"
    assert values(one["scope"]) == ["/a", "/b"]
    (one,) = (await c("GET", f"{BASE}?type=Vehicle&scopeQ=/b&{window}")).json
    assert values(one["speed"]) == ["x"]
    assert (await c("GET", f"{BASE}?type=Vehicle&scopeQ=/c&{window}")).json == []


@at_the_door
async def test_5_7_4_conditions_hold_on_the_interval(c: Client) -> None:
    here, there = ({"type": "Point", "coordinates": [x, 7.9]} for x in (98.3, 98.9))
    places = [
        {"type": "GeoProperty", "value": place, "observedAt": f"2026-11-22T07:{minute}:00Z"}
        for place, minute in ((here, 10), (there, 40))
    ]
    await c("POST", BASE, evolution(1, speed=[reading(90, 10), reading(10, 40)], location=places))
    await c("POST", BASE, evolution(2, speed=[reading(50, 40)]))
    late = "timerel=after&timeAt=2026-11-22T07:30:00Z"
    near = "georel=near;maxDistance==2000&geometry=Point&coordinates=[98.3,7.9]"

    async def ids(query: str) -> list[str]:
        return [one["id"][-1] for one in (await c("GET", f"{BASE}?type=Vehicle&{query}")).json]

    assert await ids(f"q=speed%3E80&{AFTER}") == ["1"]
    assert await ids(f"q=speed%3E80&{late}") == []
    assert await ids(f"q=speed%3E=10&{late}") == ["1", "2"]
    assert await ids(f"{near}&{AFTER}") == ["1"]
    assert await ids(f"{near}&{late}") == []
    assert await ids(f"orderBy=id;desc&{AFTER}") == ["2", "1"]
    assert await ids(f"limit=1&offset=1&{AFTER}") == ["2"]
    counted = await c("GET", f"{BASE}?type=Vehicle&limit=1&count=true&{AFTER}")
    assert counted.headers["ngsild-results-count"] == "2"
    assert 'rel="next"' in counted.headers["link"]
    for bad in ("", "lastN=3", f"orderBy=speed&{AFTER}", f"pick=a{{b}}&{AFTER}", f'q=a{{b}}=="x"&{AFTER}'):
        assert error(await c("GET", f"{BASE}?type=Vehicle&{bad}")) == "BadRequestData", bad
    assert error(await c("GET", f"{BASE}?{AFTER}")) == "BadRequestData", "too wide"
    query = {
        "type": "Query",
        "entities": [{"type": "Vehicle", "id": BUS}],
        "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"},
        "aggrParams": {"aggrMethods": ["max"], "aggrPeriodDuration": "PT30M"},
    }
    (one,) = (await c("POST", "/temporal/entityOperations/query", query)).json
    assert [row[0] for row in one["speed"]["max"]] == [90, 10]


def test_6_3_10_pages_of_instances(tmp_path: Any) -> None:
    from tests.doors.ngsild.client import open_client

    async def run() -> None:
        async with open_client(tmp_path, max_instances=4) as c:
            await c("POST", BASE, evolution(speed=[reading(n, n) for n in range(6)], fuel=[reading(0, 50)]))
            got = await c("GET", f"{BASE}/{BUS}?{AFTER}")
            assert (got.status, values(got.json["speed"]), got.json["fuel"]) == (206, [0, 1, 2, 3], [])
            assert got.headers["Content-Range"] == "date-time 2020-01-01T00:00:00Z-2026-11-22T07:03:00Z/*"
            back = await c("GET", f"{BASE}?type=Vehicle&lastN=6&timerel=before&timeAt=2030-01-01T00:00:00Z")
            assert back.status == 206
            assert values(back.json[0]["speed"]) == [5, 4, 3]
            assert back.headers["Content-Range"] == "date-time 2030-01-01T00:00:00Z-2026-11-22T07:03:00Z/6"
            few = await c("GET", f"{BASE}/{BUS}?lastN=2")
            assert (few.status, values(few.json["speed"])) == (200, [5, 4])

    asyncio.run(run())


@at_the_door
async def test_answers_that_are_remembered_are_never_old(c: Client) -> None:
    """Who has the answer to a write finds it in every answer about the past, however many ask meanwhile."""
    await c("POST", "/entities", vehicle(speed=0))
    path = f"{BASE}/{BUS}?attrs=speed&lastN=1&timeproperty=modifiedAt"
    written = 0

    async def ask() -> None:
        while written < 40:
            least = written
            assert (await c("GET", path)).json["speed"][0]["value"] >= least
            await asyncio.sleep(0)

    async def write() -> None:
        nonlocal written
        for value in range(1, 41):
            await c("PATCH", f"/entities/{BUS}/attrs", {"speed": {"value": value}})
            assert (await c("GET", path)).json["speed"][0]["value"] == value
            written = value

    await asyncio.gather(write(), *[ask() for _ in range(4)])
    assert c.broker.remembered.hits > 0
    first, second = [await c("GET", path) for _ in range(2)]
    assert first == second


@at_the_door
async def test_what_is_remembered_counts_its_question_and_holds_no_context(c: Client) -> None:
    """Long questions fill no more memory than long answers; a context of one question is not kept alive by it."""
    await c("POST", BASE, evolution(speed=[reading(1, 1)]))
    limit = c.broker.remembered._limit
    for number in range(40):
        context = await c.contexts.resolve({"speed": f"http://x.org/{number}"})
        assert isinstance(context.serial, int)
    for number in range(10):
        await c("GET", f"{BASE}/{BUS}?attrs={'a' * 900}{number},speed")
    held = [question for entry in c.broker.remembered._entries.values() for question in entry]
    assert held
    assert not any(isinstance(part, type(context)) for question in held for part in question)
    assert sum(len(question[0]) for question in held) <= c.broker.remembered._size <= limit


@pytest.mark.parametrize("text", ["P", "PT", "1H", "P1.5D", "PT1H/2020", "P-1D"])
def test_4_5_19_bad_durations(tmp_path: Any, text: str) -> None:
    @at_the_door
    async def ask(c: Client) -> None:
        query = f"options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration={text}"
        assert error(await c("GET", f"{BASE}/{BUS}?{query}")) == "BadRequestData"

    ask(tmp_path)
