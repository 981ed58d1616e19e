"""What a data directory has lost: small databases that were there and are gone, empty or damaged. Nothing is begun anew over them
without a word: accounts, subscriptions and registered sources would be gone, and nobody would know."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from andaman.broker.contexts.book import FILE as CONTEXTS
from andaman.broker.ledger.stores import note, noted
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.storage import keep_private

log = logging.getLogger("andaman")
IDENTITY: Final = "identity.db"
REGISTRY: Final = "registry.db"
PRECIOUS: Final = {
    IDENTITY: "the accounts, the tokens and the audit",
    SUBSCRIPTIONS: "the subscriptions",
    REGISTRY: "the registered context sources",
}
_CHECKED_BYTES: Final = 64 << 20
"""Larger ones are left to the doctor."""


def find_lost(directory: Path) -> list[str]:
    """Names of small databases that were there and are gone, or empty."""
    known = noted(directory)
    if known is None:  # of an older release, or new: a platform that ran made all of them, in this order
        there = {path.name for path in directory.glob("*.db") if path.exists() and path.stat().st_size}
        newer = {SUBSCRIPTIONS, REGISTRY}
        known = frozenset({IDENTITY} if there - {IDENTITY} else ()) | (newer if there & newer else set())
    return [name for name in PRECIOUS if name in known and _is_gone(directory / name)]


def check_whole(directory: Path, *names: str) -> None:
    """Raises Unavailable, in a sentence that says what to do, where one of them (none named: any) is gone or damaged."""
    lost = find_lost(directory)
    for name in names or PRECIOUS:
        path = directory / name
        if name in lost:
            how = "empty" if path.exists() else "missing"
            raise Unavailable(
                f"{path} is {how}, which held {PRECIOUS[name]}. Nothing is begun anew over that: stop the platform and put "
                f"{name} of the last backup there (andaman restore makes a directory of a backup). Where there is none, "
                f"andaman begin-anew {name} --data {directory} begins without"
                + (", and andaman user add makes the first account" if name == IDENTITY else "")
            )
        wrong = _damage(path)
        if wrong:
            raise Unavailable(
                f"{path} is damaged: {wrong}. It holds {PRECIOUS[name]}. Keep a copy of {directory}, remove {name}, {name}-wal and "
                f"{name}-shm, and put {name} of the last backup there; andaman doctor --data {directory} says more"
            )


def begin_anew(directory: Path, name: str) -> None:
    """Do without a small database that is lost: the next start makes an empty one. Raises AndamanError."""
    if name not in PRECIOUS:
        raise AndamanError(f"{name!r} is none of {', '.join(PRECIOUS)}")
    lost = find_lost(directory)
    if name not in lost:
        raise AndamanError(f"{directory / name} is not lost; nothing was changed")
    known = noted(directory)
    left = (known if known is not None else frozenset(PRECIOUS)) - {name}
    for end in ("", "-wal", "-shm"):
        (directory / f"{name}{end}").unlink(missing_ok=True)
    try:
        note(directory, left)
    except sqlite3.Error as error:
        raise Unavailable(f"The ledger in {directory} cannot be written: {error}") from None


def note_stores(directory: Path) -> None:
    """Note which there are now; a start calls it when all are made. What cannot be noted now is noted by the next."""
    try:
        note(directory, {name for name in (*PRECIOUS, CONTEXTS) if not _is_gone(directory / name)})
    except sqlite3.Error as error:
        log.warning("Which databases there are could not be noted: %s", error)


def _is_gone(path: Path) -> bool:
    """Missing, or without a table."""
    if not path.exists():
        return True
    try:
        keep_private(path)
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)
        try:
            return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
        finally:
            db.close()
    except (sqlite3.Error, OSError):
        return False  # there is something; what is wrong with it is told by whoever opens it


def _damage(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _CHECKED_BYTES:
        return ""
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)
        try:
            lines = [line for (line,) in db.execute("PRAGMA quick_check(3)")]
        finally:
            db.close()
    except sqlite3.OperationalError:
        return ""  # it cannot be opened or read now: whoever opens it next says why
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if lines == ["ok"] else "; ".join(lines).replace("\n", " ")
