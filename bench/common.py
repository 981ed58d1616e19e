"""What every benchmark shares: rows and their targets, the machine's description, a server to measure, percentiles.

A benchmark is a module ``bench/*_bench.py`` with ``run(quick: bool) -> list[Row]``.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import platform
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

Row = dict[str, Any]
"""``name``, ``value``, ``unit``, ``target`` (such as "< 10" or ">= 8000"; "" for none)."""
_TARGET = re.compile(r"(<=|>=|<|>)\s*([\d.,]+)")


def row(name: str, value: float, unit: str, target: str = "") -> Row:
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target}


def met(one: Row) -> bool | None:
    """Whether the value reaches its target; None without one."""
    match = _TARGET.match(one["target"])
    if match is None:
        return None
    sign, limit = match[1], float(match[2].replace(",", ""))
    value = float(one["value"])
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[sign]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 … 100) percent of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] if ordered else float("nan")


def machine() -> dict[str, Any]:
    """What was measured on: figures mean nothing without it."""
    model = platform.processor()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "fdatasync_ms": round(_sync_time_ms(), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _sync_time_ms() -> float:
    """Median time of appending 4 KB and syncing it, where benchmarks keep their data."""
    times = []
    with tempfile.NamedTemporaryFile(dir=workplace()) as file:
        for _ in range(50):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1000)
    return percentile(times, 50)


def workplace() -> Path:
    """Where benchmarks keep data: ``ANDAMAN_BENCH_DIR``, or ``bench/out`` (a real disk, unlike many /tmp)."""
    path = Path(os.environ.get("ANDAMAN_BENCH_DIR", Path(__file__).parent / "out"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A fresh data directory, removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="data-", dir=workplace()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _as_installed() -> dict[str, str]:
    """The environment, with bytecode kept between starts, as an installed package has it."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(workplace() / "bytecode")}


class Server:
    """``andaman serve --no-auth`` on a data directory, as a process of its own."""

    def __init__(self, data: Path, port: int, *more: str) -> None:
        self.port = port
        self.started = time.perf_counter()
        self.ready_s = 0.0  # from start to first answer
        self._log = (data.parent / f"{data.name}.log").open("wb")
        self.process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("andaman")),
                *("serve", "--no-auth", "--no-feeds", "--data", str(data), "--port", str(port)),
                *more,
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_as_installed(),
        )

    def wait_ready(self, limit_s: float = 120) -> float:
        """Wait until it answers NGSI-LD; returns the seconds since the process was started."""
        while time.perf_counter() - self.started < limit_s:
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended with {self.process.returncode}; see {self._log.name}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/ngsi-ld/v1/types")
                status = connection.getresponse().status
                connection.close()
                if status == 200:
                    return time.perf_counter() - self.started
            time.sleep(0.02)
        raise RuntimeError("The server did not answer in time")

    def memory_mb(self) -> float:
        """Resident memory of the server process."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def log_tail(self, characters: int = 2_000) -> str:
        """The end of what the server has logged."""
        return Path(self._log.name).read_text(errors="replace")[-characters:]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
        Path(self._log.name).unlink(missing_ok=True)


@contextlib.contextmanager
def server(data: Path, port: int = 9140, *more: str) -> Iterator[Server]:
    """A running, answering server."""
    one = Server(data, port, *more)
    try:
        one.ready_s = one.wait_ready()
        yield one
    finally:
        one.stop()
