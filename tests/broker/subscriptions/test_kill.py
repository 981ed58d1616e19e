"""Law: after SIGKILL at any instant no acknowledged change goes untold; a repeat carries its id; each entity in order."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from tests.broker.subscriptions.world import Receiver, World

ROUNDS = 6


async def live_and_die(directory: Path, receiver: Receiver, first: int, pause_s: float) -> int:
    """Let a victim work for a while after its first acknowledged write; returns the next number to write."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.broker.subscriptions.victim", str(directory), str(receiver.port)),
        str(first),
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
            for one in receiver.got:
                entity = one["data"][0]
                key = (entity["id"], entity["speed"]["value"])
                assert ids.setdefault(key, one["id"]) == one["id"]
            assert len(set(ids.values())) == len(ids)
        finally:
            await w.close()
            await receiver.close()

    asyncio.run(run())
