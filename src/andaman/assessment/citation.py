"""How far the source of a figure was checked. Every cited source says so, in Thai and in English.

A source text alone does not tell whether anyone opened it. So each carries a ``Check``; answers pass it on as ``check``
with ``checkText``. A source read only through another text names that text after ``SEEN_IN``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from andaman.kernel.errors import BadRequestData

SEEN_IN: Final = "; seen in: "


class Check(StrEnum):
    ORIGINAL = "original"
    SECONDARY = "secondary"
    UNVERIFIED = "unverified"
    OWN = "own"


CHECK_TEXTS: Final[dict[Check, dict[str, str]]] = {
    Check.ORIGINAL: {
        "en": "figure read in the source itself",
        "th": "ตรวจตัวเลขกับต้นฉบับแล้ว",
    },
    Check.SECONDARY: {
        "en": "figure read in a text that quotes the source, not checked against the original",
        "th": "อ้างจากแหล่งทุติยภูมิ ยังไม่ได้ตรวจกับต้นฉบับ",
    },
    Check.UNVERIFIED: {
        "en": "not checked against the source",
        "th": "ยังไม่ได้ตรวจกับแหล่งที่อ้าง",
    },
    Check.OWN: {
        "en": "own assumption or own computation",
        "th": "ค่าสมมติหรือผลคำนวณของแพลตฟอร์มเอง",
    },
}


def check_json(check: Check | None) -> dict[str, Any]:
    """``check`` and ``checkText`` as they appear next to a source in every answer; both null without a source."""
    return {
        "check": None if check is None else check.value,
        "checkText": None if check is None else CHECK_TEXTS[check],
    }


def read_check(given: Any, source: str | None, where: str) -> Check | None:
    """The check of a source; what nobody vouches for is unverified. Raises BadRequestData for an unknown word."""
    if source is None:
        return None
    if given is None:
        return Check.UNVERIFIED
    if given not in list(Check):
        raise BadRequestData(f"{where} must be one of {', '.join(Check)}", field=where)
    return Check(given)


def with_check(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A row that has a ``source``, with its ``check`` also in words. Raises BadRequestData for an unknown word."""
    return {**row, **check_json(read_check(row.get("check"), row.get("source"), f"{where}/check"))}
