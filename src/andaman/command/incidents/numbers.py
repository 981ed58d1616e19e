"""Numbers of incidents that people say to each other, such as "ภก 70-00042": form and search. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WITHIN: Final = 100
"""The year is said with its last two digits."""
_DIGITS: Final = 5
_SAID: Final = re.compile(r"(\d{2})\D+0*(\d{1,9})")


def spoken(prefix: str, year: int, sequence: int) -> str:
    """``spoken("ภก", 2570, 42)`` is "ภก 70-00042"."""
    return f"{prefix} {year % _WITHIN:02d}-{sequence:0{_DIGITS}d}".strip()


def matches(number: str, asked: str) -> bool:
    """Does a person who writes ``asked`` mean this number? Spaces, hyphens, case and Thai digits do not matter, nor leading
    zeros where year and number are written apart ("70 42"); a part is enough."""
    want = _bare(asked)
    if not want:
        return False
    if want in _bare(number):
        return True
    said, given = _SAID.search(_arabic(asked)), _SAID.search(number)
    return said is not None and given is not None and said.groups() == given.groups()


def _arabic(text: str) -> str:
    """With 0 to 9 in place of every other decimal digit."""
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def _bare(text: str) -> str:
    return "".join(one for one in _arabic(text).casefold() if one.isalnum() or unicodedata.combining(one))
