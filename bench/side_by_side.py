"""Two checkouts' servers up at once, asked in turns by short bursts: what a change costs the hot paths, in minutes.

python -m bench.side_by_side --other DIR [--rounds 5] [--seconds 1.5]

Both servers hold the same 10,000 entities. Each round sends every kind of burst to one server and then to the other, and
the order changes with the round. The figure is the median of the rounds' ratios: above 1, this tree is faster. Each tree
runs its own code (compiled where it has been compiled); the load generator is this tree's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench.common import Server, directory, server
from bench.write_load import load

HERE = Path(__file__).resolve().parents[1]
PORTS = {"before": 9150, "now": 9151}
COUNT = 10_000
BURSTS: tuple[tuple[str, int, str, dict[str, Any], str], ...] = (
    ("PATCH, 64 connections", 64, "patches", {"count": COUNT}, "rate"),
    ("PATCH, 1 connection", 1, "patches", {"count": COUNT}, "rate"),
    ("GET by id, 64 connections", 64, "gets", {"count": COUNT}, "rate"),
    ("batch upsert of 1,000, existing", 4, "batches", {"first": 0, "count": 4_000, "size": 1_000}, "rate"),
    ("type + number + within 5 km", 1, "near", {"repeat": 100}, "rate"),
)


@contextlib.contextmanager
def running(tree: Path, port: int) -> Iterator[Server]:
    """A server with the code of ``tree``, filled."""
    kept = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(tree / "src")
    try:
        with directory() as data, server(data, port) as one:
            os.environ["PYTHONPATH"] = str(HERE / "src")
            load(port, 4, 600, "batches", first=0, count=COUNT, size=1_000, seed=1)
            yield one
    finally:
        os.environ.pop("PYTHONPATH") if kept is None else os.environ.update(PYTHONPATH=kept)


def cpu_s(one: Server) -> float:
    """Processor seconds that the server's process has taken; steadier than the clock on a busy machine."""
    times = psutil.Process(one.process.pid).cpu_times()
    return float(times.user + times.system)


def _shown(values: dict[str, list[float]], unit: str) -> str:
    """Medians of both sides, and the median, least and greatest ratio of the rounds; above 1, this tree is better."""
    pairs = list(zip(values["before"], values["now"], strict=True))
    ratios = [n / b if unit == "/s" else b / n for b, n in pairs]
    left, right = (statistics.median(one[side] for one in pairs) for side in (0, 1))
    spread = f"({min(ratios):.2f}-{max(ratios):.2f})"
    return f"{left:>9,.0f} {right:>9,.0f} {unit} {statistics.median(ratios):.2f} {spread}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.side_by_side", description="Two checkouts in turns."
    )
    parser.add_argument("--other", type=Path, required=True, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of a burst")
    chosen = parser.parse_args()
    with running(chosen.other.resolve(), PORTS["before"]) as before, running(HERE, PORTS["now"]) as now:
        servers = {"before": before, "now": now}
        for name, connections, maker, members, figure in BURSTS:
            rates: dict[str, list[float]] = {"before": [], "now": []}
            costs: dict[str, list[float]] = {"before": [], "now": []}
            for turn in range(chosen.rounds):
                for side in ("before", "now") if turn % 2 == 0 else ("now", "before"):
                    spent = cpu_s(servers[side])
                    done = load(PORTS[side], connections, chosen.seconds, maker, **members, seed=turn)
                    rates[side].append(done[figure])
                    costs[side].append((cpu_s(servers[side]) - spent) / done["count"] * 1e6)
            print(f"{name:<34} {_shown(rates, '/s')}   {_shown(costs, 'us CPU')}", flush=True)
        print(f"{'resident memory':<34} {before.memory_mb():>9,.0f} {now.memory_mb():>9,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
