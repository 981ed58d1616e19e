"""Answers about one entity's past that still hold: until something is written to that entity, they cannot change.

Exact, not timed: the loop's thread forgets an entity before anybody is told that a write to it is done, and an answer is kept
only when nothing was written while it was being made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Key = tuple[str, str]
"""(tenant, entity id)."""
_EACH_MOST: Final = 32  # answers kept of one entity
_SHARE: Final = 32
"""A larger part of all room than this one answer does not get: it would push out too many others."""
_OVERHEAD: Final = 400  # bytes of an entry beside the answer itself, about


class Remembered:
    """Bounded in bytes; the entities that were asked for longest ago go first. One thread."""

    __slots__ = ("_entries", "_limit", "_size", "hits", "misses")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._entries: dict[Key, dict[Any, tuple[Any, int]]] = {}
        self._size = 0
        self.hits = 0
        self.misses = 0

    def get(self, key: Key, question: Any) -> Any:
        """The answer, or None."""
        entry = self._entries.get(key)
        found = entry.get(question) if entry is not None else None
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        return found[0]

    def begin(self, key: Key) -> object:
        """Before the question is asked: a token that is good until the entity is written to."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = {}
            self._size += _OVERHEAD
            self._shrink()
        return entry

    def keep(self, key: Key, token: object, question: Any, answer: Any, size: int) -> None:
        """Keep an answer, unless the entity was written to since ``begin``."""
        entry = self._entries.get(key)
        if entry is None or entry is not token or len(entry) >= _EACH_MOST:
            return
        cost = size + _OVERHEAD
        if cost > self._limit // _SHARE:
            return
        entry[question] = (answer, cost)
        self._size += cost
        self._shrink()

    def _shrink(self) -> None:
        while self._size > self._limit and self._entries:
            self.forget((next(iter(self._entries)),))

    def forget(self, keys: Iterable[Key]) -> None:
        """These entities were written to."""
        entries = self._entries
        for key in keys:
            entry = entries.pop(key, None)
            if entry is not None:
                self._size -= _OVERHEAD + sum(cost for _, cost in entry.values())

    def clear(self) -> None:
        """History itself was changed (its oldest rows are gone)."""
        self._entries.clear()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._entries)
