"""The basis of each figure of this room: reach, critical links, coverage, and the 6 GHz cases.

A basis is read from the same results that the pages show; nothing is computed for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from andaman.assessment.citation import CHECK_TEXTS, Check
from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.ground import (
    SPREAD,
    constants_of,
    households_of,
    one_constant,
    residents_of,
    sources_of,
    words_of,
)
from andaman.assessment.indicators.evaluation import definitions
from andaman.assessment.reading import ACCESS, CRITICAL, INDICATOR, RUN, may_see
from andaman.assessment.service import AssessmentService
from andaman.evidence.model import Basis, Constant, Detail, EntityRef, Link
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import Actor
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import BUDDHIST_ERA, Micros, local_date
from andaman.kernel.words import Words

PERCENT: Final = Words("ร้อยละ", "percent")
PEOPLE: Final = Words("คน", "people")
_KINDS: Final = {
    "Hospital": Words("โรงพยาบาล", "a hospital"),
    "FireStation": Words("สถานีดับเพลิง", "a fire station"),
}
_PLACES: Final = {
    "outdoor": Words("กลางแจ้ง", "outdoors"),
    "indoor-low-loss": Words("ในอาคารผนังเบา", "in buildings with light walls"),
    "indoor-high-loss": Words("ในอาคารผนังหนาหรือกระจกสะท้อน", "in buildings with heavy walls or coated glass"),
}
_MEASURES: Final = {
    "expected": Words("สัดส่วนคาดหมายของประชากร", "expected share of people"),
    "threshold": Words("ประชากรในช่องที่ใช้งานได้ตามเกณฑ์", "people of cells above the threshold"),
}
_STUDY: Final = Words("ผลการศึกษา และวิธีคำนวณ", "The study, and how it is made")
_MODEL: Final = Words("แบบจำลองของแผน ไม่ใช่ค่าที่วัด", "a model of a plan, not a measurement")
_COMPUTED: Final = Words(
    "คำนวณจากแบบจำลอง ยังไม่ได้เทียบกับค่าที่วัด", "computed by a model, not compared with measurements"
)


class Figures:
    """The resolvers that the room of evidence asks."""

    def __init__(self, assessment: AssessmentService, connectivity: ConnectivityService) -> None:
        self._assessment, self._connectivity = assessment, connectivity

    async def indicator(self, key: str, actor: Actor) -> Basis:
        """``road-deaths``; ``road-deaths/target``, ``road-deaths/<year>``, ``road-deaths/peer/<n>``, ``road-deaths/<input>``."""
        may_see(actor, *INDICATOR)
        wanted, _, part = key.partition("/")
        rows = {row["id"]: row for row in (await self._assessment.indicators())["indicators"]}
        row = rows.get(wanted)
        if row is None:
            raise NoSuchFigure
        title = words_of(row["name"]) or Words(wanted, wanted)
        value, unit, period = row["value"], words_of(row["unit"]), row["period"]
        note = words_of(row["note"]) or words_of(row["method"])
        constants = tuple(
            Constant(
                name=Words(
                    f"ค่าเป้าหมาย ปี {row['target']['year'] + BUDDHIST_ERA}",
                    f"Target for {row['target']['year']}",
                ),
                value=row["target"]["value"],
                unit=unit,
                source=words_of(row["target"]["sourceText"]) or Words("-", "-"),
                check=words_of(row["target"]["checkText"]),
            )
            for _ in (row["target"],)
            if row["target"]
        )
        peers = tuple(
            Constant(
                name=Words(
                    f"{peer['place']['th']} {peer['year'] + BUDDHIST_ERA}",
                    f"{peer['place']['en']} {peer['year']}",
                ),
                value=peer["value"],
                unit=unit,
                source=words_of(peer["sourceText"]) or Words("-", "-"),
                check=words_of(peer["checkText"]),
            )
            for peer in row["peers"]
        )
        formula, population = words_of(row["formulaText"]), words_of(row["population"])
        years = dict(row["trend"]["years"])
        inputs = {one["name"]: one for one in row["inputs"]}
        if part == "target" and row["target"]:
            value = row["target"]["value"]
        elif part.startswith("peer/") and part[5:].isdigit() and int(part[5:]) < len(peers):
            return Basis(
                title=peers[int(part[5:])].name, value=peers[int(part[5:])].value, unit=unit,
                check=peers[int(part[5:])].check, constants=(peers[int(part[5:])],),
            )  # fmt: skip
        elif part in years:
            value, period = years[part], part
        elif part in inputs:
            label = words_of(inputs[part]["label"]) or Words(part, part)
            title = Words(f"{title.th}: {label.th}", f"{title.en}: {label.en}")
            value, unit, period = inputs[part]["value"], None, inputs[part]["period"]
            # Formula, people, target, peers and note are those of the indicator, not of its input.
            formula, population, note, constants, peers = _way_of(inputs[part]), None, None, (), ()
        elif part:
            raise NoSuchFigure
        used = [one for name, one in inputs.items() if part in ("", "target", name) or part in years]
        entities = tuple(
            EntityRef(id=entity["id"], note=words_of(one["label"]))
            for one in used
            for entity in one["entities"]
        )
        radii = [radius for name in inputs if part in ("", name) for radius in _radius_of(wanted, name)]
        world = await self._assessment.world() if radii else None
        step = row["quality"]["step"]
        return Basis(
            title=title,
            value=value,
            unit=unit,
            period=period_words(period),
            population=population,
            check=Words(f"คุณภาพข้อมูลขั้นที่ {step} จาก 6", f"data quality step {step} of 6"),
            formula=formula,
            constants=(*constants, *peers, *(() if world is None else (*radii, *SPREAD))),
            details=(*_doubts_of(used), *(() if world is None else households_of(world))),
            parts=tuple(
                Link(
                    title=words_of(one["label"]) or Words(name, name),
                    kind="indicator",
                    key=f"{wanted}/{name}",
                    value=one["value"],
                )
                for name, one in inputs.items()
                if not part
            )
            + tuple(
                link
                for name, one in inputs.items()
                if part in ("", name)
                for link in _study_of(wanted, name, one)
            )
            + (() if world is None else sources_of(world)),
            entities=(
                *(() if part in inputs else (EntityRef(id=row["entity"], attribute="kpiValue"),)),
                *entities,
            ),
            note=note,
        )

    async def reach(self, key: str, actor: Actor) -> Basis:
        """``Hospital``, ``Hospital/8``, ``Hospital/8/<district>``, ``Hospital/constant/<code>``."""
        may_see(actor, *ACCESS)
        kind, _, part = key.partition("/")
        if kind not in _KINDS:
            raise NoSuchFigure
        study = await self._assessment.accessibility(kind)
        world = await self._assessment.world()
        constants = constants_of(study["constants"])
        name = _KINDS[kind]
        title = Words(f"การเข้าถึง{name.th}ทางถนน", f"Reach of {name.en} by road")
        value: float | str | None = None
        note = None
        if part.startswith("constant/"):
            return one_constant(constants, study["constants"], part.removeprefix("constant/"), self._period())
        if part:
            minutes, _, area = part.partition("/")
            ring = next((row for row in study["within"] if str(row["minutes"]) == minutes), None)
            row = (
                ring
                if ring is None or not area
                else next((one for one in ring["byArea"] if one["id"] == area), None)
            )
            if ring is None or row is None:
                raise NoSuchFigure
            share = row["sharePercent"]
            value = share["best"]
            title = Words(
                f"ผู้อยู่อาศัยที่ถึง{name.th}ภายใน {minutes} นาที{_of(row, 'th')}",
                f"Residents within {minutes} minutes of {name.en}{_of(row, 'en')}",
            )
            note = _envelope_note(share, ring["contributions"], len(ring["variants"]))
        places = tuple(
            EntityRef(
                id=place["id"],
                attribute="location",
                note=words_of(place["reason"])
                or Words(
                    f"ใกล้ที่สุดสำหรับผู้อยู่อาศัย {place['nearestForResidents']:,} คน ห่างถนนสายหลัก {place['toRoadM']:,} ม.",
                    f"nearest for {place['nearestForResidents']:,} residents, {place['toRoadM']:,} m from a main road",
                ),
            )
            for place in study["places"]
        )
        return Basis(
            title=title,
            value=value,
            unit=PERCENT if part else None,
            period=self._period(),
            population=words_of(study["population"]),
            check=_COMPUTED,
            formula=Words(
                "ผู้อยู่อาศัยในช่องพื้นดินที่รถถึงภายในเวลาที่กำหนด ÷ ผู้อยู่อาศัยทั้งหมด × 100",
                "residents of land cells that a car reaches in time ÷ all residents × 100",
            ),
            constants=constants,
            details=households_of(world),
            parts=sources_of(world),
            entities=(*places, *residents_of(world)),
            note=note or words_of(study["method"]),
        )

    async def critical(self, key: str, actor: Actor) -> Basis:
        """``sum``, ``cutOff``, ``constant/<code>``, or ``<case>/<rank>``, ``<case>/sum`` and ``<case>/cutOff``."""
        may_see(actor, *CRITICAL)
        study = await self._assessment.criticality()
        world = await self._assessment.world()
        constants = constants_of(study["constants"])
        if key.startswith("constant/"):
            return one_constant(constants, study["constants"], key.removeprefix("constant/"), self._period())
        case_id, _, rank = key.rpartition("/")
        case = next(
            (one for one in study["cases"] if one["id"] == (case_id or study["cases"][0]["id"])), None
        )
        if case is None:
            raise NoSuchFigure
        rows = study["links"] if case is study["cases"][0] else case["links"]
        assumed = (_assumed(case), *constants, *SPREAD)
        if rank in _SUMS:
            title, formula, name, unit = _SUMS[rank]
            return Basis(
                title=title,
                value=case[name],
                unit=unit,
                period=self._period(),
                population=words_of(study["population"]),
                check=_COMPUTED,
                formula=formula,
                constants=assumed,
                details=_streets(study, case),
                parts=tuple(
                    Link(
                        title=_road(row),
                        kind="critical-link",
                        key=f"{case['id']}/{row['rank']}",
                        value=row[name],
                        unit=unit,
                    )
                    for row in rows
                ),
                entities=residents_of(world),
                note=words_of(study["method"]),
            )
        row = next((one for one in rows if str(one["rank"]) == rank), None)
        if row is None:
            raise NoSuchFigure
        segments = tuple(EntityRef(id=one, attribute="length") for one in row["segments"])
        return Basis(
            title=_road(row),
            value=row["personMinutes"],
            unit=words_of(study["unit"]),
            period=self._period(),
            population=words_of(study["population"]),
            check=_COMPUTED,
            formula=Words(
                f"เวลาที่เพิ่มขึ้น {row['addedPersonMinutes']:,} คน-นาที + เที่ยวที่เดินทางไม่ได้ {row['lostTrips']:,} เที่ยว × "
                f"{case['lostMin']:g} นาที (ถูกตัดขาด {row['cutOff']:,} คน เที่ยวที่เดินทางไม่ได้นับทั้งเที่ยวของคนในพื้นที่และของคนอื่นที่จะเข้าไป)",
                f"{row['addedPersonMinutes']:,} added person-minutes + {row['lostTrips']:,} lost trips × "
                f"{case['lostMin']:g} minutes ({row['cutOff']:,} people cut off; lost are their own trips and those of others to them)",
            ),
            constants=assumed,
            details=(*_cut_off(row), *_streets(study, case), *households_of(world)),
            parts=sources_of(world),
            entities=(*segments, *residents_of(world)),
            note=words_of(study["limits"]),
        )

    async def coverage(self, key: str, actor: Actor) -> Basis:
        """``<run>/<level>/<measure>``, ``<run>/capacity``, ``<run>/sites``, ``<run>/constant/<code>``."""
        run_id, _, part = key.partition("/")
        try:
            run = self._connectivity.get(run_id, actor.access)
        except ResourceNotFound:
            raise NoSuchFigure from None
        constants = constants_of(run.get("constants", ()))
        if part.startswith("constant/"):
            return one_constant(constants, run.get("constants", ()), part.removeprefix("constant/"), _MODEL)
        place, _, measure = part.partition("/")
        band = words_of(run["bandName"]) or Words("-", "-")
        title, value, unit, note = Words(f"ความครอบคลุม {band.th}", f"Coverage at {band.en}"), None, None, None
        if place in _PLACES and measure in _MEASURES:
            row = run["covered"][place]
            row = row if measure == "threshold" else row.get("expected", row)
            where, by = _PLACES[place], _MEASURES[measure]
            title = Words(f"{band.th} {where.th}: {by.th}", f"{band.en} {where.en}: {by.en}")
            value, unit = row["sharePercent"]["best"], PERCENT
            note = _envelope_note(row["sharePercent"], row.get("contributions", ()), None)
        elif part == "capacity":
            value, unit = run["capacity"]["totalGbps"], Words("กิกะบิตต่อวินาที", "Gbit/s")
        elif part == "sites":
            value, unit = run["siteCount"], Words("แห่ง", "sites")
        else:
            raise NoSuchFigure
        sites = tuple(EntityRef(id=site["id"], attribute="location") for site in run.get("sites") or ())
        return Basis(
            title=title,
            value=value,
            unit=unit,
            period=_MODEL,
            population=words_of(run.get("population")),
            check=_COMPUTED,
            formula=Words(
                "ผู้อยู่อาศัย × โอกาสที่ใช้งานได้ของแต่ละช่องพื้นดิน ÷ ผู้อยู่อาศัยทั้งหมด × 100 (เกณฑ์: นับเฉพาะช่องที่ถึงเกณฑ์)",
                "residents × probability of service of each land cell ÷ all residents × 100 (threshold: only cells that reach it)",
            ),
            constants=constants,
            entities=(
                EntityRef(id=run["id"], attribute="result"),
                *sites,
                *residents_of(await self._assessment.world()),
            ),
            note=note or words_of(run.get("limits")),
        )

    async def policy(self, key: str, actor: Actor) -> Basis:
        """``<case>/<place>/<measure>``, ``<case>/spectrum``, ``<case>/edge``, ``<case>/perPerson``, ``assumption/<name>``."""
        may_see(actor, *RUN)
        found = await self._connectivity.policy({})
        constants = tuple(
            Constant(
                name=_assumption_name(row["name"]),
                value=" / ".join(f"{one:g}" for one in row["value"])
                if isinstance(row["value"], list)
                else row["value"],
                source=words_of(row["text"]) or Words("-", "-"),
                check=words_of(row["checkText"]),
            )
            for row in found["assumptions"]
        )
        case_id, _, part = key.partition("/")
        if case_id == "assumption":
            return one_constant(
                constants, [{"code": row["name"]} for row in found["assumptions"]], part, _MODEL
            )
        case = next((one for one in found["cases"] if one["id"] == case_id), None)
        if case is None:
            raise NoSuchFigure
        name = words_of(case["name"]) or Words("-", "-")
        title, note = name, words_of(case["note"])
        place, _, measure = part.partition("/")
        value: float | None
        if place in _PLACES and measure in _MEASURES:
            share = case["measures"][place][measure]
            if share is None:
                raise NoSuchFigure
            value, unit = share["best"], PERCENT
            title = Words(
                f"{name.th} {_PLACES[place].th}: {_MEASURES[measure].th}",
                f"{name.en}, {_PLACES[place].en}: {_MEASURES[measure].en}",
            )
            note = _envelope_note(share, (), None)
        elif part in _CASE_FACTS:
            attr, unit = _CASE_FACTS[part]
            value = case[attr]
        else:
            raise NoSuchFigure
        rule = () if case["rule"] is None else (_rule(case),)
        sites = tuple(
            EntityRef(id=site.id, attribute="location") for site in await self._connectivity.sites()
        )
        return Basis(
            title=title,
            value=value,
            unit=unit,
            period=_MODEL,
            population=words_of(found["population"]),
            check=_COMPUTED,
            formula=Words(
                "ผู้อยู่อาศัย × โอกาสที่ใช้งานได้ ÷ ผู้อยู่อาศัยทั้งหมด × 100 ใช้เกณฑ์ ประชากร และการสูญเสียเดียวกันทุกทางเลือก",
                "residents × probability of service ÷ all residents × 100, by the same measures, people and losses in every case",
            ),
            constants=(*rule, *constants),
            entities=(*sites, *residents_of(await self._assessment.world())),
            note=note,
        )

    def _period(self) -> Words:
        return as_of(self._assessment.clock())


_SUMS: Final = {
    "sum": (
        Words("ผลรวมของช่วงถนนสำคัญ", "Sum over the critical links"),
        Words("ผลรวมของทุกช่วงในรายการ ปิดทีละช่วง", "sum over the list, each link closed alone"),
        "personMinutes",
        Words("คน-นาทีต่อวันที่ปิดถนน", "person-minutes per day of closure"),
    ),
    "cutOff": (
        Words("คนที่ถูกตัดขาดมากที่สุดเมื่อปิดถนนหนึ่งช่วง", "Most people cut off by the closure of one link"),
        Words("ค่าสูงสุดของทุกช่วงในรายการ ปิดทีละช่วง", "greatest of the list, each link closed alone"),
        "cutOff",
        PEOPLE,
    ),
}
"""Key → title, formula, name in the answer, and unit of a figure of a complete list."""
_CASE_FACTS: Final = {
    "spectrum": ("spectrumMhz", Words("เมกะเฮิรตซ์", "MHz")),
    "edge": ("edgeRateMbps", Words("เมกะบิตต่อวินาที", "Mbit/s")),
    "perPerson": ("perPersonMbps", Words("เมกะบิตต่อวินาที", "Mbit/s")),
}
_ASSUMPTIONS: Final = {
    "fixed_line_share": Words("สัดส่วนบ้านที่มีสายสัญญาณ", "Share of homes with a fixed line"),
    "ap_share_today": Words("สัดส่วนบ้านที่มีอุปกรณ์รองรับ", "Share of homes with such devices"),
    "home_radius_m": Words("รัศมีของบ้าน (เมตร)", "Radius of a home (m)"),
    "household_size": Words("คนต่อครัวเรือน", "Persons per household"),
    "imt_bandwidth_mhz": Words("แถบความถี่ต่อโครงข่าย (เมกะเฮิรตซ์)", "Bandwidth of one network (MHz)"),
    "extra_loss_db": Words("การสูญเสียเพิ่มเติม (เดซิเบล)", "Extra loss (dB)"),
    "location_probability": Words("เกณฑ์ขั้นต่ำ", "Threshold"),
}


def period_words(period: str | None) -> Words | None:
    """ "2025", "2019-2022" or "2026-11-30" in the calendars of both languages."""
    if period is None:
        return None
    thai = re.sub(r"\b\d{4}\b", lambda year: str(int(year[0]) + BUDDHIST_ERA), period)
    return Words(thai, period)


def as_of(now: Micros) -> Words:
    """The state of the data on the day of ``now``, in Bangkok."""
    day = local_date(now)
    return Words(
        f"ข้อมูล ณ วันที่ {day.day}/{day.month}/{day.year + BUDDHIST_ERA}",
        f"data as of {day.year}-{day.month:02d}-{day.day:02d}",
    )


def _assumption_name(name: str) -> Words:
    return _ASSUMPTIONS.get(name, Words(name, name))


def _of(row: Mapping[str, Any], lang: str) -> str:
    """ ", district", where the row is one of a district."""
    name = row.get("name")
    found = name.get(lang) if isinstance(name, Mapping) else None
    return "" if not found else f" {found}" if lang == "th" else f", {found}"


def _assumed(case: Mapping[str, Any]) -> Constant:
    streets = Words("มีถนนย่อยที่สมมติ", "with assumed local streets")
    if not case["localStreets"]:
        streets = Words("ไม่มีถนนย่อยที่สมมติ", "without assumed local streets")
    spread = words_of(case["spread"])
    where = Words("", "") if spread is None else Words(f" {spread.th}", f", {spread.en}")
    decay = case["decayMin"]
    return Constant(
        name=Words("กรณีที่ใช้", "The case"),
        value=Words(
            f"{case['lostMin']:g} นาทีต่อเที่ยว {streets.th} เวลาที่ยอมเดินทางเฉลี่ย {decay:g} นาที{where.th}",
            f"{case['lostMin']:g} minutes per lost trip, {streets.en}, mean willingness to travel {decay:g} minutes{where.en}",
        ),
        source=Words("ค่าสมมติของแพลตฟอร์ม ไม่มีแหล่งอ้างอิง", "assumption of the platform, without a source"),
        check=words_of(CHECK_TEXTS[Check.OWN]),
    )


def _computed(indicator: str, name: str) -> tuple[str, str]:
    """The study that an input is a figure of, and the figure's name in it; twice "" for other inputs."""
    spec = next(one.inputs[name] for one in definitions() if one.id == indicator)
    study, _, rest = str(spec.get("computed", "")).partition(".")
    return study, rest


def _study_of(indicator: str, name: str, given: Mapping[str, Any]) -> tuple[Link, ...]:
    """The figure of a study that an input is; its basis says how it is made."""
    study, rest = _computed(indicator, name)
    keys = {
        "access": ("reach", rest.replace(".", "/")),
        "criticality": ("critical-link", "sum" if rest == "personMinutes" else rest),
    }
    if study not in keys:
        return ()
    kind, key = keys[study]
    return (Link(title=_STUDY, kind=kind, key=key, value=given["value"]),)


def _radius_of(indicator: str, name: str) -> tuple[Constant, ...]:
    """The distance within which residents count, of an input that is a share of residents near something."""
    study, metres = _computed(indicator, name)
    if study not in ("stops", "sensors"):
        return ()
    return (
        Constant(
            name=Words("นับช่องพื้นดินที่ห่างไม่เกิน (ระยะตรง)", "A land cell counts within this straight distance"),
            value=float(metres),
            unit=Words("เมตร", "m"),
            source=Words("ค่าสมมติของแพลตฟอร์ม", "assumption of the platform"),
            check=words_of(CHECK_TEXTS[Check.OWN]),
        ),
    )


def _way_of(given: Mapping[str, Any]) -> Words:
    """How an input is read from its entities."""
    if given["period"] is not None and len(given["entities"]) == 1:
        return Words("ค่าของงวดนั้นในชุดข้อมูล", "the value of that period in the series")
    return Words("คำนวณจากรายการที่ระบุ", "computed over the entities listed")


def _doubts_of(used: Iterable[Mapping[str, Any]]) -> tuple[Detail, ...]:
    """What contradicts these inputs."""
    found = (words_of(one["doubt"]) for one in used)
    return tuple(Detail(name=Words("ข้อควรระวัง", "Caution"), value=one) for one in found if one is not None)


def _cut_off(row: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Residents by junction that the closure cuts off; of links of the list only."""
    return tuple(
        Detail(
            name=Words(
                f"ผู้ถูกตัดขาดที่ทางแยก {node['lat']:.5f}, {node['lon']:.5f}",
                f"Residents cut off at the junction {node['lat']:.5f}, {node['lon']:.5f}",
            ),
            value=node["residents"],
        )
        for node in row.get("cutNodes", ())
    )


def _streets(study: Mapping[str, Any], case: Mapping[str, Any]) -> tuple[Detail, ...]:
    """How many local streets are assumed; the answer of the study has the ends of each."""
    if not case["localStreets"]:
        return ()
    name = Words(
        "ถนนย่อยที่สมมติ (เส้น) พิกัดของทุกเส้นอยู่ในคำตอบของ GET /api/assessment/criticality",
        "Assumed local streets; GET /api/assessment/criticality has the ends of each",
    )
    return (Detail(name=name, value=len(study["localStreets"])),)


def _rule(case: Mapping[str, Any]) -> Constant:
    return Constant(
        name=Words("คลื่นความถี่ (เมกะเฮิรตซ์)", "Spectrum (MHz)"),
        value=case["spectrumMhz"],
        source=words_of(case["rule"]) or Words("-", "-"),
        check=words_of(case["ruleCheckText"]),
    )


def _road(row: Mapping[str, Any]) -> Words:
    name = words_of(row["name"]) or Words("ถนนไม่มีชื่อ", "Unnamed road")
    ref = f" ({row['ref']})" if row.get("ref") else ""
    return Words(f"{name.th}{ref}", f"{name.en}{ref}")


def _envelope_note(
    share: Mapping[str, float], contributions: Iterable[Mapping[str, Any]], count: int | None
) -> Words:
    """The interval in words, with what each unknown does alone."""
    low, high = f"{share['low']:g}", f"{share['high']:g}"
    thai = f"ช่วงค่าร้อยละ {low}–{high} คือค่าต่ำสุดและสูงสุดเมื่อเปลี่ยนเฉพาะสมมติฐานต่อไปนี้ ค่าคงที่อื่นไม่เปลี่ยน"
    english = f"Range {low} to {high} percent: the envelope of the assumptions below; all other constants stay as they are"
    if count is not None:
        thai, english = f"{thai} ({count} ชุดสมมติฐาน)", f"{english} ({count} combinations)"
    for row in contributions:
        part = words_of(row["name"]) or Words("-", "-")
        thai += f" · {part.th} {row['low']:g}–{row['high']:g}"
        english += f" · {part.en} {row['low']:g} to {row['high']:g}"
    return Words(thai, english)
