"""Laws of the training room: proofs lapse, what is unknown is no skill, and a score rests on the record alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import DAY, SECOND
from andaman.training.course import COURSES, SHIFT, mark_quiz
from andaman.training.drill import Fact, score, speed_points
from andaman.training.framework import MAX_LEVEL, Framework
from andaman.training.scenarios import SCENARIOS, scenario_of
from andaman.training.skills import Member, Record, skill_gap

PATONG_HILL = scenario_of(SeedRows(load_pack("phuket")).rows(SCENARIOS)["rain-crash-patong-hill"])
FRAMEWORK = Framework.of(SeedRows())
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
def test_everyone_in_a_role_is_holder_below_or_unknown(team, proofs):
    for row in skill_gap(ROLES, BY_ID, team, proofs, NOW):
        count = len({m.person for m in team if m.role == row.role})
        assert row.holders + row.below + row.unknown == count
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

    def holders(at):
        rows = skill_gap(ROLES, BY_ID, team, [proof], at)
        return next(r.holders for r in rows if (r.role, r.competency) == ("dispatcher", "dispatch"))

    assert holders(NOW - 1) == 0
    assert holders(NOW) == 1
    assert holders(NOW + days * DAY - 1) == 1
    assert holders(NOW + days * DAY) == 0


def test_every_requirement_and_grant_names_a_competency_and_a_level():
    for needs in [r.requires for r in ROLES] + [s.grants or {} for c in COURSES.values() for s in c.steps]:
        assert set(needs) <= set(BY_ID)
        assert all(1 <= level <= MAX_LEVEL for level in needs.values())


def test_the_course_ends_in_a_drill():
    assert SHIFT.steps[-1].kind == "drill"


QUIZ = next(s for s in SHIFT.steps if s.kind == "quiz")


@given(st.lists(st.integers(0, 2), min_size=len(QUIZ.questions), max_size=len(QUIZ.questions)))
def test_a_quiz_counts_the_right_answers(picks):
    answers = {q.id: p for q, p in zip(QUIZ.questions, picks, strict=True)}
    share, passed = mark_quiz(QUIZ, answers)
    assert share == sum(p == q.right for q, p in zip(QUIZ.questions, picks, strict=True)) / len(picks)
    assert passed == (share >= QUIZ.pass_share)


@pytest.mark.parametrize("answer", [None, -1, 3, "1", True, 1.0])
def test_an_answer_that_is_no_choice_is_refused_by_name(answer):
    answers = {q.id: q.right for q in QUIZ.questions} | {"q2": answer}
    with pytest.raises(BadRequestData, match="q2"):
        mark_quiz(QUIZ, answers)


def _at(seconds):
    return NOW + int(seconds * SECOND)


def _perfect():
    def fact(seq, kind, seconds, actor="user:a", entity="i", **data):
        return Fact(kind, _at(seconds), seq, actor, entity, data)

    return [
        fact(1, "inject", 45, "system:drill", main=True),
        fact(
            2, "alert-raised", 46, "system:rules", entity="alert", rule="urn:ngsi-ld:AlertRule:drill-x-crash"
        ),
        fact(3, "alert-acknowledged", 60, entity="alert"),
        fact(4, "incident-opened", 90, incidentType="roadAccident"),
        fact(
            5,
            "unit-assigned",
            100,
            entity="a",
            incident="i",
            unitType="ambulance",
            etaSeconds=300,
            bestEtaSeconds=300,
        ),
        fact(6, "unit-enRoute", 110, entity="a", incident="i"),
        fact(7, "unit-onScene", 400, entity="a", incident="i"),
        fact(8, "unit-clear", 500, entity="a", incident="i"),
        fact(9, "incident-closed", 510, outcome="two to hospital"),
    ]


def test_a_perfect_drill_has_every_point_and_names_its_rows():
    result = score(PATONG_HILL, _perfect(), NOW, "user:a")
    assert (result.percent, result.passed) == (100.0, True)
    assert {at for c in result.criteria for at in c.times} == {f.at for f in _perfect() if f.seq >= 3}


def test_an_empty_record_scores_nothing():
    result = score(PATONG_HILL, [], NOW, "user:a")
    assert (result.points, result.passed) == (0, False)


@given(st.sets(st.integers(0, 8)))
def test_leaving_things_out_never_raises_the_score(left_out):
    facts = [f for i, f in enumerate(_perfect()) if i not in left_out]
    kept = score(PATONG_HILL, facts, NOW, "user:a").points
    assert 0 <= kept <= 100
    if left_out - {0, 1}:
        assert kept < 100


@pytest.mark.parametrize("other", ["system:auto", "user:colleague"])
def test_what_the_platform_or_a_colleague_did_earns_nothing(other):
    facts = [replace(f, actor=other) for f in _perfect()]
    assert score(PATONG_HILL, facts, NOW, "user:a").points == 0


@given(st.floats(0, 0.4))
def test_clicking_everything_at_once_fails(pause):
    """All steps right after one another: under 50, and not passed."""
    facts = [
        replace(f, at=_at(46 + pause * n)) if f.actor == "user:a" else f for n, f in enumerate(_perfect())
    ]
    result = score(PATONG_HILL, facts, NOW, "user:a")
    assert result.percent < 50
    assert not result.passed
    assert [one.id for one in result.critical] == ["false-arrival"]


def test_an_alert_that_is_not_of_the_script_earns_nothing():
    facts = [
        replace(f, data={"rule": "urn:ngsi-ld:AlertRule:heavy-rain-24h"}) if f.kind == "alert-raised" else f
        for f in _perfect()
    ]
    result = score(PATONG_HILL, facts, NOW, "user:a")
    assert {c.id: c.points for c in result.criteria}["acknowledge"] == 0


def test_a_police_car_to_injured_people_fails_the_drill():
    facts = [
        replace(f, data={**f.data, "unitType": "policePatrol"}) if f.kind == "unit-assigned" else f
        for f in _perfect()
    ]
    result = score(PATONG_HILL, facts, NOW, "user:a")
    assert not result.passed
    assert result.percent < 50
    assert [one.id for one in result.critical] == ["wrong-unit"]


@given(st.floats(0, 1000))
def test_an_arrival_counts_from_half_the_driving_time_on(seconds):
    facts = [replace(f, at=_at(100 + seconds)) if f.kind == "unit-onScene" else f for f in _perfect()]
    result = score(PATONG_HILL, facts, NOW, "user:a")
    assert bool(result.critical) == (_at(100 + seconds) - _at(100) < 150 * SECOND)


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_quicker_never_scores_less(a, b):
    fast, slow = sorted((a, b))
    assert speed_points(fast, 60, 300, 20) >= speed_points(slow, 60, 300, 20)
