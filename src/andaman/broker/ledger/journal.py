"""Reading the journal: slices, one entity's tail, the fold to a time, and the proof of the hash chain."""

# ruff: noqa: S608 (the parts put into statements are our own column lists and question marks)
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from andaman.broker.ledger.rows import COLUMNS, GENESIS, Row, Shapes, chain_hash, changes_size, event_of, fold
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Doc, Event, EventKind
from andaman.kernel.errors import Unavailable
from andaman.kernel.portions import portion
from andaman.kernel.time import Micros

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""(types, scopes)."""


class Written(NamedTuple):
    """One author of an entity, by one way (``origin``): position and time of the first and of the last of these events."""

    entity_id: str
    actor: str
    origin: str
    seq: int
    at: Micros
    last: int
    last_at: Micros


_PAGE: Final = 5_000
_IDS: Final = 500
PAGE_BYTES: Final = 2 << 20
"""Limit for the changes in one slice: they take some ten times as much once they are parsed. A single larger one is a
slice by itself.
"""
READ_BYTES: Final = 8 << 20
"""The same for who reads a single slice."""
TAIL_BYTES: Final = 16 << 20
"""Limit for the changes that history does not have yet, as far as one answer takes them together."""
TAIL_TOO_LARGE: Final = (
    "History is behind, and the changes that it lacks are too many to be searched for an answer; try again in a moment. "
    "GET /metrics says how far it is, the log says why"
)


class TailTooLarge(Unavailable):
    """What history does not have yet is too large to be taken into memory: it has to move first."""

    def __init__(self, detail: str = TAIL_TOO_LARGE) -> None:
        super().__init__(detail)


class Journal:
    """Read-only view on one connection; one thread at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._shapes = Shapes(db)

    def close(self) -> None:
        self._db.close()

    def _event(self, row: Row) -> Event:
        try:
            return event_of(row, self._shapes)
        except KeyError:
            self._shapes = Shapes(self._db)  # shapes that came since
            return event_of(row, self._shapes)

    def _events(self, sql: str, values: tuple[Any, ...], most_bytes: int) -> list[Event]:
        """Events of one statement, whose changes have ``most_bytes`` together; the one that passes this is the last."""
        with closing(self._db.execute(sql, values)) as rows:
            return [self._event(row) for row in portion(rows, changes_size, most_bytes)]

    def slice(
        self, after: int, limit: int, tenant: str | None = None, most_bytes: int = READ_BYTES
    ) -> list[Event]:
        """Up to ``limit`` events with seq > ``after``, in order; of one tenant unless None.

        Fewer where they are large: when their changes have ``most_bytes`` together. None: these are all.
        """
        return self._events(*_slice(after, limit, tenant), most_bytes)

    def stream(
        self, after: int, limit: int, tenant: str | None = None
    ) -> Generator[tuple[Event, int], None, None]:
        """The same one by one, each with the bytes of its changes. To be closed, or read to the end: it holds a state of the
        store as long."""
        with closing(self._db.execute(*_slice(after, limit, tenant))) as rows:
            for row in rows:
                yield self._event(row), len(row[11])

    def at(self, seq: int, *, bare: bool = False) -> Event | None:
        """The event at one position. ``bare``: without reading what it changed."""
        row: Row | None = self._db.execute(f"SELECT {COLUMNS} FROM journal WHERE seq=?", (seq,)).fetchone()
        if row is None:
            return None
        return self._event((*row[:3], EventKind.UPDATED, *row[4:11], b"[]") if bare else row)

    def weight(self, after: int, limit: int) -> tuple[int, int]:
        """(Last position, bytes of the changes) of up to ``limit`` rows behind ``after``; their text is not read."""
        last, size = self._db.execute(
            "SELECT max(seq), sum(size) FROM "
            "(SELECT seq, length(changes) AS size FROM journal WHERE seq>? ORDER BY seq LIMIT ?)",
            (after, limit),
        ).fetchone()
        return (after, 0) if last is None else (last, size)

    def end(self) -> int:
        """Position of the last row, 0 without any."""
        last: int = self._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
        return last

    def of_entity(self, tenant: str, entity_id: str, after: int) -> list[Event]:
        """Every event of one entity with seq > ``after``. A scan of that stretch: meant for the short tail. Raises
        TailTooLarge."""
        return self.of_entities(tenant, [entity_id], after).get(entity_id, [])

    def back(self, tenant: str, entity_id: str, low: int, high: int) -> Iterator[Event]:
        """Events of one entity with low < seq ≤ high, newest first, one by one. A scan of that stretch."""
        with closing(
            self._db.execute(
                f"SELECT {COLUMNS} FROM journal WHERE seq>? AND seq<=? AND tenant=? AND entity_id=? ORDER BY seq DESC",
                (low, high, tenant, entity_id),
            )
        ) as rows:
            for row in rows:
                yield self._event(row)

    def last_of(self, tenant: str, entity_id: str) -> int | None:
        """Position of an entity's last event; None when it is not there now."""
        row = self._db.execute(
            "SELECT seq FROM entity WHERE tenant=? AND id=?", (tenant, entity_id)
        ).fetchone()
        return None if row is None else int(row[0])

    def end_at(self, at: Micros) -> int:
        """Position of the last row known at ``at``, 0 without any. Times never fall along the journal."""
        low, high = 0, self.end()
        while low < high:
            middle = (low + high + 1) // 2
            row = self._db.execute(
                "SELECT seq, at FROM journal WHERE seq<=? ORDER BY seq DESC LIMIT 1", (middle,)
            ).fetchone()
            if row is None:
                return 0
            if row[1] <= at:
                low = middle
            else:
                high = row[0] - 1
        return low

    def of_entities(self, tenant: str, ids: Sequence[str], after: int) -> dict[str, list[Event]]:
        """Id → its events with seq > ``after``, for few ids. One scan of that stretch, however long. Raises TailTooLarge."""
        found: dict[str, list[Event]] = {}
        left = TAIL_BYTES
        for start in range(0, len(ids), _IDS):
            part = ids[start : start + _IDS]
            with closing(
                self._db.execute(
                    f"SELECT {COLUMNS} FROM journal WHERE seq>? AND tenant=? AND entity_id IN ({','.join('?' * len(part))}) "
                    "ORDER BY seq",
                    (after, tenant, *part),
                )
            ) as rows:
                for row in rows:
                    left -= len(row[11])
                    if left < 0:
                        raise TailTooLarge
                    event = self._event(row)
                    found.setdefault(event.entity_id, []).append(event)
        return found

    def bodies(self, tenant: str, ids: Sequence[str]) -> dict[str, bytes]:
        """Current bodies of those ids that exist."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), _IDS):
            part = ids[start : start + _IDS]
            marks = ",".join("?" * len(part))
            found.update(
                self._db.execute(
                    f"SELECT id, body FROM entity WHERE tenant=? AND id IN ({marks})", (tenant, *part)
                )
            )
        return found

    def holding(self, mark: bytes) -> list[tuple[str, str]]:
        """(tenant, id) of every entity whose body holds these bytes; reads all of them."""
        return self._db.execute("SELECT tenant, id FROM entity WHERE instr(body, ?)", (mark,)).fetchall()

    def shapes_of(self, tenant: str, entity_id: str) -> list[tuple[Micros | None, Shape]]:
        """(until when, (types, scopes)) of everything that the entity was, newest first; None: it is so now.

        Empty when there never was such an entity.
        """
        key = (tenant, entity_id)
        rows: list[tuple[Micros | None, int]] = (
            self._db.execute("SELECT NULL, shape FROM entity WHERE tenant=? AND id=?", key).fetchall()
            + self._db.execute(
                "SELECT NULL, shape FROM evolution WHERE tenant=?1 AND id=?2 AND shape>0 AND NOT EXISTS "
                "(SELECT 1 FROM entity WHERE tenant=?1 AND id=?2)",
                key,
            ).fetchall()
            + self._db.execute(
                "SELECT at, shape FROM former WHERE tenant=? AND id=? ORDER BY seq DESC", key
            ).fetchall()
        )
        try:
            return [(at, self._shapes.pair(shape)) for at, shape in rows]
        except KeyError:
            self._shapes = Shapes(self._db)
            return [(at, self._shapes.pair(shape)) for at, shape in rows]

    def former_of(self, tenant: str, ids: Sequence[str]) -> dict[str, list[tuple[Micros, Shape]]]:
        """Id → (until when, (types, scopes)) of what these entities were before what they are now, or were last."""
        found: dict[str, list[tuple[Micros, Shape]]] = {}
        for start in range(0, len(ids), _IDS):
            part = ids[start : start + _IDS]
            rows = self._db.execute(
                f"SELECT id, at, shape FROM former WHERE tenant=? AND id IN ({','.join('?' * len(part))})",
                (tenant, *part),
            ).fetchall()
            for entity_id, at, shape in rows:
                try:
                    pair = self._shapes.pair(shape)
                except KeyError:
                    self._shapes = Shapes(self._db)
                    pair = self._shapes.pair(shape)
                found.setdefault(entity_id, []).append((at, pair))
        return found

    def were(self, tenant: str, what: Callable[[Shape], bool]) -> dict[str, Micros]:
        """Entities that were once something that ``what`` holds for, and until when at the last."""
        shapes = self._db.execute("SELECT DISTINCT shape FROM former WHERE tenant=?", (tenant,)).fetchall()
        numbers = []
        for (shape,) in shapes:
            try:
                pair = self._shapes.pair(shape)
            except KeyError:
                self._shapes = Shapes(self._db)
                pair = self._shapes.pair(shape)
            if what(pair):
                numbers.append(shape)
        if not numbers:
            return {}
        return dict(
            self._db.execute(
                "SELECT id, max(at) FROM former WHERE tenant=? AND shape IN (SELECT value FROM json_each(?)) GROUP BY id",
                (tenant, orjson.dumps(numbers).decode()),
            ).fetchall()
        )

    def written(self, tenant: str, types: Collection[str], after: int, until: int) -> list[Written]:
        """The authors of every entity that had one of these types (IRIs), in after < seq ≤ until, in order. A scan of
        that stretch that reads no changes.
        """
        numbers = [
            number
            for number, text in self._db.execute("SELECT id, json FROM shape")
            if not set(types).isdisjoint(orjson.loads(text)[0])
        ]
        rows = self._db.execute(
            "SELECT entity_id, actor, origin, min(seq), min(at), max(seq), max(at) FROM journal "
            "WHERE seq>? AND seq<=? AND tenant=? AND shape IN (SELECT value FROM json_each(?)) "
            "GROUP BY entity_id, actor, origin ORDER BY min(seq)",
            (after, until, tenant, orjson.dumps(numbers).decode()),
        )
        return [Written(*row) for row in rows]

    def instance_key(self) -> bytes:
        """The key of ids of attribute instances. Raises Unavailable where it was lost."""
        row = self._db.execute("SELECT value FROM meta WHERE key='instances'").fetchone()
        if row is None:
            raise Unavailable(
                "The store has lost the key of instance ids (table meta); andaman doctor says what to do"
            )
        key: bytes = row[0]
        return key

    def until(self, at: Micros, tenant: str | None = None, entity_id: str | None = None) -> Iterator[Event]:
        """All events known at ``at``, from the beginning, streamed."""
        after = 0
        while True:
            page = self.slice(after, _PAGE, tenant, PAGE_BYTES)
            for event in page:
                if event.at > at:
                    return
                if entity_id is None or event.entity_id == entity_id:
                    yield event
            if not page:
                return
            after = page[-1].seq

    def state_at(self, at: Micros, tenant: str | None = None) -> dict[tuple[str, str], Doc]:
        """The state as of ``at`` by replay of everything: slow and simple, the oracle of all faster ways."""
        return fold(self.until(at, tenant))


def _slice(after: int, limit: int, tenant: str | None) -> tuple[str, tuple[Any, ...]]:
    if tenant is None:
        return f"SELECT {COLUMNS} FROM journal WHERE seq>? ORDER BY seq LIMIT ?", (after, limit)
    other = "AND tenant<>''" if tenant else ""  # lets the partial index be used
    return (
        f"SELECT {COLUMNS} FROM journal WHERE seq>? AND tenant=? {other} ORDER BY seq LIMIT ?",
        (after, tenant, limit),
    )


class JournalPool:
    """Journal readers for any number of threads; their connections are kept and used again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._idle: list[Journal] = []
        self._closed = False

    @contextmanager
    def reader(self) -> Iterator[Journal]:
        try:
            journal = self._idle.pop()
        except IndexError:
            journal = Journal(connect(self._directory))
        try:
            yield journal
        finally:
            if self._closed:
                journal.close()
            else:
                self._idle.append(journal)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The finding of a walk over the chain. ``broken_at`` is the first row that does not fit, None when all do."""

    rows: int
    broken_at: int | None
    problem: str = ""

    @property
    def ok(self) -> bool:
        return self.broken_at is None


def verify(db: sqlite3.Connection, after: int = 0) -> ChainReport:
    """Walk the journal from its first row, or from behind row ``after``: positions without gaps, time never falling, every hash as computed.

    The head of the chain is also kept beside the journal, so that rows missing at its end are found too.
    """
    shapes = Shapes(db)
    previous, expected, last_at = GENESIS, after + 1, 0
    if after:
        row = db.execute("SELECT at, hash FROM journal WHERE seq=?", (after,)).fetchone()
        if row is None:
            return ChainReport(after - 1, after, f"row {after} is missing")
        last_at, previous = row
    for row in db.execute(f"SELECT {COLUMNS} FROM journal WHERE seq>? ORDER BY seq", (after,)):
        seq: int = row[0]
        if seq != expected:
            return ChainReport(expected - 1, expected, f"row {expected} is missing; the next one is {seq}")
        try:
            if row[2] < last_at:
                return ChainReport(expected - 1, seq, f"row {seq} is older than the row before it")
            digest = chain_hash(previous, row, shapes.text(row[5]))
        except KeyError:
            return ChainReport(expected - 1, seq, f"row {seq} names the shape {row[5]}, which is missing")
        except TypeError:
            return ChainReport(expected - 1, seq, f"row {seq} has a value of a wrong type")
        if digest != row[10]:
            return ChainReport(expected - 1, seq, f"row {seq} was changed after it was written")
        previous, expected, last_at = digest, expected + 1, row[2]
    newest = 0 if after else db.execute("SELECT coalesce(max(seq), 0) FROM entity").fetchone()[0]
    head = db.execute("SELECT value FROM meta WHERE key='head'").fetchone()
    if newest >= expected or (head is not None and head[0] != previous):
        return ChainReport(
            expected - 1, expected, f"rows from {expected} on are missing at the journal's end"
        )
    return ChainReport(expected - 1, None)
