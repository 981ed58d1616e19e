"""One Thai word for one thing: docs/terms.th.md, held against every Thai text of screens, server and packs."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scripts.check_words import THAI_GUIDE, thai_avoided

ROOT = Path(__file__).parents[1]
TERMS = ROOT / "docs/terms.th.md"
THAI = re.compile(r"[ก-๙]")
QUOTED = re.compile(r"'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`")
"""Texts of TypeScript and Svelte; markup between tags has none, every text is a message."""


@dataclass(frozen=True)
class Term:
    use: str
    avoid: tuple[str, ...]
    allowed: tuple[str, ...]


def terms(text: str) -> list[Term]:
    """The rows of the tables "| ใช้ | ไม่ใช้ | อังกฤษ | ยกเว้น | หมายเหตุ |"."""
    found: list[Term] = []
    is_table = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[:4] == ["ใช้", "ไม่ใช้", "อังกฤษ", "ยกเว้น"]:
            is_table = True
        elif not line.startswith("|"):
            is_table = False
        elif is_table and not set(cells[0]) <= {"-"}:
            parts = [
                tuple(one.strip() for one in cell.split(",") if one.strip()) for cell in (cells[1], cells[3])
            ]
            found.append(Term(cells[0], *parts))
    return found


def variants(text: str, rows: list[Term]) -> list[str]:
    """What the text says in another word than the one to use."""
    found = []
    for row in rows:
        rest = text
        for phrase in row.allowed:
            rest = rest.replace(phrase, "")
        found += [f"{word} → {row.use}" for word in row.avoid if word in rest]
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _texts(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    elif path.suffix == ".json":
        yield from _strings(json.loads(text))
    elif path.suffix == ".toml":
        yield from _strings(tomllib.loads(text))
    else:
        for match in QUOTED.finditer(text):
            yield next(group for group in match.groups() if group is not None)


def thai_texts() -> dict[str, list[str]]:
    """File → its Thai texts."""
    trees = {"src/andaman": ("py", "json", "toml"), "web/src": ("ts", "svelte")}
    found: dict[str, list[str]] = {}
    for tree, kinds in trees.items():
        for kind in kinds:
            for path in sorted((ROOT / tree).rglob(f"*.{kind}")):
                if "static" in path.parts or path.name.endswith(".test.ts"):
                    continue
                texts = [text for text in _texts(path) if THAI.search(text)]
                if texts:
                    found[str(path.relative_to(ROOT))] = texts
    return found


def test_every_thai_text_uses_the_words_of_the_list() -> None:
    rows, avoided = terms(TERMS.read_text("utf-8")), thai_avoided(THAI_GUIDE.read_text("utf-8"))
    rows += [Term(use, (word,), ()) for word, use in avoided.items() if use]
    found = [
        f"{file}: {fault}: {text[:80]}"
        for file, texts in thai_texts().items()
        for text in texts
        for fault in variants(text, rows)
    ]
    assert found == []


def test_the_list_is_read_and_the_texts_are_found() -> None:
    rows = terms(TERMS.read_text("utf-8"))
    assert len(rows) >= 20
    words = [word for row in rows for word in row.avoid]
    assert len(words) == len(set(words))
    texts = thai_texts()
    assert len(texts) > 80
    assert sum(map(len, texts.values())) > 3000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("มอบหมายหน่วยกู้ชีพ", "มอบหมายหน่วย → สั่งการหน่วย"),
        ("เซสชันสิ้นสุดแล้ว", "เซสชัน → การเข้าใช้ระบบ"),
        ("ร้อยละ -26.6", "ร้อยละ - → ลดลงร้อยละ 26.6"),
    ],
)
def test_a_variant_is_found(text: str, fault: str) -> None:
    assert variants(text, terms(TERMS.read_text("utf-8"))) == [fault]


def test_no_word_to_use_is_itself_a_variant() -> None:
    rows = terms(TERMS.read_text("utf-8"))
    assert [
        fault for row in rows for fault in variants(row.use, [one for one in rows if one is not row])
    ] == []
