"""What can be read can be written back, over HTTP: entities, their past, subscriptions, registrations and contexts, as GET shows
them, are taken by another tenant and read the same there."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.broker.entity.test_written_back import ATTRIBUTE, NAMES, ONE, WRITES
from tests.doors.ngsild.client import Client, Got, open_whole_client

EXAMPLES: Final = int(os.environ.get("ANDAMAN_FUZZ_BACK", "40"))  # more by hand: ANDAMAN_FUZZ_BACK=2000
PHASES = [Phase.explicit, Phase.generate] if os.environ.get("NOSHRINK") else list(Phase)
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=EXAMPLES, phases=PHASES)
ID = "urn:ngsi-ld:Thing:1"
LD = "application/ld+json"
OWN = {
    "speed": "https://example.org/speed",
    "a-b": "https://example.org/ab",
    "ex": "https://example.org/",
    "where": "https://uri.etsi.org/ngsi-ld/location",
    "gone": None,
    "open": "https://example.org/state#open",
}
_tenants = itertools.count(1)


class Door:
    def __init__(self, loop: asyncio.AbstractEventLoop, client: Client) -> None:
        self.loop, self.client = loop, client

    def __call__(
        self, tenant: str, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Got:
        got = self.loop.run_until_complete(self.client(method, path, body, kind, ngsild_tenant=tenant))
        assert got.status < 500, got.body
        return got

    def tenants(self) -> tuple[str, str]:
        number = next(_tenants)
        return f"a{number}", f"b{number}"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    loop = asyncio.new_event_loop()
    manager = open_whole_client(tmp_path_factory.mktemp("door"))
    client = loop.run_until_complete(manager.__aenter__())
    try:
        yield Door(loop, client)
    finally:
        loop.run_until_complete(manager.__aexit__(None, None, None))
        loop.close()


WAYS: Final = {
    "replace": ("PUT", f"/entities/{ID}"),
    "append": ("POST", f"/entities/{ID}/attrs"),
    "update": ("PATCH", f"/entities/{ID}/attrs"),
    "merge": ("PATCH", f"/entities/{ID}"),
    "upsert-update": ("POST", "/entityOperations/upsert?options=update"),
    "partial-attr": ("PATCH", f"/entities/{ID}/attrs/"),
    "replace-attr": ("PUT", f"/entities/{ID}/attrs/"),
    "delete-attr": ("DELETE", f"/entities/{ID}/attrs/"),
}
VIEWS = ("", "?options=concise", "?options=sysAttrs", "?options=concise,sysAttrs")


def plain(value: Any) -> Any:
    """Without what the platform gives."""
    if isinstance(value, dict):
        return {
            name: plain(one)
            for name, one in value.items()
            if name not in ("createdAt", "modifiedAt", "instanceId", "@context")
        }
    return [plain(one) for one in value] if isinstance(value, list) else value


@SLOW
@given(writes=st.lists(WRITES, min_size=1, max_size=6))
def test_entities(door: Door, writes: list[Any]) -> None:
    here, there = door.tenants()
    assert door(here, "POST", "/entities", {"id": ID, "type": "T"}).status == 201
    for kind, payload, context, simplified in writes:
        method, path = WAYS[str(kind)]
        body: Any = dict(payload)
        if path.endswith("/attrs/"):
            name = next((n for n in body if n not in ("type", "scope", "expiresAt")), "speed")
            if "/" in name:
                continue
            path, body = path + name, body.get(name, 1)
        elif str(kind) in ("replace", "upsert-update"):
            body = {"id": ID, "type": "T", **body}
        if simplified and method == "PATCH" and path == f"/entities/{ID}":
            path += "?format=simplified&lang=th"
        own = context.source is not None and isinstance(body, dict)
        if own:
            body = {**body, "@context": OWN}
        if "entityOperations" in path:
            body = [body]
        door(here, method, path, None if method == "DELETE" else body, LD if own else "application/json")
    for number, view in enumerate(VIEWS):
        shown = door(here, "GET", f"/entities/{ID}{view}").json
        copy = f"urn:copy:{number}"
        got = door(there, "POST", "/entities", {**shown, "id": copy})
        assert got.status == 201, (shown, got.body)
        again = door(there, "GET", f"/entities/{copy}{view}").json
        assert plain({**again, "id": ID}) == plain(shown)
    door(here, "DELETE", f"/entities/{ID}")


PAST_ONE = st.tuples(ONE, st.integers(0, 50)).map(
    lambda pair: {**pair[0], "observedAt": f"2020-01-01T00:00:{pair[1]:02d}Z"}
)
PAST = st.dictionaries(
    NAMES, st.one_of(st.lists(PAST_ONE, min_size=1, max_size=3), ATTRIBUTE), min_size=1, max_size=2
)


@SLOW
@given(
    first=PAST,
    more=st.lists(PAST, max_size=2),
    repair=st.one_of(PAST_ONE, st.lists(PAST_ONE, max_size=1), st.lists(ATTRIBUTE, min_size=1, max_size=1)),
)
def test_the_past(door: Door, first: dict[str, Any], more: list[dict[str, Any]], repair: Any) -> None:
    here, there = door.tenants()
    if door(here, "POST", "/temporal/entities", {"id": ID, "type": "T", **first}).status != 201:
        return
    for each in more:
        door(here, "POST", f"/temporal/entities/{ID}/attrs", each)
    shown = door(here, "GET", f"/temporal/entities/{ID}").json
    for name, instances in shown.items():
        if isinstance(instances, list) and "/" not in name:
            door(
                here,
                "PATCH",
                f"/temporal/entities/{ID}/attrs/{name}/{instances[0].get('instanceId', 'urn:x')}",
                {name: repair},
            )
    for number, view in enumerate(VIEWS):
        shown = door(here, "GET", f"/temporal/entities/{ID}{view}").json
        copy = f"urn:copy:{number}"
        got = door(there, "POST", "/temporal/entities", {**shown, "id": copy})
        assert got.status == 201, (shown, got.body)
        again = door(there, "GET", f"/temporal/entities/{copy}{view}").json
        assert plain({**again, "id": ID}) == plain(shown)


SUBSCRIPTIONS: list[dict[str, Any]] = [
    {"entities": [{"type": "A", "id": "urn:a:1"}, {"type": "(B|C);D", "idPattern": "urn:.*"}]},
    {"watchedAttributes": ["speed", "https://example.org/x"], "q": 'speed>9007199254740993;kind=="id"'},
    {"entities": [{"type": "A"}], "timeInterval": 60, "isActive": False, "expiresAt": "2999-01-01T00:00:00Z"},
    {"entities": [{"type": "A"}], "throttling": 5, "scopeQ": "/a/#", "lang": "th", "description": "ก"},
    {
        "entities": [{"type": "A"}],
        "geoQ": {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [98.3, 7.9]},
        "notificationTrigger": ["entityDeleted", "attributeUpdated"], "subscriptionName": "x", "datasetId": ["urn:d:1"],
    },
]  # fmt: skip
TOLD = ("status", "timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure")


@pytest.mark.parametrize("members", SUBSCRIPTIONS)
@pytest.mark.parametrize("kind", ["subscriptions", "csourceSubscriptions"])
def test_subscriptions(door: Door, members: dict[str, Any], kind: str) -> None:
    here, there = door.tenants()
    endpoint = {
        "uri": "http://127.0.0.1:9/x", "accept": "application/ld+json", "timeout": 5_000,
        "receiverInfo": [{"key": "x", "value": "y"}],
    }  # fmt: skip
    notification = {"endpoint": endpoint, "format": "concise", "attributes": ["speed"], "sysAttrs": True}
    body = {"id": "urn:s:1", "type": "Subscription", **members, "notification": notification}
    made = door(here, "POST", f"/{kind}", body)
    if made.status == 400 and kind == "csourceSubscriptions":
        return
    assert made.status == 201, made.body
    for view in ("", "?options=sysAttrs"):
        shown = door(here, "GET", f"/{kind}/urn:s:1{view}").json
        assert door(there, "POST", f"/{kind}", shown).status == 201
        again = door(there, "GET", f"/{kind}/urn:s:1{view}").json
        assert plain(again) == plain(shown)
        assert door(there, "DELETE", f"/{kind}/urn:s:1").status == 204


def test_registrations(door: Door) -> None:
    here, there = door.tenants()
    body = {
        "id": "urn:r:1", "type": "ContextSourceRegistration", "endpoint": "http://127.0.0.1:9", "mode": "redirect",
        "information": [
            {"entities": [{"type": "A", "id": "urn:a:1"}], "propertyNames": ["speed"], "relationshipNames": ["owner"]},
            {"entities": [{"idPattern": "urn:b:.*", "type": ["B", "C"]}]},
        ],
        "operations": ["retrieveOps", "updateBatch"], "contextSourceInfo": [{"key": "x", "value": "y"}],
        "management": {"timeout": 500, "cooldown": 10, "localOnly": True, "cacheDuration": "PT1M"},
        "location": {"type": "Point", "coordinates": [98.3, 7.9]}, "expiresAt": "2999-01-01T00:00:00Z",
        "registrationName": "x", "description": "ก", "scope": ["/a/b"], "ownWord": {"type": "Property", "value": 5},
        "observationInterval": {"startAt": "2020-01-01T00:00:00Z"}, "tenant": "other", "refreshRate": "PT1M",
    }  # fmt: skip
    made = door(here, "POST", "/csourceRegistrations", body)
    assert made.status == 201, made.body
    for view in ("", "?options=sysAttrs"):
        shown = door(here, "GET", f"/csourceRegistrations/urn:r:1{view}").json
        got = door(there, "POST", "/csourceRegistrations", shown)
        assert got.status == 201, (shown, got.body)
        assert plain(door(there, "GET", f"/csourceRegistrations/urn:r:1{view}").json) == plain(shown)
        assert door(there, "DELETE", "/csourceRegistrations/urn:r:1").status == 204


def test_contexts(door: Door) -> None:
    here, there = door.tenants()
    document = {
        "@context": [{"a": "https://example.org/a", "b": {"@id": "https://example.org/b", "@type": "@vocab"}}]
    }
    made = door(here, "POST", "/jsonldContexts", document)
    path = {name.lower(): value for name, value in made.headers.items()}["location"].removeprefix(
        "/ngsi-ld/v1"
    )
    shown = door(here, "GET", path).json
    assert shown == document
    assert door(there, "POST", "/jsonldContexts", shown).status == 201
