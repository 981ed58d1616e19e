"""From the bytes of a message to its content. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import orjson

from andaman.ingest.numbers import number_of
from andaman.ingest.rules import TopicRule

MAX_BYTES: Final = 256 * 1024
"""Of a message that is read."""
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"|([-+]?)\b(nan|inf|infinity)\b', re.IGNORECASE | re.DOTALL)


class Unreadable(Exception):
    """A message or a value that cannot be taken over; ``reason`` is a code of ``DeadLetter``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def open_payload(rule: TopicRule, payload: bytes) -> Any:
    """JSON, a number or a text, as the rule says. Raises Unreadable.

    Numbers that are none (NaN, nan, Infinity …), which JSON does not have and devices write, become floats: the value that
    is one is refused later, and the others of the message are kept.
    """
    if len(payload) > MAX_BYTES:
        raise Unreadable("too-large", f"More than {MAX_BYTES} bytes; at most so many are read")
    text = _decode(payload, rule.encoding)
    if rule.payload == "text":
        return text
    if rule.payload == "number":
        try:
            return number_of(text, rule.values[0].decimal if rule.values else ".")
        except ValueError:
            raise Unreadable("wrong-type", f"{text[:80]!r} is not a number") from None
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        return _loosely(text, error)


def _decode(payload: bytes, encoding: str) -> str:
    if encoding in ("utf-8", "utf-16"):
        for mark, name in _BOMS:
            if payload.startswith(mark) and len(payload) > len(mark):
                encoding = name
                break
    try:
        return payload.decode(encoding)
    except UnicodeDecodeError as error:
        hint = (
            '; name the encoding in the mapping, such as encoding = "tis-620"' if encoding == "utf-8" else ""
        )
        raise Unreadable("bad-encoding", f"Not {encoding} at byte {error.start}{hint}") from None


def _loosely(text: str, error: Exception) -> Any:
    """JSON but for numbers that are none. Raises Unreadable."""
    bad = Unreadable("bad-json", f"Not JSON: {error}")
    found = False

    def exchange(match: re.Match[str]) -> str:
        nonlocal found
        if match[2] is None:
            return match[0]
        found = True
        sign = "-" if match[1] == "-" else ""
        return "NaN" if match[2].lower() == "nan" else f"{sign}Infinity"

    exchanged = _LITERAL.sub(exchange, text)
    if not found:
        raise bad from None
    try:
        return json.loads(exchanged)
    except (ValueError, RecursionError):
        raise bad from None
