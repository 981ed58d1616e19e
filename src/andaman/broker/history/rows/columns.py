"""Columns of rows. One that holds the same value throughout is kept as that value: picking, sorting and joining copy nothing.

To NumPy it is an array like any other (of stride 0, and not to be written to).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def repeated(value: Any, count: int, kind: Any = np.int64) -> Any:
    """A column of one value."""
    return np.broadcast_to(np.asarray(value, dtype=kind), (count,))


def is_repeated(column: Any) -> bool:
    """Is it known to hold one value throughout? There is at least one row then."""
    return len(column) > 0 and column.strides[0] == 0


def packed(column: Any) -> Any:
    """Whole numbers as a column of 64 bits; as one value where all are equal."""
    if not len(column) or column[0] != column[-1] or not (is_repeated(column) or (column == column[0]).all()):
        return column.astype(np.int64, copy=False)
    return repeated(column[0], len(column))


def picked(column: Any, at: Any, count: int) -> Any:
    """``column[at]``, whose length is known."""
    if is_repeated(column) and not isinstance(at, slice):
        return repeated(column[0], count, column.dtype)
    return column[at]


def chained(parts: Sequence[Any]) -> Any:
    """One column after the other; at least one."""
    parts = [part for part in parts if len(part)] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if all(is_repeated(part) and part[0] == first[0] and part.dtype == first.dtype for part in parts):
        return repeated(first[0], sum(map(len, parts)), first.dtype)
    return np.concatenate(parts)
