"""The journal's tail by entity, in memory: what history does not have yet, read once and not again for each question."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from andaman.broker.ledger.journal import Journal
from andaman.broker.model import Event

_PAGE: Final = 5_000
Key = tuple[str, str]
"""(tenant, entity id)."""


class Tail:
    """Any thread asks; each question first takes what was written since the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end = -1  # the last position that was read; -1: nothing yet
        self._order: deque[tuple[int, Key]] = deque()
        self._by: dict[str, dict[str, list[Event]]] = {}

    def of(
        self, journal: Journal, after: int, tenant: str, names: Sequence[str] | None = None
    ) -> dict[str, list[Event]]:
        """Entity id → its events with position > ``after``, entities in order of first appearance. ``names`` None: all.

        ``after`` is history's last position: what lies before it is forgotten.
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
            _, (tenant, name) = self._order.popleft()
            own = self._by[tenant]
            events = own[name]
            events.pop(0)
            if not events:
                del own[name]

    def _read(self, journal: Journal, after: int) -> None:
        start = max(self._end, after)
        while True:
            page = journal.slice(start, _PAGE)
            for event in page:
                self._order.append((event.seq, (event.tenant, event.entity_id)))
                self._by.setdefault(event.tenant, {}).setdefault(event.entity_id, []).append(event)
            if page:
                start = page[-1].seq
            if len(page) < _PAGE:
                break
        self._end = start
