"""The time of receipt as the time of observation: each reading has one of its own."""

from __future__ import annotations

from typing import Final

from andaman.kernel.time import SECOND, Clock, Micros

STEP_BACK: Final = 10 * SECOND


class Stamps:
    """Moments that strictly rise, however many are asked for within one microsecond.

    A clock that is set back a little is waited for: moments go on by microseconds. One that is set back by more than
    ``STEP_BACK`` was wrong before, and is followed.
    """

    def __init__(self, clock: Clock, after: Micros = 0) -> None:
        """``after``: the last stored time; no moment is before it, as far as the clock allows."""
        self._clock = clock
        self._last = after
        self._read = after  # the newest that the clock said

    def next(self, width: int = 1) -> Micros:
        """A moment; it and the ``width - 1`` microseconds behind it are given to nobody else."""
        now = self._clock()
        if now < self._read - STEP_BACK:
            self._last = self._read = 0
        self._read = max(self._read, now)
        first = max(now, self._last + 1)
        self._last = first + width - 1
        return first
