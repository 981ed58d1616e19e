"""One web socket of ``/live``: reads what the client asks, sends states, deltas and beats.

A sender task of its own waits for the client to take each message; meanwhile changes coalesce in ``Pending``. A
client that takes none for ``stuck_s`` is let go: it comes back and watches anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from andaman.broker.api import iri
from andaman.doors.live.hub import Hub, Watch
from andaman.doors.live.problems import SocketWatchesFull
from andaman.doors.live.share import Share, is_stranger
from andaman.doors.live.snapshot import iter_state
from andaman.doors.live.view import Filter, parse_bbox
from andaman.identity.model import Actor
from andaman.identity.policy import same_rights
from andaman.identity.tenants import check_entry
from andaman.kernel.errors import AndamanError, BadRequestData, InvalidRequest, NotSignedIn
from andaman.kernel.time import Micros, format_time, parse_time

SESSION_OVER: Final = 4401
RIGHTS_CHANGED: Final = 4409
TRY_AGAIN: Final = 1013
RESTART: Final = 1012
_MESSAGE_MAX: Final = 64 * 1024
_WATCHES_MAX: Final = 32
_TYPES_MAX: Final = 100
_PART_BYTES: Final = 256 * 1024
"""A state comes in parts of about this size at most."""
_SAID_MAX: Final = 256 * 1024
_ERRORS_MAX: Final = 64
"""Messages of an anonymous client that are refused before the socket is closed."""
_ID_MAX: Final = 100
Send = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between beats, between looks at the session, and without a message taken until we let go."""

    beat_s: float = 5.0
    recheck_s: float = 5.0
    stuck_s: float = 30.0


class Goodbye(Exception):
    """Close the socket with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Connection:
    """Serves one accepted socket until either side ends it. ``recheck``: the actor as of now, None when the session
    is over. ``tenant``: of the watches that name none, as the socket was opened for it."""

    def __init__(
        self,
        hub: Hub,
        actor: Actor,
        recheck: Callable[[], Actor | None],
        receive: Any,
        send: Any,
        pace: Pace,
        share: Share | None = None,
        ask: Callable[[], None] = lambda: None,
        tenant: str = "",
    ) -> None:
        self._tenant = tenant
        self._hub, self._actor, self._recheck = hub, actor, recheck
        self._share, self._ask = share or Share(), ask
        self.is_stranger = is_stranger(actor)
        self._receive, self._send, self._pace = receive, send, pace
        self._watches: dict[str, Watch] = {}
        self._snapshots: dict[str, asyncio.Task[None]] = {}
        self._said: list[str] = []  # small answers: pong, error, beat
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()  # one message at a time on the wire
        self._state = asyncio.Lock()  # one state at a time under way
        self._sending_since: float | None = None
        self._sending = 0  # bytes
        self._said_bytes = 0
        self._errors = 0
        self._leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Run to the end; the socket is closed when this returns, also by an error."""
        tasks = [asyncio.create_task(work()) for work in (self._read, self._write, self._keep)]
        goodbye: Goodbye | None = None
        try:
            ends: list[asyncio.Future[Any]] = [*tasks, self._leave]
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                error = one.exception()
                if isinstance(error, Goodbye):
                    goodbye = error
                elif error is not None and not isinstance(error, OSError | RuntimeError):
                    raise error
        finally:
            for task in (*tasks, *self._snapshots.values()):
                task.cancel()
            for watch in self._watches.values():
                self._hub.unwatch(watch)
            self._watches.clear()
            for _ in self._snapshots:
                self._share.leave(self._actor)
            self._share.hold(self, 0)
            await asyncio.gather(*tasks, *self._snapshots.values(), return_exceptions=True)
            self._snapshots.clear()  # each knows this connection: kept here, neither is freed before the next search for cycles
            self._leave.cancel()
            if goodbye is not None:
                await self._close(goodbye)

    def leave(self, goodbye: Goodbye) -> None:
        """End the connection from outside."""
        if not self._leave.done():
            self._leave.set_exception(goodbye)

    def let_go(self, why: str) -> None:
        """End it, as too slow."""
        self.leave(Goodbye(TRY_AGAIN, why))

    async def _close(self, goodbye: Goodbye) -> None:
        message = {"type": "websocket.close", "code": goodbye.code, "reason": goodbye.reason}
        try:
            await asyncio.wait_for(self._send(message), 1)
        except (TimeoutError, OSError, RuntimeError):  # it does not take even that
            return

    # -- in -------------------------------------------------------------------------------------------------
    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            raw = message.get("text") or message.get("bytes") or b""
            if len(raw) > _MESSAGE_MAX:
                raise Goodbye(1009, f"a message is larger than {_MESSAGE_MAX} bytes")
            watch_id: Any = None
            try:
                request = _object(raw)
                given = request.get("id")
                watch_id = given if isinstance(given, str) and len(given) <= _ID_MAX else None
                self._obey(request)
            except AndamanError as error:
                self._say_error(watch_id, error)

    def _obey(self, request: dict[str, Any]) -> None:
        match request.get("op"):
            case "ping":
                self._say({"op": "pong", "time": format_time(self._hub.clock())})
            case "watch":
                watch_id = _watch_id(request)
                wanted, at = parse_watch({"tenant": self._tenant, **request}, self._actor)
                if watch_id not in self._snapshots and len(self._snapshots) >= _WATCHES_MAX:
                    raise SocketWatchesFull(most=_WATCHES_MAX)
                self._ask()
                self._end(watch_id)
                self._share.enter(self._actor)
                self._snapshots[watch_id] = asyncio.create_task(self._begin(watch_id, wanted, at))
            case "unwatch":
                self._end(_watch_id(request))
            case other:
                raise BadRequestData(
                    f"{str(other)[:80]!r} is not an op; there are watch, unwatch and ping", field="op"
                )

    def _end(self, watch_id: str) -> None:
        task = self._snapshots.pop(watch_id, None)
        if task is not None:
            task.cancel()
            self._share.leave(self._actor)
        watch = self._watches.pop(watch_id, None)
        if watch is not None:
            self._hub.unwatch(watch)

    # -- out ------------------------------------------------------------------------------------------------
    def _say(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message, default=str).decode()
        self._said_bytes += len(text)
        if len(self._said) >= 1000 or self._said_bytes > _SAID_MAX:
            self.leave(Goodbye(TRY_AGAIN, "too many requests without reading the answers"))
            return
        self._said.append(text)
        self._wake.set()

    def _say_error(self, watch_id: str | None, error: AndamanError) -> None:
        self._errors += 1
        if self._errors > _ERRORS_MAX and self.is_stranger:
            self.leave(Goodbye(1008, "too many messages that cannot be obeyed"))
            return
        problem = error.problem()
        self._say({"op": "error", "id": watch_id, "problem": {**problem, "detail": problem["detail"][:500]}})

    async def _put(self, text: str) -> None:
        async with self._lock:
            if self._leave.done():
                return  # its rights are over, or others: what was made under them stays here
            self._sending_since = asyncio.get_running_loop().time()
            self._sending = len(text)
            self._hold()
            try:
                await self._send({"type": "websocket.send", "text": text})
            finally:
                self._sending_since, self._sending = None, 0
                self._hold()

    def _hold(self) -> None:
        self._share.hold(self, self._sending + sum(watch.pending.size for watch in self._watches.values()))

    async def _begin(self, watch_id: str, wanted: Filter, at: Micros | None) -> None:
        """Send the state in parts, then let deltas flow. One state of a socket at a time: the next is not even looked at
        before the client has taken this one."""
        watch = None
        try:
            async with self._state:
                if at is None:
                    id_json = orjson.dumps(watch_id).decode()
                    watch = self._hub.watch(id_json, wanted, self._actor.access, self._wake.set)
                    self._watches[watch_id] = watch
                    await self._send_state(watch_id, wanted, None, watch)
                else:
                    async with self._share.past(self._actor):
                        await self._send_state(watch_id, wanted, at, None)
        except AndamanError as error:
            self._end_quietly(watch_id, watch)
            self._say_error(watch_id, error)
            return
        except (OSError, RuntimeError):  # the socket is gone
            self.leave(Goodbye(1006, "gone"))
            return
        if watch is not None:
            self._hub.snapshot_done(watch)

    async def _send_state(
        self, watch_id: str, wanted: Filter, at: Micros | None, watch: Watch | None
    ) -> None:
        hub, access = self._hub, self._actor.access
        time = format_time(hub.clock() if at is None else at)
        id_json = orjson.dumps(watch_id).decode()
        head = f'{{"op":"state","id":{id_json},"seq":0,"time":"{time}","first":true'
        waiting: list[str] = []
        size = 0
        async with aclosing(
            iter_state(hub.broker, wanted, access, at, self._share.piece(self._actor))
        ) as parts:
            async for part in parts:
                if watch is not None:
                    watch.group.members.update(part)
                waiting.extend(part.values())
                size += sum(map(len, part.values()))
                if len(waiting) >= 1000 or size >= _PART_BYTES:
                    await self._put(f'{head},"entities":[{",".join(waiting)}],"last":false}}')
                    waiting, size = [], 0
                    head = head.replace('"first":true', '"first":false')
        await self._put(f'{head},"entities":[{",".join(waiting)}],"last":true}}')

    def _end_quietly(self, watch_id: str, watch: Watch | None) -> None:
        if watch is not None:
            self._hub.unwatch(watch)
            if self._watches.get(watch_id) is watch:
                del self._watches[watch_id]

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._said:
                said, self._said = self._said, []
                self._said_bytes = 0
                for text in said:
                    await self._put(text)
            for watch_id, watch in list(self._watches.items()):
                # While the last one was sent, this one may have ended and another begun under its id.
                if watch.ready and watch.pending and self._watches.get(watch_id) is watch:
                    await self._put(watch.take())

    async def _keep(self) -> None:
        """Beats, the look at the session, and the end of those who do not read."""
        loop = asyncio.get_running_loop()
        next_beat = loop.time() + self._pace.beat_s
        next_look = loop.time() + self._pace.recheck_s
        step = min(self._pace.beat_s, self._pace.recheck_s, self._pace.stuck_s, 1.0)
        while True:
            await asyncio.sleep(step)
            now = loop.time()
            if self._sending_since is not None and now - self._sending_since > self._pace.stuck_s:
                raise Goodbye(TRY_AGAIN, "this client reads too slowly")
            self._hold()
            if now >= next_look:
                next_look = now + self._pace.recheck_s
                self.look()
            if now >= next_beat:
                next_beat = now + self._pace.beat_s
                self._beat()

    def _beat(self) -> None:
        if self._sending_since is not None or any(not w.ready or w.pending for w in self._watches.values()):
            return  # a beat says: you have everything up to here
        self._say({"op": "beat", "time": format_time(self._hub.clock())})

    def look(self) -> None:
        """End the connection if its session is over or its rights are others now."""
        actor = self._recheck()
        if actor is None:
            self.leave(Goodbye(SESSION_OVER, "the session is over; sign in again"))
        elif actor.access.key != self._actor.access.key and not self._goes_on(actor):
            self.leave(Goodbye(RIGHTS_CHANGED, "your rights changed; connect again"))

    def _goes_on(self, actor: Actor) -> bool:
        """Where only the policy changed, and shows this principal the same as before, nothing may reveal the change."""
        if actor.principal != self._actor.principal or not same_rights(self._actor.access, actor.access):
            return False
        if any(not watch.ready and watch.hold_until is None for watch in self._watches.values()):
            return False  # a state is being read under the old rights
        if not self._hub.broker.agree(self._actor.access, actor.access):
            return False
        self._actor = replace(self._actor, access=actor.access)
        for watch in self._watches.values():
            self._hub.shift(watch, actor.access)
        return True


def parse_watch(request: dict[str, Any], actor: Actor) -> tuple[Filter, Micros | None]:
    """The filter and time of a watch or state request. Raises BadRequestData, NotSignedIn, NoSuchTenant."""
    types = request.get("types") or []
    if (
        not isinstance(types, list)
        or len(types) > _TYPES_MAX
        or not all(isinstance(t, str) and t for t in types)
    ):
        raise BadRequestData(f"types is a list of at most {_TYPES_MAX} type names", field="types")
    tenant = request.get("tenant") or ""
    if not isinstance(tenant, str) or len(tenant) > 200:
        raise BadRequestData("tenant is the name of a tenant", field="tenant")
    if tenant and not actor.principal.is_staff:
        raise NotSignedIn("Sign in to see anything but the city itself", field="tenant")
    check_entry(actor.access, tenant)
    at = request.get("at")
    if at is not None:
        try:
            at = parse_time(at)
        except (ValueError, TypeError) as error:
            raise BadRequestData(str(error), field="at") from None
    return Filter(frozenset(map(iri, types)), parse_bbox(request.get("bbox")), tenant), at


def _watch_id(request: dict[str, Any]) -> str:
    watch_id = request.get("id")
    if not isinstance(watch_id, str) or not 0 < len(watch_id) <= _ID_MAX:
        raise BadRequestData("A watch has an id of 1–100 characters", field="id")
    return watch_id


def _object(raw: str | bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The message is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest("A message is a JSON object with a member op")
    return content
