"""Reads single attributes of a stored entity. Whatever the entity holds, only ``Unreadable`` is raised. Pure.

Anybody with the right may write these entities through NGSI-LD, so an attribute can be missing or of any kind.
One that only informs is then as if it were missing. One that decides (a state, a counter) raises ``Unreadable``.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final, TypeGuard, TypeVar

from andaman.broker.api import Doc, value
from andaman.command.core.entities import local
from andaman.command.core.states import SEVERITIES, Severity
from andaman.command.problems import KINDS, Unreadable
from andaman.kernel.geometry import centre_of
from andaman.kernel.time import Micros, parse_time
from andaman.kernel.words import Words

S = TypeVar("S", bound=StrEnum)
_COUNT_MAX: Final = 2**53
"""One more is still a number of JSON."""
Place = tuple[float, float]
"""Longitude and latitude in degrees, WGS 84."""


def unreadable(doc: Doc, kind: str, attribute: str) -> Unreadable:
    return Unreadable(record=KINDS[kind], id=doc["id"], attribute=attribute)


def state(doc: Doc, kind: str, attribute: str, states: type[S]) -> S:
    """Raises Unreadable when it is missing or not one of the states."""
    found = value(doc, attribute)
    try:
        return states(found if isinstance(found, str) else "")
    except ValueError:
        raise unreadable(doc, kind, attribute) from None


def counter(doc: Doc, kind: str, attribute: str) -> int:
    """0 when it is missing. Raises Unreadable for anything but a whole number from 0 on."""
    found: object = value(doc, attribute, 0)
    if not _is_count(found):
        raise unreadable(doc, kind, attribute)
    return found


def required_target(doc: Doc, kind: str, attribute: str) -> str:
    """Raises Unreadable where the relationship does not point at one entity."""
    found = text(doc, attribute)
    if not found:
        raise unreadable(doc, kind, attribute)
    return found


def text(doc: Doc, attribute: str, default: str = "") -> str:
    """A text, or the one target of a relationship."""
    found = value(doc, attribute)
    return found if isinstance(found, str) else default


def severity(doc: Doc) -> Severity:
    found = text(doc, "severity")
    return Severity(found) if found in SEVERITIES else Severity.UNKNOWN


def number(doc: Doc, attribute: str, default: float = 0.0) -> float:
    """A finite number."""
    found: object = value(doc, attribute)
    if not isinstance(found, int | float) or isinstance(found, bool) or not math.isfinite(found):
        return default
    return float(found)


def count(doc: Doc, attribute: str, default: int = 0) -> int:
    """A whole number from 0 on."""
    found: object = value(doc, attribute)
    return found if _is_count(found) else default


def _is_count(found: object) -> TypeGuard[int]:
    return isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _COUNT_MAX


def time(doc: Doc, attribute: str) -> Micros | None:
    try:
        return parse_time(text(doc, attribute))
    except ValueError:
        return None


def place(doc: Doc) -> Place | None:
    """The centre of the location; None where no finite position can be read."""
    found = value(doc, "location")
    try:
        lon, lat = centre_of(found)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def names(doc: Doc) -> Words:
    """The name in both languages; where one is missing, the other; without a name, the last part of the id."""
    found = value(doc, "name")
    if isinstance(found, str) and found:
        return Words(found, found)
    texts = titles(doc)
    fallback = next(iter(texts.values()), local(doc["id"]))
    return Words(texts.get("th", fallback), texts.get("en", fallback))


def titles(doc: Doc) -> dict[str, str]:
    """The name in the languages that it has."""
    found = value(doc, "name")
    if not isinstance(found, dict):
        return {}
    return {language: text for language, text in found.items() if isinstance(text, str) and text}
