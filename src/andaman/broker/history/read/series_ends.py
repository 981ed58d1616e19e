"""The end of each series: its last N rows, searched from the newest rows back, no further than needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np

from andaman.broker.history.rows.rowset import Ints, Rows
from andaman.broker.history.segments.recent import Choice, joined
from andaman.broker.history.segments.segment import Segment, T
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.time import Micros

FULL: Final = f"entity, attr, dataset, op, place, {T} AS t, lag, seq, created, form, num, num2"
_SLACK: Final = 32
"""More rows than are asked for, since some may be recorded twice or erased."""
_LARGE: Final = 2_000_000
"""Rows of a segment that is looked through by itself; smaller ones are asked together."""

Late = list[tuple[Any, ...]]


class Source(Protocol):
    """The reader of one question."""

    numbers: list[int]
    who: dict[int, int]

    @property
    def edits(self) -> dict[int, Any]: ...

    def older(self, choice: Choice) -> list[Segment]: ...

    def stored(
        self, choice: Choice, columns: str, segments: Sequence[Segment], around: str = "{}"
    ) -> dict[str, Any]: ...

    def arranged(self, columns: dict[str, Any], late: Late, query: TemporalQuery) -> Rows: ...


class Ends:
    """One look for the last rows of each series."""

    def __init__(self, source: Source, choice: Choice, query: TemporalQuery, last: int, late: Late) -> None:
        self._source = source
        self._choice = choice
        self._query = query
        self._last = last
        self._late = late
        self._observed = query.timeproperty == "observedAt"
        self._since: dict[int, Micros] = {}
        """Series (entity, attribute) that have more in the file: all of that is before this moment."""

    def find(self, recent: dict[str, Any]) -> Rows | None:
        """With the rows that are in memory; None if too much was recorded twice or erased to be sure of an end."""
        source, query = self._source, self._query
        groups = list(self._groups())
        parts = [recent]
        found = source.arranged(dict(recent), self._late, query)
        left = self._choice.entities
        while groups and len(left := self._unfinished(left, found, groups)):
            parts.append(self._newest(left, groups.pop(0)))
            found = source.arranged(joined(parts), self._late, query)
        return found if self._sure(found) else None

    def _groups(self) -> Iterator[list[Segment]]:
        """Segments of the file, the newest first; together where a look at each gains nothing."""
        older = self._source.older(self._choice)
        if self._choice.attrs is None or self._source.edits:
            if older:
                yield older
            return
        older.sort(key=self._newest_time, reverse=True)
        small: list[Segment] = []
        for segment in older:
            if segment.count <= _LARGE:
                small.append(segment)
                continue
            if small:
                yield small
                small = []
            yield [segment]
        if small:
            yield small

    def _newest_time(self, segment: Segment) -> Micros:
        return segment.max_t if self._observed else segment.max_at

    def _unfinished(self, left: Ints, found: Rows, groups: Sequence[Sequence[Segment]]) -> Ints:
        """Those of these entities for which the groups may have newer or missing rows."""
        attrs = self._choice.attrs
        if attrs is None or self._source.edits:
            return left
        bound = max(self._newest_time(segment) for group in groups for segment in group)
        last, who = self._last, self._source.who
        done = np.zeros(len(self._source.numbers), dtype=np.int64)
        for owner, attr, start, end in found.groups():
            if end - start >= last and found.time[end - last] > bound and attr in attrs:
                done[owner] += 1
        return np.array([n for n in left.tolist() if done[who[n]] < len(attrs)], dtype=np.int64)

    def _newest(self, entities: Ints, group: Sequence[Segment]) -> dict[str, Any]:
        """Enough of the newest rows of each series in these segments; rows of one moment are all read."""
        enough = self._last + _SLACK
        time = "t" if self._observed else "t + lag"
        stored = self._source.stored(
            self._choice.of(entities),
            FULL,
            group,
            "SELECT * FROM ({}) QUALIFY rank() OVER "  # noqa: S608
            f"(PARTITION BY entity, attr ORDER BY {time} DESC, seq DESC) <= {enough}",
        )
        when = stored["t"] if self._observed else stored["t"] + stored["lag"]
        order = np.lexsort((when, stored["attr"], stored["entity"]))
        pairs = (stored["entity"] << 32 | stored["attr"])[order]
        series, first, counts = np.unique(pairs, return_index=True, return_counts=True)
        full = counts >= enough
        for pair, since in zip(series[full].tolist(), when[order][first][full].tolist(), strict=True):
            self._since[pair] = max(since, self._since.get(pair, since))
        return stored

    def _sure(self, found: Rows) -> bool:
        """All unread rows are before all rows that were read of a series. So there must be enough rows from that moment
        on.
        """
        since = dict(self._since)
        for who, attr, start, end in found.groups() if since else ():
            at = since.pop(self._source.numbers[who] << 32 | attr, None)
            if at is not None and np.count_nonzero(found.time[start:end] >= at) < self._last:
                return False
        return not since
