"""Damage to history's files: noticed where they are opened or read, set aside, and made again from the journal.

The engine checks the checksum of every block that it reads. Where one is wrong, whoever asked is told so, a mark is left, and the
historian ends; the next one finds the mark. So it does where the process before died twice while it opened the files.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger("andaman.historian")

_DAMAGED: Final = ("corrupt", "checksum", "could not read enough", "not a valid duckdb")
"""Of DuckDB's messages about a block or file."""
_OTHERS: Final = (
    "could not set lock",
    "no space left",
    "permission denied",
    "read-only",
    "too many open",
    "out of memory",
    "cannot allocate",
)
"""Of messages when it opens a file: the trouble is not with the file."""
_MARK: Final = "damaged"
_OPENING: Final = "opening"
_DEATHS: Final = 2


def is_damage(error: BaseException) -> bool:
    """Does this error of the engine say that a file is damaged?"""
    said = str(error).lower()
    return type(error).__module__.split(".")[0] in ("duckdb", "_duckdb") and any(
        word in said for word in _DAMAGED
    )


def may_be_the_file(error: BaseException) -> bool:
    """When opening: may it be the file that is the trouble, and not the machine?"""
    said = str(error).lower()
    return not isinstance(error, MemoryError) and not any(word in said for word in _OTHERS)


class Condition:
    """The state that one life of the historian leaves for the next, next to history's files."""

    def __init__(self, directory: Path) -> None:
        """``directory``: history's."""
        self._directory = directory
        self._aside = directory.with_name(f"{directory.name}.damaged")

    def mark(self, error: BaseException) -> None:
        """The files are damaged: the next life makes history again."""
        with suppress(OSError):
            (self._directory / _MARK).write_text(str(error))

    def begin(self) -> None:
        """Before opening: set aside the marked files, or those that killed the processes before."""
        if self._directory.exists() and not self._directory.is_dir():
            self.set_aside("there is a file where its directory should be")
            return
        with suppress(OSError):
            self.set_aside((self._directory / _MARK).read_text())
            return
        deaths = 0
        with suppress(OSError, ValueError):
            deaths = int((self._directory / _OPENING).read_text())
        if deaths >= _DEATHS:
            self.set_aside(f"the historian ended {deaths} times while it opened it")
            return
        if self._directory.is_dir():
            with suppress(OSError):
                (self._directory / _OPENING).write_text(str(deaths + 1))

    def opened(self) -> None:
        with suppress(OSError):
            (self._directory / _OPENING).unlink(missing_ok=True)

    def set_aside(self, why: str) -> None:
        """Keep the damaged files, in place of those that were kept before."""
        log.error(
            "History is damaged (%s): it is made again from the journal, and the damaged files are kept in %s",
            why.splitlines()[0] if why else "unknown",
            self._aside,
        )
        if self._aside.is_dir():
            shutil.rmtree(self._aside, ignore_errors=True)
        else:
            self._aside.unlink(missing_ok=True)
        self._directory.rename(self._aside)
        for name in (_MARK, _OPENING):
            with suppress(OSError):
                (self._aside / name).unlink(missing_ok=True)
