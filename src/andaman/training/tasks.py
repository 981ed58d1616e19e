"""The tasks of a drill, by the role that the trainee plays. Pure data: a scenario may bring its own tasks of each role.

A task is measured from the journal (``scoring.py``). A role's tasks need no permission that the role does not have, so
that everybody can reach every point of the role they play.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from andaman.command.permissions import (
    ACKNOWLEDGE_ALERT,
    ASSIGN_UNIT,
    CLOSE_INCIDENT,
    CREATE_INCIDENT,
    NOTE_INCIDENT,
    STEP_ASSIGNMENT,
    STEP_INCIDENT,
)
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words
from andaman.vocabulary import Code


class TaskKind(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    OPEN = "open"
    SEVERITY = "severity"
    PLACE = "place"
    VERIFY = "verify"
    HAND_OVER = "hand-over"
    LOG = "log"
    ASSIGN = "assign"
    CHOICE = "choice"
    FOLLOW = "steps"
    CLOSE = "close"


K = TaskKind


@dataclass(frozen=True, slots=True)
class Task:
    """``points`` in full up to ``full_s`` seconds, none from ``none_s`` on; ``least_s``: nobody can have done it earlier, so
    that it counts for nothing before. Tasks without a time have 0 in all. ``why``: of the scenario, in place of ours.
    ``items``: of the checklist, those that can be true in the script; none where any may be."""

    kind: TaskKind
    points: float
    full_s: float = 0.0
    none_s: float = 0.0
    least_s: float = 0.0
    why: Words | None = None
    items: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody in this role does in a drill."""

    role: str
    tasks: tuple[Task, ...]

    @property
    def kinds(self) -> frozenset[TaskKind]:
        return frozenset(task.kind for task in self.tasks)

    @property
    def needs(self) -> frozenset[Permission]:
        return frozenset(permission for kind in self.kinds for permission in NEEDS[kind])


NEEDS: Final[Mapping[TaskKind, tuple[Permission, ...]]] = {
    K.ACKNOWLEDGE: (ACKNOWLEDGE_ALERT,),
    K.OPEN: (CREATE_INCIDENT,),
    K.SEVERITY: (CREATE_INCIDENT,),
    K.PLACE: (CREATE_INCIDENT,),
    K.VERIFY: (NOTE_INCIDENT,),
    K.HAND_OVER: (NOTE_INCIDENT,),
    K.LOG: (NOTE_INCIDENT,),
    K.ASSIGN: (ASSIGN_UNIT,),
    K.CHOICE: (ASSIGN_UNIT,),
    K.FOLLOW: (STEP_ASSIGNMENT,),
    K.CLOSE: (STEP_INCIDENT, CLOSE_INCIDENT),
}
LOG_LEAST: Final = 20
"""Characters of a note that says something."""
TIMED: Final = frozenset({K.ACKNOWLEDGE, K.OPEN, K.VERIFY, K.HAND_OVER, K.LOG, K.ASSIGN})
TITLES: Final[Mapping[TaskKind, Words]] = {
    K.ACKNOWLEDGE: Words("รับทราบการแจ้งเตือน", "Alert acknowledged"),
    K.OPEN: Words("เปิดเหตุด้วยประเภทที่ถูกต้อง", "Incident opened with the right kind"),
    K.SEVERITY: Words("ระบุความรุนแรงถูกต้อง", "Right severity"),
    K.PLACE: Words("ระบุสถานที่ถูกต้อง", "Right place"),
    K.VERIFY: Words("ตรวจสอบข้อมูลกับผู้แจ้ง", "Facts checked with the caller"),
    K.HAND_OVER: Words("ส่งต่อให้ผู้สั่งการ", "Handed over to a dispatcher"),
    K.LOG: Words("บันทึกเหตุการณ์", "Log written"),
    K.ASSIGN: Words("สั่งการหน่วยแรก", "First unit sent"),
    K.CHOICE: Words("เลือกหน่วยที่เหมาะสมและถึงเร็ว", "A fitting unit that arrives soon"),
    K.FOLLOW: Words("ติดตามหน่วยครบขั้นตอน", "The unit followed through its steps"),
    K.CLOSE: Words("ปิดเหตุพร้อมผลลัพธ์", "Incident closed with an outcome"),
}
WHY: Final[Mapping[TaskKind, Words]] = {
    K.ACKNOWLEDGE: Words(
        "เพื่อให้ทุกคนทราบว่ามีผู้รับผิดชอบแล้ว และไม่มีการแจ้งเตือนใดถูกมองข้าม",
        "Everybody then knows that somebody is on it, and no alert is overlooked.",
    ),
    K.OPEN: Words(
        "ประเภทเหตุกำหนดหน่วยที่ระบบแนะนำและรายการตรวจสอบ หากผิด ความช่วยเหลือจะผิดไปด้วย",
        "The kind decides on the advised units and on the checklist. A wrong kind brings the wrong help.",
    ),
    K.SEVERITY: Words(
        "ความรุนแรงกำหนดลำดับการช่วยเหลือเมื่อมีหลายเหตุพร้อมกัน",
        "Severity decides who is helped first when there are several incidents.",
    ),
    K.PLACE: Words(
        "หน่วยเดินทางไปยังจุดที่ระบุ จุดที่ผิดทำให้เสียเวลาช่วยชีวิต",
        "Units drive to the point that is given. A wrong point costs lives.",
    ),
    K.VERIFY: Words(
        "ผู้แจ้งเป็นผู้เดียวที่เห็นเหตุ ข้อมูลที่ตรวจสอบแล้วช่วยให้ส่งหน่วยได้ถูกต้อง",
        "Only the caller sees the scene. Facts that are checked bring the right help.",
    ),
    K.HAND_OVER: Words(
        "ผู้สั่งการเท่านั้นที่ส่งหน่วยได้ การส่งต่อช้าคือความช่วยเหลือช้า",
        "Only a dispatcher can send units. A late hand-over is late help.",
    ),
    K.LOG: Words(
        "ผู้รับช่วงต่อและผู้ตรวจสอบต้องทราบว่ารู้อะไร เมื่อใด จากใคร",
        "Those who take over, and those who check later, need the facts, their times and their sources.",
    ),
    K.ASSIGN: Words(
        "เวลาตั้งแต่เปิดเหตุจนหน่วยออกเดินทางเป็นเวลาที่ศูนย์สั่งการลดได้เอง",
        "The time from opening to sending is the part of the delay that the command center itself can shorten.",
    ),
    K.CHOICE: Words(
        "ระบบจัดอันดับตามประเภทหน่วยที่เหตุนี้ต้องการก่อน แล้วจึงตามเวลาเดินทาง และให้คะแนนด้วยหลักเดียวกัน",
        "The platform ranks by the kind that the incident needs, then by travel time, and scores by the same rule.",
    ),
    K.FOLLOW: Words(
        "หากไม่ติดตาม จะไม่ทราบว่าหน่วยไปถึงแล้วหรือยัง และหน่วยว่างจะดูเหมือนไม่ว่าง",
        "Without it nobody knows whether help arrived, and a free unit looks busy.",
    ),
    K.CLOSE: Words(
        "เหตุที่ปิดพร้อมผลลัพธ์เป็นหลักฐานว่าช่วยเหลือเสร็จแล้ว",
        "An incident that is closed with its outcome proves that the help was given.",
    ),
}
RIGHT: Final[Mapping[TaskKind, Words]] = {
    K.ACKNOWLEDGE: Words(
        "รับทราบการแจ้งเตือนของสถานการณ์ภายใน {seconds} วินาที",
        "Acknowledge an alert of the script within {seconds} s.",
    ),
    K.OPEN: Words(
        "เปิดเหตุจากการแจ้งนั้นภายใน {seconds} วินาที ด้วยประเภทที่ตรงกับเหตุ",
        "Open the incident from the report within {seconds} s, with the kind that it is.",
    ),
    K.SEVERITY: Words("ระบุความรุนแรงเป็น {target}", "Give the severity as {target}."),
    K.PLACE: Words(
        "ระบุจุดเกิดเหตุให้คลาดเคลื่อนไม่เกิน {metres} เมตร",
        "Give the place to within {metres} m.",
    ),
    K.VERIFY: Words(
        "ถามผู้แจ้งตามรายการตรวจสอบ แล้วทำเครื่องหมายเฉพาะข้อที่ทำแล้วภายใน {seconds} วินาทีหลังเปิดเหตุ เร็วกว่า {least} วินาทีถือว่าไม่ได้ถาม",
        "Ask the caller what the checklist says, and tick only items that are done, within {seconds} s. Before {least} s nobody can have asked.",
    ),
    K.HAND_OVER: Words(
        "ส่งต่อให้ผู้สั่งการภายใน {seconds} วินาทีหลังเปิดเหตุ พร้อมข้อมูลที่ตรวจสอบแล้ว เร็วกว่า {least} วินาทีถือว่ายังไม่ได้ตรวจสอบ",
        "Hand over to a dispatcher within {seconds} s, with the checked facts. Before {least} s nothing can have been checked.",
    ),
    K.LOG: Words(
        f"เขียนบันทึกอย่างน้อย {LOG_LEAST} ตัวอักษรภายใน {{seconds}} วินาทีหลังเปิดเหตุ "
        "เร็วกว่า {least} วินาทีถือว่ายังไม่ได้ตรวจสอบ",
        f"Write a note of at least {LOG_LEAST} characters within {{seconds}} s. Before {{least}} s nothing can have been checked.",
    ),
    K.ASSIGN: Words(
        "ส่งหน่วยที่เหมาะสมภายใน {seconds} วินาทีหลังเปิดเหตุ",
        "Send a fitting unit within {seconds} s of opening the incident.",
    ),
    K.CHOICE: Words(
        "ส่งหน่วยแรกในรายการแนะนำ: {kinds}ที่ถึงเร็วที่สุด",
        "Send the first unit of the advice: the {kinds} that arrives first.",
    ),
    K.FOLLOW: Words(
        "รายงานว่าหน่วยถึงที่เกิดเหตุเมื่อถึงจริง และเสร็จภารกิจเมื่อเสร็จ",
        "Report the unit on scene when it is there, and clear when it is done.",
    ),
    K.CLOSE: Words(
        "ปิดเหตุพร้อมผลลัพธ์ หลังหน่วยไปถึงและเสร็จภารกิจ",
        "Close the incident with its outcome, after a unit was there and is clear.",
    ),
}
CALL_TAKING: Final = "call-taking"
DISPATCHING: Final = "dispatching"
ROLES: Final = (
    Code(DISPATCHING, Words("ผู้สั่งการ", "Dispatcher")),
    Code(CALL_TAKING, Words("เจ้าหน้าที่เวร", "Operator")),
)
"""Which one somebody plays follows from their permissions. The one with more rights first."""
DEFAULT_PARTS: Final = (
    Part(
        DISPATCHING,
        (
            Task(K.ACKNOWLEDGE, 15, 60, 300),
            Task(K.OPEN, 10, 120, 480),
            Task(K.SEVERITY, 5),
            Task(K.PLACE, 10),
            Task(K.ASSIGN, 15, 60, 300),
            Task(K.CHOICE, 20),
            Task(K.FOLLOW, 15),
            Task(K.CLOSE, 10),
        ),
    ),
    Part(
        CALL_TAKING,
        (
            Task(K.ACKNOWLEDGE, 10, 60, 300),
            Task(K.OPEN, 15, 120, 480),
            Task(K.SEVERITY, 10),
            Task(K.PLACE, 10),
            Task(K.VERIFY, 15, 180, 600, 10),
            Task(K.HAND_OVER, 25, 240, 600, 15),
            Task(K.LOG, 15, 300, 900, 15),
        ),
    ),
)
"""Of scenarios that bring none. A call taker needs some 10 seconds for one question and its answer."""
