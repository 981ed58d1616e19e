"""The course "A shift in the command center": steps as data, and the pure scoring of its questions.

Steps of kind "read" are passed by confirming, "quiz" by answering at least ``pass_share`` of the questions rightly,
"drill" by a drill scored from the record (see ``drill.py``). Texts are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from andaman.kernel.words import Words
from andaman.training.problems import AnswerMissing


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: Words
    choices: tuple[Words, ...]
    right: int  # index into choices; never sent to the learner before the answer
    why: Words


@dataclass(frozen=True, slots=True)
class Step:
    """``grants``: competency id → level proven by passing."""

    id: str
    kind: Literal["read", "quiz", "drill"]
    title: Words
    minutes: int
    body: tuple[Words, ...] = ()
    questions: tuple[Question, ...] = ()
    pass_share: float = 0.8
    grants: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Course:
    id: str
    title: Words
    summary: Words
    roles: tuple[str, ...]
    steps: tuple[Step, ...]


SHIFT: Final = Course(
    "command-center-shift",
    Words("หนึ่งเวรในศูนย์บัญชาการ", "A shift in the command center"),
    Words(
        "เรียนรู้ตั้งแต่รับเวร อ่านสถานการณ์ รับทราบการแจ้งเตือน เปิดเหตุ สั่งการหน่วย จนปิดเหตุและส่งเวร แล้วลงมือในการฝึกจำลองที่แยกจากระบบจริง",
        "From taking over to handing over: read the situation, acknowledge alerts, open an incident, send units, close it. "
        "The last step is a drill on an isolated copy of the city.",
    ),
    ("duty-officer", "dispatcher"),
    (
        Step(
            "take-over",
            "read",
            Words("รับเวร", "Taking over"),
            10,
            (
                Words(
                    "ดูแถบบนสุดก่อน: จำนวนการแจ้งเตือนตามระดับความรุนแรง และความสดใหม่ของข้อมูล หากข้อมูลเก่า ตัวเลขที่เห็นอาจไม่ใช่ปัจจุบัน",
                    "Look at the top bar first: alerts by severity, and how fresh the data is. If the data is old, what you see "
                    "may not be now.",
                ),
                Words(
                    "อ่านเหตุที่ยังเปิดอยู่ทุกเหตุ: อะไร ที่ไหน ตั้งแต่เมื่อใด ใครรับผิดชอบ และขั้นต่อไปคืออะไร",
                    "Read every open incident: what, where, since when, who acts, and what comes next.",
                ),
                Words(
                    "สีเทาคือปกติ สีอื่นคือผิดปกติ และมีรูปทรงกับคำกำกับเสมอ ค่าที่ไม่ทราบแสดงว่าไม่ทราบ ไม่ใช่ศูนย์",
                    "Grey is normal. Colour is for the abnormal and always comes with a shape and a word. An unknown value is "
                    "shown as unknown, never as zero.",
                ),
            ),
            grants={"situation-awareness": 1},
        ),
        Step(
            "alert-to-incident",
            "read",
            Words("จากการแจ้งเตือนสู่การเปิดเหตุ", "From alert to incident"),
            15,
            (
                Words(
                    "กดรับทราบเพื่อบอกทุกคนว่ามีคนดูแลแล้ว การรับทราบไม่ใช่การปิด การแจ้งเตือนจะหายเมื่อเงื่อนไขหมดไปเท่านั้น",
                    "Acknowledge to show everyone that somebody is on it. Acknowledging is not closing: an alert clears only when "
                    "its condition is gone.",
                ),
                Words(
                    "เปิดเหตุเมื่อมีผู้คนหรือทรัพย์สินเสี่ยงอันตราย ระบุชนิด ความรุนแรง และสถานที่ แล้วจึงเลือกหน่วย",
                    "Open an incident when people or property are at risk: give type, severity and place, then choose units.",
                ),
                Words(
                    "ระบบเสนอหน่วยว่างที่ใกล้ที่สุดตามเวลาเดินทางบนถนนจริงพร้อมเหตุผล ผู้สั่งการเป็นผู้ตัดสินใจ",
                    "The platform proposes the nearest free units by driving time on the road network and says why. You decide.",
                ),
                Words(
                    "การแจ้งเตือนประชาชนผ่านหอเตือนภัยหรือ Cell Broadcast เป็นอำนาจของกรมป้องกันและบรรเทาสาธารณภัย (โทร. 1784) "
                    "ศูนย์ฯ เป็นผู้ร้องขอ",
                    "Warning towers and cell broadcast belong to DDPM (line 1784). The city requests a warning; it does not send one.",
                ),
            ),
            grants={"alert-handling": 1, "public-warning": 1},
        ),
        Step(
            "questions",
            "quiz",
            Words("ทบทวนความเข้าใจ", "Check your understanding"),
            10,
            questions=(
                Question(
                    "q1",
                    Words("การรับทราบการแจ้งเตือนมีผลอย่างไร", "What does acknowledging an alert do?"),
                    (
                        Words("ปิดการแจ้งเตือน", "It closes the alert"),
                        Words(
                            "บันทึกว่ามีผู้รับผิดชอบแล้ว การแจ้งเตือนยังคงอยู่",
                            "It records that somebody has taken it; the alert remains",
                        ),
                        Words("ส่งหน่วยปฏิบัติการ", "It sends a unit"),
                    ),
                    1,
                    Words(
                        "การแจ้งเตือนหายเมื่อเงื่อนไขหมดไป ไม่ใช่เมื่อรับทราบ",
                        "An alert clears when its condition is gone, not when it is acknowledged.",
                    ),
                ),
                Question(
                    "q2",
                    Words("ใครเป็นผู้ส่งคำเตือนผ่านหอเตือนภัย", "Who sends a warning over the warning towers?"),
                    (
                        Words("เจ้าหน้าที่เวรของเมือง", "The city's duty officer"),
                        Words("กรมป้องกันและบรรเทาสาธารณภัย ตามคำร้องขอ", "DDPM, on request"),
                        Words("ระบบส่งเองอัตโนมัติ", "The platform, automatically"),
                    ),
                    1,
                    Words("เมืองร้องขอ ปภ. เป็นผู้ส่ง", "The city requests; DDPM sends."),
                ),
                Question(
                    "q3",
                    Words(
                        "ค่าเซนเซอร์มีเครื่องหมาย \u201cจำลอง\u201d หมายความว่าอย่างไร",
                        "A value is marked \u201csimulated\u201d. What does that mean?",
                    ),
                    (
                        Words("วัดจริงจากพื้นที่", "It was measured on the ground"),
                        Words(
                            "ไม่ใช่การวัดจริง ห้ามใช้ตัดสินใจในเหตุจริง",
                            "It is not a measurement; do not act on it in a real incident",
                        ),
                        Words("ข้อมูลเสีย", "The value is broken"),
                    ),
                    1,
                    Words(
                        "ข้อมูลจำลองมีไว้สาธิตและฝึก จึงมีเครื่องหมายทุกที่ที่แสดง",
                        "Simulated data is for demonstration and training and is marked everywhere it is shown.",
                    ),
                ),
                Question(
                    "q4",
                    Words("ควรเลือกหน่วยใดเป็นอันดับแรก", "Which unit is the first choice?"),
                    (
                        Words("หน่วยที่อยู่ใกล้ที่สุดเป็นเส้นตรง", "The one nearest in a straight line"),
                        Words(
                            "หน่วยว่างที่ตรงประเภทและถึงเร็วที่สุดทางถนน",
                            "The free unit of the right type that arrives first by road",
                        ),
                        Words("หน่วยของสังกัดตนเอง", "A unit of one's own agency"),
                    ),
                    1,
                    Words(
                        "ภูเก็ตมีภูเขากั้น เส้นตรงสั้นไม่ได้แปลว่าถึงเร็ว",
                        "Hills separate Phuket's towns: a short straight line may be a long drive.",
                    ),
                ),
                Question(
                    "q5",
                    Words("ข้อมูลผู้แจ้งเหตุเป็นข้อมูลประเภทใด", "What kind of data is a caller's name and number?"),
                    (
                        Words("ข้อมูลสาธารณะ", "Public"),
                        Words("ข้อมูลส่วนบุคคล", "Personal"),
                        Words("ข้อมูลความลับทางราชการ", "Official secret"),
                    ),
                    1,
                    Words(
                        "เปิดเผยได้เฉพาะผู้มีหน้าที่และตามวัตถุประสงค์",
                        "Only those whose duty needs it may see it, for that purpose.",
                    ),
                ),
            ),
            grants={"alert-handling": 2, "personal-data": 2, "public-warning": 2},
        ),
        Step(
            "drill",
            "drill",
            Words("การฝึก: ฝนหนักและอุบัติเหตุบนเขาป่าตอง", "Drill: heavy rain and a crash on Patong Hill"),
            25,
            (
                Words(
                    "ท่านจะทำงานบนสำเนาเมืองที่แยกจากระบบจริง ทุกหน้าจอมีคำว่า \u201cการฝึก\u201d ไม่มีหน่วยใดถูกสั่งการจริง",
                    "You will work on an isolated copy of the city. Every screen says EXERCISE; no real unit is sent.",
                ),
                Words(
                    "คะแนนคำนวณจากบันทึกของระบบ: เวลารับทราบ เวลาเปิดเหตุ หน่วยที่เลือก และการปิดเหตุครบขั้นตอน",
                    "The score is computed from the record: time to acknowledge, time to open the incident, the unit chosen, and a "
                    "complete close.",
                ),
            ),
            grants={
                "situation-awareness": 3,
                "alert-handling": 3,
                "dispatch": 3,
                "incident-command": 2,
                "incident-record": 3,
            },
        ),
    ),
)

COURSES: Final[Mapping[str, Course]] = {SHIFT.id: SHIFT}


def mark_quiz(step: Step, answers: Mapping[str, int]) -> tuple[float, bool]:
    """(share answered rightly 0–1, passed). Raises AnswerMissing for an answer that is no choice, or one missing."""
    right = 0
    for question in step.questions:
        answer = answers.get(question.id)
        if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(question.choices):
            raise AnswerMissing(field=question.id, high=len(question.choices) - 1)
        right += answer == question.right
    share = right / len(step.questions)
    return share, share >= step.pass_share
