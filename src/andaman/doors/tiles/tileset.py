"""Vector tiles from features: projection, simplification per zoom, clipping, encoding (Mapbox Vector Tile 2.1). Pure.

World coordinates are Web Mercator scaled to a unit square: x to the east, y to the south, (0, 0) at 180° W, 85.05° N.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import mapbox_vector_tile
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

EXTENT: Final = 4096
BUFFER: Final = 64  # units around the tile, so that line ends and labels meet
MAX_ZOOM: Final = 16
DETAIL_ZOOM: Final = 13
MAX_LATITUDE: Final = 85.051128
_SIMPLIFY_UNITS: Final = 4.0  # a quarter of a pixel at 256 pixels a tile

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feature:
    """Geometry in WGS 84 with plain properties; shown from ``min_zoom`` to ``max_zoom``."""

    layer: str
    geometry: BaseGeometry
    properties: Mapping[str, str | int | float | bool]
    min_zoom: int = 0
    max_zoom: int = MAX_ZOOM


@dataclass(slots=True)
class _Level:
    """The content of one zoom: simplified world geometries with a search tree."""

    features: list[Feature]
    shapes: npt.NDArray[np.object_]
    tree: shapely.STRtree = field(init=False)

    def __post_init__(self) -> None:
        self.tree = shapely.STRtree(self.shapes)


def to_world(lonlat: Floats) -> Floats:
    """Longitude, latitude (n × 2) to world coordinates."""
    latitude = np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE)
    sine = np.sin(np.radians(latitude))
    return np.column_stack([lonlat[:, 0] / 360.0 + 0.5, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)])


class TileSet:
    """Tiles of some layers. Levels are made when first asked for; safe to use from several threads."""

    def __init__(self, features: Sequence[Feature], layers: Sequence[str]) -> None:
        """``layers``: names in drawing order; a layer without features in a tile is left out of it."""
        self._layers = tuple(layers)
        self._features = list(features)
        self._world = np.array(
            [shapely.transform(feature.geometry, to_world) for feature in self._features], dtype=object
        )
        self._levels: dict[int, _Level] = {}

    def tile(self, z: int, x: int, y: int) -> bytes:
        """The encoded tile; empty when nothing is there."""
        level = self._level(z)
        size = 1.0 / (1 << z)
        west, north = x * size, y * size
        margin = size * BUFFER / EXTENT
        box = (west - margin, north - margin, west + size + margin, north + size + margin)
        found = np.sort(level.tree.query(shapely.box(*box)))
        if not len(found):
            return b""
        scale = EXTENT / size
        corner = np.array([west, north])
        content: dict[str, list[dict[str, Any]]] = {}
        clipped = shapely.clip_by_rect(level.shapes[found], *box)
        for index, shape in zip(found, clipped, strict=True):
            feature = level.features[index]
            if not shape.is_empty:
                placed = _fit(shapely.transform(shape, _quantizer(corner, scale)), feature.geometry)
                if placed is not None:
                    content.setdefault(feature.layer, []).append(
                        {"geometry": placed, "properties": feature.properties}
                    )
        layers = [{"name": name, "features": content[name]} for name in self._layers if name in content]
        if not layers:
            return b""
        options = {"y_coord_down": True, "extents": EXTENT, "check_winding_order": False}
        encoded: bytes = mapbox_vector_tile.encode(layers, default_options=options)
        return encoded

    def _level(self, z: int) -> _Level:
        level = self._levels.get(z)
        if level is None:
            chosen = [
                i for i, feature in enumerate(self._features) if feature.min_zoom <= z <= feature.max_zoom
            ]
            shapes = self._world[chosen] if chosen else self._world[:0]
            if chosen and z < DETAIL_ZOOM:  # above it the stored outlines are coarser than a pixel
                tolerance = _SIMPLIFY_UNITS / EXTENT / (1 << z)
                shapes = shapely.simplify(shapes, tolerance, preserve_topology=False)
            level = self._levels[z] = _Level([self._features[i] for i in chosen], shapes)
        return level


def _quantizer(corner: Floats, scale: float) -> Callable[[Floats], Floats]:
    """World coordinates to integer tile units."""
    return lambda xy: np.rint((xy - corner) * scale)


def _fit(shape: BaseGeometry, original: BaseGeometry) -> BaseGeometry | None:
    """The clipped shape as the kind it was: polygons made valid again, leftovers of clipping dropped."""
    wanted = shapely.get_dimensions(original)
    if wanted == 2 and not shape.is_valid:
        shape = shapely.make_valid(shape)
    if shape.geom_type == "GeometryCollection":
        parts = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == wanted]
        if not parts:
            return None
        shape = shapely.union_all(parts)
    if shape.is_empty or shapely.get_dimensions(shape) != wanted:
        return None
    # MVT 2.1 §4.3.4.4: exterior rings have positive area by the surveyor's formula, interior rings negative.
    return shapely.orient_polygons(shape) if wanted == 2 else shape
