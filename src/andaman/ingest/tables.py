"""Tables of a TOML file, read key by key; a faulty key is noted with its line, and reading continues."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, ParamSpec, Self, TypeVar, overload

from andaman.ingest.positions import Path as Place
from andaman.ingest.positions import find_lines, line_of
from andaman.ingest.rules import MappingError, Path, Pick, Step
from andaman.kernel.errors import AndamanError

T = TypeVar("T")
P = ParamSpec("P")
C = TypeVar("C", bound=str)
MOST_TOLD: Final = 20
MOST_STEPS: Final = 64
"""Of a path: as deep as values are taken."""
_INDEX: Final = re.compile(r"\[\s*(\d+)\s*\]|\[\s*(['\"])(.*?)\2\s*\]")
_STEP: Final = re.compile(r"([^.\[\]]*)((?:\[[^=\[\]]+=[^\[\]]*\])*)(?:\.|$)")
_PICK: Final = re.compile(r"\[([^=\[\]]+)=([^\[\]]*)\]")


class Faults:
    """The faults of one file."""

    def __init__(self, name: str, text: str) -> None:
        self.found: list[tuple[Place, str]] = []
        self._name = name
        self._text = text

    def add(self, place: Place, text: str) -> None:
        """``place``: the path of the key at fault; ``text``: the correct form."""
        self.found.append((place, text))

    def error(self) -> MappingError:
        """All of them, in the order of their lines."""
        lines = find_lines(self._text)
        told = sorted({(line_of(lines, place), text) for place, text in self.found})
        shown = [f"{self._name}, line {line}: {text}" for line, text in told[:MOST_TOLD]]
        if len(told) > MOST_TOLD:
            shown.append(f"and {len(told) - MOST_TOLD} more")
        return MappingError("\n".join(shown), faults=[{"line": line, "detail": text} for line, text in told])


class Table:
    """One table; ``where`` is how messages call it ("topic 1 (city/{id})")."""

    def __init__(self, content: Any, place: Place, where: str, faults: Faults) -> None:
        self.where = where
        self.faults = faults
        self._content = content
        self._place = place

    def named(self, where: str) -> Self:
        return type(self)(self._content, self._place, where, self.faults)

    # -- faults
    def fault(self, key: str, text: str) -> None:
        self.fault_at((key,), text)

    def fault_at(self, path: tuple[str, ...], text: str) -> None:
        name = ".".join([self.where, *path]) if path else self.where
        self.faults.add((*self._place, *path), f"{name} {text}")

    def check(self, key: str, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T | None:
        """The result of ``work``; None if it raises, and its message becomes a fault."""
        try:
            return work(*args, **named)
        except AndamanError as error:
            self.fault(key, f"is not valid: {error.detail}")
        except ValueError as error:
            self.fault(key, f"is not valid: {error}")
        return None

    # -- content
    def is_table(self) -> bool:
        if isinstance(self._content, dict):
            return True
        self.faults.add(
            self._place, f"{self.where} is a table, not {_shown(self._content)}; write [{self._example()}]"
        )
        return False

    def _example(self) -> str:
        return ".".join(str(part) for part in self._place if isinstance(part, str)) or "topic"

    def names(self) -> list[str]:
        return list(self._content)

    def has(self, key: str) -> bool:
        return key in self._content

    def raw(self, key: str) -> Any:
        return self._content[key]

    def only(self, known: Sequence[str]) -> None:
        """Note every key that is not ``known``, with the one that was probably meant."""
        for key in self._content:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1, 0.6)
                meant = f"; did you mean {near[0]}?" if near else ""
                self.faults.add(
                    (*self._place, key), f"{self.where}: unknown {key}{meant} Known are {', '.join(known)}"
                    if meant else f"{self.where}: unknown {key}; known are {', '.join(known)}",
                )  # fmt: skip

    def sub(self, key: str) -> Table | None:
        if key not in self._content:
            return None
        return Table(self._content[key], (*self._place, key), f"{self.where}.{key}", self.faults)

    @overload
    def text(self, key: str) -> str | None: ...
    @overload
    def text(self, key: str, default: str | None) -> str | None: ...
    def text(self, key: str, default: str | None = "") -> str | None:
        """A text that is not empty. Without ``default`` the key must be there."""
        if key not in self._content:
            if default == "":
                self.fault(key, f'is missing or is not text; write {key} = "…"')
                return None
            return default
        value = self._content[key]
        if not isinstance(value, str) or not value:
            right = f'"{value}"' if isinstance(value, (int, float)) else '"…"'
            self.fault(key, f"is missing or is not text: {_shown(value)}; write {key} = {right}")
            return default or None
        return value

    def texts(self, key: str, default: list[str]) -> list[str]:
        value = self._content.get(key, default)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
            self.fault(key, f'is text or a list of texts, such as ["a", "b"], not {_shown(value)}')
            return []
        if key in self._content and not items:
            self.fault(key, 'is an empty list; leave it out, or write ["…"]')
        return items

    def choice(self, key: str, options: Sequence[C], default: C) -> C:
        value = self._content.get(key, default)
        for option in options:
            if isinstance(value, str) and value == option:
                return option
        near = difflib.get_close_matches(value, options, 1, 0.5) if isinstance(value, str) else []
        meant = f'; did you mean "{near[0]}"?' if near else ""
        self.fault(key, f"is one of {', '.join(options)}, not {_shown(value)}{meant}")
        return default

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self._content.get(key, default)
        if type(value) is not int or not low <= value <= high:
            numbers = f"{low} or {high}" if high == low + 1 else f"{low} to {high}"
            self.fault(key, f"is {numbers}, not {_shown(value)}; write {key} = {default}")
            return default
        return value

    def number(
        self, key: str, default: float | None, low: float = -math.inf, high: float = math.inf
    ) -> float | None:
        value = self._content.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            right = f"; write {key} = {value}" if isinstance(value, str) and _is_number(value) else ""
            self.fault(key, f"is a number, not {_shown(value)}{right}")
            return default
        if not low <= value <= high:
            self.fault(key, f"is a number from {low:g} to {high:g}, not {_shown(value)}")
            return default
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self._content.get(key, default)
        if not isinstance(value, bool):
            self.fault(key, f"is true or false, not {_shown(value)}")
            return default
        return value

    def list(self, key: str) -> list[Any]:
        value = self._content.get(key, [])
        if not isinstance(value, list):
            self.fault(
                key, f"is a list such as [-1, -9.99], not {_shown(value)}; write {key} = [{_shown(value)}]"
            )
            return []
        return value

    def path(self, key: str, default: Path | None) -> Path | None:
        """Steps into a message: "data.pm25", "readings.0.value", "measures[name=pm25].value", or a list of keys."""
        if key not in self._content:
            return default
        value = self._content[key]
        if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
            if len(value) > MOST_STEPS:
                self.fault(key, f"has {len(value)} steps; at most {MOST_STEPS} are followed")
            return tuple(value)
        habit = _other_habit(value) if isinstance(value, str) else ""
        if habit:
            self.fault(key, f"= {_shown(value)} is {habit}")
            return None
        found = read_path(value) if isinstance(value, str) else None
        if found is not None and len(found) > MOST_STEPS:
            self.fault(key, f"has {len(found)} steps; at most {MOST_STEPS} are followed")
            return None
        if found is None:
            self.fault(
                key,
                f'is a path into the message, such as "data.pm25" or "measures[name=pm25].value", not {_shown(value)}',
            )
        return found


def read_path(text: str) -> Path | None:
    """The steps of a dotted path; None where it is none."""
    if not text:
        return ()
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or not (found[1] or found[2]):
            return None
        if found[1]:
            steps.append(found[1])
        steps += [Pick(key.strip(), value.strip()) for key, value in _PICK.findall(found[2])]
        at = found.end()
    return None if text.endswith(".") else tuple(steps)


def _other_habit(text: str) -> str:
    """What is wrong with a path in the manner of JSONPath, JSON Pointer or a template, with the right form; "" otherwise.

    A key that really is called so is written as a list of keys."""
    if "{{" in text or "}}" in text:
        return 'a template; write the path alone, such as "data.pm25"'
    if "*" in text.split(".") or "[*]" in text or ".." in text or "[?" in text:
        return 'a search of JSONPath; name one value, and for a list of readings write each = "list"'
    root = text.strip()
    if root[:1] in ("$", "@") and root[1:2] in ("", ".", "["):
        kind, root = "JSONPath", root[1:].removeprefix(".")
        listed = [text]
    elif root[:1] == "/":
        kind, root = "a JSON Pointer", root[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
        listed = [text]
    elif _INDEX.search(root):
        kind, listed = "JSONPath", []
    else:
        return ""
    right = _INDEX.sub(lambda found: f".{found[1] or found[3]}", root).removeprefix(".")
    if listed:
        return f'{kind}; write "{right}", or ["{text[:80]}"] for a key that is called so'
    return f'{kind}; write "{right}"'


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _shown(value: Any) -> str:
    text = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return text if len(text) <= 80 else f"{text[:77]}…"
