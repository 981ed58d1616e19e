"""Subscriptions on disk: one small SQLite file. What is created or changed is durable when the call returns; counters
and positions in the journal are saved together, every now and then.

A position saved late only means that some notifications are sent again, with the ids that they had.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.credentials import SUBSCRIPTION, Credentials, seal_earlier
from andaman.broker.subscriptions.model import Content, Counters, Owner
from andaman.kernel.secrets import Secrets
from andaman.kernel.tables import Store, StoreKind
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
FILE: Final = "subscriptions.db"
_FIRST: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) WITHOUT ROWID;
CREATE TABLE subscription (
    number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
    content BLOB NOT NULL, sources BLOB NOT NULL, owner TEXT NOT NULL, purpose TEXT NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL,
    since INTEGER NOT NULL, position INTEGER, extra BLOB NOT NULL DEFAULT x'7b7d',
    sent INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, last_notification INTEGER NOT NULL DEFAULT 0,
    last_success INTEGER NOT NULL DEFAULT 0, last_failure INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, id));
"""
_SECOND: Final = "ALTER TABLE subscription ADD COLUMN era INTEGER NOT NULL DEFAULT 0;"
_COLUMNS: Final = (
    "tenant, id, key, content, sources, owner, purpose, created, modified, since, position, extra, sent, failed, "
    "last_notification, last_success, last_failure, due, era"
)


def _unreadable(db: sqlite3.Connection) -> Iterator[str]:
    for entity_id, *parts in db.execute("SELECT id, content, sources, extra FROM subscription"):
        try:
            if not all(isinstance(orjson.loads(part), dict) for part in parts):
                yield f"subscription {entity_id}: it is not an object"
        except (ValueError, TypeError) as error:
            yield f"subscription {entity_id}: {error}"


KIND: Final = StoreKind(
    FILE,
    "the subscriptions",
    (_FIRST, _SECOND, ""),  # the third step changes nothing: contents have sealed parts since then
    "there are no subscriptions",
    precious=True,
    unreadable=_unreadable,
)


@dataclass(slots=True)
class Record:
    """A row. ``since``: journal position of creation or resumption, nothing before it counts. ``position``: everything
    up to it is settled; None: up to the position of the store. ``due``: next periodic or throttled notification.
    ``extra``: free for the kind of subscription."""

    tenant: str
    id: str
    key: str
    content: Content
    sources: dict[str, Any]
    owner: Owner
    created: Micros
    modified: Micros
    since: int
    position: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    due: Micros = 0


Progress = tuple[str, int | None, Counters, Micros]
"""(key, position, counters, due)."""


class SubscriptionStore:
    """One file. Any thread; calls exclude one another. They block for an fsync: keep them off the loop."""

    def __init__(self, path: Path, secrets: Secrets | None = None) -> None:
        self._store = Store(path, KIND)
        self._credentials = Credentials(secrets, SUBSCRIPTION)

    def close(self) -> None:
        self._store.close()

    def load(self) -> tuple[int | None, list[Record]]:
        """The position of the store (None: a new file) and all subscriptions in the order of creation.

        A row that cannot be read is left out, and logged: the others must work.
        """
        position = self._store.rows("SELECT value FROM meta WHERE key='position'")
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM subscription ORDER BY number")  # noqa: S608
        found = []
        for one in rows:
            try:
                found.append(_record(one))
            except (ValueError, TypeError) as error:
                log.error(
                    "%s: subscription %s cannot be read and does not work: %s",
                    self._store.path,
                    one[1],
                    error,
                )
        plain = [record for record in found if self._credentials.is_plain(record.content)]
        if plain:
            self._seal_earlier(plain)
        for record in found:
            record.content = self._credentials.opened(record.content)
        return (position[0][0] if position else None), found

    def _seal_earlier(self, plain: Sequence[Record]) -> None:
        """Seal credentials that an earlier release wrote in plain text."""

        def work() -> None:
            for record in plain:
                content = orjson.dumps(self._credentials.sealed(record.content))
                self._store.execute("UPDATE subscription SET content=? WHERE key=?", (content, record.key))

        seal_earlier(self._store, work)

    def add(self, record: Record) -> bool:
        """False when the id is taken. Raises Unavailable where its credentials cannot be sealed."""
        content = orjson.dumps(self._credentials.sealed(record.content))
        with self._store.transaction() as db:
            taken = db.execute(
                "SELECT 1 FROM subscription WHERE tenant=? AND id=?", (record.tenant, record.id)
            ).fetchone()
            if taken is not None:
                return False
            marks = ",".join("?" * 19)
            db.execute(f"INSERT INTO subscription ({_COLUMNS}) VALUES ({marks})", _values(record, content))  # noqa: S608
            return True

    def change(self, record: Record) -> None:
        """Write what a client changed. Raises Unavailable where its credentials cannot be sealed."""
        content = orjson.dumps(self._credentials.sealed(record.content))
        with self._store.transaction() as db:
            db.execute(
                "UPDATE subscription SET content=?, sources=?, modified=?, since=?, position=?, due=?, "
                "purpose=?, era=? WHERE key=?",
                (
                    content,
                    orjson.dumps(record.sources),
                    record.modified,
                    record.since,
                    record.position,
                    record.due,
                    record.owner.purpose,
                    record.owner.era,
                    record.key,
                ),
            )

    def remove(self, key: str) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM subscription WHERE key=?", (key,))

    def save(self, position: int, progress: Iterable[Progress]) -> None:
        """Positions and counters, in one transaction."""
        rows = [
            (at, c.sent, c.failed, c.last_notification, c.last_success, c.last_failure, due, key)
            for key, at, c, due in progress
        ]
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES ('position', ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
                (position,),
            )
            db.executemany(
                "UPDATE subscription SET position=?, sent=?, failed=?, last_notification=?, last_success=?, "
                "last_failure=?, due=? WHERE key=?",
                rows,
            )

    def set_extra(self, key: str, extra: dict[str, Any]) -> None:
        """Replace what a kind of subscription remembers for itself."""
        with self._store.transaction() as db:
            db.execute("UPDATE subscription SET extra=? WHERE key=?", (orjson.dumps(extra), key))


def _values(record: Record, content: bytes) -> Sequence[Any]:
    c = record.counters
    return (
        record.tenant,
        record.id,
        record.key,
        content,
        orjson.dumps(record.sources),
        record.owner.id,
        record.owner.purpose,
        record.created,
        record.modified,
        record.since,
        record.position,
        orjson.dumps(record.extra),
        c.sent,
        c.failed,
        c.last_notification,
        c.last_success,
        c.last_failure,
        record.due,
        record.owner.era,
    )


def _record(row: Sequence[Any]) -> Record:
    return Record(
        row[0],
        row[1],
        row[2],
        orjson.loads(row[3]),
        orjson.loads(row[4]),
        Owner(row[5], row[6], row[18]),
        row[7],
        row[8],
        row[9],
        row[10],
        orjson.loads(row[11]),
        Counters(*row[12:17]),
        row[17],
    )
