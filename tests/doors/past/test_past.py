"""``/api/history``: shapes, refusals, and that the past hides what was hidden when it was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.doors.past import routes as past_routes
from andaman.identity.entrance import build_routes
from andaman.identity.model import FULL_ACCESS, Access, Actor, Principal, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.kernel.time import parse_time
from tests.broker.ledger.world import Rights, Ticks

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")
LATEST = "/api/history/latest?type=Sensor&attr=speed"
DAY = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z"
MEANS = f"/api/history/means?type=Sensor&attr=speed&{DAY}"
SENSOR = "urn:ngsi-ld:Sensor:{}"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[Broker, Ticks]]:
    clock = Ticks(parse_time("2026-11-22T12:00:00Z"))
    broker = Broker.open(path, clock=clock)
    await broker.start()
    try:
        yield broker, clock
    finally:
        await broker.close()


def client(broker: Broker, access: Access = FULL_ACCESS) -> httpx.AsyncClient:
    screens = Starlette(
        routes=build_routes(past_routes.routes(broker)),
        exception_handlers={AndamanError: lambda request, error: problem_response(error)},  # type: ignore[arg-type]
    )
    actor = Actor(Principal("user:x", "x", frozenset({"operator"})), access)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["andaman.actor"] = actor
        await screens(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x")


async def drain(broker: Broker) -> None:
    """Move all that was told to history."""
    assert broker._history is not None
    await asyncio.to_thread(broker._history.drain)


async def told(
    broker: Broker, n: int, value: Any, at: str | None, scope: Sequence[str] = (), tenant: str = ""
) -> None:
    observed = None if at is None else parse_time(f"2026-11-22T{at}Z")
    doc = entity(SENSOR.format(n), "Sensor", list(scope), speed=prop(value, observed))
    (result,) = await broker.write([WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)], ROOT, tenant)
    assert result.error is None


async def test_values_and_means_of_the_store_and_of_a_moment_ago(tmp_path: Path) -> None:
    async with opened(tmp_path) as (broker, _):
        await told(broker, 1, 10, "10:00:00")
        await told(broker, 2, 20.5, "10:04:59")
        await drain(broker)
        await told(broker, 1, 30, "10:05:00")
        await told(broker, 2, 22.5, "10:04:59")  # told again: it counts once, as it was told last
        await told(broker, 3, "off", None)
        door = client(broker)
        assert (await door.get(LATEST)).json() == [
            {"id": SENSOR.format(1), "value": 30, "observedAt": "2026-11-22T10:05:00Z"},
            {"id": SENSOR.format(2), "value": 22.5, "observedAt": "2026-11-22T10:04:59Z"},
            {"id": SENSOR.format(3), "value": "off", "observedAt": None},
        ]
        page = await door.get(f"{LATEST}&limit=1&offset=1")
        assert [row["id"] for row in page.json()] == [SENSOR.format(2)]
        five = [
            {
                "start": "2026-11-22T10:00:00Z",
                "end": "2026-11-22T10:05:00Z",
                "count": 2,
                "mean": 16.25,
                "min": 10.0,
                "max": 22.5,
            },
            {
                "start": "2026-11-22T10:05:00Z",
                "end": "2026-11-22T10:10:00Z",
                "count": 1,
                "mean": 30.0,
                "min": 30.0,
                "max": 30.0,
            },
        ]
        assert (await door.get(f"{MEANS}&period=PT5M")).json() == five
        by_iri = f"/api/history/means?type=Vehicle,{iri('Sensor')}&attr={iri('speed')}&{DAY}&period=PT5M"
        assert (await door.get(by_iri)).json() == five
        days = "&from=2026-11-21T17:00:00Z&to=2026-11-22T17:00:00Z&period=P1D&zone=Asia/Bangkok"
        (day,) = (await door.get(f"/api/history/means?type=Sensor&attr=speed{days}")).json()
        assert (day["start"], day["end"]) == ("2026-11-21T17:00:00Z", "2026-11-22T17:00:00Z")
        for nothing in ("type=Sensor&attr=unheardOf", "type=Unheard&attr=speed"):
            assert (await door.get(f"/api/history/latest?{nothing}")).json() == []
            assert (await door.get(f"/api/history/means?{nothing}&{DAY}&period=PT1H")).json() == []


async def test_a_tenant_has_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as (broker, _):
        await told(broker, 1, 10, "10:00:00")
        await told(broker, 1, 99, "10:00:00", tenant="other")
        door = client(broker)
        for tenant, value in (("", 10), ("other", 99)):
            headers = {"NGSILD-Tenant": tenant} if tenant else {}
            assert [row["value"] for row in (await door.get(LATEST, headers=headers)).json()] == [value]
            (hour,) = (await door.get(f"{MEANS}&period=PT1H", headers=headers)).json()
            assert hour["mean"] == value
        for name, status in (("nowhere", 404), ("no tenant!", 400)):
            answer = await door.get(LATEST, headers={"NGSILD-Tenant": name})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/history/latest?type=Sensor", 400, "attr"),
        ("/api/history/latest?attr=speed", 400, "type"),
        (f"{LATEST}&speed=1", 400, "speed"),
        (f"{LATEST}&attr=speed", 400, "attr"),
        (f"{LATEST}&limit=0", 400, "limit"),
        (f"{LATEST}&limit=20001", 400, "limit"),
        (f"{LATEST}&offset=-1", 400, "offset"),
        ("/api/history/latest?type=Sensor,&attr=speed", 400, "type"),
        ("/api/history/latest?type=Sensor&attr=a%20b", 400, "attr"),
        ("/api/history/latest?type=@born&attr=speed", 400, "type"),
        ("/api/history/latest?type=Sensor&attr=@born", 400, "attr"),
        (MEANS, 400, "period"),
        (f"{MEANS}&period=soon", 400, "period"),
        (f"{MEANS}&period=PT0.001S", 403, "period"),
        (f"{MEANS}&period=P1D&zone=Mars", 400, "zone"),
        (f"{MEANS}&period=P1D&zone=../../etc/passwd", 400, "zone"),
        ("/api/history/means?type=A&attr=b&from=now&to=2026-11-23T00:00:00Z&period=P1D", 400, "from"),
        ("/api/history/means?type=A&attr=b&from=2026-11-23T00:00:00Z&to=2026-11-23T00:00:00Z&period=P1D", 400, "to"),
    ],
)  # fmt: skip
async def test_refusals_name_the_field(tmp_path: Path, path: str, status: int, field: str) -> None:
    async with opened(tmp_path) as (broker, _):
        answer = await client(broker).get(path)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert "aggrPeriodDuration" not in answer.text


@pytest.mark.parametrize("drained", [False, True])
async def test_what_was_told_behind_a_scope_stays_hidden(tmp_path: Path, drained: bool) -> None:
    """Also after the entity came into sight, until it is told anew; and all of it while it is hidden again."""
    hush = Rights("hush", hidden_scopes=frozenset({"/hush"}))
    async with opened(tmp_path) as (broker, clock):
        await told(broker, 1, 10, "10:00:00")
        await told(broker, 2, 50, "10:00:00", ["/hush"])
        door = client(broker, hush)

        async def seen() -> tuple[list[Any], list[Any]]:
            clock.now += 1_000_000
            if drained:
                await drain(broker)
            values = (await door.get(LATEST)).json()
            means = (await door.get(f"{MEANS}&period=PT1H")).json()
            return [row["value"] for row in values], [(row["count"], row["max"]) for row in means]

        assert await seen() == ([10], [(1, 10.0)])
        fragment = {"type": [iri("Sensor")], "scope": ["/open"]}
        await broker.write([WriteOp(OpKind.MERGE, SENSOR.format(2), fragment)], ROOT)
        assert broker.get(SENSOR.format(2), hush)["scope"] == ["/open"]
        assert await seen() == ([10], [(1, 10.0)])
        await told(broker, 2, 60, "10:30:00", ["/open"])
        assert await seen() == ([10, 60], [(2, 60.0)])
        await told(broker, 2, 70, "10:40:00", ["/hush"])
        assert await seen() == ([10], [(1, 10.0)])
        full = (await client(broker).get(f"{MEANS}&period=PT1H")).json()
        assert [(row["count"], row["max"]) for row in full] == [(4, 70.0)]


async def test_an_attribute_that_is_hidden_is_not_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as (broker, _):
        await told(broker, 1, 10, "10:00:00")
        await drain(broker)
        await told(broker, 2, 20, "10:00:00")
        door = client(broker, Rights("blind", hidden=frozenset({iri("speed")})))
        assert (await door.get(LATEST)).json() == []
        assert (await door.get(f"{MEANS}&period=PT1H")).json() == []
