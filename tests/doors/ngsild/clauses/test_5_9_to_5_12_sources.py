"""CIM 009 V1.9.1 §5.9–§5.12, §4.3.6, §4.20: context source registrations, their discovery, subscriptions on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

PATH = "/csourceRegistrations"
WATCH = "/csourceSubscriptions"
ROOM = "urn:ngsi-ld:Room:1"


def registration(**members: Any) -> dict[str, Any]:
    body = {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Room"}], "propertyNames": ["temperature"]}],
        "endpoint": "http://127.0.0.1:9/broker",
        **members,
    }
    return {name: value for name, value in body.items() if value is not ...}


EXACT = [{"entities": [{"id": ROOM, "type": "Room"}], "propertyNames": ["temperature"]}]
BAD: dict[str, tuple[dict[str, Any], str | None]] = {
    "no type": ({"type": ...}, "type"),
    "another type": ({"type": "Subscription"}, "type"),
    "an id that is no URI": ({"id": "x"}, "id"),
    "no information": ({"information": ...}, "information"),
    "empty information": ({"information": []}, "information"),
    "information of nothing": ({"information": [{}]}, "information"),
    "empty entities": ({"information": [{"entities": []}]}, "information.entities"),
    "an entity id that is no URI": ({"information": [{"entities": [{"id": "x", "type": "Room"}]}]}, "information.entities.id"),
    "a bad idPattern": ({"information": [{"entities": [{"idPattern": "(", "type": "Room"}]}]}, "information.entities.idPattern"),
    "property names that are no list": ({"information": [{"propertyNames": "a"}]}, "information.propertyNames"),
    "no endpoint": ({"endpoint": ...}, "endpoint"),
    "an endpoint that is no URI": ({"endpoint": "x"}, "endpoint"),
    "an endpoint by ftp": ({"endpoint": "ftp://x.org/"}, "endpoint"),
    "an unknown mode": ({"mode": "shared"}, "mode"),
    "an unknown operation": ({"operations": ["fly"]}, "operations"),
    "an auxiliary source that writes": ({"mode": "auxiliary", "operations": ["createEntity"]}, "operations"),
    "an exclusive source without ids": ({"mode": "exclusive"}, "information.entities"),
    "an exclusive source without attributes": ({"mode": "exclusive", "information": [{"entities": [{"id": ROOM, "type": "Room"}]}]}, "information"),
    "expiresAt in the past": ({"expiresAt": "2000-01-01T00:00:00Z"}, "expiresAt"),
    "an interval that ends before it begins": (
        {"observationInterval": {"startAt": "2026-01-02T00:00:00Z", "endAt": "2026-01-01T00:00:00Z"}},
        "observationInterval",
    ),
    "a location that is no geometry": ({"location": {"type": "Point"}}, None),
    "a tenant that is none": ({"tenant": "a b"}, "tenant"),
    "contextSourceInfo that is no list": ({"contextSourceInfo": {"a": 1}}, "contextSourceInfo"),
    "a header that smuggles another": ({"contextSourceInfo": [{"key": "a", "value": "b\r\nc: d"}]}, "contextSourceInfo"),
    "an alias with blanks": ({"contextSourceAlias": "a b"}, "contextSourceAlias"),
    "a timeout of 0": ({"management": {"timeout": 0}}, "management.timeout"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_5_9_2_4_what_is_no_registration_is_bad_request_data(c: Tenant, name: str) -> None:
    """§5.9.2.4, §5.2.9: refused by the name of what is wrong; nothing is kept; the same as a change (§5.9.3.4)."""
    members, field = BAD[name]
    got = c("POST", PATH, registration(**members))
    assert error(got) == "BadRequestData", got.body
    assert field is None or got.json.get("field") == field, got.json
    assert c.json(f"{PATH}?type=Room") == []
    change = {key: value for key, value in members.items() if value is not ... and key not in ("id", "type")}
    if change:
        path = c.made(PATH, registration())
        before = c.json(path)
        assert error(c("PATCH", path, change)) == "BadRequestData"
        assert c.json(path) == before


def test_5_9_2_register_and_5_10_1_retrieve(c: Tenant) -> None:
    """§5.9.2.4, §5.10.1.4: 201 with Location; what was given is what is shown, and the defaults; AlreadyExists."""
    body = registration(
        id="urn:x:reg",
        registrationName="rooms",
        description="all rooms",
        information=[
            *EXACT,
            {"entities": [{"idPattern": "Hall", "type": ["Hall", "Room"]}], "relationshipNames": ["in"]},
        ],
        location={"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        observationInterval={"startAt": "2026-01-01T00:00:00Z"},
        expiresAt="2099-01-01T00:00:00Z",
        contextSourceInfo=[{"key": "X-Key", "value": "v"}],
        management={"timeout": 500, "localOnly": True},
        mode="redirect",
        operations=["retrieveEntity", "federationOps"],
        scope="/a",
        vendor="acme",
    )
    assert c.made(PATH, body) == f"{PATH}/urn:x:reg"
    shown = c.json(f"{PATH}/urn:x:reg")
    for name, value in body.items():
        assert shown[name] == value, name
    assert "createdAt" not in shown
    assert c.json(f"{PATH}/urn:x:reg?options=sysAttrs")["createdAt"]
    assert error(c("POST", PATH, registration(id="urn:x:reg"))) == "AlreadyExists"
    plain = c.json(c.made(PATH, registration(information=[{"entities": [{"type": "Other"}]}])))
    assert (plain["mode"], plain["operations"]) == ("inclusive", ["federationOps"])
    assert error(c("GET", f"{PATH}/urn:x:none")) == "ResourceNotFound"
    assert error(c("GET", f"{PATH}/x")) == "BadRequestData"


def test_4_3_6_3_an_exclusive_registration_stands_alone(c: Tenant) -> None:
    """§4.3.6.3, §5.9.2.4: another that covers the same attribute of the same entity is a Conflict, as is local data."""
    path = c.made(PATH, registration(mode="exclusive", information=EXACT))
    assert error(c("POST", PATH, registration(mode="exclusive", information=EXACT))) in (
        "Conflict",
        "AlreadyExists",
    )
    other = [{"entities": [{"id": ROOM, "type": "Room"}], "propertyNames": ["humidity"]}]
    assert c("POST", PATH, registration(mode="exclusive", information=other)).status == 201
    assert c("DELETE", path).status == 204
    assert c("POST", PATH, registration(mode="exclusive", information=EXACT)).status == 201


def test_5_9_3_update_and_5_9_4_delete(c: Tenant) -> None:
    """§5.9.3.4, §5.9.4.4: given members replace, null removes; ResourceNotFound; deleted is gone and may come again."""
    path = c.made(PATH, registration(id="urn:x:reg", description="x", vendor="acme"))
    assert (
        c("PATCH", path, {"description": "urn:ngsi-ld:null", "vendor": "other", "information": EXACT}).status
        == 204
    )
    shown = c.json(path)
    assert "description" not in shown
    assert (shown["vendor"], shown["information"]) == ("other", EXACT)
    for bad in ({}, {"id": "urn:x:b"}, {"information": "urn:ngsi-ld:null"}, {"endpoint": "urn:ngsi-ld:null"}):
        assert error(c("PATCH", path, bad)) == "BadRequestData", bad
    assert error(c("PATCH", f"{PATH}/urn:x:none", {"vendor": "x"})) == "ResourceNotFound"
    assert c("DELETE", path).status == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"vendor": "x"})):
        assert error(c(method, path, body)) == "ResourceNotFound"
    assert error(c("DELETE", f"{PATH}/x")) == "BadRequestData"
    assert c.made(PATH, registration(id="urn:x:reg")) == path


SOURCES: dict[str, dict[str, Any]] = {
    "a": {"information": [{"entities": [{"type": "Room"}], "propertyNames": ["temperature"]}]},
    "b": {"information": [{"entities": [{"id": ROOM, "type": "Room"}], "relationshipNames": ["in"]}]},
    "c": {"information": [{"entities": [{"idPattern": "Hall", "type": "Hall"}]}], "scope": "/x/y"},
    "d": {"information": [{"propertyNames": ["humidity"]}], "vendor": "acme"},
    "e": {
        "information": [{"entities": [{"type": ["Room", "Hall"]}]}],
        "location": {"type": "Point", "coordinates": [98.3, 7.9]},
    },
    "f": {
        "information": [{"entities": [{"type": "Room"}]}],
        "observationInterval": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-06-01T00:00:00Z"},
    },
}
NEAR = "georel=near;maxDistance==1000&geometry=Point&coordinates=[98.3,7.9]"
DISCOVERY: list[tuple[str, str]] = [
    ("type=Room", "abde"),
    ("type=Hall", "cde"),
    ("type=Room,Hall", "abcde"),
    ("type=Room&attrs=temperature", "ae"),
    ("type=Room&attrs=in", "be"),
    ("type=Room&attrs=humidity", "de"),
    ("attrs=humidity", "cde"),
    ("type=Room&id=urn:ngsi-ld:Room:2", "ade"),
    (f"type=Room&id={ROOM}", "abde"),
    ("type=Hall&id=urn:ngsi-ld:Hall:1", "cde"),
    ("type=Hall&id=urn:x:other", "de"),
    ("type=Room&q=temperature>5", "ae"),
    ("type=Room&csf=vendor==%22acme%22", "d"),
    ("type=Hall&scopeQ=/x/%23", "c"),
    ("type=Plane", "d"),
    ("type=Room&timerel=before&timeAt=2025-01-01T00:00:00Z&timeproperty=observedAt", ""),
    ("type=Room&timerel=after&timeAt=2026-03-01T00:00:00Z&timeproperty=observedAt", "f"),
    ("type=Room&limit=1&offset=1", "b"),
]


@pytest.fixture(scope="module")
def sources(_door: Any) -> Tenant:
    tenant = Tenant(*_door)
    for name, members in SOURCES.items():
        tenant.made(PATH, registration(id=f"urn:x:{name}", **members))
    return tenant


@pytest.mark.parametrize(("query", "wanted"), DISCOVERY)
def test_5_10_2_query_and_5_12_matching(sources: Tenant, query: str, wanted: str) -> None:
    """§5.10.2.4, §5.12: what a registration says of entities, attributes, place, time, scope and itself is matched; what it
    does not say is no hindrance; what only has the past is found by temporal queries only, and nothing else is by those."""
    found = "".join(one["id"][-1] for one in sources.json(f"{PATH}?{query}"))
    assert found == wanted


def test_5_10_2_query_by_place_and_count(sources: Tenant) -> None:
    """§5.10.2.4, §4.13: by location only those that have one and match; count; too wide is BadRequestData."""
    assert [one["id"] for one in sources.json(f"{PATH}?type=Room&{NEAR}")] == ["urn:x:e"]
    got = sources("GET", f"{PATH}?type=Room&limit=1&count=true")
    assert got.headers["ngsild-results-count"] == "4"
    assert 'rel="next"' in got.headers["link"]
    for bad in (
        "",
        "limit=5",
        "type=((",
        "type=Room&q=((",
        "type=Room&id=x",
        "type=Room&limit=0",
        "type=Room&timerel=x",
    ):
        assert error(sources("GET", f"{PATH}?{bad}")) == "BadRequestData", bad


def watching(c: Tenant | None = None, **members: Any) -> dict[str, Any]:
    uri = "http://127.0.0.1:9/n" if c is None else c.receiver.uri
    body = {
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": uri}},
        **members,
    }
    return {name: value for name, value in body.items() if value is not ...}


def test_5_11_2_to_5_11_6_subscriptions_on_registrations(c: Tenant) -> None:
    """§5.11.2–5.11.6: create, update, retrieve, query and delete, each with its refusals."""
    path = c.made(WATCH, watching(id="urn:x:w", description="x"))
    assert path == f"{WATCH}/urn:x:w"
    shown = c.json(path)
    assert (shown["type"], shown["status"], shown["entities"]) == (
        "Subscription",
        "active",
        [{"type": "Room"}],
    )
    assert error(c("POST", WATCH, watching(id="urn:x:w"))) == "AlreadyExists"
    for bad in (
        {"type": ...},
        {"entities": []},
        {"notification": ...},
        {"expiresAt": "2000-01-01T00:00:00Z"},
        {"q": "(("},
        {"id": "x"},
    ):
        assert error(c("POST", WATCH, watching(**bad))) == "BadRequestData", bad
    assert c("PATCH", path, {"description": "urn:ngsi-ld:null", "isActive": False}).status == 204
    shown = c.json(path)
    assert ("description" in shown, shown["status"]) == (False, "paused")
    assert error(c("PATCH", path, {"q": "(("})) == "BadRequestData"
    assert [one["id"] for one in c.json(f"{WATCH}?limit=5")] == ["urn:x:w"]
    assert c("GET", f"{WATCH}?count=true").headers["ngsild-results-count"] == "1"
    assert c("DELETE", path).status == 204
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"description": "x"})):
        assert error(c(method, path, body)) == "ResourceNotFound"
        assert error(c(method, f"{WATCH}/x", body)) == "BadRequestData"


def test_5_11_7_notifications_about_registrations(c: Tenant) -> None:
    """§5.11.7, §5.3.2: all that match at first, then each that newly matches, changes, or matches no more, with the reason;
    what does not concern is not told."""
    c.made(PATH, registration(id="urn:x:one"))
    c.made(WATCH, watching(c))
    (first,) = c.told(1)
    assert (first["type"], first["triggerReason"]) == ("ContextSourceNotification", "newlyMatching")
    assert [one["id"] for one in first["data"]] == ["urn:x:one"]
    c.made(PATH, registration(id="urn:x:other", information=[{"entities": [{"type": "Plane"}]}]))
    two = c.made(PATH, registration(id="urn:x:two"))
    assert c.told(2)[1]["data"][0]["id"] == "urn:x:two"
    c("PATCH", two, {"description": "changed"})
    assert (c.told(3)[2]["triggerReason"], c.told(3)[2]["data"][0]["id"]) == ("updated", "urn:x:two")
    c("DELETE", two)
    assert (c.told(4)[3]["triggerReason"], c.told(4)[3]["data"][0]["id"]) == ("noLongerMatching", "urn:x:two")
