"""The C library's allocator, told to give memory back. Called once at the start of a process."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

# mallopt(3); the numbers are glibc's.
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE: Final = 128 * 1024
_STEP: Final = 1 << 20
_SLACK: Final = 4 << 20


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
