"""Files of a data directory that it can do without. One that is damaged, or that is no file, is set aside by a start, which goes on
as if it had been lost: it is kept as ``NAME.damaged``, the log has a line, and the doctor names it."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from andaman.broker.contexts.book import FILE as CONTEXTS
from andaman.broker.registry.map_store import FILE as MAPS
from andaman.broker.snapshots.store import FILE as SNAPSHOTS
from andaman.kernel.errors import Unavailable
from andaman.kernel.storage import obstacle, set_aside

log = logging.getLogger("andaman")
_CHECKED_BYTES: Final = 256 << 20
"""The structure of larger ones is left to the doctor."""
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
"""What SQLite says when the trouble is with the machine: whoever opens the file next says so."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """``without``: what follows from its loss. ``tables``: of a database, with the columns that they must have where they are."""

    name: str
    without: str
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)


def _columns(names: str) -> frozenset[str]:
    return frozenset(names.split())


SIDE_FILES: Final = (
    SideFile(
        CONTEXTS,
        "the second copies of hosted contexts are made again of contexts/",
        {"context": _columns("id content")},
    ),
    SideFile(
        SNAPSHOTS,
        "the snapshots that it listed are gone, unless it is taken from a backup",
        {"snapshot": _columns("tenant id document")},
    ),
    SideFile(
        "deadletter.db",
        "messages that could not be read are forgotten",
        {
            "dead_letter": _columns("id at feed topic reason detail attribute payload size"),
            "kind": _columns("feed topic reason attribute pattern count first"),
        },
    ),
    SideFile("ingest.db", "feeds begin anew", {"memory": _columns("feed body")}),
    SideFile(MAPS, "clients ask anew for their pages"),
    SideFile("rules-state.jsonl", "the rules read the journal again"),
    SideFile("rules-marks.jsonl", "the rules read the journal again"),
    SideFile("mqtt-client.json", "a new MQTT client id is made up"),
    SideFile("reserve", "it is made again when there is room"),
)


def set_aside_damaged(directory: Path) -> None:
    """Call it when the directory is this process's alone, and nothing but the ledger is open. Raises Unavailable, in a sentence, where a
    damaged file cannot be moved."""
    for side in SIDE_FILES:
        path = directory / side.name
        wrong = _not_a_file(path) or (_damage(path, side.tables) if side.tables else "")
        if not wrong:
            continue
        try:
            kept = set_aside(path)
        except OSError as error:
            raise Unavailable(
                f"{path} is damaged ({wrong}) and cannot be moved out of the way: {error.strerror or error}. It may be lost: "
                f"remove it, or move it elsewhere; then {side.without}"
            ) from None
        log.error(
            "%s is damaged (%s): it is set aside as %s, and the platform goes on without it: %s",
            path, wrong, kept.name, side.without,
        )  # fmt: skip


def _not_a_file(path: Path) -> str:
    """A directory, a link that leads nowhere or the like, in its place or beside it, where SQLite keeps its log."""
    for end in ("", "-wal", "-shm"):
        one = path.with_name(path.name + end)
        if not os.path.lexists(one) or one.is_file():
            continue
        if one.is_dir():
            return f"a directory stands where the file {one.name} should be"
        if one.is_symlink():
            return f"{one.name} is a link to {os.readlink(one)}, which is no file"
        return f"{one.name} is no file"
    return ""


def _damage(path: Path, tables: Mapping[str, frozenset[str]]) -> str:
    """What is wrong with a database; "" for nothing, also where it is not there, empty, or cannot be read now."""
    try:
        size = path.stat().st_size
        if not size:
            return ""
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0, isolation_level=None
        )
        try:
            lines = (
                [str(line) for (line,) in db.execute("PRAGMA quick_check(3)")]
                if size <= _CHECKED_BYTES
                else []
            )
            if lines not in ([], ["ok"]):
                return "; ".join(lines).replace("\n", " ")
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("BEGIN")  # some bytes of its head make a file that can be read and not written
            db.execute(f"PRAGMA user_version={version}")
            db.execute("ROLLBACK")
            return _misses(db, tables, version > 0)
        finally:
            db.close()
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
