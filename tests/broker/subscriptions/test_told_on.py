"""Laws of what context sources tell (CIM 009 §5.8.6): once it is taken, it is told on, in order, whatever is killed; a
repeat carries its id."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.exchange import inbox
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Unavailable
from tests.broker.subscriptions.federation import Federation, federation
from tests.broker.subscriptions.test_kill import crashed
from tests.broker.subscriptions.world import ME, Receiver, World, in_world, speeds, world

ROUNDS = 5


async def with_copy(w: World, **members: Any) -> tuple[Federation, str, str]:
    """(federation, subscription, id of its copy)."""
    f = await federation(w)
    await f.register()
    sub = await w.subscribe(**members)
    return f, sub, (await f.asked(1))[2]["id"]


async def closed(f: Federation) -> None:
    await f.close()
    await f.source.close()


@in_world
async def test_what_was_taken_is_told_after_a_crash_with_the_same_ids(w: World) -> None:
    f, sub, copy = await with_copy(w)
    w.receiver.status = 503
    for speed in range(30):
        await f.tell(copy, speed=speed)
    await w.receiver.until(lambda: w.receiver.attempts > 0)
    tried = w.receiver.requests[0][2]["id"]
    after = await crashed(w)
    await closed(f)
    await w.subs.stop()
    w.receiver.status = 200
    await after.open()
    again = Federation(after, Receiver())
    await again.open()
    try:
        got = await w.receiver.count(30)
        assert speeds(got) == list(range(30))
        assert {one["subscriptionId"] for one in got} == {sub}
        assert got[0]["id"] == tried
        assert len({one["id"] for one in got}) == 30
        await asyncio.sleep(0.5)  # what was told is forgotten
        assert await asyncio.to_thread(again.registry.store.received_sizes) == []
    finally:
        await again.close()
        await after.close()
        await w.subs.start()


def test_no_kill_loses_what_a_source_told(tmp_path: Path) -> None:
    async def run() -> None:
        receiver, source = Receiver(), Receiver()
        await receiver.open()
        await source.open()
        chance = random.Random(3)
        number, taken = 1, []
        for round_ in range(ROUNDS):
            receiver.status = 503 if round_ % 3 == 1 else 200
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.broker.subscriptions.told_victim", str(tmp_path)),
                *(str(receiver.port), str(source.port), str(number)),
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            line = await process.stdout.readline()
            assert line, "the victim did not start"
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            process.send_signal(signal.SIGKILL)
            told = [int(one) for one in (line + await process.stdout.read()).split(b"\n") if one]
            await process.wait()
            taken += told
            number = told[-1] + 2  # the one under way may or may not be there
        receiver.status = 200
        w = World(tmp_path)
        await w.open()
        f = Federation(w, source)
        await f.open()
        try:
            await receiver.until(lambda: set(taken) <= set(speeds(receiver.got)), 60)
            first: dict[int, str] = {}
            for _, _, one in receiver.requests:
                value = one["data"][0]["speed"]["value"]
                assert first.setdefault(value, one["id"]) == one["id"]
            assert sorted(first, key=list(first).index) == sorted(first), "not in order"
            assert len(receiver.requests) > len(first), (
                "nothing was sent twice: this proves nothing about repeats"
            )
        finally:
            await f.close()
            await w.close()
            await receiver.close()
            await source.close()

    asyncio.run(run())


@in_world
async def test_a_repeat_of_what_waits_is_told_once(w: World) -> None:
    f, _, copy = await with_copy(w)
    w.receiver.status = 503
    for _ in range(3):
        await f.tell(copy, speed=1)
    await f.tell(copy, speed=2)
    w.receiver.status = 200
    assert speeds(await w.receiver.count(2)) == [1, 2]
    await closed(f)


@in_world
async def test_what_waits_goes_to_the_new_address_and_under_the_new_rights(w: World) -> None:
    f, sub, copy = await with_copy(w)
    w.receiver.status = 503
    for speed in range(5):
        await f.tell(copy, speed=speed)
    await w.receiver.until(lambda: w.receiver.attempts > 0)
    other = Receiver()
    await other.open()
    change = {"notification": {"endpoint": {"uri": other.uri}}}
    await w.subs.update(sub, change, w.contexts.core, None, ME, "")
    assert speeds(await other.count(5)) == list(range(5))

    other.status = 503
    await f.tell(copy, speed=9)
    await other.until(lambda: other.attempts > 5)

    class Blind:
        key = "blind"

        def __getattr__(self, name: str) -> Any:
            return getattr(FULL_ACCESS, name)

        def hidden_attrs(self, types: Any, scopes: Any) -> frozenset[str]:
            return frozenset({"https://uri.etsi.org/ngsi-ld/default-context/speed"})

    w.rights.now = Blind()  # type: ignore[assignment]
    w.subs.rights_changed()
    other.status = 200
    got = await other.count(6)
    assert "speed" not in got[-1]["data"][0]
    await closed(f)
    await other.close()


@in_world
async def test_nothing_is_told_of_what_is_paused_or_gone(w: World) -> None:
    f, sub, copy = await with_copy(w)
    w.receiver.status = 503
    await f.tell(copy, speed=1)
    await w.receiver.until(lambda: w.receiver.attempts > 0)
    await w.subs.update(sub, {"isActive": False}, w.contexts.core, None, ME, "")
    await f.tell(copy, speed=2)
    w.receiver.status = 200
    await w.subs.update(sub, {"isActive": True}, w.contexts.core, None, ME, "")
    await asyncio.sleep(0.1)
    await f.tell(copy, speed=3)
    assert speeds(await w.receiver.count(1)) == [3]
    w.receiver.status = 503
    await f.tell(copy, speed=4)
    await w.subs.delete(sub, ME, "")
    await asyncio.sleep(0.5)
    assert await asyncio.to_thread(f.registry.store.received_sizes) == []
    await closed(f)


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            f, _, copy = await with_copy(w)
            w.receiver.status = 503
            monkeypatch.setattr(inbox, "OF_ONE", 5)
            for speed in range(5):
                await f.tell(copy, speed=speed)
            with pytest.raises(Unavailable):
                await f.tell(copy, speed=6)
            monkeypatch.setattr(inbox, "OF_ONE", 500)
            monkeypatch.setattr(inbox, "BYTES", 1000)
            with pytest.raises(Unavailable):
                await f.tell(copy, speed=6)
            monkeypatch.undo()
            w.receiver.status = 200
            await w.receiver.count(5)
            await f.tell(copy, speed=6)
            assert speeds(await w.receiver.count(6)) == [0, 1, 2, 3, 4, 6]
            await closed(f)

    asyncio.run(run())


def test_bodies_that_are_no_notification_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path) as w:
            f, _, copy = await with_copy(w)
            for entity in (
                {"id": "x"},
                {"id": "urn:a:b", "type": 5},
                {"id": "urn:a:b", "type": "Car", "a": {"type": 1}},
            ):
                body = orjson.loads(orjson.dumps({"subscriptionId": copy, "data": [entity]}))
                await f.remote.take(body, w.contexts.core)  # taken, and nothing can be told of it
            await f.tell(copy, speed=1)
            assert speeds(await w.receiver.count(1)) == [1]
            await closed(f)

    asyncio.run(run())
