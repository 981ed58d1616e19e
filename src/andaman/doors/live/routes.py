"""``/live`` and ``GET /api/state``. Shapes: docs/api.md."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, nullcontext
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from andaman.doors.live.changes import NameOf, changes_handler
from andaman.doors.live.connection import RESTART, TRY_AGAIN, Connection, Goodbye, Pace, parse_watch
from andaman.doors.live.hub import Hub
from andaman.doors.live.share import Share
from andaman.doors.live.snapshot import iter_state
from andaman.doors.live.view import Filter
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.model import Actor
from andaman.identity.web import actor_of, ask_of, recheck_of, tenant_of
from andaman.kernel.errors import Unavailable
from andaman.kernel.http import Streamed
from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.permissions import Permission
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words

CONNECTIONS_MAX: Final = 2_000
READ_CHANGES: Final = Permission("change.read", Words("ดูว่าใครแก้ไขอะไร", "See who changed what"))
_STATE: Final = DoorEntry(
    "GET", "/api/state", Tenancy.BOTH, ANYONE, cost=Cost.QUESTION, tenant_parameter=True
)
_CHANGES: Final = DoorEntry(
    "GET", "/api/changes", Tenancy.BOTH, READ_CHANGES, cost=Cost.QUESTION, tenant_parameter=True
)
_LIVE: Final = DoorEntry("GET", "/live", Tenancy.BOTH, ANYONE, socket=True)
OnChange = Callable[[Callable[[], None]], Callable[[], None]]


class LiveDoor:
    """The open sockets of this process. ``on_change``: ``Identity.on_change``, so that a session that ends closes
    its sockets at once rather than at the next look. ``name_of``: a principal's name, for the list of changes."""

    def __init__(
        self,
        hub: Hub,
        *,
        on_change: OnChange | None = None,
        name_of: NameOf = lambda _: "",
        pace: Pace | None = None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self.hub = hub
        self.pace = pace or Pace()
        self.share = Share()
        self.connections: set[Connection] = set()
        self._max = connections_max
        self._changes = changes_handler(hub.broker, name_of)
        hub.on_stop.append(self._stop)
        if on_change is not None:
            on_change(self._look)

    def routes(self) -> list[BoundDoor]:
        return [_STATE.to(self.state), _CHANGES.to(self._changes), _LIVE.to(self.live)]

    def metrics(self) -> Iterable[Family]:
        yield gauge(
            "andaman_live_waiting_bytes", "Bytes that wait for screens to take them.", self.share.waiting
        )
        yield counter(
            "andaman_live_let_go", "Screens let go because too much waited for them.", self.share.let_go
        )

    async def live(self, socket: WebSocket) -> None:
        actor, recheck = actor_of(socket), recheck_of(socket.scope)
        await socket.accept()
        # The last quarter is for those who signed in: strangers' screens must not shut out the duty officers'.
        room = self._max * 3 // 4 if not actor.principal.is_staff else self._max
        if len(self.connections) >= room or not self.hub.is_running:
            await socket.close(TRY_AGAIN, "no room for another screen now; try again")
            return
        connection = Connection(
            self.hub,
            actor,
            recheck,
            socket.receive,
            socket.send,
            self.pace,
            self.share,
            ask_of(socket.scope),
            tenant_of(socket),
        )
        self.connections.add(connection)
        try:
            await connection.serve()
        except WebSocketDisconnect:
            pass  # the screen went away while it was being told something: no error of anybody's
        finally:
            self.connections.discard(connection)

    async def state(self, request: Request) -> Response:
        query = request.query_params
        actor = actor_of(request)
        asked = {"bbox": query.get("bbox"), "at": query.get("at"), "tenant": tenant_of(request)}
        wanted, at = parse_watch(
            {**asked, "types": [t for t in query.get("types", "").split(",") if t]}, actor
        )
        if not self.hub.is_running:
            raise Unavailable("The platform is starting or stopping; try again")
        parts = self._parts(wanted, at, actor)
        none: dict[str, str] = {}
        first = await anext(parts, none)  # errors become problems before the answer begins
        time = format_time(self.hub.clock() if at is None else at)

        async def body() -> AsyncGenerator[str, None]:
            try:
                yield f'{{"time":"{time}","entities":[{",".join(first.values())}'
                comma = "," if first else ""
                async for part in parts:
                    if part:
                        yield comma + ",".join(part.values())
                        comma = ","
                yield "]}"
            finally:
                await parts.aclose()

        return Streamed(body(), {"Cache-Control": "no-store"}, "application/json")

    async def _parts(
        self, wanted: Filter, at: Micros | None, actor: Actor
    ) -> AsyncGenerator[dict[str, str], None]:
        """The parts of a state, by turns; a state of the past needs a place while it is sent."""
        async with self.share.past(actor) if at is not None else nullcontext():
            turns = self.share.piece(actor)
            async with aclosing(iter_state(self.hub.broker, wanted, actor.access, at, turns)) as parts:
                async for part in parts:
                    yield part

    def _look(self) -> None:
        for connection in list(self.connections):
            connection.look()

    def _stop(self) -> None:
        for connection in list(self.connections):
            connection.leave(Goodbye(RESTART, "the platform restarts; connect again"))


def routes(hub: Hub, *, on_change: OnChange | None = None, pace: Pace | None = None) -> list[BoundDoor]:
    """The routes of this door; give ``identity.on_change`` where there is an identity."""
    return LiveDoor(hub, on_change=on_change, pace=pace).routes()
