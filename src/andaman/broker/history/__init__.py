"""See README.md in this room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from andaman.broker.history.city.means import across
from andaman.broker.history.city.newest import newest
from andaman.broker.history.city.visibility import CityAttribute, CityVisibility
from andaman.broker.history.read.reader import Tails
from andaman.broker.history.read.resolve import resolve
from andaman.broker.history.read.series import temporal
from andaman.broker.history.rows.rows import rows_of
from andaman.broker.history.rows.set_aside import SetAside, is_its_own_fault, listed, take_alone
from andaman.broker.history.segments.condense import Condensing
from andaman.broker.history.segments.store import OtherFormat, Store
from andaman.broker.history.segments.upkeep import Upkeep
from andaman.broker.history.state.members import Choose
from andaman.broker.history.state.state import Box, state_at
from andaman.broker.history.temporal.evolutions import Evolutions, Veil, Visibility
from andaman.broker.history.temporal.subjects import Subjects
from andaman.broker.model import Doc, Event
from andaman.broker.query.city import CityMeans, NewestValues
from andaman.broker.query.model import EvolutionQuery, Target, TemporalQuery
from andaman.broker.query.period import Period
from andaman.kernel.time import Micros

__all__ = ["CityVisibility", "History", "OtherFormat", "SetAside", "Veil", "Visibility", "is_its_own_fault"]


class History:
    """Every change of every entity, for questions about the past.

    ``ingest`` and ``maintain`` belong to one thread; the questions may come from any. All calls block.
    """

    def __init__(self, store: Store, key: bytes = b"") -> None:
        self._store = store
        self._key = key
        self._subjects = Subjects(store)
        self._upkeep = Upkeep(store)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        memory_mb: int = 128,
        threads: int = 2,
        key: bytes = b"",
        journal: Callable[[int], Event | None] | None = None,
    ) -> History:
        """Open or create the file in ``directory``. One process at a time; duckdb.IOException otherwise.

        ``key``: what ids of instances are made with. ``journal``: gives the event at a position, from any thread; large texts are
        left to it. Raises OtherFormat when another release wrote it.
        """
        return cls(Store(directory, memory_mb, threads, journal), key)

    @property
    def last_seq(self) -> int:
        """The last journal position that is durably here."""
        return self._store.snapshot.last_seq

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(segment.count for segment in self._store.snapshot.segments)

    @property
    def set_aside(self) -> int:
        """How many rows could not be taken and were set aside (``aside.py``)."""
        return self._store.aside

    def list_set_aside(self, limit: int) -> list[SetAside]:
        """The first of them."""
        return self._store.read(lambda _, cursor: listed(cursor, limit))

    def ingest(self, events: Iterable[Event]) -> None:
        """Take events in order, one by one; those at or before ``last_seq`` are ignored. Durable on return, all or nothing.

        Batches of 10,000 events and more run at full speed.
        """
        self._subjects.take(self._store.ingest(events), self.last_seq)

    def ingest_alone(self, event: Event, error: Exception) -> list[SetAside]:
        """Take an event that failed with ``error`` although it was alone. Rows that make it fail are set aside and
        returned; the others go in.
        """
        rows = list(rows_of(event))

        def write(without: frozenset[int], aside: Sequence[SetAside]) -> None:
            self._subjects.take(self._store.ingest([event], without=without, aside=aside), self.last_seq)

        return take_alone(event, rows, error, write)

    def maintain(self) -> bool:
        """One bounded step of re-sorting; True while there is more to do. Readers go on meanwhile."""
        with self._store.room:
            return self._upkeep.step()

    def condense(
        self,
        tenant: str,
        before: Micros,
        *,
        types: Sequence[str] = (),
        ids: Sequence[str] = (),
        attrs: Sequence[str] = (),
        rollups: bool = True,
    ) -> None:
        """Ask upkeep to drop rows observed and committed before ``before`` (counted in full hours).

        Of entities with one of the ``types`` now or last, or with these ``ids`` (neither: all of the tenant), and of these
        ``attrs`` (none: all). The last row of every instance stays: the state as of ``before`` and later is not changed.
        ``rollups``: aggregates by the hour stay, and answer aggregate queries of whole hours. Asked again after a
        restart that cut it off; harmless when there is nothing left to drop. From any thread.
        """
        wanted = set(types)

        def fits(form: str) -> bool:
            return not wanted or not wanted.isdisjoint(orjson.loads(form)["type"])

        if ids:
            numbers = self._store.read(
                lambda _, cursor: np.array(
                    sorted({n for n in self._store.names.entities(cursor, tenant, ids) if n >= 0}),
                    dtype=np.int64,
                )
            )
            numbers = np.intersect1d(numbers, self._subjects.numbers(tenant, fits)) if wanted else numbers
        else:
            numbers = self._subjects.numbers(tenant, fits)
        self._upkeep.condenser.ask(Condensing(numbers, tuple(attrs), before, rollups))

    @property
    def condensing(self) -> tuple[int, int]:
        """(Requests of ``condense`` that are not done yet, rows dropped since the start)."""
        condenser = self._upkeep.condenser
        return len(condenser.waiting) + (not condenser.idle), condenser.dropped

    def state_at(
        self,
        tenant: str,
        at: Micros,
        *,
        entity_ids: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        bbox: Box | None = None,
        tail: Sequence[Event] = (),
        choose: Choose | None = None,
    ) -> list[Doc]:
        """The stored forms of the entities as they were known at ``at`` (transaction time, inclusive).

        ``types``: one of these IRIs; ``bbox``: (west, south, east, north) that the location touches; None: all.
        ``tail``: events behind ``last_seq``, in any order (those already here are ignored). In no order.
        ``choose``: is told who existed, of any type, and says which of them are wanted; nothing of others is read.
        """
        return state_at(self._store, tenant, at, entity_ids, types, bbox, tail, choose)

    def temporal(
        self,
        tenant: str,
        entity_id: str,
        attrs: Sequence[str],
        query: TemporalQuery,
        *,
        tail: Sequence[Event] = (),
        hidden: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """Attribute IRI → instances, or → method → ``[value, start, end]`` rows (see ``Broker.temporal``).

        By ``observedAt``, an observation sent again for the same moment and data set replaces the earlier one.
        By ``deletedAt``, the deletions. Periods without values are left out. ``attrs`` empty: all.
        """
        return temporal(self._store, tenant, entity_id, attrs, query, tail, hidden)

    def evolutions(
        self, tenant: str, query: EvolutionQuery, *, tails: Tails, sight: Visibility
    ) -> dict[str, Any]:
        """A page of entities over time: ``{"entities": […], "total": n or -1, "more": bool, "range": [start, end]?}``.

        An entity: ``id``, ``type``, ``attrs`` (IRI → instances with ``instanceId``, or → method → rows), ``scope`` (instances), and
        its times. ``range``: the page was cut, and covers this stretch. ``tails``: events behind ``last_seq`` by entity.
        """
        answer = Evolutions(self._store, self._subjects, self._key, tenant, query, tails, sight).answer
        return self._store.read(answer)

    def resolve(
        self, tenant: str, entity_id: str, attr: str, instance: str | None, *, tails: Tails
    ) -> list[Target]:
        """The instances of an attribute that stand (one of each data set is enough), or the one with this id."""
        return resolve(self._store, self._key, tenant, entity_id, attr, instance, tails)

    def newest_values(
        self,
        tenant: str,
        attr: str,
        types: Sequence[str] = (),
        *,
        tails: Tails,
        sight: CityVisibility,
        limit: int | None = None,
        offset: int = 0,
    ) -> NewestValues:
        """The present value of an attribute for each entity with one of ``types`` (none: any) that has it (see
        ``newest``).
        """
        whose = CityAttribute(self._subjects, tenant, attr, frozenset(types), tails, sight)
        return newest(self._store, whose, limit, offset)

    def city_means(
        self,
        tenant: str,
        attr: str,
        types: Sequence[str],
        start: Micros,
        end: Micros,
        period: Period,
        zone: str = "UTC",
        *,
        tails: Tails,
        sight: CityVisibility,
    ) -> CityMeans:
        """Aggregates over all entities with one of ``types`` (none: any) from ``start`` until before ``end`` (see ``across``)."""
        whose = CityAttribute(self._subjects, tenant, attr, frozenset(types), tails, sight)
        return across(self._store, whose, start, end, period, zone)

    def close(self) -> None:
        self._store.close()
