"""Random entities, queries and rights that meet each other often: few names, few values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from andaman.broker.model import LOCATION, Doc
from andaman.broker.query.ast import (
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    Exists,
    GeoQuery,
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
from andaman.broker.query.model import EntityQuery

TYPES = ["x:A", "x:B", "x:C"]
SCOPES = ["/p/q", "/p", "/r", "/p/q/s"]
ATTRS = ["x:a", "x:b", LOCATION]
IDS = [f"urn:x:{n}" for n in range(12)]
TIMES = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000000Z"]
NUMBERS = st.sampled_from([0, 1, 1.0, 1.5, -2, 2**60, 3])
TEXTS = st.sampled_from(["", "u", "v", "2026-01-01", TIMES[0], IDS[1]])
COORDS = st.sampled_from([98.3, 98.301, 98.35, 98.4]), st.sampled_from([7.8, 7.801, 7.85, 7.9])
POSITIONS = st.tuples(*COORDS).map(list)


@dataclass(frozen=True)
class Rights:
    """An Access that hides types, scopes and attributes."""

    key: str
    no_types: frozenset[str]
    no_scopes: frozenset[str]
    no_attrs: frozenset[str]

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Any, scopes: Any) -> bool:
        return not (self.no_types & set(types)) and not (self.no_scopes & set(scopes))

    def hidden_attrs(self, types: Any, scopes: Any) -> frozenset[str]:
        return self.no_attrs if "x:A" in types else frozenset()

    def may_write(self, types: Any, scopes: Any, attrs: Any) -> bool:
        return False


def _rights(types: set[str], scopes: set[str], attrs: set[str]) -> Rights:
    return Rights(
        f"{sorted(types)}{sorted(scopes)}{sorted(attrs)}",
        frozenset(types),
        frozenset(scopes),
        frozenset(attrs),
    )


rights = st.builds(
    _rights,
    st.sets(st.sampled_from(TYPES), max_size=1),
    st.sets(st.sampled_from(SCOPES), max_size=1),
    st.sets(st.sampled_from(ATTRS), max_size=2),
)

geometries = st.one_of(
    POSITIONS.map(lambda p: {"type": "Point", "coordinates": p}),
    st.lists(POSITIONS, min_size=2, max_size=3, unique_by=tuple).map(
        lambda ps: {"type": "LineString", "coordinates": ps}
    ),
    st.lists(POSITIONS, min_size=1, max_size=2).map(lambda ps: {"type": "MultiPoint", "coordinates": ps}),
    st.tuples(COORDS[0], COORDS[1]).map(
        lambda p: {
            "type": "Polygon",
            "coordinates": [
                [
                    [p[0], p[1]],
                    [p[0] + 0.05, p[1]],
                    [p[0] + 0.05, p[1] + 0.05],
                    [p[0], p[1] + 0.05],
                    [p[0], p[1]],
                ]
            ],
        }
    ),
)
values = st.one_of(
    NUMBERS,
    TEXTS,
    st.booleans(),
    st.lists(st.one_of(NUMBERS, TEXTS), max_size=3),
    st.just({"k": 1, "m": {"n": "u"}}),
    st.just({"@type": "DateTime", "@value": TIMES[0]}),
)
times = st.sampled_from(TIMES)


def _instance(kind: str, value: Any, observed: str | None, sub: Any) -> dict[str, Any]:
    member = {"Relationship": "object", "LanguageProperty": "languageMap", "VocabProperty": "vocab"}
    made = {"type": kind, member.get(kind, "value"): value}
    if observed:
        made["observedAt"] = observed
    if sub is not None:
        made["attrs"] = {"x:s": [{"type": "Property", "value": sub}]}
    return made


_extra = (st.none() | times, st.none() | NUMBERS)
instances = st.one_of(
    st.builds(_instance, st.just("Property"), values, *_extra),
    st.builds(_instance, st.just("Property"), NUMBERS, *_extra),
    st.builds(
        _instance,
        st.just("Relationship"),
        st.sampled_from(IDS) | st.lists(st.sampled_from(IDS), min_size=1, max_size=2),
        *_extra,
    ),
    st.builds(
        _instance,
        st.just("LanguageProperty"),
        st.dictionaries(st.sampled_from(["th", "en"]), st.sampled_from(["u", "v"]), max_size=2),
        *_extra,
    ),
    st.builds(_instance, st.just("VocabProperty"), st.sampled_from(["x:u", "x:v"]), *_extra),
)
attributes = st.lists(instances, min_size=1, max_size=2).map(
    lambda made: [made[0], *({**i, "datasetId": "urn:d:1"} for i in made[1:])]
)
places = st.lists(
    st.builds(lambda g: {"type": "GeoProperty", "value": g}, geometries), min_size=1, max_size=2
).map(lambda made: [made[0], *({**i, "datasetId": "urn:d:1"} for i in made[1:])])


@st.composite
def docs(draw: st.DrawFn, entity_id: str | None = None) -> Doc:
    attrs: dict[str, Any] = {}
    for name in ATTRS[:2]:
        if draw(st.integers(0, 3)):
            attrs[name] = draw(attributes)
    if draw(st.integers(0, 3)):
        attrs[LOCATION] = draw(places if draw(st.integers(0, 5)) else attributes)
    doc: Doc = {
        "id": entity_id or draw(st.sampled_from(IDS)),
        "type": sorted(draw(st.sets(st.sampled_from(TYPES), min_size=1, max_size=2))),
        "createdAt": draw(times),
        "modifiedAt": draw(times),
        "attrs": attrs,
    }
    scope = sorted(draw(st.sets(st.sampled_from(SCOPES), max_size=2)))
    if scope:
        doc["scope"] = scope
    return doc


scalars = st.one_of(
    NUMBERS.map(lambda v: Number(float(v))),
    TEXTS.map(lambda t: Text(t, "x:" + t)),
    st.booleans().map(Boolean),
    st.sampled_from([Instant(1767225600000000), Instant(1767312000000000)]),
    st.just(Day("2026-01-01")),
    st.sampled_from(IDS).map(Uri),
)
ranges = st.one_of(
    st.tuples(NUMBERS, NUMBERS).map(lambda p: Range(Number(float(p[0])), Number(float(p[1])))),
    st.just(Range(Text("a", "x:a"), Text("z", "x:z"))),
)
paths = st.one_of(
    st.sampled_from([Path("x:a"), Path("x:b"), Path("x:a"), Path(LOCATION)]),
    st.sampled_from(
        [
            Path("x:a", ("x:s",)),
            Path("x:b", member="observedAt"),
            Path("", member="modifiedAt"),
            Path("x:a", keys=("k",)),
            Path("x:a", keys=("m", "n")),
            Path("x:b", keys=("th",)),
            Path("x:b", keys=("*",)),
            Path("x:a", links=(Link("x:b"),)),
            Path("x:a", links=(Link("x:b", ("x:A",)),)),
        ]
    ),
)
terms = st.one_of(
    paths.map(Exists),
    paths.map(Exists).map(Not),
    st.builds(
        Compare,
        paths,
        st.sampled_from([Cmp.EQ, Cmp.NE]),
        st.lists(scalars | ranges, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(
        Compare,
        paths,
        st.sampled_from([Cmp.GT, Cmp.GE, Cmp.LT, Cmp.LE]),
        scalars.filter(lambda v: not isinstance(v, Boolean)).map(lambda v: (v,)),
    ),
    st.builds(Pattern, paths, st.sampled_from(["u", ".*", "[uv]"]), st.booleans()),
)
qs = st.recursive(
    terms,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3)
        .map(tuple)
        .flatmap(lambda parts: st.sampled_from([And(parts), Or(parts)]))
    ),
    max_leaves=4,
)


def _logic(leaves: Any, both: Any, either: Any) -> Any:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, min_size=2, max_size=2)
            .map(tuple)
            .flatmap(lambda parts: st.sampled_from([both(parts), either(parts)]))
        ),
        max_leaves=3,
    )


type_exprs = _logic(st.sampled_from(TYPES).map(TypeIs), TypeAnd, TypeOr)
scope_exprs = _logic(
    st.sampled_from(
        [
            ScopeIs(("p",)),
            ScopeIs(("p",), True),
            ScopeIs(("p", "+")),
            ScopeIs((), True),
            ScopeIs(("+", "q"), True),
        ]
    ),
    ScopeAnd,
    ScopeOr,
)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


@st.composite
def geo_queries(draw: st.DrawFn) -> GeoQuery:
    shape = draw(geometries)
    relation = draw(st.sampled_from(list(GeoRel)))
    far = near = None
    if relation is GeoRel.NEAR:
        far = draw(st.sampled_from([None, 0.0, 120.0, 6_000.0, 200_000.0]))
        near = draw(st.sampled_from([None, 100.0, 5_000.0])) if far is not None else 5_000.0
    return GeoQuery(relation, shape["type"], _tuples(shape["coordinates"]), LOCATION, far, near)


queries = st.builds(
    EntityQuery,
    types=st.none() | type_exprs,
    ids=st.just(()) | st.lists(st.sampled_from(IDS), max_size=4).map(tuple),
    id_pattern=st.none() | st.sampled_from(["^urn:x:1", "[02468]$"]),
    attrs=st.just(()) | st.lists(st.sampled_from(ATTRS), min_size=1, max_size=2).map(tuple),
    q=st.none() | qs,
    geo=st.none() | geo_queries(),
    scope=st.none() | scope_exprs,
    limit=st.integers(0, 5),
    offset=st.integers(0, 4),
    count=st.booleans(),
)
