"""Takes what a source tells until it is killed: python -m tests.broker.subscriptions.told_victim DIRECTORY PORT SOURCE FIRST."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.broker.subscriptions.federation import Federation
from tests.broker.subscriptions.world import ME, Receiver, World


async def main() -> None:
    directory, port, source, number = Path(sys.argv[1]), *(int(one) for one in sys.argv[2:5])
    w = World(directory)
    await w.open()
    w.receiver.uri = f"http://127.0.0.1:{port}/notify"
    f = Federation(w, Receiver())
    f.source.port = source
    await f.open()
    if not w.subs.list_all(ME, ""):
        await f.register()
        await w.subscribe()
    while not f.remote.has_copies:  # noqa: ASYNC110 - until the copy is kept, and known by its id
        await asyncio.sleep(0.005)
    (copy,) = w.subs.runs()[0].sub.extra["copies"].values()
    while True:
        await f.tell(copy["id"], speed=number)
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main())
