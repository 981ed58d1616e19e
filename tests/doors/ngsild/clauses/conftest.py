"""One door for the clauses of a module; each test has a tenant of its own (§4.14), so that none sees another's entities."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.broker.subscriptions.world import Receiver
from tests.doors.ngsild.client import Client, Got, open_whole_client

_numbers = itertools.count(1)


class Tenant:
    """Calls the door in a tenant of its own: ``c("GET", "/entities?type=A")``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: Client, documents: dict[str, Any]) -> None:
        self.loop, self.client = loop, client
        self.tenant = f"t{next(_numbers)}"
        self.documents = documents
        """The Internet: @context documents by URL."""
        self._receiver: Receiver | None = None

    def __call__(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str
    ) -> Got:
        given = {"ngsild_tenant": self.tenant, **headers}
        return self.loop.run_until_complete(self.client(method, path, body, kind, **given))

    def json(self, path: str, **headers: str) -> Any:
        """What a GET answers, which must be a success."""
        got = self("GET", path, **headers)
        assert got.status in (200, 206), got.body
        return got.json

    def made(self, path: str, body: Any, **options: Any) -> str:
        """The path of what a POST creates."""
        got = self("POST", path, body, **options)
        assert got.status == 201, got.body
        location = {name.lower(): value for name, value in got.headers.items()}["location"]
        return location.removeprefix("/ngsi-ld/v1")

    @property
    def receiver(self) -> Receiver:
        """Takes notifications; opened at the first use."""
        if self._receiver is None:
            self._receiver = Receiver()
            self.loop.run_until_complete(self._receiver.open())
        return self._receiver

    def told(self, number: int) -> list[dict[str, Any]]:
        """Notifications, once there are so many."""
        return self.loop.run_until_complete(self.receiver.count(number))

    def close(self) -> None:
        if self._receiver is not None:
            self.loop.run_until_complete(self._receiver.close())


@pytest.fixture(scope="module")
def _door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Client, dict[str, Any]]]:
    loop = asyncio.new_event_loop()
    manager = open_whole_client(tmp_path_factory.mktemp("door"))
    client: Client = loop.run_until_complete(manager.__aenter__())
    documents: dict[str, Any] = {}
    before = client.contexts._fetch
    client.contexts._fetch = lambda url: documents[url] if url in documents else before(url)
    try:
        yield loop, client, documents
    finally:
        loop.run_until_complete(manager.__aexit__(None, None, None))
        loop.close()


@pytest.fixture
def c(_door: tuple[Any, Client, dict[str, Any]]) -> Iterator[Tenant]:
    tenant = Tenant(*_door)
    yield tenant
    tenant.close()
