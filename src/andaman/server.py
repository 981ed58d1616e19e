"""Runs the platform as a process: a socket, uvicorn, clean start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator

import uvicorn

from andaman.app import App
from andaman.kernel.errors import Unavailable
from andaman.kernel.memory import give_memory_back
from andaman.kernel.metrics import Family, gauge
from andaman.maintenance.schedule import BackupKeeper, plan_of
from andaman.wire import PROTOCOL

STOP_PATIENCE_S = 5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or Unavailable with one sentence that says why not and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"Port {port} on {host} is in use by another program; stop it or choose another with --port"
            ) from None
        if error.errno == errno.EACCES:
            raise Unavailable(f"Port {port} needs more rights; choose one above 1023 with --port") from None
        raise Unavailable(f"Cannot listen on {host} port {port}: {error.strerror}") from None
    except OverflowError:
        sock.close()
        raise Unavailable(f"{port} is no TCP port; choose 0 to 65535") from None
    sock.listen(2048)
    sock.setblocking(False)
    return sock


async def run(app: App, sock: socket.socket, ready: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was accepted and stop everything in order."""
    config = uvicorn.Config(
        app.asgi,
        http=PROTOCOL,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=app.settings.https,  # only behind a proxy; each request pays for it
        server_header=False,
        date_header=False,
        ws_per_message_deflate=False,
        ws_max_size=1 << 20,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_PATIENCE_S,
    )
    plan = plan_of(app.settings)
    if plan is not None:
        keeper = BackupKeeper(plan)
        app.parts.append(keeper)
        app.metrics.rooms.append(keeper)
    server = _Server(config)
    app.metrics.rooms.append(_Connections(server))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        app.stopping.set()
        server.should_exit = True

    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop)
    await app.start()
    serving = asyncio.create_task(server.serve(sockets=[sock]), name="http")
    up = asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
        if ready is not None and not serving.done():
            await ready()
        await serving
    finally:
        up.cancel()
        app.stopping.set()
        server.should_exit = True
        with contextlib.suppress(Exception):
            await serving
        await app.stop()


class _Server(uvicorn.Server):
    """Signals are ours: one handler stops the screens' sockets first, so that Ctrl-C never waits for them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connections:
    """The open connections, as a figure."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    def metrics(self) -> Iterable[Family]:
        yield gauge(
            "andaman_connections_open", "Connections of clients.", len(self._server.server_state.connections)
        )


def run_blocking(app: App, sock: socket.socket, ready: Callable[[], Awaitable[None]] | None = None) -> None:
    """``run`` on uvloop where it is installed."""
    give_memory_back()
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        logging.getLogger("andaman").info("uvloop is not installed; using asyncio's own loop")
        runner = asyncio.Runner()
    with runner:
        runner.run(run(app, sock, ready))
