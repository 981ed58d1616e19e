"""Snapshots behind the gate: people sign in, have their own, and see in them what they may see now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from andaman.identity.model import Role

from .support import client, platform, run

V1 = "/ngsi-ld/v1"
QUERIES = [{"type": "Query", "entities": [{"type": "Thing"}]}]


async def take(http: httpx.AsyncClient) -> dict[str, Any]:
    made = await http.post(f"{V1}/snapshots", json={"type": "Snapshot", "snapshotQueries": QUERIES})
    assert made.status_code == 201, made.text
    async with asyncio.timeout(20):
        while True:
            told: dict[str, Any] = (await http.get(made.headers["Location"])).json()
            if told["snapshotStatus"] != "preparing":
                return told
            await asyncio.sleep(0.01)


async def seen(http: httpx.AsyncClient, snapshot: str) -> list[str]:
    got = await http.get(f"{V1}/entities?type=Thing", headers={"NGSILD-Snapshot": snapshot})
    assert got.status_code == 200, got.text
    return [one["id"] for one in got.json()]


def test_people_have_their_own_snapshots(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            client(app, Role.ADMINISTRATOR) as chief,
            client(app, "analyst") as analyst,
            client(app, "operator") as operator,
            client(app) as stranger,
        ):
            for number in (1, 2):
                thing = {"id": f"urn:ngsi-ld:Thing:{number}", "type": "Thing", "size": number}
                assert (await chief.post(f"{V1}/entities", json=thing)).status_code == 201
            allowed = [one["id"] for one in (await analyst.get(f"{V1}/entities?type=Thing")).json()]
            one = await take(analyst)
            assert one["snapshotStatus"] == ("success" if allowed else "empty")
            assert await seen(analyst, one["id"]) == allowed
            assert await seen(chief, one["id"]) == allowed
            for other in (operator, stranger):
                got = await other.get(f"{V1}/entities?type=Thing", headers={"NGSILD-Snapshot": one["id"]})
                assert got.status_code == 404
            assert (await operator.get(f"{V1}/snapshots")).json() == []
            assert (await stranger.get(f"{V1}/snapshots")).status_code == 401
            assert (await stranger.post(f"{V1}/snapshots", json={})).status_code == 401
            got = await operator.delete(f"{V1}/snapshots?q=snapshotPriority>0")
            assert got.status_code == 204
            assert [each["id"] for each in (await chief.get(f"{V1}/snapshots")).json()] == [one["id"]]
            # what the analyst may not see any more in the city is not in the analyst's snapshot either
            await chief.delete(f"{V1}/entities/urn:ngsi-ld:Thing:2")
            assert await seen(analyst, one["id"]) == allowed

    run(work)
