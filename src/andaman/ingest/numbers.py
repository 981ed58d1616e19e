"""Numbers as devices write them: JSON's own, or in texts such as "5.87E-39" and "31,5". Pure."""

from __future__ import annotations

import re
from typing import Any, Final

_TEXT: Final = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,40})?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)


def read_number(value: Any, as_text: bool, decimal: str = ".") -> int | float:
    """The number; NaN and infinities too, which the caller refuses. Raises ValueError where it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if as_text and isinstance(value, str):
        return number_of(value, decimal)
    raise ValueError(f"{repr(value)[:80]} is not a number")


def number_of(text: str, decimal: str = ".") -> int | float:
    """The number that a text says, blanks around it allowed. Raises ValueError."""
    bare = text.strip()
    if decimal == ",":
        bare = "" if "." in bare else bare.replace(",", ".", 1)
    if _TEXT.fullmatch(bare):
        return int(bare) if bare.lstrip("+-").isdecimal() else float(bare)
    if _NOT_FINITE.fullmatch(bare):
        return float(bare)
    raise ValueError(f"{text[:80]!r} is not a number")
