"""A constant of a study as people read it: its value, its unit, its source and how far that was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from andaman.assessment.citation import Check, check_json
from andaman.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Constant:
    """``code``: its name in answers and formulas, such as "lost_min"."""

    code: str
    name: Words
    value: float | str
    unit: Words
    source: Words
    check: Check

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": words_json(self.name),
            "value": self.value,
            "unit": words_json(self.unit),
            "source": words_json(self.source),
            **check_json(self.check),
        }


def words_json(words: Words) -> dict[str, str]:
    return {"th": words.th, "en": words.en}


def constants_json(constants: Sequence[Constant]) -> list[dict[str, Any]]:
    return [one.as_json() for one in constants]
