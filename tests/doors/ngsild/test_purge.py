"""Purge (CIM 009 §5.6.21, §6.4.3.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.ngsild.client import Client, at_the_door, error, vehicle


async def ids(c: Client, query: str = "local=true") -> list[int]:
    got = await c("GET", f"/entities?limit=1000&{query}")
    return [int(one["id"].rsplit(":", 1)[-1]) for one in got.json]


async def fill(c: Client, count: int = 6, **attrs: Any) -> None:
    for n in range(count):
        await c("POST", "/entities", vehicle(n, speed=n, name=f"bus {n}", **attrs))


@at_the_door
async def test_5_6_21_entities_that_match_are_deleted(c: Client) -> None:
    await fill(c)
    assert (await c("DELETE", "/entities?type=Vehicle&q=speed%3E3")).status == 204
    assert await ids(c) == [0, 1, 2, 3]
    assert (
        await c("DELETE", "/entities/?id=urn:ngsi-ld:Vehicle:1,urn:ngsi-ld:Vehicle:9&type=Vehicle")
    ).status == 204
    assert await ids(c) == [0, 2, 3]
    assert (await c("DELETE", "/entities?attrs=brand")).status == 204
    assert await ids(c) == [0, 2, 3]
    assert (await c("DELETE", "/entities?local=true")).status == 204
    assert await ids(c) == []


@at_the_door
async def test_5_6_21_more_than_one_page_of_them(c: Client) -> None:
    batch = [vehicle(n, speed=n) for n in range(2300)]
    assert (await c("POST", "/entityOperations/create", batch)).status == 201
    assert (await c("DELETE", "/entities?type=Vehicle&q=speed%3C2250")).status == 204
    assert await ids(c) == list(range(2250, 2300))


@at_the_door
async def test_5_6_21_drop_and_keep_touch_attributes_only(c: Client) -> None:
    await fill(c, 2, scope="/bus")
    assert (await c("DELETE", "/entities?type=Vehicle&drop=name,scope")).status == 204
    assert (await c("GET", "/entities?type=Vehicle&options=keyValues")).json == [
        vehicle(0, speed=0),
        vehicle(1, speed=1),
    ]
    await c("POST", "/entities/urn:ngsi-ld:Vehicle:1/attrs", {"brand": "x", "scope": "/bus"})
    assert (await c("DELETE", "/entities?type=Vehicle&keep=brand")).status == 204
    assert (await c("GET", "/entities?type=Vehicle&options=keyValues")).json == [
        vehicle(0),
        vehicle(1, brand="x"),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "id=urn:ngsi-ld:Vehicle:1",
        "idPattern=.*",
        "attrs=createdAt",
        "q=modifiedAt%3E%222020-01-01T00:00:00Z%22",
        "type=Vehicle&keep=a&drop=b",
        "type=Vehicle&drop=owner%7Bname%7D",
        "type=Vehicle&drop=id",
        "type=Vehicle&q=owner%7Bname%7D==1",
        "type=Vehicle&id=nonsense",
    ],
)
def test_5_6_21_too_wide_or_wrong_purges_delete_nothing(tmp_path: Any, query: str) -> None:
    @at_the_door
    async def check(c: Client) -> None:
        await fill(c, 2)
        assert error(await c("DELETE", f"/entities?{query}")) == "BadRequestData"
        assert await ids(c) == [0, 1]

    check(tmp_path)
