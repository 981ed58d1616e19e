"""The ``q`` language (CIM 009 §4.9) → ``QExpr``.

Beyond the grammar of the clause three things are taken because brokers and users take them: ``!attr`` (absence),
full IRIs as attribute names, and URIs or date-times in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from contextlib import suppress
from datetime import date
from typing import Final

import orjson

from andaman.broker.model import DEFAULT_VOCAB
from andaman.broker.query.ast import (
    ENTITY_MEMBERS,
    MEMBERS,
    TIME_MEMBERS,
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    DayTime,
    Exists,
    Instant,
    Link,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    QExpr,
    Range,
    Text,
    Uri,
    Value,
)
from andaman.broker.query.regex import check_regex
from andaman.broker.query.scan import MAX_DEPTH, Cursor, parse_logic
from andaman.kernel.errors import BadRequestData, TooComplexQuery
from andaman.kernel.ids import is_uri
from andaman.kernel.time import parse_time

Expand = Callable[[str], str]
# Letters, digits and "_" (§4.6.2), and what brokers take besides: "-", one prefix, and the signs above and below
# Thai letters, which Unicode does not count as letters.
_SIGN = r"\w\-\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_NAME = re.compile(rf"[^\W\d_][{_SIGN}]*(?::[^\W\d_][{_SIGN}]*)?")
_KEY = re.compile(rf"[{_SIGN}]+|\*")
_IRI = re.compile(r"(?:https?://|urn:)[^\s\[\]{}=!<>~;|()\"]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_WORD_END = ";|(),"
_NO_WORDS: Final = frozenset({"NaN", "Infinity", "null", "undefined"})
"""Meant as values that no grammar has, not as texts."""
_MAX_PATH: Final = 16
_DIGITS: Final = 400
"""No double is larger than 310 digits."""


def parse_q(text: str, expand: Expand, *, expand_values: Set[str] = frozenset()) -> QExpr:
    """Parse a ``q``. ``expand_values``: short names of attributes whose values are terms to expand (expandValues).

    A single word may stand without quotes behind == and !=, as in the specification's own example 12; it is a text.

    Raises BadRequestData with ``position``; TooComplexQuery beyond the limits of size, depth and terms.
    """
    return parse_logic(Cursor(text, "q"), lambda at: _term(at, expand, expand_values), And, Or, "|")


def _term(cursor: Cursor, expand: Expand, expand_values: Set[str]) -> QExpr:
    if cursor.char == "!" and cursor.text[cursor.at + 1 : cursor.at + 2] not in ("=", "~"):
        cursor.at += 1
        return Not(Exists(_path(cursor, expand)))
    start = cursor.at
    path = _path(cursor, expand)
    bare = _NAME.match(cursor.text, start)
    words = bare is not None and bare.group() in expand_values
    cursor.skip_blank()
    for token, negated in (("!~=", True), ("~=", False)):
        if cursor.take(token):
            return Pattern(path, _regex(cursor), negated)
    for op in Cmp:  # two-character operators stand before their one-character beginnings
        if cursor.take(op.value):
            return Compare(path, op, _values(cursor, path, op, expand, words))
    if cursor.char and cursor.char not in ";|)":
        cursor.fail("one of == != >= > <= < ~= !~= or the end of the term")
    return Exists(path)


# -- paths ------------------------------------------------------------------------------------------------------


def _path(cursor: Cursor, expand: Expand, links: tuple[Link, ...] = ()) -> Path:
    """``attr.sub.member[key.key]`` or ``rel{Type:attr…}``."""
    cursor.skip_blank()
    if links and len(links) > MAX_DEPTH:
        raise TooComplexQuery("q follows more than 32 relationships in one path", field="q")
    names = _names(cursor)
    member = ""
    if len(names) > 1 and names[-1] in MEMBERS:
        member = names.pop()
    elif names[0] in ENTITY_MEMBERS and len(names) == 1:
        return Path("", member=names[0], links=links)
    iris = [expand(name) for name in names]
    if cursor.char == "{":
        if len(iris) != 1 or member:
            cursor.fail("a Relationship's plain name before '{'")
        cursor.at += 1
        inner = _path(cursor, expand, (*links, Link(iris[0], _hints(cursor, expand))))
        if not cursor.take("}"):
            cursor.fail("'}'")
        return inner
    keys: tuple[str, ...] = ()
    if cursor.char == "[":
        opened = cursor.at
        cursor.at += 1
        keys = _keys(cursor)
        if not cursor.take("]"):
            cursor.fail(f"']' for the '[' at position {opened}")
    return Path(iris[0], tuple(iris[1:]), member, keys, links)


def _hints(cursor: Cursor, expand: Expand) -> tuple[str, ...]:
    """The optional ``Type,Type:`` before a linked attribute."""
    hint = re.compile(r"[^\W\d_]\w*(?:,[^\W\d_]\w*)*:").match(cursor.text, cursor.at)
    if hint is None:
        return ()
    cursor.at = hint.end()
    return tuple(expand(name) for name in hint.group()[:-1].split(","))


def _names(cursor: Cursor) -> list[str]:
    iri = _IRI.match(cursor.text, cursor.at)
    if iri is not None:
        cursor.at = iri.end()
        return [iri.group()]
    names: list[str] = []
    while True:
        name = _NAME.match(cursor.text, cursor.at)
        if name is None:
            cursor.fail("the name of an attribute, such as temperature or address[city]")
        names.append(name.group())
        cursor.at = name.end()
        if len(names) > _MAX_PATH:
            raise TooComplexQuery(f"q has a path of more than {_MAX_PATH} names", field="q")
        if not cursor.take("."):
            return names


def _keys(cursor: Cursor) -> tuple[str, ...]:
    keys: list[str] = []
    while True:
        key = _KEY.match(cursor.text, cursor.at)
        if key is None:
            cursor.fail("a member name or language tag inside [ ]")
        keys.append(key.group())
        cursor.at = key.end()
        if len(keys) > _MAX_PATH:
            raise TooComplexQuery(f"q has a path of more than {_MAX_PATH} names in [ ]", field="q")
        if not cursor.take("."):
            return tuple(keys)


# -- values -----------------------------------------------------------------------------------------------------


def _values(cursor: Cursor, path: Path, op: Cmp, expand: Expand, words: bool) -> tuple[Value | Range, ...]:
    equality = op in (Cmp.EQ, Cmp.NE)
    values: list[Value | Range] = []
    while True:
        start = cursor.at
        low = _value(cursor, path, expand, words, equality)
        if cursor.take(".."):
            if not equality:
                cursor.fail("one value: ranges go with == and != only", start)
            high = _value(cursor, path, expand, words, equality)
            if type(low) is not type(high) or isinstance(low, Boolean | Uri):
                cursor.fail("a range of two numbers, strings, dates or times", start)
            values.append(Range(low, high))
        else:
            if not equality and isinstance(low, Boolean):
                cursor.fail("a number, string, date or time: true and false have no order", start)
            values.append(low)
        cursor.skip_blank()
        if cursor.char != ",":
            return tuple(values)
        if not equality:
            cursor.fail("one value: lists go with == and != only", start)
        cursor.at += 1
        cursor.count_term()


def _value(cursor: Cursor, path: Path, expand: Expand, words: bool, equality: bool) -> Value:
    cursor.skip_blank()
    start = cursor.at
    if cursor.char == '"':
        text = _string(cursor)
        if path.member in TIME_MEMBERS:
            return Instant(_instant(cursor, text, start))
        return Text(text, _vocab(text, expand))
    raw = cursor.run(_WORD_END)
    dots = raw.find("..")
    if dots > 0:
        raw = raw[:dots]
        cursor.at = start + dots
    raw = raw.rstrip()
    if raw in ("true", "false"):
        return Boolean(raw == "true")
    if _NUMBER.fullmatch(raw):
        return Number(_number(cursor, raw, start))
    if _DATE.fullmatch(raw):
        try:
            date.fromisoformat(raw)
        except ValueError:
            cursor.fail("a date that exists", start)
        return Day(raw)
    if _DATE.match(raw) and raw[10:11] in ("T", "t"):
        return Instant(_instant(cursor, raw, start))
    time = _TIME.fullmatch(raw)
    if time is not None:
        return DayTime(_day_time(cursor, time, start))
    if equality and _NAME.fullmatch(raw) and raw not in _NO_WORDS:
        return Text(raw, _vocab(raw, expand) if words else raw)
    if is_uri(raw):
        return Uri(raw)
    cursor.fail('a number, "text in double quotes", true, false, a date-time, a date, a time or a URI', start)


def _string(cursor: Cursor) -> str:
    literal = _STRING.match(cursor.text, cursor.at)
    if literal is None:
        cursor.fail('a closing double quote (") after the text')
    try:
        text = orjson.loads(literal.group())
    except orjson.JSONDecodeError:
        cursor.fail("a JSON string (RFC 8259 §7)")
    cursor.at = literal.end()
    assert isinstance(text, str)
    return text


def _vocab(text: str, expand: Expand) -> str:
    """As what a VocabProperty with this text is stored (``Context.expand_vocab``)."""
    if _NAME.fullmatch(text):
        with suppress(BadRequestData):  # one of JSON-LD's own names, such as id: a text like others here
            return expand(text)
    return text if ":" in text else DEFAULT_VOCAB + text


def _number(cursor: Cursor, raw: str, start: int) -> int | float:
    """An integer as one, of any size; other numbers as JSON's are."""
    if len(raw) <= _DIGITS and raw.lstrip("-").isdigit():
        return int(raw)
    number = float(raw)
    if number in (float("inf"), float("-inf")):
        cursor.fail("a number below 1.8e308", start)
    return number


def _instant(cursor: Cursor, raw: str, start: int) -> int:
    try:
        return parse_time(raw)
    except ValueError as error:
        cursor.fail(f"a date-time such as 2026-11-22T07:32:00Z ({error})", start)


def _day_time(cursor: Cursor, match: re.Match[str], start: int) -> int:
    hour, minute, second = (int(match.group(i)) for i in (1, 2, 3))
    if hour > 23 or minute > 59 or second > 59:
        cursor.fail("a time of day up to 23:59:59", start)
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((match.group(4) or "0").ljust(6, "0"))
    zone = match.group(5)
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        shift = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000_000
        micros += -shift if zone[0] == "+" else shift
    return micros % 86_400_000_000


def _regex(cursor: Cursor) -> str:
    """A pattern in quotes, or bare up to the ``;``, ``|`` or ``)`` that is not inside its own brackets."""
    cursor.skip_blank()
    start = cursor.at
    if cursor.char == '"':
        pattern = _string(cursor)
    else:
        open_groups = 0
        in_class = False
        text = cursor.text
        while cursor.at < len(text):
            c = text[cursor.at]
            if c == "\\":
                cursor.at += 1
            elif in_class:
                in_class = c != "]"
            elif c == "[":
                in_class = True
            elif c == "(":
                open_groups += 1
            elif c == ")" and open_groups:
                open_groups -= 1
            elif c in ";|)" and not open_groups:
                break
            cursor.at += 1
        cursor.at = min(cursor.at, len(text))
        pattern = text[start : cursor.at]
    if not pattern:
        cursor.fail("a regular expression", start)
    problem = check_regex(pattern)
    if problem:
        cursor.fail(f"a regular expression that can be read ({problem})", start)
    return pattern
