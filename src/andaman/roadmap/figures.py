"""The basis of each figure of this room: stored plans, measures, unit values, sources, gaps. Read from what the pages show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from andaman.assessment.citation import CHECK_TEXTS, Check
from andaman.assessment.reading import may_see
from andaman.evidence.model import Basis, Constant, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Actor
from andaman.kernel.words import Words
from andaman.roadmap.inputs import source_counts
from andaman.roadmap.model import Measure, Triangle, Worth, shipped_values
from andaman.roadmap.plan_figures import (
    MTHB,
    NPV,
    SHARE,
    PlanFigure,
    effects_of,
    figure_of,
    measures_of,
    names_of,
    period_of,
)
from andaman.roadmap.problems import NoSuchMeasure
from andaman.roadmap.records import GAP, MEASURE, SCOPE
from andaman.roadmap.service import RoadmapService

_OWN: Final = Words("ค่าที่กำหนดเอง ไม่มีแหล่งภายนอก", "a setting of our own without an outside source")
_ASSUMED: Final = Words("ค่าสมมติของผู้จัดทำ ไม่มีแหล่งภายนอก", "our own assumption without an outside source")
_MODEL: Final = Words(
    "คำนวณจากค่าสมมติและค่าตัวชี้วัด ไม่ใช่ค่าที่วัดได้", "computed from assumptions and indicators, not measured"
)
_CONTESTED: Final = Words(
    "คำนวณจากค่าสมมติและค่าตัวชี้วัด ไม่ใช่ค่าที่วัดได้ ตัวชี้วัดต่อไปนี้มีข้อมูลที่บันทึกหรือแก้ไขด้วยมือ หรือส่วนย่อยไม่ตรงกับยอดรวม: {names}",
    "computed from assumptions and indicators, not measured; of these, changed by hand or with parts that contradict "
    "their total: {names}",
)
_APART: Final = Words("การกระจายแบบสามเหลี่ยม อิสระต่อกัน", "triangular distributions, independent")
_TOGETHER: Final = Words(
    "การกระจายแบบสามเหลี่ยม ต้นทุนทุกรายการสูงหรือต่ำพร้อมกัน",
    "triangular distributions, all costs high or low together",
)
_COSTS: Final = {
    "capex": Words("งบลงทุน", "Capital"),
    "opex": Words("ค่าดำเนินการต่อปี", "Running cost a year"),
}
_UNIT_VALUE: Final = Words("มูลค่าต่อหน่วย", "Unit value")
_EFFECT: Final = Words("ผลต่อส่วนที่เหลือ", "Effect on what remains")
_INDICATOR: Final = "urn:ngsi-ld:IndicatorValue:"


class Figures:
    """The resolvers that the room of evidence asks."""

    def __init__(self, roadmap: RoadmapService) -> None:
        self._roadmap = roadmap

    # -- plans ------------------------------------------------------------------------------------------------
    async def portfolio(self, key: str, actor: Actor) -> Basis:
        """``<run>~<recommended|nominal>~<what>``, and where ``what`` needs one, ``~<measure, indicator or year>``."""
        may_see(actor, SCOPE + "/portfolio", "Portfolio")
        run, name, what, argument = (*key.split("~", 3), "", "", "")[:4]
        if name not in ("recommended", "nominal"):
            raise NoSuchFigure
        result = await self._roadmap.runs.get(run, actor.access)
        plan = result if name == "recommended" else result["alternative"]
        figure = figure_of(result, plan, name, what, argument)
        measures = measures_of(result, plan, figure)
        effects = effects_of(result, figure, measures)
        indicators = list(dict.fromkeys(one for _, one in effects))
        if figure.about in _indicator_names(result) and figure.about not in indicators:
            indicators.append(figure.about)
        listed, attribute = measures, "capexMthb" if figure.made_of.costs else "leadYears"
        if figure.made_of.benefits and not figure.made_of.costs:
            listed, attribute = list(dict.fromkeys(one for one, _ in effects)), "indicators"
        return Basis(
            title=figure.title,
            value=figure.value,
            unit=figure.unit,
            period=period_of(result["terms"], figure),
            check=_how_sure(result, indicators),
            formula=figure.formula,
            constants=_constants(result["terms"], figure, plan["draws"]["count"]),
            entities=(
                EntityRef(id=result["id"], attribute="result"),
                *(EntityRef(id=MEASURE + one, attribute=attribute) for one in listed),
                *(EntityRef(id=_INDICATOR + one, attribute="kpiValue") for one in indicators),
            ),
            parts=tuple(_parts(result, figure, measures, effects)),
            note=Words(result["criterion"]["th"], result["criterion"]["en"]),
        )

    # -- measures and values ----------------------------------------------------------------------------------
    async def measure(self, key: str, actor: Actor) -> Basis:
        """``<measure>~<capex|opex|alone|indicator>``."""
        may_see(actor, SCOPE + "/measure", "Measure")
        measure_id, _, what = key.partition("~")
        measure = next((one for one in self._roadmap.measures(actor.access) if one.id == measure_id), None)
        if measure is None:
            raise NoSuchMeasure(id=measure_id)
        entity = EntityRef(id=MEASURE + measure_id, attribute="capexMthb")
        name = Words(measure.name["th"], measure.name["en"])
        if what == "alone":
            rows = (await self._roadmap.list_measures(actor.access))["measures"]
            row = self._roadmap.pick(rows, measure_id)
            spread = row["alone"]["netPresentValue"]
            return Basis(
                title=Words(
                    f"มูลค่าปัจจุบันสุทธิเมื่อทำเพียงมาตรการเดียว: {name.th}", f"Net present value alone: {name.en}"
                ),
                value=f"{spread['p5']:,g} – {spread['p95']:,g}",
                unit=MTHB,
                check=_MODEL,
                formula=NPV,
                parts=tuple(
                    Link(title=_title(measure, one), kind="measure", key=f"{measure_id}~{one}")
                    for one in (*_COSTS, *(e.indicator for e in measure.effects))
                ),
                entities=(entity,),
                note=Words(
                    "เริ่มปีแรก ไม่คิดต้นทุนของมาตรการที่ต้องทำก่อน",
                    "started in the first year; prerequisites are not charged",
                ),
            )
        found = _range(measure, what)
        return _of_range(
            _title(measure, what),
            found,
            MTHB if what in _COSTS else SHARE,
            (
                EntityRef(
                    id=entity.id,
                    attribute=f"{what}Mthb" if what in _COSTS else "indicators",
                ),
            ),
        )

    async def unit_value(self, key: str, actor: Actor) -> Basis:
        """``<indicator>``."""
        may_see(actor, SCOPE + "/measure", "Measure")
        worth = next((one for one in shipped_values() if one.indicator == key), None)
        if worth is None:
            raise NoSuchFigure
        rows = (await self._roadmap.inputs()).rows
        name = rows[key]["name"] if key in rows else {"th": key, "en": key}
        basis = _of_range(
            Words(f"มูลค่าต่อหน่วยต่อปี: {name['th']}", f"Value of a unit a year: {name['en']}"),
            worth.mthb_per_unit,
            MTHB,
            (EntityRef(id=_INDICATOR + key, attribute="kpiValue"),),
        )
        return _with_life(basis, worth)

    async def sources(self, key: str, actor: Actor) -> Basis:
        """``costsAndEffects``, ``capex``, ``opex``, ``effects`` or ``values``: how many have no outside source."""
        may_see(actor, SCOPE + "/measure", "Measure")
        measures = self._roadmap.measures(actor.access)
        counts = source_counts(measures, shipped_values()).get(key)
        if counts is None:
            raise NoSuchFigure
        listed: list[tuple[str, str, Words, Triangle]] = [
            ("measure", f"{m.id}~{what}", _title(m, what), _range(m, what))
            for m in measures
            for what in (*_COSTS, *(e.indicator for e in m.effects))
            if key in ("costsAndEffects", what) or (key == "effects" and what not in _COSTS)
        ]
        if key == "values":
            listed = [
                ("unit-value", v.indicator, Words(v.indicator, v.indicator), v.mthb_per_unit)
                for v in shipped_values()
            ]
        return Basis(
            title=Words("ค่าที่ไม่มีแหล่งภายนอก", "Figures without an outside source"),
            value=counts["total"] - counts["withSource"],
            formula=Words(
                f"ค่าทั้งหมด {counts['total']} − ค่าที่มีแหล่งภายนอก {counts['withSource']}",
                f"all {counts['total']} − with an outside source {counts['withSource']}",
            ),
            constants=tuple(
                Constant(name=title, value=one.likely, source=_source(one), check=_check(one))
                for _, _, title, one in listed
                if one.has_outside_source
            ),
            parts=tuple(
                Link(title=title, kind=kind, key=where)
                for kind, where, title, one in listed
                if not one.has_outside_source
            ),
            entities=tuple(EntityRef(id=MEASURE + m.id, attribute="definition") for m in measures),
        )

    # -- gaps -------------------------------------------------------------------------------------------------
    async def gap(self, key: str, actor: Actor) -> Basis:
        """``<indicator>~<value|target|closes>``, the last with ``~<measure>``."""
        may_see(actor, SCOPE + "/gap", "Gap")
        indicator, what, measure = (*key.split("~", 2), "", "")[:3]
        row = next(
            (one for one in (await self._roadmap.gaps())["gaps"] if one["indicator"] == indicator), None
        )
        if row is None:
            raise NoSuchFigure
        unit = Words(row["unit"]["th"], row["unit"]["en"])
        entities = (
            EntityRef(id=_INDICATOR + indicator, attribute="kpiValue"),
            EntityRef(id=GAP + indicator, attribute="gap"),
        )
        if what == "target" and row["target"] is not None:
            target = row["target"]
            return Basis(
                title=Words(f"ค่าเป้าหมาย: {row['name']['th']}", f"Target: {row['name']['en']}"),
                value=target["value"], unit=unit,
                constants=(
                    Constant(
                        name=Words(target["text"]["th"], target["text"]["en"]), value=target["value"], unit=unit,
                        source=Words(str(target["source"]), str(target["source"])),
                    ),
                ),
                entities=entities,
            )  # fmt: skip
        if what == "closes":
            traced = next((one for one in row["measures"] if one["id"] == measure), None)
            if traced is None:
                raise NoSuchFigure
            return Basis(
                title=Words(
                    f"ส่วนของช่องว่างที่มาตรการปิดได้: {traced['name']['th']}", f"Share of the gap it closes: {traced['name']['en']}"
                ),
                value=traced["closesPercent"], unit=Words("ร้อยละ", "percent"), check=_MODEL,
                formula=Words("ผลที่น่าจะเป็นที่สุด × ส่วนที่เหลือถึงค่าอุดมคติ ÷ ช่องว่างถึงเป้าหมาย × 100", "most likely effect × what remains to the ideal ÷ gap to the target × 100"),
                parts=(Link(title=Words("ผลของมาตรการ", "Effect of the measure"), kind="measure", key=f"{measure}~{indicator}"),),
                entities=(*entities, EntityRef(id=MEASURE + measure, attribute="indicators")),
            )  # fmt: skip
        return Basis(
            title=Words(row["name"]["th"], row["name"]["en"]),
            value=row["value"],
            unit=unit,
            entities=entities,
        )


def _how_sure(result: Mapping[str, Any], indicators: Sequence[str]) -> Words:
    names = [one["name"] for one in result["contested"] if one["id"] in indicators]
    if not names:
        return _MODEL
    both = Words(*(" · ".join(name[lang] for name in names) for lang in ("th", "en")))
    return _CONTESTED.fill({"names": both})


def _indicator_names(result: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    return {row["indicator"]: row["name"] for row in result["values"]}


def _constants(terms: Mapping[str, Any], figure: PlanFigure, draws: int) -> tuple[Constant, ...]:
    """The budget, what turns years into one sum where the figure is one, and how the draws were made."""
    found = [
        Constant(name=Words("วงเงินรวม", "Total budget"), value=terms["totalMthb"], unit=MTHB, source=_OWN),
        Constant(name=Words("วงเงินสูงสุดต่อปี", "Limit of a year"), value=max(terms["yearlyMthb"]), unit=MTHB, source=_OWN),
    ]  # fmt: skip
    if figure.made_of.years == "horizon":
        found += [
            Constant(name=Words("อัตราคิดลด", "Discount rate"), value=terms["discountRate"], unit=SHARE, source=_OWN),
            Constant(name=Words("ระยะเวลาคิดประโยชน์", "Horizon"), value=terms["horizonYears"], unit=Words("ปี", "years"), source=_OWN),
        ]  # fmt: skip
    how = _TOGETHER if figure.costs_together else _APART
    return (*found, Constant(name=Words("จำนวนกรณีสุ่มที่แสดง", "Draws shown"), value=draws, source=how))


def _parts(
    result: Mapping[str, Any], figure: PlanFigure, measures: list[str], effects: list[tuple[str, str]]
) -> Iterator[Link]:
    """Costs by measure, effects by measure and indicator, unit values."""
    names, indicators = names_of(result), _indicator_names(result)
    for one in measures if figure.made_of.costs else ():
        for cost, words in _COSTS.items():
            yield Link(title=_said(words, names[one]), kind="measure", key=f"{one}~{cost}")
    for one, name in effects:
        yield Link(title=_said(_EFFECT, names[one], indicators[name]), kind="measure", key=f"{one}~{name}")
    for name in dict.fromkeys(name for _, name in effects):
        yield Link(title=_said(_UNIT_VALUE, indicators[name]), kind="unit-value", key=name)


def _said(what: Words, *names: Mapping[str, str]) -> Words:
    """The kind of number, and the names of its measure and indicator."""
    return Words(
        f"{what.th}: {' · '.join(name['th'] for name in names)}",
        f"{what.en}: {' · '.join(name['en'] for name in names)}",
    )


def _title(measure: Measure, what: str) -> Words:
    return _said(_COSTS.get(what, _EFFECT), measure.name)


def _range(measure: Measure, what: str) -> Triangle:
    found = {"capex": measure.capex, "opex": measure.opex, **{e.indicator: e.share for e in measure.effects}}
    if what not in found:
        raise NoSuchFigure
    return found[what]


def _source(one: Triangle) -> Words:
    return _ASSUMED if one.source is None else Words(one.source, one.source)


def _check(one: Triangle) -> Words:
    text = CHECK_TEXTS[Check.OWN if one.check is None else one.check]
    return Words(text["th"], text["en"])


def _of_range(title: Words, one: Triangle, unit: Words, entities: tuple[EntityRef, ...]) -> Basis:
    ends = ((Words("ค่าต่ำ", "Low"), one.low), (Words("ค่าที่น่าจะเป็นที่สุด", "Most likely"), one.likely), (Words("ค่าสูง", "High"), one.high))  # fmt: skip
    return Basis(
        title=title,
        value=one.likely,
        unit=unit,
        check=_check(one),
        constants=tuple(
            Constant(name=name, value=value, unit=unit, source=_source(one), check=_check(one))
            for name, value in ends
        ),
        entities=entities,
        note=None if one.basis is None else Words(one.basis["th"], one.basis["en"]),
    )


def _with_life(basis: Basis, worth: Worth) -> Basis:
    """The value of a statistical life that the range implies."""
    if worth.lives_per_unit is None:
        return basis
    lives = worth.lives_per_unit
    life = Constant(
        name=Words("มูลค่าชีวิตเชิงสถิติ", "Value of a statistical life"), value=round(worth.mthb_per_unit.likely / lives, 1),
        unit=MTHB, source=_source(worth.mthb_per_unit), check=_check(worth.mthb_per_unit),
    )  # fmt: skip
    count = Constant(
        name=Words("ชีวิตต่อหนึ่งหน่วยตัวชี้วัด", "Lives in a unit of the indicator"), value=lives, source=_ASSUMED
    )
    return replace(
        basis,
        constants=(*basis.constants, life, count),
        formula=Words(
            "มูลค่าต่อหน่วย = ชีวิตต่อหนึ่งหน่วย × มูลค่าชีวิต", "unit value = lives in a unit × value of a life"
        ),
    )
