"""The road graph as arrays, for studies that touch every node: projection, subdivision, shortest times.

Built from ``RoadSegment`` entities (docs/vocabulary.md). Links are undirected, because the pack's source carries
no one-way tags; times are free-flow times at the speeds of the kernel's road network. The kernel's engine answers
questions about single places; this one answers for all nodes and cells at once. SciPy is imported on first use, so that an idle server
does not carry it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from andaman.broker.api import Doc, value
from andaman.city.roads import RoadSegment
from andaman.kernel.network_model import ACCESS_KMH, OTHER_KMH, SPEED_KMH

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

M_PER_DEGREE: Final = 111_194.93


@dataclass(frozen=True, slots=True)
class Plane:
    """Equirectangular metres about a centre; within a province the error stays below one part in a thousand."""

    lon0: float
    lat0: float

    def xy(self, lon: Floats, lat: Floats) -> Floats:
        """(n, 2) metres east and north of the centre."""
        east = (np.asarray(lon) - self.lon0) * M_PER_DEGREE * math.cos(math.radians(self.lat0))
        north = (np.asarray(lat) - self.lat0) * M_PER_DEGREE
        return np.column_stack([east, north])

    def lonlat(self, xy: Floats) -> Floats:
        """(n, 2) degrees from metres."""
        lon = self.lon0 + xy[:, 0] / (M_PER_DEGREE * math.cos(math.radians(self.lat0)))
        return np.column_stack([lon, self.lat0 + xy[:, 1] / M_PER_DEGREE])


@dataclass(frozen=True, slots=True)
class RoadGraph:
    """``xy`` (n, 2) metres; edge k joins ``u[k]`` and ``v[k]``, takes ``seconds[k]``, and is ``segment[k]`` of the city."""

    plane: Plane
    xy: Floats
    u: Ints
    v: Ints
    length_m: Floats
    seconds: Floats
    segment: Ints  # edge → index into ids; many edges share one after subdivision
    ids: tuple[str, ...]  # segment → entity id
    labels: tuple[dict[str, Any], ...]  # segment → name, ref, roadClass
    lines: tuple[Floats, ...]  # segment → (m, 2) lon/lat
    local: tuple[Ints, Ints, Floats] | None = (
        None  # assumed local streets: nodes, nodes, seconds; never closed
    )

    @property
    def n(self) -> int:
        return len(self.xy)

    def matrix(self, without: Iterable[int] = ()) -> csr_array:
        """Symmetric matrix of seconds; of parallel edges the fastest counts. ``without``: edges left out."""
        from scipy.sparse import csr_array

        keep = np.ones(len(self.u), dtype=bool)
        keep[list(without)] = False
        a = np.concatenate([self.u[keep], self.v[keep]])
        b = np.concatenate([self.v[keep], self.u[keep]])
        w = np.concatenate([self.seconds[keep], self.seconds[keep]])
        if self.local is not None:
            one, other, seconds = self.local
            a, b = np.concatenate([a, one, other]), np.concatenate([b, other, one])
            w = np.concatenate([w, seconds, seconds])
        order = np.lexsort((w, b, a))
        a, b, w = a[order], b[order], w[order]
        first = np.ones(len(a), dtype=bool)
        first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
        loop = a == b
        first &= ~loop
        return csr_array((w[first], (a[first], b[first])), shape=(self.n, self.n))

    def giant(self) -> NDArray[np.bool_]:
        """True for the nodes of the largest connected part."""
        from scipy.sparse.csgraph import connected_components

        _, label = connected_components(self.matrix(), directed=False)
        inside: NDArray[np.bool_] = label == np.bincount(label).argmax()
        return inside


def graph_of(docs: Iterable[Doc]) -> RoadGraph:
    """The graph of ``RoadSegment`` entities; a segment without nodes or line is left out.

    Order follows the entity id, so that equal inputs give equal results.
    """
    rows: list[tuple[str, int, int, float, str, dict[str, Any], Floats]] = []
    for one in map(RoadSegment.of, docs):
        if one is None:
            continue
        line = np.asarray([at[:2] for at in one.line], dtype=np.float64)
        label = {"name": value(one.doc, "name"), "ref": value(one.doc, "ref"), "roadClass": one.road_class}
        rows.append((one.id, one.start, one.end, one.length_m, one.road_class, label, line))
    rows.sort(key=lambda row: (len(row[0]), row[0]))
    nodes: dict[int, int] = {}
    points: list[tuple[float, float]] = []
    for _, start, end, _, _, _, line in rows:
        for node, point in ((start, line[0]), (end, line[-1])):
            if node not in nodes:
                nodes[node] = len(points)
                points.append((float(point[0]), float(point[1])))
    lonlat = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    centre = lonlat.mean(axis=0) if len(lonlat) else np.zeros(2)
    plane = Plane(float(centre[0]), float(centre[1]))
    lines = [row[6] for row in rows]
    measured = np.array([_length(plane, line) for line in lines])
    given = np.array([row[3] for row in rows])
    length = np.where(given > 0, given, measured)
    speed = np.array([speed_kmh(row[4]) for row in rows])
    return RoadGraph(
        plane,
        plane.xy(lonlat[:, 0], lonlat[:, 1]),
        np.array([nodes[row[1]] for row in rows], dtype=np.int64),
        np.array([nodes[row[2]] for row in rows], dtype=np.int64),
        length,
        length / (speed / 3.6) if len(rows) else length,
        np.arange(len(rows), dtype=np.int64),
        tuple(row[0] for row in rows),
        tuple(row[5] for row in rows),
        tuple(lines),
    )


def speed_kmh(road_class: str) -> float:
    """Free driving speed of a class, as the kernel's road network has it."""
    return float(SPEED_KMH.get(road_class, OTHER_KMH))


def at_speeds(graph: RoadGraph, kmh: Mapping[str, float]) -> RoadGraph:
    """The graph at other speeds by road class; a class that is not named changes by the factor of "primary"."""
    factor = kmh["primary"] / speed_kmh("primary")
    classes = [str(label["roadClass"]) for label in graph.labels]
    speed = np.array([kmh.get(one, speed_kmh(one) * factor) for one in classes])[graph.segment]
    return replace(graph, seconds=graph.length_m / (speed / 3.6))


def _length(plane: Plane, line: Floats) -> float:
    xy = plane.xy(line[:, 0], line[:, 1])
    return float(np.hypot(*np.diff(xy, axis=0).T).sum())


def subdivided(graph: RoadGraph, step_m: float = 150.0) -> RoadGraph:
    """The same graph with extra nodes along each edge, at most ``step_m`` apart, so that places snap closely.

    The first ``graph.n`` nodes are the original ones.
    """
    xy: list[Floats] = [graph.xy]
    u: list[int] = []
    v: list[int] = []
    share: list[float] = []
    owner: list[int] = []
    count = graph.n
    for k, line in enumerate(graph.lines):
        points = graph.plane.xy(line[:, 0], line[:, 1])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        pieces = max(1, math.ceil(along[-1] / step_m))
        at = np.linspace(0.0, along[-1], pieces + 1)[1:-1]
        xy.append(np.column_stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])]))
        chain = [int(graph.u[k]), *range(count, count + len(at)), int(graph.v[k])]
        count += len(at)
        u += chain[:-1]
        v += chain[1:]
        share += [1.0 / pieces] * pieces
        owner += [k] * pieces
    index = np.array(owner, dtype=np.int64)
    part = np.array(share)
    return RoadGraph(
        graph.plane,
        np.concatenate(xy),
        np.array(u, dtype=np.int64),
        np.array(v, dtype=np.int64),
        graph.length_m[index] * part,
        graph.seconds[index] * part,
        graph.segment[index],
        graph.ids,
        graph.labels,
        graph.lines,
    )


def with_local_streets(graph: RoadGraph, land: Any, reach_m: float, detour: float = 1.3) -> RoadGraph:
    """The graph with assumed local streets between nodes at most ``reach_m`` apart.

    Neighbours are those of the Delaunay triangulation, and only where the straight line stays on ``land`` (a shapely
    geometry in degrees); length is the straight distance times ``detour``, speed is the kernel's access speed.
    """
    import shapely
    from scipy.spatial import Delaunay, QhullError

    try:
        corners = Delaunay(graph.xy).simplices
    except (QhullError, ValueError):  # fewer than three nodes, or all in a row: no streets beside the roads
        return graph
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
    pairs = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    pairs = pairs[np.hypot(*(graph.xy[pairs[:, 0]] - graph.xy[pairs[:, 1]]).T) <= reach_m]
    if not len(pairs):
        return graph
    lonlat = graph.plane.lonlat(graph.xy)
    lines = shapely.linestrings(np.stack([lonlat[pairs[:, 0]], lonlat[pairs[:, 1]]], axis=1))
    shapely.prepare(land)
    pairs = pairs[shapely.covers(land, lines)]
    straight = np.hypot(*(graph.xy[pairs[:, 0]] - graph.xy[pairs[:, 1]]).T)
    seconds = np.maximum(access_seconds(straight * detour), 1e-3)
    return replace(graph, local=(pairs[:, 0], pairs[:, 1], seconds))


def seconds_from(graph: RoadGraph, nodes: Sequence[int], offsets_s: Sequence[float]) -> tuple[Floats, Ints]:
    """Least seconds from any of the places to every node, and which place it is (-1: none reaches it).

    ``offsets_s[i]`` is the time already spent between place i and its node ``nodes[i]``.
    """
    from scipy.sparse import block_array, csr_array
    from scipy.sparse.csgraph import dijkstra

    n, m = graph.n, len(nodes)
    if m == 0:
        return np.full(n, np.inf), np.full(n, -1, dtype=np.int64)
    rows = csr_array((np.maximum(offsets_s, 1e-6), (np.arange(m), np.asarray(nodes))), shape=(m, n))
    whole: Any = block_array([[graph.matrix(), None], [rows, csr_array((m, m))]], format="csr")
    times, _, sources = dijkstra(
        whole, directed=True, indices=np.arange(n, n + m), min_only=True, return_predecessors=True
    )
    place = np.where(np.isfinite(times), sources - n, -1)[:n].astype(np.int64)
    return times[:n], place


def snap(graph: RoadGraph, xy: Floats, usable: NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
    """Nearest (usable) node of each point, and the straight distance in metres."""
    from scipy.spatial import KDTree

    index = np.arange(graph.n) if usable is None else np.flatnonzero(usable)
    distance, nearest = KDTree(graph.xy[index]).query(xy)
    return index[nearest], np.asarray(distance, dtype=np.float64)


def access_seconds(distance_m: Floats) -> Floats:
    """Time on the straight line between a place and its node, over streets that the graph does not hold."""
    return np.asarray(distance_m) / (ACCESS_KMH / 3.6)
