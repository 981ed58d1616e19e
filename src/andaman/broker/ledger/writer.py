"""The one thread that changes the store: it takes every waiting request, merges, commits once, and reports once.

The order inside ``_commit`` is the promise of the ledger: rows → COMMIT (fsync) → memory and answers.

There is one pen. It is the thread's while anything is with it; while nothing is, the loop's thread may ``merge`` a few
operations itself and hand the finished batch over, which saves the two from taking turns at the interpreter.
"""

# ruff: noqa: S608 (the parts put into statements are our own column lists and question marks)
from __future__ import annotations

import logging
import math
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from andaman.broker.ledger import evolution, statements
from andaman.broker.ledger import single_statement as piece
from andaman.broker.ledger.batch import Batch, Request
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.cache import STORED, BodyCache, Key, Stored
from andaman.broker.ledger.checkpoint import Checkpointer
from andaman.broker.ledger.merge import BATCH_BYTES, Apply, Check, Merger
from andaman.broker.ledger.rows import GENESIS, Shapes, Texts
from andaman.broker.ledger.schema import connect
from andaman.kernel.errors import StorageFull, Unavailable, refusal_of
from andaman.kernel.metrics import Histogram
from andaman.kernel.time import Clock, Micros

log = logging.getLogger(__name__)

_SPACE_CHECK_S: Final = 1.0
_READS_HERE: Final = 32  # rows that the loop's thread reads from the store for one batch
_BYTES_HERE: Final = 1 << 20  # size of entities that it merges at once
_FETCH: Final = 256  # ids per statement
_FETCH_STEP: Final = 16
_BATCH_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


class Writer:
    """Owns the writing connection, the journal's head and the clock's guard."""

    def __init__(
        self,
        directory: Path,
        db: sqlite3.Connection,
        apply: Apply,
        facts: Facts,
        cache: BodyCache,
        checkpointer: Checkpointer,
        clock: Clock,
        *,
        min_free_bytes: int,
        max_batch_ops: int,
        max_tenants: int,
    ) -> None:
        self.directory = directory
        self.shapes = Shapes(db)
        self.layouts = Texts(db, "layout", "text")
        self._db = db
        self._cache = cache
        self._clock = clock
        self._min_free_bytes = min_free_bytes
        self._max_batch_ops = max_batch_ops
        self._checkpointer = checkpointer
        self._inbox: queue.SimpleQueue[list[Request] | Batch | None] = queue.SimpleQueue()
        self._chores: deque[tuple[str, Callable[[bool], object]]] = deque()  # tenants to forget
        self._in_flight: deque[Batch] = deque()  # durable, but not yet in the loop's cache
        self._publish: Callable[[Batch], None] = lambda _: None
        self._refuse: Callable[[list[Request], Unavailable], None] = lambda _, __: None
        self._thread: threading.Thread | None = None
        self._fetched: dict[Key, Stored | None] = {}  # rows that the batch at hand needs
        self.commits = Histogram()  # seconds from BEGIN to the fsync's end
        self.batches = Histogram(_BATCH_SIZES)  # journal rows of each commit
        self._space_checked = 0.0
        self._refusal: str | None = None  # why nothing can be written now
        self._broken = False  # the connection failed and has to be opened again
        self._doubtful = Batch(0, 0, GENESIS, 1)  # the batch whose commit failed last
        piece.ready(db)
        self._read_position()
        self._merger = Merger(
            apply,
            self._load,
            facts,
            self.shapes,
            self.layouts,
            self.known_tenants,
            max_tenants,
            lambda key: self._db.execute(evolution.KNOWN, key).fetchall(),
        )

    def _read_position(self) -> None:
        row = self._db.execute("SELECT seq, at, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        self.seq: int = row[0] if row is not None else 0
        self.last_at: Micros = row[1] if row is not None else 0
        self.head: bytes = row[2] if row is not None else GENESIS
        self.next_ord: int = self._db.execute("SELECT coalesce(max(ord), 0) + 1 FROM entity").fetchone()[0]
        self.known_tenants: set[str] = {name for (name,) in self._db.execute("SELECT name FROM tenant")}

    # -- called from the loop's thread ------------------------------------------------------------------------
    def start(
        self, publish: Callable[[Batch], None], refuse: Callable[[list[Request], Unavailable], None]
    ) -> None:
        """Start the thread. Both callbacks must be safe to call from it."""
        self._publish, self._refuse = publish, refuse
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def demand(self, type_: str, check: Check) -> None:
        """Before the first write: what entities of the city with this type (IRI) must be like."""
        self._merger.checks[type_] = check

    def put(self, what: list[Request] | Batch) -> None:
        """Commit these after the waiting ones: requests, or the batch that ``merge`` made of some."""
        self._inbox.put(what)

    def merge(self, requests: list[Request]) -> Batch | None:
        """While nothing is with the thread: merge these here, to be handed to ``put`` or, without any journal row,
        to be answered at once. None where it would take long, or does not go: the thread's way knows what to do then.
        """
        if self._broken:
            return None
        batch = self._begun()
        try:
            if self._fetch(requests, here=True) and not self._merger.merge(batch, requests):
                self._fetched = {}
                if not batch.journal:
                    self._forget()
                return batch
        except Exception as error:
            log.warning("Merging ahead of the writer failed, which will try itself: %s", error)
        self._forget()
        return None

    def forget_tenant(self, tenant: str, done: Callable[[bool], object]) -> None:
        """Between two commits: take the name of a tenant that has no entities off the book. ``done`` is told whether it
        is gone, on the writer's thread."""
        self._chores.append((tenant, done))
        self._inbox.put([])

    def stop(self) -> None:
        """Finish the work that was put before, end the thread and close the connection."""
        if self._thread is not None:
            self._inbox.put(None)
            self._thread.join()
            self._thread = None
        self._db.close()

    # -- the writer's thread -----------------------------------------------------------------------------------
    def _run(self) -> None:
        waiting: deque[Request] = deque()
        open_ = True
        while open_ or waiting:
            item = self._inbox.get() if not waiting else []
            while True:
                if item is None:
                    open_ = False
                elif isinstance(item, Batch):
                    self._take([request for request, _ in item.answers], item)
                else:
                    waiting.extend(item)
                try:
                    item = self._inbox.get_nowait()
                except queue.Empty:
                    break
            batch: list[Request] = []
            ops = 0
            while waiting and ops < self._max_batch_ops:
                request = waiting.popleft()
                batch.append(request)
                ops += len(request.ops)
            if batch:
                waiting.extendleft(reversed(self._take(batch)))
            while self._chores:
                tenant, done = self._chores.popleft()
                done(self._off_the_book(tenant))

    def _take(self, requests: list[Request], merged: Batch | None = None) -> Sequence[Request]:
        """``merged``: what the loop's thread has made of the requests, if it has. Returns those that are not done, because the
        commit was full."""
        try:
            return self._commit(requests, merged)
        except Exception as error:
            log.exception("The writer failed on a batch; nothing of it was written")
            self._refuse(requests, Unavailable(f"The write failed inside the ledger: {error}"))
            return ()

    def _off_the_book(self, tenant: str) -> bool:
        if self._broken:
            return False
        try:
            gone = self._db.execute(
                "DELETE FROM tenant WHERE name=? AND NOT EXISTS (SELECT 1 FROM entity WHERE tenant=?)",
                (tenant, tenant),
            )
        except sqlite3.Error as error:
            log.warning("Tenant %s cannot be forgotten now: %s", tenant, error)
            return False
        if gone.rowcount < 1:
            return False
        self.known_tenants.discard(tenant)
        return True

    def now(self) -> Micros:
        """Commit time: the clock's, but always later than the commit before, even when the clock steps back."""
        now: Micros = max(self._clock(), self.last_at + 1)
        return now

    def _begun(self) -> Batch:
        while self._in_flight and self._in_flight[0].applied:
            self._in_flight.popleft()
        return Batch(at=self.now(), seq=self.seq, head=self.head, next_ord=self.next_ord)

    def _commit(self, requests: list[Request], merged: Batch | None) -> Sequence[Request]:
        if self._checkpointer.due.is_set() and not self._broken:
            # Before, not after: once the answers are out, the loop may hold the pen, and read by this connection.
            self._checkpointer.restart(self._db)
        refusal = self._no_space()
        if refusal is not None:
            self._forget()
            self._refuse(requests, StorageFull(refusal))
            return ()
        if self._broken and not self._reopen():
            text = "The store cannot be opened again after an error; see the log. Nothing was written"
            self._refuse(requests, Unavailable(text))
            return ()
        left: Sequence[Request] = ()
        batch = merged or self._begun()
        try:
            if merged is None:
                self._fetch(requests)
                left = self._merger.merge(batch, requests)
                self._fetched = {}
            if batch.journal:
                began = time.perf_counter()
                statements.write(
                    self._db, batch, self.shapes, self.layouts, self.known_tenants, self.next_ord
                )
                self.commits.observe(time.perf_counter() - began)
                self.batches.observe(len(batch.journal))
        except sqlite3.Error as error:
            log.error("Commit failed: %s", error)
            text = f"The store cannot write now ({error}); nothing was written"
            kind = StorageFull if type(refusal_of(error)) is StorageFull else Unavailable
            if self._recover(batch):
                text = f"The store reported an error ({error}) while it saved; read to see whether the write is there"
                kind = Unavailable
            self._refuse(requests, kind(text))
            return ()
        except Exception:
            self._recover(batch)
            raise
        if left:
            left[0].durable = len(left[0].results)
        if batch.journal:
            self._landed(batch)
        else:
            self._forget()
            self._publish(batch)
        return left

    def _landed(self, batch: Batch) -> None:
        """The batch is in the store: move the position, and notify the loop."""
        self.shapes.fresh.clear()
        self.layouts.fresh.clear()
        self.known_tenants |= batch.tenants
        self.seq, self.head, self.next_ord = batch.seq, batch.head, batch.next_ord
        self.last_at = batch.at
        self._in_flight.append(batch)
        size = sum(len(row[11]) for row in batch.journal) + sum(
            len(kept[0][1]) for kept in batch.state.values() if kept
        )
        self._checkpointer.wrote(len(batch.state) + (size >> 12) + 1)
        self._publish(batch)

    def _in_memory(self, key: Key) -> tuple[bool, Stored | None]:
        """(known, row): from batches that the loop has not yet taken, then from the cache."""
        for batch in reversed(self._in_flight):
            if key in batch.state:
                found = batch.state[key]
                return True, found[0] if found is not None else None
        cached = self._cache.peek(key)
        return cached is not None, cached

    def _fetch(self, requests: list[Request], here: bool = False) -> bool:
        """Gather the rows that a batch needs; those that memory has not are read at once. ``here``: False is returned as soon
        as they are more than the loop's thread may read or merge."""
        missing: dict[str, set[str]] = {}
        fetched: dict[Key, Stored | None] = {}
        for request in requests:
            tenant = request.tenant
            for op in request.ops[request.durable :] if request.durable else request.ops:
                key = (tenant, op.entity_id)
                if key not in fetched:
                    known, row = self._in_memory(key)
                    if known:
                        fetched[key] = row
                    else:
                        missing.setdefault(tenant, set()).add(op.entity_id)
        weight = 0
        if here:
            weight = sum([len(row[1]) for row in fetched.values() if row is not None])
            if weight > _BYTES_HERE or sum(map(len, missing.values())) > _READS_HERE:
                return False
        for tenant, names in missing.items():
            ids = sorted(names)
            for start in range(0, len(ids), _FETCH):
                if weight > BATCH_BYTES:
                    break  # the others are read one by one, when their turn comes
                part = ids[start : start + _FETCH]
                found = fetched if here else {}
                found.update(dict.fromkeys((tenant, one) for one in part))
                # Padded to few sizes, so that the statement is compiled once for each.
                part += part[-1:] * (-len(part) % _FETCH_STEP)
                marks = ",".join("?" * len(part))
                for entity_id, *row in self._db.execute(
                    f"SELECT id, {STORED} FROM entity WHERE tenant=? AND id IN ({marks})", (tenant, *part)
                ):
                    found[tenant, entity_id] = tuple(row)
                    weight += len(row[1])
                    if here and weight > _BYTES_HERE:
                        return False
                    if weight > BATCH_BYTES:
                        found = {key: row for key, row in found.items() if row is not None}
                        break
                fetched.update(found)
        self._fetched = fetched
        return True

    def _load(self, key: Key) -> Stored | None:
        try:
            return self._fetched[key]
        except KeyError:  # of a batch that reads much
            known, row = self._in_memory(key)
            if not known:
                row = self._db.execute(f"SELECT {STORED} FROM entity WHERE tenant=? AND id=?", key).fetchone()
            return row

    # -- trouble ------------------------------------------------------------------------------------------------
    def keep_free(self, count: int) -> None:
        """Any thread; holds from the next batch on."""
        self._min_free_bytes = count
        self._space_checked = -math.inf

    def _no_space(self) -> str | None:
        """Why nothing may be written now, checked at most once a second."""
        tick = time.monotonic()
        if tick - self._space_checked >= _SPACE_CHECK_S:
            self._space_checked = tick
            stat = os.statvfs(self.directory)
            free = stat.f_bavail * stat.f_frsize
            self._refusal = None
            if free < self._min_free_bytes:
                self._refusal = (
                    f"The disk of the data directory has {free >> 20} MB left; writes need {self._min_free_bytes >> 20} "
                    "MB. Free some space: reading continues, writing resumes by itself."
                )
        return self._refusal

    def _recover(self, batch: Batch) -> bool:
        """After a failed transaction: take a fresh connection. True when the batch landed in spite of the error.

        An error of COMMIT does not say whether the transaction is in the log; only reading does. If it is there,
        memory must follow, although nobody was told "yes".
        """
        self._doubtful = batch
        self._broken = True
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._db.close()
        except sqlite3.Error as error:
            log.warning("Closing the failed connection: %s", error)
        return self._reopen() and self.seq == batch.seq

    def _reopen(self) -> bool:
        try:
            db = connect(self.directory, write=True)
            piece.ready(db)
            row = db.execute("SELECT hash FROM journal WHERE seq=?", (self._doubtful.seq,)).fetchone()
        except sqlite3.Error as error:
            log.error("The store cannot be opened again yet: %s", error)
            return False
        self._db = db
        self._broken = False
        if row is not None and row[0] == self._doubtful.head and self._doubtful.journal:
            self._doubtful.answers = []
            self._landed(self._doubtful)
        else:
            self._forget()
        return True

    def _forget(self) -> None:
        self.shapes.forget_fresh()
        self.layouts.forget_fresh()
