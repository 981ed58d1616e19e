"""The road network engine: shortest driving times on a graph of road segments (SciPy ``csgraph``).

Pure: no clock, no disk, no entities. A network never changes after it is built; ``without`` gives another one that
shares its geometry (network_lines.py). SciPy is imported at the first question, not at import, to keep a platform at
rest small.

A *place* is any point on the map. It is snapped to the nearest segment; the straight line to the road (the *access*)
is driven at ``access_kmh``, because streets below the graph's classes are not in it. Times are seconds, lengths metres.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from andaman.kernel.network_lines import RoadLines
from andaman.kernel.network_model import (
    ACCESS_KMH,
    OTHER_KMH,
    SPEED_KMH,
    Floats,
    Ints,
    Reach,
    Route,
    Segment,
    Snap,
    Trip,
)

__all__ = ["ACCESS_KMH", "OTHER_KMH", "SPEED_KMH", "Reach", "RoadNetwork", "Route", "Segment", "Snap", "Trip"]

_FIRST_LIMIT_S: Final = 300.0


class RoadNetwork:
    """An immutable graph of segments. Node and edge numbers are positions in ``node_ids`` and ``segment_ids``."""

    def __init__(
        self,
        segments: Iterable[Segment],
        *,
        speeds: Mapping[str, float] = SPEED_KMH,
        factors: Mapping[str, float] | None = None,
        access_kmh: float = ACCESS_KMH,
    ) -> None:
        """``factors`` multiplies the speed of a class ("*" stands for all others), such as ``{"*": 0.8}`` in rain.
        ``{"*": 0.8}`` in rain.

        Raises ValueError for a segment without two positions, or with a length or speed that is not positive.
        """
        items = list(segments)
        factors = factors or {}
        self.segment_ids = [s.id for s in items]
        numbers: dict[int, int] = {}
        ends: dict[int, Sequence[float]] = {}
        for s in items:
            if len(s.line) < 2:
                raise ValueError(f"Segment {s.id} has fewer than two positions")
            if not (math.isfinite(s.length_m) and s.length_m > 0):
                raise ValueError(f"Segment {s.id} has length {s.length_m}; a length is more than 0 m")
            for node, position in ((s.start, s.line[0]), (s.end, s.line[-1])):
                numbers.setdefault(node, len(numbers))
                ends.setdefault(node, position)
        self.node_ids = list(numbers)
        self.node_lonlat: Floats = np.array([ends[n][:2] for n in numbers], dtype=float).reshape(-1, 2)
        self.start: Ints = np.array([numbers[s.start] for s in items], dtype=np.int64)
        self.end: Ints = np.array([numbers[s.end] for s in items], dtype=np.int64)
        self.length_m: Floats = np.array([s.length_m for s in items], dtype=float)
        kmh = np.array(
            [
                speeds.get(s.road_class, OTHER_KMH) * factors.get(s.road_class, factors.get("*", 1.0))
                for s in items
            ],
            dtype=float,
        )
        if not (kmh > 0).all() or access_kmh <= 0:
            raise ValueError("Every speed is more than 0 km/h")
        self.speed_kmh: Floats = kmh
        self.time_s: Floats = self.length_m / (kmh / 3.6)
        self.oneway: Ints = np.array([s.oneway for s in items], dtype=np.int64)
        self.access_kmh = access_kmh
        self.closed: frozenset[int] = frozenset()
        self.lines = RoadLines([s.line for s in items], self.node_lonlat)
        self._graphs: dict[bool, tuple[Any, dict[tuple[int, int], int]]] = {}

    def __len__(self) -> int:
        return len(self.segment_ids)

    @property
    def node_count(self) -> int:
        return len(self.node_ids)

    def without(self, edges: Collection[int]) -> RoadNetwork:
        """The same network with these segments (by index) closed as well; cheap, geometry is shared.

        Places still snap to closed segments, but nothing drives on them: a place there is cut off.
        """
        other = object.__new__(RoadNetwork)
        other.__dict__.update(self.__dict__)
        other.closed = self.closed | frozenset(edges)
        other._graphs = {}
        return other

    # -- the graph ------------------------------------------------------------------------------------------
    def _graph(self, reverse: bool) -> tuple[Any, dict[tuple[int, int], int]]:
        """CSR matrix of seconds and the segment behind each (from, to); of parallel segments the fastest."""
        if reverse not in self._graphs:
            from scipy.sparse import csr_array

            open_ = np.ones(len(self), dtype=bool)
            open_[list(self.closed)] = False
            forward, backward = open_ & (self.oneway >= 0), open_ & (self.oneway <= 0)
            number = np.arange(len(self))
            tail = np.concatenate([self.start[forward], self.end[backward]])
            head = np.concatenate([self.end[forward], self.start[backward]])
            edge = np.concatenate([number[forward], number[backward]])
            if reverse:
                tail, head = head, tail
            order = np.lexsort((edge, self.time_s[edge], head, tail))
            tail, head, edge = tail[order], head[order], edge[order]
            first = np.ones(len(tail), dtype=bool)
            first[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
            tail, head, edge = tail[first], head[first], edge[first]
            shape = (self.node_count, self.node_count)
            matrix = csr_array((self.time_s[edge], (tail, head)), shape=shape)
            behind = dict(zip(zip(tail.tolist(), head.tolist(), strict=True), edge.tolist(), strict=True))
            self._graphs[reverse] = matrix, behind
        return self._graphs[reverse]

    def _dijkstra(self, nodes: Sequence[int] | Ints, limit: float, reverse: bool) -> Floats:
        from scipy.sparse.csgraph import dijkstra

        matrix, _ = self._graph(reverse)
        result: Floats = dijkstra(matrix, directed=True, indices=nodes, limit=limit)
        return result

    def node_times_s(
        self, nodes: Sequence[int] | Ints, *, limit_s: float = math.inf, reverse: bool = False
    ) -> Floats:
        """Driving times from each of the nodes to all nodes (rows: as given); ``reverse``: from all nodes to them."""
        return np.atleast_2d(self._dijkstra(np.asarray(nodes, dtype=np.int64), limit_s, reverse))

    def components(self) -> tuple[int, Ints]:
        """Number of parts within which one can drive from anywhere to anywhere, and the part of each node."""
        from scipy.sparse.csgraph import connected_components

        matrix, _ = self._graph(False)
        count, labels = connected_components(matrix, directed=True, connection="strong")
        return int(count), labels.astype(np.int64)

    # -- places ---------------------------------------------------------------------------------------------
    def snap(self, places: Sequence[Sequence[float]]) -> list[Snap]:
        """The nearest position on the network of each [lon, lat]. Raises ValueError when there are no segments."""
        return self.lines.snap(places)

    def nearest_node(self, place: Sequence[float]) -> int:
        """Index of the node nearest as the crow flies."""
        gap = (self.node_lonlat - np.asarray(place[:2], dtype=float)) * self.lines.scale
        return int(np.argmin((gap**2).sum(axis=1)))

    def access_s(self, snap: Snap) -> float:
        return snap.access_m / (self.access_kmh / 3.6)

    def _leave(self, snap: Snap, reverse: bool) -> list[tuple[int, float]]:
        """(node, seconds) to leave the segment by its ends; with ``reverse``: to arrive from them."""
        if snap.edge in self.closed:
            return []
        t, oneway = float(self.time_s[snap.edge]), int(self.oneway[snap.edge])
        ways = []
        if (oneway <= 0) if not reverse else (oneway >= 0):
            ways.append((int(self.start[snap.edge]), snap.share * t))
        if (oneway >= 0) if not reverse else (oneway <= 0):
            ways.append((int(self.end[snap.edge]), (1 - snap.share) * t))
        return ways

    def _along(self, a: Snap, b: Snap) -> float:
        """Seconds from a to b on their common segment without leaving it; infinite where that is not possible."""
        if a.edge != b.edge or a.edge in self.closed:
            return math.inf
        gap, oneway = b.share - a.share, int(self.oneway[a.edge])
        if gap * oneway < 0:
            return math.inf
        return abs(gap) * float(self.time_s[a.edge])

    def place_times_s(
        self, places: Sequence[Snap], *, limit_s: float = math.inf, reverse: bool = False
    ) -> Floats:
        """Driving times from each place (access included) to all nodes; ``reverse``: from all nodes to the place."""
        out = np.full((len(places), self.node_count), math.inf)
        starts = [(row, n, t) for row, s in enumerate(places) for n, t in self._leave(s, reverse)]
        if starts:
            nodes, inverse = np.unique([n for _, n, _ in starts], return_inverse=True)
            times = self.node_times_s(nodes, limit_s=limit_s, reverse=reverse)
            for (row, _, seconds), k in zip(starts, inverse, strict=True):
                extra = seconds + self.access_s(places[row])
                np.minimum(out[row], times[k] + extra, out=out[row])
        out[out > limit_s] = math.inf
        return out

    def times_at(self, node_time_s: Floats, places: Sequence[Snap], *, reverse: bool = False) -> Floats:
        """Times at any places, from times at the nodes (as of ``place_times_s``, or their minimum over several).

        ``reverse`` has the meaning it had there. Misses only the case of origin and place on one segment.
        """
        out = np.full(len(places), math.inf)
        for i, snap in enumerate(places):
            ways = self._leave(snap, not reverse)
            best = min((float(node_time_s[n]) + t for n, t in ways), default=math.inf)
            out[i] = best + self.access_s(snap)
        return out

    def trips(
        self, origin: Snap, targets: Sequence[Snap], *, limit_s: float = math.inf, reverse: bool = False
    ) -> list[Trip]:
        """Trips from the origin to every target (``reverse``: from the targets to the origin), in their order."""
        times = self.place_times_s([origin], limit_s=limit_s, reverse=reverse)[0]
        at = self.times_at(times, targets, reverse=reverse)
        out = []
        for i, target in enumerate(targets):
            direct = self._along(target, origin) if reverse else self._along(origin, target)
            direct += self.access_s(origin) + self.access_s(target)
            best = min(float(at[i]), direct)
            out.append(Trip(i, best if best <= limit_s else math.inf, math.inf))
        return out

    def nearest(
        self,
        origin: Sequence[float],
        targets: Sequence[Sequence[float]],
        k: int,
        *,
        reverse: bool = False,
        max_s: float = math.inf,
    ) -> list[Trip]:
        """The k targets of least driving time, nearest first, with distances; ``reverse``: towards the origin.

        The search widens: the limit doubles until k targets lie within it, so a near answer never walks the whole graph.
        Fewer than k come back when no more can be reached within ``max_s``.
        """
        if k <= 0 or not targets:
            return []
        start, *ends = self.snap([origin, *targets])
        limit = min(_FIRST_LIMIT_S, max_s)
        while True:
            found = [
                t for t in self.trips(start, ends, limit_s=limit, reverse=reverse) if t.time_s < math.inf
            ]
            if len(found) >= min(k, len(targets)) or limit >= max_s:
                break
            limit = min(limit * 2, max_s) if limit < 100 * _FIRST_LIMIT_S else max_s
        found.sort(key=lambda t: (t.time_s, t.target))
        out = []
        for trip in found[:k]:
            a, b = (ends[trip.target], start) if reverse else (start, ends[trip.target])
            way = self._route(a, b)
            out.append(Trip(trip.target, trip.time_s, way.distance_m if way else math.inf))
        return out

    # -- routes ---------------------------------------------------------------------------------------------
    def route(self, origin: Sequence[float], target: Sequence[float]) -> Route | None:
        """The fastest route between two places, access included; None when there is no way."""
        a, b = self.snap([origin, target])
        way = self._route(a, b)
        if way is None:
            return None
        line, times = way.line, way.times_s
        lead, tail = self.access_s(a), self.access_s(b)
        if a.access_m > 0:
            line.insert(0, (float(origin[0]), float(origin[1])))
            times = [0.0, *(t + lead for t in times)]
        if b.access_m > 0:
            line.append((float(target[0]), float(target[1])))
            times = [*times, times[-1] + tail]
        return Route(way.time_s, way.distance_m, line, times, way.edges)

    def _route(self, a: Snap, b: Snap) -> Route | None:
        """Time and distance with access; line and times on the road only."""
        from scipy.sparse.csgraph import dijkstra

        access_s, access_m = self.access_s(a) + self.access_s(b), a.access_m + b.access_m
        best, pair = self._along(a, b), None
        leave, arrive = self._leave(a, False), self._leave(b, True)
        predecessors: Any = None
        if leave and arrive:
            matrix, _ = self._graph(False)
            times, predecessors = dijkstra(
                matrix, directed=True, indices=[n for n, _ in leave], return_predecessors=True
            )
            for i, (_, out_s) in enumerate(leave):
                for node, in_s in arrive:
                    total = out_s + float(times[i, node]) + in_s
                    if total < best:
                        best, pair = total, (i, node)
        if math.isinf(best):
            return None
        pieces: list[tuple[int, float, float]] = []  # segment, share from, share to
        if pair is None:
            pieces.append((a.edge, a.share, b.share))
        else:
            row, last = pair
            first = leave[row][0]
            path = [last]
            while path[-1] != first:
                path.append(int(predecessors[row, path[-1]]))
            path.reverse()
            pieces.append((a.edge, a.share, self._end_share(a.edge, first, a.share, leave[row][1])))
            _, behind = self._graph(False)
            for u, v in pairwise(path):
                edge = behind[u, v]
                pieces.append((edge, 0.0, 1.0) if int(self.start[edge]) == u else (edge, 1.0, 0.0))
            in_s = min(t for n, t in arrive if n == last)
            pieces.append((b.edge, self._end_share(b.edge, last, b.share, in_s), b.share))
        line, moments, distance = self.lines.draw(pieces, self.time_s, self.length_m)
        return Route(best + access_s, distance + access_m, line, moments, [p[0] for p in pieces])

    def _end_share(self, edge: int, node: int, share: float, seconds: float) -> float:
        """0 or 1: the end of a segment that is this node; of a loop, the end that is ``seconds`` away."""
        at_start, at_end = int(self.start[edge]) == node, int(self.end[edge]) == node
        if at_start and at_end:
            t = float(self.time_s[edge])
            return 0.0 if abs(share * t - seconds) <= abs((1 - share) * t - seconds) else 1.0
        return 0.0 if at_start else 1.0

    # -- reach ----------------------------------------------------------------------------------------------
    def reach(self, origins: Sequence[Sequence[float]], limit_s: float, *, reverse: bool = False) -> Reach:
        """The isochrone of the nearest of several origins; ``reverse``: from where an origin is reached in time."""
        snaps = self.snap(origins)
        times = self.place_times_s(snaps, limit_s=limit_s, reverse=reverse)
        node_time = times.min(axis=0) if len(snaps) else np.full(self.node_count, math.inf)
        span = self.time_s
        open_ = np.ones(len(self), dtype=bool)
        open_[list(self.closed)] = False
        ahead = open_ & ((self.oneway >= 0) if not reverse else (self.oneway <= 0))
        back = open_ & ((self.oneway <= 0) if not reverse else (self.oneway >= 0))
        left_start = np.clip((limit_s - node_time[self.start]) / span, 0.0, 1.0)
        left_end = np.clip((limit_s - node_time[self.end]) / span, 0.0, 1.0)
        from_start = np.where(ahead & np.isfinite(node_time[self.start]), left_start, 0.0)
        from_end = np.where(back & np.isfinite(node_time[self.end]), left_end, 0.0)
        return Reach(limit_s, np.nonzero(np.isfinite(node_time))[0], node_time, from_start, from_end)
