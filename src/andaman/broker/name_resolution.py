"""Names of hosts to addresses, in separate threads. A name server that hangs delays neither other names nor the threads
of other work. Each name is asked for once at a time, however many wait for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_THREADS: Final = 16


class Resolver:
    """Bound to one event loop. Threads begin when they are needed."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._asking: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a host, in the system's order. Raises OSError, UnicodeError."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        asking = self._asking.get((host, port))
        if asking is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
            asking = asyncio.get_running_loop().run_in_executor(self._threads, _resolved, host, port)
            self._asking[host, port] = asking
            asking.add_done_callback(lambda done: self._finished(host, port, done))
        return await asyncio.shield(asking)

    def _finished(self, host: str, port: int, done: asyncio.Future[list[str]]) -> None:
        self._asking.pop((host, port), None)
        if not done.cancelled():
            done.exception()  # told to whoever waits; nobody may wait any more

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
