"""CIM 009 V1.9.1 §5.8, §5.2.12–5.2.15, §5.3.1: subscriptions and what they notify of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

CAR = "urn:ngsi-ld:Car:1"
PATH = "/subscriptions"


def subscription(
    c: Tenant | None = None, notification: Any = None, endpoint: Any = None, **members: Any
) -> dict[str, Any]:
    uri = "http://127.0.0.1:9/n" if c is None else c.receiver.uri
    body = {
        "type": "Subscription",
        **({} if "watchedAttributes" in members else {"entities": [{"type": "Car"}]}),
        **members,
        "notification": {**(notification or {}), "endpoint": {"uri": uri, **(endpoint or {})}},
    }
    return {name: value for name, value in body.items() if value is not ...}


def car(c: Tenant, number: int = 1, **attrs: Any) -> None:
    body = {"id": f"urn:ngsi-ld:Car:{number}", "type": "Car", **attrs}
    assert c("POST", "/entityOperations/upsert?options=update", [body]).status in (201, 204)


def p(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


# What is no subscription: (members, field).
BAD: dict[str, tuple[Any, str | None]] = {
    "no type": ({"type": ...}, "type"),
    "another type": ({"type": "Car"}, "type"),
    "an id that is no URI": ({"id": "x"}, "id"),
    "neither entities nor watchedAttributes": ({"entities": ...}, None),
    "no entities": ({"entities": []}, "entities"),
    "a selector without type": ({"entities": [{"id": CAR}]}, "entities"),
    "a selector with an id that is no URI": ({"entities": [{"type": "Car", "id": "x"}]}, "entities.id"),
    "a selector with a bad pattern": ({"entities": [{"type": "Car", "idPattern": "("}]}, "entities.idPattern"),
    "no watchedAttributes": ({"watchedAttributes": []}, "watchedAttributes"),
    "timeInterval with watchedAttributes": ({"timeInterval": 5, "watchedAttributes": ["a"]}, None),
    "timeInterval with throttling": ({"timeInterval": 5, "throttling": 5}, None),
    "timeInterval of 0": ({"timeInterval": 0}, "timeInterval"),
    "a negative timeInterval": ({"timeInterval": -5}, "timeInterval"),
    "throttling that is no number": ({"throttling": "x"}, "throttling"),
    "a broken q": ({"q": "a=="}, "q"),
    "a broken scopeQ": ({"scopeQ": "//"}, "scopeQ"),
    "a broken geoQ": ({"geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, None),
    "geoQ without geometry": ({"geoQ": {"georel": "within", "coordinates": [1, 2]}}, "geoQ.geometry"),
    "an unknown trigger": ({"notificationTrigger": ["entityMoved"]}, "notificationTrigger"),
    "no trigger": ({"notificationTrigger": []}, "notificationTrigger"),
    "expiresAt in the past": ({"expiresAt": "2000-01-01T00:00:00Z"}, "expiresAt"),
    "expiresAt that is no time": ({"expiresAt": "soon"}, "expiresAt"),
    "isActive that is no truth value": ({"isActive": "yes"}, "isActive"),
    "a bad lang": ({"lang": "!"}, "lang"),
    "no notification": ({"notification": ...}, "notification"),
    "no endpoint": ({"notification": {}}, "notification.endpoint"),
    "an endpoint without uri": ({"notification": {"endpoint": {}}}, None),
    "an endpoint that is no URI": ({"notification": {"endpoint": {"uri": "x"}}}, None),
    "an endpoint by ftp": ({"notification": {"endpoint": {"uri": "ftp://x.org/"}}}, None),
    "an unknown accept": ({"notification": {"endpoint": {"uri": "http://127.0.0.1:9/", "accept": "text/html"}}}, None),
    "a timeout of 0": ({"notification": {"endpoint": {"uri": "http://127.0.0.1:9/", "timeout": 0}}}, None),
    "receiverInfo that is no list of pairs": ({"notification": {"endpoint": {"uri": "http://127.0.0.1:9/", "receiverInfo": {"a": 1}}}}, None),
    "an unknown format": ({"notification": {"format": "xml", "endpoint": {"uri": "http://127.0.0.1:9/"}}}, "notification.format"),
    "no attributes": ({"notification": {"attributes": [], "endpoint": {"uri": "http://127.0.0.1:9/"}}}, "notification.attributes"),
    "pick beside attributes": ({"notification": {"attributes": ["a"], "pick": ["a"], "endpoint": {"uri": "http://127.0.0.1:9/"}}}, None),
    "null": ({"q": None}, "q"),
    "jsonldContext that is no URI": ({"jsonldContext": "x"}, "jsonldContext"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_5_8_1_4_what_is_no_subscription_is_bad_request_data(c: Tenant, name: str) -> None:
    """§5.8.1.4, §5.2.12–5.2.15: refused by the name of what is wrong, and nothing is kept."""
    members, field = BAD[name]
    body = {key: value for key, value in {**subscription(), **members}.items() if value is not ...}
    got = c("POST", PATH, body)
    assert error(got) == "BadRequestData", got.body
    assert field is None or got.json.get("field") == field, got.json
    assert c.json(PATH) == []
    # the same as a change (§5.8.2.4) leaves what is there as it was
    path = c.made(PATH, subscription())
    before = c.json(path)
    change = {key: value for key, value in members.items() if value is not ... and key not in ("id", "type")}
    if change and name not in ("null", "timeInterval with watchedAttributes"):
        assert error(c("PATCH", path, change)) == "BadRequestData"
        assert c.json(path) == before


def test_5_8_1_create_and_5_8_3_retrieve(c: Tenant) -> None:
    """§5.8.1.4, §5.8.3.4, §6.10.3.1: 201 with Location; what was given is what is shown; AlreadyExists; defaults."""
    body = subscription(
        id="urn:x:sub",
        subscriptionName="speeders",
        description="too fast",
        entities=[{"type": "Car", "idPattern": "Car"}, {"type": "(Bus,Van)", "id": "urn:x:1"}],
        watchedAttributes=["speed"],
        q="speed>50",
        geoQ={"georel": "near;maxDistance==9", "geometry": "Point", "coordinates": [98.3, 7.9]},
        scopeQ="/a/#",
        expiresAt="2099-01-01T00:00:00Z",
        throttling=5,
        lang="th",
        notificationTrigger=["attributeUpdated", "entityDeleted"],
        notification={
            "attributes": ["speed", "name"],
            "format": "keyValues",
            "sysAttrs": True,
            "showChanges": False,
        },
        endpoint={
            "accept": "application/json",
            "receiverInfo": [{"key": "a", "value": "b"}],
            "timeout": 1000,
        },
    )
    assert c.made(PATH, body) == f"{PATH}/urn:x:sub"
    shown = c.json(f"{PATH}/urn:x:sub")
    assert shown["status"] == "active"
    assert shown["notification"].pop("timesSent", 0) == 0
    shown["notification"] = {name: shown["notification"][name] for name in body["notification"]}
    for name in body:
        assert shown[name] == body[name], name
    assert "createdAt" not in shown
    assert c.json(f"{PATH}/urn:x:sub?options=sysAttrs").keys() >= {"createdAt", "modifiedAt"}
    assert error(c("POST", PATH, subscription(id="urn:x:sub"))) == "AlreadyExists"
    named = c.made(PATH, subscription())
    assert named.startswith(f"{PATH}/urn:")
    assert error(c("GET", f"{PATH}/urn:x:none")) == "ResourceNotFound"
    assert error(c("GET", f"{PATH}/x")) == "BadRequestData"


def test_5_8_2_update(c: Tenant) -> None:
    """§5.8.2.4, §5.5.8: given members replace, null removes; status follows isActive; ResourceNotFound."""
    path = c.made(PATH, subscription(q="speed>5", description="x"))
    assert c("PATCH", path, {"q": "speed>9", "description": "urn:ngsi-ld:null"}).status == 204
    shown = c.json(path)
    assert shown["q"] == "speed>9"
    assert "description" not in shown
    assert c("PATCH", path, {"isActive": False}).status == 204
    assert c.json(path)["status"] == "paused"
    assert c("PATCH", path, {"isActive": True}).status == 204
    assert c.json(path)["status"] == "active"
    assert error(c("PATCH", path, {"id": "urn:x:other"})) == "BadRequestData"
    assert error(c("PATCH", path, {"notification": "urn:ngsi-ld:null"})) == "BadRequestData"
    assert error(c("PATCH", f"{PATH}/urn:x:none", {"q": "a"})) == "ResourceNotFound"
    assert error(c("PATCH", f"{PATH}/x", {"q": "a"})) == "BadRequestData"


def test_5_8_4_query_and_5_8_5_delete(c: Tenant) -> None:
    """§5.8.4.4, §5.8.5.4, §5.5.9: pages with count; deleted is gone."""
    assert c.json(PATH) == []
    paths = [c.made(PATH, subscription(id=f"urn:x:{n}")) for n in range(5)]
    assert [one["id"] for one in c.json(f"{PATH}?limit=2&offset=2")] == ["urn:x:2", "urn:x:3"]
    got = c("GET", f"{PATH}?limit=2&count=true")
    assert got.headers["ngsild-results-count"] == "5"
    assert 'rel="next"' in got.headers["link"]
    assert error(c("GET", f"{PATH}?limit=0")) == "BadRequestData"
    assert c("DELETE", paths[0]).status == 204
    assert error(c("DELETE", paths[0])) == "ResourceNotFound"
    assert error(c("DELETE", f"{PATH}/x")) == "BadRequestData"
    assert len(c.json(PATH)) == 4


# -- §5.8.6: what triggers a notification -------------------------------------------------------------------------
def test_5_3_1_the_notification(c: Tenant) -> None:
    """§5.3.1, §6.3.8: envelope, headers, tenant, receiverInfo; counters of the subscription (§5.2.14)."""
    path = c.made(PATH, subscription(c, endpoint={"receiverInfo": [{"key": "X-Secret", "value": "s"}]}))
    car(c, speed=p(5), scope="/a")
    (got,) = c.told(1)
    assert got.keys() == {"id", "type", "subscriptionId", "notifiedAt", "data"}
    assert (got["type"], f"{PATH}/{got['subscriptionId']}") == ("Notification", path)
    assert got["data"] == [{"id": CAR, "type": "Car", "scope": "/a", "speed": p(5)}]
    headers = c.receiver.headers[0]
    assert headers["content-type"] == "application/json"
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in headers["link"]
    assert (headers["ngsild-tenant"], headers["x-secret"]) == (c.tenant, "s")
    notification = c.json(path)["notification"]
    assert (notification["status"], notification["timesSent"]) == ("ok", 1)
    assert notification["lastNotification"] <= notification["lastSuccess"]


TRIGGERS: list[tuple[list[str] | None, list[str]]] = [
    (None, ["created", "added", "updated"]),
    (["entityCreated"], ["created"]),
    # the three kinds of attribute changes together, also those that come with an entity and go with it
    (["entityUpdated"], ["created", "added", "updated", "removed", "deleted"]),
    (["entityDeleted"], ["deleted"]),
    (["attributeCreated"], ["created", "added"]),
    (["attributeUpdated"], ["updated"]),
    (["attributeDeleted"], ["removed", "deleted"]),
    (["entityCreated", "entityDeleted"], ["created", "deleted"]),
]


@pytest.mark.parametrize(("triggers", "wanted"), TRIGGERS)
def test_5_2_12_triggers(c: Tenant, triggers: list[str] | None, wanted: list[str]) -> None:
    """§5.2.12 notificationTrigger: creation, attributes added, updated and removed, deletion: each tells what it says."""
    more = {} if triggers is None else {"notificationTrigger": triggers}
    c.made(PATH, subscription(c, **more))
    c.made(PATH, subscription(c, id="urn:x:end", entities=[{"type": "End"}]))
    steps = {
        "created": ("POST", "/entities", {"id": CAR, "type": "Car", "speed": p(1)}),
        "added": ("POST", f"/entities/{CAR}/attrs", {"name": p("x")}),
        "updated": ("PATCH", f"/entities/{CAR}/attrs/speed", {"value": 2}),
        "removed": ("DELETE", f"/entities/{CAR}/attrs/name", None),
        "deleted": ("DELETE", f"/entities/{CAR}", None),
    }
    for method, path, body in steps.values():
        assert c(method, path, body).status in (201, 204)
    c.made("/entities", {"id": "urn:x:1", "type": "End", "x": p(1)})
    c.loop.run_until_complete(
        c.receiver.until(lambda: any(one["subscriptionId"] == "urn:x:end" for one in c.receiver.got))
    )
    told = [one for one in c.receiver.got if one["subscriptionId"] != "urn:x:end"]
    assert len(told) == len(wanted), told
    if "deleted" in wanted:
        assert told[-1]["data"][0]["deletedAt"]


CONDITIONS: list[tuple[dict[str, Any], list[int]]] = [
    ({"entities": [{"type": "Car"}]}, [1, 2, 3]),
    ({"entities": [{"type": "Car", "id": CAR}]}, [1]),
    ({"entities": [{"type": "Car", "id": [CAR, "urn:ngsi-ld:Car:3"]}]}, [1, 3]),
    ({"entities": [{"type": "Car", "idPattern": "[23]$"}]}, [2, 3]),
    ({"entities": [{"type": "*"}], "localOnly": True}, [1, 2, 3, 4]),
    ({"entities": [{"type": "Van"}, {"type": "Car", "id": CAR}]}, [1, 4]),
    ({"watchedAttributes": ["fuel"]}, [3]),
    ({"watchedAttributes": ["fuel", "load"]}, [3, 4]),
    ({"entities": [{"type": "Car"}], "watchedAttributes": ["speed"]}, [1, 2, 3]),
    ({"q": "speed>=20"}, [2, 3]),
    ({"q": "fuel;speed>20"}, [3]),
    ({"scopeQ": "/a/#"}, [1, 2]),
    (
        {"geoQ": {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [98.31, 7.9]}},
        [1, 2],
    ),
    ({"q": "speed>=20", "scopeQ": "/a/b"}, [2]),
]


@pytest.mark.parametrize(("members", "wanted"), CONDITIONS)
def test_5_8_6_conditions(c: Tenant, members: dict[str, Any], wanted: list[int]) -> None:
    """§5.8.6, §5.2.12: entities, watchedAttributes, q, geoQ and scopeQ must hold of the entity that changed."""
    c.made(PATH, subscription(c, **members))
    c.made(PATH, subscription(c, id="urn:x:end", entities=[{"type": "End"}]))
    for n in range(1, 4):
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3 + n / 100, 7.9]}}
        extra = {"fuel": p(1)} if n == 3 else {"scope": "/a/b" if n == 2 else "/a"}
        car(c, n, speed=p(n * 10), location=place, **extra)
    c("POST", "/entities", {"id": "urn:ngsi-ld:Van:4", "type": "Van", "load": p(1)})
    c.made("/entities", {"id": "urn:x:1", "type": "End", "x": p(1)})
    c.loop.run_until_complete(
        c.receiver.until(lambda: any(one["subscriptionId"] == "urn:x:end" for one in c.receiver.got))
    )
    told = [one["data"][0]["id"] for one in c.receiver.got if one["subscriptionId"] != "urn:x:end"]
    assert sorted(int(one[-1]) for one in told if one != "urn:x:1") == wanted


FORMS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"id": CAR, "type": "Car", "speed": p(5, unitCode="KMH"), "name": {"type": "LanguageProperty", "languageMap": {"en": "a", "th": "ก"}}}),
    ({"attributes": ["speed"]}, {"id": CAR, "type": "Car", "speed": p(5, unitCode="KMH")}),
    ({"pick": ["speed"]}, {"speed": p(5, unitCode="KMH")}),
    ({"omit": ["name"]}, {"id": CAR, "type": "Car", "speed": p(5, unitCode="KMH")}),
    ({"format": "concise", "attributes": ["speed"]}, {"id": CAR, "type": "Car", "speed": {"value": 5, "unitCode": "KMH"}}),
    ({"format": "simplified", "attributes": ["speed"]}, {"id": CAR, "type": "Car", "speed": 5}),
    ({"format": "keyValues", "attributes": ["speed"]}, {"id": CAR, "type": "Car", "speed": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("notification", "wanted"), FORMS)
def test_5_2_14_forms_of_the_entity(c: Tenant, notification: dict[str, Any], wanted: dict[str, Any]) -> None:
    """§5.2.14: attributes, pick, omit and format decide what of the entity is told, and how."""
    c.made(PATH, subscription(c, notification=notification))
    car(
        c,
        speed=p(5, unitCode="KMH"),
        name={"type": "LanguageProperty", "languageMap": {"en": "a", "th": "ก"}},
    )
    assert c.told(1)[0]["data"] == [wanted]


def test_5_2_14_show_changes_and_sys_attrs(c: Tenant) -> None:
    """§5.2.14, §5.8.6: previousValue of what changed with showChanges; createdAt and modifiedAt with sysAttrs."""
    c.made(
        PATH,
        subscription(c, watchedAttributes=["speed"], notification={"showChanges": True, "sysAttrs": True}),
    )
    car(c, speed=p(1))
    car(c, speed=p(2))
    first, second = (one["data"][0] for one in c.told(2))
    assert "previousValue" not in first["speed"]
    assert (second["speed"]["value"], second["speed"]["previousValue"]) == (2, 1)
    assert second.keys() >= {"createdAt", "modifiedAt"}


def test_6_3_8_media_types_of_notifications(c: Tenant) -> None:
    """§6.3.8, §5.2.15: json with a Link, ld+json with @context inside, geo+json as a FeatureCollection."""
    for number, accept in enumerate(("application/json", "application/ld+json", "application/geo+json")):
        c.made(PATH, subscription(c, id=f"urn:x:{number}", endpoint={"accept": accept}))
    car(
        c,
        speed=p(1),
        location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3, 7.9]}},
    )
    c.told(3)
    told = {
        headers["content-type"].partition(";")[0]: (one, headers)
        for one, headers in zip(c.receiver.got, c.receiver.headers, strict=True)
    }
    assert "link" in told["application/json"][1]
    assert "@context" in str(told["application/ld+json"][0])
    assert "link" not in told["application/ld+json"][1]
    assert told["application/geo+json"][0]["data"]["type"] == "FeatureCollection"


def test_5_8_6_only_who_is_concerned_is_told_and_a_failure_is_counted(c: Tenant) -> None:
    """§5.8.6, §5.2.14: other types and attributes tell nothing; a refused notification is a failure with its time."""
    c.receiver.status = 404
    path = c.made(PATH, subscription(c, watchedAttributes=["speed"]))
    car(c, name=p("x"))
    car(c, speed=p(1))
    c.loop.run_until_complete(c.receiver.until(lambda: c.receiver.attempts == 1))
    notification = c.json(path)["notification"]
    assert (notification["status"], notification["timesFailed"], notification["timesSent"]) == (
        "failed",
        1,
        1,
    )
    assert notification["lastFailure"]
    assert "lastSuccess" not in notification


def test_5_8_6_a_batch_is_told_in_one_notification(c: Tenant) -> None:
    """By every batch operation, and by a purge."""
    c.made(
        "/subscriptions",
        {
            "id": "urn:s:batch", "type": "Subscription", "entities": [{"type": "Lamp"}],
            "notificationTrigger": ["entityCreated", "attributeCreated", "attributeUpdated", "entityDeleted"],
            "notification": {"endpoint": {"uri": c.receiver.uri}},
        },
    )  # fmt: skip
    ids = [f"urn:lamp:{number}" for number in range(50)]

    def lamps(on: int) -> list[dict[str, Any]]:
        return [{"id": name, "type": "Lamp", "on": {"type": "Property", "value": on}} for name in ids]

    for number, (method, path, body, told) in enumerate(
        [
            ("POST", "/entityOperations/create", lamps(1), ids),
            ("POST", "/entityOperations/upsert", lamps(2), ids),
            ("POST", "/entityOperations/update", lamps(3), ids),
            ("POST", "/entityOperations/merge", lamps(4), ids),
            ("POST", "/entityOperations/delete", ids[:25], ids[:25]),
            ("DELETE", "/entities?type=Lamp", None, ids[25:]),
        ]
    ):
        assert c(method, path, body).status in (201, 204), path
        c.told(number + 1)
        assert [one["id"] for one in c.receiver.got[number]["data"]] == told, path
    assert len(c.receiver.got) == 6
    assert c.json("/subscriptions/urn:s:batch")["notification"]["timesSent"] == 6
