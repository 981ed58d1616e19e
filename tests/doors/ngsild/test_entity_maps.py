"""Laws of entity maps over a restart (CIM 009 §4.5.25, §5.2.39, §5.5.9.3)."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from andaman.broker.registry.map_store import FILE
from andaman.identity.model import Actor, Principal
from tests.doors.ngsild.client import Client, open_whole_client
from tests.doors.ngsild.test_distributed import bus


async def made(c: Client, query: str = "") -> str:
    got = await c("GET", f"/entities?type=Bus&entityMap=true&limit=2{query}")
    assert got.status == 201
    return got.headers["NGSILD-EntityMap"]


async def page(c: Client, link: str, offset: int = 0) -> tuple[int, list[str]]:
    got = await c("GET", f"/entities?type=Bus&limit=2&offset={offset}", ngsild_entitymap=link)
    return got.status, [one["id"][-1] for one in got.json] if got.status == 200 else []


def test_pages_go_on_after_a_restart_and_after_a_kill(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_whole_client(tmp_path / "a") as c:
            for number in range(5):
                await c("POST", "/entities", bus(number))
            link, gone, short = await made(c), await made(c), await made(c, "&entityMapLifetime=PT1S")
            path = link.removeprefix("/ngsi-ld/v1")
            until = "2999-01-01T00:00:00Z"
            assert (await c("PATCH", path, {"expiresAt": until})).status == 204
            assert (await c("DELETE", gone.removeprefix("/ngsi-ld/v1"))).status == 204
            await c("DELETE", "/entities/urn:ngsi-ld:Bus:0")
            assert await page(c, link) == (200, ["1", "2"])
            shown = (await c("GET", path)).json
            await asyncio.sleep(0.6)  # what is kept is kept a moment later
            await asyncio.to_thread(shutil.copytree, tmp_path / "a", tmp_path / "killed")
        await asyncio.sleep(0.6)
        for name in ("a", "killed"):
            async with open_whole_client(tmp_path / name) as c:
                await c("POST", "/entities", bus(9))
                assert (await c("GET", path)).json == shown
                assert await page(c, link) == (200, ["1", "2"])
                assert await page(c, link, 2) == (200, ["3", "4"])
                for other in (gone, short):
                    assert (await c("GET", other.removeprefix("/ngsi-ld/v1"))).status == 404
                c.actor = Actor(Principal("user:other", "other", frozenset({"operator"})))
                assert (await c("GET", path)).status == 404

    asyncio.run(run())


def test_a_damaged_file_costs_the_maps_and_nothing_else(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_whole_client(tmp_path) as c:
            await c("POST", "/entities", bus(1))
            link = await made(c)
        for name in (FILE, f"{FILE}-wal"):
            (tmp_path / name).write_bytes(b"this is no database" * 100)
        async with open_whole_client(tmp_path) as c:
            assert (await c("GET", link.removeprefix("/ngsi-ld/v1"))).status == 404
            assert (await c("GET", "/entities/urn:ngsi-ld:Bus:1")).status == 200
            link = await made(c)
        async with open_whole_client(tmp_path) as c:
            assert (await c("GET", link.removeprefix("/ngsi-ld/v1"))).status == 200

    asyncio.run(run())
