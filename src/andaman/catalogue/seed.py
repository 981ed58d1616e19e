"""The datasets that Andaman comes with. A type of entities says itself which of them hold it (``EntityType.datasets``).

A type that is in no dataset is for staff only. Licences are those of NOTICE. A publisher is a
duty (``city``, ``disaster``, …) here; the city pack says which agency has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from andaman.broker.api import iri
from andaman.catalogue.model import Dataset
from andaman.catalogue.reading import CLASSES
from andaman.identity.model import Classification
from andaman.kernel.words import Words
from andaman.vocabulary import EntityType

_OSM: Final = "ODbL-1.0 © OpenStreetMap contributors"
_OPEN_GOVERNMENT: Final = "Thai open government data"
_FACTS: Final = "Public facts"
_INTERNAL: Final = "Not for publication"
_OWN: Final = "CC-BY-4.0"
_PUBLIC, _PERSONAL, _SECURITY = Classification.PUBLIC, Classification.PERSONAL, Classification.SECURITY


def _dataset(
    code: str,
    title: Words,
    description: Words,
    publisher: str,
    licence: str,
    classification: Classification = _PUBLIC,
    *,
    scope: str = "",
    frequency: str = "",
    required: str = "name origin source",
    purpose: str = "operations",
) -> Dataset:
    return Dataset(
        code,
        title.json(),
        description.json(),
        publisher,
        licence,
        classification,
        frozenset(),
        scope,
        frequency,
        "",
        {},
        tuple(map(iri, required.split())),
        purpose,
    )


def default_datasets(
    types: Sequence[EntityType], publishers: Mapping[str, str] = MappingProxyType({})
) -> list[Dataset]:
    """The seed, by code. ``publishers``: duty → code of the agency that has it in this city; a duty that is missing falls to
    the agency for ``city``. Raises KeyError where a type names a dataset that it does not have."""
    rest = publishers.get("city", "city")
    seed = {
        dataset.code: replace(dataset, publisher=publishers.get(dataset.publisher, rest))
        for dataset in (*_places(), *_feeds(), *_command(), *_planning())
    }
    for one in types:
        for code in one.datasets:
            held = seed.get(code)
            if held is None:
                raise KeyError(
                    f"The entity type {one.name} names the dataset {code!r}, which catalogue/seed.py does not have"
                )
            hidden = {iri(name): CLASSES[level] for name, level in one.classified.items()}
            seed[code] = replace(held, types=held.types | {iri(one.name)}, hidden={**held.hidden, **hidden})
    return sorted(seed.values(), key=lambda dataset: dataset.code)


def _places() -> list[Dataset]:
    located = "name location origin source"
    return [
        _dataset(
            "admin-areas",
            Words("เขตการปกครอง", "Administrative areas"),
            Words(
                "ขอบเขตจังหวัด อำเภอ และตำบล พร้อมรหัส พื้นที่ และจำนวนประชากรตามทะเบียนราษฎร",
                "Province, districts and subdistricts with code, area and registered population",
            ),
            "city",
            "CC-BY-IGO (outlines); Thai open government data (population)",
            frequency="P1Y",
            required=located,
        ),
        _dataset(
            "agencies",
            Words("หน่วยงานและหมายเลขฉุกเฉิน", "Agencies and emergency lines"),
            Words(
                "หน่วยงานในจังหวัด รหัสหน่วยงาน และหมายเลขโทรศัพท์ที่ประชาชนใช้แจ้งเหตุ",
                "Agencies of the province, their codes and public telephone numbers",
            ),
            "city",
            _FACTS,
            frequency="P1Y",
            required="name agencyCode category",
        ),
        _dataset(
            "roads",
            Words("โครงข่ายถนน", "Road network"),
            Words(
                "ช่วงถนนสายหลักและสายรอง ระดับชั้นทาง จำนวนช่องจราจร และความยาว",
                "Primary and secondary road segments with class, lanes and length",
            ),
            "city",
            _OSM,
            frequency="P1Y",
            required="roadClass length location startNode endNode",
        ),
        _dataset(
            "public-places",
            Words(
                "สถานพยาบาล สถานีตำรวจ สถานีดับเพลิง สถานศึกษา และท่าเรือ",
                "Hospitals, police, fire stations, schools and piers",
            ),
            Words("ที่ตั้งและประเภทของสถานที่ให้บริการสาธารณะ", "Place and kind of public service points"),
            "city",
            _OSM,
            frequency="P1Y",
            required="name category location origin source",
        ),
        _dataset(
            "statistics",
            Words("สถิติจังหวัด", "Provincial statistics"),
            Words(
                "ประชากร นักท่องเที่ยว การเดินทางทางอากาศ น้ำประปา ขยะ และอุบัติเหตุ รายเดือนหรือรายปี",
                "Population, visitors, air traffic, water, waste and accidents by month or year",
            ),
            "city",
            _OPEN_GOVERNMENT,
            scope="/statistics",
            frequency="P1Y",
            required="name kpiValue unit calculationPeriod source",
        ),
    ]


def _feeds() -> list[Dataset]:
    return [
        _dataset(
            "bus-network",
            Words("เส้นทางและป้ายรถโดยสาร", "Bus lines and stops"),
            Words(
                "เส้นทาง ป้ายหยุดรถ และตารางเวลาของภูเก็ตสมาร์ทบัส",
                "Lines, stops and timetables of Phuket Smart Bus",
            ),
            "transit",
            "Facts; collection MIT",
            frequency="P1Y",
            required="name location origin source",
        ),
        _dataset(
            "bus-positions",
            Words("ตำแหน่งรถโดยสาร", "Bus positions"),
            Words(
                "ตำแหน่ง ความเร็ว และทิศทางของรถโดยสารประจำทาง ไม่มีหมายเลขทะเบียนรถ",
                "Position, speed and heading of public buses, without licence plates",
            ),
            "transit",
            "Facts; collection MIT",
            scope="/mobility/bus",
            frequency="PT1M",
            required="name location speed origin",
        ),
        _dataset(
            "weather",
            Words("สภาพอากาศและปริมาณฝน", "Weather and rain"),
            Words(
                "ผลการตรวจวัดอากาศและปริมาณฝนรายสถานีและรายอำเภอ",
                "Observations of weather and rain by station and district",
            ),
            "weather",
            _OPEN_GOVERNMENT,
            frequency="PT3H",
            required="name location origin source",
        ),
        _dataset(
            "sea-level",
            Words("ระดับน้ำทะเลและน้ำขึ้นน้ำลง", "Sea level and tide"),
            Words(
                "ระดับน้ำทำนายที่เกาะตะเภาน้อย คำนวณจากองค์ประกอบฮาร์มอนิก",
                "Predicted level at Ko Taphao Noi, computed from its harmonic constituents",
            ),
            "city",
            "CC-BY-4.0 TICON-4, doi:10.17882/109129",
            frequency="PT10M",
            required="name location origin source",
        ),
        _dataset(
            "environment",
            Words("คุณภาพอากาศ น้ำ และสภาพจราจร", "Air, water and traffic"),
            Words(
                "ผลการตรวจวัดคุณภาพอากาศ คุณภาพน้ำ และปริมาณการจราจร",
                "Measurements of air quality, water and traffic flow",
            ),
            "city",
            _OWN,
            frequency="PT1H",
            required="location origin source",
        ),
        _dataset(
            "road-accidents",
            Words("อุบัติเหตุบนทางหลวง", "Road accidents"),
            Words(
                "อุบัติเหตุ พ.ศ. 2562–2565 วัน เวลา สถานที่ มูลเหตุ ผู้เสียชีวิตและผู้บาดเจ็บ ไม่มีข้อมูลบุคคล",
                "Accidents 2019–2022 with time, place, cause, deaths and injuries; no personal data",
            ),
            "roads",
            _OPEN_GOVERNMENT,
            required="accidentDate deaths injured location origin source",
        ),
        _dataset(
            "devices",
            Words("อุปกรณ์ตรวจวัดของเมือง", "Devices of the city"),
            Words(
                "ทะเบียน สถานะ และค่าที่อ่านได้ของอุปกรณ์ ยังมิได้จัดชั้นเพื่อเปิดเผย",
                "Register, state and readings of devices, not yet cleared for publication",
            ),
            "city",
            _INTERNAL,
            _SECURITY,
            frequency="PT15M",
            required="origin",
        ),
    ]


def _command() -> list[Dataset]:
    return [
        _dataset(
            "alerts",
            Words("การแจ้งเตือนของศูนย์บัญชาการ", "Alerts of the command center"),
            Words("การแจ้งเตือนและกฎการแจ้งเตือนที่เจ้าหน้าที่ใช้ติดตามสถานการณ์", "Alerts and the rules that raise them"),
            "disaster",
            _INTERNAL,
            _SECURITY,
            required="name",
        ),
        _dataset(
            "incidents",
            Words("เหตุการณ์และการสั่งการ", "Incidents and dispatch"),
            Words(
                "เหตุการณ์ ลำดับเวลา และการสั่งการหน่วยปฏิบัติการ ชื่อและหมายเลขโทรศัพท์ของผู้แจ้งเป็นข้อมูลส่วนบุคคล",
                "Incidents, their timeline and assignments; the reporter's name and telephone are personal data",
            ),
            "disaster",
            _INTERNAL,
            _SECURITY,
            required="",
        ),
        _dataset(
            "emergency-units",
            Words("หน่วยปฏิบัติการฉุกเฉิน", "Emergency units"),
            Words(
                "รถพยาบาล รถดับเพลิง สายตรวจ เรือ และชุดปฏิบัติการ พร้อมสถานะและตำแหน่ง",
                "Ambulances, fire engines, patrols, boats and teams with state and position",
            ),
            "disaster",
            _INTERNAL,
            _SECURITY,
            required="name unitType unitStatus homeStation agency location origin",
        ),
        _dataset(
            "exercises",
            Words("การฝึก", "Exercises"),
            Words("ผลการฝึกและข้อมูลในพื้นที่ฝึก ไม่ใช่เหตุการณ์จริง", "Results and data of drills; not real events"),
            "disaster",
            _INTERNAL,
            _SECURITY,
            required="",
            purpose="training",
        ),
    ]


def _planning() -> list[Dataset]:
    return [
        _dataset(
            "indicators",
            Words("ตัวชี้วัดเมือง", "City indicators"),
            Words(
                "ค่าตัวชี้วัดที่คำนวณจากข้อมูลจริง พร้อมสูตร แหล่งที่มา และขั้นคุณภาพ",
                "Indicators computed from real data with formula, source and quality step",
            ),
            "city",
            _OWN,
            required="name origin",
        ),
        _dataset(
            "coverage",
            Words("ความครอบคลุมของโครงข่ายไร้สาย", "Wireless coverage"),
            Words(
                "ผลการคำนวณความครอบคลุมตามย่านความถี่ ตำแหน่งสถานีเป็นข้อมูลความมั่นคง",
                "Computed coverage by band; the places of sites are security data",
            ),
            "city",
            _OWN,
            required="name origin",
        ),
        _dataset(
            "critical-infrastructure",
            Words("โครงสร้างพื้นฐานสำคัญ", "Critical infrastructure"),
            Words(
                "จุดเปราะบางของโครงข่ายถนนและที่ตั้งสถานีโทรคมนาคม",
                "Weak points of the road network and sites of telecommunication",
            ),
            "city",
            _INTERNAL,
            _SECURITY,
            required="name origin",
        ),
        _dataset(
            "roadmap",
            Words("แผนพัฒนาเมืองอัจฉริยะ", "Smart-city roadmap"),
            Words(
                "ช่องว่าง มาตรการ และชุดมาตรการที่ได้จากการคำนวณ",
                "Gaps, measures and the portfolios computed from them",
            ),
            "city",
            _OWN,
            required="name origin",
        ),
        _dataset(
            "programme",
            Words("โครงการความช่วยเหลือทางวิชาการ", "Technical assistance programme"),
            Words(
                "วัตถุประสงค์ ผลผลิต หมุดหมาย และหลักฐานความก้าวหน้าของความช่วยเหลือทางวิชาการห้าปี",
                "Objectives, deliverables, milestones and evidence over five years",
            ),
            "programme",
            _OWN,
            required="name",
        ),
        _dataset(
            "skills",
            Words("กรอบสมรรถนะและหลักสูตร", "Competencies and courses"),
            Words("สมรรถนะ บทบาทหน้าที่ และหลักสูตรฝึกอบรม", "Competencies, staff roles and training courses"),
            "city",
            _OWN,
            required="name",
            purpose="training",  # of the answers in courses
        ),
        _dataset(
            "staff-training",
            Words("ประวัติการฝึกอบรมของบุคลากร", "Training records of staff"),
            Words(
                "ผลการเรียนและช่องว่างทักษะของบุคลากรรายบุคคล เป็นข้อมูลส่วนบุคคล",
                "Learning records and skill gaps of individuals; personal data",
            ),
            "city",
            _INTERNAL,
            _PERSONAL,
            required="",
            purpose="training",
        ),
    ]
