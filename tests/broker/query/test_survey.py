"""The law of the survey: what the index counts is what a walk over every visible entity counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.model import Doc
from andaman.broker.query import facts
from andaman.broker.query.index import EntityIndex, index_facts
from andaman.identity.model import FULL_ACCESS, Access
from tests.broker.query.strategies import docs, rights
from tests.broker.query.test_index import _sizes, replay, steps

__all__ = ["_sizes"]

Counted = dict[tuple[str, ...], tuple[int, dict[str, tuple[int, frozenset[str]]]]]


def walked(store: dict[str, Doc], access: Access) -> Counted:
    """Every entity, one by one."""
    found: dict[tuple[str, ...], Any] = {}
    for doc in store.values():
        shape = doc["type"], doc.get("scope", [])
        if not access.sees(*shape):
            continue
        count, attrs = found.setdefault(tuple(doc["type"]), [0, {}])
        found[tuple(doc["type"])][0] = count + 1
        for name, instances in doc["attrs"].items():
            if name not in access.hidden_attrs(*shape):
                number, kinds = attrs.get(name, (0, frozenset()))
                attrs[name] = (number + 1, kinds | {one["type"] for one in instances})
    return {types: (count, attrs) for types, (count, attrs) in found.items()}


@pytest.mark.usefixtures("_sizes")
@settings(max_examples=150, deadline=None)
@given(st.lists(docs(), max_size=8, unique_by=lambda d: d["id"]), steps, rights, st.booleans())
def test_the_survey_counts_what_a_walk_counts(
    first: list[Doc], history: list[tuple[str, Any]], access: Access, forget: bool
) -> None:
    index, store = EntityIndex(), {d["id"]: d for d in first}
    index.bulk_load("", ((d["id"], *index_facts(d)) for d in first))
    replay(index, store, history)
    if forget:  # as after a restart: the index has hashes of names, nothing else
        facts._codes.clear()
        facts._names.clear()
    for who in (access, FULL_ACCESS):
        surveyed = index.survey("", who, lambda ids: [store[i] for i in ids if i in store], None)
        assert {
            part.types: (part.count, {name: (a.count, frozenset(a.kinds)) for name, a in part.attrs.items()})
            for part in surveyed
        } == walked(store, who)


def test_only_the_types_and_kinds_that_are_asked_for() -> None:
    index = EntityIndex()
    for number, kind in enumerate(("x:A", "x:B")):
        one = {"type": "JsonProperty", "json": {}}
        index.put("", {"id": f"urn:x:{number}", "type": [kind], "attrs": {"x:a": [one], "x:b": [one]}})

    def load(ids: list[str]) -> list[Doc]:
        raise AssertionError(f"{ids} need not be opened")

    found = index.survey("", FULL_ACCESS, load, (), ("x:A",))
    assert [(part.types, sorted(part.attrs)) for part in found] == [(("x:A",), ["x:a", "x:b"])]


def test_names_that_queries_make_up_are_forgotten_in_time() -> None:
    """Whoever asks for names without end fills no memory: what is remembered of them is bounded in characters."""
    for number in range(3 * facts._NAMES_MAX // 60_000):
        facts.attr_code(f"https://example.org/{number}/{'x' * 60_000}")
        assert sum(map(len, facts._codes)) <= facts._NAMES_MAX + 60_100
    assert facts.attr_of(facts.attr_code("https://example.org/known")) == "https://example.org/known"
