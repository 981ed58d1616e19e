"""Where the roads are: the lines of a network's segments, places snapped to them, pieces of them drawn.

Knows nothing of driving; network.py asks. Shapely is imported at the first question, not at import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from andaman.kernel.geometry import Plane
from andaman.kernel.network_model import Floats, Snap

if TYPE_CHECKING:
    from shapely import STRtree


class RoadLines:
    """The lines of segments by their numbers. ``scale``: metres per degree of longitude and latitude there."""

    def __init__(self, lines: Iterable[Sequence[Sequence[float]]], node_lonlat: Floats) -> None:
        self._lines: list[Floats] = [np.array([p[:2] for p in line], dtype=float) for line in lines]
        centre = node_lonlat.mean(axis=0) if len(node_lonlat) else np.zeros(2)
        plane = Plane(float(centre[0]), float(centre[1]))
        self.scale = np.array([plane.x_per_deg, plane.y_per_deg])
        self._tree: tuple[STRtree, Any] | None = None

    def snap(self, places: Sequence[Sequence[float]]) -> list[Snap]:
        """The nearest position on the lines of each [lon, lat]. Raises ValueError when there are none."""
        import shapely

        if not self._lines:
            raise ValueError("The network has no segments to snap to")
        if not places:
            return []
        if self._tree is None:
            lines = np.array([shapely.LineString(line * self.scale) for line in self._lines], dtype=object)
            self._tree = shapely.STRtree(lines), lines
        tree, lines = self._tree
        points = shapely.points(np.array([p[:2] for p in places], dtype=float) * self.scale)
        edges = tree.nearest(points)
        near = lines[edges]
        share = np.clip(shapely.line_locate_point(near, points, normalized=True), 0.0, 1.0)
        feet = shapely.line_interpolate_point(near, share, normalized=True)
        access = shapely.distance(points, near)
        lonlat = shapely.get_coordinates(feet) / self.scale
        return [
            Snap(int(e), float(s), float(a), float(xy[0]), float(xy[1]))
            for e, s, a, xy in zip(edges, share, access, lonlat, strict=True)
        ]

    def draw(
        self, pieces: Iterable[tuple[int, float, float]], time_s: Floats, length_m: Floats
    ) -> tuple[list[tuple[float, float]], list[float], float]:
        """Pieces of segments (number, share from, share to) one after the other: the line, the seconds at each of its
        positions, its metres. ``time_s`` and ``length_m`` are those of whole segments."""
        line: list[tuple[float, float]] = []
        times: list[float] = []
        distance = seconds = 0.0
        for edge, share_from, share_to in pieces:
            points, shares = self.cut(edge, share_from, share_to)
            span = float(time_s[edge])
            for point, share in zip(points, shares, strict=True):
                moment = seconds + abs(share - share_from) * span
                if not line or line[-1] != point:
                    line.append(point)
                    times.append(moment)
            seconds += abs(share_to - share_from) * span
            distance += abs(share_to - share_from) * float(length_m[edge])
        return line, times, distance

    def cut(self, edge: int, a: float, b: float) -> tuple[list[tuple[float, float]], list[float]]:
        """The piece of a segment's line between two shares of its length, in that direction."""
        line = self._lines[edge]
        steps = np.hypot(*((line[1:] - line[:-1]) * self.scale).T)
        total = float(steps.sum())
        if total == 0.0:
            share = np.linspace(0.0, 1.0, len(line))
        else:
            share = np.concatenate([[0.0], np.cumsum(steps) / total])
        low, high = min(a, b), max(a, b)
        inner = np.nonzero((share > low) & (share < high))[0]
        shares = np.concatenate([[low], share[inner], [high]])
        xs, ys = np.interp(shares, share, line[:, 0]), np.interp(shares, share, line[:, 1])
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        out = shares.tolist()
        return (points, out) if a <= b else (points[::-1], out[::-1])
