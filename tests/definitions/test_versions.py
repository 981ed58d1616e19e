"""Laws of versions: at most one is in force, it has the content of its place, and nothing unreviewed comes into force."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.definitions import versions as rules
from andaman.definitions.problems import DefinitionChanged, ReviewNeeded, StepNotPossible
from andaman.definitions.versions import GONE, State, Version, digest_of
from andaman.kernel.errors import AndamanError

documents = st.one_of(st.none(), st.fixed_dictionaries({"v": st.integers(0, 3)}))
steps = st.lists(
    st.tuples(
        st.sampled_from(["draft", "review", "enforce", "withdraw", "outside", "crash"]),
        st.integers(0, 6),
        documents,
    ),
    max_size=25,
)


@given(steps, st.booleans())
def test_any_sequence_of_steps(taken: list[tuple[str, int, dict[str, Any] | None]], review: bool) -> None:
    """``place`` is the content in force. A crash happens between the place and the versions."""
    place: dict[str, Any] | None = None
    versions: list[Version] = []
    for at, (step, choice, document) in enumerate(taken):
        versions = rules.reconciled(versions, place, review, at)
        number = choice % (len(versions) or 1) + 1
        before = versions
        try:
            if step == "draft":
                digest = digest_of(document)
                made = Version(
                    number=rules.next_number(versions),
                    state=State.DRAFT,
                    document=document,
                    digest=digest,
                    base=digest_of(place),
                )
                versions = [*versions, made]
            elif step == "review":
                done = rules.reviewed(rules.find(versions, number), "user:b", "B", at)
                versions = [done if one.number == number else one for one in versions]
            elif step == "withdraw":
                done = rules.withdrawn(rules.find(versions, number))
                versions = [done if one.number == number else one for one in versions]
            elif step == "outside":
                place = document
            else:
                version = rules.find(versions, number)
                rules.check_enforceable(version, digest_of(place), review)
                assert version.state is State.REVIEWED or not review
                place = version.document
                if step == "enforce":
                    versions = rules.enforced(versions, number, rules.By("user:a", "A"), at)
        except AndamanError:
            assert versions == before
        after = rules.reconciled(versions, place, review, at)
        assert rules.reconciled(after, place, review, at) == after
        standing = [one for one in after if one.state is State.IN_FORCE]
        assert len(standing) <= 1
        assert (standing[0].digest if standing else GONE) == digest_of(place)
        assert [one.number for one in after] == list(range(1, len(after) + 1))
        for one in after:
            assert one.digest == digest_of(one.document)
            if review and one.in_force_at is not None and one.author:
                assert one.reviewer


def test_a_draft_made_from_something_else_is_refused() -> None:
    old = Version(number=1, state=State.DRAFT, document={"v": 1}, digest=digest_of({"v": 1}), base=GONE)
    with pytest.raises(DefinitionChanged):
        rules.check_enforceable(old, digest_of({"v": 2}), review=False)
    with pytest.raises(ReviewNeeded):
        rules.check_enforceable(old, GONE, review=True)
    with pytest.raises(StepNotPossible):
        rules.check_enforceable(rules.withdrawn(old), GONE, review=False)
