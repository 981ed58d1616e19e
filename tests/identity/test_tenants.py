"""Law of tenants: for whoever may not enter one, every door answers as if it did not exist, and no door lets them act in
it. Who may: of a drill its trainee, its trainers and administrators; of any other those whom it was given to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from andaman.app import App
from andaman.broker.entity.build import entity, geo, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.subscriptions.service import Subscriptions
from andaman.identity.model import Role, system_actor
from andaman.identity.records import TokenKind
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import DAY, system_clock
from andaman.offline import cli_actor
from andaman.training.service import TrainingService
from tests.support import PASSWORD, client, platform, run

ROOT = system_actor("test")
UNIT = "urn:ngsi-ld:EmergencyUnit:secret"
PLACE = {"type": "Point", "coordinates": [98.39, 7.88]}
REPORT = {"incidentType": "roadAccident", "severity": "Severe", "location": PLACE}
LATEST = "timerel=before&timeAt=2100-01-01T00:00:00Z"

DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/ngsi-ld/v1/entities?type=EmergencyUnit&count=true", None),
    ("GET", f"/ngsi-ld/v1/entities/{UNIT}", None),
    ("POST", "/ngsi-ld/v1/entityOperations/query", {"type": "Query", "entities": [{"type": "EmergencyUnit"}]}),
    ("POST", "/ngsi-ld/v1/entities", {"id": "urn:ngsi-ld:Measure:x", "type": "Measure"}),
    ("PATCH", f"/ngsi-ld/v1/entities/{UNIT}/attrs/unitStatus", {"value": "x"}),
    ("DELETE", f"/ngsi-ld/v1/entities/{UNIT}", None),
    ("GET", "/ngsi-ld/v1/types", None),
    ("GET", "/ngsi-ld/v1/attributes", None),
    ("GET", f"/ngsi-ld/v1/temporal/entities?type=EmergencyUnit&{LATEST}", None),
    ("GET", f"/ngsi-ld/v1/temporal/entities/{UNIT}", None),
    ("GET", "/ngsi-ld/v1/subscriptions", None),
    ("GET", "/ngsi-ld/v1/jsonldContexts", None),
    ("GET", "/ngsi-ld/v1/csourceRegistrations", None),
    ("GET", "/api/command/summary", None),
    ("GET", "/api/command/rules", None),
    ("GET", "/api/command/timeline?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", None),
    ("POST", "/api/command/incidents", REPORT),
    ("POST", "/api/command/alerts/urn:ngsi-ld:Alert:x/acknowledge", {}),
    ("POST", f"/api/command/units/{UNIT}/status", {"status": "outOfService"}),
    ("GET", "/api/state?types=EmergencyUnit&tenant={tenant}", None),
    ("GET", f"/api/changes?id={UNIT}&tenant={{tenant}}", None),
]  # fmt: skip


async def knock(http: httpx.AsyncClient, door: tuple[str, str, Any], tenant: str) -> httpx.Response:
    method, path, body = door
    headers = {} if "{tenant}" in path else {"NGSILD-Tenant": tenant}
    return await http.request(method, path.replace("{tenant}", tenant), json=body, headers=headers)


def words(answer: httpx.Response, tenant: str) -> tuple[int, str]:
    """What is said, but for the name that was asked for and the number of the request."""
    body = json.loads(answer.content) if answer.content else {}
    for key in ("requestId", "instance", "correlationId"):
        body.pop(key, None) if isinstance(body, dict) else None
    return answer.status_code, json.dumps(body).replace(tenant, "TENANT")


@contextlib.asynccontextmanager
async def city(directory: Path) -> AsyncIterator[App]:
    """A tenant "plant" with a unit in it, and nobody whom it was given to."""
    async with platform(directory) as app:
        unit = entity(UNIT, "EmergencyUnit", unitStatus=prop("available"), location=geo(PLACE))
        (done,) = await app.broker.write([WriteOp(OpKind.CREATE, UNIT, unit)], ROOT, "plant")
        assert done.error is None
        yield app


@contextlib.asynccontextmanager
async def bearer(app: App, **rights: Any) -> AsyncIterator[httpx.AsyncClient]:
    kind = TokenKind.DEVICE if "types" in rights else TokenKind.API
    _, secret = await app.identity.add_token(kind, "test", cli_actor(), **rights)
    async with client(app) as http:
        http.headers["Authorization"] = f"Bearer {secret}"
        yield http


@pytest.mark.parametrize("who", ["operator", "dispatcher", "analyst", "token", "device", None])
def test_no_door_shows_that_another_tenant_exists(tmp_path: Path, who: str | None) -> None:
    """The same words for a tenant that is there and for one that is not, and nothing is written."""

    async def work() -> None:
        async with city(tmp_path) as app:
            if who == "token":
                seat = bearer(app, roles=[Role.ADMINISTRATOR])
            elif who == "device":
                seat = bearer(app, types=["https://smartdatamodels.org/dataModel.X/EmergencyUnit"])
            else:
                seat = client(app, who)
            async with seat as http:
                before = app.broker.seq
                for door in DOORS:
                    there = words(await knock(http, door, "plant"), "plant")
                    not_there = words(await knock(http, door, "nobody"), "nobody")
                    assert there == not_there, door
                    assert there[0] in ((401, 403) if who is None else (401, 403, 404)), door
                    if who in ("operator", "dispatcher", "token"):
                        assert there[0] == 404, door
                assert app.broker.seq == before
                assert app.broker.tenants() == ["", "plant"]

    run(work)


def test_whom_a_tenant_was_given_to_enters_it_and_no_longer_when_it_is_taken_back(tmp_path: Path) -> None:
    async def work() -> None:
        async with city(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root:
            async with client(app, "operator") as http:
                seen = DOORS[1]
                assert (await knock(http, seen, "plant")).status_code == 404
                given = await root.patch("/api/identity/users/test-operator", json={"tenants": ["plant"]})
                assert given.json()["tenants"] == ["plant"]
                assert (await knock(http, seen, "plant")).status_code == 200
                assert (await knock(http, DOORS[19], "plant")).json()["entities"]
                assert (await knock(http, seen, "nobody")).status_code == 404
                wrong = await root.patch(
                    "/api/identity/users/test-operator", json={"tenants": ["exercise-1"]}
                )
                assert wrong.status_code == 400
                await root.patch("/api/identity/users/test-operator", json={"tenants": []})
                assert (await knock(http, seen, "plant")).status_code == 404
            assert (await knock(root, seen, "plant")).status_code == 200

    run(work)


def test_a_token_is_for_one_tenant(tmp_path: Path) -> None:
    """By default the city; one that is for another tenant does not enter the city, whatever its roles."""

    async def work() -> None:
        async with city(tmp_path) as app:
            async with bearer(app, roles=[Role.ADMINISTRATOR], tenant="plant") as http:
                assert (await knock(http, DOORS[1], "plant")).status_code == 200
                for path in ("/ngsi-ld/v1/types", "/api/state?types=Vehicle", "/api/command/summary"):
                    assert (await http.get(path)).status_code == 404
            async with bearer(app, roles=["operator"]) as http:
                assert (await knock(http, DOORS[1], "plant")).status_code == 404
                assert (await http.get("/ngsi-ld/v1/types")).status_code == 200

    run(work)


async def watch(app: App, http: httpx.AsyncClient, tenant: str) -> dict[str, Any]:
    """The first answer of a live socket to a watch on the tenant."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await said.put({"type": "websocket.connect"})
    await said.put(
        {
            "type": "websocket.receive",
            "text": json.dumps({"op": "watch", "id": "w", "types": ["EmergencyUnit"], "tenant": tenant}),
        }
    )
    cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    scope = {
        "type": "websocket",
        "path": "/live",
        "raw_path": b"/live",
        "root_path": "",
        "scheme": "ws",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8026"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8026),
        "subprotocols": [],
    }
    task = asyncio.ensure_future(app.asgi(scope, said.get, heard.put))
    try:
        while True:
            message = await asyncio.wait_for(heard.get(), 20)
            if message["type"] == "websocket.send":
                answer: dict[str, Any] = json.loads(message["text"])
                if answer["op"] in ("state", "error"):
                    return answer
            elif message["type"] == "websocket.close":
                return {"op": "close", **message}
    finally:
        await said.put({"type": "websocket.disconnect", "code": 1000})
        await task


def test_live_sockets_ask_the_same(tmp_path: Path) -> None:
    async def work() -> None:
        async with city(tmp_path) as app, client(app, "operator") as http:
            there, not_there = await watch(app, http, "plant"), await watch(app, http, "nobody")
            assert there["op"] == "error"
            assert json.dumps(there).replace("plant", "X") == json.dumps(not_there).replace("nobody", "X")
            await app.identity.tenants.give(app.identity.get_user("test-operator"), ["plant"], cli_actor())
            assert [e["id"] for e in (await watch(app, http, "plant"))["entities"]] == [UNIT]

    run(work)


def test_a_drill_is_open_to_its_people_and_is_removed_after_its_time(tmp_path: Path) -> None:
    """Trainee, named trainers, administrators. After its time its entities are gone, by deletes in the journal, nobody
    enters it, and the score stands as it was."""

    async def work() -> None:
        time = [system_clock()]
        async with platform(tmp_path, pack="minicity") as app:
            drills = app.get(TrainingService).drills
            drills._clock = lambda: max(time[0], system_clock())
            await app.identity.add_user("lek", PASSWORD, ["operator"], cli_actor())
            await app.identity.add_user("nok", PASSWORD, ["analyst"], cli_actor())
            async with client(app, "dispatcher") as http, client(app, Role.ADMINISTRATOR) as root:
                wrong = await http.post(
                    "/api/training/drills", json={"scenario": "flash-flood", "trainers": ["xx"]}
                )
                scenario = (await http.get("/api/training/scenarios")).json()[0]["id"]
                wrong = await http.post(
                    "/api/training/drills", json={"scenario": scenario, "trainers": ["xx"]}
                )
                assert wrong.status_code == 400
                assert app.broker.tenants() == [""]
                begun = await http.post(
                    "/api/training/drills", json={"scenario": scenario, "trainers": ["lek"]}
                )
                assert begun.status_code == 201, begun.text
                run_id = begun.json()["drill"]["id"]
                local, tenant = run_id.rsplit(":", 1)[1], begun.json()["drill"]["a"]["exerciseTenant"]
                look = ("GET", "/ngsi-ld/v1/types", None)
                assert (await knock(http, look, tenant)).status_code == 200
                assert (await knock(root, look, tenant)).status_code == 200
                await app.identity.add_user("somsri", PASSWORD, ["dispatcher"], cli_actor())
                for name, status in (("lek", 200), ("nok", 404), ("somsri", 404)):
                    async with client(app) as other:
                        await other.post("/auth/login", json={"username": name, "password": PASSWORD})
                        assert (await knock(other, look, tenant)).status_code == status
                        if name == "somsri":  # a drill that is another's answers as one that is not there
                            there = await other.get(f"/api/training/drills/{local}")
                            none = await other.get("/api/training/drills/nobody")
                            assert words(there, local) == words(none, "nobody")
                scored = (await http.post(f"/api/training/drills/{local}/finish")).json()["score"]
                time[0] = system_clock() + 29 * DAY
                assert await drills._due() is not None
                assert list(app.broker.iter_entities([], ROOT.access, tenant))
                subscribed = await root.post(
                    "/ngsi-ld/v1/subscriptions",
                    json={
                        "type": "Subscription",
                        "entities": [{"type": "Alert"}],
                        "notification": {"endpoint": {"uri": "http://192.0.2.1/"}},
                    },
                    headers={"NGSILD-Tenant": tenant},
                )
                assert subscribed.status_code == 201, subscribed.text
                time[0] = system_clock() + 31 * DAY
                assert await drills._due() is None
                assert list(app.broker.iter_entities([], ROOT.access, tenant)) == []
                assert (await knock(http, look, tenant)).status_code == 404
                # Nothing of it counts or works any more, also not where the journal was restored.
                assert app.broker.tenants() == [""]
                assert not [run for run in app.get(Subscriptions).runs() if run.sub.tenant == tenant]
                await app.broker.write(
                    [
                        WriteOp(
                            OpKind.CREATE, "urn:ngsi-ld:Device:1", entity("urn:ngsi-ld:Device:1", "Device")
                        )
                    ],
                    ROOT,
                    tenant,
                )
                await app.broker.write([WriteOp(OpKind.DELETE, "urn:ngsi-ld:Device:1")], ROOT, tenant)
                assert app.broker.tenants() == ["", tenant]
                await drills.stop()
                await drills.start()
                assert app.broker.tenants() == [""]
                kept = (await http.get(f"/api/training/drills/{local}")).json()
                assert kept["score"] == scored
                assert kept["drill"]["a"]["tenantRemovedAt"]
                await drills._due()  # once only
                with pytest.raises(BadRequestData):
                    await app.identity.tenants.give(app.identity.get_user("nok"), ["exercise-1"], cli_actor())

    run(work)


def test_sessions_are_listed_ended_and_bounded(tmp_path: Path) -> None:
    """One's own only. Of more than the bound the one unused for longest ends; another's cannot be ended."""

    async def work() -> None:
        async with platform(tmp_path, sessions_max=2) as app:
            async with (
                client(app, "operator") as first,
                client(app, "operator") as second,
                client(app, "analyst") as other,
            ):
                mine = (await second.get("/auth/sessions")).json()["sessions"]
                assert [one["current"] for one in mine].count(True) == 1
                assert len(mine) == 2
                theirs = (await other.get("/auth/sessions")).json()["sessions"][0]["id"]
                assert (await second.delete(f"/auth/sessions/{theirs}")).status_code == 404
                async with client(app, "operator") as third:
                    assert len((await third.get("/auth/sessions")).json()["sessions"]) == 2
                    alive = [http for http in (first, second) if (await http.get("/auth/me")).json()["csrf"]]
                    assert len(alive) == 1
                    assert (await third.delete("/auth/sessions")).json() == {"ended": 1}
                    assert (await alive[0].get("/auth/me")).json()["csrf"] is None
                    (last,) = (await third.get("/auth/sessions")).json()["sessions"]
                    assert (await third.delete(f"/auth/sessions/{last['id']}")).status_code == 204
                    assert (await third.get("/auth/sessions")).status_code == 401
                assert (await other.get("/auth/me")).json()["csrf"]
            async with client(app, Role.ADMINISTRATOR) as root, client(app, "operator") as http:
                made = await root.post("/api/identity/tokens", json={"name": "mine", "roles": ["analyst"]})
                token = made.json()["token"]["id"]
                assert [t["id"] for t in (await root.get("/auth/sessions")).json()["tokens"]] == [token]
                assert (await http.get("/auth/sessions")).json()["tokens"] == []
                assert (await http.delete(f"/auth/tokens/{token}")).status_code == 404
                assert (await root.delete(f"/auth/tokens/{token}")).status_code == 204
                assert (await root.get("/auth/sessions")).json()["tokens"] == []

    run(work)
