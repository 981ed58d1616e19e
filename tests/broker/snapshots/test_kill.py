"""Law: after SIGKILL at any instant each snapshot that was said to be ready is there, whole; one that was being made is
whole or has failed; and nothing else is left on the disk."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from andaman.broker.snapshots.model import FAILURE, SUCCESS
from tests.broker.snapshots.victim import ENTITIES
from tests.broker.snapshots.world import ME, world

ROUNDS = 6


async def live_and_die(directory: Path, pause_s: float) -> tuple[set[str], set[str]]:
    """Ids of snapshots that were said to be ready, and of those that were said to be deleted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.broker.snapshots.victim", str(directory)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    assert first, "the victim did not start"
    await asyncio.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    rest = await process.stdout.read()
    await process.wait()
    lines = rest.decode().split("\n")[:-1]
    ready = {line.split()[0] for line in lines if line.endswith(" success")}
    return ready, {line.split()[1] for line in lines if line.startswith("- ")}


def test_no_kill_loses_or_halves_a_snapshot(tmp_path: Path) -> None:
    async def run() -> None:
        chance = random.Random(11)
        ready: set[str] = set()
        gone: set[str] = set()
        seen = 0
        for _ in range(ROUNDS):
            made, deleted = await live_and_die(tmp_path, chance.uniform(0.2, 1.2))
            ready |= made
            gone |= deleted
            async with world(tmp_path) as w:
                known = {one.id: one for one in w.snapshots.list_all(ME, "")}
                gone |= _last(made) - known.keys()
                assert ready - gone <= known.keys()
                assert not gone & known.keys()
                for one in known.values():
                    assert one.status in (SUCCESS, FAILURE), one
                    if one.id in ready:
                        assert one.status == SUCCESS
                    if one.status == FAILURE:
                        continue
                    docs = await w.content(one)
                    assert len(docs) == ENTITIES
                    assert len({doc["attrs"]["x:a"][0]["value"] for doc in docs}) == 1
                    seen += 1
                folder = w.snapshots.pool.folder
                assert {path.name for path in folder.iterdir()} == {
                    one.key for one in known.values() if one.status == SUCCESS
                }
                for name in list(known)[:-4]:
                    await w.snapshots.delete(name, ME, "")
                    gone.add(name)
        assert seen

    asyncio.run(run())


def _last(made: set[str]) -> set[str]:
    """A snapshot may be deleted for good before that could be said."""
    return {max(made)} if made else set()
