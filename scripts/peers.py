"""``make peers``: compare the platform with others that do the same: libraries, published figures, the ETSI suite, a broker.

Each peer is compared by a command of its own, in this order. A peer that is not on this machine is skipped, with the reason.
The exit code is 1 if one disagrees.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SHARED: Final = ROOT.parent / "shared"
"""Files of others that are not part of the repository."""


@dataclass(frozen=True, slots=True)
class Peer:
    """``missing``: the reason to skip it; "" where it is there."""

    name: str
    compared: str
    command: Sequence[str]
    missing: Callable[[], str]


def tests(*paths: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths]


def library(module: str) -> Callable[[], str]:
    return lambda: "" if importlib.util.find_spec(module) else f"the package {module} is not installed"


def file(path: str) -> Callable[[], str]:
    return lambda: "" if (SHARED / path).exists() else f"there is no file {SHARED / path}"


def program(name: str) -> Callable[[], str]:
    def missing() -> str:
        there = shutil.which(name) or (Path("/usr/sbin") / name).exists()
        return "" if there else f"{name} is not installed"

    return missing


def suite() -> str:
    given = os.environ.get("SUITE", "")
    if not given:
        return "SUITE is not given; make peers SUITE=/path/to/ngsi-ld-test-suite"
    return "" if Path(given).is_dir() else f"there is no folder {given}"


def broker() -> str:
    given = os.environ.get("ANDAMAN_BENCH_PEER", "")
    return (
        "" if given else "ANDAMAN_BENCH_PEER is not given: the port of another broker, empty, on this machine"
    )


def peers() -> list[Peer]:
    """All peers there are."""
    conformance = [sys.executable, "scripts/conformance.py", "--suite", os.environ.get("SUITE", "")]
    return [
        Peer(
            "pyld",
            "JSON-LD contexts, terms and expanded entities",
            tests("tests/broker/contexts/test_process.py", "tests/broker/entity/test_expand.py"),
            library("pyld"),
        ),
        Peer("shapely", "geometry", tests("tests/kernel/test_geometry.py"), library("shapely")),
        Peer("mapbox-vector-tile", "vector tiles", tests("tests/doors/tiles"), library("mapbox_vector_tile")),
        Peer("mosquitto", "MQTT", tests("tests/ingest/test_mqtt.py"), program("mosquitto")),
        Peer(
            "ns-3",
            "path loss of TR 38.901",
            tests("tests/assessment/test_radio.py"),
            file("data/assessment/3gpp/tr38901_pathloss_vectors.json"),
        ),
        Peer(
            "tide-predictor",
            "predicted sea level",
            tests("tests/ingest/test_tide.py"),
            file("data/phuket/ocean/ko_taphao_noi_tide_predicted_hourly_2024_2028.csv"),
        ),
        Peer(
            "road-graph",
            "distances on the road network of Phuket",
            tests("tests/kernel/test_network.py"),
            file("data/phuket/osm/phuket_road_graph_edges.csv"),
        ),
        Peer(
            "ngsi-ld-test-suite",
            "conformance with NGSI-LD",
            [
                *conformance,
                "--out",
                os.environ.get("CONFORMANCE_OUT", "conformance"),
                "--jobs",
                os.environ.get("JOBS", "1"),
            ],
            suite,
        ),
        Peer("broker", "the same loads on another broker", [sys.executable, "-m", "bench", "peers"], broker),
    ]


def main(argv: Sequence[str] | None = None, known: Sequence[Peer] | None = None) -> int:
    known = peers() if known is None else known
    parser = argparse.ArgumentParser(prog="python scripts/peers.py", description=__doc__)
    parser.add_argument(
        "name", nargs="*", help=f"which: {', '.join(one.name for one in known)}; all without one"
    )
    wanted = parser.parse_args(argv).name
    if unknown := set(wanted) - {one.name for one in known}:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    lines, failed = [], False
    for one in known:
        if wanted and one.name not in wanted:
            continue
        if reason := one.missing():
            lines.append(f"skipped   {one.name}: {reason}")
            continue
        print(f"\n{one.name}: {one.compared}", flush=True)
        begun = time.monotonic()
        agrees = subprocess.run(one.command, cwd=ROOT, check=False).returncode == 0
        failed |= not agrees
        word = "agrees" if agrees else "DISAGREES"
        lines.append(f"{word:9} {one.name}: {one.compared} ({time.monotonic() - begun:.0f} s)")
    print("\n" + "\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
