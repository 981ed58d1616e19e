"""The ledger as one object: current state and journal of one data directory, on the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Final

import orjson

from andaman.broker.ledger.batch import Batch, Request
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.cache import STORED, BodyCache, Key, Stored
from andaman.broker.ledger.checkpoint import Checkpointer
from andaman.broker.ledger.events import EventRing
from andaman.broker.ledger.journal import PAGE_BYTES, JournalPool
from andaman.broker.ledger.merge import Apply
from andaman.broker.ledger.outbox import Outbox
from andaman.broker.ledger.schema import FILE, DirectoryLock, connect, prepare
from andaman.broker.ledger.writer import Writer
from andaman.broker.model import Doc, Event, WriteOp, WriteResult
from andaman.identity.model import Actor
from andaman.kernel.errors import Unavailable
from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.positions import Position
from andaman.kernel.time import Clock, system_clock

_IDS: Final = 500  # look-ups per statement
_ENTITY: Final = f"SELECT {STORED} FROM entity WHERE tenant=? AND id=?"  # noqa: S608
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """Sizes and bounds; the defaults fit two cores and 400 MB."""

    cache_bytes: int = 64 << 20
    max_waiting_ops: int = 20_000
    max_waiting_bytes: int = 64 << 20
    max_batch_ops: int = 2_000
    max_tenants: int = 1_000
    ring_events: int = 4_096
    ring_bytes: int = 24 << 20
    wal_limit_bytes: int = 64 << 20
    min_free_bytes: int = 64 << 20


class Ledger:
    """Group commit, bodies and events. All methods belong to the loop's thread unless they say otherwise."""

    def __init__(
        self,
        directory: Path,
        apply: Apply,
        facts: Facts,
        *,
        clock: Clock = system_clock,
        options: LedgerOptions | None = None,
        read: Callable[[bytes], Doc | None] = orjson.loads,
    ) -> None:
        """Open or create; raises Unavailable when another process owns the directory or it is not readable.

        ``read`` makes the doc that readers get of a stored body (None: as if it were not there).
        """
        self.directory = directory
        self.read = read
        self.options = options = options or LedgerOptions()
        self._lock = DirectoryLock(directory)
        try:
            db = prepare(directory)
        except BaseException:
            self._lock.release()
            raise
        self.cache = BodyCache(options.cache_bytes)
        self._checkpointer = Checkpointer(directory, options.wal_limit_bytes)
        self.writer = Writer(
            directory,
            db,
            apply,
            facts,
            self.cache,
            self._checkpointer,
            clock,
            min_free_bytes=options.min_free_bytes,
            max_batch_ops=options.max_batch_ops,
            max_tenants=options.max_tenants,
        )
        self.ring = EventRing(Position(self.writer.seq), options.ring_events, options.ring_bytes)
        self._read = connect(directory)
        self.journals = JournalPool(directory)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._home = get_ident()  # the loop's thread
        self._outbox = Outbox(self.writer, self._applied)
        self._waiting_ops = 0
        self._waiting_bytes = 0
        self._refusals = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._on_batch: Callable[[Batch], None] = lambda _: None
        self._closing = False

    @property
    def seq(self) -> Position:
        return self.ring.seq

    # -- life -------------------------------------------------------------------------------------------------
    def start(self, on_batch: Callable[[Batch], None]) -> None:
        """Bind to the running loop. ``on_batch`` updates the indexes, before followers and callers are told."""
        self._loop = asyncio.get_running_loop()
        self._home = get_ident()
        self._on_batch = on_batch
        self.writer.start(self._publish, self._refuse)
        self._checkpointer.start()

    async def drain(self) -> None:
        """Take no more writes, and wait for those that were accepted."""
        self._closing = True
        await self._idle.wait()

    def abandon(self) -> None:
        """Let go of a ledger that was never started."""
        self.writer.stop()
        self._read.close()
        self._lock.release()

    async def close(self) -> None:
        """Finish accepted writes, end the followers, stop the threads, let go of the directory."""
        await self.drain()
        self.ring.close()
        if self._loop is not None:
            await asyncio.to_thread(self._checkpointer.stop)
        await asyncio.to_thread(self.writer.stop)
        self.journals.close()
        self._read.close()
        self._lock.release()

    # -- writing ----------------------------------------------------------------------------------------------
    async def write(
        self, ops: Sequence[WriteOp], actor: Actor, tenant: str, atomic: bool, size: int = 0
    ) -> list[WriteResult]:
        """See ``Broker.write``."""
        loop = self._loop
        if loop is None or self._closing:
            raise Unavailable(
                "The platform is starting or stopping; nothing was written. Try again in a moment"
            )
        if not ops:
            return []
        size = size or sum(len(orjson.dumps(op.fragment)) for op in ops)
        count = len(ops)
        options = self.options
        if self._waiting_ops and (
            self._waiting_ops + count > options.max_waiting_ops
            or self._waiting_bytes + size > options.max_waiting_bytes
        ):
            self._refusals += 1
            raise Unavailable(
                f"{self._waiting_ops} operations are waiting to be written already; nothing of this one was. "
                "Try again in a moment"
            )
        self._waiting_ops += count
        self._waiting_bytes += size
        self._idle.clear()
        request = Request(list(ops), actor, tenant, atomic, size, loop.create_future())
        self._outbox.put(request, loop)
        return await request.future

    async def forget_tenant(self, tenant: str, on_gone: Callable[[], None]) -> bool:
        """See ``Broker.forget_tenant``; settled by the writer between two commits, so that no write can slip in.
        ``on_gone`` is called in its order among the batches: before what makes the tenant again is published."""
        loop = self._loop
        if loop is None or self._closing:
            raise Unavailable("The platform is starting or stopping. Try again in a moment")
        answer: asyncio.Future[bool] = loop.create_future()

        def settle(gone: bool) -> None:
            self._outbox.settled()
            if gone:
                on_gone()
            if not answer.done():
                answer.set_result(gone)
            self._outbox.flush()

        self._outbox.errand()
        self.writer.forget_tenant(tenant, lambda gone: loop.call_soon_threadsafe(settle, gone))
        return await answer

    def _publish(self, batch: Batch) -> None:
        """From the writer's thread: the batch is durable."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._applied, batch)

    def _refuse(self, requests: list[Request], error: Unavailable) -> None:
        """From the writer's thread: nothing of these requests was written."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._refused, requests, error)

    def _applied(self, batch: Batch) -> None:
        cache = self.cache
        for key, kept in batch.state.items():
            if kept is None:
                cache.drop(key)
            else:
                cache.put(key, kept[0])
        batch.applied = True
        if batch.events:
            try:
                self._on_batch(batch)
            except Exception:
                log.exception("Updating the indexes failed for events up to %d", batch.seq)
            self.ring.publish(batch.events)
            # The batch stays until the next one; what was parsed of it, and what the ring may let go of, need not.
            batch.docs, batch.patches, batch.events, batch.journal = {}, {}, [], []
        self._done([request for request, _ in batch.answers])
        if self._loop is not None:
            self._outbox.gather(self._loop)
        for request, results in batch.answers:
            if not request.future.done():
                request.future.set_result(results)

    def _refused(self, requests: list[Request], error: Unavailable) -> None:
        self._refusals += len(requests)
        self._done(requests)
        for request in requests:
            if request.future.done():
                continue
            if request.durable:  # a large request is several commits: the first ones stand
                rest = request.ops[request.durable :]
                failed = [WriteResult(op.kind, op.entity_id, error=error) for op in rest]
                request.future.set_result([*request.results[: request.durable], *failed])
            else:
                request.future.set_exception(error)
        self._outbox.flush()

    def _done(self, requests: list[Request]) -> None:
        self._outbox.settled(len(requests))
        for request in requests:
            self._waiting_ops -= len(request.ops)
            self._waiting_bytes -= request.size
        if not self._waiting_ops:
            self._idle.set()

    # -- the present ------------------------------------------------------------------------------------------
    def body(self, key: Key) -> bytes | None:
        """The body of one entity, from memory or disk. Any thread."""
        if get_ident() != self._home:
            return self._bodies_elsewhere(key[0], [key[1]]).get(key[1])
        found = self.cache.get(key)
        if found is None:
            found = self._read.execute(_ENTITY, key).fetchone()
            if found is None:
                return None
            # Right on the loop's thread only: what is read there is at least as new as anything published. Another
            # thread could put back what it read before the loop published something newer.
            self.cache.put(key, found)
        return found[1]

    def docs(self, tenant: str, ids: Sequence[str]) -> list[Doc]:
        """Complete docs in the order of ``ids``; missing ones are left out. Any thread."""
        return list(self.iter_docs(tenant, ids))

    def iter_docs(self, tenant: str, ids: Sequence[str]) -> Iterator[Doc]:
        """The same, each made when its turn comes: a doc takes ten times the memory of the body it is made of. The bodies
        are read by this call."""
        return self._docs(self._bodies(tenant, ids), ids)

    def _bodies(self, tenant: str, ids: Sequence[str]) -> dict[str, bytes]:
        if get_ident() != self._home:
            return self._bodies_elsewhere(tenant, ids)
        bodies: dict[str, bytes] = {}
        missing = []
        for entity_id in ids:
            cached = self.cache.get((tenant, entity_id))
            if cached is not None:
                bodies[entity_id] = cached[1]
            else:
                missing.append(entity_id)
        for start in range(0, len(missing), _IDS):
            part = missing[start : start + _IDS]
            marks = ",".join("?" * len(part))
            rows = self._read.execute(
                f"SELECT id, {STORED} FROM entity WHERE tenant=? AND id IN ({marks})",  # noqa: S608
                (tenant, *part),
            )
            for entity_id, *stored in rows:
                kept: Stored = tuple(stored)
                self.cache.put((tenant, entity_id), kept)
                bodies[entity_id] = kept[1]
        return bodies

    def _docs(self, bodies: dict[str, bytes], ids: Sequence[str]) -> Iterator[Doc]:
        read = self.read
        return (doc for one in ids if one in bodies and (doc := read(bodies[one])) is not None)

    def _bodies_elsewhere(self, tenant: str, ids: Sequence[str]) -> dict[str, bytes]:
        """Bodies by id, for other threads than the loop's: looks into the cache, but never fills it."""
        bodies: dict[str, bytes] = {}
        missing = []
        for entity_id in ids:
            cached = self.cache.peek((tenant, entity_id))
            if cached is not None:
                bodies[entity_id] = cached[1]
            else:
                missing.append(entity_id)
        if missing:
            with self.journals.reader() as journal:
                bodies.update(journal.bodies(tenant, missing))
        return bodies

    # -- figures ----------------------------------------------------------------------------------------------
    def metrics(self) -> Iterable[Family]:
        writer = self.writer
        yield gauge("andaman_journal_position", "Position of the last durable event.", self.seq)
        yield gauge("andaman_writer_queue_operations", "Operations waiting to be written.", self._waiting_ops)
        yield gauge("andaman_writer_queue_bytes", "Their size.", self._waiting_bytes)
        yield counter("andaman_writer_refused", "Write requests refused: queue or disk full.", self._refusals)
        yield Family(
            "andaman_writer_commit_seconds",
            "Time of one group commit, from BEGIN to the end of its fsync.",
            "histogram",
            [({}, writer.commits)],
        )
        yield Family(
            "andaman_writer_batch_events",
            "Events of one group commit.",
            "histogram",
            [({}, writer.batches)],
        )
        yield gauge("andaman_cache_bytes", "Bodies kept in memory.", self.cache.bytes)
        yield gauge("andaman_cache_entities", "Their number.", len(self.cache))
        yield gauge("andaman_recent_events", "Events kept in memory for followers.", len(self.ring))
        yield gauge("andaman_recent_events_bytes", "What they hold.", self.ring.bytes)
        for name, suffix in (("andaman_store_bytes", ""), ("andaman_store_log_bytes", "-wal")):
            with contextlib.suppress(OSError):
                size = (self.directory / f"{FILE}{suffix}").stat().st_size
                yield gauge(name, "Size of the store" + (", its write-ahead log." if suffix else "."), size)

    # -- events -----------------------------------------------------------------------------------------------
    async def read_events(
        self, after: int, limit: int, tenant: str | None = None, most_bytes: int = PAGE_BYTES
    ) -> list[Event]:
        def read() -> list[Event]:
            with self.journals.reader() as journal:
                return journal.slice(after, limit, tenant, most_bytes)

        return await asyncio.to_thread(read)

    def follow(self, after: int | None) -> AsyncIterator[list[Event]]:
        position = self.seq if after is None else after
        return self.ring.follow(position, self.read_events)
