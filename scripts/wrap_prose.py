"""Wrap the prose of Markdown files at 100 columns. Tables, fenced code, headings and HTML stay as they are.

python scripts/wrap_prose.py FILE...
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

COLUMNS: Final = 100
ITEM: Final = re.compile(r"^(\s*)([-*+]|\d+\.)(\s+)")
VERBATIM: Final = re.compile(r"^\s*(\||#|<|>|!\[|\[[^]]+\]:|-{3,}$)")
_MARK: Final = re.compile(r"^([-*+>|]|#+|\d+\.)$")
"""A word that would begin a list, a heading or a quotation at the start of a line."""
_UNBREAKABLE: Final = re.compile(r"`[^`]*`")


def wrapped(text: str) -> str:
    """The text with its paragraphs and list items wrapped."""
    out: list[str] = []
    block: list[str] = []
    indents = ("", "")
    fence = ""

    def flush() -> None:
        nonlocal block
        if block:
            out.extend(_fill(" ".join(block), *indents))
        block = []

    for line in text.splitlines():
        mark = line.lstrip()[:3]
        if fence or mark in ("```", "~~~"):
            flush()
            out.append(line)
            fence = "" if fence and mark == fence else fence or mark
        elif not line.strip() or VERBATIM.match(line):
            flush()
            out.append(line.rstrip())
        elif found := ITEM.match(line):
            flush()
            indents = (found.group(0), " " * len(found.group(0)))
            block = [line[found.end() :].strip()]
        else:
            if not block:
                before = re.match(r"\s*", line)
                indents = (before.group(0), before.group(0)) if before else ("", "")
            block.append(line.strip())
    flush()
    return "\n".join(out) + "\n"


def _fill(text: str, first: str, rest: str) -> list[str]:
    words: list[str] = []
    for word in _UNBREAKABLE.sub(lambda code: code.group(0).replace(" ", "\0"), text).split():
        if words and _MARK.match(word):
            words[-1] += f"\1{word}"
        else:
            words.append(word)
    lines, line = [], first
    for word in words:
        joint = "" if line in (first, rest) and not line.strip(" -*+.0123456789") else " "
        if joint and len(line) + 1 + len(word) > COLUMNS:
            lines.append(line)
            line, joint = rest, ""
        line += joint + word
    return [one.replace("\0", " ").replace("\1", " ") for one in (*lines, line)]


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(wrapped(path.read_text("utf-8")), "utf-8")
