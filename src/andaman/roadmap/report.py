"""A portfolio as screens and entities show it: the measures, their times and costs, the benefit, and its certainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from andaman.roadmap.model import Measure, Worth
from andaman.roadmap.problem import Problem
from andaman.roadmap.solve import Solution

RULES = {
    "en": "Effects are shares of what remains, so that measures on one indicator never add up to more than all of it. "
    "A measure works after its lead time; its capital is spent evenly before, its running cost afterwards, "
    "and it must be finished within the programme. "
    "Prerequisites must work before a measure starts. Benefits of indicators without a value today are not counted.",
    "th": "ผลของมาตรการคิดเป็นสัดส่วนของสิ่งที่ยังเหลืออยู่ มาตรการหลายตัวต่อหนึ่งตัวชี้วัดจึงไม่นับซ้ำ "
    "มาตรการเริ่มให้ผลเมื่อพ้นระยะเตรียมการ เงินลงทุนจ่ายเท่ากันในช่วงเตรียมการ ค่าดำเนินการจ่ายหลังจากนั้น และต้องแล้วเสร็จภายในแผนห้าปี "
    "มาตรการที่ต้องทำก่อนต้องใช้งานได้แล้ว ตัวชี้วัดที่ยังไม่มีข้อมูลไม่นับผลประโยชน์",
}


def standalone(problem: Problem, measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """Cost-benefit figures of each measure alone, started in the first year (prerequisites not charged)."""
    rows = []
    for m, measure in enumerate(measures):
        plan = tuple(0 if other == m else -1 for other in range(len(measures)))
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
                "benefitCostRatio": round(gain / cost, 2) if cost > 0 else None,
                "paybackYears": int(paid[0]) + 1 if len(paid) and gain > 0 else None,
            }
        )
    return rows


def portfolio(
    problem: Problem,
    measures: Sequence[Measure],
    values: Sequence[Worth],
    rows: Mapping[str, Mapping[str, Any]],
    solution: Solution,
    first_year: int,
) -> dict[str, Any]:
    """``rows``: indicator results by id; ``first_year``: calendar year (CE) of programme year 1."""
    plan, terms = solution.plan, problem.terms
    costs, gains = problem.costs(plan), problem.benefits(plan)
    discounted_cost = float(problem.discounts @ costs)
    discounted_gain = float(problem.discounts @ gains.sum(axis=1))
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
                "addsMthb": round(solution.value - problem.value(without), 1),
                "requires": list(measures[m].requires),
                "competencies": list(measures[m].competencies),
                "indicators": [effect.indicator for effect in measures[m].effects],
            }
        )
    chosen.sort(key=lambda one: (one["startYear"], one["id"]))
    spent = costs[: terms.years]
    return {
        "terms": {
            "firstYear": first_year,
            "totalMthb": terms.total,
            "yearlyMthb": list(terms.yearly),
            "discountRate": terms.discount,
            "horizonYears": terms.horizon,
            "include": list(terms.include),
            "exclude": list(terms.exclude),
        },
        "solver": {
            "name": "HiGHS (scipy.optimize.milp), outer approximation",
            "proved": solution.proved,
            "gapMthb": round(solution.gap, 4),
            "rounds": solution.rounds,
            "seconds": round(solution.seconds, 2),
        },
        "chosen": chosen,
        "notChosen": [measures[m].id for m, start in enumerate(plan) if start < 0],
        "years": [
            {
                "year": first_year + y,
                "spendingMthb": round(float(costs[y]), 1),
                "limitMthb": terms.yearly[y] if y < terms.years else None,
                "benefitMthb": round(float(gains[y].sum()), 1),
            }
            for y in range(terms.horizon)
        ],
        "totals": {
            "spendingInProgrammeMthb": round(float(spent.sum()), 1),
            "costMthb": round(discounted_cost, 1),
            "benefitMthb": round(discounted_gain, 1),
            "netPresentValueMthb": round(discounted_gain - discounted_cost, 1),
            "benefitCostRatio": round(discounted_gain / discounted_cost, 2) if discounted_cost > 0 else None,
        },
        "effects": _effects(problem, values, rows, gains),
        "competencies": sorted({name for one in chosen for name in one["competencies"]}),
        "rules": RULES,
    }


def _with_dependants(problem: Problem, m: int) -> set[int]:
    """The measure and all that cannot stand without it."""
    gone = {m}
    while more := {a for a, first in problem.requires if first in gone and a not in gone}:
        gone |= more
    return gone


def _effects(
    problem: Problem, values: Sequence[Worth], rows: Mapping[str, Mapping[str, Any]], gains: Any
) -> list[dict[str, Any]]:
    """Per indicator: today, at the end of the horizon, and the discounted benefit."""
    ideal = {worth.indicator: worth.ideal for worth in values}
    found: list[dict[str, Any]] = []
    for k, name in enumerate(problem.indicators):
        last = float(gains[-1, k])
        if last <= 0:
            continue
        row = rows[name]
        removed = last / float(problem.worth[k])
        before = float(row["value"])
        found.append(
            {
                "indicator": name,
                "name": row["name"],
                "unit": row["unit"],
                "before": before,
                "after": round(before + (ideal[name] - before) * removed, row["digits"]),
                "target": None if row["target"] is None else row["target"]["value"],
                "benefitMthb": round(float(problem.discounts @ gains[:, k]), 1),
            }
        )
    found.sort(key=lambda one: -float(one["benefitMthb"]))
    return found
