"""Figures of the Phuket studies, computed again by small programs that share no code with the product.

The reach is computed from the files of the pack with its own grid, its own road points and a heap. The cost of a closed
road is computed from all pairs of nodes, pair by pair.
"""

from __future__ import annotations

import gzip
import heapq
import itertools
import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import shapely
from scipy.spatial import KDTree
from shapely.geometry import shape

from andaman.assessment.network.criticality import Demand, Study, node_people, rank
from andaman.assessment.reach.access import accessibility
from andaman.assessment.reach.world import ACCESS_KINDS, World
from andaman.assessment.service import AssessmentService
from andaman.broker.api import Doc, OpKind, WriteOp
from andaman.broker.entity.build import entity, geo, prop
from andaman.broker.service import Broker
from andaman.city.pack import install, load_pack
from andaman.identity.model import system_actor

LAT0, LON0 = 7.95, 98.35
Graph = dict[int, list[tuple[int, float]]]


def raw(name: str) -> list[dict[str, Any]]:
    text = gzip.decompress((files("andaman.city.phuket") / "entities" / f"{name}.jsonl.gz").read_bytes())
    return [json.loads(line) for line in text.splitlines()]


def metres(lon: Any, lat: Any) -> Any:
    x = (np.asarray(lon) - LON0) * 111_319.5 * math.cos(math.radians(LAT0))
    return np.column_stack([x, (np.asarray(lat) - LAT0) * 110_600.0])


def seconds_from(graph: Graph, starts: dict[int, float]) -> dict[int, float]:
    """Dijkstra with a heap: least seconds to each node, each start with the seconds already spent."""
    best: dict[int, float] = {}
    heap = [(spent, node) for node, spent in starts.items()]
    heapq.heapify(heap)
    while heap:
        spent, node = heapq.heappop(heap)
        if node in best:
            continue
        best[node] = spent
        for other, cost in graph[node]:
            if other not in best:
                heapq.heappush(heap, (spent + cost, other))
    return best


def world_of(directory: Path, *more: Doc) -> World:
    """The world of the product, for the same pack and further entities."""

    async def made() -> World:
        broker = Broker.open(directory)
        await broker.start()
        await install(load_pack("phuket"), broker, system_actor("city"), None)
        if more:
            await broker.write([WriteOp(OpKind.CREATE, one["id"], one) for one in more], system_actor("test"))
        assessment = AssessmentService(broker)
        try:
            return await assessment.world()
        finally:
            await assessment.stop()
            await broker.close()

    return anyio.run(made)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world_of(tmp_path_factory.mktemp("oracle"))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"origin": prop("simulated")}, "simulated"),
        ({}, "where it comes from"),
        ({"origin": prop("reported"), "category": prop("airportFireStation")}, "airport"),
    ],
)
def test_a_place_that_is_simulated_unvouched_or_of_the_airport_is_listed_and_counts_for_nobody(
    world: World, tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    new = entity(
        "urn:ngsi-ld:PointOfInterest:made-up",
        ["PointOfInterest", "Hospital"],
        location=geo({"type": "Point", "coordinates": [98.3375, 8.09]}),
        **more,
    )
    other = world_of(tmp_path, new)
    assert other.places == world.places
    assert [place.id for place in other.left_out["Hospital"]] == [new["id"]]
    assert why in str(other.left_out["Hospital"][0].why_not)
    assert not other.invented


@pytest.mark.parametrize("kind", ACCESS_KINDS)
def test_reach_by_an_independent_program(world: World, kind: str) -> None:
    """Register by district, evenly within 1.5 km of a main road, free flow: within 1.5 points of the product."""
    graph: Graph = {}
    points: list[tuple[float, float]] = []
    ends: dict[int, int] = {}

    def node(xy: Any, key: int | None = None) -> int:
        if key is not None and key in ends:
            return ends[key]
        number = len(points)
        points.append((float(xy[0]), float(xy[1])))
        graph[number] = []
        if key is not None:
            ends[key] = number
        return number

    for road in raw("osm-roads"):
        line = road["location"]["value"]["coordinates"]
        xy = metres([at[0] for at in line], [at[1] for at in line])
        string = shapely.LineString(xy)
        pieces = max(1, math.ceil(string.length / 20.0))
        kmh = {"primary": 65.0, "secondary": 55.0, "primary_link": 30.0, "secondary_link": 25.0}[
            road["roadClass"]["value"]
        ]
        steps = [string.interpolate(k / pieces, normalized=True) for k in range(pieces + 1)]
        chain = [
            node((p.x, p.y), {0: road["startNode"]["value"], pieces: road["endNode"]["value"]}.get(k))
            for k, p in enumerate(steps)
        ]
        cost = road["length"]["value"] / pieces / (kmh / 3.6)
        for a, b in itertools.pairwise(chain):
            graph[a].append((b, cost))
            graph[b].append((a, cost))
    seen = seconds_from(graph, {0: 0.0})
    largest = seen
    for start in graph:  # the largest connected part
        if start not in seen:
            part = seconds_from(graph, {start: 0.0})
            seen = seen | part
            largest = max(largest, part, key=len)
    usable = sorted(largest)
    tree = KDTree(np.array([points[k] for k in usable]))
    places = [
        doc
        for doc in raw("osm-places")
        if kind in doc["type"] and doc["category"]["value"] != "airportFireStation"
    ]
    at = np.array([doc["location"]["value"]["coordinates"] for doc in places])
    gap, near = tree.query(metres(at[:, 0], at[:, 1]))
    assert (gap < 3_000).all()
    starts: dict[int, float] = {}
    for g, k in zip(gap, near, strict=True):
        starts[usable[k]] = min(g / (20 / 3.6), starts.get(usable[k], math.inf))
    times = seconds_from(graph, starts)

    people = within = 0.0
    for district in (doc for doc in raw("admin-areas") if doc["level"]["value"] == "amphoe"):
        outline = shape(district["location"]["value"])
        west, south, east, north = outline.bounds
        lon, lat = (
            axis.ravel()
            for axis in np.meshgrid(np.arange(west, east, 0.0023), np.arange(south, north, 0.0023))
        )
        inside = shapely.contains_xy(outline, lon, lat)
        gaps, nearest = tree.query(metres(lon[inside], lat[inside]))
        minutes = np.array([times[usable[k]] for k in nearest]) / 60 + gaps / (20 / 3.6) / 60
        close = gaps <= 1_500
        residents = district["population"]["value"]
        people += residents
        within += residents * float((minutes[close] <= 8).mean())
    assert people == 410_211
    result = accessibility(world.grid, world.base, world.people, kind, world.places[kind])
    mine = next(
        row["sharePercent"]
        for row in result["within"][0]["variants"]
        if (row["speed"]["en"], row["join"]["en"]) == ("free flow", "road points every 30 m")
        and row["spread"]["en"] == "register by district, evenly within 1.5 km of a main road"
    )
    assert mine == pytest.approx(100 * within / people, abs=1.5)


def test_households_divide_each_district_as_the_series_says(world: World) -> None:
    """Kathu: 22,804 + 4,605 + 2,126 households in 2567; Patong holds 4,605 / 29,535 of its residents."""
    assert world.people.households_year == "2024"
    assert len(world.people.ways) == 6
    patong = next(doc for doc in raw("admin-areas") if doc["id"].endswith("TH830202"))
    inside = shapely.contains_xy(
        shape(patong["location"]["value"]), world.grid.lonlat[:, 0], world.grid.lonlat[:, 1]
    )
    for way, cells in zip(world.people.ways, world.people.cells, strict=True):
        assert cells.sum() == pytest.approx(410_211)
        if way[0] == "households":
            assert cells[inside].sum() == pytest.approx(58_600 * 4_605 / 29_535, rel=0.02)


@pytest.mark.slow
def test_the_cost_of_one_link_pair_by_pair(world: World) -> None:
    """The dearest link without assumed streets: every pair of nodes before and after, each Dijkstra with a heap."""
    base, demand = world.base, Demand()
    people = node_people(base, world.fine, world.cell_node, world.people.best)
    study = Study(base, people, world.gateway, demand)
    loss = rank(study, [240.0], count=1)[0][0]

    def times(without: tuple[int, ...]) -> list[dict[int, float]]:
        graph: Graph = {k: [] for k in range(base.n)}
        for k, (u, v, s) in enumerate(
            zip(base.u.tolist(), base.v.tolist(), base.seconds.tolist(), strict=True)
        ):
            if k not in without:
                graph[u].append((v, s))
                graph[v].append((u, s))
        return [seconds_from(graph, {k: 0.0}) for k in range(base.n)]

    before, after = times(()), times(loss.edges)
    main = max(before, key=len)
    living = {k: float(people[k]) for k in main}
    minutes = lost = 0.0
    for a, here in living.items():
        weights = {b: math.exp(-before[a][b] / 60 / 15) * there for b, there in living.items() if b != a}
        whole = sum(weights.values())
        for b, weight in weights.items():
            trips = here * 0.98 * weight / whole
            if b in after[a]:
                minutes += trips * (after[a][b] - before[a][b]) / 60
            else:
                lost += trips
        gates = world.gateway.tolist()
        then = min(after[a].get(gate, math.inf) for gate in gates)
        if math.isinf(then):
            lost += 0.02 * here
        else:
            minutes += 0.02 * here * (then - min(before[a][gate] for gate in gates)) / 60
    assert loss.score(240.0) == pytest.approx(minutes + 240 * lost, rel=1e-6)
    assert loss.score(240.0) > 1e6
