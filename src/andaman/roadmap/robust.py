"""Robustness: how often each measure would be chosen if the future were known, and what a plan loses against that.

For each draw of costs, effects and values the best plan of that draw is found, with its costs known beforehand. Regret is
what a plan of ours is worth less than that one in the same draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from andaman.roadmap.problem import Floats, Plan, Problem
from andaman.roadmap.solve import solve

SAMPLE_GAP: Final = 0.005
"""Relative gap at which a draw's search stops: fine enough to find the choice, quick enough for hundreds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One draw. ``regrets``: of each of our plans, MTHB."""

    chosen: tuple[bool, ...]
    regrets: tuple[float, ...]


def sample(problem: Problem, plans: Sequence[Plan], time_limit_s: float = 10.0) -> Sample:
    """Solve the problem of one draw. A draw without any plan counts as "nothing chosen"."""
    solution = solve(problem, time_limit_s=time_limit_s, tolerance=SAMPLE_GAP)
    values = [problem.value(plan) for plan in plans]
    allowed = [value for value, plan in zip(values, plans, strict=True) if not problem.broken(plan)]
    best = max([*allowed, *([] if solution is None else [solution.value])], default=0.0)
    chosen = tuple(start >= 0 for start in solution.plan) if solution else (False,) * len(problem.ids)
    return Sample(chosen, tuple(max(0.0, best - value) for value in values))


@dataclass(slots=True)
class Tally:
    """The draws seen so far. ``plans``: the names of our plans."""

    ids: tuple[str, ...]
    plans: tuple[str, ...]
    asked: int
    seed: int
    samples: list[Sample] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.samples)

    def as_json(self, status: str) -> dict[str, Any]:
        n = max(self.done, 1)
        counts = [sum(one.chosen[m] for one in self.samples) for m in range(len(self.ids))]
        return {
            "status": status,
            "samples": self.done,
            "asked": self.asked,
            "seed": self.seed,
            "sampleGap": SAMPLE_GAP,
            "chosenShare": {name: round(count / n, 3) for name, count in zip(self.ids, counts, strict=True)},
            "regret": {
                name: spread([one.regrets[p] for one in self.samples]) for p, name in enumerate(self.plans)
            },
        }


def spread(values: Sequence[float] | Floats) -> dict[str, float] | None:
    """Mean and the 5th, 50th and 95th percentile; None without values."""
    if len(values) == 0:
        return None
    p5, p50, p95 = np.percentile(values, [5, 50, 95])
    return {
        "mean": round(float(np.mean(values)), 1), "p5": round(float(p5), 1),
        "p50": round(float(p50), 1), "p95": round(float(p95), 1),
    }  # fmt: skip
