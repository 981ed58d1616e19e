"""Live screens: from a sensor value posted to its sight on a connected socket, and what that costs.

The value posted is the moment of posting; the client folds what it is told with the same function as the law test.
Run: python -m bench live.
"""

from __future__ import annotations

import asyncio
import http.client
import sys
import time
from dataclasses import dataclass, field

import orjson
import psutil
from websockets.asyncio.client import ClientConnection, connect

from andaman.doors.live.view import ClientView
from bench.common import Row, Server, directory, percentile, row, server

PORT = 9160
ENTITIES = 10_000
RATE = 2_000


@dataclass
class _Screen:
    """One socket that watches all vehicles; ``bbox`` None: everywhere. Only the first one is timed and folded."""

    view: ClientView = field(default_factory=ClientView)
    delays_ms: list[float] = field(default_factory=list)
    frames: int = 0

    async def run(self, bbox: list[float] | None, ready: asyncio.Event, timed: bool) -> None:
        async with connect(f"ws://127.0.0.1:{PORT}/live", compression=None, max_size=1 << 24) as socket:
            await socket.send(
                orjson.dumps({"op": "watch", "id": "w", "types": ["Vehicle"], "bbox": bbox}).decode()
            )
            await self._read(socket, ready, timed)

    async def _read(self, socket: ClientConnection, ready: asyncio.Event, timed: bool) -> None:
        async for frame in socket:
            now = time.time()
            self.frames += 1
            if not timed:
                ready.set()
                continue
            message = orjson.loads(frame)
            self.view.apply(message)
            if self.view.complete:
                ready.set()
            if message["op"] == "delta":
                self.delays_ms += [(now - entity["a"]["speed"]) * 1000 for entity in message["set"]]


def run(quick: bool = False) -> list[Row]:
    """2,000 updates/s on 10,000 vehicles: without a screen, with one, and with a hundred of different views."""
    seconds = 4.0 if quick else 10.0
    with directory() as data, server(data, PORT) as running:
        _fill()
        return asyncio.run(_measure(running, seconds))


async def _measure(running: Server, seconds: float) -> list[Row]:
    process = psutil.Process(running.process.pid)
    rows: list[Row] = []
    _, alone = await _load(process, seconds, 0)
    for screens in (1, 100):
        timed, busy = await _load(process, seconds, screens)
        words = "one screen" if screens == 1 else f"{screens} screens of as many views"
        target = "< 200" if screens == 1 else ""
        rows.append(row(f"posted → on a socket at {RATE:,}/s, {words}, p50", percentile(timed, 50), "ms"))
        rows.append(row(f"… p95, {words}", percentile(timed, 95), "ms", target))
        rows.append(row(f"… what {words} cost the server", (busy - alone) * 100, "% of a core"))
    rows.append(row(f"the server at {RATE:,} durable updates/s without a screen", alone * 100, "% of a core"))
    started = time.perf_counter()
    ready = asyncio.Event()
    task = asyncio.create_task(_Screen().run(None, ready, True))
    await ready.wait()
    rows.append(row(f"a screen opens on {ENTITIES:,} objects", (time.perf_counter() - started) * 1000, "ms"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return rows


async def _load(process: psutil.Process, seconds: float, screens: int) -> tuple[list[float], float]:
    """Delays of the first screen in ms, and the share of a core that the server used."""
    shown = [_Screen() for _ in range(screens)]
    gates = [asyncio.Event() for _ in shown]
    tasks = []
    for number, (screen, gate) in enumerate(zip(shown, gates, strict=True)):
        west = 98.2 + number * 0.002
        bbox = None if number == 0 else [west, 7.7, west + 0.05, 8.2]
        tasks.append(asyncio.create_task(screen.run(bbox, gate, number == 0)))
        await gate.wait()
    before, started = _cpu_s(process), time.perf_counter()
    poster = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.live_load", str(PORT), str(RATE), str(seconds), str(ENTITIES), "1"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await poster.communicate()
    used = (_cpu_s(process) - before) / (time.perf_counter() - started)
    good, bad = map(int, out.split())
    if bad or good < RATE * seconds * 0.95:
        raise RuntimeError(
            f"Of {RATE * seconds:.0f} updates {good} were accepted and {bad} refused: not a fair run"
        )
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return shown[0].delays_ms if shown else [], used


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _fill() -> None:
    """10,000 vehicles on a grid over Phuket."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {
        "Content-Type": "application/json",
        "Link": '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"',
    }
    for start in range(0, ENTITIES, 1_000):
        batch = [
            {
                "id": f"urn:ngsi-ld:Vehicle:{n}",
                "type": "Vehicle",
                "name": {"type": "LanguageProperty", "languageMap": {"th": f"รถ {n}", "en": f"Bus {n}"}},
                "speed": {"type": "Property", "value": 0.0},
                "location": {
                    "type": "GeoProperty",
                    "value": {
                        "type": "Point",
                        "coordinates": [98.2 + (n % 100) * 0.0025, 7.7 + n // 100 * 0.005],
                    },
                },
            }
            for n in range(start, start + 1_000)
        ]
        connection.request("POST", "/ngsi-ld/v1/entityOperations/upsert", orjson.dumps(batch), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise RuntimeError(f"The vehicles were refused with {answer.status}")
    connection.close()
