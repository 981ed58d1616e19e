"""A caller's request for a portfolio: budgets, years, discounting, sampling; read with named errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import FieldTooLong, NotAWholeNumber, NumberOutOfRange
from andaman.roadmap.problem import Terms
from andaman.roadmap.problems import MeasureIncludedAndExcluded

DEFAULT_TOTAL: Final = 600.0
DEFAULT_YEARLY: Final = 150.0
YEARS: Final = 5
DEFAULT_SAMPLES: Final = 200
DEFAULT_WITHIN: Final = 0.8
"""A plan stays within its budget in at least so large a share of the draws."""
_MEMBERS: Final = (
    "name", "totalMthb", "yearlyMthb", "firstYear", "discountRate", "horizonYears", "include", "exclude",
    "samples", "seed", "timeLimitS", "samplingLimitS", "withinBudgetShare",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    name: dict[str, str]
    terms: Terms
    first_year: int  # fiscal year by the common era of its end: 2028 is ปีงบประมาณ พ.ศ. 2571
    samples: int
    seed: int
    time_limit_s: float
    sampling_limit_s: float
    default: bool


def read_request(body: Any, first_year: int) -> Request:
    """Raises BadRequestData naming the member that is wrong. All members are optional. ``first_year``: without one."""
    if not isinstance(body, Mapping):
        raise BadRequestData('A portfolio request is an object such as {"totalMthb": 600}')
    for name in body:
        if name not in _MEMBERS:
            raise BadRequestData(
                f"{name!r} is not a member; the members are {', '.join(_MEMBERS)}", field=str(name)
            )
    yearly_given = body.get("yearlyMthb", DEFAULT_YEARLY)
    if isinstance(yearly_given, list):
        if len(yearly_given) != YEARS:
            raise BadRequestData(
                f"yearlyMthb must have {YEARS} numbers, one for each year", field="yearlyMthb"
            )
        yearly = tuple(_number({"yearlyMthb": one}, "yearlyMthb", 0.0, 1e6, 0.0) for one in yearly_given)
    else:
        yearly = (_number(body, "yearlyMthb", 0.0, 1e6, DEFAULT_YEARLY),) * YEARS
    horizon = _whole(body, "horizonYears", YEARS, 30, 10)
    terms = Terms(
        _number(body, "totalMthb", 0.0, 1e6, DEFAULT_TOTAL),
        yearly,
        _number(body, "discountRate", 0.0, 0.3, 0.05),
        horizon,
        _ids(body, "include"),
        _ids(body, "exclude"),
        _number(body, "withinBudgetShare", 0.5, 0.99, DEFAULT_WITHIN),
    )
    both = set(terms.include) & set(terms.exclude)
    if both:
        raise MeasureIncludedAndExcluded(id=min(both))
    default = not set(body) - {"timeLimitS", "samplingLimitS"}
    name = body.get("name")
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= 120):
        raise FieldTooLong(field="name", limit=120)
    texts = (
        {"th": "แผนเริ่มต้น", "en": "Default plan"}
        if default
        else {"th": name or "แผนของผู้ใช้", "en": name or "Own plan"}
    )
    return Request(
        texts,
        terms,
        _whole(body, "firstYear", 2000, 2100, first_year),
        _whole(body, "samples", 0, 2000, DEFAULT_SAMPLES),
        _whole(body, "seed", 0, 2**31, 20260922),
        _number(body, "timeLimitS", 0.5, 120.0, 30.0),
        _number(body, "samplingLimitS", 1.0, 3600.0, 900.0),
        default,
    )


def _number(body: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    given = body.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
        raise NumberOutOfRange(field=name, low=low, high=high)
    return float(given)


def _whole(body: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    given = body.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
        raise NotAWholeNumber(field=name, low=low, high=high)
    return given


def _ids(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = body.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadRequestData(f"{name} must be a list of measure ids", field=name)
    return tuple(sorted(set(given)))
