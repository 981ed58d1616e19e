"""The historian: a process of its own that moves the journal's tail into history and answers about the past.

It shares nothing with the broker but files and a few sockets, so that its work takes nothing from the interpreter
that serves requests. It reads the journal by itself; when it dies nothing is lost but time. It ends when its standard
input does, which the operating system closes even when the broker is killed.

    python -m andaman.broker.ledger.historian DIRECTORY MEMORY_MB EVERY_S SOCKET …
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.history import History, OtherFormat
from andaman.broker.ledger.damage import Condition, is_damage, may_be_the_file
from andaman.broker.ledger.feeder import Feeder
from andaman.broker.ledger.journal import JournalPool
from andaman.broker.ledger.past import Past
from andaman.broker.ledger.schema import HISTORY
from andaman.broker.model import Doc, Event
from andaman.kernel.errors import AndamanError, Unavailable, is_full
from andaman.kernel.logs import configure_child
from andaman.kernel.memory import give_memory_back, keep_memory_low

log = logging.getLogger("andaman.historian")

_OPEN_LIMIT_S: Final = 30.0
_REMADE: Final = "A piece of history is damaged: it is made again from the journal. Try again in a moment"
_DOCS_A_PIECE: Final = 100


class RemoteAccess:
    """The rights of a principal whose ``Access`` stays in the broker: asked for each new (types, scopes) once."""

    _memo: dict[tuple[str, tuple[str, ...], tuple[str, ...]], tuple[bool, frozenset[str]]] = {}  # noqa: RUF012

    def __init__(self, key: str, connection: Connection) -> None:
        self.key = key
        self._connection = connection

    def _ask(self, types: Sequence[str], scopes: Sequence[str]) -> tuple[bool, frozenset[str]]:
        asked = (self.key, tuple(types), tuple(scopes))
        answer = self._memo.get(asked)
        if answer is None:
            self._connection.send(("rights", asked[1], asked[2]))
            answer = self._connection.recv()
            if len(self._memo) > 50_000:
                self._memo.clear()
            self._memo[asked] = answer
        return answer

    def enters(self, tenant: str) -> bool:
        return True  # looked at before the question came here

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return self._ask(types, scopes)[0]

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return self._ask(types, scopes)[1]

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return False


class Historian:
    """Serves questions from sockets, one thread each, while the feeder runs in the main thread."""

    def __init__(self, directory: Path, memory_mb: int, every_s: float) -> None:
        self._journals = JournalPool(directory)
        with self._journals.reader() as journal:
            end, key = journal.end(), journal.instance_key()
        self._history = _open(directory / HISTORY, memory_mb, key, self._event)
        if self._history.last_seq > end:
            log.warning("History is ahead of the journal: it belongs to another store, and is made again")
            self._history.close()
            shutil.rmtree(directory / HISTORY)
            self._history = _open(directory / HISTORY, memory_mb, key, self._event)
        self._condition = Condition(directory / HISTORY)
        self._feeder = Feeder(self._journals, self._history, every_s, directory / HISTORY)
        self._past = Past(self._journals, self._history, self._feeder.drain, self._feeder.asked)

    def _event(self, seq: int) -> Event | None:
        """The event at a position of the journal, for texts that history leaves to it."""
        with self._journals.reader() as journal:
            return journal.at(seq)

    def run(self, sockets: Sequence[int]) -> None:
        threads = [
            threading.Thread(target=self._serve, args=(Connection(fd),), daemon=True) for fd in sockets
        ]
        threading.Thread(target=self._watch_parent, daemon=True).start()
        for thread in threads:
            thread.start()
        # Of this thread only (on Linux): questions are answered before the tail is moved, and requests before both.
        os.nice(10)
        try:
            self._feeder.run()
            if self._feeder.broken is None:
                self._feeder.drain()
        except Exception as error:
            if not is_damage(error):
                log.exception("The tail could not be moved; it will be at the next start")
                if not self._feeder.over:
                    if is_full(error):
                        sys.exit(1)  # the line says it all; the broker starts another one
                    raise
            else:
                self._feeder.break_off(error)
        if self._feeder.broken is not None:
            self._condition.mark(self._feeder.broken)
            return
        self._history.close()

    def _watch_parent(self) -> None:
        sys.stdin.buffer.read()
        self._feeder.stop()

    def _serve(self, connection: Connection) -> None:
        while True:
            try:
                name, key, arguments = connection.recv()
            except (EOFError, OSError):
                return
            try:
                answer = self._answer(name, arguments, RemoteAccess(key, connection))
            except AndamanError as error:
                answer = ("error", error)
            except Exception as error:
                if is_damage(error):
                    answer = ("error", Unavailable(_REMADE))
                    with suppress(BrokenPipeError, OSError):
                        connection.send(answer)
                    self._feeder.break_off(error)
                    return
                log.exception("A question about the past failed")
                answer = (
                    "error",
                    AndamanError("The question about the past failed; the log has the details"),
                )
            try:
                connection.send(answer)
            except (BrokenPipeError, OSError):
                return

    def _answer(self, name: str, arguments: tuple[Any, ...], access: RemoteAccess) -> tuple[Any, ...]:
        past = self._past
        if name == "query_at":
            at, query, tenant = arguments
            page = past.query_at(at, query, access, tenant)
            return ("page", pack(page.docs), page.total)
        if name == "get_at":
            at, entity_id, tenant = arguments
            return ("doc", orjson.dumps(past.get_at(at, entity_id, access, tenant)))
        if name == "temporal":
            entity_id, attrs, query, tenant = arguments
            return ("doc", orjson.dumps(past.temporal(entity_id, attrs, query, access, tenant)))
        if name == "evolutions":
            wanted, tenant = arguments
            return ("doc", orjson.dumps(past.evolutions(wanted, access, tenant)))
        if name == "resolve":
            entity_id, attr, instance, tenant = arguments
            return ("targets", past.resolve(entity_id, attr, instance, access, tenant))
        if name in ("newest_values", "city_means"):
            # Columns, which go over the socket as they lie in memory.
            *asked, tenant = arguments
            return ("columns", getattr(past, name)(*asked, access, tenant))
        if name == "condense":
            tenant, before, chosen = arguments
            self._history.condense(tenant, before, **chosen)
        if name in ("condense", "condensing"):
            return ("condensing", *self._history.condensing)
        if name == "drain":
            self._feeder.drain()
        return ("status", self._history.last_seq, self._feeder.trouble, self._history.set_aside)


def pack(docs: Sequence[Doc | dict[str, object]]) -> list[bytes]:
    """Docs as JSON in pieces, so that reading them never holds an interpreter for long."""
    return [orjson.dumps(docs[start : start + _DOCS_A_PIECE]) for start in range(0, len(docs), _DOCS_A_PIECE)]


def _open(directory: Path, memory_mb: int, key: bytes, journal: Callable[[int], Event | None]) -> History:
    """Open history; a historian of a broker that was killed a moment ago may still be letting go of it. Damaged files are set aside,
    once."""
    until = time.monotonic() + _OPEN_LIMIT_S
    condition = Condition(directory)
    condition.begin()
    again = False
    while True:
        try:
            history = History.open(directory, memory_mb=memory_mb, key=key, journal=journal)
        except OtherFormat as error:
            log.warning("%s", error)
            shutil.rmtree(directory)
        except Exception as error:
            if may_be_the_file(error) and directory.exists() and not again:
                # Such as the file of a first start on a full disk. The journal has everything.
                condition.set_aside(str(error))
                again = True
                continue
            if time.monotonic() > until or "could not set lock" not in str(error).lower():
                condition.opened()  # it is no death
                raise Unavailable(f"History in {directory} cannot be opened: {error}") from error
            time.sleep(0.05)
        else:
            condition.opened()
            return history


def main() -> None:
    directory, memory_mb, every_s, *sockets = sys.argv[1:]
    # Ctrl-C reaches the broker too, which ends this process in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_child()
    give_memory_back()
    keep_memory_low()
    gc.set_threshold(100_000, 50, 100)
    os.nice(5)
    os.umask(0o077)  # what is written here is the owner's alone
    try:
        historian = Historian(Path(directory), int(memory_mb), float(every_s))
    except (AndamanError, sqlite3.Error) as error:
        log.error("%s", error)
        sys.exit(3)
    historian.run([int(fd) for fd in sockets])
    # Everything is closed. Leave without the interpreter's farewell: DuckDB's binding fills it with warnings.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
