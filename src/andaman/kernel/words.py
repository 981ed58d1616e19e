"""A text in Thai and English, with placeholders for parameters.

Screens show the reader's half. A problem document and the log show the English one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_origin, get_type_hints

State = Annotated[str, "state"]
"""The code of a state, such as "enRoute"; a screen shows the state's name."""
States = Annotated[Sequence[str], "states"]
FieldName = Annotated[str, "field"]
"""A member of a form or body, such as "severity"; a screen shows the name of the field."""

Time = Annotated[str, "time"]
"""An instant, such as "2026-11-30T07:32:00Z"; a screen shows it in the reader's form."""

Day = Annotated[str, "day"]
"""A day, such as "2026-11-30"; a screen shows it in the reader's form."""

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """``Words("{unit}ไม่ว่าง", "{unit} is not available")``: the same text in both languages.

    A name of an entity is Words too: its braces, if any, are only characters.
    """

    th: str
    en: str

    def placeholders(self) -> frozenset[str]:
        """The names in braces. Raises ValueError when a text is empty or the languages have different names."""
        thai, english = (frozenset(_PLACEHOLDER.findall(text)) for text in (self.th, self.en))
        if not self.th.strip() or not self.en.strip():
            raise ValueError(f"{self!r} needs a text in both languages")
        if thai != english:
            raise ValueError(f"{self!r} has different placeholders in its languages")
        return thai

    def fill(self, params: Mapping[str, Any]) -> Words:
        """Both texts with each placeholder replaced by its parameter; one without a parameter stays."""
        return Words(_filled(self.th, params, "th"), _filled(self.en, params, "en"))

    def english(self, params: Mapping[str, Any]) -> str:
        """The English text with its parameters."""
        return _filled(self.en, params, "en")

    def json(self) -> dict[str, str]:
        """``{"th": …, "en": …}``, a language map of NGSI-LD."""
        return {"th": self.th, "en": self.en}


LanguageMap = Mapping[str, str]
"""``{"th": …, "en": …}`` as data has it, such as a definition in JSON."""
Names = Annotated[Sequence[Words], "names"]


def kinds_of(owner: type, parameters: Iterable[str]) -> dict[str, str]:
    """Parameter → its kind for a reader, by its annotation: name, names, state, states, field, time, day, number or text."""
    hints = get_type_hints(owner, include_extras=True)
    return {name: _kind(hints[name]) for name in parameters}


def _kind(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return str(hint.__metadata__[0])
    if hint is Words:
        return "name"
    return "number" if hint in (int, float) else "text"


def json_of(param: Any) -> Any:
    """A parameter as JSON: Words as a language map, sequences as lists."""
    if isinstance(param, Words):
        return param.json()
    if isinstance(param, Sequence) and not isinstance(param, str):
        return [json_of(one) for one in param]
    return param


def json_params(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json_of(param) for name, param in params.items()}


def _filled(text: str, params: Mapping[str, Any], language: str) -> str:
    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        return _shown(params[name], language) if name in params else match.group()

    return _PLACEHOLDER.sub(one, text)


def _shown(param: Any, language: str) -> str:
    if isinstance(param, Words):
        return param.th if language == "th" else param.en
    if isinstance(param, float):
        return f"{param:g}"
    if isinstance(param, Sequence) and not isinstance(param, str):
        return ", ".join(_shown(one, language) for one in param)
    return str(param)
