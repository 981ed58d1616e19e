"""The land of a city as a regular grid of cells inside its administrative outlines, and its compact form for maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.network.roads import M_PER_DEGREE, Floats, Ints, Plane

Geometry = dict[str, Any]
CELL_M: Final = 250.0


@dataclass(frozen=True, slots=True)
class Area:
    """An administrative area with its outline (GeoJSON Polygon or MultiPolygon) and its residents, where known."""

    id: str
    code: str
    level: str
    name: dict[str, str]
    outline: Geometry
    population: float | None


@dataclass(frozen=True, slots=True)
class LandGrid:
    """Cells whose centre is on land. Row 0 is the south, column 0 the west; sizes are in metres and degrees."""

    plane: Plane
    cell_m: float
    west: float
    south: float
    step_lon: float
    step_lat: float
    columns: int
    rows: int
    row: Ints  # (n,) of land cells, row-major order
    column: Ints
    lonlat: Floats  # (n, 2) centres
    xy: Floats  # (n, 2) metres
    area: Ints  # (n,) index into areas
    areas: tuple[Area, ...]

    @property
    def n(self) -> int:
        return len(self.row)

    def compact(self, level: NDArray[Any], names: Sequence[str]) -> dict[str, Any]:
        """Run-length form for maps: ``runs`` = [value, count, value, count …], row by row from the south-west.

        Value 0 is "no land"; value k + 1 is ``levels[k]``. ``level``: (n,) integers from 0.
        """
        image = np.zeros(self.rows * self.columns, dtype=np.int64)
        image[self.row * self.columns + self.column] = np.asarray(level, dtype=np.int64) + 1
        starts = np.concatenate([[0], np.flatnonzero(np.diff(image)) + 1])
        counts = np.diff(np.concatenate([starts, [len(image)]]))
        runs = np.column_stack([image[starts], counts]).ravel()
        return {
            "west": self.west,
            "south": self.south,
            "stepLon": self.step_lon,
            "stepLat": self.step_lat,
            "columns": self.columns,
            "rows": self.rows,
            "cellM": self.cell_m,
            "levels": list(names),
            "runs": runs.tolist(),
        }


def expand(grid: dict[str, Any]) -> NDArray[np.int64]:
    """The image (rows, columns) of a compact grid: the inverse of ``LandGrid.compact``."""
    runs = np.asarray(grid["runs"], dtype=np.int64).reshape(-1, 2)
    return np.repeat(runs[:, 0], runs[:, 1]).reshape(grid["rows"], grid["columns"])


def land_grid(areas: Sequence[Area], cell_m: float = CELL_M) -> LandGrid:
    """Cells of about ``cell_m`` whose centre is in one of the areas (the first that holds it)."""
    import shapely
    from shapely.geometry import shape

    shapes = [shapely.make_valid(shape(area.outline)) for area in areas]
    bounds = np.array([one.bounds for one in shapes])
    west, south = bounds[:, 0].min(), bounds[:, 1].min()
    east, north = bounds[:, 2].max(), bounds[:, 3].max()
    plane = Plane(float((west + east) / 2), float((south + north) / 2))
    step_lat = cell_m / M_PER_DEGREE
    step_lon = step_lat / math.cos(math.radians(plane.lat0))
    columns, rows = math.ceil((east - west) / step_lon), math.ceil((north - south) / step_lat)
    lon = west + (np.arange(columns) + 0.5) * step_lon
    lat = south + (np.arange(rows) + 0.5) * step_lat
    all_lon, all_lat = (axis.ravel() for axis in np.meshgrid(lon, lat))
    owner = np.full(len(all_lon), -1, dtype=np.int64)
    for k, one in enumerate(shapes):
        shapely.prepare(one)
        free = np.flatnonzero(owner < 0)
        owner[free[shapely.contains_xy(one, all_lon[free], all_lat[free])]] = k
    inside = np.flatnonzero(owner >= 0)
    lonlat = np.column_stack([all_lon[inside], all_lat[inside]])
    return LandGrid(
        plane,
        cell_m,
        float(west),
        float(south),
        step_lon,
        step_lat,
        columns,
        rows,
        inside // columns,
        inside % columns,
        lonlat,
        plane.xy(lonlat[:, 0], lonlat[:, 1]),
        owner[inside],
        tuple(areas),
    )
