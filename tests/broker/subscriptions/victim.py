"""Writes and notifies until it is killed: python -m tests.broker.subscriptions.victim DIRECTORY PORT FIRST [URI [together]]."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.broker.subscriptions.world import ME, World, put


async def main() -> None:
    directory, port, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    w = World(directory)
    await w.open()
    w.receiver.uri = sys.argv[4] if len(sys.argv) > 4 else f"http://127.0.0.1:{port}/notify"
    if not w.subs.list_all(ME, ""):
        info = [{"key": "MQTT-QoS", "value": "1"}]
        mqtt = {"endpoint": {"notifierInfo": info}} if w.receiver.uri.startswith("mqtt") else None
        await w.subscribe(notification=mqtt)
    while True:
        request = f"r{number}" if len(sys.argv) > 5 else ""
        await w.broker.write(
            [put(car, speed=number) for car in range(3)], replace(ME, request_id=request), ""
        )
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main())
