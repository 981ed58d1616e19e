"""The best portfolio by mixed-integer programming (HiGHS through ``scipy.optimize.milp``), to proven optimality.

Benefits are concave in what the chosen measures pull together: ``worth (1 - exp(-S))``. The programme bounds them from
above by tangents; after each solution the tangents at its own points are added, until bound and true value agree
(outer approximation, Duran and Grossmann 1986). With finitely many plans that ends at the exact optimum.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from andaman.roadmap.problem import Floats, Plan, Problem

_FIRST_TANGENTS = 6


@dataclass(frozen=True, slots=True)
class Solution:
    """``proved``: no plan is better by more than ``gap`` MTHB (rounding aside); otherwise time ran out."""

    plan: Plan
    value: float
    bound: float
    proved: bool
    rounds: int
    seconds: float
    quantile: float = 0.5
    """At which all costs were budgeted when the plan was found."""

    @property
    def gap(self) -> float:
        return max(0.0, self.bound - self.value)


class Programme:
    """Variables: x[m, t] binary, then z[cell] the benefit of one indicator in years that see the same measures work.

    Minimizes the negative value. ``cells``: (indicator, a year of the group, sum of the years' discount factors).
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.starts = problem.terms.years
        self.m = len(problem.ids)
        self.n_x = self.m * self.starts
        self.cells = self._cells()
        self.rows: list[tuple[dict[int, float], float, float]] = []  # coefficients, least, greatest
        self._budget: list[tuple[dict[int, float], float, float]] = []
        self._rules()
        self.budget(problem)
        for cell in range(len(self.cells)):
            top = self._pull(*self.cells[cell][:2]).reshape(self.m, self.starts).max(axis=1).sum()
            for s in np.linspace(0.0, top, _FIRST_TANGENTS):
                self.tangent(cell, float(s))

    def _cells(self) -> list[tuple[int, int, float]]:
        p = self.problem
        groups: dict[tuple[int, bytes], tuple[int, float]] = {}
        for k in range(len(p.indicators)):
            for y in range(p.terms.horizon):
                pull = self._pull(k, y)
                if p.worth[k] > 0 and pull.any():
                    first, weight = groups.get((k, pull.tobytes()), (y, 0.0))
                    groups[k, pull.tobytes()] = (first, weight + float(p.discounts[y]))
        return [(k, year, weight) for (k, _), (year, weight) in groups.items()]

    def x(self, m: int, t: int) -> int:
        return m * self.starts + t

    def _pull(self, k: int, y: int) -> Floats:
        """(n_x,) what each x adds to S of indicator k in year y."""
        pull = np.zeros(self.n_x)
        for m in range(self.m):
            if m in self.problem.banned:
                continue
            for t in self.problem.starts(m):
                if t + self.problem.lead[m] <= y:
                    pull[self.x(m, t)] = self.problem.pull[m, k]
        return pull

    def tangent(self, cell: int, s: float) -> None:
        """z ≤ worth (1 - e^-s + e^-s (S - s))."""
        k, y, _ = self.cells[cell]
        worth, slope = float(self.problem.worth[k]), math.exp(-s)
        row = {j: -worth * slope * p for j, p in enumerate(self._pull(k, y)) if p > 0}
        row[self.n_x + cell] = 1.0
        self.rows.append((row, -np.inf, worth * (1.0 - slope - slope * s)))

    def _rules(self) -> None:
        p = self.problem
        for m in range(self.m):
            least = 1.0 if m in p.forced else 0.0
            most = 0.0 if m in p.banned else 1.0
            self.rows.append(({self.x(m, t): 1.0 for t in range(self.starts)}, least, most))
        for m, first in p.requires:
            for t in range(self.starts):
                row = {self.x(m, t): 1.0}
                for s in range(t - p.lead[first] + 1):
                    row[self.x(first, s)] = -1.0
                self.rows.append((row, -np.inf, 0.0))
        for a, b in p.excludes:
            row = {self.x(m, t): 1.0 for m in (a, b) for t in range(self.starts)}
            self.rows.append((row, -np.inf, 1.0))

    def budget(self, costs: Problem) -> None:
        """Keep the limits of the years and the total at the costs of ``costs``."""
        terms = self.problem.terms
        spend = np.array(
            [costs.spending(m, t)[: terms.years] for m in range(self.m) for t in range(self.starts)]
        )
        self._budget = [
            ({j: float(spend[j, year]) for j in range(self.n_x) if spend[j, year]}, -np.inf, limit)
            for year, limit in enumerate(terms.yearly)
        ]
        self._budget.append(({j: float(spend[j].sum()) for j in range(self.n_x)}, -np.inf, terms.total))

    def refine(self, plan: Plan) -> None:
        """Add the tangents at what the plan brings."""
        p = self.problem
        for cell, (k, y, _) in enumerate(self.cells):
            working = [m for m, s in enumerate(plan) if s >= 0 and s + p.lead[m] <= y]
            self.tangent(cell, float(p.pull[working, k].sum()))

    def solve(self, seconds: float, rel_gap: float) -> tuple[Plan | None, float, bool]:
        """Plan (None: there is none), upper bound on the value, and whether HiGHS finished."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        p = self.problem
        n = self.n_x + len(self.cells)
        cost = np.zeros(n)
        for m in range(self.m):
            for t in range(self.starts):
                cost[self.x(m, t)] = float(p.discounts @ p.spending(m, t))
        for cell, (_, _, weight) in enumerate(self.cells):
            cost[self.n_x + cell] = -weight
        data, row_of, col_of = [], [], []
        rows = [*self.rows, *self._budget]
        for r, (row, _, _) in enumerate(rows):
            for j, coefficient in row.items():
                row_of.append(r)
                col_of.append(j)
                data.append(coefficient)
        matrix = csr_array((data, (row_of, col_of)), shape=(len(rows), n))
        least = np.array([low for _, low, _ in rows])
        most = np.array([high for _, _, high in rows])
        upper = np.concatenate([np.zeros(self.n_x), np.full(len(self.cells), np.inf)])
        for m in range(self.m):
            upper[[self.x(m, t) for t in p.starts(m)]] = 1.0
        result = milp(
            cost,
            constraints=LinearConstraint(matrix, least, most),
            bounds=Bounds(np.zeros(n), upper),
            integrality=np.concatenate([np.ones(self.n_x), np.zeros(len(self.cells))]),
            options={"time_limit": max(seconds, 0.05), "mip_rel_gap": rel_gap},
        )
        if result.x is None:
            return None, -np.inf if result.status == 2 else np.inf, result.status == 2
        chosen = result.x[: self.n_x].reshape(self.m, self.starts)
        plan = tuple(int(row.argmax()) if row.max() > 0.5 else -1 for row in chosen)
        dual = getattr(result, "mip_dual_bound", None)
        bound = -float(result.fun if dual is None else dual)
        return plan, bound, result.status == 0


def hopeless(problem: Problem) -> tuple[int, ...]:
    """Measures that can be in no best plan, by proof, and those banned anyway.

    A measure adds most when it stands alone, since benefits are concave. So one that loses money alone at every start,
    and that no measure still in play requires, is better left out.
    """
    discounts = problem.discounts
    alone = []
    for m in range(len(problem.ids)):
        yearly = float(problem.worth @ (1.0 - np.exp(-problem.pull[m])))
        best = max(
            (
                yearly * float(discounts[t + problem.lead[m] :].sum())
                - float(discounts @ problem.spending(m, t))
                for t in problem.starts(m)
            ),
            default=-math.inf,
        )
        alone.append(best)
    out = set(problem.banned)
    while True:
        wanted = {first for m, first in problem.requires if m not in out}
        more = {
            m
            for m, best in enumerate(alone)
            if best < 0 and m not in out | wanted and m not in problem.forced
        }
        if not more:
            return tuple(sorted(out))
        out |= more


def solve(problem: Problem, *, time_limit_s: float = 20.0, tolerance: float = 1e-6) -> Solution | None:
    """The best plan; None when no plan keeps the rules. ``tolerance``: relative gap at which it stops."""
    began = time.perf_counter()
    programme = Programme(replace(problem, banned=hopeless(problem)))
    best: Plan | None = None
    best_value, bound, rounds, proved = -np.inf, np.inf, 0, False
    while True:
        rounds += 1
        left = time_limit_s - (time.perf_counter() - began)
        plan, upper, finished = programme.solve(left, tolerance / 4.0)
        if plan is None:
            if finished and rounds == 1:
                return None
            break
        bound = min(bound, upper)
        value = problem.value(plan)
        if value > best_value and not problem.broken(plan):
            best, best_value = plan, value
        if bound - best_value <= tolerance * max(1.0, abs(best_value)):
            proved = True
            break
        if not finished or time.perf_counter() - began >= time_limit_s:
            break
        programme.refine(plan)
    if best is None:
        best = tuple(-1 for _ in problem.ids)
        best_value = problem.value(best)
        if problem.broken(best):
            return None
    return Solution(best, best_value, max(bound, best_value), proved, rounds, time.perf_counter() - began)
