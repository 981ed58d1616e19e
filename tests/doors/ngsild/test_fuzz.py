"""Fuzzing by mutation: what is nearly right reaches deeper into a parser than noise does.

Each seed is a right value of its grammar (CIM 009 §4.9-4.11, §4.15, §4.17, §4.19, §4.21, §4.23). Cut, doubled and
spliced anywhere it must still be answered, by its page or by a clear problem, never by a server error.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andaman.doors.ngsild.openapi import openapi
from tests.doors.ngsild.client import BUS, Client, open_whole_client, vehicle
from tests.doors.ngsild.test_hostile import JUNK, is_clear

EXAMPLES = int(os.environ.get("ANDAMAN_FUZZ", "150"))  # more by hand: ANDAMAN_FUZZ=20000
T = TypeVar("T")
SEEDS: dict[str, list[str]] = {
    "q": [
        '((speed>50|rpm>3000);brandName=="Mercedes")',
        "temperature.observedAt>=2017-12-24T12:00:00Z",
        'address[city.name]=="Berlin";color[*]~=".*r(e|a)d"',
        'sensor{Device,Room:humidity}==40..50|!speed;a!=1,2,"x"',
        "isParked==urn:ngsi-ld:OffStreetParking:Downtown1",
        "t>=10:30:00;d<2026-01-01;f==true;modifiedAt>2026-01-01T00:00:00.5Z",
    ],
    "type": ["(Vehicle;Bus),Building|ngsi-ld:Room", "*", "https://example.org/A,B"],
    "scopeQ": ["/a/b/#;(/c|/d),/+/e", "/#"],
    "idPattern": ["^urn:(ngsi-ld|x):[A-Z]+:\\d{1,3}$", ".*"],
    "pick": ["id,speed|owner{name,home{city}}"],
    "omit": ["type,scope,owner{name}"],
    "attrs": ["speed,name,https://example.org/x"],
    "orderBy": ["speed;desc,address[city],location;dist-asc,name.observedAt", "id;asc"],
    "orderFrom": ["[98.3,7.9]"],
    "collation": ["th-u-co-standard"],
    "georel": ["near;maxDistance==2000", "within", "near;minDistance==1e3"],
    "geometry": ["Point", "Polygon", "MultiLineString"],
    "coordinates": ["[98.3,7.9]", "[[[98,7],[99,7],[99,8],[98,7]]]", "[[[0,0],[1,1]],[[2,2],[3,3]]]"],
    "lang": ["th,en;q=0.8,*;q=0.1", "zh-Hans-CN"],
    "datasetId": ["@none,urn:d:1"],
    "options": ["keyValues,sysAttrs", "concise,count", "temporalValues"],
    "expandValues": ["speed,category"],
    "csf": ['sourceType=="simulator"'],
    "at": ["2026-11-22T07:32:00Z"],
    "timerel": ["before", "between"],
    "timeAt": ["2026-11-22T07:32:00.123456Z"],
    "endTimeAt": ["2027-11-22T07:32:00Z"],
    "timeproperty": ["modifiedAt"],
    "lastN": ["10"],
    "aggrMethods": ["avg,max,totalCount"],
    "aggrPeriodDuration": ["P1Y2M3DT4H5M6S", "PT15M"],
    "limit": ["10"],
    "offset": ["0"],
    "joinLevel": ["2"],
    "keep": ["speed,scope"],
    "entityMapLifetime": ["PT10M"],
}
PATHS = [
    ("GET", "/entities", {"type": "Vehicle"}),
    ("GET", "/temporal/entities", {"type": "Vehicle", "timerel": "before", "timeAt": "2030-01-01T00:00:00Z"}),
    ("GET", "/csourceRegistrations", {"type": "Vehicle"}),
    ("DELETE", "/entities", {"type": "Nothing"}),
    ("GET", f"/entities/{BUS}", {}),
    ("GET", f"/temporal/entities/{BUS}", {"options": "aggregatedValues", "aggrMethods": "avg"}),
]
HEADERS = {
    "Link": '<https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld>; rel="http://www.w3.org/ns/json-ld#context"',
    "Accept": "application/ld+json;q=0.9, application/geo+json, */*;q=0.1",
    "Prefer": 'respond-async, ngsi-ld="1.5"; a=b',
    "NGSILD_Tenant": "bangkok_1",
    "Via": "1.1 andaman-1, 2.0 other",
    "NGSILD_Snapshot": "urn:ngsi-ld:Snapshot:1",
    "NGSILD_EntityMap": "/ngsi-ld/v1/entityMaps/urn:ngsi-ld:EntityMap:1",
}
SUBSCRIPTION = {
    "type": "Subscription",
    "entities": [{"type": "Vehicle", "idPattern": ".*"}],
    "watchedAttributes": ["speed"],
    "q": "speed>5",
    "geoQ": {"georel": "near;maxDistance==9", "geometry": "Point", "coordinates": [98.3, 7.9]},
    "scopeQ": "/a/#",
    "expiresAt": "2099-01-01T00:00:00Z",
    "throttling": 5,
    "notification": {
        "attributes": ["speed"],
        "format": "concise",
        "endpoint": {
            "uri": "http://127.0.0.1:9/n",
            "accept": "application/json",
            "receiverInfo": [{"key": "a", "value": "b"}],
        },
    },
}
REGISTRATION = {
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"id": "urn:x:1", "type": "Room"}], "propertyNames": ["speed"]}],
    "endpoint": "http://127.0.0.1:9",
    "mode": "auxiliary",
    "operations": ["retrieveEntity", "federationOps"],
    "contextSourceInfo": [{"key": "a", "value": "b"}],
    "location": {"type": "Point", "coordinates": [98.3, 7.9]},
    "observationInterval": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2027-01-01T00:00:00Z"},
}
ENTITY = vehicle(
    2,
    scope=["/a/b"],
    speed=[
        {"type": "Property", "value": 1, "datasetId": "urn:d:1", "unitCode": "KMH", "accuracy": {"value": 1}}
    ],
    name={"type": "LanguageProperty", "languageMap": {"th": "ก", "en": "a"}},
    owner={"type": "Relationship", "object": ["urn:a:1", "urn:a:2"], "objectType": "Person"},
    parts={"type": "ListRelationship", "objectList": [{"object": "urn:a:1"}]},
    state={"type": "VocabProperty", "vocab": ["on"], "expiresAt": "2099-01-01T00:00:00Z"},
    location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3, 7.9]}},
    raw={"type": "JsonProperty", "json": {"a": None}},
)
QUERY = {
    "type": "Query",
    "entities": [{"type": "Vehicle", "id": BUS}, {"idPattern": ".*"}],
    "attrs": ["speed"],
    "q": "speed>0",
    "geoQ": SUBSCRIPTION["geoQ"],
    "scopeQ": "/a",
    "temporalQ": {"timerel": "before", "timeAt": "2030-01-01T00:00:00Z"},
    "ordering": {"orderBy": ["speed"]},
}
TOLD = {**ENTITY, "speed": [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}]}
FRAGMENT = {name: value for name, value in ENTITY.items() if name not in ("id", "type")}
SNAPSHOT = {
    "type": "Snapshot",
    "snapshotQueries": [{"type": "Query", "entities": [{"type": "Vehicle"}]}],
    "snapshotLifetime": "PT1H",
}
BY_MQTT = {
    "uri": "mqtts://user:secret@127.0.0.1:9/topic/a",
    "notifierInfo": [{"key": "MQTT-Version", "value": "mqtt5.0"}],
}
INSTANCE = f"/temporal/entities/{BUS}/attrs/speed/urn:ngsi-ld:Instance:0123456789abcdef"
BODIES = [
    ("POST", "/subscriptions", SUBSCRIPTION),
    ("POST", "/subscriptions", {**SUBSCRIPTION, "notification": {"format": "simplified", "endpoint": BY_MQTT}}),
    ("POST", "/csourceSubscriptions", {**SUBSCRIPTION, "watchedAttributes": ["speed"]}),
    ("POST", "/csourceRegistrations", REGISTRATION),
    ("POST", "/entities", ENTITY),
    ("PUT", f"/entities/{BUS}", {**ENTITY, "id": BUS}),
    ("PATCH", f"/entities/{BUS}", FRAGMENT),
    ("PATCH", f"/entities/{BUS}?format=simplified&lang=th", {"speed": 5, "name": "x", "raw": {"a": [1, None]}}),
    ("POST", f"/entities/{BUS}/attrs", FRAGMENT),
    ("PATCH", f"/entities/{BUS}/attrs", FRAGMENT),
    ("PATCH", f"/entities/{BUS}/attrs/speed", {"value": 1, "observedAt": "2026-01-01T00:00:00Z", "sub": {"value": 2}}),
    ("PUT", f"/entities/{BUS}/attrs/speed", {"type": "Relationship", "object": "urn:x:1", "objectType": "Bus"}),
    *(("POST", f"/entityOperations/{name}", [ENTITY, vehicle(1, speed=2)]) for name in ("create", "upsert", "update", "merge")),
    ("POST", "/entityOperations/delete", ["urn:x:1", "urn:x:2"]),
    ("POST", "/temporal/entities", TOLD),
    ("POST", f"/temporal/entities/{BUS}/attrs", {name: TOLD[name] for name in ("speed", "name", "state")}),
    ("PATCH", INSTANCE, {"speed": [{"type": "Property", "value": 1, "observedAt": "2026-01-01T00:00:00Z"}]}),
    ("POST", "/entityOperations/query", {name: part for name, part in QUERY.items() if name != "temporalQ"}),
    ("POST", "/temporal/entityOperations/query", QUERY),
    ("POST", "/temporal/entityOperations/query", {**QUERY, "aggrParams": {"aggrMethods": ["avg"], "aggrPeriodDuration": "PT1H"}}),
    ("POST", "/jsonldContexts", {"@context": [{"a": "http://x.org/a", "b": {"@id": "a:b", "@type": "@vocab"}}, None]}),
    ("POST", "/snapshots", SNAPSHOT),
    ("PATCH", "/snapshots/urn:x:1", {"snapshotPriority": 5, "snapshotLifetime": "PT2H"}),
    ("POST", "/snapshots/urn:x:1/clone", {"id": "urn:x:2", "type": "Snapshot"}),
    ("PATCH", "/entityMaps/urn:x:1", {"expiresAt": "2099-01-01T00:00:00Z"}),
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seeds: list[str]) -> str:
    """A seed with up to three cuts, doublings, insertions or splices."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 8)))
        text = draw(
            st.sampled_from(
                [
                    text[:at] + text[end:],
                    text[:end] + text[at:end] * 3 + text[end:],
                    text[:at]
                    + draw(st.text(st.sampled_from(';|,.()[]{}"=<>!~*+/#\\0e-: กTZ%'), max_size=3))
                    + text[at:],
                    text[:at] + draw(st.sampled_from(seeds))[-8:],
                    draw(st.sampled_from(seeds))[:at] + text[end:],
                ]
            )
        )
    return text


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with one part, at any depth, replaced by something else, taken away or renamed."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: part for key, part in value.items() if key != name}
        how = draw(st.integers(0, 9))
        if how == 0:
            return rest
        if how == 1:
            return {
                **rest,
                draw(st.sampled_from(["type", "value", "object", "@id", "", "q", "id"])): value[name],
            }
        return {**rest, name: draw(spoilt(value[name]))}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(spoilt(value[at])), *value[at + draw(st.integers(0, 1)) :]]
    if isinstance(value, str) and draw(st.booleans()):
        return draw(mutated([value]))
    return draw(JUNK)


class Loop:
    """One door for all examples."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._manager = open_whole_client(directory)
        self.client: Client = self.run(self._manager.__aenter__())
        self.run(self.client("POST", "/entities", vehicle(speed=1, name="a")))

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self._manager.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Loop]:
    with tempfile.TemporaryDirectory() as directory:
        opened = Loop(Path(directory))
        yield opened
        opened.close()


fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@fuzz
@given(data=st.data())
def test_parameters_that_are_nearly_right(data: st.DataObject, door: Loop) -> None:
    method, path, base = data.draw(st.sampled_from(PATHS))
    names = data.draw(st.lists(st.sampled_from(sorted(SEEDS)), min_size=1, max_size=4, unique=True))
    given_ = {**base, **{name: data.draw(mutated(SEEDS[name])) for name in names}}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in given_.items())
    is_clear(door.run(door.client(method, f"{path}?{query}")))


@fuzz
@given(data=st.data())
def test_headers_that_are_nearly_right(data: st.DataObject, door: Loop) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(HEADERS)), min_size=1, max_size=3, unique=True))
    headers = {name: data.draw(mutated([HEADERS[name]])).replace("ก", "k") for name in names}
    is_clear(door.run(door.client("GET", "/entities?type=Vehicle", **headers)))


def test_every_operation_with_a_body_is_fuzzed() -> None:
    """What the description says takes a body is among the seeds (a change of what is managed follows its creation)."""
    seeded = {(method, path.partition("?")[0]) for method, path, _ in BODIES}
    seeded |= {
        ("PATCH", f"/{name}/urn:x:1")
        for name in ("subscriptions", "csourceSubscriptions", "csourceRegistrations")
    }
    names = {"entityId": BUS, "attrId": "speed", "instanceId": INSTANCE.rpartition("/")[2]}
    described = {
        (method.upper(), re.sub(r"\{(\w+)\}", lambda name: names.get(name[1], "urn:x:1"), path))
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    assert described <= seeded


@fuzz
@given(data=st.data())
def test_bodies_that_are_nearly_right(data: st.DataObject, door: Loop) -> None:
    method, path, whole = data.draw(st.sampled_from(BODIES))
    body = data.draw(spoilt(whole))
    try:
        raw = orjson.dumps(body)
    except TypeError:
        return  # a text or a number that JSON cannot hold
    if method != "POST":
        door.run(door.client("POST", "/entities", vehicle(speed=1)))  # or there is nothing to change
    got = door.run(door.client(method, path, raw=raw))
    is_clear(got)
    if got.status == 201 and "ntit" not in path:  # what was taken can be read, shown and taken away again
        place = {name.lower(): value for name, value in got.headers.items()}["location"].removeprefix(
            "/ngsi-ld/v1"
        )
        is_clear(door.run(door.client("GET", place)))
        is_clear(door.run(door.client("PATCH", place, body)))
        assert door.run(door.client("DELETE", place)).status in (204, 404)


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/entityOperations/query", {"type": "Query", "q": "a", "ordering": {"orderBy": 1}}, {}),
        (
            "/subscriptions",
            {**SUBSCRIPTION, "notification": {"endpoint": {"uri": "http://a.b/"}, "format": []}},
            {},
        ),
        ("/csourceRegistrations", {**REGISTRATION, "mode": []}, {}),
        ("/entities", ENTITY, {"Link": '<http://x.org/a>; rel=""'}),
    ],
)
def test_what_the_fuzzer_found_once(
    path: str, body: dict[str, Any], headers: dict[str, str], door: Loop
) -> None:
    is_clear(door.run(door.client("POST", path, body, **headers)))
