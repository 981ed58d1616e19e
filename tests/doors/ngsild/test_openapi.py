"""The described API: schemathesis finds no server error, and the description knows every resource."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from andaman.broker.contexts import CORE_URL
from andaman.doors.ngsild.entries import ngsild_doors, resource_of
from andaman.doors.ngsild.openapi import openapi
from tests.doors.ngsild.client import (
    BUS,
    Client,
    at_the_door,
    at_the_whole_door,
    error,
    open_whole_client,
    vehicle,
)
from tests.doors.ngsild.test_fuzz import REGISTRATION, SUBSCRIPTION
from tests.doors.ngsild.test_hostile import is_clear

EXAMPLES = int(os.environ.get("ANDAMAN_FUZZ_API", "12"))  # more by hand: ANDAMAN_FUZZ_API=2000
BASE: dict[str, tuple[str, dict[str, Any]]] = {
    "entityId": ("/entities", vehicle(speed=1, name={"languageMap": {"th": "ก"}}, owner={"object": BUS})),
    "subscriptionId": ("/subscriptions", {**SUBSCRIPTION, "id": "urn:ngsi-ld:Subscription:1"}),
    "csourceSubscriptionId": (
        "/csourceSubscriptions",
        {**SUBSCRIPTION, "id": "urn:ngsi-ld:Subscription:1"},
    ),
    "registrationId": (
        "/csourceRegistrations",
        {**REGISTRATION, "id": "urn:ngsi-ld:ContextSourceRegistration:1"},
    ),
}
"""What the paths of the generated requests name, so that they reach what is behind "there is no such thing"."""
KNOWN: dict[str, list[str]] = {
    "entityId": [BUS, "urn:ngsi-ld:Vehicle:2"],
    "attrId": ["speed", "name", "owner", "location", "scope"],
    "subscriptionId": ["urn:ngsi-ld:Subscription:1"],
    "registrationId": ["urn:ngsi-ld:ContextSourceRegistration:1"],
    "type": ["Vehicle"],
    "attribute": ["speed"],
    "instanceId": ["urn:ngsi-ld:Instance:0123456789abcdef"],
    "contextId": [CORE_URL.replace("/", "%2F")],
}


def _reaching(described: dict[str, Any]) -> dict[str, Any]:
    """The description with names in its paths of which some are there."""
    made = copy.deepcopy(described)
    for methods in made["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in KNOWN:
                    names = {"enum": KNOWN[parameter["name"]]}
                    parameter["schema"] = {"anyOf": [names, names, names, {"type": "string", "minLength": 1}]}
    return made


schema = schemathesis.openapi.from_dict(_reaching(openapi()))


class Door:
    """One door on a loop of its own for all generated cases."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._manager = open_whole_client(directory)
        self.client: Client = self.loop.run_until_complete(self._manager.__aenter__())
        self.spoilt = True

    def fill(self) -> None:
        """Put back what earlier requests deleted."""
        for path, body in BASE.values() if self.spoilt else ():
            self.loop.run_until_complete(self.client("POST", path, body))

    def close(self) -> None:
        self.loop.run_until_complete(self._manager.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with tempfile.TemporaryDirectory() as directory:
        opened = Door(Path(directory))
        yield opened
        opened.close()


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_schemathesis_finds_no_server_error(case: Any, door: Door) -> None:
    arguments = case.as_transport_kwargs(base_url="http://localhost")
    prepared = requests.Request(
        **{
            name: arguments[name]
            for name in arguments.keys() & {"method", "url", "params", "headers", "json", "data"}
        }
    ).prepare()
    split = urlsplit(str(prepared.url))
    body = prepared.body
    raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else None
    path = split.path.removeprefix("/ngsi-ld/v1") + (f"?{split.query}" if split.query else "")
    if raw is None and case.method in ("POST", "PUT", "PATCH"):
        raw = b""
    door.fill()
    door.spoilt = case.method != "GET"
    is_clear(door.loop.run_until_complete(door.client(case.method, path or "/", raw=raw)))


@at_the_whole_door
async def test_6_3_20_every_parameter_of_every_operation_is_described(c: Client) -> None:
    """What the door knows is what the description names: the refusal of an unknown parameter lists them."""
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            place = re.sub(r"\{(\w+)\}", lambda name: KNOWN.get(name[1], ["urn:x:1"])[0], path)
            got = await c(method.upper(), f"{place}?nonsense=1", None if method in ("get", "delete") else {})
            assert error(got) == "InvalidRequest", (method, path)
            known = set(got.json["detail"].partition("known are ")[2].split(", ")) - {"none"}
            assert known == {one["name"] for one in operation["parameters"] if one["in"] == "query"}, (
                method,
                path,
            )


def test_the_description_and_the_table_of_doors_name_the_same() -> None:
    """Every path and method that is described is there, and the other way round."""

    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    described = {
        (name.upper(), shape(path)) for path, methods in openapi()["paths"].items() for name in methods
    }
    there = {
        (door.entry.method, shape(door.entry.path.removeprefix("/ngsi-ld/v1")))
        for door in ngsild_doors()
        if door.entry.path.startswith("/ngsi-ld/v1/") and not door.entry.path.endswith("/openapi.json")
    }
    assert described == there


def test_every_path_of_the_table_is_found_by_its_segments() -> None:
    for door in ngsild_doors():
        if door.entry.path.startswith("/ngsi-ld/v1/"):
            segments = door.entry.path.removeprefix("/ngsi-ld/v1/").split("/")
            resource = resource_of(["urn:x:1" if one.startswith("{") else one for one in segments])
            assert resource is not None
            assert resource[door.entry.method] is door


@at_the_door
async def test_the_description_is_served(c: Client) -> None:
    assert (await c("GET", "/openapi.json")).json["openapi"].startswith("3.")
