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
CODECS: Final = {
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "tis-620": "tis-620",
    "windows-874": "cp874",
    "latin-1": "latin-1",
}
"""Encodings of a mapping file → what Python calls them."""
_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),  # before that of UTF-16, with which it begins
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
DEEPEST: Final = 300
"""Levels of a document that are read; deeper ones are cut. A value that was cut has more levels than any door takes,
because no path of a mapping is nearly as long.
"""
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]|([-+]?)\b(nan|inf|infinity)\b', re.IGNORECASE | re.DOTALL
)
_SMALLEST: Final = -(1 << 63)
_LARGEST: Final = (1 << 64) - 1


class Unreadable(Exception):
    """A message or a value that cannot be taken over; ``reason`` is a code of ``DeadLetter``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def open_payload(rule: TopicRule, payload: bytes) -> Any:
    """JSON, a number or a text, as the rule says; None for a text that is empty. Raises Unreadable.

    Whatever is JSON by its grammar (RFC 8259) is read, also numbers beyond a float, half surrogates and any depth, and so
    are numbers that are none (NaN, nan, Infinity …), which JSON does not have and devices write. The value that cannot be
    taken is refused later, and the others of the message are kept.
    """
    if len(payload) > MAX_BYTES:
        raise Unreadable("too-large", f"More than {MAX_BYTES} bytes; at most so many are read")
    text = _decode(payload, rule.encoding)
    if rule.payload == "text":
        return text or None
    text = text.rstrip("\0 \t\r\n")
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
    """The text without a byte order mark, which counts more than the encoding, and without the NUL that ends a text in C."""
    codec = CODECS[encoding]
    for mark, name in _MARKS:
        if payload.startswith(mark) and len(payload) > len(mark):
            codec = name
            break
    else:
        if encoding == "utf-16" and _is_big_endian(payload):
            codec = "utf-16-be"
    try:
        return payload.decode(codec).lstrip("\ufeff").rstrip("\0")
    except UnicodeDecodeError as error:
        hint = '; name the encoding in the mapping, such as encoding = "tis-620"' if codec == "utf-8" else ""
        raise Unreadable("bad-encoding", f"Not {codec} at byte {error.start}{hint}") from None


def _is_big_endian(payload: bytes) -> bool:
    """UTF-16 without a mark: Latin and Thai characters have 00 or 0E as their high byte, which is first here."""
    first, second = payload[0::2], payload[1::2]
    return first.count(0) + first.count(0x0E) > second.count(0) + second.count(0x0E)


def _loosely(text: str, error: Exception) -> Any:
    """JSON that the quick reader does not take, and JSON but for numbers that are none. Raises Unreadable."""
    try:
        return json.loads(_mended(text), parse_int=_integer)
    except (ValueError, RecursionError):
        raise Unreadable("bad-json", f"Not JSON: {error}") from None


def _mended(text: str) -> str:
    """The same with NaN and Infinity as Python reads them, and nothing deeper than DEEPEST. Raises ValueError."""
    parts: list[str] = []
    depth = kept = 0
    for found in _TOKEN.finditer(text):
        first = found[0][0]
        if first == '"':
            continue
        if first in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                parts += [text[kept : found.start()], "[]"]
        elif first in "]}":
            if depth == DEEPEST + 1:
                kept = found.end()
            depth -= 1
        elif depth <= DEEPEST:
            sign = "-" if found[1] == "-" else ""
            number = "NaN" if found[2].lower() == "nan" else f"{sign}Infinity"
            parts += [text[kept : found.start()], number]
            kept = found.end()
    if depth:
        raise ValueError("a list or an object does not end")
    return "".join(parts) + text[kept:]


def _integer(text: str) -> int | float:
    """As the quick reader has it: what does not fit into 64 bits is a float."""
    if len(text) <= 20:
        number = int(text)
        if _SMALLEST <= number <= _LARGEST:
            return number
    return float(text)
