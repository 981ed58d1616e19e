"""Aggregation over periods (CIM 009 §4.5.19): pure functions on arrays of times and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import orjson

from andaman.broker.history.rows.rows import iso, iso_each
from andaman.broker.query.period import Period, parse_period
from andaman.kernel.errors import BadRequestData, TooComplexQuery
from andaman.kernel.time import SECOND, Micros

__all__ = ["METHODS", "Period", "aggregate", "edges", "parse_period", "shortest"]
METHODS: Final = ("totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq")
WITH_VALUES: Final = frozenset(METHODS) - {"totalCount"}
"""Methods that look at values; the others count them."""
MAX_PERIODS: Final = 200_000
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,6}))?Z?", re.ASCII)
_PLAIN: Final = frozenset({"Property", "ListProperty", "JsonProperty"})
"""Kinds whose values count as JSON; of the others only changes and different values are counted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_EXACT: Final = 1 << 53
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def edges(period: Period, start: Micros, end: Micros, zone: str, *, align: bool) -> Ints:
    """Boundaries of the periods from ``start`` until past ``end`` (inclusive), rising.

    ``align``: begin at the calendar (month, midnight, or a multiple of the period) before ``start``, in ``zone``;
    otherwise exactly at ``start``. Calendar parts step in local time, so that a day may have 23 or 25 hours.
    """
    if period.whole:
        return np.array([start, max(end + 1, start + 1)], dtype=np.int64)
    if not period.months and not period.days:
        first = start - start % period.micros if align else start
        count = (end - first) // period.micros + 2
        _check(count)
        fixed: Ints = first + np.arange(count, dtype=np.int64) * period.micros
        return fixed
    try:
        tz = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadRequestData(f"time zone {zone[:40]!r} is not known; use UTC or Asia/Bangkok") from None
    local = (_EPOCH + timedelta(microseconds=start)).astimezone(tz).replace(tzinfo=None)
    if align:
        local = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if period.months:
            local = local.replace(day=1, month=1 if period.months % 12 == 0 else local.month)
    shortest = (period.months * 28 + period.days) * 86_400 * SECOND + period.micros
    _check((end - start) // shortest + 2)
    found: list[int] = []
    step = 0
    while not found or found[-1] <= end:
        month = local.year * 12 + local.month - 1 + step * period.months
        year, month0 = divmod(month, 12)
        try:
            moment = _clamped(local, year, month0 + 1) + timedelta(
                days=step * period.days, microseconds=step * period.micros
            )
            found.append((moment.replace(tzinfo=tz) - _EPOCH) // timedelta(microseconds=1))
        except (ValueError, OverflowError):
            raise BadRequestData("the periods reach beyond the calendar", field="endTimeAt") from None
        step += 1
    return np.array(found, dtype=np.int64)


def _clamped(moment: datetime, year: int, month: int) -> datetime:
    """The same day of another month, or its last day where it is shorter."""
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month, day=min(moment.day, 28))


def _check(count: int) -> None:
    if count > MAX_PERIODS:
        raise TooComplexQuery(
            f"aggrPeriodDuration makes {count} periods; at most {MAX_PERIODS} are computed",
            field="aggrPeriodDuration",
        )


def aggregate(
    methods: Sequence[str],
    times: Ints,
    values: Floats | Sequence[Any],
    bounds: Ints,
    end: Micros | None,
    kind: str = "Property",
) -> dict[str, list[list[Any]]]:
    """Method → ``[value, start, end]`` for each period that has values, in order of time.

    ``times`` rise. Numbers come as an array; anything else as a list of plain JSON values, for which §4.5.19
    defines counts always, for Properties also min and max of strings, dates and times (as they sort), the mean of
    times of day, and sizes of arrays. stddev is that of the population. Methods that are not defined are left out.
    ``end``: periods are shown cut there (exclusive end of the query), None: not cut.
    """
    begins = np.searchsorted(times, bounds)
    filled = np.flatnonzero(np.diff(begins))
    firsts, lasts = begins[filled], begins[filled + 1]
    starts, ends = _named(bounds if end is None else np.minimum(bounds, end), filled)
    result: dict[str, list[list[Any]]] = {}
    spans = list(zip(firsts.tolist(), lasts.tolist(), strict=True))
    number = _numbers(values) if kind in _PLAIN or isinstance(values, np.ndarray) else None
    texts = _texts(values) if number is None and kind in _PLAIN else None
    large = number is not None and _beyond_doubles(values)
    for method in methods:
        if method == "totalCount":
            found: list[Any] = [high - low for low, high in spans]
        elif method == "distinctCount":
            found = [_distinct(values, low, high) for low, high in spans]
        elif large and method != "stddev":
            found = [_exact(method, list(values[low:high])) for low, high in spans]
        elif number is not None:
            found = _numeric(method, number, firsts, lasts)
        elif texts is not None and method in ("min", "max"):
            found = [_extreme(method, texts[low:high]) for low, high in spans]
        elif texts is not None and method == "avg" and _times_of_day(texts):
            found = [_mean_time(texts[low:high]) for low, high in spans]
        else:
            continue
        result[method] = [
            [value, start, stop]
            for value, start, stop in zip(found, starts, ends, strict=True)
            if value is not None
        ]
    return result


def _numbers(values: Floats | Sequence[Any]) -> Floats | None:
    """Values as numbers: true 1, false 0, arrays their size; None where they are neither."""
    if isinstance(values, np.ndarray):
        return values
    if all(isinstance(v, bool | int | float) for v in values):
        return np.array(values, dtype=np.float64)
    if all(isinstance(v, list) for v in values):
        return np.array([len(v) for v in values], dtype=np.float64)
    return None


def _beyond_doubles(values: Floats | Sequence[Any]) -> bool:
    """Are there integers that a double does not hold?"""
    return not isinstance(values, np.ndarray) and any(
        type(one) is int and not -_EXACT <= one <= _EXACT for one in values
    )


def _exact(method: str, values: Sequence[Any]) -> int | float:
    """Of numbers (and truths) of any size, without rounding integers."""
    match method:
        case "min":
            found = min(values)
        case "max":
            found = max(values)
        case "sum":
            found = sum(values)
        case "avg":
            found = sum(values) / len(values)
        case _:
            found = sum(one * one for one in values)
    if isinstance(found, float) and found.is_integer() and abs(found) < _EXACT:
        return int(found)
    return int(found) if isinstance(found, bool) else found


def _numeric(method: str, values: Floats, firsts: Ints, lasts: Ints) -> list[Any]:
    if not len(values):
        return []
    counts = lasts - firsts
    match method:
        case "min":
            found = np.minimum.reduceat(values, firsts)
        case "max":
            found = np.maximum.reduceat(values, firsts)
        case "sum":
            found = np.add.reduceat(values, firsts)
        case "avg":
            found = np.add.reduceat(values, firsts) / counts
        case "sumsq":
            found = np.add.reduceat(values * values, firsts)
        case _:
            mean = np.add.reduceat(values, firsts) / counts
            off = values - np.repeat(mean, counts)
            found = np.sqrt(np.add.reduceat(off * off, firsts) / counts)
    plain: list[Any] = found.tolist()
    for place in np.flatnonzero((found == np.floor(found)) & (np.abs(found) < 1 << 53)).tolist():
        plain[place] = int(plain[place])
    return plain


def _distinct(values: Floats | Sequence[Any], low: int, high: int) -> int:
    part = values[low:high]
    if isinstance(part, np.ndarray):
        return len(np.unique(part))
    return len({orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in part})


def _texts(values: Any) -> list[str] | None:
    """The values where all are texts."""
    return list(values) if all(isinstance(value, str) for value in values) else None


def _extreme(method: str, texts: Sequence[str]) -> str:
    return min(texts) if method == "min" else max(texts)


def _times_of_day(texts: Sequence[str]) -> bool:
    return all(_TIME.fullmatch(text) is not None for text in texts)


def _mean_time(texts: Sequence[str]) -> str:
    """The mean of times of day such as 07:30:00Z (§4.5.19: the usual hour of something that happens daily)."""
    micros = []
    for text in texts:
        found = _TIME.fullmatch(text)
        assert found is not None
        hours, minutes, seconds, fraction = found.groups()
        micros.append(
            (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * SECOND
            + int((fraction or "").ljust(6, "0")[:6])
        )
    return shortest(sum(micros) // len(micros))[11:]


def shortest(at: Micros) -> str:
    """ISO 8601 without digits that say nothing."""
    return iso(at, 0 if at % SECOND == 0 else 6)


def shortest_each(times: Ints) -> list[str]:
    """``shortest`` of each."""
    parts = times % SECOND
    if not parts.any():
        return iso_each(times, 0)
    texts = iso_each(times, 6)
    for place in np.flatnonzero(parts == 0).tolist():
        texts[place] = f"{texts[place][:19]}Z"
    return texts


def _named(bounds: Ints, filled: Ints) -> tuple[list[str], list[str]]:
    """Starts and ends of these periods; one's end is mostly another's start, and is written once."""
    needed, places = np.unique(np.concatenate([filled, filled + 1]), return_inverse=True)
    texts = shortest_each(bounds[needed])
    named = [texts[place] for place in places.tolist()]
    return named[: len(filled)], named[len(filled) :]


def defined(methods: Sequence[str], found: dict[str, list[list[Any]]]) -> bool:
    """Is any of the methods defined for these values (§5.7.4.4)?"""
    return any(method in found for method in methods)
