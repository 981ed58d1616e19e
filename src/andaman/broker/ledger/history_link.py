"""The broker's end of the historian (historian.py): starts it, asks it, starts it again when it died."""

from __future__ import annotations

import contextlib
import logging
import queue
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.model import Doc
from andaman.broker.query.city import CityMeans, NewestValues
from andaman.broker.query.model import EntityQuery, EvolutionQuery, Page, Target, TemporalQuery
from andaman.broker.query.period import Period
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.errors import Unavailable
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
_SOCKETS: Final = 3  # questions answered at the same time
_WAIT_S: Final = 60.0
_QUIET_S: Final = 1.0  # least time between two starts
_LONGEST_PAUSE_S: Final = 30.0


class _Generation:
    """One life of the historian: the process and the sockets to it."""

    def __init__(self, directory: Path, memory_mb: int, every_s: float) -> None:
        pairs = [socket.socketpair() for _ in range(_SOCKETS)]
        theirs = [pair[1].fileno() for pair in pairs]
        arguments = [str(directory), str(memory_mb), str(every_s), *map(str, theirs)]
        self.process = subprocess.Popen(  # noqa: S603 (our own module, our own arguments)
            [sys.executable, "-P", "-m", "andaman.broker.ledger.historian", *arguments],
            stdin=subprocess.PIPE,
            pass_fds=theirs,
        )
        self.connections = [Connection(pair[0].detach()) for pair in pairs]
        for _, end in pairs:
            end.close()
        self.idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        for connection in self.connections:
            self.idle.put(connection)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


class HistoryLink:
    """Questions about the past. Every method blocks and may be called from any worker thread."""

    def __init__(self, directory: Path, memory_mb: int, every_s: float) -> None:
        self._directory = directory
        self._memory_mb = memory_mb
        self._every_s = every_s
        self._lock = threading.Lock()
        self._now: _Generation | None = None
        self._started = 0.0
        self._stopped = False

    def start(self) -> None:
        """Start the process; does not wait until it is ready."""
        with self._lock:
            self._start()
        threading.Thread(target=self._watch, name="historian-watch", daemon=True).start()

    def _watch(self) -> None:
        """Start it again also when nobody asks: the tail of the journal must move."""
        pause = _QUIET_S
        while not self._is_over():
            generation = self._now
            if generation is None:
                time.sleep(_QUIET_S)  # somebody who asks is at it, or will be
                with contextlib.suppress(Unavailable):
                    self._generation()
                continue
            generation.process.wait()
            if self._is_over():
                return
            lived = time.monotonic() - self._started
            pause = _QUIET_S if lived > _LONGEST_PAUSE_S else min(2 * pause, _LONGEST_PAUSE_S)
            log.warning("The historian ended by itself; it is started again in %.0f s", pause)
            time.sleep(pause)
            if self._now is generation:
                self._lost(generation)

    def _is_over(self) -> bool:
        return self._stopped

    def _start(self) -> _Generation:
        self._started = time.monotonic()
        self._now = _Generation(self._directory, self._memory_mb, self._every_s)
        return self._now

    def stop(self) -> None:
        """Let it move the tail, and end it."""
        with self._lock:
            self._stopped = True
            now, self._now = self._now, None
        if now is None:
            return
        assert now.process.stdin is not None
        now.process.stdin.close()
        try:
            now.process.wait(_WAIT_S)
        except subprocess.TimeoutExpired:
            log.warning("The historian did not end in time; the rest of the tail moves at the next start")
            now.process.kill()
            now.process.wait()
        now.close()

    def query_at(self, at: Micros, query: EntityQuery, access: Access, tenant: str) -> Page:
        _, pieces, total = self._ask("query_at", (at, query, tenant), access)
        return Page([doc for piece in pieces for doc in orjson.loads(piece)], total)

    def get_at(self, at: Micros, entity_id: str, access: Access, tenant: str) -> Doc:
        found: Doc = orjson.loads(self._ask("get_at", (at, entity_id, tenant), access)[1])
        return found

    def temporal(
        self, entity_id: str, attrs: Sequence[str], query: TemporalQuery, access: Access, tenant: str
    ) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]]
        found = orjson.loads(self._ask("temporal", (entity_id, list(attrs), query, tenant), access)[1])
        return found

    def evolutions(self, query: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self._ask("evolutions", (query, tenant), access)[1])
        return found

    def resolve(
        self, entity_id: str, attr: str, instance: str | None, access: Access, tenant: str
    ) -> list[Target]:
        found: list[Target] = self._ask("resolve", (entity_id, attr, instance, tenant), access)[1]
        return found

    def newest_values(
        self, attr: str, types: Sequence[str], limit: int | None, offset: int, access: Access, tenant: str
    ) -> NewestValues:
        found: NewestValues = self._ask("newest_values", (attr, tuple(types), limit, offset, tenant), access)[
            1
        ]
        return found

    def city_means(
        self,
        attr: str,
        types: Sequence[str],
        start: Micros,
        end: Micros,
        period: Period,
        zone: str,
        access: Access,
        tenant: str,
    ) -> CityMeans:
        asked = (attr, tuple(types), start, end, period, zone, tenant)
        found: CityMeans = self._ask("city_means", asked, access)[1]
        return found

    def condense(self, tenant: str, before: Micros, **chosen: Any) -> None:
        """See ``Broker.condense_history``."""
        self._ask("condense", (tenant, before, chosen), FULL_ACCESS)

    def condensing(self) -> tuple[int, int]:
        """(Requests to condense that are not done yet, rows dropped since the historian started)."""
        _, waiting, dropped = self._ask("condensing", (), FULL_ACCESS)
        return waiting, dropped

    def memory_bytes(self) -> int:
        """Memory of the process; 0 when there is none or the system does not say."""
        now = self._now
        try:
            told = Path(f"/proc/{now.process.pid}/statm").read_text() if now is not None else ""
            return int(told.split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            return 0

    def drain(self) -> int:
        """Move the journal's tail now; returns the last position in history."""
        last_seq: int = self._ask("drain", (), FULL_ACCESS)[1]
        return last_seq

    def status(self) -> tuple[int, str]:
        """(last position in history, why it lags or "")."""
        return self.figures()[:2]

    def figures(self) -> tuple[int, str, int]:
        """(Last position in history, why it lags or "", rows that were set aside)."""
        _, last_seq, trouble, aside = self._ask("status", (), FULL_ACCESS)
        return last_seq, trouble, aside

    # -- the wire ---------------------------------------------------------------------------------------------
    def _ask(self, name: str, arguments: tuple[Any, ...], access: Access) -> tuple[Any, ...]:
        for last in (False, True):
            generation = self._generation()
            try:
                connection = generation.idle.get(timeout=_WAIT_S)
            except queue.Empty:
                raise Unavailable("History is busy with other questions; try again in a moment") from None
            try:
                answer = _converse(connection, name, arguments, access)
            except (EOFError, OSError) as error:
                self._lost(generation)
                if last:
                    raise Unavailable("History does not answer; the log says why") from error
                continue
            except BaseException:
                # The conversation broke off in the middle: this process must not hear the rest of it.
                self._lost(generation)
                raise
            generation.idle.put(connection)
            if answer[0] == "error":
                raise answer[1]
            return answer
        raise AssertionError("not reached")

    def _generation(self) -> _Generation:
        with self._lock:
            if self._stopped:
                raise Unavailable("The platform is stopping")
            if self._now is not None:
                return self._now
            pause = self._started + _QUIET_S - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            log.warning("The historian ended; it is started again")
            return self._start()

    def _lost(self, generation: _Generation) -> None:
        with self._lock:
            if self._now is not generation:
                return
            self._now = None
        generation.process.kill()
        generation.process.wait()
        # Threads that still wait for a connection of this generation must wake up, to an error.
        for connection in generation.connections:
            generation.idle.put(connection)
        generation.close()


def _converse(
    connection: Connection, name: str, arguments: tuple[Any, ...], access: Access
) -> tuple[Any, ...]:
    """Ask one question; on the way, answer the historian's questions about this principal's rights."""
    connection.send((name, access.key, arguments))
    while True:
        answer: tuple[Any, ...] = connection.recv()
        if answer[0] != "rights":
            return answer
        _, types, scopes = answer
        connection.send((access.sees(types, scopes), frozenset(access.hidden_attrs(types, scopes))))
