"""The short ways of the hot path give what the general ways give, errors included."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andaman.broker.contexts.bundled import core_document
from andaman.broker.contexts.model import CORE_URL
from andaman.broker.contexts.process import build_context
from andaman.broker.entity.apply import apply
from andaman.broker.entity.expand import (
    APPEND,
    MERGE,
    UPDATE,
    WHOLE,
    Mode,
    expand_attribute,
    expand_entity,
)
from andaman.broker.entity.names import NULL, check_scopes, check_time, is_stored_time
from andaman.broker.entity.represent import PLAIN, View, represent
from andaman.broker.entity.stamp import attrs_over, new_attrs, stamped
from andaman.broker.model import Instance, OpKind, WriteOp
from andaman.kernel.errors import BadRequestData
from tests.broker.entity.strategies import ATTRIBUTES, ENTITIES, GEOMETRIES, PLAIN_JSON, TIMES

LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))
CONTEXT = build_context({}, lambda url: None, core_document()["@context"], CORE_URL)
NAMES = ["speed", "location", "ngsildproof", "name", "operationSpace"]
ODD = st.sampled_from([
    NULL, None, "", [], {}, "KMH", "x" * 300, "2026-02-30T00:00:00Z", "2026-02-28T00:00:00,5Z", "2016-12-31T23:59:60Z",
    "2026-11-22T07:32:00Z", "2026-11-22T07:32:00+07:00", 5, True, [NULL], {"type": "Point", "coordinates": [98, 8]},
    {"type": "Point", "coordinates": [200, 8]}, '{"type": "Point", "coordinates": [98, 8]}', {"a": NULL},
])  # fmt: skip
INSTANCES = st.fixed_dictionaries(
    {"type": st.sampled_from(["Property", "GeoProperty", "Relationship", "Propert", None])},
    optional={
        "value": PLAIN_JSON | ODD | GEOMETRIES,
        "unitCode": st.sampled_from(["KMH", "P1"]) | ODD,
        "observedAt": TIMES | ODD,
        "createdAt": ODD,
        "datasetId": st.sampled_from(["@none", "urn:x:1"]),
        "accuracy": ODD,
    },
)


def outcome(make: Any) -> Any:
    try:
        return make()
    except BadRequestData as error:
        return str(error), error.extra


@LAW
@given(
    st.dictionaries(st.sampled_from(NAMES), INSTANCES | ODD | ATTRIBUTES, min_size=1, max_size=1),
    st.sampled_from([WHOLE, APPEND, UPDATE, MERGE]),
    st.booleans(),
)
def test_an_attribute_of_an_entity_is_expanded_as_it_is_alone(
    attrs: dict[str, Any], mode: Mode, simplified: bool
) -> None:
    ((name, value),) = attrs.items()
    iri = CONTEXT.iris[name]
    outcome(
        lambda: expand_entity(
            {"id": "urn:x:1", "type": "T", name: {"type": "GeoProperty", "value": POINT}}, CONTEXT
        )
    )
    frozen = copy.deepcopy(value)
    short = outcome(
        lambda: expand_entity(
            {"id": "urn:x:1", "type": "T", name: value}, CONTEXT, mode, simplified=simplified
        )
    )
    general = outcome(
        lambda: {
            "id": "urn:x:1",
            "type": [CONTEXT.iris["T"]],
            "attrs": {iri: expand_attribute(name, iri, value, CONTEXT, mode, simplified)},
        }
    )
    assert short == general
    assert value == frozen


POINT = {"type": "Point", "coordinates": [98.3, 7.9]}
STORED: st.SearchStrategy[list[Instance]] = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("Property"), "value": st.integers()},
        optional={
            "attrs": st.just({"urn:sub": [{"type": "Property", "value": 1}]}),
            "datasetId": st.sampled_from(["urn:x:1", "urn:x:2"]),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one.get("datasetId"),
)
STORED_ATTRS = st.dictionaries(st.sampled_from(["urn:a", "urn:b", "urn:c"]), STORED)


@LAW
@given(STORED_ATTRS, STORED_ATTRS)
def test_stamping_whole_entities_is_stamping_each_instance(
    given_: dict[str, list[Instance]], old: dict[str, list[Instance]]
) -> None:
    before = new_attrs(old, "t0")
    frozen = copy.deepcopy((given_, before))
    assert before == {iri: stamped(ones, None, "t0") for iri, ones in old.items()}
    expected = {iri: stamped(ones, before.get(iri), "t1") for iri, ones in given_.items()}
    assert attrs_over(given_, before, "t1") == expected
    assert (given_, before) == frozen


@LAW
@given(ODD | TIMES)
def test_known_times_and_scopes_are_valid_ones(value: Any) -> None:
    if isinstance(value, str):
        for _ in range(2):
            assert is_stored_time(value) == (outcome(lambda: check_time(value, "t")) == value)
    first, second = outcome(lambda: check_scopes([value])), outcome(lambda: check_scopes([value]))
    assert first == second
    if isinstance(first, list):
        first.append("/changed")  # every answer is the caller's own
        assert check_scopes([value]) == second


@LAW
@given(ENTITIES)
def test_the_plain_view_is_shown_like_any_other(payload: dict[str, Any]) -> None:
    fragment = expand_entity({**payload, "type": "T"}, CONTEXT)
    doc, _, _ = apply(WriteOp(OpKind.CREATE, fragment["id"], fragment), None, 0)
    assert doc is not None
    frozen = copy.deepcopy(doc)
    assert represent(doc, CONTEXT, PLAIN) == represent(doc, CONTEXT, View())
    assert doc == frozen
