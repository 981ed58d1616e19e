"""Pages of instances (CIM 009 §6.3.10): where an answer that would be too long is cut, and what Content-Range says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from andaman.broker.history.rows.aggregate import shortest
from andaman.broker.history.rows.rowset import Ints
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros


class Range(NamedTuple):
    """ISO 8601; ``start`` is where the client began to read, ``end`` how far this page goes (backwards with lastN)."""

    start: str
    end: str


def cut(times: Sequence[Ints], each: int, together: int, backwards: bool) -> Micros | None:
    """The time up to which (backwards: down to which) all fits: ``each`` instances an entity, ``together`` in all.

    Instances of one moment stay together, so that the next page can begin behind it. None: nothing is cut.
    """
    if sum(map(len, times)) <= min(each, together):
        return None
    sign = -1 if backwards else 1
    edges = [int(np.partition(sign * own, each - 1)[each - 1]) for own in times if len(own) > each]
    edge = min(edges, default=None)
    kept = [own for own in times if len(own)]
    if kept:
        every = sign * np.concatenate(kept)
        if edge is not None:
            every = every[every <= edge]
        if len(every) > together:
            edge = int(np.partition(every, together - 1)[together - 1])
    if edge is None:
        return None
    if all((sign * own <= edge).all() for own in kept):
        return None
    return sign * edge


def whole_range(query: TemporalQuery, times: Sequence[Ints], edge: Micros, backwards: bool) -> Range:
    """The stretch that the page covers: from the query's own bound if it has one, else from the first row."""
    inside = [own for own in times if len(own)]
    newest = max((int(own.max()) for own in inside), default=edge)
    oldest = min((int(own.min()) for own in inside), default=edge)
    if backwards:
        first = {"before": query.time_at, "between": query.end_time_at}.get(query.timerel or "", newest)
        return Range(shortest(first), shortest(oldest))
    first = query.time_at if query.timerel in ("after", "between") else oldest
    return Range(shortest(first), shortest(newest))
