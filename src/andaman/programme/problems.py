"""Refusals of the programme to people, with their words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


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
