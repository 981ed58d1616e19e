"""The broker's one door: every room reads and writes entities through ``Broker``.

How a write travels: ``write`` → ledger queue → writer thread merges, commits, fsyncs → indexes → events → "yes".
Nothing slow happens in between; followers (history, rules, subscriptions, screens) read the events afterwards.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import orjson

from andaman.broker.entity.apply import apply
from andaman.broker.entity.expiry import MARK, read_living
from andaman.broker.indexing import update_index
from andaman.broker.ledger.batch import Batch
from andaman.broker.ledger.boot import Facts, load_index
from andaman.broker.ledger.events import changes_of_state
from andaman.broker.ledger.history_link import HistoryLink
from andaman.broker.ledger.journal import READ_BYTES
from andaman.broker.ledger.ledger import Ledger, LedgerOptions
from andaman.broker.ledger.rights import visible
from andaman.broker.ledger.startup_checks import check_before_start
from andaman.broker.model import DEFAULT_TENANT, Doc, Event, WriteOp, WriteResult
from andaman.broker.query.index import FACTS_VERSION, EntityIndex, index_facts, update_facts
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.survey import TypeSurvey
from andaman.broker.questions import PastQuestions
from andaman.identity.model import FULL_ACCESS, Access, Actor
from andaman.identity.tenants import check_entry
from andaman.kernel.errors import Conflict, NoSuchTenant, ResourceNotFound
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.positions import START, Position
from andaman.kernel.time import Clock, Micros, system_clock

_FACTS = Facts(FACTS_VERSION, index_facts, update_facts)
_FREEZE_FROM = 10_000  # entities; below that the garbage collector is quick anyway
_GC_ALLOCATIONS = 500_000
_ITER_PAGE = 50  # bodies that wait with whoever goes through entities slowly


class Broker(PastQuestions):
    """Entities of all tenants in one data directory. One process owns the directory (a lock file says so)."""

    def __init__(self, ledger: Ledger, index: EntityIndex, history: HistoryLink | None) -> None:
        super().__init__(ledger, history)
        self._index = index
        self._on_forgotten: list[Callable[[str], Awaitable[None]]] = []
        self._before_telling: list[Callable[[Sequence[Event]], None]] = []
        self._recorded_since: Micros | None = None
        self._tenants = {DEFAULT_TENANT, *ledger.writer.known_tenants}

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = system_clock, **options: Any) -> Broker:
        """Open or create; replays nothing but the indexes. Raises Unavailable when another process holds it.

        Options: the fields of ``LedgerOptions``; ``history`` (False: the past is replayed from the journal, slowly,
        and ``temporal`` is not offered); ``history_memory_mb``; ``history_every_s`` (longest time that the tail of a
        quiet journal waits to move to history); ``check`` (False: a store that is damaged is opened all the same).
        """
        if options.pop("check", True):
            check_before_start(directory)
        with_history = options.pop("history", True)
        every_s = options.pop("history_every_s", 10.0)
        memory_mb = options.pop("history_memory_mb", 128)
        unknown = options.keys() - {field.name for field in fields(LedgerOptions)}
        if unknown:
            raise TypeError(f"Unknown broker options: {', '.join(sorted(unknown))}")
        ledger = Ledger(
            directory,
            apply,
            _FACTS,
            clock=clock,
            options=LedgerOptions(**options),
            read=lambda body: read_living(body, clock),
        )
        try:
            index = EntityIndex()
            count = load_index(directory, index, _FACTS)
        except BaseException:
            ledger.abandon()
            raise
        if count >= _FREEZE_FROM:
            gc.collect()
            gc.freeze()  # the index lives as long as the process: keep it out of every later collection
        return cls(ledger, index, HistoryLink(directory, memory_mb, every_s) if with_history else None)

    async def start(self) -> None:
        """Start the writer and checkpoint threads and the historian; bind to the running event loop."""
        # Entities are trees: reference counts free them, and searching them for cycles is the largest pause there is.
        gc.set_threshold(_GC_ALLOCATIONS, 50, 100)
        self._ledger.start(self._on_batch)
        if self._history is not None:
            self._history.start()

    async def close(self) -> None:
        """Finish accepted writes, move the tail to history, stop threads and historian."""
        await self._ledger.drain()
        if self._history is not None:
            await asyncio.to_thread(self._history.stop)
        await self._ledger.close()
        self._past_threads.shutdown(wait=False, cancel_futures=True)

    def abandon(self) -> None:
        """Let go of the files of a broker that was never started."""
        self._ledger.abandon()

    def _on_batch(self, batch: Batch) -> None:
        if self.remembered:
            self.remembered.forget((event.tenant, event.entity_id) for event in batch.events)
        update_index(self._index, self._ledger.writer.layouts, batch)
        self._tenants |= batch.tenants
        for listener in self._before_telling:
            listener(batch.events)

    def before_telling(self, listener: Callable[[Sequence[Event]], None]) -> None:
        """Call ``listener`` with committed events before all others receive them: followers, readers, the writer
        itself. It must be quick and must not raise; the catalogue sees in it whether the rules of visibility are others
        now.
        """
        self._before_telling.append(listener)

    def demand(self, type_: str, check: Callable[[Doc | None, Doc], None]) -> None:
        """Let ``check`` see each entity of the city with this type (IRI) before and after a change. It runs ahead of
        the commit, on the writer's thread. The error that it raises is the answer, and nothing is written. Pure and
        quick; set before the first write.
        """
        self._ledger.writer.demand(type_, check)

    # -- writes ---------------------------------------------------------------------------------------------
    async def write(
        self,
        ops: Sequence[WriteOp],
        actor: Actor,
        tenant: str = DEFAULT_TENANT,
        *,
        atomic: bool = False,
        size: int = 0,
    ) -> list[WriteResult]:
        """Apply operations in order; returns when all are on disk (fsynced). One result per operation.

        An operation that fails carries its error and writes nothing; the others stand, unless ``atomic``: then
        any error leaves all of them unwritten. Rights are checked in the writer against the state as merged.
        ``size``: bytes that they came as, where that is known (0: they are measured).
        Raises Unavailable when the queue is full, the disk is nearly full or the broker is closing, NoSuchTenant where the
        actor may not enter.
        """
        check_entry(actor.access, tenant)
        return await self._ledger.write(ops, actor, tenant, atomic, size)

    async def must_write(
        self, ops: Sequence[WriteOp], actor: Actor, tenant: str = DEFAULT_TENANT, *, atomic: bool = False
    ) -> list[WriteResult]:
        """Like ``write``, and raises the first error of an operation. Without ``atomic``, the others are written; with it, the
        error is the cause, not the Conflict of an operation that was left unwritten for its sake."""
        results = await self.write(ops, actor, tenant, atomic=atomic)
        errors = [result.error for result in results if result.error is not None]
        if errors:
            raise next((error for error in errors if not (atomic and type(error) is Conflict)), errors[0])
        return results

    # -- the present ----------------------------------------------------------------------------------------
    def get(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc:
        """The stored form, without what ``access`` hides. Raises ResourceNotFound (also for what it must not see)."""
        found = self.find(entity_id, access, tenant)
        if found is None:
            self._check_tenant(tenant, access)
            raise ResourceNotFound(f"There is no entity {entity_id}")
        return found

    def find(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc | None:
        """Like ``get``, or None."""
        if not access.enters(tenant):
            return None
        body = self._ledger.body((tenant, entity_id))
        doc = None if body is None else self._ledger.read(body)
        return None if doc is None else visible(doc, access)

    def stored(self, entity_id: str, tenant: str = DEFAULT_TENANT) -> Doc | None:
        """As it is stored, also if it has expired and waits for the sweep; for the platform's own work only."""
        body = self._ledger.body((tenant, entity_id))
        return None if body is None else orjson.loads(body)

    def has_existed(self, entity_id: str, tenant: str = DEFAULT_TENANT) -> bool:
        """Is there such an entity, or was there ever one? Blocks a little; for the platform's own work only."""
        with self._ledger.journals.reader() as journal:
            return bool(journal.shapes_of(tenant, entity_id))

    async def list_expiring(self) -> list[tuple[str, str]]:
        """(tenant, id) of every entity that has something with ``expiresAt``, found by reading all, in a thread."""

        def read() -> list[tuple[str, str]]:
            with self._ledger.journals.reader() as journal:
                return journal.holding(MARK)

        return await asyncio.to_thread(read)

    def query(self, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT) -> Page:
        """Run a query now, on the calling thread (fast: indexes). Readers never wait for the writer."""
        self._check_tenant(tenant, access)
        return self._select(query, access, tenant)

    async def query_async(self, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT) -> Page:
        """Like ``query``; scans that may be long run in a worker thread, so that the loop stays free."""
        self._check_tenant(tenant, access)

        return await asyncio.to_thread(self._select, query, access, tenant)

    def _select(self, query: EntityQuery, access: Access, tenant: str) -> Page:
        page = self._index.select(tenant, query, access, lambda ids: self._ledger.docs(tenant, ids))
        docs = [shown for doc in page.docs if (shown := visible(doc, access)) is not None]
        return Page(docs, page.total)

    def iter_entities(
        self, types: Iterable[str], access: Access, tenant: str = DEFAULT_TENANT
    ) -> Iterable[Doc]:
        """Every visible entity that has one of these types (all entities when ``types`` is empty), streamed.

        Which ones is settled by this call; each comes in the form it has when its turn comes, and is left out if
        it is gone by then. An unknown tenant, or one that ``access`` may not enter, has none.
        """
        ids = self._index.ids(tenant, tuple(types), access) if access.enters(tenant) else []
        return self._iter(ids, access, tenant)

    def _iter(self, ids: Sequence[str], access: Access, tenant: str) -> Iterator[Doc]:
        for start in range(0, len(ids), _ITER_PAGE):
            for doc in self._ledger.iter_docs(tenant, ids[start : start + _ITER_PAGE]):
                shown = visible(doc, access)
                if shown is not None:
                    yield shown

    def has(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> bool:
        """Is there such an entity, as far as ``access`` may know?"""
        return access.enters(tenant) and self._index.sees(tenant, entity_id, access)

    def agree(self, one: Access, other: Access) -> bool:
        """Do these rights see the same of everything that there is now?"""
        return self._index.agree(one, other)

    def ids(self, types: Iterable[str], access: Access, tenant: str = DEFAULT_TENANT) -> list[str]:
        """Ids of every visible entity that has one of these types (none given: all), as of ``seq``."""
        return self._index.ids(tenant, tuple(types), access) if access.enters(tenant) else []

    def tenants(self) -> list[str]:
        """Names of tenants that exist; the default tenant "" always does."""
        return sorted(self._tenants)

    def on_forgotten(self, listener: Callable[[str], Awaitable[None]]) -> None:
        """Call ``listener`` with the name of each tenant that is about to be forgotten, so that it clears its records
        of it.
        """
        self._on_forgotten.append(listener)

    async def forget_tenant(self, tenant: str) -> bool:
        """Take a tenant that has no entities off the book: it is as one that never was, and counts no more against
        their bound. Its journal stays. False where it has entities, or is the city's own."""
        if not tenant or self._index.ids(tenant, (), FULL_ACCESS):
            return False
        for listener in self._on_forgotten:
            await listener(tenant)

        def gone() -> None:
            self._index.drop_tenant(tenant)
            self._tenants.discard(tenant)

        return await self._ledger.forget_tenant(tenant, gone)

    def types(self, access: Access, tenant: str = DEFAULT_TENANT) -> dict[tuple[str, ...], int]:
        """Combinations of types among the visible entities, with the number of entities of each."""
        self._check_tenant(tenant, access)
        return self._index.types(tenant, access)

    async def survey(
        self,
        access: Access,
        tenant: str = DEFAULT_TENANT,
        *,
        kinds_of: Container[str] | None = (),
        types: Sequence[str] = (),
    ) -> list[TypeSurvey]:
        """Types and attributes among the visible entities, counted by the index in a worker thread.

        ``kinds_of``: attributes whose kinds are wanted too (None: of all). ``types``: only entities that have one of
        these (none given: all).
        """
        self._check_tenant(tenant, access)
        load = partial(self._ledger.docs, tenant)
        return await asyncio.to_thread(self._index.survey, tenant, access, load, kinds_of, types)

    def _check_tenant(self, tenant: str, access: Access) -> None:
        """The doors check the same; this is a second wall for callers that find a way around them."""
        check_entry(access, tenant)
        if tenant not in self._tenants:
            raise NoSuchTenant(f"There is no tenant {tenant!r}; the first write to a tenant makes it")

    def metrics(self) -> Iterable[Family]:
        """Figures of ledger and past; see also ``history_metrics``."""
        yield from self._ledger.metrics()
        yield gauge("andaman_tenants", "Tenants that exist.", len(self._tenants))
        yield gauge(
            "andaman_past_questions", "Questions about the past being answered now.", self._past_asked
        )

    # -- events ---------------------------------------------------------------------------------------------
    @property
    def seq(self) -> Position:
        """Position of the last durable event."""
        return self._ledger.seq

    @cached_property
    def position_key(self) -> bytes:
        """The secret of this store. It seals positions before anybody outside gets them (kernel/positions.py), and
        makes ids that follow from their content (``kernel.ids.keyed_id``).
        """
        with self._ledger.journals.reader() as journal:
            return journal.instance_key()

    def keep_free(self, count: int) -> None:
        """From now on writes are refused where the disk has less room, in bytes. Any thread."""
        self._ledger.writer.keep_free(count)

    @property
    def last_commit(self) -> Micros:
        """Time of the last commit, 0 where there was none."""
        return self._ledger.writer.last_at

    def back(self, position: Position, count: int) -> Position:
        """The position so many events before this one; the first one where there are not so many."""
        return Position(max(START, position - count))

    async def recorded_since(self) -> Micros | None:
        """When the record of this store begins; None where nothing was written yet."""
        if self._recorded_since is None:
            first = await self.read_events(START, 1)
            self._recorded_since = first[0].at if first else None
        return self._recorded_since

    async def position_before(self, at: Micros) -> Position:
        """The position of the last event before ``at``. Times in the journal never fall, so halving finds it."""
        low, high = int(START), int(self.seq)
        while low < high:
            middle = (low + high + 1) // 2
            events = await self.read_events(Position(middle - 1), 1)
            if events and events[0].at < at:
                low = middle
            else:
                high = middle - 1
        return Position(low)

    def follow(self, after: Position | None = None) -> AsyncIterator[list[Event]]:
        """Batches of events behind position ``after`` (None: from now on), in order, without gaps, for ever.

        A follower that is slow is not fed from memory but from the journal: it can slow or starve nobody.
        """
        return changes_of_state(self._ledger.follow(after))

    def follow_all(self, after: Position) -> AsyncIterator[list[Event]]:
        """Like ``follow``, writes to the past too: who needs to know whether more is on its way compares with ``seq``."""
        return self._ledger.follow(after)

    def recent(self, after: Position) -> list[Event] | None:
        """The next events behind position ``after``, writes to the past too, from memory; None where it does not reach
        back so far."""
        return self._ledger.ring.after(after)

    async def read_events(
        self, after: Position, limit: int = 10_000, tenant: str | None = None, most_bytes: int = READ_BYTES
    ) -> list[Event]:
        """A slice of the journal (``doc`` is None in events read from disk unless it was created there).

        Fewer than ``limit`` where they are large (their changes have ``most_bytes`` together); none: there are no more.
        """
        return await self._ledger.read_events(after, limit, tenant, most_bytes)
