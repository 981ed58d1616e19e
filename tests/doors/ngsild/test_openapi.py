"""The described API: schemathesis finds no server error, and the description knows every resource."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from andaman.doors.ngsild.app import resource_of
from andaman.doors.ngsild.openapi import openapi
from tests.doors.ngsild.client import Client, at_the_door, open_client, vehicle
from tests.doors.ngsild.test_hostile import is_clear

schema = schemathesis.openapi.from_dict(openapi())


class Door:
    """One door on a loop of its own for all generated cases."""

    def __init__(self, directory: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._manager = open_client(directory)
        self.client: Client = self.loop.run_until_complete(self._manager.__aenter__())
        self.loop.run_until_complete(self.client("POST", "/entities", vehicle(speed=1)))

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
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
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
    is_clear(door.loop.run_until_complete(door.client(case.method, path or "/", raw=raw)))


def test_every_described_path_and_method_exists() -> None:
    for path, methods in openapi()["paths"].items():
        resource = resource_of([part for part in path.split("/") if part])
        assert resource is not None, path
        assert {name.upper() for name in methods} <= resource.keys(), path


@at_the_door
async def test_the_description_is_served(c: Client) -> None:
    assert (await c("GET", "/openapi.json")).json["openapi"].startswith("3.")
