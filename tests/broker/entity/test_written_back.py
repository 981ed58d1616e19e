"""What can be read can be written back (§4.5, §5.5.4): whatever a sequence of writes left of an entity is taken again as a new
one, in each representation that keeps it whole, and reads the same there."""

from __future__ import annotations

import os
from typing import Any, Final

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from andaman.broker.contexts.bundled import core_document
from andaman.broker.contexts.model import CORE_URL, Context
from andaman.broker.contexts.process import build_context
from andaman.broker.entity.apply import apply
from andaman.broker.entity.build import iri
from andaman.broker.entity.check import checked_entity
from andaman.broker.entity.expand import (
    APPEND,
    MERGE,
    PARTIAL,
    UPDATE,
    WHOLE,
    Mode,
    expand_attribute,
    expand_entity,
)
from andaman.broker.entity.merge import GONE
from andaman.broker.entity.names import NULL
from andaman.broker.entity.represent import View, represent
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.kernel.errors import AndamanError

EXAMPLES: Final = int(os.environ.get("ANDAMAN_FUZZ", "400"))  # more by hand: ANDAMAN_FUZZ=20000
PHASES = [Phase.explicit, Phase.generate] if os.environ.get("NOSHRINK") else list(Phase)
ID = "urn:ngsi-ld:Thing:1"
CORE = build_context(None, lambda url: None, core_document()["@context"], CORE_URL)
OWN = build_context(
    {
        "speed": "https://example.org/speed",
        "water level": "https://example.org/waterLevel",
        "a-b": "https://example.org/ab",
        "ex": "https://example.org/",
        "unit": "https://uri.etsi.org/ngsi-ld/unitCode",
        "where": "https://uri.etsi.org/ngsi-ld/location",
        "gone": None,
        "open": "https://example.org/state#open",
    },
    lambda url: None,
    core_document()["@context"],
    CORE_URL,
)
CONTEXTS = st.sampled_from([CORE, OWN])
NAMES = st.sampled_from(
    [
        "speed",
        "owner",
        "location",
        "label",
        "kind",
        "cfg",
        "parts",
        "ngsildproof",
        "ex:x",
        "ngsi-ld:observedAt",
        "https://uri.etsi.org/ngsi-ld/scope",
        "ngsi-ld:default-context/a-b",
        "unit",
        "where",
        "ขนาด",
        "value",
        "gone",
        "https://example.org/waterLevel",
        "https://example.org/ab",
        "previousValue",
        "ngsi-ld:instanceId",
        "a:b",
    ]
)
SUB_NAMES = st.sampled_from(
    [
        "accuracy",
        "unit",
        "ngsi-ld:unitCode",
        "ngsi-ld:hasValue",
        "scope",
        "location",
        "entityIdSealed",
        "ex:x",
        "entityTypeSealed",
        "ngsi-ld:entityTypeSealed",
        "ngsi-ld:default-context/a.b",
        "previousValueList",
        "gone",
    ]
)
POINT = {"type": "Point", "coordinates": [98.4, 7.9]}
ODD = st.sampled_from(
    [
        0,
        -0.0,
        1.5,
        True,
        "",
        "x",
        "urn:x:1",
        NULL,
        None,
        [],
        {},
        [1],
        ["urn:x:1"],
        ["urn:x:1", 5],
        POINT,
        "no uri",
        {"a": 1, "b": {"c": 2}},
        {"b": {"c": NULL}},
        [{"b": NULL}],
        {"en": "a"},
        {"en": 5},
        {"en": NULL},
        {"no tag!": "a"},
        {"@none": ["a", "b"]},
        {"type": "Point"},
        {"foo": 1},
        {"type": "Property", "value": 1},
        9007199254740993,
        "open",
        ["id", "type"],
        "id",
        "a b",
        "@id",
        "a:b",
        {"json": {"a": NULL}},
        {"vocab": "id"},
        [[{"value": 1}]],
        "gone",
        [{"object": "urn:x:1"}],
        {"dataset": {"@none": 1, "urn:d:1": "urn:x:2"}},
        {"deep": {"deep": [{"deep": [[]]}]}},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        {"id": 1, "type": 2},
        {"@value": 1},
    ]
)
KINDS = st.sampled_from(
    [
        "Property",
        "GeoProperty",
        "Relationship",
        "LanguageProperty",
        "JsonProperty",
        "VocabProperty",
        "ListProperty",
        "ListRelationship",
    ]
)
OWN_MEMBERS = st.sampled_from(["value", "object", "languageMap", "json", "vocab", "valueList", "objectList"])
GOOD: dict[str, list[Any]] = {
    "Property": [1, "x", {"a": 1, "b": {"c": 2}}, [1, {"a": 2}], POINT, {"type": "Property"}],
    "GeoProperty": [POINT],
    "Relationship": ["urn:x:1", ["urn:x:1", "urn:x:2"]],
    "LanguageProperty": [{"en": "a", "th": ["ก", "ข"]}],
    "JsonProperty": [{"a": 1, "b": {"x": 1}, "n": None, "id": 1}, [1, {"b": None}]],
    "VocabProperty": ["Open", ["id", "type"], "a b", "open", "ngsi-ld:x", "gone"],
    "ListProperty": [[1, {"a": 2}], []],
    "ListRelationship": [["urn:x:1"], [{"object": "urn:x:2"}], []],
}
MEMBER = {
    "Property": "value", "GeoProperty": "value", "Relationship": "object", "LanguageProperty": "languageMap",
    "JsonProperty": "json", "VocabProperty": "vocab", "ListProperty": "valueList", "ListRelationship": "objectList",
}  # fmt: skip
EXTRA = st.fixed_dictionaries(
    {},
    optional={
        "unitCode": st.sampled_from(["CMT", NULL, "", 5]),
        "objectType": st.sampled_from(["T", ["T", "U"], NULL, "water level"]),
        "valueType": st.sampled_from(["langString", "xsd:int", "a b", NULL]),
        "observedAt": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01", NULL]),
        "datasetId": st.sampled_from(["urn:d:1", "@none", "no uri"]),
        "expiresAt": st.sampled_from(["2999-01-01T00:00:00Z", NULL]),
        "createdAt": st.just("2020-01-01T00:00:00Z"),
        "@type": KINDS,
    },
)


def instances(subs: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    good = KINDS.flatmap(
        lambda kind: st.sampled_from(GOOD[kind]).map(lambda value: {"type": kind, MEMBER[kind]: value})
    )
    concise = good.map(lambda one: {key: value for key, value in one.items() if key != "type"})
    odd = st.tuples(OWN_MEMBERS, ODD).map(lambda pair: {pair[0]: pair[1]})
    odd_kind = st.tuples(KINDS, OWN_MEMBERS, ODD).map(lambda three: {"type": three[0], three[1]: three[2]})
    only_kind = KINDS.map(lambda kind: {"type": kind})
    more = st.tuples(EXTRA, st.dictionaries(SUB_NAMES, subs, max_size=1)).map(lambda p: {**p[0], **p[1]})
    base = st.one_of(good, good, concise, odd, odd_kind, only_kind, st.just({}))
    return st.tuples(base, st.one_of(st.just({}), more)).map(lambda pair: {**pair[0], **pair[1]})


ONE = instances(st.one_of(instances(ODD), ODD))
ATTRIBUTE = st.one_of(ONE, ONE, ODD, st.lists(ONE, min_size=1, max_size=2))
ENTITY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["T", ["T", "U"], "ex:T", "ngsi-ld:default-context/a-b"]),
        "scope": st.sampled_from(["/a/b", ["a", "/b"], NULL]),
        "expiresAt": st.sampled_from(["2999-01-01T00:00:00Z", NULL]),
    },
).flatmap(lambda head: st.dictionaries(NAMES, ATTRIBUTE, max_size=2).map(lambda body: {**head, **body}))
WRITES = st.tuples(
    st.sampled_from(
        [
            OpKind.REPLACE,
            OpKind.APPEND,
            OpKind.UPDATE,
            OpKind.MERGE,
            OpKind.MERGE,
            OpKind.UPSERT_UPDATE,
            OpKind.PARTIAL_ATTR,
            OpKind.PARTIAL_ATTR,
            OpKind.REPLACE_ATTR,
            OpKind.DELETE_ATTR,
        ]
    ),
    ENTITY,
    CONTEXTS,
    st.booleans(),
)
MODES: dict[OpKind, Mode] = {
    OpKind.REPLACE: WHOLE, OpKind.UPSERT_UPDATE: WHOLE, OpKind.APPEND: APPEND, OpKind.UPDATE: UPDATE, OpKind.MERGE: MERGE,
    OpKind.PARTIAL_ATTR: PARTIAL, OpKind.REPLACE_ATTR: APPEND,
}  # fmt: skip


def operation(kind: OpKind, payload: dict[str, Any], context: Context, simplified: bool) -> WriteOp:
    """As the door makes it. Raises BadRequestData."""
    if kind in (OpKind.PARTIAL_ATTR, OpKind.REPLACE_ATTR, OpKind.DELETE_ATTR):
        name, value = next(
            ((n, v) for n, v in payload.items() if n not in ("type", "scope", "expiresAt")), ("speed", 1)
        )
        attr = context.iris[name]
        if kind is OpKind.DELETE_ATTR:
            return WriteOp(kind, ID, attr=attr, delete_all=simplified)
        found = expand_attribute(name, attr, value, context, MODES[kind])
        return WriteOp(kind, ID, {"attrs": {attr: [GONE] if found is None else found}}, attr=attr)
    if MODES[kind] is WHOLE:
        payload = {"type": "T", **payload}
    simplified = simplified and kind in (OpKind.REPLACE, OpKind.MERGE)
    fragment = expand_entity(payload, context, MODES[kind], simplified=simplified, entity_id=ID)
    return WriteOp(kind, ID, fragment, lang="th" if simplified else None)


def bare(doc: Doc) -> Any:
    """Without what the platform itself puts in; the order of members is no matter."""
    if isinstance(doc, dict):
        return {
            name: bare(value)
            for name, value in sorted(doc.items())
            if name not in ("createdAt", "modifiedAt", "touched")
        }
    return [bare(one) for one in doc] if isinstance(doc, list) else doc


def same(one: Any, other: Any) -> bool:
    return orjson.dumps(bare(one)) == orjson.dumps(bare(other))


def check_doc(doc: Doc) -> None:
    assert checked_entity(doc) is doc
    odd = b'"ex:' in orjson.dumps(
        doc
    )  # an IRI whose scheme is a prefix of the other context: JSON-LD confuses them too
    for context in (CORE,) if odd else (CORE, OWN):
        for view in (
            View(),
            View(format="concise"),
            View(sys_attrs=True),
            View(format="concise", sys_attrs=True),
        ):
            shown = orjson.loads(orjson.dumps(represent(doc, context, view)))
            back, _, _ = apply(
                WriteOp(OpKind.CREATE, ID, expand_entity(shown, context, WHOLE)), None, 9_000_000
            )
            assert back is not None
            again = represent(back, context, View(format=view.format))
            assert same(again, represent(doc, context, View(format=view.format))), (shown, again)
            if view.sys_attrs:
                assert same(back, doc), shown
        simple = represent(doc, context, View(format="simplified"))
        expand_entity(simple, context, WHOLE, simplified=True)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=EXAMPLES, phases=PHASES)
@given(st.lists(WRITES, min_size=1, max_size=8))
def test_what_any_sequence_of_writes_leaves_can_be_written_back(writes: list[Any]) -> None:
    doc, _, _ = apply(
        WriteOp(OpKind.CREATE, ID, {"type": [iri("T")], "attrs": {}, "id": ID}), None, 1_000_000
    )
    for number, (kind, payload, context, simplified) in enumerate(writes, 2):
        try:
            after, _, _ = apply(operation(kind, payload, context, simplified), doc, number * 1_000_000)
        except AndamanError:
            continue
        if after is not doc:
            check_doc(after)
        doc = after
