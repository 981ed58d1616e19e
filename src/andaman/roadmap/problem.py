"""A portfolio problem in numbers: costs by year, effects, money's worth; and the plain calculation of any plan.

A plan gives each measure a start year from 0, or -1 for "not"; it must be finished within the programme's years. The
calculation here is the reference that the solver (``solve.py``) is checked against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from andaman.roadmap.model import Measure, Worth

Floats = NDArray[np.float64]
Plan = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """The frame of a plan. Budgets in MTHB; ``yearly`` has one entry for each programme year."""

    total: float
    yearly: tuple[float, ...]
    discount: float = 0.05
    horizon: int = 10  # years over which benefits and costs count, from the programme's first year
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    within: float = 0.8  # share of the draws in which a plan stays within its budget, at least

    @property
    def years(self) -> int:
        return len(self.yearly)


@dataclass(frozen=True, slots=True)
class Problem:
    """``pull[m, k]`` = -ln(1 - share); ``worth[k]`` = MTHB a year if nothing of indicator k remained."""

    ids: tuple[str, ...]
    lead: tuple[int, ...]
    capex: Floats
    opex: Floats
    pull: Floats  # (m, k)
    worth: Floats  # (k,)
    indicators: tuple[str, ...]
    requires: tuple[tuple[int, int], ...]  # (measure, prerequisite)
    excludes: tuple[tuple[int, int], ...]  # pairs, each once
    forced: tuple[int, ...]
    banned: tuple[int, ...]
    terms: Terms

    def spending(self, m: int, start: int) -> Floats:
        """MTHB in each year of the horizon when measure m starts in year ``start``."""
        years = np.zeros(self.terms.horizon)
        lead = self.lead[m]
        years[start : min(start + lead, self.terms.horizon)] = self.capex[m] / lead
        years[start + lead :] = self.opex[m]
        return years

    @property
    def discounts(self) -> Floats:
        return (1.0 + self.terms.discount) ** -np.arange(self.terms.horizon, dtype=np.float64)

    def starts(self, m: int) -> range:
        """Years in which measure m may start: its capital must be spent within the programme, not left to others."""
        return range(max(0, self.terms.years - self.lead[m] + 1))

    def _years(self, plan: Plan) -> tuple[Floats, Floats]:
        """(m, horizon) the share of the capital that is spent in each year, and 1 where the measure works."""
        start = np.array(plan)[:, np.newaxis]
        lead = np.array(self.lead)[:, np.newaxis]
        year = np.arange(self.terms.horizon)
        built = (start >= 0) & (start <= year) & (year < start + lead)
        return built / lead, ((start >= 0) & (start + lead <= year)).astype(np.float64)

    def benefits(self, plan: Plan) -> Floats:
        """(horizon, k) MTHB a year by indicator."""
        _, works = self._years(plan)
        gains: Floats = self.worth * -np.expm1(-(works.T @ self.pull))
        return gains

    def costs(self, plan: Plan) -> Floats:
        """(horizon,) MTHB a year."""
        built, works = self._years(plan)
        total: Floats = self.capex @ built + self.opex @ works
        return total

    def value(self, plan: Plan) -> float:
        """Net present value in MTHB."""
        return float(self.discounts @ (self.benefits(plan).sum(axis=1) - self.costs(plan)))

    def broken(self, plan: Plan) -> list[str]:
        """Which rules the plan breaks at the problem's own costs; empty when it may be carried out."""
        found = []
        spent = self.costs(plan)[: self.terms.years]
        for year, (amount, limit) in enumerate(zip(spent, self.terms.yearly, strict=True)):
            if amount > limit + 1e-6:
                found.append(f"year {year + 1} costs {amount:.1f} of {limit:.1f} MTHB")
        if spent.sum() > self.terms.total + 1e-6:
            found.append(f"it costs {spent.sum():.1f} of {self.terms.total:.1f} MTHB")
        return found + self.broken_but_budget(plan)

    def broken_but_budget(self, plan: Plan) -> list[str]:
        """Which rules other than the budget the plan breaks."""
        found = []
        for m, start in enumerate(plan):
            if start + self.lead[m] > self.terms.years and start >= 0:
                found.append(f"{self.ids[m]} would not be finished within the programme")
        for m, first in self.requires:
            if plan[m] >= 0 and not 0 <= plan[first] <= plan[m] - self.lead[first]:
                found.append(f"{self.ids[m]} needs {self.ids[first]} to work before it starts")
        for a, b in self.excludes:
            if plan[a] >= 0 and plan[b] >= 0:
                found.append(f"{self.ids[a]} and {self.ids[b]} exclude one another")
        found += [f"{self.ids[m]} must be in" for m in self.forced if plan[m] < 0]
        found += [f"{self.ids[m]} must be out" for m in self.banned if plan[m] >= 0]
        return found


def problem_of(
    measures: Sequence[Measure],
    remaining: Mapping[str, float],
    unit_worth: Mapping[str, float],
    terms: Terms,
    capex: Sequence[float] | Floats | None = None,
    opex: Sequence[float] | Floats | None = None,
    shares: Sequence[Sequence[float]] | None = None,
) -> Problem:
    """The numbers of a portfolio problem.

    ``remaining``: indicator → units between today's value and the ideal; an indicator without it is not valued.
    ``unit_worth``: MTHB a year and unit. ``capex``, ``opex``, ``shares`` (per measure, per effect): drawn or mean values
    in place of the likely ones. A measure that costs more in a year than any year's budget is banned from the start.
    """
    ids = tuple(measure.id for measure in measures)
    index = {name: m for m, name in enumerate(ids)}
    indicators = tuple(sorted(name for name in remaining if name in unit_worth))
    column = {name: k for k, name in enumerate(indicators)}
    pull = np.zeros((len(ids), len(indicators)))
    for m, measure in enumerate(measures):
        for e, effect in enumerate(measure.effects):
            if effect.indicator in column:
                share = effect.share.likely if shares is None else shares[m][e]
                pull[m, column[effect.indicator]] = -math.log1p(-share)
    likely = [m.capex.likely for m in measures]
    pairs = {
        (min(index[a.id], index[b]), max(index[a.id], index[b]))
        for a in measures
        for b in a.excludes
        if b in index
    }
    return Problem(
        ids,
        tuple(measure.lead_years for measure in measures),
        np.array(likely if capex is None else capex, dtype=np.float64),
        np.array([m.opex.likely for m in measures] if opex is None else opex, dtype=np.float64),
        pull,
        np.array([remaining[name] * unit_worth[name] for name in indicators]),
        indicators,
        tuple((index[a.id], index[b]) for a in measures for b in a.requires if b in index),
        tuple(sorted(pairs)),
        tuple(index[name] for name in terms.include if name in index),
        tuple(
            m
            for m, measure in enumerate(measures)
            if measure.id in terms.exclude
            or (likely if capex is None else capex)[m] / measure.lead_years > max(terms.yearly) + 1e-9
        ),
        terms,
    )


def expected_problem(
    measures: Sequence[Measure], remaining: Mapping[str, float], values: Sequence[Worth], terms: Terms
) -> Problem:
    """The problem with the mean of each range. The value of a plan in it is its *expected* net present value, exactly:
    the ranges are independent, and the mean of a product of independent factors is the product of their means."""
    return problem_of(
        measures,
        remaining,
        {one.indicator: one.mthb_per_unit.mean for one in values},
        terms,
        [m.capex.mean for m in measures],
        [m.opex.mean for m in measures],
        [[e.share.mean for e in m.effects] for m in measures],
    )


def likely_problem(
    measures: Sequence[Measure], remaining: Mapping[str, float], values: Sequence[Worth], terms: Terms
) -> Problem:
    """The problem with the most likely value of each range: the *nominal* one."""
    return problem_of(measures, remaining, {one.indicator: one.mthb_per_unit.likely for one in values}, terms)
