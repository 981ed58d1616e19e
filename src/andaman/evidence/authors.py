"""Who wrote the entities behind figures: read from the journal once, and then from its new part only.

Rooms whose figures rest on entities name their types with ``learn``. All share one memory: a type is looked for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from andaman.broker.api import Broker, Written
from andaman.identity.model import is_in_room
from andaman.kernel.positions import START
from andaman.kernel.time import Micros

COMMAND_LINE: Final = "system:cli"
FEED: Final = "system:feed:"
SYSTEM: Final = "system:"
_DEVICE: Final = "device:"
_PROGRAM: Final = "token:"


class ByHand(NamedTuple):
    """The last change by hand. ``after_loading``: the platform or a program had made the entity; otherwise a person entered
    it."""

    actor: str
    at: Micros
    after_loading: bool


def is_by_hand(written: Written) -> bool:
    """Did a person (or a program with a person's token) write the entity itself, outside every procedure of a room?"""
    if written.actor == COMMAND_LINE:
        return True
    if written.actor.startswith((SYSTEM, _DEVICE)):
        return False
    return not is_in_room(written.origin)


def by_hand(written: Sequence[Written]) -> ByHand | None:
    """The last change by hand that nothing has replaced. ``written``: the authors of one entity, the first one first.

    Shipped data that was loaded again is as loaded. A feed writes its own values only, so what somebody changed besides
    remains. A program that made an entity with its token is its source, not a hand.
    """
    if not written:
        return None
    first = written[0]
    source = not is_by_hand(first) or first.actor.startswith(_PROGRAM)
    hands = [one for one in written if is_by_hand(one) and not (source and one.actor == first.actor)]
    last = max(hands, key=lambda one: one.last, default=None)
    if last is None:
        return None
    if source and first.actor.startswith(SYSTEM) and not first.actor.startswith(FEED):
        loaded = max(one.last for one in written if one.actor == first.actor)
        if loaded > last.last:
            return None
    return ByHand(last.actor, last.last_at, source)


class Authors:
    """The authors of every entity of the types that were asked for, in memory."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._until = START
        self._types: frozenset[str] = frozenset()
        self._found: dict[str, dict[tuple[str, str], Written]] = {}
        self._hands: dict[str, ByHand] = {}
        self._lock = asyncio.Lock()

    async def learn(self, types: Iterable[str] = ()) -> None:
        """Know the authors of all entities that have one of these types (IRIs), or one asked for before, as of now."""
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

    @property
    def hands(self) -> Mapping[str, ByHand]:
        """Entity id → its last change by hand, where there is one that nothing has replaced."""
        return self._hands

    def _add(self, rows: Iterable[Written]) -> None:
        touched = set()
        for row in rows:
            touched.add(row.entity_id)
            ways = self._found.setdefault(row.entity_id, {})
            before = ways.get((row.actor, row.origin))
            ways[row.actor, row.origin] = row if before is None else _joined(before, row)
        for entity_id in touched:
            found = by_hand(self.of(entity_id))
            if found is None:
                self._hands.pop(entity_id, None)
            else:
                self._hands[entity_id] = found


def _joined(one: Written, other: Written) -> Written:
    first, last = min(one, other, key=lambda row: row.seq), max(one, other, key=lambda row: row.last)
    return first._replace(last=last.last, last_at=last.last_at)
