"""Refusals of training to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, State, Words


class NoSuchScenario(Refusal, ResourceNotFound):
    code = "no-such-scenario"
    words = Words("ไม่มีสถานการณ์ฝึก {id}", "There is no scenario {id}")
    id: str


class NoSuchDrill(Refusal, ResourceNotFound):
    """Also for a drill of somebody else: both are refused in the same words."""

    code = "no-such-drill"
    words = Words("ท่านไม่มีการฝึก {id}", "You have no drill {id}")
    id: str


class NoPartOfYours(Refusal, Forbidden):
    """The scenario has no part for somebody with this role, or not the one that was asked for."""

    code = "no-part-of-yours"
    words = Words(
        "สิทธิของท่านไม่ครอบคลุมงานของบทบาท{role}ในการฝึกนี้",
        "Your rights do not cover the tasks of the role {role} in this drill",
    )
    role: Words


class DrillNotEntered(Refusal, Forbidden):
    """A token is bound to one tenant, so that it can never enter that of a drill."""

    code = "drill-not-entered"
    words = Words(
        "โทเค็นเข้าพื้นที่ของการฝึกไม่ได้ โปรดลงชื่อเข้าใช้ด้วยบัญชีของท่านเพื่อเริ่มการฝึก",
        "A token cannot enter the tenant of a drill. Sign in with your own account to start one",
    )


class DrillRunning(Refusal, Conflict):
    code = "drill-running"
    words = Words(
        "ท่านมีการฝึกที่ยังไม่จบอยู่หนึ่งรายการ จบหรือยุติรายการนั้นก่อน",
        "You have a drill running already; finish or abort it first",
    )


class TooManyDrills(Refusal, Conflict):
    code = "too-many-drills"
    words = Words(
        "มีการฝึกอยู่ {count} รายการแล้ว โปรดรอให้จบก่อน", "{count} drills are running; wait until one is finished"
    )
    count: int


class DrillEnded(Refusal, Conflict):
    code = "drill-ended"
    words = Words("การฝึกนี้อยู่ในสถานะ “{state}” แล้ว", "This drill is “{state}” already")
    state: State


class DrillNotScored(Refusal, Conflict):
    code = "drill-not-scored"
    words = Words("จบการฝึกและรับคะแนนก่อน จึงจะบันทึกขั้นนี้ได้", "Finish the drill first; it is not scored yet")


class DrillNeeded(Refusal, BadRequestData):
    code = "drill-needed"
    words = Words("ขั้นนี้ต้องใช้การฝึกที่ได้รับคะแนนแล้ว", "This step needs the id of your scored drill")
    field: FieldName = "drill"


class NoSuchCourse(Refusal, ResourceNotFound):
    code = "no-such-course"
    words = Words("ไม่มีหลักสูตร {id}", "There is no course {id}")
    id: str


class NoSuchCertificate(Refusal, ResourceNotFound):
    code = "no-such-certificate"
    words = Words("ไม่มีใบรับรองนี้", "There is no such certificate")


class CourseNotCompleted(Refusal, Conflict):
    code = "course-not-completed"
    words = Words("ต้องผ่านทุกขั้นของหลักสูตรก่อน จึงจะออกใบรับรองได้", "Pass every step of the course first")


class NoSuchStep(Refusal, ResourceNotFound):
    code = "no-such-course-step"
    words = Words("หลักสูตร {course} ไม่มีขั้น {step}", "Course {course} has no step {step}")
    course: str
    step: str


class EarlierStepFirst(Refusal, Conflict):
    code = "earlier-step-first"
    words = Words("ต้องทำขั้น “{name}” ({step}) ให้เสร็จก่อน", "Step “{name}” ({step}) comes first")
    name: Words
    step: str


class ReadingNotBegun(Refusal, Conflict):
    code = "reading-not-begun"
    words = Words("โปรดเริ่มอ่านขั้น “{name}” ก่อนยืนยัน", "Begin to read step “{name}” before you confirm it")
    name: Words


class StillReading(Refusal, Conflict):
    code = "still-reading"
    words = Words(
        "โปรดอ่านให้ครบ ยืนยันได้ในอีก {seconds} วินาที", "Read it all first; you can confirm it in {seconds} s"
    )
    seconds: int


class AnswerMissing(Refusal, BadRequestData):
    """The question has no answer, or one that is not among its choices of this try: they are others after each try."""

    code = "answer-missing"
    words = Words(
        "โปรดตอบคำถาม {field} ด้วยตัวเลือกที่แสดงในครั้งนี้ หากตอบจากหน้าจออื่นแล้ว โปรดโหลดหน้าใหม่",
        "Question {field} needs one of the choices of this try; load the page again if you answered elsewhere",
    )
    field: FieldName


class NoSuchStaffRole(Refusal, BadRequestData):
    code = "no-such-staff-role"
    words = Words("ไม่มีบทบาท {role}", "There is no role {role}")
    role: str
    field: FieldName = "role"


class CompetencyTwice(Refusal, BadRequestData):
    code = "competency-twice"
    words = Words("{field}มีสมรรถนะเดียวกันมากกว่าหนึ่งครั้ง", "{field} names a competency more than once")
    field: FieldName


class ReportMissing(Refusal, BadRequestData):
    code = "scenario-without-report"
    words = Words(
        "สถานการณ์ฝึกต้องมีการแจ้งเหตุอย่างน้อยหนึ่งรายการ รายการสุดท้ายเป็นเหตุหลัก",
        "A scenario needs at least one report; the last one is its main event",
    )
    field: FieldName


class InjectNotUsable(Refusal, BadRequestData):
    """``number`` counts from 1."""

    code = "inject-not-usable"
    words = Words(
        "เหตุการณ์สมมติที่ {number} ต้องมีเวลาภายในเวลาฝึก ชนิดข้อมูล และค่าที่บันทึกอย่างน้อยหนึ่งค่าซึ่งไม่ว่าง",
        "Event {number} needs a time within the limit, an entity type, and at least one attribute with a value. The drill itself "
        "writes name, location and origin",
    )
    field: FieldName
    number: int


class StepNotUsable(Refusal, BadRequestData):
    """``number`` counts from 1; 0 for the steps together."""

    code = "course-step-not-usable"
    words = Words(
        "ขั้นที่ {number} ต้องมีรหัสไม่ซ้ำ เวลา สัดส่วนผ่าน 0–1 ระดับ 1–4 และหากเป็นคำถามต้องมีตัวเลือกอย่างน้อยสองข้อพร้อมข้อที่ถูก",
        "Step {number} needs an id of its own, minutes, a share from 0 to 1 and levels from 1 to 4. Each question needs two "
        "choices or more, and the right one among them",
    )
    field: FieldName
    number: int


class DrillOfAnother(Refusal, Conflict):
    code = "drill-of-another-scenario"
    words = Words("ผลการฝึกของสถานการณ์นี้ใช้กับขั้นนี้ไม่ได้", "A drill of this scenario does not count for this step")


class PartNotUsable(Refusal, BadRequestData):
    code = "part-not-usable"
    words = Words(
        "งานของบทบาท{role}ต้องรวมได้ 100 คะแนน ไม่ซ้ำกัน มีการเปิดเหตุ และเวลาของงานที่จับเวลาต้องเรียงจากเร็วไปช้า",
        "The tasks of the role {role} need 100 points in all and an opening of an incident. Each kind comes once, and times "
        "rise",
    )
    field: FieldName
    role: Words


class ScenarioRuleRefused(Refusal, BadRequestData):
    """``reason`` is in English."""

    code = "scenario-rule-refused"
    words = Words(
        "กฎ {rule} ของสถานการณ์ฝึกใช้ไม่ได้: {reason}", "The rule {rule} of the scenario cannot be used: {reason}"
    )
    field: FieldName
    rule: str
    reason: str
