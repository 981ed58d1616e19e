"""Geometries that cross themselves a little are mended; those that would keep the engine busy for minutes are refused soon."""

from __future__ import annotations

import itertools
import random
import time
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.geometry import check_geometry
from andaman.broker.entity.self_intersection import _FEW, MOST_CROSSINGS, crosses_itself
from andaman.broker.query.geometry import _untangled
from andaman.broker.query.parse import parse_geo
from andaman.kernel.errors import BadRequestData, TooComplexQuery
from tests.doors.ngsild.client import Client, at_the_door, error, vehicle


def scribble(number: int, seed: int = 1) -> list[list[float]]:
    """A closed ring of positions at random: each edge crosses a third of the others."""
    rnd = random.Random(seed)
    ring = [[98 + rnd.random(), 7 + rnd.random()] for _ in range(number)]
    return [*ring, ring[0]]


def crossings(ring: list[list[float]]) -> int:
    edges = shapely.linestrings([[a, b] for a, b in itertools.pairwise(ring)])
    return sum(bool(shapely.crosses(a, b)) for a, b in itertools.combinations(edges, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 60), st.integers(0, 1_000))
def test_the_answer_is_that_of_counting(number: int, seed: int) -> None:
    """Exact but for few edges, which cannot take long, and for rings at the very bound."""
    ring = scribble(number, seed)
    count = crossings(ring)
    if number <= _FEW:
        assert not crosses_itself([ring])
    elif abs(count - MOST_CROSSINGS) > 2:
        assert crosses_itself([ring]) == (count > MOST_CROSSINGS)


@pytest.mark.parametrize("number", [100, 300, 2_000, 15_000])
def test_what_would_take_minutes_is_refused_soon(number: int) -> None:
    ring = scribble(number)
    start = time.process_time()
    with pytest.raises(BadRequestData, match="cross"):
        check_geometry({"type": "Polygon", "coordinates": [ring]}, "location")
    with pytest.raises(TooComplexQuery):
        parse_geo("within", "Polygon", [ring])
    with pytest.raises(TooComplexQuery):
        parse_geo("intersects", "LineString", ring)
    if number <= 2_000:  # as it may lie in an older store
        assert _untangled(shapely.polygons(ring)).is_empty
    assert time.process_time() - start < 3


def test_what_crosses_itself_a_little_is_taken_and_mended() -> None:
    bow = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    assert check_geometry({"type": "Polygon", "coordinates": [bow]}, "x")
    assert parse_geo("within", "Polygon", [bow])
    assert _untangled(shapely.polygons(bow)).area == pytest.approx(0.5)
    coast = [[98 + n / 1e4, 7 + (n % 2) / 1e4] for n in range(5_000)]
    assert not crosses_itself([[*coast, [98, 6], coast[0]]])
    assert check_geometry({"type": "LineString", "coordinates": scribble(300)}, "a day's track")


def test_over_the_door(tmp_path: Path) -> None:
    """A short URL had held the platform for half a minute."""

    @at_the_door
    async def ask(c: Client) -> None:
        await c("POST", "/entities", vehicle(location={"type": "Point", "coordinates": [98.5, 7.5]}))
        text = str(scribble(300)).replace(" ", "")
        start = time.process_time()
        for georel in ("within", "overlaps", "near;maxDistance==5"):
            query = f"/entities?type=Vehicle&georel={georel}&geometry=Polygon&coordinates=[{text}]"
            got = await c("GET", query)
            assert (error(got), got.json["field"]) == ("TooComplexQuery", "coordinates")
        body: Any = vehicle(2, location={"type": "Polygon", "coordinates": [scribble(300)]})
        assert error(await c("POST", "/entities", body)) == "BadRequestData"
        assert time.process_time() - start < 2

    ask(tmp_path)
