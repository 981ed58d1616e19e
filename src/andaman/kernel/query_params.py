"""Readers of query parameters: one form for all doors, and one form of error, which names the parameter and says what
would be right. Each takes the parameters of a request (``request.query_params``) and the name of one.

A parameter that is not given has its default. Raises BadRequestData with ``field``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeVar

from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import (
    FieldMissing,
    FieldTooLong,
    NotAChoice,
    NotATime,
    NotAWholeNumber,
    NumberOutOfRange,
)
from andaman.kernel.time import Micros, parse_time

Params = Mapping[str, str]
T = TypeVar("T")
TEXT_MAX: Final = 2_000
_NAME_MAX: Final = 80
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")


def integer(params: Params, name: str, default: T, low: int, high: int) -> int | T:
    """A whole number in decimal digits, ``low`` to ``high``."""
    given = params.get(name)
    if given is None:
        return default
    if _WHOLE.fullmatch(given) is None or not low <= int(given) <= high:
        raise NotAWholeNumber(field=name, low=low, high=high)
    return int(given)


def number(params: Params, name: str, default: T, low: float, high: float) -> float | T:
    """A finite number, ``low`` to ``high``."""
    given = params.get(name)
    if given is None:
        return default
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise NumberOutOfRange(field=name, low=low, high=high)
    return found


def time(params: Params, name: str, default: T) -> Micros | T:
    """A date-time with zone (ISO 8601). A "+" of the zone that came as a space is taken for a "+"; an empty text for none."""
    given = params.get(name)
    if not given:
        return default
    try:
        return parse_time(given.replace(" ", "+"))
    except ValueError:
        raise NotATime(field=name) from None


def choice(params: Params, name: str, default: T, choices: Collection[str]) -> str | T:
    """One of ``choices``; an empty text counts as none given."""
    given = params.get(name)
    if not given:
        return default
    if given not in choices:
        raise NotAChoice(field=name, choices=tuple(choices))
    return given


def flag(params: Params, name: str, default: bool = False) -> bool:
    """``true`` or ``false``."""
    found = choice(params, name, None, ("true", "false"))
    return default if found is None else found == "true"


def text(params: Params, name: str, default: str = "", most: int = TEXT_MAX) -> str:
    """At most ``most`` characters."""
    given = params.get(name, default)
    if len(given) > most:
        raise FieldTooLong(field=name, limit=most)
    return given


def only(
    pairs: Iterable[tuple[str, str]], needed: Collection[str], others: Collection[str] = ()
) -> dict[str, str]:
    """The parameters of a door that takes no unknown ones, none twice, and of ``needed`` all.

    ``pairs``: ``request.query_params.multi_items()``."""
    found: dict[str, str] = {}
    for name, given in pairs:
        if name not in needed and name not in others:
            known = ", ".join(sorted((*needed, *others)))
            shown = name[:_NAME_MAX]
            raise BadRequestData(f"The parameter {shown!r} is not known here; known are {known}", field=shown)
        if name in found:
            raise BadRequestData(f"The parameter {name!r} is given twice", field=name)
        found[name] = given
    for name in sorted(needed):
        if not found.get(name):
            raise FieldMissing(field=name)
    return found
