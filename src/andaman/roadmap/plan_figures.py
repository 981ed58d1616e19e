"""The figures of a stored plan by name: title, value, unit and formula, read from the result that the page shows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from andaman.evidence.model import Value
from andaman.evidence.problems import NoSuchFigure
from andaman.kernel.time import BUDDHIST_ERA
from andaman.kernel.words import Words

MTHB: Final = Words("ล้านบาท", "THB M")
SHARE: Final = Words("สัดส่วน (0 ถึง 1)", "share (0 to 1)")
NPV: Final = Words(
    "ผลรวมของ (ประโยชน์ − ต้นทุน) ของแต่ละปี × ตัวคูณคิดลด",
    "sum over the years of (benefit − cost) × discount factor",
)
_OVER: Final = Words(
    "กรณีสุ่มที่ใช้จ่ายเกินวงเงินของปีใดปีหนึ่งหรือวงเงินรวม ÷ กรณีสุ่มทั้งหมด",
    "draws that spend more than the limit of a year, or than the total ÷ all draws",
)
_SUM: Final = Words(
    "ผลรวมเงินลงทุนและค่าดำเนินการในปีของแผน", "sum of capital and running cost in the years of the plan"
)


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a figure counts. ``years``: all of the plan's, all in which benefits count, or the one it is about; "": none."""

    costs: bool
    benefits: bool
    years: Literal["", "programme", "horizon", "year"]


_SPENT: Final = MadeOf(costs=True, benefits=False, years="programme")
_SPENT_IN_YEAR: Final = MadeOf(costs=True, benefits=False, years="year")
_COSTS: Final = MadeOf(costs=True, benefits=False, years="horizon")
_BENEFITS: Final = MadeOf(costs=False, benefits=True, years="horizon")
_WORTH: Final = MadeOf(costs=True, benefits=True, years="horizon")
_STATED: Final = MadeOf(costs=False, benefits=False, years="")


@dataclass(frozen=True, slots=True)
class PlanFigure:
    """``about``: the measure, year or indicator that it is about; "" for the plan itself."""

    title: Words
    value: Value
    unit: Words | None
    formula: Words
    made_of: MadeOf
    about: str = ""
    costs_together: bool = False
    """Is it read from draws in which all costs move together?"""


Reader = Callable[[Mapping[str, Any]], Value]


def _spread(name: str, *, common: bool = False) -> Reader:
    """``common``: of the draws in which all costs move together."""

    def read(plan: Mapping[str, Any]) -> Value:
        found = plan["draws"]["common"][name] if common else plan["draws"][name]
        return None if found is None else f"{found['p5']:,g} – {found['p95']:,g}"

    return read


_WHOLE: Final[dict[str, tuple[Words, Words | None, Words, MadeOf, Reader]]] = {
    "netPresentValue": (
        Words("มูลค่าปัจจุบันสุทธิ 9 ใน 10 กรณีสุ่ม", "Net present value in 9 of 10 draws"),
        MTHB,
        NPV,
        _WORTH,
        _spread("netPresentValue"),
    ),
    "expectedNetPresentValue": (
        Words("มูลค่าปัจจุบันสุทธิคาดหมาย", "Expected net present value"),
        MTHB,
        NPV,
        _WORTH,
        lambda plan: plan["totals"]["netPresentValueMthb"],
    ),
    "overBudgetShare": (
        Words("โอกาสเกินวงเงิน เมื่อต้นทุนเป็นอิสระต่อกัน", "Share of draws over budget, costs independent"),
        SHARE,
        _OVER,
        _SPENT,
        lambda plan: plan["draws"]["overBudgetShare"],
    ),
    "overBudgetShareCommon": (
        Words("โอกาสเกินวงเงิน หากต้นทุนสูงหรือต่ำพร้อมกัน", "Share of draws over budget if all costs move together"),
        SHARE,
        _OVER,
        _SPENT,
        lambda plan: plan["draws"]["common"]["overBudgetShare"],
    ),
    "lossShare": (
        Words("โอกาสขาดทุน", "Share of draws with a loss"),
        SHARE,
        Words("กรณีสุ่มที่มูลค่าปัจจุบันสุทธิติดลบ ÷ กรณีสุ่มทั้งหมด", "draws with a negative net present value ÷ all draws"),
        _WORTH,
        lambda plan: plan["draws"]["lossShare"],
    ),
    "spendingInProgramme": (
        Words("ใช้จ่ายในแผน 9 ใน 10 กรณีสุ่ม", "Spending within the plan in 9 of 10 draws"),
        MTHB,
        _SUM,
        _SPENT,
        _spread("spendingInProgramme"),
    ),
    "spendingInProgrammeCommon": (
        Words(
            "ใช้จ่ายในห้าปี 9 ใน 10 กรณีสุ่ม หากต้นทุนสูงหรือต่ำพร้อมกัน",
            "Spending in five years in 9 of 10 draws if all costs move together",
        ),
        MTHB,
        _SUM,
        _SPENT,
        _spread("spendingInProgramme", common=True),
    ),
    "costs": (
        Words("ต้นทุนทั้งหมด มูลค่าปัจจุบัน 9 ใน 10 กรณีสุ่ม", "Total cost, present value, in 9 of 10 draws"),
        MTHB,
        Words("ผลรวมของต้นทุนแต่ละปี × ตัวคูณคิดลด", "sum over the years of cost × discount factor"),
        _COSTS,
        _spread("costs"),
    ),
    "benefits": (
        Words("ผลประโยชน์ มูลค่าปัจจุบัน 9 ใน 10 กรณีสุ่ม", "Benefit, present value, in 9 of 10 draws"),
        MTHB,
        Words(
            "ผลรวมของส่วนที่ตัวชี้วัดดีขึ้น × มูลค่าต่อหน่วย × ตัวคูณคิดลด",
            "sum of what indicators improve by × unit value × discount factor",
        ),
        _BENEFITS,
        _spread("benefits"),
    ),
    "benefitCostRatio": (
        Words("ผลประโยชน์ต่อต้นทุน 9 ใน 10 กรณีสุ่ม", "Benefit–cost ratio in 9 of 10 draws"),
        None,
        Words("ผลประโยชน์ ÷ ต้นทุน ของกรณีสุ่มเดียวกัน", "benefit ÷ cost of the same draw"),
        _WORTH,
        _spread("benefitCostRatio"),
    ),
    "measureCount": (
        Words("จำนวนมาตรการในแผน", "Number of measures in the plan"),
        None,
        Words("นับมาตรการในแผน", "count of the measures in the plan"),
        _STATED,
        lambda plan: len(plan["chosen"]),
    ),
}


def figure_of(
    result: Mapping[str, Any], plan: Mapping[str, Any], name: str, what: str, argument: str
) -> PlanFigure:
    """``name``: of the plan within the result. Raises NoSuchFigure."""
    if not argument and what in _WHOLE:
        title, unit, formula, made_of, read = _WHOLE[what]
        return PlanFigure(title, read(plan), unit, formula, made_of, costs_together=what.endswith("Common"))
    robustness = result["robustness"]
    if what == "regret":
        spread = robustness["regret"].get(name)
        return PlanFigure(
            Words("มูลค่าที่เสียไปเทียบกับการรู้ล่วงหน้า 9 ใน 10 กรณีสุ่ม", "Regret against perfect foresight in 9 of 10 draws"),
            None if spread is None else f"{spread['p5']:,g} – {spread['p95']:,g}",
            MTHB,
            Words("มูลค่าของแผนซึ่งดีที่สุดของกรณีสุ่ม − มูลค่าของแผนนี้ในกรณีเดียวกัน", "value of the best plan of the draw − value of this plan in the same draw"),
            _WORTH,
        )  # fmt: skip
    if what == "lifeShare":
        return PlanFigure(
            Words("สัดส่วนผลประโยชน์ที่มาจากมูลค่าชีวิต", "Share of the benefit that rests on the value of a life"),
            round(sum(row["benefitShare"] or 0.0 for row in result["values"] if row["lifeMthb"]), 3),
            SHARE,
            Words("ผลประโยชน์คาดหมายของตัวชี้วัดการเสียชีวิต ÷ ผลประโยชน์คาดหมายทั้งหมด", "expected benefit of indicators of deaths ÷ all expected benefit"),
            _BENEFITS,
        )  # fmt: skip
    for rows, column, figures in (
        (plan["chosen"], "id", _OF_CHOSEN),
        (plan["years"], "year", _OF_YEAR),
        (plan["effects"], "indicator", _OF_EFFECT),
        (result["values"], "indicator", _OF_VALUE),
        (result["notChosen"], "id", _OF_REASON),
    ):
        row = next((one for one in rows if str(one[column]) == argument), None)
        if row is not None and what in figures:
            title, member, unit, formula, made_of = figures[what]
            said = row.get("name") or _fiscal_years(int(argument), int(argument)).json()
            value = row[member]
            if isinstance(value, Mapping):
                value = Words(value["th"], value["en"])
            full = Words(f"{title.th}: {said['th']}", f"{title.en}: {said['en']}")
            return PlanFigure(full, value, unit, formula, made_of, argument)
    if what == "chosen" and argument in robustness["chosenShare"]:
        names = names_of(result).get(argument, {"th": "", "en": ""})
        return PlanFigure(
            Words(f"ถูกเลือกเมื่อรู้ล่วงหน้า: {names['th']}", f"Chosen with foresight: {names['en']}"),
            robustness["chosenShare"][argument],
            SHARE,
            Words("กรณีสุ่มที่แผนซึ่งดีที่สุดมีมาตรการนี้ ÷ กรณีสุ่มที่คำนวณ", "draws whose best plan has the measure ÷ draws computed"),
            _WORTH,
            argument,
        )  # fmt: skip
    raise NoSuchFigure


_Rows = dict[str, tuple[Words, str, Words | None, Words, MadeOf]]
_EXPECTED_COST: Final = Words(
    "เงินลงทุนเฉลี่ยต่อปีในช่วงเตรียมการ และค่าดำเนินการหลังจากนั้น ตามค่าเฉลี่ยของช่วง",
    "capital spread over the lead years, then running cost, at the mean of each range",
)
_FORCED: Final = Words(
    "บังคับให้มาตรการอยู่ในแผนแล้วคำนวณแผนซึ่งดีที่สุดใหม่", "the best plan again with the measure forced into it"
)
_OF_CHOSEN: Final[_Rows] = {
    "spent": (
        Words("ใช้จ่ายในห้าปี", "Spending in five years"),
        "costInProgrammeMthb",
        MTHB,
        _EXPECTED_COST,
        _SPENT,
    ),
    "adds": (
        Words("มูลค่าที่แผนเสียไปหากไม่มีมาตรการนี้", "The plan loses without it"),
        "addsMthb",
        MTHB,
        Words(
            "มูลค่าคาดหมายของแผน − มูลค่าเมื่อไม่มีมาตรการนี้และมาตรการที่ต้องพึ่ง",
            "expected value of the plan − its value without the measure and those that need it",
        ),
        _WORTH,
    ),
    "start": (
        Words("ปีงบประมาณที่เริ่ม", "Fiscal year of start"),
        "startYear",
        None,
        Words("ปีที่ทำให้มูลค่าแผนสูงสุด", "the year that makes the plan's value greatest"),
        _WORTH,
    ),
    "works": (
        Words("ปีงบประมาณที่เริ่มให้ผล", "Fiscal year from which it works"),
        "worksFrom",
        None,
        Words("ปีที่เริ่ม + ปีที่ใช้เตรียมการ", "year of start + years of preparation"),
        _STATED,
    ),
}
_OF_YEAR: Final[_Rows] = {
    "spending": (Words("ใช้จ่ายในปี", "Spending in a year"), "spendingMthb", MTHB, _EXPECTED_COST, _SPENT_IN_YEAR),
    "overBudgetShare": (
        Words("โอกาสเกินวงเงินของปี", "Share of draws over the limit of the year"),
        "overBudgetShare",
        SHARE,
        Words("กรณีสุ่มที่ใช้จ่ายเกินวงเงินของปี ÷ กรณีสุ่มทั้งหมด", "draws that spend more than the limit of the year ÷ all draws"),
        _SPENT_IN_YEAR,
    ),
}  # fmt: skip
_OF_EFFECT: Final[_Rows] = {
    "before": (
        Words("ค่าปัจจุบัน", "Value today"),
        "before",
        None,
        Words("ค่าตัวชี้วัดจากการประเมิน", "the indicator of the assessment"),
        _STATED,
    ),
    "after": (
        Words("ค่าคาดหมายหลังดำเนินการ", "Expected value after"),
        "after",
        None,
        Words(
            "ค่าปัจจุบัน + (ค่าอุดมคติ − ค่าปัจจุบัน) × (1 − ผลคูณของ (1 − ผลของแต่ละมาตรการ))",
            "today + (ideal − today) × (1 − product of (1 − effect of each measure))",
        ),
        _BENEFITS,
    ),
    "target": (Words("ค่าเป้าหมาย", "Target"), "target", None, Words("ค่าที่ตั้งไว้ของตัวชี้วัด", "as set for the indicator"), _STATED),
}  # fmt: skip
_OF_VALUE: Final[_Rows] = {
    "benefitShare": (
        Words("สัดส่วนผลประโยชน์", "Share of the benefit"),
        "benefitShare",
        SHARE,
        Words(
            "ผลประโยชน์คาดหมายของตัวชี้วัด ÷ ผลประโยชน์คาดหมายทั้งหมด",
            "expected benefit of the indicator ÷ all expected benefit",
        ),
        _BENEFITS,
    )
}
_OF_REASON: Final[_Rows] = {
    "why": (Words("เหตุผลที่ไม่อยู่ในแผน", "Why it is not in the plan"), "text", None, _FORCED, _WORTH),
    "breakEven": (
        Words("ประโยชน์เพิ่มต่อปีที่ทำให้เข้าแผน", "Further benefit a year from which it is in the plan"),
        "breakEvenMthb",
        MTHB,
        Words(
            "ประโยชน์เพิ่มน้อยที่สุดที่แผนซึ่งมีมาตรการนี้มีมูลค่าเท่าแผนแนะนำ",
            "least further benefit at which the best plan with it is worth as much as the recommended plan",
        ),
        _WORTH,
    ),
}


def names_of(result: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    return {one["id"]: one["name"] for one in (*result["chosen"], *result["notChosen"])}


def period_of(terms: Mapping[str, Any], figure: PlanFigure) -> Words | None:
    """The fiscal years that the figure is of."""
    first = int(terms["firstYear"])
    match figure.made_of.years:
        case "programme":
            return _fiscal_years(first, first - 1 + len(terms["yearlyMthb"]))
        case "horizon":
            return _fiscal_years(first, first - 1 + int(terms["horizonYears"]))
        case "year":
            return _fiscal_years(int(figure.about), int(figure.about))
        case _:
            return None


def _fiscal_years(first: int, last: int) -> Words:
    if first == last:
        return Words(f"ปีงบประมาณ พ.ศ. {first + BUDDHIST_ERA}", f"fiscal year {first}")
    return Words(
        f"ปีงบประมาณ พ.ศ. {first + BUDDHIST_ERA} ถึง {last + BUDDHIST_ERA}", f"fiscal years {first} to {last}"
    )


def measures_of(result: Mapping[str, Any], plan: Mapping[str, Any], figure: PlanFigure) -> list[str]:
    """The measures whose costs or effects enter the figure: that which it is about, or those of the plan."""
    if figure.about in names_of(result):
        return [figure.about]
    if not (figure.made_of.costs or figure.made_of.benefits):
        return []
    return [
        one["id"]
        for one in plan["chosen"]
        if figure.made_of.years != "year"
        or _spends(one, int(figure.about) - int(result["terms"]["firstYear"]))
    ]


def _spends(chosen: Mapping[str, Any], year: int) -> bool:
    by_year = chosen["costByYearMthb"]
    return year < len(by_year) and by_year[year] > 0


def effects_of(result: Mapping[str, Any], figure: PlanFigure, measures: list[str]) -> list[tuple[str, str]]:
    """(measure, indicator) of the effects that enter the figure; only on indicators that are measured."""
    if not figure.made_of.benefits:
        return []
    measured = [row["indicator"] for row in result["values"] if row["remaining"] is not None]
    wanted = [figure.about] if figure.about in measured else measured
    affected = {one["id"]: one["effects"] for one in result["inputs"]["measures"]}
    return [(one, name) for one in measures for name in wanted if name in affected.get(one, ())]
