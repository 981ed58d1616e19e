"""Consumption by clause (CIM 009 §5.7): retrieval, queries, discovery, history."""

from __future__ import annotations

import asyncio
from typing import Any

from andaman.kernel.time import format_time, system_clock
from tests.doors.ngsild.client import BUS, Client, Got, at_the_door, error, vehicle


async def filled(c: Client) -> None:
    """Five buses on a line to the east, speeds 10 to 50."""
    batch = [
        vehicle(
            n,
            speed={"value": n * 10, "observedAt": f"2026-11-22T07:3{n}:00Z"},
            location={"type": "Point", "coordinates": [98.3 + n / 100, 7.9]},
            scope=f"/mobility/line{'ab'[n % 2]}",
            name={"languageMap": {"th": "รถ", "en": "bus"}},
        )
        for n in range(1, 6)
    ]
    assert (await c("POST", "/entityOperations/create", batch)).status == 201


def numbers(got: Got) -> list[int]:
    assert got.status == 200, got.body
    return [int(one["id"].rsplit(":", 1)[-1]) for one in got.json]


@at_the_door
async def test_5_7_1_retrieve(c: Client) -> None:
    await filled(c)
    path = f"/entities/{BUS}"
    assert set((await c("GET", f"{path}?attrs=speed")).json) == {"id", "type", "scope", "speed"}
    assert error(await c("GET", f"{path}?attrs=nothing")) == "ResourceNotFound"
    assert (await c("GET", f"{path}?pick=id,speed&options=keyValues")).json == {"id": BUS, "speed": 10}
    assert "name" not in (await c("GET", f"{path}?omit=name|location")).json
    assert error(await c("GET", f"{path}?pick=speed,&options=keyValues")) == "BadRequestData"
    assert error(await c("GET", f"{path}?pick=a&attrs=a")) == "BadRequestData"
    assert error(await c("GET", f"{path}?pick=a&omit=a")) == "BadRequestData"
    assert error(await c("GET", f"{path}?pick=a{{b}}")) == "BadRequestData"
    assert error(await c("GET", f"{path}?geometryProperty=location")) == "BadRequestData"
    assert error(await c("GET", f"{path}?type=Bus")) == "ResourceNotFound"
    assert (await c("GET", f"{path}?lang=fr,th;q=0.5&options=keyValues")).json["name"] == "รถ"
    assert (await c("GET", f"{path}?format=concise&options=normalized")).json["name"] == {
        "languageMap": {"th": "รถ", "en": "bus"}
    }
    assert "createdAt" in (await c("GET", f"{path}?options=sysAttrs")).json["speed"]
    assert error(await c("GET", f"{path}?options=nonsense")) == "InvalidRequest"


@at_the_door
async def test_5_7_2_query(c: Client) -> None:
    await filled(c)
    assert numbers(await c("GET", "/entities?type=Vehicle")) == [1, 2, 3, 4, 5]
    assert numbers(await c("GET", "/entities?type=*&id=urn:ngsi-ld:Vehicle:3,urn:ngsi-ld:Vehicle:2")) == [
        2,
        3,
    ]
    assert numbers(await c("GET", "/entities?type=Vehicle&idPattern=.*[45]$")) == [4, 5]
    assert numbers(await c("GET", "/entities?q=speed>=30")) == [3, 4, 5]
    assert numbers(await c("GET", "/entities?type=Vehicle&scopeQ=/mobility/linea")) == [2, 4]
    assert numbers(await c("GET", "/entities?type=Vehicle&scopeQ=/+/lineb")) == [1, 3, 5]
    near = "/entities?georel=near;maxDistance==2300&geometry=Point&coordinates=[98.31,7.9]"
    assert numbers(await c("GET", near)) == [1, 2, 3]
    assert numbers(await c("GET", "/entities?attrs=speed")) == [1, 2, 3, 4, 5]
    assert numbers(await c("GET", "/entities?attrs=nothing")) == []
    assert numbers(await c("GET", "/entities?q=speed==%2210%22,20&type=Vehicle")) == [2]
    assert numbers(await c("GET", "/entities?type=Vehicle&q=name[en]==%22big+bus%22")) == []
    wide_q = "?q=createdAt>2020-01-01T00:00:00Z"
    for wide in ("", "?id=urn:x:y", "?limit=5", "?attrs=createdAt", wide_q, "?type=*&local=false"):
        assert error(await c("GET", f"/entities{wide}")) == "BadRequestData"
    assert numbers(await c("GET", "/entities?local=true&limit=2")) == [1, 2]
    for bad in ("q=((", "georel=near", "type=Vehicle;;", "scopeQ=//&type=A", "idPattern=(&type=A"):
        assert (await c("GET", f"/entities?{bad}")).status == 400


@at_the_door
async def test_4_12_and_4_13_paging_and_count(c: Client) -> None:
    await filled(c)
    got = await c("GET", "/entities?type=Vehicle&limit=2&offset=2&count=true")
    assert numbers(got) == [3, 4]
    assert got.headers["ngsild-results-count"] == "5"
    assert '</ngsi-ld/v1/entities?count=true&limit=2&offset=4&type=Vehicle>;rel="next"' in got.headers["link"]
    assert 'offset=0&type=Vehicle>;rel="prev"' in got.headers["link"]
    got = await c("GET", "/entities?type=Vehicle&limit=5")
    assert 'rel="next"' not in got.headers["link"]
    got = await c("GET", "/entities?type=Vehicle&limit=0&count=true")
    assert (got.json, got.headers["ngsild-results-count"]) == ([], "5")
    assert error(await c("GET", "/entities?type=Vehicle&limit=0")) == "BadRequestData"
    assert error(await c("GET", "/entities?type=Vehicle&limit=-1")) == "BadRequestData"
    assert error(await c("GET", "/entities?type=Vehicle&limit=100000")) == "TooManyResults"


@at_the_door
async def test_5_2_23_query_by_post(c: Client) -> None:
    await filled(c)
    path = "/entityOperations/query"

    async def ask(parameters: str = "", **members: Any) -> Got:
        return await c("POST", path + parameters, {"type": "Query", **members})

    assert numbers(await ask(entities=[{"type": "Vehicle"}])) == [1, 2, 3, 4, 5]
    two = [{"type": "Vehicle", "id": BUS}, {"type": "Vehicle", "idPattern": ".*5$"}]
    got = await ask("?count=true", entities=two)
    assert numbers(got) == [1, 5]
    assert got.headers["ngsild-results-count"] == "2"
    geo = {"georel": "near;maxDistance==2300", "geometry": "Point", "coordinates": [98.31, 7.9]}
    assert numbers(await ask(geoQ=geo)) == [1, 2, 3]
    assert numbers(await ask(q="speed==20", attrs=["speed"])) == [2]
    assert (await ask(q="speed==20", pick=["id"])).json == [{"id": "urn:ngsi-ld:Vehicle:2"}]
    assert error(await ask()) == "BadRequestData"
    assert error(await ask(nonsense=1)) == "BadRequestData"
    assert error(await c("POST", path, {"type": "Nonsense"})) == "BadRequestData"
    assert error(await ask(entities=[{}])) == "BadRequestData"
    assert error(await ask(entities=[{"type": "A"}], temporalQ={})) == "BadRequestData"


@at_the_door
async def test_4_5_16_geojson_collection(c: Client) -> None:
    await filled(c)
    got = await c("GET", "/entities?type=Vehicle&limit=1&options=keyValues", accept="application/geo+json")
    assert got.json["type"] == "FeatureCollection"
    (shown,) = got.json["features"]
    assert shown["geometry"]["type"] == "Point"
    assert shown["properties"]["speed"] == 10
    assert "@context" not in shown


@at_the_door
async def test_state_as_of_a_past_second(c: Client) -> None:
    await filled(c)
    moment = format_time(system_clock())
    await asyncio.sleep(0.01)
    await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 99})
    await c("DELETE", "/entities/urn:ngsi-ld:Vehicle:5")
    assert (await c("GET", f"/entities/{BUS}?at={moment}&options=keyValues")).json["speed"] == 10
    assert (await c("GET", f"/entities/{BUS}?options=keyValues")).json["speed"] == 99
    assert numbers(await c("GET", f"/entities?type=Vehicle&at={moment}")) == [1, 2, 3, 4, 5]
    assert numbers(await c("GET", "/entities?type=Vehicle")) == [1, 2, 3, 4]
    assert error(await c("GET", f"/entities/{BUS}?at=2000-01-01T00:00:00Z")) == "ResourceNotFound"
    assert error(await c("GET", f"/entities/{BUS}?at=yesterday")) == "BadRequestData"


@at_the_door
async def test_5_7_5_to_5_7_10_discovery(c: Client) -> None:
    await filled(c)
    assert (await c("GET", "/types")).json["typeList"] == ["Vehicle"]
    (detail,) = (await c("GET", "/types?details=true")).json
    assert set(detail["attributeNames"]) == {"speed", "location", "name"}
    info = (await c("GET", "/types/Vehicle")).json
    assert info["entityCount"] == 5
    assert {one["attributeName"]: one["attributeTypes"] for one in info["attributeDetails"]} == {
        "location": ["GeoProperty"],
        "name": ["LanguageProperty"],
        "speed": ["Property"],
    }
    assert set((await c("GET", "/attributes")).json["attributeList"]) == {"speed", "location", "name"}
    assert (await c("GET", "/attributes/speed")).json["attributeCount"] == 5
    for nothing in ("/types/Bus", "/attributes/brand", "/attributes/scope", "/attributes/type"):
        assert error(await c("GET", nothing)) == "ResourceNotFound"


@at_the_door
async def test_5_7_3_and_5_7_4_history(c: Client) -> None:
    await filled(c)
    for minute in (40, 50):
        body = {"speed": {"value": minute, "observedAt": f"2026-11-22T07:{minute}:00Z"}}
        await c("PATCH", f"/entities/{BUS}/attrs", body)
    path = f"/temporal/entities/{BUS}"
    whole = (await c("GET", f"{path}?attrs=speed")).json
    assert [one["value"] for one in whole["speed"]] == [10, 40, 50]
    values = await c(
        "GET", f"{path}?attrs=speed&options=temporalValues&timerel=after&timeAt=2026-11-22T07:35:00Z"
    )
    assert values.json["speed"]["values"] == [[40, "2026-11-22T07:40:00Z"], [50, "2026-11-22T07:50:00Z"]]
    last = (await c("GET", f"{path}?attrs=speed&lastN=1")).json["speed"]
    assert [one["value"] for one in last] == [50]
    query = "options=aggregatedValues&aggrMethods=avg,max&aggrPeriodDuration=PT1H&attrs=speed"
    rows = (await c("GET", f"{path}?{query}")).json["speed"]
    assert round(rows["avg"][0][0], 6) == round(100 / 3, 6)
    assert rows["max"][0][0] == 50
    between = "timerel=between&timeAt=2026-11-22T07:39:00Z&endTimeAt=2026-11-22T07:45:00Z"
    (one,) = (await c("GET", f"/temporal/entities?type=Vehicle&attrs=speed&{between}")).json
    assert [row["value"] for row in one["speed"]] == [40]
    body = {
        "type": "Query",
        "entities": [{"type": "Vehicle"}],
        "attrs": ["speed"],
        "temporalQ": {"timerel": "after", "timeAt": "2026-11-22T07:45:00Z"},
    }
    (one,) = (await c("POST", "/temporal/entityOperations/query", body)).json
    assert [row["value"] for row in one["speed"]] == [50]
    for bad in (
        "timerel=sometimes",
        "timerel=before",
        "timeAt=2026-11-22T07:45:00Z",
        "timerel=between&timeAt=2026-11-22T07:45:00Z",
        "timeproperty=x",
        "lastN=0",
        "aggrMethods=avg",
        "options=aggregatedValues&aggrMethods=median",
        "options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1h",
        "options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P",
    ):
        assert error(await c("GET", f"{path}?{bad}")) == "BadRequestData", bad
    assert (await c("GET", path, accept="application/geo+json")).status == 406


@at_the_door
async def test_4_5_23_linked_entities(c: Client) -> None:
    city, land = "urn:ngsi-ld:City:1", "urn:ngsi-ld:Country:1"
    await c("POST", "/entities", vehicle(at={"object": city}, name="bus"))
    await c("POST", "/entities", {"id": city, "type": "City", "name": "Phuket", "inside": {"object": land}})
    await c("POST", "/entities", {"id": land, "type": "Country", "name": "Thailand", "has": {"object": city}})
    path = f"/entities/{BUS}?options=keyValues"
    one = (await c("GET", f"{path}&join=inline")).json
    assert one["at"] == {"id": city, "type": "City", "name": "Phuket", "inside": land}
    two = (await c("GET", f"{path}&join=inline&joinLevel=3")).json
    assert two["at"]["inside"] == {
        "id": land,
        "type": "Country",
        "name": "Thailand",
        "has": city,
    }  # no circle
    full = (await c("GET", f"/entities/{BUS}?join=inline")).json["at"]
    assert (full["object"], full["entity"]["id"]) == (city, city)
    flat = (await c("GET", f"{path}&join=flat&joinLevel=2")).json
    assert [entity["id"] for entity in flat] == [BUS, city, land]
    assert [e["id"] for e in (await c("GET", "/entities?type=Vehicle&join=flat")).json] == [BUS, city]
    picked = (await c("GET", f"{path}&join=inline&pick=id,at{{name}}")).json
    assert picked == {"id": BUS, "at": {"name": "Phuket"}}
    left = (await c("GET", f"{path}&join=inline&omit=type,at{{inside|type}}")).json
    assert left == {"id": BUS, "at": {"id": city, "name": "Phuket"}, "name": "bus"}
    known = (await c("GET", f"{path}&join=inline&containedBy={city}")).json
    assert known["at"] == city
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "join": "inline", "joinLevel": 1}
    (shown,) = (await c("POST", "/entityOperations/query", body)).json
    assert shown["at"]["entity"]["type"] == "City"
    for bad in (
        "join=sideways",
        "join=inline&joinLevel=0",
        "joinLevel=2",
        "join=inline&pick=at{inside{name}}",
        "pick=at{name}",
        "join=inline&pick=at{name",
        "join=inline&pick=at{name}}",
        "join=inline&pick=at{{name}}",
        "join=inline&pick=id{name}",
        "join=inline&joinLevel=10&pick=" + "a{" * 11 + "b" + "}" * 11,
    ):
        assert error(await c("GET", f"/entities/{BUS}?{bad}")) == "BadRequestData", bad
    assert (await c("GET", f"/entities/{BUS}?join=inline", accept="application/geo+json")).status == 422


@at_the_door
async def test_4_23_ordering(c: Client) -> None:
    places = {1: ("Zebra", 98.5, 3), 2: ("Ähre", 98.3, "x"), 3: ("apfel", 98.4, None)}
    for number, (name, lon, rank) in places.items():
        more = {} if rank is None else {"rank": rank}
        point = {"type": "Point", "coordinates": [lon, 7.9]}
        await c(
            "POST",
            "/entities",
            vehicle(number, name=name, location=point, address={"value": {"n": lon}}, **more),
        )
    path = "/entities?type=Vehicle&orderBy="
    assert numbers(await c("GET", f"{path}name")) == [1, 3, 2]  # by code point
    assert numbers(await c("GET", f"{path}name&collation=de")) == [2, 3, 1]
    assert numbers(await c("GET", f"{path}name;desc&collation=und")) == [1, 3, 2]
    assert numbers(await c("GET", f"{path}rank")) == [1, 2, 3]  # numbers, texts, nothing
    assert numbers(await c("GET", f"{path}rank;desc")) == [2, 1, 3]
    assert numbers(await c("GET", f"{path}location;dist-asc&orderFrom=[98.31,7.9]")) == [2, 3, 1]
    assert numbers(await c("GET", f"{path}location;dist-desc&orderFrom=[98.31,7.9]")) == [1, 3, 2]
    assert numbers(await c("GET", f"{path}address[n]")) == [2, 3, 1]
    assert numbers(await c("GET", f"{path}type,createdAt;desc")) == [3, 2, 1]
    page = await c("GET", f"{path}address[n]&limit=1&offset=1&count=true")
    assert numbers(page) == [3]
    assert page.headers["ngsild-results-count"] == "3"
    body = {
        "type": "Query",
        "entities": [{"type": "Vehicle"}],
        "ordering": {"orderBy": ["name.createdAt;desc"]},
    }
    assert numbers(await c("POST", "/entityOperations/query", body)) == [3, 2, 1]
    for bad in (
        "location;dist-asc",
        "name&collation=xx",
        "name&collation=!!",
        "name;sideways",
        "",
        "id[a]",
        "location;dist-asc&orderFrom=8,40",
        "location;dist-asc&orderFrom=[500,40]",
    ):
        assert error(await c("GET", path + bad)) == "BadRequestData", bad
