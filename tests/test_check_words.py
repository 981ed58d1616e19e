"""The check of words finds what docs/writing.md forbids, and leaves names, tables and quotations alone."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("check_words", ROOT / "scripts/check_words.py")
assert _SPEC is not None
assert _SPEC.loader is not None
check_words = importlib.util.module_from_spec(_SPEC)
sys.modules["check_words"] = check_words
_SPEC.loader.exec_module(check_words)
ROWS = check_words.avoided((ROOT / "docs/writing.md").read_text("utf-8"))
LONG = "word\n" * 25


def found(text: str) -> list[str]:
    return [what for _, what in check_words.findings(text, ROWS)]


@pytest.mark.parametrize(
    "text",
    [
        "The whole\ncity.",
        "- It stands here.",
        "| a | What it was told |",
        "# Begun anew",
        "Word " + LONG,
        "- item one\n- Word " + LONG,
        "word " * 23 + "abcdefghijk",
    ],
)
def test_what_the_guide_forbids_is_found(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "A whole number. `told` is a name.",
        "```\nwhole told anew\n```",
        "> It stands as the standard says.",
        "| " + "word " * 50 + "|",
        "What is an entity?",
        LONG.strip() + ". " + LONG.strip() + ".",
        "`a`, `b` and `c`\n" + "word\n" * 24,
        "See [the\npage](https://example.org/a/very/long/address/that/nobody/wraps/because/it/is/one/word/and/more.html).",
    ],
)
def test_what_the_guide_allows_is_not_found(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize(
    "source",
    [
        '"""Told anew."""',
        'def f():\n    """It stands\n    here. Fine."""',
        'LIMIT = 5\n"""Of which one is used."""',
        'raise ValueError(f"{f} stands here")',
        'log.info("the whole of %s", it)',
        'help="' + LONG.replace("\n", " ") + 'and more"',
    ],
)
def test_docstrings_and_sentences_of_code_are_read(source: str) -> None:
    assert list(check_words.in_code(source, ROWS))


@pytest.mark.parametrize(
    "source",
    [
        '"""Fine. Told anew."""',  # only the first sentence of a docstring
        '"""Fine.\n\nTold anew."""',
        'KEYS = {"told": "the whole"}',  # names and short texts
        'db.execute("SELECT whole FROM told WHERE a IS NOT NULL")',
        "# told anew\n",
        f'x = "{"คำ " * 40}"',
    ],
)
def test_other_parts_of_code_are_left_alone(source: str) -> None:
    assert not list(check_words.in_code(source, ROWS))


def test_english_words_of_screens_are_read() -> None:
    source = "a: { th: 'ก', en: 'All is well' },\nb: { th: 'ข', en: \"It isn't whole\" },\n// told\n"
    assert [line for line, _ in check_words.in_messages(source, ROWS)] == [2]


def test_thai_words_to_avoid_are_found_inside_a_line() -> None:
    rows = check_words.thai_avoided((ROOT / "docs/writing.th.md").read_text("utf-8"))
    assert [line for line, _ in check_words.in_thai("บันทึกแล้ว\nระบบทำการบันทึกแล้ว\n", rows)] == [2]
