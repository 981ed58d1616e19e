"""Copying the write-ahead log into the store, in a thread of its own while commits go on, and starting it again."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Final

from andaman.broker.ledger.schema import connect

log = logging.getLogger(__name__)
_EVERY_S: Final = 1.0
_FRAME: Final = 4_096 + 24  # bytes of one page in the log


class Checkpointer:
    """Passive checkpoints, which never make a commit wait.

    Under steady writing a passive checkpoint never catches up whole, and the log would grow for ever: so when the log
    is long and has just been copied, ``due`` is set, and the writer copies the little that came since and starts the
    log again at its beginning, between two commits. The file keeps its length: overwriting is cheaper than growing.
    """

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self.due = threading.Event()
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._written = 0  # bytes since the last copy, estimated by the writer
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoint", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def wrote(self, pages: int) -> None:
        """From the writer's thread: a commit wrote about so many pages."""
        self._written += pages * _FRAME
        if self._written > self._limit_bytes // 4:
            self._wake.set()

    def restart(self, db: sqlite3.Connection) -> None:
        """From the writer's thread, between commits, when ``due``: start the log again. A reader of an old state
        may forbid it; then the next copy asks once more."""
        self.due.clear()
        try:
            db.execute("PRAGMA busy_timeout=0")
            db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            db.execute("PRAGMA busy_timeout=10000")
        except sqlite3.Error as error:
            log.warning("The write-ahead log could not be started again: %s", error)

    def _run(self) -> None:
        db = connect(self._directory, write=True)
        while True:
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            if self._stopping:
                break
            if self._written:
                self._written = 0
                try:
                    _, frames, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if frames * _FRAME > self._limit_bytes:
                        self.due.set()
                except sqlite3.Error as error:
                    log.warning("Checkpoint failed, will be tried again: %s", error)
        db.close()
