"""Valid NGSI-LD payloads for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.booleans(), st.integers(-1000, 1000), st.floats(-1e6, 1e6), st.text(max_size=6).filter(lambda s: "null" not in s)
)  # fmt: skip
PLAIN_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, max_size=3)
    ),
    max_leaves=5,
)
LON, LAT = st.floats(-180, 180), st.floats(-90, 90)
POSITION = st.tuples(LON, LAT).map(list)
GEOMETRIES = st.one_of(
    POSITION.map(lambda p: {"type": "Point", "coordinates": p}),
    st.lists(POSITION, min_size=2, max_size=4).map(lambda ps: {"type": "LineString", "coordinates": ps}),
    st.just({"type": "Polygon", "coordinates": [[[98.2, 7.8], [98.4, 7.8], [98.4, 8.0], [98.2, 7.8]]]}),
)
URIS = st.sampled_from(["urn:ngsi-ld:Thing:1", "urn:ngsi-ld:Thing:2", "http://ex.org/x"])
TERMS = st.sampled_from(["speed", "name", "brand", "tyre", "refRoute", "address"])
TIMES = st.sampled_from(["2026-11-22T07:32:00Z", "2020-02-29T23:59:59.123456Z"])

VALUES = st.one_of(
    PLAIN_JSON.map(lambda v: {"type": "Property", "value": v}),
    st.tuples(SCALARS, st.sampled_from(["KMH", "CEL"])).map(
        lambda v: {"type": "Property", "value": v[0], "unitCode": v[1]}
    ),
    GEOMETRIES.map(lambda v: {"type": "GeoProperty", "value": v}),
    URIS.map(lambda v: {"type": "Relationship", "object": v}),
    st.lists(URIS, min_size=1, max_size=2).map(lambda v: {"type": "Relationship", "object": v, "objectType": "Vehicle"}),
    st.dictionaries(st.sampled_from(["th", "en", "@none"]), st.text(max_size=5), min_size=1).map(
        lambda v: {"type": "LanguageProperty", "languageMap": v}
    ),
    st.dictionaries(st.sampled_from(["id", "type", "x"]), PLAIN_JSON, max_size=2).map(
        lambda v: {"type": "JsonProperty", "json": v}
    ),
    st.sampled_from(["Open", "Closed", ["Open", "Busy"]]).map(lambda v: {"type": "VocabProperty", "vocab": v}),
    st.lists(SCALARS, max_size=3).map(lambda v: {"type": "ListProperty", "valueList": v}),
    st.lists(URIS, max_size=2).map(
        lambda v: {"type": "ListRelationship", "objectList": [{"object": one} for one in v]}
    ),
)  # fmt: skip


def _with(base: st.SearchStrategy[dict[str, Any]], subs: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    extra = st.fixed_dictionaries({}, optional={"observedAt": TIMES, "accuracy": subs, "providedBy": subs})
    return st.tuples(base, extra).map(lambda pair: {**pair[0], **pair[1]})


INSTANCES = _with(VALUES, _with(VALUES, VALUES))
ATTRIBUTES = st.one_of(
    INSTANCES,
    st.tuples(INSTANCES, INSTANCES).map(lambda p: [p[0], {**p[1], "datasetId": "urn:ngsi-ld:dataset:1"}]),
)
ENTITIES = st.fixed_dictionaries(
    {"id": URIS, "type": st.sampled_from(["Vehicle", ["Bus", "Vehicle"]])},
    optional={"scope": st.sampled_from(["/a/b", ["/a", "/b"]]), "location": GEOMETRIES.map(lambda g: {"type": "GeoProperty", "value": g})},
).flatmap(lambda head: st.dictionaries(TERMS, ATTRIBUTES, max_size=4).map(lambda body: {**head, **body}))  # fmt: skip
