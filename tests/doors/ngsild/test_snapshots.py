"""Snapshots at the door, by clause (CIM 009 §5.16, §5.2.41, §5.3.4, §5.5.15, §6.3.22, §6.36 – §6.38)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from andaman.broker.snapshots.content import Content
from andaman.identity.model import FULL_ACCESS, Actor, Principal, Role
from tests.broker.subscriptions.world import Receiver
from tests.doors.ngsild.client import BUS, Client, Got, error, open_whole_client, vehicle
from tests.doors.ngsild.test_distributed import register, two

VEHICLES = {"type": "Query", "entities": [{"type": "Vehicle"}]}
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"


def whole(test: Callable[[Client], Awaitable[None]]) -> Callable[[Path], None]:
    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with open_whole_client(tmp_path) as c:
                await test(c)

        asyncio.run(run())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


def body(*queries: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "Snapshot", "snapshotQueries": list(queries) or [VEHICLES], **members}


async def ready(c: Client, created: Got) -> dict[str, Any]:
    """The snapshot of a creation's answer, when it has been made."""
    assert created.status == 201, created.body
    path = created.headers["Location"].removeprefix("/ngsi-ld/v1")
    async with asyncio.timeout(20):
        while True:
            got = await c("GET", path)
            assert got.status == 200, got.body
            if got.json["snapshotStatus"] != "preparing":
                found: dict[str, Any] = got.json
                return found
            await asyncio.sleep(0.01)


async def take(c: Client, *queries: dict[str, Any], **members: Any) -> dict[str, Any]:
    return await ready(c, await c("POST", "/snapshots", body(*queries, **members)))


async def ids(c: Client, snapshot: str | None, path: str = "/entities?type=Vehicle") -> list[str]:
    got = await c("GET", path, **({} if snapshot is None else {"NGSILD_Snapshot": snapshot}))
    assert got.status == 200, got.body
    return [one["id"] for one in got.json]


@whole
async def test_create_and_retrieve(c: Client) -> None:
    """§5.16.1, §5.16.3, §5.2.41."""
    await c("POST", "/entities", vehicle(1, speed=80))
    await c("POST", "/entities", vehicle(2, speed=30))
    fast = {**VEHICLES, "q": "speed>50"}
    found = await take(c, fast, snapshotLifetime="PT2H")
    assert found["type"] == "Snapshot"
    assert found["snapshotQueries"] == [fast]
    assert (found["snapshotStatus"], found["snapshotPriority"]) == ("success", 5)
    assert found["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
    assert found["snapshotLifetime"] == "PT2H"
    assert found["createdAt"] < found["expiresAt"]
    assert found["createdAt"] <= found["lastUsedAt"]
    await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 1})
    got = await c("GET", f"/entities/{BUS}?options=keyValues", NGSILD_Snapshot=found["id"])
    assert got.json["speed"] == 80
    assert got.headers["NGSILD-Snapshot"] == found["id"]
    assert await ids(c, found["id"]) == [BUS]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"type": "Snapshot"}, "snapshotQueries"),
        ({"snapshotQueries": [VEHICLES]}, "type"),
        (body(id="no uri"), "id"),
        (body(snapshotPriority=11), "snapshotPriority"),
        (body(snapshotPriority=True), "snapshotPriority"),
        (body(snapshotLifetime="tomorrow"), "snapshotLifetime"),
        (body(snapshotLifetime="PT0S"), "snapshotLifetime"),
        (body(endpoint=7), "endpoint"),
        (body(endpoint="file:///etc/passwd"), "endpoint.uri"),
        (body(speed=7), "speed"),
        (body({**VEHICLES, "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}), None),
        ({"type": "Snapshot", "snapshotTemporalQueries": [VEHICLES]}, None),
        ({"type": "Snapshot", "snapshotQueries": []}, "snapshotQueries"),
        (body({"type": "Query"}), "snapshotQueries[0]"),
        (body(VEHICLES, {**VEHICLES, "q": "=="}), "snapshotQueries[1].q"),
        (body({"type": "Vehicle"}), "snapshotQueries[0].type"),
    ],
)
def test_what_cannot_be_a_snapshot_is_refused_with_its_place(
    sent: dict[str, Any], field: str | None, tmp_path: Path
) -> None:
    @whole
    async def test(c: Client) -> None:
        got = await c("POST", "/snapshots", sent)
        assert (got.status, error(got)) == (400, "BadRequestData"), got.body
        if field is not None:
            assert got.json["field"] == field
        assert (await c("GET", "/snapshots")).json == []

    test(tmp_path)


@whole
async def test_output_only_members_are_ignored(c: Client) -> None:
    """§5.2.41: what only the broker says may be sent back to it."""
    first = await take(c)
    again = {name: value for name, value in first.items() if name not in ("id", "@context")}
    assert (await take(c, **{k: v for k, v in again.items() if k not in ("type", "snapshotQueries")}))["id"]
    got = await c("POST", "/snapshots", body(id=first["id"]))
    assert (got.status, error(got)) == (409, "AlreadyExists")


@whole
async def test_grades_of_success(c: Client) -> None:
    """§5.16.1.4: by query."""
    await c("POST", "/entities", vehicle(1, speed=80))
    nothing = {"type": "Query", "entities": [{"type": "Void"}]}
    partial = await take(c, VEHICLES, nothing)
    assert partial["snapshotStatus"] == "partial"
    assert [one["resultStatus"] for one in partial["snapshotQueriesDetails"]] == ["success", "empty"]
    empty = await take(c, nothing)
    assert empty["snapshotStatus"] == "empty"
    assert await ids(c, empty["id"]) == []


@whole
async def test_update(c: Client) -> None:
    """§5.16.4."""
    found = await take(c, endpoint="http://127.0.0.1:9/x", receiverInfo=[{"key": "a", "value": "b"}])
    path = f"/snapshots/{found['id']}"
    got = await c("PATCH", path, {"snapshotPriority": 2, "snapshotLifetime": "P2D", "endpoint": None})
    assert got.status == 200
    changed = got.json
    assert (changed["snapshotPriority"], changed["snapshotLifetime"]) == (2, "P2D")
    assert "endpoint" not in changed
    assert changed["expiresAt"] > found["expiresAt"]
    assert changed["modifiedAt"] > found["modifiedAt"]
    assert (await c("GET", path)).json == changed
    for sent in (
        {"snapshotQueries": [VEHICLES]},
        {"id": "urn:x:y"},
        {"snapshotPriority": 0},
        {"type": "Query"},
        [],
    ):
        assert (await c("PATCH", path, sent)).status == 400
    assert (await c("PATCH", "/snapshots/urn:x:none", {"snapshotPriority": 2})).status == 404


@whole
async def test_clone_delete_purge(c: Client) -> None:
    """§5.16.2, §5.16.5, §5.16.7."""
    await c("POST", "/entities", vehicle(1, speed=80))
    first = await take(c)
    made = await ready(
        c, await c("POST", f"/snapshots/{first['id']}/clone", {"type": "Snapshot", "snapshotPriority": 9})
    )
    bare = await ready(c, await c("POST", f"/snapshots/{first['id']}/clone"))
    assert (made["snapshotStatus"], made["snapshotPriority"], bare["snapshotPriority"]) == ("success", 9, 5)
    assert made["snapshotQueries"] == first["snapshotQueries"]
    assert (await c("POST", f"/snapshots/{first['id']}/clone", body())).status == 400
    assert (await c("POST", "/snapshots/urn:x:none/clone")).status == 404
    assert (await c("DELETE", f"/snapshots/{first['id']}")).status == 204
    assert (await c("GET", f"/snapshots/{first['id']}")).status == 404
    assert (await c("DELETE", f"/snapshots/{first['id']}")).status == 404
    assert await ids(c, made["id"]) == [BUS]
    for q in ("speed>50", "snapshotPriority.speed>5&&", ""):
        assert (await c("DELETE", f"/snapshots?q={quote(q)}")).status == 400
    assert (await c("DELETE", "/snapshots")).status == 400
    assert [one["id"] for one in (await c("GET", "/snapshots?q=snapshotPriority<6")).json] == [bare["id"]]
    for some in (
        'id=="' + made["id"] + '"',
        'type=="Snapshot";snapshotPriority==9',
        "lastUsedAt>2020-01-01T00:00:00Z;snapshotPriority>5",
    ):
        assert [one["id"] for one in (await c("GET", f"/snapshots?q={quote(some)}")).json] == [made["id"]], (
            some
        )
    q = quote('snapshotPriority<6;snapshotStatus=="success";createdAt>2020-01-01T00:00:00Z')
    assert (await c("DELETE", f"/snapshots?q={q}")).status == 204
    got = await c("GET", "/snapshots?count=true&limit=0")
    assert got.headers["ngsild-results-count"] == "1"
    assert [one["id"] for one in (await c("GET", "/snapshots")).json] == [made["id"]]


@whole
async def test_the_header_comes_back_with_every_answer(c: Client) -> None:
    """§6.3.22."""
    found = await take(c)
    for path, name, status in (
        ("/entities?type=Vehicle", "urn:x:none", 404),
        ("/entities?type=Vehicle", "no uri", 400),
        ("/entities?type=Vehicle", found["id"], 200),
        (f"/snapshots/{found['id']}", found["id"], 200),
        ("/nowhere", found["id"], 404),
        ("/subscriptions", found["id"], 200),
        ("/csourceRegistrations", found["id"], 422),
        ("/entities?type=Vehicle", f"/ngsi-ld/v1/snapshots/{found['id']}", 200),
    ):
        got = await c("GET", path, NGSILD_Snapshot=name)
        assert got.status == status, (path, name, got.body)
        assert got.headers["NGSILD-Snapshot"] == name


@whole
async def test_operations_work_on_the_snapshot(c: Client) -> None:
    """§5.5.15: consumption and provision, and nothing of it reaches what is true now."""
    await c("POST", "/entities", vehicle(1, speed=80))
    name = (await take(c))["id"]

    async def inside(method: str, path: str, sent: Any = None) -> Got:
        return await c(method, path, sent, NGSILD_Snapshot=name)

    assert (await inside("POST", "/entities", vehicle(2, speed=1))).status == 201
    assert (await inside("POST", "/entityOperations/upsert", [vehicle(3, speed=1)])).status == 201
    assert (await inside("PATCH", f"/entities/{BUS}/attrs", {"speed": 5, "snapshots": 1})).status == 204
    assert (await inside("DELETE", f"/entities/{BUS}/attrs/snapshots")).status == 204
    assert (await inside("POST", "/entityOperations/query", VEHICLES)).status == 200
    got = await inside("GET", "/entities?type=Vehicle&count=true&limit=1&orderBy=speed")
    assert got.headers["ngsild-results-count"] == "3"
    assert (await inside("GET", "/types")).json["typeList"] == ["Vehicle"]
    assert (await inside("GET", "/attributes")).json["attributeList"] == ["speed"]
    assert (await inside("DELETE", "/entities/urn:ngsi-ld:Vehicle:3")).status == 204
    assert await ids(c, name) == [BUS, "urn:ngsi-ld:Vehicle:2"]
    mapped = await inside("GET", "/entities?type=Vehicle&entityMap=true")
    assert mapped.status == 201
    assert await ids(c, None) == [BUS]
    live = (await c("GET", f"/entities/{BUS}?options=keyValues")).json
    assert live["speed"] == 80
    assert (await c("GET", "/types")).json["typeList"] == ["Vehicle"]


@whole
async def test_times_stay_what_they_were(c: Client) -> None:
    """An entity in a snapshot was created and changed when it was."""
    await c("POST", "/entities", vehicle(1, speed=80))
    await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 81})
    before = (await c("GET", f"/entities/{BUS}?options=sysAttrs")).json
    name = (await take(c))["id"]
    assert (await c("GET", f"/entities/{BUS}?options=sysAttrs", NGSILD_Snapshot=name)).json == before


@whole
async def test_a_snapshot_that_is_not_ready_shows_nothing(c: Client) -> None:
    """Neither half of it nor an empty answer."""
    gate = asyncio.Event()

    async def gather() -> Content:
        await gate.wait()
        return Content()

    given = {"snapshotQueries": [VEHICLES]}
    one = await c.snapshots.create(given, gather, c.actor, "")
    for method, path in (("GET", "/entities?type=Vehicle"), ("POST", f"/snapshots/{one.id}/clone")):
        got = await c(method, path, NGSILD_Snapshot=one.id)
        assert (got.status, error(got)) == (409, "Conflict")
    assert (await c("GET", f"/snapshots/{one.id}")).json["snapshotStatus"] == "preparing"
    gate.set()


@whole
async def test_who_may(c: Client) -> None:
    """Strangers must sign in; others find nothing, whatever they try."""
    name = (await take(c))["id"]
    c.actor = Actor(Principal("user:other", "Other", frozenset({"analyst"})), FULL_ACCESS)
    assert (await c("GET", "/entities?type=Vehicle", NGSILD_Snapshot=name)).status == 404
    for method, path, sent in (
        ("GET", f"/snapshots/{name}", None),
        ("PATCH", f"/snapshots/{name}", {"snapshotPriority": 1}),
        ("DELETE", f"/snapshots/{name}", None),
        ("POST", f"/snapshots/{name}/clone", None),
    ):
        assert (await c(method, path, sent)).status == 404
    assert (await c("GET", "/snapshots")).json == []
    c.actor = Actor(Principal("public", "", frozenset({Role.PUBLIC})), FULL_ACCESS)
    assert (await c("POST", "/snapshots", body())).status == 401
    assert (await c("GET", "/snapshots")).status == 401
    assert (await c("GET", "/entities?type=Vehicle", NGSILD_Snapshot=name)).status == 404


@whole
async def test_tenants_are_apart(c: Client) -> None:
    await c("POST", "/entities", vehicle(1, speed=80), NGSILD_Tenant="harbour")
    made = await c("POST", "/snapshots", body(), NGSILD_Tenant="harbour")
    path = made.headers["Location"].removeprefix("/ngsi-ld/v1")
    assert (await c("GET", path)).status == 404
    name = path.rpartition("/")[2]
    async with asyncio.timeout(20):
        while (await c("GET", path, NGSILD_Tenant="harbour")).json["snapshotStatus"] == "preparing":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    got = await c("GET", "/entities?type=Vehicle", NGSILD_Tenant="harbour", NGSILD_Snapshot=name)
    assert [one["id"] for one in got.json] == [BUS]
    assert got.headers["ngsild-tenant"] == "harbour"
    assert (await c("GET", "/entities?type=Vehicle", NGSILD_Snapshot=name)).status == 404
    missing = await c("POST", "/snapshots", body(), NGSILD_Tenant="nowhere")
    assert (missing.status, error(missing)) == (404, "NonexistentTenant")


@whole
async def test_names_are_shown_in_the_context_of_the_request(c: Client) -> None:
    """§5.5.5: a snapshot's queries are told in the names that the reader uses."""
    context = {"Vehicle": "https://example.org/Vehicle", "speed": "https://example.org/speed"}
    sent = {**body({**VEHICLES, "attrs": ["speed"]}), "@context": [context, CORE]}
    got = await c("POST", "/snapshots", sent, kind="application/ld+json")
    plain = await ready(c, got)
    assert plain["snapshotQueries"][0]["entities"] == [{"type": "https://example.org/Vehicle"}]
    assert plain["snapshotQueries"][0]["attrs"] == ["https://example.org/speed"]


@whole
async def test_evolutions(c: Client) -> None:
    """§5.16.1.4 for temporal queries: every instance, once, with its times; also of what is there no more."""
    history = [{"type": "Property", "value": n, "observedAt": f"2026-01-01T00:00:{n:02}Z"} for n in range(10)]
    assert (await c("POST", "/temporal/entities", vehicle(7, speed=history))).status == 201
    await c(
        "POST",
        "/entities",
        vehicle(1, speed={"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:01Z"}),
    )
    await c(
        "PATCH",
        f"/entities/{BUS}/attrs",
        {"speed": {"type": "Property", "value": 2, "observedAt": "2026-01-01T00:00:02Z"}},
    )
    time = {"timerel": "after", "timeAt": "2025-01-01T00:00:00Z"}
    temporal = {**VEHICLES, "temporalQ": time}
    sent = {"type": "Snapshot", "snapshotTemporalQueries": [temporal], "snapshotQueries": [VEHICLES]}
    made = await ready(c, await c("POST", "/snapshots", sent))
    assert made["snapshotStatus"] == "success", made
    assert made["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    path = "/temporal/entities?type=Vehicle&timerel=after&timeAt=2025-01-01T00:00:00Z&options=sysAttrs"

    def plain(got: Got) -> dict[str, Any]:
        assert got.status == 200, got.body
        out = {}
        for one in got.json:
            listed = one["speed"] if isinstance(one["speed"], list) else [one["speed"]]
            rows = [{k: v for k, v in row.items() if k != "instanceId"} for row in listed]
            out[one["id"]] = sorted(rows, key=lambda row: row["observedAt"])
        return out

    live = plain(await c("GET", path))
    assert {name: len(rows) for name, rows in live.items()} == {"urn:ngsi-ld:Vehicle:7": 10, BUS: 2}
    await c("DELETE", f"/entities/{BUS}")
    await c("DELETE", "/temporal/entities/urn:ngsi-ld:Vehicle:7")
    assert plain(await c("GET", path, NGSILD_Snapshot=made["id"])) == live
    assert await ids(c, made["id"]) == [BUS]  # the other is only a past


@two
async def test_a_snapshot_of_two_brokers(clients: list[Client], urls: list[str]) -> None:
    """§5.16.1.4 with §5.7.2.4: what a source has is in it, with its past; afterwards the source is asked no more."""
    one, other = clients
    await one("POST", "/entities", {"id": "urn:x:1", "type": "Bus", "speed": 60})
    await other("POST", "/entities", {"id": "urn:x:2", "type": "Bus", "speed": 80})
    await other("POST", "/entities", {"id": "urn:x:3", "type": "Bus", "speed": 10})
    await register(one, urls[1], operations=["queryEntity", "queryTemporal"])
    buses = {"type": "Query", "entities": [{"type": "Bus"}], "q": "speed>50"}
    time = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
    past = {"type": "Query", "entities": [{"type": "Bus"}], "temporalQ": time}
    sent = {**body(buses), "snapshotTemporalQueries": [past]}
    made = await ready(one, await one("POST", "/snapshots", sent))
    assert made["snapshotStatus"] == "success", made
    await other("DELETE", "/entities/urn:x:2")
    assert await ids(one, made["id"], "/entities?type=Bus") == ["urn:x:1", "urn:x:2"]
    path = "/temporal/entities?type=Bus&timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt"
    got = await one("GET", path, NGSILD_Snapshot=made["id"])
    assert {each["id"]: [row["value"] for row in each["speed"]] for each in got.json} == {
        "urn:x:1": [60],
        "urn:x:2": [80],
        "urn:x:3": [10],
    }
    local = await ready(one, await one("POST", "/snapshots?local=true", body(buses)))
    assert await ids(one, local["id"], "/entities?type=Bus") == ["urn:x:1"]


@two
async def test_a_source_that_does_not_answer_makes_it_partial(clients: list[Client], urls: list[str]) -> None:
    """What may be missing is said."""
    one, _ = clients
    await one("POST", "/entities", {"id": "urn:x:1", "type": "Bus", "speed": 60})
    await register(one, "http://127.0.0.1:9")
    made = await take(one, {"type": "Query", "entities": [{"type": "Bus"}]})
    assert made["snapshotStatus"] == "partial"
    problem = made["snapshotQueriesDetails"][0]["problemDetails"]
    assert "urn:ngsi-ld:ContextSourceRegistration:1" in problem["detail"]


@whole
async def test_the_endpoint_is_told(c: Client) -> None:
    """§5.16.6, §5.3.4: when it is ready, when it was changed, and when it is gone."""
    receiver = Receiver()
    await receiver.open()
    try:
        uri = f"http://127.0.0.1:{receiver.port}/notify"
        made = await take(c, endpoint=uri, receiverInfo=[{"key": "X-Token", "value": "s3"}])
        await receiver.until(lambda: len(receiver.got) == 1)
        await c("PATCH", f"/snapshots/{made['id']}", {"snapshotPriority": 7})
        await receiver.until(lambda: len(receiver.got) == 2)
        await c("DELETE", f"/snapshots/{made['id']}")
        await receiver.until(lambda: len(receiver.got) == 3)
        first, second, third = receiver.got
        assert first["type"] == "SnapshotNotification"
        assert first["snapshotId"] == made["id"]
        assert first["snapshotStatus"] == made["snapshotStatus"]
        assert first["snapshotQueriesDetails"] == made["snapshotQueriesDetails"]
        assert second["snapshotPriority"] == 7
        assert first["expiresAt"] > first["notifiedAt"]
        assert third["expiresAt"] < third["notifiedAt"]
        assert len({one["id"] for one in receiver.got}) == 3
    finally:
        await receiver.close()


@whole
async def test_subscriptions_on_a_snapshot(c: Client) -> None:
    """§5.5.15, §6.3.22: told of changes in the snapshot, which the notification names, and of nothing else."""
    await c("POST", "/entities", vehicle(1, speed=80))
    name = (await take(c))["id"]
    receiver = Receiver()
    await receiver.open()
    try:
        sent = {
            "type": "Subscription",
            "entities": [{"type": "Vehicle"}],
            "notification": {"endpoint": {"uri": receiver.uri}},
        }
        got = await c("POST", "/subscriptions", sent, NGSILD_Snapshot=name)
        assert got.status == 201
        assert (await c("GET", "/subscriptions")).json == []
        [mine] = (await c("GET", "/subscriptions", NGSILD_Snapshot=name)).json
        await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 1})
        await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 2}, NGSILD_Snapshot=name)
        await receiver.until(lambda: bool(receiver.got))
        assert receiver.got[0]["data"][0]["speed"]["value"] == 2
        assert receiver.headers[0]["ngsild-snapshot"] == name
        deleted = await c("DELETE", f"/subscriptions/{mine['id']}", NGSILD_Snapshot=name)
        assert deleted.status == 204
        assert (await c("GET", f"/subscriptions/{mine['id']}", NGSILD_Snapshot=name)).status == 404
        for _ in range(4):
            other = (await take(c))["id"]
            assert (await c("POST", "/subscriptions", sent, NGSILD_Snapshot=other)).status == 201
        got = await c("POST", "/subscriptions", sent, NGSILD_Snapshot=name)
        assert (got.status, error(got)) == (409, "Conflict")
        assert (await c("DELETE", f"/snapshots/{other}")).status == 204
        async with asyncio.timeout(10):
            while c.snapshots.pool.place(other).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await receiver.close()


def test_subscriptions_on_a_snapshot_outlive_a_restart(tmp_path: Path) -> None:
    """What was changed in a snapshot while the receiver was away is told after the next start."""

    async def run() -> None:
        receiver = Receiver()
        await receiver.open()
        receiver.status = 503
        sent = {
            "type": "Subscription",
            "entities": [{"type": "Vehicle"}],
            "notification": {"endpoint": {"uri": receiver.uri}},
        }
        async with open_whole_client(tmp_path) as c:
            await c("POST", "/entities", vehicle(1, speed=80))
            name = (await take(c))["id"]
            assert (await c("POST", "/subscriptions", sent, NGSILD_Snapshot=name)).status == 201
            await c("PATCH", f"/entities/{BUS}/attrs", {"speed": 2}, NGSILD_Snapshot=name)
        receiver.status = 200
        async with open_whole_client(tmp_path):
            await receiver.until(lambda: bool(receiver.got))
        assert receiver.got[0]["data"][0]["speed"]["value"] == 2
        await receiver.close()

    asyncio.run(run())
