"""What a drill's record shows and did not count, with the reason: a debriefing never says that it did not happen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from andaman.kernel.words import Words
from andaman.training.drill import Fact

SOMEBODY_ELSE: Final = Words(
    "ผู้อื่นหรือระบบเป็นผู้ทำ นับเฉพาะสิ่งที่ผู้ฝึกทำเอง",
    "somebody else or the platform did it; only the trainee's own acts count",
)
WRONG_KIND: Final = Words("ผู้ฝึกไม่ได้เปิดเหตุด้วยประเภทที่ถูกต้อง", "the trainee opened no incident of the right kind")
OTHER_INCIDENT: Final = Words("ทำกับเหตุอื่น", "it was done for another incident")
_ELSEWHERE: Final = (WRONG_KIND, OTHER_INCIDENT)
OTHER_ALERT: Final = Words("เป็นการแจ้งเตือนที่ไม่ใช่ของสถานการณ์ฝึก", "the alert is not one of the script")
TOO_EARLY: Final = Words(
    "{seconds} วินาทีหลังเปิดเหตุ เร็วเกินกว่าจะตรวจสอบข้อมูลได้ ต้องใช้เวลาอย่างน้อย {least} วินาที",
    "{seconds} s after opening: too fast to have checked, which takes {least} s at least",
)
BEFORE_OPENING: Final = Words(
    "ทำก่อนที่เหตุจะมีประเภทที่ถูกต้อง", "it was done before the incident had the right kind"
)
BEFORE_REPORT: Final = Words("เปิดก่อนมีการแจ้งเหตุ", "it was opened before the event was reported")
TOO_SHORT: Final = Words(
    "บันทึกมี {length} ตัวอักษร ต้องมีอย่างน้อย {least} ตัวอักษร", "the note has {length} characters, and needs {least}"
)
NOBODY_DID: Final = Words(
    "ทำเครื่องหมาย “{item}” ทั้งที่ยังไม่มีผู้ทำ", "“{item}” was ticked, although nobody had done it"
)
TAKEN_BACK: Final = Words("ยกเลิกเครื่องหมายแล้ว", "the tick was taken back")
FALSE_ARRIVAL: Final = Words(
    "บันทึกว่าหน่วยถึงที่เกิดเหตุก่อนเวลาที่เดินทางถึงได้จริง", "the unit was recorded on scene before it could have arrived"
)
NOT_ADVISED: Final = Words(
    "{kind}ไม่ใช่ประเภทหน่วยที่ระบบแนะนำเป็นอันดับแรก", "{kind}: not the kind of unit that the advice had first"
)
NO_DRIVING_TIME: Final = Words("ไม่ทราบเวลาเดินทางของหน่วย", "the driving time of the unit is not known")
OTHER_STEPS: Final = Words(
    "ไม่นับขั้นตอนของหน่วยที่ไม่เหมาะสม และขั้นตอนที่ผู้อื่นรายงาน",
    "steps of units that do not count, and those that others reported, are left out",
)
DONE: Final = Words("ทำแล้ว แต่ไม่นับ", "done, but not counted")


@dataclass(frozen=True, slots=True)
class Uncounted:
    fact: Fact
    why: Words


def uncounted(
    facts: Iterable[Fact], trainee: str, reason: Callable[[Fact], Words | None]
) -> Uncounted | None:
    """The first fact that did not count: the trainee's own about the scored incident before others, and before those of
    somebody else. ``reason``: why one of the trainee's did not count; None where it did."""
    found: list[Uncounted] = []
    for fact in facts:
        why = reason(fact) if fact.actor == trainee else SOMEBODY_ELSE
        if why is not None:
            found.append(Uncounted(fact, why))
    return min(found, key=lambda one: (one.fact.actor != trainee, one.why in _ELSEWHERE), default=None)
