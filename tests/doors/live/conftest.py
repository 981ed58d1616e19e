from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from andaman.broker.entity.build import entity, geo, iri, prop
from andaman.broker.model import Doc
from andaman.doors.live.connection import RESTART, Connection, Goodbye, Pace
from andaman.doors.live.hub import Hub
from andaman.doors.live.view import ClientView
from andaman.identity.model import Access, Actor, Classification, Principal, Role
from andaman.identity.policy import EVERY_TENANT, DatasetRule, PolicyAccess, PolicyTable, Rights

QUICK = Pace(beat_s=0.03, recheck_s=0.05, stuck_s=5.0)
TABLE = PolicyTable(
    [
        DatasetRule("bus", frozenset({iri("Vehicle")}), "", Classification.PUBLIC),
        DatasetRule("hush", frozenset(), "/hush", Classification.OFFICIAL_SECRET),
        DatasetRule(
            "unit",
            frozenset({iri("EmergencyUnit")}),
            "",
            Classification.SECURITY,
            "",
            {iri("crew"): Classification.PERSONAL, iri("location"): Classification.OFFICIAL_SECRET},
        ),
    ]
)
PUBLIC = PolicyAccess(TABLE, Rights())
OPERATOR = PolicyAccess(TABLE, Rights(frozenset({"operator"})))
ADMIN = PolicyAccess(TABLE, Rights(frozenset({Role.ADMINISTRATOR}), tenants=EVERY_TENANT))


def actor(access: Access, role: str = "operator") -> Actor:
    return Actor(Principal("user:x", "x", frozenset({role})), access)


def thing(entity_id: str, kind: str, lon: float | None, speed: float, scope: list[str]) -> Doc:
    attrs: dict[str, Any] = {"speed": prop(speed), "crew": prop(3)}
    if lon is not None:
        attrs["location"] = geo({"type": "Point", "coordinates": [lon, 8.0]})
    return entity(entity_id, kind, scope, **attrs)


class Client:
    """A socket without a network: it folds what it is told, as slowly as ``delay`` says."""

    def __init__(
        self,
        hub: Hub,
        who: Actor,
        recheck: Callable[[], Actor | None] | None = None,
        pace: Pace = QUICK,
        **more: Any,
    ):
        self.views: dict[str, ClientView] = {}
        self.others: list[dict[str, Any]] = []
        self.closed: dict[str, Any] | None = None
        self.delay: Callable[[], float] = lambda: 0.0
        self.frames = 0
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        connection = Connection(hub, who, recheck or (lambda: who), self._inbox.get, self._take, pace, **more)
        self.connection = connection
        hub.on_stop.append(lambda: connection.leave(Goodbye(RESTART, "the platform restarts")))
        self.task = asyncio.create_task(connection.serve())

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.closed = message
            return
        wait = self.delay()
        if wait:
            await asyncio.sleep(wait)
        self.frames += 1
        said = orjson.loads(message["text"])
        if said["op"] == "beat":
            for view in self.views.values():
                view.apply(said)
        elif said["op"] in ("state", "delta"):
            if said["id"] in self.views:
                self.views[said["id"]].apply(said)
        else:
            self.others.append(said)

    def say(self, **message: Any) -> None:
        if message.get("op") == "watch":
            self.views[message["id"]] = ClientView()
        if message.get("op") == "unwatch":
            self.views.pop(message["id"], None)
        self._inbox.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    def say_raw(self, text: str) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def until(self, done: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def caught_up(self, seq: int) -> None:
        """Everything up to this position of the journal has arrived, as the hub knows it: a client is told no positions."""
        hub, connection = self.connection._hub, self.connection
        await self.until(
            lambda: (
                hub.seq >= seq
                and not hub._dirty
                and all(view.complete for view in self.views.values())
                and all(watch.ready and not watch.pending for watch in connection._watches.values())
                and connection._sending_since is None
            )
        )

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect"})
        await self.task


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
