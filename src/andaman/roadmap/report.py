"""A portfolio as screens and entities show it: the measures, their times and costs, the benefit, and its certainty.

One criterion throughout: the expected net present value. Money that is "expected" is the mean over the ranges; a spread is
that of the draws which are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from andaman.kernel.words import Words
from andaman.roadmap.draws import Draws, Outcomes, outcomes, over_budget, spending
from andaman.roadmap.inputs import Inputs, source_counts
from andaman.roadmap.jobs import Plans, Task
from andaman.roadmap.model import Worth
from andaman.roadmap.problem import Plan, Problem, likely_problem
from andaman.roadmap.robust import spread
from andaman.roadmap.solve import Solution

RULES: Final = Words(
    "ผลของมาตรการคิดเป็นสัดส่วนของสิ่งที่ยังเหลืออยู่ มาตรการหลายตัวต่อหนึ่งตัวชี้วัดจึงไม่นับซ้ำ "
    "มาตรการเริ่มให้ผลเมื่อพ้นระยะเตรียมการ เงินลงทุนจ่ายเท่ากันทุกปีในช่วงเตรียมการ ค่าดำเนินการจ่ายหลังจากนั้น "
    "การลงทุนต้องแล้วเสร็จภายในแผนห้าปี และมาตรการที่ต้องทำก่อนต้องใช้งานได้แล้ว "
    "ตัวชี้วัดที่ยังไม่มีค่า หรือมีเพียงค่าจากข้อมูลจำลองหรือข้อมูลย้อนหลัง ไม่นับประโยชน์",
    "Effects are shares of what remains, so that measures on one indicator never add up to more than all of it. "
    "A measure works after its lead time; its capital is spent evenly before, its running cost afterwards, "
    "and it must be finished within the programme. "
    "Prerequisites must work before a measure starts. "
    "An indicator without a value, or with one of simulated or replayed data only, brings no benefit.",
)
CRITERION: Final = Words(
    "แผนแนะนำมีมูลค่าปัจจุบันสุทธิคาดหมายสูงสุด ในบรรดาแผนซึ่งพบว่าอยู่ในวงเงินทั้งรายปีและรวมห้าปี อย่างน้อยร้อยละ {share} ของกรณีสุ่ม "
    "โดยสุ่มต้นทุนแต่ละรายการเป็นอิสระต่อกัน",
    "The recommended plan has the greatest expected net present value of the plans found that keep the budget. "
    "Each stays within the limit of every year and the total in at least {share}% of draws. "
    "These draws vary each cost independently of the others.",
)


_ALONE_ON: Final = 2000
"""Draws for the spread of a measure on its own."""


def standalone(task: Task) -> list[dict[str, Any]]:
    """Cost-benefit figures of each measure alone, started in the first year (prerequisites not charged)."""
    problem, draws = task.expected(), task.draws(_ALONE_ON, task.seed + 2)
    rows = []
    for m, measure in enumerate(task.measures):
        plan = tuple(0 if other == m else -1 for other in range(len(task.measures)))
        cost = float(problem.discounts @ problem.costs(plan))
        gain = float(problem.discounts @ problem.benefits(plan).sum(axis=1))
        net = np.cumsum(problem.discounts * (problem.benefits(plan).sum(axis=1) - problem.costs(plan)))
        paid = np.flatnonzero(net >= 0)
        rows.append(
            {
                "id": measure.id,
                "costMthb": round(cost, 1),
                "benefitMthb": round(gain, 1),
                "netPresentValueMthb": round(gain - cost, 1),
                "netPresentValue": spread(outcomes(problem, draws, plan).values),
                "paybackYears": int(paid[0]) + 1 if len(paid) and gain > 0 else None,
            }
        )
    return rows


def portfolio(task: Task, inputs: Inputs, plans: Plans, first_year: int) -> dict[str, Any]:
    """The recommended plan, and with the same members the nominal one as ``alternative``. ``first_year``: fiscal year."""
    problem, terms, nominal = task.expected(), task.terms, plans.nominal
    draws, together = task.shown(), task.shown(common_costs=True)
    return {
        "terms": {
            "firstYear": first_year,
            "totalMthb": terms.total,
            "yearlyMthb": list(terms.yearly),
            "discountRate": terms.discount,
            "horizonYears": terms.horizon,
            "include": list(terms.include),
            "exclude": list(terms.exclude),
            "withinBudgetShare": terms.within,
        },
        "criterion": CRITERION.fill({"share": round(100 * terms.within)}).json(),
        **_plan(problem, draws, together, inputs, plans.recommended, first_year),
        "solver": _solver(plans.recommended, "HiGHS (scipy.optimize.milp), sample average with cover cuts"),
        "chosenOnShare": round(plans.share, 3),
        "alternative": {
            **_plan(problem, draws, together, inputs, nominal, first_year),
            "solver": _solver(nominal, "HiGHS (scipy.optimize.milp), outer approximation"),
            "likelyNetPresentValueMthb": round(
                likely_problem(inputs.measures, task.remaining, inputs.values, terms).value(nominal.plan), 1
            ),
        },
        "alone": standalone(task),
        "values": _values(problem, inputs, plans.recommended.plan),
        "sources": source_counts(inputs.measures, inputs.values),
        "unmeasured": {
            measure.id: [{"id": name, "name": inputs.name_of(name)} for name in names]
            for measure in inputs.measures
            if (names := inputs.unmeasured(measure))
        },
        "contested": [{"id": name, "name": inputs.name_of(name)} for name in inputs.contested],
        "rules": RULES.json(),
    }


def _solver(solution: Solution, name: str) -> dict[str, Any]:
    """``gapMthb``: no allowed plan is better by more; None while no bound is known."""
    return {
        "name": name,
        "proved": solution.proved,
        "gapMthb": round(solution.gap, 1) if np.isfinite(solution.gap) else None,
        "rounds": solution.rounds,
        "seconds": round(solution.seconds, 2),
    }


def _plan(
    problem: Problem,
    draws: Draws,
    together: Draws,
    inputs: Inputs,
    solution: Solution,
    first_year: int,
) -> dict[str, Any]:
    """``together``: draws in which all costs move together."""
    plan, terms, measures = solution.plan, problem.terms, inputs.measures
    value = problem.value(plan)
    costs, gains = problem.costs(plan), problem.benefits(plan)
    drawn = outcomes(problem, draws, plan)
    chosen: list[dict[str, Any]] = []
    for m, start in enumerate(plan):
        if start < 0:
            continue
        gone = _with_dependants(problem, m)
        without = tuple(-1 if other in gone else s for other, s in enumerate(plan))
        spending = problem.spending(m, start)
        chosen.append(
            {
                "id": measures[m].id,
                "name": measures[m].name,
                "agency": measures[m].agency,
                "domain": measures[m].domain,
                "startYear": first_year + start,
                "worksFrom": first_year + start + problem.lead[m],
                "costInProgrammeMthb": round(float(spending[: terms.years].sum()), 1),
                "costByYearMthb": [round(float(x), 1) for x in spending[: terms.years]],
                "addsMthb": round(value - problem.value(without), 1),
                "requires": list(measures[m].requires),
                "competencies": list(measures[m].competencies),
                "indicators": [effect.indicator for effect in measures[m].effects],
            }
        )
    chosen.sort(key=lambda one: (one["startYear"], one["id"]))
    discounted_cost = float(problem.discounts @ costs)
    return {
        "chosen": chosen,
        "years": [
            {
                "year": first_year + y,
                "spendingMthb": round(float(costs[y]), 1),
                "spending": spread(drawn.spent[:, y]) if y < terms.years else None,
                "limitMthb": terms.yearly[y] if y < terms.years else None,
                "overBudgetShare": round(float(drawn.over[:, y].mean()), 3) if y < terms.years else None,
                "benefitMthb": round(float(gains[y].sum()), 1),
            }
            for y in range(terms.horizon)
        ],
        "totals": {
            "spendingInProgrammeMthb": round(float(costs[: terms.years].sum()), 1),
            "costMthb": round(discounted_cost, 1),
            "benefitMthb": round(value + discounted_cost, 1),
            "netPresentValueMthb": round(value, 1),
        },
        "draws": {**_drawn(drawn), "common": _spent(problem, together, plan)},
        "effects": _effects(problem, inputs.values, inputs.rows, gains, drawn),
        "competencies": sorted({name for one in chosen for name in one["competencies"]}),
    }


def _drawn(drawn: Outcomes) -> dict[str, Any]:
    benefits = drawn.gains.sum(axis=1)
    paid = drawn.costs > 0
    return {
        "count": len(drawn.costs),
        "overBudgetShare": round(float(drawn.over.any(axis=1).mean()), 3),
        "overTotalShare": round(float(drawn.over[:, -1].mean()), 3),
        "lossShare": round(float((drawn.values < 0).mean()), 3),
        "netPresentValue": spread(drawn.values),
        "spendingInProgramme": spread(drawn.spent.sum(axis=1)),
        "costs": spread(drawn.costs),
        "benefits": spread(benefits),
        "benefitCostRatio": spread(benefits[paid] / drawn.costs[paid]),
    }


def _spent(problem: Problem, draws: Draws, plan: Plan) -> dict[str, Any]:
    """What the plan spends, and how often too much. Benefits do not depend on how costs move."""
    over = over_budget(problem, draws, plan)
    return {
        "overBudgetShare": round(float(over.any(axis=1).mean()), 3),
        "overTotalShare": round(float(over[:, -1].mean()), 3),
        "spendingInProgramme": spread(spending(problem, draws, plan).sum(axis=1)),
    }


def _values(problem: Problem, inputs: Inputs, plan: Plan) -> list[dict[str, Any]]:
    """What one unit of each indicator is worth, and the share of the plan's expected benefit that comes from it."""
    gains = problem.discounts @ problem.benefits(plan)
    total = float(gains.sum())
    share = {
        name: float(gain) / total if total > 0 else 0.0
        for name, gain in zip(problem.indicators, gains, strict=True)
    }
    return [
        {
            **worth.as_json(),
            "name": inputs.name_of(worth.indicator),
            "unit": inputs.rows[worth.indicator]["unit"] if worth.indicator in inputs.rows else None,
            "remaining": inputs.remaining.get(worth.indicator),
            "benefitShare": round(share[worth.indicator], 3) if worth.indicator in share else None,
        }
        for worth in inputs.values
    ]


def _with_dependants(problem: Problem, m: int) -> set[int]:
    """The measure and all that cannot stand without it."""
    gone = {m}
    while more := {a for a, first in problem.requires if first in gone and a not in gone}:
        gone |= more
    return gone


def _effects(
    problem: Problem,
    values: Sequence[Worth],
    rows: Mapping[str, Mapping[str, Any]],
    gains: Any,
    drawn: Outcomes,
) -> list[dict[str, Any]]:
    """Per indicator: today, at the end of the horizon (expected, and 5th to 95th percentile), and the discounted benefit."""
    ideal = {worth.indicator: worth.ideal for worth in values}
    found: list[dict[str, Any]] = []
    for k, name in enumerate(problem.indicators):
        last = float(gains[-1, k])
        if last <= 0:
            continue
        row = rows[name]
        before = float(row["value"])

        def after(removed: float, name: str = name, before: float = before, row: Any = row) -> float:
            return round(before + (ideal[name] - before) * removed, int(row["digits"]))

        ends = sorted(after(float(one)) for one in np.percentile(drawn.removed[:, k], [5, 95]))
        found.append(
            {
                "indicator": name,
                "name": row["name"],
                "unit": row["unit"],
                "before": before,
                "after": after(last / float(problem.worth[k])),
                "afterLow": ends[0],
                "afterHigh": ends[1],
                "target": None if row["target"] is None else row["target"]["value"],
                "targetKind": None if row["target"] is None else row["target"].get("kind"),
                "targetYear": None if row["target"] is None else row["target"].get("year"),
                "benefitMthb": round(float(problem.discounts @ gains[:, k]), 1),
            }
        )
    found.sort(key=lambda one: -float(one["benefitMthb"]))
    return found
