"""How a subscription that lags continues: it reads the journal from its own position, as long as its receiver has room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from andaman.broker.model import Event, EventKind
from andaman.broker.service import Broker
from andaman.broker.subscriptions.changes import Fact
from andaman.broker.subscriptions.index import SubscriptionIndex
from andaman.broker.subscriptions.replay import Replay
from andaman.broker.subscriptions.request_changes import of_one_request
from andaman.broker.subscriptions.run import Run
from andaman.kernel.positions import Position

_SLICE: Final = 1_000
_YIELD: Final = 100
Consider = Callable[[Run, Event, dict[str, Fact | None], bool], bool]
"""Send one event to one subscription, with other changes of the same request if there are more. False: there is no
room, and it continues from its position.
"""
SendGathered = Callable[[Run], bool]
"""Send the gathered changes; False as above."""


async def catch_up(
    broker: Broker, run: Run, consider: Consider, send_gathered: SendGathered, position: Callable[[], int]
) -> bool:
    """True when the subscription is live again: it has seen all that the engine (``position``) has.

    Ends early, with False, when there is no room or the subscription changed meanwhile (``run.generation``).
    """
    generation = run.generation
    alone: SubscriptionIndex[Run] = SubscriptionIndex()
    alone.add(run.sub.tenant, run.sub.condition, run)
    replay = Replay(broker)
    while run.generation == generation and not run.live:
        end = broker.seq
        events = await replay.read(Position(run.position), _SLICE, run.sub.tenant)
        if run.generation != generation:
            return False
        for place, event in enumerate(events):
            replay.step(place)
            more = place + 1 < len(events) and of_one_request(event, events[place + 1])
            if event.seq > run.since and alone.candidates(event):
                doc = await replay.state()
                if run.generation != generation:
                    return False
                if doc is not None:
                    whole = event if event.kind is EventKind.DELETED else replace(event, doc=doc)
                    run.position = event.seq - 1
                    if not consider(run, whole, {}, more):
                        return False
            if not more and not send_gathered(run):
                return False
            run.position = event.seq
            if place % _YIELD == 0:
                await asyncio.sleep(0)
                if run.generation != generation:
                    return False
        run.changed = True
        if not events:
            run.position = max(run.position, end)
            if run.position >= position():
                run.live, run.since = True, max(run.since, run.position)
    return run.live
