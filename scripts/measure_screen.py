"""What 10,000 moving objects cost the operations screen: share of the main thread, long tasks, frames, memory.

    python scripts/measure_screen.py [--objects 10000] [--rate 1500] [--seconds 15]

A server of its own on a scratch directory, a writer that moves objects by NGSI-LD batches, and Chromium with its own
counters (CDP ``Performance.getMetrics``, so that nothing is guessed from outside). Without a graphics card everything is
drawn by the processor, so frames a second say little; the main thread's share says what a real machine would feel.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

ANDAMAN = [sys.executable, "-c", "import sys; from andaman.cli import main; sys.exit(main())"]
CONTEXT = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PROBE = """
globalThis.screenProbe = { frames: 0, long: 0, longest: 0 };
new PerformanceObserver((list) => { for (const e of list.getEntries()) { screenProbe.long += 1; screenProbe.longest = Math.max(screenProbe.longest, e.duration || 0); } }).observe({ entryTypes: ['longtask'] });
const tick = () => { screenProbe.frames += 1; requestAnimationFrame(tick); };
requestAnimationFrame(tick);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=1_500, help="updates a second")
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as name:
        data = str(Path(name) / "data")
        token = subprocess.check_output(
            [*ANDAMAN, "token", "administrator", "--data", data], text=True
        ).split()[-1]
        flags = ["--port", str(port), "--pack", "phuket", "--no-feeds", "--no-unit-simulator"]
        server = subprocess.Popen([*ANDAMAN, "serve", "--data", data, *flags], stderr=subprocess.DEVNULL)
        stop = threading.Event()
        try:
            client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}", "Link": CONTEXT})
            _wait(client)
            _batches(client, [_vehicle(n) for n in range(options.objects)])
            mover = threading.Thread(target=_move, args=(client, options.objects, options.rate, stop))
            mover.start()
            print(
                json.dumps(
                    _look(url, token, options.seconds) | {"objects": options.objects, "rate": options.rate},
                    indent=1,
                )
            )
        finally:
            stop.set()
            server.terminate()
            server.wait(30)


def _wait(client: httpx.Client) -> None:
    for _ in range(300):
        try:
            if client.get("/api/health").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server did not answer")


def _vehicle(n: int) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Vehicle:measure-{n}",
        "type": "Vehicle",
        "origin": {"type": "Property", "value": "simulated"},
        "speed": {"type": "Property", "value": random.randrange(80), "unitCode": "KMH"},
        "bearing": {"type": "Property", "value": random.randrange(360)},
        "location": {
            "type": "GeoProperty",
            "value": {
                "type": "Point",
                "coordinates": [98.28 + random.random() * 0.15, 7.78 + random.random() * 0.4],
            },
        },
    }


def _batches(client: httpx.Client, entities: list[dict[str, Any]]) -> None:
    for start in range(0, len(entities), 1000):
        client.post(
            "/ngsi-ld/v1/entityOperations/upsert?options=update",
            json=entities[start : start + 1000],
            timeout=60,
        ).raise_for_status()


def _move(client: httpx.Client, objects: int, rate: int, stop: threading.Event) -> None:
    share = max(1, rate // 10)
    due = time.monotonic()
    while not stop.is_set():
        _batches(client, [_vehicle(n) for n in random.sample(range(objects), min(objects, share))])
        due += 0.1
        stop.wait(max(0, due - time.monotonic()))


def _look(url: str, token: str, seconds: float) -> dict[str, Any]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=os.environ.get("ANDAMAN_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, extra_http_headers={"Authorization": f"Bearer {token}"}
        )
        context.add_init_script(PROBE)
        page = context.new_page()
        page.goto(url + "/")
        page.wait_for_timeout(8000)
        wire = context.new_cdp_session(page)
        wire.send("Performance.enable", {"timeDomain": "timeTicks"})
        before, frames, begin = _metrics(wire), page.evaluate("({...screenProbe})"), time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        took = time.monotonic() - begin
        after, last = _metrics(wire), page.evaluate("({...screenProbe})")
        browser.close()
    spent = {
        key: (after[key] - before[key]) / took for key in ("TaskDuration", "ScriptDuration", "LayoutDuration")
    }
    return {
        "main thread busy %": round(100 * spent["TaskDuration"], 1),
        "of it script %": round(100 * spent["ScriptDuration"], 1),
        "layout %": round(100 * spent["LayoutDuration"], 1),
        "long tasks (> 50 ms)": last["long"] - frames["long"],
        "longest task since start ms": last["longest"],
        "frames a second": round((last["frames"] - frames["frames"]) / took, 1),
        "script heap MB": round(after["JSHeapUsedSize"] / 1e6, 1),
    }


def _metrics(wire: Any) -> dict[str, float]:
    return {one["name"]: one["value"] for one in wire.send("Performance.getMetrics")["metrics"]}


if __name__ == "__main__":
    main()
