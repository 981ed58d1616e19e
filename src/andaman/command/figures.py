"""Figures of the command center: the ground of an alert, and the time until a unit arrives."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.api import Broker, Doc, value
from andaman.command.desk import Desk
from andaman.command.dispatch.ranking import BOAT_KMH, TURNOUT_S, Candidate
from andaman.command.permissions import READ_INCIDENT
from andaman.evidence.kinds import entity_at
from andaman.evidence.model import Asked, Basis, Constant, Detail, EntityRef, WideResolver
from andaman.evidence.problems import FigureNotOfThePast, NoSuchFigure
from andaman.evidence.vocabulary import Vocabulary
from andaman.identity.problems import PermissionMissing
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.network import ACCESS_KMH, OTHER_KMH, SPEED_KMH
from andaman.kernel.words import Words

_RULE: Final = Words("กฎเฝ้าระวังของเมือง", "Alert rule of the city")
_SECONDS: Final = Words("วินาที", "s")
_KMH: Final = Words("กม./ชม.", "km/h")
_GROUND: Final = Words(
    "กฎเฝ้าระวังเทียบค่าที่ตรวจวัดกับเกณฑ์ทุกครั้งที่มีค่าใหม่", "A rule compares each new value with its limit"
)
_UNCHECKED: Final = Words(
    "ยังไม่ได้สอบเทียบกับการเดินทางจริงของหน่วย", "Not calibrated with real journeys of the units"
)
_PROFILE: Final = Words(
    "ความเร็วตามประเภทถนนของ OSRM (profiles/car.lua)", "Speeds by class of road of OSRM (profiles/car.lua)"
)
_OWN: Final = Words("สมมติฐานของระบบ", "Assumption of the platform")
_TURNOUT: Final = Constant(
    name=Words("เวลาเตรียมออกเดินทาง", "Time to turn out"),
    value=TURNOUT_S,
    unit=_SECONDS,
    source=Words("NFPA 1710 เกณฑ์ของหน่วยแพทย์ฉุกเฉิน", "NFPA 1710, for emergency medical crews"),
    check=_UNCHECKED,
)
_ROADS: Final = {
    "motorway": Words("ทางหลวงพิเศษ", "Motorways"),
    "trunk": Words("ทางหลวงสายหลัก", "Trunk roads"),
    "primary": Words("ถนนสายประธาน", "Primary roads"),
    "secondary": Words("ถนนสายหลัก", "Secondary roads"),
    "tertiary": Words("ถนนสายรอง", "Tertiary roads"),
    "residential": Words("ถนนในชุมชน", "Residential roads"),
}


# -- alerts -----------------------------------------------------------------------------------------------------
def alert_figures(broker: Broker, vocabulary: Vocabulary) -> WideResolver:
    """Key: id of an alert. What was measured, the limit that it crossed, and the rule."""

    async def resolve(asked: Asked) -> Basis:
        access, tenant = asked.actor.access, asked.tenant
        alert = await entity_at(broker, asked.key, access, tenant, asked.at)
        rows = None if alert is None else value(alert, "data")
        if alert is None or not isinstance(rows, list):
            raise NoSuchFigure
        rows = [row for row in rows if isinstance(row, dict) and isinstance(row.get("attribute"), str)]
        named = value(alert, "rule")
        rule = broker.find(named, access, tenant) if isinstance(named, str) else None
        source = value(alert, "alertSource")
        return Basis(
            title=Words("เหตุผลของการแจ้งเตือน", "Ground of the alert"),
            check=_checked(alert),
            formula=_GROUND,
            constants=tuple(one for row in rows for one in _limits(row, vocabulary, _name(rule) or _RULE)),
            details=tuple(_change(row, vocabulary) for row in rows if "perSeconds" in row),
            entities=tuple(_ground(source, row) for row in rows) if isinstance(source, str) else (),
        )

    return resolve


def _ground(source: str, row: dict[str, Any]) -> EntityRef:
    """The entity that raised the alert, with the value that did. Of a change the present value is shown: the change is among
    the details."""
    found = row.get("value")
    of_change = "perSeconds" in row
    time = row.get("observedAt")
    return EntityRef(
        id=source,
        attribute=row["attribute"],
        value=found if isinstance(found, int | float | str) and not of_change else None,
        time=time if isinstance(time, str) else None,
    )


def _limits(row: dict[str, Any], vocabulary: Vocabulary, rule: Words) -> list[Constant]:
    bound = row.get("threshold")
    limits = [one for one in (bound if isinstance(bound, list) else [bound]) if isinstance(one, int | float)]
    words = vocabulary.attribute_words(row["attribute"])
    silent = "silentSeconds" in row
    name = (
        Words(f"เวลาที่ขาดการติดต่อ: {words.th}", f"Silence: {words.en}")
        if silent
        else Words(f"เกณฑ์: {words.th}", f"Limit: {words.en}")
    )
    unit = _SECONDS if silent else vocabulary.unit_of(row["attribute"], {})
    return [Constant(name=name, value=one, unit=unit, source=rule) for one in limits]


def _change(row: dict[str, Any], vocabulary: Vocabulary) -> Detail:
    words = vocabulary.attribute_words(row["attribute"])
    found = row.get("value")
    minutes = round(float(row["perSeconds"]) / 60, 1) if isinstance(row["perSeconds"], int | float) else "–"
    return Detail(
        name=Words(
            f"{words.th}เปลี่ยนแปลงในช่วง {minutes} นาที", f"Change of {words.en.lower()} within {minutes} min"
        ),
        value=found if isinstance(found, int | float) else None,
    )


def _checked(alert: Doc) -> Words:
    if value(alert, "acknowledgedBy"):
        return Words("เจ้าหน้าที่รับทราบแล้ว", "Acknowledged by a person")
    return Words("ยังไม่มีเจ้าหน้าที่ตรวจสอบ", "Not checked by a person yet")


def _name(doc: Doc | None) -> Words | None:
    found = None if doc is None else value(doc, "name")
    if not isinstance(found, dict) or not found:
        return None
    texts = [str(one) for one in found.values()]
    return Words(f"กฎเฝ้าระวัง: {found.get('th') or texts[0]}", f"Alert rule: {found.get('en') or texts[0]}")


# -- travel times -----------------------------------------------------------------------------------------------
def travel_figures(desk: Desk) -> WideResolver:
    """Key: id of an incident, ``~``, id of a unit that could be sent. Raises PermissionMissing."""

    async def resolve(asked: Asked) -> Basis:
        me = asked.actor.principal
        if not me.may(READ_INCIDENT):
            raise PermissionMissing(permission=READ_INCIDENT.name, meaning=READ_INCIDENT.words)
        if asked.at is not None:
            raise FigureNotOfThePast
        incident, _, unit = asked.key.rpartition("~")
        try:
            ranking = await desk.dispatch.candidates(incident, asked.actor.access, asked.tenant, limit=50)
        except ResourceNotFound:
            raise NoSuchFigure from None
        found = next((one for one in ranking.candidates if one.unit.id == unit), None)
        if found is None:
            raise NoSuchFigure
        return _travel(incident, found)

    return resolve


def _travel(incident: str, found: Candidate) -> Basis:
    by_road = found.reason.get("method") == "roadNetwork"
    names = found.unit.names
    return Basis(
        title=Words(f"เวลาที่{names.th}จะถึงที่เกิดเหตุ", f"Time until {names.en} arrives"),
        value=round(TURNOUT_S + found.eta_s),
        unit=_SECONDS,
        attribute="etaSeconds",
        period=Words("คำนวณจากตำแหน่งปัจจุบัน", "From where it is now"),
        check=_UNCHECKED,
        formula=Words("เวลาเตรียมออกเดินทาง + ผลรวมของ (ความยาวช่วงถนน ÷ ความเร็วตามประเภทถนน) ตามเส้นทางที่เร็วที่สุด", "time to turn out + sum of (length of road ÷ speed of its class) along the fastest way")
        if by_road
        else Words("เวลาเตรียมออกเดินทาง + ระยะทางเส้นตรงทางน้ำ ÷ ความเร็วเรือ", "time to turn out + straight line over water ÷ speed of a boat"),
        constants=(_TURNOUT, *(_speeds() if by_road else [_speed(Words("เรือกู้ภัย", "Rescue boat"), BOAT_KMH, _OWN)])),
        details=(
            Detail(name=Words("ระยะทาง (เมตร)", "Distance (m)"), value=round(found.distance_m)),
        ),
        entities=(EntityRef(id=found.unit.id), EntityRef(id=incident)),
        note=Words(
            "เวลานี้ไม่รวมผลของสภาพจราจร", "It does not include the effect of traffic."
        ),
    )  # fmt: skip


def _speeds() -> list[Constant]:
    """The speeds that matter most; the rest follows the same table."""
    rows = [_speed(words, SPEED_KMH[name], _PROFILE) for name, words in _ROADS.items() if name in SPEED_KMH]
    rows.append(_speed(Words("ถนนประเภทอื่น", "Other roads"), OTHER_KMH, _OWN))
    rows.append(_speed(Words("จากจุดที่อยู่ถึงถนน", "From a place to the road"), ACCESS_KMH, _OWN))
    return rows


def _speed(name: Words, kmh: float, source: Words) -> Constant:
    return Constant(name=name, value=kmh, unit=_KMH, source=source, check=_UNCHECKED)
