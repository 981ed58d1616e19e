"""Backups hold snapshots with their content, also what was changed in them; a restored platform shows them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.identity.model import Role
from andaman.maintenance import backup_all, backup_into, restore_all, restore_from

from .support import client, platform, run

THING = {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "size": 1}
QUERIES = [{"type": "Query", "entities": [{"type": "Thing"}]}]


@pytest.mark.parametrize("kind", ["set", "single"])
def test_a_backup_holds_snapshots(kind: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path / "live") as app, client(app, Role.ADMINISTRATOR) as http:
            await http.post("/ngsi-ld/v1/entities", json=THING)
            made = await http.post(
                "/ngsi-ld/v1/snapshots", json={"type": "Snapshot", "snapshotQueries": QUERIES}
            )
            assert made.status_code == 201, made.text
            path = made.headers["Location"]
            told: dict[str, Any] = {"snapshotStatus": "preparing"}
            async with asyncio.timeout(20):
                while told["snapshotStatus"] == "preparing":
                    told = (await http.get(path)).json()
                    await asyncio.sleep(0.01)
            inside = {"NGSILD-Snapshot": told["id"]}
            got = await http.patch(
                f"/ngsi-ld/v1/entities/{THING['id']}/attrs", json={"size": 9}, headers=inside
            )
            assert got.status_code == 204, got.text
            if kind == "set":
                await asyncio.to_thread(backup_into, tmp_path / "live", tmp_path / "kept")
            else:
                await asyncio.to_thread(backup_all, tmp_path / "live", tmp_path / "kept")
        (restore_from if kind == "set" else restore_all)(tmp_path / "kept", tmp_path / "again")
        async with platform(tmp_path / "again") as app, client(app, Role.ADMINISTRATOR) as http:
            entity = f"/ngsi-ld/v1/entities/{THING['id']}?options=keyValues"
            assert (await http.get(entity, headers=inside)).json()["size"] == 9
            assert (await http.get(entity)).json()["size"] == 1
            after = (await http.get(path)).json()
            assert {**after, "lastUsedAt": ""} == {**told, "lastUsedAt": ""}
            page = (await http.get("/metrics")).text
            assert "andaman_snapshots 1" in page
            assert "andaman_tenants 1" in page

    run(work)
