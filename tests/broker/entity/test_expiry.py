"""What has expired is gone (CIM 009 §4.22): the reader's view and the writer's removal agree at every instant."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity.apply import apply
from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.entity.expiry import MARK, living, next_expiry, read_living
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.kernel.time import SECOND, format_time

ID = "urn:ngsi-ld:Vehicle:1"
NAMES = [iri(name) for name in ("speed", "name", "accuracy")]
times = st.none() | st.integers(1, 9).map(lambda n: n * SECOND)


def mortal(thing: dict[str, Any], at: int | None) -> dict[str, Any]:
    return thing if at is None else thing | {"expiresAt": format_time(at)}


@st.composite
def instances(draw: st.DrawFn, depth: int = 0) -> list[dict[str, Any]]:
    found = []
    for number in range(draw(st.integers(1, 2))):
        one = mortal(prop(draw(st.integers(0, 5))), draw(times))
        if number:
            one["datasetId"] = f"urn:d:{number}"
        if depth < 2 and draw(st.booleans()):
            one["attrs"] = {
                name: draw(instances(depth + 1)) for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))
            }
        found.append(one)
    return found


@st.composite
def docs(draw: st.DrawFn) -> Doc:
    attrs = {name: draw(instances()) for name in draw(st.sets(st.sampled_from(NAMES)))}
    fragment = mortal({**entity(ID, "Vehicle"), "attrs": attrs}, draw(times))
    doc, _, _ = apply(WriteOp(OpKind.CREATE, ID, fragment), None, 0)
    assert doc is not None
    return doc


def plain_view(doc: Doc, now: int) -> Doc | None:
    """The same, written as plainly as can be."""

    def dead(thing: dict[str, Any]) -> bool:
        return "expiresAt" in thing and thing["expiresAt"] <= format_time(now)

    def walk(attrs: dict[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, ones in attrs.items():
            left = []
            for one in ones:
                if dead(one):
                    continue
                made = dict(one)
                if "attrs" in one:
                    made["attrs"] = walk(one["attrs"])
                    if not made["attrs"]:
                        del made["attrs"]
                left.append(made)
            if left:
                kept[name] = left
        return kept

    return None if dead(doc) else {**doc, "attrs": walk(doc["attrs"])}


@given(docs(), st.integers(0, 10 * SECOND))
def test_reader_writer_and_schedule_agree_at_every_instant(doc: Doc, now: int) -> None:
    before = copy.deepcopy(doc)
    shown = living(doc, now)
    assert shown == plain_view(doc, now)
    body = orjson.dumps(doc)
    assert read_living(body, lambda: now) == shown
    assert (MARK in body) == (next_expiry(doc) is not None)
    at = next_expiry(doc)
    assert (at is not None and at <= now) == (shown is not doc)

    after, changes, result = apply(WriteOp(OpKind.EXPIRE, ID), doc, now)
    assert result.changed == bool(changes) == (shown is not doc)
    if after is None:
        assert shown is None
    else:
        assert shown is not None
        assert after["attrs"] == shown["attrs"]
        for change in changes:
            assert (change.before or []) == doc["attrs"][change.attr]
            assert (change.after or []) == after["attrs"].get(change.attr, [])
        again, none, _ = apply(WriteOp(OpKind.EXPIRE, ID), after, now)
        assert (again, none) == (after, [])
    assert doc == before


def test_an_entity_that_is_not_there_is_no_error() -> None:
    after, changes, result = apply(WriteOp(OpKind.EXPIRE, ID), None, 5)
    assert (after, changes, result.changed, result.error) == (None, [], False, None)
