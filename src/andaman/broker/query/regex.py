"""Regular expressions in linear time, by RE2: no pattern can run away (docs/decisions/0010-patterns-in-linear-time.md).

RE2 has no back-references and no look-around; POSIX extended expressions (IEEE 1003.2) need neither.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

MAX_PATTERN: Final = 1_024
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 4 << 20


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)


def check_regex(pattern: str) -> str:
    """ "" where the pattern can be used, otherwise what is wrong with it."""
    if len(pattern) > MAX_PATTERN:
        return f"longer than {MAX_PATTERN} characters"
    try:
        _compile(pattern)
    except (re2.error, UnicodeError) as error:
        message = error.args[0] if error.args else "unreadable"
        return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    return ""


def found_in(pattern: str, text: str) -> bool:
    """The pattern matches somewhere in the text, as POSIX ``regexec`` does (``~=`` of §4.9, idPattern of §5.7.2)."""
    return _compile(pattern).search(text) is not None
