"""Files on disk: an error of SQLite or of the system becomes one sentence that names the file and the reason."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from andaman.kernel.errors import Unavailable

_WAIT_S: Final = 10.0
_NOT_THE_FILE: Final = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_AUTH,
    )
)
"""SQLite's words for trouble with the machine: the next opener of the file reports it."""


@contextlib.contextmanager
def opening(path: Path, *, folder: bool = False) -> Iterator[None]:
    """Raises Unavailable instead of what SQLite or the system raise within. A file is the owner's alone from its first byte
    on, and so are those that SQLite puts beside it, which take its mode."""
    try:
        if not folder:
            keep_private(path)
        yield
    except (sqlite3.Error, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unavailable(
            f"{path} cannot be opened: {obstacle(path) or said}. "
            f"andaman doctor --data {path.parent} says what is wrong and what to do"
        ) from error


def keep_private(path: Path) -> None:
    """Create an empty file if there is none, and close it and SQLite's files next to it to others. May raise OSError."""
    if path.is_dir():
        return
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for end in ("", "-wal", "-shm", "-journal"):
        one = path.with_name(path.name + end)
        with contextlib.suppress(FileNotFoundError):
            status = one.stat()
            if status.st_mode & 0o077 and status.st_uid == os.geteuid():
                one.chmod(0o600)


def sync_folder(folder: Path) -> None:
    """Put on disk that files of the folder were made or renamed. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Move a file, or anything in its place, to ``NAME.damaged``, with SQLite's files next to it. Replaces an earlier one.
    Returns the new path. May raise OSError."""
    kept = path.with_name(f"{path.name}.damaged")
    for end in ("", "-wal", "-shm", "-journal"):
        one, target = path.with_name(path.name + end), kept.with_name(kept.name + end)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        if os.path.lexists(one):
            os.rename(one, target)
    return kept


def free_bytes(directory: Path) -> int | None:
    """Room on the disk of a directory; None where the system does not say."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def is_open_to_others(directory: Path) -> bool:
    return bool(directory.stat().st_mode & 0o077)


def obstacle(path: Path) -> str:
    """The obstacle to writing a file, so far as it can be seen from outside; "" for none."""
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if one.is_dir():
            return f"a directory is where the file {one.name} should be"
    parent = path.parent
    if is_read_only(parent):
        return f"{parent} is on a file system that is mounted read-only"
    for one in (parent, path):
        if one.exists() and not os.access(one, os.W_OK):
            return f"user {os.geteuid()} may not write {one}, which belongs to user {one.stat().st_uid}"
    return ""


def is_read_only(directory: Path) -> bool:
    try:
        return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
    except OSError:
        return False


# -- databases as files -----------------------------------------------------------------------------------------------
@contextlib.contextmanager
def looking_into(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """An existing database, unchanged. May raise sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}"
    db = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
    try:
        yield db
    finally:
        db.close()


def has_tables(path: Path) -> bool:
    """Has the file a table? True also for a file that cannot be read: opening it gives the reason."""
    if not path.exists():
        return False
    try:
        keep_private(path)
        with looking_into(path, write=True) as db:
            return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    except (sqlite3.Error, OSError):
        return True


def has_row(path: Path, rows: str) -> bool:
    """Is there a row? ``rows``: a table, with a condition. False also for a file that cannot be read."""
    if not path.is_file():
        return False
    try:
        with looking_into(path, write=True) as db:
            return db.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None  # noqa: S608
    except (sqlite3.Error, OSError):
        return False


def damage(path: Path, tables: Mapping[str, frozenset[str]], checked_bytes: int) -> str:
    """The damage of a database as a sentence; "" for none, and for a file that is missing, empty or unreadable now.

    ``tables``: the columns that existing tables must have. The doctor checks the structure of files above
    ``checked_bytes``."""
    try:
        size = path.stat().st_size if path.is_file() else 0
        if not size:
            return ""
        with looking_into(path, write=True) as db:
            if size <= checked_bytes:
                lines = [str(line) for (line,) in db.execute("PRAGMA quick_check(3)")]
                if lines != ["ok"]:
                    return "; ".join(lines).replace("\n", " ")
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("BEGIN")  # some bytes of its head make a file that can be read and not written
            db.execute(f"PRAGMA user_version={version}")
            db.execute("ROLLBACK")
            return _misses(db, tables, version > 0)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        return "" if code in _NOT_THE_FILE or obstacle(path) else str(error)
    except OSError:
        return ""


def _misses(db: sqlite3.Connection, tables: Mapping[str, frozenset[str]], versioned: bool) -> str:
    for table, wanted in tables.items():
        there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        if (there or versioned) and wanted - there:
            return f"column {min(wanted - there)} of table {table} is missing"
    return ""


def copy_database(source: Path, target: Path) -> None:
    """A copy that is consistent in itself, also while the platform writes. Raises Unavailable."""
    try:
        keep_private(target)
        read, write = sqlite3.connect(source), sqlite3.connect(target)
        try:
            read.backup(write)
            write.execute("PRAGMA journal_mode=DELETE")
        finally:
            read.close()
            write.close()
    except sqlite3.Error as error:
        raise Unavailable(f"{source.name} cannot be copied: {error}") from None
