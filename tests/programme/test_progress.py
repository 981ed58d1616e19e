"""Laws of progress: computed, bounded, monotonic, and never made of what is unknown."""

import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.kernel.time import DAY, parse_time
from andaman.programme.plan import Plan
from andaman.programme.problems import NoProgramme
from andaman.programme.progress import (
    Evidence,
    check_progress,
    deliverable_progress,
    programme_year,
    quarter_bounds,
    quarter_of,
    report,
    status,
)

PLAN = Plan.of(SeedRows(load_pack("phuket")))
OBJECTIVES, MILESTONES, CHECKS = PLAN.objectives, PLAN.milestones, PLAN.checks
SIGNED, ENDS = PLAN.about.signed, PLAN.about.ends
found = st.none() | st.floats(0, 1e6)
evidence = st.fixed_dictionaries({c.id: found.map(Evidence) for c in CHECKS})
ALMOST = {c.id: Evidence(c.target * 0.99999) for c in CHECKS}
instants = st.integers(parse_time("2020-01-01T00:00:00Z"), parse_time("2030-01-01T00:00:00Z"))


@given(evidence, instants)
@example(ALMOST, parse_time(SIGNED))
def test_progress_lies_between_nothing_and_all(facts, now):
    page = report(PLAN, facts, now)
    for objective in page["objectives"]:
        assert 0 <= objective["progress"] <= 1
        for row in objective["deliverables"]:
            assert 0 <= row["progress"] <= 1
            assert (row["status"] == "done") == (row["progress"] >= 1)
        done = all(row["status"] == "done" for row in objective["deliverables"])
        assert done == (objective["progress"] >= 1)


@given(evidence, st.sampled_from(CHECKS), st.floats(0, 1e6))
def test_more_evidence_never_lowers_progress(facts, check, more):
    richer = {**facts, check.id: Evidence((facts[check.id].found or 0) + more)}
    for objective in OBJECTIVES:
        for d in objective.deliverables:
            assert deliverable_progress(d, richer) >= deliverable_progress(d, facts)


@given(st.sampled_from(CHECKS))
def test_unknown_evidence_proves_nothing(check):
    assert check_progress(check, Evidence(None)) == 0
    assert check_progress(check, Evidence(check.target)) == 1


@given(instants)
def test_an_instant_lies_in_its_own_quarter(at):
    start, end = quarter_bounds(*quarter_of(at))
    assert start <= at < end


@given(st.integers(2000, 2199), st.integers(1, 4))
def test_quarters_follow_one_another_without_gap(year, quarter):
    _, end = quarter_bounds(year, quarter)
    following = (year, quarter + 1) if quarter < 4 else (year + 1, 1)
    assert quarter_bounds(*following)[0] == end


def test_the_fiscal_year_begins_in_october():
    """30 November 2026 is in the first quarter of ปีงบประมาณ พ.ศ. 2570."""
    assert quarter_of(parse_time("2026-11-30T12:00:00+07:00")) == (2027, 1)
    assert quarter_of(parse_time("2026-09-30T23:59:59+07:00")) == (2026, 4)
    assert quarter_bounds(2027, 1) == (
        parse_time("2026-10-01T00:00:00+07:00"), parse_time("2027-01-01T00:00:00+07:00"),
    )  # fmt: skip
    assert quarter_bounds(2027, 4)[1] == parse_time("2027-10-01T00:00:00+07:00")


def test_the_five_years_are_counted_from_the_signature():
    signed, ends = parse_time(SIGNED), parse_time(ENDS)
    assert programme_year(PLAN, signed - 1) == 0
    assert programme_year(PLAN, signed) == 1
    assert programme_year(PLAN, ends - 1) == 5
    assert programme_year(PLAN, ends) == 6


def test_late_means_due_and_not_done():
    due = parse_time("2025-01-01T00:00:00Z")
    assert status(0.9, due, due + DAY) == "late"
    assert status(1.0, due, due + DAY) == "done"
    assert status(0.0, due, due - DAY) == "not-begun"
    assert status(0.1, due, due - DAY) == "on-plan"


def test_every_deliverable_has_a_milestone_and_every_id_is_single():
    deliverables = [d.code for o in OBJECTIVES for d in o.deliverables]
    assert {m.deliverable for m in MILESTONES if m.deliverable} == set(deliverables)
    for ids in (deliverables, [c.id for c in CHECKS], [m.id for m in MILESTONES]):
        assert len(ids) == len(set(ids))


def test_every_text_is_there_in_both_languages():
    for o in OBJECTIVES:
        for text in [
            o.title,
            *(t for d in o.deliverables for t in (d.part, d.name, *(c.title for c in d.checks))),
        ]:
            assert text.th.strip()
            assert text.en.strip()
            assert any("\u0e00" <= ch <= "\u0e7f" for ch in text.th)


def test_the_figures_of_phuket_are_those_of_the_plan_it_began_with():
    """Nine milestones; with this evidence the programme stood at 0.5982 before the plan became data, and does today."""
    facts = {c.id: Evidence(float(c.target) * (0.3 if i % 3 else 1)) for i, c in enumerate(CHECKS)}
    page = report(PLAN, facts, parse_time("2026-11-22T00:00:00Z"))
    text = json.dumps(page, ensure_ascii=False, sort_keys=True)
    assert page["progress"] == 0.5982
    assert [m["id"] for m in page["milestones"]] == [
        "M0",
        "M1.1",
        "M1.2",
        "M1.3",
        "M2.1",
        "M2.2",
        "M3.1",
        "M3.2",
        "MX",
    ]
    assert hashlib.sha256(text.encode()).hexdigest().startswith("47f5f26eb28c59f3")


def test_a_city_without_a_programme_says_so():
    with pytest.raises(NoProgramme):
        Plan.of(SeedRows())
