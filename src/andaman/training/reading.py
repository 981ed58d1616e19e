"""Reading steps of a course: begun, and confirmed at the earliest when somebody can have read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from andaman.kernel.time import SECOND, Micros, format_time, parse_time
from andaman.training.course import Step
from andaman.training.problems import ReadingNotBegun, StillReading

LEAST: Final = 0.5
"""Share of the minutes of a step after which it can be read at the earliest."""


def begun(step: Step, now: Micros) -> dict[str, Any]:
    """The row of somebody who has opened the text. ``readyAt``: when it can be confirmed."""
    ready = now + int(LEAST * step.minutes * 60 * SECOND)
    return {"passed": False, "score": None, "at": format_time(now), "readyAt": format_time(ready)}


def check_read(step: Step, row: Mapping[str, Any], now: Micros) -> None:
    """Raises ReadingNotBegun, StillReading."""
    try:
        ready = parse_time(str(row.get("readyAt")))
    except ValueError:
        raise ReadingNotBegun(name=step.title) from None
    if now < ready:
        raise StillReading(seconds=ceil((ready - now) / SECOND))
