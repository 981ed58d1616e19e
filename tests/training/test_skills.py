"""Laws of skills and questions: proofs lapse, and what is unknown is no skill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.city.registers import SeedRows
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import DAY, SECOND
from andaman.training.course import courses_of
from andaman.training.framework import MAX_LEVEL, Framework
from andaman.training.quiz import mark, sheet
from andaman.training.skills import Member, Record, State, proofs_of, skill_gap, standing

FRAMEWORK = Framework.of(SeedRows())
COURSES = courses_of(SeedRows())
SHIFT = COURSES["command-center-shift"]
BY_ID, ROLES = FRAMEWORK.competencies, FRAMEWORK.roles
NOW = 1_800_000_000 * SECOND
people = st.sampled_from(["p1", "p2", "p3", "p4"])
records = st.lists(
    st.builds(
        Record,
        people,
        st.sampled_from(sorted(BY_ID)),
        st.integers(0, MAX_LEVEL),
        st.integers(NOW - 2000 * DAY, NOW + 10 * DAY),
        st.just("test"),
    ),
    max_size=60,
)
members = st.lists(st.builds(Member, people, st.sampled_from([r.id for r in ROLES])), max_size=12)


@given(members, records)
def test_everyone_in_a_role_is_holder_below_expired_or_unknown(team, proofs):
    for row in skill_gap(ROLES, BY_ID, team, proofs, NOW):
        count = len({m.person for m in team if m.role == row.role})
        assert row.holders + row.below + row.expired + row.unknown == count
        assert row.missing == max(0, row.posts - row.holders)
        assert row.expiring <= row.holders


@given(members, records, records)
def test_more_proofs_never_widen_the_gap(team, proofs, more):
    before = skill_gap(ROLES, BY_ID, team, proofs, NOW)
    after = skill_gap(ROLES, BY_ID, team, proofs + more, NOW)
    assert all(b.missing <= a.missing for a, b in zip(before, after, strict=True))


def test_without_records_nothing_is_held_and_all_is_unknown():
    rows = skill_gap(ROLES, BY_ID, [Member("p1", "dispatcher")], [], NOW)
    assert all(r.unknown == 1 for r in rows if r.role == "dispatcher")
    assert all(r.missing == r.posts for r in rows)


def test_a_proof_lapses_after_its_days():
    days = BY_ID["dispatch"].valid_days
    proof = Record("p1", "dispatch", 4, NOW, "drill")
    team = [Member("p1", "dispatcher")]

    def row(at):
        rows = skill_gap(ROLES, BY_ID, team, [proof], at)
        return next(r for r in rows if (r.role, r.competency) == ("dispatcher", "dispatch"))

    def holders(at):
        return row(at).holders

    assert holders(NOW - 1) == 0
    assert holders(NOW) == 1
    assert holders(NOW + days * DAY - 1) == 1
    assert holders(NOW + days * DAY) == 0
    after = row(NOW + days * DAY)
    assert (after.below, after.expired, after.unknown) == (0, 1, 0), "unable is another thing"


@given(records, st.sampled_from(range(1, MAX_LEVEL + 1)))
def test_a_person_is_below_by_a_valid_proof_and_expired_by_a_lapsed_one_of_the_level(rows, wanted):
    for (person, _), proofs in proofs_of(rows, BY_ID, NOW).items():
        one = standing(person, wanted, proofs, NOW)
        assert one.proof in proofs
        valid = [p.record.level for p in proofs if p.until > NOW]
        lapsed = [p.record.level for p in proofs if p.until <= NOW]
        assert (one.state is State.HOLDER) == any(level >= wanted for level in valid)
        assert (one.state is State.BELOW) == (bool(valid) and max(valid) < wanted)
        assert (one.state is State.EXPIRED) == (not valid and any(level >= wanted for level in lapsed))


def test_every_requirement_and_grant_names_a_competency_and_a_level():
    for needs in [r.requires for r in ROLES] + [
        {g.competency: g.level for g in s.grants} for c in COURSES.values() for s in c.steps
    ]:
        assert set(needs) <= set(BY_ID)
        assert all(1 <= level <= MAX_LEVEL for level in needs.values())


def test_the_course_ends_in_a_drill():
    assert SHIFT.steps[-1].kind == "drill"


QUIZ = next(s for s in SHIFT.steps if s.kind == "quiz")


KEY = b"k" * 32
picks = st.lists(st.integers(0, 2), min_size=len(QUIZ.questions), max_size=len(QUIZ.questions))
sheets = st.builds(sheet, st.just(KEY), people, st.just(SHIFT.id), st.just(QUIZ), st.integers(0, 50))


def answered(order, picks):
    """By the index of each choice in its question."""
    shown = {q.id: {index: name for name, index in order[q.id].items()} for q in QUIZ.questions}
    return {q.id: shown[q.id][pick] for q, pick in zip(QUIZ.questions, picks, strict=True)}


@given(sheets, picks)
def test_a_quiz_counts_the_right_answers_in_whatever_order_they_are_shown(order, picks):
    share, passed = mark(QUIZ, order, answered(order, picks))
    assert share == sum(p == q.right for q, p in zip(QUIZ.questions, picks, strict=True)) / len(picks)
    assert passed == (share >= QUIZ.pass_share)


def test_the_right_choice_is_in_every_place_about_equally_often():
    """Else the place would be the answer."""
    places = [0, 0, 0]
    for tries in range(200):
        order = sheet(KEY, "p1", SHIFT.id, QUIZ, tries)
        for q in QUIZ.questions:
            places[list(order[q.id].values()).index(q.right)] += 1
    assert min(places) > 0.8 * sum(places) / 3


@given(sheets, st.sampled_from([None, -1, 1, "1", True, 1.0, [], "of another try"]))
def test_an_answer_that_is_no_choice_is_refused_by_name(order, answer):
    answers = answered(order, [q.right for q in QUIZ.questions]) | {"q2": answer}
    with pytest.raises(BadRequestData, match="q2"):
        mark(QUIZ, order, answers)


def test_reading_proves_nothing():
    assert not [
        step.grants
        for course in COURSES.values()
        for step in course.steps
        if step.kind == "read" and step.grants
    ]
