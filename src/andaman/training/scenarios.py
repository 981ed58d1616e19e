"""The register of drill scenarios: what happens when, and what a good answer to it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from andaman.command.signals.definition import read_rule
from andaman.form import Part, Row, RowRefused, described, refers_to
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NumberOutOfRange, Refusal
from andaman.kernel.words import Words
from andaman.register import Register
from andaman.training.drill import Inject, Scenario, ScenarioRule
from andaman.training.problems import InjectNotUsable, ReportMissing, ScenarioRuleRefused
from andaman.training.types import EXERCISE
from andaman.vocabulary import Code

_LIMIT_MAX_S: Final = 86_400
_TYPE: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,79}")
_ATTRIBUTE: Final = re.compile(r"[a-z][A-Za-z0-9]{0,79}")
_RULE_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NOT_ATTRIBUTES: Final = frozenset({"id", "type", "scope", "types", "location", "name", "origin"})
"""Members of an entity, and what the drill itself writes."""
_KINDS: Final = (
    Code("observation", Words("ค่าตรวจวัดของสถานีที่มีอยู่", "Observation of an instrument that is there")),
    Code("report", Words("การแจ้งเหตุใหม่", "New report")),
)


class PlacePart(Part, frozen=True, kw_only=True):
    """In degrees, WGS 84."""

    longitude: Annotated[float, described("ลองจิจูด", "Longitude")]
    latitude: Annotated[float, described("ละติจูด", "Latitude")]


class InjectPart(Part, frozen=True, kw_only=True):
    """``attributes``: short names of the city context → values."""

    after_seconds: Annotated[float, described("เกิดขึ้นหลังเริ่ม (วินาที)", "Seconds after the start")]
    kind: Annotated[str, described("ลักษณะ", "Kind", choices=_KINDS)]
    title: Annotated[Words, described("ชื่อ", "Title")]
    entity_type: Annotated[str, described("ชนิดข้อมูล", "Entity type")]
    attributes: Annotated[dict[str, Any], described("ค่าที่บันทึก", "Values that are written")]


class RulePart(Part, frozen=True, kw_only=True):
    """An alert rule of the exercise; ``definition``: docs/rooms/command.md describes it."""

    id: Annotated[str, described("รหัส", "Id")]
    name: Annotated[Words, described("ชื่อกฎ", "Name of the rule")]
    definition: Annotated[
        dict[str, Any], described("เงื่อนไขและข้อความแจ้งเตือน", "Conditions and texts of the alert")
    ]


class ScenarioRow(Row, frozen=True, kw_only=True):
    """``incident_types`` count as recognised; ``unit_types`` fit. ``instrument_district``: English name of the district whose instruments
    make the observations; empty for any."""

    name: Words
    briefing: Words
    main_place: PlacePart
    injects: tuple[InjectPart, ...]
    incident_types: Annotated[tuple[str, ...], refers_to("incident-types")]
    unit_types: Annotated[tuple[str, ...], refers_to("unit-types")]
    limit_seconds: int
    instrument_district: str = ""
    alert_rules: tuple[RulePart, ...] = ()


def check_scenario(row: ScenarioRow) -> None:
    """Raises RowRefused. So every scenario in the register can be played to its end."""
    if errors := list(_errors(row)):
        raise RowRefused.of(errors)


def _errors(row: ScenarioRow) -> Iterator[Refusal]:
    if not 60 <= row.limit_seconds <= _LIMIT_MAX_S:
        yield NumberOutOfRange(field="limitSeconds", low=60, high=_LIMIT_MAX_S)
    if not (-180 <= row.main_place.longitude <= 180 and -90 <= row.main_place.latitude <= 90):
        yield NumberOutOfRange(field="mainPlace", low=-180, high=180)
    if not any(inject.kind == "report" for inject in row.injects):
        yield ReportMissing(field="injects")
    for number, inject in enumerate(row.injects, 1):
        names = inject.attributes.keys()
        usable = (
            0 <= inject.after_seconds < row.limit_seconds
            and _TYPE.fullmatch(inject.entity_type)
            and names
            and not _NOT_ATTRIBUTES & names
            and all(_ATTRIBUTE.fullmatch(name) for name in names)
            and None not in inject.attributes.values()
        )
        if not usable:
            yield InjectNotUsable(field="injects", number=number)
    for rule in row.alert_rules:
        try:
            if not _RULE_ID.fullmatch(rule.id):
                raise BadRequestData("The id has letters, digits and hyphens")
            read_rule(f"urn:ngsi-ld:AlertRule:{rule.id}", rule.definition, rule.name.json())
        except BadRequestData as error:
            yield ScenarioRuleRefused(field="alertRules", rule=rule.id[:40], reason=error.detail)


SCENARIOS: Final = Register(
    "drill-scenarios", Words("สถานการณ์ฝึก", "Drill scenarios"), EXERCISE, ScenarioRow, check=check_scenario
)


def scenario_of(row: ScenarioRow) -> Scenario:
    """The script in the order of time."""
    injects = (
        Inject(one.after_seconds, one.kind, one.entity_type, one.attributes, one.title) for one in row.injects
    )
    return Scenario(
        row.code,
        row.name,
        row.briefing,
        (row.main_place.longitude, row.main_place.latitude),
        frozenset(row.incident_types),
        frozenset(row.unit_types),
        tuple(sorted(injects, key=lambda one: one.after_s)),
        row.limit_seconds,
        row.instrument_district,
        tuple(ScenarioRule(one.id, one.name.json(), one.definition) for one in row.alert_rules),
    )
