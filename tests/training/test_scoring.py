"""Laws of the score of a drill, over whatever a journal may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.command.core.views import Unit
from andaman.command.dispatch.ranking import needed_kinds, rank
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.types import SEVERITY
from andaman.identity.roles import shipped_roles
from andaman.kernel.time import SECOND, Micros
from andaman.training.debrief import Score
from andaman.training.drill import Fact
from andaman.training.scenarios import SCENARIOS, scenario_of
from andaman.training.scoring import FAILED_AT_MOST, Names, score, speed_points
from andaman.training.tasks import CALL_TAKING, DEFAULT_PARTS, DISPATCHING, LOG_LEAST, RIGHT, TITLES, WHY
from tests.command.city import point, unit
from tests.command.dispatch.test_ranking import ISLAND, KINDS, NETWORK

ROWS = SeedRows(load_pack("phuket"))
HILL = scenario_of(ROWS.rows(SCENARIOS)["rain-crash-patong-hill"])
NEEDED = needed_kinds(ROWS, "roadAccident")
NAMES = Names(
    {code: row.name for code, row in ROWS.rows(UNIT_TYPES).items()},
    {code.value: code.words for code in SEVERITY.codes},
    NEEDED,
    ROWS.rows(INCIDENT_TYPES)["roadAccident"].checklist,
)
ASKED, SENT_BY_NOBODY = (one.json() for one in NAMES.checklist[:2])
NOW = 1_800_000_000 * SECOND
ME = "user:a"
ROLES = [part.role for part in DEFAULT_PARTS]
ALERT = Fact("alert-raised", NOW + 46 * SECOND, 2, "system:rules", "alert", {"rule": "urn:x:drill-1-crash"})
EVENT = Fact("inject", NOW + 45 * SECOND, 1, "system:drill", "event", {"main": True})
TOLD = {"incidentType": "roadAccident", "severity": "Severe", "location": HILL.place}


def scored(facts: list[Fact], role: str = DISPATCHING) -> Score:
    part = HILL.part(role)
    assert part is not None
    return score(HILL, part, NAMES, sorted(facts, key=lambda f: (f.at, f.seq)), NOW, ME)


def at(seconds: float) -> Micros:
    return NOW + int(seconds * SECOND)


def fact(kind: str, seconds: float, entity: str, actor: str = ME, **data: Any) -> Fact:
    return Fact(kind, at(seconds), 9, actor, entity, data)


def sent(seconds: float, entity: str, incident: str, **more: Any) -> Fact:
    data = {"unitType": "ambulance", "advised": True, "etaSeconds": 300.0, "bestEtaSeconds": 300.0}
    return fact("unit-assigned", seconds, entity, incident=incident, **(data | more))


PERFECT = [
    EVENT,
    ALERT,
    fact("alert-acknowledged", 60, "alert"),
    fact("incident-opened", 90, "i", **TOLD),
    sent(100, "a", "i"),
    fact("unit-enRoute", 110, "a", incident="i"),
    fact("unit-onScene", 400, "a", incident="i"),
    fact("unit-clear", 500, "a", incident="i"),
    fact("incident-closed", 510, "i", outcome="two to hospital"),
]

# -- whatever a journal may hold --------------------------------------------------------------------------------
seconds = st.floats(0, 1800)
incidents, assignments = st.sampled_from(["i", "j"]), st.sampled_from(["a", "b", "c"])
actors = st.sampled_from([ME, ME, ME, "user:colleague", "system:auto"])
told = st.fixed_dictionaries(
    {
        "incidentType": st.sampled_from(["roadAccident", "fire", None]),
        "severity": st.sampled_from(["Severe", "Minor", None]),
        "location": st.sampled_from([HILL.place, (98.4, 7.9), None]),
    }
)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    kind = draw(
        st.sampled_from(
            ["alert-raised", "alert-acknowledged", "incident-opened", "incident-corrected", "item-checked",
             "handed-over", "note", "unit-assigned", "unit-enRoute", "unit-onScene", "unit-clear", "incident-closed"]
        )
    )  # fmt: skip
    when, actor, incident, assignment = draw(seconds), draw(actors), draw(incidents), draw(assignments)
    match kind.split("-")[0]:
        case "alert":
            rule = draw(st.sampled_from(["x:drill-1-crash", "x:city-rain"]))
            return fact(kind, when, draw(st.sampled_from(["alert", "other"])), actor, rule=rule)
        case "incident" if kind == "incident-closed":
            return fact(kind, when, incident, actor, outcome=draw(st.sampled_from(["done", None])))
        case "incident":
            return fact(kind, when, incident, actor, **draw(told))
        case "unit" if kind == "unit-assigned":
            eta = draw(st.sampled_from([None, 60.0, 300.0]))
            more = {"advised": draw(st.sampled_from([True, False, None])), "etaSeconds": eta}
            return replace(sent(when, assignment, incident, **more), actor=actor)
        case "unit":
            return fact(kind, when, assignment, actor, incident=incident)
    item = draw(st.sampled_from([ASKED, SENT_BY_NOBODY, None]))
    more = {"length": draw(st.integers(0, 40)), "item": item}
    return fact(kind, when, f"entry-{when}", actor, incident=incident, **more)


journals = st.lists(facts(), max_size=14).map(lambda rows: [EVENT, ALERT, *rows])


def needed_steps(journal: list[Fact]) -> st.SearchStrategy[list[Fact]]:
    """A right step of the trainee that this journal allows, as the platform would record it."""
    opened = {f.entity: f.at for f in journal if f.kind == "incident-opened" and f.actor == ME}
    flown = {
        f.entity: f for f in journal if f.kind == "unit-assigned" and f.actor == ME and f.data["advised"]
    }

    def about(incident: str, make: Callable[[float], Fact]) -> st.SearchStrategy[list[Fact]]:
        since = (opened[incident] - NOW) / SECOND
        return st.floats(15, 1000).map(lambda s: [make(since + s)])

    found: list[st.SearchStrategy[list[Fact]]] = [
        st.floats(46, 1800).map(lambda s: [fact("alert-acknowledged", s, "alert")]),
        st.floats(45, 1800).map(lambda s: [fact("incident-opened", s, "new", **TOLD)]),
    ]
    for incident in opened:
        found += [
            about(incident, lambda s, i=incident: fact("item-checked", s, "e", incident=i, item=ASKED)),
            about(incident, lambda s, i=incident: fact("handed-over", s, "e", incident=i, length=30)),
            about(incident, lambda s, i=incident: fact("note", s, "e", incident=i, length=LOG_LEAST)),
            about(incident, lambda s, i=incident: sent(s, "d", i)),
            about(incident, lambda s, i=incident: fact("incident-closed", s, i, outcome="done")),
        ]
    for one in flown.values():
        begun, eta = (one.at - NOW) / SECOND, one.data["etaSeconds"] or 0.0
        for kind in ("unit-enRoute", "unit-onScene", "unit-clear"):
            plausible = st.floats(begun + eta / 2 + 0.001, begun + eta + 900)
            found.append(
                plausible.map(lambda s, k=kind, o=one: [fact(k, s, o.entity, incident=o.data["incident"])])
            )
    return st.one_of(found)


@given(st.data(), journals, st.sampled_from(ROLES))
def test_doing_a_needed_step_never_lowers_the_score(data, journal, role):
    step = data.draw(needed_steps(journal))
    before, after = scored(journal, role), scored(journal + step, role)
    assert after.percent >= before.percent
    assert after.passed or not before.passed


@given(journals, st.lists(st.tuples(st.floats(0, 900), st.floats(60, 600)), max_size=4))
def test_sending_advised_units_never_lowers_the_score(journal, more):
    opened = [f for f in journal if f.kind == "incident-opened" and f.actor == ME]
    units = [
        sent((f.at - NOW) / SECOND + late, f"new-{n}", f.entity, etaSeconds=eta, bestEtaSeconds=eta)
        for f in opened
        for n, (late, eta) in enumerate(more)
    ]
    before, after = scored(journal), scored(journal + units)
    assert after.percent >= before.percent
    assert after.passed or not before.passed


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=8))
def test_the_first_of_the_advice_always_has_the_points_of_the_choice(rows):
    """One rule for both, whichever kinds are free."""
    fleet = [Unit.of(unit(f"u{n}", *row)) for n, row in enumerate(rows)]
    place = tuple(point(0.6, 0)["coordinates"])
    advice = rank(NETWORK, place, "roadAccident", fleet, ROWS, shore=ISLAND).candidates
    for one in advice[:1]:
        told_why = {
            name: one.reason[name] for name in ("unitType", "advised", "etaSeconds", "bestEtaSeconds")
        }
        journal = [*PERFECT[:4], sent(100, "a", "i", **told_why)]
        result = scored(journal)
        choice = next(c for c in result.criteria if c.id == "choice")
        assert choice.points == choice.of
        assert "wrong-unit" not in {f.id for f in result.critical}


@given(journals, st.sampled_from(ROLES))
def test_a_score_is_a_share_and_a_critical_failure_fails(journal, role):
    result = scored(journal, role)
    assert 0 <= result.percent <= 100
    assert all(0 <= c.points <= c.of for c in result.criteria)
    assert sum(c.of for c in result.criteria) == 100
    if result.critical:
        assert result.percent <= FAILED_AT_MOST
        assert not result.passed
    rows = {f.at for f in journal}
    assert {when for c in result.criteria for when in c.times} <= rows, "each line rests on rows"


SHOWN_BY = {
    "acknowledge": {"alert-acknowledged"},
    "open": {"incident-opened", "incident-corrected"},
    "verify": {"item-checked"},
    "hand-over": {"handed-over"},
    "log": {"note"},
    "assign": {"unit-assigned"},
    "choice": {"unit-assigned"},
    "steps": {"unit-enRoute", "unit-onScene", "unit-clear"},
    "close": {"incident-closed"},
}


@given(journals, st.sampled_from(ROLES))
def test_a_debriefing_never_says_that_what_is_in_the_record_did_not_happen(journal, role):
    """What earned nothing has its measure against the target, or the rule that refused it; of what is not there no row is named."""
    result = scored(journal, role)
    for line in result.criteria:
        kinds = SHOWN_BY.get(line.id, {"incident-opened", "incident-corrected"})
        told = {"severity": "severity", "place": "location"}.get(line.id)
        shown = [f for f in journal if f.kind in kinds and (told is None or f.data.get(told))]
        done = line.measured if line.id == "steps" else line.measured is not None
        assert bool(done) == bool(line.times)
        assert done or not shown or line.note is not None
        if not shown:
            assert not done
            assert line.note is None
    handed = [f for f in journal if f.kind == "handed-over"]
    assert not handed or "never-handed-over" not in {one.id for one in result.critical}


@given(journals, st.sampled_from(ROLES))
def test_what_the_platform_or_a_colleague_did_earns_nothing(journal, role):
    others = [replace(f, actor="user:colleague") if f.actor == ME else f for f in journal]
    assert scored(others, role).points == 0


# -- one good drill, and what is wrong with others --------------------------------------------------------------
def test_a_perfect_drill_has_every_point_and_names_its_rows():
    result = scored(PERFECT)
    assert (result.percent, result.passed) == (100.0, True)
    assert {when for c in result.criteria for when in c.times} == {f.at for f in PERFECT[2:]}


@given(st.sets(st.integers(2, 8), min_size=1))
def test_leaving_things_out_costs_points(left_out):
    facts_left = [f for i, f in enumerate(PERFECT) if i not in left_out]
    assert scored(facts_left).points < 100


def test_a_false_arrival_fails_even_if_another_incident_was_worked_well():
    wrong = [
        fact("incident-opened", 95, "j", **TOLD),
        sent(101, "b", "j"),
        fact("unit-onScene", 110, "b", incident="j"),
    ]
    result = scored(PERFECT + wrong)
    assert [one.id for one in result.critical] == ["false-arrival"]
    assert result.percent == FAILED_AT_MOST


@given(st.floats(0, 1000))
def test_an_arrival_counts_from_half_the_driving_time_on(late):
    moved = [replace(f, at=at(100 + late)) if f.kind == "unit-onScene" else f for f in PERFECT]
    assert bool(scored(moved).critical) == (at(100 + late) - at(100) < 150 * SECOND)


def test_an_alert_that_is_not_of_the_script_earns_nothing():
    city = [replace(f, data={"rule": "x:heavy-rain-24h"}) if f.kind == "alert-raised" else f for f in PERFECT]
    assert {c.id: c.points for c in scored(city).criteria}["acknowledge"] == 0


@pytest.mark.parametrize(("source", "points"), [("event", 15), ("elsewhere", 0), (None, 0)])
def test_an_alert_of_the_city_counts_if_it_is_about_an_entity_of_the_script(source, points):
    city = {"rule": "x:accident", "source": source}
    journal = [replace(f, data=city) if f.kind == "alert-raised" else f for f in PERFECT]
    assert {c.id: c.points for c in scored(journal).criteria}["acknowledge"] == points


def called(*rows: Fact) -> dict[str, Any]:
    """The lines of a call taker's drill by their ids, after the incident was opened at 90 s."""
    return {line.id: line for line in scored([*PERFECT[:4], *rows], CALL_TAKING).criteria}


def checked(when: float, item: Any = ASKED) -> Fact:
    return fact("item-checked", when, f"e{when}", incident="i", item=item)


@pytest.mark.parametrize(("when", "points"), [(95, 0), (101, 15)])
def test_nobody_asks_a_caller_within_a_second(when, points):
    assert called(checked(when))["verify"].points == points


@given(st.lists(st.floats(90, 900), max_size=3), st.floats(90, 900))
def test_a_tick_of_what_nobody_did_costs_the_points_of_the_true_ones(true, false):
    """Whatever else was ticked, and when: who ticks everything has checked nothing."""
    line = called(*map(checked, true), checked(false, SENT_BY_NOBODY))["verify"]
    assert line.points == 0
    assert SENT_BY_NOBODY["th"] in line.note.th


def test_a_tick_that_was_taken_back_costs_nothing_and_earns_nothing():
    wrong, back = (
        checked(120, SENT_BY_NOBODY),
        fact("item-unchecked", 130, "u", incident="i", item=SENT_BY_NOBODY),
    )
    assert called(checked(110), wrong, back)["verify"].points == 15
    assert called(checked(110), back, replace(wrong, at=at(140)))["verify"].points == 0, "ticked again"
    alone = called(checked(110), fact("item-unchecked", 130, "u", incident="i", item=ASKED))["verify"]
    assert (alone.points, alone.note.en) == (0, "the tick was taken back")


def test_where_the_city_has_another_checklist_any_item_may_be_true():
    names = replace(NAMES, checklist=())
    journal = [*PERFECT[:4], checked(120, {"th": "ก", "en": "a"})]
    part = HILL.part(CALL_TAKING)
    assert part is not None
    result = score(HILL, part, names, journal, NOW, ME)
    assert next(c for c in result.criteria if c.id == "verify").points == 15


@pytest.mark.parametrize(
    ("row", "line", "why"),
    [
        (checked(94), "verify", "4 s after opening: too fast"),
        (fact("handed-over", 96, "h", incident="i", length=30), "hand-over", "6 s after opening: too fast"),
        (fact("note", 96, "n", incident="i", length=31), "log", "6 s after opening: too fast"),
        (fact("note", 120, "n", incident="i", length=5), "log", "5 characters, and needs 20"),
        (fact("note", 120, "n", "user:colleague", incident="i", length=31), "log", "somebody else"),
        (fact("note", 120, "n", incident="j", length=31), "log", "another incident"),
    ],
)
def test_the_debriefing_names_the_rule_that_refused(row, line, why):
    found = called(row)[line]
    assert found.points == 0
    assert why in found.note.en
    assert found.times == (row.at,)


def test_a_unit_that_did_not_count_is_named_with_the_reason():
    journal = [*PERFECT[:4], sent(100, "a", "i", unitType="policePatrol", advised=False)]
    lines = {line.id: line for line in scored(journal).criteria}
    for line in ("assign", "choice"):
        assert "Police patrol" in lines[line].note.en


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_quicker_never_scores_less(a, b):
    fast, slow = sorted((a, b))
    assert speed_points(fast, 60, 300, 20) >= speed_points(slow, 60, 300, 20)


@pytest.mark.parametrize("city", ["phuket", "minicity"])
def test_every_part_can_be_played_by_its_role(city):
    """Else nobody in that role could pass. Every task has words."""
    for row in SeedRows(load_pack(city)).rows(SCENARIOS).values():
        for part in scenario_of(row).parts:
            role = {DISPATCHING: "dispatcher", CALL_TAKING: "operator"}[part.role]
            may = shipped_roles().permissions_of(frozenset({role}))
            assert {need.name for need in part.needs} <= may
            assert part.kinds <= TITLES.keys() & WHY.keys() & RIGHT.keys()
        assert [part.role for part in scenario_of(row).parts] == ROLES
