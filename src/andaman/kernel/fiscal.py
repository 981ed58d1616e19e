"""The fiscal year of Thai public bodies: 1 October to 30 September, named by the Buddhist-era year in which it ends
(Budget Procedure Act B.E. 2561, section 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from andaman.kernel.time import SECOND, Micros

_BANGKOK: Final = timezone(timedelta(hours=7))
"""Thailand has no summer time."""
_BUDDHIST_ERA: Final = 543
_FIRST_MONTH: Final = 10


def fiscal_year(at: Micros) -> int:
    """The Thai fiscal year of an instant, Buddhist era: 2570 from 1 October 2026, 00:00 in Bangkok."""
    day = datetime.fromtimestamp(at / SECOND, UTC).astimezone(_BANGKOK)
    return day.year + _BUDDHIST_ERA + (day.month >= _FIRST_MONTH)
