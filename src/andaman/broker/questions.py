"""Questions about the past, as the broker's door takes them: asked of the historian in threads of their own, a few at a time.

Rights go along; what was acknowledged a moment ago is in every answer.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from andaman.broker.answer_cache import Remembered
from andaman.broker.ledger.history_link import HistoryLink
from andaman.broker.ledger.journal import Written
from andaman.broker.ledger.ledger import Ledger
from andaman.broker.ledger.past import Past
from andaman.broker.ledger.trail import Trail, trail
from andaman.broker.model import DEFAULT_TENANT, Doc
from andaman.broker.query.city import CityMeans, NewestValues
from andaman.broker.query.model import EntityQuery, EvolutionQuery, Page, Target, TemporalQuery
from andaman.broker.query.period import Period
from andaman.broker.query_batcher import QueryBatcher
from andaman.identity.model import Access
from andaman.kernel.errors import Unavailable
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.positions import START, Position
from andaman.kernel.time import Micros

_WRITTEN_STRETCH = (
    100_000  # events looked at in one statement: no reader holds the store for the whole journal
)
_PAST_THREADS = 4
_PAST_WAITING = 500
_REMEMBERED_BYTES = 48 << 20
_HISTORY_PATIENCE_S = 1.5
_T = TypeVar("_T")


def _trouble(there: bool) -> Family:
    return gauge("andaman_history_trouble", "1 while history cannot take the journal's tail.", there)


class PastQuestions(ABC):
    """The half of ``Broker`` that looks back."""

    def __init__(self, ledger: Ledger, history: HistoryLink | None) -> None:
        self._ledger = ledger
        self._history = history
        self._past = history or Past(ledger.journals, None)
        self._past_threads = ThreadPoolExecutor(_PAST_THREADS, thread_name_prefix="past")
        self._past_asked = 0
        self._together = QueryBatcher(self._evolutions)
        self.remembered = Remembered(_REMEMBERED_BYTES)

    @abstractmethod
    def get(self, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc:
        """See ``Broker.get``."""

    @abstractmethod
    def _check_tenant(self, tenant: str, access: Access) -> None:
        """See ``Broker._check_tenant``."""

    async def query_at(
        self, at: Micros, query: EntityQuery, access: Access, tenant: str = DEFAULT_TENANT
    ) -> Page:
        """The same query, answered from the state as it was known at ``at`` (transaction time)."""
        self._check_tenant(tenant, access)
        return await self._in_past(self._past.query_at, at, query, access, tenant)

    async def get_at(self, at: Micros, entity_id: str, access: Access, tenant: str = DEFAULT_TENANT) -> Doc:
        """One entity as it was known at ``at``. Raises ResourceNotFound when it was not there."""
        self._check_tenant(tenant, access)
        return await self._in_past(self._past.get_at, at, entity_id, access, tenant)

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
        self._check_tenant(tenant, access)
        return await self._in_past(self._past.temporal, entity_id, attrs, query, access, tenant)

    async def trail(
        self,
        entity_id: str,
        access: Access,
        tenant: str = DEFAULT_TENANT,
        *,
        at: Micros | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> Trail:
        """The changes of an entity with their authors, newest first, as this principal may know them (ledger/trail.py).
        Raises ResourceNotFound when there is no such entity now.
        """
        self.get(entity_id, access, tenant)
        ask = partial(trail, at=at, before=before, limit=limit)
        return await self._in_past(ask, self._ledger.journals, entity_id, access, tenant)

    async def written(
        self, types: Collection[str], after: Position = START, tenant: str = DEFAULT_TENANT
    ) -> tuple[list[Written], Position]:
        """The authors of every entity that had one of these types (IRIs) since position ``after``, and the position up to
        which that is so. An author of many events may come several times, in order. It looks at the journal in bounded
        stretches; other questions get their turn between them. For the platform's own work only: it hides nothing.
        """
        until = self._ledger.seq
        found: list[Written] = []

        def ask(low: int, high: int) -> list[Written]:
            with self._ledger.journals.reader() as journal:
                return journal.written(tenant, types, low, high)

        for low in range(after, until, _WRITTEN_STRETCH):
            found += await self._in_past(ask, low, min(low + _WRITTEN_STRETCH, until))
        return found, until

    async def evolutions(
        self, query: EvolutionQuery, access: Access, tenant: str = DEFAULT_TENANT
    ) -> dict[str, Any]:
        """A page of entities over time (§5.7.3, §5.7.4), as ``History.evolutions`` returns it.

        Includes what was acknowledged a moment ago, deleted entities, and those that only the temporal API knows.
        """
        self._check_tenant(tenant, access)
        if query.retrieve and len(query.selectors) == 1 and len(query.selectors[0].ids) == 1:
            return await self._together.one(query, access, tenant)
        return await self._evolutions(query, access, tenant)

    async def _evolutions(self, query: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        return await self._in_past(self._past.evolutions, query, access, tenant)

    async def resolve(
        self,
        entity_id: str,
        attr: str,
        instance: str | None,
        access: Access,
        tenant: str = DEFAULT_TENANT,
    ) -> list[Target]:
        """Instances of an attribute over time: one of each data set, or the one with this ``instanceId``."""
        self._check_tenant(tenant, access)
        return await self._in_past(self._past.resolve, entity_id, attr, instance, access, tenant)

    async def newest_values(
        self,
        attr: str,
        types: Sequence[str],
        access: Access,
        tenant: str = DEFAULT_TENANT,
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> NewestValues:
        """The present value of ``attr`` for each entity with one of ``types`` (none given: any) that has it; its newest
        data set.

        From history's columns, where it is quick for thousands, and what was acknowledged a moment ago. A value that was
        written while this principal was not to see it stays hidden, as everywhere in the past. Raises TooManyResults
        without ``limit`` where they are more than ``NEWEST_MOST``.
        """
        self._check_tenant(tenant, access)
        ask = self._past.newest_values
        return await self._in_past(ask, attr, types, limit, offset, access, tenant)

    async def city_means(
        self,
        attr: str,
        types: Sequence[str],
        start: Micros,
        end: Micros,
        period: Period,
        zone: str,
        access: Access,
        tenant: str = DEFAULT_TENANT,
    ) -> CityMeans:
        """Count, mean and extremes of the numeric observations of ``attr`` from ``start`` until before ``end``, by
        period. Over all entities with one of ``types`` (none given: any). Periods begin at ``start``, days and months
        in ``zone``.

        Raises BadRequestData where only hourly rollups are left and the periods cut one, TooComplexQuery for too many.
        """
        self._check_tenant(tenant, access)
        ask = self._past.city_means
        return await self._in_past(ask, attr, types, start, end, period, zone, access, tenant)

    async def _in_past(self, ask: Callable[..., _T], *arguments: Any) -> _T:
        """Ask in one of the past's own threads, so that many questions about it keep nothing else waiting."""
        if self._past_asked >= _PAST_WAITING:
            raise Unavailable("Too many questions about the past are waiting already; try again in a moment")
        self._past_asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._past_threads, ask, *arguments)
        finally:
            self._past_asked -= 1

    async def history_metrics(self) -> Iterable[Family]:
        """How far history is; asks the historian."""
        if self._history is None:
            return ()
        try:
            async with asyncio.timeout(_HISTORY_PATIENCE_S):
                last_seq, trouble, aside = await asyncio.to_thread(self._history.figures)
        except (Unavailable, TimeoutError):  # it cannot be opened, or is being started again: that is trouble
            return (_trouble(True),)
        return (
            gauge(
                "andaman_history_lag_events",
                "Journal rows not yet in history.",
                max(0, self._ledger.seq - last_seq),
            ),
            gauge("andaman_historian_memory_bytes", "Memory of the historian.", self._history.memory_bytes()),
            _trouble(bool(trouble)),
            gauge(
                "andaman_history_set_aside",
                "Rows that history could not take; answers about the past are without them.",
                aside,
            ),
        )

    async def condense_history(
        self,
        tenant: str,
        before: Micros,
        *,
        types: Sequence[str] = (),
        ids: Sequence[str] = (),
        attrs: Sequence[str] = (),
        rollups: bool = True,
    ) -> None:
        """Have history drop rows observed and committed before ``before`` (full hours); returns at once.

        Of entities with one of the ``types`` or these ``ids`` (neither: all of the tenant), of these ``attrs`` (none: all);
        aggregates by the hour stay where ``rollups``. The last row of each instance stays: no state from ``before`` on
        changes. Not remembered: ask again after a restart, and after history was made again from the journal.
        """
        if self._history is not None:
            history = self._history
            chosen = {"types": tuple(types), "ids": tuple(ids), "attrs": tuple(attrs), "rollups": rollups}
            await asyncio.to_thread(lambda: history.condense(tenant, before, **chosen))
            self.remembered.clear()

    async def history_condensing(self) -> tuple[int, int]:
        """(Requests to condense that are not done yet, rows dropped since the historian started)."""
        if self._history is None:
            return 0, 0
        left, dropped = await asyncio.to_thread(self._history.condensing)
        if not left:
            self.remembered.clear()  # what was answered on the way may hold rows that are gone now
        return left, dropped

    async def history_status(self) -> tuple[int, str]:
        """(Last journal position that is in history, why it lags or ""). Without history: (0, "")."""
        return (0, "") if self._history is None else await asyncio.to_thread(self._history.status)
