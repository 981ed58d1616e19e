"""The places of keys in a TOML file: the standard library's reader keeps no positions, and messages name the line.

The text was read by ``tomllib`` before, so that only what is valid TOML comes here.
"""

from __future__ import annotations

import re
from typing import Final

Path = tuple[str | int, ...]
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_PLAIN: Final = re.compile(r"[^\s,\[\]{}#][^,\[\]{}#\n]*")


def find_lines(text: str) -> dict[Path, int]:
    """Path of each key and table → its line, from 1. Elements of lists of tables count from 0: ``("topic", 0, "qos")``."""
    return _Scanner(text.replace("\r\n", "\n")).run()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of the key nearest to ``path``; 1 if nothing of it is written."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counted: dict[Path, int] = {}  # lists of tables: number of the last element

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return self._lines
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _note(self, path: Path) -> None:
        line = self._text.count("\n", 0, self._at) + 1
        for end in range(1, len(path) + 1):
            self._lines.setdefault(path[:end], line)

    def _header(self) -> Path:
        start = self._at
        is_list = self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        keys = self._keys()
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            if is_list and index == len(keys) - 1:
                self._counted[path] = self._counted.get(path, -1) + 1
            if path in self._counted:
                path = (*path, self._counted[path])
        self._at, end = start, self._at
        self._note(path)
        self._at = self._text.index("]", end) + (2 if is_list else 1)
        return path

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            found = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            if found is None:  # cannot be in valid TOML; go on rather than stand still
                self._at += 1
                return keys
            word = found[0]
            keys.append(word[1:-1] if word[0] in "\"'" else word)
            self._at = found.end()
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._keys())
        self._at, end = start, self._at
        self._note(path)
        self._at = end
        if self._text.startswith("=", self._at):
            self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        char = self._text[self._at : self._at + 1]
        if char == "{":
            self._at += 1
            while True:
                self._skip(_BLANK)
                if self._text[self._at : self._at + 1] in ("}", ""):
                    self._at += 1
                    return
                if self._text[self._at] == ",":
                    self._at += 1
                    continue
                self._pair(path)
        elif char == "[":
            self._at += 1
            number = 0
            while True:
                self._skip(_BLANK)
                if self._text[self._at : self._at + 1] in ("]", ""):
                    self._at += 1
                    return
                if self._text[self._at] == ",":
                    self._at += 1
                    number += 1
                    continue
                self._note((*path, number))
                self._value((*path, number))
        else:
            found = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            self._at = found.end() if found is not None else self._at + 1
