"""Small SQLite stores: each is one file, private from its first byte, and migrated from any earlier version.

A room declares its file as a ``StoreKind`` and opens it as a ``Store``. It writes its own SQL in ``transaction``, or keeps
documents by tenant and key in a ``Table``. A change is on disk when the call returns. Calls block: keep them off the event
loop.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.kernel.errors import Conflict, StorageFull, Unavailable, is_full
from andaman.kernel.positions import Position
from andaman.kernel.storage import free_bytes, opening

log = logging.getLogger(__name__)
Migration = str | Callable[[sqlite3.Connection], None]
"""One step from a version to the next: SQL, or a function within the transaction. Never edited once released."""
RowCheck = Callable[[sqlite3.Connection], Iterator[str]]
_BUSY_S: Final = 10.0
_ROOM_BYTES: Final = 1 << 20
"""Space that a few changes need on the disk, with their log."""
_CALLERS: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
"""Errors of a value or a constraint, not of the file."""
POSITIONS: Final = (
    "CREATE TABLE follower (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
)
"""The table behind ``Store.position``, for a migration."""


def keyed_table(name: str) -> str:
    """SQL of a table for ``Store.table``, for a migration."""
    return (
        f"CREATE TABLE {name} (tenant TEXT NOT NULL, id TEXT NOT NULL, document BLOB NOT NULL, "
        "revision INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (tenant, id)) STRICT, WITHOUT ROWID;"
    )


def _all_readable(db: sqlite3.Connection) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True, slots=True)
class StoreKind:
    """The declaration of a store. Its room opens it; the start, the doctor and the backup read the declaration."""

    file: str
    """Its name in the data directory."""
    holds: str
    """"the subscriptions"."""
    migrations: tuple[Migration, ...]
    """From an empty file to the present version, which is their number."""
    loss: str
    """The consequence of its loss: "there are no subscriptions"."""
    precious: bool = False
    """A start refuses to continue without it; any other store is set aside when it is damaged, and begins empty."""
    durable: bool = True
    """False: a crash of the machine may lose the last changes."""
    backed_up: bool = True
    """False: the room makes it again, and nobody misses it."""
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Tables with the columns that they have in every version."""
    unreadable: RowCheck = _all_readable
    """A sentence for each row that cannot be read."""

    @property
    def version(self) -> int:
        return len(self.migrations)


def columns(names: str) -> frozenset[str]:
    """Names with blanks between."""
    return frozenset(names.split())


class Store:
    """One open file. Any thread; writers exclude one another. Raises Unavailable, in one sentence, where the file cannot be
    opened, or was written by a newer release."""

    def __init__(self, path: Path, kind: StoreKind) -> None:
        self.path, self.kind = path, kind
        self._lock = threading.RLock()
        self._readers: list[sqlite3.Connection] = []
        self._after_commit: list[Callable[[], None]] = []
        self.was_empty = False
        """There was nothing in the file, or no file, when it was opened."""
        self.make_room: Callable[[], None] | None = None
        """Called where the disk has no room for a change; any thread."""
        with opening(path, folder=True):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with opening(path):
            self._db = self._connect()
            try:
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA synchronous={'FULL' if self.kind.durable else 'NORMAL'}")
            db.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _migrate(self) -> None:
        db, latest = self._db, self.kind.version
        if self._version() == latest:
            return
        db.execute("BEGIN IMMEDIATE")  # another process may migrate it at the same moment
        try:
            version = self._version()
            if version > latest:
                raise Unavailable(
                    f"{self.path} has version {version}; this release knows up to {latest}. Use the newer release that wrote it"
                )
            self.was_empty = db.execute("SELECT 1 FROM sqlite_master").fetchone() is None
            for step in self.kind.migrations[version:]:
                if isinstance(step, str):
                    for statement in _statements(step):
                        db.execute(statement)
                else:
                    step(db)
            db.execute(f"PRAGMA user_version={latest}")
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise

    def _version(self) -> int:
        found: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        return found

    def close(self) -> None:
        with self._lock:
            for db in (*self._readers, self._db):
                db.close()

    # -- reading ------------------------------------------------------------------------------------------------
    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Raises Unavailable where the file cannot be read."""
        with self._lock, self._reading():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def cursor(self, sql: str, values: Sequence[Any] = ()) -> Iterator[sqlite3.Cursor]:
        """Rows one by one, for more than memory should hold. Writers wait meanwhile."""
        with self._lock, self._reading():
            yield self._db.execute(sql, values)

    def reader(self) -> sqlite3.Connection:
        """A further connection, which only reads and waits for no writer; closed with the store. One thread at a time."""
        with opening(self.path):
            db = self._connect()
            db.execute("PRAGMA query_only=ON")
        self._readers.append(db)
        return db

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except _CALLERS:
            raise
        except sqlite3.Error as error:
            raise Unavailable(f"{self.path} cannot be read now: {error}") from error

    # -- writing ------------------------------------------------------------------------------------------------
    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; a nested one joins the outer one. Raises StorageFull or Unavailable if the file cannot be
        written. A broken constraint of a table remains SQLite's error."""
        with self._lock:
            db = self._db
            if db.in_transaction:
                yield db
                return
            if self.make_room is not None and self._is_short_of_room():
                self.make_room()
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                self._after_commit.clear()
                if self.make_room is not None and isinstance(error, Exception) and is_full(error):
                    self.make_room()  # a quota, which cannot be seen before: the next one finds room
                db.rollback()  # nothing where a full disk has ended it already
                if isinstance(error, sqlite3.Error) and not isinstance(error, _CALLERS):
                    raise self._refusal(error) from error
                raise
            calls, self._after_commit = self._after_commit, []
        for call in calls:
            try:
                call()
            except Exception:  # it is on disk, whatever a listener makes of it
                log.exception("A listener to changes in %s failed", self.path)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement as a transaction; the number of rows that it changed."""
        with self.transaction() as db:
            return db.execute(sql, values).rowcount

    def scrub(self) -> None:
        """Leave nothing in the file, or in its log, of rows that were changed or deleted before. Raises Unavailable."""
        with self._lock, self._reading():
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def after_commit(self, call: Callable[[], None]) -> None:
        """Within a transaction: call this once it is on disk, on the thread that wrote."""
        self._after_commit.append(call)

    def _is_short_of_room(self) -> bool:
        free = free_bytes(self.path.parent)
        return free is not None and free < _ROOM_BYTES

    def _refusal(self, error: sqlite3.Error) -> Unavailable:
        kind = StorageFull if is_full(error) else Unavailable
        what = self.kind.holds[:1].upper() + self.kind.holds[1:]
        return kind(f"{what} cannot be written now ({error}); nothing was written. Reading continues")

    # -- what stores have in common -----------------------------------------------------------------------------
    def position(self, follower: str) -> Position | None:
        """Where a follower of the journal is; None: it never began. Needs ``POSITIONS`` among the migrations."""
        rows = self.rows("SELECT position FROM follower WHERE name=?", (follower,))
        return None if not rows else Position(int(rows[0][0]))

    def keep_position(self, follower: str, position: Position) -> None:
        """Call it within a transaction: the position is written with the rest, or not at all."""
        self.execute(
            "INSERT INTO follower VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position=excluded.position",
            (follower, position),
        )

    def table(self, name: str) -> Table:
        """Documents by tenant and key. Needs ``keyed_table(name)`` among the migrations."""
        return Table(self, name)


@dataclass(frozen=True, slots=True)
class Row:
    """``revision``: 1 for a new row, one more with each change."""

    tenant: str
    key: str
    document: Any
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """``before``: None for a new row; ``after``: None for one that is gone."""

    tenant: str
    key: str
    before: Any
    after: Any
    revision: int


Listener = Callable[[Change], None]


class Table:
    """JSON documents by tenant and key."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._listeners: list[Listener] = []

    def on_change(self, listener: Listener) -> None:
        """Call ``listener`` after each commit of a change, in order, on the thread that wrote."""
        self._listeners.append(listener)

    def find(self, tenant: str, key: str) -> Row | None:
        """None also for a row that cannot be read, which is logged."""
        found = self._read(" WHERE tenant=? AND id=?", (tenant, key))
        return found[0] if found else None

    def list_all(self, tenant: str | None = None) -> list[Row]:
        """Of a tenant or of all (None), in no order. What cannot be read is left out, and logged."""
        return self._read() if tenant is None else self._read(" WHERE tenant=?", (tenant,))

    def count(self) -> int:
        """Rows, also those that cannot be read."""
        return int(self._store.rows(f"SELECT count(*) FROM {self._name}")[0][0])  # noqa: S608 - our own names

    def put(self, tenant: str, key: str, document: Any, *, revision: int | None = None) -> int:
        """Make or replace a row; its new revision. ``revision``: the one that is replaced (0: none may be there).
        Raises Conflict where it is another."""
        with self._store.transaction() as db:
            before, known = self._known(db, tenant, key)
            self._check(key, known, revision)
            db.execute(
                f"INSERT INTO {self._name} (tenant, id, document, revision) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, id) "  # noqa: S608
                "DO UPDATE SET document=excluded.document, revision=excluded.revision",
                (tenant, key, orjson.dumps(document), known + 1),
            )
            self._notify(Change(tenant, key, before, document, known + 1))
        return known + 1

    def delete(self, tenant: str, key: str, *, revision: int | None = None) -> bool:
        """False where there is no such row. Raises Conflict as ``put`` does."""
        with self._store.transaction() as db:
            before, known = self._known(db, tenant, key)
            self._check(key, known, revision)
            if not known:
                return False
            db.execute(f"DELETE FROM {self._name} WHERE tenant=? AND id=?", (tenant, key))  # noqa: S608
            self._notify(Change(tenant, key, before, None, known))
        return True

    def _known(self, db: sqlite3.Connection, tenant: str, key: str) -> tuple[Any, int]:
        """(document, revision) of now; (None, 0) where there is no row."""
        sql = f"SELECT document, revision FROM {self._name} WHERE tenant=? AND id=?"  # noqa: S608
        row = db.execute(sql, (tenant, key)).fetchone()
        if row is None:
            return None, 0
        return (_parsed(row[0]) if self._listeners else None), int(row[1])

    def _check(self, key: str, known: int, revision: int | None) -> None:
        if revision is not None and known != revision:
            raise Conflict(f"{key} has changed: it has revision {known}, not {revision}. Read it again")

    def _notify(self, change: Change) -> None:
        for listener in self._listeners:
            self._store.after_commit(partial(listener, change))

    def _read(self, where: str = "", values: Sequence[Any] = ()) -> list[Row]:
        sql = f"SELECT tenant, id, document, revision FROM {self._name}{where}"  # noqa: S608
        found = []
        for tenant, key, body, revision in self._store.rows(sql, values):
            try:
                found.append(Row(str(tenant), str(key), orjson.loads(body), int(revision)))
            except (ValueError, TypeError) as error:
                log.error(
                    "%s: %s %s cannot be read and is left out: %s", self._store.path, self._name, key, error
                )
        return found


def _parsed(body: Any) -> Any:
    try:
        return orjson.loads(body)
    except (ValueError, TypeError):
        return None


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one; a trigger is one."""
    part = ""
    for piece in script.split(";"):
        part += piece + ";"
        if sqlite3.complete_statement(part):
            if part.strip(" \n\t;"):
                yield part
            part = ""
    if part.strip(" \n\t;"):
        yield part
