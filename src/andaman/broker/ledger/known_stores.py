"""The small databases that a data directory has had, noted in the ledger, to distinguish a lost one from one that never
existed.

A new ledger has an empty note from its first instant on; a name is added when the database is there. A ledger of an older release has none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import orjson

from andaman.broker.ledger.schema import FILE, STORES, connect


def noted(directory: Path) -> frozenset[str] | None:
    """Their names; None where there is no note: without a ledger, or with one of an older release."""
    if not _has_ledger(directory):
        return None
    try:
        db = connect(directory)
        try:
            row = db.execute("SELECT value FROM meta WHERE key=?", (STORES,)).fetchone()
        finally:
            db.close()
        return None if row is None else frozenset(map(str, orjson.loads(row[0])))
    except (sqlite3.Error, ValueError, TypeError):
        return None  # the ledger itself cannot be read: whoever opens it says why


def note(directory: Path, names: Iterable[str]) -> None:
    """These, and no others; nothing without a ledger. May raise sqlite3.Error."""
    wanted = frozenset(names)
    if not _has_ledger(directory) or noted(directory) == wanted:
        return
    db = connect(directory, write=True)
    try:
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
            (STORES, orjson.dumps(sorted(wanted)).decode()),
        )
    finally:
        db.close()


def _has_ledger(directory: Path) -> bool:
    file = directory / FILE
    return file.is_file() and file.stat().st_size > 0
