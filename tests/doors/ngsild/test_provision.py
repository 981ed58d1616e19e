"""Provision by clause (CIM 009 §5.6 and its HTTP binding)."""

from __future__ import annotations

from typing import Any

from andaman.broker.model import DEFAULT_VOCAB
from tests.doors.ngsild.client import BUS, Client, at_the_door, error, vehicle

SPEED = {"type": "Property", "value": 5, "unitCode": "KMH", "observedAt": "2026-11-22T07:32:00Z"}


async def seen(c: Client, path: str = f"/entities/{BUS}") -> Any:
    got = await c("GET", path)
    assert got.status == 200, got.body
    return got.json


@at_the_door
async def test_5_6_1_create(c: Client) -> None:
    got = await c("POST", "/entities", vehicle(speed=SPEED))
    assert got.status == 201
    assert got.headers["location"] == f"/ngsi-ld/v1/entities/{BUS}"
    assert await seen(c) == vehicle(speed=SPEED)
    assert error(await c("POST", "/entities", vehicle())) == "AlreadyExists"
    assert error(await c("POST", "/entities", {"id": BUS})) == "BadRequestData"
    for broken in (b"{", b"[]", b"5"):
        assert error(await c("POST", "/entities", raw=broken)) == "InvalidRequest"
    assert error(await c("POST", "/entities", {"id": BUS, "type": "type"})) == "BadRequestData"
    assert error(await c("PATCH", "/entities/", vehicle())) == "BadRequestData"


@at_the_door
async def test_5_6_2_update_attributes(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=SPEED))
    assert (await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 7})).status == 204
    assert (await seen(c))["speed"] == {"type": "Property", "value": 7}
    got = await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 8, "brand": "urn:ngsi-ld:null"})
    assert got.status == 207
    assert got.json["updated"] == [DEFAULT_VOCAB + "speed"]
    assert got.json["notUpdated"][0]["attributeName"] == DEFAULT_VOCAB + "brand"
    assert (await c("PATCH", f"/entities/{BUS}/attrs", {"brand": "x"})).status == 204
    assert (await seen(c))["brand"]["value"] == "x"
    assert error(await c("PATCH", "/entities/urn:x:none/attrs", {"speed": 7})) == "ResourceNotFound"
    assert error(await c("PATCH", f"/entities/{BUS}/attrs", {})) == "BadRequestData"
    assert (await c("PATCH", f"/entities/{BUS}/attrs", {"speed": "urn:ngsi-ld:null"})).status == 204
    assert "speed" not in await seen(c)


@at_the_door
async def test_5_6_3_append_attributes(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=1))
    assert (await c("POST", f"/entities/{BUS}/attrs", {"speed": 2, "brand": "x"})).status == 204
    got = await c("POST", f"/entities/{BUS}/attrs?options=noOverwrite", {"speed": 3, "fuel": 1})
    assert got.status == 207
    assert got.json["updated"] == [DEFAULT_VOCAB + "fuel"]
    assert (await seen(c))["speed"]["value"] == 2
    assert (await c("POST", f"/entities/{BUS}/attrs", {"type": "Bus"})).status == 204
    assert set((await seen(c))["type"]) == {"Bus", "Vehicle"}
    assert error(await c("POST", f"/entities/{BUS}/attrs?options=nonsense", {"a": 1})) == "InvalidRequest"


@at_the_door
async def test_5_6_4_partial_update(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=SPEED))
    assert (await c("PATCH", f"/entities/{BUS}/attrs/speed", {"value": 9})).status == 204
    assert (await seen(c))["speed"] == {**SPEED, "value": 9}
    path = f"/entities/{BUS}/attrs"
    assert error(await c("PATCH", f"{path}/brand", {"value": 9})) == "ResourceNotFound"
    assert error(await c("PATCH", f"{path}/speed", {})) == "BadRequestData"
    assert (
        error(await c("PATCH", f"{path}/speed", {"type": "Relationship", "object": BUS})) == "BadRequestData"
    )
    assert error(await c("PATCH", f"{path}/speed", {"datasetId": "urn:ngsi-ld:null"})) == "BadRequestData"
    assert error(await c("PATCH", f"{path}/scope", {"value": "/a"})) == "BadRequestData"
    patched = await c("PATCH", f"{path}/speed", {"value": 1}, kind="application/merge-patch+json")
    assert patched.status == 204
    assert (
        await c("PATCH", f"{path}/speed", {"type": "Property", "value": "urn:ngsi-ld:null"})
    ).status == 204
    assert "speed" not in await seen(c)


@at_the_door
async def test_5_6_5_delete_attribute(c: Client) -> None:
    two = [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]
    await c("POST", "/entities", vehicle(speed=two, scope="/a"))
    path = f"/entities/{BUS}/attrs"
    assert (await c("DELETE", f"{path}/speed?datasetId=urn:d:1")).status == 204
    assert (await seen(c))["speed"]["value"] == 1
    assert (await c("DELETE", f"{path}/speed?deleteAll=true")).status == 204
    assert error(await c("DELETE", f"{path}/speed")) == "ResourceNotFound"
    assert (await c("DELETE", f"{path}/scope")).status == 204
    assert "scope" not in await seen(c)


@at_the_door
async def test_5_6_6_delete_entity(c: Client) -> None:
    await c("POST", "/entities", vehicle())
    assert error(await c("DELETE", f"/entities/{BUS}?type=Bus")) == "ResourceNotFound"
    assert (await c("DELETE", f"/entities/{BUS}?type=Vehicle")).status == 204
    assert error(await c("DELETE", f"/entities/{BUS}")) == "ResourceNotFound"
    assert error(await c("DELETE", "/entities/nouri")) == "BadRequestData"


@at_the_door
async def test_5_6_17_merge(c: Client) -> None:
    name = {"type": "LanguageProperty", "languageMap": {"th": "ก", "en": "a"}}
    await c("POST", "/entities", vehicle(speed=SPEED, name=name, address={"value": {"a": 1, "b": 2}}))
    body = {"address": {"value": {"a": "urn:ngsi-ld:null"}}, "speed": {"value": 6}, "fuel": 1}
    assert (await c("PATCH", f"/entities/{BUS}?observedAt=2026-12-01T00:00:00Z", body)).status == 204
    now = await seen(c)
    assert now["address"]["value"] == {"b": 2}
    assert now["speed"] == {**SPEED, "value": 6, "observedAt": "2026-12-01T00:00:00Z"}
    assert now["fuel"]["value"] == 1
    simple = {"name": "z", "fuel": "urn:ngsi-ld:null"}
    assert (await c("PATCH", f"/entities/{BUS}?options=keyValues&lang=en", simple)).status == 204
    now = await seen(c)
    assert now["name"]["languageMap"] == {"th": "ก", "en": "z"}
    assert "fuel" not in now
    assert error(await c("PATCH", "/entities/urn:x:none", {"a": 1})) == "ResourceNotFound"


@at_the_door
async def test_5_6_18_and_5_6_19_replace(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=SPEED, brand="x"))
    created = (await seen(c, f"/entities/{BUS}?options=sysAttrs"))["createdAt"]
    assert (await c("PUT", f"/entities/{BUS}", vehicle(speed=1))).status == 204
    assert await seen(c) == vehicle(speed={"type": "Property", "value": 1})
    after = await seen(c, f"/entities/{BUS}?options=sysAttrs")
    assert after["createdAt"] == created < after["modifiedAt"]
    assert (await c("PUT", f"/entities/{BUS}/attrs/speed", {"object": BUS})).status == 204
    assert (await seen(c))["speed"] == {"type": "Relationship", "object": BUS}
    assert error(await c("PUT", f"/entities/{BUS}/attrs/brand", {"value": 1})) == "ResourceNotFound"
    assert error(await c("PUT", f"/entities/{BUS}", {**vehicle(2), "a": 1})) == "BadRequestData"


@at_the_door
async def test_5_6_7_to_5_6_10_batches(c: Client) -> None:
    base = "/entityOperations"
    assert (await c("POST", f"{base}/create", [vehicle(1), vehicle(2)])).json == [
        BUS,
        "urn:ngsi-ld:Vehicle:2",
    ]
    got = await c("POST", f"{base}/create", [vehicle(1), vehicle(3), {"id": "x"}, 5])
    assert got.status == 207
    assert got.json["success"] == ["urn:ngsi-ld:Vehicle:3"]
    kinds = [one["error"]["type"].rsplit("/", 1)[-1] for one in got.json["errors"]]
    assert sorted(kinds) == ["AlreadyExists", "BadRequestData", "BadRequestData"]
    assert (await c("POST", f"{base}/upsert", [vehicle(1, a=1)])).status == 204
    assert (await c("POST", f"{base}/upsert", [vehicle(1, b=1), vehicle(4)])).json == [
        "urn:ngsi-ld:Vehicle:4"
    ]
    assert "a" not in await seen(c)
    assert (await c("POST", f"{base}/upsert?options=update", [vehicle(1, a=2)])).status == 204
    assert {"a", "b"} <= (await seen(c)).keys()
    assert (await c("POST", f"{base}/update", [vehicle(1, a=3), vehicle(9, a=1)])).status == 207
    assert (await c("POST", f"{base}/update?options=noOverwrite", [vehicle(1, a=4)])).status == 207
    assert (await seen(c))["a"]["value"] == 3
    assert (await c("POST", f"{base}/merge", [vehicle(1, a="urn:ngsi-ld:null")])).status == 204
    assert "a" not in await seen(c)
    assert (await c("POST", f"{base}/delete", [BUS])).status == 204
    assert (await c("POST", f"{base}/delete", [BUS, "urn:ngsi-ld:Vehicle:2"])).status == 207
    for bad in ([], {}, [vehicle(7), None], "x"):
        assert error(await c("POST", f"{base}/create", bad)) == "BadRequestData"
    assert error(await c("GET", "/entities/urn:ngsi-ld:Vehicle:7")) == "ResourceNotFound"


@at_the_door
async def test_4_6_6_the_later_instance_of_a_batch_wins(c: Client) -> None:
    assert (
        await c("POST", "/entityOperations/upsert", [vehicle(1, a=1, x=1), vehicle(1, a=2)])
    ).status == 201
    assert await seen(c) == vehicle(a={"type": "Property", "value": 2})
