"""Copies at context sources (CIM 009 §5.8.1.4, §5.8.2.4, §5.8.5.4) and what sources tell (§5.8.6)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.kernel.errors import BadRequestData, ResourceNotFound
from tests.broker.subscriptions.federation import CAR, federation
from tests.broker.subscriptions.world import ME, world


def test_a_copy_is_made_changed_kept_over_a_restart_and_taken_away(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            f = await federation(w)
            await f.register(propertyNames=["speed"])
            sub = await w.subscribe(q="speed>5")
            method, path, body = await f.asked(1)
            assert (method, path) == ("POST", "/ngsi-ld/v1/subscriptions")
            assert body["q"] == "speed>5"
            assert body["watchedAttributes"] == body["notification"]["attributes"] == ["speed"]
            assert body["notification"]["endpoint"]["uri"].endswith("/ngsi-ld/ex/remote-notify")
            await w.subs.update(sub, {"q": "speed>9"}, w.contexts.core, None, ME, "")
            method, path, body2 = await f.asked(2)
            assert (method, path, body2["q"]) == (
                "PATCH",
                f"/ngsi-ld/v1/subscriptions/{body['id']}",
                "speed>9",
            )
            await f.close()
            await w.subs.stop()
            await w.subs.start()
            await f.open()
            await f.tell(body["id"], speed=10)
            got = await w.receiver.count(1)
            assert (got[0]["subscriptionId"], got[0]["data"][0]["speed"]["value"]) == (sub, 10)
            await w.subs.delete(sub, ME, "")
            await f.source.until(lambda: f.source.requests[-1][0] == "DELETE")
            assert f.source.requests[-1][1] == f"/ngsi-ld/v1/subscriptions/{body['id']}"
            assert [one[0] for one in f.source.requests].count("POST") == 1
            with pytest.raises(ResourceNotFound):
                await f.tell(body["id"], speed=10)
            await f.close()
            await f.source.close()

    asyncio.run(run())


def test_split_entities_are_judged_whole(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            f = await federation(w)
            await f.register()
            await w.put(1, name="a")
            await w.subscribe(q='speed>5;name=="a"', splitEntities=True)
            copy = (await f.asked(1))[2]
            assert "q" not in copy
            await f.tell(copy["id"], speed=1)
            await f.tell(copy["id"], speed=6)
            (got,) = await w.receiver.count(1)
            assert got["data"][0]["speed"]["value"] == 6
            assert got["data"][0]["name"]["value"] == "a"
            gone = {"id": CAR, "type": "Car", "deletedAt": "2026-01-01T00:00:00Z"}
            await f.remote.take({"subscriptionId": copy["id"], "data": [gone]}, w.contexts.core)
            assert (await w.receiver.count(2))[-1]["data"] == [gone]
            with pytest.raises(BadRequestData):
                await f.remote.take({"subscriptionId": copy["id"], "data": [1]}, w.contexts.core)
            await f.close()
            await f.source.close()

    asyncio.run(run())


def test_local_subscriptions_and_registrations_without_the_operation_stay_here(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            f = await federation(w)
            await f.register()
            await w.subscribe(localOnly=True)
            await w.subscribe(entities=[{"type": "Bus"}])
            sub = await w.subscribe()
            await f.asked(1)
            assert [one.id for one in f.remote.internal("")] == [sub]
            await f.registry.delete("urn:ngsi-ld:ContextSourceRegistration:1", "")
            assert (await f.asked(2))[0] == "DELETE"
            assert list(f.remote.internal("")) == []
            await f.close()
            await f.source.close()

    asyncio.run(run())


def test_a_context_source_filter_and_local_only_hold_for_copies(tmp_path: Path) -> None:
    """§5.2.12 csf, §5.2.34 localOnly."""

    async def run() -> None:
        async with world(tmp_path) as w:
            f = await federation(w)
            await f.register("near", {"kind": "near", "management": {"localOnly": True}})
            await f.register("far", {"kind": "far"})
            sub = await w.subscribe(csf='kind=="near"')
            copy = (await f.asked(1))[2]
            assert copy["localOnly"] is True
            assert "csf" not in copy
            kept = w.subs.find_run(next(iter(w.subs.runs())).sub.key)
            assert kept is not None
            assert list(kept.sub.extra["copies"]) == ["urn:ngsi-ld:ContextSourceRegistration:near"]
            await w.subs.update(sub, {"csf": 'kind=="far"'}, w.contexts.core, None, ME, "")
            await f.source.until(lambda: {"POST", "DELETE"} <= {one[0] for one in f.source.requests[1:]})
            other = next(one for one in f.source.requests[1:] if one[0] == "POST")[2]
            assert "localOnly" not in other
            assert list(kept.sub.extra["copies"]) == ["urn:ngsi-ld:ContextSourceRegistration:far"]
            await f.close()
            await f.source.close()

    asyncio.run(run())


def test_a_dead_source_holds_up_no_copy_elsewhere(tmp_path: Path) -> None:
    """It is asked once in a while, not once for each subscription."""

    async def run() -> None:
        async with world(tmp_path) as w:
            f = await federation(w)
            silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1", 0)
            port = silent.sockets[0].getsockname()[1]
            more = {"endpoint": f"http://127.0.0.1:{port}", "management": {"timeout": 300}}
            await f.register("dead", more)
            await f.register("well")
            async with asyncio.timeout(15):
                for _ in range(60):
                    await w.subscribe()
                await f.asked(60)
            assert {one[0] for one in f.source.requests[:60]} == {"POST"}
            await f.close()
            await f.source.close()
            silent.close()

    asyncio.run(run())
