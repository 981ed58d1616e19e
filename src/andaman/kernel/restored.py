"""The mark of a data directory that was made from a backup: a random text, new with each restore.

What was given to people after the backup (such as numbers of incidents) is not in the restored data. Whoever gives such
things asks for the mark at the start, and keeps a distance from what may have been given.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from andaman.kernel.errors import Unavailable

FILE: Final = "restored"


def mark_restored(directory: Path) -> None:
    """Raises Unavailable where the file cannot be written."""
    path = directory / FILE
    try:
        with open(path, "w", encoding="ascii", opener=_private) as out:
            out.write(os.urandom(10).hex())
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}") from None


def restored_mark(directory: Path) -> str:
    """ "" for a directory that was not restored."""
    try:
        found = (directory / FILE).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
    return found if found.isalnum() else ""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
