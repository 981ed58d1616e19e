"""The areas of interest that contain an entity, remembered as long as it has not moved.

Most of a city's entities stand still: what their place means for the subscriptions need not be worked out at each change of a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from andaman.broker.model import Event, EventKind

T = TypeVar("T")
_MOST: Final = 100_000
"""Entities remembered; then all are forgotten, and learned again."""


class AreaCache(Generic[T]):
    """The remembered areas of one tenant's entities. It must hear of every event, in order: of those too that concern
    no subscription.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[int, tuple[T, ...]]] = {}
        self._attrs: Counter[str] = Counter()

    def watch(self, attr: str) -> None:
        """A subscription to an area of this attribute came."""
        self._attrs[attr] += 1
        self._known = {}

    def unwatch(self, attr: str) -> None:
        """One went."""
        self._attrs[attr] -= 1
        if not self._attrs[attr]:
            del self._attrs[attr]
        self._known = {}

    def hear(self, event: Event) -> None:
        """Forget the entity's place if it may have moved, or may be another by now."""
        if not self._attrs or event.entity_id not in self._known:
            return
        if event.kind is not EventKind.UPDATED:  # its changes tell the same, at greater length
            del self._known[event.entity_id]
            return
        for change in event.changes:
            if change.attr in self._attrs:
                del self._known[event.entity_id]
                return

    def recall(self, entity_id: str, shelf: int) -> tuple[T, ...] | None:
        """The items that ``learn`` got for this entity and shelf, while they hold."""
        found = self._known.get(entity_id)
        return None if found is None else found.get(shelf)

    def learn(self, event: Event, shelf: int, items: Iterable[T]) -> tuple[T, ...]:
        """The owners of the areas of a shelf that contain the entity after the event."""
        told = tuple(dict.fromkeys(items))
        if event.kind is not EventKind.DELETED:
            if len(self._known) >= _MOST:
                self._known = {}
            self._known.setdefault(event.entity_id, {})[shelf] = told
        return told
