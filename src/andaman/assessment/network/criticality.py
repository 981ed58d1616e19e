"""Criticality: what the closure of each road link costs residents, in person-minutes a day and in people cut off.

Demand is a gravity model, because no trip data is open: each resident makes one trip a day; the destination is another
resident's place, chosen with weight ``exp(-minutes / decay)``. A share of the trips leads to the mainland over the
gateway. A trip that a closure makes impossible is charged ``lost_min`` minutes. Links are closed one at a time;
carriageways of one road that run side by side are one link, since a flood or a landslide closes both.

Work saved: only pairs whose shortest way uses the closed link can change, and they lie between the nodes that reach
``v`` through ``u`` and the nodes that reach ``u`` through ``v``; Dijkstra runs from the smaller of the two sets alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andaman.assessment.network.roads import Floats, Ints, RoadGraph


@dataclass(frozen=True, slots=True)
class Demand:
    """Assumptions of the study; all may be changed by the caller."""

    trips_per_day: float = 1.0  # assumption: trips of a resident
    decay_min: float = 15.0  # assumption: mean willingness to travel; ``cases.py`` tries half and double
    lost_min: float = 120.0  # assumption: the middle of the prices that ``cases.py`` tries for a lost trip
    gateway_share: float = 0.02  # assumption: one trip in fifty leads to the mainland; no count is public
    twin_m: float = 40.0  # carriageways nearer than this and parallel are one link
    local_m: float = (
        500.0  # assumption: streets not in the open graph join main-road junctions nearer than this
    )


def node_people(graph: RoadGraph, fine: RoadGraph, cell_node: Ints, cell_people: Floats) -> Floats:
    """Residents per node of ``graph``, from cells snapped to nodes of its subdivision ``fine``.

    A node inside an edge gives its residents to the nearer end.
    """
    owner = np.arange(fine.n)
    owner[graph.n :] = -1
    order = graph.n
    for k, line in enumerate(graph.lines):
        inner = int((fine.segment == k).sum()) - 1 if len(line) else 0
        half = inner // 2
        owner[order : order + half] = graph.u[k]
        owner[order + half : order + inner] = graph.v[k]
        order += inner
    people = np.zeros(graph.n)
    np.add.at(people, owner[cell_node], cell_people)
    return people


def twins(graph: RoadGraph, within_m: float) -> list[list[int]]:
    """For every edge the edges that close with it: itself and parallel carriageways.

    Parallel: at least seven of eleven points of the line lie within ``within_m`` of the other, the two run within
    20 degrees of one another, bear the same number and name, and do not just follow one another.
    """
    from scipy.spatial import KDTree

    samples: list[Floats] = []
    heading = np.zeros(len(graph.ids))
    for k, line in enumerate(graph.lines):
        xy = graph.plane.xy(line[:, 0], line[:, 1])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        at = np.linspace(0.0, along[-1], 11)
        samples.append(np.column_stack([np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])]))
        heading[k] = np.arctan2(xy[-1, 1] - xy[0, 1], xy[-1, 0] - xy[0, 0])
    tree = KDTree(np.concatenate(samples)) if samples else None
    groups: list[list[int]] = []
    for k, points in enumerate(samples):
        assert tree is not None  # there are samples
        near: dict[int, int] = {}
        found: Any = tree.query_ball_point(points, within_m)
        for hits in found:
            for other in {hit // 11 for hit in hits}:
                near[other] = near.get(other, 0) + 1
        group = [k]
        for other, hit in sorted(near.items()):
            turn = abs(np.sin(heading[k] - heading[other]))
            if other == k or not _same_road(graph, k, other) or turn > np.sin(np.radians(20.0)):
                continue
            shared_end = {int(graph.u[k]), int(graph.v[k])} & {int(graph.u[other]), int(graph.v[other])}
            both_ends = {int(graph.u[k]), int(graph.v[k])} == {int(graph.u[other]), int(graph.v[other])}
            if hit >= 7 and (both_ends or not shared_end):
                group.append(other)
        groups.append(group)
    return groups


def _same_road(graph: RoadGraph, a: int, b: int) -> bool:
    one, other = graph.labels[a], graph.labels[b]
    return bool(one["ref"] == other["ref"] and one["name"] == other["name"])


@dataclass(frozen=True, slots=True)
class Loss:
    edges: tuple[int, ...]
    added_person_min: float  # on trips that stay possible
    lost_trips: float
    cut_off: float  # residents outside the main part of the network
    gateway_cut: bool  # the mainland can no longer be reached from the main part
    outside: tuple[int, ...] = ()  # nodes with residents outside the main part

    def score(self, lost_min: float) -> float:
        return self.added_person_min + self.lost_trips * lost_min


@dataclass(frozen=True, slots=True)
class Bound:
    """At most: person-minutes of detours on trips that stay possible, and trips that are lost."""

    detour_person_min: float
    lost_trips: float

    def score(self, lost_min: float) -> float:
        return self.detour_person_min + self.lost_trips * lost_min


class Study:
    """Shortest times and demand of one road graph; ``close`` prices a closure."""

    def __init__(self, graph: RoadGraph, people: Floats, gateway: Ints, demand: Demand) -> None:
        from scipy.sparse.csgraph import dijkstra

        self.graph, self.demand = graph, demand
        self.people = np.where(graph.giant(), people, 0.0)
        self.gateway = gateway
        self.minutes: Floats = dijkstra(graph.matrix(), directed=False) / 60.0
        with np.errstate(over="ignore", invalid="ignore"):
            pull = np.exp(-self.minutes / demand.decay_min) * self.people[None, :]
        np.fill_diagonal(pull, 0.0)
        reach = pull.sum(axis=1, keepdims=True)
        share = np.divide(pull, reach, out=np.zeros_like(pull), where=reach > 0)
        stay = 1.0 - demand.gateway_share if len(gateway) else 1.0
        self.trips: Floats = share * self.people[:, None] * stay * demand.trips_per_day
        self.both: Floats = self.trips + self.trips.T  # undirected pairs: each counted from either end
        self.to_gateway = self.people * (1.0 - stay) * demand.trips_per_day
        self._losses: dict[tuple[int, ...], Loss] = {}

    def close(self, edges: tuple[int, ...]) -> Loss:
        """The loss of residents when these edges close together; computed once."""
        found = self._losses.get(edges)
        if found is None:
            found = self._losses[edges] = self._closed(edges)
        return found

    def _closed(self, edges: tuple[int, ...]) -> Loss:
        from scipy.sparse.csgraph import connected_components, dijkstra

        sources = self._affected(edges)
        if not len(sources):  # on nobody's shortest way
            return Loss(edges, 0.0, 0.0, 0.0, False)
        matrix = self.graph.matrix(edges)
        parts, label = connected_components(matrix, directed=False)
        mass = np.bincount(label, weights=self.people, minlength=parts)
        main = label == mass.argmax()
        after = dijkstra(matrix, directed=False, indices=sources) / 60.0
        before = self.minutes[sources]
        gone = np.isinf(after) & np.isfinite(before)
        same = np.isfinite(after) & np.isfinite(before)
        extra = np.subtract(after, before, out=np.zeros_like(after), where=same)
        weight = self.both[sources].copy()
        weight[:, sources] *= 0.5  # both ends are sources: the pair appears twice
        added = float((weight * extra).sum())
        lost = float((weight * gone).sum())
        added_g, lost_g, gateway_cut = self._gateway(matrix, main)
        cut = float(self.people[~main].sum())
        outside = tuple(np.flatnonzero(~main & (self.people > 0.0)).tolist())
        return Loss(edges, added + added_g, lost + lost_g, cut, gateway_cut, outside)

    def bound(self, edges: tuple[int, ...]) -> Bound:
        """No closure of these edges costs more: trips over each edge times the detour between its own two ends.

        A pair that used the edge can still go to its one end, around to the other end, and on. Where there is no way
        around, every such trip is lost; one to the mainland may find another gateway on its own side, at the price of
        the longest way there is. Far cheaper than ``close``.
        """
        from scipy.sparse.csgraph import dijkstra

        matrix = None
        detour = lost = 0.0
        to_gate = self.minutes[self.gateway].min(axis=0) if len(self.gateway) else None
        for k in edges:
            u, v, w = int(self.graph.u[k]), int(self.graph.v[k]), float(self.graph.seconds[k]) / 60.0
            near_u, near_v = self._sides(k)
            if not len(near_u) or not len(near_v):
                continue
            through = self.minutes[near_u, u][:, None] + w + self.minutes[v, near_v][None, :]
            tight = through <= self.minutes[np.ix_(near_u, near_v)] + 1e-9
            trips = float(self.both[np.ix_(near_u, near_v)][tight].sum())
            gate = 0.0
            if to_gate is not None:
                one, other = (near_u, v) if to_gate[v] < to_gate[u] else (near_v, u)
                over = self.minutes[one, u if other == v else v] + w + to_gate[other] <= to_gate[one] + 1e-9
                gate = float(self.to_gateway[one][over].sum())
            if trips + gate <= 0.0:
                continue
            if matrix is None:
                matrix = self.graph.matrix(edges)
            around = float(dijkstra(matrix, directed=False, indices=[u])[0, v]) / 60.0
            if np.isfinite(around):
                detour += (trips + gate) * (around - w)
                continue
            lost += trips + gate
            if len(self.gateway) > 1:
                detour += gate * self._longest_min()
        return Bound(detour, lost)

    def _longest_min(self) -> float:
        return float(self.minutes.max(where=np.isfinite(self.minutes), initial=0.0))

    def _sides(self, k: int) -> tuple[Ints, Ints]:
        """Nodes whose shortest way to v leads over edge k from u, and those whose way to u leads over it from v."""
        u, v, w = int(self.graph.u[k]), int(self.graph.v[k]), float(self.graph.seconds[k]) / 60.0
        to_u, to_v = self.minutes[:, u], self.minutes[:, v]
        both = np.isfinite(to_u) & np.isfinite(to_v)
        ahead = np.subtract(to_v, to_u, out=np.full_like(to_u, np.inf), where=both)
        return np.flatnonzero(np.abs(ahead - w) < 1e-9), np.flatnonzero(np.abs(ahead + w) < 1e-9)

    def _affected(self, edges: tuple[int, ...]) -> Ints:
        """Nodes from which Dijkstra must run again: per edge the smaller of the two sides that use it."""
        chosen: set[int] = set()
        for k in edges:
            near_u, near_v = self._sides(k)
            chosen.update((near_u if len(near_u) <= len(near_v) else near_v).tolist())
        return np.array(sorted(chosen), dtype=np.int64)

    def _gateway(self, matrix: Any, main: NDArray[np.bool_]) -> tuple[float, float, bool]:
        from scipy.sparse.csgraph import dijkstra

        if not len(self.gateway):
            return 0.0, 0.0, False
        before = self.minutes[self.gateway].min(axis=0)
        after = dijkstra(matrix, directed=False, indices=self.gateway, min_only=True) / 60.0
        gone = np.isinf(after) & np.isfinite(before)
        same = np.isfinite(after) & np.isfinite(before)
        extra = np.subtract(after, before, out=np.zeros_like(after), where=same)
        cut = bool(not np.isfinite(after[main]).any())
        return float((self.to_gateway * extra).sum()), float(self.to_gateway[gone].sum()), cut


def stretches(graph: RoadGraph) -> Ints:
    """Edge → stretch: edges in a row without a junction between them (a node with two neighbours) are one stretch."""
    neighbours: list[set[int]] = [set() for _ in range(graph.n)]
    touching: list[list[int]] = [[] for _ in range(graph.n)]
    for k, (u, v) in enumerate(zip(graph.u.tolist(), graph.v.tolist(), strict=True)):
        neighbours[u].add(v)
        neighbours[v].add(u)
        touching[u].append(k)
        touching[v].append(k)
    stretch = np.arange(len(graph.u))

    def root(k: int) -> int:
        while stretch[k] != k:
            k = int(stretch[k])
        return k

    for node in range(graph.n):
        if len(neighbours[node]) == 2 and len({graph.labels[k]["roadClass"] for k in touching[node]}) == 1:
            first = root(touching[node][0])
            for k in touching[node][1:]:
                stretch[root(k)] = first
    return np.array([root(k) for k in range(len(graph.u))])


def no_rest() -> None:
    """Go on at once."""


class Links(NamedTuple):
    """What may close: groups of edges that close together, and the stretch of each edge."""

    groups: frozenset[tuple[int, ...]]
    stretch: Ints


def links_of(graph: RoadGraph, twin_m: float) -> Links:
    """Equal for the graph with and without assumed local streets."""
    return Links(frozenset(tuple(sorted(group)) for group in twins(graph, twin_m)), stretches(graph))


def rank(
    study: Study,
    lost_min: Sequence[float],
    count: int = 20,
    rest: Callable[[], None] = no_rest,
    links: Links | None = None,
) -> list[list[Loss]]:
    """For each price of a lost trip, the links whose closure costs most, dearest first.

    A link is a stretch between junctions together with its twin carriageways, priced at its dearest edge. ``links``: those
    of the study's roads, where they are known already.
    ``rest`` is called between closures: a server's other threads get their turn there, and what it raises ends the work.
    """
    groups, stretch = links or links_of(study.graph, study.demand.twin_m)
    bounds: dict[tuple[int, ...], Bound] = {}
    for group in groups:
        bounds[group] = study.bound(group)
        rest()
    found: list[list[Loss]] = []
    for price in lost_min:
        losses: list[Loss] = []
        best: list[Loss] = []
        for group in sorted(groups, key=lambda one: (-bounds[one].score(price), one)):
            if len(best) == count and bounds[group].score(price) < best[-1].score(price):
                break  # whatever comes now scores less than the last that counts
            losses.append(study.close(group))
            best = _distinct(losses, stretch, price)[:count]
            rest()
        found.append(best)
    return found


def _distinct(losses: Iterable[Loss], stretch: Ints, lost_min: float) -> list[Loss]:
    """Dearest first, each stretch once."""
    taken: set[int] = set()
    best: list[Loss] = []
    for loss in sorted(losses, key=lambda one: (-one.score(lost_min), one.edges)):
        mine = {int(stretch[k]) for k in loss.edges}
        if taken.isdisjoint(mine):
            taken |= mine
            best.append(loss)
    return best
