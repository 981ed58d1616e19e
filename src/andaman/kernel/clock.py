"""Is the machine's clock to be trusted? Judged before it stamps anything: by what was stamped last, and by the kernel."""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from andaman.kernel.metrics import Family, gauge
from andaman.kernel.time import DAY, HOUR, SECOND, Clock, Micros, format_time, system_clock

log = logging.getLogger(__name__)
AHEAD: Final = 7 * DAY
"""A clock so far ahead of the last commit is wrong, or the platform was off for so long."""
BEHIND: Final = SECOND
"""What a clock that is being steered may be behind."""
OLDEST: Final = 1_700_000_000 * SECOND
"""November 2023: no clock of a machine that runs this is right before that."""
_TIME_ERROR: Final = 5
_STA_UNSYNC: Final = 0x40
_ASK_EVERY: Final = 10 * SECOND


class Trouble(StrEnum):
    """What a clock may be."""

    BEHIND = "behind"
    AHEAD = "ahead"
    UNSYNCHRONIZED = "unsynchronized"


@dataclass(frozen=True, slots=True)
class Fault:
    """``text`` says what it means and how to mend it."""

    trouble: Trouble
    text: str


class _Timeval(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("micros", ctypes.c_long)]


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux; only ``status`` is read."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", _Timeval),
        ("rest", ctypes.c_char * 256),
    ]


def kernel_synchronized() -> bool | None:
    """What the kernel says of its clock (adjtimex); None where it does not say, as in some containers."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        asked = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return state != _TIME_ERROR and not asked.status & _STA_UNSYNC


def judge(now: Micros, last: Micros, synchronized: bool | None, ahead: Micros = AHEAD) -> Iterator[Fault]:
    """Every fault of a clock that says ``now``, where the last commit is of ``last`` (0: there is none)."""
    if now < last - BEHIND:
        yield Fault(
            Trouble.BEHIND,
            f"The machine's clock says {format_time(now)}, but the last commit is of {format_time(last)}, "
            f"{(last - now) / HOUR:.1f} hours ahead of this machine's clock. Set the clock (NTP); until it catches up, commit "
            "times only tick on by microseconds",
        )
    elif now < OLDEST:
        yield Fault(
            Trouble.BEHIND, f"The machine's clock says {format_time(now)}, which is long past. Set it (NTP)"
        )
    elif last and now > last + ahead:
        yield Fault(
            Trouble.AHEAD,
            f"The machine's clock says {format_time(now)}, {(now - last) / DAY:.1f} days after the last commit of "
            f"{format_time(last)}. That is right only if the platform was off for so long. If the clock is wrong, stop the "
            "platform and set it (NTP) before it writes: commit times never go back",
        )
    if synchronized is False:
        yield Fault(
            Trouble.UNSYNCHRONIZED,
            "No time service keeps this machine's clock right, so recorded times may be off. A trial can go on. Before real "
            "use, start one (NTP, such as chrony or systemd-timesyncd)",
        )


class WatchedClock:
    """A clock that is checked each time before it stamps: a jump since the last check is logged at once.

    It says what the clock says, right or wrong: devices and people are not kept waiting for a time service. What is wrong
    stands in ``faults`` until it is over; a jump ahead is told of for an hour where the kernel calls the clock synchronized, for a day where it does not say.
    """

    def __init__(
        self,
        clock: Clock = system_clock,
        ahead: Micros = AHEAD,
        synchronized: Callable[[], bool | None] | None = None,
    ) -> None:
        """``synchronized``: what the kernel says; asked only where the clock is the machine's own."""
        self._clock = clock
        self._ahead = ahead
        self._ask = synchronized or (kernel_synchronized if clock is system_clock else lambda: None)
        self._last: Micros = 0  # the newest that was said, or that was stamped before the start
        self._jump: Fault | None = None
        self._jumped: Micros = 0
        self._asked: Micros = -_ASK_EVERY
        self._kernel: bool | None = None
        self._told: set[Trouble] = set()

    def begin(self, last_commit: Micros) -> list[Fault]:
        """Check the clock before anything is stamped; faults go to the log."""
        self._last = last_commit
        now = self()
        if not self._jump and last_commit == 0 and now < OLDEST:
            self._note(now, 0)
        return self.faults()

    def __call__(self) -> Micros:
        now: Micros = self._clock()
        last = self._last
        if now < last - BEHIND:
            if self._jump is None or self._jump.trouble is not Trouble.BEHIND:
                self._note(now, last)
            return now  # ``_last`` stays: what was stamped is what the clock has to catch up with
        if last and now > last + self._ahead:
            self._note(now, last)
        if now > last:
            self._last = now
        return now

    def _note(self, now: Micros, last: Micros) -> None:
        for fault in judge(now, last, None, self._ahead):
            self._jump, self._jumped = fault, now
            self._log(fault)

    def _log(self, fault: Fault) -> None:
        if fault.trouble not in self._told:
            self._told.add(fault.trouble)
            # Not synchronized is a duty for later and no error yet: whoever tries the platform reads this line first.
            level = logging.WARNING if fault.trouble is Trouble.UNSYNCHRONIZED else logging.ERROR
            log.log(level, "clock: %s", fault.text)

    def faults(self) -> list[Fault]:
        """The present faults."""
        now = self()
        if abs(now - self._asked) >= _ASK_EVERY:
            self._asked, self._kernel = now, self._ask()
        jump = self._jump
        if jump is not None and (
            (jump.trouble is Trouble.BEHIND and now >= OLDEST and now >= self._last - BEHIND)
            or (
                jump.trouble is Trouble.AHEAD
                and self._kernel is not False
                and now > self._jumped + self._wait()
            )
        ):
            log.warning("clock: no longer %s", jump.trouble.value)
            self._told.discard(jump.trouble)
            self._jump = jump = None
        found = [] if jump is None else [jump]
        if self._kernel is False:
            found += judge(now, now, False)
            self._log(found[-1])
        elif Trouble.UNSYNCHRONIZED in self._told and self._kernel:
            log.warning("clock: a time service keeps it right again")
            self._told.discard(Trouble.UNSYNCHRONIZED)
        return found

    def _wait(self) -> Micros:
        """How long a jump ahead is reported while nothing else speaks against the clock."""
        return HOUR if self._kernel else DAY

    def metrics(self) -> Iterable[Family]:
        faults = {fault.trouble for fault in self.faults()}
        yield Family(
            "andaman_clock_trouble",
            "1 while the machine's clock is behind the last commit, far ahead of the one before, or unsynchronized.",
            "gauge",
            [({"kind": kind.value}, kind in faults) for kind in Trouble],
        )
        if self._kernel is not None:
            yield gauge("andaman_clock_synchronized", "1 while the kernel calls its clock so.", self._kernel)

    @property
    def synchronized(self) -> bool | None:
        """What the kernel last said."""
        return self._kernel
