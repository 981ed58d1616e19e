"""Aggregates over instances that are at hand as documents: series merged from the answers of several brokers (CIM 009
§4.5.19, §5.7.4.4). The same periods and methods as over stored rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from andaman.broker.history.read.series import period_of
from andaman.broker.history.rows.aggregate import aggregate, edges
from andaman.broker.history.rows.rowset import bounds
from andaman.broker.model import Instance
from andaman.broker.query.evaluate import VALUE_MEMBER
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros


def aggregated_instances(series: Sequence[tuple[Micros, Instance]], query: TemporalQuery) -> dict[str, Any]:
    """``{"type": kind, method: [[value, start, end], …]}`` of one attribute; {} where no method is defined.

    ``series``: (time of the query's time property, instance) within the interval, in any order, not empty.
    """
    ordered = sorted(series, key=lambda one: one[0])
    times = np.array([at for at, _ in ordered], dtype=np.int64)
    values: Any = [one.get(VALUE_MEMBER.get(one["type"], "value")) for _, one in ordered]
    if all(isinstance(value, int | float) for value in values):
        values = np.array(values, dtype=np.float64)
    low, high = bounds(query)
    start, last = int(times[0]) if low is None else low, int(times[-1])
    period = period_of(query)
    if period.whole:
        limits = np.array([start, last + 1 if high is None else high], dtype=np.int64)
    else:
        limits = edges(period, start, last, query.zone, align=False)
    kind = str(ordered[0][1]["type"])
    methods = aggregate(query.aggr_methods, times, values, limits, high, kind)
    return {"type": kind, **methods} if methods else {}
