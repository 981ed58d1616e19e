"""Laws of tenants in the broker: a wall of its own, and tenants that are forgotten."""

from __future__ import annotations

import pytest

from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.service import Broker
from andaman.broker.subscriptions.service import Subscriptions
from andaman.identity.model import FULL_ACCESS, Actor, FullAccess, Principal, system_actor
from andaman.kernel.errors import Conflict, NoSuchTenant, ResourceNotFound
from andaman.kernel.time import system_clock

from ..support import platform, run

ACTOR = system_actor("test")
ID = "urn:ngsi-ld:Device:1"


class CityOnly(FullAccess):
    """Sees and writes everything, in the city only."""

    def enters(self, tenant: str) -> bool:
        return not tenant


CITY = Actor(Principal("user:somchai", "Somchai", frozenset()), CityOnly())


def write(entity_id: str = ID) -> WriteOp:
    return WriteOp(OpKind.UPSERT_UPDATE, entity_id, entity(entity_id, "Device", counter=prop(1)))


def test_the_broker_itself_lets_nobody_into_a_tenant_that_is_not_theirs(tmp_path):
    async def work():
        broker = Broker.open(tmp_path)
        await broker.start()
        for tenant in ("", "other"):
            (result,) = await broker.write([write()], ACTOR, tenant)
            assert result.error is None
        me, now = CITY.access, system_clock()
        assert broker.get(ID, me)
        assert broker.find(ID, me, "other") is None
        assert list(broker.iter_entities([], me, "other")) == []
        for ask in (
            lambda: broker.get(ID, me, "other"),
            lambda: broker.query(EntityQuery(), me, "other"),
            lambda: broker.types(me, "other"),
        ):
            with pytest.raises(NoSuchTenant):
                ask()
        for wait in (
            broker.query_async(EntityQuery(), me, "other"),
            broker.survey(me, "other"),
            broker.query_at(now, EntityQuery(), me, "other"),
            broker.get_at(now, ID, me, "other"),
            broker.temporal(ID, [], TemporalQuery(last_n=1), me, "other"),
            broker.trail(ID, me, "other"),
            broker.evolutions(EvolutionQuery(TemporalQuery(), ()), me, "other"),
            broker.resolve(ID, iri("counter"), None, me, "other"),
            broker.write([write()], CITY, "other"),
            broker.write([write()], CITY, "third"),
        ):
            with pytest.raises(NoSuchTenant, match="that you may enter"):
                await wait
        assert broker.tenants() == ["", "other"]
        await broker.close()

    run(work)


def test_a_tenant_that_is_forgotten_counts_no_more_and_comes_back_empty(tmp_path):
    async def work():
        broker = Broker.open(tmp_path, max_tenants=4)
        await broker.start()

        async def put(tenant):
            (result,) = await broker.write([write()], ACTOR, tenant)
            return result.error

        for name in ("", "a", "b", "c"):
            assert await put(name) is None
        assert isinstance(await put("d"), Conflict)
        assert not await broker.forget_tenant("a"), "it has an entity"
        assert not await broker.forget_tenant(""), "the city's own"
        assert not await broker.forget_tenant("unknown")
        for _ in range(5):  # as often as one likes
            await broker.write([WriteOp(OpKind.DELETE, ID)], ACTOR, "a")
            assert await broker.forget_tenant("a")
            assert broker.tenants() == ["", "b", "c"]
            with pytest.raises(NoSuchTenant):
                broker.get(ID, FULL_ACCESS, "a")
            assert await put("d") is None
            await broker.write([WriteOp(OpKind.DELETE, ID)], ACTOR, "d")
            assert await broker.forget_tenant("d")
            assert await put("a") is None
            assert broker.get(ID, FULL_ACCESS, "a")
        await broker.close()
        again = Broker.open(tmp_path, max_tenants=4)
        await again.start()
        assert again.tenants() == ["", "a", "b", "c"]
        assert again.get(ID, FULL_ACCESS, "a")
        with pytest.raises(NoSuchTenant):
            again.get(ID, FULL_ACCESS, "d")
        assert await again.read_events(0, tenant="d"), "its journal stays"
        await again.close()

    run(work)


def test_writes_and_forgetting_at_once_lose_nothing(tmp_path):
    """Whoever was told that a write in the tenant is done finds it, however the two fall."""
    import asyncio

    async def work():
        broker = Broker.open(tmp_path)
        await broker.start()
        for step in range(40):
            await broker.write([write("urn:ngsi-ld:Device:0")], ACTOR, "t")
            forgets = [
                broker.write([WriteOp(OpKind.DELETE, "urn:ngsi-ld:Device:0")], ACTOR, "t"),
                broker.forget_tenant("t"),
                broker.write([write(f"urn:ngsi-ld:Device:n{step}")], ACTOR, "t"),
                broker.forget_tenant("t"),
            ]
            await asyncio.gather(*forgets[: 2 + step % 3])
            await asyncio.gather(*forgets[2 + step % 3 :])
            assert broker.get(f"urn:ngsi-ld:Device:n{step}", FULL_ACCESS, "t")
            for doc in list(broker.iter_entities([], FULL_ACCESS, "t")):
                await broker.write([WriteOp(OpKind.DELETE, doc["id"])], ACTOR, "t")
            assert await broker.forget_tenant("t")
        await broker.write([write()], ACTOR, "t")
        await broker.close()
        again = Broker.open(tmp_path)
        await again.start()
        assert again.get(ID, FULL_ACCESS, "t")
        await again.close()

    run(work)


SUBSCRIPTION = {
    "id": "urn:ngsi-ld:Subscription:1",
    "type": "Subscription",
    "entities": [{"type": "Device"}],
    "notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}},
}
REGISTRATION = {
    "id": "urn:ngsi-ld:ContextSourceRegistration:1",
    "type": "ContextSourceRegistration",
    "mode": "auxiliary",
    "information": [{"entities": [{"type": "Thing"}]}],
    "endpoint": "http://127.0.0.1:9",
}


def test_what_was_made_in_a_forgotten_tenant_goes_with_it_and_nothing_else_does(tmp_path):
    import httpx

    paths = {
        "/ngsi-ld/v1/subscriptions": SUBSCRIPTION,
        "/ngsi-ld/v1/csourceRegistrations": REGISTRATION,
        "/ngsi-ld/v1/csourceSubscriptions": SUBSCRIPTION,
    }

    async def there(http, tenant):
        headers = {"NGSILD-Tenant": tenant}
        found = {}
        for path, doc in paths.items():
            found[path] = (await http.get(f"{path}/{doc['id']}", headers=headers)).status_code
        return set(found.values())

    async def work():
        async with platform(tmp_path, no_auth=True) as app:
            transport = httpx.ASGITransport(app.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026") as http:
                for tenant in ("drill", "other"):
                    await app.broker.write([write()], ACTOR, tenant)
                    for path, doc in paths.items():
                        answer = await http.post(path, json=doc, headers={"NGSILD-Tenant": tenant})
                        assert answer.status_code == 201, answer.text
                await app.broker.write([WriteOp(OpKind.DELETE, ID)], ACTOR, "drill")
                assert await app.broker.forget_tenant("drill")
                await app.broker.write([write()], ACTOR, "drill")
                assert await there(http, "drill") == {404}
                assert await there(http, "other") == {200}
        async with platform(tmp_path, no_auth=True) as app:
            transport = httpx.ASGITransport(app.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026") as http:
                assert await there(http, "drill") == {404}
                assert await there(http, "other") == {200}
            with pytest.raises(ResourceNotFound):
                app.get(Subscriptions).get(SUBSCRIPTION["id"], ACTOR, "drill")

    run(work)
