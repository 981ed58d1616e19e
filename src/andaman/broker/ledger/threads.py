"""The ledger's helpers in threads of their own: copying the write-ahead log, and feeding history."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from andaman.broker.ledger.journal import Journal
from andaman.broker.ledger.schema import FILE, connect
from andaman.broker.model import Event

log = logging.getLogger(__name__)

_CHECKPOINT_EVERY_S: Final = 0.5
_FEED_ROWS: Final = 20_000  # a batch that the history store takes at full speed
_RETRY_S: Final = 5.0


class Checkpointer:
    """Copies the write-ahead log into the store while commits go on (passive: it never makes them wait)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoint", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        db = connect(self._directory, write=True)
        wal = self._directory / f"{FILE}-wal"
        copied = -1
        while not self._stop.wait(_CHECKPOINT_EVERY_S):
            try:
                written = os.stat(wal).st_mtime_ns
                if written != copied:
                    copied = written
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except (OSError, sqlite3.Error) as error:
                log.warning("Checkpoint failed, will be tried again: %s", error)
        db.close()


class HistorySink(Protocol):
    """What the feeder needs of the history store (broker/history)."""

    @property
    def last_seq(self) -> int:
        """The last journal position that is durably in history."""

    def ingest(self, events: list[Event]) -> None:
        """Take events in order; those already there are ignored. Durable on return."""

    def maintain(self) -> bool:
        """One bounded step of upkeep; True while there is more to do."""


class HistoryFeed:
    """Moves the journal's tail to history in large batches, or after ``every_s`` when there is little."""

    def __init__(self, directory: Path, history: HistorySink, seq: Callable[[], int], every_s: float) -> None:
        self._directory = directory
        self._history = history
        self._seq = seq
        self._every_s = every_s
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger-history", daemon=True)
        self._noted = history.last_seq
        self.trouble: str | None = None  # why history lags, for doctor and metrics

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Move what is left, then end the thread."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def notice(self, seq: int) -> None:
        """Cheap hint from the loop's thread that the journal has grown."""
        if seq - self._noted >= _FEED_ROWS:
            self._noted = seq
            self._wake.set()

    def _run(self) -> None:
        db = connect(self._directory)
        journal = Journal(db)
        while True:
            self._wake.wait(self._every_s)
            self._wake.clear()
            stopping = self._stopping
            try:
                self._drain(journal)
                self.trouble = None
                while not stopping and not self._stopping and self._history.maintain():
                    pass
            except Exception as error:
                # The journal keeps everything; history catches up when the trouble is over.
                self.trouble = str(error)
                log.exception("History could not take the journal's tail; will be tried again")
                if not stopping:
                    self._wake.wait(_RETRY_S)
            if stopping:
                break
        db.close()

    def _drain(self, journal: Journal) -> None:
        while self._history.last_seq < self._seq():
            events = journal.slice(self._history.last_seq, _FEED_ROWS)
            if not events:
                return
            self._history.ingest(events)
