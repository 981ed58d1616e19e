"""Writing the store of one snapshot: a ledger of its own, made in one go, of entities as they were (times included).

Blocks; for worker threads. The ledger appears under its name whole or not at all: it is made in a directory beside,
brought to disk and renamed. Nobody reads it before, so it needs no log of its own while it is made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.ledger import evolution
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.rows import COLUMNS, GENESIS, Row, Shapes, Texts, make_row
from andaman.broker.ledger.schema import FILE, prepare
from andaman.broker.ledger.statements import insert_rows
from andaman.broker.model import Doc, EventKind, Instance
from andaman.broker.query.index import FACTS_VERSION, index_facts, update_facts
from andaman.identity.model import Actor
from andaman.kernel.errors import StorageFull, TooManyResults
from andaman.kernel.storage import looking_into
from andaman.kernel.time import Micros

PART: Final = ".part"
"""The end of a directory's name while its ledger is being made."""
FACTS: Final = Facts(FACTS_VERSION, index_facts, update_facts)
_ROWS: Final = 500  # written together, or …
_BYTES: Final = 4 << 20  # … so many bytes of them
_ENTITIES: Final = "INSERT INTO entity (ord, tenant, id, shape, seq, layout, facts, body)"


class Recorder:
    """Adds entities and evolutions to a new ledger; ``place`` is its final path when it is complete."""

    def __init__(
        self,
        place: Path,
        tenant: str,
        at: Micros,
        actor: Actor,
        *,
        most: int,
        most_bytes: int,
        min_free_bytes: int = 0,
    ) -> None:
        """``at``: the moment that the snapshot shows. ``most``: entities; beyond, TooManyResults is raised.
        ``min_free_bytes``: of the disk; with less, StorageFull."""
        self._place, self._tenant, self._at, self._actor = place, tenant, at, actor
        self._most, self._most_bytes = most, most_bytes
        self._min_free_bytes = min_free_bytes
        self._part = place.with_name(place.name + PART)
        shutil.rmtree(self._part, ignore_errors=True)
        self._db = prepare(self._part)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("BEGIN")
        self._shapes, self._layouts = Shapes(self._db), Texts(self._db, "layout", "text")
        self._seq, self._head, self._ord = 0, GENESIS, 0
        self._entities: list[tuple[Any, ...]] = []
        self._journal: list[Row] = []
        self.count = 0
        self.bytes = 0
        self._unwritten = 0

    def entity(self, doc: Doc) -> None:
        """One entity, each id once. Raises TooManyResults beyond the bounds."""
        self.count += 1
        if self.count > self._most:
            raise TooManyResults(
                f"A snapshot has at most {self._most} entities; narrow its queries", limit=self._most
            )
        body = orjson.dumps(doc)
        self._grow(2 * len(body))
        number, text = self._shapes.of(tuple(doc["type"]), tuple(doc.get("scope", ())))
        layout, facts = FACTS.make(doc)
        self._row(EventKind.CREATED, doc["id"], (number, text), body)
        self._ord += 1
        self._entities.append(
            (
                self._ord,
                self._tenant,
                doc["id"],
                number,
                self._seq,
                self._layouts.number(layout),
                facts,
                body,
            )
        )
        if len(self._entities) >= _ROWS or self._unwritten >= _BYTES:
            self._flush()

    def evolution(self, found: Doc, *, present: bool) -> None:
        """An entity over time: ``{"id", "type", "scope"?: [instances], "attrs": {IRI: [instances]}}``.

        ``present``: the entity itself is (or will be) in the snapshot, so that this only adds to its past.
        """
        told: dict[str, Any] = {"do": evolution.ADD, "attrs": found["attrs"]}
        scopes: list[Instance] = found.get("scope") or []
        if scopes:
            told["scope"] = scopes
        if not present:
            told["type"] = sorted(found["type"])
        blob = orjson.dumps(told)
        self._grow(len(blob))
        newest = max(scopes, key=lambda one: str(one.get("observedAt", "9")), default=None)
        shape = self._shapes.of(
            tuple(sorted(found["type"])), tuple(newest["value"]) if newest is not None else ()
        )
        self._row(EventKind.TEMPORAL, found["id"], shape, blob)
        if not present:
            self._db.execute(
                f"{evolution.INSERT} VALUES (?, ?, ?, ?) {evolution.ON_CONFLICT}",
                (self._tenant, found["id"], self._seq, shape[0]),
            )

    def _grow(self, size: int) -> None:
        self.bytes += size
        self._unwritten += size
        if self.bytes > self._most_bytes:
            raise TooManyResults(
                f"A snapshot has at most {self._most_bytes >> 20} MB; narrow its queries",
                limit=self._most_bytes,
            )

    def _row(self, kind: EventKind, entity_id: str, shape: tuple[int, str], blob: bytes) -> None:
        self._seq += 1
        row = make_row(
            self._head, self._seq, self._tenant, self._at, kind, entity_id, shape, self._actor, blob
        )
        self._head = row[10]
        self._journal.append(row)
        if len(self._journal) >= _ROWS or self._unwritten >= _BYTES:
            self._flush()

    def _flush(self) -> None:
        check_free(self._part, self._min_free_bytes)
        db = self._db
        for texts in (self._shapes, self._layouts):
            insert_rows(db, texts.insert, 2, "", texts.fresh)
            texts.fresh.clear()
        insert_rows(db, _ENTITIES, 8, "", self._entities)
        insert_rows(db, f"INSERT INTO journal ({COLUMNS})", 12, "", self._journal)
        self._entities.clear()
        self._journal.clear()
        self._unwritten = 0

    def finish(self) -> None:
        """Bring all to disk and give it its name."""
        self._flush()
        db = self._db
        db.execute("INSERT OR REPLACE INTO tenant (name, created) VALUES (?, ?)", (self._tenant, self._at))
        facts = ("facts", FACTS.version), ("head", self._head)
        db.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", facts)
        db.execute("COMMIT")
        db.close()
        settle(self._part, self._place)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._db.close()
        shutil.rmtree(self._part, ignore_errors=True)


def check_free(place: Path, least: int) -> None:
    """Raises StorageFull where the disk has less than ``least`` bytes left."""
    stat = os.statvfs(place)
    free = stat.f_bavail * stat.f_frsize
    if free < least:
        raise StorageFull(f"The disk of the data directory has {free >> 20} MB left; a snapshot needs more")


def settle(part: Path, place: Path) -> None:
    """A ledger that is complete in ``part``: to disk, and under its name."""
    write_ahead(part / FILE)
    sync([part / FILE, part])
    os.rename(part, place)
    sync([place.parent])


def write_ahead(file: Path) -> None:
    """Let a ledger that was made or copied in one go be written like any other from now on."""
    with looking_into(file, write=True) as db:
        db.execute("PRAGMA journal_mode=WAL")


def sync(paths: Iterable[Path]) -> None:
    for path in paths:
        with _opened(path) as fd:
            os.fsync(fd)


@contextmanager
def _opened(path: Path) -> Any:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)
