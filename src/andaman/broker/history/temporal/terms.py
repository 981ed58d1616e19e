"""SQL of what a row must be like for its instance to meet a term of a query (CIM 009 §4.9, §4.10).

Each condition is necessary, never sufficient: a row that it leaves out surely does not meet the term, a row that it finds may.
What a row tells stands in ``rows.py``: numbers and points in ``num`` and ``num2``, everything else as JSON in ``body``, where the
text of a string begins with a quotation mark, and an instance that is kept whole with a brace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import orjson

from andaman.broker.query.ast import (
    Boolean,
    Cmp,
    Compare,
    Day,
    Exists,
    GeoQuery,
    Instant,
    Number,
    Path,
    Pattern,
    Range,
    Text,
    Uri,
    Value,
)
from andaman.broker.query.geometry import search_box
from andaman.kernel.time import Micros, format_time

Term = Exists | Compare | Pattern
Conditions = tuple[str, ...]
"""A row meets one of them, or the term is not met; each is looked for by itself. "true": any row may meet it."""
Readable = Callable[[str], bool]
"""Can the database read this regular expression?"""

ANY: Final[Conditions] = ("true",)
_NO_NUMBER: Final = "(num IS NULL OR isnan(num))"
_POINT: Final = "(num2 IS NOT NULL AND NOT isnan(num2))"
_POINT_MEMBERS: Final = ("type", "coordinates")
_NO_STRING: Final = """(body < '"' OR body >= '#')"""
_ESCAPED: Final = r"contains(body, '\')"
_OBJECT: Final = "CASE WHEN body >= '{' AND body < '|' THEN body END"
"""For functions that raise if a body is not JSON (``large.py``): the database chooses the order in which conditions are
evaluated.
"""
_WHOLE: Final = """contains(body, '"type":')"""
"""Of an instance that is kept completely, and of some other objects."""
_EXACT: Final = 1 << 53
_LAST: Final = "\U0010ffff"
_ZULU: Final = """(body LIKE '"____-__-__T__:__:__%Z"' AND NOT contains(body, ':60'))"""
"""A date-time whose text sorts as the time does, to the second."""


def of_term(term: Term, readable: Readable) -> Conditions:
    """Of rows of the attribute ``term.path.attr``, which is there."""
    path = term.path
    if path.member or "*" in path.keys:
        return ANY
    if path.keys and not path.subs and path.keys[0] in _POINT_MEMBERS:
        return (*_of_value_term(term, readable), _POINT)
    return _of_value_term(term, readable)


def _of_value_term(term: Term, readable: Readable) -> Conditions:
    path = term.path
    if isinstance(term, Exists):
        if path.subs:
            return (_sub(path),)
        return (_within(path),) if path.keys else ANY
    if isinstance(term, Pattern):
        return _pattern(term, readable)
    if term.op is Cmp.NE:
        return _unequal(path, term.values)
    found = [condition for value in term.values for condition in _of_value(path, term.op, value)]
    return tuple(dict.fromkeys(found))


def of_geo(query: GeoQuery) -> Conditions:
    """Of rows of the geo property: points in the box of the query, and other geometries."""
    box = search_box(query)
    if box is None:
        return ANY
    west, south, east, north = map(_number, box)
    return (
        f"num BETWEEN {west} AND {east} AND num2 BETWEEN {south} AND {north}",
        f"NOT {_POINT} AND body IS NOT NULL",
    )


# -- comparisons ------------------------------------------------------------------------------------------------------
def _of_value(path: Path, op: Cmp, value: Value | Range) -> Conditions:
    """Of values that are equal to this one, or in this order to it."""
    if op is Cmp.EQ and isinstance(value, Text | Uri | Day):
        texts = [value.value, value.vocab] if isinstance(value, Text) else [value.value]
        has = " OR ".join(dict.fromkeys(f"contains(body, {_json(text)})" for text in texts))
        return (f"{_sub(path)} AND ({has})" if path.subs else f"({has})",)
    if path.subs:
        return (_sub(path),)
    span = _span(op, value)
    if path.keys:
        return (_within(path, span),)
    match span.some:
        case Number():
            return _numeric(span), f"{_NO_NUMBER} AND {_NO_STRING}"
        case Boolean(truth):
            if op is not Cmp.EQ:
                return ANY
            return f"num = {_number(float(truth))}", f"{_NO_NUMBER} AND {_NO_STRING}"
        case Text() | Uri() | Day():
            return (_texts(span),)
        case Instant():
            return (_instants(span),)
        case _:  # times of day are written in many ways
            return ("body IS NOT NULL",)


class _Span(NamedTuple):
    """Values from ``low`` to ``high`` (None: open), which are of one kind. ``strict``: without these two."""

    low: Value | None
    high: Value | None
    strict: bool = False

    @property
    def some(self) -> Value | None:
        return self.high if self.low is None else self.low


def _span(op: Cmp, value: Value | Range) -> _Span:
    if isinstance(value, Range):
        return _Span(value.low, value.high)
    match op:
        case Cmp.EQ:
            return _Span(value, value)
        case Cmp.GT | Cmp.GE:
            return _Span(value, None, op is Cmp.GT)
        case _:
            return _Span(None, value, op is Cmp.LT)


def _numeric(span: _Span, column: str = "num") -> str:
    low = _number(span.low.value) if isinstance(span.low, Number) else _number(-math.inf)
    high = _number(span.high.value) if isinstance(span.high, Number) else _number(math.inf)  # below NaN
    if not span.strict:
        return f"{column} BETWEEN {low} AND {high}"
    return f"{column} > {low} AND {column} <= {high}" if span.high is None else f"{column} < {high}"


def _texts(span: _Span) -> str:
    """Strings of the span; without escapes their JSON sorts as they do, up to the mark at the end."""
    sides = []
    if isinstance(span.low, Text | Uri | Day):
        sides.append(f"body >= {_string_from(span.low.value)}")
    if isinstance(span.high, Text | Uri | Day):
        sides.append(f"body < {_string_from(_before_marks(span.high.value) + _LAST)}")
    if any("\0" in side for side in sides):
        return "body IS NOT NULL"
    if span.strict and isinstance(span.some, Text | Uri | Day):
        sides.append(f"body <> {_json(span.some.value)}")
    return f"({' AND '.join(sides)} OR {_NO_STRING} OR {_ESCAPED})"


def _before_marks(text: str) -> str:
    """Its beginning, before anything that sorts at or before the mark which ends a string."""
    return text[: next((at for at, char in enumerate(text) if char <= '"'), len(text))]


def _instants(span: _Span) -> str:
    sides = []
    if isinstance(span.low, Instant):
        sides.append(f"body >= {_string_from(_second(span.low.value))}")
    if isinstance(span.high, Instant):
        sides.append(f"body < {_string_from(_second(span.high.value) + _LAST)}")
    return f"body IS NOT NULL AND ({' AND '.join(sides)} OR NOT {_ZULU})"


def _second(at: Micros) -> str:
    return format_time(at)[:19]


def _unequal(path: Path, values: Sequence[Value | Range]) -> Conditions:
    """Of values that are unequal to all of these: not of rows that are surely equal to one."""
    if path.subs:
        return (_sub(path),)
    if path.keys:
        return (_within(path),)
    equal = [same for value in values if (same := _surely(value))]
    return (" AND ".join(f"({same}) IS NOT TRUE" for same in equal),) if equal else ANY


def _surely(value: Value | Range) -> str:
    """Of rows that are surely equal to a value; "" where none is known to be. true and false are kept as 1 and 0."""
    match value:
        case Number(number) if number not in (0.0, 1.0):
            return f"num = {_number(number)} AND NOT {_POINT}"
        case Range(Number(low), Number(high)) if not (low <= 0.0 <= high or low <= 1.0 <= high):
            return f"{_numeric(_Span(value.low, value.high))} AND NOT {_POINT}"
        case Text(text) | Uri(text) | Day(text):
            return f"body = {_json(text)}"
        case _:
            return ""


def _pattern(term: Pattern, readable: Readable) -> Conditions:
    path, regex = term.path, term.regex
    if path.subs:
        return (_sub(path),)
    if path.keys:
        return (_within(path),)
    if "\0" in regex or not readable(regex):
        return ("body IS NOT NULL",)
    found = f"regexp_matches(body[2:-2], {_literal(regex)})"
    held = f"NOT {found}" if term.negated else found
    # A string without escapes reads as it is; lists of strings, languages and escapes are looked at again.
    return (f"""body IS NOT NULL AND CASE WHEN {_NO_STRING} OR {_ESCAPED} THEN true ELSE {held} END""",)


# -- inside of values ---------------------------------------------------------------------------------------------------
def _sub(path: Path) -> str:
    """Of instances that name all these sub-attributes."""
    return " AND ".join(f"contains(body, {_member(sub)})" for sub in path.subs)


def _within(path: Path, span: _Span | None = None) -> str:
    """Of objects that have what the path leads to: numbers of the span where it has numbers, and anything else."""
    where = _literal("$" + "".join(f'."{key}"' for key in path.keys))
    there = f"json_exists({_OBJECT}, {where})"
    if span is not None and isinstance(span.some, Number):
        bound = span.some.value
        # Read once: what is no number counts as NULL, and whole numbers beyond what a DOUBLE tells apart as their neighbours.
        span = span._replace(strict=span.strict and abs(bound) < _EXACT)
        number = f"TRY_CAST(json_extract({_OBJECT}, {where}) AS DOUBLE)"
        there = f"({_numeric(span, number)}) IS NOT FALSE AND {there}"
    # Only an object has members; in an instance that is kept whole they lie deeper.
    return f"body >= '{{' AND body < '|' AND ({_WHOLE} OR {there})"


# -- literals -----------------------------------------------------------------------------------------------------------
def _number(value: float) -> str:
    """Exactly this number: what SQL takes for a decimal may be rounded."""
    return f"'{float(value)!r}'::DOUBLE"


def _text(text: str) -> str:
    return orjson.dumps(text).decode()


def _json(text: str) -> str:
    """The text as it appears in JSON."""
    return _literal(_text(text))


def _member(name: str) -> str:
    """The name of a member as it appears in JSON."""
    return _literal(_text(name) + ":")


def _string_from(text: str) -> str:
    """How the JSON of a string begins that begins with this text."""
    return _literal('"' + text)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
