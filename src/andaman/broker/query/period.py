"""Periods of aggregation: ISO 8601 durations with calendar parts (CIM 009 §4.5.19.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import SECOND

_DURATION = re.compile(
    r"P(?:(\d+)W|(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?)"
)


@dataclass(frozen=True, slots=True)
class Period:
    """An ISO 8601 duration: calendar months and days, and a fixed rest in µs. All zero: the whole range."""

    months: int = 0
    days: int = 0
    micros: int = 0

    @property
    def whole(self) -> bool:
        return not (self.months or self.days or self.micros)


def parse_period(text: str) -> Period:
    """``P1M``, ``PT15M``, ``P1DT12H`` … Raises BadRequestData."""
    found = _DURATION.fullmatch(text)
    if found is None or text in ("P", "PT") or text.endswith("T"):
        raise BadRequestData(
            f"aggrPeriodDuration {text[:40]!r} is not an ISO 8601 duration such as PT1H, P1D or P1M",
            field="aggrPeriodDuration",
        )
    weeks, years, months, days, hours, minutes = (int(part or 0) for part in found.groups()[:6])
    seconds = float(found.group(7) or 0)
    period = Period(
        years * 12 + months,
        weeks * 7 + days,
        (hours * 3600 + minutes * 60) * SECOND + round(seconds * SECOND),
    )
    if period.months > 12_000 or period.days > 400_000 or period.micros > 400_000 * 86_400 * SECOND:
        raise BadRequestData(
            f"aggrPeriodDuration {text[:40]} is longer than a thousand years", field="aggrPeriodDuration"
        )
    return period
