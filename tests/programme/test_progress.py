"""Laws of the three shares: computed, bounded, monotonic, never mixed, and never made of what is unknown."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.kernel.fiscal import quarter_bounds, quarter_of
from andaman.kernel.time import DAY, parse_time
from andaman.kernel.words import Words
from andaman.programme.plan import Plan
from andaman.programme.problems import NoProgramme
from andaman.programme.progress import (
    Finding,
    Shares,
    changes,
    deliverable_shares,
    met_share,
    programme_year,
    report,
    status,
)

PLAN = Plan.of(SeedRows(load_pack("phuket")))
OBJECTIVES, MILESTONES, CHECKS = PLAN.objectives, PLAN.milestones, PLAN.checks
SIGNED, ENDS = PLAN.about.signed, PLAN.about.ends
found = st.none() | st.floats(0, 1e6)
findings = st.fixed_dictionaries({c.id: st.builds(Finding, found, found) for c in CHECKS})
accepted = st.dictionaries(st.sampled_from(sorted(PLAN.deliverables)), st.floats(0, 1))
ALMOST = {c.id: Finding(c.target * 0.99999, c.target * 0.99999) for c in CHECKS}
instants = st.integers(parse_time("2020-01-01T00:00:00Z"), parse_time("2030-01-01T00:00:00Z"))


@given(findings, accepted, instants)
@example(ALMOST, {}, parse_time(SIGNED))
def test_shares_are_between_nothing_and_all_and_done_means_nothing_is_missing(facts, entered, now):
    page = report(PLAN, facts, entered, now)
    for row in [page, *page["objectives"], *(d for o in page["objectives"] for d in o["deliverables"])]:
        for name in ("installed", "achieved", "accepted"):
            assert row[name] is None or 0 <= row[name] <= 1
    for objective in page["objectives"]:
        for row in objective["deliverables"]:
            assert (row["status"] == "done") == (row["achieved"] == 1)
            assert (row["status"] == "accepted") == (row["achieved"] != 1 and row["accepted"] == 1)
        whole = all(row["achieved"] == 1 for row in objective["deliverables"])
        assert whole == (objective["achieved"] == 1)


@given(findings, accepted, accepted, instants)
def test_installed_and_achieved_never_depend_on_acceptances_nor_on_each_other(facts, one, other, now):
    """Three numbers, never added to each other."""
    page, same = report(PLAN, facts, one, now), report(PLAN, facts, other, now)
    idle = report(PLAN, {key: Finding(f.installed, 0) for key, f in facts.items()}, one, now)
    assert (page["installed"], page["achieved"]) == (same["installed"], same["achieved"])
    assert idle["achieved"] == 0
    assert (idle["installed"], idle["accepted"]) == (page["installed"], page["accepted"])


@given(findings, st.sampled_from(CHECKS), st.floats(0, 1e6))
def test_more_evidence_never_lowers_a_share(facts, check, more):
    old = facts[check.id]
    richer = {**facts, check.id: Finding((old.installed or 0) + more, (old.achieved or 0) + more)}
    for d in PLAN.deliverables.values():
        before, after = deliverable_shares(d, facts, 0), deliverable_shares(d, richer, 0)
        assert after.installed >= before.installed
        assert (after.achieved or 0) >= (before.achieved or 0)


@given(st.sampled_from(CHECKS))
def test_unknown_evidence_proves_nothing(check):
    assert met_share(check.target, None) == 0
    assert met_share(check.target, check.target) == 1


@given(findings)
def test_what_can_only_be_put_in_place_is_never_an_achievement(facts):
    for d in PLAN.deliverables.values():
        shares = deliverable_shares(d, facts, 0)
        assert (shares.achieved is None) == all(c.measure == "in-place" for c in d.checks)


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


def test_late_means_due_and_neither_done_nor_accepted():
    due = parse_time("2025-01-01T00:00:00Z")
    assert status(Shares(1, 0.9, 0.9), due, due + DAY) == "late"
    assert status(Shares(0, 1.0, 0), due, due + DAY) == "done"
    assert status(Shares(0, None, 1.0), due, due + DAY) == "accepted"
    assert status(Shares(0, 0, 0), due, due - DAY) == "not-begun"
    assert status(Shares(1, 0, 0), due, due - DAY) == "installed"
    assert status(Shares(1, 0.1, 0), due, due - DAY) == "under-way"


def test_the_change_compares_the_same_shares():
    facts = {c.id: Finding(c.target, 0) for c in CHECKS}
    before = report(PLAN, {}, {}, parse_time(SIGNED))
    after = report(PLAN, facts, {"D1.2": 0.5}, parse_time(SIGNED))
    found = changes(before, after, recorded=True)
    assert found[""] == {"installed": 1.0, "achieved": 0.0, "accepted": after["accepted"]}
    assert found["D1.2"] == {"installed": 1.0, "achieved": None, "accepted": 0.5}
    without = changes(before, after, recorded=False)
    assert without["D1.2"] == {"installed": None, "achieved": None, "accepted": 0.5}


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


def test_the_version_of_a_plan_changes_with_what_it_promises_and_not_with_its_name():
    assert PLAN.version == Plan.of(SeedRows(load_pack("phuket"))).version
    assert PLAN.version != Plan.of(SeedRows(load_pack("minicity"))).version
    about = msgspec.structs.replace(PLAN.about, plan_basis=Words("ก", "b"))
    assert Plan(about, PLAN.objectives).version == PLAN.version


def test_a_city_without_a_programme_says_so():
    with pytest.raises(NoProgramme):
        Plan.of(SeedRows())
