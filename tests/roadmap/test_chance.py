"""Plans under uncertain costs: draws, the plan that stays within its budget, why a measure is not in, and regret."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andaman.roadmap.chance import solve_within
from andaman.roadmap.draws import draw, outcomes, share_within, spending
from andaman.roadmap.gaps import is_measured, remaining_of
from andaman.roadmap.jobs import Task, best_plans, samples, why_not
from andaman.roadmap.model import Effect, Measure, Triangle, Worth, shipped_measures, shipped_values
from andaman.roadmap.problem import Plan, Problem, Terms
from andaman.roadmap.robust import Tally

TEXT = {"th": "ทดสอบ", "en": "test"}
REMAINING = {
    "road-deaths": 22.2, "marine-deaths": 1.2, "hospital-8": 30.9, "fire-8": 33.6, "bus-500": 79.2, "water-loss": 34.9,
    "waste-per-person": 2.75, "link-risk": 17.5,
}  # fmt: skip
"""Phuket's, without the indicators of live feeds."""


def triangles(low: float, high: float) -> st.SearchStrategy[Triangle]:
    return st.tuples(*(st.floats(low, high) for _ in range(3))).map(lambda ends: Triangle(*sorted(ends)))


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Up to four measures with ranges, three years, prerequisites, an exclusion, a budget that is often too small."""
    count = draw(st.integers(1, 4))
    measures = []
    for m in range(count):
        effects = tuple(
            Effect(name, draw(triangles(0.01, 0.6))) for name in ("a", "b") if draw(st.booleans())
        )
        requires = (f"m{draw(st.integers(0, m - 1))}",) if m and draw(st.integers(0, 3)) == 0 else ()
        excludes = (f"m{draw(st.integers(0, m - 1))}",) if m and not requires and draw(st.booleans()) else ()
        measures.append(
            Measure(
                f"m{m}", TEXT, TEXT, "", "", draw(st.integers(1, 2)), draw(triangles(1, 60)), draw(triangles(0, 5)),
                effects, requires, excludes,
            )
        )  # fmt: skip
    terms = Terms(
        draw(st.floats(20, 120)), tuple(draw(st.floats(10, 60)) for _ in range(3)), 0.05, draw(st.integers(4, 8)),
        within=draw(st.sampled_from([0.6, 0.8, 0.9])),
    )  # fmt: skip
    values = (Worth("a", 0.0, draw(triangles(0.1, 3))), Worth("b", 0.0, draw(triangles(0.1, 3))))
    return Task(tuple(measures), values, {"a": 20.0, "b": 35.0}, terms, draw(st.integers(0, 1000)))


def every_plan(problem: Problem) -> list[Plan]:
    starts = range(-1, problem.terms.years)
    plans = itertools.product(starts, repeat=len(problem.ids))
    return [plan for plan in plans if not problem.broken_but_budget(plan)]


@given(tasks())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_plan_within_its_budget_is_the_best_of_all(task: Task) -> None:
    """Trying every plan on every draw, with the plain calculation of one draw, finds none that is better."""
    problem, draws = task.expected(), task.draws(60, task.seed)
    one_by_one = [draws.problem(n, task.terms) for n in range(len(draws))]

    def keeps(plan: Plan) -> bool:
        kept = sum(not any(" costs " in text for text in one.broken(plan)) for one in one_by_one)
        return kept >= task.terms.within * len(draws) - 1e-9

    best = max(problem.value(plan) for plan in every_plan(problem) if keeps(plan))
    found = solve_within(problem, draws, task.terms.within, tolerance=1e-6)
    assert found is not None
    assert keeps(found.plan)
    assert not problem.broken_but_budget(found.plan)
    assert found.value == pytest.approx(best, abs=1e-4, rel=1e-5)
    assert found.bound >= best - 1e-4
    assert found.proved


@given(tasks(), st.data())
@settings(max_examples=30, deadline=None)
def test_figures_of_draws_are_those_of_each_draw_alone(task: Task, data: st.DataObject) -> None:
    plan = data.draw(st.sampled_from(every_plan(task.expected())))
    draws = task.draws(20, task.seed)
    found = outcomes(task.expected(), draws, plan)
    for n in range(len(draws)):
        one = draws.problem(n, task.terms)
        assert found.values[n] == pytest.approx(one.value(plan), abs=1e-9)
        assert found.spent[n] == pytest.approx(one.costs(plan)[: task.terms.years], abs=1e-9)
        over = any(" costs " in text for text in one.broken(plan))
        assert bool(found.over[n].any()) == over


@given(tasks(), st.data())
@settings(max_examples=10, deadline=None)
def test_the_expected_value_is_the_mean_of_draws(task: Task, data: st.DataObject) -> None:
    problem = task.expected()
    plan = data.draw(st.sampled_from(every_plan(problem)))
    values = outcomes(problem, task.draws(40_000, 1), plan).values
    assert problem.value(plan) == pytest.approx(values.mean(), abs=5.0 * values.std() / 200.0 + 1e-9)


def test_draws_keep_their_range_and_repeat_with_the_seed() -> None:
    draws = draw(shipped_measures(), REMAINING, shipped_values(), 2000, 7)
    for m, measure in enumerate(shipped_measures()):
        column = draws.capex[:, m]
        assert measure.capex.low <= column.min()
        assert column.max() <= measure.capex.high
        assert column.mean() == pytest.approx(measure.capex.mean, rel=0.03)
    fewer = draw(shipped_measures(), REMAINING, shipped_values(), 5, 7)
    assert np.array_equal(fewer.effects, draws.effects[:5])
    assert not np.array_equal(
        draw(shipped_measures(), REMAINING, shipped_values(), 5, 8).effects, fewer.effects
    )


@pytest.mark.parametrize(("total", "yearly"), [(600, 150), (1200, 300), (300, 80)])
def test_the_recommended_plan_keeps_its_budget_in_fresh_draws(total: float, yearly: float) -> None:
    """In at least four of five draws of every other seed; the nominal plan does not."""
    terms = Terms(total, (yearly,) * 5)
    task = Task(shipped_measures(), shipped_values(), REMAINING, terms, 20260922)
    plans = best_plans(task)
    assert plans is not None
    problem = task.expected()
    for seed in (1, 2, 3, 77, 4242):
        fresh = task.draws(2000, seed)
        assert share_within(problem, fresh, plans.recommended.plan) >= 0.8
        assert share_within(problem, fresh, plans.nominal.plan) < 0.5
    assert plans.recommended.value > 0
    assert plans.recommended.bound >= plans.recommended.value


def test_a_measure_enters_at_its_break_even() -> None:
    """Just below the added benefit it is not in the best plan, just above it is; by trying every plan."""
    ranges = [(20.0, 0.4), (25.0, 0.3), (18.0, 0.05)]
    measures = tuple(
        Measure(
            f"m{k}", TEXT, TEXT, "", "", 1, Triangle(0.8 * cost, cost, 1.5 * cost), Triangle(0, 0, 0),
            (Effect("a", Triangle(share, share, share)), Effect("unknown", Triangle(0.2, 0.2, 0.2))),
        )
        for k, (cost, share) in enumerate(ranges)
    )  # fmt: skip
    values = (Worth("a", 0.0, Triangle(1, 1, 1)), Worth("unknown", 0.0, Triangle(1, 1, 1)))
    task = Task(measures, values, {"a": 40.0}, Terms(50, (50, 50, 50), 0.0, 6), 3)
    problem, share = task.expected(), 0.8
    draws = task.draws(3000, task.seed)
    base = solve_within(problem, draws, share)
    assert base is not None
    assert base.plan[2] < 0
    why = why_not(task, base, share, 2)
    assert why.break_even is not None
    assert why.loss is not None
    assert why.loss > 0

    def best(added: float) -> Plan:
        opex = problem.opex.copy()
        opex[2] -= added
        helped = replace(problem, opex=opex)
        allowed = [plan for plan in every_plan(problem) if share_within(problem, draws, plan) >= share]
        return max(allowed, key=helped.value)

    assert best(why.break_even * 0.99)[2] < 0
    assert best(why.break_even * 1.01)[2] >= 0


def test_a_measure_that_no_year_can_pay_says_so() -> None:
    task = Task(shipped_measures(), shipped_values(), REMAINING, Terms(600, (150,) * 5), 1)
    base = solve_within(task.expected(), task.draws(500, 1), 0.8, prove_s=0.0)
    assert base is not None
    ids = [one.id for one in task.measures]
    why = why_not(task, base, 0.8, ids.index("kathu-patong-expressway"))
    assert why.code == "tooDear"
    assert why.a_year > 150


def test_samples_repeat_with_the_seed_and_tell_regret() -> None:
    """Regret is never negative, and a plan that never wins shows it."""
    good = Measure(
        "good", TEXT, TEXT, "", "", 1, Triangle(5, 8, 12), Triangle(0, 0, 0), (Effect("a", Triangle(0.2, 0.3, 0.5)),)
    )  # fmt: skip
    bad = replace(
        good, id="bad", capex=Triangle(50, 60, 90), effects=(Effect("a", Triangle(0.01, 0.02, 0.03)),)
    )
    values = (Worth("a", 0.0, Triangle(1, 3, 6)),)
    task = Task((good, bad), values, {"a": 40.0}, Terms(100, (50, 50), 0.05, 6), 1)
    one = samples(task, [(-1, 0), (0, -1)], 0, 12)
    assert one == samples(task, [(-1, 0), (0, -1)], 0, 7) + samples(task, [(-1, 0), (0, -1)], 7, 5)
    assert one != samples(replace(task, seed=9), [(-1, 0), (0, -1)], 0, 12)
    tally = Tally(("good", "bad"), ("bad one", "good one"), 12, 3, one).as_json("done")
    assert tally["chosenShare"] == {"good": 1.0, "bad": 0.0}
    assert tally["regret"]["bad one"]["p5"] > 0
    assert tally["regret"]["good one"]["p95"] == 0


@pytest.mark.parametrize(
    ("row", "measured"),
    [
        ({"value": 3.0, "origin": "computed", "inputs": [{"origins": ["reported", "measured"]}]}, True),
        ({"value": 3.0, "origin": "simulated", "inputs": []}, False),
        ({"value": 3.0, "origin": "computed", "inputs": [{"origins": ["reported", "simulated"]}]}, False),
        ({"value": 3.0, "origin": "computed", "inputs": [{"origins": ["replayed"]}]}, False),
        ({"value": None, "origin": "computed", "inputs": []}, False),
    ],
)
def test_what_is_simulated_or_replayed_is_not_measured(row: dict[str, object], measured: bool) -> None:
    """Its indicator brings no benefit: nothing would be left to gain by a plan for a made-up city."""
    worth = Worth("a", 0.0, Triangle(1, 1, 1))
    full = {"id": "a", "direction": "-", **row}
    assert is_measured(full) is measured
    assert remaining_of([full], [worth]) == ({"a": 3.0} if measured else {})


def test_a_common_shock_of_costs_is_a_variation_beside_independent_draws() -> None:
    """Each cost keeps its own distribution, and effects and values their draws; only the sum varies more."""
    task = Task(shipped_measures(), shipped_values(), REMAINING, Terms(600, (150,) * 5), 1)
    problem = task.expected()
    apart, together = task.draws(4000, 7), task.draws(4000, 7, common_costs=True)
    assert (apart.effects == together.effects).all()
    assert (apart.worths == together.worths).all()
    for one, other in ((apart.capex, together.capex), (apart.opex, together.opex)):
        assert other.mean(axis=0) == pytest.approx(one.mean(axis=0), rel=0.03)
        assert other.std(axis=0) == pytest.approx(one.std(axis=0), rel=0.05)
    order = np.argsort(together.capex[:, 0])
    assert (np.diff(together.capex[order], axis=0) >= -1e-9).all()
    plan = tuple(0 if one.capex.high < problem.terms.total else -1 for one in task.measures)
    spent = [spending(problem, draws, plan).sum(axis=1) for draws in (apart, together)]
    assert spent[1].mean() == pytest.approx(spent[0].mean(), rel=0.02)
    assert spent[1].std() > 1.5 * spent[0].std()
