"""The roadmap's process ends with the platform, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import asyncio, time
from andaman.roadmap.worker import Worker

async def main():
    worker = Worker()
    await worker.run(int, "1")
    print(worker._process.pid, flush=True)
    await worker.run(time.sleep, 600)

asyncio.run(main())
"""


def is_running(pid: int) -> bool:
    """A process that ended and waits for its parent does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_ends_with_a_platform_that_was_killed_during_a_job() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.5)  # the long job has begun
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < until, "it computes on for nobody"
        time.sleep(0.05)
