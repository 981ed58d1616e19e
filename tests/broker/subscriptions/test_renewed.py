"""What waits never outlives the rights it was composed under, by whatever way the engine comes to know of others: told of them,
asked for a periodic notification, or asked when the subscription itself changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.exchange.copies import RemoteCopies
from andaman.identity.model import FULL_ACCESS, Access, Classification
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, Rights
from tests.broker.subscriptions.test_told_on import closed, with_copy
from tests.broker.subscriptions.world import ME, SECOND, V, World, in_world, world

CARS_ARE_SECRET = PolicyTable(
    [DatasetRule("cars", frozenset({V + "Car"}), classification=Classification.OFFICIAL_SECRET)]
)
OPERATOR: Access = Policy(CARS_ARE_SECRET).access(Rights(frozenset({"operator"})))
RETRY_S = 0.8  # a receiver in trouble is tried again after half a second


def each_time(
    tmp_path: Path, later: Access | None, step: Callable[[World, str], Any], **members: Any
) -> None:
    """A notification waits for its receiver; its owner's rights become others; ``step`` makes the engine ask for them before
    it is told; then the receiver is well."""

    async def work() -> None:
        async with world(tmp_path) as w:
            w.receiver.status = 503
            sub = await w.subscribe(**members)
            await w.put(1, speed=1)
            w.clock.ahead = 11 * SECOND // 10
            await w.receiver.until(lambda: w.receiver.attempts > 0)
            assert w.subs.engine.waiting() == 1
            w.rights.now = later
            await step(w, sub)
            w.subs.rights_changed()
            assert w.subs.engine.waiting() == 0
            w.receiver.status = 200
            await asyncio.sleep(RETRY_S)
            assert w.receiver.got == []
            w.rights.now = FULL_ACCESS  # it is at work as before
            w.subs.rights_changed()
            await w.put(1, speed=2)
            w.clock.ahead += 5 * SECOND
            await w.receiver.until(lambda: bool(w.receiver.got))

    asyncio.run(work())


@pytest.mark.parametrize("later", [None, OPERATOR])
def test_of_a_periodic_subscription_that_asks_before_it_is_told(tmp_path: Path, later: Access | None) -> None:
    async def step(w: World, _: str) -> None:
        w.clock.ahead += 11 * SECOND // 10
        await asyncio.sleep(0.2)

    each_time(tmp_path, later, step, timeInterval=1)


@pytest.mark.parametrize("later", [None, OPERATOR])
@pytest.mark.parametrize("members", [{}, {"throttling": 0.1}, {"timeInterval": 1}])
def test_of_a_subscription_that_changes(
    tmp_path: Path, later: Access | None, members: dict[str, Any]
) -> None:
    async def step(w: World, sub: str) -> None:
        await w.subs.update(sub, {"description": "x"}, w.contexts.core, None, ME, "")

    each_time(tmp_path, later, step, **members)


@in_world
async def test_nothing_is_told_of_a_subscription_that_is_deleted_while_its_query_is_under_way(
    w: World,
) -> None:
    await w.put(1, speed=1)
    sub = await w.subscribe(timeInterval=1)
    query, asked = w.broker.query_async, asyncio.Event()

    async def slowly(*arguments: Any) -> Any:
        page = await query(*arguments)
        asked.set()
        await asyncio.sleep(0.2)
        return page

    w.broker.query_async = slowly  # type: ignore[method-assign, assignment]
    w.clock.ahead = 11 * SECOND // 10
    await asked.wait()
    await w.subs.delete(sub, ME, "")
    await asyncio.sleep(0.5)
    assert w.receiver.got == []


@in_world
async def test_rights_that_came_and_went_while_a_source_s_news_was_composed_are_not_in_it(w: World) -> None:
    """The rights are the same before and after; in between its owner could see more."""
    f, _, copy = await with_copy(w)
    assert isinstance(w.subs.remote, RemoteCopies)
    told_on, turns = w.subs.remote._told_on, iter([FULL_ACCESS, OPERATOR])
    w.rights.now = OPERATOR
    w.subs.rights_changed()

    async def elsewhere(*_: Any) -> list[Any]:
        w.rights.now = next(turns, OPERATOR)
        w.subs.rights_changed()
        return []

    told_on._elsewhere = elsewhere  # type: ignore[method-assign, assignment]
    cars = [
        {"id": f"urn:ngsi-ld:Car:{one}", "type": "Car", "speed": {"type": "Property", "value": one}}
        for one in (1, 2)
    ]
    payload = {"id": "urn:ngsi-ld:Notification:1", "type": "Notification", "subscriptionId": copy}
    await w.subs.remote.take({**payload, "data": cars}, w.contexts.core)
    await asyncio.sleep(0.5)
    assert w.receiver.got == []
    await closed(f)
