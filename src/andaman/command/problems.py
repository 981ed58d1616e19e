"""Refusals of the command center to people, with their words."""

from __future__ import annotations

from typing import Final

from andaman.command.types import (
    ALERT,
    ALERT_RULE,
    ASSIGNMENT,
    EMERGENCY_UNIT,
    INCIDENT,
    INCIDENT_NUMBER,
    TIMELINE_ENTRY,
)
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Names, State, States, Time, Words

KINDS: Final = {
    one.name: one.words
    for one in (ALERT, ALERT_RULE, ASSIGNMENT, EMERGENCY_UNIT, INCIDENT, INCIDENT_NUMBER, TIMELINE_ENTRY)
}
"""Types of entities that people ask the command center for."""


class NoSuchRecord(Refusal, ResourceNotFound):
    """There is no such entity of the type, or the reader may not see it."""

    code = "no-such-record"
    words = Words("ไม่พบ{record} {id} หรือไม่มีสิทธิเข้าถึง", "There is no {record} {id}, or you may not see it")
    record: Words
    id: str


class Unreadable(Refusal, Conflict):
    """A stored entity lacks an attribute that decides, or holds something else in it."""

    code = "unreadable-record"
    words = Words(
        "ข้อมูล{record} {id} ไม่สมบูรณ์: {attribute}ใช้ไม่ได้ โปรดแจ้งผู้ดูแลระบบ",
        "The {record} {id} is damaged: its {attribute} cannot be used; report this to the administrator",
    )
    record: Words
    id: str
    attribute: FieldName


class NoIncidentThen(Refusal, ResourceNotFound):
    code = "no-incident-then"
    words = Words("ยังไม่มีเหตุ {id} ณ เวลา {at}", "There was no incident {id} at {at}")
    id: str
    at: str


class AlertAcknowledged(Refusal, Conflict):
    code = "alert-acknowledged"
    words = Words(
        "การแจ้งเตือนนี้อยู่ในสถานะ “{state}” {person} รับทราบแล้ว",
        "The alert is “{state}” and was acknowledged already by {person}",
    )
    state: State
    person: str
    allowed: States


class AlertNotOpen(Refusal, Conflict):
    code = "alert-not-open"
    words = Words("การแจ้งเตือนนี้อยู่ในสถานะ “{state}”", "The alert is “{state}”")
    state: State
    allowed: States


class AlertClosed(Refusal, Conflict):
    code = "alert-closed"
    words = Words("{person} ปิดการแจ้งเตือนนี้ไปแล้ว", "The alert was closed already by {person}")
    person: str
    allowed: States = ()


class PlaceNotChosen(Refusal, BadRequestData):
    """An incident has either a place that a person chose, or the explicit word that nobody knows it yet."""

    code = "place-not-chosen"
    words = Words(
        "โปรดเลือกจุดเกิดเหตุบนแผนที่ หรือระบุว่ายังไม่ทราบจุดเกิดเหตุ",
        "Choose the place on the map, or say that the place is unknown",
    )
    field: FieldName = "location"


class IncidentStepNotAllowed(Refusal, Conflict):
    code = "incident-step-not-allowed"
    words = Words(
        "เหตุอยู่ในสถานะ “{state}” จึงเปลี่ยนเป็น “{step}” ไม่ได้",
        "The incident is “{state}” and cannot become “{step}”",
    )
    state: State
    step: State
    allowed: States


class StatusFollowsUnits(Refusal, Conflict):
    """``dispatched`` needs a unit, and ``onScene`` one that has arrived."""

    code = "status-follows-units"
    words = Words(
        "สถานะ “{step}” เปลี่ยนตามหน่วยปฏิบัติการ โปรดสั่งการหน่วยหรือบันทึกสถานะของหน่วย",
        "“{step}” follows the units: send a unit, or record the step of one",
    )
    step: State
    allowed: States


class CorrectedMeanwhile(Refusal, Conflict):
    """Somebody changed the value while this correction was written. ``now``: theirs; ``asked``: this one."""

    code = "corrected-meanwhile"
    words = Words(
        "{person} แก้ไข{field}เป็น “{now}” เมื่อ {at} ค่าของท่าน “{asked}” ยังไม่ได้บันทึก โปรดเลือกค่าที่ถูกต้อง",
        "{person} changed the {field} to “{now}” at {at}; your value “{asked}” is not stored, choose the right one",
    )
    field: FieldName
    person: str
    at: Time
    now: Words
    asked: Words


class ChecklistOver(Refusal, Conflict):
    code = "checklist-over"
    words = Words(
        "เหตุสิ้นสุดแล้ว จึงแก้ไขรายการตรวจสอบไม่ได้ โปรดเขียนบันทึกแทน",
        "The incident has ended, and its checklist with it; write a note instead",
    )


class NothingHandedOver(Refusal, Conflict):
    code = "nothing-handed-over"
    words = Words("เหตุนี้ไม่ได้รอผู้สั่งการ", "The incident does not wait for a dispatcher")


class NothingToCorrect(Refusal, BadRequestData):
    code = "nothing-to-correct"
    words = Words(
        "ไม่มีข้อมูลใดเปลี่ยนไปจากเดิม โปรดแก้ไขอย่างน้อยหนึ่งรายการ",
        "Nothing differs from the record; change at least one value",
    )


class UnitFarFromScene(Refusal, Conflict):
    """``distance``: metres between the unit's last position and the place of the incident."""

    code = "unit-far-from-scene"
    words = Words(
        "ตำแหน่งล่าสุดของ{unit}ห่างจากจุดเกิดเหตุ {distance} ม. โปรดยืนยันว่าหน่วยถึงที่เกิดเหตุแล้ว",
        "The last position of {unit} is {distance} m from the place; confirm that the unit is there",
    )
    unit: Words
    distance: int


class AssignmentStepNotAllowed(Refusal, Conflict):
    code = "assignment-step-not-allowed"
    words = Words(
        "ภารกิจของหน่วยอยู่ในสถานะ “{state}” จึงเปลี่ยนเป็น “{step}” ไม่ได้",
        "The assignment is “{state}” and cannot become “{step}”",
    )
    state: State
    step: State
    allowed: States


class UnitsBound(Refusal, Conflict):
    """The step waits until the incident's units are free."""

    code = "units-bound"
    words = Words(
        "ยังมีหน่วยปฏิบัติภารกิจอยู่ {count} หน่วย ({units}) ให้บันทึกเสร็จภารกิจหรือเรียกหน่วยกลับก่อน",
        "Units are still bound: {count} ({units}); clear or cancel their assignments first",
    )
    count: int
    units: Names
    allowed: States


class IncidentNotOpen(Refusal, Conflict):
    code = "incident-not-open"
    words = Words(
        "เหตุอยู่ในสถานะ “{state}” จึงสั่งการหน่วยไม่ได้ สั่งการได้เมื่อเหตุอยู่ในสถานะ {open}",
        "The incident is “{state}”; units are assigned while it is {open}",
    )
    state: State
    open: States
    allowed: States


class UnitNotAvailable(Refusal, Conflict):
    code = "unit-not-available"
    words = Words(
        "{unit} อยู่ในสถานะ “{state}” จึงไม่ว่าง เลือกหน่วยอื่น",
        "{unit} is “{state}”, not available; choose another unit",
    )
    unit: Words
    id: str
    state: State


class UnitBound(Refusal, Conflict):
    code = "unit-bound"
    words = Words("{unit} อยู่ในสถานะ “{state}” ให้จบภารกิจก่อน", "{unit} is “{state}”; end its assignment first")
    unit: Words
    state: State


class NotInChecklist(Refusal, BadRequestData):
    code = "not-in-checklist"
    words = Words("รายการตรวจสอบของเหตุนี้ไม่มี “{item}”", "The checklist of this incident has no item “{item}”")
    item: Words


# -- what is probably not meant in a rule; a person confirms it ------------------------------------------------
class LimitsOverlap(Refusal, BadRequestData):
    """Values from ``low`` to ``high`` fulfil the condition of the alert and that of its end."""

    code = "rule-limits-overlap"
    words = Words(
        "ค่า{attribute}ตั้งแต่ {low} ถึง {high} เข้าเงื่อนไขทั้งเริ่มและยกเลิกการแจ้งเตือน โปรดกำหนดเกณฑ์ยกเลิกให้อยู่คนละด้าน",
        "Values of {attribute} from {low} to {high} begin the alert and end it; put the limit of the end on the other side",
    )
    attribute: FieldName
    low: float
    high: float
    field: FieldName = "definition"


class BandsBeginElsewhere(Refusal, BadRequestData):
    code = "rule-bands-begin-elsewhere"
    words = Words(
        "ระดับความรุนแรงเริ่มที่ {first} แต่เกณฑ์แจ้งเตือนคือ {limit}",
        "The severities begin at {first}, and the alert at {limit}",
    )
    first: float
    limit: float
    field: FieldName = "definition"


class NameUnused(Refusal, BadRequestData):
    """``name``: of a type or attribute that no entity has now. ``similar``: names that are in use, "" where there is none."""

    code = "rule-name-unused"
    words = Words(
        "ไม่มีข้อมูลใดในระบบใช้ชื่อ “{name}” กฎนี้จึงไม่ทำงานกับชื่อนี้ ชื่อที่ใกล้เคียง: {similar}",
        "No data in the system uses the name “{name}”, so the rule does not work with it. Similar names: {similar}",
    )
    name: str
    similar: str
    field: FieldName = "definition"
