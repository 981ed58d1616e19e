"""What throttled subscriptions hold back: of each entity the last change that matched, until its time has come."""

from __future__ import annotations

import orjson

from andaman.broker.ledger.events import FreshEvent
from andaman.broker.subscriptions.changes import Fact
from andaman.broker.subscriptions.run import Run
from andaman.kernel.time import Micros

ONE_MAX, ALL_MAX = 1_000, 10_000
"""Changes that one and that all subscriptions hold; the journal keeps more."""
ALL_BYTES = 8 << 20
"""Of the entities and changes that they hold, which are parsed and so some ten times as large; a single larger one is held alone."""


class ThrottleBuffer:
    """Who holds something, and how much all do."""

    def __init__(self) -> None:
        self._runs: set[Run] = set()
        self._sizes: dict[Run, dict[str, int]] = {}
        self._count = 0
        self.bytes = 0

    def keep(self, run: Run, fact: Fact) -> bool:
        """Keep the change for the next notification; a later change of the same entity takes its place. False: no room."""
        entity_id = fact.event.entity_id
        if entity_id not in run.held and (len(run.held) >= ONE_MAX or self._count >= ALL_MAX):
            return False
        sizes = self._sizes.setdefault(run, {})
        size = _size(fact)
        more = size - sizes.get(entity_id, 0)
        if more > 0 and self.bytes and self.bytes + more > ALL_BYTES:
            return False
        self.bytes += more
        sizes[entity_id] = size
        before = run.held.pop(entity_id, None)
        if before is not None:
            run.open.pop(before.event.seq, None)
        else:
            self._count += 1
        run.held[entity_id] = fact
        run.open[fact.event.seq] = None
        run.changed = True
        self._runs.add(run)
        return True

    def due(self, now: Micros) -> list[Run]:
        """The runs that may send their changes now."""
        return [run for run in self._runs if not run.flying and now >= run.next_at]

    def forget(self, run: Run) -> None:
        """It was sent, or is taken back."""
        self._count -= len(run.held)
        self.bytes -= sum(self._sizes.pop(run, {}).values())
        run.held.clear()
        self._runs.discard(run)


def _size(fact: Fact) -> int:
    event = fact.event
    return event.size if isinstance(event, FreshEvent) else len(orjson.dumps(fact.doc))
