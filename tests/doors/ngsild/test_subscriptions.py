"""Subscriptions over HTTP (CIM 009 §5.2.12, §5.8, §6.10, §6.11) and what notifications look like (§5.3.1, §5.8.6, §6.3.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.doors.ngsild.app import NgsiLdApp
from andaman.identity.model import Actor, Principal, Role
from tests.broker.subscriptions.world import SECOND, World, world
from tests.doors.ngsild.client import Client, Got, error

CAR = "urn:ngsi-ld:Car:1"
SUB = "urn:ngsi-ld:Subscription:1"
LD = "application/ld+json"
NULL = "urn:ngsi-ld:null"


class Desk(Client):
    """The door, and the receiver behind it."""

    w: World

    async def subscribe(self, notification: Any = None, endpoint: Any = None, **members: Any) -> Got:
        body = {
            "id": SUB,
            "type": "Subscription",
            **({} if "watchedAttributes" in members else {"entities": [{"type": "Car"}]}),
            **members,
            "notification": {
                **(notification or {}),
                "endpoint": {"uri": self.w.receiver.uri, **(endpoint or {})},
            },
        }
        return await self("POST", "/subscriptions", {k: v for k, v in body.items() if v is not ...})

    async def car(self, **attrs: Any) -> None:
        got = await self("POST", "/entities", {"id": CAR, "type": "Car", **attrs})
        assert got.status == 201, got.body

    async def patch(self, **attrs: Any) -> None:
        assert (await self("PATCH", f"/entities/{CAR}/attrs", attrs)).status in (204, 207)

    async def told(self, number: int = 1) -> Any:
        """The entity in the newest of so many notifications."""
        return (await self.w.receiver.count(number))[-1]["data"][0]


def desk(test: Callable[[Desk], Awaitable[None]]) -> Callable[[Path], None]:
    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path) as w:
                client = Desk(NgsiLdApp(w.broker, w.contexts, subscriptions=w.subs), w.broker, w.contexts)
                client.w = w
                await test(client)

        asyncio.run(run())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


# -- operations ---------------------------------------------------------------------------------------------------


@desk
async def test_5_8_1_create_retrieve_and_defaults(c: Desk) -> None:
    got = await c.subscribe(status="expired", unknown=1, notification={"timesSent": 42})
    assert (got.status, got.headers["Location"]) == (201, f"/ngsi-ld/v1/subscriptions/{SUB}")
    shown = (await c("GET", f"/subscriptions/{SUB}")).json
    assert shown["status"] == "active"
    assert shown["notificationTrigger"] == ["attributeCreated", "attributeUpdated"]
    assert "unknown" not in shown
    assert shown["notification"] == {"endpoint": {"uri": c.w.receiver.uri}}
    assert error(await c.subscribe()) == "AlreadyExists"
    got = await c.subscribe(id=...)
    assert got.headers["Location"].startswith("/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:")
    shown = (await c("GET", f"/subscriptions/{SUB}?options=sysAttrs")).json
    assert shown["createdAt"] == shown["modifiedAt"]


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("id", {"id": "no-uri"}),
    ("type", {"type": "Abo"}),
    ("entities", {"entities": []}),
    ("entities", {"entities": [{"id": CAR}]}),
    ("entities.idPattern", {"entities": [{"type": "Car", "idPattern": "("}]}),
    ("entities", {"entities": ...}),
    ("entities.type", {"entities": [{"type": "*"}]}),
    ("watchedAttributes", {"watchedAttributes": []}),
    ("notificationTrigger", {"notificationTrigger": ["entityChanged"]}),
    ("throttling", {"throttling": -1}),
    ("throttling", {"throttling": 5, "timeInterval": 5}),
    ("watchedAttributes", {"entities": [{"type": "Car"}], "watchedAttributes": ["a"], "timeInterval": 5}),
    ("q", {"q": "speed>>"}),
    ("csf", {"csf": "(("}),
    ("scopeQ", {"scopeQ": "//"}),
    ("geometry", {"geoQ": {"georel": "within", "geometry": "Circle", "coordinates": [1, 2]}}),
    ("expiresAt", {"expiresAt": "2001-01-01T00:00:00Z"}),
    ("expiresAt", {"expiresAt": "tomorrow"}),
    ("isActive", {"isActive": "yes"}),
    ("jsonldContext", {"jsonldContext": "unknown"}),
    ("ngsildConformance", {"ngsildConformance": "new"}),
    ("notification.attributes", {"notification": {"attributes": []}}),
    ("notification.omit", {"notification": {"pick": ["a"], "omit": ["a"]}}),
    ("notification.attributes", {"notification": {"pick": ["a"], "attributes": ["a"]}}),
    ("notification.showChanges", {"notification": {"format": "keyValues", "showChanges": True}}),
    ("notification.format", {"notification": {"format": "xml"}}),
    ("notification.joinLevel", {"notification": {"joinLevel": 2}}),
    ("notification.endpoint.uri", {"endpoint": {"uri": "ftp://example.org/"}}),
    ("notification.endpoint.uri", {"endpoint": {"uri": "mqtt://example.org"}}),
    ("notification.endpoint.uri", {"endpoint": {"uri": "http://user:pw@example.org/"}}),
    ("notification.endpoint.accept", {"endpoint": {"accept": "text/html"}}),
    ("notification.endpoint.timeout", {"endpoint": {"timeout": 0}}),
    ("notification.endpoint.receiverInfo", {"endpoint": {"receiverInfo": [{"key": "K", "value": 1}]}}),
    (
        "notification.endpoint.receiverInfo",
        {"endpoint": {"receiverInfo": [{"key": "K", "value": "a\r\nB: c"}]}},
    ),
    ("notification.endpoint.receiverInfo", {"endpoint": {"receiverInfo": [{"key": "Host", "value": "x"}]}}),
    (
        "notification.endpoint.notifierInfo",
        {"endpoint": {"uri": "mqtt://h/t", "notifierInfo": [{"key": "MQTT-QoS", "value": "3"}]}},
    ),
]


@desk
async def test_5_2_12_what_does_not_fit_is_refused_by_name_and_leaves_nothing(c: Desk) -> None:
    for field, members in WRONG:
        got = await c.subscribe(**members)
        assert (error(got), got.json.get("field")) == ("BadRequestData", field), (members, got.json)
    assert (await c("GET", "/subscriptions?count=true&limit=0")).headers["ngsild-results-count"] == "0"


@desk
async def test_5_8_2_update_and_status(c: Desk) -> None:
    await c.subscribe(throttling=5, subscriptionName="n")
    path = f"/subscriptions/{SUB}"

    async def patched(**fragment: Any) -> Any:
        got = await c("PATCH", path, fragment)
        assert got.status == 204, got.body
        return (await c("GET", path)).json

    assert (await patched(isActive=False))["status"] == "paused"
    assert (await patched(isActive=True))["status"] == "active"
    shown = await patched(throttling=None, subscriptionName="m")
    assert "throttling" not in shown
    assert shown["subscriptionName"] == "m"
    assert (await patched(expiresAt="2998-01-01T00:00:00Z"))["status"] == "active"
    c.w.clock.ahead = 980 * 366 * 86_400 * SECOND
    assert (await c("GET", path)).json["status"] == "expired"
    assert (await patched(isActive=False))["status"] == "expired"
    assert (await patched(expiresAt="3999-01-01T00:00:00Z", isActive=True))["status"] == "active"
    c.w.clock.ahead = 0
    for fragment in ({"expiresAt": "2001-01-01T00:00:00Z"}, {"notification": None}, {"id": "urn:x:y"}):
        assert error(await c("PATCH", path, fragment)) == "BadRequestData"
    assert error(await c("PATCH", path, {"notification": {"format": "concise"}})) == "BadRequestData"
    assert error(await c("PATCH", "/subscriptions/urn:x:none", {"isActive": True})) == "ResourceNotFound"
    assert (await c("PATCH", "/subscriptions/", {"isActive": True})).status == 405


@desk
async def test_5_8_3_names_are_those_of_the_asker(c: Desk) -> None:
    mine = {"Car": "https://cars.example/Car", "speed": "https://cars.example/speed"}
    body = {
        "id": SUB,
        "type": "Subscription",
        "entities": [{"type": "(Car|Bus)"}],
        "watchedAttributes": ["speed"],
        "notification": {"pick": ["id", "speed"], "endpoint": {"uri": c.w.receiver.uri}},
        "@context": mine,
    }
    assert (await c("POST", "/subscriptions", body, kind=LD)).status == 201
    shown = (await c("GET", f"/subscriptions/{SUB}")).json
    assert shown["entities"] == [{"type": "(https://cars.example/Car|Bus)"}]
    assert shown["watchedAttributes"] == ["https://cars.example/speed"]
    assert shown["notification"]["pick"] == ["id", "https://cars.example/speed"]
    # §5.13.1: a @context that no URL names is hosted, so that receivers can fetch it
    hosted = shown["jsonldContext"].partition("/ngsi-ld/v1")[2]
    assert (await c("GET", hosted)).json == {"@context": mine}
    listed = (await c("GET", "/jsonldContexts?details=true&kind=ImplicitlyCreated")).json
    assert len(listed) == 1
    ld = {"@context": mine, "id": CAR, "type": "Car", "speed": 3}
    assert (await c("POST", "/entities", ld, kind=LD)).status == 201
    assert await c.told() == {"id": CAR, "speed": {"type": "Property", "value": 3}}
    assert hosted in c.w.receiver.headers[0]["link"]


@desk
async def test_5_8_4_pages_and_5_8_5_delete(c: Desk) -> None:
    for number in range(3):
        await c.subscribe(id=f"{SUB}{number}")
    got = await c("GET", "/subscriptions?limit=1&offset=1&count=true")
    assert [one["id"] for one in got.json] == [f"{SUB}1"]
    assert got.headers["ngsild-results-count"] == "3"
    assert '</ngsi-ld/v1/subscriptions?limit=1&offset=2>;rel="next"' in got.headers["link"].replace(
        "count=true&", ""
    )
    assert 'rel="prev"' in got.headers["link"]
    assert (await c("DELETE", f"/subscriptions/{SUB}1")).status == 204
    assert error(await c("DELETE", f"/subscriptions/{SUB}1")) == "ResourceNotFound"
    assert error(await c("GET", f"/subscriptions/{SUB}1")) == "ResourceNotFound"
    assert error(await c("GET", "/subscriptions/nothing")) == "BadRequestData"
    assert [one["id"][-1] for one in (await c("GET", "/subscriptions")).json] == ["0", "2"]


@desk
async def test_strangers_have_no_subscriptions(c: Desk) -> None:
    c.actor = Actor(Principal("public", "public", frozenset({Role.PUBLIC})))
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{SUB}"),
        ("PATCH", f"/{SUB}"),
        ("DELETE", f"/{SUB}"),
    ):
        assert (
            await c(method, f"/subscriptions{path}", {} if method in ("POST", "PATCH") else None)
        ).status == 401


# -- notifications ------------------------------------------------------------------------------------------------


@desk
async def test_5_3_1_envelope_headers_and_counters(c: Desk) -> None:
    info = [{"key": "Authorization", "value": "Bearer x"}]
    await c.subscribe(endpoint={"receiverInfo": info})
    await c.car(speed=1)
    (got,) = await c.w.receiver.count(1)
    assert (got["type"], got["subscriptionId"]) == ("Notification", SUB)
    assert got["notifiedAt"].endswith("Z")
    assert got["id"].startswith("urn:ngsi-ld:Notification:")
    assert got["data"] == [{"id": CAR, "type": "Car", "speed": {"type": "Property", "value": 1}}]
    headers = c.w.receiver.headers[0]
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer x"
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in headers["link"]
    notification = (await c("GET", f"/subscriptions/{SUB}")).json["notification"]
    assert (notification["status"], notification["timesSent"]) == ("ok", 1)
    assert notification["lastNotification"] <= notification["lastSuccess"]
    assert "timesFailed" not in notification


FULL = {
    "name": {"type": "Property", "value": "a"},
    "at": {"type": "Relationship", "object": "urn:ngsi-ld:City:1"},
    "text": {"type": "LanguageProperty", "languageMap": {"th": "ก", "en": "k"}},
    "any": {"type": "JsonProperty", "json": {"x": [1]}},
    "word": {"type": "VocabProperty", "vocab": "red"},
    "list": {"type": "ListProperty", "valueList": [1, 2]},
}
GONE: dict[str, dict[str, Any]] = {
    "name": {"type": "Property", "value": NULL},
    "at": {"type": "Relationship", "object": NULL},
    "text": {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
    "any": {"type": "JsonProperty", "json": NULL},
    "word": {"type": "VocabProperty", "vocab": NULL},
    "list": {"type": "ListProperty", "valueList": NULL},
}
BEFORE: dict[str, dict[str, Any]] = {
    "name": {"previousValue": "a"},
    "at": {"previousObject": "urn:ngsi-ld:City:1"},
    "text": {"previousLanguageMap": {"th": "ก", "en": "k"}},
    "any": {"previousJson": {"x": [1]}},
    "word": {"previousVocab": "red"},
    "list": {"previousValueList": [1, 2]},
}


@desk
async def test_5_8_6_deleted_attributes_and_previous_values_of_every_kind(c: Desk) -> None:
    await c.car(**FULL)
    await c.subscribe(notificationTrigger=["attributeDeleted"], notification={"showChanges": True})
    left = dict(FULL)
    for number, name in enumerate(FULL, 1):
        assert (await c("DELETE", f"/entities/{CAR}/attrs/{name}")).status == 204
        del left[name]
        assert await c.told(number) == {
            "id": CAR,
            "type": "Car",
            **left,
            name: {**GONE[name], **BEFORE[name]},
        }


@desk
async def test_5_8_6_deleted_entities(c: Desk) -> None:
    ids = [f"{SUB}{number}" for number in range(4)]
    await c.subscribe(id=ids[0], notificationTrigger=["entityDeleted"])
    await c.subscribe(id=ids[1], notificationTrigger=["entityDeleted"], notification={"sysAttrs": True})
    await c.subscribe(id=ids[2], notificationTrigger=["entityDeleted"], notification={"showChanges": True})
    await c.subscribe(id=ids[3], notificationTrigger=["attributeDeleted"], watchedAttributes=["name"])
    await c.car(**FULL)
    await c("DELETE", f"/entities/{CAR}")
    found = {one["subscriptionId"]: one["data"][0] for one in await c.w.receiver.count(4)}
    assert found[ids[0]].keys() == {"id", "type", "deletedAt"}
    assert found[ids[1]].keys() == {"id", "type", "deletedAt", "createdAt", "modifiedAt"}
    assert {name: found[ids[2]][name] for name in FULL} == {n: {**GONE[n], **BEFORE[n]} for n in FULL}
    assert found[ids[3]].keys() == {"id", "type", "deletedAt", "name"}
    assert found[ids[3]]["name"] == GONE["name"]


@desk
async def test_5_8_6_only_a_different_value_is_a_change(c: Desk) -> None:
    await c.car(
        speed={
            "type": "Property",
            "value": 1,
            "unitCode": "KMH",
            "accuracy": {"type": "Property", "value": 2},
        }
    )
    await c.subscribe(watchedAttributes=["speed"])
    same = {"type": "Property", "value": 1, "unitCode": "KMH", "accuracy": {"type": "Property", "value": 2}}
    await c.patch(speed=same)
    await c.patch(other=5)
    await c.patch(speed={**same, "accuracy": {"type": "Property", "value": 3}})
    assert (await c.told())["speed"]["accuracy"]["value"] == 3
    assert len(c.w.receiver.got) == 1


TRIGGERS = [
    (["entityCreated"], 1),
    (["attributeCreated"], 2),
    (["attributeUpdated"], 1),
    (["attributeDeleted"], 2),
    (["entityUpdated"], 5),
    (["entityDeleted"], 1),
    (["entityCreated", "entityDeleted", "entityUpdated"], 5),
]


@desk
async def test_5_2_12_every_trigger(c: Desk) -> None:
    for number, (triggers, _) in enumerate(TRIGGERS):
        await c.subscribe(id=f"{SUB}{number}", notificationTrigger=triggers)
    await c.car(speed=1)
    await c.patch(speed=2)
    await c.patch(more=1)
    await c("DELETE", f"/entities/{CAR}/attrs/more")
    await c("DELETE", f"/entities/{CAR}")
    await c.w.receiver.count(sum(count for _, count in TRIGGERS))
    await c.w.settled()
    told = [one["subscriptionId"] for one in c.w.receiver.got]
    assert [told.count(f"{SUB}{n}") for n in range(len(TRIGGERS))] == [count for _, count in TRIGGERS]


FORMS: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
    (
        {"format": "simplified"},
        {},
        {"id": CAR, "type": "Car", "speed": 2, "text": {"languageMap": {"th": "ก"}}},
    ),
    ({"format": "concise"}, {}, {"id": CAR, "type": "Car", "speed": 2, "text": {"languageMap": {"th": "ก"}}}),
    (
        {"format": "concise", "showChanges": True, "attributes": ["speed"]},
        {},
        {"id": CAR, "type": "Car", "speed": {"value": 2, "previousValue": 1}},
    ),
    ({"format": "keyValues", "pick": ["id", "speed"]}, {}, {"id": CAR, "speed": 2}),
    ({"format": "keyValues", "omit": ["type", "text"]}, {}, {"id": CAR, "speed": 2}),
    ({"format": "keyValues", "omit": ["speed"]}, {"lang": "th"}, {"id": CAR, "type": "Car", "text": "ก"}),
    ({"format": "keyValues"}, {"datasetId": ["urn:d:1"]}, {"id": CAR, "type": "Car"}),
]


@pytest.mark.parametrize("place", range(len(FORMS)))
def test_5_2_14_forms(tmp_path: Path, place: int) -> None:
    notification, members, wanted = FORMS[place]

    @desk
    async def run(c: Desk) -> None:
        await c.car(speed=1, text={"type": "LanguageProperty", "languageMap": {"th": "ก"}})
        assert (await c.subscribe(notification=notification, **members)).status == 201
        await c.patch(speed=2)
        assert await c.told() == wanted

    run(tmp_path)


@desk
async def test_4_3_6_8_entities_as_an_earlier_version_knew_them(c: Desk) -> None:
    await c.subscribe(ngsildConformance="1.3")
    await c.car(text={"type": "LanguageProperty", "languageMap": {"th": "ก"}}, speed=1)
    assert (await c.told())["text"]["type"] == "Property"


@desk
async def test_6_3_8_json_ld_and_geo_json(c: Desk) -> None:
    point = {"type": "Point", "coordinates": [98.3, 7.9]}
    await c.subscribe(endpoint={"accept": LD})
    await c.car(speed=1, location={"type": "GeoProperty", "value": point})
    assert "@context" in await c.told()
    assert "link" not in c.w.receiver.headers[0]
    await c("DELETE", f"/subscriptions/{SUB}")
    await c.subscribe(endpoint={"accept": "application/geo+json"}, notification={"format": "keyValues"})
    await c.patch(speed=2)
    got = (await c.w.receiver.count(2))[-1]["data"]
    assert got["type"] == "FeatureCollection"
    assert got["features"] == [
        {
            "id": CAR,
            "type": "Feature",
            "geometry": point,
            "properties": {"type": "Car", "speed": 2, "location": point},
        }
    ]
    assert "@context" in got
    assert c.w.receiver.headers[-1]["content-type"] == "application/geo+json"


@desk
async def test_4_5_23_linked_entities(c: Desk) -> None:
    city = {"id": "urn:ngsi-ld:City:1", "type": "City", "name": "p"}
    await c("POST", "/entities", city)
    await c.subscribe(notification={"join": "inline", "format": "keyValues"})
    await c.car(at={"type": "Relationship", "object": city["id"]}, speed=1)
    assert (await c.told())["at"] == city
    await c(
        "PATCH",
        f"/subscriptions/{SUB}",
        {"notification": {"join": "flat", "endpoint": {"uri": c.w.receiver.uri}}},
    )
    await c.patch(speed=2)
    data = (await c.w.receiver.count(2))[-1]["data"]
    assert [one["id"] for one in data] == [CAR, city["id"]]


@desk
async def test_conditions_hold_after_the_event(c: Desk) -> None:
    area = {
        "georel": "within",
        "geometry": "Polygon",
        "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]],
    }
    ids = [f"{SUB}{number}" for number in range(4)]
    await c.subscribe(id=ids[0], q="speed>5;name==%22a%22")
    await c.subscribe(id=ids[1], geoQ=area)
    await c.subscribe(id=ids[2], scopeQ="/north/#")
    await c.subscribe(id=ids[3], entities=[{"type": "Car", "idPattern": "2$"}])
    inside = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 1]}}
    await c.car(speed=1, name="a")
    await c.patch(speed=6)
    await c.patch(location=inside)
    await c("POST", f"/entities/{CAR}/attrs", {"scope": "/north/a", "speed": 5})
    await c.w.receiver.count(5)
    await c.w.settled()
    told = [one["subscriptionId"][-1] for one in c.w.receiver.got]
    assert sorted(told) == ["0", "0", "1", "1", "2"]


@desk
async def test_addresses_inside_the_house_are_not_reached(c: Desk) -> None:
    """The rule of remote contexts: loopback and private addresses only where the setting allows them."""
    w = c.w
    await w.subs.stop()
    w.subs._allow_private = False
    w.subs._client._allow_private = False
    await w.subs.start()
    await c.subscribe()
    await c.car(speed=1)
    counters = w.subs.get(SUB, c.actor, "").counters
    async with asyncio.timeout(10):
        while not counters.failed:  # noqa: ASYNC110 - nothing arrives that could wake us
            await asyncio.sleep(0.005)
    assert w.receiver.attempts == 0
