"""Times as devices write them → instants. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from andaman.ingest.numbers import read_number
from andaman.ingest.rules import TimeRule
from andaman.kernel.time import BUDDHIST_ERA, EARLIEST, LATEST, SECOND, Micros, parse_time

TIME_FORMATS: Final = ("iso", "unix", "unix-ms", "unix-us")
_UNITS: Final = {"unix": SECOND, "unix-ms": 1000, "unix-us": 1}
_YEAR: Final = re.compile(r"(?<!\d)(\d{4})(?!\d)")
_SAMPLE: Final = datetime(2026, 11, 22, 7, 32, 5, tzinfo=UTC)


def read_zone(name: str) -> ZoneInfo:
    """A zone of the IANA database. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f'"{name[:80]}" is not a time zone; write a name such as "Asia/Bangkok" or "UTC"'
        ) from None


def check_pattern(pattern: str) -> None:
    """Raises ValueError if a pattern of strptime does not give a date and a time of day."""
    try:
        read = datetime.strptime(_SAMPLE.strftime(pattern), pattern)
    except (ValueError, re.error) as error:
        raise ValueError(f"{error}; write a pattern such as %d/%m/%Y %H:%M:%S") from None
    if (read.year, read.month, read.day, read.hour, read.minute) != (2026, 11, 22, 7, 32):
        raise ValueError(
            f'"{pattern}" does not give date and time; write a pattern such as %d/%m/%Y %H:%M:%S'
        )


def read_instant(rule: TimeRule, value: Any) -> Micros:
    """Raises ValueError; a number that is not finite is an OverflowError."""
    scale = _UNITS.get(rule.format)
    if scale is not None:
        number = read_number(value, rule.as_text)
        if isinstance(number, float) and not math.isfinite(number):
            raise OverflowError(f"{number!r} is not a finite number")
        at = number * scale if isinstance(number, int) else int(number * scale)
        if not EARLIEST <= at <= LATEST:
            raise ValueError(f"{str(value)[:40]} is not within the years 1 to 9999")
        return at
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError(f"{value!r} is not a finite number")
    if not isinstance(value, str):
        raise ValueError(f"{repr(value)[:80]} is not a text")
    text = value.strip()[:100]
    if rule.buddhist:
        text = _YEAR.sub(lambda year: f"{int(year[1]) - BUDDHIST_ERA:04d}", text, count=1)
    if rule.format != "iso":
        return _instant(datetime.strptime(text, rule.format), rule.zone, value)
    if rule.zone is None:
        return parse_time(text)
    if not text.isascii():
        raise ValueError(f"{text[:80]!r} is not an ISO 8601 date-time")
    try:
        return parse_time(text)
    except ValueError:
        return _instant(datetime.fromisoformat(text), rule.zone, value)


def _instant(read: datetime, zone: ZoneInfo | None, value: Any) -> Micros:
    """A local time that occurs twice (the end of summer time) is the first of the two."""
    if read.tzinfo is None:
        if zone is None:
            raise ValueError(f"{str(value)[:80]!r} has no time zone")
        read = read.replace(tzinfo=zone)
    try:
        delta = read.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"{str(value)[:80]!r} is not within the years 1 to 9999 in UTC") from None
    return delta // timedelta(microseconds=1)
