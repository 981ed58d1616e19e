"""Check the words of documents, code and screens against docs/writing.md and docs/writing.th.md.

    python scripts/check_words.py [--code] [FILE...]

Documents: words to avoid, length of sentences, width of lines. Code in src/andaman: first sentences of docstrings, and English
sentences in strings (errors, help, logs). Screens: words in ``messages.ts``. ``--code`` leaves out the documents. Exit code 1:
there are findings.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

ROOT: Final = Path(__file__).resolve().parents[1]
GUIDE: Final = ROOT / "docs/writing.md"
THAI_GUIDE: Final = ROOT / "docs/writing.th.md"
WORDS_MAX: Final = 25
COLUMNS_MAX: Final = 120
"""Prose is wrapped at 100 columns; a small edit need not wrap its paragraph again."""
CHECKED: Final = (":(glob)*.md", ":(glob)docs/**/*.md", ":(glob)src/**/README.md", "web/README.md")
NOT_CHECKED: Final = re.compile(
    r"^docs/writing\.th\.md$"  # names the words itself
    r"|^docs/(settings|doors|vocabulary|data-sources)\.md$"  # made from code and data
    r"|^docs/reviews/|^docs/state\.md$"  # records of a moment, which stay as they were written
)
TABLES_NOT_CHECKED: Final = ("docs/writing.md", "docs/benchmarks.md")
"""The words to avoid themselves; rows as ``make bench`` prints them."""
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_VERBATIM: Final = re.compile(r"^\s*(\||#|<|>|!\[|\[[^]]+\]:|-{3,}$)")
_ITEM: Final = re.compile(r"^\s*([-*+]|\d+\.)\s+")
_CODE: Final = re.compile(r"(``.+?``|`[^`]+`)")
_CODES: Final = re.compile(r"CODE(?:(?:,| and| or|, and|, or| ·| \||/| →|\+) ?CODE)+")
_LINK: Final = re.compile(r"!?\[([^]]*)\]\([^)]*\)")
_ADDRESS: Final = re.compile(r"<?https?://[^\s>)]+>?")
_END: Final = re.compile(r"(?<=[.!?])[\"')\]*_”]*\s+|\s·\s")
_NOT_ENGLISH: Final = re.compile(
    r"[\u0e00-\u0e7f]|\b[A-Z]+ [A-Z]+\b|\b(SELECT|FROM|WHERE|AS|BIGINT)\b|</?\w+>"
)
"""Thai, SQL and HTML."""
_ENGLISH: Final = re.compile(r"\ben:\s*([\"'`])((?:\\.|(?!\1).)*)\1")
"""A text of a screen, in any kind of quotation marks."""
_WORD: Final = re.compile(r"[^\W_][\w'’.,%/²·:@-]*")


@dataclass(frozen=True)
class Avoided:
    """A row of the guide's table."""

    phrase: re.Pattern[str]
    instead: str
    allowed: re.Pattern[str] | None


@dataclass(frozen=True)
class Block:
    """A paragraph, list item, heading or row of a table."""

    line: int
    text: str
    is_prose: bool


def avoided(guide: str) -> list[Avoided]:
    """The rows below "| avoid | write | allowed |" in the guide."""
    rows: list[Avoided] = []
    is_table = False
    for line in guide.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[:2] == ["avoid", "write"]:
            is_table = True
        elif not line.startswith("|"):
            is_table = False
        elif is_table and not cells[0].startswith("-"):
            rows.append(Avoided(_any_of(cells[0]), cells[1], _any_of(cells[2]) if cells[2] else None))
    return rows


def thai_avoided(guide: str) -> dict[str, str]:
    """The Thai words below "| ไม่ใช้ | ใช้ |" in the Thai guide → what to write."""
    rows: dict[str, str] = {}
    is_table = False
    for line in guide.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[:2] == ["ไม่ใช้", "ใช้"]:
            is_table = True
        elif not line.startswith("|"):
            is_table = False
        elif is_table and not cells[0].startswith("-"):
            rows |= {word.strip(): cells[1] for word in cells[0].split(",")}
    return rows


def in_thai(text: str, rows: dict[str, str]) -> Iterator[tuple[int, str]]:
    """(line, what is wrong). Thai has no spaces between words, so a word is found anywhere."""
    for number, line in enumerate(text.splitlines(), 1):
        yield from ((number, f"{word}: {instead}") for word, instead in rows.items() if word in line)


def _any_of(cell: str) -> re.Pattern[str]:
    phrases = [re.escape(phrase.strip()).replace(r"\ ", r"\s+") for phrase in cell.split(",")]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(phrases)})(?![\w-])", re.IGNORECASE)


def blocks(text: str) -> Iterator[Block]:
    """The parts of a Markdown page that people read: no code blocks, no comments."""
    lines: list[str] = []
    start, fence = 0, False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        is_mark = bool(_FENCE.match(line))
        ends = fence or is_mark or not line.strip() or bool(_VERBATIM.match(line)) or bool(_ITEM.match(line))
        if ends and lines:
            yield Block(start, " ".join(lines), True)
            lines = []
        fence = fence != is_mark
        if fence or is_mark or not line.strip():
            continue
        if _VERBATIM.match(line):
            if not line.lstrip().startswith(("<", ">")):
                yield Block(number, line.strip(), False)
            continue
        if not lines:
            start = number
        lines.append(_ITEM.sub("", line).strip())


def readable(text: str) -> str:
    """The text without addresses, with each code span as one word."""
    text = _LINK.sub(r"\1", _CODE.sub("CODE", text))
    return _CODES.sub("CODE", _ADDRESS.sub("ADDRESS", text))


def sentences(text: str) -> list[str]:
    return [part for part in _END.split(text) if part and part.strip()]


def findings(text: str, rows: Iterable[Avoided], *, tables: bool = True) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of a Markdown page. ``tables``: look for words to avoid in tables too."""
    rows = list(rows)
    for block in blocks(text):
        prose = readable(block.text)
        for sentence in sentences(prose):
            if block.is_prose or tables:
                yield from ((block.line, found) for found in _words(sentence, rows))
            if block.is_prose and (count := len(_WORD.findall(sentence))) > WORDS_MAX:
                yield block.line, f"{count} words: {sentence[:90]} …"
    fence = False
    for number, line in enumerate(text.splitlines(), 1):
        fence = fence != bool(_FENCE.match(line))
        breakable = _CODE.sub(lambda code: code.group(0).replace(" ", "_"), line).strip()
        is_wide = len(line) > COLUMNS_MAX and " " in _ITEM.sub("", breakable)
        if is_wide and not fence and not _VERBATIM.match(line):
            yield number, f"{len(line)} columns: wrap at 100 (scripts/wrap_prose.py)"


def _words(sentence: str, rows: Iterable[Avoided]) -> Iterator[str]:
    for row in rows:
        left = row.allowed.sub("…", sentence) if row.allowed else sentence
        for found in row.phrase.finditer(left):
            if found.group(0).lower().startswith("what ") and sentence.rstrip().endswith("?"):
                continue  # a question may ask "what is …?"
            yield f'"{found.group(0)}": write {row.instead}'


def in_code(source: str, rows: Iterable[Avoided]) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of first sentences of docstrings and of English sentences in strings."""
    rows = list(rows)
    for line, text in _texts(ast.parse(source)):
        sentence = readable(text)
        yield from ((line, found) for found in _words(sentence, rows))
        if (count := len(_WORD.findall(sentence))) > WORDS_MAX:
            yield line, f"{count} words: {sentence[:90]} …"


def in_messages(source: str, rows: Iterable[Avoided]) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of the English words of screens: ``en: '…'``."""
    rows = list(rows)
    for found in _ENGLISH.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        for sentence in sentences(" ".join(found.group(2).split())):
            yield from ((line, what) for what in _words(sentence, rows))
            if (count := len(_WORD.findall(sentence))) > WORDS_MAX:
                yield line, f"{count} words: {sentence[:90]} …"


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, sentence). A string counts when it has three words or more: errors, help, words of screens, log messages."""
    parts: set[ast.expr] = set()
    for node in ast.walk(tree):  # a node comes before those inside it
        if isinstance(node, ast.Expr) and _is_text(node.value):
            parts.add(node.value)
            yield node.lineno, sentences(_flat(node.value).split("\0")[0])[0]
        elif isinstance(node, ast.Constant | ast.JoinedStr) and node not in parts:
            parts |= set(node.values) if isinstance(node, ast.JoinedStr) else set()
            text = _flat(node)
            if len(text.split()) > 2 and not _NOT_ENGLISH.search(text):
                yield from ((node.lineno, one) for one in sentences(text.replace("\0", " ")))


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value.strip())


def _flat(node: ast.expr) -> str:
    """Its text on one line, "CODE" for each value put in, NUL between paragraphs; "" when it is not a string."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(one.value) if isinstance(one, ast.Constant) else "CODE" for one in node.values)
    else:
        text = str(node.value) if _is_text(node) else ""
    return "\0".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def documents() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *CHECKED],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [ROOT / name for name in sorted(set(names)) if not NOT_CHECKED.search(name)]


def code() -> list[Path]:
    """The code and the words of screens."""
    return [*sorted((ROOT / "src/andaman").rglob("*.py")), *sorted((ROOT / "web/src").rglob("messages*.ts"))]


def _findings_of(path: Path, rows: list[Avoided], thai: dict[str, str]) -> Iterator[tuple[int, str]]:
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from in_code(text, rows)
        yield from in_thai(text, thai)
    elif path.suffix == ".ts":
        yield from in_messages(text, rows)
        yield from in_thai(text, thai)
    elif path.name.endswith(".th.md"):
        yield from in_thai(text, thai)
    else:
        yield from findings(text, rows, tables=not str(path).endswith(TABLES_NOT_CHECKED))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--code", action="store_true", help="check code and screens only")
    parser.add_argument("files", nargs="*", type=Path, help="these and no others")
    chosen = parser.parse_args()
    rows = avoided(GUIDE.read_text("utf-8"))
    thai = thai_avoided(THAI_GUIDE.read_text("utf-8"))
    paths = [one.resolve() for one in chosen.files] or [*([] if chosen.code else documents()), *code()]
    total = 0
    for path in paths:
        for line, what in _findings_of(path, rows, thai):
            print(f"{path.relative_to(ROOT)}:{line}: {what}")
            total += 1
    if total:
        print(f"{total} findings; docs/writing.md says how to write")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
