"""The broker through its HTTP door: batch upsert, durable PATCH, GET and a geo query, small and large, and start-up.

Every write is durable (committed and synced) before its answer, and history is on. Run: python -m bench write.
"""

from __future__ import annotations

import time

from bench.common import Row, directory, row, server
from bench.write_load import load

PORT = 9140


def run(quick: bool = False) -> list[Row]:
    """10,000 entities, then 1,000,000 (100,000 when quick)."""
    rows: list[Row] = []
    seconds = 4.0 if quick else 10.0
    large = 100_000 if quick else 1_000_000
    with directory() as data, server(data, PORT):
        filled = load(PORT, 4, 600, "batches", first=0, count=50_000, size=1_000, seed=1)
        rows.append(
            row("batch upsert of 1,000 × 1 KB, new, 4 connections", filled["rate"] * 1000, "/s", ">= 12000")
        )
    with directory() as data, server(data, PORT):
        load(PORT, 4, 600, "batches", first=0, count=10_000, size=1_000, seed=1)
        again = load(PORT, 4, 600, "batches", first=0, count=10_000, size=1_000, seed=2)
        rows.append(row("batch upsert of 1,000 × 1 KB, existing", again["rate"] * 1000, "/s"))
        patch = load(PORT, 64, seconds, "patches", count=10_000, seed=3)
        rows.append(row("durable PATCH of one attribute, 64 connections", patch["rate"], "/s", ">= 8000"))
        rows.append(row("… p50", patch["p50"], "ms"))
        rows.append(row("… p99", patch["p99"], "ms", "< 25"))
        rows.append(row("… max", patch["max"], "ms"))
        get = load(PORT, 64, seconds, "gets", count=10_000, seed=4)
        rows.append(row("GET by id, 64 connections", get["rate"], "/s", ">= 10000"))
        rows.append(row("… p99", get["p99"], "ms"))
    with directory() as data:
        with server(data, PORT) as running:
            filled = load(PORT, 4, 3600, "batches", first=0, count=large, size=1_000, seed=5)
            rows.append(row(f"batch upsert of 1,000 × 1 KB until {large:,}", filled["rate"] * 1000, "/s"))
            many = load(PORT, 64, seconds, "patches", count=large, seed=6)
            half = f">= {patch['rate'] / 2:.0f}"
            rows.append(row(f"durable PATCH among {large:,}", many["rate"], "/s", half))
            rows.append(row("… p99", many["p99"], "ms"))
            query = load(PORT, 1, 60, "near", repeat=200, seed=7)
            rows.append(
                row(
                    "type + number + within 5 km + first 100, p95, while history catches up",
                    query["p95"],
                    "ms",
                )
            )
            rows.append(row(f"server memory with {large:,}", running.memory_mb(), "MB"))
        with server(data, PORT) as running:
            rows.append(row(f"start-up with {large:,} until it answers", running.ready_s, "s", "< 10"))
            time.sleep(5.0 if quick else 60.0)  # history takes what is left of the million
            query = load(PORT, 1, 60, "near", repeat=400, seed=7)
            rows.append(row(f"type + number + within 5 km + first 100 of {large:,}, p50", query["p50"], "ms"))
            rows.append(row("… p95", query["p95"], "ms", "< 10"))
    return rows
