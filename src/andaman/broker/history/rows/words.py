"""Dictionary words of one answer: the store's numbers, and numbers of its own for what only the journal's tail has."""

from __future__ import annotations

from andaman.broker.history.rows.names import Names
from andaman.broker.history.rows.rows import NUMERIC, Form, read_form


class Words:
    """A number stands for the same text throughout the answer, also when the store learns the text meanwhile."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._texts = names.texts
        self._known: dict[str, int] = {}
        self._extra_texts: list[str] = []  # numbers below -1

    def word(self, text: str) -> int:
        """The number of a text, for this answer only: texts that only the tail has get numbers below -1."""
        number = self._known.get(text)
        if number is None:
            number = self._names.word(text)
            if number < 0:
                self._extra_texts.append(text)
                number = -1 - len(self._extra_texts)
            self._known[text] = number  # also when the store learns it meanwhile
        return number

    def text(self, number: int) -> str:
        return self._texts[number] if number >= 0 else self._extra_texts[-2 - number]

    def form(self, number: int) -> Form:
        return read_form(self.text(number))

    def observed(self, form: int) -> bool:
        """Do instances of this form have observedAt?"""
        text = self.text(form)
        return text[:1] == "[" and read_form(text).observed >= 0

    def numeric(self, form: int) -> bool:
        """Is the value a number, or true or false?"""
        text = self.text(form)
        return text[:1] == "[" and read_form(text).value in NUMERIC

    def has_body(self, form: int) -> bool:
        """Is part of the value kept as text?"""
        text = self.text(form)
        return text[:1] == "[" and read_form(text).value in "jr"
