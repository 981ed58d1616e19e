"""States of an attribute that few rows of a table have: which rows those are, and nothing for all the others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.broker.query.facts import OTHER

_SHARE: Final = 64
"""A dense array is smaller where more than one row of so many has something."""


class Scattered:
    """Reads and writes like an array of states whose entries are all OTHER. One thread writes, any thread reads."""

    __slots__ = ("_rows", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._rows: dict[int, None] = {}

    @property
    def crowded(self) -> bool:
        return len(self._rows) > 64 + self.capacity // _SHARE

    @property
    def nbytes(self) -> int:
        return 100 * len(self._rows)

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, int):
            return OTHER if rows in self._rows else 0
        there = np.array(list(self._rows), dtype=np.int64)  # copied in one step: the writer may go on
        if isinstance(rows, slice):
            first, end, _ = rows.indices(self.capacity)
            states = np.zeros(max(0, end - first), dtype=np.uint8)
            states[there[(there >= first) & (there < end)] - first] = OTHER
            return states
        found: npt.NDArray[np.uint8] = np.isin(rows, there).astype(np.uint8) * OTHER
        return found

    def __setitem__(self, rows: Any, state: int) -> None:
        """``rows``: one, or an array of them."""
        for row in (rows,) if isinstance(rows, int) else np.asarray(rows).tolist():
            if state:
                self._rows[row] = None
            else:
                self._rows.pop(row, None)
