"""Makes, changes and deletes subscriptions, registrations and contexts over the door until it is killed.

python -m tests.doors.ngsild.control_victim DIRECTORY SEED. A line before each request (``try kind id version``) and one
after its answer (``did …``); version -1 is a deletion. Every line is one write to the pipe: there whole or not at all.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

from tests.doors.ngsild.client import Client, open_whole_client

ENDPOINT = {"endpoint": {"uri": "http://127.0.0.1:9/n"}}
MANAGED: dict[str, dict[str, Any]] = {
    "subscriptions": {
        "type": "Subscription",
        "entities": [{"type": "Silent"}],
        "notification": ENDPOINT,
    },
    "csourceSubscriptions": {
        "type": "Subscription",
        "entities": [{"type": "Silent"}],
        "notification": ENDPOINT,
    },
    "csourceRegistrations": {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Elsewhere"}]}],
        "endpoint": "http://127.0.0.1:9",
    },
}


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


async def managed(c: Client, kind: str, rnd: random.Random, numbers: Any) -> None:
    alive: list[str] = []
    while True:
        choice, version = rnd.random(), next(numbers)
        if not alive or choice < 0.4:
            name = f"urn:x:{kind}:{version}"
            say(f"try {kind} {name} {version}")
            body = {**MANAGED[kind], "id": name, "description": str(version)}
            assert (await c("POST", f"/{kind}", body)).status == 201
            alive.append(name)
        elif choice < 0.8:
            name = rnd.choice(alive)
            say(f"try {kind} {name} {version}")
            assert (await c("PATCH", f"/{kind}/{name}", {"description": str(version)})).status == 204
        else:
            name, version = alive.pop(rnd.randrange(len(alive))), -1
            say(f"try {kind} {name} -1")
            assert (await c("DELETE", f"/{kind}/{name}")).status == 204
        say(f"did {kind} {name} {version}")


async def contexts(c: Client, rnd: random.Random, numbers: Any) -> None:
    alive: list[str] = []
    while True:
        version = next(numbers)
        if not alive or rnd.random() < 0.6:
            got = await c("POST", "/jsonldContexts", {"@context": {"v": f"http://x.org/{version}"}})
            assert got.status == 201
            alive.append(got.headers["location"].rpartition("/")[2])
            say(f"did jsonldContexts {alive[-1]} {version}")
        else:
            name = alive.pop(rnd.randrange(len(alive)))
            say(f"try jsonldContexts {name} -1")
            assert (await c("DELETE", f"/jsonldContexts/{name}")).status == 204
            say(f"did jsonldContexts {name} -1")


async def main() -> None:
    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    numbers = iter(range(seed * 1_000_000, (seed + 1) * 1_000_000))
    async with open_whole_client(directory) as c:
        say("open")
        lanes = [managed(c, kind, random.Random(f"{seed}{kind}"), numbers) for kind in MANAGED]
        await asyncio.gather(*lanes, contexts(c, random.Random(seed), numbers))


if __name__ == "__main__":
    asyncio.run(main())
