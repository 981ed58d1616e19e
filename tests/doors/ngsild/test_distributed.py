"""Laws of distributed operations (CIM 009 §4.3.6, §5.6, §5.7, §6.3.17): what several brokers hold looks like one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from andaman.identity.gate import NoAuthGate
from andaman.identity.model import Actor, Classification, Principal, Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, default_writes
from andaman.rooms import TYPES
from tests.doors.ngsild.client import Client, error, open_whole_client
from tests.support import principal

TYPE = "https://uri.etsi.org/ngsi-ld/default-context/Bus"
SPEED = "https://uri.etsi.org/ngsi-ld/default-context/speed"


@asynccontextmanager
async def served(client: Client) -> AsyncIterator[str]:
    """The door on a port of its own."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    config = uvicorn.Config(
        NoAuthGate(client.app), lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined,method-assign]
    task = asyncio.create_task(server._serve(sockets=[sock]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task


def brokers(number: int, test: Callable[..., Awaitable[None]], **options: Any) -> Callable[[Path], None]:
    """A test over ``number`` brokers: ``async def test_x(clients, urls)``."""

    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(open_whole_client(tmp_path / str(n), **options))
                    for n in range(number)
                ]
                urls = [await stack.enter_async_context(served(one)) for one in clients]
                await test(clients, urls)

        asyncio.run(run())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


def two(test: Callable[..., Awaitable[None]]) -> Callable[[Path], None]:
    return brokers(2, test)


async def register(c: Client, url: str, name: str = "1", **members: Any) -> None:
    body = {
        "id": f"urn:ngsi-ld:ContextSourceRegistration:{name}",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Bus"}]}],
        "endpoint": url,
        **members,
    }
    got = await c("POST", "/csourceRegistrations", body)
    assert got.status == 201, got.body


def bus(number: int, **attrs: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Bus:{number}",
        "type": "Bus",
        **{name: {"type": "Property", "value": value} for name, value in attrs.items()},
    }


ALL = [
    "redirectionOps",
    "federationOps",
    "createBatch",
    "upsertBatch",
    "updateBatch",
    "deleteBatch",
    "mergeBatch",
]


@two
async def test_entities_of_two_brokers_are_one_list_and_parts_one_entity(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", bus(1, colour="red"))
    await there("POST", "/entities", bus(2, speed=2))
    await register(here, urls[1])
    got = await here("GET", "/entities?type=Bus&count=true")
    assert got.headers["ngsild-results-count"] == "2"
    assert [one["id"][-1] for one in got.json] == ["1", "2"]
    assert got.json[0]["speed"]["value"] == 1
    assert got.json[0]["colour"]["value"] == "red"
    pages = [await here("GET", f"/entities?type=Bus&limit=1&offset={n}") for n in range(3)]
    assert [[one["id"] for one in page.json] for page in pages] == [
        ["urn:ngsi-ld:Bus:1"],
        ["urn:ngsi-ld:Bus:2"],
        [],
    ]
    assert 'rel="next"' in pages[0].headers["link"]
    assert (await here("GET", "/entities?type=Bus&local=true")).json == [bus(1, speed=1)]
    one = await here("GET", "/entities/urn:ngsi-ld:Bus:2")
    assert one.json["speed"]["value"] == 2


@two
async def test_the_most_recent_value_counts_and_auxiliary_sources_only_add(
    clients: list[Client], urls: list[str]
) -> None:
    """§4.5.5: by observedAt, else modifiedAt; §4.3.6.2 for auxiliary."""
    here, there = clients

    def seen(value: int, at: str) -> dict[str, Any]:
        return {"type": "Property", "value": value, "observedAt": f"2026-01-01T00:00:{at}Z"}

    await here("POST", "/entities", {**bus(1), "a": seen(1, "05"), "b": seen(1, "05")})
    await there("POST", "/entities", {**bus(1), "a": seen(2, "04"), "b": seen(2, "06"), "c": seen(2, "01")})
    await register(here, urls[1])
    got = (await here("GET", "/entities/urn:ngsi-ld:Bus:1?options=keyValues")).json
    assert got == {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "a": 1, "b": 2, "c": 2}
    assert (await here("PATCH", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1", {
        "mode": "auxiliary", "operations": ["retrieveOps"]})).status == 204  # fmt: skip
    got = (await here("GET", "/entities/urn:ngsi-ld:Bus:1?options=keyValues")).json
    assert got == {"id": "urn:ngsi-ld:Bus:1", "type": "Bus", "a": 1, "b": 1, "c": 2}


@two
async def test_a_write_is_split_and_lands_where_it_belongs(clients: list[Client], urls: list[str]) -> None:
    here, there = clients
    info = [{"entities": [{"type": "Bus", "id": "urn:ngsi-ld:Bus:1"}], "propertyNames": ["speed"]}]
    await register(here, urls[1], mode="exclusive", operations=ALL, information=info)
    assert (await here("POST", "/entities", bus(1, speed=1, colour="red"))).status == 201
    assert (await there("GET", "/entities/urn:ngsi-ld:Bus:1?local=true")).json == bus(1, speed=1)
    assert (await here("GET", "/entities/urn:ngsi-ld:Bus:1?local=true")).json == bus(1, colour="red")
    fragment = {"speed": {"type": "Property", "value": 9}, "colour": {"type": "Property", "value": "blue"}}
    assert (await here("PATCH", "/entities/urn:ngsi-ld:Bus:1/attrs", fragment)).status == 204
    assert (await there("GET", "/entities/urn:ngsi-ld:Bus:1?local=true")).json == bus(1, speed=9)
    assert (await here("GET", "/entities/urn:ngsi-ld:Bus:1")).json == bus(1, speed=9, colour="blue")
    assert (await here("PATCH", "/entities/urn:ngsi-ld:Bus:1/attrs/speed", {"value": 3})).status == 204
    assert (await there("GET", "/entities/urn:ngsi-ld:Bus:1")).json == bus(1, speed=3)
    assert (await here("DELETE", "/entities/urn:ngsi-ld:Bus:1")).status == 204
    assert (await there("GET", "/entities/urn:ngsi-ld:Bus:1")).status == 404
    assert (await here("GET", "/entities/urn:ngsi-ld:Bus:1")).status == 404


@two
async def test_batches_tell_of_each_entity_once(clients: list[Client], urls: list[str]) -> None:
    here, there = clients
    info = [{"entities": [{"type": "Bus", "idPattern": "^urn:ngsi-ld:Bus:2"}]}]
    for operations in (ALL, ["redirectionOps"]):  # in one piece, and one by one
        await register(here, urls[1], mode="redirect", operations=operations, information=info)
        got = await here(
            "POST", "/entityOperations/create", [bus(1, speed=1), bus(2, speed=2), bus(21, speed=3)]
        )
        assert got.status == 201
        assert sorted(got.json) == ["urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:2", "urn:ngsi-ld:Bus:21"]
        again = await here(
            "POST", "/entityOperations/create", [bus(1, speed=1), bus(2, speed=2), bus(3, speed=2)]
        )
        assert again.status == 207
        assert again.json["success"] == ["urn:ngsi-ld:Bus:3"]
        assert sorted(one["entityId"] for one in again.json["errors"]) == [
            "urn:ngsi-ld:Bus:1",
            "urn:ngsi-ld:Bus:2",
        ]
        held = (await there("GET", "/entities?type=Bus&local=true")).json
        assert sorted(one["id"] for one in held) == ["urn:ngsi-ld:Bus:2", "urn:ngsi-ld:Bus:21"]
        ids = [f"urn:ngsi-ld:Bus:{n}" for n in (1, 2, 3, 21)]
        assert (await here("POST", "/entityOperations/delete", ids)).status == 204
        assert (await there("GET", "/entities?type=Bus&local=true")).json == []
        await here("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")


@two
async def test_loops_end_and_each_entity_is_there_once(clients: list[Client], urls: list[str]) -> None:
    """Two brokers that name each other, also themselves: everything ends (§4.3.6.4)."""
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", bus(2, speed=2))
    await register(here, urls[1])
    await register(here, urls[0], "self")
    await register(there, urls[0])
    for client in clients:
        got = await client("GET", "/entities?type=Bus")
        assert sorted(one["id"] for one in got.json) == ["urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:2"]
    await here("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
    via = f"1.1 {here.app._door.alias('')}"
    redirect = [{"entities": [{"type": "Bus", "idPattern": "Bus:9"}]}]
    await register(here, urls[1], "r", mode="redirect", operations=ALL, information=redirect)
    looped = await here("DELETE", "/entities/urn:ngsi-ld:Bus:9", via=via)
    assert looped.status == 508
    assert error(looped) == "LoopDetected"


@two
async def test_a_source_that_fails_is_told_of_and_the_rest_is_served(
    clients: list[Client], urls: list[str]
) -> None:
    """§6.3.17, with a source that is gone, one that says nonsense and one that is well."""
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", bus(2, speed=2))

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n[{"id": 5}, true]')
        await writer.drain()
        writer.close()

    odd = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        await register(here, f"http://127.0.0.1:{closed.getsockname()[1]}", "gone")
    await register(here, f"http://127.0.0.1:{odd.sockets[0].getsockname()[1]}", "odd")
    await register(here, urls[1], "well", operations=ALL)
    got = await here("GET", "/entities?type=Bus")
    assert sorted(one["id"] for one in got.json) == ["urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:2"]
    codes = sorted(part.split()[0] for part in got.headers["NGSILD-Warning"].split(", "))
    assert codes == ["111", "199"]
    missing = await here("GET", "/entities/urn:ngsi-ld:Bus:7")
    assert missing.status == 404
    assert "199" in missing.headers["NGSILD-Warning"]
    created = await here("POST", "/entities", bus(1, speed=1))  # here it is already, there it is new
    assert created.status == 207
    assert created.json["success"] == ["urn:ngsi-ld:Bus:1"]
    assert [one["error"]["status"] for one in created.json["errors"]] == [409]
    odd.close()


@two
async def test_nobody_sees_through_a_registration_what_is_hidden_here(
    clients: list[Client], urls: list[str]
) -> None:
    """Types and attributes of other brokers are filtered like one's own, and a filter tells nothing of them either."""
    here, there = clients
    await there("POST", "/entities", bus(1, speed=77, colour="red"))
    await there("POST", "/entities", {**bus(2, speed=1), "id": "urn:ngsi-ld:Person:2", "type": "Person"})
    everything = [{"entities": [{"type": "Bus"}, {"type": "Person"}]}]
    await register(here, urls[1], information=everything, operations=ALL)
    rules = [DatasetRule("open", frozenset({TYPE}), classification=Classification.PUBLIC,
                         attributes={SPEED: Classification.SECURITY})]  # fmt: skip
    policy = Policy(PolicyTable(rules, default_writes(TYPES, lambda name: name)))
    public = Principal("public", "public", frozenset({Role.PUBLIC}))
    admin, here.actor = here.actor, Actor(public, policy.access_of(public))
    got = await here("GET", "/entities?type=Bus,Person")
    assert got.json == [bus(1, colour="red")]
    assert (await here("GET", "/entities/urn:ngsi-ld:Person:2")).status == 404
    assert (await here("GET", "/entities?type=Bus&q=speed>70")).json == []
    assert (await here("GET", "/entities?type=Bus&q=!speed")).json == [bus(1, colour="red")]
    assert (await here("GET", "/entities?type=Bus&q=colour==%22red%22")).json == [bus(1, colour="red")]
    assert (await here("GET", "/csourceRegistrations?type=Bus")).status == 401
    assert (await here("DELETE", "/entities/urn:ngsi-ld:Bus:1")).status == 401
    device = principal("user:x", "x", "operator")
    here.actor = Actor(device, policy.access_of(device))
    assert (await here("PATCH", "/entities/urn:ngsi-ld:Bus:1/attrs", {"speed": 1})).status in (403, 404, 207)
    assert (await here("POST", "/csourceRegistrations", {})).status == 403
    here.actor = admin
    assert (await there("GET", "/entities/urn:ngsi-ld:Bus:1?options=keyValues")).json["speed"] == 77


@two
async def test_an_entity_map_keeps_its_pages(clients: list[Client], urls: list[str]) -> None:
    """§5.5.9.3: later arrivals are on no page, what is gone leaves the map, every entity is on one page."""
    here, there = clients
    for number in range(4):
        await clients[number % 2]("POST", "/entities", bus(number, speed=number))
    await register(here, urls[1])
    made = await here("GET", "/entities?type=Bus&entityMap=true&limit=2")
    assert made.status == 201
    link = made.headers["NGSILD-EntityMap"]
    await there("POST", "/entities", bus(9, speed=9))
    await there("DELETE", "/entities/urn:ngsi-ld:Bus:3")
    seen: list[str] = []
    for offset in (0, 2):
        page = await here("GET", f"/entities?type=Bus&limit=2&offset={offset}", ngsild_entitymap=link)
        assert page.status == 200
        seen += [one["id"] for one in page.json]
    assert sorted(seen) == ["urn:ngsi-ld:Bus:0", "urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:2"]
    shown = await here("GET", f"/entityMaps/{link.rpartition('/')[2]}")
    sources = shown.json["entityMap"]
    assert sources["urn:ngsi-ld:Bus:0"] == ["@none"]
    assert sources["urn:ngsi-ld:Bus:1"] == ["urn:ngsi-ld:ContextSourceRegistration:1"]
    assert "urn:ngsi-ld:Bus:3" not in sources
    other = principal("user:other", "other", "operator")
    here.actor = Actor(other)
    assert (await here("GET", f"/entityMaps/{link.rpartition('/')[2]}")).status == 404


def test_registrations_and_what_subscribers_were_told_outlive_a_restart(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    came = asyncio.Event()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        told.append(orjson.loads(await reader.readexactly(length)))
        came.set()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def until(number: int) -> None:
        async with asyncio.timeout(20):
            while len(told) < number:
                await came.wait()
                came.clear()

    async def run() -> None:
        server = await asyncio.start_server(receive, "127.0.0.1", 0)
        uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/n"
        watch = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Bus"}],
            "notification": {"endpoint": {"uri": uri}},
        }
        async with open_whole_client(tmp_path) as c:
            alias = c.app._door.alias("")
            assert (await c("POST", "/csourceSubscriptions", watch)).status == 201
            await register(c, "http://127.0.0.1:1")
            await until(1)
            await register(c, "http://127.0.0.1:1", "other", information=[{"entities": [{"type": "Car"}]}])
        async with open_whole_client(tmp_path) as c:
            assert c.app._door.alias("") == alias
            assert len((await c("GET", "/csourceRegistrations?type=Bus,Car")).json) == 2
            assert (await c("PATCH", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1",
                            {"description": "new"})).status == 204  # fmt: skip
            await until(2)
            await c("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
            await until(3)
        assert [one["triggerReason"] for one in told] == ["newlyMatching", "updated", "noLongerMatching"]
        assert all(one["data"][0]["id"].endswith(":1") for one in told)
        server.close()

    asyncio.run(run())


@two
async def test_proxied_registrations_stand_alone(clients: list[Client], urls: list[str]) -> None:
    """§5.9.2.4: conflicts with what is held here and with each other."""
    here, _ = clients
    await here("POST", "/entities", bus(1, speed=1))
    body = {
        "type": "ContextSourceRegistration",
        "endpoint": urls[1],
        "mode": "exclusive",
        "information": [
            {"entities": [{"type": "Bus", "id": "urn:ngsi-ld:Bus:1"}], "propertyNames": ["speed"]}
        ],
    }
    assert error(await here("POST", "/csourceRegistrations", body)) == "Conflict"
    await here("DELETE", "/entities/urn:ngsi-ld:Bus:1")
    assert (await here("POST", "/csourceRegistrations", body)).status == 201
    again = await here("POST", "/csourceRegistrations", {**body, "mode": "redirect"})
    assert error(again) == "Conflict"
    assert (await here("POST", "/csourceRegistrations", {**body, "mode": "inclusive"})).status == 201
    pattern = [{"entities": [{"type": "Bus", "idPattern": ".*"}], "propertyNames": ["x"]}]
    assert (
        error(await here("POST", "/csourceRegistrations", {**body, "information": pattern}))
        == "BadRequestData"
    )


@two
async def test_the_past_of_two_brokers_is_asked_anew_and_its_map_names_them(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", bus(1, colour="red"))
    await there("POST", "/entities", bus(2, colour="blue"))
    await register(here, urls[1], operations=["retrieveTemporal", "queryTemporal"])
    past = "timerel=after&timeAt=2000-01-01T00:00:00Z&timeproperty=modifiedAt"
    path = f"/temporal/entities/urn:ngsi-ld:Bus:1?{past}"
    first = await here("GET", path)
    assert [one["value"] for one in first.json["colour"]] == ["red"]
    await there("PATCH", "/entities/urn:ngsi-ld:Bus:1", {"colour": {"type": "Property", "value": "green"}})
    again = await here("GET", path)  # nothing was written here
    assert sorted(one["value"] for one in again.json["colour"]) == ["green", "red"]

    made = await here("GET", f"/temporal/entities?type=Bus&{past}&entityMap=true")
    assert made.status == 201
    reference = made.headers["NGSILD-EntityMap"]
    entries = (await here("GET", reference.removeprefix("/ngsi-ld/v1"))).json["entityMap"]
    source = "urn:ngsi-ld:ContextSourceRegistration:1"
    assert entries == {"urn:ngsi-ld:Bus:1": ["@none", source], "urn:ngsi-ld:Bus:2": [source]}
