"""A consumer to be killed: takes MQTT messages into a real broker; with "hang" its second write never ends.

``python -m tests.ingest.consumer PORT DIRECTORY run|hang`` prints "ready", then the numbers of entities and of dead
letters every tenth of a second.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.ingest import DeadLetterStore, FeedManager, MqttAddress, MqttFeed
from andaman.ingest.link import Link
from andaman.ingest.mapping import parse_mapping
from andaman.ingest.model import Observation, Written
from tests.ingest.test_reading import MAPPING


async def main(port: int, directory: Path, mode: str) -> None:
    broker = Broker.open(directory)
    await broker.start()
    letters = DeadLetterStore(directory / "deadletter.db")
    feed = MqttFeed(
        MqttAddress.parse(f"mqtt://127.0.0.1:{port}"), parse_mapping(MAPPING), letters, "andaman-test"
    )
    writes = 0
    plain_take = Link.take

    async def take(self: Link, observations: Sequence[Observation]) -> Written:
        nonlocal writes
        writes += 1
        if mode == "hang" and writes == 2:
            print("hanging", flush=True)
            await asyncio.Event().wait()
        return await plain_take(self, observations)

    Link.take = take  # type: ignore[method-assign]
    manager = FeedManager(broker, [feed], directory)
    await manager.start()
    for _ in range(500):
        if manager.get_status("mqtt").state.value == "running":
            break
        await asyncio.sleep(0.02)
    print("ready", flush=True)
    while True:
        print(sum(1 for _ in broker.iter_entities([], FULL_ACCESS)), letters.count(), flush=True)
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
