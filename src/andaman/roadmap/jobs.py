"""What the roadmap's process computes (``worker.py``): the two plans, why a measure is not in, and draws solved. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from andaman.roadmap.chance import solve_within
from andaman.roadmap.draws import Draws, draw, share_within
from andaman.roadmap.model import Measure, Worth
from andaman.roadmap.problem import Plan, Problem, Terms, expected_problem, likely_problem
from andaman.roadmap.robust import Sample, sample
from andaman.roadmap.solve import Solution, hopeless, solve

CHOSEN_ON: Final = 3000
"""Draws on which the plan is chosen."""
CHECKED_ON: Final = 10_000
"""Fresh draws on which it is checked, and whose figures are shown."""
MARGIN: Final = 0.03
"""A plan must keep the budget in so much more of the draws than asked. The best of many plans looks better on the draws it
was chosen on than on others."""
_MARGINS: Final = (MARGIN, 2 * MARGIN, 3 * MARGIN)
_NEWTON: Final = 4


@dataclass(frozen=True, slots=True)
class Task:
    """A portfolio to compute. Draws come from three seeds: ``seed`` to choose, the next to check, the next to show."""

    measures: tuple[Measure, ...]
    values: tuple[Worth, ...]
    remaining: dict[str, float]
    terms: Terms
    seed: int
    time_limit_s: float = 30.0

    def expected(self) -> Problem:
        return expected_problem(self.measures, self.remaining, self.values, self.terms)

    def draws(self, count: int, seed: int, *, common_costs: bool = False) -> Draws:
        return draw(self.measures, self.remaining, self.values, count, seed, common_costs=common_costs)

    def shown(self, *, common_costs: bool = False) -> Draws:
        return self.draws(CHECKED_ON, self.seed + 2, common_costs=common_costs)


@dataclass(frozen=True, slots=True)
class Plans:
    """``recommended``: greatest expected value among the plans that keep the budget often enough. ``nominal``: greatest
    value when every range has its most likely value. ``share``: asked of the draws on which the first was chosen."""

    recommended: Solution
    nominal: Solution
    share: float


def best_plans(task: Task) -> Plans | None:
    """None when no plan keeps the rules in as many draws as asked."""
    problem = task.expected()
    chosen_on, checked_on = task.draws(CHOSEN_ON, task.seed), task.draws(CHECKED_ON, task.seed + 1)
    found, share = None, 0.0
    for margin in _MARGINS:
        share = min(task.terms.within + margin, (1.0 + task.terms.within) / 2.0)
        found = solve_within(problem, chosen_on, share, time_limit_s=task.time_limit_s, prove_s=1.5)
        if found is None or share_within(problem, checked_on, found.plan) >= task.terms.within + MARGIN / 3.0:
            break
    if found is None:
        return None
    nominal = solve(
        likely_problem(task.measures, task.remaining, task.values, task.terms), time_limit_s=task.time_limit_s
    )
    return None if nominal is None else Plans(found, nominal, share)


def samples(task: Task, plans: Sequence[Plan], first: int, count: int) -> list[Sample]:
    """Draws ``first`` to ``first + count`` of those that are shown, solved one by one."""
    draws = task.draws(first + count, task.seed + 2)
    return [sample(draws.problem(n, task.terms), plans) for n in range(first, first + count)]


@dataclass(frozen=True, slots=True)
class Why:
    """Why measure ``m`` is not in the plan. Money in MTHB.

    ``code``: "excluded" (by the request), "tooLong", "tooDear" (a year of building exceeds the limit), "noRoom" (with it
    no plan keeps the budget often enough), "costsMore" (than it brings, at every start) or "betterUse" (of the budget).
    """

    code: str
    a_year: float
    """What a year of building costs, in the mean."""
    loss: float | None = None
    """Expected value that the plan loses with it."""
    pushes_out: tuple[int, ...] = ()
    """What then leaves the plan."""
    break_even: float | None = None
    """Benefit a year, while it works, in addition to the counted one, from which it is in the plan."""


def why_not(task: Task, base: Solution, share: float, m: int) -> Why:
    """Force the measure into the plan and see what happens; then the least added benefit at which that loses nothing.

    The value of the best plan with it, as a function of the added benefit, is convex and rises: Newton's method from
    below meets the value of the best plan without it from above, so the last bound is never too low for a plan found.
    """
    problem, terms = task.expected(), task.terms
    a_year = float(problem.capex[m]) / problem.lead[m]
    if problem.ids[m] in terms.exclude:
        return Why("excluded", a_year)
    if problem.lead[m] > terms.years:
        return Why("tooLong", a_year)
    if m in problem.banned:
        return Why("tooDear", a_year)
    draws = task.draws(CHOSEN_ON, task.seed)
    forced = replace(problem, forced=tuple(sorted({*problem.forced, m})))
    limit = min(task.time_limit_s, 10.0)
    found = solve_within(forced, draws, share, time_limit_s=limit, prove_s=0.0, around=base)
    if found is None:
        return Why("noRoom", a_year)
    out = tuple(k for k, start in enumerate(base.plan) if start >= 0 and found.plan[k] < 0)
    code = "costsMore" if m in hopeless(problem) else "betterUse"
    added, plan = 0.0, found.plan
    for _ in range(_NEWTON):
        years = _years(problem, m, plan)
        if years <= 0.0:
            return Why(code, a_year, max(0.0, base.value - found.value), out)
        before, added = added, max(0.0, (base.value - problem.value(plan)) / years)
        if math.isclose(before, added, rel_tol=1e-3, abs_tol=1e-3):
            break
        opex = forced.opex.copy()
        opex[m] -= added
        again = solve_within(
            replace(forced, opex=opex), draws, share, time_limit_s=limit, prove_s=0.0, around=base
        )
        if (
            again is None
            or problem.value(again.plan) + added * _years(problem, m, again.plan) <= base.value + 1e-6
        ):
            break
        plan = again.plan
    return Why(code, a_year, max(0.0, base.value - found.value), out, added)


def _years(problem: Problem, m: int, plan: Plan) -> float:
    """Discounted years in which the measure works."""
    return float(problem.discounts[plan[m] + problem.lead[m] :].sum())
