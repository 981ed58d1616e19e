"""Parsers: the grammar and the examples of CIM 009, and refusals that say where and what would be right."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.model import DEFAULT_VOCAB
from andaman.broker.query.ast import (
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    DayTime,
    Exists,
    GeoRel,
    Instant,
    Link,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    Range,
    ScopeAnd,
    ScopeIs,
    ScopeOr,
    Text,
    TypeAnd,
    TypeIs,
    TypeOr,
    Uri,
)
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.kernel.errors import AndamanError, BadRequestData, TooComplexQuery
from andaman.kernel.time import HOUR, parse_time


def expand(name: str) -> str:
    return "x:" + name


def is_(name: str, value: Any, op: Cmp = Cmp.EQ) -> Compare:
    return Compare(Path("x:" + name), op, (value,))


def text(value: str) -> Text:
    return Text(value, "x:" + value if value.isidentifier() else value)


EXAMPLES = [
    ("temperature", Exists(Path("x:temperature"))),
    ("temperature==20", is_("temperature", Number(20))),
    ('brandName!="Mercedes"', is_("brandName", text("Mercedes"), Cmp.NE)),
    (
        'isParked=="urn:ngsi-ld:OffStreetParking:Downtown1"',
        is_("isParked", text("urn:ngsi-ld:OffStreetParking:Downtown1")),
    ),
    ("isParked==urn:ngsi-ld:P:1", is_("isParked", Uri("urn:ngsi-ld:P:1"))),
    (
        '((speed>50|rpm>3000);brandName=="Mercedes")',
        And(
            (
                Or((is_("speed", Number(50), Cmp.GT), is_("rpm", Number(3000), Cmp.GT))),
                is_("brandName", text("Mercedes")),
            )
        ),
    ),
    (
        "(temperature>=20;temperature<=25)|capacity<=10",
        Or(
            (
                And((is_("temperature", Number(20), Cmp.GE), is_("temperature", Number(25), Cmp.LE))),
                is_("capacity", Number(10), Cmp.LE),
            )
        ),
    ),
    (
        "a|b;c",
        Or((Exists(Path("x:a")), And((Exists(Path("x:b")), Exists(Path("x:c")))))),
    ),
    (
        "temperature.observedAt>=2017-12-24T12:00:00Z",
        Compare(
            Path("x:temperature", member="observedAt"), Cmp.GE, (Instant(parse_time("2017-12-24T12:00:00Z")),)
        ),
    ),
    (
        'modifiedAt>"2026-01-01T00:00:00+07:00"',
        Compare(Path("", member="modifiedAt"), Cmp.GT, (Instant(parse_time("2025-12-31T17:00:00Z")),)),
    ),
    ('address[city]=="Berlin"', Compare(Path("x:address", keys=("city",)), Cmp.EQ, (text("Berlin"),))),
    (
        "sensor.rawdata[airquality.particulate]==40",
        Compare(Path("x:sensor", ("x:rawdata",), keys=("airquality", "particulate")), Cmp.EQ, (Number(40),)),
    ),
    (
        "sensor{Device:humidity}==40",
        Compare(Path("x:humidity", links=(Link("x:sensor", ("x:Device",)),)), Cmp.EQ, (Number(40),)),
    ),
    (
        "a{b{c.unitCode}}",
        Exists(Path("x:c", member="unitCode", links=(Link("x:a"), Link("x:b")))),
    ),
    ("!speed;t", And((Not(Exists(Path("x:speed"))), Exists(Path("x:t"))))),
    ('color=="black","red"', Compare(Path("x:color"), Cmp.EQ, (text("black"), text("red")))),
    ("t!=10..20", is_("t", Range(Number(10), Number(20)), Cmp.NE)),
    ("t==-1.5e2..-1", is_("t", Range(Number(-150), Number(-1)))),
    ("ok==true", is_("ok", Boolean(True))),
    ("day>2026-02-28", is_("day", Day("2026-02-28"), Cmp.GT)),
    ("at==08:00:00+07:00", is_("at", DayTime(HOUR))),
    ('name[th]=="ภูเก็ต"', Compare(Path("x:name", keys=("th",)), Cmp.EQ, (text("ภูเก็ต"),))),
    ("name~=(a|b)[;)]x", Pattern(Path("x:name"), "(a|b)[;)]x")),
    ('(name!~="a;b")|c', Or((Pattern(Path("x:name"), "a;b", True), Exists(Path("x:c"))))),
    ("https://a.b/c.d==1", Compare(Path("x:https://a.b/c.d"), Cmp.EQ, (Number(1),))),
    (r'a=="\u0e01\"\\"', is_("a", Text('ก"\\', DEFAULT_VOCAB + 'ก"\\'))),
]


@pytest.mark.parametrize(("q", "tree"), EXAMPLES)
def test_q_reads_the_examples_of_the_clause(q: str, tree: Any) -> None:
    assert parse_q(q, expand) == tree


def test_a_bare_word_is_a_text_that_expand_values_expands() -> None:
    assert parse_q("gender==Male", expand, expand_values={"gender"}) == is_("gender", text("Male"))
    assert parse_q("gender==Male", expand) == is_("gender", Text("Male", "Male"))
    with pytest.raises(BadRequestData) as caught:
        parse_q("gender>Male", expand)
    assert caught.value.extra["position"] == 7
    assert "double quotes" in caught.value.detail


@pytest.mark.parametrize(
    ("q", "position"),
    [
        ("", 0),
        ("a==", 3),
        ("a>(b", 2),
        ("(a", 2),
        ("a)", 1),
        ("a>true", 2),
        ("a>1,2", 2),
        ("a==1..", 6),
        ('a==1.."b"', 3),
        ("a=1", 1),
        ("a;;b", 2),
        ("a==2026-13-01", 3),
        ("a==2026-01-01T00:00:00", 3),
        ("a==25:00:00", 3),
        ('a=="x', 3),
        (r'a=="\x"', 3),
        ("a==1e999", 3),
        ("a[", 2),
        ("a[b", 3),
        ("a{b", 3),
        ("a.b{c}", 3),
        ("a~=(", 3),
        ("a~=", 3),
        ("1a", 0),
        ("a..b", 2),
        ("a==NaN", 3),
    ],
)
def test_a_wrong_q_is_refused_at_its_place(q: str, position: int) -> None:
    with pytest.raises(BadRequestData) as caught:
        parse_q(q, expand)
    assert caught.value.extra["position"] == position
    assert caught.value.extra["field"] == "q"
    assert "expected" in caught.value.detail


@pytest.mark.parametrize(
    "q",
    ["(" * 40 + "a" + ")" * 40, "|".join(["a"] * 300), "a" * 20_000, ".".join(["a"] * 30), "a{" * 40 + "a" + "}" * 40],
)  # fmt: skip
def test_what_is_too_big_is_refused(q: str) -> None:
    with pytest.raises(TooComplexQuery):
        parse_q(q, expand)


def test_types() -> None:
    a, b, c = TypeIs("x:A"), TypeIs("x:B"), TypeIs("x:C")
    assert parse_types("A", expand) == a
    assert parse_types("A,B|C", expand) == TypeOr((a, b, c))
    assert parse_types("(A,B);C", expand) == TypeAnd((TypeOr((a, b)), c))
    assert parse_types("*", expand) is None
    for wrong in ("", "A,", "(A", "A B", ";A"):
        with pytest.raises(BadRequestData):
            parse_types(wrong, expand)


def test_scopes() -> None:
    assert parse_scope("/Madrid/+/ParqueNorte") == ScopeIs(("Madrid", "+", "ParqueNorte"))
    assert parse_scope("/Madrid/Gardens/#") == ScopeIs(("Madrid", "Gardens"), True)
    assert parse_scope("/#") == ScopeIs((), True)
    both = ScopeAnd((ScopeIs(("Madrid", "Districts")), ScopeIs(("CompanyA",))))
    for text_ in ("(/Madrid/Districts;/CompanyA)|CompanyB", "(/Madrid/Districts;/CompanyA),CompanyB"):
        assert parse_scope(text_) == ScopeOr((both, ScopeIs(("CompanyB",))))
    for wrong in ("", "/", "/a/#/b", "/a//b", "/a,", "/a b"):
        with pytest.raises(BadRequestData):
            parse_scope(wrong)


def test_geometry() -> None:
    near = parse_geo("near;maxDistance==2000", "Point", "[8,40]", "observationSpace", expand)
    assert (near.georel, near.max_distance_m, near.coordinates) == (GeoRel.NEAR, 2000.0, (8.0, 40.0))
    assert near.geoproperty == "x:observationSpace"
    ring = "[[[100.0,0.0],[101.0,0.0],[101.0,1.0],[100.0,1.0],[100.0,0.0]]]"
    assert parse_geo("within", "Polygon", ring).georel is GeoRel.WITHIN


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "field"),
    [
        ("near", "Point", "[8,40]", "georel"),
        ("near;maxDistance==0", "Point", "[8,40]", "georel"),
        ("near;maxDistance==-1", "Point", "[8,40]", "georel"),
        ("near;maxDistance=1", "Point", "[8,40]", "georel"),
        ("near;maxDistance==1;maxDistance==2", "Point", "[8,40]", "georel"),
        ("near;maxDistance==5;minDistance==1", "Point", "[8,40]", "georel"),
        ("touches", "Point", "[8,40]", "georel"),
        ("within", "Circle", "[8,40]", "geometry"),
        ("within", "Point", "[8,40", "coordinates"),
        ("within", "Point", "[8]", "coordinates"),
        ("within", "Point", '["8",40]', "coordinates"),
        ("within", "Point", "[8,140]", "coordinates"),
        ("within", "Point", "[[8,40]]", "coordinates"),
        ("within", "Polygon", "[[[0,0],[1,0],[1,1]]]", "coordinates"),
        ("within", "Polygon", "[[[0,0],[1,1],[2,2],[0,0]]]", "coordinates"),
        ("within", "LineString", "[[0,0]]", "coordinates"),
        ("within", "Polygon", "{}", "coordinates"),
    ],
)
def test_a_wrong_geometry_is_refused_by_its_field(
    georel: str, geometry: str, coordinates: str, field: str
) -> None:
    with pytest.raises(BadRequestData) as caught:
        parse_geo(georel, geometry, coordinates)
    assert caught.value.extra["field"] == field


def test_thai_names_are_names() -> None:
    assert parse_q("ระดับน้ำ[ที่]>1", expand) == Compare(Path("x:ระดับน้ำ", keys=("ที่",)), Cmp.GT, (Number(1),))


FUZZ = st.text(st.sampled_from('ab.:;|()[]{}"\\=!<>~,1-eT+/#*\u0e01 ') | st.characters(), max_size=40)


@given(FUZZ)
def test_no_text_breaks_a_parser(text_: str) -> None:
    """Anything is either read or refused with a typed error, never anything else."""
    parsers: list[Callable[[], Any]] = [
        lambda: parse_q(text_, expand),
        lambda: parse_types(text_, expand),
        lambda: parse_scope(text_),
        lambda: parse_geo("within", "Polygon", text_),
        lambda: parse_geo(text_, "Point", "[1,1]"),
    ]
    for parser in parsers:
        with contextlib.suppress(BadRequestData, TooComplexQuery):
            parser()


@pytest.mark.parametrize(
    "q", ["a~=" + "(a*)*" * 150 + "b", 'a=="' + "\\\\" * 8_000 + '"', "a" * 16_000 + "("]
)
def test_long_texts_are_read_in_linear_time(q: str) -> None:
    start = time.process_time()
    with contextlib.suppress(AndamanError):
        parse_q(q, expand)
    assert time.process_time() - start < 1.0
