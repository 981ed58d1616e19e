"""Laws of the tiles: what is there is in the tile, what may not be seen is not, what changes is seen to have changed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from andaman.broker.entity import build
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city.pack import Pack, install, load_pack
from andaman.doors.tiles import TileDoor
from andaman.doors.tiles.base import LAYERS, features
from andaman.doors.tiles.tileset import BUFFER, EXTENT, Feature, TileSet, to_world
from andaman.identity.entrance import build_routes
from andaman.identity.model import FULL_ACCESS, Access, Actor, Principal, Role, system_actor
from andaman.identity.web import ACTOR
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    x, y = to_world(np.array([[lon, lat]]))[0]
    return int(x * (1 << z)), int(y * (1 << z))


def decode(content: bytes) -> dict[str, Any]:
    return dict(mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})) if content else {}


@pytest.fixture(scope="module")
def tiles() -> TileSet:
    pack = load_pack("phuket")
    return TileSet(
        features(pack.iter_docs(), pack.geometry("waterways")),
        LAYERS,
    )


def test_projection_is_web_mercator() -> None:
    world = to_world(np.array([[0.0, 0.0], [180.0, 85.0511288], [-180.0, -89.0], [98.39, 7.88]]))
    assert world[0] == pytest.approx([0.5, 0.5])
    assert world[1] == pytest.approx([1.0, 0.0], abs=1e-7)
    assert world[2] == pytest.approx([0.0, 1.0], abs=1e-7)
    lat = math.degrees(2 * math.atan(math.exp(math.pi * (1 - 2 * world[3][1]))) - math.pi / 2)
    assert lat == pytest.approx(7.88)


def test_the_whole_island_is_in_its_tile(tiles: TileSet) -> None:
    found = decode(tiles.tile(10, *tile_of(98.34, 7.95, 10)))
    assert set(found) == {"land", "water", "waterway", "district", "road", "district_label"}
    names = {
        f["properties"]["en"]
        for f in found["district_label"]["features"]
        if f["properties"]["level"] == "tambon"
    }
    assert "Patong" in names
    road = next(f for f in found["road"]["features"] if f["properties"].get("ref") == "402")
    assert road["properties"]["th"] == "ถนนเทพกระษัตรี"
    assert road["properties"]["class"] == "primary"


@given(lon=st.floats(98.26, 98.45), lat=st.floats(7.76, 8.19), z=st.integers(7, 16))
def test_tiles_are_well_formed_anywhere(tiles: TileSet, lon: float, lat: float, z: int) -> None:
    """Whole numbers within the buffer, valid polygons, plain properties."""
    for layer in decode(tiles.tile(z, *tile_of(lon, lat, z))).values():
        assert layer["extent"] == EXTENT
        for feature in layer["features"]:
            shape = shapely.geometry.shape(feature["geometry"])
            x0, y0, x1, y1 = shape.bounds
            assert min(x0, y0) >= -BUFFER - 1
            assert max(x1, y1) <= EXTENT + BUFFER + 1
            assert all(isinstance(value, (str, int, float, bool)) for value in feature["properties"].values())
            for part in shapely.get_parts(shape):
                if isinstance(part, shapely.Polygon):
                    assert part.exterior.is_ccw
                    assert not any(ring.is_ccw for ring in part.interiors)


def test_a_far_tile_is_empty(tiles: TileSet) -> None:
    assert tiles.tile(10, 0, 0) == b""


def test_neighbouring_tiles_meet() -> None:
    """A line across a tile border is in both tiles up to the border."""
    line = Feature("road", shapely.LineString([(98.2, 7.9), (98.6, 7.9)]), {"class": "primary"})
    made = TileSet([line], ("road",))
    x, y = tile_of(98.34, 7.9, 10)
    east = decode(made.tile(10, x, y))["road"]["features"][0]["geometry"]["coordinates"]
    west = decode(made.tile(10, x + 1, y))["road"]["features"][0]["geometry"]["coordinates"]
    assert max(c[0] for c in east) >= EXTENT
    assert min(c[0] for c in west) <= 0


def test_an_odd_entity_leaves_the_map_as_it_is() -> None:
    odd: list[Doc] = [
        build.entity("urn:x:1", "AdministrativeArea", location=build.geo({"type": "Point", "coordinates": [98.3, 7.9]}),
                     level=build.prop(["x"]), labelPoint=build.prop("nowhere")),
        build.entity("urn:x:2", "RoadSegment", location=build.geo({"type": "Point", "coordinates": [98.3, 7.9]})),
        build.entity("urn:x:3", "RoadSegment", name=build.prop(5)),
    ]  # fmt: skip
    good = build.entity("urn:x:4", "RoadSegment", roadClass=build.prop("primary"),
                        location=build.geo({"type": "LineString", "coordinates": [[98.3, 7.9], [98.31, 7.9]]}))  # fmt: skip
    found = features([*odd, good], [])
    assert [feature.layer for feature in found] == ["road"]


class Narrow:
    """Sees no roads."""

    key = "narrow"

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return build.iri("RoadSegment") not in types

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset({build.iri("name")})

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return False


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack("phuket")


@asynccontextmanager
async def city(directory: Path, pack: Pack) -> AsyncIterator[tuple[Broker, TileDoor]]:
    broker = Broker.open(directory)
    await broker.start()
    await install(pack, broker, system_actor("city"))
    door = TileDoor(broker, pack)
    await door.start()
    try:
        yield broker, door
    finally:
        await door.stop()
        await broker.close()


def test_what_an_access_hides_is_in_no_tile(tmp_path: Path, pack: Pack) -> None:
    async def run() -> None:
        async with city(tmp_path, pack) as (_, door):
            where = (10, *tile_of(98.34, 7.95, 10))
            full, narrow = (
                decode(await door.tile(FULL_ACCESS, *where)),
                decode(await door.tile(Narrow(), *where)),
            )
            assert "road" in full
            assert "road" not in narrow
            assert all("th" not in f["properties"] for f in narrow["district"]["features"])
            assert "road" in decode(await door.tile(FULL_ACCESS, *where))  # and not the other way round

    asyncio.run(run())


def test_a_change_is_in_the_next_tile(tmp_path: Path, pack: Pack) -> None:
    async def run() -> None:
        async with city(tmp_path, pack) as (broker, door):
            where = (12, *tile_of(98.3, 7.5, 12))
            assert "road" not in decode(await door.tile(FULL_ACCESS, *where))
            line = {"type": "LineString", "coordinates": [[98.29, 7.5], [98.31, 7.5]]}
            doc = build.entity(
                "urn:ngsi-ld:RoadSegment:new",
                "RoadSegment",
                roadClass=build.prop("primary"),
                location=build.geo(line),
            )
            actor = system_actor("test")
            await broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], actor)
            await _until(door, where, True)
            await broker.write([WriteOp(OpKind.DELETE, doc["id"])], actor)
            await _until(door, where, False)
            version = door._version
            other = build.entity("urn:ngsi-ld:Vehicle:1", "Vehicle", speed=build.prop(1))
            await broker.write([WriteOp(OpKind.CREATE, other["id"], other)], actor)
            await asyncio.sleep(0.1)
            assert door._version == version  # what is not on the map throws nothing away

    asyncio.run(run())


async def _until(door: TileDoor, where: tuple[int, int, int], there: bool) -> None:
    for _ in range(100):
        if ("road" in decode(await door.tile(FULL_ACCESS, *where))) == there:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the tile did not follow the change")


class Gate:
    def __init__(self, app: Any, access: Access) -> None:
        self.app = app
        self.actor = Actor(Principal("user:x", "x", frozenset({Role.PUBLIC})), access)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[ACTOR] = self.actor
        await self.app(scope, receive, send)


def test_routes(tmp_path: Path, pack: Pack) -> None:
    async def problem(_: Any, error: Exception) -> Any:
        assert isinstance(error, AndamanError)
        return problem_response(error)

    async def run() -> None:
        async with city(tmp_path, pack) as (_, door):
            app = Starlette(routes=build_routes(door.routes()), exception_handlers={AndamanError: problem})
            transport = httpx.ASGITransport(Gate(app, FULL_ACCESS))
            async with httpx.AsyncClient(transport=transport, base_url="http://andaman") as client:
                x, y = tile_of(98.34, 7.95, 11)
                answer = await client.get(f"/tiles/base/11/{x}/{y}.mvt")
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
                assert "no-cache" in answer.headers["cache-control"]
                again = await client.get(
                    f"/tiles/base/11/{x}/{y}.mvt", headers={"If-None-Match": answer.headers["etag"]}
                )
                assert (again.status_code, again.content) == (304, b"")
                assert (await client.get("/tiles/base/11/0/0.mvt")).status_code == 204
                for path in (
                    "base/17/0/0",
                    "base/3/8/0",
                    "base/x/0/0",
                    "base/1/-1/0",
                    "base/1/1e1/0",
                    "base/9999999/0/0",
                ):
                    assert (await client.get(f"/tiles/{path}.mvt")).status_code == 400, path
                assert (await client.get("/tiles/secret/1/0/0.mvt")).status_code == 404
                about = (await client.get("/api/city")).json()
                assert about["name"] == {"th": "จังหวัดภูเก็ต", "en": "Phuket"}
                assert any("OpenStreetMap" in credit for credit in about["attribution"])
                assert all(source["licence"] for source in about["sources"])

    asyncio.run(run())
