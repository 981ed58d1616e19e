"""Is the store undamaged? The checks before a platform starts on it, and those afterwards. What is looked at before a
platform starts on it, and what afterwards.

A small store is read whole before the start, as the doctor reads it. Of a large one the end of the journal is: a crash, or
a disk that lies about what it wrote, harms what was written last. Its structure is read behind the start, by a thread that gives way
to everything else; the doctor reads all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from andaman.broker.ledger import doctor
from andaman.broker.ledger.journal import verify
from andaman.broker.ledger.schema import APPLICATION_ID, FILE, MIGRATIONS, connect
from andaman.kernel.errors import Unavailable
from andaman.kernel.metrics import Family, gauge

log = logging.getLogger(__name__)
WHOLE_BYTES: Final = 128 << 20
"""Stores up to this size are read completely before a start: less than a second."""
TAIL: Final = 10_000
"""Rows at the journal's end whose hash chain is verified of a larger one."""
_WAIT_S: Final = 60.0


def check_before_start(directory: Path) -> None:
    """Raises Unavailable, in a sentence that says what to do. Changes nothing; nothing happens for a store that is new."""
    file = directory / FILE
    if not (file.is_file() and file.stat().st_size):
        return
    wrong = damage(directory)
    if wrong:
        raise Unavailable(
            f"{file} is damaged: {wrong}. Nothing was changed. Keep a copy of {directory} and restore the last backup into a new "
            f"directory (andaman restore); andaman doctor --data {directory} says more. Where there is no backup, "
            "--start-damaged starts all the same"
        )


def damage(directory: Path) -> str:
    """What is wrong, as far as it is looked at before a start; "" for nothing."""
    try:
        db = connect(directory)
        try:
            db.execute("BEGIN")
            version: int = db.execute("PRAGMA user_version").fetchone()[0]
            owner: int = db.execute("PRAGMA application_id").fetchone()[0]
            if not 0 < version <= len(MIGRATIONS) or owner != APPLICATION_ID:
                return ""  # whoever opens it says what it is
            if size(directory) > WHOLE_BYTES:
                return _end(db)
            wrong = doctor.structure(db).removeprefix("The file is damaged: ") or doctor.chain(db)
            if wrong:
                return wrong
            found = doctor.state(db)
            return "" if found.level == "ok" else found.text
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.OperationalError:
            return ""  # it cannot be opened or read now: whoever opens it next says why
        return str(error)


def _end(db: sqlite3.Connection) -> str:
    last = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    report = verify(db, after=max(0, last - TAIL))
    return "" if report.ok else f"The hash chain breaks at row {report.broken_at}: {report.problem}"


def size(directory: Path) -> int:
    """Bytes of the store, including those not in its file yet."""
    return sum(path.stat().st_size for end in ("", "-wal") if (path := directory / f"{FILE}{end}").exists())


class SlowCheck:
    """Reads the structure of a large store behind the start."""

    def __init__(self, directory: Path, wait_s: float = _WAIT_S) -> None:
        self._directory, self._wait_s = directory, wait_s
        self._task: asyncio.Task[None] | None = None
        self._db: sqlite3.Connection | None = None
        self.wrong = ""

    async def start(self) -> None:
        if size(self._directory) > WHOLE_BYTES:
            self._task = asyncio.create_task(self._look(), name="ledger-check")

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        if self._db is not None:
            self._db.interrupt()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _look(self) -> None:
        await asyncio.sleep(self._wait_s)
        done = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def work() -> None:
            with contextlib.suppress(OSError):
                os.setpriority(
                    os.PRIO_PROCESS, threading.get_native_id(), 19
                )  # of this thread alone, on Linux
            found = self._structure()
            with contextlib.suppress(RuntimeError):  # the loop is over
                loop.call_soon_threadsafe(settle, found)

        def settle(found: str) -> None:
            if not done.done():
                done.set_result(found)

        threading.Thread(target=work, name="ledger-check", daemon=True).start()
        self.wrong = await done
        if self.wrong:
            log.error(
                "%s is damaged: %s. Make a copy of %s, and restore the last backup into a new directory",
                self._directory / FILE,
                self.wrong,
                self._directory,
            )

    def _structure(self) -> str:
        try:
            self._db = connect(self._directory)
            try:
                lines = [line for (line,) in self._db.execute("PRAGMA quick_check(3)")]
            finally:
                db, self._db = self._db, None
                db.close()
        except sqlite3.OperationalError:
            return ""  # interrupted, or it cannot be read now
        except sqlite3.DatabaseError as error:
            return str(error)
        return "" if lines == ["ok"] else doctor.in_one_line(lines)

    def metrics(self) -> Iterable[Family]:
        yield gauge("andaman_ledger_damaged", "Did the check behind the start find damage?", bool(self.wrong))
