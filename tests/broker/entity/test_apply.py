"""The pure operations, by clause of CIM 009 (§5.5.8, §5.5.12, §5.6)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andaman.broker.entity.apply import apply
from andaman.broker.entity.build import entity, geo, iri, lang, prop, rel
from andaman.broker.entity.hiding import MARKS
from andaman.broker.entity.names import NULL
from andaman.broker.ledger.rows import fold_changes
from andaman.broker.model import TEMPORAL_OPS, Doc, EventKind, OpKind, WriteOp
from andaman.kernel.errors import AlreadyExists, AndamanError, BadRequestData, ResourceNotFound
from andaman.kernel.time import format_time

ID = "urn:ngsi-ld:Vehicle:1"
T0, T1 = 1_000_000, 2_000_000
SPEED, NAME = iri("speed"), iri("name")


def made(**attrs: Any) -> Doc:
    doc, _, _ = apply(WriteOp(OpKind.CREATE, ID, entity(ID, "Vehicle", **attrs)), None, T0)
    assert doc is not None
    return doc


def run(kind: OpKind, before: Doc | None, fragment: Doc | None = None, **options: Any) -> Any:
    return apply(WriteOp(kind, ID, fragment or {}, **options), before, T1)


def test_5_6_1_create_stamps_everything_and_refuses_a_second() -> None:
    doc = made(speed=prop(1) | {"attrs": {iri("accuracy"): [prop(0.9)]}})
    at = format_time(T0)
    assert doc["createdAt"] == doc["modifiedAt"] == at
    sub = doc["attrs"][SPEED][0]["attrs"][iri("accuracy")][0]
    assert sub["createdAt"] == sub["modifiedAt"] == at
    with pytest.raises(AlreadyExists):
        run(OpKind.CREATE, doc, entity(ID, "Vehicle"))


def test_5_6_2_update_replaces_keeps_created_at_and_adds_what_is_missing() -> None:
    doc = made(speed=prop(1, unit="KMH"))
    fragment = {"attrs": {SPEED: [prop(2)], NAME: [prop("x")], iri("bearing"): None}}
    after, changes, result = run(OpKind.UPDATE, doc, fragment)
    instance = after["attrs"][SPEED][0]
    assert instance["value"] == 2
    assert "unitCode" not in instance  # §5.5.8 example 2
    assert (instance["createdAt"], instance["modifiedAt"]) == (format_time(T0), format_time(T1))
    assert after["attrs"][NAME][0]["value"] == "x"
    assert [name for name, _ in result.not_updated] == [iri("bearing")]
    assert result.updated == [SPEED, NAME]
    assert changes[0].before == doc["attrs"][SPEED]


def test_5_6_2_update_with_equal_value_still_moves_modified_at() -> None:
    doc = made(speed=prop(1))
    after, _, result = run(OpKind.UPDATE, doc, {"attrs": {SPEED: [prop(1)]}})
    assert result.changed
    assert after["modifiedAt"] == format_time(T1)


def test_5_5_8_update_adds_a_new_dataset_and_null_deletes_one() -> None:
    doc = made(speed=prop(1))
    extra = prop(3) | {"datasetId": "urn:d:1"}
    after, _, _ = run(OpKind.UPDATE, doc, {"attrs": {SPEED: [extra]}})
    assert [one["value"] for one in after["attrs"][SPEED]] == [1, 3]
    after, _, _ = run(OpKind.UPDATE, after, {"attrs": {SPEED: [prop(None) | {"datasetId": "urn:d:1"}]}})
    assert [one["value"] for one in after["attrs"][SPEED]] == [1]
    after, _, _ = run(OpKind.UPDATE, after, {"attrs": {SPEED: [prop(None)]}})
    assert SPEED not in after["attrs"]


@pytest.mark.parametrize("no_overwrite", [False, True])
def test_5_6_3_append(no_overwrite: bool) -> None:
    doc = made(speed=prop(1))
    fragment = {"type": ["urn:t:Bus"], "attrs": {SPEED: [prop(2)], NAME: [prop("n")]}}
    after, _, result = run(OpKind.APPEND, doc, fragment, no_overwrite=no_overwrite)
    assert after["attrs"][SPEED][0]["value"] == (1 if no_overwrite else 2)
    assert after["attrs"][NAME][0]["value"] == "n"
    assert after["type"] == sorted([*doc["type"], "urn:t:Bus"])
    assert [name for name, _ in result.not_updated] == ([SPEED] if no_overwrite else [])


def test_4_18_scope_is_appended_without_overwrite_and_replaced_with_it() -> None:
    doc = {**made(), "scope": ["/a"]}
    assert run(OpKind.APPEND, doc, {"scope": ["/b"]}, no_overwrite=True)[0]["scope"] == ["/a", "/b"]
    assert run(OpKind.APPEND, doc, {"scope": ["/b"]})[0]["scope"] == ["/b"]
    assert run(OpKind.UPDATE, doc, {"scope": ["/b"]})[0]["scope"] == ["/b"]
    bare, changes, result = run(OpKind.UPDATE, made(), {"scope": ["/b"]})
    assert "scope" not in bare
    assert not changes
    assert result.not_updated
    assert "scope" not in run(OpKind.MERGE, doc, {"scope": None})[0]
    assert "scope" not in run(OpKind.DELETE_ATTR, doc, attr="scope")[0]


def test_5_6_4_partial_update_keeps_other_members() -> None:
    doc = made(speed=prop(1, observed_at=T0, unit="KMH"))
    fragment = {"attrs": {SPEED: [{"value": 5}]}}
    after, _, _ = run(OpKind.PARTIAL_ATTR, doc, fragment, attr=SPEED)
    assert after["attrs"][SPEED][0]["unitCode"] == "KMH"
    assert after["attrs"][SPEED][0]["value"] == 5
    gone, _, _ = run(OpKind.PARTIAL_ATTR, doc, {"attrs": {SPEED: [prop(None)]}}, attr=SPEED)
    assert SPEED not in gone["attrs"]
    with pytest.raises(BadRequestData):
        run(OpKind.PARTIAL_ATTR, doc, {"attrs": {SPEED: [rel("urn:a:b")]}}, attr=SPEED)
    with pytest.raises(ResourceNotFound):
        run(OpKind.PARTIAL_ATTR, doc, {"attrs": {NAME: [prop(1)]}}, attr=NAME)


def test_5_6_5_delete_attribute_by_dataset_or_all() -> None:
    doc = made(speed=[prop(1), prop(2) | {"datasetId": "urn:d:1"}])
    assert len(run(OpKind.DELETE_ATTR, doc, attr=SPEED)[0]["attrs"][SPEED]) == 1
    one = run(OpKind.DELETE_ATTR, doc, attr=SPEED, dataset_id="urn:d:1")[0]
    assert one["attrs"][SPEED][0]["value"] == 1
    assert SPEED not in run(OpKind.DELETE_ATTR, doc, attr=SPEED, delete_all=True)[0]["attrs"]
    with pytest.raises(ResourceNotFound):
        run(OpKind.DELETE_ATTR, doc, attr=SPEED, dataset_id="urn:d:2")


def test_5_6_6_delete_tells_every_attribute() -> None:
    doc = made(speed=prop(1))
    after, changes, result = run(OpKind.DELETE, doc)
    assert after is None
    assert result.changed
    assert {change.attr: change.after for change in changes} == {"": None, SPEED: None}
    with pytest.raises(ResourceNotFound):
        run(OpKind.DELETE, None)


def test_5_6_8_upsert_creates_replaces_or_updates() -> None:
    doc = made(speed=prop(1), name=prop("x"))
    fragment = entity(ID, "Vehicle", speed=prop(2))
    assert run(OpKind.UPSERT_REPLACE, None, fragment)[2].created
    assert set(run(OpKind.UPSERT_REPLACE, doc, fragment)[0]["attrs"]) == {SPEED}
    assert set(run(OpKind.UPSERT_UPDATE, doc, fragment)[0]["attrs"]) == {SPEED, NAME}
    assert run(OpKind.UPSERT_UPDATE, None, fragment)[2].created


def test_5_6_17_merge_goes_into_values_languages_and_sub_attributes() -> None:
    doc = made(
        address=prop({"street": "a", "country": "b", "deep": {"x": 1, "y": 2}}),
        name=lang(th="ก", en="a"),
        speed=prop(1, observed_at=T0) | {"attrs": {iri("accuracy"): [prop(0.9)], iri("quality"): [prop(1)]}},
    )
    fragment = {
        "attrs": {
            iri("address"): [{"type": "Property", "value": {"country": NULL, "deep": {"x": NULL}}}],
            NAME: [{"type": "LanguageProperty", "languageMap": {"en": None, "de": "A"}}],
            SPEED: [{"value": 2, "attrs": {iri("accuracy"): [{"value": 0.5}], iri("quality"): None}}],
        }
    }
    after, _, _ = run(OpKind.MERGE, doc, fragment, observed_at="2026-01-01T00:00:00Z")
    attrs = after["attrs"]
    assert attrs[iri("address")][0]["value"] == {"street": "a", "deep": {"y": 2}}
    assert attrs[NAME][0]["languageMap"] == {"th": "ก", "de": "A"}
    assert attrs[SPEED][0]["observedAt"] == "2026-01-01T00:00:00Z"
    assert attrs[SPEED][0]["attrs"][iri("accuracy")][0]["value"] == 0.5
    assert iri("quality") not in attrs[SPEED][0]["attrs"]
    assert "observedAt" not in attrs[NAME][0]


def test_5_6_17_merge_of_simplified_values_takes_the_existing_kind() -> None:
    doc = made(name=lang(th="ก"), refRoute=rel("urn:a:1"), speed=prop(1))
    raw = {
        "attrs": {k: [{"type": "", "value": v}] for k, v in {NAME: "x", iri("refRoute"): "urn:a:2"}.items()}
    }
    after, _, _ = run(OpKind.MERGE, doc, raw, lang="en")
    assert after["attrs"][NAME][0]["languageMap"] == {"th": "ก", "en": "x"}
    assert after["attrs"][iri("refRoute")][0]["object"] == "urn:a:2"
    with pytest.raises(BadRequestData):
        run(OpKind.MERGE, doc, {"attrs": {iri("refRoute"): [{"type": "", "value": 5}]}})


def test_5_6_17_a_merge_that_touches_nothing_changes_nothing() -> None:
    doc = made(speed=prop(1))
    after, changes, result = run(OpKind.MERGE, doc, {"type": doc["type"], "attrs": {NAME: None}})
    assert after is doc
    assert not changes
    assert not result.changed


def test_5_6_18_replace_keeps_created_at_of_the_entity() -> None:
    doc = made(speed=prop(1))
    after, changes, _ = run(OpKind.REPLACE, doc, entity(ID, "Vehicle", name=prop("x")))
    assert after["createdAt"] == format_time(T0)
    assert {(c.attr, c.after is None) for c in changes} == {(NAME, False), (SPEED, True)}
    with pytest.raises(ResourceNotFound):
        run(OpKind.REPLACE, None, entity(ID, "Vehicle"))


def test_5_6_19_replace_attribute() -> None:
    doc = made(speed=prop(1, unit="KMH"))
    after, _, _ = run(OpKind.REPLACE_ATTR, doc, {"attrs": {SPEED: [rel("urn:x:1")]}}, attr=SPEED)
    assert after["attrs"][SPEED][0]["object"] == "urn:x:1"
    assert after["attrs"][SPEED][0]["createdAt"] == format_time(T0)


def test_type_selector_that_does_not_match_is_not_found() -> None:
    with pytest.raises(ResourceNotFound):
        run(OpKind.DELETE, made(), expect_types=("urn:t:Other",))


INSTANCES = st.one_of(
    st.builds(prop, st.one_of(st.integers(-9, 9), st.text(max_size=3), st.dictionaries(st.text(max_size=2), st.integers(), max_size=2))),
    st.builds(rel, st.sampled_from(["urn:a:1", "urn:a:2"])),
    st.builds(lambda t: lang(th=t), st.text(max_size=3)),
    st.just(geo({"type": "Point", "coordinates": [98.3, 7.9]})),
)  # fmt: skip
ATTRS = st.dictionaries(
    st.sampled_from([iri(n) for n in ("speed", "name", "bearing", "location")]),
    st.tuples(INSTANCES, st.sampled_from([None, "urn:d:1"])).map(
        lambda pair: [pair[0] | ({"datasetId": pair[1]} if pair[1] else {})]
    ),
    max_size=4,
)
OPS = st.builds(
    lambda kind, types, attrs, attr: WriteOp(
        kind,
        ID,
        {"type": types, "attrs": {attr: attrs.get(attr, [prop(1)])} if kind.endswith("-attr") else attrs},
        attr=attr if kind.endswith("-attr") else "",
    ),
    st.sampled_from([kind for kind in OpKind if kind not in TEMPORAL_OPS]),
    st.sampled_from([["urn:t:A"], ["urn:t:A", "urn:t:B"]]),
    ATTRS,
    st.sampled_from([iri("speed"), iri("name")]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OPS, max_size=12))
def test_any_sequence_leaves_before_alone_and_changes_replay_to_the_state(ops: list[WriteOp]) -> None:
    """``before`` and fragments are never mutated, and the changes alone rebuild the state (journal replay)."""
    doc: Doc | None = None
    replay: dict[str, Any] = {}
    for step, op in enumerate(ops):
        frozen, frozen_op = copy.deepcopy(doc), copy.deepcopy(op.fragment)
        try:
            after, changes, result = apply(op, doc, (step + 1) * 1_000_000)
        except AndamanError:
            assert doc == frozen
            continue
        assert doc == frozen
        assert op.fragment == frozen_op
        assert result.changed == bool(changes)
        for change in changes:
            known = replay.get(change.attr)
            if change.attr == "" and after is None:  # a deletion tells the entity's times too
                assert known is not None
                times = {name: frozen[name] for name in ("createdAt", "modifiedAt", MARKS) if name in frozen}
                known = [{**known[0], **times}]
            assert known == change.before
            if change.after is None:
                replay.pop(change.attr)
            else:
                replay[change.attr] = change.after
        doc = after
        folded = fold_changes(
            frozen,
            ID,
            (step + 1) * 1_000_000,
            EventKind.DELETED if doc is None else EventKind.UPDATED if frozen else EventKind.CREATED,
            changes,
        )
        assert doc == (folded if changes else frozen)
        if doc is None:
            assert replay == {}
        else:
            assert {name: ones for name, ones in replay.items() if name} == doc["attrs"]
            assert replay[""][0]["type"] == doc["type"]
            assert all(ones for ones in doc["attrs"].values())
            assert doc["createdAt"] <= doc["modifiedAt"]
