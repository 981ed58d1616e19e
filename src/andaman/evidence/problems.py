"""Refusals of the evidence room to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, ResourceNotFound, Unavailable
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class NoSuchFigure(Refusal, ResourceNotFound):
    """Also for a figure that the actor may not know of."""

    code = "no-such-figure"
    words = Words("ไม่พบที่มาของตัวเลขนี้ หรือไม่มีสิทธิเข้าถึง", "This figure does not exist, or you may not see it")


class FigureQueryUnclear(Refusal, BadRequestData):
    """``reason`` is in English, for the log."""

    code = "figure-query-unclear"
    words = Words("เงื่อนไขของตัวเลขนี้ไม่ถูกต้อง ({reason})", "The condition of this figure is not valid: {reason}")
    reason: str


class FigureNotOfThePast(Refusal, BadRequestData):
    """Only counts of entities and single values can be asked for at a past instant."""

    code = "figure-not-of-the-past"
    words = Words("ตัวเลขนี้ดูที่มาได้เฉพาะค่าปัจจุบัน", "The basis of this figure is available for the present only")


class FigureTookTooLong(Refusal, Unavailable):
    code = "figure-took-too-long"
    words = Words(
        "การรวบรวมที่มาของตัวเลขใช้เวลานานเกินกำหนด โปรดลองใหม่อีกครั้ง",
        "Gathering the basis of this figure took too long; please try again",
    )
