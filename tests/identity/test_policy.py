"""Laws of the policy: more rights never see or write less; what is in no dataset is not public."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.identity.model import Classification, Role
from andaman.identity.policy import (
    OPERATIONS,
    DatasetRule,
    Policy,
    PolicyAccess,
    PolicyTable,
    Rights,
    WriteLimit,
    WriteRule,
    default_writes,
)
from andaman.identity.roles import INVESTIGATION, shipped_roles
from andaman.rooms import TYPES as ENTITY_TYPES

TYPES = ["t:Vehicle", "t:Unit", "t:Incident", "t:Report", "t:Rain"]
SCOPES = ["/mobility", "/mobility/bus", "/mob", "/command", "/agency/x"]
STAFF = shipped_roles().names
ATTRS = ["a:phone", "a:name", "a:speed"]
AGENCIES = ["", "pk-a", "pk-b"]

type_sets = st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True).map(sorted)
scope_sets = st.lists(st.sampled_from(SCOPES), max_size=2, unique=True).map(sorted)
levels = st.sampled_from(list(Classification))
rules = st.builds(
    DatasetRule,
    code=st.uuids().map(str),
    types=st.frozensets(st.sampled_from(TYPES), max_size=2),
    scope_prefix=st.sampled_from(["", *SCOPES]),
    classification=levels,
    agency=st.sampled_from(AGENCIES),
    attributes=st.dictionaries(st.sampled_from(ATTRS), levels, max_size=2),
)
write_rules = st.builds(
    WriteRule,
    permission=st.sampled_from(["feed.control", "incident.close", "alert.close", "measure.manage"]),
    types=st.frozensets(st.sampled_from(TYPES), max_size=3),
    companions=st.frozensets(st.sampled_from(TYPES), max_size=2),
)
tables = st.builds(PolicyTable, st.lists(rules, max_size=5), st.lists(write_rules, max_size=4))
role_sets = st.frozensets(st.sampled_from(list(shipped_roles().rows)))
rights = st.builds(
    Rights,
    roles=role_sets,
    agency=st.sampled_from(AGENCIES),
    purpose=st.sampled_from(["", OPERATIONS, INVESTIGATION]),
)


def _at_least(more: PolicyAccess, less: PolicyAccess, types: list[str], scopes: list[str]) -> None:
    assert more.sees(types, scopes) or not less.sees(types, scopes)
    assert more.hidden_attrs(types, scopes) <= less.hidden_attrs(types, scopes)
    for attr in ATTRS:
        assert more.may_write(types, scopes, [attr]) or not less.may_write(types, scopes, [attr])


@given(tables, rights, role_sets, type_sets, scope_sets)
def test_another_role_never_sees_or_writes_less(
    table: PolicyTable, mine: Rights, extra: frozenset[str], types: list[str], scopes: list[str]
) -> None:
    more = replace(mine, roles=mine.roles | extra)
    _at_least(PolicyAccess(table, more), PolicyAccess(table, mine), types, scopes)


@given(
    tables,
    rights,
    st.sampled_from(AGENCIES),
    st.sampled_from(["", OPERATIONS, INVESTIGATION]),
    type_sets,
    scope_sets,
)
def test_an_agency_or_a_purpose_never_takes_rights_away(
    table: PolicyTable, mine: Rights, agency: str, purpose: str, types: list[str], scopes: list[str]
) -> None:
    plain = replace(mine, agency="", purpose="")
    more = replace(plain, agency=agency, purpose=purpose)
    _at_least(PolicyAccess(table, more), PolicyAccess(table, plain), types, scopes)


@given(tables, rules, rights, type_sets, scope_sets)
def test_another_dataset_rule_never_shows_more_of_what_is_in_a_dataset(
    table: PolicyTable, rule: DatasetRule, mine: Rights, types: list[str], scopes: list[str]
) -> None:
    stricter = PolicyTable([*table.datasets, rule], table.writes)
    before, after = PolicyAccess(table, mine), PolicyAccess(stricter, mine)
    if table.datasets_of(types, scopes):
        assert before.sees(types, scopes) or not after.sees(types, scopes)
    assert before.hidden_attrs(types, scopes) <= after.hidden_attrs(types, scopes)


@given(tables, rights, type_sets, scope_sets, st.frozensets(st.sampled_from(TYPES)), st.sampled_from(SCOPES))
def test_a_limit_only_takes_writes_away(
    table: PolicyTable, mine: Rights, types: list[str], scopes: list[str], only: frozenset[str], scope: str
) -> None:
    limited = PolicyAccess(table, replace(mine, limit=WriteLimit(only, (scope,))))
    _at_least(PolicyAccess(table, mine), limited, types, scopes)
    assert limited.sees(types, scopes) == PolicyAccess(table, mine).sees(types, scopes)


@given(tables, rights, type_sets, scope_sets)
def test_nobody_writes_what_is_hidden_and_the_public_writes_nothing(
    table: PolicyTable, mine: Rights, types: list[str], scopes: list[str]
) -> None:
    access = PolicyAccess(table, mine)
    hidden = access.hidden_attrs(types, scopes)
    if access.may_write(types, scopes, ATTRS):
        assert access.sees(types, scopes)
        assert hidden.isdisjoint(ATTRS)
    public = PolicyAccess(table, Rights())
    assert not public.may_write(types, scopes, [])


@given(tables, type_sets, scope_sets)
def test_what_is_in_no_dataset_is_for_staff_only(
    table: PolicyTable, types: list[str], scopes: list[str]
) -> None:
    if not table.datasets_of(types, scopes):
        assert not PolicyAccess(table, Rights()).sees(types, scopes)
        for role in STAFF:
            assert PolicyAccess(table, Rights(frozenset({role}))).sees(types, scopes)


@given(tables, rights, rights, type_sets, scope_sets)
def test_equal_keys_mean_equal_answers(
    table: PolicyTable, one: Rights, other: Rights, types: list[str], scopes: list[str]
) -> None:
    a, b = PolicyAccess(table, one), PolicyAccess(table, other)
    if a.key == b.key:
        assert a.sees(types, scopes) == b.sees(types, scopes)
        assert a.hidden_attrs(types, scopes) == b.hidden_attrs(types, scopes)
    assert PolicyAccess(PolicyTable(table.datasets, table.writes), one).key == a.key


def test_a_device_writes_its_types_in_its_scopes_and_nothing_else() -> None:
    table = PolicyTable([DatasetRule("rain", frozenset({"t:Rain"}), "", Classification.PUBLIC)])
    limit = WriteLimit(frozenset({"t:Rain"}), ("/hazard/rain",))
    device = PolicyAccess(table, Rights(frozenset(), limit=limit, device=True))
    assert device.may_write(["t:Rain"], ["/hazard/rain/kathu"], ["a:mm"])
    assert not device.may_write(["t:Rain"], [], ["a:mm"])
    assert not device.may_write(["t:Rain"], ["/hazard/rainbow"], ["a:mm"])
    assert not device.may_write(["t:Rain"], ["/hazard/rain", "/command"], ["a:mm"])
    assert not device.may_write(["t:Incident", "t:Rain"], ["/hazard/rain"], ["a:mm"])
    assert not device.sees(["t:Incident"], [])
    unlimited = PolicyAccess(table, Rights(frozenset(), device=True))
    assert not unlimited.may_write(["t:Rain"], ["/hazard/rain"], [])


def test_a_writer_of_one_type_cannot_make_an_entity_that_is_another_type_too() -> None:
    table = PolicyTable([], default_writes(ENTITY_TYPES, lambda short: f"t:{short}"))
    analyst = PolicyAccess(table, Rights(frozenset({"analyst"}), "", OPERATIONS))
    assert analyst.may_write(["t:Measure"], [], ["a:capexMthb"])
    assert not analyst.may_write(["t:Dataset", "t:Measure"], [], ["a:classification"])


@pytest.mark.parametrize(
    "kind", ["Alert", "Incident", "Assignment", "TimelineEntry", "EmergencyUnit", "IndicatorValue"]
)
@pytest.mark.parametrize("role", ["operator", "dispatcher", "analyst"])
def test_what_has_rules_of_its_own_is_not_written_past_them(kind: str, role: str) -> None:
    table = PolicyTable([], default_writes(ENTITY_TYPES, lambda short: f"t:{short}"))
    access = PolicyAccess(table, Rights(frozenset({role}), "", OPERATIONS))
    assert not access.may_write([f"t:{kind}"], [], ["a:status"])


def test_analysts_keep_the_data_of_their_own_agency() -> None:
    rule = DatasetRule("rain", frozenset({"t:Rain"}), "", Classification.PUBLIC, "pk-a")
    table = PolicyTable([rule])
    analyst = Rights(frozenset({"analyst"}), "pk-a")
    assert PolicyAccess(table, analyst).may_write(["t:Rain"], [], ["a:mm"])
    assert not PolicyAccess(table, analyst).may_write(["t:Dataset", "t:Rain"], [], ["a:mm"])
    assert not PolicyAccess(table, replace(analyst, agency="pk-b")).may_write(["t:Rain"], [], ["a:mm"])
    assert not PolicyAccess(table, replace(analyst, agency="")).may_write(["t:Rain"], [], ["a:mm"])


def test_personal_data_needs_the_purpose() -> None:
    rule = DatasetRule(
        "incidents",
        frozenset({"t:Incident"}),
        "",
        Classification.SECURITY,
        "",
        {"a:phone": Classification.PERSONAL},
    )
    table = PolicyTable([rule])
    for role, purpose, hidden in [
        ("dispatcher", OPERATIONS, False),
        ("dispatcher", "", True),
        ("analyst", OPERATIONS, True),
        (Role.ADMINISTRATOR, "", False),
    ]:
        access = PolicyAccess(table, Rights(frozenset({role}), "", purpose))
        assert access.sees(["t:Incident"], [])
        assert ("a:phone" in access.hidden_attrs(["t:Incident"], [])) is hidden
    assert not PolicyAccess(table, Rights()).sees(["t:Incident"], [])


def test_a_reload_changes_the_key_and_tells_listeners_only_when_rules_differ() -> None:
    policy = Policy()
    calls: list[int] = []
    end = policy.on_change(lambda: calls.append(1))
    key = policy.access(Rights()).key
    rule = DatasetRule("rain", frozenset({"t:Rain"}), "", Classification.PUBLIC)
    assert policy.replace([rule])
    assert policy.access(Rights()).key != key
    assert policy.access(Rights()).sees(["t:Rain"], [])
    assert not policy.replace([rule])
    end()
    assert policy.replace([])
    assert calls == [1]
    assert policy.access(Rights()).key == key


@pytest.mark.parametrize("prefix", ["/mob", "/mobility/"])
def test_scope_prefixes_end_at_a_level(prefix: str) -> None:
    rule = DatasetRule("m", scope_prefix=prefix, classification=Classification.PUBLIC)
    assert rule.selects(["t:x"], ["/mobility/bus"]) is (prefix == "/mobility/")
