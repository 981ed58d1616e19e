"""Laws of the gate and the HTTP of identity, through ASGI as a browser or a program would."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from andaman.command.permissions import CLOSE_INCIDENT
from andaman.identity.credentials import Credential, digest_of
from andaman.identity.doors import ANYONE, DoorEntry, Tenancy
from andaman.identity.entrance import build_routes
from andaman.identity.gate import COOKIE, Gate, NoAuthGate
from andaman.identity.model import Classification, Role
from andaman.identity.policy import DatasetRule
from andaman.identity.records import TokenKind
from andaman.identity.roles import shipped_roles
from andaman.identity.routes import routes
from andaman.identity.service import Identity
from andaman.identity.web import actor_of, recheck_of
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import json_response, problem_response
from tests.identity.conftest import GOOD, ROOT, FakeClock

pytestmark = pytest.mark.anyio
BASE = "http://city.example"


async def _whoami(request: Request) -> Response:
    actor = actor_of(request)
    return json_response({"id": actor.principal.id, "reason": actor.reason, "request": actor.request_id})


async def _told(request: Request) -> Response:
    return Response(status_code=int(request.query_params["status"]))


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndamanError)
    return problem_response(error)


@pytest.fixture
def app(identity: Identity) -> Gate:
    inner = Starlette(
        routes=[
            *build_routes(
                [
                    *routes(
                        identity,
                        expand=lambda name: f"urn:t:{name}",
                        shorten=lambda iri: iri.removeprefix("urn:t:"),
                    ),
                    DoorEntry("GET", "/whoami", Tenancy.BOTH, ANYONE).to(_whoami),
                    DoorEntry("POST", "/whoami", Tenancy.BOTH, ANYONE, because="a test").to(_whoami),
                    DoorEntry("GET", "/told", Tenancy.CITY, ANYONE, audited="test.told").to(_told),
                    DoorEntry("GET", "/dispatch", Tenancy.BOTH, CLOSE_INCIDENT).to(_whoami),
                    DoorEntry("POST", "/dispatch", Tenancy.BOTH, CLOSE_INCIDENT).to(_whoami),
                ]
            ),
        ],
        exception_handlers={AndamanError: _problem},
    )
    return Gate(inner, identity)


@pytest.fixture
def client(app: Gate) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=("10.0.0.5", 1)), base_url=BASE)


async def _sign_in(client: httpx.AsyncClient, identity: Identity, role: str, name: str = "somchai") -> str:
    await identity.ensure_user(name, GOOD, [role], ROOT, name="สมชาย", agency="pk-ddpm")
    answer = await client.post("/auth/login", json={"username": name, "password": GOOD})
    assert answer.status_code == 200, answer.text
    csrf = answer.json()["csrf"]
    assert isinstance(csrf, str)
    return csrf


async def test_without_sign_in_one_is_the_public(client: httpx.AsyncClient) -> None:
    me = (await client.get("/auth/me")).json()
    assert me["principal"]["roles"] == ["public"]
    assert me["csrf"] is None
    assert (await client.get("/dispatch")).status_code == 401
    client.cookies.set(COOKIE, "made-up")
    assert (await client.get("/auth/me")).json() == me
    assert (await client.post("/whoami")).status_code == 200


async def test_a_browser_signs_in_acts_and_signs_out(client: httpx.AsyncClient, identity: Identity) -> None:
    csrf = await _sign_in(client, identity, "dispatcher")
    me = (await client.get("/auth/me")).json()
    assert me["csrf"] == csrf
    assert me["principal"] == {
        "id": "user:somchai",
        "name": "สมชาย",
        "roles": ["dispatcher"],
        "roleNames": [{"th": "ผู้สั่งการ", "en": "Dispatcher"}],
        "permissions": sorted(shipped_roles().rows["dispatcher"].permissions),
        "agency": "pk-ddpm",
        "purpose": "operations",
    }
    assert (await client.get("/dispatch")).json()["id"] == "user:somchai"
    refused = await client.post("/dispatch")
    assert refused.status_code == 403
    assert refused.json()["field"] == "X-CSRF-Token"
    assert (await client.post("/dispatch", headers={"X-CSRF-Token": csrf[:-1] + "?"})).status_code == 403
    assert (await client.post("/dispatch", headers={"X-CSRF-Token": csrf})).status_code == 200
    assert (await client.post("/auth/logout", headers={"X-CSRF-Token": csrf})).status_code == 204
    assert (await client.get("/dispatch")).status_code == 401


async def test_the_cookie_is_closed_to_scripts_and_other_sites(app: Gate, identity: Identity) -> None:
    await identity.ensure_user("somchai", GOOD, ["operator"], ROOT)
    for base, secure in [("http://city.example", False), ("https://city.example", True)]:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base)
        answer = await client.post("/auth/login", json={"username": "somchai", "password": GOOD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert ("secure" in cookie) is secure


async def test_other_sites_cannot_sign_anyone_in(client: httpx.AsyncClient, identity: Identity) -> None:
    await identity.ensure_user("somchai", GOOD, ["operator"], ROOT)
    body = {"username": "somchai", "password": GOOD}
    for origin, status in [(BASE, 200), ("https://evil.example", 403), ("null", 403)]:
        assert (await client.post("/auth/login", json=body, headers={"Origin": origin})).status_code == status
    assert (await client.post("/auth/login", data=body)).status_code == 415


async def test_roles_are_demanded_and_refusals_audited(client: httpx.AsyncClient, identity: Identity) -> None:
    csrf = await _sign_in(client, identity, "operator")
    assert (await client.post("/dispatch", headers={"X-CSRF-Token": csrf})).status_code == 403
    assert (await client.get("/api/identity/users")).status_code == 403
    await identity.audit.flush()
    refused = identity.store.list_audit(action="refused.")
    assert {e.target for e in refused} == {"/dispatch", "/api/identity/users"}
    assert {e.actor for e in refused} == {"user:somchai"}
    assert {e.origin for e in refused} == {"10.0.0.5"}


async def test_a_success_is_audited_where_the_door_says_so(
    client: httpx.AsyncClient, identity: Identity
) -> None:
    await _sign_in(client, identity, "operator")
    for status in (200, 204, 400, 409):
        assert (
            await client.get(f"/told?status={status}", headers={"X-Andaman-Reason": "drill"})
        ).status_code == status
    await client.get("/whoami")
    entries = identity.store.list_audit(action="test.")
    assert [(e.actor, e.target, e.origin, e.reason) for e in entries] == [
        ("user:somchai", "/told", "10.0.0.5", "drill")
    ] * 2


async def test_bearer_tokens(client: httpx.AsyncClient, identity: Identity, clock: FakeClock) -> None:
    token, secret = await identity.add_token(TokenKind.API, "bench", ROOT, roles=["dispatcher"])
    headers = {"Authorization": f"Bearer {secret}"}
    for _ in range(2):
        assert (await client.post("/dispatch", headers=headers)).json()["id"] == f"token:{token.id}"
    await identity.revoke_token(token.id, ROOT)
    answer = await client.post("/dispatch", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    for bad in ("Basic eDp5", "Bearer", "Bearer x"):
        assert (await client.get("/whoami", headers={"Authorization": bad})).status_code == 401


async def test_a_narrowed_token_changes_nothing_by_its_role(
    client: httpx.AsyncClient, identity: Identity
) -> None:
    """What a room does for a role is wider than the types a token was narrowed to; least of all it makes accounts."""
    for narrow in ({"types": ["urn:t:Alert"]}, {"scopes": ["/hazard"]}):
        _, secret = await identity.add_token(
            TokenKind.API, "feed", ROOT, roles=[Role.ADMINISTRATOR], **narrow
        )
        headers = {"Authorization": f"Bearer {secret}"}
        user = {"username": "more", "password": GOOD, "roles": ["administrator"]}
        assert (await client.post("/api/identity/users", json=user, headers=headers)).status_code == 403
        assert (await client.post("/dispatch", headers=headers)).status_code == 403
        assert (await client.get("/dispatch", headers=headers)).status_code == 200
    assert not any(account.username == "more" for account in identity.list_users())


async def test_two_tenants_in_one_request_are_refused(client: httpx.AsyncClient) -> None:
    """Rooms must not read another one than the gate did."""
    both = [("NGSILD-Tenant", "exercise-1"), ("NGSILD-Tenant", "")]
    for headers in (both, both[::-1]):
        assert (await client.get("/whoami", headers=headers)).status_code == 400


async def test_the_public_enters_no_other_tenant(client: httpx.AsyncClient, identity: Identity) -> None:
    headers = {"NGSILD-Tenant": "exercise-1"}
    assert (await client.get("/whoami", headers=headers)).status_code == 401
    assert (await client.get("/whoami", headers={"NGSILD-Tenant": ""})).status_code == 200
    await _sign_in(client, identity, "operator")
    assert (await client.get("/whoami", headers=headers)).status_code == 404
    await identity.tenants.admit("exercise-1", ["user:somchai"], ROOT)
    assert (await client.get("/whoami", headers=headers)).status_code == 200


async def test_reason_and_request_id_travel(client: httpx.AsyncClient) -> None:
    headers = {
        "X-Request-Id": "r-1",
        "X-Andaman-Reason": "%E0%B8%99%E0%B9%89%E0%B8%B3%E0%B8%97%E0%B9%88%E0%B8%A7%E0%B8%A1",
    }
    assert (await client.get("/whoami", headers=headers)).json() == {
        "id": "public",
        "reason": "น้ำท่วม",
        "request": "r-1",
    }


async def test_administration(client: httpx.AsyncClient, identity: Identity) -> None:
    csrf = await _sign_in(client, identity, Role.ADMINISTRATOR, "admin1")
    client.headers["X-CSRF-Token"] = csrf
    new = {"username": "malee", "password": GOOD, "roles": ["analyst"], "agency": "pk-pao", "name": "มาลี"}
    assert (await client.post("/api/identity/users", json=new)).status_code == 201
    assert (await client.post("/api/identity/users", json=new)).status_code == 409
    changed = await client.patch("/api/identity/users/malee", json={"roles": ["operator"], "disabled": True})
    assert changed.json()["roles"] == ["operator"]
    assert changed.json()["disabled"] is True
    made = await client.post(
        "/api/identity/tokens", json={"kind": "device", "name": "gauge", "types": ["Rain"], "lifetimeDays": 1}
    )
    assert made.status_code == 201
    listed = (await client.get("/api/identity/tokens")).json()
    assert listed[0]["types"] == ["Rain"]
    assert made.json()["secret"] not in str(listed)
    known = identity.authenticate(Credential("token", digest_of(made.json()["secret"])))
    assert known is not None
    assert known.rights.limit is not None
    assert known.rights.limit.types == {"urn:t:Rain"}
    assert (await client.delete(f"/api/identity/tokens/{listed[0]['id']}")).status_code == 204
    audit = (await client.get("/api/identity/audit?limit=2")).json()
    assert [e["action"] for e in audit["entries"]] == ["token.revoke", "token.create"]
    older = (await client.get("/api/identity/audit", params={"before": audit["before"]})).json()
    assert older["entries"][0]["action"] == "account.update"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/auth/login", []),
        ("POST", "/auth/login", {"username": 1, "password": "x"}),
        ("POST", "/auth/login", {"username": "x\x00", "password": "x"}),
        ("POST", "/auth/login", {"username": "x", "password": "\ud800"}),
        ("POST", "/api/identity/users", {"username": "a b", "password": GOOD, "roles": ["analyst"]}),
        ("POST", "/api/identity/users", {"username": "abc", "password": GOOD, "roles": ["king"]}),
        ("POST", "/api/identity/users", {"username": "abc", "password": GOOD, "roles": "analyst"}),
        ("POST", "/api/identity/tokens", {"name": "x", "kind": "golden"}),
        ("POST", "/api/identity/tokens", {"name": "x", "roles": ["analyst"], "lifetimeDays": -1}),
        ("PATCH", "/api/identity/users/admin1", {"username": "other"}),
        ("PATCH", "/api/identity/users/nobody", {}),
        ("GET", "/api/identity/audit?limit=0", None),
        ("GET", "/api/identity/audit?before=1.1." + "9" * 30, None),
        ("GET", "/api/identity/audit?from=yesterday", None),
    ],
)
async def test_bad_input_is_a_clear_refusal(
    client: httpx.AsyncClient, identity: Identity, method: str, path: str, body: Any
) -> None:
    client.headers["X-CSRF-Token"] = await _sign_in(client, identity, Role.ADMINISTRATOR, "admin1")
    try:
        answer = await client.request(method, path, json=body)
    except UnicodeEncodeError:
        answer = await client.request(
            method,
            path,
            content=b'{"username": "x", "password": "\\ud800"}',
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code in (400, 404)
    assert answer.json()["detail"]


async def _open_socket(
    gate: Any, headers: list[tuple[bytes, bytes]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run a web socket handshake; the scope as the app saw it (or empty) and what was sent."""
    seen: dict[str, Any] = {}
    sent: list[dict[str, Any]] = []
    app = gate.app

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    gate.app = inner
    scope = {
        "type": "websocket",
        "path": "/live",
        "headers": headers,
        "client": ("10.0.0.5", 1),
        "scheme": "ws",
    }
    await gate(scope, receive, send)
    gate.app = app
    return seen, sent


async def test_sockets_of_foreign_pages_are_refused(app: Gate, identity: Identity) -> None:
    host = (b"host", b"city.example")
    seen, _ = await _open_socket(app, [host, (b"origin", b"http://city.example")])
    assert actor_of(seen).principal.id == "public"
    for origin in (b"https://evil.example", b"null", b"http://city.example.evil.com"):
        seen, sent = await _open_socket(app, [host, (b"origin", origin)])
        assert not seen
        assert sent[0]["type"] == "websocket.close"


async def test_a_socket_learns_that_its_session_ended_and_that_rights_changed(
    app: Gate, identity: Identity
) -> None:
    await identity.ensure_user("somchai", GOOD, ["operator"], ROOT)
    done = await identity.sign_in("somchai", GOOD)
    cookie = (b"cookie", f"a=b; {COOKIE}={done.secret}".encode())
    seen, _ = await _open_socket(app, [(b"host", b"city.example"), cookie])
    recheck = recheck_of(seen)
    before = recheck()
    assert before is not None
    identity.policy.replace([DatasetRule("x", frozenset({"urn:t:x"}), "", Classification.PUBLIC)])
    after = recheck()
    assert after is not None
    assert after.access.key != before.access.key
    await identity.sign_out(Credential("session", digest_of(done.secret)), after)
    assert recheck() is None


async def test_a_policy_change_reaches_the_next_request(
    client: httpx.AsyncClient, identity: Identity, app: Gate
) -> None:
    async def key() -> str:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("10.0.0.5", 1)}
        app._admit(scope, {}, "10.0.0.5")
        return actor_of(scope).access.key

    before = await key()
    assert await key() == before
    identity.policy.replace([DatasetRule("x", frozenset({"urn:t:x"}), "", Classification.PUBLIC)])
    assert await key() != before


async def test_no_auth_serves_this_machine_only() -> None:
    gate = NoAuthGate(Starlette(routes=[Route("/whoami", _whoami, methods=["GET", "POST"])]))
    for base, origin, status in [
        ("http://127.0.0.1:9160", None, 200),
        ("http://localhost:9160", "http://localhost:5173", 200),
        ("http://[::1]:9160", None, 200),
        ("http://rebound.example:9160", None, 403),
        ("http://localhost:9160", "https://evil.example", 403),
        ("http://localhost:9160", "null", 403),
    ]:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=gate), base_url=base)
        headers = {} if origin is None else {"Origin": origin}
        assert (await client.post("/whoami", headers=headers)).status_code == status, (base, origin)


async def test_the_gate_is_cheap_on_the_hot_path(app: Gate, identity: Identity) -> None:
    """Under 10 µs each on the build machine; the bound here leaves room for a busy one."""
    _, secret = await identity.add_token(TokenKind.API, "bench", ROOT, roles=["analyst"])
    headers = [
        (b"host", b"x"),
        (b"accept", b"*/*"),
        (b"user-agent", b"y"),
        (b"content-type", b"application/json"),
    ]
    headers.append((b"authorization", f"Bearer {secret}".encode()))

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        return None

    app.app = nothing
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(1000):
            scope = {
                "type": "http",
                "method": "PATCH",
                "path": "/x",
                "headers": headers,
                "client": ("::1", 1),
            }
            await app(scope, None, None)  # type: ignore[arg-type]
        best = min(best, (time.perf_counter() - start) / 1000)
    print(f"gate {best * 1e6:.1f} µs")
    assert best < 50e-6
