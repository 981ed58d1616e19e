"""A condition of NGSI-LD's query language (CIM 009 §4.9) in words. Pure."""

from __future__ import annotations

from typing import Final

from andaman.broker.api import ast, short
from andaman.evidence.vocabulary import Vocabulary
from andaman.kernel.time import format_time
from andaman.kernel.words import Words

_COMPARED: Final = {
    ast.Cmp.EQ: Words("เป็น", "is"),
    ast.Cmp.NE: Words("ไม่ใช่", "is not"),
    ast.Cmp.GE: Words("ไม่น้อยกว่า", "is at least"),
    ast.Cmp.GT: Words("มากกว่า", "is more than"),
    ast.Cmp.LE: Words("ไม่เกิน", "is at most"),
    ast.Cmp.LT: Words("น้อยกว่า", "is less than"),
}
_AND: Final = Words(" และ ", " and ")
_OR: Final = Words(" หรือ ", " or ")


def words_of(q: ast.QExpr, vocabulary: Vocabulary) -> Words:
    """Attributes and codes by their words, as the vocabulary has them."""
    match q:
        case ast.And():
            return _joined([_grouped(one, vocabulary) for one in q.parts], _AND)
        case ast.Or():
            return _joined([_grouped(one, vocabulary) for one in q.parts], _OR)
        case ast.Not():
            name = _named(q.part.path, vocabulary)
            return Words(f"ไม่มีข้อมูล{name.th}", f"{name.en} is unknown")
        case ast.Exists():
            name = _named(q.path, vocabulary)
            return Words(f"มีข้อมูล{name.th}", f"{name.en} is known")
        case ast.Compare():
            name, how = _named(q.path, vocabulary), _COMPARED[q.op]
            attribute = short(q.path.attr)
            values = _joined([_shown(one, attribute, vocabulary) for one in q.values], _OR)
            return Words(f"{name.th} {how.th} {values.th}", f"{name.en} {how.en} {values.en}")
        case ast.Pattern():
            name, no = _named(q.path, vocabulary), q.negated
            return Words(
                f"{name.th} {'ไม่' if no else ''}ตรงกับรูปแบบ “{q.regex}”",
                f"{name.en} {'does not match' if no else 'matches'} “{q.regex}”",
            )


def _grouped(part: ast.QExpr, vocabulary: Vocabulary) -> Words:
    found = words_of(part, vocabulary)
    return Words(f"({found.th})", f"({found.en})") if isinstance(part, ast.And | ast.Or) else found


def _named(path: ast.Path, vocabulary: Vocabulary) -> Words:
    """The attribute, with the part of it that counts."""
    steps = [short(one) for one in (path.attr, *path.subs) if one] + [one for one in (path.member,) if one]
    found = _joined([vocabulary.attribute_words(one) for one in steps], Words(" · ", " · "))
    return Words(found.th, found.en[:1].upper() + found.en[1:])


def _shown(value: ast.Value | ast.Range, attribute: str, vocabulary: Vocabulary) -> Words:
    match value:
        case ast.Range():
            low, high = (_shown(one, attribute, vocabulary) for one in (value.low, value.high))
            return Words(f"{low.th} ถึง {high.th}", f"{low.en} to {high.en}")
        case ast.Text():
            return vocabulary.code_words(attribute, value.value)
        case ast.Boolean():
            return Words("ใช่", "yes") if value.value else Words("ไม่ใช่", "no")
        case ast.Instant():
            return _same(format_time(value.value))
        case _:
            return _same(str(value.value))


def _same(text: str) -> Words:
    return Words(text, text)


def _joined(parts: list[Words], by: Words) -> Words:
    return Words(by.th.join(one.th for one in parts), by.en.join(one.en for one in parts))
