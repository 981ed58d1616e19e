"""The index's memory: one table per combination of types, one row per entity, one column per attribute.

Concurrency rule: one thread (the event loop) writes; any thread reads. A reader first takes ``n``, then the arrays:
arrays are only ever replaced by longer copies, and rows never move within a table (compaction makes a new
table and leaves the old one to its readers). So a reader sees each row as of some moment during its read,
never garbage; what it returns is verified on documents. A reader that walks over all columns walks over a copy of
their dict (``list(table.columns.items())``, one step): copying the dict for each new column instead would cost the square
of their number.

Names of attributes are the writers' to choose, so there may be very many. The first ones of a table have their values here; of later
ones it is only known which rows have something ("look at the document"), as a list while these are few (sparse.py).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.broker.query.facts import ABSENT, BOOLEAN, NUMBER, OTHER, Box, Fact
from andaman.broker.query.sparse import Scattered

Rows = slice | npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DEAD: Final = 0
"""Shape number of a row whose entity is gone."""
POINT, AREA, UNKNOWN = 1, 2, 3
"""States of a geo column (0: absent): a point; a bounding box; look at the document."""
GRID_FROM: Final = 8_192
"""Rows from which a grid pays."""
_CELL_DEG: Final = 0.02
_CELLS_MAX: Final = 4_096
_FOLD: Final = 0xFFFF
VALUED_MOST: Final = 128
"""Attributes of a table whose values are in the index."""
GEOS_MOST: Final = 32
"""GeoProperties of a table that are in the index."""


def _grown(array: npt.NDArray[Any], capacity: int) -> npt.NDArray[Any]:
    longer = np.zeros(capacity, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


class Column:
    """One attribute: ``state`` per row, and ``num`` (or the same memory as ``bits``) where the state has a value.

    Not ``valued``: what is there is OTHER, whatever it is.
    """

    __slots__ = ("bits", "num", "state", "valued")

    def __init__(self, capacity: int, valued: bool = True) -> None:
        self.valued = valued
        self.state: Any = np.zeros(capacity, dtype=np.uint8) if valued else Scattered(capacity)
        self.num = np.zeros(0, dtype=np.float64)
        self.bits = self.num.view(np.int64)

    def grow(self, capacity: int) -> None:
        if len(self.num):
            num = _grown(self.num, capacity)
            self.bits = num.view(np.int64)
            self.num = num
        if isinstance(self.state, Scattered):
            self.state.capacity = capacity
        else:
            self.state = _grown(self.state, capacity)

    def need_values(self) -> None:
        if not len(self.num):
            num = np.zeros(len(self.state), dtype=np.float64)
            self.bits = num.view(np.int64)
            self.num = num

    def set(self, row: int, fact: Fact) -> None:
        state, value = fact
        if not self.valued:
            self.note(row)
            return
        if state != OTHER:
            if not len(self.num):
                self.need_values()
            if state in (NUMBER, BOOLEAN):
                self.num[row] = value
            else:
                self.bits[row] = value
        self.state[row] = state

    def note(self, rows: int | npt.NDArray[Any]) -> None:
        """Of a column without values: these rows have something."""
        self.state[rows] = OTHER
        if isinstance(self.state, Scattered) and self.state.crowded:
            self.state = self.state[:]


class Bucket:
    """Rows that are or were in one cell."""

    __slots__ = ("n", "rows")

    def __init__(self, rows: npt.NDArray[np.int32]) -> None:
        self.rows = rows
        self.n = len(rows)


class GeoColumn:
    """One GeoProperty: boxes (points: west = east) and, for big tables, a grid over the points."""

    __slots__ = ("areas", "east", "grid", "north", "south", "state", "west")

    def __init__(self, capacity: int) -> None:
        self.state = np.zeros(capacity, dtype=np.uint8)
        self.west = np.zeros(capacity)
        self.south = np.zeros(capacity)
        self.east = np.zeros(0)  # only where there is an area: points need no second corner
        self.north = np.zeros(0)
        self.grid: dict[int, Bucket] | None = None
        self.areas = Bucket(np.zeros(0, dtype=np.int32))

    def grow(self, capacity: int) -> None:
        self.west, self.south = _grown(self.west, capacity), _grown(self.south, capacity)
        if len(self.east):
            self.north, self.east = _grown(self.north, capacity), _grown(self.east, capacity)
        self.state = _grown(self.state, capacity)

    def need_areas(self) -> None:
        if not len(self.east):
            self.north = np.zeros(len(self.state))
            self.east = np.zeros(len(self.state))

    def set(self, row: int, box: Box | None) -> None:
        before = self.state[row]
        if box is None:
            self.state[row] = UNKNOWN
            if before not in (AREA, UNKNOWN):
                self._append(self.areas, row)
        elif len(box) == 2:
            self._set_point(row, box[0], box[1], before == POINT)
        else:
            self.need_areas()
            self.west[row], self.south[row], self.east[row], self.north[row] = box
            self.state[row] = AREA
            if before not in (AREA, UNKNOWN):
                self._append(self.areas, row)

    def clear(self, row: int) -> None:
        self.state[row] = ABSENT

    def _set_point(self, row: int, x: float, y: float, was_point: bool) -> None:
        grid = self.grid
        if grid is None:
            self.west[row], self.south[row] = x, y
        else:
            key = _cell(x, y)
            stays = was_point and _cell(float(self.west[row]), float(self.south[row])) == key
            self.west[row], self.south[row] = x, y
            if not stays:
                bucket = grid.get(key)
                if bucket is None:
                    grid[key] = bucket = Bucket(np.zeros(0, dtype=np.int32))
                self._append(bucket, row, key)
        self.state[row] = POINT

    def enter(self, first: int, end: int) -> None:
        """Take rows that were filled in bulk into the grid and the list of areas."""
        states = self.state[first:end]
        for row in (np.flatnonzero(states >= AREA) + first).tolist():
            self._append(self.areas, row)
        grid = self.grid
        if grid is not None:
            rows = np.flatnonzero(states == POINT) + first
            for row, key in zip(rows.tolist(), self._keys(rows).tolist(), strict=True):
                bucket = grid.get(key)
                if bucket is None:
                    grid[key] = bucket = Bucket(np.zeros(0, dtype=np.int32))
                self._append(bucket, row, key)

    def _append(self, bucket: Bucket, row: int, key: int = -1) -> None:
        if bucket.n == len(bucket.rows):
            kept = np.unique(bucket.rows[: bucket.n])
            if key >= 0:
                kept = kept[(self.state[kept] == POINT) & (self._keys(kept) == key)]
            else:
                kept = kept[self.state[kept] >= AREA]
            rows = np.zeros(max(4, len(kept) * 2), dtype=np.int32)
            rows[: len(kept)] = kept
            fresh = Bucket(rows)
            fresh.n = len(kept)
            bucket.n = min(bucket.n, fresh.n)  # a reader between these lines sees fewer rows of the old array
            bucket.rows, bucket.n = fresh.rows, fresh.n
        bucket.rows[bucket.n] = row
        bucket.n += 1

    def _keys(self, rows: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return _cells(self.west[rows], self.south[rows])

    def build_grid(self, n: int) -> None:
        """Put all points of the first ``n`` rows into cells; done once, when the table has grown big."""
        rows = np.flatnonzero(self.state[:n] == POINT).astype(np.int32)
        keys = self._keys(rows)
        order = np.argsort(keys, kind="stable")
        rows, keys = rows[order], keys[order]
        cuts = np.flatnonzero(np.diff(keys)) + 1
        grid: dict[int, Bucket] = {}
        for part in np.split(np.arange(len(rows)), cuts):
            if len(part):
                grid[int(keys[part[0]])] = Bucket(rows[part[0] : part[-1] + 1].copy())
        self.areas = Bucket(np.flatnonzero(self.state[:n] >= AREA).astype(np.int32))
        self.grid = grid

    def near_rows(self, box: tuple[float, float, float, float], n: int) -> Rows:
        """Rows below ``n`` that may be in the box, ascending: all when there is no grid or the box is big."""
        grid = self.grid
        if grid is None:
            return slice(0, n)
        x0, y0, x1, y1 = (int((v + s) / _CELL_DEG) for v, s in zip(box, (180, 90, 180, 90), strict=True))
        if (x1 - x0 + 1) * (y1 - y0 + 1) > _CELLS_MAX:
            return slice(0, n)
        keys = {_fold(x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)}
        found = [_content(self.areas)]
        found += [_content(bucket) for bucket in map(grid.get, keys) if bucket is not None]
        rows = np.sort(np.concatenate(found))  # np.unique hashes, which takes ten times as long
        rows = rows[np.diff(rows, prepend=-1) != 0]
        near: npt.NDArray[np.int64] = rows[rows < n].astype(np.int64)
        return near


def _content(bucket: Bucket) -> npt.NDArray[np.int32]:
    n = bucket.n
    return bucket.rows[:n]


def _fold(x: int, y: int) -> int:
    return (x * 40503 + y * 257) & _FOLD


def _cell(x: float, y: float) -> int:
    return _fold(int((x + 180) / _CELL_DEG), int((y + 90) / _CELL_DEG))


def _cells(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    cx = ((x + 180) / _CELL_DEG).astype(np.int64)
    cy = ((y + 90) / _CELL_DEG).astype(np.int64)
    return (cx * 40503 + cy * 257) & _FOLD


class Table:
    """Entities with the same types. ``order``: creation number, rising along the rows unless ``shuffled``."""

    __slots__ = (
        "capacity",
        "columns",
        "dead",
        "geos",
        "ids",
        "n",
        "number",
        "order",
        "shape",
        "shapes",
        "shuffled",
        "types",
    )

    def __init__(self, number: int, types: tuple[str, ...], capacity: int = 16) -> None:
        self.number = number
        self.types = types
        self.shapes: set[int] = set()
        self.capacity = capacity
        self.n = 0
        self.dead = 0
        self.shuffled = False
        self.ids: list[str] = []
        self.order = np.zeros(capacity, dtype=np.int64)
        self.shape = np.zeros(capacity, dtype=np.int32)
        self.columns: dict[int, Column] = {}
        self.geos: dict[int, GeoColumn] = {}

    def reserve(self, rows: int) -> None:
        if rows <= self.capacity:
            return
        capacity = max(rows, self.capacity * 2 if self.capacity < 1 << 18 else self.capacity * 5 // 4)
        self.order, self.shape = _grown(self.order, capacity), _grown(self.shape, capacity)
        for column in self.columns.values():
            column.grow(capacity)
        for geo in self.geos.values():
            geo.grow(capacity)
        self.capacity = capacity

    def append(self, entity_id: str, order: int, shape: int) -> int:
        """A new row, not yet seen by readers: fill its columns, then ``publish``."""
        row = self.n
        if row == self.capacity:
            self.reserve(row + 1)
        if row and order < self.order[row - 1]:
            self.shuffled = True
        self.order[row] = order
        self.shape[row] = shape
        self.ids.append(entity_id)
        return row

    def publish(self) -> None:
        self.n += 1
        if self.n == GRID_FROM:
            for geo in self.geos.values():
                geo.build_grid(self.n)

    def admit(self, first: int, end: int) -> None:
        """Publish rows whose columns were filled in bulk."""
        for geo in self.geos.values():
            geo.enter(first, end)
        grown = self.n < GRID_FROM <= end
        self.n = end
        if grown:
            self.settle()

    def settle(self) -> None:
        """After a bulk load: build what grows with single rows otherwise."""
        for geo in self.geos.values():
            if self.n >= GRID_FROM:
                geo.build_grid(self.n)
            else:
                geo.areas = Bucket(np.flatnonzero(geo.state[: self.n] >= AREA).astype(np.int32))

    def column(self, code: int) -> Column:
        column = self.columns.get(code)
        if column is None:
            column = self.columns[code] = Column(self.capacity, len(self.columns) < VALUED_MOST)
        return column

    def geo(self, code: int) -> GeoColumn | None:
        """None: there are too many; documents decide."""
        geo = self.geos.get(code)
        if geo is None and len(self.geos) < GEOS_MOST:
            geo = GeoColumn(self.capacity)
            if self.n >= GRID_FROM:
                geo.build_grid(0)
            self.geos[code] = geo
        return geo

    def clear(self, row: int, code: int) -> None:
        column = self.columns.get(code)
        if column is not None:
            column.state[row] = ABSENT
        geo = self.geos.get(code)
        if geo is not None:
            geo.clear(row)

    def kill(self, row: int) -> None:
        self.shape[row] = DEAD
        self.ids[row] = ""
        self.dead += 1

    def compacted(self) -> Table:
        """A copy without dead rows, in order of creation; this table stays as it is for those who read it."""
        keep = np.flatnonzero(self.shape[: self.n] != DEAD)
        keep = keep[np.argsort(self.order[keep], kind="stable")]
        new = Table(self.number, self.types, max(16, len(keep) * 5 // 4))
        new.n = n = len(keep)
        new.order[:n], new.shape[:n] = self.order[keep], self.shape[keep]
        new.shapes = self.shapes
        new.ids = [self.ids[row] for row in keep.tolist()]
        for code, column in self.columns.items():
            fresh = Column(new.capacity, column.valued)
            if column.valued:
                fresh.state[:n] = column.state[keep]
            else:
                fresh.note(np.flatnonzero(column.state[keep]))
            if len(column.num):
                fresh.need_values()
                fresh.bits[:n] = column.bits[keep]
            new.columns[code] = fresh
        for code, geo in self.geos.items():
            area = GeoColumn(new.capacity)
            area.state[:n], area.west[:n], area.south[:n] = geo.state[keep], geo.west[keep], geo.south[keep]
            if len(geo.east):
                area.need_areas()
                area.east[:n], area.north[:n] = geo.east[keep], geo.north[keep]
            if n >= GRID_FROM:
                area.build_grid(n)
            else:
                area.areas = Bucket(np.flatnonzero(area.state[:n] >= AREA).astype(np.int32))
            new.geos[code] = area
        return new

    def memory(self) -> int:
        """Bytes of the arrays and the list of ids (not the id strings)."""
        total = self.order.nbytes + self.shape.nbytes + 8 * len(self.ids)
        for column in list(self.columns.values()):
            total += column.state.nbytes + column.num.nbytes
        for geo in list(self.geos.values()):
            total += geo.state.nbytes + geo.west.nbytes * 2 + geo.east.nbytes * 2
            for bucket in (geo.grid or {}).values():
                total += bucket.rows.nbytes + 300
        return total
