"""The law of computed results, for every table of roles: what a result is made of, each of its readers may see."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from andaman.identity.model import Access, Classification, Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, Rights
from andaman.identity.result_readers import Readership
from andaman.identity.roles import INVESTIGATION, RoleRow, RoleTable, Sees, shipped_roles
from andaman.kernel.words import Words

TYPES = ["t:Study", "t:Unit", "t:Report", "t:Other"]
SHAPES = [((one,), scopes) for one in TYPES for scopes in ((), ("/navy",))]
ATTRS = ["a:phone", "a:speed"]
levels = st.sampled_from(list(Classification))
purposes = st.sampled_from(["", "operations", "study"])
rules = st.builds(
    DatasetRule,
    st.uuids().map(str),
    st.frozensets(st.sampled_from(TYPES), min_size=1, max_size=2),
    st.sampled_from(["", "/navy"]),
    levels,
    st.sampled_from(["", "pk-a"]),
    st.dictionaries(st.sampled_from(ATTRS), levels, max_size=2),
    purposes,
)
sights = st.frozensets(st.sampled_from([one for one in Sees if one is not Sees.EVERYTHING]))
tables = st.lists(sights, min_size=1, max_size=4).map(
    lambda rows: RoleTable(
        [
            *(
                RoleRow(f"role{number}", Words("บทบาท", "Role"), sees=sees)
                for number, sees in enumerate(rows)
            ),
            *(row for row in shipped_roles().rows.values() if row.name in (Role.PUBLIC, Role.ADMINISTRATOR)),
        ]
    )
)


def readers_of(policy: Policy) -> list[Access]:
    """Everybody but administrators."""
    roles = [role for role in policy.table.roles.rows if role != Role.ADMINISTRATOR]
    return [
        policy.access(Rights(frozenset({role}), agency, purpose))
        for role, agency, purpose in product(roles, ("", "pk-a"), ("", "operations", "study", INVESTIGATION))
    ]


@given(tables | st.just(shipped_roles()), st.lists(rules, max_size=4), st.sampled_from(SHAPES))
def test_a_result_is_made_of_what_each_of_its_readers_may_see(
    roles: RoleTable, datasets: list[DatasetRule], result: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    policy = Policy(PolicyTable(datasets, roles=roles))
    inputs = Readership(policy)([result], "")
    for reader in readers_of(policy):
        if not reader.sees(*result):
            continue
        for shape in SHAPES:
            if inputs.sees(*shape):
                assert reader.sees(*shape)
                assert reader.hidden_attrs(*shape) <= inputs.hidden_attrs(*shape)


def test_a_new_role_that_cannot_read_a_result_takes_nothing_from_it() -> None:
    datasets = [DatasetRule("studies", frozenset({"t:Study"}), "", Classification.SECURITY)]
    blind = RoleRow("blind", Words("บทบาท", "Role"))
    few = RoleRow("few", Words("บทบาท", "Role"), sees=frozenset({Sees.SECURITY}))
    for row, seen in ((blind, True), (few, False)):
        table = RoleTable([*shipped_roles().rows.values(), row])
        inputs = Readership(Policy(PolicyTable(datasets, roles=table)))([(("t:Study",), ())], "")
        assert inputs.sees(("t:Study",), ())
        assert inputs.sees(("t:Unheard",), ()) is seen
