"""Makes the C library's allocator give memory back: settings at the start of a process, later also the gaps between
blocks in use.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

# mallopt(3); the numbers are glibc's.
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 128 * 1024
_STEP: Final = 1 << 20
_SLACK: Final = 4 << 20
_EVERY_S: Final = 10.0
_GROWN: Final = 24 << 20


def give_memory_back() -> None:
    """Large blocks go back to the system when they are freed, and all threads share one arena.

    By itself glibc raises both thresholds to the largest block that was ever freed, so that after one large computation
    (a coverage grid, a batch of a thousand entities) nothing below 32 MB goes back any more; measured with the Phuket
    pack: 207 MB in place of 260. A second arena would grow page by page, one system call each (a fifth of a batch's
    time); the first one grows and shrinks in steps of ``_STEP`` and ``_SLACK``. Does nothing where the C library is another.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in (
            (_M_ARENA_MAX, 1),
            (_M_MMAP_THRESHOLD, _LARGE),
            (_M_TRIM_THRESHOLD, _SLACK),
            (_M_TOP_PAD, _STEP),
        ):
            mallopt(option, value)


def keep_memory_low(first: Callable[[], None] = lambda: None) -> None:
    """Start a thread: when the process has grown much, it calls ``first``, then gives back the free memory between
    blocks that are in use.

    By itself the C library gives back only what lies above the last block in use. It is looked at every ``_EVERY_S``; where the process has
    ``_GROWN`` more than after the last time, its heap is gone through, for which allocations wait some milliseconds. ``first`` frees
    what it can (``collecting_on``); RuntimeError from it means that there is nothing more to do, and ends the thread.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return

    def watch() -> None:
        least = resident_bytes()
        wait = threading.Event()
        while not wait.wait(_EVERY_S):
            now = resident_bytes()
            if now > least + _GROWN:
                try:
                    first()
                except RuntimeError:
                    return
                trim(0)
                least = resident_bytes()
            else:
                least = min(least, now)

    threading.Thread(target=watch, name="memory", daemon=True).start()


def collecting_on(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """To be called from another thread: frees recent reference cycles on the loop's thread, and waits for it.

    A connection that ends in the middle of something leaves one: its task's exception holds the frames, which hold the
    task, and with them whatever it was sending. The interpreter searches for those after so many allocations that this may be
    hours later (``Broker.start``). Only objects made since the last search are looked at, not the city. On the loop's thread,
    because what is freed may be a handle of the loop.
    """

    def collect() -> None:
        done = threading.Event()

        def search() -> None:
            gc.collect(1)
            done.set()

        loop.call_soon_threadsafe(search)
        done.wait(_EVERY_S)

    return collect


def resident_bytes() -> int:
    """Memory of this process; 0 if the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
