"""Law: whatever changes in the rules, the policy answers as one that is made anew of them, and equal keys mean equal rights."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.identity.model import Classification
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, Rights, WriteLimit, WriteRule
from andaman.identity.roles import shipped_roles

NAMES = st.sampled_from(["urn:a", "urn:b", "urn:a,urn:b", "urn:a|urn:b", 'urn:"a', "urn:\x1fb"])
SCOPES = st.sampled_from(["", "/a", "/a/b", "/b"])
LEVELS = st.sampled_from(Classification)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "code": st.sampled_from(["one", "two", "one|two"]),
    "types": st.frozensets(NAMES, max_size=2),
    "scope_prefix": SCOPES,
    "classification": LEVELS,
    "agency": st.sampled_from(["", "pk-a", "pk-b"]),
    "attributes": st.dictionaries(NAMES, LEVELS, max_size=2),
    "purpose": st.sampled_from(["operations", "study", ""]),
}
DATASETS = st.builds(DatasetRule, **VALUES)
WRITES = st.builds(
    WriteRule,
    st.sampled_from(["measure.manage", "feed.control"]),
    st.frozensets(NAMES, min_size=1, max_size=2),
    st.frozensets(NAMES, max_size=1),
)
LIMITS = st.none() | st.builds(
    WriteLimit, st.frozensets(NAMES, max_size=2), st.lists(SCOPES.filter(bool), max_size=2).map(tuple)
)
PLAIN = st.builds(
    Rights,
    st.frozensets(st.sampled_from(list(shipped_roles().rows)), min_size=1, max_size=2),
    VALUES["agency"],
    st.sampled_from(["", "operations", "investigation", "study"]),
    LIMITS,
    st.booleans(),
    st.frozensets(st.sampled_from(["", "t", "t,u", "*"]), min_size=1, max_size=2),
)
RIGHTS = st.builds(
    lambda one, under: replace(one, under=under), PLAIN, st.lists(PLAIN, max_size=2).map(tuple)
)
SHAPES = [
    (types, scopes)
    for types in (("urn:a",), ("urn:b",), ("urn:a", "urn:b"), ("urn:a,urn:b",), ("urn:c",))
    for scopes in ((), ("/a/b",), ("/a", "/b"))
]


def answers(policy: Policy, rights: Rights) -> list[Any]:
    access = policy.access(rights)
    told: list[Any] = [access.is_narrowed, [access.enters(tenant) for tenant in ("", "t", "u", "t,u")]]
    for types, scopes in SHAPES:
        told.append((access.sees(types, scopes), access.hidden_attrs(types, scopes)))
        told.extend(access.may_write(types, scopes, [attr]) for attr in ("urn:a", "urn:c"))
    return told


def same(some: list[DatasetRule], others: list[DatasetRule]) -> bool:
    """Whatever their order."""
    left = list(others)
    for one in some:
        if one not in left:
            return False
        left.remove(one)
    return not left


def test_every_field_of_a_dataset_is_changed_below() -> None:
    assert {one.name for one in fields(DatasetRule)} == VALUES.keys()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(DATASETS, min_size=1, max_size=4),
    st.lists(WRITES, max_size=2),
    st.lists(RIGHTS, max_size=4),
    st.data(),
)
def test_a_change_of_one_field_is_a_fresh_start(
    rules: list[DatasetRule], writes: list[WriteRule], principals: list[Rights], data: st.DataObject
) -> None:
    policy = Policy(PolicyTable(rules, writes))
    before = [answers(policy, one) for one in principals]
    field = data.draw(st.sampled_from(sorted(VALUES)))
    which = data.draw(st.integers(0, len(rules) - 1))
    value = data.draw(VALUES[field])
    changed = [replace(one, **{field: value}) if n == which else one for n, one in enumerate(rules)]
    told = policy.replace(changed)
    fresh = Policy(PolicyTable(list(reversed(changed)), writes))
    after = [answers(policy, one) for one in principals]
    assert after == [answers(fresh, one) for one in principals]
    assert told == (not same(changed, rules))
    assert told or before == after
    for one in principals:
        assert policy.access(one).key == fresh.access(one).key


@settings(max_examples=200, deadline=None)
@given(st.lists(DATASETS, max_size=3), RIGHTS, RIGHTS)
def test_equal_keys_mean_equal_rights(rules: list[DatasetRule], one: Rights, other: Rights) -> None:
    policy = Policy(PolicyTable(rules))
    first, second = policy.access(one), policy.access(other)
    assert (first.key == second.key) == (one == other)


@settings(max_examples=150, deadline=None)
@given(st.lists(DATASETS, max_size=4), RIGHTS)
def test_whoever_stands_on_others_may_never_more_than_each(rules: list[DatasetRule], rights: Rights) -> None:
    policy = Policy(PolicyTable(rules))
    access = policy.access(rights)
    parts = [policy.access(replace(rights, under=())), *map(policy.access, rights.under)]
    for types, scopes in SHAPES:
        assert access.sees(types, scopes) == all(part.sees(types, scopes) for part in parts)
        hidden = frozenset[str]().union(*(part.hidden_attrs(types, scopes) for part in parts))
        assert access.hidden_attrs(types, scopes) == hidden
        may = all(part.may_write(types, scopes, ["urn:c"]) for part in parts)
        assert access.may_write(types, scopes, ["urn:c"]) == may
