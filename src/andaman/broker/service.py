"""The broker's one door: every room reads and writes entities through ``Broker``.

How a write travels: ``write`` → ledger queue → writer thread merges, commits, fsyncs → indexes → events → "yes".
Nothing slow happens in between; followers (history, rules, subscriptions, screens) read the events afterwards.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

from andaman.broker.model import DEFAULT_TENANT, Doc, Event, WriteOp, WriteResult
from andaman.broker.query.model import EntityQuery, Page, TemporalQuery
from andaman.identity.model import Access, Actor
from andaman.kernel.time import Clock, Micros, system_clock


class Broker:
    """Entities of all tenants in one data directory. One process owns the directory (a lock file says so)."""

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = system_clock, **options: Any) -> Broker:
        """Open or create; replays nothing but the indexes. Raises Unavailable when another process holds it."""
        raise NotImplementedError

    async def start(self) -> None:
        """Start the writer, checkpoint and history threads; bind to the running event loop."""
        raise NotImplementedError

    async def close(self) -> None:
        """Finish accepted writes, move the tail to history where cheap, stop the threads."""
        raise NotImplementedError

    # -- writes ---------------------------------------------------------------------------------------------
    async def write(
        self, ops: Sequence[WriteOp], actor: Actor, tenant: str = DEFAULT_TENANT, *, atomic: bool = False
    ) -> list[WriteResult]:
        """Apply operations in order; returns when all are on disk (fsynced). One result per operation.

        An operation that fails carries its error and writes nothing; the others stand, unless ``atomic``: then
        any error leaves all of them unwritten. Rights are checked in the writer against the state as merged.
        Raises Unavailable when the queue is full, the disk is nearly full or the broker is closing.
        """
        raise NotImplementedError

    # -- the present ----------------------------------------------------------------------------------------
    def get(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc:
        """The stored form, without what ``access`` hides. Raises ResourceNotFound (also for what it must not see)."""
        raise NotImplementedError

    def find(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc | None:
        """Like ``get``, or None."""
        raise NotImplementedError

    def query(self, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT) -> Page:
        """Run a query now, on the calling thread (fast: indexes). Readers never wait for the writer."""
        raise NotImplementedError

    async def query_async(self, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT) -> Page:
        """Like ``query``; scans that may be long run in a worker thread, so that the loop stays free."""
        raise NotImplementedError

    def iter_entities(
        self, types: Iterable[str], access: Access, tenant: str = DEFAULT_TENANT
    ) -> Iterable[Doc]:
        """Every visible entity that has one of these types (all entities when ``types`` is empty), streamed."""
        raise NotImplementedError

    def tenants(self) -> list[str]:
        """Names of tenants that exist; the default tenant "" always does."""
        raise NotImplementedError

    # -- the past -------------------------------------------------------------------------------------------
    async def query_at(
        self, at: Micros, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT
    ) -> Page:
        """The same query, answered from the state as it was known at ``at`` (transaction time)."""
        raise NotImplementedError

    async def get_at(self, at: Micros, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc:
        """One entity as it was known at ``at``. Raises ResourceNotFound when it was not there."""
        raise NotImplementedError

    async def temporal(
        self,
        entity_id: str,
        attrs: Sequence[str],
        query: TemporalQuery,
        access: Access,
        tenant: str = DEFAULT_TENANT,
    ) -> dict[str, list[dict[str, Any]]]:
        """History of one entity: attribute IRI → instances (stored form, newest first with ``last_n``, otherwise
        oldest first), or, with ``aggr_methods``, IRI → {"method": [[value, start, end], …]} rows.
        Empty ``attrs`` means all. Includes what was acknowledged a moment ago (the journal's tail)."""
        raise NotImplementedError

    # -- events ---------------------------------------------------------------------------------------------
    @property
    def seq(self) -> int:
        """Position of the last durable event."""
        raise NotImplementedError

    def follow(self, after: int | None = None) -> AsyncIterator[list[Event]]:
        """Batches of events behind position ``after`` (None: from now on), in order, without gaps, for ever.

        A follower that is slow is not fed from memory but from the journal: it can slow or starve nobody.
        """
        raise NotImplementedError

    async def read_events(self, after: int, limit: int = 10_000, tenant: str | None = None) -> list[Event]:
        """A slice of the journal (``doc`` is None in events read from disk unless it was created there)."""
        raise NotImplementedError
