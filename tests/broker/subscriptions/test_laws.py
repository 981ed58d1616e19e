"""Laws of delivery: nothing lost, in order, the state after each event, nobody slowed, nothing hidden told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from andaman.broker.subscriptions.run import number_of
from andaman.identity.model import FULL_ACCESS, Actor, Principal
from andaman.kernel.errors import ResourceNotFound
from tests.broker.subscriptions.world import (
    ME,
    SECOND,
    V,
    World,
    delete,
    in_world,
    patch,
    put,
    small_queues,
    speeds,
    world,
)


@in_world
async def test_each_change_is_told_once_in_order_with_the_state_after_it(w: World) -> None:
    await w.subscribe()
    await w.write(put(1, speed=0, name="a"), *(patch(1, speed=n) for n in range(1, 30)), put(2, speed=7))
    got = await w.receiver.count(31)
    assert speeds(got) == list(range(30))
    assert speeds(got, 2) == [7]
    assert len({one["id"] for one in got}) == 31
    assert all(one["data"][0]["name"]["value"] == "a" for one in got if one["data"][0]["id"].endswith(":1"))


@small_queues
async def test_a_receiver_without_room_is_told_all_later_from_the_journal(w: World) -> None:
    """The state in each notification is that after its event, though many events of one commit share their time."""
    w.receiver.status = 503
    await w.subscribe()
    for start in range(0, 60, 20):
        await w.write(*(put(n % 3, speed=n, kept="x") for n in range(start, start + 20)))
    await w.write(delete(2), put(2, speed=99))
    await w.settled()
    assert w.subs.engine.waiting() <= 4
    w.receiver.status = 200
    await w.receiver.until(lambda: speeds(w.receiver.got, 2)[-1:] == [99] and len(w.receiver.got) >= 61)
    for car in range(3):
        wanted = [n for n in range(60) if n % 3 == car] + [99] * (car == 2)
        assert speeds(w.receiver.got, car) == wanted
    by_id = {one["id"] for one in w.receiver.got}
    assert len(by_id) == len(w.receiver.got) == 61


@in_world
async def test_a_dead_and_a_silent_receiver_slow_nobody(w: World) -> None:
    silent = type(w.receiver)()
    await silent.open()
    silent.status = 0
    await w.subscribe(uri="http://127.0.0.1:9/none")
    await w.subscribe(uri=silent.uri, notification={"endpoint": {"timeout": 60_000}})
    await w.subscribe()
    for n in range(20):
        await w.put(1, speed=n)
    assert speeds(await w.receiver.count(20)) == list(range(20))
    assert silent.attempts == 1
    await silent.close()


@in_world
async def test_a_refusal_is_not_repeated_and_an_error_is(w: World) -> None:
    w.receiver.status = 404
    sub = await w.subscribe()
    await w.put(1, speed=1)
    await w.receiver.until(lambda: w.receiver.attempts == 1)
    await w.put(1, speed=2)
    await w.receiver.until(lambda: w.receiver.attempts == 2)
    w.receiver.status = 503
    await w.put(1, speed=3)
    await w.receiver.until(lambda: w.receiver.attempts == 3)
    w.receiver.status = 200
    assert speeds(await w.receiver.count(1)) == [3]
    counters = w.subs.get(sub, ME, "").counters
    await w.receiver.until(lambda: True)
    assert (counters.sent, counters.failed) == (4, 3)


def test_after_a_stop_what_was_not_taken_is_sent_with_the_same_id(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            port = w.receiver.port
            await w.subscribe()
            await w.put(1, speed=1)
            await w.receiver.count(1)
            w.receiver.status = 503
            await w.write(patch(1, speed=2), patch(1, speed=3))
            await w.receiver.until(lambda: w.receiver.attempts >= 2)
        async with world(tmp_path) as w:
            await w.receiver.close()
            await w.put(1, speed=4)
            await w.receiver.open(port)
            got = await w.receiver.count(3)
            assert speeds(got) == [2, 3, 4]
            (sub,) = w.subs.list_all(ME, "")
            ids = [number_of(event, w.broker.position_key) for event in await w.broker.read_events(1, 10)]
            assert [one["id"] for one in got] == [f"urn:ngsi-ld:Notification:{sub.key}:{n}" for n in ids]
            assert sub.counters.sent >= 4

    asyncio.run(run())


@in_world
async def test_throttled_changes_come_together_when_the_time_has_passed(w: World) -> None:
    await w.subscribe(throttling=100)
    await w.put(1, speed=1)
    await w.receiver.count(1)
    await w.write(patch(1, speed=2), put(2, speed=5), patch(1, speed=3))
    await w.settled()
    w.subs.engine.tick(w.clock() + 50 * SECOND)
    assert len(w.receiver.got) == 1
    w.clock.ahead = 101 * SECOND
    got = await w.receiver.count(2)
    assert speeds(got[1:]) == [3]
    assert speeds(got[1:], 2) == [5]


@pytest.mark.parametrize("bound", ["ONE_MAX", "ALL_MAX"])
def test_throttling_holds_little_and_forgets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(f"andaman.broker.subscriptions.throttle_buffer.{bound}", 3)

    async def run() -> None:
        async with world(tmp_path) as w:
            await w.subscribe(throttling=100)
            await w.put(0, speed=0)
            await w.receiver.count(1)
            await w.write(*(put(number, speed=number) for number in range(1, 11)))
            await w.settled()
            seen: set[str] = set()
            while len(seen) < 11:
                held = [len(one.held) for one in w.subs.runs()]
                assert max(held) <= 3
                count = len(w.receiver.got)
                w.clock.ahead += 101 * SECOND
                await w.receiver.count(count + 1)
                seen = {entity["id"] for one in w.receiver.got for entity in one["data"]}

    asyncio.run(run())


@in_world
async def test_a_periodic_subscription_tells_what_matches_then(w: World) -> None:
    await w.subscribe(timeInterval=60, q="speed>3")
    await w.write(put(1, speed=1), put(2, speed=5), put(3, speed=9))
    await w.settled()
    assert w.receiver.got == []
    w.clock.ahead = 61 * SECOND
    (got,) = await w.receiver.count(1)
    assert sorted(one["id"][-1] for one in got["data"]) == ["2", "3"]
    await w.write(delete(2), delete(3))
    w.clock.ahead = 122 * SECOND
    await w.put(1, speed=4)
    w.clock.ahead = 185 * SECOND
    got = (await w.receiver.count(2))[-1]
    assert [one["id"][-1] for one in got["data"]] == ["1"]


@in_world
async def test_paused_and_expired_subscriptions_are_silent(w: World) -> None:
    sub = await w.subscribe()
    core = w.contexts.core
    await w.subs.update(sub, {"isActive": False}, core, None, ME, "")
    await w.put(1, speed=1)
    await w.settled()
    await w.subs.update(sub, {"isActive": True}, core, None, ME, "")
    await w.put(1, speed=2)
    assert speeds(await w.receiver.count(1)) == [2]
    await w.subs.update(sub, {"expiresAt": "2999-01-01T00:00:00Z"}, core, None, ME, "")
    w.clock.ahead = 1_000 * 366 * 86_400 * SECOND
    assert w.subs.get(sub, ME, "").status(w.clock()) == "expired"
    w.subs.engine.tick(w.clock())
    await w.put(1, speed=3)
    await w.settled()
    w.clock.ahead = 0
    assert w.subs.engine.waiting() == 0
    assert speeds(w.receiver.got) == [2]


@dataclass(frozen=True)
class Narrow:
    """Sees no Secret entities and no attribute ``hidden``."""

    key: str = "narrow"

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return V + "Secret" not in types

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset({V + "hidden"})

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return False


@in_world
async def test_nothing_hidden_is_told_and_rights_withdrawn_end_it(w: World) -> None:
    w.rights.now = Narrow()
    await w.subscribe(entities=[{"type": "(Car|Secret)"}])
    await w.subscribe(watchedAttributes=["hidden"], notification={"showChanges": True})
    await w.put(1, speed=1, hidden="x")
    await w.put(2, kind="Secret", speed=1)
    await w.write(patch(1, hidden="y"), patch(1, speed=2), delete(1))
    got = await w.receiver.count(2)
    await w.settled()
    assert speeds(got) == [1, 2]
    assert not any("hidden" in entity or "Secret" in str(entity) for one in got for entity in one["data"])
    w.rights.now = None
    w.subs.rights_changed()
    await w.put(3, speed=1)
    await w.settled()
    w.rights.now = FULL_ACCESS
    w.subs.rights_changed()
    await w.put(4, speed=1)
    await w.receiver.until(lambda: bool(speeds(w.receiver.got, 4)))
    assert not speeds(w.receiver.got, 3)


@in_world
async def test_rights_narrowed_reach_what_waits_already(w: World) -> None:
    w.receiver.status = 503
    await w.subscribe()
    await w.put(1, speed=1, hidden="x")
    await w.receiver.until(lambda: w.receiver.attempts >= 1)
    w.rights.now = Narrow()
    w.subs.rights_changed()
    w.receiver.status = 200
    (got,) = await w.receiver.count(1)
    assert "hidden" not in got["data"][0]
    assert got["data"][0]["speed"]["value"] == 1


@in_world
async def test_tenants_are_strict_and_named(w: World) -> None:
    await w.subscribe(tenant="north")
    await w.put(1, speed=1)
    await w.put(1, tenant="north", speed=2)
    await w.put(1, tenant="south", speed=3)
    await w.settled()
    assert speeds(await w.receiver.count(1)) == [2]
    assert w.receiver.headers[0]["ngsild-tenant"] == "north"
    assert len(w.receiver.got) == 1


@in_world
async def test_subscriptions_of_others_do_not_exist(w: World) -> None:
    somebody = Actor(Principal("user:a", "a", frozenset({"operator"})))
    other = Actor(Principal("user:b", "b", frozenset({"operator"})))
    sub = await w.subscribe(actor=somebody)
    assert [one.id for one in w.subs.list_all(somebody, "")] == [sub]
    assert w.subs.list_all(other, "") == []
    with pytest.raises(ResourceNotFound):
        w.subs.get(sub, other, "")
    with pytest.raises(ResourceNotFound):
        await w.subs.delete(sub, other, "")
    with pytest.raises(ResourceNotFound):
        w.subs.get(sub, somebody, "north")


@in_world
async def test_deleting_ends_what_waits(w: World) -> None:
    w.receiver.status = 503
    sub = await w.subscribe()
    await w.put(1, speed=1)
    await w.receiver.until(lambda: w.receiver.attempts >= 1)
    await w.subs.delete(sub, ME, "")
    assert w.subs.engine.waiting() == 0
    w.receiver.status = 200
    await w.subscribe()
    await w.put(1, speed=2)
    assert speeds(await w.receiver.count(1)) == [2]
