"""Draws of uncertain numbers: costs, effects and unit values, each from its triangular distribution, independently.

A variation draws all costs at one quantile: the extreme of a common shock, such as the price of steel or a weak baht.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from andaman.roadmap.model import Measure, Triangle, Worth
from andaman.roadmap.problem import Floats, Plan, Problem, Terms, problem_of

NDArrayBool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Draws:
    """``n`` draws. ``effects`` has a column for each effect of each measure, in their order."""

    measures: tuple[Measure, ...]
    values: tuple[Worth, ...]
    remaining: Mapping[str, float]
    capex: Floats  # (n, m) MTHB
    opex: Floats  # (n, m) MTHB a year
    effects: Floats  # (n, e) shares
    worths: Floats  # (n, v) MTHB a year and unit

    def __len__(self) -> int:
        return len(self.capex)

    def __getitem__(self, part: slice) -> Draws:
        return replace(
            self,
            capex=self.capex[part],
            opex=self.opex[part],
            effects=self.effects[part],
            worths=self.worths[part],
        )

    def problem(self, number: int, terms: Terms) -> Problem:
        """The portfolio problem of one draw."""
        shares, at = [], 0
        for measure in self.measures:
            shares.append(self.effects[number, at : at + len(measure.effects)].tolist())
            at += len(measure.effects)
        worth = {one.indicator: float(w) for one, w in zip(self.values, self.worths[number], strict=True)}
        return problem_of(
            self.measures, self.remaining, worth, terms, self.capex[number], self.opex[number], shares
        )


def draw(
    measures: Sequence[Measure],
    remaining: Mapping[str, float],
    values: Sequence[Worth],
    count: int,
    seed: int,
    *,
    common_costs: bool = False,
) -> Draws:
    """``count`` draws. The same seed gives the same draws, and the first of them whatever the count.

    ``common_costs``: within a draw every cost is at the same quantile. Effects and values are those without it.
    """
    effects = [effect.share for measure in measures for effect in measure.effects]
    parts = [
        [m.capex for m in measures],
        [m.opex for m in measures],
        effects,
        [one.mthb_per_unit for one in values],
    ]
    dice = np.random.default_rng(seed)
    uniform = dice.random((count, sum(len(part) for part in parts)))
    if common_costs:
        uniform[:, : 2 * len(measures)] = uniform[:, :1]
    columns, at = [], 0
    for part in parts:
        columns.append(_quantiles(part, uniform[:, at : at + len(part)]))
        at += len(part)
    return Draws(tuple(measures), tuple(values), dict(remaining), *columns)


def _quantiles(ranges: Sequence[Triangle], u: Floats) -> Floats:
    """(n, r) values of the triangular distributions at the quantiles ``u`` (n, r)."""
    low = np.array([one.low for one in ranges])
    likely = np.array([one.likely for one in ranges])
    high = np.array([one.high for one in ranges])
    span = high - low
    rising = low + np.sqrt(u * span * (likely - low))
    falling = high - np.sqrt((1.0 - u) * span * (high - likely))
    found: Floats = np.where(u * span < likely - low, rising, falling)
    return found


@dataclass(frozen=True, slots=True)
class Shares:
    """How a plan's spending in each programme year depends on the measures' costs: ``capex @ of_capex + opex @ of_opex``."""

    of_capex: Floats  # (m, years)
    of_opex: Floats

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Shares:
        years = problem.terms.years
        of_capex, of_opex = np.zeros((len(plan), years)), np.zeros((len(plan), years))
        for m, start in enumerate(plan):
            if start >= 0:
                lead = problem.lead[m]
                of_capex[m, start : start + lead] = 1.0 / lead
                of_opex[m, start + lead :] = 1.0
        return cls(of_capex, of_opex)


def spending(problem: Problem, draws: Draws, plan: Plan) -> Floats:
    """(n, years) MTHB that the plan spends in each programme year of each draw."""
    shares = Shares.of(problem, plan)
    found: Floats = draws.capex @ shares.of_capex + draws.opex @ shares.of_opex
    return found


def over_budget(problem: Problem, draws: Draws, plan: Plan) -> NDArrayBool:
    """(n, years + 1) where the plan exceeds the limit of a year, or in the last column the total."""
    spent = spending(problem, draws, plan)
    limits = np.append(problem.terms.yearly, problem.terms.total) + 1e-6
    found: NDArrayBool = np.column_stack([spent, spent.sum(axis=1)]) > limits
    return found


def share_within(problem: Problem, draws: Draws, plan: Plan) -> float:
    """The share of the draws in which the plan keeps the limit of every year and the total, 0 to 1."""
    return float(1.0 - over_budget(problem, draws, plan).any(axis=1).mean())


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a plan costs and brings in each draw, in MTHB."""

    spent: Floats  # (n, years)
    costs: Floats  # (n,) discounted
    gains: Floats  # (n, k) discounted, by indicator
    removed: Floats  # (n, k) share of what remains that is gone in the last year
    over: NDArrayBool  # (n, years + 1)

    @property
    def values(self) -> Floats:
        """(n,) net present value."""
        found: Floats = self.gains.sum(axis=1) - self.costs
        return found


def outcomes(problem: Problem, draws: Draws, plan: Plan) -> Outcomes:
    """``problem``: any of these measures and terms; its own costs and effects are not used."""
    n, column = len(draws), {name: k for k, name in enumerate(problem.indicators)}
    pull = np.zeros((n, len(plan), len(column)))
    at = 0
    for m, measure in enumerate(draws.measures):
        for effect in measure.effects:
            if effect.indicator in column and plan[m] >= 0:
                pull[:, m, column[effect.indicator]] = -np.log1p(-draws.effects[:, at])
            at += 1
    worth = np.zeros((n, len(column)))
    for v, one in enumerate(draws.values):
        if one.indicator in column:
            worth[:, column[one.indicator]] = draws.worths[:, v] * draws.remaining[one.indicator]
    gains, costs, removed = np.zeros((n, len(column))), np.zeros(n), np.zeros((n, len(column)))
    for year, discount in enumerate(problem.discounts):
        working = [m for m, s in enumerate(plan) if s >= 0 and s + problem.lead[m] <= year]
        removed = 1.0 - np.exp(-pull[:, working].sum(axis=1))
        gains += float(discount) * worth * removed
        building = [m for m, s in enumerate(plan) if s >= 0 and s <= year < s + problem.lead[m]]
        costs += float(discount) * draws.opex[:, working].sum(axis=1)
        for m in building:
            costs += float(discount) / problem.lead[m] * draws.capex[:, m]
    return Outcomes(spending(problem, draws, plan), costs, gains, removed, over_budget(problem, draws, plan))
