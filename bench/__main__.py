"""``make bench``: run every benchmark, print one table, write it with the machine's description as JSON.

python -m bench [--quick] [NAME …]      NAME as in bench/NAME_bench.py; all without one
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

import orjson

from bench.common import Row, machine, met, workplace

HERE = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.name.removesuffix("_bench.py") for path in HERE.glob("*_bench.py"))


def show(one: Row) -> str:
    mark = {True: "✓", False: "✗", None: " "}[met(one)]
    value = f"{one['value']:,.0f}" if abs(one["value"]) >= 100 else f"{one['value']:,.3g}"
    return f"  {mark} {one['name']:<68} {value:>12} {one['unit']:<5} {one['target']}"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmarks, as a table and as JSON."
    )
    parser.add_argument("name", nargs="*", help=f"which: {', '.join(names())}; all without one")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, for a first look")
    arguments = parser.parse_args()
    unknown = set(arguments.name) - set(names())
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    about = machine()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    results, failed = {}, []
    for name in arguments.name or names():
        print(f"\n{name}", flush=True)
        start = time.perf_counter()
        try:
            rows = importlib.import_module(f"bench.{name}_bench").run(arguments.quick)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        for one in rows:
            print(show(one), flush=True)
        results[name] = {
            "rows": [{**one, "met": met(one)} for one in rows],
            "seconds": time.perf_counter() - start,
        }
    path = workplace() / "results.json"
    content = {
        "machine": about,
        "quick": arguments.quick,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    path.write_bytes(orjson.dumps({**content, "results": results}, option=orjson.OPT_INDENT_2))
    print(f"\nWritten to {path}")
    missed = [one["name"] for group in results.values() for one in group["rows"] if one["met"] is False]
    if missed:
        print(f"Targets not met: {'; '.join(missed)}")
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
