"""Opening what is on disk: an error of SQLite or of the system becomes one sentence that names the file and says why."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from andaman.kernel.errors import Unavailable


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
    """Make a file that is not there, empty, and close it and what SQLite keeps beside it to others. May raise OSError."""
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


def set_aside(path: Path) -> Path:
    """Move a file, or whatever stands in its place, with what SQLite keeps beside it to ``NAME.damaged``, in place of what was kept there
    before; returns that path. May raise OSError."""
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
    """What stands in the way of writing a file, so far as that can be seen from outside; "" for nothing."""
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if one.is_dir():
            return f"a directory stands where the file {one.name} should be"
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
