"""Payload ↔ stored form: lossless, and everything that the clauses of CIM 009 forbid is refused."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyld import jsonld

from andaman.broker.contexts.bundled import core_document
from andaman.broker.contexts.model import CORE_URL
from andaman.broker.contexts.process import build_context
from andaman.broker.entity.apply import apply
from andaman.broker.entity.expand import APPEND, MERGE, PARTIAL, UPDATE, WHOLE, Mode, expand_entity
from andaman.broker.entity.names import NULL
from andaman.broker.entity.represent import View, feature, represent
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.kernel.errors import BadRequestData
from tests.broker.entity.strategies import ENTITIES

CORE = core_document()["@context"]
USER = {"speed": "http://ex.org/speed", "ex": "http://ex.org/", "Vehicle": "ex:Vehicle", "Open": "ex:Open"}
CONTEXT = build_context(USER, lambda url: None, CORE, CORE_URL)
ID = "urn:ngsi-ld:Vehicle:1"
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))


def stored(payload: dict[str, Any]) -> Doc:
    fragment = expand_entity(payload, CONTEXT)
    doc, _, _ = apply(WriteOp(OpKind.CREATE, payload["id"], fragment), None, 0)
    assert doc is not None
    return doc


@LAW
@given(ENTITIES)
def test_normalized_round_trip_is_lossless(payload: dict[str, Any]) -> None:
    frozen = copy.deepcopy(payload)
    shown = represent(stored(payload), CONTEXT)
    if isinstance(shown["type"], list):
        shown["type"].sort()  # stored in the order of their IRIs
    assert shown == frozen
    assert payload == frozen


@LAW
@given(ENTITIES)
def test_concise_is_lossless(payload: dict[str, Any]) -> None:
    """§4.5.1: concise is lossless: expanding it gives the same stored form."""
    doc = stored(payload)
    concise = represent(doc, CONTEXT, View("concise"))
    assert stored(concise)["attrs"] == doc["attrs"]


@LAW
@given(ENTITIES)
def test_our_names_are_the_ones_pyld_gives(payload: dict[str, Any]) -> None:
    """Attribute and type IRIs equal JSON-LD's own expansion."""
    doc = stored(payload)
    page = {"@context": [USER, CORE], "id": payload["id"], "type": payload["type"]}
    names = [name for name in payload if name not in ("id", "type", "scope")]
    page |= {name: {"type": "Property", "value": 1} for name in names}
    (expanded,) = jsonld.expand(page)
    assert sorted(expanded["@type"]) == doc["type"]
    assert {iri for iri in expanded if iri[0] != "@"} == set(doc["attrs"])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from([NULL, ID, "Property", "GeoProperty", "Point", "2026-11-22T07:32:00Z", "@none", "VocabProperty"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["id", "type", "value", "object", "languageMap", "json", "vocab", "valueList", "objectList", "observedAt", "unitCode", "datasetId", "scope", "coordinates", "@id", "@context", "@type", "speed", "location", "expiresAt", "objectType", "valueType", "dataset", "ngsildproof"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@LAW
@given(JUNK, st.sampled_from([WHOLE, APPEND, UPDATE, PARTIAL, MERGE]), st.booleans())
def test_any_json_is_expanded_or_refused_with_bad_request_data(
    junk: Any, mode: Mode, simplified: bool
) -> None:
    with contextlib.suppress(BadRequestData):
        fragment = expand_entity(junk, CONTEXT, mode, simplified=simplified)
        if mode is MERGE or mode is UPDATE:
            before = stored({"id": ID, "type": "T", "speed": {"type": "Property", "value": {"value": 1}}})
            kind = OpKind.MERGE if mode is MERGE else OpKind.UPDATE
            after, _, _ = apply(WriteOp(kind, ID, fragment), before, 1)
            assert after is not None
            assert NULL not in str(represent(after, CONTEXT)) or "json" in str(fragment)


def attr(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "T", "a": {"type": "Property", "value": 1, **members}}


BAD: list[tuple[str, Any]] = [
    ("4.2.2 no value", {"id": ID, "type": "T", "a": {"type": "Property"}}),
    ("4.2.2 no object", {"id": ID, "type": "T", "a": {"type": "Relationship"}}),
    ("4.2.2 null value", {"id": ID, "type": "T", "a": {"type": "Property", "value": None}}),
    ("4.5.1 no id", {"type": "T"}),
    ("4.5.1 no type", {"id": ID}),
    ("4.5.1 id no URI", {"id": "x", "type": "T"}),
    ("4.5.1 blank in id", {"id": "urn:x:a b", "type": "T"}),
    ("4.5.1 invisible in id", {"id": "urn:x:a\u200bb", "type": "T"}),
    ("4.5.1 right-to-left in id", {"id": "urn:x:a\u202eb", "type": "T"}),
    ("4.5.1 filler in id", {"id": "urn:x:a\u3164b", "type": "T"}),
    ("4.5.1 noncharacter in id", {"id": "urn:x:a\ufdd0b", "type": "T"}),
    ("4.5.1 null as id", {"id": NULL, "type": "T"}),
    ("4.5.1 member as attribute", {"id": ID, "type": "T", "datasetId": {"type": "Property", "value": 1}}),
    ("4.5.1 context inside", attr(**{"@context": {}})),
    ("4.5.2.2 other value member", attr(object="urn:x:y")),
    ("4.5.2.2 previousValue", attr(previousValue=0)),
    ("4.5.2.2 sealed", attr(entityIdSealed="urn:x:y")),
    ("4.5.2.2 proof no object", {"id": ID, "type": "T", "ngsildproof": {"type": "Property", "value": "x"}}),
    ("4.5.3.2 unit of a relationship", {"id": ID, "type": "T", "a": {"type": "Relationship", "object": ID, "unitCode": "X"}}),
    ("4.5.5.1 two defaults", {"id": ID, "type": "T", "a": [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "@none"}]}),
    ("4.5.5.1 same dataset", {"id": ID, "type": "T", "a": [{"type": "Property", "value": n, "datasetId": "urn:d:1"} for n in (1, 2)]}),
    ("4.5.21 value of a list property", {"id": ID, "type": "T", "a": {"type": "ListProperty", "valueList": [1], "value": 1}}),
    ("4.5.22 no URI in list", {"id": ID, "type": "T", "a": {"type": "ListRelationship", "objectList": ["no uri"]}}),
    ("4.5.24 unit of JSON", {"id": ID, "type": "T", "a": {"type": "JsonProperty", "json": {}, "unitCode": "X"}}),
    ("4.5.24 scalar JSON", {"id": ID, "type": "T", "a": {"type": "JsonProperty", "json": 5}}),
    ("4.6.2 name with blank", {"id": ID, "type": "T", "a b": 1}),
    ("4.6.2 type begins with digit", {"id": ID, "type": "9T"}),
    ("4.6.2 name with forbidden sign", {"id": ID, "type": "T", "a<b": 1}),
    ("4.6.3 offset", attr(observedAt="2026-11-22T07:32:00+02:00")),
    ("4.6.3 impossible day", attr(observedAt="2026-02-30T07:32:00Z")),
    ("4.6.3 not a time", attr(observedAt="now")),
    ("4.8 reified time", attr(observedAt={"type": "Property", "value": "2026-11-22T07:32:00Z"})),
    ("4.6.5 number as text", {"id": ID, "type": "T", "a": {"type": "LanguageProperty", "languageMap": {"en": 5}}}),
    ("4.6.5 empty tag", {"id": ID, "type": "T", "a": {"type": "LanguageProperty", "languageMap": {"": "x"}}}),
    ("4.6.5 null on create", {"id": ID, "type": "T", "a": {"type": "LanguageProperty", "languageMap": {"@none": NULL}}}),
    ("5.2.32 value type", {"id": ID, "type": "T", "a": {"type": "LanguageProperty", "languageMap": {"en": "x"}, "valueType": "y"}}),
    ("4.7.1 location is a property", {"id": ID, "type": "T", "location": {"type": "Property", "value": 7}}),
    ("4.7.2 not a geometry", {"id": ID, "type": "T", "location": {"type": "GeoProperty", "value": "Phuket"}}),
    ("4.7 collection", {"id": ID, "type": "T", "location": {"type": "GeoProperty", "value": {"type": "GeometryCollection", "geometries": []}}}),
    ("4.18 empty level", {"id": ID, "type": "T", "scope": "/a//b"}),
    ("4.18 digit first", {"id": ID, "type": "T", "scope": "/1a"}),
    ("4.18 null", {"id": ID, "type": "T", "scope": NULL}),
    ("5.2.1 null", {"id": ID, "type": "T", "a": NULL}),
    ("5.2.1 null value", attr(value=NULL)),
    ("5.2.1 null below", attr(sub={"type": "Property", "value": NULL})),
    ("5.5.4 null in a value", attr(value={"x": {"y": NULL}})),
    ("unknown kind", {"id": ID, "type": "T", "a": {"type": "Proprty", "value": 1}}),
    ("no kind, no value", {"id": ID, "type": "T", "a": {"x": 1}}),
    ("JSON null", {"id": ID, "type": "T", "a": None}),
    ("too deep", attr(value=[[[[1]]]] if False else __import__("functools").reduce(lambda v, _: [v], range(200), 1))),
    ("list", []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "payload"), BAD, ids=[why for why, _ in BAD])
def test_forbidden(why: str, payload: Any) -> None:
    with pytest.raises(BadRequestData):
        expand_entity(payload, CONTEXT)


GEO_BAD: list[Any] = [
    {"type": "Point", "coordinates": [200, 0]},
    {"type": "Point", "coordinates": [0, 91]},
    {"type": "Point", "coordinates": [0]},
    {"type": "Point", "coordinates": [0, 0, 0, 0]},
    {"type": "Point", "coordinates": ["0", 0]},
    {"type": "Point", "coordinates": [True, 0]},
    {"type": "LineString", "coordinates": [[0, 0]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
    {"type": "MultiPolygon", "coordinates": [[[0, 0]]]},
    {"type": "MultiPoint", "coordinates": []},
    {"type": "Point"},
]


@pytest.mark.parametrize("geometry", GEO_BAD, ids=str)
def test_4_7_broken_geometries(geometry: Any) -> None:
    with pytest.raises(BadRequestData):
        expand_entity(
            {"id": ID, "type": "T", "location": {"type": "GeoProperty", "value": geometry}}, CONTEXT
        )


def test_4_7_2_geometry_as_text_becomes_an_object() -> None:
    text = '{"type": "Point", "coordinates": [17.1, 48.7]}'
    doc = expand_entity({"id": ID, "type": "T", "location": {"type": "GeoProperty", "value": text}}, CONTEXT)
    (instances,) = doc["attrs"].values()
    assert instances[0]["value"] == {"type": "Point", "coordinates": [17.1, 48.7]}


def test_4_4_keywords_and_unicode_names_are_accepted() -> None:
    doc = stored({"id": ID, "type": "Škola", "ความเร็ว": 7} | {})
    assert represent(doc, CONTEXT)["ความเร็ว"]["value"] == 7
    assert expand_entity({"@id": ID, "@type": "T"}, CONTEXT)["id"] == ID


def test_4_5_2_2_proof_round_trips() -> None:
    proof = {
        "type": "Property",
        "entityIdSealed": ID,
        "entityTypeSealed": "Vehicle",
        "value": {"type": "DataIntegrityProof"},
    }
    payload = {"id": ID, "type": "Vehicle", "ngsildproof": proof}
    assert represent(stored(payload), CONTEXT) == payload


def test_4_5_4_simplified_in_and_out() -> None:
    payload = {
        "id": ID,
        "type": "Vehicle",
        "speed": 5,
        "address": {"street": "x"},
        "location": {"type": "Point", "coordinates": [1, 2]},
        "name": {"languageMap": {"th": "ก"}},
        "status": {"vocab": "Open"},
        "many": {"dataset": {"@none": 1, "urn:d:1": 2}},
    }
    fragment = expand_entity(payload, CONTEXT, simplified=True)
    doc, _, _ = apply(WriteOp(OpKind.CREATE, ID, fragment), None, 0)
    assert doc is not None
    assert represent(doc, CONTEXT, View("simplified")) == payload


def test_4_15_language_filter() -> None:
    doc = stored(
        {"id": ID, "type": "T", "name": {"type": "LanguageProperty", "languageMap": {"th": "ก", "en": "a"}}}
    )
    shown = represent(doc, CONTEXT, View(languages=("de", "th")))["name"]
    assert shown == {"type": "Property", "value": "ก", "lang": "th"}
    assert represent(doc, CONTEXT, View("simplified", languages=("fr",)))["name"] == "a"


def test_projection_and_datasets() -> None:
    doc = stored({"id": ID, "type": "T", "a": 1, "b": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]})
    iri = CONTEXT.iris
    assert represent(doc, CONTEXT, View(pick=frozenset({"id", iri["a"]}))).keys() == {"id", "a"}
    assert represent(doc, CONTEXT, View(omit=frozenset({"type", iri["a"]}))).keys() == {"id", "b"}
    assert represent(doc, CONTEXT, View(datasets=frozenset({"urn:d:1"})))["b"]["value"] == 2


def test_4_5_16_geojson() -> None:
    point = {"type": "Point", "coordinates": [1, 2]}
    doc = stored({"id": ID, "type": "T", "location": {"type": "GeoProperty", "value": point}, "a": 1})
    shown = feature(doc, CONTEXT, View("simplified"))
    assert shown["geometry"] == point
    assert shown["properties"] == {"type": "T", "location": point, "a": 1}
    assert feature(doc, CONTEXT, View(), "urn:x:other")["geometry"] is None
