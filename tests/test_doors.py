"""The table of doors, against the platform as built: every route has an entry, and every entry is kept to, whoever comes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from andaman.app import App
from andaman.broker.entity.build import iri
from andaman.doors.ngsild.entries import ngsild_doors, resource_of
from andaman.http import screens_app
from andaman.identity.doors import (
    ANYONE,
    DoorEntry,
    TableError,
    Tenancy,
    Who,
    checked,
)
from andaman.identity.doors_page import doors_page
from andaman.identity.entrance import build_routes
from andaman.identity.model import Role
from andaman.identity.permissions import READ_AGENCIES
from andaman.identity.records import Outcome, TokenKind
from andaman.identity.roles import shipped_roles
from andaman.kernel.permissions import Permission
from andaman.offline import cli_actor
from andaman.rooms import PERMISSIONS

from .support import client, platform, run

ROOT = Path(__file__).parents[1]
VEHICLE = iri("Vehicle")
NG = "/ngsi-ld/v1"

OPEN_TO_STRANGERS = """
POST /auth/login · GET /auth/me · POST /auth/logout
GET /api/health · GET /api/city · GET /tiles/{layer}/{z}/{x}/{y}.mvt · GET /{path:path}
GET /api/state · GET /live · GET /api/history/latest · GET /api/history/means
GET /api/command/summary · GET /api/command/incident-types · GET /api/command/unit-types · GET /api/command/timeline
GET /api/catalogue/datasets · GET /api/catalogue/datasets/{code} · GET /api/evidence/{kind}/{key:path} · GET /api/ingest/feeds
GET /api/training/certificates/{id}
GET /api/assessment/indicators · GET /api/assessment/indicators/{id} · GET /api/assessment/accessibility
GET /api/assessment/accessibility/{kind} · GET /api/assessment/criticality
GET /api/connectivity/sites · GET /api/connectivity/runs · GET /api/connectivity/runs/{id:path} · GET /api/connectivity/policy
GET /api/roadmap/measures · GET /api/roadmap/measures/{id} · GET /api/roadmap/gaps · GET /api/roadmap/portfolio
GET /api/roadmap/portfolio/{id:path} · GET /api/roadmap/portfolios · GET /api/programme
GET NG/entities · GET NG/entities/{entityId} · POST NG/entityOperations/query
GET NG/types · GET NG/types/{type} · GET NG/attributes · GET NG/attributes/{attrId}
GET NG/entityMaps · GET NG/entityMaps/{entityMapId} · PATCH NG/entityMaps/{entityMapId} · DELETE NG/entityMaps/{entityMapId}
GET NG/temporal/entities · GET NG/temporal/entities/{entityId} · POST NG/temporal/entityOperations/query
GET /api/places · GET NG/temporal/entityMaps · GET NG/jsonldContexts · GET NG/jsonldContexts/{contextId} · GET NG/info/sourceIdentity
GET NG/openapi.json · GET /ngsi-ld/contexts/{name} · POST /ngsi-ld/ex/remote-notify
"""
"""Who adds a door that asks nothing writes it here too. What each shows, the rights of the asker decide."""

OPEN_TO_DEVICES = """
GET /auth/me · GET /api/health
POST NG/entities · PUT NG/entities/{entityId} · PATCH NG/entities/{entityId} · POST NG/entities/{entityId}/attrs
PATCH NG/entities/{entityId}/attrs · PATCH NG/entities/{entityId}/attrs/{attrId} · PUT NG/entities/{entityId}/attrs/{attrId}
POST NG/entityOperations/create · POST NG/entityOperations/upsert · POST NG/entityOperations/update
POST NG/entityOperations/merge · POST NG/temporal/entities · POST NG/temporal/entities/{entityId}/attrs
"""

NARROWED_MAY_CHANGE = """
POST /auth/login · POST /auth/logout · POST /ngsi-ld/ex/remote-notify
POST NG/entities · DELETE NG/entities · PUT NG/entities/{entityId} · PATCH NG/entities/{entityId}
DELETE NG/entities/{entityId} · POST NG/entities/{entityId}/attrs · PATCH NG/entities/{entityId}/attrs
PATCH NG/entities/{entityId}/attrs/{attrId} · PUT NG/entities/{entityId}/attrs/{attrId}
DELETE NG/entities/{entityId}/attrs/{attrId} · POST NG/entityOperations/create · POST NG/entityOperations/upsert
POST NG/entityOperations/update · POST NG/entityOperations/merge · POST NG/entityOperations/delete
POST NG/entityOperations/query · POST NG/temporal/entityOperations/query
POST NG/temporal/entities · DELETE NG/temporal/entities/{entityId} · POST NG/temporal/entities/{entityId}/attrs
DELETE NG/temporal/entities/{entityId}/attrs/{attrId}
PATCH NG/temporal/entities/{entityId}/attrs/{attrId}/{instanceId}
DELETE NG/temporal/entities/{entityId}/attrs/{attrId}/{instanceId}
PATCH NG/entityMaps/{entityMapId} · DELETE NG/entityMaps/{entityMapId}
POST NG/subscriptions · PATCH NG/subscriptions/{subscriptionId} · DELETE NG/subscriptions/{subscriptionId}
POST NG/snapshots · DELETE NG/snapshots · PATCH NG/snapshots/{snapshotId} · DELETE NG/snapshots/{snapshotId}
POST NG/snapshots/{snapshotId}/clone
"""

CLOSED_TO_NARROWED_READS = """
GET /api/identity/users · GET /api/identity/users/{username} · GET /api/identity/tokens · GET /api/identity/audit
GET NG/csourceRegistrations · GET NG/csourceRegistrations/{registrationId}
GET NG/csourceSubscriptions · GET NG/csourceSubscriptions/{subscriptionId}
"""


def listed(text: str) -> set[str]:
    return {one.strip().replace("NG/", NG + "/") for line in text.split("\n") for one in line.split("·")} - {
        ""
    }


def shipped_roles_with(requires: object) -> list[str]:
    assert isinstance(requires, Permission)
    return [name for name, row in shipped_roles().rows.items() if requires.name in row.permissions]


def named(entry: DoorEntry) -> str:
    return f"{entry.method} {entry.path}"


def screens_of(app: App) -> Any:
    return app.asgi._app.app._screens  # type: ignore[attr-defined]


# -- the table --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def built(path: Path, **settings: Any) -> AsyncIterator[App]:
    async with platform(path, public_queries_per_minute=0, **settings) as app:
        yield app


def test_every_route_is_made_from_an_entry_and_every_entry_is_a_route(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app:
            there: set[str] = set()
            for route in screens_of(app).routes:
                assert isinstance(route, Route | WebSocketRoute)
                assert "entrance" in route.endpoint.__module__, f"{route.path} does not go through its entry"
                methods = route.methods or set() if isinstance(route, Route) else {"GET"}
                there |= {f"{method} {route.path}" for method in methods - {"HEAD"}}
            assert there | {named(door.entry) for door in ngsild_doors()} == {
                named(d.entry) for d in app.doors
            }
            for door in ngsild_doors():
                if door.entry.path.startswith(NG):
                    found = resource_of(door.entry.path.removeprefix(NG + "/").split("/"))
                    assert found is not None
                    assert found[door.entry.method] is door

    run(work)


def test_what_is_open_stands_here_by_name(tmp_path: Path) -> None:
    """A new door is closed to strangers, devices and narrowed tokens until somebody writes down that it is not."""

    async def work() -> None:
        async with built(tmp_path) as app:
            entries = [door.entry for door in app.doors]
            unsafe = [one for one in entries if one.method != "GET"]
            strangers = {named(one) for one in entries if one.requires is ANYONE}
            assert strangers == listed(OPEN_TO_STRANGERS)
            assert {named(one) for one in entries if one.devices} == listed(OPEN_TO_DEVICES)
            assert {named(one) for one in unsafe if one.opens_narrowed} == listed(NARROWED_MAY_CHANGE)
            reads = {named(one) for one in entries if one.method == "GET" and not one.opens_narrowed}
            assert reads == listed(CLOSED_TO_NARROWED_READS)
            for one in entries:
                if one.path.startswith("/api/identity") and one.path != "/api/identity/agencies":
                    assert not shipped_roles_with(one.requires)
                if one.path.startswith(
                    ("/api/identity", "/metrics", "/api/ingest", "/api/catalogue", "/api/programme")
                ):
                    assert one.tenancy is Tenancy.CITY
            tenants = (
                "/ngsi-ld/v1",
                "/api/state",
                "/api/changes",
                "/api/history",
                "/api/evidence",
                "/api/command",
                "/live",
            )
            for one in entries:
                assert (one.tenancy is Tenancy.BOTH) <= one.path.startswith(tenants)

    run(work)


def test_the_page_of_doors_is_made_from_the_table(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app:
            page = doors_page(app.doors, PERMISSIONS.values(), shipped_roles())
            assert (ROOT / "docs/doors.md").read_text("utf-8") == page, "run make docs"

    run(work)


async def _nothing(request: Any) -> Response:
    return Response("in")


def test_a_route_without_an_entry_and_a_change_that_asks_nothing_fail_the_build() -> None:
    good = DoorEntry("GET", "/x", Tenancy.CITY, READ_AGENCIES).to(_nothing)
    for wrong in (
        Route("/y", _nothing),
        DoorEntry("POST", "/y", Tenancy.CITY, ANYONE).to(_nothing),
        DoorEntry("DELETE", "/y", Tenancy.NONE, ANYONE).to(_nothing),
        DoorEntry("GET", "/x", Tenancy.CITY, ANYONE).to(_nothing),
        DoorEntry("FETCH", "/y", Tenancy.CITY, READ_AGENCIES).to(_nothing),
        DoorEntry("GET", "y", Tenancy.CITY, READ_AGENCIES).to(_nothing),
        DoorEntry("GET", "/y", Tenancy.CITY, READ_AGENCIES, tenant_parameter=True).to(_nothing),
        DoorEntry("POST", "/y", Tenancy.CITY, READ_AGENCIES, socket=True).to(_nothing),
    ):
        for build in (checked, build_routes, screens_app):
            with pytest.raises(TableError):
                build([good, wrong])  # type: ignore[list-item]
    fine = DoorEntry("POST", "/y", Tenancy.CITY, ANYONE, because="a test").to(_nothing)
    assert checked([good, fine]) == [good, fine]


# -- everybody at every door ------------------------------------------------------------------------------------------

REFUSALS = (
    "Sign in to do this",
    "Sign in to see anything but",
    "This needs the permission",
    "A device token writes",
    "This token is narrowed",
)
"""How the words of a door begin."""


class Caller:
    """Somebody with their headers. ``standing``: what the table's words say of them."""

    def __init__(self, roles: set[str], headers: Any = (), *, known: bool = True, **bound: bool) -> None:
        self.roles, self.headers, self.known = roles, list(headers), known
        self.narrowed, self.device = bound.get("narrowed", False), bound.get("device", False)
        self.elsewhere = bound.get("elsewhere", False)
        self.names_t2 = ("NGSILD-Tenant", "t2") in self.headers

    def is_let_in(self, entry: DoorEntry) -> bool:
        """By the words of the table, not by its bits."""
        city = entry.tenancy is Tenancy.CITY or (entry.tenancy is Tenancy.BOTH and not self.names_t2)
        if self.elsewhere and city:
            return False
        if self.device:
            return entry.devices
        if self.narrowed and not entry.opens_narrowed:
            return False
        match entry.requires:
            case Who.ANYONE:
                return True
            case Who.SIGNED_IN:
                return self.known
            case Permission(name=name):
                rows = shipped_roles().rows
                return Role.ADMINISTRATOR in self.roles or any(
                    name in rows[r].permissions for r in self.roles
                )


async def token(app: App, kind: TokenKind = TokenKind.API, **rights: Any) -> tuple[str, str]:
    _, secret = await app.identity.add_token(kind, "test", cli_actor(), **rights)
    return ("Authorization", f"Bearer {secret}")


async def callers(app: App) -> dict[str, Caller]:
    administrator = [Role.ADMINISTRATOR]
    found = {"nobody": Caller({Role.PUBLIC}, known=False)}
    for role in shipped_roles().rows:
        found[role] = Caller({role}, [await token(app, roles=[role])])
    narrow = await token(app, roles=administrator, types=[VEHICLE])
    found["narrowed"] = Caller(set(administrator), [narrow], narrowed=True)
    scoped = await token(app, roles=administrator, scopes=["/bus"])
    found["narrowed to scopes"] = Caller(set(administrator), [scoped], narrowed=True)
    device = await token(app, TokenKind.DEVICE, types=[VEHICLE])
    found["device"] = Caller(set(), [device], device=True)
    there = await token(app, roles=administrator, tenant="t2")
    for how, values in {"": [], "t2": ["t2"], "empty": [""], "another case": ["T2"]}.items():
        headers = [there, *(("NGSILD-Tenant", value) for value in values)]
        found[f"of t2 with {how or 'none'}"] = Caller(set(administrator), headers, elsewhere=True)
    return found


def place(entry: DoorEntry) -> str:
    return re.sub(
        r"\{(\w+)(:\w+)?\}", lambda name: {"z": "1", "x": "0", "y": "0"}.get(name[1], "urn:x:1"), entry.path
    )


async def refused(http: httpx.AsyncClient, app: App, entry: DoorEntry, caller: Caller) -> tuple[bool, str]:
    """Did the door (not what is behind it) refuse, and its words?"""
    if entry.socket:
        told = await shake(app, place(entry), caller.headers)
        return told["type"] == "websocket.close", str(told)
    body = None if entry.method == "GET" else b"{}"
    headers = [*caller.headers, *((("Content-Type", "application/json"),) if body else ())]
    answer = await http.request(entry.method, place(entry), content=body, headers=headers)
    assert answer.status_code < 500 or answer.status_code in (503, 504), (named(entry), answer.text)
    if answer.status_code not in (400, 401, 403, 404):
        return False, str(answer.status_code)
    try:
        problem = answer.json()
    except ValueError:
        return False, answer.text
    words = f"{answer.status_code} {problem.get('detail', '')}"
    if answer.status_code == 404:
        return problem["type"].endswith("NonexistentTenant"), words
    if answer.status_code == 400:
        return problem.get("field") == "NGSILD-Tenant" and entry.tenancy is not Tenancy.NONE, words
    return problem["detail"].startswith(REFUSALS), words


async def shake(app: App, path: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """The first thing that a socket is told; then it goes away."""
    first: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    told = [{"type": "websocket.disconnect", "code": 1000}, {"type": "websocket.connect"}]

    async def receive() -> Any:
        return told.pop()

    async def send(message: Any) -> None:
        if not first.done():
            first.set_result(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {
        "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8026"), *raw], "client": ("127.0.0.1", 1), "subprotocols": [],
        "scheme": "ws", "server": ("127.0.0.1", 8026), "root_path": "",
    }  # fmt: skip
    await app.asgi(scope, receive, send)
    return await first


def test_at_every_door_everybody_is_let_in_or_refused_as_the_table_says(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app, client(app) as http:
            there = [await token(app, roles=[Role.ADMINISTRATOR], tenant="t2"), ("NGSILD-Tenant", "t2")]
            made = await http.post(f"{NG}/entities", json={"id": "urn:x:0", "type": VEHICLE}, headers=there)
            assert made.status_code == 201
            for name, caller in (await callers(app)).items():
                for door in app.doors:
                    out, words = await refused(http, app, door.entry, caller)
                    assert out is not caller.is_let_in(door.entry), (name, named(door.entry), words)
            await app.identity.audit.flush()
            refusals = app.identity.store.list_audit(outcome=Outcome.REFUSED, limit=1000)
            assert refusals, "refusals of who is known are audited"
            assert all(entry.actor != "public" for entry in refusals)

    run(work)


def test_no_way_of_naming_a_tenant_opens_the_city_to_a_token_of_a_tenant(tmp_path: Path) -> None:
    """security.md H1, and its relatives: absent, its own, empty, twice, in capitals, in the query, another's."""
    ways: list[list[tuple[str, str]]] = [
        [],
        *(
            [("NGSILD-Tenant", one)]
            for one in ("t2", "", "T2", " t2", "t2 ", "city", "exercise-1", "*", "t2,t2")
        ),
        [("ngsild-tenant", "t2"), ("NGSILD-TENANT", "t2")],
        [("NGSILD-Tenant", "t2"), ("NGSILD-Tenant", "")],
        [("NGSILD-Tenant", ""), ("NGSILD-Tenant", "t2")],
    ]

    async def work() -> None:
        async with built(tmp_path, metrics_loopback=True) as app, AsyncExitStack() as stack:
            http = await stack.enter_async_context(client(app))
            bearer = await token(app, roles=[Role.ADMINISTRATOR], tenant="t2")
            city = [door.entry for door in app.doors if door.entry.tenancy is Tenancy.CITY]
            assert len(city) > 40
            for way in ways:
                for entry in city:
                    for query in ("", "?tenant=t2", "?tenant="):
                        answer = await http.request(
                            entry.method, place(entry) + query, headers=[bearer, *way], content=b"{}"
                        )
                        assert answer.status_code in (400, 404), (named(entry), way, answer.text)
            for entry in city[:8]:
                assert not app.identity.list_users(), named(entry)
            new = {"username": "evil2", "password": "correct-horse-battery-9", "roles": ["administrator"]}
            for path, body in (("users", new), ("tokens", {"name": "x", "roles": ["administrator"]})):
                answer = await http.post(
                    f"/api/identity/{path}", json=body, headers=[bearer, ("NGSILD-Tenant", "t2")]
                )
                assert answer.status_code == 404
            assert [one.tenant for one in app.identity.list_tokens()] == ["t2"]

    run(work)


def test_the_audit_shows_a_token_of_the_city_the_journal_of_the_city_alone(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root, client(app) as http:
            for tenant in ({}, {"NGSILD-Tenant": "t2"}):
                body = {"id": f"urn:x:{len(tenant)}", "type": VEHICLE}
                assert (await root.post(f"{NG}/entities", json=body, headers=tenant)).status_code == 201
            every = (await root.get("/api/identity/audit?action=entity")).json()["entries"]
            assert {one["source"] for one in every} == {"journal", "journal:t2"}
            http.headers.update([await token(app, roles=[Role.ADMINISTRATOR])])
            mine = (await http.get("/api/identity/audit?action=entity")).json()["entries"]
            assert {one["source"] for one in mine} == {"journal"}

    run(work)


def test_a_door_of_both_shows_the_tenant_that_is_named_however_it_is_named(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root:
            for tenant in ("", "t2"):
                headers = {"NGSILD-Tenant": tenant} if tenant else {}
                body = {"id": f"urn:x:{tenant or 'city'}", "type": VEHICLE}
                assert (await root.post(f"{NG}/entities", json=body, headers=headers)).status_code == 201

            async def seen(query: str, headers: Any) -> set[str]:
                answer = await root.get(f"/api/state?types=Vehicle{query}", headers=headers)
                assert answer.status_code == 200, answer.text
                return {one["id"] for one in answer.json()["entities"]}

            t2 = {"NGSILD-Tenant": "t2"}
            assert await seen("", {}) == {"urn:x:city"}
            for query, headers in (("", t2), ("&tenant=t2", {}), ("&tenant=t2", t2), ("&tenant=", t2)):
                assert await seen(query, headers) == {"urn:x:t2"}
                changes = await root.get(f"/api/changes?id=urn:x:t2{query}", headers=headers)
                assert len(changes.json()["changes"]) == 1
            for query in ("?types=Vehicle&tenant=t3", "?types=Vehicle&tenant=t2&tenant=t3"):
                assert (await root.get(f"/api/state{query}", headers=t2)).status_code == 400
            assert (await root.get("/api/state?" + "&".join("a=1" for _ in range(500)))).status_code == 400

    run(work)


def test_a_body_over_the_limit_of_its_door_is_refused_however_it_comes(tmp_path: Path) -> None:
    async def work() -> None:
        async with built(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root, client(app) as http:
            bearer = dict([await token(app, roles=[Role.ADMINISTRATOR])])

            async def parts(size: int) -> AsyncIterator[bytes]:
                for _ in range(size // 1000):
                    yield b" " * 1000

            for door in app.doors:
                most = door.entry.body_max
                if not most:
                    continue
                for content in (b" " * (most + 1), parts(most + 2000)):
                    answer = await http.request(
                        door.entry.method, place(door.entry), content=content,
                        headers={"Content-Type": "application/json", **bearer},
                    )  # fmt: skip
                    before = door.entry.path.startswith(("/auth/password", "/api/training/drills/"))
                    if not before or isinstance(content, bytes):  # these refuse before they read
                        assert answer.status_code == 413, (named(door.entry), answer.text)
            long = b" " * (200 * 1024)
            for path in ("entityOperations/query", "temporal/entityOperations/query"):
                asked = {"content": long, "headers": {"Content-Type": "application/json"}}
                assert (await http.post(f"{NG}/{path}", **asked)).status_code == 413
                assert (await root.post(f"{NG}/{path}", **asked)).status_code == 400

    run(work)


def test_with_no_auth_every_door_is_open(tmp_path: Path) -> None:
    """Conformance runs see the API as the standard has it."""

    async def work() -> None:
        async with built(tmp_path, no_auth=True) as app, client(app) as http:
            caller = Caller(set(shipped_roles().rows))
            for door in app.doors:
                out, words = await refused(http, app, door.entry, caller)
                assert not out, (named(door.entry), words)

    run(work)
