"""Copying the write-ahead log into the store, in a thread of its own while commits go on."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import Final

from andaman.broker.ledger.schema import FILE, connect

log = logging.getLogger(__name__)
_EVERY_S: Final = 0.5


class Checkpointer:
    """Passive checkpoints: they never make a commit wait. The writer starts the log again once it is copied."""

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
        while not self._stop.wait(_EVERY_S):
            try:
                written = os.stat(wal).st_mtime_ns
                if written != copied:
                    copied = written
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except (OSError, sqlite3.Error) as error:
                log.warning("Checkpoint failed, will be tried again: %s", error)
        db.close()
