"""The store on disk: one SQLite file per data directory, its tables, its migrations, and the lock of its owner.

Migrations only go forward and are never edited once released: append to ``MIGRATIONS``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from andaman.kernel.errors import Unavailable
from andaman.kernel.storage import obstacle, opening

FILE: Final = "ledger.sqlite3"
LOCK: Final = "lock"
HISTORY: Final = "history"
STORES: Final = "stores"
"""Key in ``meta``: see known_stores.py."""
AFTERWARDS: Final = (
    "registry.db",
    "subscriptions.db",
    "snapshots.db",
    "contexts.db",
    "deadletter.db",
    "ingest.db",
)
"""Databases of other rooms, which a start makes when it has the store."""
_WRITER_PAGES: Final = 12_000  # of 8 KB
_READER_PAGES: Final = 2_000
APPLICATION_ID: Final = 0x616E646D  # "andm"

# ``journal.changes`` is the last wide column, so that a scan by tenant and entity never touches overflow pages.
# ``shape`` numbers distinct (types, scopes), ``layout`` distinct index layouts; ``layout`` and ``facts`` are what the
# in-memory index is loaded from at start, without parsing bodies.
# The partial index finds the few rows of a drill's tenant without taxing the city's own.
# ``former`` remembers the shapes that entities had and until when: rights on their history hang on it.
# ``evolution`` names entities that only the temporal API knows (shape > 0) or whose evolution was erased (0); see
# evolution.py. ``meta.instances`` is the key that the ids of attribute instances over time are made with.
# ``entity.ord`` is the order of creation within this store; identity is (tenant, id).
MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID;
    CREATE TABLE tenant (name TEXT PRIMARY KEY, created INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE shape (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);
    CREATE TABLE layout (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE entity (
        ord INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, shape INTEGER NOT NULL,
        seq INTEGER NOT NULL, layout INTEGER NOT NULL, facts BLOB NOT NULL, body BLOB NOT NULL,
        UNIQUE (tenant, id));
    CREATE TABLE gone (
        tenant TEXT NOT NULL, id TEXT NOT NULL, shape INTEGER NOT NULL, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
    CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
        entity_id TEXT NOT NULL, shape INTEGER NOT NULL, actor TEXT NOT NULL, origin TEXT NOT NULL,
        reason TEXT NOT NULL, request TEXT NOT NULL, hash BLOB NOT NULL, changes BLOB NOT NULL);
    CREATE INDEX journal_tenant ON journal (tenant, seq) WHERE tenant <> '';
    """,
    """
    CREATE TABLE former (
        tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, shape INTEGER NOT NULL,
        PRIMARY KEY (tenant, id, seq)) WITHOUT ROWID;
    INSERT INTO former SELECT j.tenant, j.entity_id, j.seq, j.at, j.shape FROM journal AS j WHERE j.kind = 'deleted';
    DROP TABLE gone;
    """,
    """
    CREATE TABLE evolution (
        tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, shape INTEGER NOT NULL,
        PRIMARY KEY (tenant, id)) WITHOUT ROWID;
    INSERT INTO meta (key, value) VALUES ('instances', randomblob(32));
    """,
)


def connect(directory: Path, *, write: bool = False) -> sqlite3.Connection:
    """A connection to the store, usable from any one thread at a time.

    Autocommit: transactions are begun by hand. ``synchronous=FULL`` makes COMMIT return after the fsync of the
    write-ahead log. Checkpoints never happen inside a commit (see checkpoint.py).
    """
    path = directory / FILE
    mode = "rwc" if write else "rw"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=10.0,
    )
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=0")
    # In pages: a size in bytes would be reckoned with pages of 4 KB, which ours are not, and be the double.
    db.execute(f"PRAGMA cache_size={_WRITER_PAGES if write else _READER_PAGES}")
    db.execute("PRAGMA temp_store=MEMORY")
    if not write:
        db.execute("PRAGMA query_only=ON")
    return db


def prepare(directory: Path) -> sqlite3.Connection:
    """Create or migrate the store and return the writer's connection. Raises Unavailable when it is not ours, or is gone
    where history tells that there was one."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = directory / FILE
    if witness := lost_by(directory):
        raise Unavailable(
            f"{file} is {'empty' if file.exists() else 'missing'}, but {directory / witness} shows that there was data. "
            "No new store is created over it: restore the last backup into a new directory (andaman restore), or choose "
            "an empty directory"
        )
    with opening(file):
        db = connect(directory, write=True)
    try:
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        owner: int = db.execute("PRAGMA application_id").fetchone()[0]
        if version and owner != APPLICATION_ID:
            raise Unavailable(f"{directory / FILE} is an SQLite file, but not a ledger of this platform")
        if version > len(MIGRATIONS):
            raise Unavailable(
                f"{directory / FILE} has schema version {version}; this release knows up to {len(MIGRATIONS)}. "
                "Use the newer release that wrote it."
            )
        if version == 0:
            # An entity of 1 KB takes a row of about 1.9 KB: pages of 8 KB hold four, and need half the system calls.
            db.execute("PRAGMA page_size=8192")
            db.execute("PRAGMA journal_mode=WAL")
        for number in range(version, len(MIGRATIONS)):
            script = MIGRATIONS[number]
            if number == 0:
                # From the first instant on: what never was is not missed, however this start ends.
                script += f"INSERT INTO meta VALUES ('{STORES}', '[]');"  # noqa: S608
            db.executescript(
                f"BEGIN IMMEDIATE;{script}PRAGMA application_id={APPLICATION_ID};"
                f"PRAGMA user_version={number + 1};COMMIT;"
            )
    except sqlite3.Error as error:
        db.close()
        raise Unavailable(
            f"The store in {directory} cannot be opened: {obstacle(file) or error}. "
            f"andaman doctor --data {directory} says what is wrong and what to do"
        ) from error
    except Unavailable:
        db.close()
        raise
    return db


def lost_by(directory: Path) -> str:
    """Was there a store? The name of what tells so, "" where nothing does: history, and all databases but the accounts',
    are begun after it."""
    file = directory / FILE
    if file.exists() and (file.is_dir() or file.stat().st_size or file.with_name(f"{FILE}-wal").exists()):
        return ""
    history = directory / HISTORY
    if history.is_dir() and any(history.iterdir()):
        return HISTORY
    return next((name for name in AFTERWARDS if _has_content(directory / name)), "")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


class DirectoryLock:
    """One process owns a data directory; the operating system frees the lock when that process dies."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / LOCK
        with opening(self.path):
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise Unavailable(
                f"{directory} is in use by process {holder}; stop it first or choose another directory"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._fd)


def lock_holder(directory: Path) -> str | None:
    """The process id written in the lock file if the lock is held now, else None. Changes nothing."""
    try:
        fd = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(fd)
    return None
