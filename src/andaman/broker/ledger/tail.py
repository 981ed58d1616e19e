"""The journal's tail by entity, in memory: what history does not have yet, read once and not again for each question."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from andaman.broker.ledger.journal import TAIL_BYTES, Journal, TailTooLarge
from andaman.broker.model import Event

_PAGE: Final = 5_000
Key = tuple[str, str]
"""(tenant, entity id)."""


class Tail:
    """Any thread asks; each question first takes the rows written since the one before. Bounded in bytes."""

    def __init__(self, limit_bytes: int = TAIL_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._end = -1  # the last position that was read; -1: nothing yet
        self._order: deque[tuple[int, Key, int]] = deque()  # position, whose, bytes of the changes
        self._by: dict[str, dict[str, list[Event]]] = {}
        self._bytes = 0

    def of(
        self, journal: Journal, after: int, tenant: str, names: Sequence[str] | None = None
    ) -> dict[str, list[Event]]:
        """Entity id → its events with position > ``after``, entities in order of first appearance. ``names`` None: all.

        ``after`` is history's last position: what lies before it is forgotten. Raises TailTooLarge.
        """
        with self._lock:
            self._forget(after)
            self._read(journal, after)
            mine = self._by.get(tenant, {})
            # What lies before ``after`` was forgotten a moment ago, so all that is here lies behind it.
            wanted = mine if names is None else [name for name in names if name in mine]
            return {name: mine[name][:] for name in wanted}

    def _forget(self, after: int) -> None:
        while self._order and self._order[0][0] <= after:
            _, (tenant, name), size = self._order.popleft()
            self._bytes -= size
            own = self._by[tenant]
            events = own[name]
            events.pop(0)
            if not events:
                del own[name]

    def _read(self, journal: Journal, after: int) -> None:
        start = max(self._end, after)
        more = True
        while more:
            more = False
            with closing(journal.stream(start, _PAGE)) as events:
                for event, size in events:
                    if self._bytes + size > self._limit_bytes and self._order:
                        self._end = start
                        raise TailTooLarge
                    self._order.append((event.seq, (event.tenant, event.entity_id), size))
                    self._by.setdefault(event.tenant, {}).setdefault(event.entity_id, []).append(event)
                    self._bytes += size
                    start = event.seq
                    more = True
        self._end = start
