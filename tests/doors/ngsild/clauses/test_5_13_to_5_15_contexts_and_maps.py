"""CIM 009 V1.9.1 §5.13 (hosted @contexts), §5.14 (entity maps), §5.15 (who a source is), and §4.4, §5.5.5, §5.5.7, §5.5.11
(what names mean)."""

from __future__ import annotations

from typing import Any

import pytest

from andaman.broker.contexts import CORE_URL
from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

LD = "application/ld+json"
BUS = "urn:ngsi-ld:Bus:1"
MINE = {"@context": {"Bus": "http://x.org/Bus", "speed": "http://x.org/speed", "x": "http://x.org/"}}
PATH = "/jsonldContexts"
DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"


def link(url: str) -> str:
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


# -- §5.13 -------------------------------------------------------------------------------------------------------
def test_5_13_2_add_and_5_13_4_serve(c: Tenant) -> None:
    """§5.13.2.4, §5.13.4.4: 201 with Location; served as it was given, or described; used like any other."""
    path = c.made(PATH, MINE)
    assert c.json(path) == MINE
    details = c.json(f"{path}?details=true")
    assert (details["kind"], details["localId"]) == ("Hosted", path.rpartition("/")[2])
    assert details["createdAt"]
    assert error(c("GET", f"{PATH}/none")) == "ResourceNotFound"
    assert error(c("GET", f"{path}?details=maybe")) == "BadRequestData"
    url = f"http://any.host/ngsi-ld/v1{path}"
    c.made("/entities", {"id": BUS, "type": "Bus", "speed": 1}, link=link(url))
    assert c.json(f"/entities/{BUS}").keys() >= {"http://x.org/speed"}
    assert c.json(f"/entities/{BUS}", link=link(url))["type"] == "Bus"


@pytest.mark.parametrize(
    "body",
    [[], {}, {"context": {}}, {"@context": 5}, {"@context": {"a": 5}}, {"@context": {"a": {"@id": []}}}, {"@context": [5]}, {"@context": {"a": "b:", "b": "a:"}}],
)  # fmt: skip
def test_5_13_2_4_what_is_no_context_is_refused(c: Tenant, body: Any) -> None:
    """§5.13.2.4: BadRequestData (InvalidRequest where it is not even an object with @context); nothing is kept."""
    assert error(c("POST", PATH, body)) in ("BadRequestData", "InvalidRequest")
    assert c.json(f"{PATH}?kind=Hosted") == []


def test_5_13_3_list(c: Tenant) -> None:
    """§5.13.3.4: URLs, or with details what is known; by kind; fetched ones with their hits."""
    c.documents["http://docs.example/list"] = MINE
    path = c.made(PATH, MINE)
    for number in range(3):
        body = {"id": f"{BUS}{number}", "type": "Bus"}
        c.made("/entities", body, link=link("http://docs.example/list"))
    assert [one.rpartition("/")[2] for one in c.json(f"{PATH}?kind=Hosted")] == [path.rpartition("/")[2]]
    cached = {one["URL"]: one for one in c.json(f"{PATH}?kind=Cached&details=true")}
    assert cached["http://docs.example/list"]["numberOfHits"] == 2
    assert cached["http://docs.example/list"]["lastUsage"]
    assert CORE_URL in c.json(PATH)
    assert error(c("GET", f"{PATH}?kind=Nonsense")) == "BadRequestData"
    assert error(c("GET", f"{PATH}?details=maybe")) == "BadRequestData"


def test_5_13_5_delete_and_reload(c: Tenant) -> None:
    """§5.13.5.4: a hosted one is gone; a cached one is fetched again with reload, and kept if that fails."""
    url = "http://docs.example/reload"
    c.documents[url] = {"@context": {"a": "http://x.org/1"}}
    c.made("/entities", {"id": BUS, "type": "Bus", "a": 1}, link=link(url))
    place = f"{PATH}/{url.replace('/', '%2F')}"
    c.documents[url] = {"@context": {"a": "http://x.org/2"}}
    assert c("DELETE", f"{place}?reload=true").status == 204
    c("POST", f"/entities/{BUS}/attrs", {"a": 2}, link=link(url))
    assert c.json(f"/entities/{BUS}").keys() >= {"http://x.org/1", "http://x.org/2"}
    c.documents[url] = {"no": "context"}
    assert error(c("DELETE", f"{place}?reload=true")) == "BadRequestData"
    assert c("GET", f"/entities/{BUS}", link=link(url)).status == 200
    assert c("DELETE", place).status == 204
    assert error(c("DELETE", place)) == "ResourceNotFound"
    hosted = c.made(PATH, MINE)
    assert error(c("DELETE", f"{hosted}?reload=true")) == "BadRequestData"
    assert c("DELETE", hosted).status == 204
    assert error(c("DELETE", f"{PATH}/{CORE_URL.replace('/', '%2F')}")) == "BadRequestData"


# -- §4.4, §5.5.5–5.5.7, §5.5.11 ----------------------------------------------------------------------------------
def test_5_5_5_default_context(c: Tenant) -> None:
    """§5.5.5, §5.5.7: names that no @context defines fall to the default vocabulary and come back short."""
    c.made("/entities", {"id": BUS, "type": "Bus", "speed": 1})
    assert c.json(f"/entities?type={DEFAULT}Bus&attrs={DEFAULT}speed")[0]["speed"]["value"] == 1
    assert c.json("/types/Bus")["id"] == f"{DEFAULT}Bus"


def test_5_5_7_names_are_expanded_on_the_way_in_and_compacted_on_the_way_out(c: Tenant) -> None:
    """§5.5.7, §6.3.5, §6.3.6: by the context of each request; the core context cannot be redefined (§4.4)."""
    body = {"id": BUS, "type": "Bus", "speed": 1, "x:load": 2, **MINE}
    c.made("/entities", body, kind=LD)
    assert c.json(f"/entities/{BUS}").keys() == {"id", "type", "http://x.org/speed", "http://x.org/load"}
    own = {
        "id": f"{BUS}b",
        "type": "T",
        "a": 1,
        "@context": [{"a": "http://x.org/a", "location": "http://x.org/here"}],
    }
    c.made("/entities", {**own, "location": {"type": "Point", "coordinates": [1, 2]}}, kind=LD)
    assert c.json(f"/entities/{BUS}b")["location"]["type"] == "GeoProperty"
    shown = c.json(f"/entities/{BUS}", accept=LD)
    assert shown["@context"] == CORE_URL


@pytest.mark.parametrize(
    "context",
    [5, "relative.jsonld", "ftp://x.org/c", {"a": 5}, {"a": "a:b"}, [[5]], {"@version": 1.0}, {"@vocab": 5}],
)  # fmt: skip
def test_5_5_11_a_broken_context_is_bad_request_data(c: Tenant, context: Any) -> None:
    """§5.5.4, §5.5.11: BadRequestData for a context that is not valid."""
    assert (
        error(c("POST", "/entities", {"id": BUS, "type": "Bus", "@context": context}, kind=LD))
        == "BadRequestData"
    )


def test_5_5_6_a_context_that_cannot_be_had_is_ld_context_not_available(c: Tenant) -> None:
    """§5.5.6, §6.3.2: LdContextNotAvailable in the body, in Link, in a batch (for its entity); nothing is written."""
    url = "http://127.0.0.1:9/none.jsonld"
    body = {"id": BUS, "type": "Bus"}
    assert error(c("POST", "/entities", body, link=link(url))) == "LdContextNotAvailable"
    assert error(c("POST", "/entities", {**body, "@context": url}, kind=LD)) == "LdContextNotAvailable"
    got = c("POST", "/entityOperations/create", [{**body, "@context": url}], kind=LD)
    assert got.json["errors"][0]["error"]["type"].endswith("LdContextNotAvailable")
    assert error(c("GET", "/entities?type=Bus")) == "NonexistentTenant"


# -- §5.14, §4.5.25, §6.3.21 --------------------------------------------------------------------------------------
def test_5_14_entity_maps(c: Tenant) -> None:
    """§5.14.1–5.14.4, §4.5.25: made of a query, retrieved, prolonged, deleted; a page follows it (§5.5.9.3)."""
    c("POST", "/entityOperations/create", [{"id": f"{BUS}{n}", "type": "Bus", "n": n} for n in range(5)])
    got = c("GET", "/entityMaps?type=Bus&q=n>0")
    assert got.status == 201
    made = got.json
    assert made["type"] == "EntityMap"
    assert list(made["entityMap"]) == [f"{BUS}{n}" for n in range(1, 5)]
    assert all(where == ["@none"] for where in made["entityMap"].values())
    path = f"/entityMaps/{made['id']}"
    assert c.json(path)["entityMap"] == made["entityMap"]
    assert c("PATCH", path, {"expiresAt": "2000-01-01T00:00:00Z"}).status in (204, 400)
    again = c("GET", "/entityMaps?type=Bus").json
    path = f"/entityMaps/{again['id']}"
    page = c("GET", "/entities?type=Bus&limit=2&offset=2", ngsild_entitymap=path)
    assert [one["n"]["value"] for one in page.json] == [2, 3]
    assert c("DELETE", path).status == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"expiresAt": "2099-01-01T00:00:00Z"})):
        assert error(c(method, path, body)) == "ResourceNotFound"
        assert error(c(method, "/entityMaps/x", body)) == "BadRequestData"
    for bad in ("/entityMaps", "/entityMaps?type=((", "/entityMaps?type=Bus&entityMapLifetime=x"):
        assert error(c("GET", bad)) == "BadRequestData", bad


def test_5_14_5_maps_of_temporal_queries(c: Tenant) -> None:
    """§5.14.5: made of a temporal query; BadRequestData where it is none."""
    reading = {"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}
    c.made("/temporal/entities", {"id": BUS, "type": "Bus", "n": [reading]})
    got = c("GET", "/temporal/entityMaps?type=Bus&timerel=before&timeAt=2030-01-01T00:00:00Z")
    assert (got.status, list(got.json["entityMap"])) == (201, [BUS])
    assert error(c("GET", "/temporal/entityMaps?type=Bus&timerel=before")) == "BadRequestData"


def test_5_15_1_source_identity(c: Tenant) -> None:
    """§5.15.1, §5.2.40: alias, uptime as a duration, time."""
    who = c.json("/info/sourceIdentity")
    assert who["type"] == "ContextSourceIdentity"
    assert who["contextSourceUptime"].startswith("PT")
    assert who["contextSourceTimeAt"].endswith("Z")
    assert " " not in who["contextSourceAlias"]
