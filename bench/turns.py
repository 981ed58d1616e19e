"""Compare this tree with another checkout, benchmark by benchmark, in alternating runs on the same machine.

python -m bench.turns --other DIR [--rounds 5] [--full] [NAME …]

Each round runs every named benchmark once in each tree, and the order changes with the round, so that a machine whose
speed drifts slows both. The table gives the median of each row on both sides and the median of the rounds' ratios, turned
so that above 1 means this tree is better: faster for rates, shorter for times, less for memory and CPU. Each tree runs its
own benchmark code and its own compiled modules; rows that only one side has are listed without a ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from bench.__main__ import names

HERE = Path(__file__).resolve().parents[1]
SKIPPED = frozenset({"peers", "history_large"})
"""Need another broker or many minutes: named explicitly they run."""
Values = dict[str, tuple[float, str]]


def measured(tree: Path, name: str, full: bool) -> Values:
    """The rows of one run of one benchmark in ``tree``: value and unit by name; empty when it failed."""
    with tempfile.TemporaryDirectory(prefix="turns-", dir=_scratch()) as place:
        env = os.environ | {"PYTHONPATH": str(tree / "src"), "ANDAMAN_BENCH_DIR": place}
        command = [sys.executable, "-m", "bench", *([] if full else ["--quick"]), name]
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)
        try:
            rows = orjson.loads((Path(place) / "results.json").read_bytes())["results"][name]["rows"]
        except (OSError, KeyError):
            print(f"{tree}: {name} failed\n{done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
            return {}
    return {one["name"]: (one["value"], one["unit"]) for one in _named(rows)}


def _named(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows that begin with "…" go on from the row before them; their names are made whole, so that they are unique."""
    head, found = "", []
    for one in rows:
        name = str(one["name"])
        if name.startswith("…"):
            name = f"{head} {name}"
        else:
            head = name
        found.append({**one, "name": name})
    return found


def _scratch() -> Path:
    path = Path(os.environ.get("ANDAMAN_BENCH_DIR", HERE / "bench" / "out"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def ratio(now: float, before: float, unit: str) -> float:
    """Above 1 where ``now`` is better: more of what is counted per second, less of anything else."""
    if not now or not before:
        return float("nan")
    return now / before if unit.endswith("/s") or unit.startswith("fps") else before / now


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="benchmarks; all quick ones without")
    parser.add_argument("--other", type=Path, required=True, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="as large as `python -m bench`, not --quick")
    chosen = parser.parse_args()
    trees = {"before": chosen.other.resolve(), "now": HERE}
    summary = []
    for name in chosen.name or [one for one in names() if one not in SKIPPED]:
        began = time.perf_counter()
        found: dict[str, list[Values]] = {"before": [], "now": []}
        for turn in range(chosen.rounds):
            for side in ("before", "now") if turn % 2 == 0 else ("now", "before"):
                found[side].append(measured(trees[side], name, chosen.full))
        print(f"\n{name} ({time.perf_counter() - began:.0f} s)", flush=True)
        summary += table(name, found)
    out = _scratch() / "turns.json"
    out.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    worse = [f"{one['name']} {one['ratio']:.2f}" for one in summary if one["ratio"] < 0.97]
    print(f"\nWritten to {out}. Below 0.97: {'; '.join(worse) or 'none'}")
    return 0


def table(name: str, found: dict[str, list[Values]]) -> list[dict[str, object]]:
    """Print a row a figure; return them as data."""
    rows = []
    keys = dict.fromkeys(key for values in (*found["now"], *found["before"]) for key in values)
    for key in keys:
        pairs = [
            (b[key], n[key])
            for b, n in zip(found["before"], found["now"], strict=True)
            if key in b and key in n
        ]
        if not pairs:
            print(f"  {key}: on one side only")
            continue
        unit = pairs[0][0][1]
        before, now = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
        ratios = [ratio(n[0], b[0], unit) for b, n in pairs]
        middle = statistics.median(ratios)
        print(
            f"  {key:<76} {before:>12,.3f} {now:>12,.3f} {unit:<5} {middle:>6.2f}  ({min(ratios):.2f}-{max(ratios):.2f})",
            flush=True,
        )
        rows.append(
            {
                "bench": name,
                "name": key,
                "unit": unit,
                "before": before,
                "now": now,
                "ratio": middle,
                "ratios": ratios,
            }
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
