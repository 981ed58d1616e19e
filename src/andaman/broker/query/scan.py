"""The shared parts of the query parsers: a cursor over the text, limits, and errors that point at a position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from andaman.kernel.errors import BadRequestData, TooComplexQuery

MAX_TEXT: Final = 16_384
MAX_DEPTH: Final = 32
MAX_TERMS: Final = 256

T = TypeVar("T")


class Cursor:
    """A position in a query text. Every step forward looks at each character a bounded number of times."""

    __slots__ = ("at", "depth", "name", "terms", "text")

    def __init__(self, text: str, name: str) -> None:
        """``name``: the parameter, for messages. Raises TooComplexQuery beyond ``MAX_TEXT`` characters."""
        if len(text) > MAX_TEXT:
            raise TooComplexQuery(
                f"{name} is {len(text)} characters long; at most {MAX_TEXT} are taken", field=name
            )
        self.text = text
        self.name = name
        self.at = 0
        self.depth = 0
        self.terms = 0

    def fail(self, wanted: str, at: int | None = None) -> NoReturn:
        """Raise BadRequestData: the text at the position, and what would be right there."""
        position = self.at if at is None else at
        found = self.text[position : position + 20]
        shown = f"found {found!r}" if found else "the text ends"
        raise BadRequestData(
            f"{self.name}: at position {position} {shown}; expected {wanted}",
            field=self.name,
            position=position,
        )

    @property
    def char(self) -> str:
        """The next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip_blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def run(self, stop: str) -> str:
        """Everything up to one of the characters in ``stop``, or the end."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stop:
            self.at += 1
        return self.text[start : self.at]

    def count_term(self) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise TooComplexQuery(f"{self.name} has more than {MAX_TERMS} terms", field=self.name)


def parse_logic(
    cursor: Cursor,
    term: Callable[[Cursor], T],
    both: Callable[[tuple[T, ...]], T],
    either: Callable[[tuple[T, ...]], T],
    or_signs: str,
) -> T:
    """``a;b|(c;d)`` with AND binding tighter than OR (CIM 009 §4.9), to the end of the text."""
    result = _either(cursor, term, both, either, or_signs)
    if cursor.char:
        cursor.fail(f"the end, ';' or one of {or_signs!r}")
    return result


def _either(
    cursor: Cursor,
    term: Callable[[Cursor], T],
    both: Callable[[tuple[T, ...]], T],
    either: Callable[[tuple[T, ...]], T],
    or_signs: str,
) -> T:
    ors: list[T] = []
    ands: list[T] = []
    while True:
        cursor.skip_blank()
        if cursor.char == "(":
            cursor.depth += 1
            if cursor.depth > MAX_DEPTH:
                raise TooComplexQuery(
                    f"{cursor.name} nests parentheses deeper than {MAX_DEPTH}",
                    field=cursor.name,
                    position=cursor.at,
                )
            opened = cursor.at
            cursor.at += 1
            ands.append(_either(cursor, term, both, either, or_signs))
            if not cursor.take(")"):
                cursor.fail(f"')' for the '(' at position {opened}")
            cursor.depth -= 1
        else:
            cursor.count_term()
            ands.append(term(cursor))
        cursor.skip_blank()
        if cursor.take(";"):
            continue
        ors.append(ands[0] if len(ands) == 1 else both(tuple(ands)))
        ands = []
        if cursor.char and cursor.char in or_signs:
            cursor.at += 1
            continue
        return ors[0] if len(ors) == 1 else either(tuple(ors))
