"""Over a real socket and the gate: a browser's session, sign-out, a server that goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from andaman.broker.entity.build import iri
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.doors.live.connection import Pace
from andaman.doors.live.hub import Hub
from andaman.doors.live.routes import routes
from andaman.doors.live.view import ClientView
from andaman.identity.credentials import Credential, digest_of
from andaman.identity.entrance import build_routes
from andaman.identity.gate import COOKIE, Gate
from andaman.identity.model import Classification, system_actor
from andaman.identity.passwords import PasswordCost
from andaman.identity.policy import DatasetRule
from andaman.identity.service import Identity
from tests.doors.live.conftest import thing

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")
PORT = 9164
URL = f"ws://127.0.0.1:{PORT}/live"


@asynccontextmanager
async def _platform(path: Path) -> AsyncIterator[tuple[Broker, Identity]]:
    broker = Broker.open(path)
    await broker.start()
    identity = Identity(path, password_cost=PasswordCost(1, 8, 1))
    identity.policy.replace([DatasetRule("bus", frozenset({iri("Vehicle")}), "", Classification.PUBLIC)])
    hub = Hub(broker, window_s=0.02)
    await hub.start()
    live = routes(hub, on_change=identity.on_change, pace=Pace(beat_s=0.05, recheck_s=0.5, stuck_s=5))
    config = uvicorn.Config(
        Gate(Starlette(routes=build_routes(live)), identity),
        port=PORT,
        lifespan="off",
        log_config=None,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(None))
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    try:
        yield broker, identity
    finally:
        await hub.stop()
        server.should_exit = True
        await serving
        await broker.close()
        await identity.close()


async def _follow(
    socket: ClientConnection, view: ClientView, done: Callable[[], bool] = lambda: True
) -> None:
    async with asyncio.timeout(10):
        while not (view.complete and done()):
            message: dict[str, Any] = orjson.loads(await socket.recv())
            view.apply(message)


def _bus(n: int, speed: float) -> WriteOp:
    entity_id = f"urn:ngsi-ld:Vehicle:{n}"
    return WriteOp(OpKind.UPSERT_REPLACE, entity_id, thing(entity_id, "Vehicle", 98.3, speed, []))


async def test_a_screen_outlives_the_server(tmp_path: Path) -> None:
    view = ClientView()
    for speed in (1, 2):
        async with _platform(tmp_path) as (broker, _):
            socket = await connect(URL)
            await socket.send('{"op":"watch","id":"w","types":["Vehicle"]}')
            await broker.write([_bus(speed, speed), _bus(9, speed)], ROOT)
            speeds = [*range(1, speed + 1), speed]
            buses = [f"urn:ngsi-ld:Vehicle:{n}" for n in (*range(1, speed + 1), 9)]
            await _follow(
                socket,
                view,
                lambda: [view.entities.get(bus, {"a": {}})["a"].get("speed") for bus in buses] == speeds,  # noqa: B023
            )
            closing = asyncio.create_task(_until_closed(socket))
        assert await closing == 1012


async def _until_closed(socket: ClientConnection) -> int:
    try:
        while True:
            await socket.recv()
    except ConnectionClosed:
        return socket.close_code or 0


async def test_signing_out_closes_the_sockets_of_the_session_at_once(tmp_path: Path) -> None:
    async with _platform(tmp_path) as (broker, identity):
        await identity.add_user("somchai", "แมวสามตัว on a boat", ["operator"], ROOT)
        done = await identity.sign_in("somchai", "แมวสามตัว on a boat")
        await broker.write([WriteOp(OpKind.CREATE, "urn:x:a", thing("urn:x:a", "Alert", 98, 1, []))], ROOT)
        async with connect(URL, additional_headers={"Cookie": f"{COOKIE}={done.secret}"}) as socket:
            view = ClientView()
            await socket.send('{"op":"watch","id":"w","types":["Alert"]}')
            await _follow(socket, view)
            assert list(view.entities) == ["urn:x:a"]
            await identity.sign_out(Credential("session", digest_of(done.secret)), ROOT)
            assert await asyncio.wait_for(_until_closed(socket), 0.4) == 4401
        async with connect(URL) as socket:  # the public sees no alert
            view = ClientView()
            await socket.send('{"op":"watch","id":"w","types":["Alert"]}')
            await _follow(socket, view)
            assert view.entities == {}


async def test_pages_of_other_origins_get_no_socket(tmp_path: Path) -> None:
    async with _platform(tmp_path):
        with pytest.raises(InvalidStatus) as caught:
            async with connect(URL, origin="https://evil.example"):  # type: ignore[arg-type]
                pass
        assert caught.value.response.status_code == 403
        async with connect(URL, origin=f"http://127.0.0.1:{PORT}") as socket:  # type: ignore[arg-type]
            await socket.send('{"op":"ping"}')
            assert b"pong" in await asyncio.wait_for(socket.recv(decode=False), 5)
