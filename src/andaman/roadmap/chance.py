"""The best plan that stays within its budget in a given share of draws: a chance constraint on a sample of the costs.

The net present value of the problem is maximized (for ``expected_problem`` it is the expected one). A plan is *allowed*
when it keeps the rules, and in at least ``share`` of the draws the limit of every year and the total. Three steps:

1. Budget each measure at one quantile of its cost, the same for all, and solve; the quantile is found by bisection.
2. Improve the best allowed plan by changing the start of one or two measures, until none helps.
3. Prove it. A relaxation has every plan that is allowed: a plan within the limit in ``share`` of the draws is so, too, at the
   mean of the lowest ``share`` of each cost. Its solutions that are not allowed are cut off. Costs are not negative, so no
   plan that has the measures which break the budget is allowed (a *cover*). Its value bounds that of all allowed plans.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from andaman.roadmap.draws import Draws, Shares, share_within
from andaman.roadmap.problem import Floats, Plan, Problem
from andaman.roadmap.solve import Programme, Solution, hopeless

_QUANTILE_STEP = 0.03
_ROUNDS = 8
_FEW, _FAR = 300, 0.1
"""A share of 300 draws is 0.1 too low by chance once in ten thousand times at most."""


@dataclass(slots=True)
class _Search:
    """``problem``: has the value to maximize. ``draws``: whose costs must fit."""

    problem: Problem
    draws: Draws
    share: float
    best: Plan | None = None
    value: float = -math.inf
    seen: dict[Plan, bool] = field(default_factory=dict)

    def allows(self, plan: Plan) -> bool:
        found = self.seen.get(plan)
        if found is None:
            found = self.seen[plan] = not self.problem.broken_but_budget(plan) and self._keeps(plan)
        return found

    def _keeps(self, plan: Plan) -> bool:
        if len(self.draws) > 4 * _FEW:  # most plans are far from it, which few draws show
            few = share_within(self.problem, self.draws[:_FEW], plan)
            if few < self.share - _FAR:
                return False
        return share_within(self.problem, self.draws, plan) >= self.share

    def offer(self, plan: Plan) -> bool:
        """Keep it when it is allowed and better; is it?"""
        value = self.problem.value(plan)
        if value <= self.value + 1e-9 or not self.allows(plan):
            return False
        self.best, self.value = plan, value
        return True

    def at_quantiles(self, programme: Programme, low: float, high: float, deadline: float) -> float:
        """Solve with costs at quantiles, by bisection to the least that gives an allowed plan; that quantile."""
        while high - low > _QUANTILE_STEP and time.perf_counter() < deadline:
            middle = (low + high) / 2.0
            costs = (
                np.quantile(self.draws.capex, middle, axis=0),
                np.quantile(self.draws.opex, middle, axis=0),
            )
            programme.budget(replace(self.problem, capex=costs[0], opex=costs[1]))
            plan = self._solved(programme, deadline)
            if plan is not None:
                self.offer(plan)
            if plan is None or self.allows(plan):
                high = middle
            else:
                low = middle
        return high

    def _solved(self, programme: Programme, deadline: float) -> Plan | None:
        plan = None
        for _ in range(_ROUNDS):
            plan, upper, finished = programme.solve(deadline - time.perf_counter(), 5e-4)
            if plan is None or not finished:
                break
            value = self.problem.value(plan)
            if upper - value <= 1e-3 * max(1.0, abs(value)):
                break
            programme.refine(plan)
        return plan

    def improve(self, active: list[int], deadline: float) -> None:
        """Change one or two measures of the best plan while that helps."""
        if self.best is None:
            return
        better = True
        while better and time.perf_counter() < deadline:
            better = sum(self.offer(plan) for plan in self._neighbours(self.best, active)) > 0

    def _neighbours(self, plan: Plan, active: list[int]) -> Iterator[Plan]:
        moves = [(m, s) for m in active for s in (-1, *self.problem.starts(m)) if s != plan[m]]
        for m, start in moves:
            yield (*plan[:m], start, *plan[m + 1 :])
        for (a, s), (b, t) in itertools.combinations(moves, 2):
            if a != b:
                changed = list(plan)
                changed[a], changed[b] = s, t
                yield tuple(changed)

    def _cover(self, plan: Plan) -> tuple[dict[int, int], list[int]]:
        """Measures → starts that exceed the budget in too many draws, and the limits that show it (years, then the total).
        None of the measures can be left out. ``plan`` keeps the rules but is not allowed."""
        limits = np.append(self.problem.terms.yearly, self.problem.terms.total) + 1e-6
        shares = Shares.of(self.problem, plan)
        of_capex, of_opex = (
            np.column_stack([one, one.sum(axis=1)]) for one in (shares.of_capex, shares.of_opex)
        )

        def breaks(members: list[int], rows: list[int]) -> bool:
            spent = self.draws.capex[:, members] @ of_capex[np.ix_(members, rows)]
            spent += self.draws.opex[:, members] @ of_opex[np.ix_(members, rows)]
            return float((spent > limits[rows]).any(axis=1).mean()) > 1.0 - self.share

        members = [m for m, start in enumerate(plan) if start >= 0]
        rows = list(range(len(limits)))
        for row in list(rows):
            rest = [one for one in rows if one != row]
            if rest and breaks(members, rest):
                rows = rest
        for m in sorted(members, key=lambda m: float(self.problem.spending(m, plan[m]).sum())):
            rest = [one for one in members if one != m]
            if breaks(rest, rows):
                members = rest
        return {m: plan[m] for m in members}, rows

    def prove(self, programme: Programme, deadline: float, tolerance: float) -> tuple[float, int]:
        """An upper bound on the value of every allowed plan, and the rounds that it took."""
        kept = math.ceil(self.share * len(self.draws))
        cheap = [np.sort(one, axis=0)[:kept].mean(axis=0) for one in (self.draws.capex, self.draws.opex)]
        programme.budget(replace(self.problem, capex=cheap[0], opex=cheap[1]))
        bound, rounds = math.inf, 0
        while time.perf_counter() < deadline:
            rounds += 1
            plan, upper, finished = programme.solve(deadline - time.perf_counter(), tolerance / 4.0)
            if plan is None:
                return (self.value if finished else bound), rounds
            bound = min(bound, upper)
            if not finished:
                break
            self.offer(plan)
            if bound - self.value <= tolerance * max(1.0, abs(self.value)):
                break
            programme.refine(plan)
            if not self.allows(plan):
                programme.rows.append(self._cut(programme, plan))
        return max(bound, self.value), rounds

    def _cut(self, programme: Programme, plan: Plan) -> tuple[dict[int, float], float, float]:
        """Not all of the cover: at its starts, or at others that spend at least as much where it matters."""
        members, rows = self._cover(plan)
        row: dict[int, float] = {}
        for m, start in members.items():
            least = self._weights(m, start)[:, rows]
            for other in self.problem.starts(m):
                if (self._weights(m, other)[:, rows] >= least - 1e-12).all():
                    row[programme.x(m, other)] = 1.0
        return row, -math.inf, len(members) - 1.0

    def _weights(self, m: int, start: int) -> Floats:
        """(2, years + 1): how the spending of each year, and the total, depends on the capital and the running cost."""
        plan = tuple(start if other == m else -1 for other in range(len(self.problem.ids)))
        shares = Shares.of(self.problem, plan)
        both = np.stack([shares.of_capex[m], shares.of_opex[m]])
        found: Floats = np.column_stack([both, both.sum(axis=1)])
        return found


def solve_within(
    problem: Problem,
    draws: Draws,
    share: float,
    *,
    time_limit_s: float = 20.0,
    prove_s: float = 2.0,
    tolerance: float = 1e-4,
    around: Solution | None = None,
) -> Solution | None:
    """The best plan found that stays within its budget in ``share`` of the draws; None when none was found.

    ``prove_s``: seconds spent on the bound at most. ``proved``: no allowed plan is better by more than ``tolerance``.
    ``around``: of a problem that differs little; the search begins at its quantile. ``share`` is at least a half: below, a cost above the limit could be allowed that ``Problem.banned`` rules out.
    """
    began = time.perf_counter()
    out = hopeless(problem)
    search = _Search(problem, draws, share)
    active = [m for m in range(len(problem.ids)) if m not in out]
    search.offer(tuple(-1 for _ in problem.ids))
    low, high = (0.0, 1.0) if around is None else (around.quantile - 0.06, min(1.0, around.quantile + 0.06))
    quantile = search.at_quantiles(
        Programme(replace(problem, banned=out)), max(0.0, low), high, began + time_limit_s
    )
    if search.best is None and around is not None:
        return solve_within(problem, draws, share, time_limit_s=time_limit_s, prove_s=prove_s)
    search.improve(active, began + time_limit_s)
    bound, rounds = math.inf, 0
    if prove_s > 0:
        bound, rounds = search.prove(
            Programme(replace(problem, banned=out)), time.perf_counter() + prove_s, tolerance
        )
        search.improve(active, time.perf_counter() + prove_s)
    if search.best is None:
        return None
    proved = bound - search.value <= tolerance * max(1.0, abs(search.value))
    return Solution(
        search.best,
        search.value,
        max(bound, search.value),
        proved,
        rounds,
        time.perf_counter() - began,
        quantile,
    )
