"""The register of drill scenarios: what happens when, and what a good answer to it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from andaman.command.core.states import SEVERITIES
from andaman.command.signals.definition import read_rule
from andaman.command.types import SEVERITY
from andaman.form import Part, Row, RowRefused, described, refers_to
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NumberOutOfRange, Refusal
from andaman.kernel.words import Words
from andaman.register import Register
from andaman.training.drill import Inject, Scenario, ScenarioRule
from andaman.training.problems import InjectNotUsable, PartNotUsable, ReportMissing, ScenarioRuleRefused
from andaman.training.tasks import DEFAULT_PARTS, ROLES, TIMED, TITLES, Task, TaskKind
from andaman.training.tasks import Part as RolePart
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
_TASKS: Final = tuple(Code(kind.value, words) for kind, words in TITLES.items())
_SEVERITIES: Final = tuple(code for code in SEVERITY.codes if code.value in SEVERITIES)
_PLACE_MAX_M: Final = 50_000.0


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


class TaskPart(Part, frozen=True, kw_only=True):
    """``least_seconds``: earlier nobody can have done it. Tasks without a time have no seconds. ``items``: only they can be ticked
    truly, where there are any."""

    kind: Annotated[str, described("งาน", "Task", choices=_TASKS)]
    points: Annotated[float, described("คะแนน", "Points")]
    full_seconds: Annotated[float, described("ได้คะแนนเต็มภายใน (วินาที)", "Full points within (s)")] = 0.0
    none_seconds: Annotated[float, described("ไม่ได้คะแนนเมื่อถึง (วินาที)", "No points from (s)")] = 0.0
    least_seconds: Annotated[float, described("เร็วที่สุดที่ทำได้จริง (วินาที)", "Earliest possible (s)")] = 0.0
    why: Annotated[tuple[Words, ...], described("เหตุผล", "Why")] = ()
    items: Annotated[
        tuple[Words, ...],
        described(
            "รายการตรวจสอบที่เป็นจริงได้ในสถานการณ์", "Items of the checklist that can be true in the script"
        ),
    ] = ()


class RoleTasks(Part, frozen=True, kw_only=True):
    """What a trainee in this role does."""

    role: Annotated[str, described("บทบาทในการฝึก", "Role in the drill", choices=ROLES)]
    tasks: Annotated[tuple[TaskPart, ...], described("งานที่ให้คะแนน", "Tasks that are scored")]


class ScenarioRow(Row, frozen=True, kw_only=True):
    """``incident_types`` and ``severities`` are right, no severities for any. ``place_within_metres`` of the main place counts as the
    place. ``role_tasks``: the tasks of each role; those of ``tasks.py`` where there are none. ``instrument_district``: English name of
    the district whose instruments make the observations; empty for any."""

    name: Words
    briefing: Words
    main_place: PlacePart
    injects: tuple[InjectPart, ...]
    incident_types: Annotated[tuple[str, ...], refers_to("incident-types")]
    limit_seconds: int
    severities: Annotated[
        tuple[str, ...], described("ความรุนแรงที่ถูกต้อง", "Right severities", choices=_SEVERITIES)
    ] = ()
    place_within_metres: float = 500.0
    role_tasks: tuple[RoleTasks, ...] = ()
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
    if not 0 < row.place_within_metres <= _PLACE_MAX_M:
        yield NumberOutOfRange(field="placeWithinMetres", low=1, high=_PLACE_MAX_M)
    for part in row.role_tasks:
        if not _usable(part) or sum(one.role == part.role for one in row.role_tasks) > 1:
            yield PartNotUsable(field="roleTasks", role={c.value: c.words for c in ROLES}[part.role])
    for rule in row.alert_rules:
        try:
            if not _RULE_ID.fullmatch(rule.id):
                raise BadRequestData("The id has letters, digits and hyphens")
            read_rule(f"urn:ngsi-ld:AlertRule:{rule.id}", rule.definition, rule.name.json())
        except BadRequestData as error:
            yield ScenarioRuleRefused(field="alertRules", rule=rule.id[:40], reason=error.detail)


def _usable(part: RoleTasks) -> bool:
    """Its tasks give 100 points, each kind is there once, an incident is opened, and every time can be met."""
    kinds = [task.kind for task in part.tasks]
    timed = all(
        (0 <= task.least_seconds <= task.full_seconds < task.none_seconds)
        if task.kind in TIMED
        else task.full_seconds == task.none_seconds == task.least_seconds == 0
        for task in part.tasks
    )
    items = all(task.kind == TaskKind.VERIFY or not task.items for task in part.tasks)
    worth = all(task.points > 0 for task in part.tasks) and sum(task.points for task in part.tasks) == 100
    return timed and items and worth and len(set(kinds)) == len(kinds) and TaskKind.OPEN in kinds


SCENARIOS: Final = Register(
    "drill-scenarios",
    Words("สถานการณ์ฝึก", "Drill scenarios"),
    EXERCISE,
    ScenarioRow,
    check=check_scenario,
    retired=("unitTypes",),  # what fits is the rule of the advice: command/dispatch/ranking.py
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
        tuple(sorted(injects, key=lambda one: one.after_s)),
        row.limit_seconds,
        row.instrument_district,
        tuple(ScenarioRule(one.id, one.name.json(), one.definition) for one in row.alert_rules),
        row.severities,
        row.place_within_metres,
        tuple(_part(one) for one in row.role_tasks) or DEFAULT_PARTS,
    )


def _part(row: RoleTasks) -> RolePart:
    return RolePart(
        row.role,
        tuple(
            Task(
                TaskKind(t.kind),
                t.points,
                t.full_seconds,
                t.none_seconds,
                t.least_seconds,
                _joined(t.why),
                t.items,
            )
            for t in row.tasks
        ),
    )


def _joined(sentences: tuple[Words, ...]) -> Words | None:
    if not sentences:
        return None
    return Words(" ".join(one.th for one in sentences), " ".join(one.en for one in sentences))
