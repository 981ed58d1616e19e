"""Runs the platform as a process: a socket, uvicorn, clean start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from andaman.app import App
from andaman.kernel.errors import Unavailable
from andaman.kernel.memory import collecting_on, give_memory_back, keep_memory_low
from andaman.settings import Settings
from andaman.wire import Protocol, Socket
from andaman.wire.clients import Clients, Patience, State
from andaman.wire.proxies import Proxied
from andaman.wire.settings import ServerSettings

STOP_PATIENCE_S = 5
FILES: Final = 65_536


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
        raise Unavailable(f"{port} is not a TCP port; choose 0 to 65535") from None
    sock.listen(2048)
    sock.setblocking(False)
    return sock


async def run(app: App, sock: socket.socket, ready: Callable[[], Awaitable[None]] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish the accepted requests and stop everything in order."""
    patience = patience_of(app.settings, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    server = http_server(_behind_proxies(app), patience)
    app.site.metrics.append(server.clients)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        app.site.stopping.set()
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
        app.site.stopping.set()
        server.should_exit = True
        with contextlib.suppress(Exception):
            await serving
        await app.stop()


def http_server(asgi: ASGIApp, patience: Patience) -> Server:
    """The server of an ASGI application, not yet started."""
    config = uvicorn.Config(
        asgi,
        http=Protocol,
        ws=Socket,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        timeout_keep_alive=int(patience.rest_s),
        timeout_graceful_shutdown=STOP_PATIENCE_S,
    )
    return Server(config, Clients(patience))


class Server(uvicorn.Server):
    """Signals are ours: one handler stops the screens' sockets first, so that Ctrl-C never waits for them."""

    def __init__(self, config: uvicorn.Config, clients: Clients) -> None:
        super().__init__(config)
        self.clients = clients
        self.server_state = State(clients)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.clients.start()
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await self.clients.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _behind_proxies(app: App) -> ASGIApp:
    """The platform, which sees through the proxies before it."""
    proxies = app.settings.of(ServerSettings).trusted_proxies
    if proxies:
        return Proxied(app.asgi, proxies)
    return Proxied(app.asgi, 1, loopback_only=True) if app.settings.site.https else app.asgi


def patience_of(settings: Settings, files: int) -> Patience:
    """The limits for clients. ``files`` may be open at once; a quarter is for the platform's own (128 at least, or half
    of fewer than 400).
    """
    chosen = settings.of(ServerSettings)
    room = files - max(128, files // 4) if files >= 400 else files // 2
    total = min(chosen.connections_max or Patience().total, max(16, room))
    behind = chosen.trusted_proxies or settings.site.https  # all come from the proxy's address
    of_one = chosen.connections_per_address
    return Patience(
        head_bytes=chosen.max_head_kb * 1024,
        head_s=chosen.head_seconds,
        body_s=chosen.body_seconds,
        unread_s=chosen.unread_seconds,
        total=total,
        per_address=0 if behind or not of_one else min(of_one, max(8, total // 2)),
    )


def raise_file_limit() -> None:
    """As many open files as the system lets this process have, up to ``FILES``: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run_blocking(app: App, sock: socket.socket, ready: Callable[[], Awaitable[None]] | None = None) -> None:
    """``run`` on uvloop where it is installed."""
    give_memory_back()
    raise_file_limit()
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        logging.getLogger("andaman").info("uvloop is not installed; using asyncio's own loop")
        runner = asyncio.Runner()
    with runner:
        keep_memory_low(collecting_on(runner.get_loop()))
        runner.run(run(app, sock, ready))
