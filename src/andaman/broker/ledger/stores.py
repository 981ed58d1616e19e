"""Which small databases a data directory has had, noted in the ledger: so that one that is gone is told from one that never was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import orjson

from andaman.broker.ledger.schema import FILE, connect

_KEY: Final = "stores"


def noted(directory: Path) -> frozenset[str] | None:
    """Their names; None where nothing was noted: a new directory, or one of an older release."""
    file = directory / FILE
    if not (file.is_file() and file.stat().st_size):
        return None
    try:
        db = connect(directory)
        try:
            row = db.execute("SELECT value FROM meta WHERE key=?", (_KEY,)).fetchone()
        finally:
            db.close()
        return None if row is None else frozenset(map(str, orjson.loads(row[0])))
    except (sqlite3.Error, ValueError, TypeError):
        return None  # the ledger itself cannot be read: whoever opens it says why


def note(directory: Path, names: Iterable[str]) -> None:
    """These, and no others. May raise sqlite3.Error."""
    wanted = frozenset(names)
    if noted(directory) == wanted:
        return
    db = connect(directory, write=True)
    try:
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
            (_KEY, orjson.dumps(sorted(wanted)).decode()),
        )
    finally:
        db.close()
