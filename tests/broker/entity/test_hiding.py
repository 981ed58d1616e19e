"""Laws of what is hidden: an entity without hidden attributes is the entity in which they were never written, times too;
positions that go out tell nothing but which one they are."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.apply import apply
from andaman.broker.entity.build import iri, prop
from andaman.broker.entity.hiding import MARKS, modified_without, without
from andaman.broker.ledger.rights import see_event
from andaman.broker.ledger.rows import fold_changes
from andaman.broker.model import Doc, Event, EventKind, OpKind, WriteOp
from andaman.broker.subscriptions.changes import doc_before_deletion
from andaman.kernel.errors import AndamanError
from andaman.kernel.positions import seal, stirred, unseal

ID = "urn:x:1"
SECRET = frozenset({iri("secret"), iri("note")})
OPEN = [iri("speed"), iri("name")]


class _Somebody:
    key = "somebody"

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Any, scopes: Any) -> bool:
        return True

    def hidden_attrs(self, types: Any, scopes: Any) -> frozenset[str]:
        return SECRET

    def may_write(self, types: Any, scopes: Any, attrs: Any) -> bool:
        return True


def instances(dataset: str | None, number: int) -> Any:
    return {**prop(number), **({"datasetId": dataset} if dataset else {})}


VALUE = st.builds(instances, st.sampled_from([None, "urn:d:1"]), st.integers(0, 2))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "update", "merge", "remove", "remove one", "scope", "replace", "again"]),
        st.sampled_from([*OPEN, *SECRET]),
        VALUE,
        st.integers(0, 1),
    ),
    max_size=14,
)


def _op(kind: str, attr: str, value: Any) -> WriteOp:
    match kind:
        case "append" | "update" | "merge":
            return WriteOp(OpKind(kind), ID, {"attrs": {attr: [value]}})
        case "remove":
            return WriteOp(OpKind.DELETE_ATTR, ID, attr=attr, delete_all=True)
        case "remove one":
            return WriteOp(OpKind.DELETE_ATTR, ID, attr=attr, dataset_id=value.get("datasetId"))
        case "scope":
            return WriteOp(OpKind.APPEND, ID, {"scope": [f"/s{value['value']}"]})
        case "replace":
            return WriteOp(
                OpKind.REPLACE, ID, {"type": ["urn:t:A"], "attrs": {iri("speed"): [value], attr: [value]}}
            )
    return WriteOp(
        OpKind.UPSERT_REPLACE, ID, {"type": ["urn:t:A"], "attrs": {iri("name"): [value], attr: [value]}}
    )


def _tried(op: WriteOp, doc: Doc, at: int) -> tuple[Doc | None, Any]:
    try:
        return apply(op, doc, at)[:2]
    except AndamanError:
        return doc, []


@settings(deadline=None)
@given(STEPS)
def test_without_hidden_attributes_is_as_if_they_had_never_been_written(
    steps: list[tuple[str, str, Any, int]],
) -> None:
    at = 1_000_000
    first: Doc = {"type": ["urn:t:A"], "attrs": {iri("speed"): [prop(1)]}}
    whole, bare = (apply(WriteOp(OpKind.CREATE, ID, copy.deepcopy(first)), None, at)[0] for _ in range(2))
    for kind, attr, value, later in steps:
        assert whole is not None
        assert bare is not None
        at += later * 1_000_000
        op = _op(kind, attr, value)
        before = whole
        whole, changes = _tried(op, whole, at)
        assert whole is not None
        if changes:
            assert whole == fold_changes(before, ID, at, EventKind.UPDATED, changes)
        if attr not in SECRET or "attrs" not in op.fragment:
            if kind not in ("remove", "remove one") or attr not in SECRET:
                bare, _ = _tried(op, bare, at)
        else:
            left = {name: ones for name, ones in op.fragment["attrs"].items() if name not in SECRET}
            if left or "scope" in op.fragment:
                bare, _ = _tried(WriteOp(op.kind, ID, {**op.fragment, "attrs": left}), bare, at)
        seen = without(whole, SECRET)
        assert seen == bare
        assert without(seen, SECRET) == seen
        assert modified_without(whole, SECRET) == seen["modifiedAt"]
    assert whole is not None
    assert bare is not None
    deletions = []
    for doc in (whole, bare):
        after, changes, _ = apply(WriteOp(OpKind.DELETE, ID), doc, at + 1)
        assert after is None
        event = Event(
            9,
            "",
            at + 1,
            "x",
            EventKind.DELETED,
            ID,
            ("urn:t:A",),
            tuple(doc.get("scope", ())),
            changes,
            None,
        )
        seen_event = see_event(event, _Somebody())
        assert seen_event is not None
        told = doc_before_deletion(seen_event)
        told.pop(MARKS, None)
        deletions.append(told)
    assert deletions[0] == deletions[1]
    assert deletions[0]["modifiedAt"] == bare["modifiedAt"]


def test_names_that_come_and_go_do_not_make_an_entity_grow() -> None:
    doc: Doc | None = apply(WriteOp(OpKind.CREATE, ID, {"type": ["urn:t:A"], "attrs": {}}), None, 1)[0]
    for number in range(300):
        assert doc is not None
        name = iri(f"n{number}")
        doc = apply(WriteOp(OpKind.APPEND, ID, {"attrs": {name: [prop(1)]}}), doc, 10 + number)[0]
        assert doc is not None
        doc = apply(WriteOp(OpKind.DELETE_ATTR, ID, attr=name), doc, 10 + number)[0]
    assert doc is not None
    assert len(doc[MARKS]) == 64
    assert iri("n299") in doc[MARKS]


@given(
    st.binary(min_size=16, max_size=64), st.integers(0, 2**62), st.integers(0, 2**62), st.text(max_size=20)
)
def test_sealed_positions_come_back_and_tell_no_distance(key: bytes, one: int, two: int, text: str) -> None:
    a, b = seal(key, "x", one), seal(key, "x", two)
    assert (unseal(key, "x", a), unseal(key, "x", b)) == (one, two)
    assert (a == b) == (one == two)
    assert len(a) == 22
    assert a == seal(key, "x", one)
    assert unseal(key, "y", a) is None
    assert unseal(key, "x", text) is None
    assert seal(key, "x", one + 1)[:4] != a[:4] or seal(key, "x", one + 2)[:4] != a[:4]
    assert unseal(key, "x", a[:-1] + ("A" if a[-1] != "A" else "Q")) is None
    assert stirred(key, f"{one}") != stirred(key, f"{one + 1}")
