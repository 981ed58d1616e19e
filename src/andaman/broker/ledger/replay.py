"""A store taken forward by journal rows, or back to an earlier instant: the way to any point in time.

Both ways end in the same state as the platform had: bodies by the journal's own meaning (``rows.fold_changes``), the
order of creation, tenants, and what ``former`` and ``evolution`` remember for rights on the past. The index's
facts are not made here but, for all entities, at the next start. Works on a store that nobody uses.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import orjson

from andaman.broker.ledger.rows import COLUMNS, GENESIS, Texts, changes_size, decode_changes, fold_changes
from andaman.broker.ledger.segment import Line
from andaman.broker.model import Doc, EventKind
from andaman.kernel.errors import Conflict
from andaman.kernel.portions import portion
from andaman.kernel.time import Micros

Key = tuple[str, str]
_PAGE: Final = 5_000  # rows or entities in memory at once …
_BYTES: Final = 8 << 20  # … and bytes of them
_TEMPORAL: Final = "temporal"  # a write to the past of an entity: its current state stands
_LAST_SHAPE: Final = (
    "SELECT shape FROM (SELECT seq, 0 AS place, shape FROM former WHERE tenant=?1 AND id=?2 UNION ALL "
    "SELECT seq, 1, shape FROM evolution WHERE tenant=?1 AND id=?2) ORDER BY seq DESC, place DESC LIMIT 1"
)


def roll_forward(db: sqlite3.Connection, lines: Iterable[Line], until: Micros | None = None) -> None:
    """Add rows that follow the journal's end, up to the instant ``until``, and what they mean. One transaction.

    Raises Conflict when they do not follow.
    """
    work = _Replay(db)
    db.execute("BEGIN IMMEDIATE")
    last: int = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    order: int = db.execute("SELECT coalesce(max(ord), 0) FROM entity").fetchone()[0]
    insert = f"INSERT INTO journal ({COLUMNS}) VALUES ({', '.join('?' * 12)})"  # noqa: S608
    for line in lines:
        seq, tenant, at = line[:3]
        if seq <= last:
            continue
        if until is not None and at > until:
            break
        if seq != last + 1:
            raise Conflict(f"Journal row {last + 1} is missing in the backup; the next one is {seq}")
        last = seq
        shape = work.shapes.number(line[5])
        db.execute("INSERT OR IGNORE INTO tenant (name, created) VALUES (?, ?)", (tenant, at))
        db.execute(insert, (*line[:5], shape, *line[6:]))
        if line[3] == EventKind.CREATED:
            order += 1
        work.apply(seq, tenant, at, line[3], line[4], shape, line[11], order)
    work.end()


def cut_back(db: sqlite3.Connection, at: Micros) -> None:
    """Undo everything that was committed after the instant ``at``. One transaction."""
    work = _Replay(db)
    end: int = db.execute("SELECT coalesce(max(seq), 0) FROM journal WHERE at<=?", (at,)).fetchone()[0]
    db.execute("BEGIN IMMEDIATE")
    touched = set(db.execute("SELECT DISTINCT tenant, entity_id FROM journal WHERE seq>?", (end,)))
    created: dict[Key, int] = {}  # every entity's place in the order of creation: the row that created it
    for table in ("entity", "former", *(("evolution",) if work.evolution else ())):
        db.executemany(f"DELETE FROM {table} WHERE tenant=? AND id=?", touched)  # noqa: S608
    db.execute("DELETE FROM journal WHERE seq>?", (end,))
    db.execute("DELETE FROM tenant WHERE created>?", (at,))
    # Negative for a moment, so that the new numbers meet no old ones.
    db.execute("UPDATE entity SET ord=-ord")
    after = 0
    while page := portion(
        db.execute(f"SELECT {COLUMNS} FROM journal WHERE seq>? ORDER BY seq LIMIT ?", (after, _PAGE)),  # noqa: S608
        changes_size,
        _BYTES,
    ):
        after = page[-1][0]
        for row in page:
            key = (row[1], row[4])
            if row[3] == EventKind.CREATED:
                created[key] = row[0]
            if key in touched:
                work.apply(row[0], row[1], row[2], row[3], row[4], row[5], row[11], row[0])
    work.flush()
    db.executemany(
        "UPDATE entity SET ord=? WHERE tenant=? AND id=? AND ord<0",
        ((seq, *key) for key, seq in created.items()),
    )
    work.end()


class _Replay:
    """Applies rows to the other tables; keeps the rows that it touches in memory for a while."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.shapes = Texts(db, "shape", "json")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
        self.evolution = "evolution" in tables
        self._state: dict[Key, tuple[int, int, int, Doc] | None] = {}  # (ord, shape, seq, doc)
        self._bytes = 0  # that went into it

    def _current(self, key: Key) -> tuple[int, int, int, Doc] | None:
        if key not in self._state:
            row = self._db.execute(
                "SELECT ord, shape, seq, body FROM entity WHERE tenant=? AND id=?", key
            ).fetchone()
            self._state[key] = None if row is None else (*row[:3], orjson.loads(row[3]))
            self._bytes += len(row[3]) if row is not None else 0
        return self._state[key]

    def apply(
        self,
        seq: int,
        tenant: str,
        at: Micros,
        kind: str,
        entity_id: str,
        shape: int,
        blob: bytes,
        order: int,
    ) -> None:
        """One row; ``order`` is the place in the order of creation that a new entity gets."""
        if len(self._state) >= _PAGE or self._bytes >= _BYTES:
            self.flush()
        self._bytes += len(blob)
        key = (tenant, entity_id)
        now = self._current(key)
        if kind == _TEMPORAL:
            self._temporal(key, seq, at, shape, orjson.loads(blob), now is not None)
            return
        if kind == EventKind.CREATED:
            self._state[key] = (order, shape, seq, orjson.loads(blob))
            return
        if now is None:
            raise Conflict(f"Journal row {seq} changes {entity_id}, which is not there")
        if kind == EventKind.DELETED or shape != now[1]:
            self._former(key, seq, at, now[1])
        doc = fold_changes(now[3], entity_id, at, EventKind(kind), decode_changes(blob))
        self._state[key] = None if doc is None else (now[0], shape, seq, doc)

    def _temporal(
        self, key: Key, seq: int, at: Micros, shape: int, told: dict[str, Any], exists: bool
    ) -> None:
        if told == {"do": "erase"}:
            self._evolve(key, seq, 0)
        elif not exists:
            row = self._db.execute(_LAST_SHAPE, key).fetchone()
            before = row[0] if row is not None else 0
            if before != shape:
                if before:
                    self._former(key, seq, at, before)
                self._evolve(key, seq, shape)

    def _former(self, key: Key, seq: int, at: Micros, shape: int) -> None:
        self._db.execute(
            "INSERT INTO former (tenant, id, seq, at, shape) VALUES (?, ?, ?, ?, ?)", (*key, seq, at, shape)
        )

    def _evolve(self, key: Key, seq: int, shape: int) -> None:
        self._db.execute(
            "INSERT INTO evolution (tenant, id, seq, shape) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (tenant, id) DO UPDATE SET seq=excluded.seq, shape=excluded.shape",
            (*key, seq, shape),
        )

    def flush(self) -> None:
        """Write the touched entities, and forget them."""
        db = self._db
        db.executemany("DELETE FROM entity WHERE tenant=? AND id=?", list(self._state))
        db.executemany(
            "INSERT INTO entity (ord, tenant, id, shape, seq, layout, facts, body) VALUES (?, ?, ?, ?, ?, 0, x'', ?)",
            [
                (row[0], *key, row[1], row[2], orjson.dumps(row[3]))
                for key, row in self._state.items()
                if row is not None
            ],
        )
        self._state.clear()
        self._bytes = 0

    def end(self) -> None:
        """Flush, set the head of the chain, have the facts made at the next start, commit."""
        self.flush()
        db = self._db
        db.executemany(f"{self.shapes.insert} VALUES (?, ?)", self.shapes.fresh)
        self.shapes.fresh.clear()
        row = db.execute("SELECT hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        db.execute(
            "INSERT INTO meta (key, value) VALUES ('head', ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
            (row[0] if row is not None else GENESIS,),
        )
        db.execute("DELETE FROM meta WHERE key='facts'")
        db.execute("COMMIT")
