"""The remainder of observations whose rows were dropped: for each series and hour their count, sum, extremes and
spread.

Exact: a rollup is the aggregate of the rows that were dropped, each observation counted once, as it was told last. A series
and hour may have several rollups (what came late was dropped later); they add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.rows.aggregate import shortest
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import HOUR, Micros

ROLLED: Final = 5
"""``op`` of a rollup among rows: ``t`` is the start of its hour, ``num`` its mean, ``place`` its place in ``Rollups``."""
COLUMNS: Final = (
    "entity INTEGER, attr INTEGER, dataset INTEGER, form INTEGER, hour INTEGER, "
    "n BIGINT, numbers BIGINT, total DOUBLE, least DOUBLE, greatest DOUBLE, spread DOUBLE, seq BIGINT"
)
"""``hour``: hours since 1970. ``n``: observations, ``numbers``: those of them that are numbers (true is 1). ``spread``: the
sum of squared distances from the mean. ``seq``: the newest position that told one of them."""
NAMES: Final = tuple(column.split()[0] for column in COLUMNS.split(", "))

_FLOATS: Final = ("total", "least", "greatest", "spread")

Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Rollups:
    """Columns of rollups."""

    columns: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["hour"])

    def __add__(self, other: Rollups) -> Rollups:
        return Rollups({name: np.concatenate([self.columns[name], other.columns[name]]) for name in NAMES})

    def pick(self, at: Any) -> Rollups:
        return Rollups({name: column[at] for name, column in self.columns.items()})


NONE: Final = Rollups(
    {name: np.empty(0, dtype=np.float64 if name in _FLOATS else np.int64) for name in NAMES}
)


def read(
    cursor: duckdb.DuckDBPyConnection,
    where: str,
    low: Micros | None,
    high: Micros | None,
    by_observation: bool,
) -> Rollups:
    """Rollups of these rows (a condition on entity, attr, dataset) in the range; see ``checked`` for the errors."""
    return checked(fetch(cursor, where, low, high), low, high, by_observation)


def fetch(cursor: duckdb.DuckDBPyConnection, where: str, low: Micros | None, high: Micros | None) -> Rollups:
    """Rollups of these rows whose hour touches the range."""
    if low is not None:
        where += f" AND hour >= {low // HOUR}"
    if high is not None:
        where += f" AND hour < {-(-high // HOUR)}"
    found = cursor.execute(f"SELECT {', '.join(NAMES)} FROM rollup WHERE {where}").fetchnumpy()  # noqa: S608
    return Rollups(
        {
            name: np.ma.filled(found[name], np.nan) if name in _FLOATS else found[name].astype(np.int64)
            for name in NAMES
        }
    )


def checked(rollups: Rollups, low: Micros | None, high: Micros | None, by_observation: bool) -> Rollups:
    """The same. Raises BadRequestData when the range begins or ends within a rolled-up hour, or asks by another time."""
    hours = rollups.columns["hour"]
    if not len(hours):
        return rollups
    if not by_observation:
        raise _coarse("timeproperty", "aggregates by observedAt only", int(hours.max()))
    for bound, name in ((low, "timeAt"), (high, "endTimeAt")):
        if bound is not None and bound % HOUR and (hours == bound // HOUR).any():
            raise _coarse(name, "times on the hour", int(hours.max()))
    return rollups


def _coarse(member: str, ask: str, last_hour: int) -> BadRequestData:
    until = shortest((last_hour + 1) * HOUR)
    return BadRequestData(
        f"Of values before {until} only hourly aggregates are kept: ask for {ask}", field=member
    )


def slots_of(rollups: Rollups, bounds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The period that each rollup belongs to. Raises BadRequestData when a period cuts one."""
    starts = rollups.columns["hour"] * HOUR
    slots: npt.NDArray[np.int64] = np.searchsorted(bounds, starts, side="right") - 1
    if np.any(bounds[slots] % HOUR) or np.any(bounds[slots + 1] < starts + HOUR):
        raise _coarse("aggrPeriodDuration", "periods of full hours", int(rollups.columns["hour"].max()))
    return slots


def combined(
    methods: Sequence[str],
    times: npt.NDArray[np.int64],
    values: Floats | None,
    rollups: Rollups,
    bounds: npt.NDArray[np.int64],
    end: Micros | None,
) -> dict[str, list[list[Any]]]:
    """As ``aggregate``, of single observations (``values`` None: not all are numbers) and rollups together."""
    slots = slots_of(rollups, bounds)
    if "distinctCount" in methods:
        raise _coarse("aggrMethods", "other methods than distinctCount", int(rollups.columns["hour"].max()))
    size = len(bounds) - 1
    own = np.searchsorted(bounds, times, side="right") - 1
    count = np.bincount(own, minlength=size) + _sums(slots, rollups.columns["n"], size)
    numbers = _sums(slots, rollups.columns["numbers"], size)
    total = _sums(slots, np.nan_to_num(rollups.columns["total"]), size)
    least, greatest = np.full(size, np.inf), np.full(size, -np.inf)
    np.fmin.at(least, slots, rollups.columns["least"])
    np.fmax.at(greatest, slots, rollups.columns["greatest"])
    if values is not None and len(values):
        numbers = numbers + np.bincount(own, minlength=size)
        total = total + np.bincount(own, values, minlength=size)
        np.fmin.at(least, own, values)
        np.fmax.at(greatest, own, values)
    filled = np.flatnonzero(count)
    good = (
        filled if (numbers == count).all() else filled[:0]
    )  # as §4.5.19 has it: all are numbers, or none counts
    mean = np.divide(total, numbers, out=np.zeros(size), where=numbers > 0)
    counts = rollups.columns["numbers"]
    means = np.divide(
        np.nan_to_num(rollups.columns["total"]), counts, out=np.zeros(len(counts)), where=counts > 0
    )
    spread = _sums(
        slots, np.nan_to_num(rollups.columns["spread"]) + counts * (means - mean[slots]) ** 2, size
    )
    if values is not None and len(values):
        spread = spread + np.bincount(own, (values - mean[own]) ** 2, minlength=size)
    shown = bounds if end is None else np.minimum(bounds, end)
    by_name = {
        "sum": total,
        "avg": mean,
        "min": least,
        "max": greatest,
        "sumsq": spread + numbers * mean**2,
        "stddev": np.sqrt(spread / np.maximum(numbers, 1)),
    }
    result: dict[str, list[list[Any]]] = {}
    for method in methods:
        at = filled if method == "totalCount" else good
        found = count if method == "totalCount" else by_name[method]
        if not len(at):
            continue
        result[method] = [
            [_plain(value), shortest(start), shortest(stop)]
            for value, start, stop in zip(
                found[at].tolist(), shown[at].tolist(), shown[at + 1].tolist(), strict=True
            )
        ]
    return result


def _sums(slots: Any, values: Any, size: int) -> Any:
    return np.bincount(slots, values, minlength=size)


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() and abs(value) < 1 << 53 else value
