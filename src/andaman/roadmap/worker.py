"""A process for what needs a core: ``python -m andaman.roadmap.worker``, of low priority, one job at a time.

Jobs and answers are pickles on its standard input and output, each after its length. A thread waits for the end of the
input, also during a job, and ends the process: it never outlives the platform, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

_LENGTH: Final = struct.Struct(">Q")
_IDLE_S: Final = 120.0
"""From the last job to the end of the process: its libraries take 100 MB."""


class WorkerEnded(Exception):
    """The process ended during a job."""


class JobFailed(Exception):
    """The job raised an exception; its text."""


class Worker:
    """Starts the process with the first job, and again when it ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def run(self, job: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a function of a module of ours. A cancelled job ends the process."""
        async with self._one_at_a_time:
            if self._idle is not None:
                self._idle.cancel()
            process = await self._started()
            try:
                ok, answer = await _ask(process, (job, arguments))
            except asyncio.IncompleteReadError as error:
                await self._end()
                raise WorkerEnded(job.__name__) from error
            except BaseException:
                await self._end()
                raise
            self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self._end_soon)
        if not ok:
            raise JobFailed(answer)
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "andaman.roadmap.worker", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, limit=1 << 20,
            )  # fmt: skip
        return self._process

    def _end_soon(self) -> None:
        process, self._process = self._process, None  # a job that comes now gets another one
        if process is not None and process.stdin is not None:
            process.stdin.close()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def stop(self) -> None:
        """End the process; nobody waits for a job any more."""
        if self._idle is not None:
            self._idle.cancel()
        await self._end()


async def _ask(process: asyncio.subprocess.Process, job: object) -> tuple[bool, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    body = pickle.dumps(job)
    process.stdin.write(_LENGTH.pack(len(body)) + body)
    with contextlib.suppress(ConnectionError):  # then the answer ends early too
        await process.stdin.drain()
    (size,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    answer: tuple[bool, Any] = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 (of our own process)
    return answer


def _read(jobs: queue.SimpleQueue[bytes]) -> None:
    """Until the input ends, which is also when the platform was killed. Nobody waits for the answer then."""
    while len(head := sys.stdin.buffer.read(_LENGTH.size)) == _LENGTH.size:
        jobs.put(sys.stdin.buffer.read(_LENGTH.unpack(head)[0]))
    os._exit(0)


def main() -> None:
    os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the platform, which then ends this
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), name="jobs", daemon=True).start()
    while True:
        job, arguments = pickle.loads(jobs.get())  # noqa: S301 (of our own parent)
        try:
            answer = (True, job(*arguments))
        except Exception as error:
            answer = (False, f"{type(error).__name__}: {error}")
        body = pickle.dumps(answer)
        answers.write(_LENGTH.pack(len(body)) + body)
        answers.flush()


if __name__ == "__main__":
    main()
