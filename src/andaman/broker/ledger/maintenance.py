"""Care of a store from outside the broker: a copy as of one instant, also while it runs, and a store made of one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from andaman.broker.ledger.doctor import chain, state, structure
from andaman.broker.ledger.schema import (
    FILE,
    HISTORY,
    DirectoryLock,
    connect,
    prepare,
)
from andaman.broker.ledger.segment import START, Point, point
from andaman.kernel.errors import Conflict, ResourceNotFound, Unavailable
from andaman.kernel.storage import keep_private

_PAGES_A_STEP: Final = 4_096


def backup(directory: Path, target: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Copy the store, consistent at one instant, into one file; returns its bytes. Writers need not stop.

    History is not in it: it is made again from the journal, which is. ``progress`` gets (pages done, pages in all).
    Raises ResourceNotFound without a store, Conflict when the target exists, Unavailable on a disk error.
    """
    if not (directory / FILE).exists():
        raise ResourceNotFound(f"There is no store in {directory}")
    if target.exists():
        raise Conflict(f"{target} exists; choose another name or remove it first")
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        keep_private(part)
        source, copy = connect(directory), sqlite3.connect(part)
        try:
            # A read transaction pins one instant, so that a busy writer cannot make the copy start over.
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
            source.backup(
                copy,
                pages=_PAGES_A_STEP,
                progress=lambda _, left, total: progress(total - left, total) if progress else None,
                sleep=0.001,
            )
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            source.close()
        _sync(part)
        os.replace(part, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"The backup to {target} failed: {error}") from error
    return target.stat().st_size


def restore(file: Path, directory: Path, change: Callable[[sqlite3.Connection], None] | None = None) -> Point:
    """Make ``directory`` a store as it was at the backup; returns the end of its journal.

    ``change`` takes the store on to another instant before it counts. The result is checked (structure and hash
    chain), and refused whole where it is not sound. The directory must hold no store yet: nothing is ever
    overwritten. History is rebuilt from the journal at the next start.
    """
    if not file.is_file():
        raise ResourceNotFound(f"There is no file {file}")
    lock = DirectoryLock(directory)
    try:
        if (directory / FILE).exists() or (directory / HISTORY).exists():
            raise Conflict(
                f"{directory} holds a store already; restore into an empty directory, then swap them"
            )
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore-") as name:
            part = Path(name) / FILE
            shutil.copyfile(file, part)
            problem = _problem(part) if change is not None else ""
            if not problem and change is not None:
                db = prepare(Path(name))
                try:
                    change(db)
                    db.execute("PRAGMA journal_mode=DELETE")
                finally:
                    db.close()
            db = sqlite3.connect(part)
            try:
                problem = problem or structure(db) or chain(db) or _of_state(db)
                end = START if problem else point(db) or START
                if not problem:
                    db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.Error as error:
                problem = str(error)
            finally:
                db.close()
            if problem:
                raise Conflict(f"{file} is not a sound backup: {problem}")
            _sync(part)
            os.replace(part, directory / FILE)
        _sync(directory)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"The restore into {directory} failed: {error}") from error
    finally:
        lock.release()
    return end


def _problem(file: Path) -> str:
    db = sqlite3.connect(file)
    try:
        return structure(db)
    finally:
        db.close()


def _of_state(db: sqlite3.Connection) -> str:
    found = state(db)
    return "" if found.level == "ok" else found.text


def renew_index(directory: Path) -> None:
    """Have the next start make the index's rows again from the bodies. Raises Unavailable while a platform runs."""
    lock = DirectoryLock(directory)
    try:
        db = prepare(directory)
        try:
            db.execute("DELETE FROM meta WHERE key='facts'")
        finally:
            db.close()
    finally:
        lock.release()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
