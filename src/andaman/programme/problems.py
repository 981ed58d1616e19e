"""Refusals of the programme to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Day, FieldName, Words


class QuarterNotBegun(Refusal, BadRequestData):
    """``year``: the fiscal year in the common era."""

    code = "quarter-not-begun"
    words = Words(
        "ไตรมาส {quarter} ของปีงบประมาณ ค.ศ. {year} ยังไม่เริ่ม",
        "Quarter {quarter} of the fiscal year {year} has not begun",
    )
    quarter: int
    year: int


class NoProgramme(Refusal, ResourceNotFound):
    """The registers have no programme, or no deliverable of an objective."""

    code = "no-programme"
    words = Words(
        "เมืองนี้ยังไม่ได้กำหนดแผนงานโครงการ", "This city has no programme yet; its registers describe one"
    )


class NoSuchRelease(Refusal, ResourceNotFound):
    code = "no-such-release"
    words = Words("ไม่มีรายงานที่เผยแพร่รหัส {id}", "There is no release {id}")
    id: str


class NoSuchDeliverable(Refusal, ResourceNotFound):
    code = "no-such-deliverable"
    words = Words("แผนงานไม่มีผลผลิต {id}", "The plan has no deliverable {id}")
    id: str


class AcceptedTooMuch(Refusal, Conflict):
    """``left``: the percentage that can still be accepted, with what waits for approval taken off."""

    code = "accepted-too-much"
    words = Words(
        "ตรวจรับได้อีกไม่เกินร้อยละ {left} ของผลผลิตนี้",
        "At most {left} percent of this deliverable can still be accepted",
    )
    left: float


class NotADate(Refusal, BadRequestData):
    code = "not-a-date"
    words = Words("{field}ต้องเป็นวันที่ เช่น 2026-11-22", "{field} must be a date, such as 2026-11-22")
    field: FieldName


class NotAPart(Refusal, BadRequestData):
    """People enter percents; ``share`` is 0 to 1."""

    code = "not-a-part"
    words = Words(
        "{field}ต้องมากกว่าร้อยละ 0 และไม่เกินร้อยละ 100", "{field} must be more than 0 and at most 100 percent"
    )
    field: FieldName


class AcceptedTooEarly(Refusal, BadRequestData):
    """``date``: when the agreement of the programme was signed."""

    code = "accepted-too-early"
    words = Words(
        "วันที่ตรวจรับต้องไม่ก่อนวันลงนามข้อตกลงของโครงการ ({date})",
        "Work is not accepted before the agreement of the programme was signed ({date})",
    )
    date: Day


class AcceptedTooLate(Refusal, BadRequestData):
    """``date``: when the record of the platform begins."""

    code = "accepted-too-late"
    words = Words(
        "งานที่ตรวจรับหลังจากแพลตฟอร์มเริ่มบันทึกข้อมูล ({date}) ต้องใช้หลักฐานในแพลตฟอร์ม",
        "Work that was accepted after the platform's record begins ({date}) is shown by evidence in the platform",
    )
    date: Day


class NoSuchAcceptance(Refusal, ResourceNotFound):
    """It was never approved, or was withdrawn."""

    code = "no-such-acceptance"
    words = Words("ไม่มีผลการตรวจรับที่นับอยู่รหัส {id}", "No acceptance with the id {id} counts")
    id: str


class WithdrawalWaits(Refusal, Conflict):
    code = "withdrawal-waits"
    words = Words(
        "มีคำขอถอนผลการตรวจรับนี้รออนุมัติอยู่แล้ว", "A withdrawal of this acceptance waits for approval already"
    )


class NeverEdited(Refusal, Conflict):
    """A release, an acceptance, or its withdrawal."""

    code = "never-edited"
    words = Words(
        "แก้ไขรายงานที่เผยแพร่หรือผลการตรวจรับไม่ได้ โปรดเผยแพร่รายงานฉบับใหม่ หรือถอนผลการตรวจรับ",
        "A release or an acceptance is never edited; release a later one, or withdraw the acceptance",
    )
