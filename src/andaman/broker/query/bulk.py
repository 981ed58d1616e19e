"""Start-up's fast path: stored facts → columns, by NumPy, without reading a document."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from andaman.broker.query.columns import AREA, POINT, UNKNOWN, Table
from andaman.broker.query.facts import EAST, NORTH, OTHER, RECORD, SOUTH, WEST

Ints = npt.NDArray[np.int64]


def load_chunk(
    tables: list[Table],
    table_of_shape: npt.NDArray[Any],
    ids: Sequence[str],
    shapes: npt.NDArray[np.int32],
    facts: Sequence[bytes],
    first_order: int,
    *,
    running: bool = False,
) -> tuple[Ints, Ints]:
    """Append entities; gives (table number, row) of each. Rows are published at the end of each table's part.

    ``running``: the index is in use, so the rows join the grids one by one; otherwise ``Table.settle`` must follow.
    """
    numbers = table_of_shape[shapes].astype(np.int64)
    rows = np.zeros(len(ids), dtype=np.int64)
    sizes = np.fromiter(map(len, facts), dtype=np.int64, count=len(ids)) // RECORD.itemsize
    records = np.frombuffer(b"".join(facts), dtype=RECORD)
    owner = np.repeat(np.arange(len(ids)), sizes)
    record_table = numbers[owner]
    for number in np.unique(numbers).tolist():
        table = tables[number]
        members = np.flatnonzero(numbers == number)
        base, end = table.n, table.n + len(members)
        table.reserve(end)
        rows[members] = np.arange(base, end)
        table.order[base:end] = first_order + members
        table.shape[base:end] = shapes[members]
        table.ids.extend([ids[i] for i in members.tolist()])
        own = np.flatnonzero(record_table == number)
        _fill(table, records[own], rows[owner[own]])
        if running:
            table.admit(base, end)
        else:
            table.n = end
    return numbers, rows


def _fill(table: Table, records: npt.NDArray[Any], rows: Ints) -> None:
    order = np.argsort(records["code"], kind="stable")
    codes = records["code"][order]
    bits = records["bits"][order]
    rows = rows[order]
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for low, high in pairwise(starts):
        if low == high:
            continue
        code, kind = int(codes[low]) & ~15, int(codes[low]) & 15
        at, values = rows[low:high], bits[low:high]
        if kind >= WEST:
            _fill_geo(table, code, kind, at, values.view(np.float64))
            continue
        column = table.column(code)
        if not column.valued:
            column.note(at)
            continue
        if kind != OTHER:
            column.need_values()
            column.bits[at] = values
        column.state[at] = kind


def _fill_geo(table: Table, code: int, kind: int, at: Ints, edges: npt.NDArray[np.float64]) -> None:
    """Records come by rising kind, so that an area's later edges turn its first two from a point into an area."""
    geo = table.geo(code)
    if geo is None:
        return
    if kind == WEST:
        geo.west[at] = edges
        geo.state[at] = np.where(np.isnan(edges), UNKNOWN, POINT)
    elif kind == SOUTH:
        geo.south[at] = edges
    else:
        geo.need_areas()
        if kind == EAST:
            geo.east[at] = edges
            geo.state[at] = AREA
        elif kind == NORTH:
            geo.north[at] = edges
