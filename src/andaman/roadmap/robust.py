"""Robustness: how often each measure is chosen, and what the base plan loses, when costs, effects and values vary.

Each sample draws every cost, effect and unit value from its triangular distribution (independently, seeded); the best
plan of the sample is found, and the base plan is priced in the same sample. Regret is the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from andaman.roadmap.model import Measure, Worth
from andaman.roadmap.problem import Floats, Plan, Problem, Terms, problem_of
from andaman.roadmap.solve import solve

SAMPLE_GAP = 0.005
"""Relative gap at which a sample's search stops: fine enough to find the choice, quick enough for hundreds."""


@dataclass(slots=True)
class Tally:
    """The samples seen so far; ``done`` samples out of ``asked``."""

    ids: tuple[str, ...]
    asked: int
    seed: int
    done: int = 0
    chosen: list[int] = field(default_factory=list)
    base_values: list[float] = field(default_factory=list)
    base_costs: list[float] = field(default_factory=list)
    base_benefits: list[float] = field(default_factory=list)
    regrets: list[float] = field(default_factory=list)
    over_budget: int = 0

    def __post_init__(self) -> None:
        self.chosen = self.chosen or [0] * len(self.ids)

    def as_json(self, status: str) -> dict[str, Any]:
        n = max(self.done, 1)
        return {
            "status": status,
            "samples": self.done,
            "asked": self.asked,
            "seed": self.seed,
            "sampleGap": SAMPLE_GAP,
            "chosenShare": {
                name: round(count / n, 3) for name, count in zip(self.ids, self.chosen, strict=True)
            },
            "netPresentValue": spread(self.base_values),
            "benefits": spread(self.base_benefits),
            "costs": spread(self.base_costs),
            "regret": spread(self.regrets),
            "overBudgetShare": round(self.over_budget / n, 3),
            "lossShare": round(sum(v < 0 for v in self.base_values) / n, 3),
        }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Mean and the 5th, 50th and 95th percentile, in MTHB."""
    if not values:
        return None
    p5, p50, p95 = np.percentile(values, [5, 50, 95])
    return {
        "mean": round(float(np.mean(values)), 1), "p5": round(float(p5), 1),
        "p50": round(float(p50), 1), "p95": round(float(p95), 1),
    }  # fmt: skip


def sampled(
    measures: Sequence[Measure],
    remaining: Mapping[str, float],
    values: Sequence[Worth],
    terms: Terms,
    count: int,
    seed: int,
) -> Iterator[Problem]:
    """``count`` problems with sampled costs, effects and unit values; the same seed gives the same problems."""
    for number in range(count):
        dice = np.random.default_rng(
            (seed, number)
        )  # each sample its own stream: order and count do not matter

        def draws(size: int, dice: np.random.Generator = dice) -> Floats:
            return np.asarray(dice.random(size), dtype=np.float64)

        capex = [m.capex.at(u) for m, u in zip(measures, draws(len(measures)), strict=True)]
        opex = [m.opex.at(u) for m, u in zip(measures, draws(len(measures)), strict=True)]
        shares = [
            [e.share.at(float(u)) for e, u in zip(m.effects, draws(len(m.effects)), strict=True)]
            for m in measures
        ]
        worth = {w.indicator: w.mthb_per_unit.at(u) for w, u in zip(values, draws(len(values)), strict=True)}
        yield problem_of(measures, remaining, worth, terms, capex, opex, shares)


def add_sample(tally: Tally, problem: Problem, base: Plan, time_limit_s: float = 10.0) -> None:
    """Solve one sampled problem and add it to the tally; a sample without any plan counts as "nothing chosen"."""
    solution = solve(problem, time_limit_s=time_limit_s, tolerance=SAMPLE_GAP)
    base_value = problem.value(base)
    best = base_value
    if solution is not None:
        best = max(solution.value, 0.0 if problem.broken(base) else base_value)
        for m, start in enumerate(solution.plan):
            tally.chosen[m] += start >= 0
    tally.done += 1
    tally.base_values.append(base_value)
    tally.base_costs.append(float(problem.discounts @ problem.costs(base)))
    tally.base_benefits.append(float(problem.discounts @ problem.benefits(base).sum(axis=1)))
    broken = [text for text in problem.broken(base) if " costs " in text]
    tally.over_budget += bool(broken)
    tally.regrets.append(max(0.0, best - base_value))
