"""Makes brokers that are there to be killed: imports once, then forks one child per line on standard input.

A line is ``directory seed history``. The child writes to the store without pause from many coroutines and prints a
line for each acknowledged request; each line is one ``write`` to the pipe, so it is there whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import uvloop

from andaman.broker.entity.build import iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import system_actor

ACTOR = system_actor("crash")
COUNT = iri("count")
ENTITIES = 30
PAIRS = 6
PASTS = 3


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def upsert(name: str, number: int) -> WriteOp:
    entity_id = f"urn:ngsi-ld:Thing:{name}"
    return WriteOp(
        OpKind.UPSERT_UPDATE, entity_id, {"type": [iri("Thing")], "attrs": {COUNT: [prop(number)]}}
    )


async def child(directory: Path, seed: int, history: bool) -> None:
    """Write until killed. ``ack <seq> <entity> <number>`` per operation; numbers never repeat."""
    broker = Broker.open(directory, history=history, history_every_s=0.02, wal_limit_bytes=256 << 10)
    await broker.start()
    say("open")
    rnd = random.Random(seed)
    numbers = iter(range(seed * 1_000_000, (seed + 1) * 1_000_000))

    async def single(lane: int) -> None:
        while True:
            name, number = str(rnd.randrange(ENTITIES)), next(numbers)
            result = (await broker.write([upsert(name, number)], ACTOR))[0]
            say(f"ack {result.seq} {name} {number}")

    async def pair(lane: int) -> None:
        """Both sides of a pair always get the same number, in one atomic request."""
        while True:
            name, number = f"pair{rnd.randrange(PAIRS)}", next(numbers)
            ops = [upsert(f"{name}{side}", number) for side in "ab"]
            results = await broker.write(ops, ACTOR, atomic=True)
            say(";".join(f"ack {r.seq} {name}{side} {number}" for r, side in zip(results, "ab", strict=True)))

    async def come_and_go(lane: int) -> None:
        """Entities that are created and deleted again."""
        while True:
            number = next(numbers)
            made = await broker.write([upsert(f"brief{lane}", number)], ACTOR)
            say(f"ack {made[0].seq} brief{lane} {number}")
            gone = await broker.write([WriteOp(OpKind.DELETE, f"urn:ngsi-ld:Thing:brief{lane}")], ACTOR)
            say(f"ack {gone[0].seq} brief{lane} -1")

    async def past(lane: int) -> None:
        """The temporal API: instances are added to an entity without current state, and every third is erased."""
        name = f"past{lane}"
        entity_id = f"urn:ngsi-ld:Thing:{name}"
        while True:
            number = next(numbers)
            fragment = {"type": [iri("Thing")], "attrs": {COUNT: [prop(number)]}}
            add = WriteOp(OpKind.TEMPORAL_UPSERT, entity_id, fragment)
            made = (await broker.write([add], ACTOR))[0]
            say(f"ack {made.seq} {name} {number}")
            if number % 3 == 0:
                erase = WriteOp(OpKind.TEMPORAL_ERASE, entity_id, attr=COUNT, instance=(made.seq, 0))
                gone = (await broker.write([erase], ACTOR))[0]
                say(f"ack {gone.seq} {name} -1")

    lanes = [past(n) for n in range(PASTS)]
    lanes += [single(n) for n in range(12)] + [pair(n) for n in range(4)] + [come_and_go(n) for n in range(4)]
    await asyncio.gather(*lanes)


def main() -> None:
    for line in sys.stdin:
        directory, seed, history = line.split()
        pid = os.fork()
        if pid == 0:
            uvloop.install()
            asyncio.run(child(Path(directory), int(seed), history == "1"))
            os._exit(0)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("end")


if __name__ == "__main__":
    main()
