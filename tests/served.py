"""A platform as it is served, in a process of its own, with what that process and its historian have in memory."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ANDAMAN = [sys.executable, "-c", "import sys; from andaman.cli import main; sys.exit(main())"]
PAGE = os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """Spoken to over one connection. ``peak_mb`` and ``historian_mb``: the most that was ever seen of them."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.peak_mb = self.historian_mb = 0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        self._http: http.client.HTTPConnection | None = None

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            pid = self.process.pid
            self.peak_mb = max(self.peak_mb, resident_mb(pid))
            for child in _children(pid):
                self.historian_mb = max(self.historian_mb, resident_mb(child))

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, JSON or None, headers)."""
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = None if body is None else json.dumps(body)
        self._http.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
        answer = self._http.getresponse()
        raw = answer.read()
        found = dict(answer.getheaders())
        told = json.loads(raw) if raw and "json" in found.get("content-type", "") else None
        return answer.status, told, found

    def metric(self, name: str) -> float:
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._http.request("GET", "/metrics")
        text = self._http.getresponse().read().decode()
        found = re.search(rf"^{name} (\S+)$", text, re.M)
        return float(found[1]) if found else -1.0

    def wait_for_history(self, limit_s: float) -> None:
        """Until history has all that was written."""
        until = time.monotonic() + limit_s
        while self.metric("andaman_history_lag_events") != 0:
            assert time.monotonic() < until, "history does not get on"
            time.sleep(0.2)

    def stop(self) -> None:
        self._over.set()
        self._watcher.join()
        if self._http is not None:
            self._http.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextmanager
def served(directory: Path, **settings: Any) -> Iterator[Served]:
    """``andaman serve`` on ``directory``, without sign-in and rooms above the broker."""
    port = free_port()
    environ = {
        **os.environ,
        **{f"ANDAMAN_{name.upper()}": str(value) for name, value in settings.items()},
        "ANDAMAN_MIN_FREE_MB": "0",
    }
    process = subprocess.Popen(
        [
            *ANDAMAN, "serve", "--data", str(directory), "--port", str(port),
            "--no-auth", "--broker-only",
        ],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=(directory.parent / f"{directory.name}.log").open("ab"),
    )  # fmt: skip
    found = Served(process, port)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "the platform ended"
                assert time.monotonic() < until, "the platform does not start"
                time.sleep(0.1)
        yield found
    finally:
        found.stop()


def resident_mb(pid: int) -> int:
    """Memory of a process; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE >> 20
    except (OSError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
