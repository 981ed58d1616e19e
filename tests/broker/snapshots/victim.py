"""Writes and makes snapshots until it is killed: python -m tests.broker.snapshots.victim DIRECTORY."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from andaman.broker.model import OpKind, WriteOp
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.model import EntityQuery
from tests.broker.snapshots.world import ME, World, thing, world

ENTITIES = 300


async def write(w: World) -> None:
    number = 0
    while True:
        number += 1
        ops = [
            WriteOp(OpKind.UPSERT_REPLACE, one["id"], {"type": one["type"], "attrs": one["attrs"]})
            for one in (thing(each, a=number) for each in range(ENTITIES))
        ]
        await w.broker.write(ops, ME, atomic=True)
        if number == 1:
            print("begun", flush=True)
        await asyncio.sleep(0.005)


async def main() -> None:
    async with world(Path(sys.argv[1])) as w:
        writing = asyncio.create_task(write(w))
        await asyncio.sleep(0.2)
        for number in range(1000):
            one = await w.take(EntityQuery(types=TypeIs("x:A"), limit=1000))
            print(one.id, one.status, flush=True)
            if number % 3 == 2:
                await w.snapshots.delete(one.id, ME, "")
                print("-", one.id, flush=True)
            elif number % 3 == 1:
                copy = await w.made(await w.snapshots.clone(one.id, {}, ME, ""))
                print(copy.id, copy.status, flush=True)
        await writing


if __name__ == "__main__":
    asyncio.run(main())
