"""The reference evaluator against the sentences of CIM 009 §4.9, §4.10, §4.17 and §4.19."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.model import LOCATION, Doc
from andaman.broker.query.ast import GeoQuery, GeoRel
from andaman.broker.query.evaluate import matches, matches_geo, matches_geo_each, matches_q, matches_scope
from andaman.broker.query.geometry import distance_m, geodesic_m
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types


def expand(name: str) -> str:
    return "x:" + name


def doc(**attrs: Any) -> Doc:
    """A Property of each plain value; dicts with a ``type`` are instances, lists of those several."""
    made = {}
    for name, value in attrs.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            made["x:" + name] = value
        else:
            one = (
                value if isinstance(value, dict) and "type" in value else {"type": "Property", "value": value}
            )
            made["x:" + name] = [one]
    return {
        "id": "urn:x:1",
        "type": ["x:T"],
        "createdAt": "2026-01-01T00:00:00.000000Z",
        "modifiedAt": "2026-01-02T00:00:00.000000Z",
        "attrs": made,
    }


RED = {"type": "LanguageProperty", "languageMap": {"fr": "rouge", "en": ["red", "cat"]}}
TRUE = [
    ('color=="red"', {"color": "red"}),
    ('color=="red"', {"color": ["blue", "red", "green"]}),
    ('color=="black","red"', {"color": "red"}),
    ('color!="red"', {"color": "black"}),
    ('color!="red"', {"color": 5}),
    ('color!="red"', {"color": ["blue", "black"]}),
    ("t==10..20", {"t": 15}),
    ("t==10..20", {"t": 20}),
    ("t!=10..20", {"t": 9}),
    ("t>1.5", {"t": 2}),
    ('name>="b"', {"name": "c"}),
    ('color[en]=="red"', {"color": RED}),
    ('color[*]=="rouge"', {"color": RED}),
    ('color=="rouge"', {"color": RED}),
    ('color[fr]!="red"', {"color": RED}),
    ('color[*]~="r.*"', {"color": {"type": "LanguageProperty", "languageMap": {"fr": "rouge"}}}),
    ("parked==urn:x:2", {"parked": {"type": "Relationship", "object": "urn:x:2"}}),
    ('parked=="urn:x:2"', {"parked": {"type": "Relationship", "object": ["urn:x:3", "urn:x:2"]}}),
    ("parked!=urn:x:2", {"parked": {"type": "Relationship", "object": "urn:x:3"}}),
    ('gender=="Male"', {"gender": {"type": "VocabProperty", "vocab": "x:Male"}}),
    ("gender==x:Male", {"gender": {"type": "VocabProperty", "vocab": ["x:Female", "x:Male"]}}),
    ('list=="a"', {"list": {"type": "ListProperty", "valueList": ["b", "a"]}}),
    ("list==urn:x:2", {"list": {"type": "ListRelationship", "objectList": [{"object": "urn:x:2"}]}}),
    ('ticket[value]=="late"', {"ticket": {"type": "JsonProperty", "json": {"value": "late"}}}),
    ("a[b.c]", {"a": {"b": {"c": None}}}),
    ("ok==true", {"ok": True}),
    ("d==2026-01-01", {"d": "2026-01-01"}),
    ("d>2026-01-01T00:00:00Z", {"d": {"@type": "DateTime", "@value": "2026-01-01T07:00:01+07:00"}}),
    ("at<12:00:00Z", {"at": "18:59:59+07:00"}),
    ('name~="P.*t"', {"name": "Phuket"}),
    ('name~="hu"', {"name": "Phuket"}),
    ('name!~="^huk"', {"name": "Phuket"}),
    ("modifiedAt>2026-01-01T00:00:00Z", {}),
    ("!speed", {"rpm": 1}),
    ("t.acc==1", {"t": {"type": "Property", "value": 0, "attrs": {"x:acc": [{"type": "Property", "value": 1}]}}}),
    ('t.unitCode=="KMH"', {"t": {"type": "Property", "value": 0, "unitCode": "KMH"}}),
    ("t==2", {"t": [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d"}]}),
]  # fmt: skip
FALSE = [
    ("t==1", {"t": True}),
    ('t=="1"', {"t": 1}),
    ("t>1", {"t": "2"}),
    ("t>1", {"t": [2, 3]}),
    ('speed!="red"', {}),
    ('color!="red"', {"color": ["blue", "red"]}),
    ('color!="red","blue"', {"color": "blue"}),
    ('color[*]!="red"', {"color": RED}),
    ('color[de]!="red"', {"color": RED}),
    ('parked>"urn:x:1"', {"parked": {"type": "Relationship", "object": "urn:x:2"}}),
    ('parked~=".*"', {"parked": {"type": "Relationship", "object": "urn:x:2"}}),
    ('name!~="^Ph"', {"name": "Phuket"}),
    ('name!~="hu"', {"name": 5}),
    ("a[b.d]", {"a": {"b": {"c": 1}}}),
    ("t.acc", {"t": 1}),
    ("d>2026-01-01T00:00:00Z", {"d": "yesterday"}),
]


@pytest.mark.parametrize(("q", "attrs"), TRUE)
def test_matches(q: str, attrs: dict[str, Any]) -> None:
    assert matches_q(parse_q(q, expand), doc(**attrs))


@pytest.mark.parametrize(("q", "attrs"), FALSE)
def test_does_not_match(q: str, attrs: dict[str, Any]) -> None:
    assert not matches_q(parse_q(q, expand), doc(**attrs))


@pytest.mark.parametrize("q", ["speed", "speed>1", "speed!=5", "speed.observedAt", "s{speed}"])
def test_a_hidden_attribute_is_absent_in_every_term(q: str) -> None:
    one = {"type": "Property", "value": 2, "observedAt": "2026-01-01T00:00:00Z"}
    entity = doc(speed=one, s={"type": "Relationship", "object": "urn:x:1"})

    def follow(_: str) -> tuple[Doc, frozenset[str]]:
        return entity, frozenset({"x:speed"})

    tree = parse_q(q, expand)
    assert matches_q(tree, entity, follow=lambda _: (entity, frozenset()))
    assert not matches_q(tree, entity, frozenset({"x:speed"}), follow)
    assert matches_q(parse_q("!speed", expand), entity, frozenset({"x:speed"}))


def test_linked_entities_are_followed_with_their_type_hint() -> None:
    station = doc(sensor={"type": "Relationship", "object": "urn:x:345"})
    device = {**doc(humidity=40), "type": ["x:Device"]}
    for q, found in (("sensor{humidity}==40", True), ("sensor{Device:humidity}==40", True), ("sensor{Pump:humidity}==40", False)):  # fmt: skip
        assert matches_q(parse_q(q, expand), station, follow=lambda i: (device, frozenset())) is found


@pytest.mark.parametrize(
    ("query", "scope", "found"),
    [
        ("/Madrid/Gardens/#", "/Madrid/Gardens", True),
        ("/Madrid/Gardens/#", "/Madrid/Gardens/ParqueNorte/Parterre1", True),
        ("/Madrid/Gardens/#", "/Madrid", False),
        ("/Madrid/+/ParqueNorte", "/Madrid/Sights/ParqueNorte", True),
        ("/Madrid/+/ParqueNorte", "/Madrid/Sights/ParqueSur", False),
        ("/Madrid", "/Madrid/Gardens", False),
        ("/#", "/Madrid", True),
    ],
)
def test_scopes(query: str, scope: str, found: bool) -> None:
    assert matches_scope(parse_scope(query), [scope]) is found
    assert not matches_scope(parse_scope(query), [])


SQUARE = "[[[98,7],[99,7],[99,8],[98,8],[98,7]]]"


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "target", "found"),
    [
        ("within", "Polygon", SQUARE, {"type": "Point", "coordinates": [98.5, 7.5]}, True),
        ("within", "Polygon", SQUARE, {"type": "Point", "coordinates": [98, 7]}, False),  # on the boundary
        ("intersects", "Polygon", SQUARE, {"type": "Point", "coordinates": [98, 7]}, True),
        ("disjoint", "Polygon", SQUARE, {"type": "Point", "coordinates": [97, 7]}, True),
        ("contains", "Point", "[98.5,7.5]", {"type": "Polygon", "coordinates": [[[98, 7], [99, 7], [99, 8], [98, 7]]]}, False),
        ("contains", "Point", "[98.6,7.3]", {"type": "Polygon", "coordinates": [[[98, 7], [99, 7], [99, 8], [98, 7]]]}, True),
        ("equals", "LineString", "[[98,7],[99,7]]", {"type": "LineString", "coordinates": [[99, 7], [98, 7]]}, True),
        ("overlaps", "Polygon", SQUARE, {"type": "Polygon", "coordinates": [[[98.5, 7], [99.5, 7], [99.5, 8], [98.5, 7]]]}, True),
        ("near;maxDistance==111000", "Point", "[98,7]", {"type": "Point", "coordinates": [98, 8]}, True),
        ("near;maxDistance==110000", "Point", "[98,7]", {"type": "Point", "coordinates": [98, 8]}, False),
        ("near;minDistance==110000", "Point", "[98,7]", {"type": "Point", "coordinates": [98, 8]}, True),
        ("near;maxDistance==1", "LineString", "[[98,7],[98,9]]", {"type": "Point", "coordinates": [98, 8]}, True),
        ("near;maxDistance==1", "Polygon", SQUARE, {"type": "Point", "coordinates": [98.5, 7.5]}, True),
        # a ring that crosses itself: two triangles, at the left and at the right of (0, 0)
        ("within", "Polygon", "[[[-1,-1],[1,1],[1,-1],[-1,1],[-1,-1]]]", {"type": "Point", "coordinates": [0.9, 0]}, True),
        ("within", "Polygon", "[[[-1,-1],[1,1],[1,-1],[-1,1],[-1,-1]]]", {"type": "Point", "coordinates": [0, 0.9]}, False),
        ("equals", "Polygon", "[[[-1,-1],[1,1],[1,-1],[-1,1],[-1,-1]]]",
         {"type": "Polygon", "coordinates": [[[-1, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]]]}, True),
        ("within", "Polygon", SQUARE, {"type": "Point"}, False),
        ("disjoint", "Polygon", SQUARE, 5, False),
    ],
)  # fmt: skip
def test_geometry(georel: str, geometry: str, coordinates: str, target: Any, found: bool) -> None:
    entity = doc()
    entity["attrs"][LOCATION] = [{"type": "GeoProperty", "value": target}]
    query = EntityQuery(geo=parse_geo(georel, geometry, coordinates))
    assert matches(entity, query) is found
    assert not matches(entity, query, frozenset({LOCATION}))
    assert not matches(doc(), query)


def test_distances_are_geodesics() -> None:
    """Known lines on WGS 84 (Karney's test values and the meridian degree at the equator)."""
    assert geodesic_m(-73.8, 40.6, -0.5, 51.6)[0] == pytest.approx(5_551_759.400, abs=0.001)
    assert geodesic_m(0, 0, 0, 1)[0] == pytest.approx(110_574.389, abs=0.001)
    assert geodesic_m(179.9, 0, -179.9, 0)[0] == pytest.approx(22_263.898, abs=0.001)
    assert np.isfinite(geodesic_m(0, 0, 180, 0)[0])
    assert geodesic_m(98.3, 7.9, 98.3, 7.9)[0] == 0.0


_LON, _LAT = st.floats(-180, 180), st.floats(-90, 90)
_NEAR = st.floats(-0.02, 0.02)


@given(_LON, _LAT, _LON, _LAT, _NEAR, _NEAR)
def test_the_distance_of_one_pair_is_that_of_many(
    lon1: float, lat1: float, lon2: float, lat2: float, dx: float, dy: float
) -> None:
    """Anywhere, also at poles, across the antimeridian and almost antipodal; and between neighbours."""
    for x, y in ((lon2, lat2), (lon1 + dx, lat1 + dy), (lon1, lat1), (lon1 + 180, -lat1)):
        assert distance_m(lon1, lat1, x, y) == pytest.approx(geodesic_m(lon1, lat1, x, y)[0], abs=1e-4)


@given(_LON, _LAT, _NEAR, _NEAR, st.sampled_from(list(GeoRel)), st.integers(1, 4_000), st.booleans())
def test_one_point_stands_as_many_do(
    lon: float, lat: float, dx: float, dy: float, rel: GeoRel, metres: int, area: bool
) -> None:
    """The short way for single points says what the general way says."""
    near = {"max_distance_m": float(metres), "min_distance_m": metres / 2} if rel is GeoRel.NEAR else {}
    ring = ((lon, lat), (lon + 0.01, lat), (lon + 0.01, lat + 0.01), (lon, lat))
    query = (
        GeoQuery(rel, "Polygon", (ring,), LOCATION, **near)
        if area
        else GeoQuery(rel, "Point", (lon, lat), LOCATION, **near)
    )
    value = {"type": "Point", "coordinates": [lon + dx, lat + dy]}
    one = {"id": "urn:x:1", "type": ["x:A"], "attrs": {LOCATION: [{"type": "GeoProperty", "value": value}]}}
    assert matches_geo(query, one) == matches_geo_each(query, [(one, frozenset())])[0]


def test_every_condition_of_a_query_counts() -> None:
    entity = doc(speed=5)
    good: dict[str, Any] = {
        "types": parse_types("T", expand),
        "ids": ("urn:x:1",),
        "id_pattern": "^urn:x",
        "attrs": ("x:speed", "x:none"),
        "q": parse_q("speed>1", expand),
    }
    bad: dict[str, Any] = {
        "types": parse_types("U", expand),
        "ids": ("urn:x:2",),
        "id_pattern": "^urn:y",
        "attrs": ("x:none",),
        "q": parse_q("speed>9", expand),
        "scope": parse_scope("/a"),
    }
    assert matches(entity, EntityQuery(**good))
    for name, value in bad.items():
        assert not matches(entity, EntityQuery(**{**good, name: value}))
