"""See README.md in this room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from andaman.broker.history.series import temporal
from andaman.broker.history.state import Box, state_at
from andaman.broker.history.store import Store
from andaman.broker.model import Doc, Event
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros

__all__ = ["History"]


class History:
    """Every change of every entity, for questions about the past.

    ``ingest`` and ``maintain`` belong to one thread; the questions may come from any. All calls block.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, directory: Path, *, memory_mb: int = 128, threads: int = 2) -> History:
        """Open or create the file in ``directory``. One process at a time; duckdb.IOException otherwise."""
        return cls(Store(directory, memory_mb, threads))

    @property
    def last_seq(self) -> int:
        """The last journal position that is durably here."""
        return self._store.snapshot.last_seq

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(segment.count for segment in self._store.snapshot.segments)

    def ingest(self, events: Sequence[Event]) -> None:
        """Take events in order; those at or before ``last_seq`` are ignored. Durable on return, all or nothing.

        Batches of 10,000 events and more run at full speed.
        """
        self._store.ingest(events)

    def maintain(self) -> bool:
        """One bounded step of re-sorting; True while there is more to do. Readers go on meanwhile."""
        return self._store.maintain()

    def state_at(
        self,
        tenant: str,
        at: Micros,
        *,
        entity_ids: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        bbox: Box | None = None,
        tail: Sequence[Event] = (),
    ) -> list[Doc]:
        """The stored forms of the entities as they were known at ``at`` (transaction time, inclusive).

        ``types``: one of these IRIs; ``bbox``: (west, south, east, north) that the location touches; None: all.
        ``tail``: events behind ``last_seq``, in any order (those already here are ignored). In no order.
        """
        return state_at(self._store, tenant, at, entity_ids, types, bbox, tail)

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

    def close(self) -> None:
        self._store.close()
