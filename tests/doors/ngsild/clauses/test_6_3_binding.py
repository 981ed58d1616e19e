"""CIM 009 V1.9.1 §5.5 and §6.3: what all operations have in common, asked of every resource there is."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pytest

from andaman.broker.contexts import CORE_URL
from andaman.doors.ngsild.openapi import openapi
from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

BUS = "urn:ngsi-ld:Bus:1"
LD, GEO = "application/ld+json", "application/geo+json"
NAMES = {"attrId": "speed", "type": "Bus", "attribute": "speed", "entityId": BUS}
EVERY = [
    (method.upper(), re.sub(r"\{(\w+)\}", lambda name: NAMES.get(name[1], "urn:x:1"), path))
    for path, methods in openapi()["paths"].items()
    for method in methods
]
BODIES = [
    (method, path)
    for method, path in EVERY
    if method in ("POST", "PUT", "PATCH") and not path.endswith("/clone")  # which may have none
]
READS = [
    f"/entities/{BUS}",
    "/entities?type=Bus",
    f"/temporal/entities/{BUS}",
    "/temporal/entities?type=Bus&timerel=before&timeAt=2030-01-01T00:00:00Z",
    "/types",
    "/types?details=true",
    "/types/Bus",
    "/attributes",
    "/attributes/speed",
    "/subscriptions",
    "/csourceRegistrations?type=Bus",
    "/csourceSubscriptions",
    "/jsonldContexts",
    "/info/sourceIdentity",
]


def filled(c: Tenant) -> Tenant:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3, 7.9]}}
    c.made(
        "/entities", {"id": BUS, "type": "Bus", "speed": {"type": "Property", "value": 1}, "location": place}
    )
    return c


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_6_3_20_unknown_parameters(c: Tenant, method: str, path: str) -> None:
    """§6.3.20: a parameter that the operation does not have, or has twice, is InvalidRequest, before anything is done."""
    body = None if method in ("GET", "DELETE") else {}
    assert error(c(method, f"{path}?nonsense=1", body)) == "InvalidRequest"
    assert error(c(method, f"{path}?%FF=1", body)) == "InvalidRequest"


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_6_3_4_content_type_and_length(c: Tenant, method: str, path: str) -> None:
    """§6.3.4, §5.5.2: 415 for another media type, 411 without a length, InvalidRequest for what is no JSON."""
    assert c(method, path, {}, kind="application/xml").status == 415
    assert c(method, path, None, content_type="application/json").status == 411
    got = c.loop.run_until_complete(c.client(method, path, raw=b"{", ngsild_tenant=c.tenant))
    assert error(got) == "InvalidRequest"
    merge = c(method, path, {}, kind="application/merge-patch+json")
    assert (merge.status == 415) == (method != "PATCH")


@pytest.mark.parametrize("path", READS)
def test_6_3_4_accept(c: Tenant, path: str) -> None:
    """§6.3.4: JSON by default and for */*; what cannot be given is 406."""
    filled(c)
    for accept in ("application/json", "*/*", "application/*", "text/html, */*;q=0.1"):
        got = c("GET", path, accept=accept)
        assert got.status in (200, 206), (accept, got.body)
    if path not in READS[-2:]:  # those are plain JSON, whatever is asked for
        assert c("GET", path, accept="text/html").status == 406


@pytest.mark.parametrize("path", READS[:-2])
def test_6_3_6_context_of_answers(c: Tenant, path: str) -> None:
    """§6.3.6: a Link for application/json, an @context inside for application/ld+json, never both."""
    filled(c)
    plain = c("GET", path, accept="application/json")
    assert f"<{CORE_URL}>" in plain.headers["link"]
    inside = c("GET", path, accept=LD)
    assert inside.headers["content-type"] == LD
    assert CORE_URL not in inside.headers.get("link", "")
    assert inside.body in (b"[]",) or b"@context" in inside.body


def test_6_3_6_and_6_3_15_geojson(c: Tenant) -> None:
    """§6.3.15, §6.3.7: a Feature or a FeatureCollection; @context inside, or in Link where Prefer says body=json."""
    filled(c)
    feature = c("GET", f"/entities/{BUS}", accept=GEO)
    assert (feature.headers["content-type"], feature.json["type"]) == (GEO, "Feature")
    assert feature.json["@context"] == CORE_URL
    many = c("GET", "/entities?type=Bus", accept=GEO).json
    assert (many["type"], len(many["features"])) == ("FeatureCollection", 1)
    bare = c("GET", f"/entities/{BUS}", accept=GEO, prefer="body=json")
    assert "@context" not in bare.json
    assert CORE_URL in bare.headers["link"]


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_6_3_14_tenants(c: Tenant, method: str, path: str) -> None:
    """§6.3.14, §5.5.10: the tenant comes back with the answer; a name that is none is BadRequestData; reading in one that
    does not exist is NonexistentTenant or finds nothing, and makes none."""
    body = None if method in ("GET", "DELETE") else {}
    assert error(c(method, path, body, ngsild_tenant="a b")) == "BadRequestData"
    if method == "GET":
        got = c(method, path)
        assert got.headers.get("ngsild-tenant") == c.tenant
        assert got.status == 200 or error(got) in ("NonexistentTenant", "ResourceNotFound", "BadRequestData")
        assert c.tenant not in c.client.broker.tenants()


def test_6_3_14_tenants_are_made_by_the_first_write_and_share_nothing(c: Tenant) -> None:
    """§4.14, §6.3.14: entities, their past, subscriptions, registrations and contexts are of one tenant."""
    filled(c)
    c.made(
        "/subscriptions",
        {
            "id": "urn:x:s",
            "type": "Subscription",
            "entities": [{"type": "A"}],
            "notification": {"endpoint": {"uri": "http://127.0.0.1:9/"}},
        },
    )
    registered = {
        "id": "urn:x:r",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "A"}]}],
        "endpoint": "http://127.0.0.1:9",
    }
    c.made("/csourceRegistrations", registered)
    hosted = c.made("/jsonldContexts", {"@context": {}})
    other = {"ngsild_tenant": f"{c.tenant}-other"}
    c("POST", "/entities", {"id": "urn:x:1", "type": "Other"}, **other)
    for path in (
        f"/entities/{BUS}",
        f"/temporal/entities/{BUS}",
        "/subscriptions/urn:x:s",
        "/csourceRegistrations/urn:x:r",
        hosted,
        "/types/Bus",
        "/attributes/speed",
    ):
        assert error(c("GET", path, **other)) == "ResourceNotFound", path
        assert c("GET", path).status == 200, path
    assert c("GET", "/types", **other).json["typeList"] == ["Other"]
    assert c("GET", "/subscriptions", **other).json == []


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_5_5_3_problem_documents(c: Tenant, method: str, path: str) -> None:
    """§5.5.3, §6.3.2: each refusal is a problem document: type, title, status, detail, and its URI is one of §5.5.2 where
    the specification has one for it."""
    got = c(method, f"{path}?nonsense=1", None if method in ("GET", "DELETE") else {})
    assert got.json.keys() >= {"type", "title", "status", "detail"}
    assert got.json["type"] == "https://uri.etsi.org/ngsi-ld/errors/InvalidRequest"
    assert got.json["status"] == got.status == 400
    assert got.json["field"] == "nonsense"


def test_6_3_4_methods_and_options(c: Tenant) -> None:
    """§6.3.4, RFC 9110: 405 with Allow; OPTIONS tells it, with Accept-Patch where PATCH is known."""
    for path in {path for _, path in EVERY}:
        allowed = {method for method, one in EVERY if one == path} | {"OPTIONS"}
        got = c("OPTIONS", path)
        assert (got.status, {one.strip() for one in got.headers["allow"].split(",")}) == (204, allowed), path
        assert ("accept-patch" in got.headers) == ("PATCH" in allowed)
        wrong = next(one for one in ("PUT", "DELETE", "POST", "GET") if one not in allowed)
        refused = c(wrong, path, {} if wrong in ("PUT", "POST") else None)
        assert (refused.status, refused.headers["allow"]) == (405, got.headers["allow"]), path


FIELDS: list[tuple[str, str, Any, str, str]] = [
    ("GET", "/entities/bus", None, "BadRequestData", "entityId"),
    ("DELETE", "/entities/bus", None, "BadRequestData", "entityId"),
    ("GET", "/temporal/entities/bus", None, "BadRequestData", "entityId"),
    ("GET", "/subscriptions/x", None, "BadRequestData", "subscriptionId"),
    ("GET", "/csourceRegistrations/x", None, "BadRequestData", "registrationId"),
    ("GET", "/entityMaps/x", None, "BadRequestData", "entityMapId"),
    ("GET", "/entities?type=Bus&limit=x", None, "BadRequestData", "limit"),
    ("GET", "/entities?type=Bus&offset=-1", None, "BadRequestData", "offset"),
    ("GET", "/entities?type=Bus&limit=999999", None, "TooManyResults", "limit"),
    ("GET", "/entities?type=Bus&count=x", None, "BadRequestData", "count"),
    ("GET", "/entities?type=Bus&options=x", None, "InvalidRequest", "options"),
    ("GET", "/entities?type=Bus&format=x", None, "InvalidRequest", "format"),
    ("GET", "/entities?type=Bus&lang=!", None, "BadRequestData", "lang"),
    ("GET", "/entities?type=Bus&idPattern=(", None, "BadRequestData", "idPattern"),
    ("GET", "/entities?type=Bus&datasetId=x", None, "BadRequestData", "datasetId"),
    ("GET", "/entities?type=Bus&join=x", None, "BadRequestData", "join"),
    ("GET", "/entities?type=Bus&join=flat&joinLevel=x", None, "BadRequestData", "joinLevel"),
    ("GET", "/entities?type=Bus&orderBy=speed;up", None, "BadRequestData", "orderBy"),
    ("GET", "/entities?type=Bus&orderBy=speed&collation=xx", None, "BadRequestData", "collation"),
    ("GET", "/entities?type=Bus&q=" + "(" * 40 + "a" + ")" * 40, None, "TooComplexQuery", "q"),
    ("GET", "/entities?type=Bus&georel=within&geometry=Point&coordinates=x", None, "BadRequestData", "coordinates"),
    ("POST", "/entities", {"id": "x", "type": "Bus"}, "BadRequestData", "id"),
    ("POST", "/entities", {"id": BUS}, "BadRequestData", "type"),
    ("POST", "/entities", {"id": BUS, "type": "Bus", "a": {"type": "Property"}}, "BadRequestData", "a.value"),
    ("POST", "/entities", {"id": BUS, "type": "Bus", "a": {"type": "Relationship", "object": "x"}}, "BadRequestData", "a.object"),
    ("POST", "/entities", {"id": BUS, "type": "Bus", "scope": 5}, "BadRequestData", "scope"),
    ("POST", "/temporal/entities", {"id": BUS, "type": "Bus", "a": [{"type": "Property", "value": 1, "observedAt": "x"}]}, "BadRequestData", "a.observedAt"),
    ("POST", "/subscriptions", {"type": "Subscription"}, "BadRequestData", "notification"),
    ("POST", "/csourceRegistrations", {"type": "ContextSourceRegistration"}, "BadRequestData", "information"),
    ("POST", "/jsonldContexts", {"@context": 5}, "BadRequestData", "@context"),
    ("POST", "/entityOperations/query", {"type": "Query", "q": "(("}, "BadRequestData", "q"),
    ("PATCH", "/entities/urn:x:1/attrs/id", {"value": 1}, "BadRequestData", "attrId"),
    ("DELETE", "/entities/urn:x:1/attrs/a?datasetId=x", None, "BadRequestData", "datasetId"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "kind", "field"), FIELDS)
def test_5_5_2_each_refusal_names_the_field(
    c: Tenant, method: str, path: str, body: Any, kind: str, field: str
) -> None:
    """§5.5.2, §6.3.2: the type that the clause names, and beyond it which member or parameter is wrong."""
    got = c(method, path.replace("(", "%28") if "q=" not in path else path, body)
    assert (error(got), got.json.get("field")) == (kind, field), got.json


# -- @id and @type (§4.4) ----------------------------------------------------------------------------------------


def test_4_4_at_id_and_at_type_stand_for_id_and_type(c: Tenant) -> None:
    uri = "http://127.0.0.1:9/x"
    for number, selector in enumerate(
        ({"@type": "A"}, {"@type": "A", "@id": "urn:a:1"}, {"type": "A", "@id": "urn:a:1"})
    ):
        name = f"urn:s:{number}"
        body = {
            "@id": name,
            "@type": "Subscription",
            "entities": [selector],
            "notification": {"endpoint": {"uri": uri}},
        }
        c.made("/subscriptions", body)
        shown = c.json(f"/subscriptions/{name}")
        assert shown["id"] == name
        assert shown["type"] == "Subscription"
        assert shown["entities"][0]["type"] == "A"
        assert (
            c("PATCH", f"/subscriptions/{name}", {"@type": "Subscription", "description": "x"}).status == 204
        )
        c.made("/csourceSubscriptions", body)
    registration = {
        "@id": "urn:r:1", "@type": "ContextSourceRegistration", "endpoint": "http://127.0.0.1:9",
        "information": [{"entities": [{"@type": "Away", "@id": "urn:away:1"}]}],
    }  # fmt: skip
    c.made("/csourceRegistrations", registration)
    c("DELETE", "/csourceRegistrations/urn:r:1")
    point = {"@type": "Property", "value": 1, "b": {"@type": "Relationship", "object": "urn:b:1"}}
    c.made(
        "/entities",
        {"@id": "urn:a:1", "@type": "A", "p": point, "q": [point, {**point, "datasetId": "urn:d:1"}]},
    )
    assert c.json("/entities/urn:a:1")["q"][1]["b"] == {"type": "Relationship", "object": "urn:b:1"}
    query = {"@type": "Query", "entities": [{"@type": "A", "@id": "urn:a:1"}]}
    assert [one["id"] for one in c("POST", "/entityOperations/query", query).json] == ["urn:a:1"]
    times = {"temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}
    assert c("POST", "/temporal/entityOperations/query", {**query, **times}).status == 200
    past = {"@id": "urn:t:1", "@type": "A", "p": [{**point, "observedAt": "2020-01-01T00:00:00Z"}]}
    c.made("/temporal/entities", past)
    assert (
        c("PATCH", "/entities/urn:a:1", {"@type": "A", "p": {"@type": "Property", "value": 2}}).status == 204
    )
    assert c("PATCH", "/entities/urn:a:1/attrs/p", {"@type": "Property", "value": 3}).status == 204
    assert c("POST", "/entityOperations/upsert", [{"@id": "urn:a:2", "@type": "A"}]).status == 201
    c.made(
        "/snapshots",
        {
            "@id": "urn:sn:1",
            "@type": "Snapshot",
            "snapshotQueries": [{"@type": "Query", "entities": [{"@type": "A"}]}],
        },
    )


def test_4_4_both_names_with_different_values_are_refused(c: Tenant) -> None:
    end = {"notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}}}
    both: list[tuple[str, Any]] = [
        ("/entities", {"id": "urn:a:1", "@id": "urn:a:2", "type": "A"}),
        ("/entities", {"id": "urn:a:1", "@type": "B", "type": "A"}),
        (
            "/entities",
            {"id": "urn:a:1", "type": "A", "p": {"type": "Property", "@type": "GeoProperty", "value": 1}},
        ),
        ("/temporal/entities", {"id": "urn:a:1", "@id": "urn:a:2", "type": "A"}),
        ("/subscriptions", {"type": "Subscription", "@type": "X", "entities": [{"type": "A"}], **end}),
        ("/subscriptions", {"type": "Subscription", "entities": [{"type": "A", "@type": "B"}], **end}),
        ("/entityOperations/query", {"type": "Query", "@type": "X", "entities": [{"type": "A"}]}),
        ("/entityOperations/query", {"type": "Query", "entities": [{"type": "A", "@type": "B"}]}),
    ]
    for path, body in both:
        assert c("POST", path, body).status == 400, body
    same = {
        "id": "urn:a:9",
        "@id": "urn:a:9",
        "type": ["B", "A"],
        "@type": ["A", "B"],
        "p": {"type": "Property", "@type": "Property", "value": 1},
    }
    c.made("/entities", same)


# -- the core context wherever it lies (§4.4, §5.5.7) ------------------------------------------------------------


def _core() -> dict[str, Any]:
    path = files("andaman.broker.contexts") / "data" / "ngsi-ld-core-context-v1.9.jsonld"
    return dict(json.loads(path.read_text("utf-8")))


def _older(core: dict[str, Any]) -> dict[str, Any]:
    """As an earlier version might have it: fewer terms, another scoped context, a term that 1.9 has no more."""
    inner = {
        name: value
        for name, value in core["@context"].items()
        if name not in ("ListProperty", "splitEntities")
    }
    inner["ngsildproof"] = {"@id": "ngsi-ld:ngsildproof", "@context": {"other": "ngsi-ld:other"}}
    inner["tombstone"] = "ngsi-ld:tombstone"
    return {"@context": inner}


def test_4_4_the_core_context_is_known_by_its_content(c: Tenant) -> None:
    core = _core()
    own = {"Car": "https://example.org/Car"}
    url = "https://mirror.example/core.jsonld"
    compound = "https://mirror.example/compound.jsonld"
    for document in (core, _older(core), {"@context": {**own, **core["@context"]}}):
        address = url + f"?{id(document)}"
        c.documents[address] = document
        c.documents[compound + f"?{id(document)}"] = {"@context": [own, address]}
        for context in ([own, address], address, [own, document["@context"]], compound + f"?{id(document)}"):
            body = {
                "@context": context,
                "id": "urn:car:1",
                "type": "Car",
                "speed": {"type": "Property", "value": 1},
            }
            got = c("POST", "/entities", body, kind=LD)
            assert got.status == 201, got.body
            assert c("DELETE", "/entities/urn:car:1").status == 204
        hosted = c("POST", "/jsonldContexts", document)
        assert hosted.status == 201, hosted.body


def test_5_5_7_scoped_contexts_of_users_are_refused(c: Tenant) -> None:
    core = _core()["@context"]
    scoped = {"@id": "https://example.org/a", "@context": {"b": "https://example.org/b"}}
    odd = {"@id": "ngsi-ld:ngsildproof", "@context": {"b": "https://example.org/b"}}
    for context in (
        {"a": scoped},
        {"ngsi-ld": core["ngsi-ld"], "ngsildproof": odd},
        {**core, "a": scoped},
        {**core, "ngsildproof": {**odd, "@id": "https://x.example/"}},
    ):
        body = {"@context": context, "id": "urn:car:1", "type": "Car"}
        assert c("POST", "/entities", body, kind=LD).status == 400
        assert c("POST", "/jsonldContexts", {"@context": context}).status in (201, 400)


# -- small things -------------------------------------------------------------------------------------------------


def test_4_5_20_any_text_is_a_value_of_a_vocabulary(c: Tenant) -> None:
    texts = ["id", "type", "@id", "a b", "Open", "value", "urn:x:1", "ngsi-ld:x", "scope"]
    c.made("/entities", {"id": "urn:v:1", "type": "V", "kind": {"type": "VocabProperty", "vocab": texts}})
    assert c.json("/entities/urn:v:1")["kind"]["vocab"] == texts
    assert c.json("/entities/urn:v:1?format=simplified")["kind"] == {"vocab": texts}
    for text in texts:
        assert len(c.json(f'/entities?type=V&q=kind=="{quote(text)}"')) == 1, text
        if text.isalnum():
            assert len(c.json(f"/entities?type=V&q=kind=={text}&expandValues=kind")) == 1, text
    assert c.json('/entities?type=V&q=kind=="other"') == []


def test_4_9_large_integers_are_compared_exactly(c: Tenant) -> None:
    for number, value in enumerate(
        (9007199254740993, 9223372036854775807, 18446744073709551615, 12112223334445556667)
    ):
        c.made(
            "/entities", {"id": f"urn:i:{number}", "type": "I", "eui": {"type": "Property", "value": value}}
        )
        assert [one["id"] for one in c.json(f"/entities?type=I&q=eui=={value}")] == [f"urn:i:{number}"]
        assert f"urn:i:{number}" not in {one["id"] for one in c.json(f"/entities?type=I&q=eui!={value}")}
        assert c.json(f"/entities?type=I&q=eui=={value - 1}") == []
    assert c.json("/entities?type=I&q=eui>=18446744073709551616") == []
    assert len(c.json("/entities?type=I&q=eui>=18446744073709551615")) == 1
    ordered = [one["eui"]["value"] for one in c.json("/entities?type=I&orderBy=eui;desc")]
    assert ordered == sorted(ordered, reverse=True)
    past = [
        {"type": "Property", "value": 2**53 + n, "observedAt": f"2020-01-01T00:00:0{n}Z"} for n in range(3)
    ]
    c.made("/temporal/entities", {"id": "urn:i:p", "type": "IP", "eui": past})
    shown = c.json("/temporal/entities/urn:i:p?options=temporalValues")["eui"]["values"]
    assert sorted(value for value, _ in shown) == [2**53, 2**53 + 1, 2**53 + 2]
    when = "timerel=after&timeAt=2019-01-01T00:00:00Z"
    assert len(c.json(f"/temporal/entities?type=IP&{when}&q=eui=={2**53 + 1}")) == 1
    assert c.json(f"/temporal/entities?type=IP&{when}&q=eui=={2**53 + 3}") == []
    methods = "aggrMethods=min,max,sum,distinctCount&aggrPeriodDuration=P1D&options=aggregatedValues"
    told = c.json(f"/temporal/entities/urn:i:p?{when}&{methods}")["eui"]
    assert [told[name][0][0] for name in ("min", "max", "sum", "distinctCount")] == [
        2**53,
        2**53 + 2,
        3 * 2**53 + 3,
        3,
    ]


def test_a_name_given_twice_is_refused_with_its_name(c: Tenant) -> None:
    """Compact or spread, deep or not, in a large body or a small one; the same text as a value is no harm."""
    one = '{"id":"urn:d:1","type":"D","a":{"type":"Property","value":1},"a":{"type":"Property","value":2}}'
    deep = '{"id":"urn:d:1","type":"D","a":{"type":"Property","value":{"x":1,"y":[{"z":1,"z":2}]}}}'
    large = f"[{deep.replace('urn:d:1', 'urn:d:3')}, {json.dumps({'id': 'urn:d:2', 'type': 'D', 't': {'type': 'Property', 'value': 'x' * 70_000}})}]"
    for path, text, name in (
        ("/entities", one, "a"),
        ("/entities", deep, "z"),
        ("/entityOperations/upsert", large, "z"),
    ):
        for body in (text, text.replace(":", " : ").replace("urn : d : ", "urn:d:")):
            got = c.loop.run_until_complete(c.client("POST", path, raw=body.encode(), ngsild_tenant=c.tenant))
            assert got.status == 400, got.body
            assert got.json["field"] == name
    for deep in (
        b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
        b"[" * 1_000 + b"]" * 1_000,
        b'{"a" :' * 900 + b"1" + b"}" * 900,
    ):
        got = c.loop.run_until_complete(c.client("POST", "/entities", raw=deep, ngsild_tenant=c.tenant))
        assert got.status == 400, got.body
    fine = {"id": "urn:d:1", "type": "D", "a": {"type": "Property", "value": 'say "a": "a":'}}
    c.made("/entities", fine)
    spread = json.dumps({**fine, "id": "urn:d:4"}, indent=1, separators=(" , ", " : ")).encode()
    assert (
        c.loop.run_until_complete(c.client("POST", "/entities", raw=spread, ngsild_tenant=c.tenant)).status
        == 201
    )


def test_errors_say_what_would_be_right(c: Tenant) -> None:
    c.made("/entities", {"id": "urn:e:1", "type": "E"})
    got = c("GET", "/entities?q=createdAt>2020-01-01T00:00:00Z")
    assert got.status == 400
    assert "createdAt" in got.json["detail"]
    # C.4 of the specification has [-1, 100], which RFC 7946 (and 4.7 with it) makes a latitude of 100.
    geo = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [-1, 100]}
    body = {
        "type": "Subscription",
        "entities": [{"type": "E"}],
        "geoQ": geo,
        "notification": {"endpoint": {"uri": "http://127.0.0.1:9/x"}},
    }
    got = c("POST", "/subscriptions", body)
    assert got.status == 400
    assert "[100.0, -1.0]" in got.json["detail"]
