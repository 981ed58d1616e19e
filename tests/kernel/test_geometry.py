"""Laws of the shared geometry, with Shapely and the haversine formula as oracles."""

from __future__ import annotations

import math

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from andaman.kernel.geometry import Area, Plane, bbox_of, bearing_deg, centre_of, haversine_m, line_length_m

lon, lat = st.floats(98.2, 98.5), st.floats(7.7, 8.3)


@given(lon, lat, lon, lat)
def test_plane_agrees_with_the_sphere(x1: float, y1: float, x2: float, y2: float) -> None:
    """Distances on the plane are those on the sphere within 0.2 % over the whole of Phuket, and back is back."""
    plane = Plane(98.35, 7.95)
    (a, b), (c, d) = plane.to_xy(x1, y1), plane.to_xy(x2, y2)
    assert math.hypot(c - a, d - b) == pytest.approx(haversine_m(x1, y1, x2, y2), rel=2e-3, abs=1e-3)
    assert plane.to_lonlat(a, b) == pytest.approx((x1, y1))


@given(lon, lat, lon, lat)
def test_distance_is_a_metric(x1: float, y1: float, x2: float, y2: float) -> None:
    """Symmetric, zero for the same point, and no shorter than the difference of latitude."""
    d = haversine_m(x1, y1, x2, y2)
    assert d == pytest.approx(haversine_m(x2, y2, x1, y1))
    assert haversine_m(x1, y1, x1, y1) == 0.0
    assert d >= haversine_m(x1, y1, x1, y2) * (1 - 1e-9) - 1e-6


@pytest.mark.parametrize(("to", "degrees"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), 270)])
def test_bearings(to: tuple[int, int], degrees: float) -> None:
    """Clockwise from north."""
    assert bearing_deg(0, 0, *to) == pytest.approx(degrees)


def test_line_length_is_the_sum() -> None:
    """One degree of latitude is 111.2 km on the mean sphere."""
    assert line_length_m([(98, 7), (98, 8), (98, 7)]) == pytest.approx(2 * 111_195, rel=1e-5)


ring = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12, unique=True)


@given(ring, st.lists(st.tuples(st.floats(-1, 21), st.floats(-1, 21)), min_size=1, max_size=20))
def test_area_agrees_with_shapely(points: list[tuple[int, int]], spots: list[tuple[float, float]]) -> None:
    """Inside is inside, for any simple polygon with a hole, away from the outline."""
    shape = shapely.Polygon(points)
    assume(shape.is_valid and shape.area > 0)
    hole = shape.representative_point().buffer(0.05, quad_segs=2)
    outer = [[float(x), float(y)] for x, y in [*points, points[0]]]
    inner = [[x, y] for x, y in hole.exterior.coords]
    area = Area({"type": "Polygon", "coordinates": [outer, inner]})
    holed = shapely.symmetric_difference(shape, hole)
    for x, y in spots:
        if holed.boundary.distance(shapely.Point(x, y)) > 1e-9:
            assert area.contains(x, y) == holed.contains(shapely.Point(x, y))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, math.nan], [0, 0]]]},
        {"type": "Polygon", "coordinates": [["x"]]},
        {"type": "Polygon", "coordinates": 5},
    ],
)
def test_no_area_of_broken_geometry(geometry: dict[str, object]) -> None:
    """What is no area is refused, never silently empty."""
    with pytest.raises(ValueError):
        Area(geometry)


def test_boxes_and_centres() -> None:
    """Of nested geometries too; an empty one has none."""
    multi = {"type": "MultiPoint", "coordinates": [[1, 2], [3, 6]]}
    both = {"type": "GeometryCollection", "geometries": [multi, {"type": "Point", "coordinates": [0, 0]}]}
    assert bbox_of(both) == (0, 0, 3, 6)
    assert centre_of(multi) == (2, 4)
    assert centre_of({"type": "Point", "coordinates": [5, 6, 7]}) == (5, 6)
    with pytest.raises(ValueError, match="empty"):
        bbox_of({"type": "MultiPoint", "coordinates": []})
