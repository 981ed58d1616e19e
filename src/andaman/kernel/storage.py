"""Opening what is on disk: an error of SQLite or of the system becomes one sentence that names the file and says why."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from andaman.kernel.errors import Unavailable


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raises Unavailable instead of what SQLite or the system raise within."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unavailable(
            f"{path} cannot be opened: {obstacle(path) or said}. "
            f"andaman doctor --data {path.parent} says what is wrong and what to do"
        ) from error


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
