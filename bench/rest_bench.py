"""The demo at rest: memory of the server and its historian together, and the share of a core, with and without feeds.

Memory is the proportional set size (shared pages counted once). "At rest" begins when the first computations are done (indicators,
critical links, the roadmap's samples): until then the demo is at work, once in the life of a data directory.
"""

from __future__ import annotations

import time

import httpx
import psutil

from bench.common import Row, directory, row, server

PORT = 9141
WATCHED_S = 30.0


def run(quick: bool = False) -> list[Row]:
    """Some five minutes, most of them waiting for the roadmap's samples; quick: measures as it is after a minute."""
    rows: list[Row] = []
    with directory() as data:
        demo = ["--pack", "phuket", "--feeds", "--feed-speed", "60", "--unit-simulator"]
        with server(data, PORT, *demo) as running:
            _settle(60 if quick else 900)
            memory, share = _watch(running.process.pid)
            rows.append(row("memory of the demo at rest", memory, "MB", "< 400"))
            rows.append(row("share of a core with the feeds running", share, "%"))
        with server(data, PORT, "--pack", "phuket", "--unit-simulator") as running:
            _settle(60)
            memory, share = _watch(running.process.pid)
            rows.append(row("share of a core without the feeds", share, "%", "< 5"))
            rows.append(row("memory without the feeds, second start", memory, "MB"))
    return rows


def _settle(limit_s: float) -> None:
    """Until the roadmap's robustness is computed and nothing has been busy for a while."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        found = httpx.get(f"http://127.0.0.1:{PORT}/api/roadmap/portfolio", timeout=60)
        if found.is_success and (found.json().get("robustness") or {}).get("status") == "done":
            break
        time.sleep(2)
    time.sleep(20)


def _watch(pid: int) -> tuple[float, float]:
    """(MB, percent of a core) of a process and its children over ``WATCHED_S``."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    before = sum(sum(p.cpu_times()[:2]) for p in family)
    time.sleep(WATCHED_S)
    spent = sum(sum(p.cpu_times()[:2]) for p in family) - before
    memory = sum(p.memory_full_info().pss for p in family)
    return memory / 1e6, 100 * spent / WATCHED_S
