"""Bodies kept as compact bytes: a bounded cache that only the event loop's thread changes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

Key = tuple[str, str]
"""(tenant, entity id)."""
Stored = tuple[int, bytes, int, int, bytes]
"""A row of the entity table: creation order, body (the doc as compact JSON), shape, layout, facts."""
STORED: Final = "ord, body, shape, layout, facts"
_OVERHEAD: Final = 360  # bytes of dict slot, tuples, numbers and strings per entry, measured


class BodyCache:
    """Recently used bodies, bounded in bytes; the oldest go first. A used entry counts as new once there is little room left. Keeping the order means touching the neighbours of each entry, which are far away in memory.

    ``peek`` may be called from the writer's thread (one dict look-up, atomic under the interpreter's lock);
    everything else belongs to the loop's thread. What is in the cache is never older than what was published.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._roomy_bytes = limit_bytes - limit_bytes // 8
        self.bytes = 0
        self._items: OrderedDict[Key, Stored] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def peek(self, key: Key) -> Stored | None:
        return self._items.get(key)

    def get(self, key: Key) -> Stored | None:
        """The entry, which counts as used now."""
        found = self._items.get(key)
        if found is not None and self.bytes > self._roomy_bytes:
            self._items.move_to_end(key)
        return found

    def put(self, key: Key, stored: Stored) -> None:
        """Insert or overwrite, as the newest entry; makes room."""
        items = self._items
        old = items.get(key)
        items[key] = stored
        if old is not None:
            self.bytes += len(stored[1]) + len(stored[4]) - len(old[1]) - len(old[4])
            if self.bytes > self._roomy_bytes:
                items.move_to_end(key)
        else:
            self.bytes += len(stored[1]) + len(stored[4]) + _OVERHEAD
        while self.bytes > self.limit_bytes and items:
            self.bytes -= _size(items.popitem(last=False)[1])

    def drop(self, key: Key) -> None:
        old = self._items.pop(key, None)
        if old is not None:
            self.bytes -= _size(old)


def _size(stored: Stored) -> int:
    return len(stored[1]) + len(stored[4]) + _OVERHEAD
