"""The check of documents finds what docs/writing.md forbids, and leaves code, tables and quotations alone."""

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


def test_code_is_read_for_docstrings_and_errors() -> None:
    source = (
        '"""Told anew."""\n\n\ndef f():\n    """Fine. Told."""\n    raise ValueError(f"{f} stands here")\n'
    )
    assert [line for line, _ in check_words.in_code(source, ROWS)] == [1, 1, 6]


def test_thai_words_to_avoid_are_found_inside_a_line() -> None:
    rows = check_words.thai_avoided((ROOT / "docs/writing.th.md").read_text("utf-8"))
    assert [line for line, _ in check_words.in_thai("บันทึกแล้ว\nระบบทำการบันทึกแล้ว\n", rows)] == [2]
