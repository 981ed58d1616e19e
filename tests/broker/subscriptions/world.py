"""A broker with subscriptions, a receiver to send to, and a clock that only moves when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from andaman.broker.contexts import ContextStore
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.service import Broker
from andaman.broker.subscriptions.delivery import Limits
from andaman.broker.subscriptions.model import Owner
from andaman.broker.subscriptions.service import Subscriptions
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.kernel.time import SECOND, Micros, system_clock

ME = system_actor("test")
V = "https://uri.etsi.org/ngsi-ld/default-context/"


class Receiver:
    """Takes notifications. ``status``: what it answers; 0: nothing at all, ever."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.requests: list[tuple[str, str, Any]] = []  # method, path, body
        self.attempts = 0
        self.status = 200
        self.uri = ""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._news = asyncio.Event()

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}/notify"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
                headers = {name.lower(): value for name, _, value in lines}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = head.split(" ", 2)
                self.requests.append((method, path, orjson.loads(body) if body else None))
                self.attempts += 1
                if self.status == 200:
                    self.headers.append(headers)
                    self.got.append(self.requests[-1][2])
                if self.status:
                    writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def until(self, enough: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Wait for what must come; a generous limit that only a failure reaches."""
        async with asyncio.timeout(timeout_s):
            while not enough():
                self._news.clear()
                await self._news.wait()

    async def count(self, number: int) -> list[dict[str, Any]]:
        await self.until(lambda: len(self.got) >= number)
        return self.got


class ManualClock:
    def __init__(self) -> None:
        self.ahead: Micros = 0

    def __call__(self) -> Micros:
        return system_clock() + self.ahead


class Rights:
    """Everybody has the rights in ``now``."""

    def __init__(self) -> None:
        self.now: Access | None = FULL_ACCESS

    def access_of(self, owner: Owner) -> Access | None:
        return self.now


class World:
    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self.rights = Rights()
        self.options = options
        self.receiver = Receiver()
        self.broker: Broker
        self.contexts: ContextStore
        self.subs: Subscriptions

    async def open(self) -> None:
        self.broker = Broker.open(self.directory, history=False, min_free_bytes=0)
        await self.broker.start()
        self.contexts = ContextStore(self.directory / "contexts", fetch=lambda url: {"@context": {}})
        self.subs = Subscriptions(
            self.broker,
            self.contexts,
            self.directory,
            self.rights,
            OutgoingClient(allow_private=True),
            allow_private=True,
            clock=self.clock,
            **self.options,
        )
        await self.subs.start()

    async def close(self) -> None:
        await self.subs.stop()
        self.contexts.close()
        await self.broker.close()

    async def subscribe(
        self, *, actor: Actor = ME, tenant: str = "", uri: str = "", notification: Any = None, **members: Any
    ) -> str:
        endpoint = {"uri": uri or self.receiver.uri, **(notification or {}).pop("endpoint", {})}
        payload = {
            "type": "Subscription",
            **({} if "watchedAttributes" in members else {"entities": [{"type": "Car"}]}),
            **members,
            "notification": {**(notification or {}), "endpoint": endpoint},
        }
        return (await self.subs.create(payload, self.contexts.core, None, actor, tenant)).id

    async def write(self, *ops: WriteOp, tenant: str = "") -> None:
        for result in await self.broker.write(ops, ME, tenant):
            assert result.error is None, result.error

    async def put(self, number: int, tenant: str = "", kind: str = "Car", **attrs: Any) -> None:
        await self.write(put(number, kind, **attrs), tenant=tenant)

    async def settled(self) -> None:
        """Until the engine has seen the whole journal."""
        while self.subs.engine.position < self.broker.seq:  # noqa: ASYNC110 - there is no event to wait on
            await asyncio.sleep(0.002)


def fragment(attrs: dict[str, Any], kind: str | None = None) -> dict[str, Any]:
    made = {
        V + name: value if isinstance(value, list) else [{"type": "Property", "value": value}]
        for name, value in attrs.items()
    }
    return {"attrs": made} if kind is None else {"type": [V + kind], "attrs": made}


def put(number: int, kind: str = "Car", **attrs: Any) -> WriteOp:
    return WriteOp(OpKind.UPSERT_UPDATE, f"urn:ngsi-ld:Car:{number}", fragment(attrs, kind))


def patch(number: int, **attrs: Any) -> WriteOp:
    return WriteOp(OpKind.UPDATE, f"urn:ngsi-ld:Car:{number}", fragment(attrs))


def delete(number: int) -> WriteOp:
    return WriteOp(OpKind.DELETE, f"urn:ngsi-ld:Car:{number}")


def speeds(got: Iterable[dict[str, Any]], number: int = 1) -> list[Any]:
    """Values of ``speed`` of one car in the order in which they were notified."""
    wanted = f"urn:ngsi-ld:Car:{number}"
    return [e["speed"]["value"] for one in got for e in one["data"] if e["id"] == wanted and "speed" in e]


@asynccontextmanager
async def world(directory: Path, **options: Any) -> AsyncIterator[World]:
    made = World(directory, **options)
    await made.receiver.open()
    await made.open()
    try:
        yield made
    finally:
        await made.close()
        await made.receiver.close()


def in_world(test: Any, **options: Any) -> Callable[[Path], None]:
    def wrapper(tmp_path: Path) -> None:
        async def run() -> None:
            async with world(tmp_path, **options) as made:
                await test(made)

        asyncio.run(run())

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


def small_queues(test: Any) -> Callable[[Path], None]:
    """With room for few messages at the courier, so that subscriptions lag."""
    return in_world(test, limits=Limits(messages=4, bytes=1 << 20, total_bytes=1 << 20, under_way=16))


__all__ = ["ME", "SECOND", "World", "delete", "in_world", "patch", "put", "small_queues", "speeds", "world"]
