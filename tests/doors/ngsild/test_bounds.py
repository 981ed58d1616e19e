"""What one request may cost: joins that multiply and alternatives that reach far are refused, not computed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.broker.query.ast import TypeIs
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_geo
from andaman.doors.ngsild import consumption
from tests.doors.ngsild.client import Client, at_the_door, error, open_client, vehicle


@at_the_door
async def test_a_join_that_multiplies_ends(c: Client) -> None:
    """Fifteen entities that all refer to each other: a nest of depth ten would have 10^10 of them."""
    ids = [f"urn:ngsi-ld:Vehicle:{n}" for n in range(15)]
    batch = [vehicle(n, next={"type": "Relationship", "object": ids}) for n in range(15)]
    assert (await c("POST", "/entityOperations/create", batch)).status == 201
    got = await c("GET", "/entities?type=Vehicle&join=inline&joinLevel=10")
    assert error(got) == "TooManyResults"
    assert (await c("GET", "/entities?type=Vehicle&join=inline&joinLevel=1")).status == 200
    assert len((await c("GET", "/entities?type=Vehicle&limit=1&join=flat&joinLevel=10")).json) == 15


def test_alternatives_read_a_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumption, "_MOST_READ", 50)

    async def run() -> None:
        async with open_client(tmp_path) as c:
            await c("POST", "/entityOperations/create", [vehicle(n) for n in range(60)])
            both = {"type": "Query", "entities": [{"type": "Vehicle"}, {"type": "Bus"}]}
            path = "/entityOperations/query?limit=10"
            assert len((await c("POST", path, both)).json) == 10
            assert error(await c("POST", path + "&offset=9999999", both)) == "TooComplexQuery"
            assert error(await c("POST", path + "&count=true", both)) == "TooComplexQuery"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "aside"),
    [
        ("near;maxDistance==5", "Point", "[98,7]", False),
        ("within", "Polygon", "[[[98,7],[99,7],[99,8],[98,7]]]", False),
        ("intersects", "LineString", "[[98,7],[99,8]]", False),
        ("overlaps", "LineString", "[[98,7],[99,8]]", True),
        ("equals", "Point", "[98,7]", True),
        ("contains", "Polygon", "[[[98,7],[99,7],[99,8],[98,7]]]", True),
        ("near;maxDistance==5", "LineString", str([[98 + n / 1000, 7] for n in range(100)]), True),
    ],
)
def test_places_that_take_work_are_looked_at_beside_the_loop(
    georel: str, geometry: str, coordinates: str, aside: bool
) -> None:
    """Relations that the index cannot tell are computed entity by entity: in a worker, so that nobody else waits."""
    query = EntityQuery(types=TypeIs("x:A"), geo=parse_geo(georel, geometry, coordinates))
    assert consumption._may_be_long(query) is aside
