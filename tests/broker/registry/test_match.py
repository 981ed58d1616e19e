"""Laws of matching and of dispatch (CIM 009 §4.3.6, §5.12)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.query.ast import TypeIs, TypeOr
from andaman.broker.registry.match import Spec, conflicts, matching_infos
from andaman.broker.registry.model import Registration, registration_of
from andaman.broker.registry.operations import GROUPS, OPERATIONS
from andaman.broker.registry.service import TenantRegistry
from andaman.doors.ngsild.distributed.plan import plan_write

TYPES = ["urn:t:A", "urn:t:B", "urn:t:C"]
ATTRS = ["urn:a:p", "urn:a:q", "urn:a:r"]
IDS = ["urn:e:1", "urn:e:2", "urn:e:x3"]
PATTERNS = ["^urn:e:.*", "x3", "nothing"]

_entity = st.fixed_dictionaries(
    {"type": st.lists(st.sampled_from(TYPES), min_size=0, max_size=2, unique=True)},
    optional={"id": st.sampled_from(IDS), "idPattern": st.sampled_from(PATTERNS)},
).filter(lambda one: bool(one["type"] or "id" in one or "idPattern" in one))
_info = st.fixed_dictionaries(
    {},
    optional={
        "entities": st.lists(_entity, min_size=1, max_size=2),
        "propertyNames": st.lists(st.sampled_from(ATTRS), min_size=1, max_size=2, unique=True),
    },
).filter(bool)
_document = st.fixed_dictionaries(
    {
        "endpoint": st.just("http://127.0.0.1:1"),
        "mode": st.sampled_from(["inclusive", "exclusive", "redirect", "auxiliary"]),
        "operations": st.lists(st.sampled_from(sorted(GROUPS)), min_size=1, max_size=2),
        "information": st.lists(_info, min_size=1, max_size=3),
    }
)
_documents = st.lists(_document, max_size=6)
_spec = st.builds(
    Spec,
    types=st.one_of(
        st.none(),
        st.sampled_from(TYPES).map(TypeIs),
        st.just(TypeOr((TypeIs(TYPES[0]), TypeIs(TYPES[2])))),
    ),
    ids=st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple),
    id_pattern=st.one_of(st.none(), st.sampled_from(PATTERNS)),
    attrs=st.frozensets(st.sampled_from(ATTRS), max_size=2),
    exact_types=st.frozensets(st.sampled_from(TYPES), max_size=2),
)


def _all(documents: list[dict[str, object]]) -> list[Registration]:
    return [registration_of({**one, "id": f"urn:r:{number}"}) for number, one in enumerate(documents)]


@given(_documents, _spec)
def test_the_index_finds_what_a_walk_over_all_registrations_finds(documents, spec) -> None:
    registry = TenantRegistry()
    for one in _all(documents):
        registry.add(one)
    expected = [(one.id, matching_infos(one, spec)) for one in registry.all.values()]
    assert [(one.id, infos) for one, infos in registry.matching(spec)] == [
        pair for pair in expected if pair[1]
    ]


@given(_documents, st.integers(0, 5), _spec)
def test_what_is_removed_is_never_found(documents, victim, spec) -> None:
    registry = TenantRegistry()
    for one in _all(documents):
        registry.add(one)
    registry.remove(f"urn:r:{victim}")
    assert f"urn:r:{victim}" not in [one.id for one, _ in registry.matching(spec)]


@given(_documents)
def test_a_conflict_is_one_from_both_sides_and_needs_an_exclusive_one(documents) -> None:
    for one in _all(documents):
        for other in _all(documents):
            found = conflicts(one, other)
            assert found == conflicts(other, one)
            assert not found or "exclusive" in (one.mode, other.mode)


@given(_documents, st.frozensets(st.sampled_from(ATTRS), min_size=1))
def test_each_attribute_of_a_write_goes_where_a_plain_reading_of_the_clause_sends_it(
    documents, attrs
) -> None:
    """§5.6.1.4, attribute by attribute: exclusive sources keep it; else all redirect sources that cover it; else the
    broker itself and every inclusive source that offers the operation. Auxiliary sources get nothing."""
    matches = [(one, one.information) for one in _all(documents)]
    plan = plan_write(matches, "createEntity", attrs)
    for attr in attrs:

        def covers(one: Registration, attr: str = attr) -> bool:
            return any(not info.names or attr in info.names for info in one.information)

        exclusive = {one.id for one, _ in matches if one.mode == "exclusive" and covers(one)}
        redirect = (
            {one.id for one, _ in matches if one.mode == "redirect" and covers(one)}
            if not exclusive
            else set()
        )
        shared = {
            one.id
            for one, _ in matches
            if one.mode == "inclusive" and covers(one) and "createEntity" in one.operations
        }
        expected = exclusive or redirect or shared
        got = {part.registration.id for part in plan.parts if part.attrs is None or attr in part.attrs}
        assert got == expected, attr
        held_here = plan.local and (plan.rest is None or attr in plan.rest)
        assert held_here == (not exclusive and not redirect)
    for part in plan.parts:
        assert part.supported == ("createEntity" in part.registration.operations)


def test_groups_name_operations_that_there_are() -> None:
    for names in GROUPS.values():
        assert names <= OPERATIONS
