"""A client that calls the door in process, with the platform's own rights unless told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from andaman.broker.contexts import ContextStore
from andaman.broker.expiry import ExpirySweep
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild.app import NgsiLdApp
from andaman.doors.ngsild.door import NgsiLdOptions
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """Requests as an ASGI server would hand them over."""

    def __init__(
        self, app: NgsiLdApp, broker: Broker, contexts: ContextStore, snapshots: Snapshots | None = None
    ) -> None:
        self.app, self.broker, self.contexts = app, broker, contexts
        self._snapshots = snapshots
        self.actor: Actor = system_actor("test")

    @property
    def snapshots(self) -> Snapshots:
        assert self._snapshots is not None
        return self._snapshots

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        kind: str = "application/json",
        raw: bytes | None = None,
        **headers: str,
    ) -> Got:
        split = urlsplit("/ngsi-ld/v1" + path) if path.startswith("/") else urlsplit("/ngsi-ld/v1/" + path)
        sent = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
        content = raw if raw is not None else b"" if body is None else orjson.dumps(body)
        if body is not None or raw is not None:
            sent += [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode())]
        scope = {
            "type": "http",
            "method": method,
            "path": split.path,
            "raw_path": split.path.encode(),
            "query_string": split.query.encode(),
            "headers": sent,
            "andaman.actor": self.actor,
        }
        out: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            out.append(message)

        await self.app(scope, receive, send)
        got: dict[str, str] = {}
        for name, value in out[0]["headers"]:
            key = name.decode()
            got[key] = f"{got[key]}, {value.decode()}" if key in got else value.decode()
        return Got(out[0]["status"], got, out[1]["body"])


@asynccontextmanager
async def open_client(directory: Path, **options: Any) -> AsyncIterator[Client]:
    """A broker in ``directory`` with the door before it."""
    broker = Broker.open(directory)
    await broker.start()
    contexts = ContextStore(directory / "contexts", allow_private=True, timeout_s=1.0)
    try:
        yield Client(NgsiLdApp(broker, contexts, NgsiLdOptions(**options)), broker, contexts)
    finally:
        contexts.close()
        await broker.close()


class EverybodysRights:
    """Subscriptions see whatever there is."""

    def access_of(self, owner: object) -> Access:
        return FULL_ACCESS


@asynccontextmanager
async def open_whole_client(directory: Path, **options: Any) -> AsyncIterator[Client]:
    """Like ``open_client``, with subscriptions, registrations and what they send: the door as the platform has it."""
    broker = Broker.open(directory)
    await broker.start()
    contexts = ContextStore(directory / "contexts", allow_private=True, timeout_s=1.0)
    outgoing, sender = OutgoingClient(allow_private=True), OutgoingClient(allow_private=True)
    registry = Registry.open(directory, broker)
    watches = SourceSubscriptions(registry, contexts, outgoing, allow_private=True)
    subscriptions = Subscriptions(broker, contexts, directory, EverybodysRights(), sender, allow_private=True)

    def on_snapshot(inner: Broker, place: Path, name: str) -> Subscriptions:
        marks = {"snapshot": name}
        return Subscriptions(
            inner, contexts, place, EverybodysRights(), sender, allow_private=True, marks=marks
        )

    snapshots = Snapshots(broker, directory, outgoing, allow_private=True, subscribe=on_snapshot)
    parts = [ExpirySweep(broker), registry, watches, subscriptions, snapshots]
    app = NgsiLdApp(
        broker,
        contexts,
        NgsiLdOptions(**options),
        registry=registry,
        subscriptions=subscriptions,
        outgoing=outgoing,
        watches=watches,
        snapshots=snapshots,
    )
    try:
        for part in parts:
            await part.start()
        yield Client(app, broker, contexts, snapshots)
    finally:
        for part in reversed(parts):
            await part.stop()
        outgoing.close()
        sender.close()
        registry.close()
        contexts.close()
        await broker.close()


def at_the_door(test: Callable[[Client], Awaitable[None]]) -> Callable[[Path], None]:
    """A test that talks to a fresh door: ``async def test_x(c: Client)``."""

    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with open_client(tmp_path) as client:
                await test(client)

        asyncio.run(run())

    wrapper.__name__ = test.__name__
    wrapper.__doc__ = test.__doc__
    return wrapper


def at_the_whole_door(test: Callable[[Client], Awaitable[None]]) -> Callable[[Path], None]:
    """Like ``at_the_door``, with subscriptions and registrations."""

    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with open_whole_client(tmp_path) as client:
                await test(client)

        asyncio.run(run())

    wrapper.__name__ = test.__name__
    wrapper.__doc__ = test.__doc__
    return wrapper


BUS = "urn:ngsi-ld:Vehicle:1"


def vehicle(number: int = 1, **attrs: Any) -> dict[str, Any]:
    """A small entity; ``attrs`` in any representation."""
    return {"id": f"urn:ngsi-ld:Vehicle:{number}", "type": "Vehicle", **attrs}


def error(got: Got) -> str:
    """The last part of a problem's type."""
    assert got.headers["content-type"] == "application/json"  # §6.3.3
    problem = got.json
    assert problem["status"] == got.status
    assert problem["detail"]
    return str(problem["type"]).rsplit("/", 1)[-1]
