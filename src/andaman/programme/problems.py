"""What the programme refuses to people, with its words."""

from __future__ import annotations

from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words


class QuarterNotBegun(Refusal, BadRequestData):
    """``year`` is of the common era."""

    code = "quarter-not-begun"
    words = Words("ไตรมาส {quarter} ของปี ค.ศ. {year} ยังไม่เริ่ม", "Quarter {quarter} of {year} has not begun")
    quarter: int
    year: int
