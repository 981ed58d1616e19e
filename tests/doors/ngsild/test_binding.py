"""The HTTP binding's common rules (CIM 009 §6.3): contexts, media types, tenants, parameters."""

from __future__ import annotations

import pytest

from andaman.broker.contexts import CORE_URL
from andaman.doors.ngsild.http import context_links
from andaman.doors.ngsild.negotiate import choose_media
from andaman.identity.model import Actor, Principal, Role
from andaman.kernel.errors import NotAcceptable
from tests.doors.ngsild.client import BUS, Client, at_the_door, error, vehicle

CITY = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
SPEED = "https://smartdatamodels.org/dataModel.Transportation/speed"


@at_the_door
async def test_6_3_5_context_comes_from_link_or_body_never_both(c: Client) -> None:
    assert (await c("POST", "/entities", vehicle(1, speed=1), link=CITY)).status == 201
    shown = await c("GET", f"/entities/{BUS}")
    assert SPEED in shown.json
    shown = await c("GET", f"/entities/{BUS}", link=CITY)
    assert shown.json["speed"]["value"] == 1
    assert "andaman.jsonld" in shown.headers["link"]
    ld = "application/ld+json"
    mine = {"@context": {"speed": SPEED}}
    assert (await c("POST", "/entities", {**vehicle(2, speed=1), **mine}, kind=ld)).status == 201
    assert error(await c("POST", "/entities", vehicle(3), kind=ld)) == "BadRequestData"
    assert error(await c("POST", "/entities", {**vehicle(3), **mine})) == "BadRequestData"
    assert error(await c("POST", "/entities", {**vehicle(3), **mine}, kind=ld, link=CITY)) == "BadRequestData"
    bad = {**vehicle(3), "@context": ["http://127.0.0.1:9/x.jsonld"]}
    got = await c("POST", "/entities", bad, kind=ld)
    assert error(got) == "LdContextNotAvailable"


@at_the_door
async def test_6_3_6_context_in_the_answer(c: Client) -> None:
    point = {"type": "Point", "coordinates": [98.3, 7.9]}
    await c("POST", "/entities", vehicle(location=point))
    plain = await c("GET", f"/entities/{BUS}")
    assert "@context" not in plain.json
    assert CORE_URL in plain.headers["link"]
    ld = await c("GET", f"/entities/{BUS}", accept="application/ld+json")
    assert ld.json["@context"] == CORE_URL
    assert "link" not in ld.headers
    geo = await c("GET", f"/entities/{BUS}", accept="application/geo+json")
    assert geo.json["geometry"] == point
    assert geo.json["@context"] == CORE_URL
    bare = await c("GET", f"/entities/{BUS}", accept="application/geo+json", prefer="body=json")
    assert "@context" not in bare.json
    assert "link" in bare.headers


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (b"application/ld+json, application/json", b"application/json"),
        (b"application/geo+json, application/json", b"application/json"),
        (b"application/ld+json;q=0.9, application/json;q=0.5", b"application/ld+json"),
        (b"application/json;q=0, */*", b"application/ld+json"),
        (b"application/*", b"application/json"),
        (b"application/ld+json;q=x", b"application/ld+json"),
        (b"text/html, */*;q=0.1", b"application/json"),
    ],
)
def test_6_3_4_accept(accept: bytes, media: bytes) -> None:
    assert choose_media(accept, True) == media


@pytest.mark.parametrize("accept", [b"text/html", b"application/geo+json", b"application/json;q=0", b";;,,"])
def test_6_3_4_not_acceptable(accept: bytes) -> None:
    with pytest.raises(NotAcceptable):
        choose_media(accept, False)


@at_the_door
async def test_6_3_4_media_types_lengths_and_methods(c: Client) -> None:
    assert (await c("POST", "/entities", vehicle(), kind="text/plain")).status == 415
    assert (await c("POST", "/entities", vehicle(), kind="application/merge-patch+json")).status == 415
    assert (await c("GET", f"/entities/{BUS}", accept="text/html")).status == 406
    lacking = await c("POST", "/entities")
    assert (lacking.status, lacking.body) == (411, b"")
    got = await c("PUT", "/entities", vehicle())
    assert got.status == 405
    assert got.headers["allow"] == "DELETE, GET, OPTIONS, POST"
    assert (await c("OPTIONS", f"/entities/{BUS}/attrs")).headers["accept-patch"]
    assert error(await c("GET", "/nonsense")) == "ResourceNotFound"


@at_the_door
async def test_6_3_20_unknown_parameters_are_invalid_requests(c: Client) -> None:
    assert error(await c("GET", "/entities?type=Vehicle&nonsense=1")) == "InvalidRequest"
    assert error(await c("POST", "/entities?nonsense=1", vehicle())) == "InvalidRequest"
    assert error(await c("GET", "/types/Vehicle?details=true")) == "InvalidRequest"
    assert error(await c("GET", "/entities?type=A&type=B")) == "InvalidRequest"
    assert error(await c("GET", "/entities?type=%ff")) == "InvalidRequest"


@at_the_door
async def test_4_14_and_5_5_10_tenants_are_apart(c: Client) -> None:
    assert error(await c("GET", "/entities?type=Vehicle", ngsild_tenant="a")) == "NonexistentTenant"
    made = await c("POST", "/entities", vehicle(), ngsild_tenant="a")
    assert made.headers["ngsild-tenant"] == "a"
    assert (await c("GET", f"/entities/{BUS}", ngsild_tenant="a")).status == 200
    assert error(await c("GET", f"/entities/{BUS}")) == "ResourceNotFound"
    assert (await c("GET", "/entities?type=Vehicle")).json == []
    assert error(await c("GET", "/types", ngsild_tenant="../x")) == "BadRequestData"


@at_the_door
async def test_5_13_contexts_are_hosted_and_served(c: Client) -> None:
    made = await c("POST", "/jsonldContexts", {"@context": {"a": "http://x.org/a"}})
    assert made.status == 201
    path = made.headers["location"].removeprefix("/ngsi-ld/v1")
    assert (await c("GET", path)).json == {"@context": {"a": "http://x.org/a"}}
    assert (await c("GET", f"{path}?details=true")).json["kind"] == "Hosted"
    link = f'<http://any.host/ngsi-ld/v1{path}>; rel="http://www.w3.org/ns/json-ld#context"'
    await c("POST", "/entities", vehicle(a=1), link=link)
    assert "http://x.org/a" in (await c("GET", f"/entities/{BUS}")).json
    assert len((await c("GET", "/jsonldContexts?kind=Hosted")).json) == 1
    assert error(await c("DELETE", f"{path}?reload=true")) == "BadRequestData"
    assert (await c("DELETE", path)).status == 204
    assert error(await c("GET", path)) == "ResourceNotFound"
    assert error(await c("POST", "/jsonldContexts", {"a": 1})) == "InvalidRequest"
    assert error(await c("POST", "/jsonldContexts", {"@context": 1})) == "BadRequestData"
    core = "/jsonldContexts/" + CORE_URL.replace("/", "%2F")
    assert error(await c("DELETE", core)) == "BadRequestData"
    assert error(await c("GET", core)) == "OperationNotSupported"
    assert (await c("GET", core + "?details=true")).json["kind"] == "Cached"
    assert CORE_URL in (await c("GET", "/jsonldContexts")).json
    c.actor = Actor(Principal("public", "public", frozenset({Role.PUBLIC})))
    assert (await c("POST", "/jsonldContexts", {"@context": {}})).status == 401


@at_the_door
async def test_city_context_is_served_at_its_own_address(c: Client) -> None:
    for path in ("/ngsi-ld/contexts/andaman.jsonld", "/ngsi-ld/contexts/ngsi-ld-core-context-v1.9.jsonld"):
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "andaman.actor": c.actor,
        }
        out: list[dict[str, object]] = []

        async def send(message: dict[str, object], out: list[dict[str, object]] = out) -> None:
            out.append(message)

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b""}

        await c.app(scope, receive, send)
        assert out[0]["status"] == 200


@at_the_door
async def test_the_public_cannot_make_the_platform_fetch(c: Client) -> None:
    asked: list[str] = []
    c.contexts._fetch = lambda url: asked.append(url) or {"@context": {}}  # type: ignore[func-returns-value]
    link = '<http://93.184.216.34/c.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    signed_in = c.actor
    c.actor = Actor(Principal("public", "Public", frozenset({Role.PUBLIC})))
    assert error(await c("GET", "/entities?type=A", link=link)) == "LdContextNotAvailable"
    assert (await c("GET", "/entities?type=A", link=CITY)).status == 200
    assert asked == []
    c.actor = signed_in
    assert (await c("GET", "/entities?type=A", link=link)).status == 200
    assert len(asked) == 1
    c.actor = Actor(Principal("public", "Public", frozenset({Role.PUBLIC})))
    assert (await c("GET", "/entities?type=A", link=link)).status == 200


@at_the_door
async def test_what_strangers_send_is_neither_read_nor_queued(c: Client) -> None:
    await c("POST", "/entities", vehicle())
    c.actor = Actor(Principal("public", "Public", frozenset({Role.PUBLIC})))
    for method, path in (
        ("POST", "/entities"),
        ("PUT", f"/entities/{BUS}"),
        ("PATCH", f"/entities/{BUS}"),
        ("DELETE", f"/entities/{BUS}"),
        ("POST", f"/entities/{BUS}/attrs"),
        ("PATCH", f"/entities/{BUS}/attrs"),
        ("PATCH", f"/entities/{BUS}/attrs/speed"),
        ("DELETE", f"/entities/{BUS}/attrs/speed"),
        *(
            ("POST", f"/entityOperations/{name}")
            for name in ("create", "upsert", "update", "merge", "delete")
        ),
    ):
        assert (await c(method, path, raw=b"not read")).status == 401
    query = {"type": "Query", "entities": [{"type": "Vehicle"}]}
    assert len((await c("POST", "/entityOperations/query", query)).json) == 1


@at_the_door
async def test_contexts_that_strangers_make_up_are_not_kept(c: Client) -> None:
    c.actor = Actor(Principal("public", "Public", frozenset({Role.PUBLIC})))
    before = len(c.contexts._resolved)
    for number in range(5):
        query = {
            "type": "Query",
            "entities": [{"type": "V"}],
            "@context": {"V": f"http://x.example/{number}"},
        }
        assert (await c("POST", "/entityOperations/query", query, kind="application/ld+json")).json == []
    assert len(c.contexts._resolved) == before


@at_the_door
async def test_nobody_passes_without_a_gate(c: Client) -> None:
    c.actor = None  # type: ignore[assignment]
    assert (await c("GET", f"/entities/{BUS}")).status == 401


def test_link_header_with_several_links() -> None:
    rel = "http://www.w3.org/ns/json-ld#context"
    header = f'<http://a/x,y>; rel="next", <http://b/c>; type="application/ld+json"; rel="{rel}"'
    assert context_links(header) == ["http://b/c"]
    assert context_links(f"<http://b/c>;rel={rel}") == ["http://b/c"]
    assert context_links("nonsense <<<>>>; rel=;;;") == []
