"""Whatever is sent: a clear problem, never a server error, and nothing half-written."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors.ngsild.client import BUS, Client, Got, at_the_door, open_client, vehicle

DEEP = b"[" * 1000 + b"]" * 1000
NEST = b'{"a":' * 500 + b"1" + b"}" * 500
SUB = b'{"id":"urn:x:y","type":"T","a":' + b'{"type":"Property","value":1,"b":' * 100 + b"1" + b"}" * 101
BODIES: list[bytes] = [
    b"",
    b" ",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[[]]",
    b"[null]",
    b"\xff\xfe\xfa",
    b'{"id":"\xff"}',
    b'{"id":"urn:x:y","type":"T","a":NaN}',
    b'{"id":"urn:x:y","type":"T","a":Infinity}',
    b'{"id":"urn:x:y","type":"T","a":1e999}',
    b'{"id":"urn:x:y","type":"T","a":"\\ud800"}',
    b'{"id":"urn:x:y","type":"T","a":' + b"9" * 400 + b"}",
    b'{"id":"urn:x:y","type":"T","a":-0.0}',
    b'{"id":"urn:x:y","type":"T","a":"\\u0000"}',
    b'{"id":"urn:x:y","type":"T\\u0000"}',
    b'{"id":"urn:x:' + b"y" * 100_000 + b'","type":"T"}',
    b'{"id":"urn:x:y","type":"' + b"T" * 100_000 + b'"}',
    b'{"id":"urn:x:y","type":' + orjson.dumps([f"T{i}" for i in range(10_000)]) + b"}",
    b'{"id":"urn:x:y","type":"T","scope":"' + b"/a" * 50_000 + b'"}',
    b'{"id":"urn:x:y","type":"T","' + b"a" * 100_000 + b'":1}',
    b'{"id":"urn:x:y","type":"T","location":{"type":"Point","coordinates":' + DEEP + b"}}",
    b'{"id":"urn:x:y","type":"T","location":{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}}',
    b'{"id":"urn:x:y","type":"T","a":' + DEEP + b"}",
    DEEP,
    NEST,
    SUB,
    b'{"id":"urn:x:y","type":"T","a":{"type":"Property","value":1,"observedAt":"9999-99-99T99:99:99Z"}}',
    b'{"id":"urn:x:y","type":"T","a":{"type":"Property","value":1,"observedAt":"0000-01-01T00:00:00Z"}}',
    b'{"id":"urn:x:y","type":"T","a":{"type":["Property"],"value":1}}',
    b'{"id":"urn:x:y","type":"T","a":[{"type":"Property","value":1},5]}',
    b'{"id":"urn:x:y","type":"T","@type":"U"}',
    b'{"id":"urn:x:y","type":"T","@graph":[]}',
    b'{"id":{"a":1},"type":{"b":2}}',
    b'{"@context":{"@context":{"@context":1}},"id":"urn:x:y","type":"T"}',
    b'{"@context":"file:///etc/passwd","id":"urn:x:y","type":"T"}',
    b'{"@context":"http://169.254.169.254/","id":"urn:x:y","type":"T"}',
    b'{"@context":"http://[::1/","id":"urn:x:y","type":"T"}',
    b'{"@context":"http://xn--a/","id":"urn:x:y","type":"T"}',
    b'{"@context":{"T":null},"id":"urn:x:y","type":"T"}',
    b'{"@context":{"a":"b:","b":"a:"},"id":"urn:x:y","type":"T"}',
    b'{"@context":[[[[[[[[]]]]]]]],"id":"urn:x:y","type":"T"}',
    b'{"@context":' + DEEP + b',"id":"urn:x:y","type":"T"}',
    b'{"type":"Query","q":"' + b"(" * 5000 + b'"}',
    b'{"type":"Query","entities":[{"type":"((((","idPattern":"(a+)+$"}]}',
    b'{"type":"Query","geoQ":{"georel":"near;maxDistance==1e400","geometry":"Point","coordinates":[0,0]}}',
    b'{"type":"Query","geoQ":{"georel":"within","geometry":"Polygon","coordinates":{"a":1}}}',
    b'{"type":"Query","temporalQ":{"timerel":"before","timeAt":5},"entities":[{"type":"T"}]}',
    b'{"value":1,"type":"Property","datasetId":5}',
    b'{"id":"urn:x:y","type":"T","scope":[{"type":"Property","value":{"a":1}}]}',
    b'{"id":"urn:x:y","type":"T","a":[{"type":"Property","value":"urn:ngsi-ld:null","deletedAt":7}]}',
    b'{"id":"urn:x:y","type":"T","a":[{"type":"ListProperty","valueList":{"@none":"urn:ngsi-ld:null"}}]}',
    b'{"type":"Query","entities":[{"type":"T"}],"aggrParams":{"aggrMethods":{}},"temporalQ":{"timerel":"before"}}',
    b'{"type":"GeoProperty","value":{"type":"Point","coordinates":[1e308,1e308]}}',
]
TARGETS = [
    ("POST", "/entities"),
    ("PUT", f"/entities/{BUS}"),
    ("PATCH", f"/entities/{BUS}"),
    ("POST", f"/entities/{BUS}/attrs"),
    ("PATCH", f"/entities/{BUS}/attrs"),
    ("PATCH", f"/entities/{BUS}/attrs/speed"),
    ("PUT", f"/entities/{BUS}/attrs/speed"),
    ("POST", "/entityOperations/create"),
    ("POST", "/entityOperations/upsert"),
    ("POST", "/entityOperations/update"),
    ("POST", "/entityOperations/merge"),
    ("POST", "/entityOperations/delete"),
    ("POST", "/entityOperations/query"),
    ("POST", "/temporal/entityOperations/query"),
    ("POST", "/temporal/entities"),
    ("POST", f"/temporal/entities/{BUS}/attrs"),
    ("PATCH", f"/temporal/entities/{BUS}/attrs/speed/urn:ngsi-ld:Instance:0123456789abcdef"),
    ("POST", "/jsonldContexts"),
]
KINDS = ["application/json", "application/ld+json"]


def is_clear(got: Got) -> None:
    """Never a server error of ours; every refusal is a problem document with a sentence."""
    assert got.status < 500 or got.status in (503, 504), got.body
    if got.status >= 400 and got.status != 411:
        assert got.json["detail"]
        assert got.json["status"] == got.status


@pytest.mark.parametrize("kind", KINDS)
def test_corpus_of_bodies_at_every_target(kind: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with open_client(tmp_path) as c:
            await c("POST", "/entities", vehicle(speed=1))
            for method, path in TARGETS:
                for body in BODIES:
                    for raw in (body, b"[" + body + b"]"):
                        is_clear(await c(method, path, raw=raw, kind=kind))
            assert (await c("GET", "/entities?local=true")).status == 200

    asyncio.run(run())


PATHS = [
    "/entities/%00",
    "/entities/%ff%fe",
    "/entities/%E2%80%AE",
    "/entities/" + "x" * 20_000,
    "/entities/urn:x:y/attrs/%2F%2F/..",
    "/entities//attrs",
    "/entities/urn:x:y/nonsense",
    "/entityOperations/nonsense",
    "/temporal",
    "/temporal/entities/x/y/z",
    f"/temporal/entities/{BUS}/attrs//x",
    f"/temporal/entities/{BUS}/attrs/speed/%00",
    f"/temporal/entities/{BUS}/attrs/" + "x" * 20_000 + "/urn:x:1",
    f"/temporal/entities/{BUS}?timeproperty=deletedAt&options=temporalValues,sysAttrs&lastN=1",
    "/temporal/entities?type=Vehicle&timerel=before&timeAt=9999-12-31T23:59:59Z&scopeQ=/#&count=true&limit=0",
    "/temporal/entities?type=Vehicle&timerel=before&timeAt=0001-01-01T00:00:00Z&orderBy=id;down",
    "/types/%20",
    "/types/" + "T" * 5000,
    "/attributes/a%22b",
    "/jsonldContexts/..%2F..%2Fetc%2Fpasswd",
    "/entities?type=" + "(" * 2000,
    "/entities?q=" + "a==1;" * 2000 + "b",
    "/entities?q=a~=(a%2B)%2B$",
    "/entities?type=T&limit=99999999999999999999",
    "/entities?type=T&offset=-5",
    "/entities?type=T&coordinates=[[[",
    "/entities?type=T&georel=near;maxDistance==-1&geometry=Point&coordinates=[0,0]",
    "/entities?type=T&georel=near;maxDistance==5&geometry=Point&coordinates=[1e999,0]",
    "/entities?type=T&lang=" + "a," * 500,
    "/entities?type=T&pick=" + "a," * 500,
    "/entities?type=T&at=0000-00-00T00:00:00Z",
    "/entities?type=T&at=9999-12-31T23:59:59Z",
    "/entities?type=T&at=0001-01-01T00:00:00Z",
    "/entities?" + "&".join(f"a{i}=1" for i in range(500)),
    "/entities?%00=%00",
    "/entities?type=Vehicle&orderBy=" + "a," * 300,
    "/entities?type=Vehicle&orderBy=speed[" + "a." * 300 + "]",
    "/entities?type=Vehicle&orderBy=name,speed;desc,location;dist-asc&orderFrom=[0,0]",
    "/entities?type=Vehicle&orderBy=location;dist-asc&orderFrom=[[[[]]]]&orderGeometry=Polygon",
    "/entities?type=Vehicle&join=inline&joinLevel=99999999999999999999",
    "/entities?type=Vehicle&join=flat&pick=" + "a{" * 500,
    "/entities?type=Vehicle&join=inline&containedBy=x",
    f"/temporal/entities/{BUS}?timerel=before&timeAt=0001-01-01T00:00:00Z",
    f"/temporal/entities/{BUS}?timerel=after&timeAt=9999-12-31T23:59:59Z",
    f"/temporal/entities/{BUS}?options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P999999999Y",
    f"/temporal/entities/{BUS}?options=aggregatedValues&aggrMethods=sum&aggrPeriodDuration=PT0.001S",
    f"/temporal/entities/{BUS}?options=aggregatedValues&aggrMethods=sum&aggrPeriodDuration=PT1S&timerel=after&timeAt=1970-01-01T00:00:00Z",
    f"/temporal/entities/{BUS}?lastN=999999999999",
]


@at_the_door
async def test_corpus_of_paths_and_parameters(c: Client) -> None:
    await c("POST", "/entities", vehicle(speed=1, name={"languageMap": {"en": "x"}}))
    for path in PATHS:
        for method in ("GET", "DELETE"):
            if method == "GET" or "?" not in path:
                is_clear(await c(method, path))


@at_the_door
async def test_corpus_of_headers(c: Client) -> None:
    await c("POST", "/entities", vehicle())
    for name, value in [
        ("accept", ";;;===,,,"),
        ("accept", "a/b;q=" + "9" * 400),
        ("link", "<" * 5000),
        ("link", '<>; rel="http://www.w3.org/ns/json-ld#context"'),
        ("link", '<not a url>; rel="http://www.w3.org/ns/json-ld#context"'),
        ("link", '<gopher://x/>; rel="http://www.w3.org/ns/json-ld#context"'),
        ("link", '<http://127.0.0.1:9/x>; rel="http://www.w3.org/ns/json-ld#context"'),
        ("ngsild_tenant", "a b"),
        ("ngsild_tenant", "x" * 5000),
        ("prefer", "body=nonsense"),
        ("content_length", "-5"),
        ("content_length", "1e9"),
        ("content_length", "99999999999"),
    ]:
        is_clear(await c("GET", f"/entities/{BUS}", **{name: value}))
        is_clear(await c("DELETE", "/entities/urn:x:none", **{name: value}))


def test_a_body_above_the_limit_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_client(tmp_path, max_body=1000) as c:
            assert (await c("POST", "/entities", raw=b"x" * 2000)).status == 413

    asyncio.run(run())


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.one_of(
            st.text(max_size=5),
            st.sampled_from(["id", "type", "value", "object", "speed", "location", "q", "entities", "geoQ", "attrs"]),
        ),
        inner,
        max_size=5,
    ),
    max_leaves=15,
)  # fmt: skip
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "type", "q", "id", "idPattern", "attrs", "pick", "omit", "options", "format", "lang", "limit", "offset",
            "count", "scopeQ", "georel", "geometry", "coordinates", "at", "datasetId", "timerel", "timeAt", "lastN",
            "aggrMethods", "aggrPeriodDuration", "local", "orderBy", "collation", "orderFrom", "join", "joinLevel",
        ]
    ),
    st.one_of(
        st.text(max_size=10),
        st.sampled_from(
            ["Vehicle", "speed", "speed>1", "true", "near;maxDistance==5", "Point", "[0,0]", "1", "before",
             "2026-01-01T00:00:00Z", "keyValues", "aggregatedValues", "avg", "PT1H", "/a/#", "((", "%", "%zz", "+"]
        ),
    ),
    max_size=5,
)  # fmt: skip


def test_random_requests_never_make_a_server_error() -> None:
    """One door for all examples: what one left behind must not trip the next."""
    loop = asyncio.new_event_loop()
    manager: Any = None
    with tempfile.TemporaryDirectory() as directory:
        manager = open_client(Path(directory))
        c: Client = loop.run_until_complete(manager.__aenter__())
        loop.run_until_complete(c("POST", "/entities", vehicle(speed=1)))

        @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(
            st.sampled_from(TARGETS), JUNK, st.sampled_from(KINDS), st.booleans(), PARAMETERS,
            st.sampled_from(["/entities", f"/entities/{BUS}", "/temporal/entities", f"/temporal/entities/{BUS}", "/types"]),
        )  # fmt: skip
        def law(
            target: tuple[str, str], body: Any, kind: str, whole: bool, given_: dict[str, str], path: str
        ) -> None:
            if whole and isinstance(body, dict):
                body = {**body, "id": "urn:x:1", "type": "T"}
            try:
                raw = orjson.dumps(body)
            except TypeError:
                raw = b"{}"  # a text or a number that JSON cannot hold
            is_clear(loop.run_until_complete(c(*target, raw=raw, kind=kind)))
            query = "&".join(f"{name}={value}" for name, value in given_.items() if value.isascii())
            is_clear(
                loop.run_until_complete(c("GET", f"{path}?{query}".replace("#", "%23").replace(" ", "%20")))
            )

        try:
            law()
        finally:
            loop.run_until_complete(manager.__aexit__(None, None, None))
            loop.close()
