"""Who wrote the entities that serve as evidence: read from the journal once, and then from its new part only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from andaman.broker.api import Broker, Written
from andaman.kernel.positions import START
from andaman.kernel.time import Micros


class Authors:
    """The authors of every entity of the types that were asked for, in memory."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._until = START
        self._types: frozenset[str] = frozenset()
        self._found: dict[str, dict[tuple[str, str], Written]] = {}
        self._lock = asyncio.Lock()

    async def learn(self, types: Iterable[str]) -> None:
        """Know the authors of all entities that have one of these types (IRIs), as of now."""
        async with self._lock:
            wanted = frozenset(types) - self._types
            if self._types:
                rows, until = await self._broker.written(self._types, self._until)
                self._add(rows)
                self._until = until
            if wanted:
                rows, until = await self._broker.written(wanted)
                self._add(rows)
                # What the older types got in between comes again with the next question.
                self._until = min(self._until, until) if self._types else until
                self._types |= wanted

    def know(self, types: Iterable[str]) -> bool:
        """Were they asked for before?"""
        return self._types.issuperset(types)

    def of(self, entity_id: str, at: Micros | None = None) -> tuple[Written, ...]:
        """In the order of their first event; only those known at ``at``."""
        known = self._found.get(entity_id, {}).values()
        return tuple(sorted((one for one in known if at is None or one.at <= at), key=lambda one: one.seq))

    def _add(self, rows: Iterable[Written]) -> None:
        for row in rows:
            ways = self._found.setdefault(row.entity_id, {})
            before = ways.get((row.actor, row.origin))
            if before is None or row.seq < before.seq:
                ways[row.actor, row.origin] = row
