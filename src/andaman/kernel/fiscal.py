"""The fiscal year of Thai public bodies, and its quarters: 1 October to 30 September in Bangkok.

It is named by the year in which it ends (Budget Procedure Act B.E. 2561, section 4).
"""

from __future__ import annotations

from datetime import datetime

from andaman.kernel.time import BANGKOK, BUDDHIST_ERA, Micros, local_date


def fiscal_year(at: Micros) -> int:
    """The Thai fiscal year of an instant, Buddhist era: 2570 from 1 October 2026, 00:00 in Bangkok."""
    return quarter_of(at)[0] + BUDDHIST_ERA


def quarter_bounds(year: int, quarter: int) -> tuple[Micros, Micros]:
    """First instant and first instant after a quarter of the Thai fiscal year, in Bangkok.

    ``year``: common era, of the year in which the fiscal year ends: quarter 1 of 2027 (ปีงบประมาณ พ.ศ. 2570) is October to
    December 2026. Raises ValueError.
    """
    if not 1 <= quarter <= 4 or not 2000 <= year <= 2200:
        raise ValueError(f"there is no quarter {quarter} of the fiscal year {year}")
    first = _quarter_start(year, quarter)
    after = _quarter_start(year, quarter + 1) if quarter < 4 else _quarter_start(year + 1, 1)
    return first, after


def _quarter_start(year: int, quarter: int) -> Micros:
    start = (
        datetime(year - 1, 10, 1, tzinfo=BANGKOK)
        if quarter == 1
        else datetime(year, 3 * quarter - 5, 1, tzinfo=BANGKOK)
    )
    return int(start.timestamp()) * 1_000_000


def quarter_of(at: Micros) -> tuple[int, int]:
    """Fiscal year (common era) and quarter of an instant in Bangkok."""
    local = local_date(at)
    return local.year + (local.month >= 10), (local.month + 2) // 3 % 4 + 1
