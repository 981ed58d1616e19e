"""Refusals of the roadmap to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import FieldName, Words


class NoPlanPossible(Refusal, Conflict):
    code = "no-plan-possible"
    words = Words(
        "ไม่มีชุดมาตรการที่อยู่ในวงเงินและเป็นไปตามเงื่อนไข โปรดเพิ่มวงเงินหรือลดจำนวนมาตรการบังคับ",
        "No plan keeps the budget, the prerequisites and the required measures; "
        "raise the budget or demand fewer measures",
    )


class NoSuchMeasure(Refusal, ResourceNotFound):
    code = "no-such-measure"
    words = Words("ไม่มีมาตรการ {id}", "There is no measure {id}")
    id: str


class MeasureUnknown(Refusal, BadRequestData):
    """A request names a measure that does not exist."""

    code = "measure-unknown"
    words = Words("ไม่มีมาตรการ {id}", "There is no measure {id}")
    id: str
    field: FieldName = "include"


class MeasureIncludedAndExcluded(Refusal, BadRequestData):
    code = "measure-included-and-excluded"
    words = Words("มาตรการ {id} อยู่ทั้งในรายการบังคับและรายการยกเว้น", "{id} is in both include and exclude")
    id: str
    field: FieldName = "include"


class MeasureInUse(Refusal, Conflict):
    code = "measure-in-use"
    words = Words(
        "มาตรการ {users} ยังอ้างถึง {id} โปรดแก้ไขก่อน", "{users} still refer to {id}; change them first"
    )
    users: str
    id: str


class NoSuchPortfolio(Refusal, ResourceNotFound):
    code = "no-such-portfolio"
    words = Words("ไม่มีแผน {id}", "There is no portfolio {id}")
    id: str
