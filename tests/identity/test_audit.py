"""Law: paging through the merged view shows every entry of both logs once, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.identity.audit import AuditFilter, AuditTrail, Place
from andaman.identity.records import AuditEntry, Outcome
from andaman.identity.store import IdentityStore
from andaman.kernel.positions import Position


@dataclass
class _Event:
    seq: int
    at: int
    actor: str
    entity_id: str
    kind: str = "updated"
    tenant: str = ""
    changes: list[Any] = field(default_factory=list)


class _Journal:
    def __init__(self, events: list[_Event]) -> None:
        self._events = events

    @property
    def seq(self) -> Position:
        return Position(len(self._events))

    async def read_events(
        self, after: Position, limit: int = 10_000, tenant: str | None = None
    ) -> Sequence[_Event]:
        return self._events[after : after + limit]

    def back(self, position: Position, count: int) -> Position:
        return Position(max(0, position - count))

    async def position_before(self, at: int) -> Position:
        return Position(sum(event.at < at for event in self._events))


steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 1), st.sampled_from(["user:a", "user:b"])), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(
    steps, st.integers(1, 7), st.sampled_from(["", "user:a"]), st.sampled_from(["", "entity.", "session."])
)
def test_paging_shows_each_entry_once(
    tmp_path_factory: Any, steps: list[tuple[bool, int, str]], limit: int, actor: str, action: str
) -> None:
    path: Path = tmp_path_factory.mktemp("audit")
    store = IdentityStore(path)
    at, own, events = 1000, [], []
    for is_event, passed, who in steps:
        at += passed
        if is_event:
            events.append(_Event(len(events) + 1, at, who, "urn:x"))
        else:
            own.append(AuditEntry(0, at, who, "session.sign-in", outcome=Outcome.OK))
    store.add_audit(own)
    trail, journal = AuditTrail(store, lambda: at), _Journal(events)

    async def pages() -> list[AuditEntry]:
        got: list[AuditEntry] = []
        before: Place | None = None
        while True:
            page = await trail.merged(AuditFilter(actor, action, before=before, limit=limit), journal)
            got += page
            if len(page) < limit:
                return got
            before = Place.of(page[-1])

    got = [Place.of(e) for e in anyio.run(pages)]
    expected = [
        Place(e.at, 1, e.seq) for e in events if actor in ("", e.actor) and action in ("", "entity.")
    ] + [
        Place(e.at, 0, n)
        for n, e in enumerate(own, 1)
        if actor in ("", e.actor) and action in ("", "session.")
    ]
    assert got == sorted(expected, reverse=True)
    store.close()
