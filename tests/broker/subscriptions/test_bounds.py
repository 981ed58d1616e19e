"""What subscriptions hold back and what waits for receivers is bounded in bytes, whatever one entity weighs."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.model import Event, EventKind
from andaman.broker.subscriptions.changes import Fact
from andaman.broker.subscriptions.delivery import Courier, Limits
from andaman.broker.subscriptions.endpoint import Endpoint
from andaman.broker.subscriptions.message import Message
from andaman.broker.subscriptions.throttle_buffer import ALL_BYTES, ThrottleBuffer

MB = 1 << 20


class _Run:
    """As much of a subscription at work as holding back needs."""

    def __init__(self) -> None:
        self.held: dict[str, Fact] = {}
        self.open: dict[int, None] = {}
        self.changed = False


def _fact(seq: int, entity: int, size: int) -> Fact:
    doc = {"id": f"urn:{entity}", "pad": "x" * size}
    event = Event(seq, "", seq, "me", EventKind.UPDATED, doc["id"], ("T",), (), [], doc)
    return Fact(event, doc)


steps = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 6), st.sampled_from([10, 300_000, 3 * MB, 9 * MB]), st.booleans()
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_throttled_subscriptions_hold_little(steps: list[tuple[int, int, int, bool]]) -> None:
    """A change is held, or there is no room and nothing has changed; one is always held, and what was let go of is room again."""
    held, runs = ThrottleBuffer(), [_Run() for _ in range(3)]
    for seq, (number, entity, size, forget) in enumerate(steps):
        run = cast(Any, runs[number])
        if forget:
            held.forget(run)
            assert not run.held
        before = dict(run.held)
        if held.keep(run, _fact(seq, entity, size)):
            assert run.held[f"urn:{entity}"].event.seq == seq
        else:
            assert run.held == before
            assert held.bytes
        weights = [len(fact.doc["pad"]) for one in runs for fact in one.held.values()]
        assert sum(weights) <= held.bytes
        assert held.bytes <= ALL_BYTES or len(weights) == 1
    for one in runs:
        held.forget(cast(Any, one))
    assert held.bytes == 0


def test_many_dead_receivers_of_large_notifications_fill_no_memory() -> None:
    """Each has room for one, however large, but all together have not more than twice the room of all."""

    async def work() -> None:
        limits = Limits(total_bytes=4 * MB)
        courier = Courier(cast(Any, _Nobody()), allow_private=True, limits=limits)
        taken = 0
        for number in range(100):
            message = Message(f"s{number}", "e", (), b"x" * MB, lambda *_: None)
            taken += courier.offer(Endpoint(f"http://127.0.0.1:9/{number}"), "", message)
        assert taken == 8
        await courier.close()

    asyncio.run(work())


class _Nobody:
    """A client whose requests never come back."""

    async def request(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(3600)
