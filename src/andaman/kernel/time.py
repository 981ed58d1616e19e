"""Instants as integer microseconds since 1970-01-01T00:00Z, and their ISO 8601 form.

Everything stored is UTC. The clock is an argument everywhere, so that tests, replays and drills own time.
"""

from __future__ import annotations

import re
import time as _time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol
from zoneinfo import ZoneInfo

Micros = int
"""Microseconds since the epoch, UTC."""

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
EARLIEST: Final = -62_135_596_800 * SECOND
"""0001-01-01T00:00:00Z; with ``LATEST`` the instants that can be written in ISO 8601's four-digit years, in UTC."""
LATEST: Final = 253_402_300_800 * SECOND - 1
BANGKOK: Final = ZoneInfo("Asia/Bangkok")
BUDDHIST_ERA: Final = 543
"""Years of the Buddhist era over those of the common era."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = datetime(1970, 1, 1)  # UTC by agreement: isoformat without an offset
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)


class Clock(Protocol):
    """Source of "now"; each call returns µs since the epoch."""

    def __call__(self) -> Micros: ...


def system_clock() -> Micros:
    """The machine's wall clock in µs. It may step back; the ledger guards against that."""
    return _time.time_ns() // 1000


def parse_time(text: str) -> Micros:
    """Read an ISO 8601 date-time with zone (CIM 009 §4.6.3).

    A missing zone, an impossible date, trailing text or an instant outside the years 1 to 9999 UTC raises ValueError.
    Digits finer than a microsecond are cut.
    """
    m = _ISO.fullmatch(text)
    if m is None:
        raise ValueError(f"{text!r} is not an ISO 8601 date-time such as 2026-11-22T07:32:00Z")
    y, mo, d, h, mi, s, frac, zone = m.groups()
    if zone is None:
        raise ValueError(f"{text!r} has no time zone; write Z for UTC")
    tz: timezone
    if zone in "Zz":
        tz = UTC
    else:
        sign = -1 if zone[0] == "-" else 1
        digits = zone[1:].replace(":", "")
        if int(digits[:2]) > 23 or int(digits[2:]) > 59:
            raise ValueError(f"{text!r} has an impossible time zone")
        tz = timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
    micro = int((frac or "0")[:6].ljust(6, "0"))
    leap = s == "60"
    try:
        at = datetime(int(y), int(mo), int(d), int(h), int(mi), 59 if leap else int(s), micro, tzinfo=tz)
        delta = at - _EPOCH
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a possible date and time: {error}") from None
    found = (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds + (SECOND if leap else 0)
    if not EARLIEST <= found <= LATEST:
        raise ValueError(f"{text!r} is not within the years 1 to 9999 in UTC")
    return found


def format_time(at: Micros) -> str:
    """ISO 8601 UTC with six digits, so that equal lengths sort as time does: 2026-11-22T07:32:00.000000Z."""
    # isoformat takes a twentieth of strftime's time, which counts in every write.
    return (_EPOCH_NAIVE + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


def local_date(at: Micros, zone: ZoneInfo = BANGKOK) -> datetime:
    """The local wall-clock time of an instant; Asia/Bangkok unless ``zone`` is given."""
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone)
