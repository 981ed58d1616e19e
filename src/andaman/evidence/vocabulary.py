"""Words of entity types, attributes and codes, as the rooms declare them."""

from __future__ import annotations

from collections.abc import Iterable

from andaman.broker.api import Instance
from andaman.kernel.words import Words
from andaman.units import UNITS
from andaman.vocabulary import EntityType, attributes_of


class Vocabulary:
    """Words of entity types and attributes, by short name."""

    def __init__(self, types: Iterable[EntityType]) -> None:
        types = tuple(types)
        self._types = {one.name: one.words for one in types}
        self._attributes = {name: rows[0] for name, rows in attributes_of(types).items()}
        self._codes = {
            (name, code.value): code.words
            for name, rows in attributes_of(types).items()
            for row in rows
            for code in row.codes
        }
        self._units = {one.code: one.words for one in UNITS}

    def type_words(self, name: str) -> Words:
        return self._types.get(name, Words(name, name))

    def attribute_words(self, name: str) -> Words:
        found = self._attributes.get(name)
        return Words(name, name) if found is None else found.words

    def code_words(self, attribute: str, code: str) -> Words:
        """A value of an attribute; the value itself where it is not a code."""
        return self._codes.get((attribute, code), Words(code, code))

    def unit_of(self, name: str, instance: Instance) -> Words | None:
        """The sign of the unit of a value; None where it has none."""
        code = instance.get("unitCode")
        row = self._attributes.get(name)
        if code is None and row is not None and row.unit is not None:
            code = row.unit.code
        return self._units.get(code) if isinstance(code, str) else None
