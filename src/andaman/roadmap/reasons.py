"""Why a measure is not in the plan, as a sentence, and from which benefit or value of an indicator it would be."""

from __future__ import annotations

from typing import Any, Final

from andaman.kernel.words import LanguageMap, Words
from andaman.roadmap.inputs import Inputs
from andaman.roadmap.jobs import Task, Why
from andaman.roadmap.model import Measure

_SENTENCES: Final = {
    "excluded": Words("ผู้คำนวณกำหนดให้ไม่รวมมาตรการนี้", "The request leaves this measure out."),
    "tooLong": Words(
        "ใช้เวลาเตรียมการ {lead} ปี จึงไม่แล้วเสร็จภายในแผน {years} ปี",
        "It takes {lead} years to build and would not be finished within the {years} years of the plan.",
    ),
    "tooDear": Words(
        "การก่อสร้างใช้เงินราวปีละ {aYear} ล้านบาท เกินวงเงินปีละ {limit} ล้านบาท",
        "A year of building costs about THB {aYear} M; the limit of a year is THB {limit} M.",
    ),
    "noRoom": Words(
        "เมื่อรวมมาตรการนี้แล้ว ไม่พบแผนซึ่งอยู่ในวงเงินอย่างน้อยร้อยละ {share} ของกรณีสุ่ม",
        "With it, no plan was found that stays within the budget in at least {share}% of draws.",
    ),
    "costsMore": Words(
        "ประโยชน์ที่นับได้ต่ำกว่าต้นทุนไม่ว่าเริ่มปีใด หากรวมไว้ มูลค่าปัจจุบันสุทธิคาดหมายของแผนลดลง {loss} ล้านบาท",
        "The benefit that is counted is below its cost in any year of start. "
        "With it the expected net present value of the plan is THB {loss} M less.",
    ),
    "betterUse": Words(
        "มาตรการอื่นใช้วงเงินนี้ได้ผลมากกว่า หากรวมไว้ มูลค่าปัจจุบันสุทธิคาดหมายของแผนลดลง {loss} ล้านบาท",
        "Other measures make better use of the budget. "
        "With it the expected net present value of the plan is THB {loss} M less.",
    ),
}
_PUSHES_OUT: Final = Words(" และต้องนำ {names} ออกจากแผน", " These would leave the plan: {names}.")
_UNMEASURED: Final = Words(
    "ยังไม่มีค่าที่วัดได้ของ {names} จึงไม่นับประโยชน์ส่วนนี้ ",
    "There is no measured value of: {names}. So no benefit is counted there. ",
)
_BREAK_EVEN: Final = Words(
    " มาตรการนี้เข้าแผนเมื่อให้ประโยชน์เพิ่มตั้งแต่ปีละ {more} ล้านบาท",
    " It would be in the plan with a further benefit of THB {more} M a year or more.",
)
_FROM_VALUE: Final = Words(
    " หรือเมื่อ{name}ในปัจจุบันมีค่า{side} {value} {unit}",
    " That is the case if {name} is {value} {unit} or {side} today.",
)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 20 else f"{value:,.1f}"


def _joined(names: list[LanguageMap]) -> Words:
    return Words(*(" · ".join(name[lang] for name in names) for lang in ("th", "en")))


def _plus(*parts: Words) -> Words:
    return Words("".join(one.th for one in parts), "".join(one.en for one in parts))


def not_chosen(task: Task, inputs: Inputs, m: int, why: Why) -> dict[str, Any]:
    """A row of ``notChosen``. ``breakEven``: for each unmeasured indicator alone, the value today from which it would be in."""
    measure = inputs.measures[m]
    names = [inputs.name_of(name) for name in inputs.unmeasured(measure)]
    terms = task.terms
    said = _SENTENCES[why.code].fill(
        {
            "lead": str(measure.lead_years),
            "years": str(terms.years),
            "aYear": _number(why.a_year),
            "limit": _number(max(terms.yearly)),
            "share": str(round(100 * terms.within)),
            "loss": _number(why.loss or 0.0),
        }
    )
    if why.pushes_out:
        said = _plus(
            said, _PUSHES_OUT.fill({"names": _joined([inputs.measures[k].name for k in why.pushes_out])})
        )
    if names:
        said = _plus(_UNMEASURED.fill({"names": _joined(names)}), said)
    values = [] if why.break_even is None else break_even(inputs, measure, why.break_even)
    if why.break_even:
        said = _plus(said, _BREAK_EVEN.fill({"more": _number(why.break_even)}))
    for one in values:
        if one["value"] is not None:
            more = one["direction"] == "-"
            said = _plus(
                said,
                _FROM_VALUE.fill(
                    {
                        "name": Words(one["name"]["th"], one["name"]["en"]),
                        "unit": Words(one["unit"]["th"], one["unit"]["en"]),
                        "value": _number(one["value"]),
                        "side": Words("ตั้งแต่" if more else "ไม่เกิน", "more" if more else "less"),
                    }
                ),
            )
    return {
        "id": measure.id,
        "name": measure.name,
        "code": why.code,
        "text": said.json(),
        "lossMthb": None if why.loss is None else round(why.loss, 1),
        "pushesOut": [inputs.measures[k].id for k in why.pushes_out],
        "breakEvenMthb": None if why.break_even is None else round(why.break_even, 2),
        "breakEven": values,
    }


def break_even(inputs: Inputs, measure: Measure, more: float) -> list[dict[str, Any]]:
    """For each unmeasured indicator of the measure: the value today at which the measure brings ``more`` MTHB a year there.
    ``value`` is None where even all that can remain is not enough."""
    found = []
    worth = {one.indicator: one for one in inputs.values}
    for effect in measure.effects:
        name = effect.indicator
        row = inputs.rows.get(name)
        if name in inputs.remaining or name not in worth or row is None:
            continue
        unit = worth[name].mthb_per_unit.mean * effect.share.mean
        remaining = more / unit if unit > 0 else None
        value = None
        if remaining is not None:
            value = worth[name].ideal + (remaining if row["direction"] == "-" else -remaining)
            value = None if value < 0 else round(value, row["digits"] + 1)
        found.append(
            {
                "indicator": name,
                "name": row["name"],
                "unit": row["unit"],
                "direction": row["direction"],
                "value": value,
                "unitMthb": round(worth[name].mthb_per_unit.mean, 2),
                "share": round(effect.share.mean, 3),
            }
        )
    return found


def pending(inputs: Inputs, m: int) -> dict[str, Any]:
    """A row of ``notChosen`` whose reason is still to be computed."""
    measure = inputs.measures[m]
    return {
        "id": measure.id, "name": measure.name, "code": "pending", "text": None, "lossMthb": None, "pushesOut": [],
        "breakEvenMthb": None, "breakEven": [],
    }  # fmt: skip
