"""Law: what the door acknowledged of subscriptions, registrations and contexts is there after SIGKILL at any instant."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

from tests.doors.ngsild.client import Client, open_whole_client
from tests.doors.ngsild.control_victim import MANAGED

ROUNDS = 5
State = dict[tuple[str, str], int]


async def live_and_die(directory: Path, seed: int, pause_s: float, state: State) -> State:
    """Let a victim work; fold its acknowledgements into ``state``; what was under way at the end is returned."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.doors.ngsild.control_victim", str(directory), str(seed)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n", "the victim did not start"
    await asyncio.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    told = await process.stdout.read()
    await process.wait()
    under_way: State = {}
    for line in told.decode().splitlines():
        word, kind, name, version = line.split()
        if word == "try":
            under_way[kind, name] = int(version)
        else:
            under_way.pop((kind, name), None)
            state[kind, name] = int(version)
    return under_way


async def found(c: Client, name: tuple[str, str]) -> int:
    """The version that the door shows of it; -1: none."""
    kind, one = name
    got = await c("GET", f"/{kind}/{one}")
    if got.status == 404:
        return -1
    assert got.status == 200, got.body
    return int(got.json["description"] if kind in MANAGED else got.json["@context"]["v"].rpartition("/")[2])


def test_no_kill_loses_what_was_acknowledged_or_brings_back_what_was_deleted(tmp_path: Path) -> None:
    async def run() -> None:
        state: State = {}
        chance = random.Random(11)
        for seed in range(1, ROUNDS + 1):
            under_way = await live_and_die(tmp_path, seed, chance.uniform(0.05, 0.6), state)
            async with open_whole_client(tmp_path) as c:
                for name, version in state.items():
                    there = await found(c, name)
                    assert there in (version, under_way.get(name, version)), name
                    state[name] = there
                for name, version in under_way.items():
                    state[name] = await found(c, name)
                    assert state[name] in (-1, version) or name in state
                for kind in MANAGED:
                    ids: list[str] = []
                    some = "type=Elsewhere&" if kind == "csourceRegistrations" else ""
                    while page := (await c("GET", f"/{kind}?{some}limit=100&offset={len(ids)}")).json:
                        ids += [one["id"] for one in page]
                    alive = [one for (where, one), version in state.items() if where == kind and version >= 0]
                    assert sorted(ids) == sorted(alive), kind
        assert sum(version >= 0 for version in state.values()) > ROUNDS
        assert sum(version < 0 for version in state.values()) > ROUNDS

    asyncio.run(run())
