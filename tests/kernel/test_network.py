"""Laws of the road network engine, against a naive Dijkstra on random graphs and distances known for Phuket."""

from __future__ import annotations

import csv
import heapq
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.kernel.geometry import haversine_m
from andaman.kernel.network import RoadNetwork, Segment

CLASSES = ["primary", "secondary", "tertiary", "residential", "unheard-of"]


@st.composite
def networks(draw: st.DrawFn, oneways: bool = True) -> tuple[list[Segment], RoadNetwork]:
    """A few nodes on a 10 km patch of Phuket with straight segments; parallel segments and loops included."""
    count = draw(st.integers(2, 9))
    grid = st.integers(0, 1000)
    spots = draw(st.lists(st.tuples(grid, grid), min_size=count, max_size=count, unique=True))
    lonlat = [(98.3 + x / 10_000, 7.9 + y / 10_000) for x, y in spots]
    node = st.integers(0, count - 1)
    ends = draw(st.lists(st.tuples(node, node).filter(lambda p: p[0] != p[1]), min_size=1, max_size=16))
    segments = [
        Segment(
            f"s{i}",
            a,
            b,
            haversine_m(*lonlat[a], *lonlat[b]) * draw(st.floats(1.0, 2.0)),
            draw(st.sampled_from(CLASSES)),
            [lonlat[a], lonlat[b]],
            draw(st.sampled_from([0, 0, 1, -1])) if oneways else 0,
        )
        for i, (a, b) in enumerate(ends)
    ]
    return segments, RoadNetwork(segments)


def naive_times(network: RoadNetwork, source: int, closed: frozenset[int] = frozenset()) -> list[float]:
    """Dijkstra as in a textbook, on the segment table."""
    best = [math.inf] * network.node_count
    queue = [(0.0, source)]
    while queue:
        t, u = heapq.heappop(queue)
        if t >= best[u]:
            continue
        best[u] = t
        for e in range(len(network)):
            if e in closed:
                continue
            a, b, way = int(network.start[e]), int(network.end[e]), int(network.oneway[e])
            if a == u and way >= 0:
                heapq.heappush(queue, (t + float(network.time_s[e]), b))
            if b == u and way <= 0:
                heapq.heappush(queue, (t + float(network.time_s[e]), a))
    return best


places = st.lists(st.tuples(st.floats(98.28, 98.42), st.floats(7.88, 8.02)), min_size=1, max_size=5)


@given(networks(), st.data())
@settings(max_examples=60, deadline=None)
def test_node_times_equal_a_textbook_dijkstra(
    drawn: tuple[list[Segment], RoadNetwork], data: st.DataObject
) -> None:
    """With one-way streets, parallel segments and closed segments; and the reverse search is the transposed table."""
    _, network = drawn
    closed = frozenset(data.draw(st.sets(st.integers(0, len(network) - 1), max_size=3)))
    network = network.without(closed)
    every = np.arange(network.node_count)
    table = network.node_times_s(every)
    for source in every:
        assert table[source] == pytest.approx(naive_times(network, int(source), closed))
    assert network.node_times_s(every, reverse=True) == pytest.approx(table.T)


@given(networks(), places)
@settings(max_examples=60, deadline=None)
def test_triangle_inequality(
    drawn: tuple[list[Segment], RoadNetwork], spots: list[tuple[float, float]]
) -> None:
    """Going by way of another place is never faster."""
    _, network = drawn
    snaps = network.snap(spots)
    times = [[t.time_s for t in network.trips(a, snaps)] for a in snaps]
    for a in range(len(spots)):
        for b in range(len(spots)):
            for c in range(len(spots)):
                assert times[a][c] <= times[a][b] + times[b][c] + 1e-6


@given(networks(oneways=False), places)
@settings(max_examples=60, deadline=None)
def test_symmetric_without_oneways(
    drawn: tuple[list[Segment], RoadNetwork], spots: list[tuple[float, float]]
) -> None:
    """Where every road goes both ways, there and back take the same time."""
    _, network = drawn
    snaps = network.snap(spots)
    there = np.array([[t.time_s for t in network.trips(a, snaps)] for a in snaps])
    assert there == pytest.approx(there.T)
    back = np.array([[t.time_s for t in network.trips(a, snaps, reverse=True)] for a in snaps])
    assert back == pytest.approx(there)


@given(networks(), places)
@settings(max_examples=60, deadline=None)
def test_route_agrees_with_time(
    drawn: tuple[list[Segment], RoadNetwork], spots: list[tuple[float, float]]
) -> None:
    """A route takes the time that the search promised, starts and ends where asked, and never runs back in time."""
    _, network = drawn
    snaps = network.snap(spots)
    for a, place in enumerate(spots):
        for trip in network.trips(snaps[a], snaps):
            route = network.route(place, spots[trip.target])
            if math.isinf(trip.time_s):
                assert route is None
                continue
            assert route is not None
            assert route.time_s == pytest.approx(trip.time_s, abs=1e-6)
            assert route.times_s[0] == 0.0
            assert route.times_s[-1] == pytest.approx(route.time_s, abs=1e-6)
            assert all(x <= y + 1e-9 for x, y in zip(route.times_s, route.times_s[1:], strict=False))
            assert route.line[0] == pytest.approx(place, abs=1e-6)
            assert route.line[-1] == pytest.approx(spots[trip.target], abs=1e-6)


@given(networks(), places, places, st.integers(1, 4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nearest_equals_sorting_all(
    drawn: tuple[list[Segment], RoadNetwork],
    origins: list[tuple[float, float]],
    targets: list[tuple[float, float]],
    k: int,
    reverse: bool,
) -> None:
    """The widening search finds what a full search and a sort would find, in both directions."""
    _, network = drawn
    origin, *ends = network.snap([origins[0], *targets])
    full = network.trips(origin, ends, reverse=reverse)
    expected = sorted(t.time_s for t in full if t.time_s < math.inf)[:k]
    found = network.nearest(origins[0], targets, k, reverse=reverse)
    assert [t.time_s for t in found] == pytest.approx(expected)
    for trip in found:
        assert trip.time_s == full[trip.target].time_s
        assert trip.distance_m < math.inf


@given(networks(), places, st.data())
@settings(max_examples=60, deadline=None)
def test_closing_a_segment_never_helps(
    drawn: tuple[list[Segment], RoadNetwork], spots: list[tuple[float, float]], data: st.DataObject
) -> None:
    """A closure makes no trip faster, leaves the network it came from as it was, and cuts off places on it."""
    _, network = drawn
    edge = data.draw(st.integers(0, len(network) - 1))
    snaps = network.snap(spots)
    before = [[t.time_s for t in network.trips(a, snaps)] for a in snaps]
    less = network.without([edge])
    for a, row in zip(snaps, before, strict=True):
        for trip, was in zip(less.trips(a, snaps), row, strict=True):
            assert trip.time_s >= was - 1e-6
            if a.edge == edge:
                assert math.isinf(trip.time_s)
    assert [[t.time_s for t in network.trips(a, snaps)] for a in snaps] == before


@given(networks(), places, st.floats(1, 2000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_reach_is_what_the_times_say(
    drawn: tuple[list[Segment], RoadNetwork],
    origins: list[tuple[float, float]],
    limit: float,
    reverse: bool,
) -> None:
    """A node is in the isochrone exactly when some origin reaches it in time; a wider limit never loses ground."""
    _, network = drawn
    best = network.place_times_s(network.snap(origins), reverse=reverse).min(axis=0)
    reach = network.reach(origins, limit, reverse=reverse)
    assert set(reach.nodes.tolist()) == set(np.nonzero(best <= limit)[0].tolist())
    wider = network.reach(origins, limit * 1.5, reverse=reverse)
    assert (wider.from_start >= reach.from_start - 1e-9).all()
    assert (wider.from_end >= reach.from_end - 1e-9).all()


def test_factors_slow_a_class_down() -> None:
    """Half the speed is twice the time, for the class named only, the rest by "*"."""
    line = [(98.3, 7.9), (98.31, 7.9)]
    roads = [Segment("a", 1, 2, 1100, "primary", line), Segment("b", 2, 1, 1100, "secondary", line[::-1])]
    free, slow = RoadNetwork(roads), RoadNetwork(roads, factors={"primary": 0.5, "*": 0.25})
    assert slow.time_s == pytest.approx(free.time_s * [2, 4])
    assert free.time_s[0] == pytest.approx(1100 / (65 / 3.6))


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (Segment("x", 1, 2, 0.0, "primary", [(0, 0), (1, 1)]), "more than 0 m"),
        (Segment("x", 1, 2, math.nan, "primary", [(0, 0), (1, 1)]), "more than 0 m"),
        (Segment("x", 1, 2, 5.0, "primary", [(0, 0)]), "fewer than two"),
    ],
)
def test_bad_segments_are_named(segment: Segment, message: str) -> None:
    """A segment that cannot be driven is refused with its id, not turned into a wrong time."""
    with pytest.raises(ValueError, match=f"Segment x.*{message}"):
        RoadNetwork([segment])


def test_empty_network() -> None:
    """Nothing to snap to is said so; no targets is no error."""
    with pytest.raises(ValueError, match="no segments"):
        RoadNetwork([]).snap([(98.3, 7.9)])
    line = [(98.3, 7.9), (98.31, 7.9)]
    assert RoadNetwork([Segment("a", 1, 2, 1100, "primary", line)]).nearest((98.3, 7.9), [], 3) == []


ORACLE = Path(__file__).parents[3] / "shared/data/phuket/osm/phuket_road_graph_edges.csv"


@pytest.mark.skipif(not ORACLE.exists(), reason="the shared data folder is not here")
@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((98.3070, 8.1110), (98.3270, 7.7790), 46.6),  # airport – Rawai
        ((98.3923, 7.8840), (98.2960, 7.8960), 14.4),  # town – Patong
        ((98.3070, 8.1110), (98.3923, 7.8840), 31.7),  # airport – town
    ],
)
def test_known_distances_of_phuket(a: tuple[float, float], b: tuple[float, float], km: float) -> None:
    """Shortest distances that the data's author states, within 10 % (he does not state his exact end points)."""
    segments = []
    with ORACLE.open(encoding="utf-8") as file:
        for i, row in enumerate(csv.DictReader(file)):
            line = [tuple(map(float, p.split())) for p in row["geometry_lonlat"].split(";")]
            segments.append(
                Segment(str(i), int(row["u"]), int(row["v"]), float(row["length_m"]), row["highway"], line)
            )
    flat = RoadNetwork(segments, speeds=dict.fromkeys(["primary", "secondary"], 60.0))
    route = flat.route(a, b)
    assert route is not None
    snapped = sum(s.access_m for s in flat.snap([a, b]))
    assert (route.distance_m - snapped) / 1000 == pytest.approx(km, rel=0.1)
    assert flat.components()[0] == 3
