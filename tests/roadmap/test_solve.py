"""The solver against brute force, and the laws of effects, plans and samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andaman.roadmap.model import Effect, Measure, Triangle, shipped_measures, shipped_values
from andaman.roadmap.problem import Problem, Terms, problem_of
from andaman.roadmap.solve import hopeless, solve

TEXT = {"th": "ทดสอบ", "en": "test"}


def flat(value: float) -> Triangle:
    return Triangle(value, value, value)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to five measures, three start years, prerequisites downwards, one exclusion, tight budgets."""
    count = draw(st.integers(1, 5))
    indicators = ["a", "b"]
    measures = []
    for m in range(count):
        effects = [
            Effect(name, flat(draw(st.floats(0.01, 0.8)))) for name in indicators if draw(st.booleans())
        ]
        requires = (f"m{draw(st.integers(0, m - 1))}",) if m and draw(st.integers(0, 3)) == 0 else ()
        excludes = (f"m{draw(st.integers(0, m - 1))}",) if m and draw(st.integers(0, 4)) == 0 else ()
        if set(requires) & set(excludes):
            excludes = ()
        measures.append(
            Measure(
                f"m{m}", TEXT, TEXT, "", "", draw(st.integers(1, 3)),
                flat(draw(st.floats(0, 60))), flat(draw(st.floats(0, 5))), tuple(effects), requires, excludes,
            )
        )  # fmt: skip
    terms = Terms(
        draw(st.floats(20, 120)),
        tuple(draw(st.floats(5, 60)) for _ in range(3)),
        draw(st.floats(0, 0.12)),
        draw(st.integers(4, 8)),
        ("m0",) if draw(st.integers(0, 5)) == 0 else (),
        (f"m{count - 1}",) if count > 1 and draw(st.integers(0, 5)) == 0 else (),
    )
    worth = {name: draw(st.floats(0, 3)) for name in indicators}
    return problem_of(measures, {"a": 20.0, "b": 35.0}, worth, terms)


def brute(problem: Problem) -> float | None:
    """The greatest value of any plan that keeps the rules; None without one."""
    best = None
    for plan in itertools.product(range(-1, problem.terms.years), repeat=len(problem.ids)):
        if not problem.broken(plan):
            value = problem.value(plan)
            best = value if best is None else max(best, value)
    return best


@given(problems())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_solver_finds_what_trying_everything_finds(problem: Problem) -> None:
    found, best = solve(problem), brute(problem)
    if best is None:
        assert found is None
        return
    assert found is not None
    assert not problem.broken(found.plan)
    assert found.proved
    assert found.value == pytest.approx(best, abs=1e-4, rel=1e-5)
    assert found.bound >= best - 1e-4


@given(problems())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_called_hopeless_is_in_no_best_plan(problem: Problem) -> None:
    """Some best plan has none of the measures that were ruled out beforehand."""
    out = set(hopeless(problem))
    plans = [
        plan
        for plan in itertools.product(range(-1, problem.terms.years), repeat=len(problem.ids))
        if not problem.broken(plan)
    ]
    if plans:
        best = max(problem.value(plan) for plan in plans)
        kept = [problem.value(plan) for plan in plans if not any(plan[m] >= 0 for m in out)]
        assert kept
        assert max(kept) == pytest.approx(best, abs=1e-9)


@given(problems(), st.data())
@settings(max_examples=60, deadline=None)
def test_effects_never_add_up_to_more_than_all_or_than_their_sum(
    problem: Problem, data: st.DataObject
) -> None:
    """Together they bring at most the sum of each alone, at most all there is, and at least the greatest alone."""
    plan = tuple(data.draw(st.integers(-1, problem.terms.years - 1)) for _ in problem.ids)
    together = problem.benefits(plan)
    alone = [
        problem.benefits(tuple(s if m == k else -1 for m, s in enumerate(plan))) for k in range(len(plan))
    ]
    assert (together <= problem.worth + 1e-9).all()
    assert (together <= np.sum(alone, axis=0) + 1e-9).all()
    assert (together >= np.max(alone, axis=0) - 1e-9).all()


def test_two_measures_of_a_fifth_and_a_tenth_remove_28_percent() -> None:
    measures = [
        Measure(f"m{k}", TEXT, TEXT, "", "", 1, flat(1), flat(0), (Effect("a", flat(share)),))
        for k, share in enumerate((0.2, 0.1))
    ]
    problem = problem_of(measures, {"a": 100.0}, {"a": 1.0}, Terms(10, (10, 10), 0.0, 4))
    assert problem.benefits((0, 0))[3, 0] == pytest.approx(28.0)
    assert problem.value((0, -1)) == pytest.approx(3 * 20.0 - 1.0)  # works in three of four years


def test_no_plan_is_said_to_be_none() -> None:
    dear = Measure("dear", TEXT, TEXT, "", "", 1, flat(100), flat(0), ())
    assert solve(problem_of([dear], {}, {}, Terms(10, (10,), include=("dear",)))) is None


def test_shipped_measures_are_twenty_and_whole() -> None:
    measures = shipped_measures()
    assert len(measures) == 20
    valued = {worth.indicator for worth in shipped_values()}
    for measure in measures:
        assert measure.effects
        assert measure.competencies
        assert {effect.indicator for effect in measure.effects} <= valued
