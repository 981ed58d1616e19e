"""Decision records have one form, and the index lists each with its title, date and status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs/decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
_FIRST = re.compile(r"# (\d{4}) (.+)\n\nDate: (\d{4}-\d{2}-\d{2})\. Status: (.+)\.\n")
_STATUS = re.compile(
    r"proposed|in force(, changed by \d{4})?|accepted, not built|replaced by \d{4}|in force, in part replaced by \d{4}"
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem[:4])
def test_a_record_has_the_form_and_is_in_the_index(record: Path) -> None:
    text = record.read_text("utf-8")
    first = _FIRST.match(text)
    assert first, f"{record.name}: see TEMPLATE.md"
    number, title, date, status = first.groups()
    assert record.name.startswith(number)
    assert _STATUS.fullmatch(status), status
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings in (
        ["Context", "Decision", "Considered", "Cost"],
        ["Context", "Decision", "Considered", "Cost", "Changes since"],
    )
    row = f"| [{number}]({record.name}) | {title} | {date} | {status} |"
    assert row in (FOLDER / "README.md").read_text("utf-8")


def test_numbers_are_used_once() -> None:
    numbers = [record.name[:4] for record in RECORDS]
    assert len(numbers) == len(set(numbers))
