"""The rows that came last, in memory by entity, so that questions about the last hours need not search the file for them.

A *run* is rows in order of their entities. What arrives later is a run of its own; runs of like size become one, so there are few. A run
never changes: a snapshot holds those of its moment. Texts of values that numbers cannot tell stay in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.broker.history.rows.columns import chained, packed
from andaman.kernel.time import Micros

FIELDS: Final = (
    "entity", "attr", "dataset", "op", "place", "t", "lag", "seq", "created", "form", "num", "num2",
)  # fmt: skip
KEPT_ROWS: Final = 1_100_000
"""About 70 bytes each: two segments."""

_REAL: Final = ("num", "num2")
_FEW: Final = ("entity", "attr", "dataset", "op", "place", "form")
"""Mostly one value throughout."""

Ints = npt.NDArray[np.int64]
Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows that a question needs: of these entities (by number, rising), attributes (None: all but ``without``), data
    sets (None: all) and kinds. Their t is in the range (both ends included; None: open).
    """

    entities: Ints
    attrs: tuple[int, ...] | None
    without: tuple[int, ...]
    datasets: tuple[int, ...] | None
    ops: tuple[int, ...]
    t_from: Micros | None = None
    t_to: Micros | None = None

    def of(self, entities: Ints) -> Choice:
        return replace(self, entities=entities)


@dataclass(frozen=True, slots=True)
class Run:
    """Columns of rows in order of entity, and within one in order of arrival."""

    columns: Columns
    max_seq: int

    def __len__(self) -> int:
        return len(self.columns["seq"])


Runs = Mapping[int, tuple[Run, ...]]
"""Segment → all its rows."""


def run_of(columns: Columns) -> Run:
    """A run of rows that are in order of arrival, with ``t`` or ``ms`` and ``us``."""
    if "t" not in columns:
        columns = {**columns, "t": columns["ms"] * 1000 + columns["us"]}
    order = np.argsort(columns["entity"], kind="stable")
    return Run(
        {name: np.asarray(columns[name])[order] for name in FIELDS},
        int(columns["seq"].max()) if len(order) else -(1 << 62),
    )


def grown(runs: tuple[Run, ...], more: Run) -> tuple[Run, ...]:
    """The runs with one more; runs of like size are merged."""
    stack = [*runs, more]
    while len(stack) > 1 and len(stack[-2]) < 2 * len(stack[-1]):
        newer, older = stack.pop(), stack.pop()
        stack.append(together([older, newer]))
    return tuple(stack)


def together(runs: Sequence[Run]) -> Run:
    """One run of several, the older ones first."""
    if len(runs) == 1:
        return runs[0]
    return run_of({name: np.concatenate([run.columns[name] for run in runs]) for name in FIELDS})


def bounded(runs: Runs, newest: Iterable[int]) -> dict[int, tuple[Run, ...]]:
    """The runs that may be kept, of the newest segments (their numbers, the newest first); the others are read from the
    file.
    """
    kept: dict[int, tuple[Run, ...]] = {}
    total = 0
    for number in newest:
        if number in runs:
            total += sum(map(len, runs[number]))
            if total > KEPT_ROWS and kept:
                break
            kept[number] = runs[number]
    return kept


def find(runs: Iterable[Sequence[Run]], choice: Choice, last_seq: int) -> Columns:
    """The chosen rows that were there at position ``last_seq``, in no particular order."""
    parts = [part for some in runs for run in some if (part := _chosen(run, choice, last_seq)) is not None]
    return joined(parts)


def joined(parts: Sequence[Columns], names: Sequence[str] = FIELDS) -> Columns:
    """Rows of several parts, these columns of them; without any, no rows. Whole numbers are of 64 bits."""
    parts = [part for part in parts if len(part["t"])]
    return {name: _column(name, [np.asarray(part[name]) for part in parts]) for name in names}


def _column(name: str, parts: Sequence[Any]) -> Any:
    kind = np.float64 if name in _REAL else np.int64
    if not parts:
        return np.empty(0, dtype=kind)
    column = chained(parts)
    return packed(column) if name in _FEW else column.astype(kind, copy=False)


def _chosen(run: Run, choice: Choice, last_seq: int) -> Columns | None:
    columns = run.columns
    entity = columns["entity"]
    wanted = choice.entities.astype(entity.dtype)
    first = np.searchsorted(entity, wanted, "left")
    counts = np.searchsorted(entity, wanted, "right") - first
    total = int(counts.sum())
    if not total:
        return None
    at = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(total)
    attr = columns["attr"][at]
    keep = np.isin(columns["op"][at], choice.ops)
    if choice.attrs is not None:
        keep &= np.isin(attr, choice.attrs)
    elif choice.without:
        keep &= ~np.isin(attr, choice.without)
    if choice.datasets is not None:
        keep &= np.isin(columns["dataset"][at], choice.datasets)
    if choice.t_from is not None:
        keep &= columns["t"][at] >= choice.t_from
    if choice.t_to is not None:
        keep &= columns["t"][at] <= choice.t_to
    if run.max_seq > last_seq:
        keep &= columns["seq"][at] <= last_seq
    at = at[keep]
    return {name: columns[name][at] for name in FIELDS} if len(at) else None
