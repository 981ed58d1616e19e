"""Law: after SIGKILL at any instant no acknowledged change goes untold; a repeat carries its id; each entity in order."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.broker.subscriptions.world import ME, SECOND, Receiver, World, in_world, put, speeds

ROUNDS = 6


async def live_and_die(directory: Path, receiver: Receiver, first: int, pause_s: float, *uri: str) -> int:
    """Let a victim work for a while after its first acknowledged write; returns the next number to write."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.broker.subscriptions.victim", str(directory), str(receiver.port)),
        *(str(first), *uri),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, "the victim did not start"
    await asyncio.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    told = [int(one) for one in (line + rest).split(b"\n") if one]
    return told[-1] + 1


def test_no_kill_loses_a_notification(tmp_path: Path) -> None:
    async def run() -> None:
        receiver = Receiver()
        await receiver.open()
        chance = random.Random(7)
        number = 1
        for round_ in range(ROUNDS):
            receiver.status = 503 if round_ % 3 == 1 else 200
            number = await live_and_die(tmp_path, receiver, number, chance.uniform(0.0, 0.9))
            number += 1  # the write under way may or may not be there
        receiver.status = 200
        w = World(tmp_path)
        await w.open()
        try:
            events = await w.broker.read_events(0, 100_000)
            wanted: dict[str, list[int]] = {}
            for event in events:
                attr = next(change for change in event.changes if change.attr)
                assert attr.after is not None
                wanted.setdefault(event.entity_id, []).append(attr.after[0]["value"])

            def told() -> dict[str, list[int]]:
                seen: dict[str, dict[int, None]] = {}
                for one in receiver.got:
                    entity = one["data"][0]
                    seen.setdefault(entity["id"], {})[entity["speed"]["value"]] = None
                return {name: list(values) for name, values in seen.items()}

            await receiver.until(
                lambda: {k: len(v) for k, v in told().items()} == {k: len(v) for k, v in wanted.items()}, 60
            )
            assert told() == wanted
            ids: dict[tuple[str, int], str] = {}
            for _, _, one in receiver.requests:  # what was not taken counts too
                entity = one["data"][0]
                key = (entity["id"], entity["speed"]["value"])
                assert ids.setdefault(key, one["id"]) == one["id"]
            assert len(set(ids.values())) == len(ids)
            assert len(receiver.requests) > len(ids), (
                "nothing was sent twice: this proves nothing about repeats"
            )
        finally:
            await w.close()
            await receiver.close()

    asyncio.run(run())


async def crashed(w: World) -> World:
    """A world on what is on disk at this instant, as a kill would leave it; the one it was taken from goes on without
    effect on it."""
    copy = w.directory / "after-the-crash"
    await asyncio.to_thread(shutil.copytree, w.directory, copy, ignore=shutil.ignore_patterns("after-*"))
    made = World(copy)
    made.receiver = w.receiver
    made.clock.ahead = w.clock.ahead
    return made


@in_world
async def test_what_throttling_held_back_is_told_after_a_crash(w: World) -> None:
    await w.subscribe(throttling=100)
    await w.put(1, speed=1)
    await w.receiver.count(1)
    await w.write(put(1, speed=2), put(2, speed=5), put(1, speed=3))
    await w.settled()
    await asyncio.sleep(0.6)  # positions are saved: those of what was looked at, not of what was told
    after = await crashed(w)
    await after.open()
    try:
        seen = len(w.receiver.got)
        for _ in range(2):  # one each time, or both at once
            count = len(w.receiver.got)
            after.clock.ahead += 101 * SECOND
            await w.receiver.count(count + 1)
            if speeds(w.receiver.got[seen:]) and speeds(w.receiver.got[seen:], 2):
                break
        assert speeds(w.receiver.got[seen:])[-1] == 3
        assert speeds(w.receiver.got[seen:], 2) == [5]
    finally:
        await after.close()


@in_world
async def test_a_periodic_subscription_goes_on_after_a_crash(w: World) -> None:
    await w.subscribe(timeInterval=60)
    await w.put(1, speed=7)
    w.clock.ahead = 61 * SECOND
    await w.receiver.count(1)
    await w.settled()
    await asyncio.sleep(0.6)
    after = await crashed(w)
    await after.open()
    try:
        seen = len(w.receiver.got)
        after.clock.ahead = 122 * SECOND
        await w.receiver.count(seen + 1)
        assert speeds(w.receiver.got[seen:]) == [7]
    finally:
        await after.close()


@pytest.mark.parametrize("status", ["paused", "expired"])
def test_what_was_silent_before_a_crash_is_silent_after_it(tmp_path: Path, status: str) -> None:
    async def test(w: World) -> None:
        sub = await w.subscribe()
        loud = await w.subscribe()
        change = {"isActive": False} if status == "paused" else {"expiresAt": "2999-01-01T00:00:00Z"}
        await w.subs.update(sub, change, w.contexts.core, None, ME, "")
        after = await crashed(w)
        if status == "expired":
            after.clock.ahead = 1_000 * 366 * 86_400 * SECOND
        await after.open()
        try:
            assert after.subs.get(sub, ME, "").status(after.clock()) == status
            await after.put(1, speed=1)
            await w.receiver.count(1)
            await after.settled()
            assert [one["subscriptionId"] for one in w.receiver.got] == [loud]
        finally:
            await after.close()

    in_world(test)(tmp_path)
