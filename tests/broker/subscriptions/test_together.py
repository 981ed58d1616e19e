"""Law: what one request changed is told together (CIM 009 §5.8.6), each state of each entity exactly once and in order, whatever
the receiver does and wherever the notification is composed: live, from the journal, or after a kill."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.ledger import events
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.subscriptions import request_changes as together
from tests.broker.subscriptions.test_kill import live_and_die
from tests.broker.subscriptions.test_laws import Narrow
from tests.broker.subscriptions.world import (
    ME,
    SECOND,
    Receiver,
    V,
    World,
    delete,
    in_world,
    patch,
    put,
    small_queues,
    speeds,
)


async def batch(w: World, request: str, *ops: WriteOp, tenant: str = "") -> None:
    for result in await w.broker.write(ops, replace(ME, request_id=request), tenant):
        assert result.error is None, result.error


def names(one: dict[str, Any]) -> list[int]:
    return [int(entity["id"].rpartition(":")[2]) for entity in one["data"]]


@in_world
async def test_a_batch_is_one_notification(w: World) -> None:
    sub = await w.subscribe(notificationTrigger=["entityCreated", "attributeUpdated", "entityDeleted"])
    await batch(w, "a", *(put(number, speed=number) for number in range(200)))
    (one,) = await w.receiver.count(1)
    assert names(one) == list(range(200))
    await batch(w, "b", *(patch(number, speed=-1) for number in range(200)), delete(7))
    await w.receiver.count(3)  # the car that changed and then went is told of twice
    assert [names(one) for one in w.receiver.got[1:]] == [list(range(200)), [7]]
    assert w.receiver.got[2]["data"][0]["deletedAt"]
    await w.settled()
    await asyncio.sleep(0.05)
    assert w.subs.get(sub, ME, "").counters.sent == 3
    assert len({one["id"] for one in w.receiver.got}) == 3


@in_world
async def test_requests_that_are_committed_together_are_told_apart(w: World) -> None:
    await w.subscribe()
    await asyncio.gather(
        *(batch(w, f"r{n}", put(2 * n, speed=n), put(2 * n + 1, speed=n)) for n in range(20)),
        *(w.put(100 + n, speed=n) for n in range(20)),
    )
    await w.receiver.count(40)
    found = sorted(sorted(names(one)) for one in w.receiver.got)
    assert found == sorted([[2 * n, 2 * n + 1] for n in range(20)] + [[100 + n] for n in range(20)])


@in_world
async def test_only_what_concerns_a_subscription_is_in_it(w: World) -> None:
    """``q`` and a place are asked of each entity; so are the rights of the subscription's owner."""
    await w.subscribe(q="speed>=5", uri=f"{w.receiver.uri}?fast")
    await w.subscribe(uri=f"{w.receiver.uri}?all")
    await batch(w, "a", *(put(number, speed=number) for number in range(10)))
    await w.receiver.count(2)
    told = {path.partition("?")[2]: names(body) for _, path, body in w.receiver.requests}
    assert told == {"fast": [5, 6, 7, 8, 9], "all": list(range(10))}


@in_world
async def test_what_the_owner_may_not_see_is_not_in_it(w: World) -> None:
    w.rights.now = Narrow()
    await w.subscribe(entities=[{"type": "(Car|Secret)"}])
    await batch(w, "a", put(1, speed=1), put(2, "Secret", speed=1), put(3, speed=1))
    await w.receiver.count(1)
    assert [names(one) for one in w.receiver.got] == [[1, 3]]


@in_world
async def test_throttling_tells_a_batch_at_once_and_holds_the_next(w: World) -> None:
    await w.subscribe(throttling=100)
    await batch(w, "a", *(put(number, speed=1) for number in range(5)), put(0, speed=2))
    (one,) = await w.receiver.count(1)
    assert names(one) == list(range(5))
    await batch(w, "b", *(put(number, speed=3) for number in range(3)))
    await w.settled()
    await asyncio.sleep(0.1)
    assert len(w.receiver.got) == 1
    w.clock.ahead += 101 * SECOND
    await w.receiver.count(2)
    assert sorted(names(w.receiver.got[1])) == [0, 1, 2]
    assert speeds(w.receiver.got, 0)[-1] == 3


@pytest.mark.parametrize("bound", ["number", "bytes"])
def test_a_large_batch_is_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(
        together, "MOST_ENTITIES" if bound == "number" else "MOST_BYTES", 10 if bound == "number" else 3_000
    )

    async def test(w: World) -> None:
        await w.subscribe()
        await batch(w, "a", *(put(number, speed="x" * 50) for number in range(35)))
        await w.receiver.until(lambda: sum(len(one["data"]) for one in w.receiver.got) >= 35)
        assert sorted(name for one in w.receiver.got for name in names(one)) == list(range(35))
        assert 1 < len(w.receiver.got) < 35
        assert len({one["id"] for one in w.receiver.got}) == len(w.receiver.got)

    in_world(test)(tmp_path)


async def mixture(w: World, rounds: int) -> dict[int, list[int]]:
    """Batches and single writes in turn; what each car's speeds were."""
    chance, number = random.Random(3), 0
    wanted: dict[int, list[int]] = {}
    for round_ in range(rounds):
        cars = [chance.randrange(12) for _ in range(chance.choice([1, 1, 2, 5, 9]))]
        ops = []
        for car in cars:
            number += 1
            ops.append(put(car, speed=number))
            wanted.setdefault(car, []).append(number)
        if len(ops) > 1:
            await batch(w, f"r{round_}", *ops)
        else:
            await w.write(*ops)
        if chance.random() < 0.1:
            w.receiver.status = chance.choice([503, 200])
    w.receiver.status = 200
    return wanted


@pytest.mark.parametrize("queues", ["large", "small"])
def test_each_state_is_told_once_and_in_order_whatever_the_receiver_does(tmp_path: Path, queues: str) -> None:
    async def test(w: World) -> None:
        await w.subscribe()
        wanted = await mixture(w, 150)

        def told(car: int) -> list[int]:
            return list(dict.fromkeys(speeds(w.receiver.got, car)))

        await w.receiver.until(lambda: all(told(car) == values for car, values in wanted.items()), 60)
        together_with: dict[str, list[tuple[str, int]]] = {}
        for _, _, one in w.receiver.requests:  # a repeat says the same
            content = [(entity["id"], entity["speed"]["value"]) for entity in one["data"]]
            assert together_with.setdefault(one["id"], content) == content
        everything = [pair for content in together_with.values() for pair in content]
        assert len(everything) == len(set(everything))

    (in_world if queues == "large" else small_queues)(test)(tmp_path)


def test_after_a_kill_a_batch_is_told_together_again_with_its_id(tmp_path: Path) -> None:
    async def run() -> None:
        receiver = Receiver()
        await receiver.open()
        chance, number = random.Random(11), 1
        for round_ in range(4):
            receiver.status = 503 if round_ % 2 else 200
            number = 1 + await live_and_die(
                tmp_path, receiver, number, chance.uniform(0.0, 0.7), receiver.uri, "together"
            )
        receiver.status = 200
        w = World(tmp_path)
        await w.open()
        try:
            last = (await w.broker.read_events(0, 1_000_000))[-1].seq // 3
            ids: dict[int, str] = {}
            await receiver.until(
                lambda: len({one["data"][0]["speed"]["value"] for one in receiver.got}) >= last, 60
            )
            for _, _, one in receiver.requests:
                values = {entity["speed"]["value"] for entity in one["data"]}
                assert names(one) == [0, 1, 2], "a batch was torn"
                assert len(values) == 1
                assert ids.setdefault(values.pop(), one["id"]) == one["id"]
            assert len(set(ids.values())) == len(ids) == last
        finally:
            await w.close()
            await receiver.close()

    asyncio.run(run())


def test_a_batch_larger_than_what_is_handed_over_at_once_is_not_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_YIELD_LIMIT", 7)

    async def test(w: World) -> None:
        await w.subscribe()
        past = WriteOp(OpKind.TEMPORAL_UPSERT, "urn:ngsi-ld:Car:900", {"id": "urn:ngsi-ld:Car:900", **_PAST})
        await asyncio.gather(
            batch(w, "a", *(put(number, speed=1) for number in range(30))),
            batch(w, "b", *(put(number, speed=1) for number in range(30, 50))),
            batch(w, "c", past),
        )
        await w.receiver.count(2)
        assert [names(one) for one in w.receiver.got] == [list(range(30)), list(range(30, 50))]

    in_world(test)(tmp_path)


_PAST: dict[str, Any] = {
    "type": [f"{V}Car"],
    "attrs": {f"{V}speed": [{"type": "Property", "value": 1, "observedAt": "2020-01-01T00:00:00Z"}]},
}
