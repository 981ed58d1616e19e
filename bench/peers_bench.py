"""What brokers are compared by: single creates, updates, batches of 100, number and geo queries, at 10,000 entities.

The targets are five times what the best open broker reached that was measured in the mode that stores durably and keeps
history, on two cores: create 716/s, update 2,082/s, batches of 100 15/s, last ten values 1,402/s (of that one twice as many are asked for);
without history q 41/s and near 28/s.

With ``ANDAMAN_BENCH_PEER=PORT`` another broker that listens on that port of this machine, empty, is measured in the
same run, and the ratios are printed. It must be started by hand in its durable mode.
"""

from __future__ import annotations

import os
import time

from bench.common import Row, directory, row, server
from bench.write_load import load

PORT = 9141
TIMES = 5
FIGURES = {
    "create of one entity of 1 KB, 64 connections": 716.0,
    "durable PATCH of one attribute, 64 connections": 2_082.0,
    "batch of 100 new entities, 4 connections": 15.0,
    "type + two numbers, first 20, 16 connections": 41.0,
    "type + within 2 km, first 20, 16 connections": 28.0,
    "last 10 values of an attribute, 16 connections": 1_402.0,
}
LESS = {"last 10 values of an attribute, 16 connections": 2}


def run(quick: bool = False) -> list[Row]:
    seconds = 3.0 if quick else 8.0
    with directory() as data, server(data, PORT):
        ours = measure(PORT, seconds)
    peer = os.environ.get("ANDAMAN_BENCH_PEER")
    theirs = measure(int(peer), seconds) if peer else FIGURES
    rows: list[Row] = []
    for name, value in ours.items():
        rows.append(row(name, value, "/s", f">= {theirs[name] * LESS.get(name, TIMES):.0f}"))
        rows.append(
            row("… times the other broker" if peer else "… times the figure", value / theirs[name], "×")
        )
    return rows


def measure(port: int, seconds: float) -> dict[str, float]:
    """Requests a second, by what is measured; the broker behind ``port`` must be empty."""
    count = 10_000
    create = load(port, 64, 120, "creates", first=0, count=count, seed=1)
    patch = load(port, 64, seconds, "patches", count=count, seed=3)
    number = load(port, 16, seconds, "numbers", seed=4)
    circle = load(port, 16, seconds, "circles", seed=5)
    batch = load(port, 4, 120, "batches", first=count, count=count, size=100, seed=2)
    time.sleep(20)  # some brokers write their history behind
    last = load(port, 16, seconds, "latest", count=count, seed=6)
    values = (create["rate"], patch["rate"], batch["rate"], number["rate"], circle["rate"], last["rate"])
    return dict(zip(FIGURES, values, strict=True))
